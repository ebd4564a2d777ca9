// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading pvmemd.conf: a key file. A group or key that is not known, or a value
 * that is out of range, is an error with its place, its value and what is allowed.
 */
#include <string.h>
#include <unistd.h>
#include "config.h"
#include "paths.h"

#define PVMEM_SYSTEM_STATE "/var/lib/pvmem"
#define PVMEM_PRESSURE "/proc/pressure/memory"

/* How a key is stored. */
enum pvmem_key_type {
	PVMEM_KEY_TEXT,
	PVMEM_KEY_LIST,
	PVMEM_KEY_NUMBER,
	PVMEM_KEY_SIZE,
	PVMEM_KEY_BOOL,
};

struct pvmem_key {
	const char *group;
	const char *name;
	enum pvmem_key_type type;
	gsize offset;
	guint64 min;
	guint64 max;
};

#define PVMEM_KEY(group_, name_, type_, field, min_, max_)                                                \
	{                                                                                                 \
		group_, name_, PVMEM_KEY_##type_, G_STRUCT_OFFSET(struct pvmem_config, field), min_, max_ \
	}

static const struct pvmem_key pvmem_keys[] = {
	PVMEM_KEY("daemon", "drivers", LIST, drivers, 0, 0),
	PVMEM_KEY("daemon", "control-socket", TEXT, control_socket, 0, 0),
	PVMEM_KEY("daemon", "control-group", TEXT, control_group, 0, 0),
	PVMEM_KEY("daemon", "report-ms", NUMBER, report_ms, 100, 60000),
	PVMEM_KEY("libvirt", "uri", TEXT, libvirt_uri, 0, 0),
	PVMEM_KEY("directory", "path", TEXT, directory, 0, 0),
	PVMEM_KEY("xen", "options-directory", TEXT, xen_directory, 0, 0),
	PVMEM_KEY("metrics", "listen", TEXT, metrics_listen, 0, 0),
	PVMEM_KEY("policy", "enabled", BOOL, policy.enabled, 0, 0),
	PVMEM_KEY("policy", "dry-run", BOOL, policy.dry_run, 0, 0),
	PVMEM_KEY("policy", "balloon", BOOL, policy.balloon, 0, 0),
	PVMEM_KEY("policy", "pressure", TEXT, pressure, 0, 0),
	PVMEM_KEY("policy", "interval-s", NUMBER, policy.interval_s, 1, 3600),
	PVMEM_KEY("policy", "pressure-high", NUMBER, policy.pressure_high, 1, 10000),
	PVMEM_KEY("policy", "pressure-low", NUMBER, policy.pressure_low, 0, 10000),
	PVMEM_KEY("policy", "free-low-percent", NUMBER, policy.free_low_percent, 0, 100),
	PVMEM_KEY("policy", "free-high-percent", NUMBER, policy.free_high_percent, 0, 100),
	PVMEM_KEY("policy", "settle-s", NUMBER, policy.settle_s, 0, 86400),
	PVMEM_KEY("policy", "floor-percent", NUMBER, policy.floor_percent, 0, 100),
	PVMEM_KEY("policy", "step-percent", NUMBER, policy.step_percent, 1, 50),
	PVMEM_KEY("policy", "max-pool-percent", NUMBER, policy.max_pool_percent, 0, 100),
	PVMEM_KEY("limits", "bytes-per-second", NUMBER, limits.bytes_per_s, 4096, 1 << 30),
	PVMEM_KEY("limits", "bytes-burst", NUMBER, limits.bytes_burst, PVMEM_LINE_MAX, 1 << 30),
	PVMEM_KEY("limits", "lines-per-second", NUMBER, limits.lines_per_s, 2, 1000000),
	PVMEM_KEY("limits", "lines-burst", NUMBER, limits.lines_burst, 4, 1000000),
	PVMEM_KEY("limits", "unsent-bytes", SIZE, limits.out_max, PVMEM_LINE_MAX, 1 << 30),
};

static char *pvmem_state_path(const char *name)
{
	if (!geteuid())
		return g_build_filename(PVMEM_SYSTEM_STATE, name, NULL);
	return g_build_filename(g_get_user_data_dir(), "pvmem", name, NULL);
}

static struct pvmem_config *pvmem_config_default(void)
{
	struct pvmem_config *config = g_new0(struct pvmem_config, 1);

	config->drivers = g_strsplit("libvirt", ";", 0);
	config->control_socket = pvmem_runtime_path("control");
	config->report_ms = 1000;
	config->policy = pvmem_policy_defaults;
	config->policy.dry_run = true;
	config->pressure = g_strdup(PVMEM_PRESSURE);
	config->libvirt_uri = g_strdup(geteuid() ? "qemu:///session" : "qemu:///system");
	config->directory = pvmem_runtime_path("guests");
	config->xen_directory = pvmem_state_path("xen");
	/*
	 * An agent sends a report of 2 KiB a second and an answer now and then:
	 * twenty times that is plenty, and a thousand guests that all use it up
	 * cost the daemon less than a core.
	 */
	config->limits = (struct pvmem_stream_limits){
		.bytes_per_s = 64 << 10,
		.bytes_burst = 128 << 10,
		.lines_per_s = 20,
		.lines_burst = 60,
		.out_max = 32 << 10,
	};
	return config;
}

