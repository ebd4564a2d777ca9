// SPDX-License-Identifier: GPL-2.0-or-later
/* The policy against the simulator, which checks its invariants in every round. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "policy_sim.h"

static size_t count(const struct sim *sim, enum pvmem_policy_what what)
{
	size_t i, nr = 0;

	for (i = 0; i < sim->nr_actions; i++)
		nr += sim->actions[i].what == what;
	return nr;
}

static uint64_t percent(const struct sim *sim, unsigned int part)
{
	return sim->total / 100 * part;
}

/* 300 guests of 1 GiB, 40 GiB free. */
static struct sim *sim_usual(enum sim_kind kind)
{
	struct sim *sim = sim_new(340 * SIM_GIB);

	sim_add(sim, kind, 300, SIM_GIB);
	return sim;
}

static void nothing_is_asked_without_need(void **state)
{
	struct sim *sim = sim_usual(SIM_HONEST);

	assert_int_equal(sim_run_until_quiet(sim, 200, 1000), 0);
	sim->other = 10 * SIM_GIB; /* between low and high */
	assert_int_equal(sim_run_until_quiet(sim, 200, 1000), 0);
	free(sim);
}

static void switched_off_it_does_nothing(void **state)
{
	struct sim *sim = sim_usual(SIM_HONEST);

	sim->config.enabled = false;
	sim->other = 40 * SIM_GIB;
	assert_int_equal(sim_run_until_quiet(sim, 50, 100), 0);
	sim->config.enabled = true;
	sim->config.balloon = false;
	assert_int_equal(sim_run_until_quiet(sim, 50, 100), 0);
	free(sim);
}

static void shortage_is_cured_and_stays_so(void **state)
{
	static const enum sim_kind kinds[] = { SIM_HONEST, SIM_SLOW, SIM_IDLE, SIM_POOR, SIM_BOASTER };
	struct sim *sim;
	size_t i, k;

	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		sim = sim_usual(kinds[k]);
		sim->other = 36 * SIM_GIB; /* 4 GiB free, 34 wanted */
		assert_true(sim_run_until_quiet(sim, 100, 400) < 100);
		/* As much as is wanted, but for what is not worth a change. */
		assert_in_range(sim_free(sim), percent(sim, 9), percent(sim, 12));
		for (i = 0; i < sim->nr; i++) {
			assert_false(sim->guest[i].flagged);
			assert_true(sim->guest[i].turns <= 1);
		}
		free(sim);
	}
}

static void memory_comes_back(void **state)
{
	struct sim *sim = sim_usual(SIM_HONEST);
	size_t i;

	sim->other = 36 * SIM_GIB;
	assert_true(sim_run_until_quiet(sim, 50, 400) < 400);
	sim->other = 2 * SIM_GIB;
	assert_true(sim_run_until_quiet(sim, 50, 400) < 400);
	for (i = 0; i < sim->nr; i++)
		assert_true(sim->guest[i].actual >= SIM_GIB / 100 * 98);
	assert_true(sim_free(sim) >= percent(sim, 10));
	free(sim);
}

/* A little is not always taken from the same guests, and a little is given at all. */
static void small_amounts_go_around(void **state)
{
	struct sim *sim = sim_usual(SIM_HONEST);
	uint64_t least = SIM_GIB, most = 0;
	unsigned int i;

	sim->config.free_low_percent = sim->config.free_high_percent;
	for (i = 0; i < 300; i++) {
		sim->other = 0;
		sim->other = sim_free(sim) - percent(sim, 10) + 20 * SIM_MIB;
		sim_step(sim);
	}
	for (i = 0; i < sim->nr; i++) {
		least = sim->guest[i].actual < least ? sim->guest[i].actual : least;
		most = sim->guest[i].actual > most ? sim->guest[i].actual : most;
	}
	assert_true(most - least <= SIM_GIB / 100 * 3);

	sim_run(sim, 40);
	sim->other = 0;
	sim->other = sim_free(sim) - percent(sim, 10) - 40 * SIM_MIB;
	sim_run(sim, 30);
	assert_true(sim_free(sim) <= percent(sim, 10) + 12 * SIM_MIB);
	free(sim);
}

static void floors_hold_under_endless_pressure(void **state)
{
	struct sim *sim = sim_usual(SIM_HONEST);
	size_t i;

	sim->psi = 9000;
	sim_run(sim, 500);
	for (i = 0; i < sim->nr; i++)
		assert_in_range(sim->guest[i].actual, SIM_GIB / 100 * 50, SIM_GIB / 100 * 52);
	assert_int_equal(sim_run_until_quiet(sim, 50, 100), 0);
	free(sim);
}

