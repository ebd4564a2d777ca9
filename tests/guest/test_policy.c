// SPDX-License-Identifier: GPL-2.0
/* What each policy promises of a page between unmap and purge. */
#include <linux/mm.h>
#include <linux/slab.h>
#include "test.h"

#define POLICY_PAGES 6

/* Enough to empty a CPU's list of free pages many times over. */
#define POLICY_REALLOCS 4096

/* Is @page what the allocator hands out next? */
static bool policy_reallocated(struct page *page)
{
	struct page **pages = test_pages_alloc(POLICY_REALLOCS);
	bool found = false;
	unsigned int i;

	for (i = 0; pages && i < POLICY_REALLOCS; i++)
		found |= pages[i] == page;
	test_pages_free(pages, pages ? POLICY_REALLOCS : 0);
	return found;
}

/* Maps, uses and unmaps pages under a policy; the address they had. */
static void *policy_unmapped(struct page **pages, unsigned int nr, enum pvmem_policy policy)
{
	void *addr;

	test_policy(policy);
	pvmem_unmap_aliases();
	addr = pvmem_map(pages, nr, PAGE_KERNEL);
	if (addr)
		test_fill(addr, nr, 1);
	pvmem_unmap(addr);
	return addr;
}

/**
 * test_policy_hold() - a lazy mapping keeps its pages
 * @test: the case.
 */
void test_policy_hold(struct test *test)
{
	struct page **pages = test_pages_alloc(POLICY_PAGES);
	struct page *freed = pages[0];
	void *addr = policy_unmapped(pages, POLICY_PAGES, PVMEM_POLICY_HOLD);

	test_check(test, test_counts_above(pages, POLICY_PAGES, 1) == POLICY_PAGES, "each page held after unmap");
	test_check(test, test_present(addr, POLICY_PAGES) == POLICY_PAGES, "entries present until the purge");
	test_check(test, test_stat("lazy_pages") == POLICY_PAGES, "all counted lazy");
	__free_page(freed);
	test_check(test, page_count(freed) == 1, "a page freed by its owner stays the lazy mapping's");
	test_check(test, !policy_reallocated(freed), "and is not allocated again");
	test_check(test, !pvmem_unmap_aliases() && !test_present(addr, POLICY_PAGES), "purge clears the entries");
	test_check(test, !test_counts_above(pages + 1, POLICY_PAGES - 1, 1) && !test_aliased(pages, POLICY_PAGES),
		   "and lets the pages go");
	pages[0] = alloc_page(GFP_KERNEL);
	test_pages_free(pages, POLICY_PAGES);
}

/**
 * test_policy_track() - a page is free at once, and the query knows
 * @test: the case.
 */
void test_policy_track(struct test *test)
{
	struct page **pages = test_pages_alloc(POLICY_PAGES);
	void *addr = policy_unmapped(pages, POLICY_PAGES, PVMEM_POLICY_TRACK);
	struct page *freed = pages[0];

	test_check(test, !test_counts_above(pages, POLICY_PAGES, 1), "no page held");
	test_check(test, test_present(addr, POLICY_PAGES) == POLICY_PAGES, "entries present until the purge");
	test_check(test, test_stat("lazy_pages") == POLICY_PAGES, "all counted lazy");
	__free_page(freed);
	test_check(test, policy_reallocated(freed), "a page freed by its owner is allocated again");
	test_check(test, test_aliased(pages, POLICY_PAGES) == POLICY_PAGES, "and still called aliased");
	test_check(test, !pvmem_unmap_aliases() && !test_present(addr, POLICY_PAGES), "purge clears the entries");
	test_check(test, !test_aliased(pages, POLICY_PAGES), "and nothing is aliased");
	pages[0] = alloc_page(GFP_KERNEL);
	test_pages_free(pages, POLICY_PAGES);
}

/**
 * test_policy_eager() - entries go at unmap, TLBs at the purge
 * @test: the case.
 */
