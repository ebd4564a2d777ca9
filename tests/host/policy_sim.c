// SPDX-License-Identifier: GPL-2.0-or-later
/* See policy_sim.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "policy_sim.h"

#define PAGE 4096ull

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t sim_random(struct sim *sim)
{
	sim->seed ^= sim->seed << 13;
	sim->seed ^= sim->seed >> 7;
	sim->seed ^= sim->seed << 17;
	return sim->seed;
}

/* A host without PSI, with nothing on it. */
struct sim *sim_new(uint64_t total)
{
	struct sim *sim = calloc(1, sizeof(*sim));

	sim->config = pvmem_policy_defaults;
	sim->config.enabled = true;
	sim->config.balloon = true;
	sim->total = total;
	sim->psi = -1;
	sim->now_ms = 1000000;
	sim->step_ms = sim->config.interval_s * 1000;
	sim->room = PVMEM_POLICY_ACTIONS * SIM_GUESTS_MAX;
	sim->seed = 88172645463325252ull;
	return sim;
}

void sim_add(struct sim *sim, enum sim_kind kind, size_t nr, uint64_t bytes)
{
	for (; nr; nr--, sim->nr++)
		sim->guest[sim->nr] = (struct sim_guest){
			.kind = kind,
			.max = bytes,
			.actual = bytes,
			.resident = bytes,
			.target = bytes,
		};
}

/* The host swaps when there is more than it has: nothing is free then. */
uint64_t sim_free(const struct sim *sim)
{
	uint64_t used = sim->other;
	size_t i;

	for (i = 0; i < sim->nr; i++)
		used += sim->guest[i].resident;
	return used < sim->total ? sim->total - used : 0;
}

static uint64_t says_available(struct sim *sim, const struct sim_guest *guest)
{
	switch (guest->kind) {
	case SIM_POOR:
		return 0;
	case SIM_BOASTER:
		return UINT64_MAX;
	case SIM_RANDOM:
		return sim_random(sim);
	case SIM_IDLE:
		return guest->actual / 2;
	default:
		return guest->actual / 8;
	}
}

static void look(struct sim *sim)
{
	struct pvmem_policy_guest *seen;
	struct sim_guest *guest;
	size_t i;

	for (i = 0; i < sim->nr; i++) {
		guest = &sim->guest[i];
		seen = &sim->seen[i];
		seen->reported = guest->kind != SIM_SILENT;
		seen->max_bytes = guest->max;
		seen->actual_bytes = guest->actual;
		seen->resident_bytes = guest->resident;
		seen->available_bytes = says_available(sim, guest);
		if (guest->kind != SIM_RANDOM)
			continue;
		seen->pool_pages = sim_random(sim) >> (sim_random(sim) % 64);
		seen->lazy_pages = sim_random(sim) >> (sim_random(sim) % 64);
		seen->zswap = sim_random(sim) & 1;
		seen->pool_percent = sim_random(sim) % 300;
	}
}

/* How a guest moves in a round. */
static void move(struct sim *sim, struct sim_guest *guest)
{
	uint64_t old = guest->actual, speed = guest->max / 100;

	if (guest->target >= guest->actual && guest->kind != SIM_RANDOM) {
		guest->actual = guest->target;
		guest->resident = guest->actual > guest->resident ? guest->actual : guest->resident;
		return;
	}
	switch (guest->kind) {
	case SIM_STUCK:
	case SIM_SILENT:
		break;
	case SIM_TRICKLE:
		guest->actual -= PAGE;
		break;
	case SIM_SLOW: /* 5 % are asked for, half of it in 6 rounds */
		guest->actual -= lesser(guest->actual - guest->target, guest->max / 200);
		break;
	case SIM_BACKSLIDER:
		guest->actual = sim->round % 4 ? guest->target : guest->max;
		break;
	case SIM_RANDOM:
		guest->actual = sim_random(sim) % 3 ? guest->actual : sim_random(sim) % (guest->max + 1);
		break;
	default:
		guest->actual -= lesser(guest->actual - guest->target, speed);
	}
	if (guest->kind != SIM_FAKE)
		guest->resident = guest->resident - old + guest->actual;
}

static void broken(const struct sim *sim, size_t guest, const char *what)
{
	fprintf(stderr, "round %u, guest %zu of kind %d: %s: max %llu has %llu target %llu\n", sim->round, guest,
		sim->guest[guest].kind, what, (unsigned long long)sim->guest[guest].max,
		(unsigned long long)sim->guest[guest].actual, (unsigned long long)sim->guest[guest].target);
	abort();
}

/* What a guest has, as far as the host can know. */
static uint64_t has(const struct sim_guest *guest)
{
	return guest->actual > guest->resident ? guest->actual : lesser(guest->resident, guest->max);
}

