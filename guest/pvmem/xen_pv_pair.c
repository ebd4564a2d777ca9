// SPDX-License-Identifier: GPL-2.0
/* Pairs of pages on Xen PV: both entries in one hypercall. */
#include <linux/mm.h>
#include <linux/printk.h>
#include <asm/pgtable.h>
#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>
#include "zs_map.h"

/* Both entries, or none: a pair half set is cleared again. */
static int pvmem_zs_xen_write(const struct pvmem_zs_pair *pair, const pteval_t pte[2], unsigned long flags)
{
	struct multicall_entry call[2] = {};
	unsigned int i;
	int err;

	for (i = 0; i < 2; i++) {
		call[i].op = __HYPERVISOR_update_va_mapping;
		call[i].args[0] = pair->addr + i * PAGE_SIZE;
		call[i].args[1] = pte[i];
		call[i].args[2] = flags;
	}
	err = HYPERVISOR_multicall(call, 2);
	if (likely(!err && !call[0].result && !call[1].result))
		return 0;
	pr_info_once("pvmem_zpool: Xen refused a mapping (%d, %ld, %ld); objects across pages are copied\n", err,
		     (long)call[0].result, (long)call[1].result);
	return -EIO;
}

static int pvmem_zs_xen_clear(const struct pvmem_zs_pair *pair)
{
	static const pteval_t none[2];

	return pvmem_zs_xen_write(pair, none, UVMF_INVLPG | UVMF_LOCAL);
}

static int pvmem_zs_xen_set(const struct pvmem_zs_pair *pair, const unsigned long pfn[2])
{
	pteval_t pte[2];
	unsigned int i;
	int err;

	for (i = 0; i < 2; i++) {
		unsigned long mfn = pfn_to_mfn(pfn[i]);

		if (unlikely(mfn == INVALID_P2M_ENTRY))
			return -EFAULT;
		pte[i] = PFN_PHYS(mfn) | (pgprot_val(PAGE_KERNEL) & __supported_pte_mask);
	}
	err = pvmem_zs_xen_write(pair, pte, 0);
	if (unlikely(err))
		pvmem_zs_xen_clear(pair);
	return err;
}

const struct pvmem_zs_pair_ops pvmem_zs_pair_xen_pv = {
	.name = "hypercall",
	.set = pvmem_zs_xen_set,
	.clear = pvmem_zs_xen_clear,
};
