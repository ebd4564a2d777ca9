// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The policy at work: every few seconds the host and its guests are looked at,
 * the policy decides, and guests are asked. Off unless the configuration says so,
 * and then only told (dry-run) until the configuration says that too.
 */
#include <stdio.h>
#include <string.h>
#include "command.h"
#include "daemon.h"

struct pvmem_steer {
	struct pvmem_daemon *daemon;
	guint timer;
	struct pvmem_policy_state state;
	struct pvmem_policy_host host;
	guint64 rounds;
	guint64 nr_asked[PVMEM_POLICY_BALLOON + 1];
	GPtrArray *last; /* the last round's actions, as JSON */
};

/* A line "NAME: N kB" of /proc/meminfo, in bytes; 0: there is none. */
static guint64 pvmem_meminfo(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	return line ? g_ascii_strtoull(line + strlen(name), NULL, 10) * 1024 : 0;
}

static void pvmem_host_look(struct pvmem_policy_host *host, const char *psi)
{
	g_autofree char *meminfo = NULL, *pressure = NULL;
	unsigned int whole, hundredths;

	*host = (struct pvmem_policy_host){ .now_ms = (guint64)g_get_monotonic_time() / 1000, .psi_avg10 = -1 };
	if (g_file_get_contents("/proc/meminfo", &meminfo, NULL, NULL)) {
		host->total_bytes = pvmem_meminfo(meminfo, "MemTotal:");
		host->free_bytes = pvmem_meminfo(meminfo, "MemAvailable:");
	}
	if (g_file_get_contents(psi, &pressure, NULL, NULL) &&
	    sscanf(pressure, "some avg10=%3u.%2u", &whole, &hundredths) == 2)
		host->psi_avg10 = (int)(whole * 100 + hundredths);
}

static void pvmem_guest_look(struct pvmem_guest *guest, gint64 now)
{
	struct pvmem_policy_guest *seen = &guest->policy;
	const struct pvmem_options *runs = &guest->report.options, *asked = &guest->live.options;

	if (guest->ops->look)
		guest->ops->look(guest);
	seen->reported = guest->agent && pvmem_guest_reporting(guest, now);
	seen->max_bytes = guest->memory_bytes;
	seen->available_bytes = guest->report.memory[PVMEM_REPORT_available_bytes];
	seen->pool_pages = guest->report.stats[PVMEM_REPORT_ptpool_pages];
	seen->lazy_pages = guest->report.stats[PVMEM_REPORT_lazy_pages];
	/* Who cannot be asked to give memory is not counted on. */
	seen->actual_bytes = guest->ops->balloon ? guest->actual_bytes : 0;
	seen->zswap = runs->value[PVMEM_OPTION_ENABLED];
	seen->pool_percent = (unsigned int)runs->value[PVMEM_OPTION_MAX_POOL];
	seen->pool_configured_percent = (unsigned int)asked->value[PVMEM_OPTION_MAX_POOL];
}

static void pvmem_steer_answered(struct pvmem_guest *guest, const struct pvmem_result *result, const json_t *message,
				 const char *error, void *data)
{
	if (error || *result->error)
		pvmem_log(G_LOG_LEVEL_MESSAGE, guest, "did not do what the policy asked: %s", error ?: result->error);
}

static void pvmem_steer_ballooned(const char *error, void *data)
{
	g_autofree char *name = data;

	if (error)
		pvmem_log(G_LOG_LEVEL_MESSAGE, NULL, "domain %s: its memory cannot be changed: %s", name, error);
}

/* The guest may be gone when a driver answers: nothing but its name is kept. */
static void pvmem_steer_ask(struct pvmem_guest *guest, const struct pvmem_policy_action *action)
{
	if (action->what == PVMEM_POLICY_BALLOON)
		guest->ops->balloon(guest, action->value, pvmem_steer_ballooned, g_strdup(guest->name));
	else if (action->what == PVMEM_POLICY_MAX_POOL)
		pvmem_guest_steer_pool(guest, (guint)action->value);
	else
		pvmem_guest_request(guest, pvmem_policy_what_name(action->what), PVMEM_COMMAND_MS, pvmem_steer_answered,
				    NULL);
}

static void pvmem_steer_act(struct pvmem_steer *steer, struct pvmem_guest *guest,
			    const struct pvmem_policy_action *action)
{
	g_autofree char *to = action->value ? g_strdup_printf("%s to %" G_GUINT64_FORMAT, guest->name, action->value)
					    : g_strdup(guest->name);

	steer->nr_asked[action->what]++;
	g_ptr_array_add(steer->last,
			json_pack("{s:s, s:s}", "what", pvmem_policy_what_name(action->what), "value", to));
	if (!steer->daemon->config->policy.dry_run)
		pvmem_steer_ask(guest, action);
}