static void check_balloon(struct sim *sim, const struct pvmem_policy_action *action)
{
	struct sim_guest *guest = &sim->guest[action->guest];
	uint64_t step = guest->max / 100 * sim->config.step_percent, change;
	bool up = action->value > guest->actual;

	if (action->value < guest->max / 100 * sim->config.floor_percent)
		broken(sim, action->guest, "below the floor");
	if (action->value > guest->max)
		broken(sim, action->guest, "above its maximum");
	change = up ? action->value - has(guest) : guest->actual - action->value;
	if (action->value > guest->actual && action->value <= has(guest))
		broken(sim, action->guest, "given what it has");
	if (change > step)
		broken(sim, action->guest, "more than a step");
	if (change < guest->max / 100 * sim->config.deadband_percent)
		broken(sim, action->guest, "less than the deadband");
	if (sim->seen[action->guest].kept.uncooperative)
		broken(sim, action->guest, "asked though it does not co-operate");
	if (up && (sim->round - sim->short_round) * sim->config.interval_s < sim->config.settle_s && sim->short_round)
		broken(sim, action->guest, "given too soon after memory was short");
	*(up ? &sim->given : &sim->taken) += change;
	guest->turns += up != guest->given && guest->target != guest->max;
	guest->given = up;
}

static void check_pool(struct sim *sim, const struct pvmem_policy_action *action)
{
	unsigned int now = sim->seen[action->guest].pool_percent;
	uint64_t change = action->value > now ? action->value - now : now - action->value;

	if (!action->value || action->value > 100)
		broken(sim, action->guest, "a pool of no percentage");
	if (action->value > now && action->value > sim->config.max_pool_percent)
		broken(sim, action->guest, "a pool above the limit");
	if (change > 5)
		broken(sim, action->guest, "a pool moved by more than a step");
}

/* What may still come of earlier gifts, before this decision. */
static uint64_t going(const struct sim *sim)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < sim->nr; i++)
		if (sim->seen[i].kept.target_bytes > has(&sim->guest[i]))
			bytes += sim->guest[i].target > has(&sim->guest[i]) ? sim->guest[i].target - has(&sim->guest[i])
									    : 0;
	return bytes;
}

static void check_all(struct sim *sim, uint64_t free_bytes, uint64_t before)
{
	uint64_t reserve = sim->total / 100 * sim->config.free_high_percent;
	unsigned char asked[SIM_GUESTS_MAX] = { 0 };
	size_t i;

	sim->taken = sim->given = 0;
	for (i = 0; i < sim->nr_actions; i++) {
		const struct pvmem_policy_action *action = &sim->actions[i];

		if (action->guest >= sim->nr)
			abort();
		if (asked[action->guest] & 1 << action->what)
			broken(sim, action->guest, "asked the same twice");
		asked[action->guest] |= 1 << action->what;
		if (action->what == PVMEM_POLICY_BALLOON)
			check_balloon(sim, action);
		if (action->what == PVMEM_POLICY_MAX_POOL)
			check_pool(sim, action);
	}
	if (sim->taken && sim->given)
		broken(sim, 0, "taken and given at once");
	if (sim->given && sim->given + before > (free_bytes > reserve ? free_bytes - reserve : 0))
		broken(sim, 0, "given more than is free");
}

static bool is_short(const struct sim *sim, uint64_t free_bytes)
{
	if (sim->psi >= 0)
		return (unsigned int)sim->psi >= sim->config.pressure_high;
	return free_bytes < sim->total / 100 * sim->config.free_low_percent;
}

/* One round: look, decide, check, do, and let the guests move. */
void sim_step(struct sim *sim)
{
	struct pvmem_policy_host host;
	uint64_t before;
	size_t i;

	sim->round++;
	sim->now_ms += sim->step_ms;
	look(sim);
	host = (struct pvmem_policy_host){ sim->now_ms, sim->psi, sim->total, sim_free(sim) };
	before = going(sim);
	if (is_short(sim, host.free_bytes))
		sim->short_round = sim->round;
	sim->nr_actions = pvmem_policy_decide(&sim->config, &sim->state, &host, sim->seen, sim->nr, sim->actions,
					      sim->room);
	if (sim->nr_actions > sim->room)
		abort();
	check_all(sim, host.free_bytes, before);
	for (i = 0; i < sim->nr_actions && !sim->config.dry_run; i++)
		if (sim->actions[i].what == PVMEM_POLICY_BALLOON)
			sim->guest[sim->actions[i].guest].target = sim->actions[i].value;
	for (i = 0; i < sim->nr; i++) {
		sim->guest[i].flagged |= sim->seen[i].kept.uncooperative;
		move(sim, &sim->guest[i]);
	}
}

void sim_run(struct sim *sim, unsigned int rounds)
{
	while (rounds--)
		sim_step(sim);
}

/* Until nothing is asked for @quiet rounds; returns the rounds it took, or @most. */
unsigned int sim_run_until_quiet(struct sim *sim, unsigned int quiet, unsigned int most)
{
	unsigned int rounds, still = 0;

	for (rounds = 0; rounds < most && still < quiet; rounds++) {
		sim_step(sim);
		still = sim->nr_actions ? 0 : still + 1;
	}
	return still < quiet ? most : rounds - quiet;
}
