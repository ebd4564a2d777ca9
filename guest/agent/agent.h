/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvmem-agent: tells the host what pvmem.ko and zswap do, and applies what the
 * host asks. One process, one thread of control, no memory that grows.
 */
#ifndef PVMEM_AGENT_H
#define PVMEM_AGENT_H

#include <sys/types.h>
#include <pvmem/names.h>
#include "report.h"

/* What waits to be written; a message that finds no room is dropped. */
#define PVMEM_AGENT_OUT (4 * PVMEM_LINE_MAX)

/* Period of reports until the host gives another one, and what it may give. */
#define PVMEM_REPORT_MS 1000
#define PVMEM_REPORT_MS_MIN 100
#define PVMEM_REPORT_MS_MAX 60000

/* Page-table pages that are pinned and idle, one in a line. */
#define PVMEM_POOL_FRAMES PVMEM_SYSFS "/ptpool_frames"

struct pvmem_transport;

/**
 * struct pvmem_transport_ops - a byte stream to the host
 * @name: for logs.
 * @open: 0 or -errno; called again, every now and then, until it succeeds.
 * @close: ends what open() began.
 * @read: bytes read, -EAGAIN (nothing there), -EPIPE (no host at the other end)
 *	or another -errno, after which it is closed and opened again.
 * @write: the same; may take a part.
 *
 * All of them return at once.
 */
struct pvmem_transport_ops {
	const char *name;
	int (*open)(struct pvmem_transport *transport);
	void (*close)(struct pvmem_transport *transport);
	ssize_t (*read)(struct pvmem_transport *transport, void *data, size_t size);
	ssize_t (*write)(struct pvmem_transport *transport, const void *data, size_t size);
};

/**
 * struct pvmem_transport - an open one
 * @ops: what it is.
 * @fd: to be polled.
 * @store: xenstore's handle.
 */
struct pvmem_transport {
	const struct pvmem_transport_ops *ops;
	int fd;
	void *store;
};

extern const struct pvmem_transport_ops pvmem_virtio;
extern const struct pvmem_transport_ops pvmem_xenstore;

/**
 * struct pvmem_agent - the agent
 * @root: put before every path of /sys and /proc; empty but in tests.
 * @state_file: where the values from before the first change are kept.
 * @transport: the way to the host.
 * @lines: what came from the host.
 * @line_data: its buffer.
 * @out: what goes to the host.
 * @out_len: bytes in it.
 * @report_ms: period of reports.
 * @initial: each option's text from before it was first changed; "" if it was not.
 */
struct pvmem_agent {
	const char *root;
	const char *state_file;
	struct pvmem_transport transport;
	struct pvmem_lines lines;
	char line_data[PVMEM_LINE_MAX];
	char out[PVMEM_AGENT_OUT];
	size_t out_len;
	int report_ms;
	char initial[PVMEM_NR_OPTIONS][PVMEM_OPTION_TEXT];
};

int pvmem_file_read(const struct pvmem_agent *agent, const char *path, char *text, size_t size);
void pvmem_file_explain(const char *path, int err, char reason[PVMEM_REASON]);
int pvmem_file_write(const struct pvmem_agent *agent, const char *path, const char *text);

void pvmem_collect_hello(const struct pvmem_agent *agent, struct pvmem_hello *hello);
void pvmem_collect_report(const struct pvmem_agent *agent, struct pvmem_report *report);
int pvmem_collect_pool(const struct pvmem_agent *agent, struct pvmem_report_pool *pool);

void pvmem_initial_load(struct pvmem_agent *agent);
void pvmem_apply(struct pvmem_agent *agent, const struct pvmem_options *options, struct pvmem_result *result);

void pvmem_session_start(struct pvmem_agent *agent);
void pvmem_session_hello(struct pvmem_agent *agent);
void pvmem_session_report(struct pvmem_agent *agent);
void pvmem_session_take(struct pvmem_agent *agent);

#endif
