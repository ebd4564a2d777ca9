// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The agent against a kernel made of a table: what is asked is applied in an
 * order the kernel accepts, what is refused is told, what is no longer asked
 * goes back to what it was, also across the agent's own death.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <pvmem/names.h>
#include "../../guest/agent/agent.h"

static struct pvmem_agent agent;
static char state_file[] = "/tmp/pvmem-agent-test-XXXXXX";
static char kernel[PVMEM_NR_OPTIONS][PVMEM_OPTION_TEXT];
static int nr_writes, nr_purges;

static const char *const boot_values[PVMEM_NR_OPTIONS] = {
	[PVMEM_OPTION_COMPRESSOR] = "lzo", [PVMEM_OPTION_ZPOOL] = "zbud",    [PVMEM_OPTION_MAX_POOL] = "20",
	[PVMEM_OPTION_ENABLED] = "N",	   [PVMEM_OPTION_POOL_CAP] = "1024", [PVMEM_OPTION_POOL_HIGH] = "256",
	[PVMEM_OPTION_POOL_LOW] = "64",	   [PVMEM_OPTION_POLICY] = "hold",
};

static int kernel_find(const char *path)
{
	int i;

	for (i = 0; i < PVMEM_NR_OPTIONS; i++)
		if (!strcmp(path, pvmem_option_infos[i].file) && *kernel[i])
			return i;
	return -ENOENT;
}

int __wrap_pvmem_file_read(const struct pvmem_agent *self, const char *path, char *text, size_t size);
int __wrap_pvmem_file_write(const struct pvmem_agent *self, const char *path, const char *text);

int __wrap_pvmem_file_read(const struct pvmem_agent *self, const char *path, char *text, size_t size)
{
	int i = kernel_find(path);

	if (i < 0)
		return i;
	snprintf(text, size, "%s", kernel[i]);
	return 0;
}

/* As sysfs.c has it: low <= high <= cap at every moment. */
int __wrap_pvmem_file_write(const struct pvmem_agent *self, const char *path, const char *text)
{
	int i = kernel_find(path);
	long value = atol(text);

	if (!strcmp(path, PVMEM_SYSFS "/purge")) {
		nr_purges++;
		return 0;
	}
	if (!strcmp(path, PVMEM_SYSFS "/ptpool_drain"))
		return -EBUSY;
	if (i < 0)
		return i;
	if ((i == PVMEM_OPTION_POOL_LOW && value > atol(kernel[PVMEM_OPTION_POOL_HIGH])) ||
	    (i == PVMEM_OPTION_POOL_HIGH &&
	     (value < atol(kernel[PVMEM_OPTION_POOL_LOW]) || value > atol(kernel[PVMEM_OPTION_POOL_CAP]))) ||
	    (i == PVMEM_OPTION_POOL_CAP && value < atol(kernel[PVMEM_OPTION_POOL_HIGH])))
		return -ERANGE;
	if (i == PVMEM_OPTION_ZPOOL && !strcmp(text, "pvmem"))
		return -ENOENT;
	if (i == PVMEM_OPTION_COMPRESSOR && !strcmp(text, "842"))
		return 0; /* takes it and stays with the one before */
	strcpy(kernel[i], text);
	nr_writes++;
	return 0;
}

static void agent_start(void)
{
	memset(&agent, 0, sizeof(agent));
	agent.root = "/nowhere";
	agent.state_file = state_file;
	pvmem_initial_load(&agent);
	pvmem_session_start(&agent);
	agent.out_len = 0;
}

static int boot(void **state)
{
	int i;

	unlink(state_file);
	for (i = 0; i < PVMEM_NR_OPTIONS; i++)
		strcpy(kernel[i], boot_values[i] ?: "");
	nr_writes = nr_purges = 0;
	agent_start();
	return 0;
}

