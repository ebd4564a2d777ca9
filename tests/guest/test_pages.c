// SPDX-License-Identifier: GPL-2.0
/* Pages, what is in them, and what maps them. */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/pgtable.h>
#include "test.h"

/* The words of a page that get a pattern: its ends, and cache lines between. */
static const unsigned short test_words[] = { 0, 1, 63, 64, 255, 256, 510, 511 };

/* Pages of a mapping that are read on every CPU. */
#define TEST_PROBES 64

/**
 * test_pages_alloc() - pages of their own
 * @nr: how many.
 *
 * Return: an array of them, or NULL.
 */
struct page **test_pages_alloc(unsigned int nr)
{
	struct page **pages = kvcalloc(nr, sizeof(*pages), GFP_KERNEL);
	unsigned int i;

	if (!pages)
		return NULL;
	for (i = 0; i < nr; i++) {
		pages[i] = alloc_page(GFP_KERNEL);
		if (!pages[i]) {
			test_pages_free(pages, i);
			return NULL;
		}
	}
	return pages;
}

/**
 * test_pages_free() - free pages and their array
 * @pages: the array; NULL is ignored.
 * @nr: how many pages it has.
 */
void test_pages_free(struct page **pages, unsigned int nr)
{
	if (!pages)
		return;
	while (nr--)
		__free_page(pages[nr]);
	kvfree(pages);
}

static u64 test_value(u64 seed, unsigned int page, unsigned int word)
{
	return (seed + page) * 0x9e3779b97f4a7c15ULL ^ word * 0x100000001ULL;
}

static void test_fill_one(void *addr, u64 seed, unsigned int page)
{
	u64 *words = addr;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(test_words); i++)
		WRITE_ONCE(words[test_words[i]], test_value(seed, page, test_words[i]));
}

static unsigned int test_verify_one(const void *addr, u64 seed, unsigned int page)
{
	const u64 *words = addr;
	unsigned int i, bad = 0;

	for (i = 0; i < ARRAY_SIZE(test_words); i++)
		bad += READ_ONCE(words[test_words[i]]) != test_value(seed, page, test_words[i]);
	return bad;
}

/**
 * test_fill() - write a pattern through a mapping
 * @addr: the mapping.
 * @nr: its pages.
 * @seed: which pattern; each page gets another part of it.
 */
void test_fill(void *addr, unsigned int nr, u64 seed)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		test_fill_one(addr + i * PAGE_SIZE, seed, i);
}

/**
 * test_verify() - look for a pattern through a mapping
 * @addr: the mapping.
 * @nr: its pages.
 * @seed: the pattern.
 *
 * Return: words that differ.
 */
unsigned int test_verify(const void *addr, unsigned int nr, u64 seed)
{
	unsigned int i, bad = 0;

	for (i = 0; i < nr; i++)
		bad += test_verify_one(addr + i * PAGE_SIZE, seed, i);
	return bad;
}

/**
 * test_fill_pages() - test_fill() through the direct map
 * @pages: pages.
 * @nr: how many.
 * @seed: the pattern.
 */
void test_fill_pages(struct page **pages, unsigned int nr, u64 seed)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		test_fill_one(page_address(pages[i]), seed, i);
}

/**
 * test_verify_pages() - test_verify() through the direct map
 * @pages: pages.
 * @nr: how many.
 * @seed: the pattern.
 *
 * Return: words that differ.
 */
unsigned int test_verify_pages(struct page **pages, unsigned int nr, u64 seed)
{
	unsigned int i, bad = 0;

	for (i = 0; i < nr; i++)
		bad += test_verify_one(page_address(pages[i]), seed, i);
	return bad;
}

/**
 * test_aliased() - how many of some pages pvmem calls aliased
 * @pages: pages.
 * @nr: how many.
 *
 * Return: pages.
 */
unsigned int test_aliased(struct page **pages, unsigned int nr)
{
	unsigned int aliased = 0;

	while (nr--)
		aliased += pvmem_page_aliased(*pages++);
	return aliased;
}

