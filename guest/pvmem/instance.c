// SPDX-License-Identifier: GPL-2.0
/*
 * An instance: everything pvmem knows, started and stopped as one. The module
 * has one; a unit test has as many as it likes.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "core.h"

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
	/* It stands in for pages that are refused, so it may not be one. */
	err = -EINVAL;
	if (!pvmem_alias_knows(&pv->alias, pv->filler))
		goto out_stop;
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
		if (pv->ops->abandon)
			pv->ops->abandon(pv);
		return -EBUSY;
	}
	pvmem_windows_release(pv);
	pv->ops->stop(pv);
	pvmem_free(pv);
	return 0;
}
