// SPDX-License-Identifier: GPL-2.0
/*
 * Whole page tables. A table of a block is replaced by writing the L2 entry:
 *
 *	attach	a writable page is filled with plain stores, made read-only and
 *		pinned, and takes the place of the block's empty table
 *	detach	an empty pinned table takes the place of the block's full one,
 *		which is unpinned, made writable and zeroed after the flush
 *
 * The first leaves an empty pinned table behind and the second a zeroed page, so
 * each feeds the other from a small store of spares. A table that is in an L2
 * entry is pinned too, as the kernel's own are: at unload the window's tables
 * are as good as those that were there.
 */
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <asm/pgtable.h>
#include <asm/xen/page.h>
#include "core.h"
#include "xen_pv.h"

/* Spares of either kind worth keeping: two purge batches. */
#define PVMEM_XEN_SPARES (2 * PVMEM_PURGE_BLOCKS)

static struct page *pvmem_spare_take(struct pvmem_xen *xen, struct list_head *list, unsigned int *nr)
{
	struct page *page;

	spin_lock(&xen->spare_lock);
	page = list_first_entry_or_null(list, struct page, lru);
	if (page) {
		list_del(&page->lru);
		(*nr)--;
	}
	spin_unlock(&xen->spare_lock);
	return page;
}

/* False when there are enough; the page stays the caller's. */
static bool pvmem_spare_give(struct pvmem_xen *xen, struct list_head *list, unsigned int *nr, struct page *page)
{
	bool kept;

	spin_lock(&xen->spare_lock);
	kept = *nr < PVMEM_XEN_SPARES;
	if (kept) {
		list_add(&page->lru, list);
		(*nr)++;
	}
	spin_unlock(&xen->spare_lock);
	return kept;
}

static void pvmem_raw_give(struct pvmem *pv, struct page *page)
{
	struct pvmem_xen *xen = pv->backend_data;

	if (!pvmem_spare_give(xen, &xen->raw, &xen->nr_raw, page))
		__free_page(page);
}

/* A zeroed writable page that no lazy mapping maps. */
static struct page *pvmem_raw_take(struct pvmem *pv)
{
	struct pvmem_xen *xen = pv->backend_data;
	struct page *page = pvmem_spare_take(xen, &xen->raw, &xen->nr_raw);

	if (page)
		return page;
	page = alloc_page(GFP_KERNEL | __GFP_ZERO | __GFP_NORETRY | __GFP_NOWARN);
	if (page && pvmem_alias_query(&pv->alias, page)) {
		__free_page(page);
		page = NULL;
	}
	return page;
}

static void pvmem_clean_give(struct pvmem *pv, struct page *page)
{
	struct pvmem_xen *xen = pv->backend_data;
	unsigned long failed;

	if (pvmem_spare_give(xen, &xen->clean, &xen->nr_clean, page))
		return;
	if (!pvmem_xen_unpin(pv, &page, 1, &failed))
		pvmem_raw_give(pv, page);
}

/* Up to @nr empty pinned tables, pinning raw spares as needed; allocates nothing. */
static unsigned int pvmem_clean_take(struct pvmem *pv, struct page **pages, unsigned int nr)
{
	struct pvmem_xen *xen = pv->backend_data;
	DECLARE_BITMAP(failed, PVMEM_PURGE_BLOCKS);
	unsigned int i, have, got;

	for (have = 0; have < nr; have++) {
		pages[have] = pvmem_spare_take(xen, &xen->clean, &xen->nr_clean);
		if (!pages[have])
			break;
	}
	for (got = have; got < nr; got++) {
		pages[got] = pvmem_spare_take(xen, &xen->raw, &xen->nr_raw);
		if (!pages[got])
			break;
	}
	if (got == have)
		return have;
	pvmem_xen_pin(pv, pages + have, got - have, failed);
	for (i = 0, nr = have; have + i < got; i++) {
		if (test_bit(i, failed))
			pvmem_raw_give(pv, pages[have + i]);
		else
			pages[nr++] = pages[have + i];
	}
	return nr;
}

