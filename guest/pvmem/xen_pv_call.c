// SPDX-License-Identifier: GPL-2.0
/*
 * Hypercall batches. Each function issues one kind, counts it, and resolves
 * partial success: Xen stops at the first entry it refuses and says how many
 * it did, so the rest is issued again after it. A refusal is counted, logged
 * once per boot, and reported for that entry alone.
 *
 * Preemption is off in those that may take a table's type away. Xen may put that
 * off until the vCPU's next hypercall, and has it make one by restarting this one;
 * with an interrupt in between a task could continue on another vCPU, and find the
 * old table, and all that it maps, still typed.
 */
#include <linux/bitmap.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>
#include "core.h"
#include "trace.h"
#include "xen_pv.h"

static void pvmem_xen_count(struct pvmem *pv, const char *call, unsigned int entries, int err)
{
	pvmem_stat_inc(pv, hypercalls);
	pvmem_stat_add(pv, hypercall_entries, entries);
	trace_pvmem_hypercall(call, entries, err);
}

/**
 * pvmem_xen_refused() - count what the hypervisor refused, and say so once
 * @pv: the instance.
 * @call: the hypercall's name.
 * @nr: entries refused.
 * @err: what Xen said.
 */
void pvmem_xen_refused(struct pvmem *pv, const char *call, unsigned int nr, int err)
{
	pvmem_stat_add(pv, hypercall_failed, nr);
	pr_info_once("pvmem: Xen refused %u entries of a %s (%d); undone, counted in hypercall_failed\n", nr, call,
		     err);
}

/**
 * pvmem_xen_update_all() - mmu_update, all or nothing to rely on
 * @pv: the instance.
 * @req: page-table entries to write, of tables that are in use.
 * @nr: number of entries.
 *
 * Context: any.
 * Return: 0, or Xen's -errno: those before some entry were written.
 */
int pvmem_xen_update_all(struct pvmem *pv, struct mmu_update *req, unsigned int nr)
{
	int err = HYPERVISOR_mmu_update(req, nr, NULL, DOMID_SELF);

	pvmem_xen_count(pv, "mmu_update", nr, err);
	if (unlikely(err))
		pvmem_xen_refused(pv, "mmu_update", 1, err);
	return err;
}

/**
 * pvmem_xen_update() - mmu_update of whatever Xen accepts
 * @pv: the instance.
 * @req: page-table entries to write, of tables that are in use.
 * @nr: number of entries.
 * @range: the range that each entry serves; its @error is set when the entry is
 *	refused.
 *
 * Context: any.
 */
void pvmem_xen_update(struct pvmem *pv, struct mmu_update *req, unsigned int nr, struct pvmem_range **range)
{
	unsigned int done = 0;

	while (done < nr) {
		int ok = 0, err;

		preempt_disable();
		err = HYPERVISOR_mmu_update(req + done, nr - done, &ok, DOMID_SELF);
		preempt_enable();
		pvmem_xen_count(pv, "mmu_update", nr - done, err);
		if (likely(!err))
			return;
		done += ok;
		if (done >= nr)
			return;
		pvmem_xen_refused(pv, "mmu_update", 1, err);
		range[done++]->error = err;
	}
}

/**
 * pvmem_xen_update_one() - set one PTE; cheaper than a mmu_update of one entry
 * @pv: the instance.
 * @addr: the address that the PTE maps.
 * @pte: machine PTE.
 *
 * Context: any.
 * Return: 0 or Xen's -errno.
 */
int pvmem_xen_update_one(struct pvmem *pv, unsigned long addr, pte_t pte)
{
	int err = HYPERVISOR_update_va_mapping(addr, pte, 0);

	pvmem_xen_count(pv, "update_va_mapping", 1, err);
	if (unlikely(err))
		pvmem_xen_refused(pv, "update_va_mapping", 1, err);
	return err;
}

/**
 * pvmem_xen_ext() - mmuext_op
 * @pv: the instance.
 * @op: operations.
 * @done: index of the first to do.
 * @nr: index after the last.
 * @failed: a bit per operation; set for those refused, others left alone.
 *
 * Context: any.
 */
void pvmem_xen_ext(struct pvmem *pv, struct mmuext_op *op, unsigned int done, unsigned int nr, unsigned long *failed)
{
	while (done < nr) {
		int ok = 0, err;

		preempt_disable();
		err = HYPERVISOR_mmuext_op(op + done, nr - done, &ok, DOMID_SELF);
		preempt_enable();
		pvmem_xen_count(pv, "mmuext_op", nr - done, err);
		if (likely(!err))
			return;
		done += ok;
		if (done >= nr)
			return;
		pvmem_xen_refused(pv, "mmuext_op", 1, err);
		__set_bit(done++, failed);
	}
}

/**
 * pvmem_xen_multicall() - several hypercalls in one
 * @pv: the instance.
 * @call: the calls; each one's result is in it afterwards.
 * @nr: how many.
 * @entries: operations inside them, for the statistics.
 *
 * Context: any.
 * Return: 0, or -errno when the multicall itself was refused: nothing was done.
 */
int pvmem_xen_multicall(struct pvmem *pv, struct multicall_entry *call, unsigned int nr, unsigned int entries)
{
	int err;

	preempt_disable();
	err = HYPERVISOR_multicall(call, nr);
	preempt_enable();
	pvmem_xen_count(pv, "multicall", entries, err);
	if (unlikely(err))
		pvmem_xen_refused(pv, "multicall", entries, err);
	return err;
}
