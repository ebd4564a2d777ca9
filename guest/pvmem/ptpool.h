/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PVMEM_PTPOOL_H
#define PVMEM_PTPOOL_H

#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

struct pvmem;

/* Ready pages a CPU keeps; half of them move to or from the reservoir at once. */
#define PVMEM_PTPOOL_CPU_MAX 32

/* Largest batch: the backend's multicall and one bitmap word bound it. */
#define PVMEM_PTPOOL_BATCH_MAX 64

/**
 * struct pvmem_ptpool_config - limits, all in pages
 * @low: refill when the reservoir of a node falls below.
 * @high: refill up to.
 * @cap: never have more pages in the pool than this.
 * @batch: pages prepared at once, 1 to PVMEM_PTPOOL_BATCH_MAX.
 */
struct pvmem_ptpool_config {
	unsigned long low;
	unsigned long high;
	unsigned long cap;
	unsigned long batch;
};

struct pvmem_ptpool_cpu {
	spinlock_t lock;
	unsigned int nr;
	struct page *page[PVMEM_PTPOOL_CPU_MAX];
};

/**
 * struct pvmem_ptpool_node - the reservoir of a memory node
 * @lock: guards the rest.
 * @ready: zeroed, unaliased, read-only and pinned pages, by page->lru.
 * @nr_ready: how many.
 * @used: pinned pages of page tables that are gone, oldest first; others may
 *	still look at those with more than one reference.
 * @nr_used: how many.
 * @dirty: pinned pages that came back not zero.
 */
struct pvmem_ptpool_node {
	spinlock_t lock;
	struct list_head ready;
	unsigned long nr_ready;
	struct list_head used;
	unsigned long nr_used;
	struct list_head dirty;
};

/**
 * struct pvmem_ptpool - page-table pages made ready ahead of time
 * @config: limits; written by sysfs, read with READ_ONCE().
 * @cpus: per-CPU stacks.
 * @nodes: nr_node_ids reservoirs.
 * @fill_mutex: one filler or drainer at a time.
 * @fill_work: the filler.
 * @frozen: no filling: suspending or stopping.
 */
struct pvmem_ptpool {
	struct pvmem_ptpool_config config;
	struct pvmem_ptpool_cpu __percpu *cpus;
	struct pvmem_ptpool_node *nodes;
	struct mutex fill_mutex;
	struct work_struct fill_work;
	bool frozen;
};

/**
 * struct pvmem_frames - page frames to show, a part at a time
 * @skip: how many come before the part.
 * @pfn: filled.
 * @max: room in it.
 * @nr: how many.
 */
struct pvmem_frames {
	unsigned long skip;
	unsigned long *pfn;
	unsigned int max;
	unsigned int nr;
};

static inline void pvmem_frames_add(struct pvmem_frames *frames, struct page *page)
{
	if (frames->skip)
		frames->skip--;
	else if (frames->nr < frames->max)
		frames->pfn[frames->nr++] = page_to_pfn(page);
}

int pvmem_ptpool_init(struct pvmem *pv, const struct pvmem_ptpool_config *config);
int pvmem_ptpool_exit(struct pvmem *pv);
struct page *pvmem_ptpool_take(struct pvmem *pv);
void pvmem_ptpool_give(struct pvmem *pv, struct page *page);
unsigned int pvmem_ptpool_claim(struct pvmem *pv, struct page **pages, unsigned int nr);
void pvmem_ptpool_give_dirty(struct pvmem *pv, struct page *page);
bool pvmem_page_is_zero(struct page *page);
void pvmem_ptpool_kick(struct pvmem *pv);
void pvmem_ptpool_freeze(struct pvmem *pv);
void pvmem_ptpool_thaw(struct pvmem *pv);
void pvmem_ptpool_leave_cpu(struct pvmem *pv, unsigned int cpu);
unsigned long pvmem_ptpool_out(struct pvmem *pv);
unsigned long pvmem_ptpool_pages(struct pvmem *pv);
void pvmem_ptpool_add_ready(struct pvmem *pv, struct page **pages, unsigned int nr);
unsigned int pvmem_node_take(struct pvmem_ptpool_node *node, struct page **pages, unsigned int nr);

/* ptpool_fill.c */
unsigned int pvmem_ptpool_fill(struct pvmem *pv, int node, unsigned int nr);
void pvmem_ptpool_work(struct work_struct *work);
unsigned long pvmem_ptpool_shrink(struct pvmem *pv, unsigned long nr);
unsigned long pvmem_ptpool_drain(struct pvmem *pv, unsigned int batch);
unsigned long pvmem_ptpool_prepare(struct pvmem *pv, unsigned long nr, unsigned int batch);

/* ptpool_recycle.c */
bool pvmem_ptpool_has_room(struct pvmem *pv);
void pvmem_ptpool_adopt(struct pvmem *pv, struct page *page);
unsigned int pvmem_node_reuse(struct pvmem *pv, struct pvmem_ptpool_node *node, struct page **pages, unsigned int nr);
unsigned int pvmem_node_take_used(struct pvmem_ptpool_node *node, struct page **pages, unsigned int nr);

/* frames.c */
void pvmem_ptpool_frames(struct pvmem *pv, struct pvmem_frames *frames);

#endif
