// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reports, results and hellos, to and from JSON. A decoder fills fixed-size
 * structures: it takes the members it knows and passes over the others, so that
 * a newer guest can say more and a hostile one can make nothing grow.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "report.h"

const struct pvmem_report_info pvmem_report_stats[PVMEM_REPORT_NR_STATS] = {
#define PVMEM_STAT(name, unit, help) { #name, unit, help, true },
#define PVMEM_GAUGE(name, unit, help) { #name, unit, help, false },
#include <pvmem/stats.def>
#undef PVMEM_STAT
#undef PVMEM_GAUGE
};

const struct pvmem_report_info pvmem_report_memories[PVMEM_REPORT_NR_MEMORY] = {
#define PVMEM_MEMORY(name, line, help) { #name, "bytes", help, false },
#include "memory.def"
#undef PVMEM_MEMORY
};

/* The lines of /proc/meminfo they come from. */
const char *const pvmem_report_meminfo[PVMEM_REPORT_NR_MEMORY] = {
#define PVMEM_MEMORY(name, line, help) line,
#include "memory.def"
#undef PVMEM_MEMORY
};

_Static_assert(PVMEM_REPORT_NR_STATS <= 64, "stats_set has a bit for each");
_Static_assert(PVMEM_NR_OPTIONS <= 32, "options have a bit each");

/* 100 % in 1/100 percent. */
#define PVMEM_PSI_MAX 10000

static json_t *pvmem_values_encode(const struct pvmem_report_info *infos, size_t nr, uint64_t set,
				   const uint64_t *value)
{
	json_t *json = json_object();
	size_t i;

	for (i = 0; i < nr; i++)
		if (set & (1ull << i))
			json_object_set_new(json, infos[i].name, json_integer((json_int_t)value[i]));
	return json;
}

static int pvmem_values_decode(const json_t *json, const struct pvmem_report_info *infos, size_t nr, uint64_t *set,
			       uint64_t *value, char reason[PVMEM_REASON])
{
	size_t i;
	int err;

	*set = 0;
	for (i = 0; i < nr; i++) {
		err = pvmem_json_u64(json, infos[i].name, &value[i]);
		if (err == -EPROTO) {
			snprintf(reason, PVMEM_REASON, "%s: not a count", infos[i].name);
			return err;
		}
		*set |= (uint64_t)!err << i;
	}
	return 0;
}

static void pvmem_pair_append(json_t *array, uint64_t first, uint64_t second)
{
	json_array_append_new(array, json_pack("[I, I]", (json_int_t)first, (json_int_t)second));
}

/* An element [first, second] of an array; 0 or -EPROTO. */
static int pvmem_pair_decode(const json_t *array, size_t at, uint64_t *first, uint64_t *second)
{
	json_int_t a, b;

	if (json_unpack(json_array_get(array, at), "[I, I]", &a, &b) || a < 0 || b < 0)
		return -EPROTO;
	*first = a;
	*second = b;
	return 0;
}

/* [[page, pages], ...] */
static json_t *pvmem_windows_encode(const struct pvmem_report *report)
{
	json_t *json = json_array();
	size_t i;

	for (i = 0; i < report->nr_windows; i++)
		pvmem_pair_append(json, report->windows[i].page, report->windows[i].nr_pages);
	return json;
}

static int pvmem_windows_decode(const json_t *json, struct pvmem_report *report, char reason[PVMEM_REASON])
{
	size_t i, nr = json_array_size(json);

	for (i = 0; i < nr && i < PVMEM_REPORT_WINDOWS; i++) {
		if (pvmem_pair_decode(json, i, &report->windows[i].page, &report->windows[i].nr_pages)) {
			snprintf(reason, PVMEM_REASON, "windows: not pairs of counts");
			return -EPROTO;
		}
	}
	report->nr_windows = i;
	return 0;
}

/**
 * pvmem_pool_encode() - adds the pool's frames to a message
 * @message: a result; gets "frames" ([[first, frames], ...]) and "complete".
 * @pool: the frames.
 */
void pvmem_pool_encode(json_t *message, const struct pvmem_report_pool *pool)
{
	json_t *json = json_array();
	size_t i;

	for (i = 0; i < pool->nr_runs; i++)
		pvmem_pair_append(json, pool->runs[i].first, pool->runs[i].nr);
	json_object_set_new(message, "frames", json);
	json_object_set_new(message, "complete", json_boolean(pool->complete));
}

