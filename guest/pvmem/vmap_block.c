// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks: 2 MiB of address space that one page table maps, filled by small maps
 * of one CPU or by a piece of one large map.
 *
 * A CPU takes slots from the start of its current block to the end and then
 * takes another block; slots are not reused before a purge. An unmap only turns
 * a span of slots from LIVE to DEAD. A purge turns DEAD spans into FREE ones, or
 * empties the whole block when nothing in it is live. A block that keeps a few
 * live spans for long has its FREE spans handed out again (pv->partial).
 *
 *	take		unmap		purge starts	flushed
 *	FREE -> LIVE -> DEAD ---------> ZAP ----------> FREE
 *
 * Invariants, under block->lock: the spans tile the slots below next; live and
 * dead are the sums of the LIVE, and of the DEAD and ZAP spans; two FREE spans
 * never touch and none ends at next, just after a purge; a slot beyond next is
 * mapped nowhere. A slot that is not the first of a span never reads as LIVE.
 *
 * The lock is taken for the change of a span only: PTEs are written without it,
 * which is safe because a LIVE span belongs to its mapper and a ZAP span to the
 * purge.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include "core.h"
#include "trace.h"

/* Free slots that make a block without an owner worth keeping on pv->partial. */
#define PVMEM_PARTIAL_MIN 64

static int pvmem_block_take_hole(struct pvmem_block *block, unsigned int nr)
{
	unsigned int slot, len, largest = 0;

	lockdep_assert_held(&block->lock);
	for (slot = 0; slot < block->next; slot += len) {
		len = pvmem_span_len(block->span[slot]);
		if (pvmem_span_state(block->span[slot]) != PVMEM_SPAN_FREE)
			continue;
		if (len >= nr) {
			if (len > nr)
				block->span[slot + nr] = (len - nr) | PVMEM_SPAN_FREE;
			return slot;
		}
		largest = max(largest, len);
	}
	block->max_free = largest;
	return -ENOSPC;
}

/* Make @nr slots LIVE; -ENOSPC when no such run is free. */
static int pvmem_block_take(struct pvmem_block *block, unsigned int nr)
{
	int slot = block->next;

	lockdep_assert_held(&block->lock);
	if (likely(slot + nr <= PVMEM_BLOCK_PAGES)) {
		block->next += nr;
	} else {
		if (block->max_free < nr)
			return -ENOSPC;
		slot = pvmem_block_take_hole(block, nr);
		if (slot < 0)
			return slot;
	}
	WRITE_ONCE(block->span[slot], nr | PVMEM_SPAN_LIVE);
	block->live += nr;
	return slot;
}

static int pvmem_block_take_if_owner(struct pvmem_block *block, struct pvmem_front *front, unsigned int nr)
{
	int slot = -ENOSPC;

	spin_lock(&block->lock);
	if (likely(block->owner == front))
		slot = pvmem_block_take(block, nr);
	spin_unlock(&block->lock);
	return slot;
}

static bool pvmem_block_has_room(struct pvmem_block *block)
{
	return max_t(unsigned int, PVMEM_BLOCK_PAGES - block->next, block->max_free) >= PVMEM_PARTIAL_MIN;
}

/**
 * pvmem_block_settle() - decide what becomes of a block that changed
 * @pv: the instance.
 * @block: a block in use.
 *
 * Context: any; the caller holds pv->lock and @block's lock. A block that nobody
 * fills is given back when it is empty and offered to others when it has room.
 */
void pvmem_block_settle(struct pvmem *pv, struct pvmem_block *block)
{
	lockdep_assert_held(&pv->lock);
	lockdep_assert_held(&block->lock);

	if (block->owner || block->closed)
		return;
	if (!block->live && !block->dead)
		pvmem_block_put(pv, block);
	else if (block->live && !block->run && pvmem_block_has_room(block))
		list_move_tail(&block->partial, &pv->partial);
}

/* @front fills another block from now on; @block is anybody's. */
static void pvmem_block_abandon(struct pvmem *pv, struct pvmem_block *block, struct pvmem_front *front)
{
	spin_lock(&pv->lock);
	spin_lock(&block->lock);
	if (block->owner == front) {
		block->owner = NULL;
		pvmem_block_settle(pv, block);
	}
	spin_unlock(&block->lock);
	spin_unlock(&pv->lock);
}

/* A block that somebody left half empty, already off the list. */
static struct pvmem_block *pvmem_partial_get(struct pvmem *pv)
{
	struct pvmem_block *block;

