/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host with hundreds of guests, some of them hostile, for the policy to steer.
 * After every decision its invariants are checked by arithmetic of the simulator's
 * own; sim_step() aborts with a line that says which was broken.
 */
#ifndef PVMEM_TESTS_POLICY_SIM_H
#define PVMEM_TESTS_POLICY_SIM_H

#include "policy.h"

#define SIM_MIB (1ull << 20)
#define SIM_GIB (1ull << 30)
#define SIM_GUESTS_MAX 512

/**
 * enum sim_kind - how a guest behaves
 * @SIM_HONEST: reaches its target in some rounds, and tells the truth.
 * @SIM_SLOW: the same at the least speed that still counts.
 * @SIM_IDLE: honest, and uses half of what it has.
 * @SIM_STUCK: never gives anything.
 * @SIM_TRICKLE: gives a page a round.
 * @SIM_POOR: does what it is told, and says that it has nothing to give.
 * @SIM_BOASTER: does what it is told, and says that it has everything to give.
 * @SIM_FAKE: its balloon says that it has given; the memory stays with it.
 * @SIM_BACKSLIDER: reaches its target, and takes everything back.
 * @SIM_SILENT: stuck, and never reports.
 * @SIM_RANDOM: does and says anything.
 * @SIM_NR_KINDS: how many there are.
 */
enum sim_kind {
	SIM_HONEST,
	SIM_SLOW,
	SIM_IDLE,
	SIM_STUCK,
	SIM_TRICKLE,
	SIM_POOR,
	SIM_BOASTER,
	SIM_FAKE,
	SIM_BACKSLIDER,
	SIM_SILENT,
	SIM_RANDOM,
	SIM_NR_KINDS,
};

/**
 * struct sim_guest - a guest as it really is
 * @kind: how it behaves.
 * @max: memory it was started with.
 * @actual: what its balloon says it has.
 * @resident: what it really has.
 * @target: what it was asked to come to.
 * @given: the last change was upward.
 * @turns: changes of direction.
 * @flagged: it was called uncooperative at some time.
 */
struct sim_guest {
	enum sim_kind kind;
	uint64_t max;
	uint64_t actual;
	uint64_t resident;
	uint64_t target;
	bool given;
	unsigned int turns;
	bool flagged;
};

/**
 * struct sim - the world
 * @config: the policy's.
 * @state: the policy's.
 * @guest: as they are.
 * @seen: as the policy sees them.
 * @nr: how many.
 * @total: the host's memory.
 * @other: of that, what others than guests use.
 * @psi: the host's pressure; -1: follows from nothing, the kernel does not say.
 * @now_ms: the host's clock.
 * @step_ms: how far it goes in a round.
 * @short_round: the last round in which memory was short.
 * @round: rounds so far.
 * @room: most actions in a decision.
 * @actions: of the last decision.
 * @nr_actions: how many.
 * @taken: bytes asked for in the last decision.
 * @given: bytes given in it.
 * @seed: of all that is random.
 */
struct sim {
	struct pvmem_policy_config config;
	struct pvmem_policy_state state;
	struct sim_guest guest[SIM_GUESTS_MAX];
	struct pvmem_policy_guest seen[SIM_GUESTS_MAX];
	size_t nr;
	uint64_t total;
	uint64_t other;
	int psi;
	uint64_t now_ms;
	int64_t step_ms;
	unsigned int short_round;
	unsigned int round;
	size_t room;
	struct pvmem_policy_action actions[PVMEM_POLICY_ACTIONS * SIM_GUESTS_MAX];
	size_t nr_actions;
	uint64_t taken;
	uint64_t given;
	uint64_t seed;
};

struct sim *sim_new(uint64_t total);
void sim_add(struct sim *sim, enum sim_kind kind, size_t nr, uint64_t bytes);
uint64_t sim_free(const struct sim *sim);
void sim_step(struct sim *sim);
void sim_run(struct sim *sim, unsigned int rounds);
unsigned int sim_run_until_quiet(struct sim *sim, unsigned int quiet, unsigned int most);
uint64_t sim_random(struct sim *sim);

#endif
