// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The page-table walk over a memory made by hand: what is planted is found, what
 * is not there is not, and tables that a hostile guest made up end the walk.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../host/audit.h"

#define FRAMES 2048
#define RW 3ull
#define RO 1ull
#define LARGE 0x80ull
#define DIRECT 0xffff888000000000ull
#define VMALLOC 0xffffc90000000000ull
#define WINDOW 0xffffc90010000000ull

static uint64_t memory[FRAMES][512];
static uint64_t next_table;
static struct pvmem_audit_source source;
static struct pvmem_audit audit;

static const uint64_t *page(void *data, uint64_t frame)
{
	return memory[frame];
}

/* The entry for @addr at @level, with the tables above it made. */
static uint64_t *entry(uint64_t addr, int level)
{
	uint64_t frame = source.root;
	uint64_t *at;
	int i;

	for (i = source.levels; i > level; i--) {
		at = &memory[frame][addr >> (12 + 9 * (i - 1)) & 511];
		if (!*at)
			*at = next_table++ << 12 | RW;
		frame = *at >> 12;
	}
	return &memory[frame][addr >> (12 + 9 * (level - 1)) & 511];
}

static void map(uint64_t addr, uint64_t frame, uint64_t flags)
{
	*entry(addr, 1) = frame << 12 | flags;
}

/* A kernel with a direct map: the first 2 MiB in small pages, as Linux has it. */
static void kernel(int levels)
{
	uint64_t i;

	memset(memory, 0, sizeof(memory));
	source = (struct pvmem_audit_source){ .page = page, .nr_frames = FRAMES, .root = 1, .levels = levels };
	source.windows[0] = (struct pvmem_audit_window){ WINDOW, 2 << 20 };
	source.nr_windows = 1;
	next_table = 2;
	for (i = 0; i < 512; i++)
		map(DIRECT + i * 4096, i, RW);
	for (i = 512; i < FRAMES; i += 512)
		*entry(DIRECT + i * 4096, 2) = i << 12 | RW | LARGE;
	map(VMALLOC, 1000, RW);
	map(WINDOW, 1001, RW);
	map(0xffffffff81000000ull, 1002, RO);
}

static int setup(void **state)
{
	kernel(4);
	return 0;
}

static uint64_t findings(void)
{
	uint64_t total = 0;
	int i;

	assert_int_equal(pvmem_audit_walk(&source, &audit), 0);
	for (i = 0; i < PVMEM_NR_AUDITS; i++)
		total += audit.nr_by_kind[i];
	return total;
}

static void a_clean_kernel_is_clean(void **state)
{
	assert_int_equal(findings(), 0);
	assert_int_equal(audit.nr_direct, FRAMES);
	assert_int_equal(audit.nr_vmalloc, 1);
	assert_int_equal(audit.nr_window, 1);
	assert_int_equal(audit.nr_image, 1);
	assert_int_equal(audit.nr_mapped, FRAMES + 3);
	assert_int_equal(audit.nr_tables, next_table - 1);
}

static void five_levels(void **state)
{
	kernel(5);
	/* The fixed addresses above are sign-extended, so they are valid here too. */
	assert_int_equal(findings(), 0);
	assert_int_equal(audit.nr_direct, FRAMES);
}

static void aliases_are_found(void **state)
{
	map(WINDOW + 8192, 1000, RW);
	assert_int_equal(findings(), 1);
	assert_int_equal(audit.findings[0].kind, PVMEM_AUDIT_ALIAS);
	assert_int_equal(audit.findings[0].frame, 1000);
	assert_true(audit.findings[0].addr == WINDOW + 8192);
	assert_true(audit.findings[0].other == VMALLOC);
	map(VMALLOC + 4096, 1000, RW);
	assert_int_equal(findings(), 2);
	*entry(WINDOW + 8192, 1) = 0;
	assert_int_equal(findings(), 1);
	assert_int_equal(audit.findings[0].kind, PVMEM_AUDIT_MULTIPLE);
}

static void read_only_is_no_alias(void **state)
{
	map(WINDOW + 8192, 1000, RO);
	assert_int_equal(findings(), 0);
	/* Not writable because a table above says so. */
	map(0xffffc90040000000ull, 1001, RW);
	*entry(0xffffc90040000000ull, 3) &= ~2ull;
	assert_int_equal(findings(), 0);
}

