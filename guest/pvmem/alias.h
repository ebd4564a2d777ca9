/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which page has a pvmem mapping, live or lazy: one 32-bit count per page frame,
 * in a flat table, so that the question costs one load and needs no page flag.
 *
 * A count is raised before the first PTE that maps the page is set and dropped
 * after the last TLB that could hold it was flushed. Zero therefore means: no
 * PTE and no TLB entry of pvmem's maps this page. Memory: 4 bytes per page
 * frame, 0.1 % of RAM. (Tried instead: a purge-generation stamp per page, no
 * cheaper once two unmaps of one page may race; chunks allocated on demand, four
 * instructions per page more, which costs a sixth of a bare map+unmap.)
 */
#ifndef PVMEM_ALIAS_H
#define PVMEM_ALIAS_H

#include <linux/atomic.h>
#include <linux/mm.h>

struct pvmem_alias {
	atomic_t *count;
	unsigned long nr_pfns;
};

int pvmem_alias_init(struct pvmem_alias *alias, unsigned long nr_pfns);
void pvmem_alias_exit(struct pvmem_alias *alias);
unsigned int pvmem_alias_record(struct pvmem_alias *alias, struct page **to, struct page **pages, unsigned int nr);
void pvmem_alias_drop(struct pvmem_alias *alias, struct page **pages, unsigned int nr);

/**
 * pvmem_alias_query() - does any pvmem mapping of a page exist?
 * @alias: the table.
 * @page: any page.
 *
 * Context: any. The answer for a page that somebody may be mapping right now is
 * stale at once; it is firm for a page that the caller owns.
 * Return: true when a live or lazy mapping exists.
 */
static inline bool pvmem_alias_query(const struct pvmem_alias *alias, const struct page *page)
{
	unsigned long pfn = page_to_pfn(page);

	/* Pairs with the barrier in pvmem_alias_drop(): 0 is seen after the flush. */
	return pfn < alias->nr_pfns && atomic_read_acquire(&alias->count[pfn]);
}

#endif
