// SPDX-License-Identifier: GPL-2.0
/*
 * Page types. A page-table page must be mapped read-only everywhere and is then
 * pinned as an L1 table, which makes Xen check its 512 entries once and keep the
 * type. A frame that changes type makes Xen flush the TLBs of every CPU that may
 * have a writable entry for it; in [all RO][all PIN], and in [all UNPIN][all RW],
 * only the first frame of the batch does.
 *
 * PagePinned is kept in step, because the kernel's own Xen code looks at it.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <asm/pgtable.h>
#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>
#include "core.h"
#include "xen_pv.h"

/* The page's address in the direct map gets @prot. */
static void pvmem_xen_prot_call(struct multicall_entry *call, struct page *page, pgprot_t prot)
{
	call->op = __HYPERVISOR_update_va_mapping;
	call->args[0] = (unsigned long)page_address(page);
	call->args[1] = PFN_PHYS(pfn_to_mfn(page_to_pfn(page))) | (pgprot_val(prot) & __supported_pte_mask);
	call->args[2] = 0;
}

/* Pin or unpin each page; @types->done says how many it did. */
static void pvmem_xen_ext_call(struct pvmem_xen_types *types, struct multicall_entry *call, unsigned int cmd,
			       struct page **pages, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		types->op[i] = pvmem_xen_op(cmd, pfn_to_mfn(page_to_pfn(pages[i])));
	types->done = 0;
	call->op = __HYPERVISOR_mmuext_op;
	call->args[0] = (unsigned long)types->op;
	call->args[1] = nr;
	call->args[2] = (unsigned long)&types->done;
	call->args[3] = DOMID_SELF;
}

/* The mmuext_op of a multicall was refused half way: note where, do the rest. */
static void pvmem_xen_ext_resume(struct pvmem *pv, struct pvmem_xen_types *types, long err, unsigned int nr,
				 unsigned long *failed)
{
	if (!err || types->done >= nr)
		return;
	pvmem_xen_refused(pv, "mmuext_op", 1, err);
	__set_bit(types->done, failed);
	pvmem_xen_ext(pv, types->op, types->done + 1, nr, failed);
}

static void pvmem_xen_check_prot(struct pvmem *pv, struct multicall_entry *call, unsigned int nr, unsigned long *failed)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (likely(!call[i].result))
			continue;
		pvmem_xen_refused(pv, "update_va_mapping", 1, call[i].result);
		__set_bit(i, failed);
	}
}

/* pvmem_xen_writable() for whoever holds type_mutex already. */
static void pvmem_xen_writable_locked(struct pvmem *pv, struct page **pages, unsigned int nr,
				      const unsigned long *which, bool value, unsigned long *failed)
{
	struct multicall_entry *call = ((struct pvmem_xen *)pv->backend_data)->types.call;
	unsigned int i, nr_calls = 0;
	u8 index[PVMEM_XEN_TYPES];

	for (i = 0; i < nr; i++) {
		if (test_bit(i, which) != value)
			continue;
		index[nr_calls] = i;
		pvmem_xen_prot_call(&call[nr_calls++], pages[i], PAGE_KERNEL);
	}
	if (!nr_calls || pvmem_xen_multicall(pv, call, nr_calls, nr_calls))
		return;
	for (i = 0; i < nr_calls; i++)
		if (call[i].result)
			__set_bit(index[i], failed);
}

/**
 * pvmem_xen_writable() - let the direct map write to pages of no type
 * @pv: the instance.
 * @pages: pages.
 * @nr: how many, at most PVMEM_XEN_TYPES.
 * @which: a bit per page.
 * @value: only the pages whose bit in @which is @value.
 * @failed: out: bits of pages that Xen refused are set, others left alone; may
 *	be @which.
 *
 * Context: process, sleeps.
 */
void pvmem_xen_writable(struct pvmem *pv, struct page **pages, unsigned int nr, const unsigned long *which, bool value,
			unsigned long *failed)
{
	struct pvmem_xen *xen = pv->backend_data;

	mutex_lock(&xen->type_mutex);
	pvmem_xen_writable_locked(pv, pages, nr, which, value, failed);
	mutex_unlock(&xen->type_mutex);
}

