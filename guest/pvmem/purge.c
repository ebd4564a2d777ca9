// SPDX-License-Identifier: GPL-2.0
/*
 * From lazy to gone. A purge gathers every block that has dead spans, and then,
 * a batch of blocks at a time: collects what is dead, has the backend clear it
 * and flush all TLBs once, and only after that drops alias counts, puts held
 * pages and lets slots be handed out again.
 *
 * purge_mutex serialises purges. Each block is visited once per purge, so a
 * purge ends however fast others unmap. A block in which nothing is live is
 * *closed* while it is purged: no CPU owns it, nobody can map in it, and the
 * backend may replace its page table. In other blocks only ZAP spans, which
 * belong to the purge, are touched.
 *
 * A range that the backend fails to clear goes back to DEAD, stays counted as
 * aliased and held, and is tried again by the next purge.
 */
#include <linux/bsearch.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include "core.h"
#include "trace.h"

/*
 * Above this many times the lazy limit the worker has fallen behind, and callers
 * purge themselves before they take more address space.
 */
#define PVMEM_THROTTLE_FACTOR 4

/**
 * struct pvmem_purge_filter - only spans that map one of these pages
 * @page: sorted by address.
 * @nr: how many.
 */
struct pvmem_purge_filter {
	struct page **page;
	unsigned int nr;
};

/**
 * pvmem_lazy_pages() - mappings that were unmapped and not yet purged
 * @pv: the instance.
 *
 * Both counters only grow, purges are read before unmaps, and an unmap is
 * counted before it can be purged. So when the result is 0, everything that was
 * unmapped before the call is gone, however many CPUs unmap meanwhile.
 *
 * Context: any.
 * Return: pages; may be too high, never too low, while others unmap.
 */
unsigned long pvmem_lazy_pages(struct pvmem *pv)
{
	unsigned long purged = pvmem_stat_sum(pv, purge_pages);

	/* Pairs with the locks around the counting in vmap_block.c. */
	smp_rmb();
	return pvmem_stat_sum(pv, unmap_pages) - purged;
}

static int pvmem_page_cmp(const void *a, const void *b)
{
	const struct page *x = *(struct page *const *)a, *y = *(struct page *const *)b;

	return x < y ? -1 : x > y;
}

static bool pvmem_filter_match(const struct pvmem_purge_filter *filter, struct page **pages, unsigned int nr)
{
	if (!filter)
		return true;
	for (; nr; nr--, pages++)
		if (bsearch(pages, filter->page, filter->nr, sizeof(*pages), pvmem_page_cmp))
			return true;
	return false;
}

static void pvmem_purge_gather(struct pvmem *pv, struct list_head *victims)
{
	struct pvmem_block *block, *next;

	spin_lock(&pv->lock);
	list_for_each_entry_safe(block, next, &pv->blocks, link)
		if (READ_ONCE(block->dead))
			list_move_tail(&block->link, victims);
	spin_unlock(&pv->lock);
}

/* Nothing in @block is live: take all of it. */
static void pvmem_collect_whole(struct pvmem_purge_batch *batch, struct pvmem_purge_item *item)
{
	struct pvmem_block *block = item->block;

	pvmem_block_assert_locked(block);
	block->owner = NULL;
	block->closed = true;
	item->whole = true;
	if (block->cleared == block->dead)
		return;
	batch->range[batch->nr_ranges++] = (struct pvmem_range){
		.table = &block->table,
		.nr = block->next,
		.whole = true,
	};
}

/* Add entries to clear, to the last range when they continue it. */
static void pvmem_collect_range(struct pvmem_purge_batch *batch, struct pvmem_purge_item *item, unsigned int slot,
				unsigned int nr)
{
	struct pvmem_range *range = &batch->range[batch->nr_ranges];

	if (batch->nr_ranges > item->first_range && range[-1].first + range[-1].nr == slot) {
		range[-1].nr += nr;
		return;
	}
	*range = (struct pvmem_range){
		.table = &item->block->table,
		.first = slot,
		.nr = nr,
	};
	batch->nr_ranges++;
}

/* Add slots to free after the flush, likewise. */
static void pvmem_collect_done(struct pvmem_purge_batch *batch, struct pvmem_purge_item *item, unsigned int slot,
			       unsigned int nr)
{
	struct pvmem_slots *slots = &batch->done[batch->nr_done];

	if (batch->nr_done > item->first_done && slots[-1].first + slots[-1].nr == slot) {
		slots[-1].nr += nr;
		return;
	}
	*slots = (struct pvmem_slots){ .first = slot, .nr = nr };
	batch->nr_done++;
}

