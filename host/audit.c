// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the mappings of a guest's kernel mean. Each frame has one writable mapping
 * in the direct map; a second one is benign where the kernel makes it as a matter
 * of course (docs/audit.md derives the classes), and a finding where nobody
 * should. A frame costs 4 bytes here, so a guest of 64 GiB costs 64 MiB.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "audit_judge.h"

/* x86-64's layout that is not randomised, highest first; Documentation/x86/x86_64/mm.rst. */
static const struct {
	uint64_t base;
	enum pvmem_audit_class class;
} pvmem_areas[] = {
	{ 0xffffffffff000000, PVMEM_AUDIT_FIXMAP },    { 0xffffffffc0000000, PVMEM_AUDIT_MODULE },
	{ 0xffffffff80000000, PVMEM_AUDIT_IMAGE },     { 0xffffffff00000000, PVMEM_AUDIT_OTHER },
	{ 0xffffffef00000000, PVMEM_AUDIT_EFI },       { 0xffffff8000000000, PVMEM_AUDIT_OTHER },
	{ 0xffffff0000000000, PVMEM_AUDIT_ESPFIX },    { 0xfffffe8000000000, PVMEM_AUDIT_OTHER },
	{ 0xfffffe0000000000, PVMEM_AUDIT_CPU_ENTRY },
};

/* Below it direct map, vmalloc area and struct pages follow each other, each aligned so. */
#define PVMEM_DYNAMIC_END 0xfffffe0000000000ull
#define PVMEM_DYNAMIC_ALIGN (1ull << 30)
#define PVMEM_STRUCT_PAGE 64

/* All of pvmem's windows together have at most 64 GiB; a guest that names more hides something. */
#define PVMEM_WINDOW_BYTES_MAX (1ull << 36)

static const struct {
	const char *name;
	const char *help;
} pvmem_kinds[PVMEM_NR_AUDITS] = {
	[PVMEM_AUDIT_ALIAS] = { "alias", "writable in pvmem's window and elsewhere beside the direct map" },
	[PVMEM_AUDIT_TABLE_WRITABLE] = { "writable-table", "a page table with a writable mapping" },
	[PVMEM_AUDIT_MULTIPLE] = { "mapped-twice", "several writable kernel mappings beside the direct map" },
	[PVMEM_AUDIT_PIN_ORPHAN] = { "orphaned-pin", "pinned as a page table, but in no page table and no pool" },
	[PVMEM_AUDIT_POOL] = { "false-pool", "said to be in the pool, but no idle pinned page table" },
	[PVMEM_AUDIT_CLAIM] = { "false-claim", "does not agree with the guest's counters" },
	[PVMEM_AUDIT_INCOMPLETE] = { "incomplete", "the page tables are too large for the guest's memory" },
};

static const char *const pvmem_classes[PVMEM_NR_AUDIT_CLASSES] = {
	[PVMEM_AUDIT_DIRECT] = "direct-map", [PVMEM_AUDIT_IMAGE] = "kernel-image",
	[PVMEM_AUDIT_MODULE] = "module",     [PVMEM_AUDIT_VMALLOC] = "vmalloc",
	[PVMEM_AUDIT_VMEMMAP] = "vmemmap",   [PVMEM_AUDIT_CPU_ENTRY] = "cpu-entry",
	[PVMEM_AUDIT_FIXMAP] = "fixmap",     [PVMEM_AUDIT_ESPFIX] = "espfix",
	[PVMEM_AUDIT_EFI] = "efi",	     [PVMEM_AUDIT_WINDOW] = "window",
	[PVMEM_AUDIT_OTHER] = "other",
};

/**
 * pvmem_audit_kind_name() - a finding's kind in a word
 * @kind: which.
 *
 * Return: the word, as in JSON and metrics.
 */
const char *pvmem_audit_kind_name(enum pvmem_audit_kind kind)
{
	return pvmem_kinds[kind].name;
}

/**
 * pvmem_audit_kind_help() - a finding's kind in a sentence
 * @kind: which.
 *
 * Return: the sentence, without its stop.
 */
