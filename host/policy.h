/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What to ask of the guests when the host runs short of memory. A pure function
 * from what is seen to what to do; time, guests, the host and all that is
 * remembered are arguments.
 *
 * What a guest says of itself is a hint: it may move a burden from one guest to
 * another within the step limits, and never moves anything below a floor or above
 * what the host has.
 */
#ifndef PVMEM_HOST_POLICY_H
#define PVMEM_HOST_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct pvmem_policy_config - how to react
 * @enabled: look at all.
 * @dry_run: decide, remember nothing; the caller logs and does nothing.
 * @balloon: may change memory targets.
 * @interval_s: seconds between decisions.
 * @settle_s: seconds for which memory must not have been short before any is
 *	given back, at least; and before a guest is asked again for a pool it
 *	refills.
 * @pressure_high: host's PSI "some avg10" in 1/100 percent from which memory is short.
 * @pressure_low: below which it may be plenty; between the two nothing is done.
 * @free_low_percent: without PSI: free memory below which it is short...
 * @free_high_percent: ...until it is above this. Above it, it may be plenty: so
 *	much is given back. Below, that much is what guests are asked for.
 * @floor_percent: a guest keeps that much of its memory, whatever happens.
 * @step_percent: most of a guest's memory taken or given at a time.
 * @deadband_percent: a target nearer than this to what the guest has is not worth a change.
 * @max_pool_percent: compressed pools may be raised so far while memory is
 *	short; 0: they are left alone.
 * @patience: intervals a guest has for half of what it was asked, and has to stay
 *	there to be believed again.
 */
struct pvmem_policy_config {
	bool enabled;
	bool dry_run;
	bool balloon;
	unsigned int interval_s;
	unsigned int settle_s;
	unsigned int pressure_high;
	unsigned int pressure_low;
	unsigned int free_low_percent;
	unsigned int free_high_percent;
	unsigned int floor_percent;
	unsigned int step_percent;
	unsigned int deadband_percent;
	unsigned int max_pool_percent;
	unsigned int patience;
};

/**
 * struct pvmem_policy_host - the host, now
 * @now_ms: a clock that should be monotonic; jumps do no harm.
 * @psi_avg10: in 1/100 percent; -1 when the kernel does not say.
 * @total_bytes: its memory.
 * @free_bytes: of that, available.
 */
struct pvmem_policy_host {
	uint64_t now_ms;
	int psi_avg10;
	uint64_t total_bytes;
	uint64_t free_bytes;
};

/**
 * struct pvmem_policy_state - what is remembered of the host; zeroed at first
 * @seen_ms: the host's clock at the last decision.
 * @clock_ms: our own: goes on with it, but by at most an interval a decision.
 * @short_ms: by it, when memory was last short; 0: never.
 * @taking: it was short and is not yet as it should be.
 * @given_ms: when memory was last given, if it has not been short since; 0: no.
 * @swings: how often memory was short soon after some was given; each doubles
 *	the time to settle.
 * @turn: the guest that is asked first next time.
 */
struct pvmem_policy_state {
	uint64_t seen_ms;
	uint64_t clock_ms;
	uint64_t short_ms;
	bool taking;
	uint64_t given_ms;
	unsigned int swings;
	size_t turn;
};

/**
 * struct pvmem_policy_kept - what is remembered of a guest; zeroed at first
 * @target_bytes: memory it was asked to come to; 0: never asked.
 * @asked_bytes: what it had then, or when half of it was last done.
 * @asked_ms: when; or since when it is back at its target.
 * @reached: it has come to its target.
 * @drained_ms: when it was last asked for its pool and lazy mappings.
 * @pool_percent: compressed pool it was asked for; 0: its own.
 * @pool_ms: when.
 * @uncooperative: it does not do what it is asked. Its promises count for nothing,
 *	it is not asked again, and is given nothing, until it does.
 */
struct pvmem_policy_kept {
	uint64_t target_bytes;
	uint64_t asked_bytes;
	uint64_t asked_ms;
	bool reached;
	uint64_t drained_ms;
	unsigned int pool_percent;
	uint64_t pool_ms;
	bool uncooperative;
};

/**
 * struct pvmem_policy_guest - a guest, now
 * @reported: its agent has reported lately: what it says means something.
 * @max_bytes: memory it was started with; the host's own knowledge.
 * @actual_bytes: memory it has, as its balloon says; 0 when unknown.
 * @resident_bytes: what of its memory the host has had to provide: the host's own
 *	knowledge, 0 when unknown. A balloon that lies is found out by it.
 * @available_bytes: what it says it could give.
 * @pool_pages: what it says is in its page-table pool.
 * @lazy_pages: what it says waits for a purge.
 * @zswap: it says that it compresses memory.
 * @pool_percent: how much of its memory compressed pages may take, as it says.
 * @pool_configured_percent: the same as its option says; 0: it has none, then
 *	its pool is left alone.
 * @kept: the policy's.
 */
struct pvmem_policy_guest {
	bool reported;
	uint64_t max_bytes;
	uint64_t actual_bytes;
	uint64_t resident_bytes;
	uint64_t available_bytes;
	uint64_t pool_pages;
	uint64_t lazy_pages;
	bool zswap;
	unsigned int pool_percent;
	unsigned int pool_configured_percent;
	struct pvmem_policy_kept kept;
};

/**
 * enum pvmem_policy_what - what to ask of a guest
 * @PVMEM_POLICY_DRAIN: give the page-table pool back.
 * @PVMEM_POLICY_PURGE: remove lazy mappings.
 * @PVMEM_POLICY_MAX_POOL: let compressed pages take that many percent.
 * @PVMEM_POLICY_BALLOON: come to that memory, in bytes.
 */
enum pvmem_policy_what {
	PVMEM_POLICY_DRAIN,
	PVMEM_POLICY_PURGE,
	PVMEM_POLICY_MAX_POOL,
	PVMEM_POLICY_BALLOON,
};

/**
 * struct pvmem_policy_action - something to ask of a guest
 * @what: what.
 * @guest: its place in the array of guests.
 * @value: of a MAX_POOL and of a BALLOON.
 */
struct pvmem_policy_action {
	enum pvmem_policy_what what;
	size_t guest;
	uint64_t value;
};

/* Most actions that a decision has for a guest. */
#define PVMEM_POLICY_ACTIONS 4

extern const struct pvmem_policy_config pvmem_policy_defaults;

const char *pvmem_policy_check(const struct pvmem_policy_config *config);
size_t pvmem_policy_decide(const struct pvmem_policy_config *config, struct pvmem_policy_state *state,
			   const struct pvmem_policy_host *host, struct pvmem_policy_guest *guests, size_t nr_guests,
			   struct pvmem_policy_action *actions, size_t max_actions);
const char *pvmem_policy_what_name(enum pvmem_policy_what what);

#endif
