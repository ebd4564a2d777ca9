// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Domains made by xl. Xenstore says which there are, carries the agents' bytes
 * (names.h has the keys and the protocol) and the options of running domains; a
 * file of each keeps those of its next start.
 *
 *	/local/domain/ID/pvmem-options	options, JSON; the guest may not write there
 *
 * A chunk is acknowledged when the guest's rate allows it: a guest that writes
 * too much waits for us, and nobody else does.
 */
#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>
#include <xenstore.h>
#include <pvmem/names.h>
#include "daemon.h"
#include "options_file.h"
#include "xenstore/chunk.h"

#define PVMEM_XEN_OPTIONS "pvmem-options"

/* More than xenstored takes from a guest for a value. */
#define PVMEM_XEN_VALUE 4096

/* Watches handled in one turn of the main loop. */
#define PVMEM_XEN_EVENTS 64

/* How often guests whose turn had not come are looked at, in ms. */
#define PVMEM_XEN_TICK_MS 200

struct pvmem_driver {
	struct pvmem_daemon *daemon;
	struct xs_handle *xs;
	xc_interface *xch;
	guint source;
	guint tick;
	gboolean lost; /* xenstore did not answer the last time */
};

/* What the driver keeps of a guest. */
struct pvmem_xen_guest {
	unsigned int domid;
	struct pvmem_chunk_keys to_guest;
	struct pvmem_chunk_keys from_guest;
	GByteArray *out;
	struct pvmem_bucket bytes;
	struct pvmem_bucket chunks;
	struct pvmem_lines lines;
	char line_data[PVMEM_LINE_MAX];
};

G_GNUC_PRINTF(2, 3)
static char *pvmem_xen_read(struct xs_handle *xs, const char *format, ...)
{
	g_autofree char *path = NULL;
	va_list args;

	va_start(args, format);
	path = g_strdup_vprintf(format, args);
	va_end(args);
	return xs_read(xs, XBT_NULL, path, NULL);
}

static char *pvmem_xen_path(unsigned int domid, const char *key)
{
	return g_strdup_printf("/local/domain/%u/%s", domid, key);
}

static gboolean pvmem_xen_write(struct xs_handle *xs, unsigned int domid, const char *key, const void *value, gsize len)
{
	g_autofree char *path = pvmem_xen_path(domid, key);

	return xs_write(xs, XBT_NULL, path, value, len);
}

/* --- options */

static char *pvmem_xen_config_path(struct pvmem_guest *guest)
{
	g_autofree char *file = g_strconcat(guest->name, ".json", NULL);

	return g_build_filename(guest->daemon->config->xen_directory, file, NULL);
}

static void pvmem_xen_live(struct pvmem_guest *guest, struct pvmem_asked *asked)
{
	struct pvmem_xen_guest *own = guest->driver_data;
	g_autofree char *path = pvmem_xen_path(own->domid, PVMEM_XEN_OPTIONS);
	char *text = xs_read(guest->driver->xs, XBT_NULL, path, NULL);
	json_t *json = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;

	*asked = (struct pvmem_asked){ 0 };
	if (text && !json)
		g_strlcpy(asked->error, "the options in xenstore are not JSON", sizeof(asked->error));
	else if (json)
		pvmem_options_from_json(json, &asked->options, asked->error);
	json_decref(json);
	free(text);
}

/* Why it cannot be done, or NULL. */
static const char *pvmem_xen_set_live(struct pvmem_guest *guest, const struct pvmem_options *options)
{
	static const struct pvmem_options none;
	struct pvmem_xen_guest *own = guest->driver_data;
	json_t *json = pvmem_options_to_json(options ?: &none);
	char *text = json_dumps(json, JSON_COMPACT);
	const char *error = NULL;

	if (!text || !pvmem_xen_write(guest->driver->xs, own->domid, PVMEM_XEN_OPTIONS, text, strlen(text)))
		error = g_strerror(text ? errno : ENOMEM);
	if (error)
		pvmem_log(G_LOG_LEVEL_WARNING, guest, "xenstore takes no options: %s", error);
	free(text);
	json_decref(json);
	return error;
}

static void pvmem_xen_read_options(struct pvmem_guest *guest)
{
	g_autofree char *path = pvmem_xen_config_path(guest);
	struct pvmem_asked live, config;

	pvmem_options_file_read(path, &config);
	pvmem_xen_live(guest, &live);
	pvmem_guest_options(guest, &live, &config);
}