const char *pvmem_audit_kind_help(enum pvmem_audit_kind kind)
{
	return pvmem_kinds[kind].help;
}

/**
 * pvmem_audit_class_name() - a class of mappings in a word
 * @class: which.
 *
 * Return: the word.
 */
const char *pvmem_audit_class_name(enum pvmem_audit_class class)
{
	return pvmem_classes[class];
}

/**
 * pvmem_audit_find() - adds a finding
 * @audit: where; counted even when there is no more room.
 * @kind: what is wrong.
 * @frame: which frame; PVMEM_AUDIT_NO_FRAME when it is not about one.
 * @addr: where it is mapped.
 * @other: where else; 0: nowhere.
 */
void pvmem_audit_find(struct pvmem_audit *audit, enum pvmem_audit_kind kind, uint64_t frame, uint64_t addr,
		      uint64_t other)
{
	audit->nr_by_kind[kind]++;
	if (audit->nr_findings < PVMEM_AUDIT_FINDINGS)
		audit->findings[audit->nr_findings++] = (struct pvmem_audit_finding){ kind, frame, addr, other };
}

/* First pass: where the direct map and the array of struct page are. */

/* Majority vote, by bytes: the direct map is most of what is mapped at a multiple of 1 GiB from its frame. */
static void pvmem_locate_vote(struct pvmem_judge *judge, uint64_t base, uint64_t bytes)
{
	if (base % PVMEM_DYNAMIC_ALIGN)
		return;
	if (base == judge->vote) {
		judge->weight += bytes;
	} else if (judge->weight >= bytes) {
		judge->weight -= bytes;
	} else {
		judge->vote = base;
		judge->weight = bytes - judge->weight;
	}
}

static void pvmem_locate_leaf(struct pvmem_walk *walk, uint64_t addr, uint64_t frame, uint64_t bytes, bool writable)
{
	struct pvmem_judge *judge = walk->data;

	pvmem_locate_vote(judge, addr - (frame << PVMEM_PAGE_SHIFT), bytes);
	if (addr % PVMEM_DYNAMIC_ALIGN)
		return;
	if (addr != judge->slot + PVMEM_DYNAMIC_ALIGN)
		judge->slot_first = addr;
	judge->slot = addr;
}

static bool pvmem_locate_table(struct pvmem_walk *walk, uint64_t addr, uint64_t frame, int level, uint64_t bytes)
{
	return true;
}

static void pvmem_locate(struct pvmem_judge *judge, struct pvmem_walk *walk)
{
	uint64_t span = judge->source->nr_frames * PVMEM_STRUCT_PAGE;

	walk->leaf = pvmem_locate_leaf;
	walk->table = pvmem_locate_table;
	pvmem_walk_tables(walk, judge->source->root, pvmem_walk_kernel(judge->source), PVMEM_DYNAMIC_END - 1);
	if (!judge->weight)
		return;
	judge->audit->direct_base = judge->vote;
	if (judge->slot_first <= judge->vote + (judge->source->nr_frames << PVMEM_PAGE_SHIFT))
		return;
	judge->audit->vmemmap_base = judge->slot_first;
	judge->vmemmap_end = judge->slot_first + ((span + (1 << 21) - 1) & -(1ull << 21));
}

/* Second pass: what each frame is writable through. */

static bool pvmem_in_window(const struct pvmem_audit_claim *claim, uint64_t addr)
{
	size_t i;

	for (i = 0; i < claim->nr_windows; i++)
		if (addr - claim->windows[i].base < claim->windows[i].bytes)
			return true;
	return false;
}

/* Only the vmalloc area can have windows: a guest cannot explain away others with them. */
static enum pvmem_audit_class pvmem_class_of(const struct pvmem_judge *judge, uint64_t addr, uint64_t frame)
{
	size_t i;

