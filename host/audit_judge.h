/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An audit under way: what audit.c and audit_claims.c share. */
#ifndef PVMEM_HOST_AUDIT_JUDGE_H
#define PVMEM_HOST_AUDIT_JUDGE_H

#include "audit_walk.h"

#define PVMEM_CLASS(class) (1u << PVMEM_AUDIT_##class)
#define PVMEM_CLASSES ((1u << PVMEM_NR_AUDIT_CLASSES) - 1)

/* Accessed and dirty: they differ between copies of an entry. */
#define PVMEM_PTE_USED 0x60ull

/**
 * struct pvmem_judge - an audit under way
 * @source: the guest's memory.
 * @claim: what the guest says.
 * @audit: what is found.
 * @frames: what is known of each frame.
 * @vote: the direct map's base, as far as mappings agree...
 * @weight: ...and by how many bytes.
 * @slot: the highest 1 GiB of the dynamic area whose first page is mapped...
 * @slot_first: ...and the first of those before it without a gap.
 * @vmemmap_end: end of the array of struct page.
 */
struct pvmem_judge {
	const struct pvmem_audit_source *source;
	const struct pvmem_audit_claim *claim;
	struct pvmem_audit *audit;
	uint32_t *frames;
	uint64_t vote;
	uint64_t weight;
	uint64_t slot;
	uint64_t slot_first;
	uint64_t vmemmap_end;
};

void pvmem_judge_pool(struct pvmem_judge *judge);
void pvmem_judge_pins(struct pvmem_judge *judge);

#endif
