// SPDX-License-Identifier: GPL-2.0-or-later
/* The walk over page tables made by hand: what is found, and what is benign. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "audit_expect.h"
#include "audit_world.h"

#define FRAMES 4096
#define MIB (1ull << 20)

#define IMAGE 0xffffffff81000000ull
#define MODULE 0xffffffffc0100000ull
#define FIXMAP 0xffffffffff5fc000ull
#define CPU_ENTRY 0xfffffe0000006000ull
#define ESPFIX 0xffffff0000000000ull

#define RW WORLD_WRITABLE
#define RO 0

/* Where a kernel has put things: a layout of each kind, as seen in Debian's 6.1. */
struct layout {
	int levels;
	uint64_t direct;
	uint64_t vmalloc;
	uint64_t vmemmap;
};

static const struct layout layouts[] = {
	{ 4, 0xffff888000000000, 0xffffc90000000000, 0xffffea0000000000 },
	{ 4, 0xffff8da0c0000000, 0xffffa1e0c0000000, 0xfffff6ee80000000 },
	{ 5, 0xff11000000000000, 0xffa0000000000000, 0xffd4000000000000 },
	{ 5, 0xff1c408c00000000, 0xff3e7c8000000000, 0xffdb9e2600000000 },
};

static const struct layout *now = layouts;

/* A kernel with nothing but a direct map of large and small pages. */
static struct world *kernel_new(void)
{
	struct world *world = world_new(FRAMES, now->levels);
	uint64_t frame;

	for (frame = 0; frame < 512; frame++)
		world_map(world, now->direct + (frame << 12), frame, WORLD_4K, RW);
	for (; frame < FRAMES; frame += 512)
		world_map(world, now->direct + (frame << 12), frame, WORLD_2M, RW);
	world_map(world, now->vmemmap, 1024, WORLD_2M, RW);
	return world;
}

static void window(struct world *world, uint64_t base, uint64_t bytes)
{
	world->claim.windows[world->claim.nr_windows++] = (struct pvmem_audit_window){ base, bytes };
}

static void layouts_are_recognised(void **state)
{
	struct pvmem_audit audit;
	struct world *world;
	size_t i;

	for (i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		now = &layouts[i];
		world = kernel_new();
		world_map(world, now->vmalloc + 0x5000, 7, WORLD_4K, RW);
		audit = world_audit(world);
		clean(&audit);
		assert_int_equal(audit.direct_base, now->direct);
		assert_int_equal(audit.vmemmap_base, now->vmemmap);
		assert_int_equal(audit.nr_mapped[PVMEM_AUDIT_DIRECT], FRAMES);
		assert_int_equal(audit.nr_benign[PVMEM_AUDIT_VMALLOC], 1);
		assert_int_equal(audit.nr_benign[PVMEM_AUDIT_VMEMMAP], 512);
		assert_int_equal(audit.nr_roots, 1);
		world_free(world);
	}
	now = layouts;
}

/* ESPFIX: one table reached by many ways, all read-only. */
static void add_espfix(struct world *world)
{
	uint64_t *level3 = world_entry(world, world->source.root, ESPFIX, 3);
	uint64_t *level2 = world_entry(world, world->source.root, ESPFIX, 2);
	uint64_t *level1 = world_entry(world, world->source.root, ESPFIX, 1);
	int i;

	for (i = 0; i < 512; i++)
		level1[i] = 40ull << 12 | WORLD_PRESENT;
	for (i = 1; i < 512; i++)
		level2[i] = level2[0];
	for (i = 1; i < 8; i++)
		level3[i] = level3[0];
}