	for (i = 0; i < sizeof(pvmem_areas) / sizeof(pvmem_areas[0]); i++)
		if (addr >= pvmem_areas[i].base)
			return pvmem_areas[i].class;
	if (!judge->audit->direct_base || addr < judge->audit->direct_base)
		return PVMEM_AUDIT_OTHER;
	if (addr - (frame << PVMEM_PAGE_SHIFT) == judge->audit->direct_base)
		return PVMEM_AUDIT_DIRECT;
	if (pvmem_in_window(judge->claim, addr))
		return PVMEM_AUDIT_WINDOW;
	return addr >= judge->audit->vmemmap_base && addr < judge->vmemmap_end ? PVMEM_AUDIT_VMEMMAP
									       : PVMEM_AUDIT_VMALLOC;
}

static void pvmem_mark(uint32_t *state, enum pvmem_audit_class class)
{
	const uint32_t often = PVMEM_CLASS(WINDOW) | PVMEM_CLASS(ESPFIX) | PVMEM_CLASS(FIXMAP);

	if (*state & ~often & (1u << class))
		*state |= PVMEM_FRAME_SEVERAL;
	*state |= 1u << class;
}

static void pvmem_map_leaf(struct pvmem_walk *walk, uint64_t addr, uint64_t frame, uint64_t bytes, bool writable)
{
	struct pvmem_judge *judge = walk->data;
	enum pvmem_audit_class class = pvmem_class_of(judge, addr, frame);
	uint64_t i, nr = bytes >> PVMEM_PAGE_SHIFT;

	if (nr > judge->source->nr_frames - frame)
		nr = judge->source->nr_frames - frame;
	if (class == PVMEM_AUDIT_WINDOW)
		judge->audit->nr_window += nr;
	for (i = 0; class == PVMEM_AUDIT_DIRECT && i < nr; i++)
		judge->frames[frame + i] |= PVMEM_FRAME_LINEAR;
	if (!writable)
		return;
	judge->audit->nr_mapped[class] += nr;
	for (i = 0; i < nr; i++)
		pvmem_mark(&judge->frames[frame + i], class);
}

/*
 * What is writable nowhere need not be looked at twice, once its tables are known;
 * but windows are counted to the last read-only entry.
 */
static bool pvmem_table_needed(const struct pvmem_judge *judge, uint64_t addr, uint32_t state, int level,
			       uint64_t bytes)
{
	const struct pvmem_audit_claim *claim = judge->claim;
	size_t i;

	if (!(state & PVMEM_FRAME_CLEAN(level)) || !(state & PVMEM_FRAME_REFERENCED))
		return true;
	for (i = 0; i < claim->nr_windows; i++)
		if (claim->windows[i].base < addr + bytes && addr < claim->windows[i].base + claim->windows[i].bytes)
			return true;
	return false;
}

static bool pvmem_map_table(struct pvmem_walk *walk, uint64_t addr, uint64_t frame, int level, uint64_t bytes)
{
	struct pvmem_judge *judge = walk->data;
	uint32_t state = judge->frames[frame];

	judge->audit->nr_tables += !(state & PVMEM_FRAME_TABLE);
	judge->frames[frame] |= PVMEM_FRAME_TABLE | PVMEM_FRAME_REFERENCED;
	return pvmem_table_needed(judge, addr, state, level, bytes);
}

/* Third pass: which frames are page tables of processes. */

static void pvmem_user_leaf(struct pvmem_walk *walk, uint64_t addr, uint64_t frame, uint64_t bytes, bool writable)
{
}

static bool pvmem_user_table(struct pvmem_walk *walk, uint64_t addr, uint64_t frame, int level, uint64_t bytes)
{
	struct pvmem_judge *judge = walk->data;

	if (!(judge->frames[frame] & PVMEM_FRAME_TABLE))
		judge->audit->nr_user_tables++;
	judge->frames[frame] |= PVMEM_FRAME_TABLE | PVMEM_FRAME_REFERENCED;
	return level > 1; /* what they map is theirs */
}

static bool pvmem_same_half(const uint64_t *a, const uint64_t *b)
{
	int i;

	for (i = PVMEM_TABLE_ENTRIES / 2; i < PVMEM_TABLE_ENTRIES; i++)
		if ((a[i] ^ b[i]) & ~PVMEM_PTE_USED)
			return false;
	return true;
}

