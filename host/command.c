// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the daemon can be commanded to do. An answer is made of items that a
 * client can show as rows of a table as well as JSON objects.
 */
#include <string.h>
#include "command.h"

/* Bytes of metrics an item: a line each would double them, and escaped they must fit into a message. */
#define PVMEM_METRICS_PART 2048

/* Takes one more option to or from a scope, and so on until all are written. */
static void pvmem_set_next(struct pvmem_command *command);

/**
 * pvmem_command_timeout() - how long a command may wait for a guest's answer
 * @command: the command.
 *
 * Return: in ms.
 */
guint pvmem_command_timeout(struct pvmem_command *command)
{
	guint64 timeout_ms;

	if (pvmem_json_u64(command->message, "timeout_ms", &timeout_ms))
		return PVMEM_COMMAND_MS;
	return MIN(timeout_ms, PVMEM_COMMAND_MS_MAX);
}

static json_t *pvmem_json_option(const struct pvmem_options *options, int option)
{
	if (!pvmem_options_has(options, option))
		return json_null();
	return pvmem_option_to_json(option, options->value[option]);
}

static json_t *pvmem_json_stat(const struct pvmem_guest *guest, int stat)
{
	if (!(guest->report.stats_set >> stat & 1))
		return json_null();
	return json_integer((json_int_t)guest->report.stats[stat]);
}

static json_t *pvmem_json_memory(const struct pvmem_guest *guest, int memory)
{
	if (!(guest->report.memory_set >> memory & 1))
		return json_null();
	return json_integer((json_int_t)guest->report.memory[memory]);
}

/* How many options the guest does not run as asked. */
static int pvmem_guest_differences(const struct pvmem_guest *guest)
{
	int i, nr = 0;

	for (i = 0; i < PVMEM_NR_OPTIONS; i++)
		nr += pvmem_options_has(&guest->live.options, i) &&
		      (!pvmem_options_has(&guest->report.options, i) ||
		       guest->live.options.value[i] != guest->report.options.value[i]);
	return nr;
}

static json_t *pvmem_guest_row(const struct pvmem_guest *guest)
{
	gint64 now = g_get_monotonic_time();
	json_t *row = json_object();

	json_object_set_new(row, "domain", json_string(guest->name));
	json_object_set_new(row, "uuid", json_string(guest->uuid));
	json_object_set_new(row, "driver", json_string(guest->ops->name));
	json_object_set_new(row, "state", json_string(pvmem_guest_state(guest, now)));
	json_object_set_new(row, "backend", json_string(guest->hello.backend));
	json_object_set_new(row, "kernel", json_string(guest->hello.kernel));
	json_object_set_new(row, "agent", json_string(guest->hello.agent));
	json_object_set_new(row, "zswap", pvmem_json_option(&guest->report.options, PVMEM_OPTION_ENABLED));
	json_object_set_new(row, "differs", json_integer(guest->agent ? pvmem_guest_differences(guest) : 0));
	json_object_set_new(row, "memory", pvmem_json_memory(guest, PVMEM_REPORT_total_bytes));
	json_object_set_new(row, "available", pvmem_json_memory(guest, PVMEM_REPORT_available_bytes));
	json_object_set_new(row, "zswap_bytes", pvmem_json_memory(guest, PVMEM_REPORT_zswap_bytes));
	json_object_set_new(row, "zswapped_bytes", pvmem_json_memory(guest, PVMEM_REPORT_zswapped_bytes));
	json_object_set_new(row, "lazy_pages", pvmem_json_stat(guest, PVMEM_REPORT_lazy_pages));
	json_object_set_new(row, "ptpool_pages", pvmem_json_stat(guest, PVMEM_REPORT_ptpool_pages));
	json_object_set_new(row, "reports", json_integer((json_int_t)guest->nr_reports));
	json_object_set_new(row, "rejected", json_integer((json_int_t)guest->rejected));
	return row;
}

