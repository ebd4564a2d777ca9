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

/**
 * struct pvmem_alias - the table
 * @count: one for each page frame below @nr_pfns.
 * @nr_pfns: how many; those from here on may not be mapped.
 */
struct pvmem_alias {
	atomic_t *count;
	unsigned long nr_pfns;
};

/**
 * pvmem_alias_limit() - refuse pages that the backend cannot map
 * @alias: a table in which nothing is counted yet.
 * @nr_pfns: page frame numbers from here on are refused.
 */
static inline void pvmem_alias_limit(struct pvmem_alias *alias, unsigned long nr_pfns)
{
	alias->nr_pfns = min(alias->nr_pfns, nr_pfns);
}

int pvmem_alias_init(struct pvmem_alias *alias, unsigned long nr_pfns);
void pvmem_alias_exit(struct pvmem_alias *alias);
unsigned int pvmem_alias_record_all(struct pvmem_alias *alias, struct page **to, struct page **pages, unsigned int nr);
void pvmem_alias_drop(struct pvmem_alias *alias, struct page **pages, unsigned int nr);

/**
 * pvmem_alias_knows() - may a page be mapped?
 * @alias: the table.
 * @page: anything: a page hot-added since load, one that is not RAM, NULL.
 *
 * Return: true when the table has a count for it.
 */
static inline bool pvmem_alias_knows(const struct pvmem_alias *alias, const struct page *page)
{
	return page_to_pfn(page) < alias->nr_pfns;
}

/**
 * pvmem_alias_record() - count a mapping of a page, and remember the page
 * @alias: the table, or a local copy: it does not change.
 * @to: where to remember it, for pvmem_alias_drop().
 * @page: a page about to be mapped.
 * @pfn: out: its page frame number.
 *
 * Inline and for one page, so that whoever sets the PTE can do it in the same
 * loop: that is the hot path of a map.
 *
 * Return: true; false when the page may not be mapped, see pvmem_alias_knows().
 */
static __always_inline bool pvmem_alias_record(const struct pvmem_alias *alias, struct page **to, struct page *page,
					       unsigned long *pfn)
{
	*pfn = page_to_pfn(page);
	if (unlikely(*pfn >= alias->nr_pfns))
		return false;
	*to = page;
	atomic_inc(&alias->count[*pfn]);
	return true;
}

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
	/* Pairs with the barrier in pvmem_alias_drop(): 0 is seen after the flush. */
	return pvmem_alias_knows(alias, page) && atomic_read_acquire(&alias->count[page_to_pfn(page)]);
}

#endif
