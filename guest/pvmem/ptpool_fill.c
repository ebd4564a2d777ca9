// SPDX-License-Identifier: GPL-2.0
/*
 * The pool's slow side, under fill_mutex: pages are prepared, cleaned, and given back
 * to the system, always in batches, since on Xen only the first page-type change of a
 * batch flushes TLBs. The worker keeps each reservoir between the low and the high
 * watermark.
 */
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/topology.h>
#include "core.h"
#include "trace.h"

/* Pages to prepare must not push others out: what is free, or nothing. */
#define PVMEM_PTPOOL_GFP (GFP_KERNEL | __GFP_ZERO | __GFP_NORETRY | __GFP_NOWARN)

static bool pvmem_any_aliased(struct pvmem *pv, struct page **pages, unsigned int nr)
{
	while (nr--)
		if (pvmem_alias_query(&pv->alias, *pages++))
			return true;
	return false;
}

/* Free what is still aliased, after a purge a live mapping; the rest closes up. */
static unsigned int pvmem_drop_aliased(struct pvmem *pv, struct page **pages, unsigned int nr)
{
	unsigned int i, kept = 0;

	for (i = 0; i < nr; i++) {
		if (pvmem_alias_query(&pv->alias, pages[i]))
			__free_page(pages[i]);
		else
			pages[kept++] = pages[i];
	}
	return kept;
}

/* Pin zeroed, unaliased pages; those the hypervisor refuses are freed. */
static unsigned int pvmem_ptpool_pin(struct pvmem *pv, struct page **pages, unsigned int nr)
{
	DECLARE_BITMAP(failed, PVMEM_PTPOOL_BATCH_MAX);
	unsigned int i, pinned = 0;

	pv->ops->pin(pv, pages, nr, failed);
	for (i = 0; i < nr; i++) {
		if (test_bit(i, failed)) {
			pvmem_stat_inc(pv, ptpool_pin_failed);
			__free_page(pages[i]);
		} else {
			pages[pinned++] = pages[i];
		}
	}
	return pinned;
}

/* Unpin pages and leave those that worked in @pages; the others are lost. */
static unsigned int pvmem_ptpool_unpin(struct pvmem *pv, struct page **pages, unsigned int nr)
{
	DECLARE_BITMAP(failed, PVMEM_PTPOOL_BATCH_MAX);
	unsigned int i, kept = 0;

	pv->ops->unpin(pv, pages, nr, failed);
	for (i = 0; i < nr; i++)
		if (!test_bit(i, failed))
			pages[kept++] = pages[i];
	return kept;
}

/**
 * pvmem_ptpool_fill() - prepare one batch of pages
 * @pv: the instance.
 * @node: where to allocate.
 * @nr: how many, at most PVMEM_PTPOOL_BATCH_MAX.
 *
 * Context: process, sleeps; the caller holds fill_mutex. Takes purge_mutex when
 * one of the pages has a lazy mapping.
 * Return: pages added, fewer than @nr when memory is short or the hypervisor
 * refused some.
 */
unsigned int pvmem_ptpool_fill(struct pvmem *pv, int node, unsigned int nr)
{
	struct page *pages[PVMEM_PTPOOL_BATCH_MAX] = { NULL };
	unsigned int got, filled;
	bool purge;

	lockdep_assert_held(&pv->pool.fill_mutex);
	got = alloc_pages_bulk_array_node(PVMEM_PTPOOL_GFP, node, nr, pages);
	purge = pvmem_any_aliased(pv, pages, got);
	if (purge) {
		pvmem_stat_inc(pv, ptpool_fill_purges);
		pvmem_purge(pv);
	}
	filled = pvmem_drop_aliased(pv, pages, got);
	filled = filled ? pvmem_ptpool_pin(pv, pages, filled) : 0;
	pvmem_stat_inc(pv, ptpool_fill_runs);
	pvmem_stat_add(pv, ptpool_filled, filled);
	pvmem_ptpool_add_ready(pv, pages, filled);
	trace_pvmem_ptpool_fill(nr, filled, purge);
	return filled;
}

