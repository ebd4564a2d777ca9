// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One walk of the kernel's half of a guest's page tables. The direct map is
 * known by its constant distance from physical addresses, the kernel's image and
 * per-CPU areas by where x86-64 Linux puts them; what is left is the vmalloc area
 * (and the vmemmap, which maps nothing twice). Writable mappings there are
 * collected and sorted by frame: a frame that occurs twice is aliased.
 *
 * The guest may have made its tables up. A walk visits no more tables than the
 * guest has frames, and collects no more than PVMEM_AUDIT_RECORDS mappings.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "audit.h"

#define PVMEM_PTE_PRESENT (1ull << 0)
#define PVMEM_PTE_WRITE (1ull << 1)
#define PVMEM_PTE_LARGE (1ull << 7)
#define PVMEM_PTE_FRAME 0x000ffffffffff000ull
#define PVMEM_PTES 512

/* The kernel's image, and the fixed areas below it (per-CPU entry areas, stacks of espfix, EFI). */
#define PVMEM_FIXED_START 0xfffffe0000000000ull
#define PVMEM_IMAGE_START 0xffffffff80000000ull
#define PVMEM_IMAGE_END 0xffffffffc0000000ull

/* 24 bytes each: 48 MiB at most. A guest's vmalloc area of 8 GiB. */
#define PVMEM_AUDIT_RECORDS (2u << 20)

struct pvmem_record {
	uint64_t frame;
	uint64_t addr;
	bool window;
};

struct pvmem_walk {
	const struct pvmem_audit_source *source;
	struct pvmem_audit *audit;
	struct pvmem_record *records;
	size_t nr_records;
	size_t max_records;
	uint64_t *tables;
	size_t nr_tables;
	size_t max_tables;
	uint8_t *direct; /* a bit for each frame that the direct map has: those the guest's kernel owns */
	uint64_t direct_base;
	bool direct_known;
	bool seeking; /* the direct map, nothing else */
};

/* What a walk returns when it has found what it was seeking. */
#define PVMEM_FOUND 1

static const char *const pvmem_kind_names[PVMEM_NR_AUDITS] = {
	[PVMEM_AUDIT_ALIAS] = "alias",		 [PVMEM_AUDIT_TABLE_WRITABLE] = "writable-table",
	[PVMEM_AUDIT_MULTIPLE] = "mapped-twice", [PVMEM_AUDIT_PIN_ORPHAN] = "orphaned-pin",
	[PVMEM_AUDIT_CLAIM] = "false-claim",
};

/**
 * pvmem_audit_kind_name() - a kind of finding in a word
 * @kind: which.
 *
 * Return: a constant.
 */
const char *pvmem_audit_kind_name(enum pvmem_audit_kind kind)
{
	return pvmem_kind_names[kind];
}

/**
 * pvmem_audit_find() - adds a finding
 * @audit: where; counted even when there is no more room.
 * @kind: what is wrong.
 * @frame: which frame.
 * @addr: where it is mapped.
 * @other: where else; 0: does not apply.
 */
void pvmem_audit_find(struct pvmem_audit *audit, enum pvmem_audit_kind kind, uint64_t frame, uint64_t addr,
		      uint64_t other)
{
	audit->nr_by_kind[kind]++;
	if (audit->nr_findings < PVMEM_AUDIT_FINDINGS)
		audit->findings[audit->nr_findings++] = (struct pvmem_audit_finding){ kind, frame, addr, other };
}

