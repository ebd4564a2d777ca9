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
	live = pvmem_span_live(block->span[slot]);
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

/* LIVE, and this unmap's alone; false when the span is not LIVE any more: two unmaps race. */
static bool pvmem_span_claim(struct pvmem_block *block, unsigned int slot)
{
	bool live;

	pvmem_block_lock(block);
	live = pvmem_span_live(block->span[slot]);
	if (live)
		WRITE_ONCE(block->span[slot], block->span[slot] | PVMEM_SPAN_CLEARED);
	pvmem_block_unlock(block);
	return live;
}

/*
 * Policy eager; when the hypervisor refuses, as lazy as track. The span must be
 * claimed before its PTEs are cleared: one that is DEAD may be somebody else's soon.
 */
static noinline int pvmem_span_unmap_eager(struct pvmem *pv, struct pvmem_block *block, unsigned int slot,
					   unsigned int nr)
{
	unsigned short flags;

	if (!pvmem_span_claim(block, slot))
		return -EINVAL;
	flags = pv->ops->clear(pv, &block->table, slot, nr) ? 0 : PVMEM_SPAN_CLEARED;
	pvmem_block_lock(block);
	pvmem_span_kill_locked(pv, block, slot, nr, flags);
	pvmem_block_unlock(block);
	return 0;
}

