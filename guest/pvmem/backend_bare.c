// SPDX-License-Identifier: GPL-2.0
/*
 * No hypervisor, or one whose guest owns its page tables (any HVM guest): plain
 * stores, and an interrupt to every CPU for a flush. Page-table pages need no
 * preparation beyond being zero.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <asm/pgtable.h>
#include <asm/tlbflush.h>
#include "backend_bare.h"
#include "core.h"

/* The bits of a protection are none of an address. set_pte() would be a call on a paravirt kernel. */
static __always_inline void pvmem_bare_set_pte(pte_t *ptep, unsigned long pfn, pteval_t prot)
{
	native_set_pte(ptep, native_make_pte(PFN_PHYS(pfn) + prot));
}

/* Record a page, and point an entry at it. */
static __always_inline bool pvmem_bare_set_one(const struct pvmem_alias *alias, struct page **to, pte_t *ptep,
					       struct page *page, pteval_t prot)
{
	unsigned long pfn;

	if (unlikely(!pvmem_alias_record(alias, to, page, &pfn)))
		return false;
	pvmem_bare_set_pte(ptep, pfn, prot);
	return true;
}

/* Most maps have one page. */
static noinline void *pvmem_bare_set_single(struct pvmem *pv, struct pvmem_table *table, unsigned int first,
					    struct page **page, pteval_t prot)
{
	if (unlikely(!pvmem_bare_set_one(&pv->alias, table->pages + first, table->ptes + first, *page, prot)))
		return pvmem_set_refused(pv, table, first, page, 1, 1);
	return (void *)pvmem_slot_addr(table, first);
}

static noinline void *pvmem_bare_set_many(struct pvmem *pv, struct pvmem_table *table, unsigned int first,
					  struct page **pages, unsigned int nr, pteval_t prot)
{
	const struct pvmem_alias alias = pv->alias;
	struct page **page = pages, **to = table->pages + first;
	pte_t *ptep = table->ptes + first;
	unsigned int left;

	for (left = nr; left >= 4; left -= 4, to += 4, ptep += 4, page += 4)
		if (unlikely(!pvmem_bare_set_one(&alias, to, ptep, page[0], prot) ||
			     !pvmem_bare_set_one(&alias, to + 1, ptep + 1, page[1], prot) ||
			     !pvmem_bare_set_one(&alias, to + 2, ptep + 2, page[2], prot) ||
			     !pvmem_bare_set_one(&alias, to + 3, ptep + 3, page[3], prot)))
			return pvmem_set_refused(pv, table, first, pages, nr, left);
	for (; left; left--, to++, ptep++, page++)
		if (unlikely(!pvmem_bare_set_one(&alias, to, ptep, *page, prot)))
			return pvmem_set_refused(pv, table, first, pages, nr, left);
	return (void *)pvmem_slot_addr(table, first);
}

/**
 * pvmem_bare_set() - record pages and write PTEs; see &struct pvmem_backend
 * @pv: the instance.
 * @table: the table.
 * @first: first entry.
 * @pages: pages to map.
 * @nr: number of entries.
 * @pgprot: protection.
 *
 * Context: any.
 * Return: the address of the first page, or NULL when one was refused.
 */
void *pvmem_bare_set(struct pvmem *pv, struct pvmem_table *table, unsigned int first, struct page **pages,
		     unsigned int nr, pgprot_t pgprot)
{
	const pteval_t prot = pgprot_val(pgprot) & __supported_pte_mask;

	/* Apart: a loop needs registers, and saving them is a tenth of a map of one page. */
	if (nr == 1)
		return pvmem_bare_set_single(pv, table, first, pages, prot);
	return pvmem_bare_set_many(pv, table, first, pages, nr, prot);
}

/**
 * pvmem_bare_clear() - zero PTEs; see &struct pvmem_backend
 * @pv: the instance.
 * @table: the table.
 * @first: first entry.
 * @nr: number of entries.
 *
 * A whole entry at a time: the hardware may be walking the table.
 *
 * Context: any.
 * Return: 0.
 */
int pvmem_bare_clear(struct pvmem *pv, struct pvmem_table *table, unsigned int first, unsigned int nr)
{
	pte_t *ptep = table->ptes + first;

	for (; nr >= 4; nr -= 4, ptep += 4) {
		native_set_pte(ptep, native_make_pte(0));
		native_set_pte(ptep + 1, native_make_pte(0));
		native_set_pte(ptep + 2, native_make_pte(0));
		native_set_pte(ptep + 3, native_make_pte(0));
	}
	for (; nr; nr--)
		native_set_pte(ptep++, native_make_pte(0));
	return 0;
}

/**
 * pvmem_bare_build() - write the PTEs of tables; see &struct pvmem_backend
 * @pv: the instance.
 * @ranges: what to map.
 * @nr: number of ranges.
 * @pgprot: protection.
 *
 * Context: any.
 * Return: 0.
 */
int pvmem_bare_build(struct pvmem *pv, struct pvmem_range *ranges, unsigned int nr, pgprot_t pgprot)
{
	const pteval_t prot = pgprot_val(pgprot) & __supported_pte_mask;
	unsigned int i;

	for (; nr; nr--, ranges++) {
		pte_t *ptep = ranges->table->ptes + ranges->first;
		struct page **pages = ranges->table->pages + ranges->first;

#pragma GCC unroll 4
		for (i = 0; i < ranges->nr; i++)
			pvmem_bare_set_pte(ptep + i, page_to_pfn(pages[i]), prot);
		ranges->error = 0;
	}
	return 0;
}

static void pvmem_bare_flush_local(void *unused)
{
	__flush_tlb_all();
}

/**
 * pvmem_bare_zap() - zero PTEs and flush every CPU; see &struct pvmem_backend
 * @pv: the instance.
 * @ranges: what to clear.
 * @nr: number of ranges, may be 0.
 *
 * Context: process, interrupts on.
 * Return: 0.
 */
int pvmem_bare_zap(struct pvmem *pv, struct pvmem_range *ranges, unsigned int nr)
{
	for (; nr; nr--, ranges++)
		ranges->error = pvmem_bare_clear(pv, ranges->table, ranges->first, ranges->nr);
	on_each_cpu(pvmem_bare_flush_local, NULL, 1);
	pvmem_stat_inc(pv, flushes);
	return 0;
}

/**
 * pvmem_bare_pin() - nothing to do, for pin and unpin
 * @pv: the instance.
 * @pages: pages.
 * @nr: how many.
 * @failed: cleared.
 *
 * Return: 0.
 */
int pvmem_bare_pin(struct pvmem *pv, struct page **pages, unsigned int nr, unsigned long *failed)
{
	bitmap_zero(failed, nr);
	return 0;
}

static int pvmem_bare_start(struct pvmem *pv)
{
	return 0;
}

static void pvmem_bare_stop(struct pvmem *pv)
{
}

const struct pvmem_backend pvmem_backend_bare = {
	.name = "bare",
	.default_policy = PVMEM_POLICY_TRACK,
	.start = pvmem_bare_start,
	.stop = pvmem_bare_stop,
	.set = pvmem_bare_set,
	.clear = pvmem_bare_clear,
	.build = pvmem_bare_build,
	.zap = pvmem_bare_zap,
	.pin = pvmem_bare_pin,
	.unpin = pvmem_bare_pin,
};