static void pvmem_xen_set_options(struct pvmem_guest *guest, guint scopes, const struct pvmem_options *options,
				  pvmem_done done, void *data)
{
	g_autofree char *path = pvmem_xen_config_path(guest);
	g_autoptr(GError) error = NULL;
	const char *live_error = NULL;

	if (scopes & PVMEM_SCOPE_CONFIG && !pvmem_options_file_write(path, options, &error)) {
		done(error->message, data);
		return;
	}
	if (scopes & PVMEM_SCOPE_LIVE)
		live_error = pvmem_xen_set_live(guest, options);
	pvmem_xen_read_options(guest);
	done(live_error, data);
}

/* --- bytes */

/* Puts the next chunk there when the guest has taken the one before. */
static void pvmem_xen_flush(struct pvmem_guest *guest)
{
	struct pvmem_xen_guest *own = guest->driver_data;
	gssize len;

	if (!own->out->len)
		return;
	len = pvmem_chunk_put(guest->driver->xs, &own->to_guest, own->out->data, own->out->len);
	if (len > 0)
		g_byte_array_remove_range(own->out, 0, len);
}

static int pvmem_xen_send(struct pvmem_guest *guest, const char *bytes, gsize len)
{
	struct pvmem_xen_guest *own = guest->driver_data;

	if (own->out->len + len > guest->daemon->config->limits.out_max)
		return -ENOBUFS;
	g_byte_array_append(own->out, (const guint8 *)bytes, len);
	pvmem_xen_flush(guest);
	return 0;
}

/* A chunk's bytes, cut into lines as they fit. */
static void pvmem_xen_bytes(struct pvmem_guest *guest, const char *data, gsize len)
{
	struct pvmem_xen_guest *own = guest->driver_data;
	gsize room, line_len;
	char *to, *line;

	while (len) {
		to = pvmem_lines_room(&own->lines, &room);
		room = MIN(room, len);
		memcpy(to, data, room);
		pvmem_lines_filled(&own->lines, room);
		data += room;
		len -= room;
		while ((line = pvmem_lines_next(&own->lines, &line_len)))
			pvmem_guest_line(guest, line, line_len);
	}
}

/* Takes the guest's chunk, if there is a new one and its rate allows. */
static void pvmem_xen_take(struct pvmem_guest *guest)
{
	struct pvmem_xen_guest *own = guest->driver_data;
	gint64 now = g_get_monotonic_time();
	char chunk[PVMEM_XEN_VALUE];
	gssize len;

	if (!pvmem_bucket_tokens(&own->chunks, now) || pvmem_bucket_tokens(&own->bytes, now) < PVMEM_XS_CHUNK)
		return;
	len = pvmem_chunk_take(guest->driver->xs, &own->from_guest, chunk, sizeof(chunk));
	if (len < 0)
		return;
	pvmem_bucket_take(&own->chunks, 1);
	pvmem_bucket_take(&own->bytes, len);
	pvmem_xen_bytes(guest, chunk, len);
}

/* --- memory */

static void pvmem_xen_look_memory(struct pvmem_guest *guest)
{
	xc_dominfo_t info;
	char *most;

	if (!guest->driver->xch || xc_domain_getinfo(guest->driver->xch, guest->machine, 1, &info) != 1 ||
	    info.domid != (uint32_t)guest->machine)
		return;
	most = pvmem_xen_read(guest->driver->xs, "/local/domain/%d/memory/static-max", guest->machine);
	guest->memory_bytes = most ? g_ascii_strtoull(most, NULL, 10) * 1024 : 0;
	guest->actual_bytes = (guint64)info.nr_pages * XC_PAGE_SIZE;
	/* A few pages beside its memory are Xen's and the toolstack's. */
	if (guest->memory_bytes)
		guest->actual_bytes = MIN(guest->actual_bytes, guest->memory_bytes);
	free(most);
}

/* As xl mem-set does; the guest's balloon driver watches it. What Xen lets the domain have at most stays. */
static void pvmem_xen_balloon(struct pvmem_guest *guest, guint64 bytes, pvmem_done done, void *data)
{
	struct pvmem_xen_guest *own = guest->driver_data;
	g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, bytes / 1024);

	if (pvmem_xen_write(guest->driver->xs, own->domid, "memory/target", text, strlen(text)))
		done(NULL, data);
	else
		done(g_strerror(errno), data);
}

/* --- domains */

