// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The socket is watched only while the peer may still be read from. One read
 * and its lines a turn of the main loop, so that no peer keeps the others waiting.
 */
#include <errno.h>
#include <glib-unix.h>
#include <unistd.h>
#include "stream.h"

/* How long a peer without tokens is left alone, in ms. */
#define PVMEM_PAUSE_MS 100

struct pvmem_stream {
	int fd;
	int priority;
	gsize out_max;
	const struct pvmem_stream_ops *ops;
	void *data;
	guint in_source;
	guint out_source;
	guint pause_source;
	GByteArray *out;
	gboolean busy; /* a callback runs: freeing waits */
	gboolean dead;
	struct pvmem_bucket bytes;
	struct pvmem_bucket lines;
	struct pvmem_stream_stats stats;
	struct pvmem_lines cutter;
	char line_data[PVMEM_LINE_MAX];
};

static gboolean pvmem_stream_in(gint fd, GIOCondition condition, gpointer data);
static gboolean pvmem_stream_out(gint fd, GIOCondition condition, gpointer data);

static guint pvmem_stream_watch(struct pvmem_stream *stream, GIOCondition condition, GUnixFDSourceFunc function)
{
	return g_unix_fd_add_full(stream->priority, stream->fd, condition, function, stream, NULL);
}

static void pvmem_source_end(guint *source)
{
	if (*source)
		g_source_remove(*source);
	*source = 0;
}

static void pvmem_stream_destroy(struct pvmem_stream *stream)
{
	g_byte_array_unref(stream->out);
	g_free(stream);
}

/**
 * pvmem_stream_new() - starts reading lines
 * @fd: a non-blocking socket; the stream's from now on.
 * @limits: what the other end may use.
 * @ops: what to do with what arrives.
 * @data: given to @ops.
 * @priority: of its sources in the default main context.
 *
 * Return: the stream.
 */
struct pvmem_stream *pvmem_stream_new(int fd, const struct pvmem_stream_limits *limits,
				      const struct pvmem_stream_ops *ops, void *data, int priority)
{
	struct pvmem_stream *stream = g_new0(struct pvmem_stream, 1);
	gint64 now = g_get_monotonic_time();

	stream->fd = fd;
	stream->priority = priority;
	stream->out_max = limits->out_max;
	stream->ops = ops;
	stream->data = data;
	stream->out = g_byte_array_new();
	pvmem_bucket_init(&stream->bytes, limits->bytes_per_s, limits->bytes_burst, now);
	pvmem_bucket_init(&stream->lines, limits->lines_per_s, limits->lines_burst, now);
	pvmem_lines_init(&stream->cutter, stream->line_data, sizeof(stream->line_data));
	stream->in_source = pvmem_stream_watch(stream, G_IO_IN, pvmem_stream_in);
	return stream;
}

/**
 * pvmem_stream_free() - closes the socket; no callback is called any more
 * @stream: the stream, or NULL.
 */
void pvmem_stream_free(struct pvmem_stream *stream)
{
	if (!stream || stream->dead)
		return;
	stream->dead = TRUE;
	pvmem_source_end(&stream->in_source);
	pvmem_source_end(&stream->out_source);
	pvmem_source_end(&stream->pause_source);
	close(stream->fd);
	if (!stream->busy)
		pvmem_stream_destroy(stream);
}

/**
 * pvmem_stream_stats() - what has happened so far
 * @stream: the stream.
 *
 * Return: counters, as long as the stream lives.
 */
const struct pvmem_stream_stats *pvmem_stream_stats(struct pvmem_stream *stream)
{
	stream->stats.too_long = stream->cutter.nr_skipped;
	return &stream->stats;
}

/* Hands out lines while there are tokens. Returns whether it wants to read more. */
static gboolean pvmem_stream_lines(struct pvmem_stream *stream)
{
	char *line;
	gsize len;

	while (pvmem_bucket_tokens(&stream->lines, g_get_monotonic_time())) {
		line = pvmem_lines_next(&stream->cutter, &len);
		if (!line)
			return TRUE;
		pvmem_bucket_take(&stream->lines, 1);
		stream->stats.lines++;
		stream->ops->line(stream->data, line, len);
		if (stream->dead)
			return FALSE;
	}
	return FALSE;
}