/**
 * pvmem_config_free() - frees a configuration
 * @config: the configuration.
 */
void pvmem_config_free(struct pvmem_config *config)
{
	g_strfreev(config->drivers);
	g_free(config->control_socket);
	g_free(config->control_group);
	g_free(config->libvirt_uri);
	g_free(config->directory);
	g_free(config->xen_directory);
	g_free(config->metrics_listen);
	g_free(config->pressure);
	g_free(config);
}

static const struct pvmem_key *pvmem_key_find(const char *group, const char *name)
{
	gsize i;

	for (i = 0; i < G_N_ELEMENTS(pvmem_keys); i++)
		if (!strcmp(pvmem_keys[i].group, group) && !strcmp(pvmem_keys[i].name, name))
			return &pvmem_keys[i];
	return NULL;
}

static gboolean pvmem_key_number(GKeyFile *file, const struct pvmem_key *key, guint64 *number, GError **error)
{
	g_autofree char *text = g_key_file_get_string(file, key->group, key->name, error);

	if (!text)
		return FALSE;
	if (g_ascii_string_to_unsigned(text, 10, key->min, key->max, number, NULL))
		return TRUE;
	g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
		    "[%s] %s: '%s' is not allowed: %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, key->group, key->name,
		    text, key->min, key->max);
	return FALSE;
}

static gboolean pvmem_key_bool(GKeyFile *file, const struct pvmem_key *key, bool *value, GError **error)
{
	g_autofree char *text = g_key_file_get_string(file, key->group, key->name, error);

	if (!text)
		return FALSE;
	*value = !strcmp(text, "true");
	if (*value || !strcmp(text, "false"))
		return TRUE;
	g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
		    "[%s] %s: '%s' is not allowed: true or false", key->group, key->name, text);
	return FALSE;
}

static gboolean pvmem_key_take(GKeyFile *file, const struct pvmem_key *key, struct pvmem_config *config, GError **error)
{
	void *field = G_STRUCT_MEMBER_P(config, key->offset);
	guint64 number = 0;

	switch (key->type) {
	case PVMEM_KEY_TEXT:
		g_free(*(char **)field);
		*(char **)field = g_key_file_get_string(file, key->group, key->name, error);
		return *(char **)field != NULL;
	case PVMEM_KEY_LIST:
		g_strfreev(*(char ***)field);
		*(char ***)field = g_key_file_get_string_list(file, key->group, key->name, NULL, error);
		return *(char ***)field != NULL;
	case PVMEM_KEY_BOOL:
		return pvmem_key_bool(file, key, field, error);
	case PVMEM_KEY_NUMBER:
	case PVMEM_KEY_SIZE:
		break;
	}
	if (!pvmem_key_number(file, key, &number, error))
		return FALSE;
	if (key->type == PVMEM_KEY_SIZE)
		*(gsize *)field = number;
	else
		*(guint *)field = number;
	return TRUE;
}

static gboolean pvmem_group_take(GKeyFile *file, const char *group, struct pvmem_config *config, GError **error)
{
	g_auto(GStrv) names = g_key_file_get_keys(file, group, NULL, error);
	const struct pvmem_key *key;
	char **name;

	for (name = names; name && *name; name++) {
		key = pvmem_key_find(group, *name);
		if (!key) {
			g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_KEY_NOT_FOUND,
				    "[%s] %s: there is no such setting: see pvmemd.conf(5)", group, *name);
			return FALSE;
		}
		if (!pvmem_key_take(file, key, config, error))
			return FALSE;
	}
	return names != NULL;
}

/* Settings that are each in range need not make sense together. */
static gboolean pvmem_policy_takes(const struct pvmem_policy_config *policy, GError **error)
{
	const char *reason = pvmem_policy_check(policy);

	if (reason)
		g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE, "[policy] is not allowed: %s",
			    reason);
	return !reason;
}

/**
 * pvmem_config_load() - the configuration
 * @path: the file; NULL: what is built in.
 * @error: what is wrong with it.
 *
 * Return: the configuration, or NULL.
 */
struct pvmem_config *pvmem_config_load(const char *path, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	struct pvmem_config *config = pvmem_config_default();
	g_auto(GStrv) groups = NULL;
	char **group;

	if (!path)
		return config;
	if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, error))
		goto out_free;
	groups = g_key_file_get_groups(file, NULL);
	for (group = groups; *group; group++)
		if (!pvmem_group_take(file, *group, config, error))
			goto out_free;
	if (!pvmem_policy_takes(&config->policy, error))
		goto out_free;
	return config;

out_free:
	pvmem_config_free(config);
	g_prefix_error(error, "%s: ", path);
	return NULL;
}
