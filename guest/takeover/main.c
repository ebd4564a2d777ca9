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
#include "locks.h"
#include "tables.h"
#include "takeover.h"

static bool tables = true;
module_param(tables, bool, 0444);
MODULE_PARM_DESC(tables, "page tables from the pool, on Xen PV (default: yes)");

static char *absent;
module_param(absent, charp, 0444);
MODULE_PARM_DESC(absent, "for tests: a function to take as missing from the kernel");

static char *changed;
module_param(changed, charp, 0444);
MODULE_PARM_DESC(changed, "for tests: a function to take as one with other types");

static struct klp_object takeover_objects[2];
static struct klp_patch takeover_patch = { .mod = THIS_MODULE, .objs = takeover_objects };

/* The halves that are taken over. */
static unsigned int takeover_halves;

static void takeover_enabled(struct klp_object *object)
{
	WRITE_ONCE(takeover_serving, true);
}

static void takeover_reverted(struct klp_object *object)
{
	WRITE_ONCE(takeover_serving, false);
	takeover_vmap_end();
}

static unsigned int __init takeover_halves_here(void)
{
	unsigned int halves = TAKEOVER_VMAP;

	if (tables && xen_pv_domain() && USE_SPLIT_PTE_PTLOCKS)
		halves |= TAKEOVER_TABLES;
	return halves;
}

static int __init takeover_refuse(const char *what, int err)
{
	pr_err("pvmem_takeover: not loaded: %s: error %d\n", what, err);
	return err;
}

/* Does the kernel have all that is needed? One line says what it lacks. */
static int __init takeover_look(void)
{
	int err;

	if (!takeover_release_known(init_utsname()->release)) {
		pr_err("pvmem_takeover: not loaded: kernel %s is none of those it knows\n", init_utsname()->release);
		return -ENODEV;
	}
	err = takeover_kernel_find(takeover_halves, absent, changed);
	if (err || !(takeover_halves & TAKEOVER_TABLES))
		return err;
	err = takeover_locks_learn();
	return err ? takeover_refuse("cannot make a page table", err) : 0;
}

/* Functions are entered and sysfs shows counters, or there is neither. */
static int __init takeover_start(void)
{
	int err = takeover_tree_start();

	if (err)
		return takeover_refuse("no memory for each CPU", err);
	err = takeover_sysfs_start();
	if (err) {
		takeover_tree_stop();
		return takeover_refuse("cannot make files in /sys/kernel", err);
	}
	err = takeover_entries_start(takeover_halves);
	if (err) {
		takeover_sysfs_stop();
		takeover_tree_stop();
	}
	return err;
}

static void takeover_stop(void)
{
	takeover_entries_stop(takeover_halves);
	takeover_sysfs_stop();
	takeover_tree_stop();
}

static int __init takeover_enable(void)
{
	/* Whoever is served first should not find the pool empty. */
	if (takeover_halves & TAKEOVER_TABLES)
		pvmem_ptpool_settle();
	takeover_objects[0].funcs = takeover_hooks_list(takeover_halves);
	takeover_objects[0].callbacks.post_patch = takeover_enabled;
	takeover_objects[0].callbacks.post_unpatch = takeover_reverted;
	return klp_enable_patch(&takeover_patch);
}

static int __init takeover_init(void)
{
	int err;

	takeover_halves = takeover_halves_here();
	err = takeover_look() ?: takeover_start();
	if (err)
		return err;
	err = takeover_enable();
	if (err) {
		takeover_stop();
		return takeover_refuse("livepatch refuses", err);
	}
	pr_info("pvmem_takeover: page tables %s, vmap taken over\n",
		takeover_halves & TAKEOVER_TABLES ? "taken over" : "left alone: this is no Xen PV guest");
	return 0;
}

static void __exit takeover_exit(void)
{
	takeover_vmap_stop();
	takeover_stop();
	pr_info("pvmem_takeover: unloaded\n");
}

module_init(takeover_init);
module_exit(takeover_exit);

MODULE_DESCRIPTION("Puts the stock kernel's page tables and vmap on pvmem, by livepatch");
MODULE_AUTHOR("pvmem developers");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
