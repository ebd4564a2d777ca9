// SPDX-License-Identifier: GPL-2.0
/*
 * vm_map_ram() and vm_unmap_ram() served by pvmem, on every kind of guest.
 *
 * A map and unmap of one page takes 900 instructions on bare metal, and a call
 * through livepatch 450 more: it would eat what pvmem gains. So these two are
 * entered from their ftrace site directly: three instructions put the
 * replacement into the place of the return address and return to it.
 *
 * Livepatch says when: pvmem serves maps from when the patch is enabled until it
 * is reverted. Unmaps it serves for as long as one of its maps is left, which
 * can be long (XFS keeps buffers mapped): until then the module cannot be
 * unloaded. A task may sleep in a replacement, so unloading waits until nobody
 * is inside.
 */
#include <linux/delay.h>
#include <linux/ftrace.h>
#include <linux/linkage.h>
#include <linux/module.h>
#include <linux/objtool.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/rcupdate_wait.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <asm/ibt.h>
#include <pvmem/pvmem.h>
#include "takeover.h"

/* How often to look whether the last map is gone. */
#define TAKEOVER_WATCH_MS 500

/**
 * struct takeover_inside - calls under way; per CPU, the sums count
 * @entered: calls of a replacement.
 * @left: returns from one.
 */
struct takeover_inside {
	unsigned long entered;
	unsigned long left;
};

static DEFINE_PER_CPU(struct takeover_inside, takeover_inside);
static bool takeover_serving;

