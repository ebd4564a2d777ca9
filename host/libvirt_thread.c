// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One thread, one queue of jobs, one connection. Jobs run in the order they are
 * given; what they find is handed to the main loop in the same order. Events
 * arrive on the main loop and become jobs.
 */
#include <jansson.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <string.h>
#include <pvmem/names.h>
#include "libvirt_thread.h"
#include "metadata.h"

/* libvirtd is thought gone when it is silent that long: 5 times 3 s. */
#define PVMEM_KEEPALIVE_S 3
#define PVMEM_KEEPALIVE_COUNT 5

/* The kinds of events we hear of a connection, beside QEMU's own. */
#define PVMEM_LIBVIRT_EVENTS 3

struct pvmem_libvirt {
	const char *uri;
	const struct pvmem_libvirt_ops *ops;
	void *data;
	GThread *thread;
	GAsyncQueue *jobs;
	virConnectPtr conn;		  /* the thread's own */
	int events[PVMEM_LIBVIRT_EVENTS]; /* of @conn: what their callbacks are known by; -1: none */
	int port_event;
	gboolean stopped; /* the main loop's: nothing is told any more */
};

/* Something to do; the same structure carries what came of it to the main loop. */
struct pvmem_job {
	struct pvmem_libvirt *libvirt;
	void (*run)(struct pvmem_libvirt *libvirt, struct pvmem_job *job);
	void (*tell)(struct pvmem_libvirt *libvirt, struct pvmem_job *job);
	char uuid[VIR_UUID_STRING_BUFLEN];
	gboolean defined;
	guint scope;
	char *xml;
	guint64 bytes;
	pvmem_done done;
	void *done_data;
	struct pvmem_domain domain;
	gboolean read; /* @domain has all there is */
	GPtrArray *uuids;
	char *error;
};

static void pvmem_domain_clear(struct pvmem_domain *domain)
{
	g_free(domain->uuid);
	g_free(domain->name);
	g_free(domain->socket);
	g_free(domain->alias);
}

static void pvmem_job_free(struct pvmem_job *job)
{
	pvmem_domain_clear(&job->domain);
	if (job->uuids)
		g_ptr_array_unref(job->uuids);
	g_free(job->xml);
	g_free(job->error);
	g_free(job);
}

static gboolean pvmem_job_told(gpointer data)
{
	struct pvmem_job *job = data;

	if (!job->libvirt->stopped)
		job->tell(job->libvirt, job);
	else if (job->done)
		job->done("the daemon ends", job->done_data);
	pvmem_job_free(job);
	return G_SOURCE_REMOVE;
}

/* Hands a job to the main loop, in the order in which this is called. */
static void pvmem_job_tell(struct pvmem_job *job, void (*tell)(struct pvmem_libvirt *, struct pvmem_job *))
{
	job->tell = tell;
	g_idle_add_full(G_PRIORITY_DEFAULT, pvmem_job_told, job, NULL);
}

static void pvmem_job_push(struct pvmem_libvirt *libvirt, const char *uuid, gboolean defined,
			   void (*run)(struct pvmem_libvirt *, struct pvmem_job *))
{
	struct pvmem_job *job = g_new0(struct pvmem_job, 1);

	job->libvirt = libvirt;
	job->run = run;
	job->defined = defined;
	g_strlcpy(job->uuid, uuid, sizeof(job->uuid));
	g_async_queue_push(libvirt->jobs, job);
}

static char *pvmem_last_error(void)
{
	return g_strdup(virGetLastErrorMessage());
}

/* --- reading a domain */

/* No options is an answer; no answer is none: the options that were asked stay. */
static gboolean pvmem_read_metadata(virDomainPtr dom, unsigned int impact, struct pvmem_asked *asked)
{
	char *xml = virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, PVMEM_METADATA_URI, impact);

	if (!xml && virGetLastErrorCode() != VIR_ERR_NO_DOMAIN_METADATA)
		return FALSE;
	pvmem_metadata_parse(xml, asked);
	free(xml);
	return TRUE;
}

static char *pvmem_xpath(xmlXPathContextPtr context, const char *expression)
{
	xmlXPathObjectPtr object = xmlXPathEvalExpression((const xmlChar *)expression, context);
	char *text = object && object->stringval && *object->stringval ? g_strdup((char *)object->stringval) : NULL;

	xmlXPathFreeObject(object);
	return text;
}

