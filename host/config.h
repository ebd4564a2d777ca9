/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's configuration: pvmemd.conf(5). */
#ifndef PVMEM_HOST_CONFIG_H
#define PVMEM_HOST_CONFIG_H

#include <glib.h>
#include "policy.h"
#include "stream.h"

/**
 * struct pvmem_config - the daemon's configuration
 * @drivers: names of the drivers to use.
 * @control_socket: where pvmemctl connects.
 * @control_group: members may command the daemon beside its own user and root; NULL: nobody else.
 * @report_ms: period of the guests' reports.
 * @libvirt_uri: what to connect to.
 * @directory: of driver directory: NAME.sock and NAME.json of each guest.
 * @xen_directory: NAME.json: the options of each domain of xl's.
 * @metrics_listen: 127.0.0.1:PORT, [::1]:PORT or unix:PATH; NULL: no metrics.
 * @limits: what each guest may use.
 * @policy: how to react to a short host.
 * @pressure: the PSI file the policy goes by.
 */
struct pvmem_config {
	char **drivers;
	char *control_socket;
	char *control_group;
	guint report_ms;
	char *libvirt_uri;
	char *directory;
	char *xen_directory;
	char *metrics_listen;
	struct pvmem_stream_limits limits;
	struct pvmem_policy_config policy;
	char *pressure;
};

struct pvmem_config *pvmem_config_load(const char *path, GError **error);
void pvmem_config_free(struct pvmem_config *config);

#endif
