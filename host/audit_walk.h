/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page tables, walked in bounded time; what the mappings mean is audit.c's. */
#ifndef PVMEM_HOST_AUDIT_WALK_H
#define PVMEM_HOST_AUDIT_WALK_H

#include "audit.h"

#define PVMEM_PAGE_SHIFT 12
#define PVMEM_PAGE_SIZE (1ull << PVMEM_PAGE_SHIFT)
#define PVMEM_TABLE_ENTRIES 512

/* What is remembered of a frame: a bit for each class it is writable in, and */
#define PVMEM_FRAME_SEVERAL (1u << 16)			/* two writable mappings of one class */
#define PVMEM_FRAME_TABLE (1u << 17)			/* a page table of somebody's */
#define PVMEM_FRAME_REFERENCED (1u << 18)		/* a page table in a page table */
#define PVMEM_FRAME_POOL (1u << 19)			/* the guest says it is in the pool */
#define PVMEM_FRAME_FOUND (1u << 20)			/* among the findings kept */
#define PVMEM_FRAME_LINEAR (1u << 21)			/* in the direct map, writable or not */
#define PVMEM_FRAME_CLEAN(level) (1u << (23 + (level))) /* as a table of that level it maps nothing writable */

_Static_assert(PVMEM_NR_AUDIT_CLASSES <= 16, "frames have a bit for each class");

/**
 * struct pvmem_walk - a walk
 * @source: the memory.
 * @frames: what is remembered of each frame.
 * @visits: tables that may still be visited; 0: the walk gave up.
 * @marks: mappings of 4 KiB that may still be counted, likewise.
 * @nr_outside: mappings of what is not the guest's.
 * @nr_malformed: entries that no CPU would take.
 * @first: walk addresses from it
 * @last: to it.
 * @leaf: called with each mapping; @bytes is its size.
 * @table: called with each table, but the top-level one; false: leave it out.
 * @data: for the two.
 * @entries: a copy of the table at each level, so that the guest cannot change
 *	one while it is looked at.
 */
struct pvmem_walk {
	const struct pvmem_audit_source *source;
	uint32_t *frames;
	uint64_t visits;
	uint64_t marks;
	uint64_t nr_outside;
	uint64_t nr_malformed;
	uint64_t first;
	uint64_t last;
	void (*leaf)(struct pvmem_walk *walk, uint64_t addr, uint64_t frame, uint64_t bytes, bool writable);
	bool (*table)(struct pvmem_walk *walk, uint64_t addr, uint64_t frame, int level, uint64_t bytes);
	void *data;
	uint64_t entries[5][PVMEM_TABLE_ENTRIES];
};

void pvmem_walk_init(struct pvmem_walk *walk, const struct pvmem_audit_source *source, uint32_t *frames);
void pvmem_walk_tables(struct pvmem_walk *walk, uint64_t root, uint64_t first, uint64_t last);
bool pvmem_walk_copy(struct pvmem_walk *walk, uint64_t frame, int level);

/* What an entry of a table of that level spans, in bytes. */
static inline uint64_t pvmem_walk_span(int level)
{
	return PVMEM_PAGE_SIZE << (9 * (level - 1));
}

/* The first address of the kernel's half; a PV guest has the first 8 TiB of it from Xen, with Xen's own tables in them. */
static inline uint64_t pvmem_walk_kernel(const struct pvmem_audit_source *source)
{
	if (source->type)
		return 0xffff880000000000;
	return source->levels == 5 ? 0xff00000000000000 : 0xffff800000000000;
}

/* The last address of a process's half. */
static inline uint64_t pvmem_walk_user_last(const struct pvmem_audit_source *source)
{
	return source->levels == 5 ? 0x00ffffffffffffff : 0x00007fffffffffff;
}

#endif
