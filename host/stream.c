// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A poller is one source of the main loop, with an epoll set behind it: what
 * the loop does each turn does not grow with the number of guests. A socket is
 * in the set only while its peer may still be read from. One read and its lines
 * a turn, so that no peer keeps the others waiting.
 */
#include <errno.h>
#include <glib-unix.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "stream.h"

/* How long a peer without tokens is left alone, in ms. */
#define PVMEM_PAUSE_MS 100

/* Sockets served in one turn of the main loop. */
#define PVMEM_POLL_EVENTS 64

struct pvmem_poller {
	int fd;
	int priority;
	guint source;
	guint pause_source;
	GQueue paused;	 /* of struct pvmem_stream */
	GPtrArray *dead; /* freed while their callbacks run: destroyed after the turn */
	gboolean busy;
};

struct pvmem_stream {
	struct pvmem_poller *poller;
	int fd;
	guint32 events; /* what the epoll set waits for; 0: not in it */
	gsize out_max;
	const struct pvmem_stream_ops *ops;
	void *data;
	gboolean paused;
	gboolean over; /* read to its end */
	gboolean dead;
	GByteArray *out;
	struct pvmem_bucket bytes;
	struct pvmem_bucket lines;
	struct pvmem_stream_stats stats;
	struct pvmem_lines cutter;
	char line_data[PVMEM_LINE_MAX];
};

static void pvmem_stream_turn(struct pvmem_stream *stream, guint32 events);

static void pvmem_stream_destroy(gpointer data)
{
	struct pvmem_stream *stream = data;

	g_byte_array_unref(stream->out);
	g_free(stream);
}

static void pvmem_poller_turn_end(struct pvmem_poller *poller)
{
	poller->busy = FALSE;
	g_ptr_array_set_size(poller->dead, 0);
}

static gboolean pvmem_poller_ready(gint fd, GIOCondition condition, gpointer data)
{
	struct pvmem_poller *poller = data;
	struct epoll_event events[PVMEM_POLL_EVENTS];
	int i, nr = epoll_wait(fd, events, PVMEM_POLL_EVENTS, 0);

	poller->busy = TRUE;
	for (i = 0; i < nr; i++)
		pvmem_stream_turn(events[i].data.ptr, events[i].events);
	pvmem_poller_turn_end(poller);
	return G_SOURCE_CONTINUE;
}

/**
 * pvmem_poller_new() - a set of streams
 * @priority: of their source in the default main context.
 *
 * Return: the poller.
 */
struct pvmem_poller *pvmem_poller_new(int priority)
{
	struct pvmem_poller *poller = g_new0(struct pvmem_poller, 1);

	poller->fd = epoll_create1(EPOLL_CLOEXEC);
	if (poller->fd < 0)
		g_error("epoll: %s", g_strerror(errno));
	poller->priority = priority;
	poller->dead = g_ptr_array_new_with_free_func(pvmem_stream_destroy);
	poller->source = g_unix_fd_add_full(priority, poller->fd, G_IO_IN, pvmem_poller_ready, poller, NULL);
	return poller;
}

/**
 * pvmem_poller_free() - frees a set
 * @poller: its streams are freed.
 */
void pvmem_poller_free(struct pvmem_poller *poller)
{
	g_source_remove(poller->source);
	if (poller->pause_source)
		g_source_remove(poller->pause_source);
	g_ptr_array_unref(poller->dead);
	close(poller->fd);
	g_free(poller);
}

/* Waits for what the stream is interested in now. Not in the set at all when that is nothing: a hang-up would be told over and over. */
static void pvmem_stream_interest(struct pvmem_stream *stream)
{
	guint32 events = (stream->paused || stream->over ? 0 : EPOLLIN) | (stream->out->len ? EPOLLOUT : 0);
	struct epoll_event event = { .events = events, .data.ptr = stream };

	if (stream->dead || events == stream->events)
		return;
	epoll_ctl(stream->poller->fd,
		  !events	   ? EPOLL_CTL_DEL
		  : stream->events ? EPOLL_CTL_MOD
				   : EPOLL_CTL_ADD,
		  stream->fd, &event);
	stream->events = events;
}