static gboolean pvmem_stream_resume(gpointer data)
{
	struct pvmem_stream *stream = data;
	gboolean more;

	stream->busy = TRUE;
	more = pvmem_stream_lines(stream);
	stream->busy = FALSE;
	if (stream->dead) {
		pvmem_stream_destroy(stream);
		return G_SOURCE_REMOVE;
	}
	if (!more || !pvmem_bucket_tokens(&stream->bytes, g_get_monotonic_time()))
		return G_SOURCE_CONTINUE;
	stream->pause_source = 0;
	stream->in_source = pvmem_stream_watch(stream, G_IO_IN, pvmem_stream_in);
	return G_SOURCE_REMOVE;
}

static gboolean pvmem_stream_pause(struct pvmem_stream *stream)
{
	stream->stats.throttled++;
	stream->in_source = 0;
	stream->pause_source = g_timeout_add_full(stream->priority, PVMEM_PAUSE_MS, pvmem_stream_resume, stream, NULL);
	return G_SOURCE_REMOVE;
}

/* Reads once. 0, or -errno when the stream is over. */
static int pvmem_stream_read(struct pvmem_stream *stream, guint64 most)
{
	gsize room;
	char *to = pvmem_lines_room(&stream->cutter, &room);
	gssize len = read(stream->fd, to, MIN(room, most));

	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!len)
		return -EPIPE;
	pvmem_lines_filled(&stream->cutter, len);
	pvmem_bucket_take(&stream->bytes, len);
	stream->stats.bytes += len;
	return 0;
}

static gboolean pvmem_stream_in(gint fd, GIOCondition condition, gpointer data)
{
	struct pvmem_stream *stream = data;
	guint64 most = pvmem_bucket_tokens(&stream->bytes, g_get_monotonic_time());
	gboolean more = FALSE;
	int err = 0;

	if (!most)
		return pvmem_stream_pause(stream);
	stream->busy = TRUE;
	err = pvmem_stream_read(stream, most);
	if (err) {
		stream->in_source = 0; /* this one: removed by what we return */
		stream->ops->closed(stream->data);
	} else {
		more = pvmem_stream_lines(stream);
	}
	stream->busy = FALSE;
	if (stream->dead) {
		pvmem_stream_destroy(stream);
		return G_SOURCE_REMOVE;
	}
	return more ? G_SOURCE_CONTINUE : pvmem_stream_pause(stream);
}

/* Writes what it can. 0 or -errno. */
static int pvmem_stream_flush(struct pvmem_stream *stream)
{
	gssize len;

	while (stream->out->len) {
		len = write(stream->fd, stream->out->data, stream->out->len);
		if (len < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		g_byte_array_remove_range(stream->out, 0, len);
	}
	return 0;
}

/* An error is left to the reader's side to find. */
static gboolean pvmem_stream_out(gint fd, GIOCondition condition, gpointer data)
{
	struct pvmem_stream *stream = data;

	if (!pvmem_stream_flush(stream) && stream->out->len)
		return G_SOURCE_CONTINUE;
	stream->out_source = 0;
	return G_SOURCE_REMOVE;
}

/**
 * pvmem_stream_send() - writes, now or when there is room
 * @stream: the stream.
 * @bytes: one or more whole lines.
 * @len: their length in bytes.
 *
 * Return: 0, -ENOBUFS (too much waits already: nothing of it is sent), or
 * -errno of the socket.
 */
int pvmem_stream_send(struct pvmem_stream *stream, const char *bytes, gsize len)
{
	int err;

	if (stream->out->len + len > stream->out_max) {
		stream->stats.unsent++;
		return -ENOBUFS;
	}
	g_byte_array_append(stream->out, (const guint8 *)bytes, len);
	err = pvmem_stream_flush(stream);
	if (!err && stream->out->len && !stream->out_source)
		stream->out_source = pvmem_stream_watch(stream, G_IO_OUT, pvmem_stream_out);
	return err;
}
