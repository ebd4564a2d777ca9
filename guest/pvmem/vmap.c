// SPDX-License-Identifier: GPL-2.0
/*
 * The front door, and the hot path behind it: map and unmap. Checks arguments,
 * chooses between slots of the CPU's block and blocks of the map's own, applies
 * the policy at unmap, counts.
 */
#include <linux/mm.h>
#include "core.h"
#define CREATE_TRACE_POINTS
#include "trace.h"

/* What a kernel mapping must and must not have. */
static bool pvmem_prot_valid(pgprot_t prot)
{
	return (pgprot_val(prot) & (_PAGE_PRESENT | _PAGE_USER | _PAGE_PSE)) == _PAGE_PRESENT;
}

static void pvmem_pages_unhold(struct page **pages, unsigned int nr)
{
	while (nr--)
		put_page(*pages++);
}

static bool pvmem_pages_hold(struct page **pages, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (unlikely(!get_page_unless_zero(compound_head(pages[i])))) {
			pvmem_pages_unhold(pages, i);
			return false;
		}
	}
	return true;
}

/* LIVE -> DEAD for a span that is known to be LIVE. */
static __always_inline void pvmem_span_kill_locked(struct pvmem *pv, struct pvmem_block *block, unsigned int slot,
						   unsigned int nr, unsigned short flags)
{
	pvmem_block_assert_locked(block);
	/* Counted before it can be purged: pvmem_lazy_pages() relies on it. */
	pvmem_stat_add(pv, unmap_pages, nr);
	WRITE_ONCE(block->span[slot], nr | PVMEM_SPAN_DEAD | flags);
	block->live -= nr;
	WRITE_ONCE(block->dead, block->dead + nr);
	if (flags & PVMEM_SPAN_HELD)
		block->held += nr;
	if (flags & PVMEM_SPAN_CLEARED)
		block->cleared += nr;
}

/* LIVE -> DEAD; false when the span is not LIVE any more: two unmaps raced. */
static bool pvmem_span_kill(struct pvmem *pv, struct pvmem_block *block, unsigned int slot, unsigned int nr,
			    unsigned short flags)
{
	bool live;

	pvmem_block_lock(block);
	live = pvmem_span_state(block->span[slot]) == PVMEM_SPAN_LIVE;
	if (likely(live))
		pvmem_span_kill_locked(pv, block, slot, nr, flags);
	pvmem_block_unlock(block);
	return live;
}

/*
 * LIVE -> DEAD under policy track, which is read with preemption off: after
 * another policy was set and a grace period has passed, no such unmap is under
 * way. False when the policy is another one, or the map has not this length.
 */
static __always_inline bool pvmem_span_kill_track(struct pvmem *pv, struct pvmem_block *block, unsigned int slot,
						  unsigned int nr)
{
	bool done;

	pvmem_block_lock(block);
	done = block->span[slot] == (nr | PVMEM_SPAN_LIVE) && READ_ONCE(pv->policy) == PVMEM_POLICY_TRACK;
	if (likely(done))
		pvmem_span_kill_locked(pv, block, slot, nr, 0);
	pvmem_block_unlock(block);
	return done;
}

/*
 * Pages that cannot be held are unmapped at once. No purge runs between the kill
 * and ours, so the slots still have our pages. When the hypervisor refuses even
 * this, they stay counted as aliased and the next purge tries again.
 */
static noinline int pvmem_span_unmap_now(struct pvmem *pv, struct pvmem_block *block, unsigned int slot,
					 unsigned int nr)
{
	bool killed;

	mutex_lock(&pv->purge_mutex);
	killed = pvmem_span_kill(pv, block, slot, nr, 0);
	if (killed) {
		pvmem_stat_inc(pv, unmap_unheld);
		pvmem_purge_pages_locked(pv, block->table.pages + slot, nr);
	}
	mutex_unlock(&pv->purge_mutex);
	return killed ? 0 : -EINVAL;
}

static noinline int pvmem_span_unmap_hold(struct pvmem *pv, struct pvmem_block *block, unsigned int slot,
					  unsigned int nr)
{
	struct page **pages = block->table.pages + slot;

	if (unlikely(!pvmem_pages_hold(pages, nr)))
		return pvmem_span_unmap_now(pv, block, slot, nr);
	if (likely(pvmem_span_kill(pv, block, slot, nr, PVMEM_SPAN_HELD)))
		return 0;
	pvmem_pages_unhold(pages, nr);
	return -EINVAL;
}

