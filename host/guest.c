// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The talk with a guest's agent. The host says hello when a channel opens; the
 * agent says hello then and whenever it starts, and is answered with the options
 * of the domain. Options that change are sent at once. What is not answered in
 * time is sent again while the agent lives.
 *
 * A guest is known by its channel alone: nothing it says chooses whose state
 * changes.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include "daemon.h"
#include "guest.h"
#include "unix_socket.h"

/* After that long without an answer options are sent again. */
#define PVMEM_RESEND_US (2 * G_USEC_PER_SEC)

/* Options are not sent again sooner than that, however often a guest says hello. */
#define PVMEM_CONFIGURE_GAP_US (G_USEC_PER_SEC / 5)

/* A guest that misses that many reports is not reporting. */
#define PVMEM_REPORTS_MISSED 5

/* Lines in the log that a guest may cause: so many at once, and then one in that many seconds. */
#define PVMEM_LOG_BURST 12
#define PVMEM_LOG_GAP_S 60.0

/* What waits for an answer: a request, or the options (id 0). */
struct pvmem_wait {
	guint64 id;
	gint64 deadline_us;
	pvmem_answer answer;
	void *data;
};

static void pvmem_guest_send(struct pvmem_guest *guest, json_t *message)
{
	gsize len;
	char *line = pvmem_message_line(message, &len);

	if (line)
		guest->ops->send(guest, line, len);
	free(line);
	json_decref(message);
}

static void pvmem_wait_end(struct pvmem_guest *guest, struct pvmem_wait *wait, const struct pvmem_result *result,
			   const json_t *message, const char *error)
{
	g_queue_remove(&guest->waits, wait);
	wait->answer(guest, result, message, error, wait->data);
	g_free(wait);
}

static void pvmem_waits_end(struct pvmem_guest *guest, const char *error)
{
	struct pvmem_wait *wait;

	while ((wait = g_queue_peek_head(&guest->waits)))
		pvmem_wait_end(guest, wait, NULL, NULL, error);
}

static void pvmem_wait_add(struct pvmem_guest *guest, guint64 id, guint timeout_ms, pvmem_answer answer, void *data)
{
	struct pvmem_wait *wait;

	if (g_queue_get_length(&guest->waits) >= PVMEM_WAITS_MAX) {
		answer(guest, NULL, NULL, "too many commands wait for this guest", data);
		return;
	}
	wait = g_new0(struct pvmem_wait, 1);
	wait->id = id;
	wait->deadline_us = g_get_monotonic_time() + timeout_ms * 1000ll;
	wait->answer = answer;
	wait->data = data;
	g_queue_push_tail(&guest->waits, wait);
}

/**
 * pvmem_guest_new() - a domain is there
 * @daemon: the daemon.
 * @ops: its driver's.
 * @driver: its driver.
 * @uuid: unique among all drivers' domains.
 * @name: for people.
 *
 * Return: the guest, until pvmem_guest_gone().
 */
struct pvmem_guest *pvmem_guest_new(struct pvmem_daemon *daemon, const struct pvmem_driver_ops *ops,
				    struct pvmem_driver *driver, const char *uuid, const char *name)
{
	struct pvmem_guest *guest = g_new0(struct pvmem_guest, 1);

	guest->daemon = daemon;
	guest->ops = ops;
	guest->driver = driver;
	guest->uuid = g_strdup(uuid);
	guest->name = g_strdup(name);
	guest->next_id = 1;
	g_queue_init(&guest->waits);
	pvmem_bucket_init(&guest->log, 1 / PVMEM_LOG_GAP_S, PVMEM_LOG_BURST, g_get_monotonic_time());
	g_hash_table_replace(daemon->guests, guest->uuid, guest);
	return guest;
}

/**
 * pvmem_guest_gone() - a domain is there no more
 * @guest: freed.
 */
void pvmem_guest_gone(struct pvmem_guest *guest)
{
	g_hash_table_steal(guest->daemon->guests, guest->uuid);
	pvmem_stream_free(guest->stream);
	pvmem_waits_end(guest, "the domain is gone");
	if (guest->ops->forget)
		guest->ops->forget(guest);
	g_free(guest->uuid);
	g_free(guest->name);
	g_free(guest);
}

/* What the guest does and the host did not ask for must not fill the log, however often it does it. */
static gboolean pvmem_guest_may_log(struct pvmem_guest *guest)
{
	if (!pvmem_bucket_tokens(&guest->log, g_get_monotonic_time()))
		return FALSE;
	pvmem_bucket_take(&guest->log, 1);
	return TRUE;
}

static gboolean pvmem_guest_forget_agent(struct pvmem_guest *guest)
{
	gboolean had = guest->agent;

	guest->agent = FALSE;
	guest->configure_id = 0;
	guest->result_current = FALSE;
	return had;
}