	lockdep_assert_held(&pv->lock);
	block = list_first_entry_or_null(&pv->partial, struct pvmem_block, partial);
	if (block)
		list_del_init(&block->partial);
	return block;
}

/* Adopt a partial block and take @nr slots of it. Preemption is off. */
static struct pvmem_block *pvmem_partial_adopt(struct pvmem *pv, struct pvmem_front *front, unsigned int nr, int *slot)
{
	struct pvmem_block *block;

	spin_lock(&pv->lock);
	while ((block = pvmem_partial_get(pv))) {
		spin_lock(&block->lock);
		*slot = -ENOSPC;
		if (!block->closed && !block->owner) {
			*slot = pvmem_block_take(block, nr);
			if (*slot >= 0)
				block->owner = front;
		}
		spin_unlock(&block->lock);
		if (*slot >= 0)
			break;
	}
	spin_unlock(&pv->lock);
	return block;
}

/* Install @block as this CPU's current one; returns the one it replaces. */
static struct pvmem_block *pvmem_front_switch(struct pvmem_front *front, struct pvmem_block *block)
{
	struct pvmem_block *old = front->block;

	front->block = block;
	return old == block ? NULL : old;
}

/*
 * The slow path of a small map: this CPU's block is full or was taken away.
 * Prefers blocks with holes, so that long-lived maps do not pin whole blocks.
 */
static struct pvmem_block *pvmem_block_open(struct pvmem *pv, unsigned int nr, int *slot)
{
	struct pvmem_block *block, *old;
	struct pvmem_front *front;

	pvmem_purge_check_limit(pv);
	front = get_cpu_ptr(pv->fronts);
	block = pvmem_partial_adopt(pv, front, nr, slot);
	if (!block) {
		put_cpu_ptr(pv->fronts);
		block = pvmem_blocks_get(pv, 1);
		if (!block)
			return NULL;
		pvmem_stat_inc(pv, block_opened);
		front = get_cpu_ptr(pv->fronts);
		spin_lock(&block->lock);
		block->owner = front;
		*slot = pvmem_block_take(block, nr);
		spin_unlock(&block->lock);
	}
	old = pvmem_front_switch(front, block);
	put_cpu_ptr(pv->fronts);
	if (old)
		pvmem_block_abandon(pv, old, front);
	return block;
}

/**
 * pvmem_block_leave_cpu() - take a CPU's current block away
 * @pv: the instance.
 * @cpu: a CPU that maps nothing now: it is offline, or the instance is going.
 *
 * Context: process.
 */
void pvmem_block_leave_cpu(struct pvmem *pv, unsigned int cpu)
{
	struct pvmem_front *front = per_cpu_ptr(pv->fronts, cpu);
	struct pvmem_block *block = pvmem_front_switch(front, NULL);

	if (block)
		pvmem_block_abandon(pv, block, front);
}

/* Give back a span that was never mapped. */
static void pvmem_slot_cancel(struct pvmem *pv, struct pvmem_block *block, unsigned int slot, unsigned int nr)
{
	spin_lock(&pv->lock);
	spin_lock(&block->lock);
	block->span[slot] = nr | PVMEM_SPAN_FREE;
	block->live -= nr;
	block->max_free = max_t(unsigned int, block->max_free, nr);
	pvmem_block_settle(pv, block);
	spin_unlock(&block->lock);
	spin_unlock(&pv->lock);
}

/* Map @pages at a span that is LIVE and ours. */
static int pvmem_slot_fill(struct pvmem *pv, struct pvmem_block *block, unsigned int slot, struct page **pages,
			   unsigned int nr, pgprot_t prot)
{
	struct pvmem_range range = {
		.table = &block->table,
		.pages = pages,
		.first = slot,
		.nr = nr,
	};
	unsigned int recorded;

	recorded = pvmem_alias_record(&pv->alias, block->pages + slot, pages, nr);
	if (unlikely(recorded < nr)) {
		pvmem_alias_drop(&pv->alias, block->pages + slot, recorded);
		pvmem_slot_cancel(pv, block, slot, nr);
		return -EOPNOTSUPP;
	}
	if (likely(!pv->ops->map(pv, &range, 1, prot)))
		return 0;
	pvmem_block_unmap(pv, block, slot, nr);
	return -EFAULT;
}

/**
 * pvmem_block_map() - map a few pages, next to other small maps
 * @pv: the instance.
 * @pages: the pages.
 * @nr: how many, 1 to PVMEM_SMALL_MAX.
 * @prot: protection, checked by the caller.
 *
 * Context: process, may sleep.
 * Return: the address, or NULL.
 */