/* What the host says; returns the agent's first answer, a new reference. */
static json_t *told(const char *text)
{
	size_t room;
	char *to = pvmem_lines_room(&agent.lines, &room);
	json_t *answer;

	agent.out_len = 0;
	memcpy(to, text, strlen(text));
	pvmem_lines_filled(&agent.lines, strlen(text));
	pvmem_session_take(&agent);
	if (!agent.out_len)
		return NULL;
	answer = json_loadb(agent.out, strchr(agent.out, '\n') - agent.out, 0, NULL);
	assert_non_null(answer);
	return answer;
}

static struct pvmem_result configured(const char *options)
{
	char line[1024], reason[PVMEM_REASON];
	struct pvmem_result result;
	json_t *answer;

	snprintf(line, sizeof(line), "{\"v\":1,\"type\":\"configure\",\"id\":5,\"options\":%s}\n", options);
	answer = told(line);
	assert_int_equal(pvmem_result_decode(answer, &result, reason), 0);
	assert_int_equal(result.id, 5);
	json_decref(answer);
	return result;
}

static void options_are_applied(void **state)
{
	struct pvmem_result result = configured("{\"enabled\":true,\"compressor\":\"zstd\",\"max-pool\":25}");

	assert_int_equal(result.refused, 0);
	assert_string_equal(kernel[PVMEM_OPTION_ENABLED], "Y");
	assert_string_equal(kernel[PVMEM_OPTION_COMPRESSOR], "zstd");
	assert_string_equal(kernel[PVMEM_OPTION_MAX_POOL], "25");
	assert_int_equal(result.applied.value[PVMEM_OPTION_MAX_POOL], 25);
	nr_writes = 0;
	configured("{\"enabled\":true,\"compressor\":\"zstd\",\"max-pool\":25}");
	assert_int_equal(nr_writes, 0);
}

static void limits_move_in_any_order(void **state)
{
	assert_int_equal(configured("{\"pool-low\":2000,\"pool-high\":3000,\"pool-cap\":4000}").refused, 0);
	assert_string_equal(kernel[PVMEM_OPTION_POOL_LOW], "2000");
	assert_string_equal(kernel[PVMEM_OPTION_POOL_CAP], "4000");
	assert_int_equal(configured("{\"pool-low\":1,\"pool-high\":2,\"pool-cap\":3}").refused, 0);
	assert_string_equal(kernel[PVMEM_OPTION_POOL_LOW], "1");
	assert_string_equal(kernel[PVMEM_OPTION_POOL_CAP], "3");
}

static void refusals_are_told(void **state)
{
	struct pvmem_result result =
		configured("{\"enabled\":true,\"zpool\":\"pvmem\",\"lazy-limit\":4096,\"compressor\":\"842\"}");

	assert_int_equal(result.refused,
			 1u << PVMEM_OPTION_ZPOOL | 1u << PVMEM_OPTION_LAZY_LIMIT | 1u << PVMEM_OPTION_COMPRESSOR);
	assert_string_equal(result.refused_why[PVMEM_OPTION_ZPOOL],
			    "the guest's kernel refused pvmem: No such file or directory");
	assert_string_equal(result.refused_why[PVMEM_OPTION_LAZY_LIMIT],
			    "this guest has no " PVMEM_SYSFS "/lazy_limit");
	assert_string_equal(result.refused_why[PVMEM_OPTION_COMPRESSOR], "the guest's kernel took 842 and runs lzo");
	assert_string_equal(kernel[PVMEM_OPTION_ENABLED], "Y");
	assert_int_equal(configured("{\"max-pool\":400}").refused, 1u << PVMEM_OPTION_MAX_POOL);
	assert_string_equal(kernel[PVMEM_OPTION_MAX_POOL], "20");
}

