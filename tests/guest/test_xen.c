// SPDX-License-Identifier: GPL-2.0
/* Raw hypercalls, one page at a time, as the stock kernel makes them. */
#include <linux/mm.h>
#include <asm/pgtable.h>
#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>
#include <xen/interface/xen.h>
#include "test.h"

static pte_t test_xen_pte(struct page *page, pgprot_t prot)
{
	return native_make_pte(PFN_PHYS(pfn_to_mfn(page_to_pfn(page))) | (pgprot_val(prot) & __supported_pte_mask));
}

/**
 * test_xen_protect() - the direct map's entry of a page
 * @page: the page.
 * @writable: what it becomes.
 *
 * Return: 0 or Xen's -errno.
 */
int test_xen_protect(struct page *page, bool writable)
{
	pte_t pte = test_xen_pte(page, writable ? PAGE_KERNEL : PAGE_KERNEL_RO);

	return HYPERVISOR_update_va_mapping((unsigned long)page_address(page), pte, UVMF_INVLPG | UVMF_ALL);
}

static int test_xen_ext(struct page *page, unsigned int cmd)
{
	struct mmuext_op op = { .cmd = cmd };

	op.arg1.mfn = pfn_to_mfn(page_to_pfn(page));
	return HYPERVISOR_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

/**
 * test_xen_pin() - make a read-only page a last-level page table
 * @page: the page.
 *
 * Return: 0 or Xen's -errno.
 */
int test_xen_pin(struct page *page)
{
	return test_xen_ext(page, MMUEXT_PIN_L1_TABLE);
}

/**
 * test_xen_unpin() - the reverse
 * @page: the page.
 *
 * Return: 0 or Xen's -errno.
 */
int test_xen_unpin(struct page *page)
{
	return test_xen_ext(page, MMUEXT_UNPIN_TABLE);
}

/**
 * test_xen_set_entry() - write an entry of a page table
 * @table: the table.
 * @index: which entry.
 * @page: what it maps, read-only; NULL clears it.
 *
 * Return: 0 or Xen's -errno.
 */
int test_xen_set_entry(struct page *table, unsigned int index, struct page *page)
{
	struct mmu_update update = {
		.ptr = (PFN_PHYS(pfn_to_mfn(page_to_pfn(table))) + index * sizeof(pte_t)) | MMU_NORMAL_PT_UPDATE,
		.val = page ? native_pte_val(test_xen_pte(page, PAGE_KERNEL_RO)) : 0,
	};

	return HYPERVISOR_mmu_update(&update, 1, NULL, DOMID_SELF);
}
