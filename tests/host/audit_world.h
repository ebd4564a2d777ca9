/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's memory made of an array, with page tables built in it by hand. */
#ifndef PVMEM_TESTS_AUDIT_WORLD_H
#define PVMEM_TESTS_AUDIT_WORLD_H

#include "audit.h"

#define WORLD_PRESENT (1ull << 0)
#define WORLD_WRITABLE (1ull << 1)
#define WORLD_LARGE (1ull << 7)

#define WORLD_4K 1
#define WORLD_2M 2
#define WORLD_1G 3

/**
 * struct world - a guest
 * @ram: its frames.
 * @type: PVMEM_AUDIT_TYPE_* of each, when @source.type is set.
 * @next: frame the next page table is made of, counting down.
 * @shift: added to a frame to get the number its entries hold: machine frames.
 * @source: for the audit.
 * @claim: likewise.
 */
struct world {
	uint64_t (*ram)[512];
	uint8_t *type;
	uint64_t next;
	uint64_t shift;
	struct pvmem_audit_source source;
	struct pvmem_audit_claim claim;
};

struct world *world_new(uint64_t nr_frames, int levels);
void world_free(struct world *world);
void world_typed(struct world *world, uint64_t shift);
uint64_t world_table(struct world *world);
uint64_t *world_entry(struct world *world, uint64_t root, uint64_t addr, int level);
void world_fill(struct world *world, uint64_t frame, uint64_t entry);
void world_map(struct world *world, uint64_t addr, uint64_t frame, int level, uint64_t flags);
void world_map_user(struct world *world, uint64_t root, uint64_t addr, uint64_t frame);
uint64_t world_process(struct world *world);
struct pvmem_audit world_audit(struct world *world);

#endif