#define PVMEM_XPATH_CHANNEL "/domain/devices/channel[target/@name='" PVMEM_CHANNEL "']"

/* What the running domain's XML says: the agent's channel, and whether there is a balloon. */
static gboolean pvmem_read_devices(virDomainPtr dom, struct pvmem_domain *domain)
{
	g_autofree char *balloon = NULL;
	char *xml = virDomainGetXMLDesc(dom, 0);
	xmlDocPtr doc = xml ? xmlReadMemory(xml, strlen(xml), NULL, NULL, XML_PARSE_NONET | XML_PARSE_HUGE) : NULL;
	xmlXPathContextPtr context = doc ? xmlXPathNewContext(doc) : NULL;
	virDomainInfo info;

	if (!xml)
		return FALSE;
	if (context) {
		domain->socket = pvmem_xpath(context, "string(" PVMEM_XPATH_CHANNEL "/source/@path)");
		domain->alias = pvmem_xpath(context, "string(" PVMEM_XPATH_CHANNEL "/alias/@name)");
		balloon = pvmem_xpath(context, "string(/domain/devices/memballoon/@model)");
	}
	xmlXPathFreeContext(context);
	xmlFreeDoc(doc);
	free(xml);
	if (balloon && strcmp(balloon, "none") && !virDomainGetInfo(dom, &info))
		domain->actual_bytes = info.memory * 1024ull;
	return TRUE;
}

static gboolean pvmem_read_live(virDomainPtr dom, struct pvmem_domain *domain)
{
	int active = virDomainIsActive(dom);

	domain->running = active == 1;
	if (active != 1)
		return !active;
	domain->pid = (int)virDomainGetID(dom);
	return pvmem_read_metadata(dom, VIR_DOMAIN_AFFECT_LIVE, &domain->live) && pvmem_read_devices(dom, domain);
}

static gboolean pvmem_read_config(virDomainPtr dom, struct pvmem_domain *domain)
{
	int persistent = virDomainIsPersistent(dom);

	if (persistent == 1)
		return pvmem_read_metadata(dom, VIR_DOMAIN_AFFECT_CONFIG, &domain->config);
	domain->config = domain->live;
	return !persistent;
}

/*
 * FALSE: libvirt did not say all there is. Then nothing is told, and the guest
 * goes on as it was: an event, or the next connection, has it read again.
 */
static gboolean pvmem_read_domain(virDomainPtr dom, struct pvmem_domain *domain)
{
	char uuid[VIR_UUID_STRING_BUFLEN];

	virDomainGetUUIDString(dom, uuid);
	domain->uuid = g_strdup(uuid);
	domain->name = g_strdup(virDomainGetName(dom));
	domain->exists = TRUE;
	domain->memory_bytes = virDomainGetMaxMemory(dom) * 1024ull;
	if (pvmem_read_live(dom, domain) && pvmem_read_config(dom, domain))
		return TRUE;
	g_message("domain %s cannot be read: %s", domain->name, virGetLastErrorMessage());
	return FALSE;
}

static void pvmem_tell_seen(struct pvmem_libvirt *libvirt, struct pvmem_job *job)
{
	libvirt->ops->seen(libvirt->data, &job->domain);
}

static void pvmem_run_read(struct pvmem_libvirt *libvirt, struct pvmem_job *job)
{
	virDomainPtr dom = libvirt->conn ? virDomainLookupByUUIDString(libvirt->conn, job->uuid) : NULL;

	job->domain.defined = job->defined;
	if (dom) {
		job->read = pvmem_read_domain(dom, &job->domain);
		virDomainFree(dom);
	} else if (libvirt->conn && virGetLastErrorCode() == VIR_ERR_NO_DOMAIN) {
		job->read = TRUE;
		job->domain.uuid = g_strdup(job->uuid);
	}
	if (job->read)
		pvmem_job_tell(job, pvmem_tell_seen);
	else
		pvmem_job_free(job);
}

/* --- writing options */

static void pvmem_tell_set(struct pvmem_libvirt *libvirt, struct pvmem_job *job)
{
	if (job->read)
		libvirt->ops->seen(libvirt->data, &job->domain);
	job->done(job->error, job->done_data);
}

