// SPDX-License-Identifier: GPL-2.0
/*
 * The alias table; alias.h says what a count means. No locks: counts are
 * atomic, the table itself never moves.
 */
#include <linux/vmalloc.h>
#include "alias.h"

/**
 * pvmem_alias_init() - allocate the table
 * @alias: what to initialise.
 * @nr_pfns: page frame numbers below this can be mapped; 4 bytes each.
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int pvmem_alias_init(struct pvmem_alias *alias, unsigned long nr_pfns)
{
	alias->count = vzalloc(nr_pfns * sizeof(*alias->count));
	alias->nr_pfns = alias->count ? nr_pfns : 0;
	return alias->count ? 0 : -ENOMEM;
}

/**
 * pvmem_alias_exit() - free the table
 * @alias: a table, or one that pvmem_alias_init() failed on.
 */
void pvmem_alias_exit(struct pvmem_alias *alias)
{
	vfree(alias->count);
	alias->count = NULL;
	alias->nr_pfns = 0;
}

/**
 * pvmem_alias_record() - count a mapping of each page, and remember the pages
 * @alias: the table.
 * @to: where to store the @nr page pointers, for pvmem_alias_drop().
 * @pages: pages about to be mapped; one may appear several times.
 * @nr: number of pages.
 *
 * One loop for both, because this is the hot path of a map.
 *
 * Return: the number of pages recorded: @nr, or the index of the first page
 * that is outside the table (hot-added since load, or not RAM); it and those
 * after it were not counted.
 */
unsigned int pvmem_alias_record(struct pvmem_alias *alias, struct page **to, struct page **pages, unsigned int nr)
{
	const struct page *base = pfn_to_page(0);
	const unsigned long nr_pfns = alias->nr_pfns;
	atomic_t *const count = alias->count;
	unsigned int i;

#pragma GCC unroll 4
	for (i = 0; i < nr; i++) {
		struct page *page = pages[i];
		unsigned long pfn = page - base;

		if (unlikely(pfn >= nr_pfns))
			return i;
		to[i] = page;
		atomic_inc(&count[pfn]);
	}
	return nr;
}

/**
 * pvmem_alias_drop() - a mapping of each page is gone from PTEs and TLBs
 * @alias: the table.
 * @pages: what pvmem_alias_record() stored.
 * @nr: number of pages.
 */
void pvmem_alias_drop(struct pvmem_alias *alias, struct page **pages, unsigned int nr)
{
	const struct page *base = pfn_to_page(0);
	atomic_t *const count = alias->count;
	unsigned int i;

	/* The flush comes before any count that says it happened. */
	smp_mb__before_atomic();
#pragma GCC unroll 4
	for (i = 0; i < nr; i++)
		atomic_dec(&count[pages[i] - base]);
}
