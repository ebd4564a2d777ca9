// SPDX-License-Identifier: GPL-2.0
/*
 * A Xen PV guest: page tables belong to the hypervisor, every change is a
 * hypercall. Which one is cheapest depends on how many entries there are
 * (instructions, Xen 4.17; `make bench` measures them anew):
 *
 *	set one entry		update_va_mapping, 875
 *	set n entries		mmu_update, 470 + 560 n
 *	set a whole table	build offline and attach, 15,000 + 195 n
 *	clear n entries		mmu_update, 470 + 460 n
 *	clear a whole table	detach, 15,000 + 145 n
 *	flush all vCPUs		one mmuext_op, 1,550
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <asm/pgtable.h>
#include <asm/xen/hypervisor.h>
#include <asm/xen/page.h>
#include <xen/xen.h>
#include "core.h"
#include "xen_pv.h"

/* From here on detaching the table beats clearing entries: 15,000 / (460 - 145). */
#define PVMEM_XEN_DETACH_MIN 50

/* From here on building offline beats mmu_update, its teardown counted. */
#define PVMEM_XEN_ATTACH_MIN 100

/**
 * pvmem_xen_fill() - machine PTEs for a range, into memory
 * @range: what to map.
 * @ptes: a writable page that is not a page table yet.
 * @prot: protection bits.
 *
 * Context: any.
 * Return: 0, or -EFAULT when a page has no machine frame.
 */
int pvmem_xen_fill(struct pvmem_range *range, pte_t *ptes, pteval_t prot)
{
	unsigned int i;

	for (i = 0; i < range->nr; i++) {
		unsigned long mfn = pfn_to_mfn(page_to_pfn(range->pages[i]));

		if (unlikely(mfn == INVALID_P2M_ENTRY))
			return -EFAULT;
		ptes[range->first + i] = native_make_pte(PFN_PHYS(mfn) | prot);
	}
	return 0;
}

/* Room for more entries in this CPU's batch, issuing it when it is full. */
static unsigned int pvmem_xen_room(struct pvmem *pv, struct pvmem_xen_updates *updates)
{
	if (updates->nr == PVMEM_XEN_UPDATES) {
		pvmem_xen_update(pv, updates->req, updates->range, updates->nr);
		updates->nr = 0;
	}
	return PVMEM_XEN_UPDATES - updates->nr;
}

static u64 pvmem_xen_pte_addr(const pte_t *pte)
{
	return (u64)PFN_PHYS(pfn_to_mfn(PFN_DOWN(__pa(pte)))) | offset_in_page(pte) | MMU_NORMAL_PT_UPDATE;
}

/* Gather the entries of one range; without pages they are cleared. */
static void pvmem_xen_gather(struct pvmem *pv, struct pvmem_xen_updates *updates, struct pvmem_range *range,
			     pteval_t prot)
{
	u64 ptr = pvmem_xen_pte_addr(range->table->ptes + range->first);
	unsigned int i = 0, end;

	range->error = 0;
	while (i < range->nr) {
		end = i + min_t(unsigned int, range->nr - i, pvmem_xen_room(pv, updates));
		for (; i < end; i++, ptr += sizeof(pte_t)) {
			struct mmu_update *req = &updates->req[updates->nr];
			u64 val = 0;

			if (range->pages) {
				unsigned long mfn = pfn_to_mfn(page_to_pfn(range->pages[i]));

				if (unlikely(mfn == INVALID_P2M_ENTRY)) {
					range->error = -EFAULT;
					return;
				}
				val = PFN_PHYS(mfn) | prot;
			}
			req->ptr = ptr;
			req->val = val;
			updates->range[updates->nr++] = range;
		}
	}
}

static int pvmem_xen_first_error(struct pvmem_range *ranges, unsigned int nr)
{
	for (; nr; nr--, ranges++)
		if (unlikely(ranges->error))
			return ranges->error;
	return 0;
}

/* Set or clear the entries of every range whose @error is not 0. */
static void pvmem_xen_write(struct pvmem *pv, struct pvmem_range *ranges, unsigned int nr, pteval_t prot)
{
	struct pvmem_xen *xen = pv->backend_data;
	struct pvmem_xen_updates *updates = get_cpu_ptr(xen->updates);
	unsigned int i;

	updates->nr = 0;
	for (i = 0; i < nr; i++)
		if (ranges[i].error)
			pvmem_xen_gather(pv, updates, &ranges[i], prot);
	if (updates->nr)
		pvmem_xen_update(pv, updates->req, updates->range, updates->nr);
	put_cpu_ptr(xen->updates);
}

