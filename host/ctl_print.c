// SPDX-License-Identifier: GPL-2.0-or-later
/* Rows as a table or as JSON: the same rows either way. */
#include <stdio.h>
#include <string.h>
#include "ctl.h"

/* In ASCII, whatever the locale: scripts cut these columns. */
static char *ctl_bytes(double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	gsize unit = 0;

	while (bytes >= 1024 && unit + 1 < G_N_ELEMENTS(units)) {
		bytes /= 1024;
		unit++;
	}
	return g_strdup_printf(unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static char *ctl_cell(const json_t *value, enum ctl_kind kind)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return g_strdup(json_string_value(value));
	case JSON_TRUE:
		return g_strdup("yes");
	case JSON_FALSE:
		return g_strdup("no");
	case JSON_INTEGER:
		if (kind == CTL_BYTES)
			return ctl_bytes(json_integer_value(value));
		return g_strdup_printf("%lld", (long long)json_integer_value(value));
	default:
		return g_strdup("-");
	}
}

static gboolean ctl_right(const json_t *items, const char *key)
{
	json_t *item, *value;
	gsize i;

	json_array_foreach((json_t *)items, i, item)
	{
		value = json_object_get(item, key);
		if (value && !json_is_null(value))
			return json_is_integer(value);
	}
	return FALSE;
}

static void ctl_print_cell(const char *text, glong width, gboolean right, gboolean last)
{
	glong pad = width - g_utf8_strlen(text, -1);

	if (right)
		printf("%*s%s%s", (int)MAX(pad, 0), "", text, last ? "\n" : "  ");
	else if (last)
		printf("%s\n", text);
	else
		printf("%s%*s  ", text, (int)MAX(pad, 0), "");
}

static void ctl_print_column_widths(const json_t *items, const struct ctl_column *columns, glong *widths)
{
	json_t *item;
	gsize i, c;

	for (c = 0; columns[c].key; c++) {
		widths[c] = g_utf8_strlen(columns[c].title, -1);
		json_array_foreach((json_t *)items, i, item)
		{
			g_autofree char *text = ctl_cell(json_object_get(item, columns[c].key) ?: json_null(),
							 columns[c].kind);

			widths[c] = MAX(widths[c], g_utf8_strlen(text, -1));
		}
	}
}

static void ctl_print_table(const json_t *items, const struct ctl_column *columns)
{
	glong widths[32];
	json_t *item;
	gsize i, c;

	ctl_print_column_widths(items, columns, widths);
	for (c = 0; columns[c].key && *columns[c].title; c++)
		ctl_print_cell(columns[c].title, widths[c], ctl_right(items, columns[c].key), !columns[c + 1].key);
	json_array_foreach((json_t *)items, i, item)
	{
		for (c = 0; columns[c].key; c++) {
			g_autofree char *text = ctl_cell(json_object_get(item, columns[c].key) ?: json_null(),
							 columns[c].kind);

			ctl_print_cell(text, widths[c], ctl_right(items, columns[c].key), !columns[c + 1].key);
		}
	}
}

/**
 * ctl_print() - shows rows
 * @line: says how.
 * @items: an array of objects.
 * @columns: of a table, in their order; ends with a NULL key. No titles when the first is empty.
 */
void ctl_print(const struct ctl_line *line, const json_t *items, const struct ctl_column *columns)
{
	if (line->given >> CTL_JSON & 1) {
		json_dumpf(items, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		ctl_print_table(items, columns);
	}
	fflush(stdout);
}
