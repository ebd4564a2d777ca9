// SPDX-License-Identifier: GPL-2.0-or-later
/* pvmemd: its command line and main loop. */
#include <gio/gio.h>
#include <glib-unix.h>
#include <locale.h>
#include <pvmem/names.h>
#include <stdio.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include "daemon.h"

#define PVMEM_SYSTEM_CONFIG "/etc/pvmem/pvmemd.conf"

/* How often time is said to have passed, in ms. */
#define PVMEM_TICK_MS 500

static gboolean pvmem_tick(gpointer data)
{
	struct pvmem_daemon *daemon = data;
	gint64 now = g_get_monotonic_time();
	struct pvmem_guest *guest;
	GHashTableIter iter;

	g_hash_table_iter_init(&iter, daemon->guests);
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&guest))
		pvmem_guest_tick(guest, now);
	return G_SOURCE_CONTINUE;
}

/* A socket a guest: the usual soft limit of 1,024 would end at some 1,000 guests. */
static void pvmem_raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static gboolean pvmem_end(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

static gboolean pvmem_watchdog(gpointer data)
{
	sd_notify(0, "WATCHDOG=1");
	return G_SOURCE_CONTINUE;
}

static void pvmem_run(struct pvmem_daemon *daemon)
{
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	uint64_t watchdog_us;

	g_unix_signal_add(SIGTERM, pvmem_end, loop);
	g_unix_signal_add(SIGINT, pvmem_end, loop);
	g_timeout_add(PVMEM_TICK_MS, pvmem_tick, daemon);
	if (sd_watchdog_enabled(0, &watchdog_us) > 0)
		g_timeout_add(watchdog_us / 2000, pvmem_watchdog, NULL);
	sd_notify(0, "READY=1");
	g_main_loop_run(loop);
	sd_notify(0, "STOPPING=1");
}

int main(int argc, char **argv)
{
	g_autofree char *path = NULL;
	gboolean version = FALSE, check = FALSE;
	const GOptionEntry entries[] = {
		{ "config", 'c', 0, G_OPTION_ARG_FILENAME, &path,
		  "configuration (" PVMEM_SYSTEM_CONFIG ", if it is there)", "FILE" },
		{ "check", 0, 0, G_OPTION_ARG_NONE, &check, "check the configuration and exit", NULL },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &version, "say the version and exit", NULL },
		{ NULL },
	};
	g_autoptr(GOptionContext) context = g_option_context_new("- watch and steer the memory of guests with pvmem");
	g_autoptr(GError) error = NULL;
	struct pvmem_daemon daemon = { 0 };
	gboolean started;

	setlocale(LC_ALL, "");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error) || argc > 1) {
		fprintf(stderr, "pvmemd: %s: see --help\n", error ? error->message : argv[1]);
		return 2;
	}
	if (version) {
		puts("pvmemd " PVMEM_VERSION);
		return 0;
	}
	if (!path && !access(PVMEM_SYSTEM_CONFIG, R_OK) && !geteuid())
		path = g_strdup(PVMEM_SYSTEM_CONFIG);
	daemon.config = pvmem_config_load(path, &error);
	if (!daemon.config || check) {
		fprintf(stderr, "pvmemd: %s\n", error ? error->message : "the configuration is valid");
		return error ? 2 : 0;
	}
	signal(SIGPIPE, SIG_IGN);
	pvmem_raise_limits();
	started = pvmem_daemon_start(&daemon, &error);
	if (started)
		pvmem_run(&daemon);
	else
		fprintf(stderr, "pvmemd: %s\n", error->message);
	pvmem_daemon_stop(&daemon);
	return started ? 0 : 1;
}
