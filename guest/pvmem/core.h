/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instance and its parts. Who owns what:
 *
 *	blocks, spans		vmap_block.c
 *	windows, free blocks	window.c (with va_tree.c)
 *	lazy -> gone		purge.c
 *	alias counts		alias.c
 *	page-table pages	ptpool.c
 *
 * Lock order: grow_mutex -> purge_mutex -> pv->lock -> block->lock.
 */
#ifndef PVMEM_CORE_H
#define PVMEM_CORE_H

/* First: in 6.12 bit_spinlock.h needs what it does not include. */
#include <linux/spinlock.h>

#include <linux/bit_spinlock.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/workqueue.h>
#include <pvmem/pvmem.h>
#include "alias.h"
#include "backend.h"
#include "ptpool.h"
#include "stats.h"
#include "va_tree.h"

/* A block is what one last-level page table maps: 2 MiB. */
#define PVMEM_BLOCK_PAGES PTRS_PER_PTE
#define PVMEM_BLOCK_SHIFT PMD_SHIFT
#define PVMEM_BLOCK_SIZE (1UL << PVMEM_BLOCK_SHIFT)

/*
 * Largest map that shares a block with others. Above it a map has whole tables
 * of its own: on Xen PV a table built offline is cheaper than one mmu_update
 * entry per page from about 100 pages on (docs/design.md has the measurement),
 * and a block still packs four of these.
 */
#define PVMEM_SMALL_MAX 128

#define PVMEM_WINDOWS_MAX 64

/* Blocks emptied with one TLB flush: most of the gain is there at 16. */
#define PVMEM_PURGE_BLOCKS 16
/* Ranges in such a batch; a block that is dead as a whole needs one. */
#define PVMEM_PURGE_RANGES 256

#define PVMEM_RUN_TAIL (~0U)

struct pvmem_front;

/**
 * struct pvmem_block - 2 MiB of kernel address space and what is mapped there
 * @lock: bit 0 guards everything below up to @span, but not @table.
 * @owner: the CPU that fills the block with small maps, or NULL.
 * @table: the page table, and the page in each slot.
 * @run: blocks of a large map, in its first block; PVMEM_RUN_TAIL in the others;
 *	0 in a block of small maps.
 * @next: slots at and after it were never handed out since the block was empty.
 * @live: pages mapped.
 * @dead: pages unmapped and not yet purged, those being purged included.
 * @held: of the @dead, pages on which a reference is held.
 * @cleared: of the @dead, pages whose PTE is clear already.
 * @max_free: no free span below @next is longer than this.
 * @closed: all of it is dead and being purged: nothing may be mapped in it.
 * @va: lent to the tree of free blocks when this block is free.
 * @link: on pv->blocks, or on the purge's list; guarded by pv->lock.
 * @partial: on pv->partial when it has room and no owner; guarded by pv->lock.
 * @span: at the first slot of each span, its length, state and flags. Spans
 *	tile the slots below @next.
 *
 * What a map and an unmap touch comes first, in one cache line.
 */
struct pvmem_block {
	unsigned long lock;
	struct pvmem_front *owner;
	struct pvmem_table table;
	unsigned int run;
	unsigned short next;
	unsigned short live;
	unsigned short dead;
	unsigned short held;
	unsigned short cleared;
	unsigned short max_free;
	bool closed;
	struct pvmem_va_range va;
	struct list_head link;
	struct list_head partial;
	unsigned short span[PVMEM_BLOCK_PAGES];
};

/*
 * A bit lock: the sections are a few dozen instructions, hardly ever contended,
 * and two of them are most of what a map and unmap of one page does. A
 * spinlock_t costs four times as much on a paravirt kernel, where unlocking is a
 * call; that is a fifth of the whole operation on bare metal.
 */
static inline void pvmem_block_lock(struct pvmem_block *block)
{
	bit_spin_lock(0, &block->lock);
}

static inline void pvmem_block_unlock(struct pvmem_block *block)
{
	__bit_spin_unlock(0, &block->lock);
}

static inline void pvmem_block_assert_locked(struct pvmem_block *block)
{
	if (IS_ENABLED(CONFIG_LOCKDEP))
		WARN_ON_ONCE(!bit_spin_is_locked(0, &block->lock));
}

/* A span is len | state | flags. */
#define PVMEM_SPAN_LEN 0x03ff
#define PVMEM_SPAN_STATE 0x0c00
#define PVMEM_SPAN_FREE 0x0000
#define PVMEM_SPAN_LIVE 0x0400
#define PVMEM_SPAN_DEAD 0x0800
#define PVMEM_SPAN_ZAP 0x0c00
#define PVMEM_SPAN_HELD 0x1000
#define PVMEM_SPAN_CLEARED 0x2000 /* DEAD: no PTE is set; LIVE: an unmap is clearing them */
#define PVMEM_SPAN_RUN 0x4000	  /* LIVE: a piece of a large map */

