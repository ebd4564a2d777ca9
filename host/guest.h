/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon knows of a domain, and its talk with the agent in it. Nothing
 * the guest sends makes any of this grow.
 */
#ifndef PVMEM_HOST_GUEST_H
#define PVMEM_HOST_GUEST_H

#include <glib.h>
#include "driver.h"
#include "policy.h"
#include "report.h"
#include "stream.h"

/* Commands that may wait for one guest's answer at a time. */
#define PVMEM_WAITS_MAX 16

/**
 * typedef pvmem_answer - a guest has answered, or did not
 * @guest: the guest.
 * @result: its answer; NULL when there is none.
 * @message: the same as it came, for what few answers have; NULL when there is none.
 * @error: why there is none.
 * @data: the caller's.
 */
typedef void (*pvmem_answer)(struct pvmem_guest *guest, const struct pvmem_result *result, const json_t *message,
			     const char *error, void *data);

/**
 * struct pvmem_asked - options as the host has them
 * @options: what is asked of the guest.
 * @error: why what is kept for the domain is not valid; empty when it is.
 */
struct pvmem_asked {
	struct pvmem_options options;
	char error[PVMEM_REASON];
};

/**
 * struct pvmem_guest - a domain
 * @daemon: who it belongs to.
 * @ops: its driver's.
 * @driver: its driver.
 * @driver_data: the driver's own.
 * @uuid: what it is known by; from the driver.
 * @name: its name; from the driver.
 * @running: it runs.
 * @connected: there is a way to its agent.
 * @agent: an agent has said hello on it.
 * @live: options of the running guest.
 * @config: options of its next start.
 * @hello: who the agent is.
 * @report: its last report.
 * @report_us: when that came, by the monotonic clock; 0: never.
 * @nr_reports: how many came.
 * @result: what came of the last configure.
 * @result_current: that result answers the options as they are now.
 * @configure_id: id of the configure under way; 0: none.
 * @configure_us: when it was sent.
 * @next_id: of the next message that wants an answer.
 * @waits: who waits for an answer; of struct pvmem_wait.
 * @rejected: lines that were no messages.
 * @rejected_why: the last reason.
 * @log: lines in the log that the guest may still cause.
 * @stream: its channel, for drivers whose channels are sockets.
 * @policy: what the policy sees and remembers of it.
 * @machine: what its driver audits it by: QEMU's process, or Xen's number of the domain; 0: unknown.
 * @memory_bytes: memory it was started with, as the driver says; 0: unknown.
 * @actual_bytes: memory its balloon leaves it, as the driver says; 0: unknown.
 * @steered_pool: percent of memory the policy lets its compressed pages take; 0: what its option says.
 */
struct pvmem_guest {
	struct pvmem_daemon *daemon;
	const struct pvmem_driver_ops *ops;
	struct pvmem_driver *driver;
	void *driver_data;
	char *uuid;
	char *name;
	gboolean running;
	gboolean connected;
	gboolean agent;
	struct pvmem_asked live;
	struct pvmem_asked config;
	struct pvmem_hello hello;
	struct pvmem_report report;
	gint64 report_us;
	guint64 nr_reports;
	struct pvmem_result result;
	gboolean result_current;
	guint64 configure_id;
	gint64 configure_us;
	guint64 next_id;
	GQueue waits;
	guint64 rejected;
	char rejected_why[PVMEM_REASON];
	struct pvmem_bucket log;
	struct pvmem_stream *stream;
	struct pvmem_policy_guest policy;
	int machine;
	guint64 memory_bytes;
	guint64 actual_bytes;
	guint steered_pool;
};

/* For drivers. */
struct pvmem_guest *pvmem_guest_new(struct pvmem_daemon *daemon, const struct pvmem_driver_ops *ops,
				    struct pvmem_driver *driver, const char *uuid, const char *name);
void pvmem_guest_gone(struct pvmem_guest *guest);
void pvmem_guest_running(struct pvmem_guest *guest, gboolean running);
void pvmem_guest_options(struct pvmem_guest *guest, const struct pvmem_asked *live, const struct pvmem_asked *config);
void pvmem_guest_connected(struct pvmem_guest *guest, gboolean connected);
void pvmem_guest_agent_gone(struct pvmem_guest *guest);
void pvmem_guest_line(struct pvmem_guest *guest, const char *line, gsize len);
int pvmem_guest_attach(struct pvmem_guest *guest, const char *path);
void pvmem_guest_detach(struct pvmem_guest *guest);
int pvmem_guest_stream_send(struct pvmem_guest *guest, const char *bytes, gsize len);

/* For the rest of the daemon. */
void pvmem_guest_tick(struct pvmem_guest *guest, gint64 now_us);
gboolean pvmem_guest_reporting(const struct pvmem_guest *guest, gint64 now_us);
void pvmem_guest_request(struct pvmem_guest *guest, const char *what, guint timeout_ms, pvmem_answer answer,
			 void *data);
void pvmem_guest_wait_configured(struct pvmem_guest *guest, guint timeout_ms, pvmem_answer answer, void *data);
void pvmem_guest_steer_pool(struct pvmem_guest *guest, guint percent);
const char *pvmem_guest_state(const struct pvmem_guest *guest, gint64 now_us);

#endif
