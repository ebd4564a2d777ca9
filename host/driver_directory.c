// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guests of plain QEMU, without libvirt: a directory in which each guest has
 * NAME.sock, the socket QEMU listens on for the agent's channel, and NAME.json,
 * its options. A guest runs while its socket accepts.
 */
#include <gio/gio.h>
#include <string.h>
#include "daemon.h"
#include "options_file.h"

#define PVMEM_SOCKET_SUFFIX ".sock"
#define PVMEM_OPTIONS_SUFFIX ".json"

/* How often guests without connection are tried, in ms. */
#define PVMEM_ATTACH_MS 500

struct pvmem_driver {
	struct pvmem_daemon *daemon;
	GFileMonitor *monitor;
	guint retry;
};

static char *pvmem_directory_path(struct pvmem_driver *driver, const char *name, const char *suffix)
{
	g_autofree char *file = g_strconcat(name, suffix, NULL);

	return g_build_filename(driver->daemon->config->directory, file, NULL);
}

static void pvmem_directory_read_options(struct pvmem_guest *guest)
{
	g_autofree char *path = pvmem_directory_path(guest->driver, guest->name, PVMEM_OPTIONS_SUFFIX);
	struct pvmem_asked asked;

	pvmem_options_file_read(path, &asked);
	pvmem_guest_options(guest, &asked, &asked);
}

static void pvmem_directory_attach(struct pvmem_guest *guest)
{
	g_autofree char *path = pvmem_directory_path(guest->driver, guest->name, PVMEM_SOCKET_SUFFIX);

	if (guest->stream)
		return;
	pvmem_guest_running(guest, !pvmem_guest_attach(guest, path));
}

static void pvmem_directory_closed(struct pvmem_guest *guest)
{
	pvmem_guest_running(guest, FALSE);
}

static struct pvmem_guest *pvmem_directory_guest(struct pvmem_driver *driver, const char *name)
{
	g_autofree char *uuid = g_strconcat("directory:", name, NULL);

	return g_hash_table_lookup(driver->daemon->guests, uuid);
}

static void pvmem_directory_appeared(struct pvmem_driver *driver, const char *name)
{
	g_autofree char *uuid = g_strconcat("directory:", name, NULL);
	struct pvmem_guest *guest = pvmem_directory_guest(driver, name);

	/* It goes into JSON and metrics. */
	if (!g_utf8_validate(name, -1, NULL))
		return;
	if (!guest)
		guest = pvmem_guest_new(driver->daemon, &pvmem_driver_directory, driver, uuid, name);
	pvmem_directory_read_options(guest);
	pvmem_directory_attach(guest);
}

/* What of a file's name is the guest's; NULL when it has another suffix. */
static char *pvmem_directory_name(const char *file, const char *suffix)
{
	return g_str_has_suffix(file, suffix) ? g_strndup(file, strlen(file) - strlen(suffix)) : NULL;
}

static void pvmem_directory_file(struct pvmem_driver *driver, const char *file, gboolean deleted)
{
	g_autofree char *socket = pvmem_directory_name(file, PVMEM_SOCKET_SUFFIX);
	g_autofree char *options = pvmem_directory_name(file, PVMEM_OPTIONS_SUFFIX);
	struct pvmem_guest *guest = NULL;

	if (socket && !deleted)
		pvmem_directory_appeared(driver, socket);
	else if (socket || options)
		guest = pvmem_directory_guest(driver, socket ?: options);
	if (guest && options)
		pvmem_directory_read_options(guest);
	else if (guest)
		pvmem_guest_gone(guest);
}

static void pvmem_directory_changed(GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent event,
				    gpointer data)
{
	g_autofree char *name = g_file_get_basename(file);

	if (event != G_FILE_MONITOR_EVENT_ATTRIBUTE_CHANGED)
		pvmem_directory_file(data, name, event == G_FILE_MONITOR_EVENT_DELETED);
}

static gboolean pvmem_directory_retry(gpointer data)
{
	struct pvmem_driver *driver = data;
	GHashTableIter iter;
	struct pvmem_guest *guest;

	g_hash_table_iter_init(&iter, driver->daemon->guests);
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&guest))
		if (guest->driver == driver)
			pvmem_directory_attach(guest);
	return G_SOURCE_CONTINUE;
}

static struct pvmem_driver *pvmem_directory_start(struct pvmem_daemon *daemon, GError **error)
{
	g_autoptr(GFile) file = g_file_new_for_path(daemon->config->directory);
	g_autoptr(GDir) dir = NULL;
	struct pvmem_driver *driver;
	const char *name;

	g_mkdir_with_parents(daemon->config->directory, 0700);
	dir = g_dir_open(daemon->config->directory, 0, error);
	if (!dir)
		return NULL;
	driver = g_new0(struct pvmem_driver, 1);
	driver->daemon = daemon;
	driver->monitor = g_file_monitor_directory(file, G_FILE_MONITOR_NONE, NULL, error);
	if (!driver->monitor) {
		g_free(driver);
		return NULL;
	}
	g_file_monitor_set_rate_limit(driver->monitor, 100);
	g_signal_connect(driver->monitor, "changed", G_CALLBACK(pvmem_directory_changed), driver);
	driver->retry = g_timeout_add(PVMEM_ATTACH_MS, pvmem_directory_retry, driver);
	while ((name = g_dir_read_name(dir)))
		pvmem_directory_file(driver, name, FALSE);
	return driver;
}

static void pvmem_directory_stop(struct pvmem_driver *driver)
{
	g_source_remove(driver->retry);
	g_object_unref(driver->monitor);
	g_free(driver);
}

static void pvmem_directory_set_options(struct pvmem_guest *guest, guint scopes, const struct pvmem_options *options,
					pvmem_done done, void *data)
{
	g_autofree char *path = pvmem_directory_path(guest->driver, guest->name, PVMEM_OPTIONS_SUFFIX);
	g_autoptr(GError) error = NULL;

	/* One file serves the running guest and its next start. */
	if (!pvmem_options_file_write(path, options, &error)) {
		done(error->message, data);
		return;
	}
	pvmem_directory_read_options(guest);
	done(NULL, data);
}

static const char *pvmem_directory_status(struct pvmem_driver *driver)
{
	return "ok";
}

const struct pvmem_driver_ops pvmem_driver_directory = {
	.name = "directory",
	.start = pvmem_directory_start,
	.stop = pvmem_directory_stop,
	.set_options = pvmem_directory_set_options,
	.closed = pvmem_directory_closed,
	.audit = pvmem_audit_kvm,
	.status = pvmem_directory_status,
	.send = pvmem_guest_stream_send,
};
