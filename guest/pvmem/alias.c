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
	if (!alias->count)
		return -ENOMEM;
	alias->nr_pfns = nr_pfns;
	return 0;
}

/**
 * pvmem_alias_exit() - free the table
 * @alias: a table, or one that pvmem_alias_init() failed on.
 */
void pvmem_alias_exit(struct pvmem_alias *alias)
{
	vfree(alias->count);
	memset(alias, 0, sizeof(*alias));
}

/**
 * pvmem_alias_record_all() - pvmem_alias_record() for many pages
 * @alias: the table.
 * @to: where to remember them.
 * @pages: pages about to be mapped; one may appear several times.
 * @nr: number of pages.
 *
 * Return: @nr, or the index of the first page that is outside the table; it and
 * those after it were not counted.
 */
unsigned int pvmem_alias_record_all(struct pvmem_alias *alias, struct page **to, struct page **pages, unsigned int nr)
{
	unsigned long pfn;
	unsigned int i;

#pragma GCC unroll 4
	for (i = 0; i < nr; i++)
		if (!pvmem_alias_record(alias, to + i, pages[i], &pfn))
			break;
	return i;
}

/**
 * pvmem_alias_drop() - a mapping of each page is gone from PTEs and TLBs
 * @alias: the table.
 * @pages: what pvmem_alias_record() stored.
 * @nr: number of pages.
 */
void pvmem_alias_drop(struct pvmem_alias *alias, struct page **pages, unsigned int nr)
{
	atomic_t *const count = alias->count;

	/* The flush comes before any count that says it happened. */
	smp_mb__before_atomic();
	for (; nr >= 4; nr -= 4, pages += 4) {
		atomic_dec(&count[page_to_pfn(pages[0])]);
		atomic_dec(&count[page_to_pfn(pages[1])]);
		atomic_dec(&count[page_to_pfn(pages[2])]);
		atomic_dec(&count[page_to_pfn(pages[3])]);
	}
	for (; nr; nr--)
		atomic_dec(&count[page_to_pfn(*pages++)]);
}