/* Every guest, in an array of *@nr, to be freed. */
static gpointer *pvmem_guests(GHashTable *table, guint *nr)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new();
	struct pvmem_guest *guest;
	GHashTableIter iter;
	gsize len;

	g_hash_table_iter_init(&iter, table);
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&guest))
		g_ptr_array_add(all, guest);
	*nr = all->len;
	return g_ptr_array_steal(all, &len);
}

static gboolean pvmem_steer_round(gpointer data)
{
	struct pvmem_steer *steer = data;
	const struct pvmem_policy_config *config = &steer->daemon->config->policy;
	guint i, nr = 0;
	g_autofree struct pvmem_guest **guests = (struct pvmem_guest **)pvmem_guests(steer->daemon->guests, &nr);
	g_autofree struct pvmem_policy_guest *seen = g_new0(struct pvmem_policy_guest, nr + 1);
	gsize nr_actions, max_actions = PVMEM_POLICY_ACTIONS * (gsize)nr;
	g_autofree struct pvmem_policy_action *actions = g_new0(struct pvmem_policy_action, max_actions + 1);
	gint64 now = g_get_monotonic_time();

	pvmem_host_look(&steer->host, steer->daemon->config->pressure);
	for (i = 0; i < nr; i++) {
		pvmem_guest_look(guests[i], now);
		seen[i] = guests[i]->policy;
	}
	nr_actions = pvmem_policy_decide(config, &steer->state, &steer->host, seen, nr, actions, max_actions);
	for (i = 0; i < nr; i++)
		guests[i]->policy = seen[i];
	steer->rounds++;
	g_ptr_array_set_size(steer->last, 0);
	for (i = 0; i < nr_actions; i++)
		pvmem_steer_act(steer, guests[actions[i].guest], &actions[i]);
	if (nr_actions)
		pvmem_log(G_LOG_LEVEL_MESSAGE, NULL, "policy: %zu requests%s", nr_actions,
			  config->dry_run ? " (dry-run: not sent)" : "");
	return G_SOURCE_CONTINUE;
}

static void pvmem_json_free(gpointer json)
{
	json_decref(json);
}

/**
 * pvmem_steer_start() - lets the policy work
 * @daemon: the daemon; its configuration enables the policy.
 *
 * Return: the policy at work.
 */
struct pvmem_steer *pvmem_steer_start(struct pvmem_daemon *daemon)
{
	struct pvmem_steer *steer = g_new0(struct pvmem_steer, 1);

	steer->daemon = daemon;
	steer->last = g_ptr_array_new_with_free_func(pvmem_json_free);
	steer->timer = g_timeout_add_seconds(daemon->config->policy.interval_s, pvmem_steer_round, steer);
	return steer;
}

/**
 * pvmem_steer_stop() - ends it
 * @steer: the policy at work, or NULL.
 */
void pvmem_steer_stop(struct pvmem_steer *steer)
{
	if (!steer)
		return;
	g_source_remove(steer->timer);
	g_ptr_array_unref(steer->last);
	g_free(steer);
}

static void pvmem_policy_number(struct pvmem_command *command, const char *what, gint64 value)
{
	pvmem_command_item(command, json_pack("{s:s, s:I}", "what", what, "value", (json_int_t)value));
}

/**
 * pvmem_command_policy() - tells what the policy does
 * @command: the command.
 */
void pvmem_command_policy(struct pvmem_command *command)
{
	const struct pvmem_policy_config *config = &command->daemon->config->policy;
	struct pvmem_steer *steer = command->daemon->steer;
	guint i;

	pvmem_command_item(command, json_pack("{s:s, s:s}", "what", "policy", "value",
					      !steer		? "off"
					      : config->dry_run ? "dry-run"
								: "on"));
	if (steer) {
		pvmem_policy_number(command, "rounds", (gint64)steer->rounds);
		pvmem_policy_number(command, "host pressure, 1/100 percent", steer->host.psi_avg10);
		pvmem_policy_number(command, "host memory", (gint64)steer->host.total_bytes);
		pvmem_policy_number(command, "host available", (gint64)steer->host.free_bytes);
		pvmem_policy_number(command, "purges asked for", (gint64)steer->nr_asked[PVMEM_POLICY_PURGE]);
		pvmem_policy_number(command, "drains asked for", (gint64)steer->nr_asked[PVMEM_POLICY_DRAIN]);
		pvmem_policy_number(command, "compressed pools moved", (gint64)steer->nr_asked[PVMEM_POLICY_MAX_POOL]);
		pvmem_policy_number(command, "balloons moved", (gint64)steer->nr_asked[PVMEM_POLICY_BALLOON]);
		for (i = 0; i < steer->last->len; i++)
			pvmem_command_item(command, json_incref(g_ptr_array_index(steer->last, i)));
	}
	pvmem_command_end(command, NULL);
}