static gint pvmem_guest_by_name(gconstpointer a, gconstpointer b)
{
	const struct pvmem_guest *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static void pvmem_command_list(struct pvmem_command *command)
{
	g_autoptr(GList) guests = g_hash_table_get_values(command->daemon->guests);
	GList *link;

	guests = g_list_sort(guests, pvmem_guest_by_name);
	for (link = guests; link; link = link->next)
		pvmem_command_item(command, pvmem_guest_row(link->data));
	pvmem_command_end(command, NULL);
}

/* Why an option is not what it was asked to be; empty when it is. */
static const char *pvmem_option_note(const struct pvmem_guest *guest, int option)
{
	if (guest->agent && guest->result.refused & (1u << option) && guest->result_current)
		return guest->result.refused_why[option];
	if (!pvmem_options_has(&guest->live.options, option) || !guest->running)
		return "";
	if (!guest->agent)
		return "no agent speaks in this guest";
	if (guest->configure_id)
		return "not yet answered";
	if (option == PVMEM_OPTION_MAX_POOL && guest->steered_pool)
		return "moved by the policy";
	return "";
}

static void pvmem_command_options_items(struct pvmem_command *command, const struct pvmem_guest *guest)
{
	char range[PVMEM_REASON];
	int i;

	for (i = 0; i < PVMEM_NR_OPTIONS; i++) {
		const struct pvmem_option_info *info = &pvmem_option_infos[i];
		json_t *item = json_object();

		json_object_set_new(item, "option", json_string(info->name));
		json_object_set_new(item, "group", json_string(info->element));
		json_object_set_new(item, "live", pvmem_json_option(&guest->live.options, i));
		json_object_set_new(item, "config", pvmem_json_option(&guest->config.options, i));
		json_object_set_new(item, "guest", pvmem_json_option(&guest->report.options, i));
		json_object_set_new(item, "unit", json_string(info->unit ?: ""));
		json_object_set_new(item, "allowed", json_string(pvmem_option_range(i, range)));
		json_object_set_new(item, "note", json_string(pvmem_option_note(guest, i)));
		pvmem_command_item(command, item);
	}
}

static void pvmem_command_options(struct pvmem_command *command)
{
	const struct pvmem_guest *guest = pvmem_command_guest(command);
	g_autofree char *error = NULL;

	pvmem_command_options_items(command, guest);
	if (*guest->live.error)
		error = g_strdup_printf("the domain's metadata is not valid and was not applied: %s",
					guest->live.error);
	else if (*guest->config.error)
		error = g_strdup_printf("the domain's config metadata is not valid: %s", guest->config.error);
	pvmem_command_end(command, error);
}

static void pvmem_stat_item(struct pvmem_command *command, const char *prefix, const struct pvmem_report_info *info,
			    json_t *value)
{
	g_autofree char *name = g_strconcat(prefix, info->name, NULL);
	json_t *item;

	if (json_is_null(value)) {
		json_decref(value);
		return;
	}
	item = json_object();
	json_object_set_new(item, "name", json_string(name));
	json_object_set_new(item, "value", value);
	json_object_set_new(item, "unit", json_string(info->unit));
	json_object_set_new(item, "kind", json_string(info->counter ? "counter" : "state"));
	json_object_set_new(item, "help", json_string(info->help));
	pvmem_command_item(command, item);
}

static void pvmem_command_stats(struct pvmem_command *command)
{
	const struct pvmem_guest *guest = pvmem_command_guest(command);
	int i;

	for (i = 0; i < PVMEM_REPORT_NR_MEMORY; i++)
		pvmem_stat_item(command, "memory_", &pvmem_report_memories[i], pvmem_json_memory(guest, i));
	for (i = 0; i < PVMEM_REPORT_NR_STATS; i++)
		pvmem_stat_item(command, "", &pvmem_report_stats[i], pvmem_json_stat(guest, i));
	if (guest->report_us && !pvmem_guest_reporting(guest, g_get_monotonic_time()))
		pvmem_command_end(command, "these are old: the guest does not report any more");
	else
		pvmem_command_end(command, guest->report_us ? NULL : "this guest has not reported yet");
}

static void pvmem_request_answered(struct pvmem_guest *guest, const struct pvmem_result *result, const json_t *message,
				   const char *error, void *data)
{
	struct pvmem_command *command = data;

	if (result && *result->error)
		error = result->error;
	if (!error) {
		json_t *item = json_object();

		json_object_set_new(item, "domain", json_string(guest->name));
		json_object_set_new(item, "request", json_copy(json_object_get(command->message, "do")));
		json_object_set_new(item, "result", json_string("done"));
		pvmem_command_item(command, item);
	}
	pvmem_command_end(command, error);
}

static void pvmem_command_request(struct pvmem_command *command)
{
	const char *what = json_string_value(json_object_get(command->message, "do"));

	if (!what || (strcmp(what, "purge") && strcmp(what, "drain") && strcmp(what, "compact")))
		pvmem_command_end(command, "do: not allowed: purge, drain or compact");
	else
		pvmem_guest_request(pvmem_command_guest(command), what, pvmem_command_timeout(command),
				    pvmem_request_answered, command);
}

static void pvmem_set_shown(struct pvmem_guest *guest, const struct pvmem_result *result, const json_t *message,
			    const char *error, void *data)
{
	struct pvmem_command *command = data;

	if (!error)
		pvmem_command_options_items(command, guest);
	pvmem_command_end(command, error);
}

static void pvmem_set_written(const char *error, void *data)
{
	struct pvmem_command *command = data;

	if (error)
		pvmem_command_end(command, error);
	else
		pvmem_set_next(command);
}

/* The options of a scope with the changes asked. 0 or -EINVAL with the reason. */
static int pvmem_set_changed(struct pvmem_command *command, struct pvmem_options *options, char reason[PVMEM_REASON])
{
	const json_t *set = json_object_get(command->message, "set");
	const json_t *unset = json_object_get(command->message, "unset");
	const char *name;
	json_t *member;
	uint64_t value;
	gsize i;
	int option;

	json_array_foreach((json_t *)unset, i, member)
	{
		option = pvmem_option_find(json_string_value(member) ?: "");
		if (option >= 0)
			pvmem_options_unset(options, option);
	}
	json_object_foreach((json_t *)set, name, member)
	{
		option = pvmem_option_find(name);
		if (option < 0) {
			g_strlcpy(reason, "there is no such option", PVMEM_REASON);
			return -1;
		}
		if (pvmem_option_from_json(option, member, &value, reason))
			return -1;
		pvmem_options_set(options, option, value);
	}
	return pvmem_options_check(options, reason);
}

static void pvmem_set_next(struct pvmem_command *command)
{
	struct pvmem_guest *guest = pvmem_command_guest(command);
	guint scope = command->scopes & PVMEM_SCOPE_LIVE ?: command->scopes;
	struct pvmem_options options;
	char reason[PVMEM_REASON];

	if (!guest) {
		pvmem_command_end(command, "the domain is gone");
		return;
	}
	if (!scope) {
		if (json_is_true(json_object_get(command->message, "live")) && guest->agent)
			pvmem_guest_wait_configured(guest, pvmem_command_timeout(command), pvmem_set_shown, command);
		else
			pvmem_set_shown(guest, NULL, NULL, NULL, command);
		return;
	}
	options = scope == PVMEM_SCOPE_LIVE ? guest->live.options : guest->config.options;
	if (pvmem_set_changed(command, &options, reason)) {
		pvmem_command_end(command, reason);
		return;
	}
	command->scopes &= ~scope;
	guest->ops->set_options(guest, scope, options.set ? &options : NULL, pvmem_set_written, command);
}

static void pvmem_command_set(struct pvmem_command *command)
{
	struct pvmem_guest *guest = pvmem_command_guest(command);
	gboolean live = json_is_true(json_object_get(command->message, "live"));
	gboolean config = json_is_true(json_object_get(command->message, "config"));

	if (live && !guest->running) {
		pvmem_command_end(command, "the domain does not run: --live has nothing to change");
		return;
	}
	command->scopes = (live ? PVMEM_SCOPE_LIVE : 0) | (config ? PVMEM_SCOPE_CONFIG : 0);
	/* --current, virsh's default: the running guest, or its next start when it does not run. */
	if (!command->scopes) {
		command->scopes = guest->running ? PVMEM_SCOPE_LIVE : PVMEM_SCOPE_CONFIG;
		json_object_set_new(command->message, "live", json_boolean(guest->running));
	}
	pvmem_set_next(command);
}

/* The newline behind as many lines as make an item. */
static char *pvmem_metrics_part_end(char *text)
{
	return g_strrstr_len(text, PVMEM_METRICS_PART, "\n") ?: strchr(text, '\n');
}

static void pvmem_command_metrics(struct pvmem_command *command)
{
	GString *text = pvmem_metrics_text(command->daemon);
	char *part = text->str, *end;

	while (*part) {
		end = pvmem_metrics_part_end(part);
		*end = 0;
		pvmem_command_item(command, json_pack("{s:s}", "text", part));
		part = end + 1;
	}
	g_string_free(text, TRUE);
	pvmem_command_end(command, NULL);
}

static void pvmem_command_ping(struct pvmem_command *command)
{
	struct pvmem_daemon *daemon = command->daemon;
	guint i;

	for (i = 0; i < daemon->driver_ops->len; i++) {
		const struct pvmem_driver_ops *ops = g_ptr_array_index(daemon->driver_ops, i);

		pvmem_command_item(command, json_pack("{s:s, s:s}", "check", ops->name, "result",
						      ops->status(g_ptr_array_index(daemon->drivers, i))));
	}
	pvmem_command_end(command, NULL);
}

static void pvmem_command_refresh(struct pvmem_command *command)
{
	struct pvmem_daemon *daemon = command->daemon;
	guint i;

	g_debug("asked to look at every domain again");
	for (i = 0; i < daemon->driver_ops->len; i++) {
		const struct pvmem_driver_ops *ops = g_ptr_array_index(daemon->driver_ops, i);

		if (ops->refresh)
			ops->refresh(g_ptr_array_index(daemon->drivers, i));
	}
	pvmem_command_end(command, NULL);
}

static const struct {
	const char *name;
	gboolean needs_guest;
	void (*run)(struct pvmem_command *command);
} pvmem_commands[] = {
	{ "list", FALSE, pvmem_command_list },	    { "options", TRUE, pvmem_command_options },
	{ "stats", TRUE, pvmem_command_stats },	    { "request", TRUE, pvmem_command_request },
	{ "set-options", TRUE, pvmem_command_set }, { "metrics", FALSE, pvmem_command_metrics },
	{ "ping", FALSE, pvmem_command_ping },	    { "audit", TRUE, pvmem_command_audit },
	{ "policy", FALSE, pvmem_command_policy },  { "refresh", FALSE, pvmem_command_refresh },
};

/**
 * pvmem_command_run() - does what a client asked
 * @command: with its message; ends some time.
 */
void pvmem_command_run(struct pvmem_command *command)
{
	const char *name = json_string_value(json_object_get(command->message, "command"));
	const char *domain = json_string_value(json_object_get(command->message, "domain"));
	struct pvmem_guest *guest = domain ? pvmem_daemon_find(command->daemon, domain) : NULL;
	gsize i;

	for (i = 0; name && i < G_N_ELEMENTS(pvmem_commands); i++) {
		if (strcmp(name, pvmem_commands[i].name))
			continue;
		if (pvmem_commands[i].needs_guest && !guest) {
			pvmem_command_end(command, domain ? "there is no such domain: see pvmemctl list"
							  : "a domain must be named");
			return;
		}
		command->uuid = guest ? g_strdup(guest->uuid) : NULL;
		pvmem_commands[i].run(command);
		return;
	}
	pvmem_command_end(command, "this daemon has no such command");
}
