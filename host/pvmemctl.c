// SPDX-License-Identifier: GPL-2.0-or-later
/* pvmemctl: the commands. */
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <pvmem/names.h>
#include "ctl.h"

static const struct ctl_column ctl_list_columns[] = {
	{ "domain", "DOMAIN", CTL_TEXT },
	{ "driver", "DRIVER", CTL_TEXT },
	{ "state", "STATE", CTL_TEXT },
	{ "backend", "BACKEND", CTL_TEXT },
	{ "memory", "MEMORY", CTL_BYTES },
	{ "available", "AVAILABLE", CTL_BYTES },
	{ "zswap", "ZSWAP", CTL_TEXT },
	{ "zswapped_bytes", "COMPRESSED", CTL_BYTES },
	{ "zswap_bytes", "TO", CTL_BYTES },
	{ "lazy_pages", "LAZY", CTL_TEXT },
	{ "ptpool_pages", "POOL", CTL_TEXT },
	{ "differs", "DIFFERS", CTL_TEXT },
	{ NULL },
};

static const struct ctl_column ctl_names_columns[] = { { "domain", "", CTL_TEXT }, { NULL } };

static const struct ctl_column ctl_options_columns[] = {
	{ "option", "OPTION", CTL_TEXT },
	{ "live", "LIVE", CTL_TEXT },
	{ "config", "CONFIG", CTL_TEXT },
	{ "guest", "GUEST RUNS", CTL_TEXT },
	{ "unit", "UNIT", CTL_TEXT },
	{ "note", "NOTE", CTL_TEXT },
	{ NULL },
};

static const struct ctl_column ctl_stats_columns[] = {
	{ "name", "NAME", CTL_TEXT }, { "value", "VALUE", CTL_TEXT }, { "unit", "UNIT", CTL_TEXT },
	{ "kind", "KIND", CTL_TEXT }, { "help", "WHAT", CTL_TEXT },   { NULL },
};

static const struct ctl_column ctl_request_columns[] = {
	{ "domain", "DOMAIN", CTL_TEXT },
	{ "request", "REQUEST", CTL_TEXT },
	{ "result", "RESULT", CTL_TEXT },
	{ NULL },
};

static const struct ctl_column ctl_check_columns[] = {
	{ "check", "CHECK", CTL_TEXT },
	{ "result", "RESULT", CTL_TEXT },
	{ NULL },
};

static const struct ctl_column ctl_audit_columns[] = {
	{ "what", "WHAT", CTL_TEXT },	    { "count", "COUNT", CTL_TEXT },   { "frame", "FRAME", CTL_TEXT },
	{ "address", "ADDRESS", CTL_TEXT }, { "other", "ALSO AT", CTL_TEXT }, { NULL },
};

static const struct ctl_column ctl_policy_columns[] = {
	{ "what", "WHAT", CTL_TEXT },
	{ "value", "VALUE", CTL_TEXT },
	{ NULL },
};

static const struct ctl_column ctl_plain_columns[] = { { "text", "", CTL_TEXT }, { NULL } };

/* Shows items and why there are no more; frees both. Returns the exit status. */
static int ctl_finish(const struct ctl_line *line, json_t *items, char *error, const struct ctl_column *columns)
{
	if (json_array_size(items) || !error)
		ctl_print(line, items, columns);
	if (error)
		fprintf(stderr, "pvmemctl: %s\n", error);
	json_decref(items);
	g_free(error);
	return error ? 1 : 0;
}

/* Has the daemon do it, and shows what comes. */
static int ctl_run(const struct ctl_line *line, json_t *message, const struct ctl_column *columns)
{
	char *error = NULL;
	json_t *items = ctl_ask(line, message, &error);

	return ctl_finish(line, items, error, columns);
}

static int ctl_simple(const struct ctl_line *line, const char *command, const struct ctl_column *columns)
{
	return ctl_run(line, ctl_command_message(command, line), columns);
}

static int ctl_list(const struct ctl_line *line)
{
	return ctl_simple(line, "list", line->given >> CTL_NAMES & 1 ? ctl_names_columns : ctl_list_columns);
}

static int ctl_stats(const struct ctl_line *line)
{
	return ctl_simple(line, "stats", ctl_stats_columns);
}

static int ctl_policy(const struct ctl_line *line)
{
	return ctl_simple(line, "policy", ctl_policy_columns);
}

static int ctl_metrics(const struct ctl_line *line)
{
	return ctl_simple(line, "metrics", ctl_plain_columns);
}

