// SPDX-License-Identifier: GPL-2.0
/*
 * Wrong pins: a page of zeroes that Xen keeps as a last-level page table and nobody
 * uses as one; a page that pvmem's pool believes pinned.
 */
#include <linux/mm.h>
#include <xen/xen.h>
#include "plant.h"
#include "test.h"

static struct page *plant_pinned;
static struct page *plant_unpinned;

/**
 * plant_pin() - pin a page
 *
 * Return: 0 or -errno; -ENODEV when this is no Xen PV guest.
 */
int plant_pin(void)
{
	struct page *page;
	int err;

	if (!xen_pv_domain())
		return -ENODEV;
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	err = test_xen_protect(page, false);
	if (!err)
		err = test_xen_pin(page);
	if (!err)
		plant_pinned = page;
	return err;
}

/**
 * plant_pool() - unpin a page and leave it in the pool
 *
 * Return: 0 or -errno; -ENODEV when this is no Xen PV guest.
 */
int plant_pool(void)
{
	struct page *page;
	int err;

	if (!xen_pv_domain())
		return -ENODEV;
	page = pvmem_ptpool_get();
	if (!page)
		return -ENOMEM;
	err = test_xen_unpin(page);
	if (!err)
		plant_unpinned = page;
	pvmem_ptpool_put(page);
	return err;
}

/**
 * plant_unpin() - undo it
 */
void plant_unpin(void)
{
	if (plant_unpinned && test_xen_pin(plant_unpinned))
		pr_err("pvmem_plant: cannot undo a pin\n");
	plant_unpinned = NULL;
	if (!plant_pinned)
		return;
	if (!test_xen_unpin(plant_pinned) && !test_xen_protect(plant_pinned, true))
		__free_page(plant_pinned);
	plant_pinned = NULL;
}