/**
 * pvmem_guest_running() - a domain has started or ended
 * @guest: the guest.
 * @running: it runs now.
 */
void pvmem_guest_running(struct pvmem_guest *guest, gboolean running)
{
	if (guest->running == running)
		return;
	guest->running = running;
	pvmem_log(G_LOG_LEVEL_MESSAGE, guest, running ? "runs" : "has ended");
	if (running)
		return;
	pvmem_guest_forget_agent(guest);
	memset(&guest->report, 0, sizeof(guest->report));
	memset(&guest->hello, 0, sizeof(guest->hello));
	memset(&guest->policy, 0, sizeof(guest->policy));
	guest->steered_pool = 0;
	guest->report_us = 0;
	pvmem_waits_end(guest, "the domain has ended");
}

/* Sends the options, unless they are on their way. */
static void pvmem_guest_configure(struct pvmem_guest *guest)
{
	gint64 now = g_get_monotonic_time();
	json_t *message = pvmem_message_new(PVMEM_MESSAGE_CONFIGURE);
	struct pvmem_options options = guest->live.options;

	guest->configure_id = guest->next_id++;
	guest->configure_us = now;
	guest->result_current = FALSE;
	if (guest->steered_pool)
		pvmem_options_set(&options, PVMEM_OPTION_MAX_POOL, guest->steered_pool);
	json_object_set_new(message, "id", json_integer((json_int_t)guest->configure_id));
	json_object_set_new(message, "report_ms", json_integer(guest->daemon->config->report_ms));
	json_object_set_new(message, "options", pvmem_options_to_json(&options));
	pvmem_guest_send(guest, message);
}

/**
 * pvmem_guest_steer_pool() - the policy moves the limit of the guest's compressed pages
 * @guest: the guest; it has the option max-pool, which stays as it is.
 * @percent: of its memory.
 */
void pvmem_guest_steer_pool(struct pvmem_guest *guest, guint percent)
{
	guest->steered_pool = percent == guest->live.options.value[PVMEM_OPTION_MAX_POOL] ? 0 : percent;
	if (guest->agent)
		pvmem_guest_configure(guest);
}

static void pvmem_asked_take(struct pvmem_guest *guest, struct pvmem_asked *to, const struct pvmem_asked *from,
			     const char *which)
{
	if (*from->error && strcmp(to->error, from->error))
		pvmem_log(G_LOG_LEVEL_WARNING, guest, "its %s options are refused, those before stay: %s", which,
			  from->error);
	pvmem_text_copy(to->error, sizeof(to->error), from->error);
	if (!*from->error)
		to->options = from->options;
}

/**
 * pvmem_guest_options() - a domain's options as they are kept
 * @guest: the guest.
 * @live: of the running guest; NULL: not looked at.
 * @config: of its next start; NULL: not looked at.
 *
 * The agent is told at once when they have changed. Options that are not valid
 * are not applied; the guest goes on with those before.
 */
void pvmem_guest_options(struct pvmem_guest *guest, const struct pvmem_asked *live, const struct pvmem_asked *config)
{
	struct pvmem_options before = guest->live.options;

	if (config)
		pvmem_asked_take(guest, &guest->config, config, "config");
	if (!live)
		return;
	pvmem_asked_take(guest, &guest->live, live, "live");
	if (!pvmem_options_equal(&before, &guest->live.options))
		guest->steered_pool = 0; /* somebody has changed their mind: the policy begins anew */
	if (guest->agent && !pvmem_options_equal(&before, &guest->live.options))
		pvmem_guest_configure(guest);
}

/**
 * pvmem_guest_connected() - the way to the guest's agent is open, or closed
 * @guest: the guest.
 * @connected: it is open.
 */
void pvmem_guest_connected(struct pvmem_guest *guest, gboolean connected)
{
	guest->connected = connected;
	pvmem_guest_forget_agent(guest);
	if (!connected)
		return;
	/* The newline ends what a daemon before us may have left half sent. */
	guest->ops->send(guest, "\n", 1);
	pvmem_guest_send(guest, pvmem_message_new(PVMEM_MESSAGE_HELLO));
}

/**
 * pvmem_guest_agent_gone() - the agent has closed its end
 * @guest: the guest.
 */
void pvmem_guest_agent_gone(struct pvmem_guest *guest)
{
	if (pvmem_guest_forget_agent(guest) && pvmem_guest_may_log(guest))
		pvmem_log(G_LOG_LEVEL_MESSAGE, guest, "its agent is gone");
}

/* Counts what is no message, and says so while the guest may cause lines. */
static void pvmem_guest_reject(struct pvmem_guest *guest, const char *reason)
{
	guest->rejected++;
	pvmem_text_copy(guest->rejected_why, sizeof(guest->rejected_why), reason);
	if (pvmem_guest_may_log(guest))
		pvmem_log(G_LOG_LEVEL_WARNING, guest, "sent what is no message: %s; %" G_GUINT64_FORMAT " such so far",
			  reason, guest->rejected);
}