/* A change was made, or refused: tell, with what the domain is like now. */
static void pvmem_job_changed(struct pvmem_libvirt *libvirt, struct pvmem_job *job, virDomainPtr dom, gboolean done)
{
	if (done)
		job->read = pvmem_read_domain(dom, &job->domain);
	else
		job->error = libvirt->conn ? pvmem_last_error() : g_strdup("libvirt is not connected");
	if (dom)
		virDomainFree(dom);
	pvmem_job_tell(job, pvmem_tell_set);
}

static void pvmem_run_set(struct pvmem_libvirt *libvirt, struct pvmem_job *job)
{
	virDomainPtr dom = libvirt->conn ? virDomainLookupByUUIDString(libvirt->conn, job->uuid) : NULL;
	unsigned int impact = (job->scope & PVMEM_SCOPE_LIVE ? VIR_DOMAIN_AFFECT_LIVE : 0) |
			      (job->scope & PVMEM_SCOPE_CONFIG ? VIR_DOMAIN_AFFECT_CONFIG : 0);

	pvmem_job_changed(libvirt, job, dom,
			  dom && !virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, job->xml, PVMEM_METADATA_KEY,
						       PVMEM_METADATA_URI, impact));
}

static void pvmem_run_balloon(struct pvmem_libvirt *libvirt, struct pvmem_job *job)
{
	virDomainPtr dom = libvirt->conn ? virDomainLookupByUUIDString(libvirt->conn, job->uuid) : NULL;

	pvmem_job_changed(libvirt, job, dom,
			  dom && !virDomainSetMemoryFlags(dom, job->bytes / 1024, VIR_DOMAIN_AFFECT_LIVE));
}

/* --- events, on the main loop */

static void pvmem_event_read(virDomainPtr dom, gboolean defined, struct pvmem_libvirt *libvirt)
{
	char uuid[VIR_UUID_STRING_BUFLEN];

	if (!virDomainGetUUIDString(dom, uuid))
		pvmem_job_push(libvirt, uuid, defined, pvmem_run_read);
}

static int pvmem_event_lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *data)
{
	pvmem_event_read(dom, event == VIR_DOMAIN_EVENT_DEFINED, data);
	return 0;
}

static void pvmem_event_balloon(virConnectPtr conn, virDomainPtr dom, unsigned long long actual, void *data)
{
	pvmem_event_read(dom, FALSE, data);
}

static void pvmem_event_metadata(virConnectPtr conn, virDomainPtr dom, int type, const char *uri, void *data)
{
	if (type == VIR_DOMAIN_METADATA_ELEMENT && (!uri || !strcmp(uri, PVMEM_METADATA_URI)))
		pvmem_event_read(dom, FALSE, data);
}

/* {"open":true,"id":"channel0"} */
static void pvmem_event_port(virConnectPtr conn, virDomainPtr dom, const char *event, long long seconds,
			     unsigned int micros, const char *details, void *data)
{
	struct pvmem_libvirt *libvirt = data;
	json_t *json = details ? json_loads(details, 0, NULL) : NULL;
	const char *alias = json_string_value(json_object_get(json, "id"));
	char uuid[VIR_UUID_STRING_BUFLEN];

	if (alias && !libvirt->stopped && !virDomainGetUUIDString(dom, uuid))
		libvirt->ops->port(libvirt->data, uuid, alias, json_is_true(json_object_get(json, "open")));
	json_decref(json);
}

static void pvmem_run_disconnect(struct pvmem_libvirt *libvirt, struct pvmem_job *job);

static void pvmem_event_close(virConnectPtr conn, int reason, void *data)
{
	pvmem_job_push(data, "", FALSE, pvmem_run_disconnect);
}

/* --- the connection */

static void pvmem_tell_connected(struct pvmem_libvirt *libvirt, struct pvmem_job *job)
{
	libvirt->ops->connected(libvirt->data, job->error);
}

static void pvmem_tell_listed(struct pvmem_libvirt *libvirt, struct pvmem_job *job)
{
	libvirt->ops->listed(libvirt->data, (const char *const *)job->uuids->pdata);
	libvirt->ops->connected(libvirt->data, NULL);
}

