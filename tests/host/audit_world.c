// SPDX-License-Identifier: GPL-2.0-or-later
/* See audit_world.h. */
#include <stdlib.h>
#include <string.h>
#include "audit_world.h"

#define ADDRESS 0x000ffffffffff000ull

static const uint64_t *world_page(void *data, uint64_t frame)
{
	struct world *world = data;

	return frame < world->source.nr_frames ? world->ram[frame] : NULL;
}

static uint64_t world_frame_of(void *data, uint64_t entry_frame)
{
	struct world *world = data;

	return entry_frame - world->shift < world->source.nr_frames ? entry_frame - world->shift : PVMEM_AUDIT_NO_FRAME;
}

static uint8_t world_type(void *data, uint64_t frame)
{
	return ((struct world *)data)->type[frame];
}

/* A guest with an empty top-level table in its last frame. */
struct world *world_new(uint64_t nr_frames, int levels)
{
	struct world *world = calloc(1, sizeof(*world));

	world->ram = calloc(nr_frames, sizeof(*world->ram));
	world->type = calloc(nr_frames, 1);
	world->next = nr_frames - 1;
	world->source = (struct pvmem_audit_source){
		.page = world_page,
		.data = world,
		.nr_frames = nr_frames,
		.root = nr_frames - 1,
		.levels = levels,
	};
	return world;
}

void world_free(struct world *world)
{
	free(world->type);
	free(world->ram);
	free(world);
}

/* A guest whose frames have types, and whose entries hold machine frames. */
void world_typed(struct world *world, uint64_t shift)
{
	world->shift = shift;
	world->source.frame_of = world_frame_of;
	world->source.type = world_type;
	world->type[world->source.root] = 4 | PVMEM_AUDIT_TYPE_PINNED;
}

uint64_t world_table(struct world *world)
{
	return --world->next;
}

/* The entry of @addr at a level; makes the tables above it. */
uint64_t *world_entry(struct world *world, uint64_t root, uint64_t addr, int level)
{
	uint64_t frame = root, *entry;
	int at;

	for (at = world->source.levels;; at--) {
		entry = &world->ram[frame][addr >> (12 + 9 * (at - 1)) & 511];
		if (at == level)
			return entry;
		if (!(*entry & WORLD_PRESENT)) {
			frame = world_table(world);
			world->type[frame] = at - 1;
			*entry = (frame + world->shift) << 12 | WORLD_PRESENT | WORLD_WRITABLE;
		}
		frame = ((*entry & ADDRESS) >> 12) - world->shift;
	}
}

/**
 * world_fill() - make every entry of a table the same
 * @world: the guest.
 * @frame: the table.
 * @entry: the entry.
 */
void world_fill(struct world *world, uint64_t frame, uint64_t entry)
{
	int i;

	for (i = 0; i < 512; i++)
		world->ram[frame][i] = entry;
}

void world_map(struct world *world, uint64_t addr, uint64_t frame, int level, uint64_t flags)
{
	*world_entry(world, world->source.root, addr, level) = (frame + world->shift) << 12 | WORLD_PRESENT | flags |
							       (level > WORLD_4K ? WORLD_LARGE : 0);
}

void world_map_user(struct world *world, uint64_t root, uint64_t addr, uint64_t frame)
{
	*world_entry(world, root, addr, WORLD_4K) = (frame + world->shift) << 12 | WORLD_PRESENT | WORLD_WRITABLE;
}

/* Another top-level table with the kernel's half as it is now; accessed and dirty differ. */
uint64_t world_process(struct world *world)
{
	uint64_t root = world_table(world);
	int i;

	for (i = 256; i < 512; i++)
		if (world->ram[world->source.root][i])
			world->ram[root][i] = world->ram[world->source.root][i] ^ 0x20;
	world->type[root] = 4 | PVMEM_AUDIT_TYPE_PINNED;
	return root;
}

struct pvmem_audit world_audit(struct world *world)
{
	struct pvmem_audit audit;

	memset(&audit, 0xa5, sizeof(audit));
	if (pvmem_audit_walk(&world->source, &world->claim, &audit))
		abort();
	return audit;
}