/* A large page's attribute where a small one has its address; what is vmap()ed behind it is another frame. */
static void attributes_are_no_address(void **state)
{
	struct world *world = kernel_new();
	struct pvmem_audit audit;

	world_map(world, IMAGE, 512 | 1, WORLD_2M, RW);
	world_map(world, now->vmalloc, 1024, WORLD_4K, RW);
	world_map(world, now->vmemmap, 2048, WORLD_2M, RW);
	audit = world_audit(world);
	clean(&audit);
	/* Two levels up there are no large pages. */
	*world_entry(world, world->source.root, 0xffffff8000000000, 4) = 3 | WORLD_LARGE;
	audit = world_audit(world);
	clean(&audit);
	assert_int_equal(audit.nr_malformed, 1);
	world_free(world);
}

/* More of memory in vmalloc() than in the direct map, which has holes. */
static void direct_map_is_not_mistaken(void **state)
{
	struct world *world = kernel_new();
	struct pvmem_audit audit;
	uint64_t frame;

	for (frame = 512; frame < FRAMES / 2; frame += 512)
		*world_entry(world, world->source.root, now->direct + (frame << 12), WORLD_2M) = 0;
	for (frame = 0; frame < FRAMES; frame += 512)
		world_map(world, now->vmalloc + (1 << 21) + (frame << 12), frame, WORLD_2M, RW);
	audit = world_audit(world);
	assert_int_equal(audit.direct_base, now->direct);
	world_free(world);
}

static void benign_classes_are_benign(void **state)
{
	struct world *world = kernel_new();
	struct pvmem_audit audit;

	world_map(world, IMAGE, 512, WORLD_2M, RW);
	world_map(world, MODULE, 20, WORLD_4K, RW);
	world_map(world, FIXMAP, 21, WORLD_4K, RW);
	world_map(world, FIXMAP + 0x1000, 512 + 7, WORLD_4K, RW);
	world_map(world, FIXMAP + 0x2000, 512 + 7, WORLD_4K, RW);
	world_map(world, CPU_ENTRY, 22, WORLD_4K, RW);
	world_map(world, now->vmalloc, 23, WORLD_4K, RW);
	world_map(world, now->vmalloc + 0x2000, 23, WORLD_4K, RO);
	world_map(world, now->vmalloc + 0x3000, 24, WORLD_4K, RO);
	world_map(world, now->vmalloc + 0x4000, 24, WORLD_4K, RO);
	/* A device, mapped twice. */
	world_map(world, now->vmalloc + 0x6000, 0xfee00, WORLD_4K, RW);
	world_map(world, now->vmalloc + 0x7000, 0xfee00, WORLD_4K, RW);
	/* ACPI's tables: memory that firmware keeps from the kernel, mapped twice. */
	world_map(world, now->direct + (100ull << 12), 0, WORLD_4K, 0);
	*world_entry(world, world->source.root, now->direct + (100ull << 12), WORLD_4K) = 0;
	world_map(world, now->vmalloc + 0x8000, 100, WORLD_4K, RW);
	world_map(world, now->vmalloc + 0x9000, 100, WORLD_4K, RW);
	add_espfix(world);
	audit = world_audit(world);
	clean(&audit);
	assert_int_equal(audit.nr_benign[PVMEM_AUDIT_IMAGE], 511);
	assert_int_equal(audit.nr_benign[PVMEM_AUDIT_MODULE], 1);
	assert_int_equal(audit.nr_benign[PVMEM_AUDIT_FIXMAP], 2);
	assert_int_equal(audit.nr_benign[PVMEM_AUDIT_CPU_ENTRY], 1);
	assert_int_equal(audit.nr_benign[PVMEM_AUDIT_VMALLOC], 1);
	assert_int_equal(audit.nr_outside, 2);
	assert_int_equal(audit.nr_reserved, 1);
	assert_int_equal(audit.nr_mapped[PVMEM_AUDIT_ESPFIX], 0);
	world_free(world);
}