/* Mark every range as not done, and list those that a whole-table way serves. */
static unsigned int pvmem_xen_select(struct pvmem_range *ranges, unsigned int nr, unsigned int min,
				     struct pvmem_range **tables)
{
	unsigned int i, selected = 0;

	for (i = 0; i < nr; i++) {
		ranges[i].error = -EAGAIN;
		if (ranges[i].whole && ranges[i].nr >= min && selected < PVMEM_PURGE_BLOCKS)
			tables[selected++] = &ranges[i];
	}
	return selected;
}

static int pvmem_xen_map_one(struct pvmem *pv, struct pvmem_range *range, pteval_t prot)
{
	unsigned long mfn = pfn_to_mfn(page_to_pfn(range->pages[0]));
	unsigned long addr = range->table->addr + ((unsigned long)range->first << PAGE_SHIFT);

	if (unlikely(mfn == INVALID_P2M_ENTRY))
		range->error = -EFAULT;
	else
		range->error = pvmem_xen_update_one(pv, addr, native_make_pte(PFN_PHYS(mfn) | prot));
	return range->error;
}

static int pvmem_xen_map(struct pvmem *pv, struct pvmem_range *ranges, unsigned int nr, pgprot_t pgprot)
{
	pteval_t prot = pgprot_val(pgprot) & __supported_pte_mask;
	struct pvmem_range *tables[PVMEM_PURGE_BLOCKS];
	unsigned int nr_tables;

	if (nr == 1 && ranges->nr == 1)
		return pvmem_xen_map_one(pv, ranges, prot);
	nr_tables = pvmem_xen_select(ranges, nr, PVMEM_XEN_ATTACH_MIN, tables);
	if (nr_tables)
		pvmem_xen_tables_attach(pv, tables, nr_tables, prot);
	pvmem_xen_write(pv, ranges, nr, prot);
	return pvmem_xen_first_error(ranges, nr);
}

static int pvmem_xen_clear(struct pvmem *pv, struct pvmem_range *ranges, unsigned int nr)
{
	struct pvmem_range *none[PVMEM_PURGE_BLOCKS];

	pvmem_xen_select(ranges, nr, UINT_MAX, none);
	pvmem_xen_write(pv, ranges, nr, 0);
	return pvmem_xen_first_error(ranges, nr);
}

static int pvmem_xen_zap(struct pvmem *pv, struct pvmem_range *ranges, unsigned int nr)
{
	struct pvmem_range *tables[PVMEM_PURGE_BLOCKS];
	struct page *old[PVMEM_PURGE_BLOCKS];
	unsigned int i, nr_tables, nr_old;
	int err;

	nr_tables = pvmem_xen_select(ranges, nr, PVMEM_XEN_DETACH_MIN, tables);
	nr_old = pvmem_xen_tables_detach(pv, tables, nr_tables, old);
	pvmem_xen_write(pv, ranges, nr, 0);
	err = pvmem_xen_flush_release(pv, old, nr_old);
	if (unlikely(err))
		for (i = 0; i < nr; i++)
			ranges[i].error = err;
	return err ?: pvmem_xen_first_error(ranges, nr);
}

static int pvmem_xen_start(struct pvmem *pv)
{
	struct pvmem_xen *xen;

	if (!xen_pv_domain())
		return -ENODEV;
	xen = kzalloc(sizeof(*xen), GFP_KERNEL);
	if (!xen)
		return -ENOMEM;
	xen->updates = alloc_percpu(struct pvmem_xen_updates);
	if (!xen->updates) {
		kfree(xen);
		return -ENOMEM;
	}
	mutex_init(&xen->type_mutex);
	pv->backend_data = xen;
	return pvmem_xen_tables_start(pv);
}

static void pvmem_xen_stop(struct pvmem *pv)
{
	struct pvmem_xen *xen = pv->backend_data;

	pvmem_xen_tables_stop(pv);
	free_percpu(xen->updates);
	kfree(xen);
	pv->backend_data = NULL;
}

const struct pvmem_backend pvmem_backend_xen_pv = {
	.name = "xen-pv",
	.default_policy = PVMEM_POLICY_HOLD,
	.start = pvmem_xen_start,
	.stop = pvmem_xen_stop,
	.map = pvmem_xen_map,
	.clear = pvmem_xen_clear,
	.zap = pvmem_xen_zap,
	.pin = pvmem_xen_pin,
	.unpin = pvmem_xen_unpin,
};
