// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer plays a hostile kernel: the input becomes page tables, as edits of a
 * small guest that has a direct map, a process and windows of its own.
 */
#include <stdlib.h>
#include <string.h>
#include "audit_world.h"

#define FRAMES 64
#define DIRECT 0xffff888000000000ull
#define VMALLOC 0xffffc90000000000ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int yes)
{
	if (!yes)
		abort();
}

static struct world *guest_new(int levels)
{
	struct world *world = world_new(FRAMES, levels);
	uint64_t frame;

	for (frame = 0; frame < FRAMES; frame++)
		world_map(world, DIRECT + (frame << 12), frame, WORLD_4K, WORLD_WRITABLE);
	world_map(world, VMALLOC, 1, WORLD_4K, WORLD_WRITABLE);
	world_map_user(world, world_process(world), 0x400000, 2);
	return world;
}

/* Frame, entry and value of each edit, in 6 bytes: small numbers hit more often. */
static void edit(struct world *world, const uint8_t *data)
{
	uint64_t frame = data[0] % FRAMES, entry = (data[1] | data[2] << 8) % 512;
	uint64_t value = (uint64_t)(data[3] % (FRAMES + 2)) << 12 | data[4];

	if (data[5] & 1)
		value |= (uint64_t)data[5] << 44;
	if (data[5] & 2)
		world->type[frame] = data[4] & 0xf;
	if (data[5] & 0x80)
		for (entry = 0; entry < 512; entry++)
			world->ram[frame][entry] = value;
	else
		world->ram[frame][entry] = value;
}

static void check(const struct world *world, const struct pvmem_audit *audit)
{
	uint64_t total = 0;
	size_t i;

	for (i = 0; i < PVMEM_NR_AUDITS; i++)
		total += audit->nr_by_kind[i];
	must(audit->nr_findings == (total < PVMEM_AUDIT_FINDINGS ? total : PVMEM_AUDIT_FINDINGS));
	must(audit->nr_aliased <= FRAMES && audit->nr_roots <= FRAMES);
	must(audit->nr_tables + audit->nr_user_tables <= FRAMES);
	must(audit->nr_by_kind[PVMEM_AUDIT_ALIAS] == 0 || world->claim.nr_windows);
	must(audit->nr_by_kind[PVMEM_AUDIT_PIN_ORPHAN] == 0 || world->source.type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t pool[] = { 3, 4, 1000 };
	struct pvmem_audit audit;
	struct world *world;
	uint8_t mode;

	if (size < 2)
		return 0;
	mode = data[0];
	world = guest_new(mode & 1 ? 5 : 4);
	if (mode & 2)
		world_typed(world, 0);
	if (mode & 4)
		world->claim.windows[world->claim.nr_windows++] = (struct pvmem_audit_window){ VMALLOC, data[1] << 12 };
	world->claim.has_pool = mode & 8;
	world->claim.pool = pool;
	world->claim.nr_pool = mode & 8 ? 3 : 0;
	world->claim.has_counts = mode & 16;
	for (data += 2, size -= 2; size >= 6; data += 6, size -= 6)
		edit(world, data);
	audit = world_audit(world);
	check(world, &audit);
	world_free(world);
	return 0;
}