static void pvmem_guest_hello(struct pvmem_guest *guest, const json_t *message)
{
	gboolean known = guest->agent;
	struct pvmem_hello hello;
	char reason[PVMEM_REASON];

	if (pvmem_hello_decode(message, &hello, reason)) {
		pvmem_guest_reject(guest, reason);
		return;
	}
	if (!known && pvmem_guest_may_log(guest))
		pvmem_log(G_LOG_LEVEL_MESSAGE, guest, "its agent %s speaks: kernel %s, backend %s", hello.agent,
			  hello.kernel, *hello.backend ? hello.backend : "none");
	guest->hello = hello;
	guest->agent = TRUE;
	if (!known || g_get_monotonic_time() - guest->configure_us >= PVMEM_CONFIGURE_GAP_US)
		pvmem_guest_configure(guest);
}

static void pvmem_guest_report(struct pvmem_guest *guest, const json_t *message)
{
	struct pvmem_report report;
	char reason[PVMEM_REASON];

	if (pvmem_report_decode(message, &report, reason)) {
		pvmem_guest_reject(guest, reason);
		return;
	}
	guest->report = report;
	guest->report_us = g_get_monotonic_time();
	guest->nr_reports++;
}

static void pvmem_guest_configured(struct pvmem_guest *guest, const struct pvmem_result *result)
{
	GList *link, *next;
	int i;

	guest->result = *result;
	guest->result_current = TRUE;
	guest->configure_id = 0;
	for (i = 0; i < PVMEM_NR_OPTIONS; i++)
		if (result->refused & (1u << i) && pvmem_guest_may_log(guest))
			pvmem_log(G_LOG_LEVEL_MESSAGE, guest, "refused %s: %s", pvmem_option_infos[i].name,
				  result->refused_why[i]);
	for (link = guest->waits.head; link; link = next) {
		struct pvmem_wait *wait = link->data;

		next = link->next;
		if (!wait->id)
			pvmem_wait_end(guest, wait, result, NULL, NULL);
	}
}

static void pvmem_guest_result(struct pvmem_guest *guest, const json_t *message)
{
	struct pvmem_result result;
	char reason[PVMEM_REASON];
	GList *link;

	if (pvmem_result_decode(message, &result, reason)) {
		pvmem_guest_reject(guest, reason);
		return;
	}
	if (guest->configure_id && result.id == guest->configure_id) {
		pvmem_guest_configured(guest, &result);
		return;
	}
	for (link = guest->waits.head; link; link = link->next) {
		struct pvmem_wait *wait = link->data;

		if (!wait->id || wait->id != result.id)
			continue;
		pvmem_wait_end(guest, wait, &result, message, NULL);
		return;
	}
}

/**
 * pvmem_guest_line() - a line from the guest
 * @guest: the guest whose channel it came from.
 * @line: anything.
 * @len: its length in bytes.
 */
void pvmem_guest_line(struct pvmem_guest *guest, const char *line, gsize len)
{
	char reason[PVMEM_REASON];
	enum pvmem_message_type type;
	json_t *message;

	if (pvmem_message_parse(line, len, &message, &type, reason)) {
		pvmem_guest_reject(guest, reason);
		return;
	}
	if (type == PVMEM_MESSAGE_HELLO)
		pvmem_guest_hello(guest, message);
	else if (type == PVMEM_MESSAGE_REPORT)
		pvmem_guest_report(guest, message);
	else if (type == PVMEM_MESSAGE_RESULT)
		pvmem_guest_result(guest, message);
	else
		pvmem_guest_reject(guest, "a message that is not for a guest to send");
	json_decref(message);
}

/* Ends waits that are overdue, and repeats what was not answered. */
static void pvmem_guest_overdue(struct pvmem_guest *guest, gint64 now_us)
{
	GList *link, *next;

	for (link = guest->waits.head; link; link = next) {
		struct pvmem_wait *wait = link->data;

		next = link->next;
		if (now_us >= wait->deadline_us)
			pvmem_wait_end(guest, wait, NULL, NULL, "the guest does not answer");
	}
}

/**
 * pvmem_guest_tick() - time has passed
 * @guest: the guest.
 * @now_us: the monotonic clock, in microseconds.
 */
void pvmem_guest_tick(struct pvmem_guest *guest, gint64 now_us)
{
	pvmem_guest_overdue(guest, now_us);
	if (!guest->connected)
		return;
	if (guest->agent && guest->configure_id && now_us - guest->configure_us >= PVMEM_RESEND_US)
		pvmem_guest_configure(guest);
	else if (!guest->agent && pvmem_guest_reporting(guest, now_us))
		pvmem_guest_send(guest,
				 pvmem_message_new(PVMEM_MESSAGE_HELLO)); /* our hello, or its answer, was lost */
}