/* Policy track; when that is left meanwhile, as safe as hold. */
static noinline int pvmem_span_unmap_track(struct pvmem *pv, struct pvmem_block *block, unsigned int slot,
					   unsigned int nr)
{
	bool live, track;

	pvmem_block_lock(block);
	live = pvmem_span_live(block->span[slot]);
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
 * pvmem_set_undo() - how a backend's set() fails
 * @pv: the instance.
 * @table: the table.
 * @first: first entry of the span that set() was to map.
 *
 * Every entry of the span has a page that is recorded, so it is unmapped like
 * any other.
 *
 * Return: NULL, for set() to return.
 */
void *pvmem_set_undo(struct pvmem *pv, struct pvmem_table *table, unsigned int first)
{
	struct pvmem_block *block = container_of(table, struct pvmem_block, table);

	pvmem_stat_inc(pv, map_failed);
	if (!pvmem_span_unmap(pv, block, first, pvmem_span_len(READ_ONCE(block->span[first]))))
		pvmem_stat_inc(pv, unmap_calls);
	return NULL;
}

/**
 * pvmem_set_refused() - what a backend's set() does about a page it may not map
 * @pv: the instance.
 * @table: the table.
 * @first: first entry.
 * @pages: the pages.
 * @nr: how many.
 * @left: the first that is refused is among the last @left; all before it are
 *	recorded.
 *
 * Records the filler for that page and all after it.
 *
 * Return: NULL, for set() to return.
 */
void *pvmem_set_refused(struct pvmem *pv, struct pvmem_table *table, unsigned int first, struct page **pages,
			unsigned int nr, unsigned int left)
{
	unsigned int i = nr - left;
	unsigned long pfn;

	while (i < nr && pvmem_alias_knows(&pv->alias, pages[i]))
		i++;
	for (; i < nr; i++)
		pvmem_alias_record(&pv->alias, table->pages + first + i, pv->filler, &pfn);
	return pvmem_set_undo(pv, table, first);
}

static noinline void *pvmem_slot_map_traced(struct pvmem *pv, struct pvmem_block *block, unsigned int slot,
					    struct page **pages, unsigned int nr, pgprot_t prot)
{
	trace_pvmem_map((void *)pvmem_slot_addr(&block->table, slot), nr);
	return pv->ops->set(pv, &block->table, slot, pages, nr, prot);
}

/*
 * Map pages at a LIVE span. PTEs are set without a lock: the span is ours. All
 * that is to be counted is counted before: on this path every call is the last
 * thing its caller does, so that none saves a register.
 */
static __always_inline void *pvmem_slot_map(struct pvmem *pv, struct pvmem_block *block, unsigned int slot,
					    struct page **pages, unsigned int nr, pgprot_t prot)
{
	pvmem_stat_inc(pv, map_calls);
	pvmem_stat_add(pv, map_pages, nr);
	if (trace_pvmem_map_enabled())
		return pvmem_slot_map_traced(pv, block, slot, pages, nr, prot);
	return pv->ops->set(pv, &block->table, slot, pages, nr, prot);
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

/* The CPU's block is used up to its end, or there is none. */
static noinline void *pvmem_small_map_slow(struct pvmem *pv, struct page **pages, unsigned int nr, pgprot_t prot)
{
	int slot;
	struct pvmem_block *block = pvmem_block_open(pv, nr, &slot);

	if (!block)
		return pvmem_map_failed(pv);
	return pvmem_slot_map(pv, block, slot, pages, nr, prot);
}

/* Take slots of this CPU's block, next to other small maps; or the slow path. */
static __always_inline void *pvmem_small_map(struct pvmem *pv, struct page **pages, unsigned int nr, pgprot_t prot)
{
	struct pvmem_front *front = raw_cpu_ptr(pv->fronts);
	struct pvmem_block *block = READ_ONCE(front->block);
	unsigned int slot;
	bool taken;

	if (unlikely(!block))
		return pvmem_small_map_slow(pv, pages, nr, prot);
	pvmem_block_lock(block);
	slot = block->next;
	taken = block->owner == front && slot + nr <= PVMEM_BLOCK_PAGES;
	if (likely(taken))
		pvmem_block_take_next(block, nr);
	pvmem_block_unlock(block);
	if (unlikely(!taken))
		return pvmem_small_map_slow(pv, pages, nr, prot);
	return pvmem_slot_map(pv, block, slot, pages, nr, prot);
}

static noinline void *pvmem_large_map(struct pvmem *pv, struct page **pages, unsigned int nr, pgprot_t prot)
{
	void *addr = pvmem_run_map(pv, pages, nr, prot);

	if (!addr)
		return pvmem_map_failed(pv);
	pvmem_stat_inc(pv, map_calls);
	trace_pvmem_map(addr, nr);
	return addr;
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
	if (unlikely(!nr_pages || !pvmem_prot_valid(prot)))
		return pvmem_map_refused(pv);
	if (likely(nr_pages <= PVMEM_SMALL_MAX))
		return pvmem_small_map(pv, pages, nr_pages, prot);
	return pvmem_large_map(pv, pages, nr_pages, prot);
}

/* A large map, another policy than track, or nothing that is mapped here. */
static int pvmem_block_unmap(struct pvmem *pv, struct pvmem_block *block, unsigned int slot, unsigned int nr)
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
 * pvmem_vunmap_bad() - somebody unmaps what is not mapped
 * @pv: the instance.
 * @addr: what is unmapped.
 * @nr_pages: its length, or 0.
 *
 * A caller's bug: counted, and warned of once, because it may come in floods.
 *
 * Return: -EINVAL.
 */
noinline int pvmem_vunmap_bad(struct pvmem *pv, const void *addr, unsigned int nr_pages)
{
	pvmem_stat_inc(pv, unmap_bad);
	WARN_ONCE(1, "pvmem: unmap of %p (%u pages; 0: any), which is not mapped so\n", addr, nr_pages);
	return -EINVAL;
}

static noinline int pvmem_unmapped_traced(const void *addr)
{
	trace_pvmem_unmap(addr);
	return 0;
}

static __always_inline int pvmem_unmapped(struct pvmem *pv, const void *addr)
{
	pvmem_stat_inc(pv, unmap_calls);
	return trace_pvmem_unmap_enabled() ? pvmem_unmapped_traced(addr) : 0;
}

static noinline int pvmem_vunmap_slow(struct pvmem *pv, const void *addr, unsigned int nr)
{
	struct pvmem_block *block = pvmem_block_at(pv, (unsigned long)addr);

	if (!block || !PAGE_ALIGNED(addr) || pvmem_block_unmap(pv, block, pvmem_slot_at((unsigned long)addr), nr))
		return pvmem_vunmap_bad(pv, addr, nr);
	return pvmem_unmapped(pv, addr);
}

/**
 * pvmem_vunmap() - end a mapping made by pvmem_vmap()
 * @pv: the instance.
 * @addr: what pvmem_vmap() returned.
 * @nr_pages: its length for a check, or 0.
 *
 * Context: process, may sleep.
 * Return: 0, or -EINVAL when @addr is not such an address (counted unmap_bad,
 * and warned of once).
 */
int pvmem_vunmap(struct pvmem *pv, const void *addr, unsigned int nr_pages)
{
	struct pvmem_block *block = pvmem_block_at(pv, (unsigned long)addr);

	if (likely(block && PAGE_ALIGNED(addr) && nr_pages <= PVMEM_SMALL_MAX &&
		   pvmem_span_kill_track(pv, block, pvmem_slot_at((unsigned long)addr), nr_pages)))
		return pvmem_unmapped(pv, addr);
	return pvmem_vunmap_slow(pv, addr, nr_pages);
}