/* DEAD -> ZAP for what @filter wants; false when the batch was full before the end. */
static bool pvmem_collect_spans(struct pvmem_purge_batch *batch, struct pvmem_purge_item *item,
				const struct pvmem_purge_filter *filter)
{
	struct pvmem_block *block = item->block;
	unsigned int slot, nr;

	pvmem_block_assert_locked(block);
	for (slot = 0; slot < block->next; slot += nr) {
		unsigned short span = block->span[slot];

		nr = pvmem_span_len(span);
		if (pvmem_span_state(span) != PVMEM_SPAN_DEAD ||
		    !pvmem_filter_match(filter, block->table.pages + slot, nr))
			continue;
		if (batch->nr_done == PVMEM_PURGE_RANGES || batch->nr_ranges == PVMEM_PURGE_RANGES)
			return false;
		block->span[slot] = (span & ~PVMEM_SPAN_STATE) | PVMEM_SPAN_ZAP;
		pvmem_collect_done(batch, item, slot, nr);
		if (!(span & PVMEM_SPAN_CLEARED))
			pvmem_collect_range(batch, item, slot, nr);
	}
	return true;
}

/* Add @block to the batch; false when something dead in it did not fit. */
static bool pvmem_collect_block(struct pvmem_purge_batch *batch, struct pvmem_block *block,
				const struct pvmem_purge_filter *filter)
{
	struct pvmem_purge_item *item = &batch->item[batch->nr_items++];
	bool all = true;

	*item = (struct pvmem_purge_item){
		.block = block,
		.first_range = batch->nr_ranges,
		.first_done = batch->nr_done,
	};
	pvmem_block_lock(block);
	if (!filter && !block->live)
		pvmem_collect_whole(batch, item);
	else
		all = pvmem_collect_spans(batch, item, filter);
	pvmem_block_unlock(block);
	item->nr_ranges = batch->nr_ranges - item->first_range;
	item->nr_done = batch->nr_done - item->first_done;
	return all;
}

/* Fill the batch from the victims; they move to @taken, but for one that must come again. */
static void pvmem_purge_collect(struct pvmem *pv, struct list_head *victims, struct list_head *taken,
				const struct pvmem_purge_filter *filter)
{
	struct pvmem_purge_batch *batch = &pv->batch;
	struct pvmem_block *block;
	bool all = true;

	batch->nr_items = 0;
	batch->nr_ranges = 0;
	batch->nr_done = 0;
	while (all && batch->nr_items < PVMEM_PURGE_BLOCKS && batch->nr_ranges < PVMEM_PURGE_RANGES &&
	       batch->nr_done < PVMEM_PURGE_RANGES) {
		/* Only purges take blocks with dead spans off a list. */
		block = list_first_entry_or_null(victims, struct pvmem_block, link);
		if (!block)
			break;
		all = pvmem_collect_block(batch, block, filter);
		spin_lock(&pv->lock);
		list_move_tail(&block->link, all ? taken : victims);
		spin_unlock(&pv->lock);
	}
}

/* An item without ranges needed only the flush, and a zap that failed may not have flushed. */
static bool pvmem_item_failed(const struct pvmem_purge_batch *batch, const struct pvmem_purge_item *item, int zap_err)
{
	unsigned int i;

	if (zap_err && !item->nr_ranges)
		return true;
	for (i = 0; i < item->nr_ranges; i++)
		if (batch->range[item->first_range + i].error)
			return true;
	return false;
}

/* The pages of a flushed span are nobody's aliases any more. */
static void pvmem_span_drop(struct pvmem *pv, struct pvmem_block *block, unsigned int slot, unsigned int nr, bool held)
{
	struct page **pages = block->table.pages + slot;

	pvmem_alias_drop(&pv->alias, pages, nr);
	if (held)
		while (nr--)
			put_page(*pages++);
}

/* Drop what @want says of the spans in a run that belongs to the purge. */
static void pvmem_spans_drop(struct pvmem *pv, struct pvmem_block *block, unsigned int slot, unsigned int nr,
			     unsigned short want)
{
	unsigned int len, end = slot + nr;

	for (; slot < end; slot += len) {
		unsigned short span = block->span[slot];

		len = pvmem_span_len(span);
		if (pvmem_span_state(span) == want)
			pvmem_span_drop(pv, block, slot, len, span & PVMEM_SPAN_HELD);
	}
}

/* A closed block was emptied. */
static unsigned int pvmem_finish_whole(struct pvmem *pv, struct pvmem_block *block)
{
	unsigned int nr = block->dead;

	if (nr == block->next && (!block->held || block->held == nr))
		pvmem_span_drop(pv, block, 0, nr, block->held);
	else
		pvmem_spans_drop(pv, block, 0, block->next, PVMEM_SPAN_DEAD);
	block->dead = 0;
	block->held = 0;
	block->cleared = 0;
	return nr;
}

