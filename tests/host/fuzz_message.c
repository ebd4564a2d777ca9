// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer plays a hostile guest: a byte stream, cut into lines as the daemon
 * cuts it, each parsed and decoded. What decodes must survive being encoded.
 */
#include <stdlib.h>
#include <string.h>
#include "report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int yes)
{
	if (!yes)
		abort();
}

static void fuzz_report(const json_t *message)
{
	struct pvmem_report report, again;
	char reason[PVMEM_REASON];
	json_t *json;

	if (pvmem_report_decode(message, &report, reason))
		return;
	json = pvmem_report_encode(&report);
	must(!pvmem_report_decode(json, &again, reason));
	must(report.stats_set == again.stats_set && report.psi_avg10 == again.psi_avg10);
	must(pvmem_options_equal(&report.options, &again.options));
	json_decref(json);
}

static void fuzz_pool(const json_t *message)
{
	struct pvmem_report_pool pool, again;
	char reason[PVMEM_REASON];
	uint64_t frames = 0;
	json_t *json;
	size_t i;

	if (pvmem_pool_decode(message, &pool, reason))
		return;
	must(pool.nr_runs <= PVMEM_REPORT_RUNS);
	for (i = 0; i < pool.nr_runs; i++)
		frames += pool.runs[i].nr;
	must(frames <= PVMEM_REPORT_FRAMES);
	json = json_object();
	pvmem_pool_encode(json, &pool);
	must(!pvmem_pool_decode(json, &again, reason));
	must(pool.complete == again.complete && pool.nr_runs == again.nr_runs);
	must(!memcmp(pool.runs, again.runs, pool.nr_runs * sizeof(pool.runs[0])));
	json_decref(json);
}

static void fuzz_result(const json_t *message)
{
	struct pvmem_result result, again;
	char reason[PVMEM_REASON];
	json_t *json;

	if (pvmem_result_decode(message, &result, reason))
		return;
	json = pvmem_result_encode(&result);
	must(!pvmem_result_decode(json, &again, reason));
	must(!memcmp(&result, &again, sizeof(result)));
	json_decref(json);
}

static void fuzz_line(const char *line, size_t len)
{
	char reason[PVMEM_REASON];
	struct pvmem_options options;
	struct pvmem_hello hello;
	enum pvmem_message_type type;
	json_t *message;

	if (pvmem_message_parse(line, len, &message, &type, reason))
		return;
	fuzz_report(message);
	fuzz_result(message);
	fuzz_pool(message);
	pvmem_hello_decode(message, &hello, reason);
	pvmem_options_from_json(json_object_get(message, "options"), &options, reason);
	json_decref(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pvmem_lines lines;
	char buffer[512]; /* small, so that the fuzzer reaches its end */
	size_t room, len, step;
	char *to, *line;

	/* The first byte says how many bytes arrive at once. */
	step = size ? data[0] + 1u : 1;
	pvmem_lines_init(&lines, buffer, sizeof(buffer));
	while (size) {
		to = pvmem_lines_room(&lines, &room);
		must(room > 0);
		room = room < step ? room : step;
		room = room < size ? room : size;
		memcpy(to, data, room);
		pvmem_lines_filled(&lines, room);
		data += room;
		size -= room;
		while ((line = pvmem_lines_next(&lines, &len))) {
			must(strlen(line) <= len && len < sizeof(buffer));
			fuzz_line(line, len);
		}
	}
	return 0;
}