static inline unsigned int pvmem_span_len(unsigned short span)
{
	return span & PVMEM_SPAN_LEN;
}

static inline unsigned short pvmem_span_state(unsigned short span)
{
	return span & PVMEM_SPAN_STATE;
}

/* Mapped, and nobody is unmapping it. */
static inline bool pvmem_span_live(unsigned short span)
{
	return (span & (PVMEM_SPAN_STATE | PVMEM_SPAN_CLEARED)) == PVMEM_SPAN_LIVE;
}

static inline unsigned int pvmem_slot_at(unsigned long addr)
{
	return (addr >> PAGE_SHIFT) % PVMEM_BLOCK_PAGES;
}

/**
 * struct pvmem_front - what a CPU maps from
 * @block: its current block; written by this CPU with preemption off. Whoever
 *	reads it may run on another CPU by now, and the block may have been taken
 *	away: @block->owner tells, under the block's lock. Blocks are never freed.
 */
struct pvmem_front {
	struct pvmem_block *block;
};

/**
 * struct pvmem_window - kernel address space reserved for blocks
 * @base: first address, aligned to a block.
 * @nr_blocks: number of blocks.
 * @area: what vmap() returned.
 * @block: one for each.
 */
struct pvmem_window {
	unsigned long base;
	unsigned long nr_blocks;
	void *area;
	struct pvmem_block block[];
};

/**
 * struct pvmem_purge_item - a block taking part in a purge batch
 * @block: the block.
 * @whole: everything in it is dead; it is closed and belongs to the purge.
 * @first_range: its ranges in the batch, for the backend.
 * @nr_ranges: how many.
 * @first_done: its runs of dead spans, the cleared ones included.
 * @nr_done: how many.
 */
struct pvmem_purge_item {
	struct pvmem_block *block;
	bool whole;
	unsigned short first_range;
	unsigned short nr_ranges;
	unsigned short first_done;
	unsigned short nr_done;
};

struct pvmem_slots {
	unsigned short first;
	unsigned short nr;
};

/**
 * struct pvmem_purge_batch - what is cleared with one flush; under purge_mutex
 * @range: entries to clear.
 * @done: slots to free after the flush.
 * @item: the blocks they belong to.
 * @nr_ranges: used entries of @range.
 * @nr_done: used entries of @done.
 * @nr_items: used entries of @item.
 */
struct pvmem_purge_batch {
	struct pvmem_range range[PVMEM_PURGE_RANGES];
	struct pvmem_slots done[PVMEM_PURGE_RANGES];
	struct pvmem_purge_item item[PVMEM_PURGE_BLOCKS];
	unsigned int nr_ranges;
	unsigned int nr_done;
	unsigned int nr_items;
};

/**
 * struct pvmem - one instance
 * @ops: the hypervisor.
 * @backend_data: the backend's own.
 * @policy: for unmaps from now on; each span remembers its own.
 * @lazy_limit: lazy pages above which the worker purges.
 * @stats: per-CPU counters.
 * @fronts: per-CPU current blocks.
 * @alias: counts per page.
 * @lock: guards @free, @blocks, @partial.
 * @free: blocks in no use, in units of a block.
 * @blocks: blocks in use.
 * @partial: of those, blocks with room and no owner.
 * @windows: windows; only added to.
 * @nr_windows: how many; publishes them.
 * @window_blocks: smallest window to reserve.
 * @max_blocks: never reserve more address space than this.
 * @filler: page that a new window is mapped to until its tables are empty.
 * @grow_mutex: one window at a time; guards changes of @policy.
 * @purge_mutex: one purge at a time; guards @batch.
 * @batch: the purge under way.
 * @wq: for @purge_work and the pool's worker.
 * @purge_work: asynchronous purge.
 * @pool: page-table pages.
 */
struct pvmem {
	const struct pvmem_backend *ops;
	void *backend_data;
	enum pvmem_policy policy;
	unsigned long lazy_limit;
	struct pvmem_stats __percpu *stats;
	struct pvmem_front __percpu *fronts;
	struct pvmem_alias alias;
	spinlock_t lock;
	struct pvmem_va_tree free;
	struct list_head blocks;
	struct list_head partial;
	struct pvmem_window *windows[PVMEM_WINDOWS_MAX];
	unsigned int nr_windows;
	unsigned int window_blocks;
	unsigned int max_blocks;
	struct page *filler;
	struct mutex grow_mutex;
	struct mutex purge_mutex;
	struct pvmem_purge_batch batch;
	struct workqueue_struct *wq;
	struct work_struct purge_work;
	struct pvmem_ptpool pool;
};

