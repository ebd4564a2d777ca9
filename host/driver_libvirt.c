// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guests of libvirt's. Its events only say that something changed; what is, is
 * then read anew: the running domain's metadata, that of its next start, and the
 * socket of the agent's channel. So nothing is lost when events are, and a new
 * connection begins with reading everything.
 *
 * Calls into libvirt wait for libvirtd, so all of them are made by one thread
 * (libvirt_thread.c) that is handed jobs and hands back plain structures; this
 * file is the main loop's side. The agents' channels are QEMU's sockets, which
 * the daemon connects to itself: a guest that writes too fast is left unread,
 * and only its own writes wait (through virDomainOpenChannel() its bytes would
 * queue up in this process, on the connection that all guests share).
 */
#include <libvirt-glib/libvirt-glib.h>
#include <string.h>
#include "daemon.h"
#include "libvirt_thread.h"
#include "metadata.h"

/* How often a connection, of libvirt or of a guest, is tried again, in ms. */
#define PVMEM_RETRY_MS 500

struct pvmem_driver {
	struct pvmem_daemon *daemon;
	struct pvmem_libvirt *libvirt;
	gboolean connected;
	gboolean connecting;
	guint retry;
	char status[256];
};

/* What the driver keeps of a guest. */
struct pvmem_libvirt_guest {
	char *socket;
	char *alias;
	int pid;
	gboolean config_known;
};

static void pvmem_libvirt_forget(struct pvmem_guest *guest)
{
	struct pvmem_libvirt_guest *own = guest->driver_data;

	g_free(own->socket);
	g_free(own->alias);
	g_free(own);
}

static struct pvmem_guest *pvmem_libvirt_appeared(struct pvmem_driver *driver, const struct pvmem_domain *domain)
{
	struct pvmem_guest *guest = pvmem_guest_new(driver->daemon, &pvmem_driver_libvirt, driver, domain->uuid,
						    domain->name);

	guest->driver_data = g_new0(struct pvmem_libvirt_guest, 1);
	return guest;
}

static void pvmem_libvirt_attach(struct pvmem_guest *guest)
{
	struct pvmem_libvirt_guest *own = guest->driver_data;

	if (guest->running && own->socket && !guest->stream)
		pvmem_guest_attach(guest, own->socket);
}

static gboolean pvmem_asked_equal(const struct pvmem_asked *a, const struct pvmem_asked *b)
{
	return pvmem_options_equal(&a->options, &b->options) && !strcmp(a->error, b->error);
}

static void pvmem_libvirt_copied(const char *error, void *data)
{
	g_autofree char *name = data;

	if (error)
		g_warning("domain %s: its new definition's options were not applied to the running guest: %s", name,
			  error);
}

/*
 * virsh define changes the next start only. Somebody who edits the options of a
 * running domain wants them now as well: what a definition changed is copied to
 * the running domain. (virsh metadata --config says that it does not want that.)
 */
static void pvmem_libvirt_redefined(struct pvmem_guest *guest, const struct pvmem_domain *domain)
{
	struct pvmem_libvirt_guest *own = guest->driver_data;

	if (!domain->defined || !own->config_known || !domain->running || *domain->config.error ||
	    pvmem_asked_equal(&domain->config, &guest->config) || pvmem_asked_equal(&domain->config, &domain->live))
		return;
	pvmem_libvirt_set(guest->driver->libvirt, domain->uuid, PVMEM_SCOPE_LIVE,
			  domain->config.options.set ? &domain->config.options : NULL, pvmem_libvirt_copied,
			  g_strdup(guest->name));
}

static void pvmem_libvirt_update(struct pvmem_guest *guest, const struct pvmem_domain *domain)
{
	struct pvmem_libvirt_guest *own = guest->driver_data;

	if (strcmp(guest->name, domain->name)) {
		g_free(guest->name);
		guest->name = g_strdup(domain->name);
	}
	if (g_strcmp0(own->socket, domain->socket) || own->pid != domain->pid)
		pvmem_guest_detach(guest);
	g_free(own->socket);
	g_free(own->alias);
	own->socket = g_strdup(domain->socket);
	own->alias = g_strdup(domain->alias);
	own->pid = domain->pid;
	guest->memory_bytes = domain->memory_bytes;
	guest->actual_bytes = domain->actual_bytes;
	pvmem_libvirt_redefined(guest, domain);
	own->config_known = TRUE;
	pvmem_guest_options(guest, domain->running ? &domain->live : &domain->config, &domain->config);
	pvmem_guest_running(guest, domain->running);
	pvmem_libvirt_attach(guest);
}

/* The thread has read a domain. One of another driver's stays that: libvirt sees the domains of xl as well. */
static void pvmem_libvirt_seen(void *data, const struct pvmem_domain *domain)
{
	struct pvmem_driver *driver = data;
	struct pvmem_guest *guest = g_hash_table_lookup(driver->daemon->guests, domain->uuid);

	if (guest && guest->driver != driver)
		return;
	if (domain->exists)
		pvmem_libvirt_update(guest ?: pvmem_libvirt_appeared(driver, domain), domain);
	else if (guest)
		pvmem_guest_gone(guest);
}

