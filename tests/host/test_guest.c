// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The talk with one guest, over a channel made of a variable: whose answer
 * counts, what is said again, and what a guest cannot make grow.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "../../host/daemon.h"

static struct {
	struct pvmem_daemon daemon;
	struct pvmem_config config;
	struct pvmem_guest *guest;
	guint64 configure_id; /* of the last one sent */
	guint configures;
	guint hellos;
	guint answers;
	guint errors;
	guint logged;
} it;

static int channel_send(struct pvmem_guest *guest, const char *bytes, gsize len)
{
	char reason[PVMEM_REASON];
	enum pvmem_message_type type;
	json_t *message;

	if (len == 1)
		return 0;
	assert_int_equal(pvmem_message_parse(bytes, len, &message, &type, reason), 0);
	if (type == PVMEM_MESSAGE_CONFIGURE) {
		assert_int_equal(pvmem_json_u64(message, "id", &it.configure_id), 0);
		it.configures++;
	}
	it.hellos += type == PVMEM_MESSAGE_HELLO;
	json_decref(message);
	return 0;
}

static const struct pvmem_driver_ops ops = { .name = "variable", .send = channel_send };

static GLogWriterOutput count_line(GLogLevelFlags level, const GLogField *fields, gsize nr_fields, gpointer data)
{
	it.logged++;
	return G_LOG_WRITER_HANDLED;
}

static void says(const char *line)
{
	pvmem_guest_line(it.guest, line, strlen(line));
}

static void says_hello(void)
{
	says("{\"v\":1,\"type\":\"hello\",\"agent\":\"a\",\"boot\":\"b\"}");
}

static void says_result(guint64 id, const char *refused)
{
	g_autofree char *line = g_strdup_printf("{\"v\":1,\"type\":\"result\",\"id\":%" G_GUINT64_FORMAT
						",\"applied\":{},\"refused\":{%s}}",
						id, refused);

	says(line);
}

static void on_answer(struct pvmem_guest *guest, const struct pvmem_result *result, const json_t *message,
		      const char *error, void *data)
{
	it.answers++;
	it.errors += error != NULL;
}

static int setup(void **state)
{
	memset(&it, 0, sizeof(it));
	it.config.report_ms = 1000;
	it.daemon.config = &it.config;
	it.daemon.guests = g_hash_table_new(g_str_hash, g_str_equal);
	it.guest = pvmem_guest_new(&it.daemon, &ops, NULL, "uuid", "name");
	pvmem_guest_running(it.guest, TRUE);
	pvmem_guest_connected(it.guest, TRUE);
	return 0;
}

static int teardown(void **state)
{
	pvmem_guest_gone(it.guest);
	g_hash_table_unref(it.daemon.guests);
	return 0;
}

static void hello_is_answered_with_the_options(void **state)
{
	assert_int_equal(it.hellos, 1);
	assert_int_equal(it.configures, 0);
	says_hello();
	assert_int_equal(it.configures, 1);
	/* However often it says so. */
	says_hello();
	assert_int_equal(it.configures, 1);
}

static void only_the_answer_to_the_last_configure_counts(void **state)
{
	says_hello();
	says_result(it.configure_id + 1, "");
	assert_false(it.guest->result_current);
	says_result(it.configure_id, "\"zpool\":\"no\"");
	assert_true(it.guest->result_current);
	assert_int_equal(it.guest->result.refused, 1u << PVMEM_OPTION_ZPOOL);
	/* Answered is answered. */
	says_result(it.configure_id, "");
	assert_int_equal(it.guest->result.refused, 1u << PVMEM_OPTION_ZPOOL);
}

static void what_is_not_answered_is_sent_again(void **state)
{
	gint64 now = g_get_monotonic_time();

	says_hello();
	pvmem_guest_tick(it.guest, now + G_USEC_PER_SEC);
	assert_int_equal(it.configures, 1);
	pvmem_guest_tick(it.guest, now + 10 * G_USEC_PER_SEC);
	assert_int_equal(it.configures, 2);
	says_result(it.configure_id, "");
	pvmem_guest_tick(it.guest, now + 20 * G_USEC_PER_SEC);
	assert_int_equal(it.configures, 2);
}

static void waits_are_bounded_and_end(void **state)
{
	int i;

	pvmem_guest_request(it.guest, "purge", 1000, on_answer, NULL);
	assert_int_equal(it.errors, 1); /* no agent */
	says_hello();
	for (i = 0; i < PVMEM_WAITS_MAX; i++)
		pvmem_guest_request(it.guest, "purge", 1000, on_answer, NULL);
	assert_int_equal(it.answers, 1);
	pvmem_guest_request(it.guest, "purge", 1000, on_answer, NULL);
	assert_int_equal(it.errors, 2); /* too many */
	says_result(it.configure_id + 1, "");
	assert_int_equal(it.answers, 3);
	assert_int_equal(it.errors, 2);
	pvmem_guest_tick(it.guest, g_get_monotonic_time() + 10 * G_USEC_PER_SEC);
	assert_int_equal(it.answers, PVMEM_WAITS_MAX + 2);
	assert_int_equal(it.errors, PVMEM_WAITS_MAX + 1);
}

/* An agent that comes and goes, refuses everything, and talks nonsense. */
static void the_log_is_bounded(void **state)
{
	int i;

	it.logged = 0;
	for (i = 0; i < 200; i++) {
		says_hello();
		says_result(it.configure_id, "\"zpool\":\"no\",\"max-pool\":\"no\",\"enabled\":\"no\"");
		says("nonsense");
		pvmem_guest_agent_gone(it.guest);
	}
	assert_true(it.logged > 4);
	assert_true(it.logged < 20);
	assert_int_equal(it.guest->rejected, 200);
	assert_int_equal(it.configures, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hello_is_answered_with_the_options, setup, teardown),
		cmocka_unit_test_setup_teardown(only_the_answer_to_the_last_configure_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_answered_is_sent_again, setup, teardown),
		cmocka_unit_test_setup_teardown(waits_are_bounded_and_end, setup, teardown),
		cmocka_unit_test_setup_teardown(the_log_is_bounded, setup, teardown),
	};

	g_log_set_writer_func(count_line, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