/* Policy eager; when the hypervisor refuses, as lazy as track. */
static noinline int pvmem_span_unmap_eager(struct pvmem *pv, struct pvmem_block *block, unsigned int slot,
					   unsigned int nr)
{
	unsigned short flags = pv->ops->clear(pv, &block->table, slot, nr) ? 0 : PVMEM_SPAN_CLEARED;

	return pvmem_span_kill(pv, block, slot, nr, flags) ? 0 : -EINVAL;
}

/* Policy track; when that is left meanwhile, as safe as hold. */
static noinline int pvmem_span_unmap_track(struct pvmem *pv, struct pvmem_block *block, unsigned int slot,
					   unsigned int nr)
{
	bool live, track;

	pvmem_block_lock(block);
	live = pvmem_span_state(block->span[slot]) == PVMEM_SPAN_LIVE;
	track = READ_ONCE(pv->policy) == PVMEM_POLICY_TRACK;
	if (live && track)
		pvmem_span_kill_locked(pv, block, slot, nr, 0);
	pvmem_block_unlock(block);
	if (!live)
		return -EINVAL;
	return track ? 0 : pvmem_span_unmap_hold(pv, block, slot, nr);
}

/**
 * pvmem_span_unmap() - end the mapping of a span, as the policy has it
 * @pv: the instance.
 * @block: its block.
 * @slot: its first slot.
 * @nr: its length.
 *
 * Context: process, may sleep.
 * Return: 0, or -EINVAL when the span is not LIVE any more.
 */
int pvmem_span_unmap(struct pvmem *pv, struct pvmem_block *block, unsigned int slot, unsigned int nr)
{
	switch (READ_ONCE(pv->policy)) {
	case PVMEM_POLICY_HOLD:
		return pvmem_span_unmap_hold(pv, block, slot, nr);
	case PVMEM_POLICY_EAGER:
		return pvmem_span_unmap_eager(pv, block, slot, nr);
	default:
		return pvmem_span_unmap_track(pv, block, slot, nr);
	}
}

/**
 * pvmem_alias_refuse() - what a backend does about a page it may not map
 * @pv: the instance.
 * @to: where @pages are remembered.
 * @pages: pages, recorded up to the one that is refused.
 * @nr: how many.
 *
 * Records the filler for that page and all after it: the span is whole, and is
 * unmapped like any other.
 *
 * Return: -EOPNOTSUPP.
 */
int pvmem_alias_refuse(struct pvmem *pv, struct page **to, struct page **pages, unsigned int nr)
{
	unsigned long offset;

	for (; nr && pvmem_alias_offset(pv->alias.base, *pages) < pv->alias.size; nr--, pages++)
		to++;
	for (; nr; nr--)
		pvmem_alias_record(&pv->alias, to++, pv->filler, &offset);
	return -EOPNOTSUPP;
}

/* The backend could not set every PTE. */
static noinline void *pvmem_slot_undo(struct pvmem *pv, struct pvmem_block *block, unsigned int slot, unsigned int nr)
{
	pvmem_span_unmap(pv, block, slot, nr);
	return NULL;
}

/* Map pages at a LIVE span. PTEs are set without a lock: the span is ours. */
static __always_inline void *pvmem_slot_map(struct pvmem *pv, struct pvmem_block *block, unsigned int slot,
					    struct page **pages, unsigned int nr, pgprot_t prot)
{
	pvmem_stat_add(pv, map_pages, nr);
	if (unlikely(pv->ops->set(pv, &block->table, slot, pages, nr, prot)))
		return pvmem_slot_undo(pv, block, slot, nr);
	return (void *)(block->table.addr + ((unsigned long)slot << PAGE_SHIFT));
}

static noinline void *pvmem_small_map_slow(struct pvmem *pv, struct page **pages, unsigned int nr, pgprot_t prot)
{
	int slot;
	struct pvmem_block *block = pvmem_block_open(pv, nr, &slot);

	return block ? pvmem_slot_map(pv, block, slot, pages, nr, prot) : NULL;
}

