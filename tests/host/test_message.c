// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines and messages: what is well formed gets through, all else is bounded and refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "report.h"

#define LINE 16

/* Feeds @text in pieces of @step bytes and joins the lines that come out by '|'. */
static void cut(const char *text, size_t step, char *out, uint64_t *skipped)
{
	char data[LINE];
	struct pvmem_lines lines;
	size_t left = strlen(text), room, len;
	char *to, *line;

	*out = 0;
	pvmem_lines_init(&lines, data, sizeof(data));
	while (left) {
		to = pvmem_lines_room(&lines, &room);
		assert_true(room > 0);
		if (room > step)
			room = step;
		if (room > left)
			room = left;
		memcpy(to, text, room);
		pvmem_lines_filled(&lines, room);
		text += room;
		left -= room;
		while ((line = pvmem_lines_next(&lines, &len))) {
			assert_int_equal(strlen(line), len);
			strcat(strcat(out, line), "|");
		}
	}
	*skipped = lines.nr_skipped;
}

static void lines_are_cut(void **state)
{
	static const struct {
		const char *in, *out;
		uint64_t skipped;
	} cases[] = {
		{ "one\ntwo\n", "one|two|", 0 },
		{ "\n\n\none\n\n", "one|", 0 },
		{ "123456789012345\nok\n", "123456789012345|ok|", 0 },
		{ "1234567890123456\nok\n", "ok|", 1 },
		{ "12345678901234567890123456789012345678901234567890\nok\n", "ok|", 1 },
		{ "xxxxxxxxxxxxxxxxxxxxxxxx\nyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\nok\n", "ok|", 2 },
		{ "no end", "", 0 },
	};
	char out[100];
	uint64_t skipped;
	size_t i, step;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (step = 1; step <= LINE; step++) {
			cut(cases[i].in, step, out, &skipped);
			assert_string_equal(out, cases[i].out);
			assert_int_equal(skipped, cases[i].skipped);
		}
	}
}

static int parse(const char *line)
{
	char reason[PVMEM_REASON] = "";
	enum pvmem_message_type type;
	json_t *message = NULL;
	int err = pvmem_message_parse(line, strlen(line), &message, &type, reason);

	assert_true(!err == !!message);
	assert_true(!err == !*reason);
	json_decref(message);
	return err;
}

static void messages_are_checked(void **state)
{
	assert_int_equal(parse("{\"v\":1,\"type\":\"hello\"}"), 0);
	assert_int_equal(parse("{\"v\":2,\"type\":\"hello\"}"), -EPROTONOSUPPORT);
	assert_int_equal(parse("{\"v\":1.0,\"type\":\"hello\"}"), -EPROTO);
	assert_int_equal(parse("{\"v\":\"1\",\"type\":\"hello\"}"), -EPROTO);
	assert_int_equal(parse("{\"type\":\"hello\"}"), -EPROTO);
	assert_int_equal(parse("{\"v\":1,\"type\":\"helo\"}"), -EPROTO);
	assert_int_equal(parse("{\"v\":1,\"type\":3}"), -EPROTO);
	assert_int_equal(parse("{\"v\":1,\"v\":1,\"type\":\"hello\"}"), -EPROTO);
	assert_int_equal(parse("{\"v\":1,\"type\":\"hello\",\"n\":99999999999999999999999}"), -EPROTO);
	assert_int_equal(parse("{\"v\":1,\"type\":\"hello\"} x"), -EPROTO);
	assert_int_equal(parse("[1]"), -EPROTO);
	assert_int_equal(parse("hello"), -EPROTO);
	assert_int_equal(parse("\xff\xfe"), -EPROTO);
}

static void depth_is_bounded(void **state)
{
	char line[9000];
	size_t at;

	assert_int_equal(parse("{\"v\":1,\"type\":\"hello\",\"x\":[[[[[1]]]]]}"), 0);
	assert_int_equal(parse("{\"v\":1,\"type\":\"hello\",\"x\":[[[[[[1]]]]]]}"), -EMSGSIZE);
	assert_int_equal(parse("{\"v\":1,\"type\":\"hello\",\"x\":\"[[[[[[[[[[\\\"[[[[[[\"}"), 0);
	at = sprintf(line, "{\"v\":1,\"type\":\"hello\",\"x\":");
	memset(line + at, '[', 4000);
	memset(line + at + 4000, ']', 4000);
	strcpy(line + at + 8000, "}");
	assert_int_equal(parse(line), -EMSGSIZE);
}