/* The L2 entry above @addr. Kernel page tables are shared by every mm and never freed. */
static pmd_t *pvmem_xen_pmd(unsigned long addr)
{
	pmd_t *pmd;

	preempt_disable();
	pmd = pmd_offset(pud_offset(p4d_offset(pgd_offset(current->active_mm, addr), addr), addr), addr);
	preempt_enable();
	return pmd;
}

static u64 pvmem_xen_entry_addr(const void *entry)
{
	unsigned long phys = __pa(entry);

	return (u64)PFN_PHYS(pfn_to_mfn(PFN_DOWN(phys))) | offset_in_page(phys) | MMU_NORMAL_PT_UPDATE;
}

/*
 * Put table i of @fresh under the L2 entry of range i. On return @fresh has the
 * tables that were there before; where Xen refused, the range's @error is set
 * and @fresh is as it was.
 */
static void pvmem_xen_exchange(struct pvmem *pv, struct pvmem_range **range, struct page **fresh, unsigned int nr)
{
	struct mmu_update req[PVMEM_PURGE_BLOCKS];
	unsigned int i;

	for (i = 0; i < nr; i++) {
		pmd_t *pmd = pvmem_xen_pmd(range[i]->table->addr);

		range[i]->error = 0;
		req[i].ptr = pvmem_xen_entry_addr(pmd);
		req[i].val = (pmd->pmd & ~PTE_PFN_MASK) | PFN_PHYS(pfn_to_mfn(page_to_pfn(fresh[i])));
	}
	pvmem_xen_update(pv, req, nr, range);
	for (i = 0; i < nr; i++) {
		struct pvmem_table *table = range[i]->table;
		struct page *old = virt_to_page(table->ptes);

		if (range[i]->error)
			continue;
		table->ptes = page_address(fresh[i]);
		fresh[i] = old;
	}
}

/* A table that was filled and is not used after all. */
static void pvmem_xen_unbuild(struct pvmem *pv, struct page *page)
{
	clear_page(page_address(page));
	pvmem_raw_give(pv, page);
}

/* Fill a raw page for each range that one can be had for; those come first then. */
static unsigned int pvmem_xen_build(struct pvmem *pv, struct pvmem_range **range, unsigned int nr, struct page **fresh,
				    pteval_t prot)
{
	unsigned int i, built = 0;

	for (i = 0; i < nr; i++) {
		struct page *page = pvmem_raw_take(pv);

		if (!page)
			break;
		if (pvmem_xen_fill(range[i], page_address(page), prot)) {
			pvmem_xen_unbuild(pv, page);
			continue;
		}
		fresh[built] = page;
		range[built++] = range[i];
	}
	return built;
}

/* Pin the tables that were built; what Xen accepted comes first then. */
static unsigned int pvmem_xen_pin_built(struct pvmem *pv, struct pvmem_range **range, unsigned int nr,
					struct page **fresh)
{
	DECLARE_BITMAP(failed, PVMEM_PURGE_BLOCKS);
	unsigned int i, pinned = 0;

	pvmem_xen_pin(pv, fresh, nr, failed);
	for (i = 0; i < nr; i++) {
		if (test_bit(i, failed)) {
			pvmem_xen_unbuild(pv, fresh[i]);
			continue;
		}
		fresh[pinned] = fresh[i];
		range[pinned++] = range[i];
	}
	return pinned;
}

static void pvmem_raw_owe(struct pvmem_xen *xen)
{
	spin_lock(&xen->spare_lock);
	xen->raw_debt = min(xen->raw_debt + 1, (unsigned int)PVMEM_XEN_SPARES);
	spin_unlock(&xen->spare_lock);
}

/* After a refused exchange: take a pinned, filled table apart again. */
static void pvmem_xen_unpin_built(struct pvmem *pv, struct page *page)
{
	unsigned long failed;

	if (!pvmem_xen_unpin(pv, &page, 1, &failed))
		pvmem_xen_unbuild(pv, page);
}

