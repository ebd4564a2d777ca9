// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The policy has three moods. Memory is short: take, the cheap things first (idle
 * pools, lazy mappings), then let guests compress more, then the balloon. Memory
 * is plenty and has been for a while: give back out of what is free by now, never
 * out of what a guest has been asked for. In between: nothing, so that it does
 * not swing.
 *
 * Invariants, whatever guests and clocks do: a target is never below the guest's
 * floor nor above its maximum; it differs from what the guest has by at least the
 * deadband and at most a step; what is given, with what was given before and
 * not yet taken, is at most the host's free memory above @free_high_percent.
 */
#include <stdlib.h>
#include "policy.h"

const struct pvmem_policy_config pvmem_policy_defaults = {
	.interval_s = 5,
	.settle_s = 60,
	.pressure_high = 1000,
	.pressure_low = 100,
	.free_low_percent = 5,
	.free_high_percent = 10,
	.floor_percent = 50,
	.step_percent = 5,
	.deadband_percent = 1,
	.max_pool_percent = 0,
	.patience = 6,
};

#define PVMEM_PAGE_BYTES 4096

/* Pages of pool and lazy mappings that are worth a message: 1 MiB. */
#define PVMEM_DRAIN_PAGES 256

/* The time to settle is at most 16 times what is configured. */
#define PVMEM_SWINGS_MAX 4

/* A compressed pool moves by so many percent of the guest's memory at a time. */
#define PVMEM_POOL_STEP 5

enum pvmem_mood {
	PVMEM_SHORT,
	PVMEM_STEADY,
	PVMEM_PLENTY,
};

/**
 * struct pvmem_decision - a decision under way
 * @config: how.
 * @state: what is remembered.
 * @host: now.
 * @guests: now.
 * @nr_guests: how many.
 * @actions: filled.
 * @max_actions: room in it.
 * @nr_actions: how many so far.
 */
struct pvmem_decision {
	const struct pvmem_policy_config *config;
	struct pvmem_policy_state *state;
	const struct pvmem_policy_host *host;
	struct pvmem_policy_guest *guests;
	size_t nr_guests;
	struct pvmem_policy_action *actions;
	size_t max_actions;
	size_t nr_actions;
};

static uint64_t pvmem_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t pvmem_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Without overflow for any memory there is. */
static uint64_t pvmem_percent(uint64_t bytes, unsigned int percent)
{
	return bytes / 100 * percent;
}