/* A new connection has listed every domain: those that are not in it are gone. */
static void pvmem_libvirt_listed(void *data, const char *const *uuids)
{
	struct pvmem_driver *driver = data;
	g_autoptr(GList) guests = g_hash_table_get_values(driver->daemon->guests);
	GList *link;

	for (link = guests; link; link = link->next) {
		struct pvmem_guest *guest = link->data;

		if (guest->driver == driver && !g_strv_contains(uuids, guest->uuid))
			pvmem_guest_gone(guest);
	}
}

static void pvmem_libvirt_connected(void *data, const char *error)
{
	struct pvmem_driver *driver = data;

	driver->connecting = FALSE;
	if (driver->connected != !error)
		pvmem_log(G_LOG_LEVEL_MESSAGE, NULL, "libvirt %s: %s", driver->daemon->config->libvirt_uri,
			  error ?: "connected");
	driver->connected = !error;
	pvmem_text_copy(driver->status, sizeof(driver->status), error ?: "ok");
}

static void pvmem_libvirt_port(void *data, const char *uuid, const char *alias, gboolean open)
{
	struct pvmem_driver *driver = data;
	struct pvmem_guest *guest = g_hash_table_lookup(driver->daemon->guests, uuid);
	struct pvmem_libvirt_guest *own = guest ? guest->driver_data : NULL;

	if (!own || guest->driver != driver || g_strcmp0(own->alias, alias))
		return;
	if (open)
		pvmem_libvirt_attach(guest);
	else
		pvmem_guest_agent_gone(guest);
}

static const struct pvmem_libvirt_ops pvmem_libvirt_callbacks = {
	.seen = pvmem_libvirt_seen,
	.listed = pvmem_libvirt_listed,
	.connected = pvmem_libvirt_connected,
	.port = pvmem_libvirt_port,
};

static gboolean pvmem_libvirt_retry(gpointer data)
{
	struct pvmem_driver *driver = data;
	struct pvmem_guest *guest;
	GHashTableIter iter;

	if (!driver->connected && !driver->connecting) {
		driver->connecting = TRUE;
		pvmem_libvirt_connect(driver->libvirt);
	}
	g_hash_table_iter_init(&iter, driver->daemon->guests);
	while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&guest))
		if (guest->driver == driver)
			pvmem_libvirt_attach(guest);
	return G_SOURCE_CONTINUE;
}

static struct pvmem_driver *pvmem_libvirt_driver_start(struct pvmem_daemon *daemon, GError **error)
{
	struct pvmem_driver *driver = g_new0(struct pvmem_driver, 1);

	driver->daemon = daemon;
	g_strlcpy(driver->status, "connecting", sizeof(driver->status));
	gvir_event_register();
	driver->libvirt = pvmem_libvirt_thread_start(daemon->config->libvirt_uri, &pvmem_libvirt_callbacks, driver);
	driver->retry = g_timeout_add(PVMEM_RETRY_MS, pvmem_libvirt_retry, driver);
	pvmem_libvirt_retry(driver);
	return driver;
}

static void pvmem_libvirt_driver_stop(struct pvmem_driver *driver)
{
	g_source_remove(driver->retry);
	pvmem_libvirt_thread_stop(driver->libvirt);
	g_free(driver);
}

static void pvmem_libvirt_driver_set(struct pvmem_guest *guest, guint scopes, const struct pvmem_options *options,
				     pvmem_done done, void *data)
{
	if (!guest->driver->connected)
		done("libvirt is not connected", data);
	else
		pvmem_libvirt_set(guest->driver->libvirt, guest->uuid, scopes, options, done, data);
}

static void pvmem_libvirt_driver_balloon(struct pvmem_guest *guest, guint64 bytes, pvmem_done done, void *data)
{
	if (!guest->driver->connected)
		done("libvirt is not connected", data);
	else
		pvmem_libvirt_balloon(guest->driver->libvirt, guest->uuid, bytes, done, data);
}

static void pvmem_libvirt_closed(struct pvmem_guest *guest)
{
	/* The domain ends, which an event will tell; or else attaching is tried again in time. */
}

static void pvmem_libvirt_driver_refresh(struct pvmem_driver *driver)
{
	if (driver->connected)
		pvmem_libvirt_refresh(driver->libvirt);
	pvmem_libvirt_retry(driver);
}

static const char *pvmem_libvirt_status(struct pvmem_driver *driver)
{
	return driver->status;
}

const struct pvmem_driver_ops pvmem_driver_libvirt = {
	.name = "libvirt",
	.start = pvmem_libvirt_driver_start,
	.stop = pvmem_libvirt_driver_stop,
	.forget = pvmem_libvirt_forget,
	.set_options = pvmem_libvirt_driver_set,
	.closed = pvmem_libvirt_closed,
	.audit = pvmem_audit_kvm,
	.balloon = pvmem_libvirt_driver_balloon,
	.refresh = pvmem_libvirt_driver_refresh,
	.status = pvmem_libvirt_status,
	.send = pvmem_guest_stream_send,
};
