// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Streams and buckets: a peer gets its rate and no more, costs no more memory
 * than a line, and may be freed from within its own callback.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "../../host/stream.h"

static const struct pvmem_stream_limits limits = {
	.bytes_per_s = 100000, .bytes_burst = 20000, .lines_per_s = 50, .lines_burst = 10, .out_max = 1000
};

static struct {
	struct pvmem_poller *poller;
	struct pvmem_stream *stream;
	int peer;
	guint lines;
	gsize longest;
	gboolean closed;
	guint free_at;
} it;

static void on_line(void *data, char *line, gsize len)
{
	assert_int_equal(strlen(line), len);
	it.lines++;
	it.longest = MAX(it.longest, len);
	if (it.lines == it.free_at) {
		pvmem_stream_free(it.stream);
		it.stream = NULL;
	}
}

static void on_closed(void *data)
{
	it.closed = TRUE;
	pvmem_stream_free(it.stream);
	it.stream = NULL;
}

static const struct pvmem_stream_ops ops = { .line = on_line, .closed = on_closed };

static int setup(void **state)
{
	int fds[2];

	memset(&it, 0, sizeof(it));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	it.peer = fds[1];
	it.poller = pvmem_poller_new(G_PRIORITY_DEFAULT);
	it.stream = pvmem_stream_new(it.poller, fds[0], &limits, &ops, NULL);
	return 0;
}

static int teardown(void **state)
{
	pvmem_stream_free(it.stream);
	pvmem_poller_free(it.poller);
	close(it.peer);
	return 0;
}

/* Runs the main loop that long, writing @bytes of @text over and over meanwhile. Returns what was written. */
static gsize flood(guint ms, const char *text, gsize len)
{
	gint64 end = g_get_monotonic_time() + ms * 1000ll;
	gsize written = 0;
	gssize got;

	while (g_get_monotonic_time() < end) {
		got = len ? write(it.peer, text, len) : 0;
		written += MAX(got, 0);
		while (g_main_context_iteration(NULL, FALSE))
			;
		g_usleep(1000);
	}
	return written;
}

static void lines_arrive(void **state)
{
	assert_int_equal(write(it.peer, "one\ntwo\nthr", 11), 11);
	flood(20, NULL, 0);
	assert_int_equal(it.lines, 2);
	assert_int_equal(write(it.peer, "ee\n", 3), 3);
	flood(20, NULL, 0);
	assert_int_equal(it.lines, 3);
	assert_int_equal(it.longest, 5);
}

static void line_rate_is_bounded(void **state)
{
	flood(1000, "x\nx\nx\nx\nx\nx\nx\nx\n", 16);
	/* A burst of 10 and 50 a second; pauses cost some. */
	assert_in_range(it.lines, 30, 62);
	assert_true(pvmem_stream_stats(it.stream)->throttled > 0);
}

static void byte_rate_is_bounded(void **state)
{
	static char junk[4096];
	gsize bytes;

	memset(junk, 'x', sizeof(junk));
	flood(1000, junk, sizeof(junk));
	bytes = pvmem_stream_stats(it.stream)->bytes;
	assert_in_range(bytes, 60000, 125000);
	assert_int_equal(it.lines, 0);
	assert_int_equal(pvmem_stream_stats(it.stream)->too_long, 1);
	/* After it, a line is a line again. */
	assert_int_equal(fcntl(it.peer, F_SETFL, 0), 0);
	flood(500, NULL, 0);
	while (write(it.peer, "\nhello\n", 7) != 7)
		;
	flood(3000, NULL, 0);
	assert_int_equal(it.lines, 1);
	assert_int_equal(it.longest, 5);
}

static void output_is_bounded(void **state)
{
	char line[100];
	guint sent;

	memset(line, 'y', sizeof(line));
	line[99] = '\n';
	/* The kernel's buffer takes some, then out_max bytes wait. */
	for (sent = 0; sent < 100000 && !pvmem_stream_send(it.stream, line, sizeof(line)); sent++)
		;
	assert_in_range(sent, 10, 50000);
	assert_int_equal(pvmem_stream_send(it.stream, line, sizeof(line)), -ENOBUFS);
	assert_int_equal(pvmem_stream_stats(it.stream)->unsent, 2);
}

static void output_resumes(void **state)
{
	char line[100], data[4096];
	gsize sent = 0, got = 0;
	gssize len;
	guint i;

	memset(line, 'y', sizeof(line));
	while (!pvmem_stream_send(it.stream, line, sizeof(line)))
		sent += sizeof(line);
	for (i = 0; i < 2000 && got < sent; i++) {
		len = read(it.peer, data, sizeof(data));
		got += MAX(len, 0);
		g_main_context_iteration(NULL, FALSE);
	}
	assert_int_equal(got, sent);
}

static void freed_from_its_callback(void **state)
{
	it.free_at = 2;
	assert_int_equal(write(it.peer, "1\n2\n3\n4\n", 8), 8);
	flood(50, NULL, 0);
	assert_int_equal(it.lines, 2);
	assert_null(it.stream);
}

static void the_end_is_told(void **state)
{
	assert_int_equal(write(it.peer, "last\n", 5), 5);
	shutdown(it.peer, SHUT_WR);
	flood(50, NULL, 0);
	assert_int_equal(it.lines, 1);
	assert_true(it.closed);
}

static void buckets(void **state)
{
	struct pvmem_bucket bucket;
	gint64 now = 1000000;

	pvmem_bucket_init(&bucket, 10, 5, now);
	assert_int_equal(pvmem_bucket_tokens(&bucket, now), 5);
	pvmem_bucket_take(&bucket, 5);
	assert_int_equal(pvmem_bucket_tokens(&bucket, now), 0);
	assert_int_equal(pvmem_bucket_tokens(&bucket, now + 250000), 2);
	assert_int_equal(pvmem_bucket_tokens(&bucket, now + 3600000000ll), 5);
	/* A clock that goes backwards takes nothing below zero. */
	assert_int_equal(pvmem_bucket_tokens(&bucket, now), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_arrive, setup, teardown),
		cmocka_unit_test_setup_teardown(line_rate_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(byte_rate_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(output_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(output_resumes, setup, teardown),
		cmocka_unit_test_setup_teardown(freed_from_its_callback, setup, teardown),
		cmocka_unit_test_setup_teardown(the_end_is_told, setup, teardown),
		cmocka_unit_test(buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
