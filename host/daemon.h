/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvmemd as a whole. */
#ifndef PVMEM_HOST_DAEMON_H
#define PVMEM_HOST_DAEMON_H

#include <glib.h>
#include "config.h"
#include "driver.h"
#include "guest.h"

struct pvmem_control;
struct pvmem_metrics;
struct pvmem_steer;

/**
 * struct pvmem_daemon - the daemon
 * @config: its configuration.
 * @poller: of the guests' sockets.
 * @guests: every domain known, by uuid; of struct pvmem_guest.
 * @drivers: those that started, of struct pvmem_driver, and @driver_ops of each.
 * @driver_ops: in the same order.
 * @control: the control socket.
 * @metrics: the metrics' listener; NULL when it is off.
 * @steer: the policy at work; NULL when it is off.
 * @audits: looks at guests that are under way, each in a thread of its own.
 * @started_us: wall clock, in microseconds.
 */
struct pvmem_daemon {
	struct pvmem_config *config;
	struct pvmem_poller *poller;
	GHashTable *guests;
	GPtrArray *drivers;
	GPtrArray *driver_ops;
	struct pvmem_control *control;
	struct pvmem_metrics *metrics;
	struct pvmem_steer *steer;
	guint audits;
	gint64 started_us;
};

gboolean pvmem_daemon_start(struct pvmem_daemon *daemon, GError **error);
void pvmem_daemon_stop(struct pvmem_daemon *daemon);
struct pvmem_guest *pvmem_daemon_find(struct pvmem_daemon *daemon, const char *name);

struct pvmem_control *pvmem_control_start(struct pvmem_daemon *daemon, GError **error);
void pvmem_control_stop(struct pvmem_control *control);

struct pvmem_metrics *pvmem_metrics_start(struct pvmem_daemon *daemon, GError **error);
void pvmem_metrics_stop(struct pvmem_metrics *metrics);
GString *pvmem_metrics_text(struct pvmem_daemon *daemon);

struct pvmem_steer *pvmem_steer_start(struct pvmem_daemon *daemon);
void pvmem_steer_stop(struct pvmem_steer *steer);

void pvmem_log(GLogLevelFlags level, const struct pvmem_guest *guest, const char *format, ...) G_GNUC_PRINTF(3, 4);

#endif