/**
 * struct pvmem_config - what an instance is started with; checked by the caller
 * @policy: at first.
 * @nr_pfns: page frames that can be mapped.
 * @lazy_limit: in pages.
 * @window_blocks: smallest window.
 * @max_blocks: all windows together.
 * @pool: the pool's limits.
 */
struct pvmem_config {
	enum pvmem_policy policy;
	unsigned long nr_pfns;
	unsigned long lazy_limit;
	unsigned int window_blocks;
	unsigned int max_blocks;
	struct pvmem_ptpool_config pool;
};

/* instance.c */
struct pvmem *pvmem_create(const struct pvmem_backend *ops, const struct pvmem_config *config);
int pvmem_destroy(struct pvmem *pv);

/* vmap.c */
void *pvmem_vmap(struct pvmem *pv, struct page **pages, unsigned int nr_pages, pgprot_t prot);
int pvmem_vunmap(struct pvmem *pv, const void *addr, unsigned int nr_pages);
int pvmem_vunmap_bad(struct pvmem *pv, const void *addr, unsigned int nr_pages);
int pvmem_span_unmap(struct pvmem *pv, struct pvmem_block *block, unsigned int slot, unsigned int nr);

void *pvmem_set_undo(struct pvmem *pv, struct pvmem_table *table, unsigned int first);
void *pvmem_set_refused(struct pvmem *pv, struct pvmem_table *table, unsigned int first, struct page **pages,
			unsigned int nr, unsigned int left);

/* vmap_run.c */
void *pvmem_run_map(struct pvmem *pv, struct page **pages, unsigned int nr, pgprot_t prot);
int pvmem_run_unmap(struct pvmem *pv, struct pvmem_block *block, unsigned int nr);

/* vmap_block.c */
struct pvmem_block *pvmem_block_open(struct pvmem *pv, unsigned int nr, int *slot);
void pvmem_block_settle(struct pvmem *pv, struct pvmem_block *block);
void pvmem_block_leave_cpu(struct pvmem *pv, unsigned int cpu);

/**
 * pvmem_block_take_next() - make the next slots LIVE
 * @block: the block, with @nr slots beyond @block->next; its lock is held.
 * @nr: slots wanted, at least 1.
 */
static inline void pvmem_block_take_next(struct pvmem_block *block, unsigned int nr)
{
	pvmem_block_assert_locked(block);
	WRITE_ONCE(block->span[block->next], nr | PVMEM_SPAN_LIVE);
	block->next += nr;
	block->live += nr;
}

/* window.c */
static inline unsigned int pvmem_nr_windows(struct pvmem *pv)
{
	/* Pairs with the release in pvmem_window_grow_locked(): these many are complete. */
	return smp_load_acquire(&pv->nr_windows);
}

/**
 * pvmem_block_at() - the block that an address lies in
 * @pv: the instance.
 * @addr: any address.
 *
 * Context: any.
 * Return: the block, or NULL when @addr is in no window.
 */
static inline struct pvmem_block *pvmem_block_at(struct pvmem *pv, unsigned long addr)
{
	unsigned int i, nr = pvmem_nr_windows(pv);

	for (i = 0; i < nr; i++) {
		struct pvmem_window *window = pv->windows[i];
		unsigned long index = (addr - window->base) >> PVMEM_BLOCK_SHIFT;

		if (likely(index < window->nr_blocks))
			return &window->block[index];
	}
	return NULL;
}

struct pvmem_block *pvmem_blocks_get(struct pvmem *pv, unsigned int nr_blocks);
void pvmem_block_put(struct pvmem *pv, struct pvmem_block *block);
int pvmem_window_grow(struct pvmem *pv, unsigned int nr_blocks);
unsigned long pvmem_windows_bytes(struct pvmem *pv);
unsigned long pvmem_overhead_bytes(struct pvmem *pv);
int pvmem_windows_release(struct pvmem *pv);

/* purge.c */
unsigned long pvmem_lazy_pages(struct pvmem *pv);
int pvmem_purge(struct pvmem *pv);
bool pvmem_try_purge(struct pvmem *pv);
int pvmem_purge_pages_locked(struct pvmem *pv, struct page **pages, unsigned int nr);
int pvmem_purge_pages(struct pvmem *pv, struct page **pages, unsigned int nr);
void pvmem_purge_check_limit(struct pvmem *pv);
void pvmem_purge_work(struct work_struct *work);

#endif
