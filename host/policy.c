// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The policy. When the host is short, guests first give what costs them nothing:
 * lazy mappings and page-table pools. Then, where ballooning is allowed, memory
 * they say they do not need, those with the most of it first. When the host has
 * plenty, memory is given back. In between nothing changes.
 *
 * What a guest says chooses only what it is asked for, never what is counted as
 * freed: progress is what the host itself sees of its memory. One that does not
 * make real progress in `patience` rounds is marked and asked no more, so that it
 * holds up nobody; it is still given memory back.
 */
#include <stdlib.h>
#include "policy.h"

#define PVMEM_PERCENT(bytes, percent) ((bytes) / 100 * (percent))

/* Less than this part of what was asked, in percent, is no progress: a page now and then fools nobody. */
#define PVMEM_PROGRESS_PERCENT 10

const struct pvmem_policy_config pvmem_policy_defaults = {
	.enabled = false,
	.dry_run = true,
	.balloon = false,
	.interval_s = 5,
	.pressure_high = 1000,
	.pressure_low = 100,
	.free_low_percent = 5,
	.free_high_percent = 15,
	.floor_percent = 50,
	.step_percent = 5,
	.deadband_percent = 2,
	.patience = 3,
};

/* A list of actions that does not overflow. */
struct pvmem_plan {
	struct pvmem_policy_action *actions;
	size_t nr;
	size_t max;
};

enum pvmem_need {
	PVMEM_PLENTY,
	PVMEM_ENOUGH,
	PVMEM_SHORT
};

static void pvmem_plan_add(struct pvmem_plan *plan, enum pvmem_policy_what what, size_t guest, uint64_t target_bytes)
{
	if (plan->nr < plan->max)
		plan->actions[plan->nr++] = (struct pvmem_policy_action){ what, guest, target_bytes };
}

static enum pvmem_need pvmem_policy_need(const struct pvmem_policy_config *config, const struct pvmem_policy_host *host)
{
	uint64_t free_percent = host->total_bytes >= 100 ? host->free_bytes / (host->total_bytes / 100) : 100;

	if (host->psi_avg10 >= 0) {
		if ((unsigned int)host->psi_avg10 >= config->pressure_high)
			return PVMEM_SHORT;
		return (unsigned int)host->psi_avg10 < config->pressure_low ? PVMEM_PLENTY : PVMEM_ENOUGH;
	}
	if (free_percent < config->free_low_percent)
		return PVMEM_SHORT;
	return free_percent > config->free_high_percent ? PVMEM_PLENTY : PVMEM_ENOUGH;
}

/* Did the guest go towards the target it was given? Judged by what the host sees. */
static void pvmem_policy_judge(const struct pvmem_policy_config *config, struct pvmem_policy_guest *guest)
{
	uint64_t asked, done;

	if (!guest->target_bytes || !guest->actual_bytes || guest->target_bytes >= guest->asked_actual_bytes)
		return;
	asked = guest->asked_actual_bytes - guest->target_bytes;
	done = guest->asked_actual_bytes > guest->actual_bytes ? guest->asked_actual_bytes - guest->actual_bytes : 0;
	if (done >= PVMEM_PERCENT(asked, PVMEM_PROGRESS_PERCENT) && done) {
		guest->short_rounds = 0;
		guest->unco_operative = false;
		/* The next round's progress is counted from here. */
		guest->asked_actual_bytes = guest->actual_bytes > guest->target_bytes ? guest->actual_bytes
										      : guest->target_bytes;
		return;
	}
	if (++guest->short_rounds >= config->patience)
		guest->unco_operative = true;
}

/* The least a guest may be asked to come to: its floor, and what it uses by its own word. */
static uint64_t pvmem_policy_floor(const struct pvmem_policy_config *config, const struct pvmem_policy_guest *guest)
{
	uint64_t floor = PVMEM_PERCENT(guest->max_bytes, config->floor_percent);
	uint64_t spare = guest->available_bytes < guest->actual_bytes ? guest->available_bytes : guest->actual_bytes;
	uint64_t used = guest->actual_bytes - spare;

	return floor > used ? floor : used;
}

static bool pvmem_policy_worth(const struct pvmem_policy_config *config, const struct pvmem_policy_guest *guest,
			       uint64_t target)
{
	uint64_t distance = target > guest->actual_bytes ? target - guest->actual_bytes : guest->actual_bytes - target;

	return distance && distance >= PVMEM_PERCENT(guest->max_bytes, config->deadband_percent);
}

