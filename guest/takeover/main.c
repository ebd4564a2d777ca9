// SPDX-License-Identifier: GPL-2.0
/*
 * Load, refuse, enable and revert. Everything is checked before anything is
 * changed; what cannot be done is refused with one line. Afterwards livepatch
 * does the work: it moves each task over when it is in none of the functions,
 * and back when 0 is written to /sys/kernel/livepatch/pvmem_takeover/enabled.
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/utsname.h>
#include <pvmem/pvmem.h>
#include <xen/xen.h>
#include "takeover.h"

static bool tables = true;
module_param(tables, bool, 0444);
MODULE_PARM_DESC(tables, "page tables from the pool, on Xen PV (default: yes)");

static char *absent;
module_param(absent, charp, 0444);
MODULE_PARM_DESC(absent, "for tests: a function to take as missing from the kernel");

static struct klp_object takeover_objects[2];
static struct klp_patch takeover_patch = { .mod = THIS_MODULE, .objs = takeover_objects };

/**
 * takeover_vm_unmap_aliases() - remove every lazy mapping, pvmem's too
 *
 * Context: process, may sleep.
 */
void takeover_vm_unmap_aliases(void)
{
	pvmem_unmap_aliases();
	takeover_stock.vm_unmap_aliases();
}

static unsigned int __init takeover_halves(void)
{
	unsigned int halves = TAKEOVER_VMAP;

	if (tables && xen_pv_domain() && USE_SPLIT_PTE_PTLOCKS)
		halves |= TAKEOVER_TABLES;
	return halves;
}

static int __init takeover_init(void)
{
	unsigned int halves = takeover_halves();
	int err;

	if (!takeover_release_known(init_utsname()->release)) {
		pr_err("pvmem_takeover: not loaded: kernel %s is none of those it knows\n", init_utsname()->release);
		return -ENODEV;
	}
	err = takeover_kernel_find(halves, absent);
	if (err)
		return err;
	err = takeover_sysfs_start();
	if (err) {
		pr_err("pvmem_takeover: not loaded: cannot make files in /sys/kernel: error %d\n", err);
		return err;
	}
	takeover_objects[0].funcs = takeover_hooks_list(halves);
	err = klp_enable_patch(&takeover_patch);
	if (err) {
		pr_err("pvmem_takeover: not loaded: livepatch refuses: error %d\n", err);
		takeover_sysfs_stop();
		return err;
	}
	pr_info("pvmem_takeover: page tables %s, vmap taken over\n",
		halves & TAKEOVER_TABLES ? "taken over" : "left alone: this is no Xen PV guest");
	return 0;
}

static void __exit takeover_exit(void)
{
	takeover_sysfs_stop();
	pr_info("pvmem_takeover: unloaded\n");
}

module_init(takeover_init);
module_exit(takeover_exit);

MODULE_DESCRIPTION("Puts the stock kernel's page tables and vmap on pvmem, by livepatch");
MODULE_AUTHOR("pvmem developers");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
