// SPDX-License-Identifier: GPL-2.0
/*
 * Functions that are entered by a direct call of ftrace. A call through livepatch
 * takes 450 instructions: as many as a map and unmap of one page on bare metal,
 * and more than all else that the takeover adds to freeing a page table.
 *
 * The call at the ftrace site comes here; three instructions put the replacement
 * into the place of its return address and return to it. What calls the
 * replacement counts who is inside.
 *
 * They are entered from load to unload; livepatch says when they serve. Nothing
 * that a replacement does depends on another function being replaced too, so a
 * task may meet any mixture. It may sleep in one: unloading waits until nobody
 * is inside.
 */
#include <linux/delay.h>
#include <linux/ftrace.h>
#include <linux/kconfig.h>
#include <linux/kernel.h>
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/rcupdate_wait.h>
#include <asm/ibt.h>
#include "takeover.h"

/**
 * struct takeover_inside - calls under way; per CPU, the sums count
 * @entered: calls of a replacement.
 * @left: returns from one.
 */
struct takeover_inside {
	unsigned long entered;
	unsigned long left;
};

/* Not static: the code below refers to it by name. */
DECLARE_PER_CPU(struct takeover_inside, takeover_inside);
DEFINE_PER_CPU(struct takeover_inside, takeover_inside);
bool takeover_serving;

#define TAKEOVER_STUB(name)                                                                                     \
	asm(".pushsection .text, \"ax\", @progbits\n\t"                                                         \
	    ".globl takeover_enter_" #name "\n\t"                                                               \
	    ".type takeover_enter_" #name ", @function\n"                                                       \
	    "takeover_enter_" #name ":\n\t" ASM_ENDBR "movq $takeover_count_" #name ", (%rsp)\n\t" ASM_RET "\n" \
	    ".size takeover_enter_" #name ", . - takeover_enter_" #name "\n\t"                                  \
	    ".type takeover_count_" #name ", @function\n"                                                       \
	    "takeover_count_" #name ":\n\t"                                                                     \
	    "incq %gs:takeover_inside(%rip)\n\t"                                                                \
	    "call takeover_" #name "\n\t"                                                                       \
	    "incq %gs:takeover_inside+8(%rip)\n\t" ASM_RET "\n"                                                 \
	    ".size takeover_count_" #name ", . - takeover_count_" #name "\n\t"                                  \
	    ".popsection\n");                                                                                   \
	STACK_FRAME_NON_STANDARD(takeover_enter_##name);

/* A half that is not built has no replacements. */
#define TAKEOVER_STUB_VMAP TAKEOVER_STUB
#define TAKEOVER_ENTER_VMAP(name) takeover_enter_##name
#ifdef CONFIG_XEN_PV
#define TAKEOVER_STUB_TABLES TAKEOVER_STUB
#define TAKEOVER_ENTER_TABLES(name) takeover_enter_##name
#else
#define TAKEOVER_STUB_TABLES(name)
#define TAKEOVER_ENTER_TABLES(name) NULL
#endif

#define TAKEOVER_RELEASE(prefix)
#define TAKEOVER_HOOK(half, name, type, parameters, shape)
#define TAKEOVER_NEED(half, name, type, parameters, shape)
#define TAKEOVER_ENTRY(half, name, type, parameters, shape) TAKEOVER_STUB_##half(name)
#include "hooks.def"
#undef TAKEOVER_ENTRY

/**
 * struct takeover_entry - a function that is entered directly
 * @name: its name.
 * @half: the half it belongs to.
 * @stock: where the address of its stock body is.
 * @enter: what its ftrace site is to call.
 */
struct takeover_entry {
	const char *name;
	unsigned int half;
	void **stock;
	void (*enter)(void);
};

#define TAKEOVER_ENTRY(half_, name_, type, parameters, shape) \
	{ .name = #name_,                                     \
	  .half = TAKEOVER_##half_,                           \
	  .stock = (void **)&takeover_stock.name_,            \
	  .enter = TAKEOVER_ENTER_##half_(name_) },
static const struct takeover_entry takeover_entries[] = {
#include "hooks.def"
};

static struct takeover_compat_direct takeover_direct[ARRAY_SIZE(takeover_entries)];
static struct takeover_compat_hold takeover_hold;

static unsigned long takeover_nr_inside(void)
{
	unsigned long left = 0, entered = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		left += READ_ONCE(per_cpu(takeover_inside, cpu).left);
	/* Summed first: a call is counted before its return. */
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

/* Where ftrace calls from: in front of the stock body. */
static unsigned long takeover_site(const struct takeover_entry *entry)
{
	return (unsigned long)*entry->stock - MCOUNT_INSN_SIZE;
}

static void takeover_leave(const struct takeover_entry *end, unsigned int halves)
{
	const struct takeover_entry *entry;

	for (entry = takeover_entries; entry < end; entry++)
		if (entry->half & halves)
			takeover_compat_direct_stop(&takeover_direct[entry - takeover_entries], takeover_site(entry),
						    (unsigned long)entry->enter);
	takeover_wait_outside();
	takeover_compat_release_ftrace(&takeover_hold);
}

static int takeover_not_hooked(const char *name, int err)
{
	pr_err("pvmem_takeover: not loaded: %s cannot be hooked: error %d (somebody else has, or ftrace is off)\n",
	       name, err);
	return err;
}

/**
 * takeover_entries_start() - enter the functions of some halves
 * @halves: bits of enum takeover_half.
 *
 * They do as the stock ones until takeover_serving is set.
 *
 * Context: process, sleeps.
 * Return: 0 or -errno, with a line in the log and nothing changed: ftrace is
 * turned off, or somebody else has a direct call there.
 */
int takeover_entries_start(unsigned int halves)
{
	const struct takeover_entry *entry;
	int err = takeover_compat_hold_ftrace(&takeover_hold, takeover_entries_stop);

	if (err)
		return takeover_not_hooked("functions", err);
	for (entry = takeover_entries; entry < takeover_entries + ARRAY_SIZE(takeover_entries); entry++) {
		if (!(entry->half & halves))
			continue;
		err = takeover_compat_direct_start(&takeover_direct[entry - takeover_entries], takeover_site(entry),
						   (unsigned long)entry->enter);
		if (!err)
			continue;
		takeover_leave(entry, halves);
		return takeover_not_hooked(entry->name, err);
	}
	return 0;
}

/**
 * takeover_entries_stop() - enter them no more
 * @halves: as for takeover_entries_start().
 *
 * Context: process, sleeps. Nobody is inside when it returns.
 */
void takeover_entries_stop(unsigned int halves)
{
	takeover_leave(takeover_entries + ARRAY_SIZE(takeover_entries), halves);
}