/**
 * test_counts_above() - pages that somebody else holds
 * @pages: pages.
 * @nr: how many.
 * @count: the references that are the caller's.
 *
 * Return: pages with more.
 */
unsigned int test_counts_above(struct page **pages, unsigned int nr, int count)
{
	unsigned int above = 0;

	while (nr--)
		above += page_count(*pages++) > count;
	return above;
}

/**
 * test_present() - page-table entries that are there
 * @addr: an address.
 * @nr: pages from there.
 *
 * Return: present entries.
 */
unsigned int test_present(const void *addr, unsigned int nr)
{
	unsigned int i, level, present = 0;
	pte_t *pte;

	for (i = 0; i < nr; i++) {
		pte = lookup_address((unsigned long)addr + i * PAGE_SIZE, &level);
		present += pte && pte_present(*pte);
	}
	return present;
}

/**
 * test_still_maps() - page-table entries that refer to certain pages
 * @addr: an address.
 * @pages: the pages that were mapped from there.
 * @nr: how many.
 *
 * Return: present entries that map the page that was there.
 */
unsigned int test_still_maps(const void *addr, struct page **pages, unsigned int nr)
{
	unsigned int i, level, found = 0;
	pte_t *pte;

	for (i = 0; i < nr; i++) {
		pte = lookup_address((unsigned long)addr + i * PAGE_SIZE, &level);
		found += pte && pte_present(*pte) && pte_pfn(*pte) == page_to_pfn(pages[i]);
	}
	return found;
}

struct test_probe {
	const void *addr;
	unsigned int nr;
	atomic_t readable;
};

static void test_probe_here(void *data)
{
	struct test_probe *probe = data;
	unsigned int i, step = max(1U, probe->nr / TEST_PROBES);
	u64 word;

	for (i = 0; i < probe->nr; i += step)
		if (!copy_from_kernel_nofault(&word, probe->addr + i * PAGE_SIZE, sizeof(word)))
			atomic_inc(&probe->readable);
}

/**
 * test_vmalloc_knows() - does the kernel's own code know an address?
 * @addr: where @pages are mapped.
 * @pages: the pages.
 * @nr: how many.
 *
 * Return: NULL, or what is wrong.
 */
const char *test_vmalloc_knows(const void *addr, struct page **pages, unsigned int nr)
{
	unsigned int i;

	if (!PAGE_ALIGNED(addr) || !is_vmalloc_addr(addr))
		return "no vmalloc address";
	for (i = 0; i < nr; i++)
		if (vmalloc_to_page(addr + i * PAGE_SIZE) != pages[i])
			return "vmalloc_to_page() finds another page";
	return NULL;
}

/**
 * test_readable() - how often an address can be read, tried on every CPU
 * @addr: the address.
 * @nr: pages from there, of which at most about TEST_PROBES are tried.
 *
 * Finds what only a TLB still knows; leaves what it can read in every TLB.
 *
 * Return: reads that did not fault.
 */
unsigned int test_readable(const void *addr, unsigned int nr)
{
	struct test_probe probe = { .addr = addr, .nr = nr };

	on_each_cpu(test_probe_here, &probe, 1);
	return atomic_read(&probe.readable);
}

/**
 * test_writable() - does the page table let an address be written?
 * @addr: the address.
 *
 * Does not try: Xen emulates a write to a page table that is mapped read-only.
 *
 * Return: whether its entry is present and writable.
 */
bool test_writable(const void *addr)
{
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)addr, &level);

	return pte && pte_present(*pte) && pte_write(*pte);
}

/**
 * test_write_faults() - does a write to an address fault?
 * @addr: the address; its content stays.
 *
 * Return: true when it does.
 */
bool test_write_faults(void *addr)
{
	u64 word;

	__get_kernel_nofault(&word, addr, u64, fault);
	__put_kernel_nofault(addr, &word, u64, fault);
	return false;
fault:
	return true;
}

/**
 * test_zero() - is a page zero?
 * @page: the page.
 *
 * Return: whether all of it is.
 */
bool test_zero(struct page *page)
{
	return !memchr_inv(page_address(page), 0, PAGE_SIZE);
}
