// SPDX-License-Identifier: GPL-2.0
/*
 * Finds functions that are not exported. A kprobe finds the one that finds the
 * others. What is patched must begin with a call of ftrace; its stock body is
 * behind that call.
 */
#include <linux/errno.h>
#include <linux/kprobes.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <asm/ftrace.h>
#include "takeover.h"

static unsigned long (*takeover_lookup)(const char *name);
static unsigned long (*takeover_ftrace_location)(unsigned long addr);
static const char *takeover_absent;

static int takeover_missing(const char *name, const char *why)
{
	pr_err("pvmem_takeover: not loaded: %s %s\n", name, why);
	return -ENOENT;
}

static int takeover_find(const char *name, bool patched, void **address)
{
	unsigned long addr = takeover_lookup(name), site;

	if (!addr || (takeover_absent && !strcmp(name, takeover_absent)))
		return takeover_missing(name, "is not in this kernel");
	if (patched) {
		site = takeover_ftrace_location(addr);
		if (site != addr)
			return takeover_missing(name, "cannot be patched: it does not begin with a call of ftrace");
		addr = site + MCOUNT_INSN_SIZE;
	}
	*address = (void *)addr;
	return 0;
}

/* A kprobe may look up any symbol, and is gone again at once. */
static int takeover_find_lookup(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };
	int err = register_kprobe(&probe);

	if (err) {
		pr_err("pvmem_takeover: not loaded: kernel symbols cannot be looked up (error %d: no kprobes, or the kernel is locked down)\n",
		       err);
		return err;
	}
	takeover_lookup = (void *)probe.addr;
	unregister_kprobe(&probe);
	return 0;
}

/**
 * takeover_kernel_find() - find all that the hooks need, or say what is missing
 * @halves: bits of enum takeover_half.
 * @absent: take this function as missing; NULL: none. For tests.
 *
 * Context: process, sleeps.
 * Return: 0 or -errno; then one line in the log says why.
 */
int takeover_kernel_find(unsigned int halves, const char *absent)
{
	int err = takeover_find_lookup();

	takeover_absent = absent;
	if (!err)
		err = takeover_find("ftrace_location", false, (void **)&takeover_ftrace_location);
	return err ?: takeover_hooks_find(halves, takeover_find);
}
