// SPDX-License-Identifier: GPL-2.0-or-later
/* The audit of a PV guest made by hand: what frames are to Xen, and what the guest says is in its pool. */
#include "audit_expect.h"
#include "audit_world.h"

#define FRAMES 4096
#define DIRECT 0xffff888000000000ull
#define VMALLOC 0xffffc90000000000ull

#define RW WORLD_WRITABLE
#define RO 0

/* A PV guest: tables have types, and are read-only in the direct map. */
static struct world *typed_new(void)
{
	struct world *world = world_new(FRAMES, 4);
	uint64_t frame;

	world_typed(world, 0x12345);
	for (frame = 0; frame < 2048; frame++)
		world_map(world, DIRECT + (frame << 12), frame, WORLD_4K, RW);
	/* Xen's own, which is not the guest's. */
	*world_entry(world, world->source.root, 0xffff800000000000, 1) = 0x77777ull << 12 | WORLD_PRESENT |
									 WORLD_WRITABLE;
	return world;
}

static void make_pinned(struct world *world, uint64_t frame)
{
	world->type[frame] = 1 | PVMEM_AUDIT_TYPE_PINNED;
	world_map(world, DIRECT + (frame << 12), frame, WORLD_4K, RO);
}

static void pool_of_pinned_frames(void **state)
{
	uint64_t pool[] = { 50, 51, 52 };
	struct world *world = typed_new();
	struct pvmem_audit audit;

	make_pinned(world, 50);
	make_pinned(world, 51);
	make_pinned(world, 52);
	audit = world_audit(world);
	clean(&audit); /* nothing is claimed: nothing is wrong */
	assert_int_equal(audit.direct_base, DIRECT);
	assert_int_equal(audit.nr_idle, 3);
	assert_int_equal(audit.nr_pinned, 4);

	world->claim.has_pool = true;
	world->claim.pool = pool;
	world->claim.nr_pool = 3;
	audit = world_audit(world);
	clean(&audit);
	assert_int_equal(audit.nr_pooled, 3);
	/* One that is pinned and nobody's. */
	world->claim.nr_pool = 2;
	audit = world_audit(world);
	found(&audit, PVMEM_AUDIT_PIN_ORPHAN, 52, 0, 0);
	/* The kernel's own spare table maps one page all over, read-only; one entry that does not makes it none. */
	world_fill(world, 52, (9 + world->shift) << 12 | WORLD_PRESENT);
	audit = world_audit(world);
	clean(&audit);
	world->ram[52][511] |= WORLD_WRITABLE;
	audit = world_audit(world);
	found(&audit, PVMEM_AUDIT_PIN_ORPHAN, 52, 0, 0);
	world_fill(world, 52, 0);
	/* It may be handed out and not yet in use. */
	world->claim.has_counts = true;
	world->claim.counts[1].ptpool_out = 1;
	audit = world_audit(world);
	clean(&audit);
	world_free(world);
}

/* One that is not pinned, or not a table, or in use, or nowhere. */
static void pool_frames_that_are_none(void **state)
{
	uint64_t pool[] = { 50, 51 };
	struct world *world = typed_new();
	struct pvmem_audit audit;

	make_pinned(world, 50);
	make_pinned(world, 51);
	world->claim = (struct pvmem_audit_claim){ .has_pool = true, .pool = pool, .nr_pool = 2 };
	audit = world_audit(world);
	clean(&audit);
	world->type[50] = 1;
	audit = world_audit(world);
	found(&audit, PVMEM_AUDIT_POOL, 50, 0, 0);
	world->type[50] = 2 | PVMEM_AUDIT_TYPE_PINNED;
	audit = world_audit(world);
	found(&audit, PVMEM_AUDIT_POOL, 50, 0, 0);
	world->type[50] = 1 | PVMEM_AUDIT_TYPE_PINNED;
	*world_entry(world, world->source.root, VMALLOC, WORLD_2M) = (50 + world->shift) << 12 | 3;
	audit = world_audit(world);
	found(&audit, PVMEM_AUDIT_POOL, 50, 0, 0);
	*world_entry(world, world->source.root, VMALLOC, WORLD_2M) = 0;
	pool[0] = 1ull << 60;
	world->claim.has_counts = true;
	world->claim.counts[1].ptpool_out = 1;
	audit = world_audit(world);
	found(&audit, PVMEM_AUDIT_POOL, 1ull << 60, 0, 0);
	world_free(world);
}