static void alias_of_a_window_is_found(void **state)
{
	uint64_t base = now->vmalloc + (1 << 21), other = now->vmalloc + 0x1000;
	struct world *world = kernel_new();
	struct pvmem_audit audit;

	window(world, base, 2 * MIB);
	/* What pvmem does: several mappings of its own, some read-only. */
	world_map(world, base + 0x1000, 30, WORLD_4K, RW);
	world_map(world, base + 0x2000, 30, WORLD_4K, RW);
	world_map(world, base + 0x3000, 31, WORLD_4K, RO);
	world_map(world, other + 0x5000, 31, WORLD_4K, RW);
	audit = world_audit(world);
	clean(&audit);
	assert_int_equal(audit.nr_window, 3);
	assert_int_equal(audit.nr_benign[PVMEM_AUDIT_WINDOW], 1);

	world_map(world, other, 30, WORLD_4K, RW);
	audit = world_audit(world);
	found(&audit, PVMEM_AUDIT_ALIAS, 30, base + 0x1000, other);
	/* Read-only, by itself or by a table above, it is none. */
	world_map(world, other, 30, WORLD_4K, RO);
	audit = world_audit(world);
	clean(&audit);
	world_map(world, other, 30, WORLD_4K, RW);
	*world_entry(world, world->source.root, other, WORLD_2M) &= ~WORLD_WRITABLE;
	audit = world_audit(world);
	clean(&audit);
	world_free(world);
}

static void alias_behind_the_window_is_found(void **state)
{
	uint64_t base = now->vmalloc + (1 << 21), other = base + (4 << 20);
	struct world *world = kernel_new();
	struct pvmem_audit audit;

	window(world, base, 2 * MIB);
	world_map(world, base + 0x1000, 30, WORLD_4K, RW);
	world_map(world, other, 30, WORLD_4K, RW);
	audit = world_audit(world);
	found(&audit, PVMEM_AUDIT_ALIAS, 30, base + 0x1000, other);
	world_free(world);
}

static void windows_do_not_hide_other_areas(void **state)
{
	struct world *world = kernel_new();
	struct pvmem_audit audit;

	window(world, 0xfffffe0000000000, 1ull << 35);
	window(world, IMAGE, MIB);
	world_map(world, CPU_ENTRY, 30, WORLD_4K, RW);
	world_map(world, CPU_ENTRY + 0x1000, 30, WORLD_4K, RW);
	world_map(world, IMAGE, 512, WORLD_2M, RW);
	audit = world_audit(world);
	found(&audit, PVMEM_AUDIT_MULTIPLE, 30, CPU_ENTRY, CPU_ENTRY + 0x1000);
	assert_int_equal(audit.nr_window, 0);
	world_free(world);
}

static void multiple_vmaps_are_found(void **state)
{
	struct world *world = kernel_new();
	struct pvmem_audit audit;

	world_map(world, now->vmalloc, 30, WORLD_4K, RW);
	world_map(world, now->vmalloc + 0x9000, 30, WORLD_4K, RW);
	audit = world_audit(world);
	found(&audit, PVMEM_AUDIT_MULTIPLE, 30, now->vmalloc, now->vmalloc + 0x9000);
	/* A module's data in vmalloc() as well. */
	world_map(world, now->vmalloc, 31, WORLD_4K, RW);
	world_map(world, MODULE, 30, WORLD_4K, RW);
	audit = world_audit(world);
	found(&audit, PVMEM_AUDIT_MULTIPLE, 30, now->vmalloc + 0x9000, MODULE);
	world_free(world);
}