/* Where frames have types that is asked, else a top-level table is known by its kernel's half. */
static bool pvmem_is_root(const struct pvmem_judge *judge, uint64_t frame, const uint64_t *kernel)
{
	const struct pvmem_audit_source *source = judge->source;
	const uint64_t *page;

	if (frame == source->root)
		return true;
	if (source->type)
		return (source->type(source->data, frame) & PVMEM_AUDIT_TYPE_LEVEL) == source->levels;
	page = source->page(source->data, frame);
	return page && pvmem_same_half(page, kernel);
}

/* What a top-level table has for itself in the kernel's half: a PV guest's for user mode has the vsyscall page. */
static void pvmem_map_own(struct pvmem_judge *judge, struct pvmem_walk *walk, uint64_t root, const uint64_t *kernel)
{
	uint64_t own[PVMEM_TABLE_ENTRIES], span = pvmem_walk_span(judge->source->levels);
	unsigned int i = pvmem_walk_kernel(judge->source) / span % PVMEM_TABLE_ENTRIES;

	if (!pvmem_walk_copy(walk, root, judge->source->levels))
		return;
	memcpy(own, walk->entries[judge->source->levels - 1], sizeof(own));
	for (; i < PVMEM_TABLE_ENTRIES && walk->visits; i++)
		if ((own[i] ^ kernel[i]) & ~PVMEM_PTE_USED)
			pvmem_walk_tables(walk, root, -span * (PVMEM_TABLE_ENTRIES - i),
					  -span * (PVMEM_TABLE_ENTRIES - i) + span - 1);
}

static void pvmem_map_users(struct pvmem_judge *judge, struct pvmem_walk *walk)
{
	uint64_t kernel[PVMEM_TABLE_ENTRIES], frame;

	if (!pvmem_walk_copy(walk, judge->source->root, judge->source->levels))
		return;
	memcpy(kernel, walk->entries[judge->source->levels - 1], sizeof(kernel));
	walk->leaf = pvmem_user_leaf;
	walk->table = pvmem_user_table;
	for (frame = 0; frame < judge->source->nr_frames && walk->visits; frame++) {
		if (!pvmem_is_root(judge, frame, kernel))
			continue;
		judge->audit->nr_roots++;
		judge->frames[frame] |= PVMEM_FRAME_TABLE;
		pvmem_walk_tables(walk, frame, 0, pvmem_walk_user_last(judge->source));
		pvmem_map_own(judge, walk, frame, kernel);
	}
}

/* The judgement of what is mapped; that of pools and counters is in audit_claims.c. */

static void pvmem_judge_frame(struct pvmem_judge *judge, uint64_t frame)
{
	uint32_t state = judge->frames[frame], extra = state & PVMEM_CLASSES & ~PVMEM_CLASS(DIRECT);
	uint32_t allowed = judge->source->type ? 0 : PVMEM_CLASS(DIRECT) | PVMEM_CLASS(IMAGE);
	bool several;

	/* A fixed address is another name of a page of the image: PV guests have one there where others have the APIC. */
	if (extra == (PVMEM_CLASS(IMAGE) | PVMEM_CLASS(FIXMAP)))
		extra = PVMEM_CLASS(FIXMAP);
	several = extra & (extra - 1) || state & PVMEM_FRAME_SEVERAL;

	judge->audit->nr_aliased += several || (extra && state & PVMEM_CLASS(DIRECT));
	if (state & PVMEM_FRAME_TABLE && state & PVMEM_CLASSES & ~allowed)
		pvmem_audit_find(judge->audit, PVMEM_AUDIT_TABLE_WRITABLE, frame, 0, 0);
	else if (several && state & PVMEM_CLASS(WINDOW))
		pvmem_audit_find(judge->audit, PVMEM_AUDIT_ALIAS, frame, 0, 0);
	else if (several && !(state & PVMEM_FRAME_LINEAR))
		judge->audit->nr_reserved++;
	else if (several)
		pvmem_audit_find(judge->audit, PVMEM_AUDIT_MULTIPLE, frame, 0, 0);
	else if (extra && state & PVMEM_CLASS(DIRECT))
		judge->audit->nr_benign[__builtin_ctz(extra)]++;
}