/**
 * pvmem_pool_decode() - the pool's frames from a message
 * @message: of type result.
 * @pool: filled; of no use when this fails.
 * @reason: why not.
 *
 * Return: 0, -ENOENT (it names none, and does not say that there are none), -EPROTO.
 */
int pvmem_pool_decode(const json_t *message, struct pvmem_report_pool *pool, char reason[PVMEM_REASON])
{
	const json_t *json = json_object_get(message, "frames");
	uint64_t first, nr, left = PVMEM_REPORT_FRAMES;
	size_t i;

	if (!json_is_array(json)) {
		snprintf(reason, PVMEM_REASON, "frames: not a list");
		return json ? -EPROTO : -ENOENT;
	}
	if (json_array_size(json) > PVMEM_REPORT_RUNS) {
		snprintf(reason, PVMEM_REASON, "frames: more than %d runs", PVMEM_REPORT_RUNS);
		return -EPROTO;
	}
	for (i = 0; i < json_array_size(json); i++) {
		if (pvmem_pair_decode(json, i, &first, &nr) || nr > left || first > INT64_MAX - nr) {
			snprintf(reason, PVMEM_REASON, "frames: not at most %d frames, in pairs of counts",
				 PVMEM_REPORT_FRAMES);
			return -EPROTO;
		}
		pool->runs[i] = (struct pvmem_report_run){ first, nr };
		left -= nr;
	}
	pool->nr_runs = i;
	pool->complete = json_is_true(json_object_get(message, "complete"));
	return 0;
}

/**
 * pvmem_report_encode() - a report as a message
 * @report: the report.
 *
 * Return: a new reference; NULL without memory.
 */
json_t *pvmem_report_encode(const struct pvmem_report *report)
{
	json_t *json = pvmem_message_new(PVMEM_MESSAGE_REPORT);

	json_object_set_new(json, "stats",
			    pvmem_values_encode(pvmem_report_stats, PVMEM_REPORT_NR_STATS, report->stats_set,
						report->stats));
	json_object_set_new(json, "memory",
			    pvmem_values_encode(pvmem_report_memories, PVMEM_REPORT_NR_MEMORY, report->memory_set,
						report->memory));
	if (report->psi_avg10 >= 0)
		json_object_set_new(json, "psi_avg10", json_integer(report->psi_avg10));
	json_object_set_new(json, "options", pvmem_options_to_json(&report->options));
	json_object_set_new(json, "windows", pvmem_windows_encode(report));
	return json;
}

/**
 * pvmem_options_known() - options of an object, one by one
 * @json: an object; what runs, or what is asked, in a peer that may be newer.
 * @options: set to those that are known, with values that are.
 * @result: those with other values are refused in it; NULL: they are passed over.
 */
void pvmem_options_known(const json_t *json, struct pvmem_options *options, struct pvmem_result *result)
{
	char reason[PVMEM_REASON];
	uint64_t value;
	json_t *member;
	int i;

	*options = (struct pvmem_options){ 0 };
	for (i = 0; i < PVMEM_NR_OPTIONS; i++) {
		member = json_object_get(json, pvmem_option_infos[i].name);
		if (!member)
			continue;
		if (!pvmem_option_from_json(i, member, &value, reason)) {
			pvmem_options_set(options, i, value);
		} else if (result) {
			result->refused |= 1u << i;
			pvmem_text_copy(result->refused_why[i], PVMEM_REASON, reason);
		}
	}
}

/**
 * pvmem_report_decode() - a report from a message
 * @message: of type report.
 * @report: set on success only.
 * @reason: why not.
 *
 * Return: 0 or -EPROTO.
 */
int pvmem_report_decode(const json_t *message, struct pvmem_report *report, char reason[PVMEM_REASON])
{
	struct pvmem_report decoded = { 0 };
	uint64_t memory_set, psi;
	int err;

	err = pvmem_values_decode(json_object_get(message, "stats"), pvmem_report_stats, PVMEM_REPORT_NR_STATS,
				  &decoded.stats_set, decoded.stats, reason);
	if (err)
		return err;
	err = pvmem_values_decode(json_object_get(message, "memory"), pvmem_report_memories, PVMEM_REPORT_NR_MEMORY,
				  &memory_set, decoded.memory, reason);
	if (err)
		return err;
	decoded.memory_set = memory_set;
	err = pvmem_json_u64(message, "psi_avg10", &psi);
	if (err == -EPROTO || (!err && psi > PVMEM_PSI_MAX)) {
		snprintf(reason, PVMEM_REASON, "psi_avg10: not 0 to %d", PVMEM_PSI_MAX);
		return -EPROTO;
	}
	decoded.psi_avg10 = err ? -1 : (int)psi;
	err = pvmem_windows_decode(json_object_get(message, "windows"), &decoded, reason);
	if (err)
		return err;
	pvmem_options_known(json_object_get(message, "options"), &decoded.options, NULL);
	*report = decoded;
	return 0;
}