static int ctl_refresh(const struct ctl_line *line)
{
	return ctl_simple(line, "refresh", ctl_plain_columns);
}

static int ctl_top(const struct ctl_line *line)
{
	guint64 interval = line->given >> CTL_INTERVAL & 1 ? line->number[CTL_INTERVAL] : 1;
	guint64 left = line->given >> CTL_COUNT & 1 ? line->number[CTL_COUNT] : G_MAXUINT64;
	int status = 0;

	while (!status && left--) {
		/* Home, then the table over the one before, then nothing below it. */
		if (isatty(STDOUT_FILENO))
			fputs("\033[H\033[2J", stdout);
		status = ctl_simple(line, "list", ctl_list_columns);
		if (left)
			sleep(interval);
	}
	return status;
}

/* Leaves out the options a command does not show. */
static json_t *ctl_only(json_t *items, const struct ctl_command *command)
{
	json_t *kept = json_array();
	json_t *item;
	gsize i;

	json_array_foreach(items, i, item) if (g_strv_contains(command->elements,
							       json_string_value(json_object_get(item, "group")) ?: ""))
		json_array_append(kept, item);
	json_decref(items);
	return kept;
}

static json_t *ctl_unset(const struct ctl_line *line, char **error)
{
	const char *name = line->text[CTL_UNSET];
	json_t *unset = json_array();
	gboolean found = !name;
	int i;

	for (i = 0; i < PVMEM_NR_OPTIONS; i++) {
		const struct pvmem_option_info *info = &pvmem_option_infos[i];
		gboolean named = name && (!strcmp(info->attribute, name) || !strcmp(info->name, name));

		if (!g_strv_contains(line->command->elements, info->element) ||
		    (!named && !(line->given >> CTL_RESET & 1)))
			continue;
		found = TRUE;
		json_array_append_new(unset, json_string(info->name));
	}
	if (!found)
		*error = g_strdup_printf("--unset: there is no option '%s' here", name);
	return unset;
}

/* memory-compression and pool: shows options, or changes them and shows them. */
static int ctl_options(const struct ctl_line *line)
{
	g_autofree char *unset_error = NULL;
	char *error = NULL;
	json_t *message, *items, *unset = ctl_unset(line, &unset_error);
	gboolean change = line->set.set || json_array_size(unset);

	if (unset_error || (!change && line->given & (1u << CTL_LIVE | 1u << CTL_CONFIG | 1u << CTL_CURRENT))) {
		fprintf(stderr, "pvmemctl: %s\n",
			unset_error ?: "--live, --config and --current: nothing is to be changed");
		json_decref(unset);
		return 2;
	}
	message = ctl_command_message(change ? "set-options" : "options", line);
	json_object_set_new(message, "set", pvmem_options_to_json(&line->set));
	json_object_set_new(message, "unset", unset);
	json_object_set_new(message, "live", json_boolean(line->given >> CTL_LIVE & 1));
	json_object_set_new(message, "config", json_boolean(line->given >> CTL_CONFIG & 1));
	items = ctl_only(ctl_ask(line, message, &error), line->command);
	return ctl_finish(line, items, error, ctl_options_columns);
}

static int ctl_request(const struct ctl_line *line, const char *what)
{
	json_t *message = ctl_command_message("request", line);

	json_object_set_new(message, "do", json_string(what));
	return ctl_run(line, message, ctl_request_columns);
}

static int ctl_purge(const struct ctl_line *line)
{
	return ctl_request(line, "purge");
}

static int ctl_compact(const struct ctl_line *line)
{
	return ctl_request(line, "compact");
}

static int ctl_pool(const struct ctl_line *line)
{
	return line->given >> CTL_DRAIN & 1 ? ctl_request(line, "drain") : ctl_options(line);
}

static int ctl_audit(const struct ctl_line *line)
{
	json_t *message = ctl_command_message("audit", line);

	json_object_set_new(message, "fix", json_boolean(line->given >> CTL_FIX & 1));
	return ctl_run(line, message, ctl_audit_columns);
}

static int ctl_self_test(const struct ctl_line *line)
{
	char *error = NULL;
	json_t *items = ctl_ask(line, ctl_command_message("ping", line), &error);
	json_t *item;
	gsize i;

	json_array_insert_new(items, 0,
			      json_pack("{s:s, s:s}", "check", "control socket", "result", error ? error : "ok"));
	json_array_foreach(items, i, item) if (!error && g_strcmp0(json_string_value(json_object_get(item, "result")),
								   "ok")) error = g_strdup("not everything is well");
	return ctl_finish(line, items, error, ctl_check_columns);
}

