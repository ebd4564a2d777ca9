// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables that are freed come back to the pool still pinned, and the entries
 * that referred to them are cleared a batch at a time.
 *
 * free_pgd_range() is run in lazy MMU mode: the entries it clears are queued, up
 * to 32 in one hypercall, and a flush of other CPUs' TLBs for each becomes one
 * for all. The tables are gathered meanwhile. Only when the queue was issued are
 * they given to tlb_remove_table(), which frees them after a TLB flush and an RCU
 * grace period: a table must not be anybody's before no entry refers to it. Each
 * gets a second reference first, the pool's, so that freeing them leaves them.
 *
 * While tables are gathered preemption is off: the queue and the gathered tables
 * are this CPU's.
 */
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <pvmem/pvmem.h>
#include "mmu_gather.h"
#include "tables.h"
#include "takeover.h"

/* As many L2 entries as the kernel's queue takes into one hypercall. */
#define TAKEOVER_GATHER 32

/**
 * struct takeover_gather - tables that no entry refers to once the queue is issued
 * @tlb: the operation that frees them; NULL: none on this CPU.
 * @nr: how many.
 * @page: the tables.
 */
struct takeover_gather {
	struct mmu_gather *tlb;
	unsigned int nr;
	struct page *page[TAKEOVER_GATHER];
};

static DEFINE_PER_CPU(struct takeover_gather, takeover_gather);

/* What this CPU gathers for @tlb. It does not gather for another task's. */
static struct takeover_gather *takeover_gathering(struct mmu_gather *tlb)
{
	struct takeover_gather *gather = raw_cpu_ptr(&takeover_gather);

	return READ_ONCE(gather->tlb) == tlb ? gather : NULL;
}

static void takeover_return(struct mmu_gather *tlb, struct page *table)
{
	get_page(table);
	pvmem_ptpool_adopt_page(table);
	takeover_kernel.tlb_remove_table(tlb, table);
	takeover_stat_inc(tables_returned);
}

/* Issue the queue, leaving lazy MMU mode; then the tables are nobody's. */
static void takeover_gather_end(struct takeover_gather *gather)
{
	unsigned int i;

	arch_leave_lazy_mmu_mode();
	for (i = 0; i < gather->nr; i++)
		takeover_return(gather->tlb, gather->page[i]);
	if (gather->nr)
		takeover_stat_inc(free_batches);
	gather->nr = 0;
}

/**
 * takeover_free_pgd_range() - free the page tables of a range that is unmapped
 * @tlb: the operation.
 * @addr: first address.
 * @end: address after the last.
 * @floor: end of what is in use below, 0 for none.
 * @ceiling: begin of what is in use above, 0 for none.
 *
 * Context: process, does not sleep.
 */
void takeover_free_pgd_range(struct mmu_gather *tlb, unsigned long addr, unsigned long end, unsigned long floor,
			     unsigned long ceiling)
{
	struct takeover_gather *gather;

	if (!takeover_serves(tlb->mm)) {
		takeover_stock.free_pgd_range(tlb, addr, end, floor, ceiling);
		return;
	}
	gather = get_cpu_ptr(&takeover_gather);
	WRITE_ONCE(gather->tlb, tlb);
	arch_enter_lazy_mmu_mode();
	takeover_stock.free_pgd_range(tlb, addr, end, floor, ceiling);
	takeover_gather_end(gather);
	WRITE_ONCE(gather->tlb, NULL);
	put_cpu_ptr(&takeover_gather);
}

/**
 * takeover____pte_free_tlb() - free a last-level page table
 * @tlb: the operation.
 * @table: the table; all its entries are clear, no entry refers to it, or that
 *	is queued.
 *
 * Context: process, does not sleep.
 */
void takeover____pte_free_tlb(struct mmu_gather *tlb, struct page *table)
{
	struct takeover_gather *gather = takeover_gathering(tlb);
	bool pooled = PagePinned(table) && READ_ONCE(takeover_serving) && pvmem_ptpool_wants_page();

	if (pooled && gather) {
		takeover_table_retire(table);
		gather->page[gather->nr++] = table;
		if (gather->nr < TAKEOVER_GATHER)
			return;
	}
	if (gather)
		takeover_gather_end(gather);
	if (!pooled) {
		if (PagePinned(table))
			takeover_stat_inc(tables_released);
		takeover_stock.___pte_free_tlb(tlb, table);
	} else if (!gather) {
		takeover_table_retire(table);
		takeover_return(tlb, table);
	}
	if (gather)
		arch_enter_lazy_mmu_mode();
}

/**
 * takeover____pmd_free_tlb() - free a page table one level up
 * @tlb: the operation.
 * @pmd: the table.
 *
 * Context: process, does not sleep.
 */
void takeover____pmd_free_tlb(struct mmu_gather *tlb, pmd_t *pmd)
{
	struct takeover_gather *gather = takeover_gathering(tlb);

	if (gather)
		takeover_gather_end(gather);
	takeover_stock.___pmd_free_tlb(tlb, pmd);
	if (gather)
		arch_enter_lazy_mmu_mode();
}

/**
 * takeover____pud_free_tlb() - free a page table two levels up
 * @tlb: the operation.
 * @pud: the table.
 *
 * Context: process, does not sleep.
 */
void takeover____pud_free_tlb(struct mmu_gather *tlb, pud_t *pud)
{
	struct takeover_gather *gather = takeover_gathering(tlb);

	if (gather)
		takeover_gather_end(gather);
	takeover_stock.___pud_free_tlb(tlb, pud);
	if (gather)
		arch_enter_lazy_mmu_mode();
}