/* A connection with callbacks does not close: they hold on to it. */
static void pvmem_disconnect(struct pvmem_libvirt *libvirt)
{
	int i;

	if (!libvirt->conn)
		return;
	for (i = 0; i < PVMEM_LIBVIRT_EVENTS; i++)
		if (libvirt->events[i] >= 0)
			virConnectDomainEventDeregisterAny(libvirt->conn, libvirt->events[i]);
	if (libvirt->port_event >= 0)
		virConnectDomainQemuMonitorEventDeregister(libvirt->conn, libvirt->port_event);
	virConnectUnregisterCloseCallback(libvirt->conn, pvmem_event_close);
	virConnectClose(libvirt->conn);
	libvirt->conn = NULL;
}

static void pvmem_run_disconnect(struct pvmem_libvirt *libvirt, struct pvmem_job *job)
{
	pvmem_disconnect(libvirt);
	job->error = g_strdup("the connection was lost");
	pvmem_job_tell(job, pvmem_tell_connected);
}

static gboolean pvmem_register(struct pvmem_libvirt *libvirt)
{
	static const struct {
		int event;
		virConnectDomainEventGenericCallback callback;
		gboolean needed;
	} kinds[PVMEM_LIBVIRT_EVENTS] = {
		{ VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(pvmem_event_lifecycle), TRUE },
		{ VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(pvmem_event_metadata), TRUE },
		{ VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(pvmem_event_balloon), FALSE },
	};
	virConnectPtr conn = libvirt->conn;
	int i;

	for (i = 0; i < PVMEM_LIBVIRT_EVENTS; i++)
		libvirt->events[i] = -1;
	libvirt->port_event = -1;
	for (i = 0; i < PVMEM_LIBVIRT_EVENTS; i++) {
		libvirt->events[i] = virConnectDomainEventRegisterAny(conn, NULL, kinds[i].event, kinds[i].callback,
								      libvirt, NULL);
		if (libvirt->events[i] < 0 && kinds[i].needed)
			return FALSE;
	}
	/* Only what lives in a daemon of its own loses its connection, and only QEMU has ports. */
	virConnectRegisterCloseCallback(conn, pvmem_event_close, libvirt, NULL);
	virConnectSetKeepAlive(conn, PVMEM_KEEPALIVE_S, PVMEM_KEEPALIVE_COUNT);
	libvirt->port_event = virConnectDomainQemuMonitorEventRegister(conn, NULL, "VSERPORT_CHANGE", pvmem_event_port,
								       libvirt, NULL, 0);
	return TRUE;
}

static void pvmem_list(struct pvmem_libvirt *libvirt, struct pvmem_job *job)
{
	virDomainPtr *doms = NULL;
	int i, nr = virConnectListAllDomains(libvirt->conn, &doms, 0);

	job->uuids = g_ptr_array_new_with_free_func(g_free);
	for (i = 0; i < nr; i++) {
		struct pvmem_job *seen = g_new0(struct pvmem_job, 1);

		seen->libvirt = libvirt;
		seen->read = pvmem_read_domain(doms[i], &seen->domain);
		g_ptr_array_add(job->uuids, g_strdup(seen->domain.uuid));
		if (seen->read)
			pvmem_job_tell(seen, pvmem_tell_seen);
		else
			pvmem_job_free(seen);
		virDomainFree(doms[i]);
	}
	free(doms);
	g_ptr_array_add(job->uuids, NULL);
	if (nr < 0) {
		job->error = pvmem_last_error();
		pvmem_disconnect(libvirt);
	}
}

static void pvmem_run_connect(struct pvmem_libvirt *libvirt, struct pvmem_job *job)
{
	pvmem_disconnect(libvirt);
	libvirt->conn = virConnectOpen(libvirt->uri);
	if (libvirt->conn && pvmem_register(libvirt)) {
		pvmem_list(libvirt, job);
	} else {
		job->error = pvmem_last_error();
		pvmem_disconnect(libvirt);
	}
	pvmem_job_tell(job, job->error ? pvmem_tell_connected : pvmem_tell_listed);
}

static void pvmem_run_refresh(struct pvmem_libvirt *libvirt, struct pvmem_job *job)
{
	if (!libvirt->conn) {
		pvmem_job_free(job); /* no connection: the next one reads everything */
		return;
	}
	pvmem_list(libvirt, job);
	pvmem_job_tell(job, job->error ? pvmem_tell_connected : pvmem_tell_listed);
}

static void pvmem_run_stop(struct pvmem_libvirt *libvirt, struct pvmem_job *job)
{
	pvmem_disconnect(libvirt);
	pvmem_job_free(job);
}