static void pressure_counts_where_it_is_known(void **state)
{
	struct sim *sim = sim_usual(SIM_HONEST);

	sim->psi = 0;
	sim->other = 39 * SIM_GIB; /* hardly any free, yet nobody waits for it */
	assert_int_equal(sim_run_until_quiet(sim, 50, 100), 0);
	sim->psi = 500;
	assert_int_equal(sim_run_until_quiet(sim, 50, 100), 0);
	sim->psi = 1000;
	sim_step(sim);
	assert_true(sim->taken >= percent(sim, 4) && count(sim, PVMEM_POLICY_BALLOON) > 0);
	free(sim);
}

/* Each kind of enemy in a crowd that could help. */
static struct sim *sim_crowd(void)
{
	struct sim *sim = sim_new(500 * SIM_GIB);
	enum sim_kind kind;

	sim_add(sim, SIM_HONEST, 150, SIM_GIB);
	sim_add(sim, SIM_IDLE, 50, 2 * SIM_GIB);
	for (kind = 0; kind < SIM_NR_KINDS; kind++)
		sim_add(sim, kind, 20, SIM_GIB);
	return sim;
}

static bool is_enemy(enum sim_kind kind)
{
	return kind == SIM_STUCK || kind == SIM_TRICKLE || kind == SIM_FAKE || kind == SIM_BACKSLIDER ||
	       kind == SIM_SILENT;
}

static void enemies_are_found_and_do_no_harm(void **state)
{
	struct sim *sim = sim_crowd();
	size_t i;

	sim->other = 500 * SIM_GIB - 470 * SIM_GIB + 25 * SIM_GIB;
	sim_run(sim, 400);
	assert_true(sim_free(sim) >= percent(sim, 5));
	sim->psi = 5000; /* now everybody is asked */
	sim_run(sim, 200);
	for (i = 0; i < sim->nr; i++) {
		if (is_enemy(sim->guest[i].kind))
			assert_true(sim->guest[i].flagged);
		else if (sim->guest[i].kind != SIM_RANDOM)
			assert_false(sim->guest[i].flagged);
	}
	/* What the enemies kept, the others have given. */
	assert_true(sim_free(sim) >= percent(sim, 20));
	free(sim);
}

static void a_page_now_and_then_is_no_progress(void **state)
{
	struct sim *sim = sim_new(10 * SIM_GIB);

	sim_add(sim, SIM_TRICKLE, 1, SIM_GIB);
	sim->psi = 5000;
	sim_run(sim, sim->config.patience);
	assert_false(sim->seen[0].kept.uncooperative);
	sim_run(sim, 2);
	assert_true(sim->seen[0].kept.uncooperative);
	assert_int_equal(sim_run_until_quiet(sim, 100, 200), 0);
	/* It does at last what it was asked: forgiven. */
	sim->guest[0].kind = SIM_HONEST;
	sim_run(sim, 20);
	assert_false(sim->seen[0].kept.uncooperative);
	assert_true(sim->guest[0].actual < SIM_GIB / 100 * 90);
	free(sim);
}

static void a_balloon_that_lies_is_found(void **state)
{
	struct sim *sim = sim_new(10 * SIM_GIB);

	sim_add(sim, SIM_FAKE, 1, SIM_GIB);
	sim_add(sim, SIM_BACKSLIDER, 1, SIM_GIB);
	sim->psi = 5000;
	sim_run(sim, 60);
	assert_true(sim->guest[0].actual < SIM_GIB && sim->guest[0].resident == SIM_GIB);
	assert_true(sim->guest[0].flagged);
	assert_true(sim->guest[1].flagged);
	free(sim);
}

static void clock_jumps_do_no_harm(void **state)
{
	struct sim *sim = sim_crowd();
	size_t i;

	sim->other = 500 * SIM_GIB - 470 * SIM_GIB + 25 * SIM_GIB;
	for (i = 0; i < 600; i++) {
		switch (sim_random(sim) % 8) {
		case 0:
			sim->now_ms += sim_random(sim) >> (sim_random(sim) % 64);
			break;
		case 1:
			sim->now_ms = sim_random(sim) >> (sim_random(sim) % 64);
			break;
		case 2:
			sim->now_ms -= 5000; /* two decisions at once */
			break;
		}
		if (i % 150 == 149)
			sim->other = i / 150 % 2 ? 55 * SIM_GIB : 5 * SIM_GIB;
		/* The simulator's idea of settling is by rounds: at most an interval each. */
		sim_step(sim);
	}
	for (i = 0; i < sim->nr; i++)
		if (sim->guest[i].kind == SIM_HONEST || sim->guest[i].kind == SIM_SLOW)
			assert_false(sim->guest[i].flagged);
	free(sim);
}

static void a_restless_host_does_not_swing(void **state)
{
	struct sim *sim = sim_usual(SIM_HONEST);
	unsigned int i;

	for (i = 0; i < 1200; i++) {
		sim->other = i % 14 < 7 ? 38 * SIM_GIB : 5 * SIM_GIB;
		sim_step(sim);
	}
	for (i = 0; i < sim->nr; i++)
		assert_true(sim->guest[i].turns <= 20); /* of 171 that the host makes */
	free(sim);
}

