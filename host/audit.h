/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking at a guest's page tables from outside. Pure: the guest's memory comes
 * through a function, so that the same walk serves KVM (shared memory), Xen
 * (foreign maps) and tests (an array).
 *
 * Everything read is the guest's and may be made to deceive or to cost: time and
 * memory are bounded by the number of frames, whatever the tables say.
 */
#ifndef PVMEM_HOST_AUDIT_H
#define PVMEM_HOST_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Findings kept; all are counted. More than a pool that is busy moves meanwhile. */
#define PVMEM_AUDIT_FINDINGS 256

/* Windows of pvmem's a guest may name. */
#define PVMEM_AUDIT_WINDOWS 64

/* Room for why an audit could not be made. */
#define PVMEM_AUDIT_ERROR 256

/* No frame of the guest's. */
#define PVMEM_AUDIT_NO_FRAME UINT64_MAX

/* What a frame is to Xen: the level of the page table, and whether it is pinned. */
#define PVMEM_AUDIT_TYPE_LEVEL 0x07
#define PVMEM_AUDIT_TYPE_PINNED 0x08

/**
 * enum pvmem_audit_kind - what is wrong with a frame
 * @PVMEM_AUDIT_ALIAS: writable in pvmem's window and in another place beside the
 *	direct map.
 * @PVMEM_AUDIT_TABLE_WRITABLE: a page table that is writable through a mapping
 *	that no kernel has a use for: outside the direct map and the kernel's
 *	image (KVM), or anywhere (Xen).
 * @PVMEM_AUDIT_MULTIPLE: several writable kernel mappings beside the direct
 *	map, none of them pvmem's, and of no class that is known to be benign.
 * @PVMEM_AUDIT_PIN_ORPHAN: Xen: pinned as a last-level page table, but in no
 *	page table and not in the pool.
 * @PVMEM_AUDIT_POOL: Xen: the guest says that it is in the pool, but it is not a
 *	pinned last-level page table that nothing uses.
 * @PVMEM_AUDIT_CLAIM: what is seen does not agree with the guest's counters; a
 *	finding's @addr is the number seen, @other the nearest that would agree.
 * @PVMEM_AUDIT_INCOMPLETE: the tables are larger than the guest's memory
 *	explains; the walk gave up.
 * @PVMEM_NR_AUDITS: how many there are.
 */
enum pvmem_audit_kind {
	PVMEM_AUDIT_ALIAS,
	PVMEM_AUDIT_TABLE_WRITABLE,
	PVMEM_AUDIT_MULTIPLE,
	PVMEM_AUDIT_PIN_ORPHAN,
	PVMEM_AUDIT_POOL,
	PVMEM_AUDIT_CLAIM,
	PVMEM_AUDIT_INCOMPLETE,
	PVMEM_NR_AUDITS,
};

/**
 * enum pvmem_audit_class - where in the kernel's half a mapping is
 * @PVMEM_AUDIT_DIRECT: the direct map: every frame has one there.
 * @PVMEM_AUDIT_IMAGE: the kernel's image: text, data, bss.
 * @PVMEM_AUDIT_MODULE: modules and what else is made there (BPF, trampolines).
 * @PVMEM_AUDIT_VMALLOC: vmalloc(), vmap(), ioremap(), stacks, per-CPU chunks.
 * @PVMEM_AUDIT_VMEMMAP: the array of struct page.
 * @PVMEM_AUDIT_CPU_ENTRY: the CPU entry areas: exception stacks and so on.
 * @PVMEM_AUDIT_FIXMAP: fixed addresses.
 * @PVMEM_AUDIT_ESPFIX: stacks of 16-bit programs' returns.
 * @PVMEM_AUDIT_EFI: the firmware's.
 * @PVMEM_AUDIT_WINDOW: pvmem's windows.
 * @PVMEM_AUDIT_OTHER: anywhere else.
 * @PVMEM_NR_AUDIT_CLASSES: how many there are.
 */
enum pvmem_audit_class {
	PVMEM_AUDIT_DIRECT,
	PVMEM_AUDIT_IMAGE,
	PVMEM_AUDIT_MODULE,
	PVMEM_AUDIT_VMALLOC,
	PVMEM_AUDIT_VMEMMAP,
	PVMEM_AUDIT_CPU_ENTRY,
	PVMEM_AUDIT_FIXMAP,
	PVMEM_AUDIT_ESPFIX,
	PVMEM_AUDIT_EFI,
	PVMEM_AUDIT_WINDOW,
	PVMEM_AUDIT_OTHER,
	PVMEM_NR_AUDIT_CLASSES,
};

/**
 * struct pvmem_audit_source - the guest's memory
 * @page: the 512 entries of a frame, valid until the next call; NULL when the
 *	frame cannot be read.
 * @frame_of: the frame that a page-table entry means, or PVMEM_AUDIT_NO_FRAME;
 *	NULL: the entry's own number. On Xen PV entries hold machine frames.
 * @type: PVMEM_AUDIT_TYPE_* of a frame; NULL where frames have no types.
 * @data: given to all of them.
 * @nr_frames: the guest's frame numbers are below it.
 * @root: frame of a top-level table of the kernel's.
 * @levels: 4 or 5.
 */
struct pvmem_audit_source {
	const uint64_t *(*page)(void *data, uint64_t frame);
	uint64_t (*frame_of)(void *data, uint64_t entry_frame);
	uint8_t (*type)(void *data, uint64_t frame);
	void *data;
	uint64_t nr_frames;
	uint64_t root;
	int levels;
};

/**
 * struct pvmem_audit_window - kernel address space that is pvmem's
 * @base: its first address.
 * @bytes: its length.
 */
struct pvmem_audit_window {
	uint64_t base;
	uint64_t bytes;
};