/**
 * pvmem_xen_tables_attach() - map whole blocks by building their tables offline
 * @pv: the instance.
 * @range: ranges of empty tables, @error not 0; the array is reordered.
 * @nr: how many, at most PVMEM_PURGE_BLOCKS.
 * @prot: protection bits.
 *
 * Sets @error of the ranges it mapped to 0; the others must be mapped in
 * another way, their tables are as before.
 *
 * Context: process, sleeps; may allocate.
 */
void pvmem_xen_tables_attach(struct pvmem *pv, struct pvmem_range **range, unsigned int nr, pteval_t prot)
{
	struct page *fresh[PVMEM_PURGE_BLOCKS];
	unsigned int i;

	nr = pvmem_xen_build(pv, range, nr, fresh, prot);
	if (nr)
		nr = pvmem_xen_pin_built(pv, range, nr, fresh);
	if (!nr)
		return;
	pvmem_xen_exchange(pv, range, fresh, nr);
	for (i = 0; i < nr; i++) {
		if (range[i]->error) {
			pvmem_xen_unpin_built(pv, fresh[i]);
			continue;
		}
		pvmem_stat_inc(pv, table_attached);
		pvmem_raw_owe(pv->backend_data);
		pvmem_clean_give(pv, fresh[i]);
	}
}

/**
 * pvmem_xen_tables_detach() - empty whole blocks by replacing their tables
 * @pv: the instance.
 * @range: ranges of tables with nothing else present, @error not 0.
 * @nr: how many, at most PVMEM_PURGE_BLOCKS.
 * @old: room for @nr pages; gets the tables taken out, for
 *	pvmem_xen_flush_release().
 *
 * Sets @error of the ranges it emptied to 0; the others must be cleared in
 * another way. TLBs are not flushed.
 *
 * Context: process, sleeps; allocates nothing.
 * Return: how many tables were taken out.
 */
unsigned int pvmem_xen_tables_detach(struct pvmem *pv, struct pvmem_range **range, unsigned int nr, struct page **old)
{
	struct page *fresh[PVMEM_PURGE_BLOCKS];
	unsigned int i, nr_old = 0;

	nr = nr ? pvmem_clean_take(pv, fresh, nr) : 0;
	if (!nr)
		return 0;
	pvmem_xen_exchange(pv, range, fresh, nr);
	for (i = 0; i < nr; i++) {
		if (range[i]->error)
			pvmem_clean_give(pv, fresh[i]);
		else
			old[nr_old++] = fresh[i];
	}
	pvmem_stat_add(pv, table_swaps, nr_old);
	return nr_old;
}

/* How many of @nr detached tables attach() will want as raw pages. */
static unsigned int pvmem_raw_repay(struct pvmem_xen *xen, unsigned int nr)
{
	spin_lock(&xen->spare_lock);
	nr = min(nr, xen->raw_debt);
	xen->raw_debt -= nr;
	spin_unlock(&xen->spare_lock);
	return nr;
}

/* Detached tables that are unpinned and zeroed: writable again, and raw. */
static void pvmem_xen_release_raw(struct pvmem *pv, struct page **old, unsigned int nr, unsigned long *failed)
{
	unsigned int i;

	pvmem_xen_writable(pv, old, nr, failed, false, failed);
	for (i = 0; i < nr; i++) {
		if (test_bit(i, failed))
			continue;
		ClearPagePinned(old[i]);
		pvmem_raw_give(pv, old[i]);
	}
}

/**
 * pvmem_xen_flush_release() - flush every vCPU, and recycle detached tables
 * @pv: the instance.
 * @old: from pvmem_xen_tables_detach().
 * @nr: how many, 0 for the flush alone.
 *
 * One hypercall: [unpin each][flush all vCPUs][zero each][pin each]. Xen zeroes
 * a page on request, so a table need not be made writable and read-only again in
 * between. Some are not pinned but made writable, when attach() will want them.
 * A table that Xen does not take through all of this is left alone for good:
 * counted in hypercall_failed, and leaked.
 *
 * Context: process, sleeps.
 * Return: 0, or -EFAULT when the flush was refused.
 */
