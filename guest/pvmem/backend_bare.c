// SPDX-License-Identifier: GPL-2.0
/*
 * No hypervisor, or one whose guest owns its page tables (any HVM guest): plain
 * stores, and an interrupt to every CPU for a flush. Page-table pages need no
 * preparation beyond being zero.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <asm/pgtable.h>
#include <asm/tlbflush.h>
#include "backend_bare.h"
#include "core.h"

/* The native forms: set_pte() is an indirect call on a paravirt kernel. */
static void pvmem_bare_set(pte_t *ptep, struct page **pages, unsigned int nr, pteval_t prot)
{
	const struct page *base = pfn_to_page(0);
	unsigned int i;

#pragma GCC unroll 4
	for (i = 0; i < nr; i++)
		native_set_pte(ptep + i, native_make_pte(((pteval_t)(pages[i] - base) << PAGE_SHIFT) | prot));
}

/**
 * pvmem_bare_map() - write PTEs; see &struct pvmem_backend
 * @pv: the instance.
 * @ranges: what to map.
 * @nr: number of ranges.
 * @prot: protection.
 *
 * Context: any.
 * Return: 0.
 */
int pvmem_bare_map(struct pvmem *pv, struct pvmem_range *ranges, unsigned int nr, pgprot_t prot)
{
	pteval_t val = pgprot_val(prot) & __supported_pte_mask;

	for (; nr; nr--, ranges++) {
		pvmem_bare_set(ranges->table->ptes + ranges->first, ranges->pages, ranges->nr, val);
		ranges->error = 0;
	}
	return 0;
}

/**
 * pvmem_bare_clear() - zero PTEs; see &struct pvmem_backend
 * @pv: the instance.
 * @ranges: what to clear.
 * @nr: number of ranges.
 *
 * Context: any.
 * Return: 0.
 */
int pvmem_bare_clear(struct pvmem *pv, struct pvmem_range *ranges, unsigned int nr)
{
	for (; nr; nr--, ranges++) {
		memset(ranges->table->ptes + ranges->first, 0, ranges->nr * sizeof(pte_t));
		ranges->error = 0;
	}
	return 0;
}

static void pvmem_bare_flush_local(void *unused)
{
	__flush_tlb_all();
}

/**
 * pvmem_bare_zap() - zero PTEs and flush every CPU; see &struct pvmem_backend
 * @pv: the instance.
 * @ranges: what to clear.
 * @nr: number of ranges, may be 0.
 *
 * Context: process, interrupts on.
 * Return: 0.
 */
int pvmem_bare_zap(struct pvmem *pv, struct pvmem_range *ranges, unsigned int nr)
{
	pvmem_bare_clear(pv, ranges, nr);
	on_each_cpu(pvmem_bare_flush_local, NULL, 1);
	pvmem_stat_inc(pv, flushes);
	return 0;
}

/**
 * pvmem_bare_pin() - nothing to do, for pin and unpin
 * @pv: the instance.
 * @pages: pages.
 * @nr: how many.
 * @failed: cleared.
 *
 * Return: 0.
 */
int pvmem_bare_pin(struct pvmem *pv, struct page **pages, unsigned int nr, unsigned long *failed)
{
	bitmap_zero(failed, nr);
	return 0;
}

static int pvmem_bare_start(struct pvmem *pv)
{
	return 0;
}

static void pvmem_bare_stop(struct pvmem *pv)
{
}

const struct pvmem_backend pvmem_backend_bare = {
	.name = "bare",
	.default_policy = PVMEM_POLICY_TRACK,
	.start = pvmem_bare_start,
	.stop = pvmem_bare_stop,
	.map = pvmem_bare_map,
	.clear = pvmem_bare_clear,
	.zap = pvmem_bare_zap,
	.pin = pvmem_bare_pin,
	.unpin = pvmem_bare_pin,
};