static int ctl_man_command(const struct ctl_line *line)
{
	ctl_man();
	return 0;
}

static int ctl_completion_command(const struct ctl_line *line)
{
	ctl_completion();
	return 0;
}

static const char *const ctl_compression_elements[] = { "memory-compression", NULL };
static const char *const ctl_pool_elements[] = { "pool", "vmap", NULL };

const struct ctl_command ctl_commands[] = {
	{ "list", FALSE, NULL, 1u << CTL_NAMES, "the domains, and how they do",
	  "Lists the domains. DIFFERS is how many options a guest does not run as it was asked.", ctl_list },
	{ "stats", TRUE, NULL, 0, "a domain's counters", "Shows the last report of the guest's agent.", ctl_stats },
	{ "top", FALSE, NULL, 1u << CTL_INTERVAL | 1u << CTL_COUNT, "the same as list, live",
	  "Lists the domains over and over.", ctl_top },
	{ "memory-compression", TRUE, ctl_compression_elements, 1u << CTL_ENABLE | 1u << CTL_DISABLE | CTL_SCOPES,
	  "see or set a domain's memory compression",
	  "Without options shows what is asked and what the guest runs. With options changes what is asked, as\n"
	  "virsh does: --live the running domain, --config its next start, both with both; waits until the\n"
	  "guest has answered, and shows what it runs.",
	  ctl_options },
	{ "pool", TRUE, ctl_pool_elements, 1u << CTL_DRAIN | CTL_SCOPES, "see or set a domain's page-table pool",
	  "The same for the pool of page-table pages and for lazy unmapping.", ctl_pool },
	{ "purge", TRUE, NULL, 0, "have a guest remove its lazy mappings",
	  "Has the guest remove every lazy mapping, and waits until it has.", ctl_purge },
	{ "compact", TRUE, NULL, 0, "have a guest compact its compressed memory",
	  "Has the guest compact its compressed memory, and waits until it has.", ctl_compact },
	{ "audit", TRUE, NULL, 1u << CTL_FIX, "look for aliased and wrongly typed pages from outside the guest",
	  "Walks the guest's kernel page tables in its memory, and tells what they map, which frames are mapped\n"
	  "writable more than once, and whether that agrees with what the guest says of its counters and its\n"
	  "pool, before and after. What is found is looked for again. Fails when something is found.",
	  ctl_audit },
	{ "policy", FALSE, NULL, 0, "what the policy sees and does",
	  "Shows whether the policy is on, what it sees of the host, and what it asked for in its last round.",
	  ctl_policy },
	{ "metrics", FALSE, NULL, 0, "the daemon's metrics", "Prints what Prometheus would get.", ctl_metrics },
	{ "refresh", FALSE, NULL, 0, "have the daemon look at the domains again",
	  "Has the daemon try its connections now, and read every domain again. Does not wait for that.\n"
	  "libvirt's hook does this; nothing depends on it.",
	  ctl_refresh },
	{ "self-test", FALSE, NULL, 0, "whether the daemon is well",
	  "Checks the way to the daemon and the daemon's to its hosts.", ctl_self_test },
	{ "man", FALSE, NULL, 0, "print this program's man page", "Prints pvmemctl(1) as roff.", ctl_man_command },
	{ "completion", FALSE, NULL, 0, "print completion for bash",
	  "Prints a script for bash that completes commands, options, values and domains.", ctl_completion_command },
};

const guint ctl_nr_commands = G_N_ELEMENTS(ctl_commands);

static gboolean ctl_wants_help(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return TRUE;
	return FALSE;
}

int main(int argc, char **argv)
{
	g_autofree char *error = NULL;
	struct ctl_line line;

	setlocale(LC_ALL, "");
	if (argc < 2) {
		ctl_help(stderr);
		return 2;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("pvmemctl " PVMEM_VERSION);
		return 0;
	}
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		ctl_help(stdout);
		return 0;
	}
	if (ctl_command_find(argv[1]) && ctl_wants_help(argc - 1, argv + 1)) {
		ctl_help_command(ctl_command_find(argv[1]), stdout);
		return 0;
	}
	if (!ctl_parse(argc - 1, argv + 1, &line, &error)) {
		fprintf(stderr, "pvmemctl: %s: see pvmemctl %s%s--help\n", error, line.command ? argv[1] : "",
			line.command ? " " : "");
		return 2;
	}
	return line.command->run(&line);
}