/* ZAP -> FREE, merge free spans, cut those at the end. */
static void pvmem_block_sweep(struct pvmem_block *block)
{
	unsigned int slot, len, end = block->next, free_from = end, largest = 0;

	pvmem_block_assert_locked(block);
	for (slot = 0; slot < end; slot += len) {
		unsigned short span = block->span[slot];
		unsigned short state = pvmem_span_state(span);

		len = pvmem_span_len(span);
		if (state == PVMEM_SPAN_ZAP) {
			block->dead -= len;
			if (span & PVMEM_SPAN_HELD)
				block->held -= len;
			if (span & PVMEM_SPAN_CLEARED)
				block->cleared -= len;
			block->span[slot] = len | PVMEM_SPAN_FREE;
		} else if (state != PVMEM_SPAN_FREE) {
			free_from = end;
			continue;
		}
		free_from = min(free_from, slot);
		block->span[free_from] = (slot + len - free_from) | PVMEM_SPAN_FREE;
		largest = max(largest, slot + len - free_from);
	}
	block->next = free_from;
	block->max_free = largest;
}

static unsigned int pvmem_finish_spans(struct pvmem *pv, const struct pvmem_purge_batch *batch,
				       const struct pvmem_purge_item *item)
{
	unsigned int i, nr = 0;

	for (i = item->first_done; i < item->first_done + item->nr_done; i++) {
		pvmem_spans_drop(pv, item->block, batch->done[i].first, batch->done[i].nr, PVMEM_SPAN_ZAP);
		nr += batch->done[i].nr;
	}
	return nr;
}

/* Undo the collecting of an item that could not be cleared; not tried again in this purge. */
static void pvmem_item_retry(struct pvmem *pv, const struct pvmem_purge_batch *batch,
			     const struct pvmem_purge_item *item, struct list_head *taken)
{
	struct pvmem_block *block = item->block;
	unsigned int i, slot, end;

	pvmem_stat_add(pv, purge_retried, item->nr_ranges);
	spin_lock(&pv->lock);
	list_move_tail(&block->link, taken);
	spin_unlock(&pv->lock);
	pvmem_block_lock(block);
	block->closed = false;
	for (i = item->first_done; i < item->first_done + item->nr_done; i++) {
		end = batch->done[i].first + batch->done[i].nr;
		for (slot = batch->done[i].first; slot < end; slot += pvmem_span_len(block->span[slot]))
			block->span[slot] = (block->span[slot] & ~PVMEM_SPAN_STATE) | PVMEM_SPAN_DEAD;
	}
	pvmem_block_unlock(block);
}

/* After the flush: hand the item's slots and pages back. */
static unsigned int pvmem_item_finish(struct pvmem *pv, const struct pvmem_purge_batch *batch,
				      const struct pvmem_purge_item *item)
{
	struct pvmem_block *block = item->block;
	unsigned int nr = item->whole ? pvmem_finish_whole(pv, block) : pvmem_finish_spans(pv, batch, item);

	spin_lock(&pv->lock);
	pvmem_block_lock(block);
	if (!item->whole)
		pvmem_block_sweep(block);
	block->closed = false;
	pvmem_block_settle(pv, block);
	pvmem_block_unlock(block);
	spin_unlock(&pv->lock);
	return nr;
}

static bool pvmem_batch_empty(const struct pvmem_purge_batch *batch)
{
	unsigned int i;

	for (i = 0; i < batch->nr_items; i++)
		if (batch->item[i].whole)
			return false;
	return !batch->nr_done;
}

static unsigned int pvmem_purge_batch_run(struct pvmem *pv, struct list_head *victims, struct list_head *taken,
					  const struct pvmem_purge_filter *filter, int *err)
{
	struct pvmem_purge_batch *batch = &pv->batch;
	unsigned int i, nr = 0;
	int zap_err;

	pvmem_purge_collect(pv, victims, taken, filter);
	if (pvmem_batch_empty(batch))
		return 0;
	zap_err = pv->ops->zap(pv, batch->range, batch->nr_ranges);
	if (zap_err && !*err)
		*err = zap_err;
	for (i = 0; i < batch->nr_items; i++) {
		if (pvmem_item_failed(batch, &batch->item[i], zap_err))
			pvmem_item_retry(pv, batch, &batch->item[i], taken);
		else
			nr += pvmem_item_finish(pv, batch, &batch->item[i]);
	}
	pvmem_stat_add(pv, purge_pages, nr);
	return nr;
}

