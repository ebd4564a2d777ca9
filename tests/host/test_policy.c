// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The policy against a simulated host with hundreds of guests, honest ones and
 * others: guests that refuse, that give a page a round, that say they have
 * everything to spare, that take back what they gave, that say nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../host/policy.h"

#define GUESTS 400
#define ACTIONS (3 * GUESTS)
#define MIB (1ull << 20)
#define MAX_BYTES (1024 * MIB)

enum kind {
	HONEST,
	REFUSER,
	DRIP,
	LIAR,
	TAKER,
	SILENT,
	NR_KINDS
};

struct world {
	struct pvmem_policy_config config;
	struct pvmem_policy_host host;
	struct pvmem_policy_guest guests[GUESTS];
	enum kind kinds[GUESTS];
	uint64_t used[GUESTS]; /* what a guest's programs need */
	uint64_t others;       /* what else the host's memory is for */
	struct pvmem_policy_action actions[ACTIONS];
	size_t nr;
};

static struct world world;

static void count_free(void)
{
	uint64_t taken = world.others;
	size_t i;

	for (i = 0; i < GUESTS; i++)
		taken += world.guests[i].actual_bytes;
	world.host.free_bytes = taken < world.host.total_bytes ? world.host.total_bytes - taken : 0;
}

static int setup(void **state)
{
	unsigned int seed = 3;
	size_t i;

	memset(&world, 0, sizeof(world));
	world.config = pvmem_policy_defaults;
	world.config.enabled = true;
	world.config.balloon = true;
	world.host = (struct pvmem_policy_host){ .psi_avg10 = -1,
						 .total_bytes = GUESTS * MAX_BYTES + 128 * 1024 * MIB };
	for (i = 0; i < GUESTS; i++) {
		/* Three in four are honest. */
		world.kinds[i] = i % 4 ? HONEST : (i / 4) % NR_KINDS;
		world.used[i] = MAX_BYTES / 100 * (20 + rand_r(&seed) % 40);
		world.guests[i] = (struct pvmem_policy_guest){ .id = i,
							       .reported = world.kinds[i] != SILENT,
							       .max_bytes = MAX_BYTES,
							       .actual_bytes = MAX_BYTES,
							       .pool_pages = 256,
							       .lazy_pages = 100 };
	}
	count_free();
	return 0;
}

static void guest_moves(size_t i, uint64_t target)
{
	struct pvmem_policy_guest *guest = &world.guests[i];

	switch (world.kinds[i]) {
	case REFUSER:
		return;
	case DRIP:
		guest->actual_bytes = target < guest->actual_bytes ? guest->actual_bytes - 4096 : target;
		return;
	case TAKER:
		guest->actual_bytes = MAX_BYTES;
		return;
	default:
		guest->actual_bytes = target;
	}
}

/* What must hold of every decision, whoever the guests are. */
static void check_actions(void)
{
	bool taking = false;
	size_t i;

	for (i = 0; i < world.nr; i++) {
		const struct pvmem_policy_action *action = &world.actions[i];
		const struct pvmem_policy_guest *guest = &world.guests[action->guest];
		uint64_t actual = guest->asked_actual_bytes, floor = MAX_BYTES / 100 * world.config.floor_percent;
		uint64_t step = MAX_BYTES / 100 * world.config.step_percent;

		if (action->what != PVMEM_POLICY_BALLOON) {
			assert_false(taking);
			assert_true(guest->reported);
			continue;
		}
		taking = true;
		assert_true(action->target_bytes <= MAX_BYTES);
		assert_true(action->target_bytes >= floor);
		if (action->target_bytes < actual) {
			assert_true(actual - action->target_bytes <= step);
			assert_true(guest->reported);
			if (world.kinds[action->guest] == HONEST)
				assert_true(action->target_bytes >= world.used[action->guest]);
		} else {
			assert_true(action->target_bytes - actual <= step || action->target_bytes == MAX_BYTES);
		}
	}
}

static void round_of_policy(void)
{
	size_t i;

	for (i = 0; i < GUESTS; i++) {
		struct pvmem_policy_guest *guest = &world.guests[i];
		uint64_t spare = guest->actual_bytes > world.used[i] ? guest->actual_bytes - world.used[i] : 0;

		guest->available_bytes = world.kinds[i] == LIAR ? UINT64_MAX : spare;
	}
	world.nr = pvmem_policy_decide(&world.config, &world.host, world.guests, GUESTS, world.actions, ACTIONS);
	check_actions();
	for (i = 0; i < world.nr; i++) {
		struct pvmem_policy_guest *guest = &world.guests[world.actions[i].guest];

		if (world.actions[i].what == PVMEM_POLICY_DRAIN)
			guest->pool_pages = 0;
		else if (world.actions[i].what == PVMEM_POLICY_PURGE)
			guest->lazy_pages = 0;
		else
			guest_moves(world.actions[i].guest, world.actions[i].target_bytes);
	}
	for (i = 0; i < GUESTS; i++)
		if (world.kinds[i] == DRIP && world.guests[i].target_bytes &&
		    world.guests[i].target_bytes < world.guests[i].actual_bytes)
			guest_moves(i, world.guests[i].target_bytes);
	count_free();
}

static unsigned int percent_free(void)
{
	return world.host.free_bytes / (world.host.total_bytes / 100);
}

static void plenty_changes_nothing(void **state)
{
	int i;

	for (i = 0; i < 20; i++) {
		round_of_policy();
		assert_int_equal(world.nr, 0);
	}
}

