// SPDX-License-Identifier: GPL-2.0
/*
 * Last-level page tables of running processes are made of the pool's pages,
 * which are pinned already: what is left is one entry of the table above. An
 * address space that is not pinned yet (fork, exec) gets stock pages: all its
 * tables are pinned later in batches (tree.c).
 *
 * A table is charged to the memory cgroup like a stock one, and counted in
 * NR_PAGETABLE and in the mm.
 */
#include <linux/gfp.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <asm/pgalloc.h>
#include <pvmem/pvmem.h>
#include "locks.h"
#include "tables.h"
#include "takeover.h"
#include "xen.h"

static bool takeover_charge(struct page *page, gfp_t gfp)
{
	return !takeover_compat_memcg_on() || !takeover_kernel.__memcg_kmem_charge_page(page, gfp, 0);
}

static void takeover_uncharge(struct page *page)
{
	if (PageMemcgKmem(page))
		takeover_kernel.__memcg_kmem_uncharge_page(page, 0);
}

/* Fails only where the lock is no part of the descriptor. */
static bool takeover_table_ctor(struct page *page)
{
	if (unlikely(!takeover_compat_table_ctor(page)))
		return false;
	takeover_lock_classify(page);
	return true;
}

/* A page of the pool's becomes a page table in the kernel's books, or nothing changes. */
static bool takeover_table_enter(struct page *page, gfp_t gfp)
{
	if (!takeover_charge(page, gfp))
		return false;
	if (likely(takeover_table_ctor(page)))
		return true;
	takeover_uncharge(page);
	return false;
}

/**
 * takeover_table_retire() - a page is no page table any more, in the kernel's books
 * @table: a table in use, or that was to be; it keeps its type.
 *
 * Context: any but interrupts, does not sleep.
 */
void takeover_table_retire(struct page *table)
{
	takeover_compat_table_dtor(table);
	takeover_uncharge(table);
}

static void takeover_tables_put(struct page **tables, unsigned int nr)
{
	for (; nr; nr--, tables++) {
		takeover_table_retire(*tables);
		pvmem_ptpool_adopt_page(*tables);
	}
}

/*
 * Tables from the pool. The first is charged like any page table is, which may
 * reclaim; the others must cost nothing.
 */
static unsigned int takeover_tables_get(struct page **tables, unsigned int nr)
{
	unsigned int claimed = pvmem_ptpool_claim_pages(tables, nr), i, ready = 0;

	while (ready < claimed && takeover_table_enter(tables[ready], ready ? GFP_NOWAIT | __GFP_NOWARN : GFP_KERNEL))
		ready++;
	for (i = ready; i < claimed; i++)
		pvmem_ptpool_adopt_page(tables[i]);
	return ready;
}

/* The entries @pmd and on that are empty get tables; those not needed are left in @tables. */
static unsigned int takeover_tables_link(struct mm_struct *mm, pmd_t *pmd, struct page **tables, unsigned int nr)
{
	u64 ptr = (u64)PFN_PHYS(pfn_to_mfn(PFN_DOWN(__pa(pmd)))) | offset_in_page(pmd) | MMU_NORMAL_PT_UPDATE;
	struct mmu_update req[1 + TAKEOVER_AHEAD_MAX];
	unsigned int i, wanted = 0, done;

	for (i = 0; i < nr; i++, ptr += sizeof(*pmd)) {
		if (!pmd_none(pmd[i]))
			continue;
		req[wanted].ptr = ptr;
		req[wanted].val = PFN_PHYS(takeover_page_mfn(tables[wanted])) | _PAGE_TABLE;
		wanted++;
		mm_inc_nr_ptes(mm);
	}
	if (unlikely(!wanted))
		return 0;
	done = takeover_xen_update(req, wanted);
	for (i = done; i < wanted; i++)
		mm_dec_nr_ptes(mm);
	return done;
}

/* Tables for @pmd and the entries after it: @nr at most, if possible. */
static int takeover_tables_make(struct mm_struct *mm, pmd_t *pmd, unsigned int nr)
{
	struct page *tables[1 + TAKEOVER_AHEAD_MAX];
	unsigned int used;
	spinlock_t *ptl;
	bool present;

	nr = takeover_tables_get(tables, nr);
	if (unlikely(!nr)) {
		takeover_stat_inc(tables_stock);
		return takeover_stock.__pte_alloc(mm, pmd);
	}
	ptl = pmd_lock(mm, pmd);
	used = takeover_tables_link(mm, pmd, tables, nr);
	present = !pmd_none(*pmd);
	spin_unlock(ptl);
	takeover_stat_add(tables_pooled, used);
	if (used > 1)
		takeover_stat_add(tables_ahead, used - 1);
	if (unlikely(used < nr))
		takeover_tables_put(tables + used, nr - used);
	return likely(present) ? 0 : takeover_stock.__pte_alloc(mm, pmd);
}

/**
 * takeover___pte_alloc() - make a last-level page table for an address
 * @mm: the address space; its mmap_lock is held, or its mapping's own.
 * @pmd: where the table goes.
 *
 * Context: process, may sleep.
 * Return: 0 when there is one now, made here or by somebody else; -ENOMEM.
 */
int takeover___pte_alloc(struct mm_struct *mm, pmd_t *pmd)
{
	unsigned int ahead;
	int err;

	if (!takeover_serves(mm))
		return takeover_stock.__pte_alloc(mm, pmd);
	ahead = takeover_ahead_begin(mm, pmd);
	err = takeover_tables_make(mm, pmd, 1 + ahead);
	takeover_ahead_end(mm, ahead);
	return err;
}

/* @to becomes a page table in the place of @from, with its charge and its lock; does not sleep. */
static void takeover_table_replace(struct page *to, struct page *from)
{
	takeover_lock_move(from);
	takeover_compat_table_dtor(from);
#ifdef CONFIG_MEMCG
	to->memcg_data = from->memcg_data;
	from->memcg_data = 0;
#endif
	takeover_table_ctor(to);
}

/* Put the pool's page where the stock page was to go. */
static bool takeover_swap_in(struct mm_struct *mm, pmd_t *pmd, struct page *stock, struct page *page)
{
	takeover_table_replace(page, stock);
	if (likely(takeover_tables_link(mm, pmd, &page, 1)))
		return true;
	takeover_table_replace(stock, page);
	return false;
}

/**
 * takeover_pmd_install() - make a page a last-level page table
 * @mm: the address space; its mmap_lock is held, or its mapping's own.
 * @pmd: where the table goes.
 * @pte: the page, not pinned; NULL afterwards when it, or a page of the pool
 *	instead of it, was used.
 *
 * Context: process, does not sleep.
 */
void takeover_pmd_install(struct mm_struct *mm, pmd_t *pmd, pgtable_t *pte)
{
	struct page *page;
	spinlock_t *ptl;
	bool swapped = false;

	if (!takeover_serves(mm) || !pvmem_ptpool_claim_pages(&page, 1)) {
		takeover_stock.pmd_install(mm, pmd, pte);
		return;
	}
	ptl = pmd_lock(mm, pmd);
	if (likely(pmd_none(*pmd)))
		swapped = takeover_swap_in(mm, pmd, *pte, page);
	spin_unlock(ptl);
	if (likely(swapped)) {
		takeover_stat_inc(tables_pooled);
		__free_page(*pte);
		*pte = NULL;
		return;
	}
	pvmem_ptpool_adopt_page(page);
	takeover_stock.pmd_install(mm, pmd, pte);
}
