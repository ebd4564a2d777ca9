// SPDX-License-Identifier: GPL-2.0-or-later
/* The walk over page tables that a hostile guest made: it ends, soon, and says what it left out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <cmocka.h>
#include "audit_world.h"

#define FRAMES 4096

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* An audit of a hostile guest; none may take long, and one that does not end is ended: by SIGPROF. */
static struct pvmem_audit hostile_audit(struct world *world)
{
	const struct itimerval most = { .it_value.tv_sec = 20 };
	double begun = seconds();
	struct pvmem_audit audit;

	setitimer(ITIMER_PROF, &most, NULL);
	audit = world_audit(world);
	assert_true(seconds() - begun < 10); /* sanitizers, other load; 0.2 s without */
	return audit;
}

static void loops_end(void **state)
{
	struct world *world = world_new(FRAMES, 5);
	struct pvmem_audit audit;
	int i;

	/* Each entry of the only table is the table. */
	for (i = 0; i < 512; i++)
		world->ram[FRAMES - 1][i] = (FRAMES - 1ull) << 12 | 3;
	audit = hostile_audit(world);
	assert_int_equal(audit.nr_by_kind[PVMEM_AUDIT_INCOMPLETE], 1);
	/* The same, each mapping the whole memory, or more. */
	for (i = 0; i < 512; i++)
		world->ram[FRAMES - 1][i] = (FRAMES - 1ull) << 12 | 3 | (i & 1 ? WORLD_LARGE : 0);
	audit = hostile_audit(world);
	assert_int_equal(audit.nr_by_kind[PVMEM_AUDIT_INCOMPLETE], 1);
	for (i = 0; i < 512; i++)
		world->ram[0][i] = WORLD_PRESENT | WORLD_WRITABLE | WORLD_LARGE;
	world->ram[FRAMES - 1][300] = 3;
	world->ram[FRAMES - 1][301] = 1;
	audit = hostile_audit(world);
	assert_true(audit.nr_malformed || audit.nr_by_kind[PVMEM_AUDIT_INCOMPLETE]);
	world_free(world);
}

/* Four tables, 2^36 ways: the tables that are visited are counted, and so are the mappings. */
static void fans_end(void **state)
{
	struct world *world = world_new(FRAMES, 4);
	struct pvmem_audit audit;

	world_fill(world, FRAMES - 1, 3 | 1 << 12);
	world_fill(world, 1, 3 | 2 << 12);
	world_fill(world, 2, 3 | 3 << 12);
	world->ram[3][7] = 3 | 0xfffffull << 12; /* no memory of the guest's */
	audit = hostile_audit(world);
	assert_int_equal(audit.nr_by_kind[PVMEM_AUDIT_INCOMPLETE], 1);
	/* Few tables, each entry of which maps all of memory. */
	world_fill(world, FRAMES - 1, 0);
	world->ram[FRAMES - 1][300] = 3 | 1 << 12;
	world_fill(world, 2, 3 | WORLD_LARGE);
	audit = hostile_audit(world);
	assert_int_equal(audit.nr_by_kind[PVMEM_AUDIT_INCOMPLETE], 1);
	world_free(world);
}

/* Every frame is a table of a process, and each entry another. */
static void crowds_end(void **state)
{
	struct world *world = world_new(FRAMES, 4);
	uint64_t frame;
	int i;

	for (frame = 0; frame < FRAMES; frame++)
		for (i = 0; i < 512; i++)
			world->ram[frame][i] = i < 256	  ? ((frame * 31 + i * 17) % FRAMES) << 12 | 3
					       : i == 300 ? 0x1003
							  : 0;
	hostile_audit(world);
	world_free(world);
}

static void garbage_ends(void **state)
{
	struct world *world = world_new(64, 4);
	struct pvmem_audit audit;
	uint64_t frame, seed;
	int i;

	for (seed = 1; seed < 40; seed++) {
		srand48(seed);
		for (frame = 0; frame < 64; frame++)
			for (i = 0; i < 512; i++)
				world->ram[frame][i] = ((uint64_t)mrand48() << 32 ^ (uint64_t)mrand48()) &
						       (seed & 1 ? ~0ull : 0x3f0ff);
		world->source.levels = 4 + (seed & 2) / 2;
		audit = hostile_audit(world);
		assert_true(audit.nr_findings <= PVMEM_AUDIT_FINDINGS);
	}
	world_free(world);
}

static const uint64_t *no_page(void *data, uint64_t frame)
{
	return NULL;
}

static void what_cannot_be_is_refused(void **state)
{
	struct world *world = world_new(FRAMES, 4);
	struct pvmem_audit audit = { .nr_tables = 77 };

	world->source.levels = 3;
	assert_int_equal(pvmem_audit_walk(&world->source, &world->claim, &audit), -EINVAL);
	world->source.levels = 4;
	world->source.root = FRAMES;
	assert_int_equal(pvmem_audit_walk(&world->source, &world->claim, &audit), -EINVAL);
	world->source.root = 0;
	world->claim.nr_windows = 1;
	world->claim.windows[0].base = UINT64_MAX - 5;
	world->claim.windows[0].bytes = 7;
	assert_int_equal(pvmem_audit_walk(&world->source, &world->claim, &audit), -ERANGE);
	world->claim.windows[0].base = 0;
	world->claim.windows[0].bytes = UINT64_MAX;
	assert_int_equal(pvmem_audit_walk(&world->source, &world->claim, &audit), -ERANGE);
	world->claim.nr_windows = 2;
	world->claim.windows[0] = world->claim.windows[1] = (struct pvmem_audit_window){ 0, 1ull << 36 };
	assert_int_equal(pvmem_audit_walk(&world->source, &world->claim, &audit), -ERANGE);
	world->claim.nr_windows = PVMEM_AUDIT_WINDOWS + 1;
	assert_int_equal(pvmem_audit_walk(&world->source, &world->claim, &audit), -EINVAL);
	world->claim.nr_windows = 0;
	world->source.page = no_page;
	assert_int_equal(pvmem_audit_walk(&world->source, &world->claim, &audit), -EIO);
	assert_int_equal(audit.nr_tables, 77);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loops_end),
		cmocka_unit_test(fans_end),
		cmocka_unit_test(crowds_end),
		cmocka_unit_test(garbage_ends),
		cmocka_unit_test(what_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
