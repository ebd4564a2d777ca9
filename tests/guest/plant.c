// SPDX-License-Identifier: GPL-2.0
/*
 * pvmem_plant.ko plants what the host's audit must find, and takes it out again
 * when it is unloaded. The parameter what:
 *
 *	twice	a page that pvmem maps and vmap() maps too
 *	lazy	a page that pvmem has unmapped, policy permitting, and vmap() maps: gone after a purge
 *	entry	an entry in pvmem's window that none of its counters knows of
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
#include <asm/tlbflush.h>
#include <pvmem/pvmem.h>
#include "plant.h"

static char *what = "twice";
module_param(what, charp, 0444);
MODULE_PARM_DESC(what, "twice, lazy, entry, table, pin or pool");

static struct page *plant_page;
static void *plant_mapped;
static void *plant_again;
static unsigned long plant_entry_addr;

static int plant_map(void)
{
	plant_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!plant_page)
		return -ENOMEM;
	plant_mapped = pvmem_map(&plant_page, 1, PAGE_KERNEL);
	return plant_mapped ? 0 : -ENOMEM;
}

static void plant_flush(void *unused)
{
	__flush_tlb_all();
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

/* Back where the page was mapped, after the purge: that may have put another table there. */
static int plant_entry(void)
{
	unsigned long addr;
	unsigned int level;
	int err = plant_map();
	pte_t *pte, entry;

	if (err)
		return err;
	addr = (unsigned long)plant_mapped;
	pte = lookup_address(addr, &level);
	if (!pte || level != PG_LEVEL_4K)
		return -ENOENT;
	entry = *pte;
	pvmem_unmap(plant_mapped);
	plant_mapped = NULL;
	pvmem_unmap_aliases();
	pte = lookup_address(addr, &level);
	if (!pte || level != PG_LEVEL_4K || !pte_none(*pte))
		return -EBUSY;
	set_pte(pte, entry);
	plant_entry_addr = addr;
	return 0;
}

static void plant_entry_remove(void)
{
	unsigned int level;

	if (!plant_entry_addr)
		return;
	set_pte(lookup_address(plant_entry_addr, &level), __pte(0));
	on_each_cpu(plant_flush, NULL, 1);
	plant_entry_addr = 0;
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
	plant_entry_remove();
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
	else if (!strcmp(what, "entry"))
		err = plant_entry();
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
