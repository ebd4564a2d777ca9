// SPDX-License-Identifier: GPL-2.0
/*
 * Hypercalls of the page-table half: issued, counted, and refused for tests.
 * What was refused is counted and logged once; callers undo or repair. Preemption
 * is off meanwhile, as in pvmem's own (guest/pvmem/xen_pv_call.c).
 */
#include <linux/atomic.h>
#include <linux/moduleparam.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <asm/xen/hypercall.h>
#include "takeover.h"
#include "xen.h"

static uint fail_every;
module_param(fail_every, uint, 0644);
MODULE_PARM_DESC(fail_every, "for tests: every so many batches of hypercalls are taken as refused; 0: none");

static atomic_t takeover_batches = ATOMIC_INIT(0);

static bool takeover_fails(void)
{
	unsigned int every = READ_ONCE(fail_every);

	return unlikely(every) && atomic_inc_return(&takeover_batches) % every == 0;
}

static void takeover_count(unsigned int entries)
{
	takeover_stat_inc(hypercalls);
	takeover_stat_add(hypercall_entries, entries);
}

/**
 * takeover_xen_refused() - count what the hypervisor refused, and say so once
 * @call: the hypercall's name.
 * @nr: entries refused.
 * @err: what Xen said.
 */
void takeover_xen_refused(const char *call, unsigned int nr, int err)
{
	takeover_stat_add(hypercall_failed, nr);
	pr_info_once(
		"pvmem_takeover: Xen refused %u entries of a %s (%d); left to the stock path, counted in hypercall_failed\n",
		nr, call, err);
}

/**
 * takeover_xen_multicall() - several hypercalls in one
 * @call: the calls; each one's result is in it afterwards.
 * @nr: how many.
 * @entries: operations inside them, for the statistics.
 *
 * Context: any.
 * Return: 0; or -errno when one of them failed, or nothing was done: then every
 * result is an error.
 */
int takeover_xen_multicall(struct multicall_entry *call, unsigned int nr, unsigned int entries)
{
	unsigned int i;
	int err;

	preempt_disable();
	err = takeover_fails() ? -EFAULT : HYPERVISOR_multicall(call, nr);
	preempt_enable();
	takeover_count(entries);
	for (i = 0; err && i < nr; i++)
		call[i].result = err;
	for (i = 0; !err && i < nr; i++)
		err = (long)call[i].result < 0 ? (long)call[i].result : 0;
	return err;
}

/**
 * takeover_xen_update() - write page-table entries
 * @req: the entries.
 * @nr: how many.
 *
 * Context: any.
 * Return: how many were written: @nr, or those before the one that Xen refused.
 */
unsigned int takeover_xen_update(struct mmu_update *req, unsigned int nr)
{
	int done = 0, err;

	preempt_disable();
	err = takeover_fails() ? -EFAULT : HYPERVISOR_mmu_update(req, nr, &done, DOMID_SELF);
	preempt_enable();
	takeover_count(nr);
	if (likely(!err))
		return nr;
	takeover_xen_refused("mmu_update", 1, err);
	return min_t(unsigned int, done, nr);
}

/**
 * takeover_xen_ext_one() - one extended operation, to repair a batch
 * @op: the operation.
 *
 * Context: any.
 * Return: true when Xen did it.
 */
bool takeover_xen_ext_one(struct mmuext_op *op)
{
	int err;

	preempt_disable();
	err = HYPERVISOR_mmuext_op(op, 1, NULL, DOMID_SELF);
	preempt_enable();
	takeover_count(1);
	if (unlikely(err))
		takeover_xen_refused("mmuext_op", 1, err);
	return !err;
}

/**
 * takeover_xen_writable_one() - one page becomes writable again, to repair a batch
 * @page: a page of no type.
 *
 * Context: any.
 * Return: true when it is.
 */
bool takeover_xen_writable_one(struct page *page)
{
	struct multicall_entry call;
	int err;

	takeover_call_prot(&call, page, PAGE_KERNEL, 0);
	err = HYPERVISOR_update_va_mapping(call.args[0], native_make_pte(call.args[1]), 0);
	takeover_count(1);
	if (unlikely(err))
		takeover_xen_refused("update_va_mapping", 1, err);
	return !err;
}