/* Room for one more of an array that at least doubles. 0, -ENOMEM or -E2BIG. */
static int pvmem_grow(void **array, size_t *max, size_t nr, size_t size, size_t most)
{
	size_t wanted = *max ? *max * 2 : 1024;
	void *grown;

	if (nr < *max)
		return 0;
	if (nr >= most)
		return -E2BIG;
	grown = realloc(*array, wanted * size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*max = wanted;
	return 0;
}

static bool pvmem_in_window(const struct pvmem_audit_source *source, uint64_t addr)
{
	size_t i;

	for (i = 0; i < source->nr_windows; i++)
		if (addr - source->windows[i].base < source->windows[i].bytes)
			return true;
	return false;
}

static int pvmem_record_add(struct pvmem_walk *walk, uint64_t frame, uint64_t addr, bool window)
{
	int err = pvmem_grow((void **)&walk->records, &walk->max_records, walk->nr_records, sizeof(*walk->records),
			     PVMEM_AUDIT_RECORDS);

	if (!err)
		walk->records[walk->nr_records++] = (struct pvmem_record){ frame, addr, window };
	return err;
}

/* One mapping of @nr frames. */
static int pvmem_leaf(struct pvmem_walk *walk, uint64_t addr, uint64_t frame, uint64_t nr, bool writable)
{
	struct pvmem_audit *audit = walk->audit;
	bool window;

	if (frame >= walk->source->nr_frames)
		return 0; /* a device */
	if (walk->seeking) {
		if (nr == 1)
			return 0;
		/* The kernel's lowest area is its direct map: the first large page is in it. */
		walk->direct_base = addr - (frame << 12);
		walk->direct_known = true;
		return PVMEM_FOUND;
	}
	audit->nr_mapped += nr;
	if (walk->direct_known && addr - (frame << 12) == walk->direct_base) {
		audit->nr_direct += nr;
		for (; nr && frame < walk->source->nr_frames; nr--, frame++)
			walk->direct[frame / 8] |= 1u << frame % 8;
		return 0;
	}
	if (addr >= PVMEM_FIXED_START && addr < PVMEM_IMAGE_END) {
		audit->nr_image += nr;
		return 0;
	}
	window = pvmem_in_window(walk->source, addr);
	*(window ? &audit->nr_window : &audit->nr_vmalloc) += nr;
	return writable && nr == 1 ? pvmem_record_add(walk, frame, addr, window) : 0;
}

static int pvmem_walk_table(struct pvmem_walk *walk, uint64_t frame, uint64_t base, int level, bool writable);

/* The entry at @index of a table of @level: 1 maps pages. */
static int pvmem_entry(struct pvmem_walk *walk, uint64_t entry, uint64_t addr, int level, bool writable)
{
	uint64_t frame = (entry & PVMEM_PTE_FRAME) >> 12;
	uint64_t nr = 1ull << (9 * (level - 1));

	if (!(entry & PVMEM_PTE_PRESENT) || addr < walk->source->lowest)
		return 0;
	if (walk->source->translate)
		frame = walk->source->translate(walk->source->data, frame);
	writable = writable && entry & PVMEM_PTE_WRITE;
	if (level == 1)
		return pvmem_leaf(walk, addr, frame, 1, writable);
	if (entry & PVMEM_PTE_LARGE && level <= 3)
		return pvmem_leaf(walk, addr, frame & ~(nr - 1), nr, writable);
	return pvmem_walk_table(walk, frame, addr, level - 1, writable);
}

static int pvmem_walk_table(struct pvmem_walk *walk, uint64_t frame, uint64_t base, int level, bool writable)
{
	const struct pvmem_audit_source *source = walk->source;
	const uint64_t *page = frame < source->nr_frames ? source->page(source->data, frame) : NULL;
	bool top = level == source->levels;
	uint64_t table[PVMEM_PTES];
	int err, i;

	if (!page)
		return 0;
	err = pvmem_grow((void **)&walk->tables, &walk->max_tables, walk->nr_tables, sizeof(*walk->tables),
			 source->nr_frames);
	if (err)
		return err;
	walk->tables[walk->nr_tables++] = frame;
	memcpy(table, page, sizeof(table)); /* the next page may take its place */
	for (i = top ? PVMEM_PTES / 2 : 0; i < PVMEM_PTES && !err; i++)
		err = pvmem_entry(walk, table[i], base + ((uint64_t)i << (12 + 9 * (level - 1))), level, writable);
	return err;
}

static int pvmem_by_frame(const void *a, const void *b)
{
	const struct pvmem_record *left = a, *right = b;

	if (left->frame != right->frame)
		return left->frame < right->frame ? -1 : 1;
	/* pvmem's own first: it is what a finding is about. */
	if (left->window != right->window)
		return left->window ? -1 : 1;
	return left->addr < right->addr ? -1 : left->addr > right->addr;
}

static int pvmem_by_number(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

/*
 * Frames with several writable mappings: one finding for each mapping beyond the
 * first. Frames without a place in the direct map are the firmware's: the kernel
 * maps those as often as it likes.
 */
static void pvmem_find_aliases(struct pvmem_walk *walk)
{
	const struct pvmem_record *first = walk->records, *record;
	size_t i;

	for (i = 1; i < walk->nr_records; i++) {
		record = &walk->records[i];
		if (record->frame != first->frame)
			first = record;
		else if (walk->direct[record->frame / 8] >> record->frame % 8 & 1)
			pvmem_audit_find(walk->audit, first->window ? PVMEM_AUDIT_ALIAS : PVMEM_AUDIT_MULTIPLE,
					 record->frame, first->addr, record->addr);
	}
}

static void pvmem_find_tables(struct pvmem_walk *walk)
{
	size_t i;

	for (i = 0; i < walk->nr_records; i++)
		if (bsearch(&walk->records[i].frame, walk->tables, walk->nr_tables, sizeof(*walk->tables),
			    pvmem_by_number))
			pvmem_audit_find(walk->audit, PVMEM_AUDIT_TABLE_WRITABLE, walk->records[i].frame,
					 walk->records[i].addr, 0);
}

static int pvmem_walk_root(struct pvmem_walk *walk)
{
	/* Addresses are sign-extended from 48 or 57 bits. */
	uint64_t base = walk->source->levels == 5 ? 0xfe00000000000000ull : 0xffff000000000000ull;

	walk->nr_tables = 0;
	return pvmem_walk_table(walk, walk->source->root, base, walk->source->levels, true);
}

static int pvmem_walk_both(struct pvmem_walk *walk)
{
	int err = 0;

	walk->seeking = !walk->direct_known;
	if (walk->seeking)
		err = pvmem_walk_root(walk);
	walk->seeking = false;
	if (err < 0)
		return err;
	err = pvmem_walk_root(walk);
	return err || walk->nr_tables > 1 ? err : -ENOENT;
}

/**
 * pvmem_audit_walk() - looks at the kernel's half of a guest's page tables
 * @source: the guest's memory.
 * @audit: filled.
 *
 * Context: takes milliseconds to seconds; any thread.
 * Return: 0, -ENOENT (the root is no page table), -E2BIG (more tables or
 * mappings than a sane guest has), -ENOMEM.
 */
int pvmem_audit_walk(const struct pvmem_audit_source *source, struct pvmem_audit *audit)
{
	struct pvmem_walk walk = { .source = source,
				   .audit = audit,
				   .direct_base = source->direct_base,
				   .direct_known = source->direct_base };
	int err = -ENOMEM;

	memset(audit, 0, sizeof(*audit));
	walk.direct = calloc(source->nr_frames / 8 + 1, 1);
	if (walk.direct)
		err = pvmem_walk_both(&walk);
	audit->nr_tables = walk.nr_tables;
	if (!err && walk.nr_records) {
		qsort(walk.records, walk.nr_records, sizeof(*walk.records), pvmem_by_frame);
		qsort(walk.tables, walk.nr_tables, sizeof(*walk.tables), pvmem_by_number);
		pvmem_find_aliases(&walk);
		pvmem_find_tables(&walk);
	}
	free(walk.direct);
	free(walk.records);
	free(walk.tables);
	return err;
}
