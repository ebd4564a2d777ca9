/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the guest tells the host, in C; encoded by the agent, decoded by the daemon. */
#ifndef PVMEM_COMMON_REPORT_H
#define PVMEM_COMMON_REPORT_H

#include "message.h"

enum pvmem_report_stat {
#define PVMEM_STAT(name, ...) PVMEM_REPORT_##name,
#define PVMEM_GAUGE(name, ...) PVMEM_REPORT_##name,
#include <pvmem/stats.def>
#undef PVMEM_STAT
#undef PVMEM_GAUGE
	PVMEM_REPORT_NR_STATS,
};

enum pvmem_report_memory {
#define PVMEM_MEMORY(name, ...) PVMEM_REPORT_##name,
#include "memory.def"
#undef PVMEM_MEMORY
	PVMEM_REPORT_MEMORY_END,
};

#define PVMEM_REPORT_NR_MEMORY PVMEM_REPORT_MEMORY_END

/* Windows of pvmem.ko's that a report names; it has no more. */
#define PVMEM_REPORT_WINDOWS 64

/* Runs of frames that a result names at most, 21 bytes each; and frames in them. */
#define PVMEM_REPORT_RUNS 512
#define PVMEM_REPORT_FRAMES 4096

/**
 * struct pvmem_report_info - what is known of a reported value
 * @name: on the wire, and in the guest's sysfs.
 * @unit: plural: pages, bytes, calls.
 * @help: what it counts.
 * @counter: it only grows; else it is a state.
 */
struct pvmem_report_info {
	const char *name;
	const char *unit;
	const char *help;
	bool counter;
};

extern const struct pvmem_report_info pvmem_report_stats[PVMEM_REPORT_NR_STATS];
extern const struct pvmem_report_info pvmem_report_memories[PVMEM_REPORT_NR_MEMORY];
extern const char *const pvmem_report_meminfo[PVMEM_REPORT_NR_MEMORY];

/**
 * struct pvmem_report_window - kernel address space that is pvmem.ko's
 * @page: its first address, less the sign extension, in pages.
 * @nr_pages: its length.
 */
struct pvmem_report_window {
	uint64_t page;
	uint64_t nr_pages;
};

/**
 * struct pvmem_report - the guest's counters and state
 * @stats_set: bit N: stats[N] is given.
 * @stats: pvmem.ko's counters and states.
 * @memory_set: bit N: memory[N] is given.
 * @memory: the guest's memory, in bytes.
 * @psi_avg10: share of the last 10 s in which some task waited for memory, in
 *	1/100 percent; -1 when the kernel does not say.
 * @options: what the guest runs, as far as it can be read.
 * @nr_windows: how many.
 * @windows: pvmem.ko's windows.
 */
struct pvmem_report {
	uint64_t stats_set;
	uint64_t stats[PVMEM_REPORT_NR_STATS];
	uint32_t memory_set;
	uint64_t memory[PVMEM_REPORT_NR_MEMORY];
	int psi_avg10;
	struct pvmem_options options;
	size_t nr_windows;
	struct pvmem_report_window windows[PVMEM_REPORT_WINDOWS];
};

/**
 * struct pvmem_result - what came of a configure or request
 * @id: the id it answers.
 * @applied: options the guest now runs as asked.
 * @refused: bit N: option N was refused, for the reason refused_why[N].
 * @refused_why: from the guest; printable.
 * @error: why a request failed; empty when it did not.
 */
struct pvmem_result {
	uint64_t id;
	struct pvmem_options applied;
	uint32_t refused;
	char refused_why[PVMEM_NR_OPTIONS][PVMEM_REASON];
	char error[PVMEM_REASON];
};

/**
 * struct pvmem_report_run - frames that follow each other
 * @first: the first frame's number.
 * @nr: how many.
 */
struct pvmem_report_run {
	uint64_t first;
	uint64_t nr;
};

/**
 * struct pvmem_report_pool - frames that are pinned and idle, as the guest says
 * @complete: all of them are named: there were not too many for a line.
 * @nr_runs: how many.
 * @runs: the frames; at most PVMEM_REPORT_FRAMES of them altogether.
 */
struct pvmem_report_pool {
	bool complete;
	size_t nr_runs;
	struct pvmem_report_run runs[PVMEM_REPORT_RUNS];
};

/**
 * struct pvmem_hello - who the agent is
 * @agent: its version.
 * @boot: the kernel's boot id: changes when the guest reboots.
 * @kernel: the kernel's release.
 * @backend: pvmem.ko's backend; empty without the module.
 */
struct pvmem_hello {
	char agent[32];
	char boot[40];
	char kernel[64];
	char backend[16];
};

json_t *pvmem_report_encode(const struct pvmem_report *report);
int pvmem_report_decode(const json_t *message, struct pvmem_report *report, char reason[PVMEM_REASON]);
json_t *pvmem_result_encode(const struct pvmem_result *result);
int pvmem_result_decode(const json_t *message, struct pvmem_result *result, char reason[PVMEM_REASON]);
void pvmem_options_known(const json_t *json, struct pvmem_options *options, struct pvmem_result *result);
void pvmem_pool_encode(json_t *message, const struct pvmem_report_pool *pool);
int pvmem_pool_decode(const json_t *message, struct pvmem_report_pool *pool, char reason[PVMEM_REASON]);
json_t *pvmem_hello_encode(const struct pvmem_hello *hello);
int pvmem_hello_decode(const json_t *message, struct pvmem_hello *hello, char reason[PVMEM_REASON]);

#endif