static unsigned int pvmem_node_take_dirty(struct pvmem_ptpool_node *node, struct page **pages, unsigned int nr)
{
	unsigned int i;

	spin_lock(&node->lock);
	for (i = 0; i < nr && !list_empty(&node->dirty); i++) {
		pages[i] = list_first_entry(&node->dirty, struct page, lru);
		list_del(&pages[i]->lru);
	}
	spin_unlock(&node->lock);
	return i;
}

/* Unpin, zero and pin again what came back dirty. */
static void pvmem_ptpool_wash(struct pvmem *pv, struct pvmem_ptpool_node *node)
{
	struct page *pages[PVMEM_PTPOOL_BATCH_MAX];
	unsigned int i, nr, clean;

	lockdep_assert_held(&pv->pool.fill_mutex);
	while ((nr = pvmem_node_take_dirty(node, pages, PVMEM_PTPOOL_BATCH_MAX))) {
		clean = pvmem_ptpool_unpin(pv, pages, nr);
		for (i = 0; i < clean; i++)
			clear_page(page_address(pages[i]));
		clean = clean ? pvmem_ptpool_pin(pv, pages, clean) : 0;
		pvmem_stat_add(pv, ptpool_shrunk, nr - clean);
		pvmem_ptpool_add_ready(pv, pages, clean);
	}
}

/* Give up to @nr pages of a node back to the system, @batch at a time: ready ones, or the used ones. */
static unsigned long pvmem_node_shrink(struct pvmem *pv, struct pvmem_ptpool_node *node, bool used, unsigned long nr,
				       unsigned int batch)
{
	struct page *pages[PVMEM_PTPOOL_BATCH_MAX];
	unsigned int want, got, kept;
	unsigned long freed = 0;

	lockdep_assert_held(&pv->pool.fill_mutex);
	while (freed < nr) {
		want = min_t(unsigned long, nr - freed, batch);
		got = used ? pvmem_node_take_used(node, pages, want) : pvmem_node_take(node, pages, want);
		if (!got)
			break;
		kept = pvmem_ptpool_unpin(pv, pages, got);
		while (kept--)
			__free_page(pages[kept]);
		pvmem_stat_add(pv, ptpool_shrunk, got);
		freed += got;
	}
	return freed;
}

/* How many more pages @node wants, within the cap. */
static unsigned long pvmem_node_wants(struct pvmem *pv, struct pvmem_ptpool_node *node)
{
	unsigned long have = pvmem_ptpool_pages(pv), cap = READ_ONCE(pv->pool.config.cap);
	unsigned long ready = READ_ONCE(node->nr_ready), high = READ_ONCE(pv->pool.config.high);

	if (ready >= high || have >= cap)
		return 0;
	return min3(high - ready, cap - have, READ_ONCE(pv->pool.config.batch));
}

static void pvmem_node_refill(struct pvmem *pv, int nid)
{
	struct pvmem_ptpool_node *node = &pv->pool.nodes[nid];
	unsigned long ready = READ_ONCE(node->nr_ready), high = READ_ONCE(pv->pool.config.high);
	unsigned int nr;

	pvmem_ptpool_wash(pv, node);
	if (!high)
		pvmem_node_shrink(pv, node, true, ULONG_MAX, PVMEM_PTPOOL_BATCH_MAX);
	if (ready > high) {
		pvmem_node_shrink(pv, node, false, ready - high, PVMEM_PTPOOL_BATCH_MAX);
		return;
	}
	while (!READ_ONCE(pv->pool.frozen)) {
		nr = pvmem_node_wants(pv, node);
		if (!nr || !pvmem_ptpool_fill(pv, nid, nr))
			break;
		cond_resched();
	}
}

/**
 * pvmem_ptpool_work() - the worker
 * @work: the pool's fill_work.
 *
 * Context: process, sleeps.
 */
