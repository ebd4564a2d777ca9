// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line. Names are exact: an abbreviation that works today would bind tomorrow's names. */
#include <string.h>
#include "ctl.h"

const struct ctl_flag_info ctl_flag_infos[CTL_NR_FLAGS] = {
	[CTL_JSON] = { "json", NULL, 0, 0, "print JSON: an array of the same rows" },
	[CTL_SOCKET] = { "socket", "PATH", 0, 0, "the daemon's control socket" },
	[CTL_TIMEOUT] = { "timeout", "SECONDS", 1, 60, "how long to wait for the guest (5)" },
	[CTL_NAMES] = { "names", NULL, 0, 0, "nothing but the domains' names" },
	[CTL_INTERVAL] = { "interval", "SECONDS", 1, 3600, "how often to look (1)" },
	[CTL_COUNT] = { "count", "N", 1, 1000000, "end after N times" },
	[CTL_ENABLE] = { "enable", NULL, 0, 0, "compress memory before swapping it" },
	[CTL_DISABLE] = { "disable", NULL, 0, 0, "do not" },
	[CTL_UNSET] = { "unset", "OPTION", 0, 0, "ask for OPTION no more: the guest goes back to its own value" },
	[CTL_RESET] = { "reset", NULL, 0, 0, "the same for all of them" },
	[CTL_LIVE] = { "live", NULL, 0, 0, "change the running domain" },
	[CTL_CONFIG] = { "config", NULL, 0, 0, "change its next start" },
	[CTL_CURRENT] = { "current", NULL, 0, 0,
			  "change the running domain, or its next start when it does not run (default)" },
	[CTL_DRAIN] = { "drain", NULL, 0, 0, "have the guest give its page-table pool back now" },
	[CTL_FIX] = { "fix", NULL, 0, 0, "have the guest purge when something is found, and look again" },
};

/**
 * ctl_command_find() - a command by its name
 * @name: exact.
 *
 * Return: the command, or NULL.
 */
const struct ctl_command *ctl_command_find(const char *name)
{
	guint i;

	for (i = 0; i < ctl_nr_commands; i++)
		if (!strcmp(ctl_commands[i].name, name))
			return &ctl_commands[i];
	return NULL;
}

/**
 * ctl_flags() - every flag a command has
 * @command: the command.
 *
 * Return: a bit each.
 */
guint32 ctl_flags(const struct ctl_command *command)
{
	return command->flags | CTL_COMMON_FLAGS;
}

/**
 * ctl_has_option() - whether a command sets an option of domains by --ATTRIBUTE VALUE
 * @command: the command.
 * @option: the option.
 *
 * Return: whether it does; "enabled" is set by --enable and --disable.
 */
gboolean ctl_has_option(const struct ctl_command *command, int option)
{
	return command->elements && option != PVMEM_OPTION_ENABLED &&
	       g_strv_contains(command->elements, pvmem_option_infos[option].element);
}

/* The value of argv[*at]: after its '=', or the next word. */
static const char *ctl_value(int argc, char **argv, int *at)
{
	const char *equals = strchr(argv[*at], '=');

	if (equals)
		return equals + 1;
	return *at + 1 < argc ? argv[++*at] : NULL;
}

static gboolean ctl_is(const char *word, const char *name)
{
	gsize len = strlen(name);

	return !strncmp(word, "--", 2) && !strncmp(word + 2, name, len) && (!word[2 + len] || word[2 + len] == '=');
}

static gboolean ctl_take_flag(struct ctl_line *line, int flag, const char *value, char **error)
{
	const struct ctl_flag_info *info = &ctl_flag_infos[flag];

	line->given |= 1u << flag;
	line->text[flag] = value;
	if (info->arg && !value)
		*error = g_strdup_printf("--%s: %s is missing", info->name, info->arg);
	else if (info->max && !g_ascii_string_to_unsigned(value, 10, info->min, info->max, &line->number[flag], NULL))
		*error = g_strdup_printf("--%s: '%s' is not allowed: %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
					 info->name, value, info->min, info->max);
	return !*error;
}

static gboolean ctl_take_option(struct ctl_line *line, int option, const char *value, char **error)
{
	char reason[PVMEM_REASON], range[PVMEM_REASON];
	uint64_t parsed;

	if (!value)
		*error = g_strdup_printf("--%s: its value is missing: %s", pvmem_option_infos[option].attribute,
					 pvmem_option_range(option, range));
	else if (pvmem_option_parse(option, value, &parsed, reason))
		*error = g_strdup(reason);
	else
		pvmem_options_set(&line->set, option, parsed);
	return !*error;
}

static gboolean ctl_take(int argc, char **argv, int *at, struct ctl_line *line, char **error)
{
	guint32 flags = ctl_flags(line->command);
	int i;

	if (argv[*at][0] != '-') {
		if (line->command->domain && !line->domain) {
			line->domain = argv[*at];
			return TRUE;
		}
		*error = g_strdup_printf("'%s' is one word too many", argv[*at]);
		return FALSE;
	}
	for (i = 0; i < CTL_NR_FLAGS; i++)
		if (flags >> i & 1 && ctl_is(argv[*at], ctl_flag_infos[i].name) &&
		    (ctl_flag_infos[i].arg || !strchr(argv[*at], '=')))
			return ctl_take_flag(line, i, ctl_flag_infos[i].arg ? ctl_value(argc, argv, at) : NULL, error);
	for (i = 0; i < PVMEM_NR_OPTIONS; i++)
		if (ctl_has_option(line->command, i) && ctl_is(argv[*at], pvmem_option_infos[i].attribute))
			return ctl_take_option(line, i, ctl_value(argc, argv, at), error);
	*error = g_strdup_printf("there is no option '%s'", argv[*at]);
	return FALSE;
}

/* Flags that say opposite things. */
static gboolean ctl_consistent(const struct ctl_line *line, char **error)
{
	guint32 scopes = line->given & (1u << CTL_LIVE | 1u << CTL_CONFIG);

	if (line->command->domain && !line->domain)
		*error = g_strdup("a domain must be named");
	else if (line->given >> CTL_ENABLE & line->given >> CTL_DISABLE & 1)
		*error = g_strdup("--enable and --disable exclude each other");
	else if (line->given >> CTL_CURRENT & 1 && scopes)
		*error = g_strdup("--current excludes --live and --config");
	else if (line->given >> CTL_DRAIN & 1 && (line->set.set || line->given & CTL_SCOPES))
		*error = g_strdup("--drain is done once: it excludes options");
	return !*error;
}

/**
 * ctl_parse() - a command line
 * @argc: number of words, the command the first.
 * @argv: the words; must stay.
 * @line: set.
 * @error: why not, to be freed.
 *
 * Return: whether it is valid.
 */
gboolean ctl_parse(int argc, char **argv, struct ctl_line *line, char **error)
{
	int at;

	*line = (struct ctl_line){ .command = ctl_command_find(argv[0]) };
	*error = line->command ? NULL : g_strdup_printf("there is no command '%s'", argv[0]);
	for (at = 1; at < argc && !*error; at++)
		ctl_take(argc, argv, &at, line, error);
	if (*error || !ctl_consistent(line, error))
		return FALSE;
	if (line->given >> CTL_ENABLE & 1)
		pvmem_options_set(&line->set, PVMEM_OPTION_ENABLED, 1);
	if (line->given >> CTL_DISABLE & 1)
		pvmem_options_set(&line->set, PVMEM_OPTION_ENABLED, 0);
	return TRUE;
}