static uint64_t pvmem_above(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/**
 * pvmem_policy_what_name() - an action in a word
 * @what: which.
 *
 * Return: the word.
 */
const char *pvmem_policy_what_name(enum pvmem_policy_what what)
{
	static const char *const names[] = {
		[PVMEM_POLICY_DRAIN] = "drain",
		[PVMEM_POLICY_PURGE] = "purge",
		[PVMEM_POLICY_MAX_POOL] = "max-pool",
		[PVMEM_POLICY_BALLOON] = "balloon",
	};

	return names[what];
}

/**
 * pvmem_policy_check() - whether a configuration makes sense
 * @config: the configuration.
 *
 * Return: NULL, or what does not, in one line.
 */
const char *pvmem_policy_check(const struct pvmem_policy_config *config)
{
	if (!config->interval_s || config->interval_s > 3600 || config->settle_s > 86400)
		return "interval is 1 to 3600 s, settle at most 86400 s";
	if (!config->patience || config->patience > 1000)
		return "patience is 1 to 1000 intervals";
	if (config->pressure_low > config->pressure_high || config->pressure_high > 10000)
		return "pressure-low <= pressure-high <= 100 %";
	if (config->free_low_percent > config->free_high_percent || config->free_high_percent > 100)
		return "free-low <= free-high <= 100 %";
	if (config->floor_percent > 100 || config->max_pool_percent > 100)
		return "floor and max-pool are at most 100 %";
	if (!config->deadband_percent || config->deadband_percent > config->step_percent || config->step_percent > 50)
		return "1 % <= deadband <= step <= 50 %";
	return NULL;
}

/* Our own clock: stands when the host's jumps back, walks when it jumps ahead. */
static void pvmem_tick(struct pvmem_decision *decision)
{
	struct pvmem_policy_state *state = decision->state;
	uint64_t elapsed = pvmem_above(decision->host->now_ms, state->seen_ms);

	state->clock_ms += pvmem_min(elapsed, decision->config->interval_s * 1000ull);
	state->clock_ms = pvmem_max(state->clock_ms, 1); /* 0 means never */
	state->seen_ms = decision->host->now_ms;
}

static uint64_t pvmem_free_wanted(const struct pvmem_decision *decision)
{
	return pvmem_percent(decision->host->total_bytes, decision->config->free_high_percent);
}

/* Without PSI memory that was short is so until there is as much as there should be. */
static bool pvmem_is_short(const struct pvmem_decision *decision)
{
	const struct pvmem_policy_host *host = decision->host;
	uint64_t low = pvmem_percent(host->total_bytes, decision->config->free_low_percent);

	if (host->psi_avg10 >= 0)
		return (unsigned int)host->psi_avg10 >= decision->config->pressure_high;
	return host->free_bytes < (decision->state->taking ? pvmem_free_wanted(decision) : low);
}

static enum pvmem_mood pvmem_mood_now(const struct pvmem_decision *decision)
{
	const struct pvmem_policy_host *host = decision->host;

	if (pvmem_is_short(decision))
		return PVMEM_SHORT;
	if (host->psi_avg10 >= 0 && (unsigned int)host->psi_avg10 >= decision->config->pressure_low)
		return PVMEM_STEADY;
	return host->free_bytes > pvmem_free_wanted(decision) ? PVMEM_PLENTY : PVMEM_STEADY;
}

static bool pvmem_settled(const struct pvmem_decision *decision, uint64_t since_ms)
{
	return !since_ms || decision->state->clock_ms - since_ms >= decision->config->settle_s * 1000ull;
}

/* The host's own swings are not followed: each that is noticed doubles the time until memory is given again. */
static uint64_t pvmem_calm_ms(const struct pvmem_decision *decision)
{
	return decision->config->settle_s * 1000ull << decision->state->swings;
}

static void pvmem_remember_short(const struct pvmem_decision *decision)
{
	struct pvmem_policy_state *state = decision->state;

	if (state->given_ms && state->clock_ms - state->given_ms > 2 * pvmem_calm_ms(decision))
		state->swings = 0;
	else if (state->given_ms && state->swings < PVMEM_SWINGS_MAX)
		state->swings++;
	state->given_ms = 0;
	state->short_ms = state->clock_ms;
}

static bool pvmem_act(struct pvmem_decision *decision, enum pvmem_policy_what what, size_t guest, uint64_t value)
{
	if (decision->nr_actions == decision->max_actions)
		return false;
	decision->actions[decision->nr_actions++] =
		(struct pvmem_policy_action){ .what = what, .guest = guest, .value = value };
	return true;
}

/* What a guest has, by whichever of the two tells more. */
static uint64_t pvmem_has(const struct pvmem_policy_guest *guest)
{
	return pvmem_max(guest->actual_bytes, pvmem_min(guest->resident_bytes, guest->max_bytes));
}

static uint64_t pvmem_floor(const struct pvmem_decision *decision, const struct pvmem_policy_guest *guest)
{
	return pvmem_percent(guest->max_bytes, decision->config->floor_percent);
}

static uint64_t pvmem_deadband(const struct pvmem_decision *decision, const struct pvmem_policy_guest *guest)
{
	return pvmem_max(pvmem_percent(guest->max_bytes, decision->config->deadband_percent), PVMEM_PAGE_BYTES);
}

static bool pvmem_steerable(const struct pvmem_policy_guest *guest)
{
	return guest->max_bytes && guest->actual_bytes && guest->actual_bytes <= guest->max_bytes;
}

/*
 * Half of what was asked within the time given, else it does not count as
 * co-operation; then the same for the rest. So a page now and then is not
 * progress, and neither is a promise.
 */
static void pvmem_watch_progress(const struct pvmem_decision *decision, struct pvmem_policy_kept *kept, uint64_t has)
{
	uint64_t done = pvmem_above(kept->asked_bytes, has), asked = pvmem_above(kept->asked_bytes, kept->target_bytes);

	kept->uncooperative = done < asked / 2;
	kept->asked_bytes = has;
	kept->asked_ms = decision->state->clock_ms;
}

/* One that takes back what it has given is found at once, and believed again when it has stayed for a while. */
static void pvmem_watch_one(const struct pvmem_decision *decision, struct pvmem_policy_guest *guest)
{
	struct pvmem_policy_kept *kept = &guest->kept;
	uint64_t has = pvmem_has(guest), now = decision->state->clock_ms;
	bool late = now - kept->asked_ms >= decision->config->patience * decision->config->interval_s * 1000ull;

	if (!kept->target_bytes || !pvmem_steerable(guest))
		return;
	if (has <= kept->target_bytes + pvmem_deadband(decision, guest)) {
		if (kept->uncooperative && !late)
			return;
		kept->uncooperative = false;
		kept->reached = true;
	} else if (kept->reached || has > kept->asked_bytes + pvmem_deadband(decision, guest)) {
		kept->uncooperative = true;
		kept->reached = false;
		kept->asked_ms = now;
	} else if (kept->uncooperative) {
		kept->asked_ms = now;
	} else if (late) {
		pvmem_watch_progress(decision, kept, has);
	}
}

static void pvmem_watch(const struct pvmem_decision *decision)
{
	size_t i;

	for (i = 0; i < decision->nr_guests; i++)
		pvmem_watch_one(decision, &decision->guests[i]);
}

/* A guest that still has its last target before it. */
static uint64_t pvmem_coming(const struct pvmem_decision *decision, const struct pvmem_policy_guest *guest)
{
	uint64_t coming = guest->kept.target_bytes ? pvmem_above(pvmem_has(guest), guest->kept.target_bytes) : 0;

	return guest->kept.uncooperative || coming <= pvmem_deadband(decision, guest) ? 0 : coming;
}

static uint64_t pvmem_going(const struct pvmem_policy_guest *guest)
{
	return guest->kept.target_bytes ? pvmem_above(guest->kept.target_bytes, pvmem_has(guest)) : 0;
}

static bool pvmem_ask_target(struct pvmem_decision *decision, size_t at, uint64_t target)
{
	struct pvmem_policy_guest *guest = &decision->guests[at];

	if (!pvmem_act(decision, PVMEM_POLICY_BALLOON, at, target))
		return false;
	guest->kept.target_bytes = target;
	guest->kept.asked_bytes = pvmem_has(guest);
	guest->kept.asked_ms = decision->state->clock_ms;
	guest->kept.reached = false;
	return true;
}

/* Pools fill again and maps become lazy again, so not at every decision. */
static void pvmem_take_idle(struct pvmem_decision *decision)
{
	struct pvmem_policy_guest *guest;
	bool asked;
	size_t i;

	for (i = 0; i < decision->nr_guests; i++) {
		guest = &decision->guests[i];
		if (!guest->reported || !pvmem_settled(decision, guest->kept.drained_ms))
			continue;
		asked = guest->lazy_pages >= PVMEM_DRAIN_PAGES && pvmem_act(decision, PVMEM_POLICY_PURGE, i, 0);
		asked |= guest->pool_pages >= PVMEM_DRAIN_PAGES && pvmem_act(decision, PVMEM_POLICY_DRAIN, i, 0);
		if (asked)
			guest->kept.drained_ms = decision->state->clock_ms;
	}
}

/* One step towards @goal from what the guest runs; it has until it settles to follow. */
static void pvmem_move_pool(struct pvmem_decision *decision, size_t at, unsigned int goal)
{
	struct pvmem_policy_guest *guest = &decision->guests[at];
	struct pvmem_policy_kept *kept = &guest->kept;
	unsigned int now = guest->pool_percent, next = now;

	if (kept->pool_percent && kept->pool_percent != now && !pvmem_settled(decision, kept->pool_ms))
		return;
	if (now < goal)
		next = goal - now > PVMEM_POOL_STEP ? now + PVMEM_POOL_STEP : goal;
	else if (now > goal)
		next = now - goal > PVMEM_POOL_STEP ? now - PVMEM_POOL_STEP : goal;
	if (next == now)
		kept->pool_percent = 0;
	if (next == now || !pvmem_act(decision, PVMEM_POLICY_MAX_POOL, at, next))
		return;
	kept->pool_percent = next;
	kept->pool_ms = decision->state->clock_ms;
}

/* Short: up to the limit. Plenty: back to the guest's own option, if we have moved it. */
static void pvmem_move_pools(struct pvmem_decision *decision, bool up)
{
	unsigned int limit = decision->config->max_pool_percent;
	const struct pvmem_policy_guest *guest;
	size_t i;

	for (i = 0; limit && i < decision->nr_guests; i++) {
		guest = &decision->guests[i];
		if (!guest->reported || !guest->zswap || !guest->pool_configured_percent ||
		    guest->pool_percent - 1 >= 100)
			continue;
		if (up && guest->pool_percent < limit)
			pvmem_move_pool(decision, i, limit);
		else if (!up && guest->kept.pool_percent)
			pvmem_move_pool(decision, i, guest->pool_configured_percent);
	}
}

/* What a guest may be asked for now; @willing: no more than it says it can give. */
static uint64_t pvmem_can_take(const struct pvmem_decision *decision, const struct pvmem_policy_guest *guest,
			       bool willing)
{
	uint64_t can;

	if (!pvmem_steerable(guest) || guest->kept.uncooperative || pvmem_coming(decision, guest))
		return 0;
	can = pvmem_above(guest->actual_bytes, pvmem_floor(decision, guest));
	can = pvmem_min(can, pvmem_percent(guest->max_bytes, decision->config->step_percent));
	if (willing)
		can = pvmem_min(can, guest->reported ? guest->available_bytes / 2 : 0);
	return can <= pvmem_deadband(decision, guest) ? 0 : can;
}

/* A part of @all in proportion, in whole pages, and worth a message; else 0. */
static uint64_t pvmem_part(const struct pvmem_decision *decision, const struct pvmem_policy_guest *guest, uint64_t can,
			   uint64_t amount, uint64_t all)
{
	uint64_t part = amount >= all ? can : (uint64_t)((double)can * ((double)amount / (double)all));

	part = pvmem_min(pvmem_max(part, pvmem_deadband(decision, guest) + PVMEM_PAGE_BYTES), can);
	part -= part % PVMEM_PAGE_BYTES;
	return part < pvmem_deadband(decision, guest) ? 0 : part;
}

/* The guest whose turn it is after @nr others: small amounts do not always come from the same. */
static size_t pvmem_turn(const struct pvmem_decision *decision, size_t nr)
{
	return (decision->state->turn + nr) % decision->nr_guests;
}

/* Takes @wanted in proportion to what each can; returns what is asked for. */
static uint64_t pvmem_take_some(struct pvmem_decision *decision, uint64_t wanted, bool willing)
{
	uint64_t all = 0, taken = 0, can, part;
	size_t i, at;

	for (i = 0; i < decision->nr_guests; i++)
		all += pvmem_can_take(decision, &decision->guests[i], willing);
	for (i = 0; i < decision->nr_guests && taken < wanted; i++) {
		at = pvmem_turn(decision, i);
		can = pvmem_can_take(decision, &decision->guests[at], willing);
		part = pvmem_part(decision, &decision->guests[at], can, wanted, all);
		if (part && pvmem_ask_target(decision, at, decision->guests[at].actual_bytes - part))
			taken += part;
	}
	decision->state->turn += i;
	return taken;
}

/*
 * From those who say they have it, and when that is not enough from all alike.
 * PSI can be high with memory free: then some is taken all the same.
 */
static void pvmem_take(struct pvmem_decision *decision)
{
	uint64_t wanted = pvmem_above(pvmem_free_wanted(decision), decision->host->free_bytes), coming = 0;
	size_t i;

	if (decision->host->psi_avg10 >= 0)
		wanted = pvmem_max(wanted,
				   pvmem_percent(decision->host->total_bytes, decision->config->deadband_percent));
	for (i = 0; i < decision->nr_guests; i++)
		coming += pvmem_coming(decision, &decision->guests[i]);
	wanted = pvmem_above(wanted, coming);
	if (wanted)
		wanted = pvmem_above(wanted, pvmem_take_some(decision, wanted, true));
	if (wanted)
		pvmem_take_some(decision, wanted, false);
}

/* What a guest may be given now. */
static uint64_t pvmem_can_give(const struct pvmem_decision *decision, const struct pvmem_policy_guest *guest)
{
	uint64_t can;

	if (!pvmem_steerable(guest) || guest->kept.uncooperative || !guest->kept.target_bytes || pvmem_going(guest))
		return 0;
	can = pvmem_min(pvmem_above(guest->max_bytes, pvmem_has(guest)),
			pvmem_percent(guest->max_bytes, decision->config->step_percent));
	return can <= pvmem_deadband(decision, guest) ? 0 : can;
}

/* Only to those we have taken from, and only out of what is free. */
static void pvmem_give(struct pvmem_decision *decision)
{
	uint64_t free = pvmem_above(decision->host->free_bytes, pvmem_free_wanted(decision)), left, all = 0, part;
	struct pvmem_policy_guest *guest;
	size_t i, at;

	for (i = 0; i < decision->nr_guests; i++) {
		free = pvmem_above(free, pvmem_going(&decision->guests[i]));
		all += pvmem_can_give(decision, &decision->guests[i]);
	}
	for (i = 0, left = free; i < decision->nr_guests && left; i++) {
		at = pvmem_turn(decision, i);
		guest = &decision->guests[at];
		part = pvmem_part(decision, guest, pvmem_can_give(decision, guest), free, all);
		if (!part || part > left || !pvmem_ask_target(decision, at, pvmem_has(guest) + part))
			continue;
		left -= part;
		decision->state->given_ms = decision->state->clock_ms;
	}
	decision->state->turn += i;
}

static void pvmem_decide_short(struct pvmem_decision *decision)
{
	pvmem_remember_short(decision);
	pvmem_take_idle(decision);
	pvmem_move_pools(decision, true);
	if (decision->config->balloon)
		pvmem_take(decision);
}

static void pvmem_decide_plenty(struct pvmem_decision *decision)
{
	const struct pvmem_policy_state *state = decision->state;

	if (state->short_ms && state->clock_ms - state->short_ms < pvmem_calm_ms(decision))
		return;
	pvmem_move_pools(decision, false);
	if (decision->config->balloon)
		pvmem_give(decision);
}

static void pvmem_decide_all(struct pvmem_decision *decision)
{
	enum pvmem_mood mood;

	pvmem_tick(decision);
	pvmem_watch(decision);
	mood = pvmem_mood_now(decision);
	decision->state->taking = mood == PVMEM_SHORT;
	if (mood == PVMEM_SHORT)
		pvmem_decide_short(decision);
	else if (mood == PVMEM_PLENTY)
		pvmem_decide_plenty(decision);
}

/* What is remembered of the guests, to go back to. */
static struct pvmem_policy_kept *pvmem_remember(const struct pvmem_policy_guest *guests, size_t nr_guests)
{
	struct pvmem_policy_kept *kept = calloc(nr_guests, sizeof(*kept));
	size_t i;

	for (i = 0; kept && i < nr_guests; i++)
		kept[i] = guests[i].kept;
	return kept;
}

/**
 * pvmem_policy_decide() - what to ask of the guests now
 * @config: how to react; pvmem_policy_check() has nothing against it.
 * @state: what is remembered of the host.
 * @host: the host, now.
 * @guests: the guests, now; what is remembered of them changes, unless it is a
 *	dry run.
 * @nr_guests: how many.
 * @actions: filled; what takes comes before what gives.
 * @max_actions: room in it; PVMEM_POLICY_ACTIONS for each guest is always
 *	enough. What has no room is decided again the next time.
 *
 * Return: how many actions there are.
 */
size_t pvmem_policy_decide(const struct pvmem_policy_config *config, struct pvmem_policy_state *state,
			   const struct pvmem_policy_host *host, struct pvmem_policy_guest *guests, size_t nr_guests,
			   struct pvmem_policy_action *actions, size_t max_actions)
{
	struct pvmem_policy_state now = *state;
	struct pvmem_decision decision = {
		.config = config,
		.state = &now,
		.host = host,
		.guests = guests,
		.nr_guests = nr_guests,
		.actions = actions,
		.max_actions = max_actions,
	};
	struct pvmem_policy_kept *kept = NULL;
	size_t i;

	if (!config->enabled || !nr_guests)
		return 0;
	if (config->dry_run && !(kept = pvmem_remember(guests, nr_guests)))
		return 0;
	pvmem_decide_all(&decision);
	for (i = 0; kept && i < nr_guests; i++)
		guests[i].kept = kept[i];
	if (!kept)
		*state = now;
	free(kept);
	return decision.nr_actions;
}