static void what_is_no_longer_asked_goes_back(void **state)
{
	configured("{\"enabled\":true,\"max-pool\":30,\"pool-low\":2000,\"pool-high\":3000,\"pool-cap\":4000}");
	configured("{\"max-pool\":35}");
	assert_string_equal(kernel[PVMEM_OPTION_ENABLED], "N");
	assert_string_equal(kernel[PVMEM_OPTION_MAX_POOL], "35");
	assert_string_equal(kernel[PVMEM_OPTION_POOL_HIGH], "256");
	configured("{}");
	assert_string_equal(kernel[PVMEM_OPTION_MAX_POOL], "20");
	/* What somebody in the guest sets afterwards is none of our business. */
	strcpy(kernel[PVMEM_OPTION_MAX_POOL], "50");
	configured("{}");
	assert_string_equal(kernel[PVMEM_OPTION_MAX_POOL], "50");
}

static void initial_values_outlive_the_agent(void **state)
{
	configured("{\"max-pool\":30}");
	agent_start();
	configured("{\"max-pool\":31}");
	agent_start();
	configured("{}");
	assert_string_equal(kernel[PVMEM_OPTION_MAX_POOL], "20");
}

static void requests_are_obeyed(void **state)
{
	json_t *answer = told("{\"v\":1,\"type\":\"request\",\"id\":9,\"do\":\"purge\"}\n");

	assert_int_equal(nr_purges, 1);
	assert_int_equal(json_integer_value(json_object_get(answer, "id")), 9);
	assert_null(json_object_get(answer, "error"));
	json_decref(answer);
	answer = told("{\"v\":1,\"type\":\"request\",\"id\":10,\"do\":\"compact\"}\n");
	assert_string_equal(json_string_value(json_object_get(answer, "error")),
			    "this guest has no " PVMEM_SYSFS "/compact");
	json_decref(answer);
	answer = told("{\"v\":1,\"type\":\"request\",\"id\":10,\"do\":\"drain\"}\n");
	assert_string_equal(json_string_value(json_object_get(answer, "error")),
			    PVMEM_SYSFS "/ptpool_drain: Device or resource busy");
	json_decref(answer);
	answer = told("{\"v\":1,\"type\":\"request\",\"id\":11,\"do\":\"reboot\"}\n");
	assert_non_null(json_object_get(answer, "error"));
	json_decref(answer);
}

/* A guest whose pool is these frames, in the kernel's lines. */
static void pool_is(char root[], const unsigned long *frames, size_t nr)
{
	char path[300];
	FILE *file;
	size_t i;

	assert_non_null(mkdtemp(root));
	snprintf(path, sizeof(path), "mkdir -p %s" PVMEM_SYSFS, root);
	assert_int_equal(system(path), 0);
	snprintf(path, sizeof(path), "%s" PVMEM_POOL_FRAMES, root);
	file = fopen(path, "w");
	assert_non_null(file);
	for (i = 0; i < nr; i++)
		fprintf(file, "%016lx\n", frames[i]);
	fclose(file);
	agent.root = root;
}

static void pool_is_gone(const char *root)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	assert_int_equal(system(command), 0);
}

/* The answer to the request, which comes after a report. */
static json_t *frames_told(struct pvmem_report_pool *pool)
{
	char reason[PVMEM_REASON], *second;
	json_t *first = told("{\"v\":1,\"type\":\"request\",\"id\":12,\"do\":\"frames\"}\n"), *answer;

	assert_string_equal(json_string_value(json_object_get(first, "type")), "report");
	json_decref(first);
	second = strchr(agent.out, '\n') + 1;
	answer = json_loadb(second, strchr(second, '\n') - second, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(answer, "id")), 12);
	if (!json_object_get(answer, "error"))
		assert_int_equal(pvmem_pool_decode(answer, pool, reason), 0);
	return answer;
}

