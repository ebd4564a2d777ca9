/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking at a guest's page tables from outside. Pure: the guest's memory comes
 * through a function, so that the same walk serves KVM (shared memory), Xen
 * (foreign maps) and tests (an array).
 */
#ifndef PVMEM_HOST_AUDIT_H
#define PVMEM_HOST_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Findings kept; all are counted. */
#define PVMEM_AUDIT_FINDINGS 32

/* Windows of pvmem's a guest may name. */
#define PVMEM_AUDIT_WINDOWS 64

/* Room for the reason why there is no audit. */
#define PVMEM_AUDIT_ERROR 256

/**
 * enum pvmem_audit_kind - what is wrong with a frame
 * @PVMEM_AUDIT_ALIAS: pvmem's window maps it and so does another place.
 * @PVMEM_AUDIT_TABLE_WRITABLE: it is a page table and writable outside the direct map.
 * @PVMEM_AUDIT_MULTIPLE: several writable kernel mappings beside the direct
 *	map, none of them pvmem's.
 * @PVMEM_AUDIT_PIN_ORPHAN: Xen: pinned as a last-level page table, in no page
 *	table, and not empty or uniform as spare ones are.
 * @PVMEM_AUDIT_CLAIM: a sum that does not agree with the guest's counters.
 * @PVMEM_NR_AUDITS: how many there are.
 */
enum pvmem_audit_kind {
	PVMEM_AUDIT_ALIAS,
	PVMEM_AUDIT_TABLE_WRITABLE,
	PVMEM_AUDIT_MULTIPLE,
	PVMEM_AUDIT_PIN_ORPHAN,
	PVMEM_AUDIT_CLAIM,
	PVMEM_NR_AUDITS,
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
 * struct pvmem_audit_source - the guest's memory and what is known of it
 * @page: 4,096 bytes of the frame, valid until the next call; NULL when the frame is not there.
 * @translate: the frame that an entry's frame number means; ~0: none of the
 *	guest's. NULL: the same.
 * @data: given to @page and @translate.
 * @nr_frames: frame numbers are below it.
 * @root: frame of the kernel's top-level table.
 * @levels: 4 or 5.
 * @lowest: addresses below it are not the guest's: Xen has 8 TiB of each PV guest's kernel half.
 * @direct_base: where the direct map begins; 0: to be found by its large pages.
 * @windows: pvmem's, as the guest says.
 * @nr_windows: how many.
 */
struct pvmem_audit_source {
	const uint64_t *(*page)(void *data, uint64_t frame);
	uint64_t (*translate)(void *data, uint64_t frame);
	void *data;
	uint64_t nr_frames;
	uint64_t root;
	int levels;
	uint64_t lowest;
	uint64_t direct_base;
	struct pvmem_audit_window windows[PVMEM_AUDIT_WINDOWS];
	size_t nr_windows;
};

/**
 * struct pvmem_audit_finding - one frame that is wrong
 * @kind: how.
 * @frame: which.
 * @addr: where it is mapped.
 * @other: where else; 0 when that does not apply.
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
 * @nr_mapped: kernel mappings of 4 KiB frames seen, large ones counted whole.
 * @nr_window: entries present in pvmem's windows.
 * @nr_direct: mappings that are the direct map's.
 * @nr_image: second mappings of the kernel's own image.
 * @nr_vmalloc: mappings in the vmalloc area, pvmem's windows left out.
 * @nr_pinned: Xen: frames pinned as page tables.
 * @nr_by_kind: findings of each kind.
 * @findings: the first of them.
 * @nr_findings: how many of those.
 * @elapsed_us: what it took.
 * @paused: the guest stood still meanwhile.
 */
struct pvmem_audit {
	uint64_t nr_tables;
	uint64_t nr_mapped;
	uint64_t nr_window;
	uint64_t nr_direct;
	uint64_t nr_image;
	uint64_t nr_vmalloc;
	uint64_t nr_pinned;
	uint64_t nr_by_kind[PVMEM_NR_AUDITS];
	struct pvmem_audit_finding findings[PVMEM_AUDIT_FINDINGS];
	size_t nr_findings;
	uint64_t elapsed_us;
	bool paused;
};

int pvmem_audit_walk(const struct pvmem_audit_source *source, struct pvmem_audit *audit);
void pvmem_audit_find(struct pvmem_audit *audit, enum pvmem_audit_kind kind, uint64_t frame, uint64_t addr,
		      uint64_t other);
const char *pvmem_audit_kind_name(enum pvmem_audit_kind kind);

#endif