/**
 * pvmem_xen_pin() - [all read-only][all pinned]; see &struct pvmem_backend
 * @pv: the instance.
 * @pages: zeroed or valid L1 tables, mapped writable only by the direct map.
 * @nr: how many, at most PVMEM_XEN_TYPES.
 * @failed: out: a bit per page that Xen refused; it is writable as before.
 *
 * Context: process, sleeps.
 * Return: 0, or -EFAULT when any page failed.
 */
int pvmem_xen_pin(struct pvmem *pv, struct page **pages, unsigned int nr, unsigned long *failed)
{
	struct pvmem_xen *xen = pv->backend_data;
	struct pvmem_xen_types *types = &xen->types;
	DECLARE_BITMAP(ignored, PVMEM_XEN_TYPES);
	unsigned int i;

	bitmap_zero(failed, nr);
	mutex_lock(&xen->type_mutex);
	for (i = 0; i < nr; i++)
		pvmem_xen_prot_call(&types->call[i], pages[i], PAGE_KERNEL_RO);
	pvmem_xen_ext_call(types, &types->call[nr], MMUEXT_PIN_L1_TABLE, pages, nr);
	if (pvmem_xen_multicall(pv, types->call, nr + 1, 2 * nr)) {
		bitmap_fill(failed, nr);
	} else {
		pvmem_xen_check_prot(pv, types->call, nr, failed);
		pvmem_xen_ext_resume(pv, types, types->call[nr].result, nr, failed);
		pvmem_xen_writable_locked(pv, pages, nr, failed, true, ignored);
	}
	mutex_unlock(&xen->type_mutex);
	for (i = 0; i < nr; i++)
		if (!test_bit(i, failed))
			SetPagePinned(pages[i]);
	return bitmap_empty(failed, nr) ? 0 : -EFAULT;
}

/**
 * pvmem_xen_unpin() - [all unpinned][all writable]; see &struct pvmem_backend
 * @pv: the instance.
 * @pages: pinned tables that no page table refers to.
 * @nr: how many, at most PVMEM_XEN_TYPES.
 * @failed: out: a bit per page that Xen refused; it must not be used or freed.
 *
 * Context: process, sleeps.
 * Return: 0, or -EFAULT when any page failed.
 */
int pvmem_xen_unpin(struct pvmem *pv, struct page **pages, unsigned int nr, unsigned long *failed)
{
	struct pvmem_xen *xen = pv->backend_data;
	struct pvmem_xen_types *types = &xen->types;
	DECLARE_BITMAP(pinned, PVMEM_XEN_TYPES);
	unsigned int i;

	bitmap_zero(failed, nr);
	bitmap_zero(pinned, nr);
	mutex_lock(&xen->type_mutex);
	pvmem_xen_ext_call(types, &types->call[0], MMUEXT_UNPIN_TABLE, pages, nr);
	for (i = 0; i < nr; i++)
		pvmem_xen_prot_call(&types->call[1 + i], pages[i], PAGE_KERNEL);
	if (pvmem_xen_multicall(pv, types->call, nr + 1, 2 * nr)) {
		bitmap_fill(failed, nr);
	} else if (unlikely(types->call[0].result)) {
		/* Those after the refused one were still pinned when made writable. */
		pvmem_xen_ext_resume(pv, types, types->call[0].result, nr, pinned);
		bitmap_copy(failed, pinned, nr);
		pvmem_xen_writable_locked(pv, pages, nr, pinned, false, failed);
	} else {
		pvmem_xen_check_prot(pv, &types->call[1], nr, failed);
	}
	mutex_unlock(&xen->type_mutex);
	for (i = 0; i < nr; i++)
		if (!test_bit(i, failed))
			ClearPagePinned(pages[i]);
	return bitmap_empty(failed, nr) ? 0 : -EFAULT;
}