static void frames_are_named(void **state)
{
	static const unsigned long frames[] = { 0x21, 0x10, 0x11, 0x12, 0x20, 0x11, 0x1234567890 };
	static unsigned long scattered[PVMEM_REPORT_RUNS + 1], many[PVMEM_REPORT_FRAMES + 1];
	char root[] = "/tmp/pvmem-agent-root-XXXXXX", again[] = "/tmp/pvmem-agent-root-XXXXXX";
	char third[] = "/tmp/pvmem-agent-root-XXXXXX";
	struct pvmem_report_pool pool;
	size_t i;

	for (i = 0; i <= PVMEM_REPORT_RUNS; i++)
		scattered[i] = 2 * i;
	for (i = 0; i <= PVMEM_REPORT_FRAMES; i++)
		many[i] = i;
	pool_is(root, frames, sizeof(frames) / sizeof(frames[0]));
	json_decref(frames_told(&pool));
	assert_true(pool.complete);
	assert_int_equal(pool.nr_runs, 3);
	assert_int_equal(pool.runs[0].first, 0x10);
	assert_int_equal(pool.runs[0].nr, 3);
	assert_int_equal(pool.runs[1].first, 0x20);
	assert_int_equal(pool.runs[1].nr, 2);
	assert_int_equal(pool.runs[2].first, 0x1234567890);
	pool_is_gone(root);
	/* More than a line can name. */
	pool_is(again, scattered, PVMEM_REPORT_RUNS + 1);
	json_decref(frames_told(&pool));
	assert_false(pool.complete);
	pool_is_gone(again);
	pool_is(third, many, PVMEM_REPORT_FRAMES + 1);
	json_decref(frames_told(&pool));
	assert_false(pool.complete);
	assert_int_equal(pool.runs[0].nr, PVMEM_REPORT_FRAMES);
	pool_is_gone(third);
}

static void a_guest_without_pool_says_so(void **state)
{
	struct pvmem_report_pool pool;
	json_t *answer = frames_told(&pool);

	assert_string_equal(json_string_value(json_object_get(answer, "error")),
			    "this guest has no " PVMEM_POOL_FRAMES);
	assert_null(json_object_get(answer, "frames"));
	json_decref(answer);
}

static void hello_is_answered(void **state)
{
	json_t *answer = told("{\"v\":1,\"type\":\"hello\"}\n");

	assert_string_equal(json_string_value(json_object_get(answer, "type")), "hello");
	json_decref(answer);
	assert_null(told("nonsense\n{\"v\":9,\"type\":\"request\",\"id\":9,\"do\":\"purge\"}\n"));
	assert_int_equal(nr_purges, 0);
}

static void the_period_is_bounded(void **state)
{
	json_decref(told("{\"v\":1,\"type\":\"configure\",\"id\":1,\"report_ms\":250,\"options\":{}}\n"));
	assert_int_equal(agent.report_ms, 250);
	json_decref(told("{\"v\":1,\"type\":\"configure\",\"id\":1,\"report_ms\":0,\"options\":{}}\n"));
	assert_int_equal(agent.report_ms, 250);
}

static void output_is_bounded(void **state)
{
	size_t len;
	int i;

	for (i = 0; i < 1000; i++)
		pvmem_session_report(&agent);
	len = agent.out_len;
	assert_in_range(len, 1, 2 * PVMEM_LINE_MAX);
	assert_int_equal(agent.out[len - 1], '\n');
	for (i = 0; i < 1000; i++)
		pvmem_session_hello(&agent);
	assert_in_range(agent.out_len, len, sizeof(agent.out));
	assert_int_equal(agent.out[agent.out_len - 1], '\n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(options_are_applied, boot),
		cmocka_unit_test_setup(limits_move_in_any_order, boot),
		cmocka_unit_test_setup(refusals_are_told, boot),
		cmocka_unit_test_setup(what_is_no_longer_asked_goes_back, boot),
		cmocka_unit_test_setup(initial_values_outlive_the_agent, boot),
		cmocka_unit_test_setup(requests_are_obeyed, boot),
		cmocka_unit_test_setup(frames_are_named, boot),
		cmocka_unit_test_setup(a_guest_without_pool_says_so, boot),
		cmocka_unit_test_setup(hello_is_answered, boot),
		cmocka_unit_test_setup(the_period_is_bounded, boot),
		cmocka_unit_test_setup(output_is_bounded, boot),
	};
	int failed;

	close(mkstemp(state_file));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(state_file);
	return failed;
}
