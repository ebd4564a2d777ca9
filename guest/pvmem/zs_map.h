/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ways to give an object that crosses from one page into another a contiguous
 * address: a copy in a buffer, or the two pages mapped side by side. Each CPU has
 * two areas for it, one for reading and one for writing: an object that is mapped
 * for reading may be held while memory is reclaimed, which writes objects.
 */
#ifndef PVMEM_ZS_MAP_H
#define PVMEM_ZS_MAP_H

#include <linux/mutex.h>
#include <linux/percpu.h>
#include <pvmem/zs.h>

struct task_struct;

/**
 * struct pvmem_zs_pair - two pages of address space that one CPU uses
 * @addr: the first; 0: there is none.
 * @pte: the page-table entry of each.
 */
struct pvmem_zs_pair {
	unsigned long addr;
	void *pte[2];
};

/**
 * struct pvmem_zs_pair_ops - how a hypervisor maps a pair of pages
 * @name: for messages.
 * @set: maps frames @pfn, where nothing is mapped. 0 or -errno: then nothing is.
 *	Does not sleep.
 * @clear: ends that, for this CPU's TLB too. 0 or -errno: then the pair must not
 *	be used again. Does not sleep.
 */
struct pvmem_zs_pair_ops {
	const char *name;
	int (*set)(const struct pvmem_zs_pair *pair, const unsigned long pfn[2]);
	int (*clear)(const struct pvmem_zs_pair *pair);
};

/**
 * struct pvmem_zs_area - one object at a time
 * @mutex: held while an object is mapped.
 * @owner: who has it mapped.
 * @handle: the object's handle.
 * @mode: what it is mapped for.
 * @paired: it is mapped at @pair, not copied to @buffer.
 * @buffer: a page to copy to.
 * @pair: where to map two pages.
 */
struct pvmem_zs_area {
	struct mutex mutex;
	struct task_struct *owner;
	unsigned long handle;
	enum pvmem_zs_mode mode;
	bool paired;
	void *buffer;
	struct pvmem_zs_pair pair;
};

/* What struct pvmem_zs_cpu::area is indexed by. */
enum {
	PVMEM_ZS_READING,
	PVMEM_ZS_WRITING,
	PVMEM_ZS_AREAS,
};

struct pvmem_zs_cpu {
	struct pvmem_zs_area area[PVMEM_ZS_AREAS];
};

/**
 * struct pvmem_zs_maps - the areas of all CPUs
 * @cpu: of each.
 * @ops: how to map a pair; NULL: copy.
 * @window: address space of all pairs.
 * @pair_from: objects in slots of at least this many bytes are mapped, smaller
 *	ones copied.
 */
struct pvmem_zs_maps {
	struct pvmem_zs_cpu __percpu *cpu;
	const struct pvmem_zs_pair_ops *ops;
	void *window;
	unsigned int pair_from;
};

/* For pair_from: all, none. */
#define PVMEM_ZS_PAIR_ALWAYS 0
#define PVMEM_ZS_PAIR_NEVER UINT_MAX

int pvmem_zs_maps_init(struct pvmem_zs_maps *maps);
void pvmem_zs_maps_exit(struct pvmem_zs_maps *maps);
int pvmem_zs_maps_cpu_up(struct pvmem_zs_maps *maps, unsigned int cpu);
void pvmem_zs_maps_cpu_down(struct pvmem_zs_maps *maps, unsigned int cpu);

/* zs_pair.c */
extern const struct pvmem_zs_pair_ops pvmem_zs_pair_native;
int pvmem_zs_pair_start(struct pvmem_zs_maps *maps, const struct pvmem_zs_pair_ops *ops);
void pvmem_zs_pair_stop(struct pvmem_zs_maps *maps);
unsigned int pvmem_zs_pair_measure(struct pvmem_zs_pool *pool);

/* xen_pv_pair.c */
extern const struct pvmem_zs_pair_ops pvmem_zs_pair_xen_pv;

#endif
