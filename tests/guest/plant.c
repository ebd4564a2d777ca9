// SPDX-License-Identifier: GPL-2.0
/*
 * pvmem_plant.ko plants what the host's audit must find, and takes it out again
 * when it is unloaded. The parameter what:
 *
 *	twice	a page that pvmem maps and vmap() maps too
 *	lazy	a page that pvmem has unmapped, policy permitting, and vmap() maps: gone after a purge
 *	table	a page table of the kernel's own, mapped writable by vmap() (not on Xen PV)
 *	pin	on Xen PV: a page pinned as a page table that is in no page table
 *	pool	on Xen PV: a page in pvmem's pool that is not pinned any more
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <asm/pgtable.h>
#include <pvmem/pvmem.h>
#include "plant.h"

static char *what = "twice";
module_param(what, charp, 0444);
MODULE_PARM_DESC(what, "twice, lazy, table, pin or pool");

static struct page *plant_page;
static void *plant_mapped;
static void *plant_again;

static int plant_map(void)
{
	plant_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!plant_page)
		return -ENOMEM;
	plant_mapped = pvmem_map(&plant_page, 1, PAGE_KERNEL);
	return plant_mapped ? 0 : -ENOMEM;
}

static int plant_twice(void)
{
	int err = plant_map();

	if (err)
		return err;
	plant_again = vmap(&plant_page, 1, VM_MAP, PAGE_KERNEL);
	return plant_again ? 0 : -ENOMEM;
}

static int plant_lazy(void)
{
	int err = plant_twice();

	if (err)
		return err;
	pvmem_unmap(plant_mapped);
	plant_mapped = NULL;
	return 0;
}

/* The table that maps a vmalloc address. */
static int plant_table(void)
{
	void *area = vmalloc(PAGE_SIZE);
	unsigned int level;
	struct page *table;
	pte_t *pte;

	if (!area)
		return -ENOMEM;
	pte = lookup_address((unsigned long)area, &level);
	table = pte ? virt_to_page(pte) : NULL;
	if (table)
		plant_again = vmap(&table, 1, VM_MAP, PAGE_KERNEL);
	vfree(area);
	return plant_again ? 0 : -ENOMEM;
}

static void plant_remove(void)
{
	if (plant_again)
		vunmap(plant_again);
	if (plant_mapped)
		pvmem_unmap(plant_mapped);
	pvmem_unmap_aliases();
	if (plant_page)
		__free_page(plant_page);
}

static int __init plant_init(void)
{
	int err = -EINVAL;

	if (!strcmp(what, "twice"))
		err = plant_twice();
	else if (!strcmp(what, "lazy"))
		err = plant_lazy();
	else if (!strcmp(what, "table"))
		err = plant_table();
	else if (!strcmp(what, "pin"))
		err = plant_pin();
	else if (!strcmp(what, "pool"))
		err = plant_pool();
	if (err)
		plant_remove();
	return err;
}

static void __exit plant_exit(void)
{
	plant_unpin();
	plant_remove();
}

module_init(plant_init);
module_exit(plant_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Bugs for the host's audit to find");