void pvmem_ptpool_work(struct work_struct *work)
{
	struct pvmem *pv = container_of(work, struct pvmem, pool.fill_work);
	int nid;

	mutex_lock(&pv->pool.fill_mutex);
	for_each_node_state(nid, N_MEMORY)
		if (!READ_ONCE(pv->pool.frozen))
			pvmem_node_refill(pv, nid);
	mutex_unlock(&pv->pool.fill_mutex);
}

static unsigned long pvmem_ptpool_shrink_locked(struct pvmem *pv, unsigned long nr, unsigned int batch)
{
	unsigned long freed = 0;
	int nid, cpu;

	for_each_node_state(nid, N_MEMORY)
		freed += pvmem_node_shrink(pv, &pv->pool.nodes[nid], true, nr - freed, batch);
	for_each_node_state(nid, N_MEMORY)
		freed += pvmem_node_shrink(pv, &pv->pool.nodes[nid], false, nr - freed, batch);
	if (freed >= nr)
		return freed;
	for_each_possible_cpu(cpu)
		pvmem_ptpool_leave_cpu(pv, cpu);
	for_each_node_state(nid, N_MEMORY)
		freed += pvmem_node_shrink(pv, &pv->pool.nodes[nid], false, nr - freed, batch);
	return freed;
}

/**
 * pvmem_ptpool_shrink() - give pages back to the system
 * @pv: the instance.
 * @nr: how many; ULONG_MAX for all.
 *
 * Context: process, also from reclaim: does nothing while a fill is under way,
 * which may be the very allocation that is reclaiming.
 * Return: pages freed.
 */
unsigned long pvmem_ptpool_shrink(struct pvmem *pv, unsigned long nr)
{
	unsigned long freed;

	if (!mutex_trylock(&pv->pool.fill_mutex))
		return 0;
	freed = pvmem_ptpool_shrink_locked(pv, nr, PVMEM_PTPOOL_BATCH_MAX);
	mutex_unlock(&pv->pool.fill_mutex);
	return freed;
}

/**
 * pvmem_ptpool_drain() - empty the pool now; it fills again when used
 * @pv: the instance.
 * @batch: pages given back at a time, 1 to PVMEM_PTPOOL_BATCH_MAX.
 *
 * Context: process, sleeps; waits for a fill under way.
 * Return: pages freed.
 */
unsigned long pvmem_ptpool_drain(struct pvmem *pv, unsigned int batch)
{
	unsigned long freed;
	int nid;

	mutex_lock(&pv->pool.fill_mutex);
	for_each_node_state(nid, N_MEMORY)
		pvmem_ptpool_wash(pv, &pv->pool.nodes[nid]);
	freed = pvmem_ptpool_shrink_locked(pv, ULONG_MAX, batch);
	mutex_unlock(&pv->pool.fill_mutex);
	return freed;
}

/**
 * pvmem_ptpool_prepare() - add pages to this node's reservoir now
 * @pv: the instance.
 * @nr: how many.
 * @batch: pages prepared at a time, 1 to PVMEM_PTPOOL_BATCH_MAX.
 *
 * For a caller that is about to need many. Ignores the high watermark, not the
 * cap.
 *
 * Context: process, sleeps.
 * Return: pages added.
 */
unsigned long pvmem_ptpool_prepare(struct pvmem *pv, unsigned long nr, unsigned int batch)
{
	unsigned long have, added = 0, cap = READ_ONCE(pv->pool.config.cap);
	unsigned int got;

	mutex_lock(&pv->pool.fill_mutex);
	while (added < nr && !READ_ONCE(pv->pool.frozen)) {
		have = pvmem_ptpool_pages(pv);
		if (have >= cap)
			break;
		got = pvmem_ptpool_fill(pv, numa_node_id(), min3(nr - added, cap - have, (unsigned long)batch));
		if (!got)
			break;
		added += got;
	}
	mutex_unlock(&pv->pool.fill_mutex);
	return added;
}
