/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pvmem_takeover.ko: the stock kernel's own users on pvmem.
 *
 *	main.c		load, refuse, enable, revert
 *	hooks.def	every function patched or needed, and on which kernels
 *	kernel.c	finds them, and shape.c looks at their types
 *	locks.c		locks of page tables, with lockdep
 *	entry.c		enters those that livepatch would be too slow for
 *	vmap.c		vm_map_ram() and vm_unmap_ram()
 *	tables.c	page tables are made of the pool's pages
 *	tables_free.c	and come back to the pool
 *	fork.c		pages of a forking process made read-only
 *	around.c	pages of a file mapped around a fault
 *	tree.c		all tables of a process pinned and unpinned at once
 *	ahead.c		tables made ahead of a sparse walk
 *	xen.c		the hypercalls of these
 *
 * A replacement takeover_NAME() ends with the stock body, takeover_stock.NAME(),
 * whenever it cannot do better.
 */
#ifndef PVMEM_TAKEOVER_H
#define PVMEM_TAKEOVER_H

#include <linux/mm.h>
#include <linux/mm_types.h>
#include <linux/percpu.h>
#include <asm/pgtable.h>
#include "compat.h"

struct btf;
struct klp_func;
struct mmu_gather;

/* hooks.def as replacements, stock bodies and functions called. */
#define TAKEOVER_RELEASE(prefix)
#define TAKEOVER_NEED(half, name, type, parameters, shape)
#define TAKEOVER_HOOK(half, name, type, parameters, shape) type takeover_##name parameters;
#define TAKEOVER_ENTRY(half, name, type, parameters, shape) \
	type takeover_##name parameters;                    \
	void takeover_enter_##name(void);
#include "hooks.def"
#undef TAKEOVER_HOOK
#undef TAKEOVER_ENTRY
#define TAKEOVER_ENTRY TAKEOVER_HOOK

/**
 * struct takeover_stock - stock bodies of the patched functions, behind their
 * call of ftrace
 */
struct takeover_stock {
#define TAKEOVER_HOOK(half, name, type, parameters, shape) type(*name) parameters;
#include "hooks.def"
#undef TAKEOVER_HOOK
#undef TAKEOVER_NEED
};

/**
 * struct takeover_kernel - functions that are not exported
 */
struct takeover_kernel {
#define TAKEOVER_HOOK(half, name, type, parameters, shape)
#define TAKEOVER_NEED(half, name, type, parameters, shape) type(*name) parameters;
#include "hooks.def"
#undef TAKEOVER_HOOK
#undef TAKEOVER_NEED
};
#undef TAKEOVER_RELEASE
#undef TAKEOVER_ENTRY

extern struct takeover_stock takeover_stock;
extern struct takeover_kernel takeover_kernel;

/* Which hooks are wanted: a bit per half. */
enum takeover_half {
	TAKEOVER_TABLES = 1,
	TAKEOVER_VMAP = 2,
};

/* kernel.c */
int takeover_kernel_find(unsigned int halves, const char *absent, const char *changed);

/* Of the kernel's knowledge of its own types. */
struct takeover_btf {
	struct btf *(*bpf_get_btf_vmlinux)(void);
	s32 (*btf_find_by_name_kind)(const struct btf *btf, const char *name, u8 kind);
	const char *(*btf_name_by_offset)(const struct btf *btf, u32 offset);
};

extern struct takeover_btf takeover_btf;

/* shape.c */
bool takeover_shape_is(const char *name, const char *expected);

/* hooks.c */
bool takeover_release_known(const char *release);
int takeover_hooks_find(unsigned int halves,
			int (*find)(const char *name, const char *shape, bool patched, void **address));
struct klp_func *takeover_hooks_list(unsigned int halves);

/* stats.c */
enum takeover_stat {
#define TAKEOVER_STAT(name, unit, help) TAKEOVER_STAT_##name,
#include "stats.def"
#undef TAKEOVER_STAT
	TAKEOVER_NR_STATS,
};

struct takeover_stats {
	unsigned long count[TAKEOVER_NR_STATS];
};

DECLARE_PER_CPU(struct takeover_stats, takeover_stats);

#define takeover_stat_add(name, n) this_cpu_add(takeover_stats.count[TAKEOVER_STAT_##name], (n))
#define takeover_stat_inc(name) takeover_stat_add(name, 1)

unsigned long takeover_stat_sum(enum takeover_stat stat);
int takeover_sysfs_start(void);
void takeover_sysfs_stop(void);

/* entry.c; takeover_serving: livepatch has the takeover enabled. */
extern bool takeover_serving;
int takeover_entries_start(unsigned int halves);
void takeover_entries_stop(unsigned int halves);

/* vmap.c */
void takeover_vmap_end(void);
void takeover_vmap_stop(void);

/* What sysfs sets: most tables made ahead at once, 0 to TAKEOVER_AHEAD_MAX. */
#define TAKEOVER_AHEAD_MAX 32
extern unsigned int takeover_ahead_max;

#endif