/* Take slots of this CPU's block, next to other small maps; or the slow path. */
static __always_inline void *pvmem_small_map(struct pvmem *pv, struct page **pages, unsigned int nr, pgprot_t prot)
{
	struct pvmem_front *front = raw_cpu_ptr(pv->fronts);
	struct pvmem_block *block = READ_ONCE(front->block);
	int slot = -ENOSPC;

	if (likely(block)) {
		pvmem_block_lock(block);
		if (likely(block->owner == front))
			slot = pvmem_block_take(block, nr);
		pvmem_block_unlock(block);
	}
	if (unlikely(slot < 0))
		return pvmem_small_map_slow(pv, pages, nr, prot);
	return pvmem_slot_map(pv, block, slot, pages, nr, prot);
}

static noinline void *pvmem_map_refused(struct pvmem *pv)
{
	pvmem_stat_inc(pv, map_refused);
	return NULL;
}

static noinline void *pvmem_map_failed(struct pvmem *pv)
{
	pvmem_stat_inc(pv, map_failed);
	return NULL;
}

/**
 * pvmem_vmap() - map pages at contiguous kernel addresses
 * @pv: the instance.
 * @pages: the pages; the caller keeps them allocated until it unmaps.
 * @nr_pages: how many, at least 1.
 * @prot: kernel protection, such as PAGE_KERNEL.
 *
 * Context: process, may sleep.
 * Return: the address, or NULL: bad arguments (map_refused) or no memory, no
 * address space or the hypervisor's refusal (map_failed).
 */
void *pvmem_vmap(struct pvmem *pv, struct page **pages, unsigned int nr_pages, pgprot_t prot)
{
	void *addr;

	if (unlikely(!nr_pages || !pvmem_prot_valid(prot)))
		return pvmem_map_refused(pv);
	if (likely(nr_pages <= PVMEM_SMALL_MAX))
		addr = pvmem_small_map(pv, pages, nr_pages, prot);
	else
		addr = pvmem_run_map(pv, pages, nr_pages, prot);
	if (unlikely(!addr))
		return pvmem_map_failed(pv);
	pvmem_stat_inc(pv, map_calls);
	trace_pvmem_map(addr, nr_pages);
	return addr;
}

/* A large map, another policy than track, or nothing that is mapped here. */
static noinline int pvmem_vunmap_slow(struct pvmem *pv, struct pvmem_block *block, unsigned int slot, unsigned int nr)
{
	unsigned short span = READ_ONCE(block->span[slot]);

	if (pvmem_span_state(span) != PVMEM_SPAN_LIVE)
		return -EINVAL;
	if (span & PVMEM_SPAN_RUN)
		return block->run == PVMEM_RUN_TAIL ? -EINVAL : pvmem_run_unmap(pv, block, nr);
	if (nr && nr != pvmem_span_len(span))
		return -EINVAL;
	return pvmem_span_unmap(pv, block, slot, pvmem_span_len(span));
}

/**
 * pvmem_vunmap() - end a mapping made by pvmem_vmap()
 * @pv: the instance.
 * @addr: what pvmem_vmap() returned.
 * @nr_pages: its length for a check, or 0.
 *
 * Context: process, may sleep.
 * Return: 0, or -EINVAL when @addr is not such an address (counted unmap_bad).
 */
int pvmem_vunmap(struct pvmem *pv, const void *addr, unsigned int nr_pages)
{
	struct pvmem_block *block = pvmem_block_at(pv, (unsigned long)addr);
	unsigned int slot = ((unsigned long)addr >> PAGE_SHIFT) % PVMEM_BLOCK_PAGES;
	int err = -EINVAL;

	if (likely(block && PAGE_ALIGNED(addr))) {
		if (likely(nr_pages <= PVMEM_SMALL_MAX && pvmem_span_kill_track(pv, block, slot, nr_pages)))
			err = 0;
		else
			err = pvmem_vunmap_slow(pv, block, slot, nr_pages);
	}
	if (unlikely(err)) {
		pvmem_stat_inc(pv, unmap_bad);
		return err;
	}
	pvmem_stat_inc(pv, unmap_calls);
	trace_pvmem_unmap(addr);
	return 0;
}
