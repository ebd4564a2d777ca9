// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A walk over x86-64 page tables that may be hostile. Its depth is bounded by the
 * levels, and its length by two budgets that follow from the guest's memory:
 * tables visited, and mappings counted. A table may be reached by many ways and
 * maps something new on each, so none is left out for having been seen; but one
 * that was found to map nothing writable, at that level, need not be looked at
 * again. That alone makes the legitimate fan-outs cheap (ESPFIX reaches 16
 * tables by 65,536 ways).
 */
#include <string.h>
#include "audit_walk.h"

#define PVMEM_PTE_PRESENT (1ull << 0)
#define PVMEM_PTE_WRITABLE (1ull << 1)
#define PVMEM_PTE_LARGE (1ull << 7)
#define PVMEM_PTE_FRAME 0x000ffffffffff000ull

/*
 * A table is a frame, so there are no more of them than frames; and a guest needs
 * one for each 2 MiB that it maps: memory / 2 MiB for the direct map, as many for
 * all of it in vmalloc() and so on. The second figure is 16 times that, with room
 * for empty tables of address space that is reserved (pvmem's windows). At 1 GiB
 * of memory it is 73,728 tables, 0.1 s.
 */
static uint64_t pvmem_walk_visits(uint64_t nr_frames)
{
	uint64_t most = nr_frames + 1024, needed = 65536 + nr_frames / 32;

	return most < needed ? most : needed;
}

/* Each frame is mapped twice or three times. */
#define PVMEM_WALK_MARKS(nr_frames) (65536 + 16 * (nr_frames))

/**
 * pvmem_walk_init() - makes a walk ready, with a budget of its own
 * @walk: the walk.
 * @source: the memory.
 * @frames: a word for each frame; the walk keeps PVMEM_FRAME_CLEAN() in it.
 */
void pvmem_walk_init(struct pvmem_walk *walk, const struct pvmem_audit_source *source, uint32_t *frames)
{
	memset(walk, 0, offsetof(struct pvmem_walk, entries));
	walk->source = source;
	walk->frames = frames;
	walk->visits = pvmem_walk_visits(source->nr_frames);
	walk->marks = PVMEM_WALK_MARKS(source->nr_frames);
}

/**
 * pvmem_walk_copy() - reads a table
 * @walk: @entries of the level are set.
 * @frame: the table.
 * @level: 1 to 5.
 *
 * Return: whether it could be read.
 */
bool pvmem_walk_copy(struct pvmem_walk *walk, uint64_t frame, int level)
{
	const uint64_t *page = walk->source->page(walk->source->data, frame);

	if (page)
		memcpy(walk->entries[level - 1], page, sizeof(walk->entries[0]));
	return page;
}

static uint64_t pvmem_entry_frame(const struct pvmem_walk *walk, uint64_t entry)
{
	uint64_t frame = (entry & PVMEM_PTE_FRAME) >> PVMEM_PAGE_SHIFT;

	if (walk->source->frame_of)
		frame = walk->source->frame_of(walk->source->data, frame);
	return frame < walk->source->nr_frames ? frame : PVMEM_AUDIT_NO_FRAME;
}

static void pvmem_walk_leaf(struct pvmem_walk *walk, uint64_t addr, uint64_t entry, int level, bool writable)
{
	uint64_t bytes = pvmem_walk_span(level), frame;

	if (level > 1)
		entry &= ~(bytes - 1); /* the bits below are attributes */
	frame = pvmem_entry_frame(walk, entry);
	if (frame == PVMEM_AUDIT_NO_FRAME) {
		walk->nr_outside++;
		return;
	}
	if (walk->marks < bytes / PVMEM_PAGE_SIZE) {
		walk->visits = 0;
		return;
	}
	walk->marks -= bytes / PVMEM_PAGE_SIZE;
	walk->leaf(walk, addr, frame, bytes, writable);
}

static bool pvmem_walk_table(struct pvmem_walk *walk, uint64_t frame, int level, uint64_t addr, bool writable);

/* Returns whether there is nothing writable, whatever the tables above allow. */
static bool pvmem_walk_entry(struct pvmem_walk *walk, uint64_t entry, int level, uint64_t addr, bool writable)
{
	bool own = entry & PVMEM_PTE_WRITABLE;
	uint64_t frame;

	if (level == 1 || (level <= 3 && (entry & PVMEM_PTE_LARGE))) {
		pvmem_walk_leaf(walk, addr, entry, level, writable && own);
		return !own;
	}
	if (entry & PVMEM_PTE_LARGE) {
		walk->nr_malformed++;
		return true;
	}
	frame = pvmem_entry_frame(walk, entry);
	if (frame == PVMEM_AUDIT_NO_FRAME) {
		walk->nr_outside++;
		return true;
	}
	if (!walk->table(walk, addr, frame, level - 1, pvmem_walk_span(level)))
		return walk->frames[frame] & PVMEM_FRAME_CLEAN(level - 1);
	return pvmem_walk_table(walk, frame, level - 1, addr, writable && own);
}

static bool pvmem_walk_table(struct pvmem_walk *walk, uint64_t frame, int level, uint64_t addr, bool writable)
{
	uint64_t span = pvmem_walk_span(level), at;
	bool clean = true;
	unsigned int i;

	if (!walk->visits || !pvmem_walk_copy(walk, frame, level))
		return false;
	walk->visits--;
	for (i = 0; i < PVMEM_TABLE_ENTRIES && walk->visits; i++) {
		at = addr + i * span;
		if (!(walk->entries[level - 1][i] & PVMEM_PTE_PRESENT) || at > walk->last ||
		    at + span - 1 < walk->first)
			continue;
		clean &= pvmem_walk_entry(walk, walk->entries[level - 1][i], level, at, writable);
	}
	if (clean && walk->visits && addr >= walk->first && addr + PVMEM_TABLE_ENTRIES * span - 1 <= walk->last)
		walk->frames[frame] |= PVMEM_FRAME_CLEAN(level);
	return clean;
}

/**
 * pvmem_walk_tables() - visits every mapping between two addresses
 * @walk: the walk; @visits is 0 afterwards when it gave up.
 * @root: the top-level table.
 * @first: first address; it and @last lie in the same half.
 * @last: last address.
 */
void pvmem_walk_tables(struct pvmem_walk *walk, uint64_t root, uint64_t first, uint64_t last)
{
	int level = walk->source->levels;
	uint64_t span = pvmem_walk_span(level), sign = first & ~(pvmem_walk_span(level + 1) - 1), at;
	unsigned int i;

	if (root >= walk->source->nr_frames || !walk->visits || !pvmem_walk_copy(walk, root, level))
		return;
	walk->visits--;
	walk->first = first;
	walk->last = last;
	for (i = 0; i < PVMEM_TABLE_ENTRIES && walk->visits; i++) {
		at = sign | i * span;
		if (!(walk->entries[level - 1][i] & PVMEM_PTE_PRESENT) || at > last || at + span - 1 < first)
			continue;
		pvmem_walk_entry(walk, walk->entries[level - 1][i], level, at, true);
	}
}
