/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines over a socket, in bounded memory and at a bounded rate. A writer who is
 * too fast is not read from: its own writes block, nobody else's.
 */
#ifndef PVMEM_HOST_STREAM_H
#define PVMEM_HOST_STREAM_H

#include <glib.h>
#include "bucket.h"
#include "message.h"

/**
 * struct pvmem_stream_limits - what the other end may use
 * @bytes_per_s: bytes read a second.
 * @bytes_burst: most at once.
 * @lines_per_s: lines read a second.
 * @lines_burst: most at once.
 * @out_max: most bytes that wait to be written.
 */
struct pvmem_stream_limits {
	guint bytes_per_s;
	guint bytes_burst;
	guint lines_per_s;
	guint lines_burst;
	gsize out_max;
};

/**
 * struct pvmem_stream_ops - what to do with what arrives
 * @line: a line, NUL at its end; may free the stream.
 * @closed: the other end is gone; must free the stream.
 */
struct pvmem_stream_ops {
	void (*line)(void *data, char *line, gsize len);
	void (*closed)(void *data);
};

/**
 * struct pvmem_stream_stats - what has happened
 * @bytes: read.
 * @lines: handed on.
 * @too_long: lines thrown away for their length.
 * @throttled: how often reading stopped for the rate.
 * @unsent: lines that were not written because too much waited.
 */
struct pvmem_stream_stats {
	guint64 bytes;
	guint64 lines;
	guint64 too_long;
	guint64 throttled;
	guint64 unsent;
};

struct pvmem_poller;
struct pvmem_stream;

struct pvmem_poller *pvmem_poller_new(int priority);
void pvmem_poller_free(struct pvmem_poller *poller);

struct pvmem_stream *pvmem_stream_new(struct pvmem_poller *poller, int fd, const struct pvmem_stream_limits *limits,
				      const struct pvmem_stream_ops *ops, void *data);
void pvmem_stream_free(struct pvmem_stream *stream);
int pvmem_stream_send(struct pvmem_stream *stream, const char *bytes, gsize len);
gsize pvmem_stream_unsent(const struct pvmem_stream *stream);
const struct pvmem_stream_stats *pvmem_stream_stats(struct pvmem_stream *stream);

#endif