/**
 * pvmem_stream_new() - starts reading lines
 * @poller: the set it belongs to.
 * @fd: a non-blocking socket; the stream's from now on.
 * @limits: what the other end may use.
 * @ops: what to do with what arrives.
 * @data: given to @ops.
 *
 * Return: the stream.
 */
struct pvmem_stream *pvmem_stream_new(struct pvmem_poller *poller, int fd, const struct pvmem_stream_limits *limits,
				      const struct pvmem_stream_ops *ops, void *data)
{
	struct pvmem_stream *stream = g_new0(struct pvmem_stream, 1);
	gint64 now = g_get_monotonic_time();

	stream->poller = poller;
	stream->fd = fd;
	stream->out_max = limits->out_max;
	stream->ops = ops;
	stream->data = data;
	stream->out = g_byte_array_new();
	pvmem_bucket_init(&stream->bytes, limits->bytes_per_s, limits->bytes_burst, now);
	pvmem_bucket_init(&stream->lines, limits->lines_per_s, limits->lines_burst, now);
	pvmem_lines_init(&stream->cutter, stream->line_data, sizeof(stream->line_data));
	pvmem_stream_interest(stream);
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
	if (stream->paused)
		g_queue_remove(&stream->poller->paused, stream);
	close(stream->fd); /* leaves the set with it */
	if (stream->poller->busy)
		g_ptr_array_add(stream->poller->dead, stream);
	else
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

/**
 * pvmem_stream_unsent() - what waits to be written
 * @stream: the stream.
 *
 * Return: bytes.
 */
gsize pvmem_stream_unsent(const struct pvmem_stream *stream)
{
	return stream->out->len;
}

/* Hands out lines while there are tokens. Returns whether more may be read. */
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

/* Those that have tokens again are read from again; the first in the queue has waited longest. */
static gboolean pvmem_poller_resume(gpointer data)
{
	struct pvmem_poller *poller = data;
	guint nr = g_queue_get_length(&poller->paused);
	struct pvmem_stream *stream;
	gboolean more;

	poller->busy = TRUE;
	while (nr-- && (stream = g_queue_pop_head(&poller->paused))) {
		stream->paused = FALSE;
		more = pvmem_stream_lines(stream);
		if (stream->dead)
			continue;
		if (!more || !pvmem_bucket_tokens(&stream->bytes, g_get_monotonic_time())) {
			stream->paused = TRUE;
			g_queue_push_tail(&poller->paused, stream);
		}
		pvmem_stream_interest(stream);
	}
	pvmem_poller_turn_end(poller);
	if (g_queue_get_length(&poller->paused))
		return G_SOURCE_CONTINUE;
	poller->pause_source = 0;
	return G_SOURCE_REMOVE;
}

static void pvmem_stream_pause(struct pvmem_stream *stream)
{
	struct pvmem_poller *poller = stream->poller;

	stream->stats.throttled++;
	stream->paused = TRUE;
	g_queue_push_tail(&poller->paused, stream);
	if (!poller->pause_source)
		poller->pause_source = g_timeout_add_full(poller->priority, PVMEM_PAUSE_MS, pvmem_poller_resume, poller,
							  NULL);
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

static void pvmem_stream_in(struct pvmem_stream *stream)
{
	guint64 most = pvmem_bucket_tokens(&stream->bytes, g_get_monotonic_time());

	if (!most) {
		pvmem_stream_pause(stream);
	} else if (pvmem_stream_read(stream, most)) {
		stream->over = TRUE;
		stream->ops->closed(stream->data);
	} else if (!pvmem_stream_lines(stream) && !stream->dead) {
		pvmem_stream_pause(stream);
	}
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

static void pvmem_stream_turn(struct pvmem_stream *stream, guint32 events)
{
	/* What cannot be written any more is dropped: that it is over is for the reader to find. */
	if (!stream->dead && events & (EPOLLOUT | EPOLLERR) && pvmem_stream_flush(stream))
		g_byte_array_set_size(stream->out, 0);
	if (!stream->dead && !stream->paused && !stream->over && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		pvmem_stream_in(stream);
	pvmem_stream_interest(stream);
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
	if (err)
		g_byte_array_set_size(stream->out, 0);
	pvmem_stream_interest(stream);
	return err;
}