static void writable_tables_are_found(void **state)
{
	static const uint64_t user = 0x400000;
	struct world *world = kernel_new();
	struct pvmem_audit audit;
	uint64_t root, frame;
	int level;

	world_map(world, now->vmalloc, 30, WORLD_4K, RW);
	world_map(world, IMAGE, 34, WORLD_4K, RW);
	root = world_process(world);
	world_map_user(world, root, user, 31);
	audit = world_audit(world);
	clean(&audit);
	assert_int_equal(audit.nr_roots, 2);
	assert_int_equal(audit.nr_user_tables, now->levels - 1);
	/* A process's tables, each in turn. */
	for (level = 2; level <= now->levels; level++) {
		frame = *world_entry(world, root, user, level) >> 12;
		world_map(world, now->vmalloc + 0x3000, frame, WORLD_4K, RW);
		audit = world_audit(world);
		found(&audit, PVMEM_AUDIT_TABLE_WRITABLE, frame, now->vmalloc + 0x3000, 0);
	}
	/* The kernel's last level, then its top level. */
	frame = (*world_entry(world, world->source.root, now->vmalloc, WORLD_2M) & ~0xfffull) >> 12;
	world_map(world, now->vmalloc + 0x3000, frame, WORLD_4K, RW);
	audit = world_audit(world);
	found(&audit, PVMEM_AUDIT_TABLE_WRITABLE, frame, now->vmalloc + 0x3000, 0);
	world_map(world, now->vmalloc + 0x3000, root, WORLD_4K, RW);
	audit = world_audit(world);
	found(&audit, PVMEM_AUDIT_TABLE_WRITABLE, root, now->vmalloc + 0x3000, 0);
	/* In the image they may be writable: the first tables are part of it. */
	world_map(world, now->vmalloc + 0x3000, 33, WORLD_4K, RW);
	world_map(world, IMAGE, root, WORLD_4K, RW);
	audit = world_audit(world);
	clean(&audit);
	world_free(world);
}

static void table_in_a_window_is_found(void **state)
{
	uint64_t base = now->vmalloc + (1 << 21), root;
	struct world *world = kernel_new();
	struct pvmem_audit audit;

	window(world, base, 2 * MIB);
	world_map(world, base, 30, WORLD_4K, RW);
	root = world_process(world);
	world_map(world, base + 0x1000, root, WORLD_4K, RW);
	audit = world_audit(world);
	found(&audit, PVMEM_AUDIT_TABLE_WRITABLE, root, base + 0x1000, 0);
	world_free(world);
}

static void many_findings_are_counted(void **state)
{
	struct world *world = kernel_new();
	struct pvmem_audit audit;
	uint64_t frame;

	for (frame = 0; frame < PVMEM_AUDIT_FINDINGS + 9; frame++) {
		world_map(world, now->vmalloc + (frame << 12), frame, WORLD_4K, RW);
		world_map(world, now->vmalloc + ((frame + 600) << 12), frame, WORLD_4K, RW);
	}
	audit = world_audit(world);
	assert_int_equal(audit.nr_by_kind[PVMEM_AUDIT_MULTIPLE], PVMEM_AUDIT_FINDINGS + 9);
	assert_int_equal(audit.nr_findings, PVMEM_AUDIT_FINDINGS);
	world_free(world);
}

static struct pvmem_audit audit_counts(struct world *world, const struct pvmem_audit_counts *before,
				       const struct pvmem_audit_counts *after)
{
	world->claim.has_counts = true;
	world->claim.counts[0] = *before;
	world->claim.counts[1] = *after;
	return world_audit(world);
}

static void counters_are_checked(void **state)
{
	struct pvmem_audit_counts before = { .map_pages = 100, .unmap_pages = 97, .purge_pages = 97 }, after = before;
	uint64_t base = now->vmalloc + (1 << 21);
	struct world *world = kernel_new();
	struct pvmem_audit audit;

	window(world, base, 2 * MIB);
	world_map(world, base, 30, WORLD_4K, RW);
	world_map(world, base + 0x1000, 31, WORLD_4K, RO);
	world_map(world, base + 0x2000, 32, WORLD_4K, RW);
	audit = audit_counts(world, &before, &after);
	clean(&audit);
	/* One entry more than the guest knows of, or fewer. */
	before.purge_pages = after.purge_pages = 98;
	audit = audit_counts(world, &before, &after);
	found(&audit, PVMEM_AUDIT_CLAIM, PVMEM_AUDIT_NO_FRAME, 3, 2);
	before.purge_pages = after.purge_pages = before.unmap_pages = after.unmap_pages = 96;
	audit = audit_counts(world, &before, &after);
	found(&audit, PVMEM_AUDIT_CLAIM, PVMEM_AUDIT_NO_FRAME, 3, 4);
	/* What the guest did between the reports is allowed for. */
	after.unmap_pages = after.purge_pages = 97;
	audit = audit_counts(world, &before, &after);
	clean(&audit);
	before.purge_pages = 98;
	after.purge_pages = 99;
	after.map_pages = 101;
	audit = audit_counts(world, &before, &after);
	clean(&audit);
	/* Counters that make no sense do no harm. */
	before.purge_pages = UINT64_MAX;
	audit = audit_counts(world, &before, &after);
	found(&audit, PVMEM_AUDIT_CLAIM, PVMEM_AUDIT_NO_FRAME, 3, 0);
	world_free(world);
}

