// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks: 2 MiB of address space that one page table maps, filled by small maps
 * of one CPU (vmap.c) or by a piece of one large map (vmap_run.c).
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
#include <linux/kernel.h>
#include "core.h"

/* Free slots that make a block without an owner worth keeping on pv->partial. */
#define PVMEM_PARTIAL_MIN 64

/* The first slot of a run of slots that a purge freed and that are LIVE now, or -ENOSPC. */
static int pvmem_block_take_hole(struct pvmem_block *block, unsigned int nr)
{
	unsigned int slot, len, largest = 0;

	pvmem_block_assert_locked(block);
	for (slot = 0; slot < block->next; slot += len) {
		len = pvmem_span_len(block->span[slot]);
		if (pvmem_span_state(block->span[slot]) != PVMEM_SPAN_FREE)
			continue;
		if (len >= nr) {
			if (len > nr)
				block->span[slot + nr] = (len - nr) | PVMEM_SPAN_FREE;
			WRITE_ONCE(block->span[slot], nr | PVMEM_SPAN_LIVE);
			block->live += nr;
			return slot;
		}
		largest = max(largest, len);
	}
	block->max_free = largest;
	return -ENOSPC;
}

/* Make slots LIVE, wherever they are free; the first one, or -ENOSPC. */
static int pvmem_block_take(struct pvmem_block *block, unsigned int nr)
{
	int slot = block->next;

	if (slot + nr > PVMEM_BLOCK_PAGES)
		return block->max_free < nr ? -ENOSPC : pvmem_block_take_hole(block, nr);
	pvmem_block_take_next(block, nr);
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
	pvmem_block_assert_locked(block);

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
	pvmem_block_lock(block);
	if (block->owner == front) {
		block->owner = NULL;
		pvmem_block_settle(pv, block);
	}
	pvmem_block_unlock(block);
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

/* The block that this CPU fills, when it has a hole; preemption is off. */
static struct pvmem_block *pvmem_front_take(struct pvmem_front *front, unsigned int nr, int *slot)
{
	struct pvmem_block *block = front->block;

	if (!block)
		return NULL;
	pvmem_block_lock(block);
	*slot = block->owner == front ? pvmem_block_take(block, nr) : -ENOSPC;
	pvmem_block_unlock(block);
	return *slot < 0 ? NULL : block;
}

/* Adopt a partial block and take @nr slots of it. Preemption is off. */
static struct pvmem_block *pvmem_partial_adopt(struct pvmem *pv, struct pvmem_front *front, unsigned int nr, int *slot)
{
	struct pvmem_block *block;

	spin_lock(&pv->lock);
	while ((block = pvmem_partial_get(pv))) {
		pvmem_block_lock(block);
		*slot = -ENOSPC;
		if (!block->closed && !block->owner) {
			*slot = pvmem_block_take(block, nr);
			if (*slot >= 0)
				block->owner = front;
		}
		pvmem_block_unlock(block);
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

	WRITE_ONCE(front->block, block);
	return old == block ? NULL : old;
}

/**
 * pvmem_block_open() - slots for a small map from another block
 * @pv: the instance.
 * @nr: slots wanted, at most PVMEM_SMALL_MAX.
 * @slot: out: the first slot; the span is LIVE.
 *
 * The slow path: this CPU's block is full or was taken away. Prefers blocks with
 * holes, so that long-lived maps do not pin whole blocks.
 *
 * Context: process, may sleep; may purge when far above the lazy limit.
 * Return: the block, which is this CPU's current one now, or NULL.
 */
struct pvmem_block *pvmem_block_open(struct pvmem *pv, unsigned int nr, int *slot)
{
	struct pvmem_block *block, *old;
	struct pvmem_front *front;

	front = get_cpu_ptr(pv->fronts);
	block = pvmem_front_take(front, nr, slot);
	put_cpu_ptr(pv->fronts);
	if (block)
		return block;
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
		pvmem_block_lock(block);
		block->owner = front;
		*slot = pvmem_block_take(block, nr);
		pvmem_block_unlock(block);
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