int pvmem_xen_flush_release(struct pvmem *pv, struct page **old, unsigned int nr)
{
	DECLARE_BITMAP(failed, 3 * PVMEM_PURGE_BLOCKS + 1);
	struct mmuext_op op[3 * PVMEM_PURGE_BLOCKS + 1];
	unsigned int i, nr_raw = pvmem_raw_repay(pv->backend_data, nr), nr_clean = nr - nr_raw;
	unsigned int nr_ops = 2 * nr + 1 + nr_clean;

	bitmap_zero(failed, nr_ops);
	for (i = 0; i < nr; i++) {
		unsigned long mfn = pfn_to_mfn(page_to_pfn(old[i]));

		op[i] = pvmem_xen_op(MMUEXT_UNPIN_TABLE, mfn);
		op[nr + 1 + i] = pvmem_xen_op(MMUEXT_CLEAR_PAGE, mfn);
		if (i >= nr_raw)
			op[2 * nr + 1 + i - nr_raw] = pvmem_xen_op(MMUEXT_PIN_L1_TABLE, mfn);
	}
	op[nr] = pvmem_xen_op(MMUEXT_TLB_FLUSH_ALL, 0);
	pvmem_xen_ext(pv, op, 0, nr_ops, failed);
	pvmem_stat_inc(pv, flushes);
	for (i = nr_raw; i < nr; i++)
		if (!test_bit(i, failed) && !test_bit(nr + 1 + i, failed) && !test_bit(2 * nr + 1 + i - nr_raw, failed))
			pvmem_clean_give(pv, old[i]);
	if (nr_raw) {
		for (i = 0; i < nr_raw; i++)
			if (test_bit(nr + 1 + i, failed))
				__set_bit(i, failed);
		pvmem_xen_release_raw(pv, old, nr_raw, failed);
	}
	return test_bit(nr, failed) ? -EFAULT : 0;
}

/**
 * pvmem_xen_idle() - the clean spares
 * @pv: the instance.
 * @frames: they are added.
 *
 * Context: any.
 */
void pvmem_xen_idle(struct pvmem *pv, struct pvmem_frames *frames)
{
	struct pvmem_xen *xen = pv->backend_data;
	struct page *page;

	spin_lock(&xen->spare_lock);
	list_for_each_entry(page, &xen->clean, lru)
		pvmem_frames_add(frames, page);
	spin_unlock(&xen->spare_lock);
}

/**
 * pvmem_xen_tables_start() - set up the spares a purge needs
 * @pv: the instance; @pv->backend_data is allocated.
 *
 * Context: process, sleeps.
 * Return: 0; with fewer spares than wanted, purges clear entry by entry.
 */
int pvmem_xen_tables_start(struct pvmem *pv)
{
	struct pvmem_xen *xen = pv->backend_data;
	unsigned int i;

	spin_lock_init(&xen->spare_lock);
	INIT_LIST_HEAD(&xen->clean);
	INIT_LIST_HEAD(&xen->raw);
	for (i = 0; i < PVMEM_PURGE_BLOCKS; i++) {
		struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

		if (!page)
			break;
		pvmem_raw_give(pv, page);
	}
	return 0;
}

/**
 * pvmem_xen_tables_stop() - free the spares
 * @pv: the instance.
 *
 * Context: process, sleeps.
 */
void pvmem_xen_tables_stop(struct pvmem *pv)
{
	struct pvmem_xen *xen = pv->backend_data;
	struct page *page;
	unsigned long failed;

	while ((page = pvmem_spare_take(xen, &xen->clean, &xen->nr_clean)))
		if (!pvmem_xen_unpin(pv, &page, 1, &failed))
			__free_page(page);
	while ((page = pvmem_spare_take(xen, &xen->raw, &xen->nr_raw)))
		__free_page(page);
}