static void a_short_host_is_relieved_and_guests_come_back(void **state)
{
	int rounds;
	size_t i;

	/* 160 GiB are wanted elsewhere: without the policy nothing is free. */
	world.others = 160 * 1024 * MIB;
	count_free();
	assert_int_equal(world.host.free_bytes, 0);
	for (rounds = 0; percent_free() < world.config.free_low_percent; rounds++) {
		assert_in_range(rounds, 0, 40);
		round_of_policy();
	}
	/* It settles: between the marks nothing is done. */
	round_of_policy();
	assert_int_equal(world.nr, 0);
	for (i = 0; i < GUESTS; i++)
		assert_true(world.guests[i].actual_bytes >= MAX_BYTES / 100 * world.config.floor_percent);
	world.others = 0;
	count_free();
	for (rounds = 0; rounds < 40; rounds++)
		round_of_policy();
	for (i = 0; i < GUESTS; i++)
		if (world.kinds[i] == HONEST)
			assert_int_equal(world.guests[i].actual_bytes, MAX_BYTES);
	assert_int_equal(world.nr, 0);
}

static void guests_that_do_not_co_operate_are_found(void **state)
{
	unsigned int i;
	size_t at;

	world.others = 260 * 1024 * MIB;
	count_free();
	for (i = 0; i < world.config.patience + 2; i++)
		round_of_policy();
	for (at = 0; at < GUESTS; at++) {
		bool bad = world.kinds[at] == REFUSER || world.kinds[at] == DRIP || world.kinds[at] == TAKER;

		assert_int_equal(world.guests[at].unco_operative, bad);
	}
	/* They are asked no more, and one that changes its mind is trusted again. */
	round_of_policy();
	for (at = 0; at < world.nr; at++)
		assert_false(world.actions[at].what == PVMEM_POLICY_BALLOON &&
			     world.guests[world.actions[at].guest].unco_operative);
	for (at = 0; world.kinds[at] != REFUSER; at++)
		;
	world.guests[at].actual_bytes = world.guests[at].target_bytes;
	round_of_policy();
	assert_false(world.guests[at].unco_operative);
}

static void pressure_is_believed_before_free_memory(void **state)
{
	world.host.psi_avg10 = 5000;
	round_of_policy();
	assert_true(world.nr > 0);
	setup(NULL);
	/* Between the marks, however little is free. */
	world.host.psi_avg10 = 500;
	world.host.free_bytes = 0;
	world.nr = pvmem_policy_decide(&world.config, &world.host, world.guests, GUESTS, world.actions, ACTIONS);
	assert_int_equal(world.nr, 0);
}

static void floors_hold_however_long_it_lasts(void **state)
{
	int rounds;
	size_t i;

	world.host.psi_avg10 = 5000;
	for (rounds = 0; rounds < 40; rounds++)
		round_of_policy();
	for (i = 0; i < GUESTS; i++)
		if (world.kinds[i] == HONEST)
			assert_true(world.guests[i].actual_bytes >= MAX_BYTES / 100 * world.config.floor_percent);
}

static void switches_switch(void **state)
{
	size_t i;

	world.host.psi_avg10 = 5000;
	world.config.enabled = false;
	round_of_policy();
	assert_int_equal(world.nr, 0);
	world.config.enabled = true;
	world.config.balloon = false;
	round_of_policy();
	assert_true(world.nr > 0);
	for (i = 0; i < world.nr; i++)
		assert_int_not_equal(world.actions[i].what, PVMEM_POLICY_BALLOON);
	assert_false(pvmem_policy_defaults.enabled);
	assert_true(pvmem_policy_defaults.dry_run);
}

static void room_is_respected(void **state)
{
	size_t nr;

	world.host.psi_avg10 = 5000;
	world.actions[7].guest = 12345;
	nr = pvmem_policy_decide(&world.config, &world.host, world.guests, GUESTS, world.actions, 7);
	assert_int_equal(nr, 7);
	assert_int_equal(world.actions[7].guest, 12345);
}

/* Any numbers: it ends, and what it asks for is within bounds. */
static void random_worlds(void **state)
{
	unsigned int seed = 11;
	size_t i, n;

	for (n = 0; n < 2000; n++) {
		world.host.psi_avg10 = rand_r(&seed) % 12000 - 1;
		world.host.free_bytes = (uint64_t)rand_r(&seed) << rand_r(&seed) % 33;
		world.host.total_bytes = (uint64_t)rand_r(&seed) << rand_r(&seed) % 33;
		for (i = 0; i < GUESTS; i++) {
			struct pvmem_policy_guest *guest = &world.guests[i];

			guest->actual_bytes = (uint64_t)rand_r(&seed) << rand_r(&seed) % 33;
			guest->available_bytes = (uint64_t)rand_r(&seed) << rand_r(&seed) % 34;
			guest->max_bytes = (uint64_t)rand_r(&seed) << rand_r(&seed) % 33;
			guest->reported = rand_r(&seed) & 1;
		}
		world.nr = pvmem_policy_decide(&world.config, &world.host, world.guests, GUESTS, world.actions,
					       ACTIONS);
		assert_true(world.nr <= ACTIONS);
		for (i = 0; i < world.nr; i++) {
			const struct pvmem_policy_action *action = &world.actions[i];

			if (action->what == PVMEM_POLICY_BALLOON &&
			    action->target_bytes > world.guests[action->guest].actual_bytes)
				assert_true(action->target_bytes <= world.guests[action->guest].max_bytes);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(plenty_changes_nothing, setup),
		cmocka_unit_test_setup(a_short_host_is_relieved_and_guests_come_back, setup),
		cmocka_unit_test_setup(guests_that_do_not_co_operate_are_found, setup),
		cmocka_unit_test_setup(pressure_is_believed_before_free_memory, setup),
		cmocka_unit_test_setup(floors_hold_however_long_it_lasts, setup),
		cmocka_unit_test_setup(switches_switch, setup),
		cmocka_unit_test_setup(room_is_respected, setup),
		cmocka_unit_test_setup(random_worlds, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