static void pvmem_policy_target(struct pvmem_plan *plan, struct pvmem_policy_guest *guest, size_t index,
				uint64_t target)
{
	size_t before = plan->nr;

	pvmem_plan_add(plan, PVMEM_POLICY_BALLOON, index, target);
	if (plan->nr == before)
		return;
	guest->target_bytes = target;
	guest->asked_actual_bytes = guest->actual_bytes;
}

static void pvmem_policy_shrink(const struct pvmem_policy_config *config, struct pvmem_plan *plan,
				struct pvmem_policy_guest *guest, size_t index)
{
	uint64_t floor = pvmem_policy_floor(config, guest);
	uint64_t step = PVMEM_PERCENT(guest->max_bytes, config->step_percent);
	uint64_t target = guest->actual_bytes > step ? guest->actual_bytes - step : 0;

	/* Still on its way. */
	if (guest->target_bytes && guest->target_bytes < guest->actual_bytes)
		return;
	if (target < floor)
		target = floor;
	if (target < guest->actual_bytes && pvmem_policy_worth(config, guest, target))
		pvmem_policy_target(plan, guest, index, target);
}

static void pvmem_policy_short(const struct pvmem_policy_config *config, struct pvmem_plan *plan,
			       struct pvmem_policy_guest *guests, size_t nr_guests)
{
	struct pvmem_policy_guest *guest;
	size_t i;

	/* What is free for the asking goes first, for every guest. */
	for (i = 0; i < nr_guests; i++) {
		if (!guests[i].reported)
			continue;
		if (guests[i].lazy_pages)
			pvmem_plan_add(plan, PVMEM_POLICY_PURGE, i, 0);
		if (guests[i].pool_pages)
			pvmem_plan_add(plan, PVMEM_POLICY_DRAIN, i, 0);
	}
	for (i = 0; config->balloon && i < nr_guests; i++) {
		guest = &guests[i];
		if (guest->reported && guest->actual_bytes && guest->max_bytes && !guest->unco_operative)
			pvmem_policy_shrink(config, plan, guest, i);
	}
}

/* Gives back, a step each, no more in all than half of what is free above the high mark. */
static void pvmem_policy_plenty(const struct pvmem_policy_config *config, const struct pvmem_policy_host *host,
				struct pvmem_plan *plan, struct pvmem_policy_guest *guests, size_t nr_guests)
{
	uint64_t keep = PVMEM_PERCENT(host->total_bytes, config->free_high_percent);
	uint64_t left = host->free_bytes > keep ? (host->free_bytes - keep) / 2 : 0;
	struct pvmem_policy_guest *guest;
	uint64_t step, target;
	size_t i;

	for (i = 0; config->balloon && i < nr_guests; i++) {
		guest = &guests[i];
		if (!guest->actual_bytes || guest->actual_bytes >= guest->max_bytes)
			continue;
		step = PVMEM_PERCENT(guest->max_bytes, config->step_percent);
		if (step > left)
			step = left;
		target = guest->actual_bytes + step;
		if (target > guest->max_bytes)
			target = guest->max_bytes;
		/* The last little bit is given too: a guest must come back to all it had. */
		if (target == guest->actual_bytes ||
		    (target < guest->max_bytes && !pvmem_policy_worth(config, guest, target)))
			continue;
		left -= target - guest->actual_bytes;
		pvmem_policy_target(plan, guest, i, target);
	}
}

/**
 * pvmem_policy_decide() - what to ask of the guests now
 * @config: how to react.
 * @host: the host.
 * @guests: the guests; what the policy keeps of them is updated.
 * @nr_guests: how many.
 * @actions: filled, in the order in which they are to be done: what frees
 *	memory comes before what takes it.
 * @max_actions: room there.
 *
 * Return: number of actions.
 */
size_t pvmem_policy_decide(const struct pvmem_policy_config *config, const struct pvmem_policy_host *host,
			   struct pvmem_policy_guest *guests, size_t nr_guests, struct pvmem_policy_action *actions,
			   size_t max_actions)
{
	struct pvmem_plan plan = { .actions = actions, .max = max_actions };
	size_t i;

	if (!config->enabled)
		return 0;
	for (i = 0; i < nr_guests; i++)
		pvmem_policy_judge(config, &guests[i]);
	switch (pvmem_policy_need(config, host)) {
	case PVMEM_SHORT:
		pvmem_policy_short(config, &plan, guests, nr_guests);
		break;
	case PVMEM_PLENTY:
		pvmem_policy_plenty(config, host, &plan, guests, nr_guests);
		break;
	case PVMEM_ENOUGH:
		break;
	}
	return plan.nr;
}