static int pvmem_purge_locked(struct pvmem *pv, const struct pvmem_purge_filter *filter)
{
	LIST_HEAD(victims);
	LIST_HEAD(taken);
	unsigned long nr = 0;
	int err = 0;

	lockdep_assert_held(&pv->purge_mutex);
	pvmem_purge_gather(pv, &victims);
	if (list_empty(&victims))
		return 0;
	pvmem_stat_inc(pv, purge_runs);
	while (!list_empty(&victims))
		nr += pvmem_purge_batch_run(pv, &victims, &taken, filter, &err);
	spin_lock(&pv->lock);
	list_splice(&taken, &pv->blocks);
	spin_unlock(&pv->lock);
	trace_pvmem_purge(nr, err);
	return err;
}

/**
 * pvmem_purge() - remove every lazy mapping there is
 * @pv: the instance.
 *
 * Context: process, sleeps; takes purge_mutex. Allocates nothing.
 * Return: 0, or the backend's first -errno: what it could not clear stays lazy.
 */
int pvmem_purge(struct pvmem *pv)
{
	int err;

	mutex_lock(&pv->purge_mutex);
	err = pvmem_purge_locked(pv, NULL);
	mutex_unlock(&pv->purge_mutex);
	return err;
}

/**
 * pvmem_try_purge() - purge unless a purge is under way
 * @pv: the instance.
 *
 * Context: process; for reclaim, which may have interrupted anything.
 * Return: true when it purged.
 */
bool pvmem_try_purge(struct pvmem *pv)
{
	if (!mutex_trylock(&pv->purge_mutex))
		return false;
	pvmem_purge_locked(pv, NULL);
	mutex_unlock(&pv->purge_mutex);
	return true;
}

/**
 * pvmem_purge_pages_locked() - pvmem_purge_pages() for whoever holds purge_mutex
 * @pv: the instance.
 * @pages: the pages.
 * @nr: how many.
 *
 * Context: process, sleeps; allocates, which the shrinkers bear: they only try
 * to take the mutex.
 * Return: 0, or the backend's first -errno.
 */
int pvmem_purge_pages_locked(struct pvmem *pv, struct page **pages, unsigned int nr)
{
	struct pvmem_purge_filter filter = { .nr = nr };
	int err;

	filter.page = kvmalloc_array(nr, sizeof(*pages), GFP_KERNEL | __GFP_NOWARN);
	if (!filter.page)
		return pvmem_purge_locked(pv, NULL);
	memcpy(filter.page, pages, nr * sizeof(*pages));
	sort(filter.page, nr, sizeof(*pages), pvmem_page_cmp, NULL);
	err = pvmem_purge_locked(pv, &filter);
	kvfree(filter.page);
	return err;
}

/**
 * pvmem_purge_pages() - remove the lazy mappings of some pages only
 * @pv: the instance.
 * @pages: the pages.
 * @nr: how many.
 *
 * Looks through every lazy mapping, with a binary search in @pages for each.
 * Falls back to a full purge when the sorted copy of @pages cannot be allocated.
 *
 * Context: process, sleeps; takes purge_mutex.
 * Return: 0, or the backend's first -errno.
 */
int pvmem_purge_pages(struct pvmem *pv, struct page **pages, unsigned int nr)
{
	int err;

	mutex_lock(&pv->purge_mutex);
	err = pvmem_purge_pages_locked(pv, pages, nr);
	mutex_unlock(&pv->purge_mutex);
	return err;
}

/**
 * pvmem_purge_work() - the asynchronous purge
 * @work: pv->purge_work.
 */
void pvmem_purge_work(struct work_struct *work)
{
	struct pvmem *pv = container_of(work, struct pvmem, purge_work);

	pvmem_stat_inc(pv, purge_async);
	pvmem_purge(pv);
}

/**
 * pvmem_purge_check_limit() - keep lazy mappings within their limit
 * @pv: the instance.
 *
 * Called where address space is taken or a large map ends, not for every unmap.
 * Starts the worker above the limit; purges here only far above it.
 *
 * Context: process, may sleep.
 */
void pvmem_purge_check_limit(struct pvmem *pv)
{
	unsigned long lazy = pvmem_lazy_pages(pv), limit = READ_ONCE(pv->lazy_limit);

	if (lazy <= limit)
		return;
	if (lazy <= PVMEM_THROTTLE_FACTOR * limit) {
		queue_work(pv->wq, &pv->purge_work);
		return;
	}
	pvmem_stat_inc(pv, purge_throttled);
	pvmem_purge(pv);
}