/**
 * pvmem_guest_reporting() - whether the guest's reports come in time
 * @guest: the guest.
 * @now_us: the monotonic clock, in microseconds.
 *
 * Return: whether its last report can be relied on to be recent.
 */
gboolean pvmem_guest_reporting(const struct pvmem_guest *guest, gint64 now_us)
{
	return guest->report_us &&
	       now_us - guest->report_us < PVMEM_REPORTS_MISSED * 1000ll * guest->daemon->config->report_ms;
}

/**
 * pvmem_guest_state() - a word for the guest's state
 * @guest: the guest.
 * @now_us: the monotonic clock, in microseconds.
 *
 * Return: a constant.
 */
const char *pvmem_guest_state(const struct pvmem_guest *guest, gint64 now_us)
{
	if (!guest->running)
		return "off";
	if (!guest->connected)
		return "no channel";
	if (!guest->agent)
		return "no agent";
	return pvmem_guest_reporting(guest, now_us) ? "ok" : "silent";
}

/**
 * pvmem_guest_request() - asks the guest to do something once
 * @guest: the guest.
 * @what: purge, drain, compact or frames.
 * @timeout_ms: how long to wait for an answer.
 * @answer: called once, possibly before this returns.
 * @data: given to it.
 */
void pvmem_guest_request(struct pvmem_guest *guest, const char *what, guint timeout_ms, pvmem_answer answer, void *data)
{
	json_t *message;
	guint64 id;

	if (!guest->agent) {
		answer(guest, NULL, NULL, "no agent speaks in this guest", data);
		return;
	}
	id = guest->next_id++;
	message = pvmem_message_new(PVMEM_MESSAGE_REQUEST);
	json_object_set_new(message, "id", json_integer((json_int_t)id));
	json_object_set_new(message, "do", json_string(what));
	pvmem_wait_add(guest, id, timeout_ms, answer, data);
	pvmem_guest_send(guest, message);
}

/**
 * pvmem_guest_wait_configured() - waits until the guest has answered the options it has now
 * @guest: the guest.
 * @timeout_ms: how long.
 * @answer: called once, possibly before this returns.
 * @data: given to it.
 */
void pvmem_guest_wait_configured(struct pvmem_guest *guest, guint timeout_ms, pvmem_answer answer, void *data)
{
	if (!guest->agent)
		answer(guest, NULL, NULL, "no agent speaks in this guest", data);
	else if (!guest->configure_id && guest->result_current)
		answer(guest, &guest->result, NULL, NULL, data);
	else
		pvmem_wait_add(guest, 0, timeout_ms, answer, data);
}

static void pvmem_guest_stream_line(void *data, char *line, gsize len)
{
	pvmem_guest_line(data, line, len);
}

static void pvmem_guest_stream_closed(void *data)
{
	struct pvmem_guest *guest = data;

	pvmem_guest_detach(guest);
	guest->ops->closed(guest);
}

static const struct pvmem_stream_ops pvmem_guest_stream_ops = {
	.line = pvmem_guest_stream_line,
	.closed = pvmem_guest_stream_closed,
};

/**
 * pvmem_guest_attach() - connects to the socket QEMU listens on for the channel
 * @guest: the guest; not attached.
 * @path: the socket.
 *
 * Return: 0 or -errno.
 */
int pvmem_guest_attach(struct pvmem_guest *guest, const char *path)
{
	int fd = pvmem_unix_connect(path, SOCK_NONBLOCK);
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (fd < 0)
		return fd;
	guest->stream = pvmem_stream_new(guest->daemon->poller, fd, &guest->daemon->config->limits,
					 &pvmem_guest_stream_ops, guest);
	/* Who listens there is the machine itself. */
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		guest->machine = peer.pid;
	pvmem_guest_connected(guest, TRUE);
	return 0;
}

/**
 * pvmem_guest_detach() - closes the connection
 * @guest: the guest; nothing happens when it is not attached.
 */
void pvmem_guest_detach(struct pvmem_guest *guest)
{
	if (!guest->stream)
		return;
	pvmem_stream_free(guest->stream);
	guest->stream = NULL;
	guest->machine = 0; /* the process may be another one soon */
	pvmem_guest_connected(guest, FALSE);
}

/**
 * pvmem_guest_stream_send() - a driver's send() for guests with a socket
 * @guest: the guest.
 * @bytes: whole lines.
 * @len: their length in bytes.
 *
 * Return: 0, -ENOBUFS, -ENOTCONN or -errno of the socket.
 */
int pvmem_guest_stream_send(struct pvmem_guest *guest, const char *bytes, gsize len)
{
	return guest->stream ? pvmem_stream_send(guest->stream, bytes, len) : -ENOTCONN;
}
