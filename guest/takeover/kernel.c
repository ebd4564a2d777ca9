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
#include <asm/cpufeature.h>
#include <asm/ftrace.h>
#include <asm/ibt.h>
#include "takeover.h"

static unsigned long (*takeover_lookup)(const char *name);
static unsigned long (*takeover_ftrace_location)(unsigned long addr);
static const char *takeover_absent, *takeover_changed;
struct takeover_btf takeover_btf;

static int takeover_missing(const char *name, const char *why)
{
	pr_err("pvmem_takeover: not loaded: %s %s\n", name, why);
	return -ENOENT;
}

static bool takeover_is(const char *name, const char *said)
{
	return said && !strcmp(name, said);
}

static int takeover_find_any(const char *name, void **address)
{
	*address = (void *)takeover_lookup(name);
	return *address ? 0 : takeover_missing(name, "is not in this kernel");
}

static int takeover_find(const char *name, const char *shape, bool patched, void **address)
{
	unsigned long addr = takeover_lookup(name), site;

	if (!addr || takeover_is(name, takeover_absent))
		return takeover_missing(name, "is not in this kernel");
	if (takeover_is(name, takeover_changed) || !takeover_shape_is(name, shape))
		return takeover_missing(name, "has other types in this kernel, or it does not know them");
	if (patched) {
		site = takeover_ftrace_location(addr);
		if (!site || site - addr > ENDBR_INSN_SIZE)
			return takeover_missing(name, "cannot be patched: it does not begin with a call of ftrace");
		addr = site + MCOUNT_INSN_SIZE;
	}
	*address = (void *)addr;
	return 0;
}

/* Stock bodies are entered behind their ENDBR, which such a CPU does not allow. */
static int takeover_check_cpu(void)
{
	if (!cpu_feature_enabled(X86_FEATURE_IBT))
		return 0;
	pr_err("pvmem_takeover: not loaded: the kernel has this CPU check indirect branches (boot with ibt=off)\n");
	return -EOPNOTSUPP;
}

/*
 * A kprobe may look up any symbol, and is gone again at once. It is never armed:
 * the function stays as it is, and nothing can go wrong when taking it away.
 */
static int takeover_find_lookup(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name", .flags = KPROBE_FLAG_DISABLED };
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

static int takeover_find_helpers(void)
{
	return takeover_find_any("ftrace_location", (void **)&takeover_ftrace_location) ?:
	       takeover_find_any("bpf_get_btf_vmlinux", (void **)&takeover_btf.bpf_get_btf_vmlinux) ?:
	       takeover_find_any("btf_find_by_name_kind", (void **)&takeover_btf.btf_find_by_name_kind) ?:
	       takeover_find_any("btf_name_by_offset", (void **)&takeover_btf.btf_name_by_offset);
}

/**
 * takeover_kernel_find() - find all that the hooks need, or say what is missing
 * @halves: bits of enum takeover_half.
 * @absent: take this function as missing; NULL: none. For tests.
 * @changed: take this function as one of another shape; NULL: none. For tests.
 *
 * Context: process, sleeps.
 * Return: 0 or -errno; then one line in the log says why.
 */
int takeover_kernel_find(unsigned int halves, const char *absent, const char *changed)
{
	takeover_absent = absent;
	takeover_changed = changed;
	return takeover_check_cpu() ?: takeover_find_lookup() ?: takeover_find_helpers() ?: takeover_hooks_find(halves, takeover_find);
}