/**
 * struct pvmem_audit_counts - the guest's counters at one time
 * @map_pages: pages mapped so far.
 * @unmap_pages: pages unmapped so far.
 * @purge_pages: lazy mappings removed so far.
 * @ptpool_pages: page-table pages in the pool now.
 * @ptpool_out: page-table pages handed out now.
 * @ptpool_moves: page-table pages that have come into the pool or left it so far.
 */
struct pvmem_audit_counts {
	uint64_t map_pages;
	uint64_t unmap_pages;
	uint64_t purge_pages;
	uint64_t ptpool_pages;
	uint64_t ptpool_out;
	uint64_t ptpool_moves;
};

/**
 * struct pvmem_audit_claim - what the guest says of itself; checked, never trusted
 * @windows: pvmem's.
 * @nr_windows: how many.
 * @pool: frames that are pinned and idle: the pool's, and spare tables.
 * @nr_pool: how many.
 * @has_pool: the guest has named them.
 * @pool_partial: but not all: who else has pinned a frame is not judged.
 * @later: the same frames, named after the walk.
 * @nr_later: how many.
 * @has_later: the guest has named them all.
 * @has_counts: @counts are given.
 * @counts: the last report before the walk, and the first after it.
 */
struct pvmem_audit_claim {
	struct pvmem_audit_window windows[PVMEM_AUDIT_WINDOWS];
	size_t nr_windows;
	const uint64_t *pool;
	size_t nr_pool;
	bool has_pool;
	bool pool_partial;
	const uint64_t *later;
	size_t nr_later;
	bool has_later;
	bool has_counts;
	struct pvmem_audit_counts counts[2];
};

/**
 * struct pvmem_audit_finding - one thing that is wrong
 * @kind: how.
 * @frame: which frame; PVMEM_AUDIT_NO_FRAME when it is not about one.
 * @addr: where it is mapped; pvmem's window when that maps it; 0: nowhere.
 * @other: where else, the direct map left out; 0: nowhere.
 */
struct pvmem_audit_finding {
	enum pvmem_audit_kind kind;
	uint64_t frame;
	uint64_t addr;
	uint64_t other;
};

/**
 * struct pvmem_audit - what an audit found
 * @nr_tables: page tables of the kernel's half.
 * @nr_user_tables: page tables of processes.
 * @nr_roots: top-level tables, the kernel's own included.
 * @nr_mapped: writable mappings of 4 KiB by class, large ones in such units.
 * @nr_window: entries present in pvmem's windows, writable or not.
 * @nr_outside: mappings of what is not the guest's memory: devices, Xen.
 * @nr_malformed: entries that no CPU would take.
 * @nr_aliased: frames with several writable kernel mappings.
 * @nr_benign: of those, frames in which nothing is wrong, by the class of the
 *	mapping beside the direct map.
 * @nr_reserved: frames with several mappings that are not in the direct map: what
 *	firmware has kept from the kernel, ACPI tables for example.
 * @nr_pinned: Xen: frames pinned as page tables.
 * @nr_idle: Xen: of those, last-level ones that are in no page table.
 * @nr_pooled: of those, frames of the pool and spare tables, as the guest says.
 * @nr_by_kind: findings of each kind.
 * @findings: the first of them.
 * @nr_findings: how many of those.
 * @direct_base: where the direct map is; 0: not found.
 * @vmemmap_base: where the array of struct page is; 0: not found.
 * @elapsed_us: what it took, the guest standing still where it was paused.
 * @paused: the guest stood still meanwhile.
 */
struct pvmem_audit {
	uint64_t nr_tables;
	uint64_t nr_user_tables;
	uint64_t nr_roots;
	uint64_t nr_mapped[PVMEM_NR_AUDIT_CLASSES];
	uint64_t nr_window;
	uint64_t nr_outside;
	uint64_t nr_malformed;
	uint64_t nr_aliased;
	uint64_t nr_benign[PVMEM_NR_AUDIT_CLASSES];
	uint64_t nr_reserved;
	uint64_t nr_pinned;
	uint64_t nr_idle;
	uint64_t nr_pooled;
	uint64_t nr_by_kind[PVMEM_NR_AUDITS];
	struct pvmem_audit_finding findings[PVMEM_AUDIT_FINDINGS];
	size_t nr_findings;
	uint64_t direct_base;
	uint64_t vmemmap_base;
	uint64_t elapsed_us;
	bool paused;
};

/* audit.c: the judgement */
int pvmem_audit_walk(const struct pvmem_audit_source *source, const struct pvmem_audit_claim *claim,
		     struct pvmem_audit *audit);
void pvmem_audit_find(struct pvmem_audit *audit, enum pvmem_audit_kind kind, uint64_t frame, uint64_t addr,
		      uint64_t other);
void pvmem_audit_confirm(struct pvmem_audit *audit, const struct pvmem_audit *before);
uint64_t pvmem_audit_total(const struct pvmem_audit *audit);
const char *pvmem_audit_kind_name(enum pvmem_audit_kind kind);
const char *pvmem_audit_kind_help(enum pvmem_audit_kind kind);
const char *pvmem_audit_class_name(enum pvmem_audit_class class);

/* audit_claims.c: the guest's word against it */
void pvmem_audit_settle(struct pvmem_audit *audit, const struct pvmem_audit_claim *claim);

/* audit_kvm.c, audit_xen.c: they block; see there */
int pvmem_audit_kvm(int qemu, const struct pvmem_audit_claim *claim, struct pvmem_audit *audit,
		    char error[PVMEM_AUDIT_ERROR]);
int pvmem_audit_xen(int domid, const struct pvmem_audit_claim *claim, struct pvmem_audit *audit,
		    char error[PVMEM_AUDIT_ERROR]);

#endif
