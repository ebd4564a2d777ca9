// SPDX-License-Identifier: GPL-2.0-or-later
/* What holds the daemon together: its parts, its guests, its log. */
#include <gio/gio.h>
#include <stdarg.h>
#include "daemon.h"

static const struct pvmem_driver_ops *const pvmem_drivers[] = {
	&pvmem_driver_directory,
	&pvmem_driver_libvirt,
	&pvmem_driver_xen,
};

/**
 * pvmem_log() - a line in the log
 * @level: how bad.
 * @guest: which guest it is about; NULL: none.
 * @format: like printf(); without newline.
 *
 * To the journal with its fields when that is where stderr goes, else as text.
 */
void pvmem_log(GLogLevelFlags level, const struct pvmem_guest *guest, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	if (guest)
		g_log_structured(G_LOG_DOMAIN, level, "PVMEM_DOMAIN", guest->name, "PVMEM_UUID", guest->uuid, "MESSAGE",
				 "domain %s: %s", guest->name, text);
	else
		g_log_structured(G_LOG_DOMAIN, level, "MESSAGE", "%s", text);
}

/**
 * pvmem_daemon_find() - a guest by its name or uuid
 * @daemon: the daemon.
 * @name: either.
 *
 * Return: the guest, or NULL.
 */
struct pvmem_guest *pvmem_daemon_find(struct pvmem_daemon *daemon, const char *name)
{
	struct pvmem_guest *guest = g_hash_table_lookup(daemon->guests, name);
	GHashTableIter iter;

	if (guest)
		return guest;
	g_hash_table_iter_init(&iter, daemon->guests);
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&guest))
		if (!g_strcmp0(guest->name, name))
			return guest;
	return NULL;
}

static const struct pvmem_driver_ops *pvmem_driver_named(const char *name)
{
	gsize i;

	for (i = 0; i < G_N_ELEMENTS(pvmem_drivers); i++)
		if (!g_strcmp0(pvmem_drivers[i]->name, name))
			return pvmem_drivers[i];
	return NULL;
}

static gboolean pvmem_daemon_drivers(struct pvmem_daemon *daemon, GError **error)
{
	const struct pvmem_driver_ops *ops;
	struct pvmem_driver *driver;
	char **name;

	for (name = daemon->config->drivers; *name; name++) {
		ops = pvmem_driver_named(*name);
		if (!ops) {
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
				    "[daemon] drivers: '%s' is not allowed: libvirt, xen or directory", *name);
			return FALSE;
		}
		driver = ops->start(daemon, error);
		if (!driver) {
			g_prefix_error(error, "driver %s: ", *name);
			return FALSE;
		}
		g_ptr_array_add(daemon->drivers, driver);
		g_ptr_array_add(daemon->driver_ops, (gpointer)ops);
	}
	return TRUE;
}

/**
 * pvmem_daemon_start() - starts everything the configuration names
 * @daemon: with its configuration.
 * @error: why not.
 *
 * Return: whether it runs; if not it must be stopped all the same.
 */
gboolean pvmem_daemon_start(struct pvmem_daemon *daemon, GError **error)
{
	daemon->started_us = g_get_real_time();
	daemon->poller = pvmem_poller_new(G_PRIORITY_DEFAULT);
	daemon->guests = g_hash_table_new(g_str_hash, g_str_equal);
	daemon->drivers = g_ptr_array_new();
	daemon->driver_ops = g_ptr_array_new();
	daemon->control = pvmem_control_start(daemon, error);
	if (!daemon->control)
		return FALSE;
	if (daemon->config->metrics_listen) {
		daemon->metrics = pvmem_metrics_start(daemon, error);
		if (!daemon->metrics)
			return FALSE;
	}
	if (daemon->config->policy.enabled)
		daemon->steer = pvmem_steer_start(daemon);
	return pvmem_daemon_drivers(daemon, error);
}

/**
 * pvmem_daemon_stop() - ends everything, and frees it
 * @daemon: the daemon.
 */
void pvmem_daemon_stop(struct pvmem_daemon *daemon)
{
	struct pvmem_guest *guest;
	GHashTableIter iter;
	guint i;

	/* First those who command: what they ask for is being taken down. */
	pvmem_metrics_stop(daemon->metrics);
	if (daemon->control)
		pvmem_control_stop(daemon->control);
	pvmem_steer_stop(daemon->steer);
	/* A guest of Xen's stands still while it is looked at: it would do so for ever. */
	while (daemon->audits)
		g_main_context_iteration(NULL, TRUE);
	g_hash_table_iter_init(&iter, daemon->guests);
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&guest)) {
		pvmem_guest_gone(guest);
		g_hash_table_iter_init(&iter, daemon->guests);
	}
	for (i = 0; i < daemon->drivers->len; i++) {
		const struct pvmem_driver_ops *ops = g_ptr_array_index(daemon->driver_ops, i);

		ops->stop(g_ptr_array_index(daemon->drivers, i));
	}
	g_ptr_array_unref(daemon->drivers);
	g_ptr_array_unref(daemon->driver_ops);
	g_hash_table_unref(daemon->guests);
	pvmem_poller_free(daemon->poller);
	pvmem_config_free(daemon->config);
}