static void pvmem_xen_watch(struct pvmem_driver *driver, unsigned int domid, const char *key, gboolean on)
{
	g_autofree char *path = pvmem_xen_path(domid, key);
	g_autofree char *token = g_strdup_printf("%u", domid);

	if (on)
		xs_watch(driver->xs, path, token);
	else
		xs_unwatch(driver->xs, path, token);
}

static struct pvmem_chunk_keys pvmem_xen_keys(unsigned int domid, const char *data, const char *taken)
{
	return (struct pvmem_chunk_keys){ pvmem_xen_path(domid, data), pvmem_xen_path(domid, taken) };
}

static void pvmem_xen_keys_free(struct pvmem_chunk_keys *keys)
{
	g_free((char *)keys->data);
	g_free((char *)keys->taken);
}

static void pvmem_xen_forget(struct pvmem_guest *guest)
{
	struct pvmem_xen_guest *own = guest->driver_data;

	pvmem_xen_watch(guest->driver, own->domid, PVMEM_XS_DIR, FALSE);
	pvmem_xen_watch(guest->driver, own->domid, PVMEM_XEN_OPTIONS, FALSE);
	pvmem_xen_keys_free(&own->to_guest);
	pvmem_xen_keys_free(&own->from_guest);
	g_byte_array_unref(own->out);
	g_free(own);
}

static void pvmem_xen_appeared(struct pvmem_driver *driver, unsigned int domid, const char *uuid, const char *name)
{
	const struct pvmem_stream_limits *limits = &driver->daemon->config->limits;
	struct pvmem_guest *guest = pvmem_guest_new(driver->daemon, &pvmem_driver_xen, driver, uuid, name);
	struct pvmem_xen_guest *own = g_new0(struct pvmem_xen_guest, 1);
	gint64 now = g_get_monotonic_time();
	g_autofree char *path = NULL;
	struct pvmem_asked config;
	char *live;

	guest->driver_data = own;
	guest->machine = (int)domid;
	own->domid = domid;
	own->to_guest = pvmem_xen_keys(domid, PVMEM_XS_HOST_DATA, PVMEM_XS_HOST_TAKEN);
	own->from_guest = pvmem_xen_keys(domid, PVMEM_XS_GUEST_DATA, PVMEM_XS_GUEST_TAKEN);
	own->out = g_byte_array_new();
	pvmem_bucket_init(&own->bytes, limits->bytes_per_s, limits->bytes_burst, now);
	pvmem_bucket_init(&own->chunks, limits->lines_per_s, limits->lines_burst, now);
	pvmem_lines_init(&own->lines, own->line_data, sizeof(own->line_data));
	/* A domain that has just started runs its config. */
	live = pvmem_xen_read(driver->xs, "/local/domain/%u/" PVMEM_XEN_OPTIONS, domid);
	path = pvmem_xen_config_path(guest);
	pvmem_options_file_read(path, &config);
	if (!live && config.options.set)
		pvmem_xen_set_live(guest, &config.options);
	free(live);
	pvmem_guest_running(guest, TRUE);
	pvmem_xen_read_options(guest);
	pvmem_guest_connected(guest, TRUE);
	pvmem_xen_watch(driver, domid, PVMEM_XS_DIR, TRUE);
	pvmem_xen_watch(driver, domid, PVMEM_XEN_OPTIONS, TRUE);
}

static struct pvmem_guest *pvmem_xen_guest(struct pvmem_driver *driver, unsigned int domid)
{
	struct pvmem_guest *guest;
	GHashTableIter iter;

	g_hash_table_iter_init(&iter, driver->daemon->guests);
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&guest))
		if (guest->driver == driver && guest->machine == (int)domid)
			return guest;
	return NULL;
}

/* A number whose domain is new, or was another one. Names come a moment after the number: then it is tried again. */
static void pvmem_xen_look(struct pvmem_driver *driver, unsigned int domid)
{
	char *name = pvmem_xen_read(driver->xs, "/local/domain/%u/name", domid);
	char *vm = pvmem_xen_read(driver->xs, "/local/domain/%u/vm", domid);
	const char *uuid = vm && g_str_has_prefix(vm, "/vm/") ? vm + strlen("/vm/") : NULL;
	struct pvmem_guest *guest = uuid ? g_hash_table_lookup(driver->daemon->guests, uuid) : NULL;

	/* After a restore the same domain has another number. */
	if (guest && guest->driver == driver && guest->machine != (int)domid) {
		pvmem_guest_gone(guest);
		guest = NULL;
	}
	/* xl gives a name while it builds "NAME--incoming"; a name with a slash would leave our directory. */
	if (uuid && name && *name && !strchr(name, '/') && g_utf8_validate(name, -1, NULL) && !guest)
		pvmem_xen_appeared(driver, domid, uuid, name);
	free(name);
	free(vm);
}