static void few_actions_at_a_time_still_help(void **state)
{
	struct sim *sim = sim_usual(SIM_HONEST);

	sim->room = 7;
	sim->other = 36 * SIM_GIB;
	sim_run(sim, 400);
	assert_true(sim_free(sim) >= percent(sim, 9));
	sim->room = 0;
	sim->psi = 9000;
	sim_run(sim, 10);
	assert_int_equal(sim->nr_actions, 0);
	free(sim);
}

static void a_dry_run_remembers_nothing(void **state)
{
	struct sim *sim = sim_usual(SIM_HONEST), before;
	size_t i, first = 0;

	sim->config.dry_run = true;
	sim->psi = 5000;
	for (i = 0; i < 20; i++) {
		before = *sim;
		sim_step(sim);
		first = first ? first : sim->nr_actions;
		assert_true(first > 0);
		assert_int_equal(sim->nr_actions, first);
		assert_memory_equal(&sim->state, &before.state, sizeof(before.state));
		assert_int_equal(sim->seen[5].kept.target_bytes, 0);
	}
	free(sim);
}

static void idle_pools_are_asked_for_once(void **state)
{
	struct sim *sim = sim_usual(SIM_HONEST);
	size_t drains = 0, purges = 0, i;

	sim->config.balloon = false;
	sim->seen[3].pool_pages = 256;
	sim->seen[4].pool_pages = 255;
	sim->seen[5].lazy_pages = 100000;
	sim_step(sim);
	assert_int_equal(sim->nr_actions, 0);
	sim->psi = 5000;
	for (i = 0; i < 24; i++) { /* two minutes: twice the time to settle */
		sim_step(sim);
		drains += count(sim, PVMEM_POLICY_DRAIN);
		purges += count(sim, PVMEM_POLICY_PURGE);
	}
	assert_int_equal(drains, 2);
	assert_int_equal(purges, 2);
	free(sim);
}

static void follow_pool(struct sim *sim, unsigned int rounds)
{
	size_t i;

	while (rounds--) {
		sim_step(sim);
		for (i = 0; i < sim->nr_actions; i++)
			if (sim->actions[i].what == PVMEM_POLICY_MAX_POOL)
				sim->seen[sim->actions[i].guest].pool_percent = sim->actions[i].value;
	}
}

static void compressed_pools_move_and_come_back(void **state)
{
	struct sim *sim = sim_usual(SIM_HONEST);
	size_t i;

	for (i = 0; i < 3; i++) {
		sim->seen[i].zswap = i != 1;
		sim->seen[i].pool_percent = 20;
		sim->seen[i].pool_configured_percent = i != 2 ? 20 : 0;
	}
	sim->config.balloon = false;
	sim->psi = 5000;
	follow_pool(sim, 20);
	assert_int_equal(sim->seen[0].pool_percent, 20); /* off by default */
	sim->config.max_pool_percent = 38;
	follow_pool(sim, 2);
	assert_int_equal(sim->seen[0].pool_percent, 30);
	follow_pool(sim, 20);
	assert_int_equal(sim->seen[0].pool_percent, 38);
	assert_int_equal(sim->seen[1].pool_percent, 20);
	assert_int_equal(sim->seen[2].pool_percent, 20);
	sim->psi = 0;
	follow_pool(sim, 11);
	assert_int_equal(sim->seen[0].pool_percent, 38);
	follow_pool(sim, 20);
	assert_int_equal(sim->seen[0].pool_percent, 20);
	follow_pool(sim, 1);
	sim->seen[0].pool_percent = 60; /* its owner's business from now on */
	follow_pool(sim, 20);
	assert_int_equal(sim->seen[0].pool_percent, 60);
	free(sim);
}

static void one_that_does_not_follow_is_not_nagged(void **state)
{
	struct sim *sim = sim_usual(SIM_HONEST);
	size_t asked = 0, i;

	sim->config.balloon = false;
	sim->config.max_pool_percent = 50;
	sim->seen[0].zswap = true;
	sim->seen[0].pool_percent = sim->seen[0].pool_configured_percent = 20;
	sim->psi = 5000;
	for (i = 0; i < 24; i++) {
		sim_step(sim);
		asked += count(sim, PVMEM_POLICY_MAX_POOL);
	}
	assert_int_equal(asked, 2);
	free(sim);
}

static uint64_t extreme(struct sim *sim)
{
	static const uint64_t values[] = {
		0, 1, 4095, 4096, 1 << 20, 1ull << 40, INT64_MAX, UINT64_MAX - 1, UINT64_MAX
	};

	return values[sim_random(sim) % (sizeof(values) / sizeof(values[0]))];
}

