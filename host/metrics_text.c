// SPDX-License-Identifier: GPL-2.0-or-later
/* The metrics in Prometheus's text format, under its naming conventions. */
#include <malloc.h>
#include <unistd.h>
#include "daemon.h"

static void pvmem_metric_head(GString *text, const char *name, const char *type, const char *help)
{
	g_string_append_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value: backslash, quote and newline are escaped. */
static void pvmem_metric_label(GString *text, const char *value)
{
	for (; *value; value++) {
		if (*value == '\n') {
			g_string_append(text, "\\n");
			continue;
		}
		if (*value == '\\' || *value == '"')
			g_string_append_c(text, '\\');
		g_string_append_c(text, *value);
	}
}

static void pvmem_metric_guest(GString *text, const char *name, const struct pvmem_guest *guest, guint64 value)
{
	g_string_append_printf(text, "%s{domain=\"", name);
	pvmem_metric_label(text, guest->name);
	g_string_append_printf(text, "\"} %" G_GUINT64_FORMAT "\n", value);
}

/*
 * A family: its head, and a line for each guest that has a value. Only guests
 * whose reports come in time have values: old ones would look like news.
 */
struct pvmem_family {
	const char *name;
	const char *type;
	const char *help;
	gboolean (*value)(const struct pvmem_guest *guest, int index, guint64 *value);
	int index;
	gboolean always;
};

static void pvmem_metric_family(GString *text, struct pvmem_daemon *daemon, const struct pvmem_family *family)
{
	gint64 now = g_get_monotonic_time();
	const struct pvmem_guest *guest;
	GHashTableIter iter;
	guint64 value;

	pvmem_metric_head(text, family->name, family->type, family->help);
	g_hash_table_iter_init(&iter, daemon->guests);
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&guest))
		if ((family->always || pvmem_guest_reporting(guest, now)) &&
		    family->value(guest, family->index, &value))
			pvmem_metric_guest(text, family->name, guest, value);
}

static gboolean pvmem_value_stat(const struct pvmem_guest *guest, int index, guint64 *value)
{
	*value = guest->report.stats[index];
	return guest->report.stats_set >> index & 1;
}

static gboolean pvmem_value_memory(const struct pvmem_guest *guest, int index, guint64 *value)
{
	*value = guest->report.memory[index];
	return guest->report.memory_set >> index & 1;
}

/* Numbers and switches; a choice has no number that would mean anything. */
static gboolean pvmem_value_option(const struct pvmem_guest *guest, int index, guint64 *value)
{
	*value = guest->report.options.value[index];
	return pvmem_options_has(&guest->report.options, index);
}

static gboolean pvmem_value_up(const struct pvmem_guest *guest, int index, guint64 *value)
{
	*value = pvmem_guest_reporting(guest, g_get_monotonic_time());
	return TRUE;
}

static gboolean pvmem_value_refused(const struct pvmem_guest *guest, int index, guint64 *value)
{
	*value = guest->result_current ? __builtin_popcount(guest->result.refused) : 0;
	return TRUE;
}

static gboolean pvmem_value_rejected(const struct pvmem_guest *guest, int index, guint64 *value)
{
	*value = guest->rejected + (guest->stream ? pvmem_stream_stats(guest->stream)->too_long : 0);
	return TRUE;
}

/* Of sockets; what a domain of xl's writes is not counted: no value is not 0. */
static gboolean pvmem_value_throttled(const struct pvmem_guest *guest, int index, guint64 *value)
{
	*value = guest->stream ? pvmem_stream_stats(guest->stream)->throttled : 0;
	return guest->stream != NULL;
}

static gboolean pvmem_value_bytes(const struct pvmem_guest *guest, int index, guint64 *value)
{
	*value = guest->stream ? pvmem_stream_stats(guest->stream)->bytes : 0;
	return guest->stream != NULL;
}

static void pvmem_metric_info(GString *text, const struct pvmem_report_info *info, int index,
			      gboolean (*value)(const struct pvmem_guest *, int, guint64 *), const char *prefix,
			      struct pvmem_daemon *daemon)
{
	g_autofree char *name = g_strconcat(prefix, info->name, info->counter ? "_total" : "", NULL);
	struct pvmem_family family = { name, info->counter ? "counter" : "gauge", info->help, value, index, FALSE };

	pvmem_metric_family(text, daemon, &family);
}

static void pvmem_metric_options(GString *text, struct pvmem_daemon *daemon)
{
	const struct pvmem_option_info *info;
	int i;

	for (i = 0; i < PVMEM_NR_OPTIONS; i++) {
		g_autofree char *name = NULL;
		struct pvmem_family family = { NULL, "gauge", NULL, pvmem_value_option, i, FALSE };

		info = &pvmem_option_infos[i];
		if (info->type == PVMEM_OPTION_CHOICE)
			continue;
		name = g_strconcat("pvmem_guest_option_", info->name, info->unit ? "_" : "", info->unit ?: "", NULL);
		g_strdelimit(name, "-", '_');
		family.name = name;
		family.help = info->help;
		pvmem_metric_family(text, daemon, &family);
	}
}

static void pvmem_metric_daemon(GString *text, struct pvmem_daemon *daemon)
{
	struct mallinfo2 heap = mallinfo2();

	pvmem_metric_head(text, "pvmem_guests", "gauge", "domains known to the daemon");
	g_string_append_printf(text, "pvmem_guests %u\n", g_hash_table_size(daemon->guests));
	pvmem_metric_head(text, "pvmem_heap_bytes", "gauge", "heap the daemon uses");
	g_string_append_printf(text, "pvmem_heap_bytes %zu\n", heap.uordblks + heap.hblkhd);
	pvmem_metric_head(text, "pvmem_start_time_seconds", "gauge", "when the daemon was started");
	g_string_append_printf(text, "pvmem_start_time_seconds %.3f\n", daemon->started_us / 1e6);
}

/**
 * pvmem_metrics_text() - everything the daemon measures
 * @daemon: the daemon.
 *
 * Return: text, to be freed.
 */
GString *pvmem_metrics_text(struct pvmem_daemon *daemon)
{
	static const struct pvmem_family families[] = {
		{ "pvmem_guest_up", "gauge", "the guest's reports come in time", pvmem_value_up, 0, TRUE },
		{ "pvmem_guest_refused_options", "gauge", "options the guest refused", pvmem_value_refused, 0, TRUE },
		{ "pvmem_guest_rejected_lines_total", "counter", "lines from the guest that were no messages",
		  pvmem_value_rejected, 0, TRUE },
		{ "pvmem_guest_throttled_total", "counter", "how often the guest was not read from for its rate",
		  pvmem_value_throttled, 0, TRUE },
		{ "pvmem_guest_received_bytes_total", "counter", "bytes read from the guest", pvmem_value_bytes, 0,
		  TRUE },
	};
	GString *text = g_string_new(NULL);
	gsize i;

	pvmem_metric_daemon(text, daemon);
	for (i = 0; i < G_N_ELEMENTS(families); i++)
		pvmem_metric_family(text, daemon, &families[i]);
	for (i = 0; i < PVMEM_REPORT_NR_STATS; i++)
		pvmem_metric_info(text, &pvmem_report_stats[i], i, pvmem_value_stat, "pvmem_guest_", daemon);
	for (i = 0; i < PVMEM_REPORT_NR_MEMORY; i++)
		pvmem_metric_info(text, &pvmem_report_memories[i], i, pvmem_value_memory, "pvmem_guest_memory_",
				  daemon);
	pvmem_metric_options(text, daemon);
	return text;
}
