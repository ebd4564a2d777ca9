/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What to ask of the guests when the host runs short of memory. A pure function
 * from what is seen to what to do; time, guests and the host are arguments.
 */
#ifndef PVMEM_HOST_POLICY_H
#define PVMEM_HOST_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct pvmem_policy_config - how to react
 * @enabled: look at all.
 * @dry_run: decide and log, do nothing.
 * @balloon: may change memory targets.
 * @interval_s: seconds between decisions.
 * @pressure_high: host's PSI "some avg10" in 1/100 percent from which memory is short.
 * @pressure_low: below which it is plenty; between the two nothing is done.
 * @free_low_percent: without PSI: free memory below which it is short.
 * @free_high_percent: without PSI: free memory above which it is plenty.
 * @floor_percent: a guest keeps that much of its memory, and what it uses, whatever happens.
 * @step_percent: most of a guest's memory taken or given at a time.
 * @deadband_percent: a target nearer than this to the present one is not worth a change.
 * @patience: decisions a guest may fall short before it counts as not co-operating.
 */
struct pvmem_policy_config {
	bool enabled;
	bool dry_run;
	bool balloon;
	unsigned int interval_s;
	unsigned int pressure_high;
	unsigned int pressure_low;
	unsigned int free_low_percent;
	unsigned int free_high_percent;
	unsigned int floor_percent;
	unsigned int step_percent;
	unsigned int deadband_percent;
	unsigned int patience;
};

/**
 * struct pvmem_policy_host - the host, now
 * @psi_avg10: in 1/100 percent; -1 when the kernel does not say.
 * @total_bytes: its memory.
 * @free_bytes: of that, available.
 */
struct pvmem_policy_host {
	int psi_avg10;
	uint64_t total_bytes;
	uint64_t free_bytes;
};

/**
 * struct pvmem_policy_guest - a guest, now, and what was asked of it before
 * @id: the caller's name for it.
 * @reported: its agent has reported lately: the values below that come from it mean something.
 * @max_bytes: memory it was started with; the host's own knowledge.
 * @actual_bytes: memory it has; the host's own knowledge; 0 when unknown.
 * @available_bytes: what it says it could give.
 * @pool_pages: what it says is in its page-table pool.
 * @lazy_pages: what it says waits for a purge.
 * @target_bytes: what it was asked to come to; 0: nothing. Kept by the policy.
 * @asked_actual_bytes: @actual_bytes when the target was set. Kept by the policy.
 * @short_rounds: decisions since it last made real progress. Kept by the policy.
 * @unco_operative: it does not do what it is asked. Kept by the policy.
 */
struct pvmem_policy_guest {
	uint64_t id;
	bool reported;
	uint64_t max_bytes;
	uint64_t actual_bytes;
	uint64_t available_bytes;
	uint64_t pool_pages;
	uint64_t lazy_pages;
	uint64_t target_bytes;
	uint64_t asked_actual_bytes;
	unsigned int short_rounds;
	bool unco_operative;
};

/**
 * enum pvmem_policy_what - what to ask of a guest
 * @PVMEM_POLICY_DRAIN: give the page-table pool back.
 * @PVMEM_POLICY_PURGE: remove lazy mappings.
 * @PVMEM_POLICY_BALLOON: come to a memory target.
 * @PVMEM_POLICY_NR_WHATS: how many there are.
 */
enum pvmem_policy_what {
	PVMEM_POLICY_DRAIN,
	PVMEM_POLICY_PURGE,
	PVMEM_POLICY_BALLOON,
	PVMEM_POLICY_NR_WHATS,
};

/**
 * struct pvmem_policy_action - something to ask of a guest
 * @what: what.
 * @guest: its place in the array of guests.
 * @target_bytes: of a balloon.
 */
struct pvmem_policy_action {
	enum pvmem_policy_what what;
	size_t guest;
	uint64_t target_bytes;
};

extern const struct pvmem_policy_config pvmem_policy_defaults;

size_t pvmem_policy_decide(const struct pvmem_policy_config *config, const struct pvmem_policy_host *host,
			   struct pvmem_policy_guest *guests, size_t nr_guests, struct pvmem_policy_action *actions,
			   size_t max_actions);

#endif