static void length_is_bounded(void **state)
{
	char *line = malloc(PVMEM_LINE_MAX + 100);
	json_t *message = pvmem_message_new(PVMEM_MESSAGE_HELLO);
	size_t len;

	memset(line, ' ', PVMEM_LINE_MAX + 100);
	strcpy(line + PVMEM_LINE_MAX + 50, "{\"v\":1,\"type\":\"hello\"}");
	assert_int_equal(parse(line), -EMSGSIZE);
	memset(line, 'x', PVMEM_LINE_MAX);
	line[PVMEM_LINE_MAX] = 0;
	json_object_set_new(message, "x", json_string(line));
	assert_null(pvmem_message_line(message, &len));
	assert_null(pvmem_message_line(NULL, &len));
	json_decref(message);
	free(line);
}

/* Through a line and back. */
static json_t *carried(json_t *message, enum pvmem_message_type expected)
{
	char reason[PVMEM_REASON];
	enum pvmem_message_type type;
	json_t *again = NULL;
	size_t len;
	char *line = pvmem_message_line(message, &len);

	assert_non_null(line);
	assert_int_equal(line[len - 1], '\n');
	assert_ptr_equal(strchr(line, '\n'), line + len - 1);
	assert_int_equal(pvmem_message_parse(line, len - 1, &again, &type, reason), 0);
	assert_int_equal(type, expected);
	free(line);
	json_decref(message);
	return again;
}

static void reports_go_round(void **state)
{
	struct pvmem_report report = { .psi_avg10 = 1234 }, again;
	char reason[PVMEM_REASON];
	json_t *message;
	int i;

	for (i = 0; i < PVMEM_REPORT_NR_STATS; i++)
		report.stats[i] = INT64_MAX - i;
	report.stats_set = (1ull << PVMEM_REPORT_NR_STATS) - 1;
	for (i = 0; i < PVMEM_REPORT_NR_MEMORY; i++)
		report.memory[i] = 1ull << (30 + i);
	report.memory_set = (1u << PVMEM_REPORT_NR_MEMORY) - 1;
	for (i = 0; i < PVMEM_NR_OPTIONS; i++)
		pvmem_options_set(&report.options, i, pvmem_option_infos[i].min);
	report.nr_windows = PVMEM_REPORT_WINDOWS;
	for (i = 0; i < PVMEM_REPORT_WINDOWS; i++)
		report.windows[i] = (struct pvmem_report_window){ (1ull << 45) - 1 - i, 8192 };
	message = carried(pvmem_report_encode(&report), PVMEM_MESSAGE_REPORT);
	memset(&again, 0xff, sizeof(again));
	assert_int_equal(pvmem_report_decode(message, &again, reason), 0);
	assert_memory_equal(&report, &again, sizeof(report));

	json_object_set_new(json_object_get(message, "stats"), "lazy_pages", json_integer(-1));
	assert_int_equal(pvmem_report_decode(message, &again, reason), -EPROTO);
	assert_string_equal(reason, "lazy_pages: not a count");
	json_object_set_new(json_object_get(message, "stats"), "lazy_pages", json_real(1e300));
	assert_int_equal(pvmem_report_decode(message, &again, reason), -EPROTO);
	json_object_del(json_object_get(message, "stats"), "lazy_pages");
	json_object_set_new(json_object_get(message, "stats"), "of the future", json_integer(1));
	json_object_set_new(json_object_get(message, "options"), "zpool", json_string("of the future"));
	assert_int_equal(pvmem_report_decode(message, &again, reason), 0);
	assert_false(again.stats_set & (1ull << PVMEM_REPORT_lazy_pages));
	assert_false(pvmem_options_has(&again.options, PVMEM_OPTION_ZPOOL));
	json_object_set_new(message, "psi_avg10", json_integer(10001));
	assert_int_equal(pvmem_report_decode(message, &again, reason), -EPROTO);
	json_decref(message);
}

