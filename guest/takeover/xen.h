/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PVMEM_TAKEOVER_XEN_H
#define PVMEM_TAKEOVER_XEN_H

#include <linux/mm.h>
#include <linux/pgtable.h>
#include <asm/xen/page.h>
#include <xen/interface/xen.h>

static inline unsigned long takeover_page_mfn(struct page *page)
{
	return pfn_to_mfn(page_to_pfn(page));
}

/* A page's address in the direct map gets @prot. */
static inline void takeover_call_prot(struct multicall_entry *call, struct page *page, pgprot_t prot,
				      unsigned long flags)
{
	call->op = __HYPERVISOR_update_va_mapping;
	call->args[0] = (unsigned long)page_address(page);
	call->args[1] = PFN_PHYS(takeover_page_mfn(page)) | (pgprot_val(prot) & __supported_pte_mask);
	call->args[2] = flags;
}

static inline void takeover_call_ext(struct multicall_entry *call, struct mmuext_op *op, unsigned int nr,
				     unsigned int *done)
{
	call->op = __HYPERVISOR_mmuext_op;
	call->args[0] = (unsigned long)op;
	call->args[1] = nr;
	call->args[2] = (unsigned long)done;
	call->args[3] = DOMID_SELF;
}

static inline struct mmuext_op takeover_op(unsigned int cmd, struct page *page)
{
	struct mmuext_op op = { .cmd = cmd };

	op.arg1.mfn = takeover_page_mfn(page);
	return op;
}

void takeover_xen_refused(const char *call, unsigned int nr, int err);
int takeover_xen_multicall(struct multicall_entry *call, unsigned int nr, unsigned int entries);
unsigned int takeover_xen_update(struct mmu_update *req, unsigned int nr);
bool takeover_xen_ext_one(struct mmuext_op *op);
bool takeover_xen_writable_one(struct page *page);

#endif