static void pvmem_quiet(void *data, virErrorPtr error)
{
	/* Errors are reported where they matter; libvirt would print them all. */
}

static gpointer pvmem_libvirt_main(gpointer data)
{
	struct pvmem_libvirt *libvirt = data;
	gboolean last;

	virInitialize();
	virSetErrorFunc(NULL, pvmem_quiet);
	do {
		struct pvmem_job *job = g_async_queue_pop(libvirt->jobs);

		last = job->run == pvmem_run_stop;
		virResetLastError();
		job->run(libvirt, job);
	} while (!last);
	return NULL;
}

/**
 * pvmem_libvirt_thread_start() - starts the thread
 * @uri: what to connect to; must stay.
 * @ops: told what is found.
 * @data: given to @ops.
 *
 * gvir_event_register() has been called.
 *
 * Return: the thread.
 */
struct pvmem_libvirt *pvmem_libvirt_thread_start(const char *uri, const struct pvmem_libvirt_ops *ops, void *data)
{
	struct pvmem_libvirt *libvirt = g_new0(struct pvmem_libvirt, 1);

	libvirt->uri = uri;
	libvirt->ops = ops;
	libvirt->data = data;
	libvirt->jobs = g_async_queue_new();
	libvirt->thread = g_thread_new("libvirt", pvmem_libvirt_main, libvirt);
	return libvirt;
}

/**
 * pvmem_libvirt_thread_stop() - ends the thread after the jobs it has
 * @libvirt: the thread; freed. Nothing is told any more.
 */
void pvmem_libvirt_thread_stop(struct pvmem_libvirt *libvirt)
{
	libvirt->stopped = TRUE;
	pvmem_job_push(libvirt, "", FALSE, pvmem_run_stop);
	g_thread_join(libvirt->thread);
	while (g_main_context_iteration(NULL, FALSE))
		;
	g_async_queue_unref(libvirt->jobs);
	g_free(libvirt);
}

/**
 * pvmem_libvirt_connect() - connects, and reads every domain
 * @libvirt: the thread.
 */
void pvmem_libvirt_connect(struct pvmem_libvirt *libvirt)
{
	pvmem_job_push(libvirt, "", FALSE, pvmem_run_connect);
}

/**
 * pvmem_libvirt_refresh() - reads every domain again, on the connection there is
 * @libvirt: the thread.
 */
void pvmem_libvirt_refresh(struct pvmem_libvirt *libvirt)
{
	pvmem_job_push(libvirt, "", FALSE, pvmem_run_refresh);
}

/**
 * pvmem_libvirt_set() - writes options into a domain's metadata
 * @libvirt: the thread.
 * @uuid: of the domain.
 * @scope: PVMEM_SCOPE_LIVE, PVMEM_SCOPE_CONFIG or both.
 * @options: NULL removes them.
 * @done: called after the domain, as it is then, was told.
 * @data: given to @done.
 */
void pvmem_libvirt_set(struct pvmem_libvirt *libvirt, const char *uuid, guint scope,
		       const struct pvmem_options *options, pvmem_done done, void *data)
{
	struct pvmem_job *job = g_new0(struct pvmem_job, 1);

	job->libvirt = libvirt;
	job->run = pvmem_run_set;
	job->scope = scope;
	job->xml = options ? pvmem_metadata_format(options) : NULL;
	job->done = done;
	job->done_data = data;
	g_strlcpy(job->uuid, uuid, sizeof(job->uuid));
	g_async_queue_push(libvirt->jobs, job);
}

/**
 * pvmem_libvirt_balloon() - has a running domain come to so much memory
 * @libvirt: the thread.
 * @uuid: of the domain.
 * @bytes: how much.
 * @done: called when libvirt has taken it; the guest follows in its own time.
 * @data: given to @done.
 */
void pvmem_libvirt_balloon(struct pvmem_libvirt *libvirt, const char *uuid, guint64 bytes, pvmem_done done, void *data)
{
	struct pvmem_job *job = g_new0(struct pvmem_job, 1);

	job->libvirt = libvirt;
	job->run = pvmem_run_balloon;
	job->bytes = bytes;
	job->done = done;
	job->done_data = data;
	g_strlcpy(job->uuid, uuid, sizeof(job->uuid));
	g_async_queue_push(libvirt->jobs, job);
}