/* No number crashes it: overflows are caught by UBSan, wild targets here. */
static void extreme_numbers_do_no_harm(void **state)
{
	struct sim *sim = sim_new(SIM_GIB);
	struct pvmem_policy_host host;
	size_t i, k, nr;

	sim->config.max_pool_percent = 50;
	for (i = 0; i < 20000; i++) {
		for (k = 0; k < 4; k++)
			sim->seen[k] = (struct pvmem_policy_guest){
				true,
				extreme(sim),
				extreme(sim),
				extreme(sim),
				extreme(sim),
				extreme(sim),
				extreme(sim),
				true,
				extreme(sim) % 256,
				extreme(sim) % 256,
				sim->seen[k].kept,
			};
		host = (struct pvmem_policy_host){ extreme(sim), (int)(extreme(sim) % 10001) - 1, extreme(sim),
						   extreme(sim) };
		nr = pvmem_policy_decide(&sim->config, &sim->state, &host, sim->seen, 4, sim->actions, sim->room);
		for (k = 0; k < nr; k++)
			if (sim->actions[k].what == PVMEM_POLICY_BALLOON)
				assert_in_range(sim->actions[k].value,
						sim->seen[sim->actions[k].guest].max_bytes / 100 * 50,
						sim->seen[sim->actions[k].guest].max_bytes);
	}
	free(sim);
}

/* A thousand worlds of everything at once; the invariants are checked in each round. */
static void random_worlds_keep_the_invariants(void **state)
{
	struct sim *sim;
	unsigned int world, i, kinds;

	for (world = 1; world <= 300; world++) {
		sim = sim_new(64 * SIM_GIB);
		sim->seed ^= world * 0x9e3779b97f4a7c15ull;
		kinds = 1 + sim_random(sim) % 8;
		for (i = 0; i < kinds; i++)
			sim_add(sim, sim_random(sim) % SIM_NR_KINDS, 1 + sim_random(sim) % 8,
				(64 + sim_random(sim) % 1000) * SIM_MIB);
		sim->room = sim_random(sim) % 4 ? sim->room : sim_random(sim) % 9;
		sim->config.max_pool_percent = sim_random(sim) % 101;
		for (i = 0; i < 120; i++) {
			if (sim_random(sim) % 10 == 0)
				sim->other = sim_random(sim) % sim->total;
			if (sim_random(sim) % 20 == 0)
				sim->psi = (int)(sim_random(sim) % 3000) - 1;
			sim_step(sim);
		}
		free(sim);
	}
}

static void bad_configurations_are_refused(void **state)
{
	struct pvmem_policy_config config = pvmem_policy_defaults;

	assert_null(pvmem_policy_check(&config));
	config.interval_s = 0;
	assert_non_null(pvmem_policy_check(&config));
	config = pvmem_policy_defaults;
	config.patience = 0;
	assert_non_null(pvmem_policy_check(&config));
	config = pvmem_policy_defaults;
	config.pressure_low = config.pressure_high + 1;
	assert_non_null(pvmem_policy_check(&config));
	config = pvmem_policy_defaults;
	config.free_low_percent = config.free_high_percent + 1;
	assert_non_null(pvmem_policy_check(&config));
	config = pvmem_policy_defaults;
	config.floor_percent = 101;
	assert_non_null(pvmem_policy_check(&config));
	config = pvmem_policy_defaults;
	config.deadband_percent = config.step_percent + 1;
	assert_non_null(pvmem_policy_check(&config));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_asked_without_need),
		cmocka_unit_test(switched_off_it_does_nothing),
		cmocka_unit_test(shortage_is_cured_and_stays_so),
		cmocka_unit_test(memory_comes_back),
		cmocka_unit_test(small_amounts_go_around),
		cmocka_unit_test(floors_hold_under_endless_pressure),
		cmocka_unit_test(pressure_counts_where_it_is_known),
		cmocka_unit_test(enemies_are_found_and_do_no_harm),
		cmocka_unit_test(a_page_now_and_then_is_no_progress),
		cmocka_unit_test(a_balloon_that_lies_is_found),
		cmocka_unit_test(clock_jumps_do_no_harm),
		cmocka_unit_test(a_restless_host_does_not_swing),
		cmocka_unit_test(few_actions_at_a_time_still_help),
		cmocka_unit_test(a_dry_run_remembers_nothing),
		cmocka_unit_test(idle_pools_are_asked_for_once),
		cmocka_unit_test(compressed_pools_move_and_come_back),
		cmocka_unit_test(one_that_does_not_follow_is_not_nagged),
		cmocka_unit_test(extreme_numbers_do_no_harm),
		cmocka_unit_test(random_worlds_keep_the_invariants),
		cmocka_unit_test(bad_configurations_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