void *pvmem_block_map(struct pvmem *pv, struct page **pages, unsigned int nr, pgprot_t prot)
{
	struct pvmem_front *front = get_cpu_ptr(pv->fronts);
	struct pvmem_block *block = front->block;
	int slot = -ENOSPC;

	if (likely(block))
		slot = pvmem_block_take_if_owner(block, front, nr);
	put_cpu_ptr(pv->fronts);
	if (unlikely(slot < 0)) {
		block = pvmem_block_open(pv, nr, &slot);
		if (!block)
			return NULL;
	}
	if (unlikely(pvmem_slot_fill(pv, block, slot, pages, nr, prot)))
		return NULL;
	return (void *)(block->table.addr + ((unsigned long)slot << PAGE_SHIFT));
}

static bool pvmem_pages_hold(struct page **pages, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (unlikely(!get_page_unless_zero(compound_head(pages[i]))))
			goto undo;
	return true;
undo:
	while (i--)
		put_page(pages[i]);
	return false;
}

/*
 * What the policy does to a span before it is DEAD: the flags that the span then
 * carries. @now is set when it may not stay mapped at all.
 */
static unsigned short pvmem_span_prepare(struct pvmem *pv, struct pvmem_block *block, unsigned int slot,
					 unsigned int nr, bool *now)
{
	struct pvmem_range range = {
		.table = &block->table,
		.first = slot,
		.nr = nr,
	};

	*now = false;
	switch (READ_ONCE(pv->policy)) {
	case PVMEM_POLICY_HOLD:
		*now = !pvmem_pages_hold(block->pages + slot, nr);
		return *now ? 0 : PVMEM_SPAN_HELD;
	case PVMEM_POLICY_EAGER:
		return pv->ops->clear(pv, &range, 1) ? 0 : PVMEM_SPAN_CLEARED;
	default:
		return 0;
	}
}

/* LIVE -> DEAD; false when the span is not LIVE any more: two unmaps raced. */
static bool pvmem_span_kill(struct pvmem *pv, struct pvmem_block *block, unsigned int slot, unsigned int nr,
			    unsigned short flags)
{
	spin_lock(&block->lock);
	if (unlikely(pvmem_span_state(block->span[slot]) != PVMEM_SPAN_LIVE)) {
		spin_unlock(&block->lock);
		return false;
	}
	/* Counted before it can be purged: pvmem_lazy_pages() relies on it. */
	pvmem_stat_add(pv, unmap_pages, nr);
	WRITE_ONCE(block->span[slot], nr | PVMEM_SPAN_DEAD | flags);
	block->live -= nr;
	WRITE_ONCE(block->dead, block->dead + nr);
	if (flags & PVMEM_SPAN_HELD)
		block->held += nr;
	if (flags & PVMEM_SPAN_CLEARED)
		block->cleared += nr;
	spin_unlock(&block->lock);
	return true;
}

static void pvmem_pages_unhold(struct page **pages, unsigned int nr)
{
	while (nr--)
		put_page(*pages++);
}

static int pvmem_span_unmap(struct pvmem *pv, struct pvmem_block *block, unsigned int slot, unsigned int nr)
{
	unsigned short flags;
	bool now;

	flags = pvmem_span_prepare(pv, block, slot, nr, &now);
	if (unlikely(!pvmem_span_kill(pv, block, slot, nr, flags))) {
		if (flags & PVMEM_SPAN_HELD)
			pvmem_pages_unhold(block->pages + slot, nr);
		return -EINVAL;
	}
	if (unlikely(now)) {
		pvmem_stat_inc(pv, unmap_unheld);
		return pvmem_purge_pages(pv, block->pages + slot, nr);
	}
	return 0;
}

static int pvmem_run_unmap(struct pvmem *pv, struct pvmem_block *block, unsigned int nr)
{
	unsigned int i, run = block->run, total = 0;
	int ret, err = 0;

	for (i = 0; i < run; i++)
		total += pvmem_span_len(block[i].span[0]);
	if (nr && nr != total)
		return -EINVAL;
	for (i = 0; i < run; i++) {
		ret = pvmem_span_unmap(pv, &block[i], 0, pvmem_span_len(block[i].span[0]));
		if (ret)
			err = ret;
	}
	pvmem_purge_check_limit(pv);
	return err;
}

/**
 * pvmem_block_unmap() - end a mapping
 * @pv: the instance.
 * @block: the block that holds its first page.
 * @slot: the slot of its first page.
 * @nr: its length in pages, or 0 to trust what the map said.
 *
 * Context: process, may sleep.
 * Return: 0, or -EINVAL when no such mapping is live; then nothing changed.
 */
