// SPDX-License-Identifier: GPL-2.0
/* vm_map_ram() and vm_unmap_ram(), as a file system calls them: pvmem_takeover.ko serves them. */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "test.h"

static const unsigned short ram_sizes[] = { 1, 2, 16, 64, 65, 128, 129, 512, 700 };

#define RAM_SIZE_MAX 700
#define RAM_KEPT 3

static struct {
	struct page **pages;
	void *addr;
	unsigned int nr;
} ram_kept[RAM_KEPT];

static const char *ram_check_mapped(void *addr, struct page **pages, unsigned int nr)
{
	const char *why = test_vmalloc_knows(addr, pages, nr);

	if (why)
		return why;
	test_fill(addr, nr, nr);
	return test_verify_pages(pages, nr, nr) ? "written through the mapping, not seen in the page" : NULL;
}

static const char *ram_check_size(struct page **pages, unsigned int nr, bool pvmem)
{
	void *addr = vm_map_ram(pages, nr, NUMA_NO_NODE);
	const char *why;

	if (!addr)
		return "not mapped";
	why = ram_check_mapped(addr, pages, nr);
	if (!why && pvmem_is_mapping(addr) != pvmem)
		why = pvmem ? "mapped by the stock kernel" : "mapped by pvmem";
	vm_unmap_ram(addr, nr);
	vm_unmap_aliases();
	if (!why && test_present(addr, nr))
		why = "an entry is present after vm_unmap_aliases()";
	return why ?: test_counts_above(pages, nr, 1) ? "a page is held after vm_unmap_aliases()" : NULL;
}

/**
 * test_ram_map() - maps of all sizes show their pages, and are gone after vm_unmap_aliases()
 * @test: the case; pvmem=0: the stock kernel must serve them.
 */
void test_ram_map(struct test *test)
{
	struct page **pages = test_pages_alloc(RAM_SIZE_MAX);
	bool pvmem = test_arg(test, "pvmem", 1);
	unsigned int i;

	if (!pages) {
		test_check(test, false, "%u pages", RAM_SIZE_MAX);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(ram_sizes); i++) {
		char what[24];

		snprintf(what, sizeof(what), "%u pages", ram_sizes[i]);
		test_why(test, ram_check_size(pages, ram_sizes[i], pvmem), what);
	}
	test_pages_free(pages, RAM_SIZE_MAX);
}

/**
 * test_ram_keep() - maps that last until ram_drop
 * @test: the case.
 */
void test_ram_keep(struct test *test)
{
	unsigned int i;

	for (i = 0; i < RAM_KEPT; i++) {
		ram_kept[i].nr = 60 * i + 1;
		ram_kept[i].pages = test_pages_alloc(ram_kept[i].nr);
		ram_kept[i].addr = ram_kept[i].pages ? vm_map_ram(ram_kept[i].pages, ram_kept[i].nr, NUMA_NO_NODE)
						     : NULL;
		test_check(test, ram_kept[i].addr && pvmem_is_mapping(ram_kept[i].addr), "%u pages by pvmem",
			   ram_kept[i].nr);
	}
}

/**
 * test_ram_drop() - they still show their pages, and are unmapped
 * @test: the case.
 */
void test_ram_drop(struct test *test)
{
	unsigned int i;

	for (i = 0; i < RAM_KEPT; i++) {
		if (!ram_kept[i].addr)
			continue;
		test_why(test, ram_check_mapped(ram_kept[i].addr, ram_kept[i].pages, ram_kept[i].nr),
			 "still shows its pages");
		vm_unmap_ram(ram_kept[i].addr, ram_kept[i].nr);
		ram_kept[i].addr = NULL;
	}
	vm_unmap_aliases();
	pvmem_unmap_aliases();
	for (i = 0; i < RAM_KEPT; i++)
		if (ram_kept[i].pages)
			test_pages_free(ram_kept[i].pages, ram_kept[i].nr);
}