/* The call at the ftrace site comes here; its return address is replaced. */
#define TAKEOVER_ENTER(name)                                                                              \
	asm(".pushsection .text, \"ax\", @progbits\n\t"                                                   \
	    ".globl takeover_enter_" #name "\n\t"                                                         \
	    ".type takeover_enter_" #name ", @function\n"                                                 \
	    "takeover_enter_" #name ":\n\t" ASM_ENDBR "movq $takeover_" #name ", (%rsp)\n\t" ASM_RET "\n" \
	    ".size takeover_enter_" #name ", . - takeover_enter_" #name "\n\t"                            \
	    ".popsection\n");                                                                             \
	STACK_FRAME_NON_STANDARD(takeover_enter_##name)

TAKEOVER_ENTER(vm_map_ram);
TAKEOVER_ENTER(vm_unmap_ram);

/* Maps that pvmem serves and that are not unmapped yet, those being made included. */
static unsigned long takeover_live(void)
{
	unsigned long gone = takeover_stat_sum(TAKEOVER_STAT_vmap_unmapped);

	/* Summed first: a map is counted before its unmap. */
	smp_rmb();
	return takeover_stat_sum(TAKEOVER_STAT_vmap_mapped) - gone;
}

/* Count a map that pvmem is about to serve, unless it does not serve any more. */
static bool takeover_serve(void)
{
	bool serving;

	preempt_disable();
	serving = READ_ONCE(takeover_serving);
	if (likely(serving))
		takeover_stat_inc(vmap_mapped);
	preempt_enable();
	return serving;
}

/**
 * takeover_vm_map_ram() - map pages at contiguous kernel addresses
 * @pages: the pages.
 * @count: how many.
 * @node: where bookkeeping is allocated, by the stock body.
 *
 * Context: process, may sleep.
 * Return: the address or NULL.
 */
__visible void *takeover_vm_map_ram(struct page **pages, unsigned int count, int node)
{
	void *addr = NULL;

	this_cpu_inc(takeover_inside.entered);
	if (likely(takeover_serve())) {
		addr = pvmem_map_ram(pages, count, node);
		if (unlikely(!addr)) {
			takeover_stat_inc(vmap_unmapped);
			takeover_stat_inc(vmap_stock);
		}
	}
	if (unlikely(!addr))
		addr = takeover_stock.vm_map_ram(pages, count, node);
	this_cpu_inc(takeover_inside.left);
	return addr;
}

/**
 * takeover_vm_unmap_ram() - end such a mapping, whoever made it
 * @addr: its address.
 * @count: its length in pages.
 *
 * Context: process, may sleep.
 */
__visible void takeover_vm_unmap_ram(const void *addr, unsigned int count)
{
	this_cpu_inc(takeover_inside.entered);
	if (likely(pvmem_is_mapping(addr))) {
		pvmem_unmap_ram(addr, count);
		takeover_stat_inc(vmap_unmapped);
	} else {
		takeover_stock.vm_unmap_ram(addr, count);
	}
	this_cpu_inc(takeover_inside.left);
}

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

static unsigned long takeover_nr_inside(void)
{
	unsigned long left = 0, entered = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		left += READ_ONCE(per_cpu(takeover_inside, cpu).left);
	/* As in takeover_live(). */
	smp_rmb();
	for_each_possible_cpu(cpu)
		entered += READ_ONCE(per_cpu(takeover_inside, cpu).entered);
	return entered - left;
}

/*
 * Nobody comes in any more. Those who are at the entry are inside, or have gone
 * to the stock body, once each task has been seen to sleep or leave the kernel;
 * and those who were at the exit are out once that happened again.
 */
static void takeover_wait_outside(void)
{
	synchronize_rcu_tasks();
	while (takeover_nr_inside())
		msleep(20);
	synchronize_rcu_tasks();
}

static void takeover_watch(struct work_struct *work);
static DECLARE_DELAYED_WORK(takeover_watch_work, takeover_watch);

/* After a revert: the module may go when the last map is gone. */
static void takeover_watch(struct work_struct *work)
{
	if (takeover_live())
		schedule_delayed_work(&takeover_watch_work, msecs_to_jiffies(TAKEOVER_WATCH_MS));
	else
		module_put(THIS_MODULE);
}

/**
 * takeover_vmap_begin() - pvmem serves maps from now on
 *
 * Context: process.
 */
void takeover_vmap_begin(void)
{
	WRITE_ONCE(takeover_serving, true);
}

/**
 * takeover_vmap_end() - pvmem serves no more maps, only unmaps
 *
 * Context: process, sleeps.
 */
void takeover_vmap_end(void)
{
	WRITE_ONCE(takeover_serving, false);
	/* Pairs with takeover_serve(). */
	synchronize_rcu();
	if (!takeover_live())
		return;
	pr_info("pvmem_takeover: %lu mappings of pvmem's are in use; unload when they are gone\n", takeover_live());
	__module_get(THIS_MODULE);
	schedule_delayed_work(&takeover_watch_work, msecs_to_jiffies(TAKEOVER_WATCH_MS));
}

/* Where ftrace calls from: in front of the stock body. */
static unsigned long takeover_site(const void *stock)
{
	return (unsigned long)stock - MCOUNT_INSN_SIZE;
}

static struct takeover_compat_direct takeover_map_entry, takeover_unmap_entry;

static int takeover_hook_unmap(void)
{
	return takeover_compat_direct_start(&takeover_unmap_entry, takeover_site(takeover_stock.vm_unmap_ram),
					    (unsigned long)takeover_enter_vm_unmap_ram);
}

static void takeover_unhook_unmap(void)
{
	takeover_compat_direct_stop(&takeover_unmap_entry, takeover_site(takeover_stock.vm_unmap_ram),
				    (unsigned long)takeover_enter_vm_unmap_ram);
}

/**
 * takeover_vmap_start() - hook the functions; they go on as they did
 *
 * Context: process, sleeps.
 * Return: 0 or -errno: somebody else has a direct call there.
 */
int takeover_vmap_start(void)
{
	int err = takeover_hook_unmap();

	if (err)
		return err;
	err = takeover_compat_direct_start(&takeover_map_entry, takeover_site(takeover_stock.vm_map_ram),
					   (unsigned long)takeover_enter_vm_map_ram);
	if (err) {
		takeover_unhook_unmap();
		takeover_wait_outside();
	}
	return err;
}

/**
 * takeover_vmap_stop() - unhook the functions; no mapping of pvmem's is left
 *
 * Context: process, sleeps. Nobody is inside when it returns.
 */
void takeover_vmap_stop(void)
{
	cancel_delayed_work_sync(&takeover_watch_work);
	takeover_compat_direct_stop(&takeover_map_entry, takeover_site(takeover_stock.vm_map_ram),
				    (unsigned long)takeover_enter_vm_map_ram);
	takeover_unhook_unmap();
	takeover_wait_outside();
}