int pvmem_block_unmap(struct pvmem *pv, struct pvmem_block *block, unsigned int slot, unsigned int nr)
{
	unsigned short span = READ_ONCE(block->span[slot]);

	if (unlikely(pvmem_span_state(span) != PVMEM_SPAN_LIVE || block->run == PVMEM_RUN_TAIL))
		return -EINVAL;
	if (block->run)
		return pvmem_run_unmap(pv, block, nr);
	if (unlikely(nr && nr != pvmem_span_len(span)))
		return -EINVAL;
	return pvmem_span_unmap(pv, block, slot, pvmem_span_len(span));
}

/* Make the blocks of a new large map one LIVE span each. */
static void pvmem_run_take(struct pvmem_block *block, unsigned int nr_blocks, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr_blocks; i++, nr -= PVMEM_BLOCK_PAGES) {
		spin_lock(&block[i].lock);
		block[i].run = i ? PVMEM_RUN_TAIL : nr_blocks;
		pvmem_block_take(&block[i], min_t(unsigned int, nr, PVMEM_BLOCK_PAGES));
		spin_unlock(&block[i].lock);
	}
}

/* Nothing of the large map is mapped yet: @recorded of its pages are counted. */
static void pvmem_run_cancel(struct pvmem *pv, struct pvmem_block *block, unsigned int nr_blocks, unsigned int recorded)
{
	unsigned int i, nr;

	for (i = 0; i < nr_blocks; i++, recorded -= nr) {
		nr = min_t(unsigned int, recorded, PVMEM_BLOCK_PAGES);
		pvmem_alias_drop(&pv->alias, block[i].pages, nr);
		spin_lock(&pv->lock);
		spin_lock(&block[i].lock);
		block[i].span[0] = PVMEM_SPAN_FREE;
		block[i].live = 0;
		pvmem_block_put(pv, &block[i]);
		spin_unlock(&block[i].lock);
		spin_unlock(&pv->lock);
	}
}

static unsigned int pvmem_run_record(struct pvmem *pv, struct pvmem_block *block, struct page **pages, unsigned int nr)
{
	unsigned int done, len, recorded = 0;

	while (recorded < nr) {
		len = min_t(unsigned int, nr - recorded, PVMEM_BLOCK_PAGES);
		done = pvmem_alias_record(&pv->alias, block->pages, pages + recorded, len);
		recorded += done;
		if (done < len)
			break;
		block++;
	}
	return recorded;
}

/* Set the PTEs of a large map, a batch of tables at a time. */
static int pvmem_run_fill(struct pvmem *pv, struct pvmem_block *block, unsigned int nr_blocks, pgprot_t prot)
{
	struct pvmem_range range[PVMEM_PURGE_BLOCKS];
	unsigned int i, nr;
	int err;

	for (i = 0; i < nr_blocks; i += nr) {
		for (nr = 0; nr < PVMEM_PURGE_BLOCKS && i + nr < nr_blocks; nr++)
			range[nr] = (struct pvmem_range){
				.table = &block[i + nr].table,
				.pages = block[i + nr].pages,
				.nr = pvmem_span_len(block[i + nr].span[0]),
				.whole = true,
			};
		err = pv->ops->map(pv, range, nr, prot);
		if (err)
			return err;
	}
	return 0;
}

/**
 * pvmem_run_map() - map many pages, in page tables of their own
 * @pv: the instance.
 * @pages: the pages.
 * @nr: how many, more than PVMEM_SMALL_MAX.
 * @prot: protection, checked by the caller.
 *
 * Context: process, may sleep.
 * Return: the address, aligned to 2 MiB, or NULL.
 */
void *pvmem_run_map(struct pvmem *pv, struct page **pages, unsigned int nr, pgprot_t prot)
{
	unsigned int recorded, nr_blocks = DIV_ROUND_UP(nr, PVMEM_BLOCK_PAGES);
	struct pvmem_block *block = pvmem_blocks_get(pv, nr_blocks);

	if (!block)
		return NULL;
	pvmem_run_take(block, nr_blocks, nr);
	recorded = pvmem_run_record(pv, block, pages, nr);
	if (recorded < nr) {
		pvmem_run_cancel(pv, block, nr_blocks, recorded);
		return NULL;
	}
	if (pvmem_run_fill(pv, block, nr_blocks, prot)) {
		pvmem_run_unmap(pv, block, nr);
		return NULL;
	}
	return (void *)block->table.addr;
}