/* What the guest says after the walk explains what it did during it, and nothing else. */
static void a_busy_pool_is_no_finding(void **state)
{
	uint64_t before[] = { 50, 51 }, after[] = { 51, 52 };
	struct world *world = typed_new();
	struct pvmem_audit_claim *claim = &world->claim;
	struct pvmem_audit audit, seen;

	make_pinned(world, 51);
	make_pinned(world, 52);
	*claim = (struct pvmem_audit_claim){ .has_pool = true, .pool = before, .nr_pool = 2 };
	seen = world_audit(world);
	assert_int_equal(seen.nr_by_kind[PVMEM_AUDIT_POOL], 1);
	assert_int_equal(seen.nr_by_kind[PVMEM_AUDIT_PIN_ORPHAN], 1);
	/* 50 has left the pool, 52 has come into it. */
	claim->has_counts = claim->has_later = true;
	claim->later = after;
	claim->nr_later = 2;
	audit = seen;
	pvmem_audit_settle(&audit, claim);
	clean(&audit);
	/* It says the same again: it has had its chance. */
	claim->later = before;
	audit = seen;
	pvmem_audit_settle(&audit, claim);
	assert_int_equal(audit.nr_by_kind[PVMEM_AUDIT_POOL], 1);
	assert_int_equal(audit.nr_by_kind[PVMEM_AUDIT_PIN_ORPHAN], 1);
	assert_int_equal(audit.nr_findings, 2);
	/* Unless one was taken out and came back meanwhile, as its counters say. */
	claim->counts[0].ptpool_moves = 7;
	claim->counts[1].ptpool_moves = 8;
	pvmem_audit_settle(&audit, claim);
	clean(&audit);
	/* Not all are named: who pinned the others is anybody's guess. */
	claim->pool_partial = true;
	claim->has_counts = claim->has_later = false;
	audit = world_audit(world);
	found(&audit, PVMEM_AUDIT_POOL, 50, 0, 0);
	world_free(world);
}

/* The table of user mode has page tables for the vsyscall page that the kernel's has not. */
static void tables_of_user_mode_are_known(void **state)
{
	struct world *world = typed_new();
	struct pvmem_audit audit;
	uint64_t root, frame;

	root = world_process(world);
	world_map_user(world, root, 0xffffffffff600000, 60);
	frame = (*world_entry(world, root, 0xffffffffff600000, WORLD_2M) >> 12) - world->shift;
	world->type[frame] = 1 | PVMEM_AUDIT_TYPE_PINNED;
	world->claim.has_pool = true;
	audit = world_audit(world);
	clean(&audit);
	assert_int_equal(audit.nr_idle, 0);
	world_free(world);
}

static void typed_tables_are_not_writable_anywhere(void **state)
{
	struct world *world = typed_new();
	struct pvmem_audit audit;
	uint64_t root;

	root = world_process(world);
	world_map_user(world, root, 0x400000, 60);
	/* Xen's view of the guest's tables through themselves is none of the kernel's. */
	world->ram[world->source.root][258] = (world->source.root + world->shift) << 12 | 3;
	audit = world_audit(world);
	clean(&audit);
	assert_int_equal(audit.nr_roots, 2);
	assert_int_equal(audit.nr_outside, 0);
	world_map(world, DIRECT + (root << 12), root, WORLD_4K, RW);
	audit = world_audit(world);
	found(&audit, PVMEM_AUDIT_TABLE_WRITABLE, root, DIRECT + (root << 12), 0);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_of_pinned_frames),
		cmocka_unit_test(pool_frames_that_are_none),
		cmocka_unit_test(a_busy_pool_is_no_finding),
		cmocka_unit_test(tables_of_user_mode_are_known),
		cmocka_unit_test(typed_tables_are_not_writable_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
