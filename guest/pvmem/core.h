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
 * Lock order: grow_mutex, purge_mutex -> pv->lock -> block->lock.
 */
#ifndef PVMEM_CORE_H
#define PVMEM_CORE_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
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
 * @lock: guards everything below up to @span, but not @pages (see there).
 * @owner: the CPU that fills the block with small maps, or NULL.
 * @closed: all of it is dead and being purged: nothing may be mapped in it.
 * @next: slots at and after it were never handed out since the block was empty.
 * @live: pages mapped.
 * @dead: pages unmapped and not yet purged, those being purged included.
 * @held: of the @dead, pages on which a reference is held.
 * @cleared: of the @dead, pages whose PTE is clear already.
 * @max_free: no free span below @next is longer than this.
 * @run: blocks of a large map, in its first block; PVMEM_RUN_TAIL in the others;
 *	0 in a block of small maps.
 * @table: the page table.
 * @pages: the page in each slot. Written by whoever owns the slot: the mapper
 *	until unmap, the purge after it.
 * @va: lent to the tree of free blocks when this block is free.
 * @link: on pv->blocks, or on the purge's list; guarded by pv->lock.
 * @partial: on pv->partial when it has room and no owner; guarded by pv->lock.
 * @span: at the first slot of each span, its length, state and flags. Spans
 *	tile the slots below @next.
 */
struct pvmem_block {
	spinlock_t lock;
	struct pvmem_front *owner;
	bool closed;
	unsigned short next;
	unsigned short live;
	unsigned short dead;
	unsigned short held;
	unsigned short cleared;
	unsigned short max_free;
	unsigned int run;
	struct pvmem_table table;
	struct page **pages;
	struct pvmem_va_range va;
	struct list_head link;
	struct list_head partial;
	unsigned short span[PVMEM_BLOCK_PAGES];
};

/* A span is len | state | flags. */
#define PVMEM_SPAN_LEN 0x03ff
#define PVMEM_SPAN_STATE 0x0c00
#define PVMEM_SPAN_FREE 0x0000
#define PVMEM_SPAN_LIVE 0x0400
#define PVMEM_SPAN_DEAD 0x0800
#define PVMEM_SPAN_ZAP 0x0c00
#define PVMEM_SPAN_HELD 0x1000
#define PVMEM_SPAN_CLEARED 0x2000

static inline unsigned int pvmem_span_len(unsigned short span)
{
	return span & PVMEM_SPAN_LEN;
}

static inline unsigned short pvmem_span_state(unsigned short span)
{
	return span & PVMEM_SPAN_STATE;
}

/**
 * struct pvmem_front - what a CPU maps from
 * @block: its current block; read and written by this CPU with preemption off.
 *	The block may have been taken away: @block->owner tells.
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
 * @grow_mutex: one window at a time.
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

/* vmap.c: an instance */
struct pvmem_config {
	enum pvmem_policy policy;
	unsigned long nr_pfns;
	unsigned long lazy_limit;
	unsigned int window_blocks;
	unsigned int max_blocks;
	struct pvmem_ptpool_config pool;
};

struct pvmem *pvmem_create(const struct pvmem_backend *ops, const struct pvmem_config *config);
int pvmem_destroy(struct pvmem *pv);
void *pvmem_vmap(struct pvmem *pv, struct page **pages, unsigned int nr_pages, pgprot_t prot);
int pvmem_vunmap(struct pvmem *pv, const void *addr, unsigned int nr_pages);

/* vmap_block.c */
void *pvmem_block_map(struct pvmem *pv, struct page **pages, unsigned int nr, pgprot_t prot);
void *pvmem_run_map(struct pvmem *pv, struct page **pages, unsigned int nr, pgprot_t prot);
int pvmem_block_unmap(struct pvmem *pv, struct pvmem_block *block, unsigned int slot, unsigned int nr);
void pvmem_block_settle(struct pvmem *pv, struct pvmem_block *block);
void pvmem_block_leave_cpu(struct pvmem *pv, unsigned int cpu);

/* window.c */
static inline unsigned int pvmem_nr_windows(struct pvmem *pv)
{
	/* Pairs with the release in pvmem_window_grow_locked(): these many are complete. */
	return smp_load_acquire(&pv->nr_windows);
}

struct pvmem_block *pvmem_block_at(struct pvmem *pv, unsigned long addr);
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
int pvmem_purge_pages(struct pvmem *pv, struct page **pages, unsigned int nr);
void pvmem_purge_check_limit(struct pvmem *pv);
void pvmem_purge_work(struct work_struct *work);

#endif