/* Entries that are read-only share a table with nothing else: it must be counted all the same, twice. */
static void read_only_windows_are_counted(void **state)
{
	uint64_t base = now->vmalloc + (1 << 21), *level2;
	struct world *world = kernel_new();
	struct pvmem_audit audit;

	window(world, base, 4 * MIB);
	world_map(world, base, 30, WORLD_4K, RO);
	level2 = world_entry(world, world->source.root, base, WORLD_2M);
	level2[1] = level2[0];
	audit = world_audit(world);
	assert_int_equal(audit.nr_window, 2);
	world_free(world);
}

static void pool_frame_with_a_mapping_is_found(void **state)
{
	uint64_t pool[] = { 50 };
	struct world *world = kernel_new();
	struct pvmem_audit audit;

	/* Without types, too, what is in the pool is a page table. */
	world->claim.has_pool = true;
	world->claim.pool = pool;
	world->claim.nr_pool = 1;
	audit = world_audit(world);
	clean(&audit);
	world_map(world, now->vmalloc, 50, WORLD_4K, RW);
	audit = world_audit(world);
	found(&audit, PVMEM_AUDIT_TABLE_WRITABLE, 50, now->vmalloc, 0);
	world_free(world);
}

static void only_what_stays_is_confirmed(void **state)
{
	struct pvmem_audit before = { .nr_findings = 2 }, audit = { .nr_findings = 2 };

	before.findings[0] = (struct pvmem_audit_finding){ PVMEM_AUDIT_ALIAS, 5, 0, 0 };
	before.findings[1] = (struct pvmem_audit_finding){ PVMEM_AUDIT_POOL, 6, 0, 0 };
	audit.findings[0] = (struct pvmem_audit_finding){ PVMEM_AUDIT_ALIAS, 6, 0, 0 };
	audit.findings[1] = (struct pvmem_audit_finding){ PVMEM_AUDIT_POOL, 6, 0, 0 };
	audit.nr_by_kind[PVMEM_AUDIT_ALIAS] = audit.nr_by_kind[PVMEM_AUDIT_POOL] = 1;
	pvmem_audit_confirm(&audit, &before);
	found(&audit, PVMEM_AUDIT_POOL, 6, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layouts_are_recognised),	   cmocka_unit_test(attributes_are_no_address),
		cmocka_unit_test(direct_map_is_not_mistaken),	   cmocka_unit_test(benign_classes_are_benign),
		cmocka_unit_test(alias_of_a_window_is_found),	   cmocka_unit_test(alias_behind_the_window_is_found),
		cmocka_unit_test(windows_do_not_hide_other_areas), cmocka_unit_test(multiple_vmaps_are_found),
		cmocka_unit_test(writable_tables_are_found),	   cmocka_unit_test(table_in_a_window_is_found),
		cmocka_unit_test(many_findings_are_counted),	   cmocka_unit_test(counters_are_checked),
		cmocka_unit_test(read_only_windows_are_counted),   cmocka_unit_test(pool_frame_with_a_mapping_is_found),
		cmocka_unit_test(only_what_stays_is_confirmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