/* Last pass: where the frames among the findings are mapped. */

static void pvmem_name_one(struct pvmem_judge *judge, struct pvmem_audit_finding *finding, uint64_t addr,
			   enum pvmem_audit_class class)
{
	if (class == PVMEM_AUDIT_DIRECT && !(judge->source->type && finding->kind == PVMEM_AUDIT_TABLE_WRITABLE))
		return;
	if (!finding->addr) {
		finding->addr = addr;
	} else if (class == PVMEM_AUDIT_WINDOW && !pvmem_in_window(judge->claim, finding->addr)) {
		finding->other = finding->addr;
		finding->addr = addr;
	} else if (!finding->other || (class != PVMEM_AUDIT_WINDOW && pvmem_in_window(judge->claim, finding->other))) {
		finding->other = addr;
	}
}

static void pvmem_name_leaf(struct pvmem_walk *walk, uint64_t addr, uint64_t frame, uint64_t bytes, bool writable)
{
	struct pvmem_judge *judge = walk->data;
	struct pvmem_audit *audit = judge->audit;
	uint64_t nr = bytes >> PVMEM_PAGE_SHIFT, offset;
	size_t i;

	if (!writable || (nr == 1 && !(judge->frames[frame] & PVMEM_FRAME_FOUND)))
		return;
	for (i = 0; i < audit->nr_findings; i++) {
		offset = audit->findings[i].frame - frame;
		if (offset < nr)
			pvmem_name_one(judge, &audit->findings[i], addr + (offset << PVMEM_PAGE_SHIFT),
				       pvmem_class_of(judge, addr, frame));
	}
}

static bool pvmem_name_table(struct pvmem_walk *walk, uint64_t addr, uint64_t frame, int level, uint64_t bytes)
{
	struct pvmem_judge *judge = walk->data;

	return !(judge->frames[frame] & PVMEM_FRAME_CLEAN(level));
}

static void pvmem_walk_begin(struct pvmem_judge *judge, struct pvmem_walk *walk)
{
	pvmem_walk_init(walk, judge->source, judge->frames);
	walk->data = judge;
}

/* What is mapped, and which frames are page tables; false: it was too much. */
static bool pvmem_judge_look(struct pvmem_judge *judge, struct pvmem_walk *walk)
{
	uint64_t kernel = pvmem_walk_kernel(judge->source);

	pvmem_walk_begin(judge, walk);
	pvmem_locate(judge, walk);
	if (!walk->visits)
		return false;
	pvmem_walk_begin(judge, walk);
	walk->leaf = pvmem_map_leaf;
	walk->table = pvmem_map_table;
	pvmem_walk_tables(walk, judge->source->root, kernel, UINT64_MAX);
	judge->audit->nr_outside = walk->nr_outside;
	judge->audit->nr_malformed = walk->nr_malformed;
	if (!walk->visits)
		return false;
	pvmem_walk_begin(judge, walk);
	pvmem_map_users(judge, walk);
	return walk->visits;
}

static void pvmem_judge_all(struct pvmem_judge *judge, struct pvmem_walk *walk)
{
	uint64_t frame;
	size_t i;

	if (!pvmem_judge_look(judge, walk))
		pvmem_audit_find(judge->audit, PVMEM_AUDIT_INCOMPLETE, PVMEM_AUDIT_NO_FRAME, 0, 0);
	pvmem_judge_pool(judge);
	for (frame = 0; frame < judge->source->nr_frames; frame++)
		pvmem_judge_frame(judge, frame);
	pvmem_judge_pins(judge);
	pvmem_audit_settle(judge->audit, judge->claim);
	if (!judge->audit->nr_findings)
		return;
	for (i = 0; i < judge->audit->nr_findings; i++)
		if (judge->audit->findings[i].frame < judge->source->nr_frames)
			judge->frames[judge->audit->findings[i].frame] |= PVMEM_FRAME_FOUND;
	pvmem_walk_begin(judge, walk);
	walk->leaf = pvmem_name_leaf;
	walk->table = pvmem_name_table;
	pvmem_walk_tables(walk, judge->source->root, pvmem_walk_kernel(judge->source), UINT64_MAX);
}