static void pvmem_xen_scan(struct pvmem_driver *driver)
{
	g_autoptr(GList) guests = g_hash_table_get_values(driver->daemon->guests);
	unsigned int nr = 0, i;
	char **ids = xs_directory(driver->xs, XBT_NULL, "/local/domain", &nr);
	GList *link;

	driver->lost = !ids;
	for (link = guests; ids && link; link = link->next) {
		struct pvmem_guest *guest = link->data;

		if (guest->driver == driver && !xs_is_domain_introduced(driver->xs, guest->machine))
			pvmem_guest_gone(guest);
	}
	for (i = 0; i < nr; i++) {
		unsigned int domid = strtoul(ids[i], NULL, 10);

		if (domid && xs_is_domain_introduced(driver->xs, domid) && !pvmem_xen_guest(driver, domid))
			pvmem_xen_look(driver, domid);
	}
	free(ids);
}

static void pvmem_xen_event(struct pvmem_driver *driver, const char *path, const char *token)
{
	struct pvmem_guest *guest;

	if (path[0] == '@') {
		pvmem_xen_scan(driver);
		return;
	}
	guest = pvmem_xen_guest(driver, strtoul(token, NULL, 10));
	if (!guest)
		return;
	if (g_str_has_suffix(path, PVMEM_XEN_OPTIONS)) {
		pvmem_xen_read_options(guest);
		return;
	}
	pvmem_xen_take(guest);
	pvmem_xen_flush(guest);
}

static gboolean pvmem_xen_ready(gint fd, GIOCondition condition, gpointer data)
{
	struct pvmem_driver *driver = data;
	char **event;
	int left = PVMEM_XEN_EVENTS;

	while (left-- && (event = xs_check_watch(driver->xs))) {
		pvmem_xen_event(driver, event[XS_WATCH_PATH], event[XS_WATCH_TOKEN]);
		free(event);
	}
	return G_SOURCE_CONTINUE;
}

static gboolean pvmem_xen_tick(gpointer data)
{
	struct pvmem_driver *driver = data;
	g_autoptr(GList) guests = NULL;
	GList *link;

	pvmem_xen_scan(driver);
	guests = g_hash_table_get_values(driver->daemon->guests);
	for (link = guests; link; link = link->next) {
		struct pvmem_guest *guest = link->data;

		if (guest->driver != driver)
			continue;
		pvmem_xen_take(guest);
		pvmem_xen_flush(guest);
	}
	return G_SOURCE_CONTINUE;
}

static struct pvmem_driver *pvmem_xen_start(struct pvmem_daemon *daemon, GError **error)
{
	struct pvmem_driver *driver;
	struct xs_handle *xs = xs_open(0);

	if (!xs) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "xenstore cannot be reached: %s",
			    g_strerror(errno));
		return NULL;
	}
	driver = g_new0(struct pvmem_driver, 1);
	driver->daemon = daemon;
	driver->xs = xs;
	driver->xch = xc_interface_open(NULL, NULL, 0);
	xs_watch(xs, "@introduceDomain", "domains");
	xs_watch(xs, "@releaseDomain", "domains");
	driver->source = g_unix_fd_add(xs_fileno(xs), G_IO_IN, pvmem_xen_ready, driver);
	driver->tick = g_timeout_add(PVMEM_XEN_TICK_MS, pvmem_xen_tick, driver);
	pvmem_xen_scan(driver);
	return driver;
}

static void pvmem_xen_stop(struct pvmem_driver *driver)
{
	g_source_remove(driver->source);
	g_source_remove(driver->tick);
	xs_close(driver->xs);
	if (driver->xch)
		xc_interface_close(driver->xch);
	g_free(driver);
}

static const char *pvmem_xen_status(struct pvmem_driver *driver)
{
	return driver->lost ? "xenstore does not answer" : "ok";
}

const struct pvmem_driver_ops pvmem_driver_xen = {
	.name = "xen",
	.start = pvmem_xen_start,
	.stop = pvmem_xen_stop,
	.forget = pvmem_xen_forget,
	.set_options = pvmem_xen_set_options,
	.audit = pvmem_audit_xen,
	.look = pvmem_xen_look_memory,
	.balloon = pvmem_xen_balloon,
	.status = pvmem_xen_status,
	.send = pvmem_xen_send,
};