/**
 * pvmem_result_encode() - a result as a message
 * @result: the result.
 *
 * Return: a new reference; NULL without memory.
 */
json_t *pvmem_result_encode(const struct pvmem_result *result)
{
	json_t *json = pvmem_message_new(PVMEM_MESSAGE_RESULT);
	json_t *refused = json_object();
	int i;

	for (i = 0; i < PVMEM_NR_OPTIONS; i++)
		if (result->refused & (1u << i))
			json_object_set_new(refused, pvmem_option_infos[i].name, json_string(result->refused_why[i]));
	json_object_set_new(json, "id", json_integer((json_int_t)result->id));
	json_object_set_new(json, "applied", pvmem_options_to_json(&result->applied));
	json_object_set_new(json, "refused", refused);
	if (*result->error)
		json_object_set_new(json, "error", json_string(result->error));
	return json;
}

/**
 * pvmem_result_decode() - a result from a message
 * @message: of type result.
 * @result: set on success only.
 * @reason: why not.
 *
 * Return: 0 or -EPROTO.
 */
int pvmem_result_decode(const json_t *message, struct pvmem_result *result, char reason[PVMEM_REASON])
{
	struct pvmem_result decoded = { 0 };
	const json_t *refused = json_object_get(message, "refused");
	const char *why;
	int i;

	if (pvmem_json_u64(message, "id", &decoded.id)) {
		snprintf(reason, PVMEM_REASON, "id: not a count");
		return -EPROTO;
	}
	pvmem_options_known(json_object_get(message, "applied"), &decoded.applied, NULL);
	for (i = 0; i < PVMEM_NR_OPTIONS; i++) {
		why = json_string_value(json_object_get(refused, pvmem_option_infos[i].name));
		if (!why)
			continue;
		decoded.refused |= 1u << i;
		pvmem_text_copy(decoded.refused_why[i], PVMEM_REASON, why);
	}
	pvmem_text_copy(decoded.error, PVMEM_REASON, json_string_value(json_object_get(message, "error")));
	*result = decoded;
	return 0;
}

/**
 * pvmem_hello_encode() - a hello as a message
 * @hello: the hello.
 *
 * Return: a new reference; NULL without memory.
 */
json_t *pvmem_hello_encode(const struct pvmem_hello *hello)
{
	json_t *json = pvmem_message_new(PVMEM_MESSAGE_HELLO);

	json_object_set_new(json, "agent", json_string(hello->agent));
	json_object_set_new(json, "boot", json_string(hello->boot));
	json_object_set_new(json, "kernel", json_string(hello->kernel));
	json_object_set_new(json, "backend", json_string(hello->backend));
	return json;
}

/**
 * pvmem_hello_decode() - a guest's hello from a message
 * @message: of type hello.
 * @hello: set on success only; its texts are printable.
 * @reason: why not.
 *
 * Return: 0 or -EPROTO.
 */
int pvmem_hello_decode(const json_t *message, struct pvmem_hello *hello, char reason[PVMEM_REASON])
{
	const char *agent = json_string_value(json_object_get(message, "agent"));
	const char *boot = json_string_value(json_object_get(message, "boot"));

	if (!agent || !boot || !*boot) {
		snprintf(reason, PVMEM_REASON, "hello without agent or boot");
		return -EPROTO;
	}
	pvmem_text_copy(hello->agent, sizeof(hello->agent), agent);
	pvmem_text_copy(hello->boot, sizeof(hello->boot), boot);
	pvmem_text_copy(hello->kernel, sizeof(hello->kernel), json_string_value(json_object_get(message, "kernel")));
	pvmem_text_copy(hello->backend, sizeof(hello->backend), json_string_value(json_object_get(message, "backend")));
	return 0;
}
