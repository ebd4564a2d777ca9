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
 * enum pvmem_zs_way - how
 * @PVMEM_ZS_COPY: through a buffer.
 * @PVMEM_ZS_PAIR: both pages mapped, at addresses that one CPU uses.
 * @PVMEM_ZS_WAYS: how many there are.
 */
enum pvmem_zs_way {
	PVMEM_ZS_COPY,
	PVMEM_ZS_PAIR,
	PVMEM_ZS_WAYS,
};

/**
 * struct pvmem_zs_area - one object at a time
 * @mutex: held while an object is mapped.
 * @owner: who has it mapped.
 * @handle: the object's handle.
 * @mode: what it is mapped for.
 * @way: how.
 * @buffer: a page to copy to.
 * @addr: two pages of address space; NULL: there is none, copy.
 * @pte: the two page-table entries for them.
 */
struct pvmem_zs_area {
	struct mutex mutex;
	struct task_struct *owner;
	unsigned long handle;
	enum pvmem_zs_mode mode;
	enum pvmem_zs_way way;
	void *buffer;
	void *addr;
	void *pte;
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
 * @way: for objects mapped from now on.
 */
struct pvmem_zs_maps {
	struct pvmem_zs_cpu __percpu *cpu;
	enum pvmem_zs_way way;
};

int pvmem_zs_maps_init(struct pvmem_zs_maps *maps);
void pvmem_zs_maps_exit(struct pvmem_zs_maps *maps);
int pvmem_zs_maps_cpu_up(struct pvmem_zs_maps *maps, unsigned int cpu);
void pvmem_zs_maps_cpu_down(struct pvmem_zs_maps *maps, unsigned int cpu);

#endif
