// SPDX-License-Identifier: GPL-2.0
/*
 * One walk through everything, again and again: each time another allocation or
 * another call of the hypervisor fails, until none is left to fail.
 */
#include "fake_backend.h"
#include "tests.h"
#include "world.h"

static struct world w;

static void exercise_maps(unsigned int round)
{
	static const unsigned int nr[] = { 1, 3, 128, 129, 5, 513, 700, 2, 64 };
	unsigned int i;

	for (i = 0; i < sizeof(nr) / sizeof(*nr); i++) {
		world_map(&w, nr[i], 18 + 7 * i, 1);
		world_check(&w);
	}
	world_map(&w, 2, WORLD_PLAIN, 1);
	for (i = 0; i < 5 && w.nr_live; i++) {
		world_unmap(&w, (i + round) * 5 % w.nr_live);
		world_check(&w);
	}
	pvmem_purge_pages(w.pv, w.page + 20, 3);
	world_check(&w);
	while (w.nr_live > 2)
		world_unmap(&w, w.nr_live - 1);
	world_renew_page(&w, 40);
	pvmem_purge(w.pv);
	world_check(&w);
}

static void exercise_pool(void)
{
	unsigned int i;

	pvmem_ptpool_thaw(w.pv);
	shim_work_pump();
	world_check(&w);
	for (i = 0; i < 6; i++)
		world_take(&w);
	world_give(&w, true);
	world_give(&w, false);
	pvmem_ptpool_prepare(w.pv, 3, 2);
	world_check(&w);
	shim_work_pump();
	pvmem_ptpool_shrink(w.pv, 5);
	world_check(&w);
	pvmem_ptpool_freeze(w.pv);
	world_check(&w);
}

static void exercise(enum pvmem_policy policy)
{
	struct pvmem_config config = world_config;

	config.policy = policy;
	config.lazy_limit = 300;
	config.window_blocks = 1;
	if (!world_start(&w, &config))
		return;
	world_check(&w);
	exercise_maps(0);
	exercise_pool();
	exercise_maps(1);
	world_stop(&w);
}

void test_every_allocation_fails(void)
{
	unsigned int policy, more;
	unsigned long nth;
	bool hit;

	for (policy = 0; policy < PVMEM_NR_POLICIES; policy++) {
		for (more = 0; more < 2; more++) {
			for (nth = 1, hit = true; hit; nth++) {
				shim_note("policy %u, allocation %lu%s", policy, nth, more ? " and all later" : "");
				fake_reset();
				shim_fail_alloc(nth, more);
				exercise(policy);
				hit = world_fault_was_hit();
			}
			check(nth > 20);
		}
	}
}

static void backend_fails(unsigned int op, enum fake_failure how, bool more)
{
	unsigned int policy;
	unsigned long nth;
	bool hit;

	for (policy = 0; policy < PVMEM_NR_POLICIES; policy++) {
		for (nth = 1, hit = true; hit; nth++) {
			shim_note("policy %u, op %u, failure %u, number %lu%s", policy, op, how, nth,
				  more ? " and all later" : "");
			fake_reset();
			fake_fail(op, how, nth, more);
			exercise(policy);
			hit = world_fault_was_hit();
		}
	}
}

void test_every_backend_call_fails(void)
{
	unsigned int op, how;

	for (op = 1; op < FAKE_ANY; op *= 2)
		for (how = 0; how < FAKE_NR_FAILURES; how++) {
			backend_fails(op, how, false);
			backend_fails(op, how, true);
		}
}