static void windows_have_edges(void **state)
{
	map(WINDOW + (2 << 20) - 4096, 1003, RW);
	map(WINDOW + (2 << 20), 1004, RW);
	map(WINDOW - 4096, 1005, RW);
	assert_int_equal(findings(), 0);
	assert_int_equal(audit.nr_window, 2);
	assert_int_equal(audit.nr_vmalloc, 3);
}

static void tables_that_can_be_written_are_found(void **state)
{
	map(VMALLOC + 4096, 3, RW);
	assert_int_equal(findings(), 1);
	assert_int_equal(audit.findings[0].kind, PVMEM_AUDIT_TABLE_WRITABLE);
	assert_int_equal(audit.findings[0].frame, 3);
}

static void firmware_may_be_mapped_twice(void **state)
{
	/* A frame that the direct map leaves out. */
	*entry(DIRECT + 100 * 4096, 1) = 0;
	map(VMALLOC + 4096, 100, RW);
	map(VMALLOC + 8192, 100, RW);
	assert_int_equal(findings(), 0);
}

static void xens_part_is_left_out(void **state)
{
	/* A slot that maps the tables themselves, as Xen's does. */
	memory[1][258] = 1ull << 12 | RW;
	source.lowest = 0xffff880000000000ull;
	assert_int_equal(findings(), 0);
	assert_int_equal(audit.nr_mapped, FRAMES + 3);
}

static uint64_t translate(void *data, uint64_t frame)
{
	return frame == 5000 ? 1000 : frame == 6000 ? ~0ull : frame;
}

static void machine_frames_are_translated(void **state)
{
	source.translate = translate;
	map(VMALLOC + 4096, 6000, RW); /* another domain's */
	assert_int_equal(findings(), 0);
	map(VMALLOC + 8192, 5000, RW);
	assert_int_equal(findings(), 1);
	assert_int_equal(audit.findings[0].frame, 1000);
}

static void findings_are_bounded(void **state)
{
	uint64_t i;

	for (i = 0; i < 400; i++)
		map(VMALLOC + 4096 * (i + 1), 1000, RW);
	assert_int_equal(findings(), 400);
	assert_int_equal(audit.nr_findings, PVMEM_AUDIT_FINDINGS);
}

static void made_up_tables_end_the_walk(void **state)
{
	uint64_t i;

	/* Every entry of the root leads back to the root: 256 * 512^3 ways. */
	for (i = 0; i < 512; i++)
		memory[1][i] = 1ull << 12 | RW;
	assert_int_equal(pvmem_audit_walk(&source, &audit), -E2BIG);
	/* Entries that lead nowhere. */
	for (i = 0; i < 512; i++)
		memory[1][i] = 0x000fffffffffffffull;
	assert_int_equal(pvmem_audit_walk(&source, &audit), -ENOENT);
	memset(memory, 0, sizeof(memory));
	assert_int_equal(pvmem_audit_walk(&source, &audit), -ENOENT);
}

/* Any bytes at all: it ends, and reads nothing outside. */
static void random_memory(void **state)
{
	unsigned int seed = 7;
	size_t round, i;

	for (round = 0; round < 30; round++) {
		for (i = 0; i < FRAMES * 512; i++)
			((uint64_t *)memory)[i] = (uint64_t)rand_r(&seed) % (FRAMES * 2) << 12 | rand_r(&seed) % 256;
		source.root = round % FRAMES;
		source.levels = 4 + round % 2;
		pvmem_audit_walk(&source, &audit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_clean_kernel_is_clean, setup),
		cmocka_unit_test_setup(five_levels, setup),
		cmocka_unit_test_setup(aliases_are_found, setup),
		cmocka_unit_test_setup(read_only_is_no_alias, setup),
		cmocka_unit_test_setup(windows_have_edges, setup),
		cmocka_unit_test_setup(tables_that_can_be_written_are_found, setup),
		cmocka_unit_test_setup(firmware_may_be_mapped_twice, setup),
		cmocka_unit_test_setup(xens_part_is_left_out, setup),
		cmocka_unit_test_setup(machine_frames_are_translated, setup),
		cmocka_unit_test_setup(findings_are_bounded, setup),
		cmocka_unit_test_setup(made_up_tables_end_the_walk, setup),
		cmocka_unit_test_setup(random_memory, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
