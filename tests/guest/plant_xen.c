// SPDX-License-Identifier: GPL-2.0
/* A wrong pin: a page of data that Xen keeps as a last-level page table and nobody uses as one. */
#include <linux/mm.h>
#include <xen/xen.h>
#include "plant.h"
#include "test.h"

static struct page *plant_pinned;

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
	page = alloc_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	/* Data that Xen takes for entries that are not present. */
	memset(page_address(page), 0x42, PAGE_SIZE);
	err = test_xen_protect(page, false);
	if (!err)
		err = test_xen_pin(page);
	if (!err)
		plant_pinned = page;
	return err;
}

/**
 * plant_unpin() - undo it
 */
void plant_unpin(void)
{
	if (!plant_pinned)
		return;
	if (!test_xen_unpin(plant_pinned) && !test_xen_protect(plant_pinned, true))
		__free_page(plant_pinned);
	plant_pinned = NULL;
}
