// SPDX-License-Identifier: GPL-2.0
/*
 * Page-table pages made ready ahead of time.
 *
 *	fresh		from the page allocator, zeroed
 *	-> unaliased	no lazy mapping maps it: asked per page, and one purge for
 *			the whole batch only when the answer is yes for one of them
 *	-> ready	read-only and pinned, in one batch (Xen PV; elsewhere the
 *			backend has nothing to do)
 *	-> out		handed to a page table, and back to ready when it returns
 *			zeroed; that costs no hypercall (the old quicklists' idea)
 *	-> dirty	came back not zero: the worker cleans and pins it again
 *	-> claimed	handed over for good, to the kernel's own page tables
 *	<- used		adopted from those, ptpool_recycle.c
 *
 * Ready pages lie in a small stack per CPU over a reservoir per memory node. One
 * worker keeps each reservoir between the low and the high watermark, in batches:
 * on Xen only the first page-type change of a batch flushes TLBs. The pool is
 * bounded by a hard cap, gives pages to the shrinker, and is emptied and not
 * filled while frozen (suspend, stop).
 *
 * Invariant: filled + adopted = claimed + shrunk + out + what lies in stacks,
 * reservoirs, used and dirty lists. Lock order: fill_mutex -> purge_mutex; cpu->lock -> node->lock.
 */
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include "core.h"
#include "trace.h"

/* Pages to prepare must not push others out: what is free, or nothing. */
#define PVMEM_PTPOOL_GFP (GFP_KERNEL | __GFP_ZERO | __GFP_NORETRY | __GFP_NOWARN)

/**
 * pvmem_ptpool_out() - pages handed out and not yet back
 * @pv: the instance.
 *
 * Context: any.
 * Return: pages; approximate while others take and give.
 */
unsigned long pvmem_ptpool_out(struct pvmem *pv)
{
	return pvmem_stat_sum(pv, ptpool_get) - pvmem_stat_sum(pv, ptpool_put);
}

/**
 * pvmem_ptpool_pages() - pages in the pool, in any state
 * @pv: the instance.
 *
 * Context: any.
 * Return: pages, those handed out not included; approximate like
 * pvmem_ptpool_out().
 */
unsigned long pvmem_ptpool_pages(struct pvmem *pv)
{
	return pvmem_stat_sum(pv, ptpool_filled) + pvmem_stat_sum(pv, ptpool_adopted) -
	       pvmem_stat_sum(pv, ptpool_claimed) - pvmem_stat_sum(pv, ptpool_shrunk) - pvmem_ptpool_out(pv);
}

/**
 * pvmem_page_is_zero() - is there nothing in a page?
 * @page: the page.
 *
 * 32 words a step: the check is most of what giving a page back costs.
 *
 * Context: any.
 * Return: true when there is not.
 */
bool pvmem_page_is_zero(struct page *page)
{
#define PVMEM_OR4(p) ((p)[0] | (p)[1] | (p)[2] | (p)[3])
#define PVMEM_OR16(p) (PVMEM_OR4(p) | PVMEM_OR4((p) + 4) | PVMEM_OR4((p) + 8) | PVMEM_OR4((p) + 12))
	const unsigned long *p = page_address(page), *end = p + PAGE_SIZE / sizeof(*p);

	for (; p < end; p += 32)
		if (PVMEM_OR16(p) | PVMEM_OR16(p + 16))
			return false;
	return true;
}

static void pvmem_node_add(struct pvmem_ptpool_node *node, struct page *page)
{
	spin_lock(&node->lock);
	list_add(&page->lru, &node->ready);
	node->nr_ready++;
	spin_unlock(&node->lock);
}

/* Move up to @nr ready pages of @node into @pages. */
static unsigned int pvmem_node_take(struct pvmem_ptpool_node *node, struct page **pages, unsigned int nr)
{
	unsigned int i;

	spin_lock(&node->lock);
	for (i = 0; i < nr && !list_empty(&node->ready); i++) {
		pages[i] = list_first_entry(&node->ready, struct page, lru);
		list_del(&pages[i]->lru);
		node->nr_ready--;
	}
	spin_unlock(&node->lock);
	return i;
}

/**
 * pvmem_ptpool_kick() - let the worker look at the watermarks
 * @pv: the instance.
 *
 * Context: any.
 */
void pvmem_ptpool_kick(struct pvmem *pv)
{
	if (!READ_ONCE(pv->pool.frozen))
		queue_work(pv->wq, &pv->pool.fill_work);
}