void test_policy_eager(struct test *test)
{
	struct page **pages = test_pages_alloc(POLICY_PAGES);
	long flushes = test_stat("flushes");
	void *addr = policy_unmapped(pages, POLICY_PAGES, PVMEM_POLICY_EAGER);

	flushes = test_stat("flushes");
	test_check(test, !test_present(addr, POLICY_PAGES), "no entry present after unmap");
	test_check(test, test_aliased(pages, POLICY_PAGES) == POLICY_PAGES, "called aliased: a TLB may know them");
	test_check(test, !test_counts_above(pages, POLICY_PAGES, 1), "no page held");
	test_check(test, !pvmem_unmap_aliases() && test_stat("flushes") > flushes, "purge flushes");
	test_check(test, !test_readable(addr, POLICY_PAGES) && !test_aliased(pages, POLICY_PAGES),
		   "and no TLB knows them");
	test_pages_free(pages, POLICY_PAGES);
}

static const char *unheld_check(struct page **pages, unsigned int nr)
{
	long unheld = test_stat("unmap_unheld");
	void *addr = policy_unmapped(pages, nr, PVMEM_POLICY_HOLD);

	if (!addr)
		return "not mapped";
	if (test_stat("unmap_unheld") != unheld + 1)
		return "not counted";
	if (test_present(addr, nr) || test_readable(addr, nr))
		return "still mapped";
	return test_aliased(pages, nr) || test_stat("lazy_pages") ? "still called aliased" : NULL;
}

/**
 * test_policy_unheld() - what cannot be held is unmapped at once
 * @test: the case.
 */
void test_policy_unheld(struct test *test)
{
	struct page *block = alloc_pages(GFP_KERNEL, 2), *compound = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);
	struct page *mixed[3];
	long unheld;
	void *addr;

	if (!block || !compound) {
		test_check(test, false, "pages");
		return;
	}
	mixed[0] = block + 1;
	test_why(test, unheld_check(mixed, 1), "tail of a block that is not compound");
	mixed[0] = block;
	mixed[1] = compound;
	mixed[2] = block + 3;
	test_why(test, unheld_check(mixed, 3), "such a tail among others");
	test_check(test, page_count(block) == 1 && page_count(compound) == 1 && !page_count(block + 3),
		   "the others are not held either");

	unheld = test_stat("unmap_unheld");
	mixed[0] = compound + 1;
	addr = policy_unmapped(mixed, 1, PVMEM_POLICY_HOLD);
	test_check(test, addr && page_count(compound) == 2 && test_stat("unmap_unheld") == unheld,
		   "a compound page is held by its head");
	test_check(test, !pvmem_unmap_aliases() && page_count(compound) == 1, "until the purge");
	__free_pages(block, 2);
	__free_pages(compound, 2);
}

/**
 * test_policy_mixed() - mappings of all policies side by side, purged together
 * @test: the case.
 */
void test_policy_mixed(struct test *test)
{
	struct page **pages = test_pages_alloc(60 * POLICY_PAGES);
	void *addr[60];
	unsigned int i, held;

	for (i = 0; i < ARRAY_SIZE(addr); i++)
		addr[i] = pvmem_map(pages + i * POLICY_PAGES, POLICY_PAGES, PAGE_KERNEL);
	/* Mapped under one policy, unmapped under another: the unmap decides. */
	for (i = 0; i < ARRAY_SIZE(addr) - 1; i++) {
		test_policy(i % PVMEM_NR_POLICIES);
		pvmem_unmap(addr[i]);
	}
	held = test_counts_above(pages, 60 * POLICY_PAGES, 1);
	test_check(test, held == 20 * POLICY_PAGES, "%u pages held by those unmapped under hold", held);
	test_check(test, !pvmem_unmap_aliases(), "one purge");
	test_check(test, !test_counts_above(pages, 60 * POLICY_PAGES, 1), "no page held after it");
	test_check(test, test_aliased(pages, 60 * POLICY_PAGES) == POLICY_PAGES, "only the live mapping left");
	pvmem_unmap(addr[59]);
	test_check(test, !pvmem_unmap_aliases() && !test_aliased(pages, 60 * POLICY_PAGES), "and that, too, goes");
	test_check(test, !test_stat("live_pages") && !test_stat("lazy_pages"), "nothing live or lazy");
	test_pages_free(pages, 60 * POLICY_PAGES);
}
