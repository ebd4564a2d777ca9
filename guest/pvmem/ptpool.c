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
 * Ready pages lie in a small stack per CPU over a reservoir per memory node, which
 * one worker fills (ptpool_fill.c). The pool is bounded by a hard cap, gives pages to
 * the shrinker, and is emptied and not filled while frozen (suspend, stop).
 *
 * Invariant: filled + adopted = claimed + shrunk + out + what lies in stacks,
 * reservoirs, used and dirty lists. Lock order: fill_mutex -> purge_mutex; cpu->lock -> node->lock.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include "core.h"

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
 * 64 words a step: the check is most of what giving a page back costs.
 *
 * Context: any.
 * Return: true when there is not.
 */
bool pvmem_page_is_zero(struct page *page)
{
#define PVMEM_OR4(p) ((p)[0] | (p)[1] | (p)[2] | (p)[3])
#define PVMEM_OR16(p) (PVMEM_OR4(p) | PVMEM_OR4((p) + 4) | PVMEM_OR4((p) + 8) | PVMEM_OR4((p) + 12))
	const unsigned long *p = page_address(page), *end = p + PAGE_SIZE / sizeof(*p);

	for (; p < end; p += 64)
		if (PVMEM_OR16(p) | PVMEM_OR16(p + 16) | PVMEM_OR16(p + 32) | PVMEM_OR16(p + 48))
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

/**
 * pvmem_node_take() - ready pages out of a reservoir
 * @node: the reservoir.
 * @pages: filled.
 * @nr: how many at most.
 *
 * Context: process, does not sleep.
 * Return: how many there were.
 */
unsigned int pvmem_node_take(struct pvmem_ptpool_node *node, struct page **pages, unsigned int nr)
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
 * Checks that it is zero, about 550 instructions; one that is not is counted and
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

/**
 * pvmem_ptpool_add_ready() - ready pages into the reservoirs of their nodes
 * @pv: the instance.
 * @pages: the pages.
 * @nr: how many.
 *
 * Context: process, does not sleep.
 */
void pvmem_ptpool_add_ready(struct pvmem *pv, struct page **pages, unsigned int nr)
{
	while (nr--) {
		pvmem_node_add(&pv->pool.nodes[page_to_nid(*pages)], *pages);
		pages++;
	}
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