/* Ready pages for an empty stack; starts the worker when the reservoir is low. */
static bool pvmem_cpu_refill(struct pvmem *pv, struct pvmem_ptpool_cpu *cpu)
{
	struct pvmem_ptpool_node *node = &pv->pool.nodes[numa_node_id()];

	lockdep_assert_held(&cpu->lock);
	cpu->nr = pvmem_node_reuse(pv, node, cpu->page, PVMEM_PTPOOL_CPU_MAX / 2);
	if (!cpu->nr)
		cpu->nr = pvmem_node_take(node, cpu->page, PVMEM_PTPOOL_CPU_MAX / 2);
	if (READ_ONCE(node->nr_ready) < READ_ONCE(pv->pool.config.low))
		pvmem_ptpool_kick(pv);
	return cpu->nr;
}

/**
 * pvmem_ptpool_take() - a page-table page from the pool
 * @pv: the instance.
 *
 * Without a hypercall. Starts the worker when the node's reservoir is low.
 *
 * Context: process, does not sleep.
 * Return: a page with one reference, all zero, mapped nowhere but in the direct
 * map; on Xen PV read-only and pinned as an L1 table, PagePinned set. NULL when
 * there is none: use a stock page.
 */
struct page *pvmem_ptpool_take(struct pvmem *pv)
{
	struct pvmem_ptpool_cpu *cpu = get_cpu_ptr(pv->pool.cpus);
	struct page *page = NULL;

	spin_lock(&cpu->lock);
	if (likely(cpu->nr) || pvmem_cpu_refill(pv, cpu)) {
		page = cpu->page[--cpu->nr];
		pvmem_stat_inc(pv, ptpool_get);
	} else {
		pvmem_stat_inc(pv, ptpool_empty);
	}
	spin_unlock(&cpu->lock);
	put_cpu_ptr(pv->pool.cpus);
	return page;
}

/**
 * pvmem_ptpool_claim() - page-table pages from the pool, for good
 * @pv: the instance.
 * @pages: out: like the page of pvmem_ptpool_take(), but the caller's own.
 * @nr: how many.
 *
 * Context: process, does not sleep.
 * Return: how many there were.
 */
unsigned int pvmem_ptpool_claim(struct pvmem *pv, struct page **pages, unsigned int nr)
{
	struct pvmem_ptpool_cpu *cpu = get_cpu_ptr(pv->pool.cpus);
	unsigned int got = 0;

	spin_lock(&cpu->lock);
	while (got < nr && (likely(cpu->nr) || pvmem_cpu_refill(pv, cpu)))
		pages[got++] = cpu->page[--cpu->nr];
	pvmem_stat_add(pv, ptpool_claimed, got);
	if (unlikely(!got))
		pvmem_stat_inc(pv, ptpool_empty);
	spin_unlock(&cpu->lock);
	put_cpu_ptr(pv->pool.cpus);
	return got;
}

/**
 * pvmem_ptpool_give_dirty() - a page that is not zero: let the worker clean it
 * @pv: the instance.
 * @page: a page of the pool.
 *
 * Context: any but interrupts, does not sleep.
 */
void pvmem_ptpool_give_dirty(struct pvmem *pv, struct page *page)
{
	struct pvmem_ptpool_node *node = &pv->pool.nodes[page_to_nid(page)];

	pvmem_stat_inc(pv, ptpool_dirty);
	spin_lock(&node->lock);
	list_add(&page->lru, &node->dirty);
	spin_unlock(&node->lock);
	pvmem_ptpool_kick(pv);
}

/* Half of a full stack goes to the reservoirs. */
static void pvmem_cpu_spill(struct pvmem *pv, struct pvmem_ptpool_cpu *cpu)
{
	struct pvmem_ptpool_node *node;

	lockdep_assert_held(&cpu->lock);
	while (cpu->nr > PVMEM_PTPOOL_CPU_MAX / 2) {
		struct page *page = cpu->page[--cpu->nr];

		node = &pv->pool.nodes[page_to_nid(page)];
		pvmem_node_add(node, page);
		if (READ_ONCE(node->nr_ready) > READ_ONCE(pv->pool.config.high))
			pvmem_ptpool_kick(pv);
	}
}

/**
 * pvmem_ptpool_give() - a page-table page comes back
 * @pv: the instance.
 * @page: from pvmem_ptpool_take(), in the state it was handed out in (on Xen PV
 *	read-only and pinned); no page table refers to it and no TLB caches it.
 *
 * Checks that it is zero, about 600 instructions; one that is not is counted and
 * cleaned by the worker before it is handed out again.
 *
 * Context: process, does not sleep.
 */