static void results_go_round(void **state)
{
	struct pvmem_result result = { .id = 7, .refused = 1u << PVMEM_OPTION_ZPOOL }, again;
	char reason[PVMEM_REASON];
	json_t *message;

	strcpy(result.refused_why[PVMEM_OPTION_ZPOOL], "no such module");
	strcpy(result.error, "half done");
	pvmem_options_set(&result.applied, PVMEM_OPTION_ENABLED, 1);
	message = carried(pvmem_result_encode(&result), PVMEM_MESSAGE_RESULT);
	assert_int_equal(pvmem_result_decode(message, &again, reason), 0);
	assert_memory_equal(&result, &again, sizeof(result));
	json_object_del(message, "id");
	assert_int_equal(pvmem_result_decode(message, &again, reason), -EPROTO);
	json_decref(message);
}

static int pool_error(json_t *frames)
{
	struct pvmem_report_pool pool;
	char reason[PVMEM_REASON];
	json_t *message = json_object();
	int err;

	json_object_set_new(message, "frames", frames);
	err = pvmem_pool_decode(message, &pool, reason);
	json_decref(message);
	return err;
}

static void pools_go_round(void **state)
{
	struct pvmem_report_pool pool = { .complete = true, .nr_runs = PVMEM_REPORT_RUNS }, again;
	struct pvmem_result result = { .id = 7 };
	char reason[PVMEM_REASON];
	json_t *message, *many = json_array();
	int i;

	/* The most there can be fits into a line. */
	for (i = 0; i < PVMEM_REPORT_RUNS; i++)
		pool.runs[i] = (struct pvmem_report_run){ (1ull << 40) + 100 * i,
							  PVMEM_REPORT_FRAMES / PVMEM_REPORT_RUNS };
	message = pvmem_result_encode(&result);
	pvmem_pool_encode(message, &pool);
	message = carried(message, PVMEM_MESSAGE_RESULT);
	assert_int_equal(pvmem_pool_decode(message, &again, reason), 0);
	assert_true(again.complete);
	assert_int_equal(again.nr_runs, pool.nr_runs);
	assert_memory_equal(again.runs, pool.runs, sizeof(pool.runs));
	json_object_set_new(message, "complete", json_integer(1));
	assert_int_equal(pvmem_pool_decode(message, &again, reason), 0);
	assert_false(again.complete);
	json_object_del(message, "frames");
	assert_int_equal(pvmem_pool_decode(message, &again, reason), -ENOENT);
	json_decref(message);

	assert_int_equal(pool_error(json_integer(3)), -EPROTO);
	assert_int_equal(pool_error(json_pack("[[I, I]]", 1ll, -1ll)), -EPROTO);
	assert_int_equal(pool_error(json_pack("[[I]]", 1ll)), -EPROTO);
	assert_int_equal(pool_error(json_pack("[[I, I]]", 1ll, (long long)PVMEM_REPORT_FRAMES)), 0);
	assert_int_equal(pool_error(json_pack("[[I, I], [I, I]]", 1ll, (long long)PVMEM_REPORT_FRAMES, 9ll, 1ll)),
			 -EPROTO);
	assert_int_equal(pool_error(json_pack("[[I, I]]", INT64_MAX - 1ll, 5ll)), -EPROTO);
	for (i = 0; i <= PVMEM_REPORT_RUNS; i++)
		json_array_append_new(many, json_pack("[I, I]", 2ll * i, 1ll));
	assert_int_equal(pool_error(many), -EPROTO);
}

static void foreign_text_is_made_safe(void **state)
{
	struct pvmem_hello hello;
	char reason[PVMEM_REASON];
	json_t *message = json_pack("{s:s, s:s, s:s}", "agent", "\033]0;owned\007", "boot", "b", "kernel",
				    "\xc3\xa4\n");

	assert_int_equal(pvmem_hello_decode(message, &hello, reason), 0);
	assert_string_equal(hello.agent, "?]0;owned?");
	assert_string_equal(hello.kernel, "???");
	assert_string_equal(hello.backend, "");
	json_object_set_new(message, "boot", json_string(""));
	assert_int_equal(pvmem_hello_decode(message, &hello, reason), -EPROTO);
	json_decref(message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_cut),    cmocka_unit_test(messages_are_checked),
		cmocka_unit_test(depth_is_bounded), cmocka_unit_test(length_is_bounded),
		cmocka_unit_test(reports_go_round), cmocka_unit_test(results_go_round),
		cmocka_unit_test(pools_go_round),   cmocka_unit_test(foreign_text_is_made_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
