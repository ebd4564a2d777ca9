// SPDX-License-Identifier: GPL-2.0
/*
 * vm_map_ram() and vm_unmap_ram() served by pvmem, on every kind of guest.
 *
 * pvmem serves maps from when the livepatch is enabled until it is reverted.
 * Unmaps it serves for as long as one of its maps is left, which can be long
 * (XFS keeps buffers mapped): until then the module cannot be unloaded.
 */
#include <linux/linkage.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <pvmem/pvmem.h>
#include "takeover.h"

/* How often to look whether the last map is gone. */
#define TAKEOVER_WATCH_MS 500

/* Maps that pvmem serves and that are not unmapped yet, those being made included. */
static unsigned long takeover_live(void)
{
	unsigned long gone = takeover_stat_sum(TAKEOVER_STAT_vmap_unmapped);

	/* Summed first: a map is counted before its unmap. */
	smp_rmb();
	return takeover_stat_sum(TAKEOVER_STAT_vmap_mapped) - gone;
}

/* Count a map that pvmem is about to serve, unless it does not serve any more. */
static bool takeover_serve(void)
{
	bool serving;

	preempt_disable();
	serving = READ_ONCE(takeover_serving);
	if (likely(serving))
		takeover_stat_inc(vmap_mapped);
	preempt_enable();
	return serving;
}

/**
 * takeover_vm_map_ram() - map pages at contiguous kernel addresses
 * @pages: the pages.
 * @count: how many.
 * @node: where bookkeeping is allocated, by the stock body.
 *
 * Context: process, may sleep.
 * Return: the address or NULL.
 */
__visible void *takeover_vm_map_ram(struct page **pages, unsigned int count, int node)
{
	void *addr = NULL;

	if (likely(takeover_serve())) {
		addr = pvmem_map_ram(pages, count, node);
		if (unlikely(!addr)) {
			takeover_stat_inc(vmap_unmapped);
			takeover_stat_inc(vmap_stock);
		}
	}
	if (unlikely(!addr))
		addr = takeover_stock.vm_map_ram(pages, count, node);
	return addr;
}

/**
 * takeover_vm_unmap_ram() - end such a mapping, whoever made it
 * @addr: its address.
 * @count: its length in pages.
 *
 * Context: process, may sleep.
 */
__visible void takeover_vm_unmap_ram(const void *addr, unsigned int count)
{
	if (likely(pvmem_is_mapping(addr))) {
		pvmem_unmap_ram(addr, count);
		takeover_stat_inc(vmap_unmapped);
	} else {
		takeover_stock.vm_unmap_ram(addr, count);
	}
}

/**
 * takeover_vm_unmap_aliases() - remove every lazy mapping, pvmem's too
 *
 * Context: process, may sleep.
 */
void takeover_vm_unmap_aliases(void)
{
	pvmem_unmap_aliases();
	takeover_stock.vm_unmap_aliases();
}

static void takeover_watch(struct work_struct *work);
static DECLARE_DELAYED_WORK(takeover_watch_work, takeover_watch);

/* After a revert: the module may go when the last map is gone. */
static void takeover_watch(struct work_struct *work)
{
	if (takeover_live())
		schedule_delayed_work(&takeover_watch_work, msecs_to_jiffies(TAKEOVER_WATCH_MS));
	else
		module_put(THIS_MODULE);
}

/**
 * takeover_vmap_end() - the module may go when no map is left
 *
 * pvmem serves no more maps, only unmaps.
 *
 * Context: process, sleeps.
 */
void takeover_vmap_end(void)
{
	/* Pairs with takeover_serve(). */
	synchronize_rcu();
	if (!takeover_live())
		return;
	pr_info("pvmem_takeover: %lu mappings of pvmem's are in use; unload when they are gone\n", takeover_live());
	__module_get(THIS_MODULE);
	schedule_delayed_work(&takeover_watch_work, msecs_to_jiffies(TAKEOVER_WATCH_MS));
}

/**
 * takeover_vmap_stop() - nobody looks for maps any more; none is left
 *
 * Context: process, sleeps.
 */
void takeover_vmap_stop(void)
{
	cancel_delayed_work_sync(&takeover_watch_work);
}