static int pvmem_audit_check(const struct pvmem_audit_source *source, const struct pvmem_audit_claim *claim)
{
	uint64_t bytes = 0;
	size_t i;

	if ((source->levels != 4 && source->levels != 5) || source->root >= source->nr_frames ||
	    claim->nr_windows > PVMEM_AUDIT_WINDOWS)
		return -EINVAL;
	for (i = 0; i < claim->nr_windows; i++) {
		if (claim->windows[i].bytes > PVMEM_WINDOW_BYTES_MAX ||
		    claim->windows[i].base + claim->windows[i].bytes < claim->windows[i].base)
			return -ERANGE;
		bytes += claim->windows[i].bytes;
	}
	return bytes > PVMEM_WINDOW_BYTES_MAX ? -ERANGE : 0;
}

/**
 * pvmem_audit_walk() - looks at a guest's kernel page tables
 * @source: the guest's memory; it may change meanwhile, then findings may be
 *	transient: pvmem_audit_confirm().
 * @claim: what the guest says of itself.
 * @audit: set on success; its @elapsed_us and @paused are the caller's.
 *
 * Takes 4 bytes per frame and 20 KiB, and time in proportion to the frames.
 *
 * Return: 0; -EINVAL for a source that cannot be; -ERANGE for windows that
 * cannot be; -EIO when the top-level table cannot be read; -ENOMEM.
 */
int pvmem_audit_walk(const struct pvmem_audit_source *source, const struct pvmem_audit_claim *claim,
		     struct pvmem_audit *audit)
{
	struct pvmem_audit result = { 0 };
	struct pvmem_judge judge = { .source = source, .claim = claim, .audit = &result };
	struct pvmem_walk *walk;
	int err = pvmem_audit_check(source, claim);

	if (err)
		return err;
	if (!source->page(source->data, source->root))
		return -EIO;
	judge.frames = calloc(source->nr_frames, sizeof(*judge.frames));
	walk = malloc(sizeof(*walk));
	if (judge.frames && walk) {
		pvmem_judge_all(&judge, walk);
		*audit = result;
	} else {
		err = -ENOMEM;
	}
	free(walk);
	free(judge.frames);
	return err;
}

static bool pvmem_found_before(const struct pvmem_audit *before, const struct pvmem_audit_finding *finding)
{
	size_t i;

	for (i = 0; i < before->nr_findings; i++)
		if (before->findings[i].kind == finding->kind && before->findings[i].frame == finding->frame)
			return true;
	/* It may be one of those that were counted and not kept. */
	return before->nr_findings == PVMEM_AUDIT_FINDINGS;
}

/**
 * pvmem_audit_confirm() - leaves only findings that were there before
 * @audit: the later audit.
 * @before: the earlier one.
 *
 * A guest that was between two steps when it was looked at is past them the
 * second time.
 */
void pvmem_audit_confirm(struct pvmem_audit *audit, const struct pvmem_audit *before)
{
	size_t i, kept = 0;

	for (i = 0; i < audit->nr_findings; i++) {
		if (pvmem_found_before(before, &audit->findings[i]))
			audit->findings[kept++] = audit->findings[i];
		else
			audit->nr_by_kind[audit->findings[i].kind]--;
	}
	audit->nr_findings = kept;
}

/**
 * pvmem_audit_total() - how many findings there are
 * @audit: the audit.
 *
 * Return: the sum over all kinds.
 */
uint64_t pvmem_audit_total(const struct pvmem_audit *audit)
{
	uint64_t total = 0;
	int kind;

	for (kind = 0; kind < PVMEM_NR_AUDITS; kind++)
		total += audit->nr_by_kind[kind];
	return total;
}
