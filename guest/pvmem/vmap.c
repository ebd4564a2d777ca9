// SPDX-License-Identifier: GPL-2.0
/*
 * The front door: an instance, and map and unmap on it. Checks arguments,
 * chooses between a shared block and tables of the map's own, counts.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "core.h"
#define CREATE_TRACE_POINTS
#include "trace.h"

/* What a kernel mapping must and must not have. */
static bool pvmem_prot_valid(pgprot_t prot)
{
	return (pgprot_val(prot) & (_PAGE_PRESENT | _PAGE_USER | _PAGE_PSE)) == _PAGE_PRESENT;
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

	if (unlikely(!nr_pages || !pvmem_prot_valid(prot))) {
		pvmem_stat_inc(pv, map_refused);
		return NULL;
	}
	if (likely(nr_pages <= PVMEM_SMALL_MAX))
		addr = pvmem_block_map(pv, pages, nr_pages, prot);
	else
		addr = pvmem_run_map(pv, pages, nr_pages, prot);
	if (unlikely(!addr)) {
		pvmem_stat_inc(pv, map_failed);
		return NULL;
	}
	pvmem_stat_inc(pv, map_calls);
	pvmem_stat_add(pv, map_pages, nr_pages);
	trace_pvmem_map(addr, nr_pages);
	return addr;
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
	int err = -EINVAL;

	if (likely(block && PAGE_ALIGNED(addr)))
		err = pvmem_block_unmap(pv, block, ((unsigned long)addr - block->table.addr) >> PAGE_SHIFT, nr_pages);
	if (unlikely(err)) {
		pvmem_stat_inc(pv, unmap_bad);
		return err;
	}
	pvmem_stat_inc(pv, unmap_calls);
	trace_pvmem_unmap(addr);
	return 0;
}

static void pvmem_free(struct pvmem *pv)
{
	if (pv->wq)
		destroy_workqueue(pv->wq);
	if (pv->filler)
		__free_page(pv->filler);
	pvmem_alias_exit(&pv->alias);
	pvmem_stats_exit(pv);
	free_percpu(pv->fronts);
	kvfree(pv);
}

/**
 * pvmem_create() - start an instance
 * @ops: the hypervisor.
 * @config: sizes and limits, already checked.
 *
 * Context: process, sleeps.
 * Return: the instance, or an ERR_PTR(): -ENOMEM or what @ops->start() said.
 */
struct pvmem *pvmem_create(const struct pvmem_backend *ops, const struct pvmem_config *config)
{
	struct pvmem *pv = kvzalloc(sizeof(*pv), GFP_KERNEL);
	int err = -ENOMEM;

	if (!pv)
		return ERR_PTR(-ENOMEM);
	pv->ops = ops;
	pv->policy = config->policy;
	pv->lazy_limit = config->lazy_limit;
	pv->window_blocks = config->window_blocks;
	pv->max_blocks = config->max_blocks;
	spin_lock_init(&pv->lock);
	mutex_init(&pv->grow_mutex);
	mutex_init(&pv->purge_mutex);
	INIT_LIST_HEAD(&pv->blocks);
	INIT_LIST_HEAD(&pv->partial);
	INIT_WORK(&pv->purge_work, pvmem_purge_work);
	pvmem_va_tree_init(&pv->free);

	pv->fronts = alloc_percpu(struct pvmem_front);
	pv->filler = alloc_page(GFP_KERNEL | __GFP_ZERO);
	pv->wq = alloc_workqueue("pvmem", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!pv->fronts || !pv->filler || !pv->wq || pvmem_stats_init(pv) ||
	    pvmem_alias_init(&pv->alias, config->nr_pfns))
		goto out_free;
	err = ops->start(pv);
	if (err)
		goto out_free;
	err = pvmem_window_grow(pv, pv->window_blocks);
	if (err)
		goto out_stop;
	err = pvmem_ptpool_init(pv, &config->pool);
	if (err)
		goto out_release;
	return pv;

out_release:
	pvmem_windows_release(pv);
out_stop:
	ops->stop(pv);
out_free:
	pvmem_free(pv);
	return ERR_PTR(err);
}

/**
 * pvmem_destroy() - stop an instance; nobody uses it any more
 * @pv: the instance.
 *
 * Purges, unpins and frees the pool, gives address space and memory back. A
 * mapping that is still live, or a lazy one that cannot be purged, is a page
 * table entry that must outlive the instance: then the address space, the alias
 * table and the pages stay allocated, and only the workers are stopped.
 *
 * Context: process, sleeps.
 * Return: 0, or -EBUSY when something was left allocated.
 */
int pvmem_destroy(struct pvmem *pv)
{
	int cpu, err;

	cancel_work_sync(&pv->purge_work);
	err = pvmem_ptpool_exit(pv);
	for_each_possible_cpu(cpu)
		pvmem_block_leave_cpu(pv, cpu);
	pvmem_purge(pv);
	if (err || !list_empty(&pv->blocks)) {
		destroy_workqueue(pv->wq);
		return -EBUSY;
	}
	pvmem_windows_release(pv);
	pv->ops->stop(pv);
	pvmem_free(pv);
	return 0;
}