void pvmem_ptpool_give(struct pvmem *pv, struct page *page)
{
	struct pvmem_ptpool_cpu *cpu;

	if (unlikely(!pvmem_page_is_zero(page))) {
		pvmem_stat_inc(pv, ptpool_put);
		pvmem_ptpool_give_dirty(pv, page);
		return;
	}
	cpu = get_cpu_ptr(pv->pool.cpus);
	spin_lock(&cpu->lock);
	pvmem_stat_inc(pv, ptpool_put);
	if (unlikely(cpu->nr == PVMEM_PTPOOL_CPU_MAX))
		pvmem_cpu_spill(pv, cpu);
	cpu->page[cpu->nr++] = page;
	spin_unlock(&cpu->lock);
	put_cpu_ptr(pv->pool.cpus);
}

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

static void pvmem_ptpool_add_ready(struct pvmem *pv, struct page **pages, unsigned int nr)
{
	while (nr--) {
		pvmem_node_add(&pv->pool.nodes[page_to_nid(*pages)], *pages);
		pages++;
	}
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

static void pvmem_ptpool_work(struct work_struct *work)
{
	struct pvmem *pv = container_of(work, struct pvmem, pool.fill_work);
	int nid;

	mutex_lock(&pv->pool.fill_mutex);
	for_each_node_state(nid, N_MEMORY)
		if (!READ_ONCE(pv->pool.frozen))
			pvmem_node_refill(pv, nid);
	mutex_unlock(&pv->pool.fill_mutex);
}

/**
 * pvmem_ptpool_leave_cpu() - empty a CPU's stack into the reservoirs
 * @pv: the instance.
 * @cpu: any CPU, online or not.
 *
 * Context: process.
 */
void pvmem_ptpool_leave_cpu(struct pvmem *pv, unsigned int cpu)
{
	struct pvmem_ptpool_cpu *stack = per_cpu_ptr(pv->pool.cpus, cpu);

	spin_lock(&stack->lock);
	pvmem_ptpool_add_ready(pv, stack->page, stack->nr);
	stack->nr = 0;
	spin_unlock(&stack->lock);
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

/**
 * pvmem_ptpool_freeze() - empty the pool and do not fill it
 * @pv: the instance.
 *
 * What is given back while frozen stays in the pool.
 *
 * Context: process, sleeps; waits for a fill under way.
 */
void pvmem_ptpool_freeze(struct pvmem *pv)
{
	WRITE_ONCE(pv->pool.frozen, true);
	cancel_work_sync(&pv->pool.fill_work);
	pvmem_ptpool_drain(pv, PVMEM_PTPOOL_BATCH_MAX);
}

/**
 * pvmem_ptpool_thaw() - fill the pool again, in the background
 * @pv: the instance.
 */
void pvmem_ptpool_thaw(struct pvmem *pv)
{
	WRITE_ONCE(pv->pool.frozen, false);
	pvmem_ptpool_kick(pv);
}

/**
 * pvmem_ptpool_init() - set up a frozen, empty pool
 * @pv: the instance.
 * @config: limits, checked by the caller.
 *
 * Context: process, sleeps.
 * Return: 0 or -ENOMEM.
 */
int pvmem_ptpool_init(struct pvmem *pv, const struct pvmem_ptpool_config *config)
{
	struct pvmem_ptpool *pool = &pv->pool;
	unsigned int i;
	int cpu;

	pool->config = *config;
	pool->frozen = true;
	mutex_init(&pool->fill_mutex);
	INIT_WORK(&pool->fill_work, pvmem_ptpool_work);
	pool->cpus = alloc_percpu(struct pvmem_ptpool_cpu);
	pool->nodes = kcalloc(nr_node_ids, sizeof(*pool->nodes), GFP_KERNEL);
	if (!pool->cpus || !pool->nodes) {
		free_percpu(pool->cpus);
		kfree(pool->nodes);
		return -ENOMEM;
	}
	for_each_possible_cpu(cpu)
		spin_lock_init(&per_cpu_ptr(pool->cpus, cpu)->lock);
	for (i = 0; i < nr_node_ids; i++) {
		spin_lock_init(&pool->nodes[i].lock);
		INIT_LIST_HEAD(&pool->nodes[i].ready);
		INIT_LIST_HEAD(&pool->nodes[i].used);
		INIT_LIST_HEAD(&pool->nodes[i].dirty);
	}
	return 0;
}

/**
 * pvmem_ptpool_exit() - empty the pool and free it
 * @pv: the instance.
 *
 * Context: process, sleeps.
 * Return: 0, or -EBUSY when pages are still out: then they belong to whoever has
 * them, and the pool's own memory is freed all the same.
 */
int pvmem_ptpool_exit(struct pvmem *pv)
{
	bool out;

	pvmem_ptpool_freeze(pv);
	out = pvmem_ptpool_out(pv);
	free_percpu(pv->pool.cpus);
	kfree(pv->pool.nodes);
	return out ? -EBUSY : 0;
}
