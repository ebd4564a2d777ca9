// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control socket. Who may command is decided by the kernel's word on the
 * peer (SO_PEERCRED, SO_PEERGROUPS), when it connects. A client has one command
 * under way at a time; it is answered by items and an end, a line each.
 */
#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "command.h"
#include "unix_socket.h"

/*
 * Clients at a time; each may have that many bytes of items waiting: the metrics
 * of some 1,200 domains, a list of 10,000. The end of an answer always has room.
 */
#define PVMEM_CLIENTS_MAX 32
#define PVMEM_CLIENT_ITEMS (6 << 20)

/* Clients that may wait to be let in. */
#define PVMEM_CONTROL_BACKLOG 16

/* Before the guests: an operator is served however busy they are. */
#define PVMEM_CONTROL_PRIORITY (G_PRIORITY_DEFAULT - 10)

static const struct pvmem_stream_limits pvmem_client_limits = {
	.bytes_per_s = 1 << 20,
	.bytes_burst = 1 << 20,
	.lines_per_s = 1000,
	.lines_burst = 1000,
	.out_max = PVMEM_CLIENT_ITEMS + 2 * PVMEM_LINE_MAX,
};

struct pvmem_client {
	struct pvmem_control *control;
	struct pvmem_stream *stream;
	struct pvmem_command *command;
	gboolean cut; /* items of its answer had no room */
};

struct pvmem_control {
	struct pvmem_daemon *daemon;
	int fd;
	guint source;
	struct pvmem_poller *poller;
	GPtrArray *clients;
	gboolean has_group;
	gid_t group;
};

static void pvmem_client_free(struct pvmem_client *client)
{
	if (client->command)
		pvmem_command_abandon(client->command);
	pvmem_stream_free(client->stream);
	g_ptr_array_remove_fast(client->control->clients, client);
	g_free(client);
}

static void pvmem_client_send(struct pvmem_client *client, json_t *message)
{
	gsize len;
	char *line = pvmem_message_line(message, &len);

	if (line)
		pvmem_stream_send(client->stream, line, len);
	else
		client->cut = TRUE;
	free(line);
	json_decref(message);
}

static void pvmem_client_refuse(struct pvmem_client *client, const char *error)
{
	json_t *message = pvmem_message_new(PVMEM_MESSAGE_REPLY);

	json_object_set_new(message, "done", json_false());
	json_object_set_new(message, "error", json_string(error));
	pvmem_client_send(client, message);
}

/**
 * pvmem_command_item() - one item of the answer
 * @command: the command.
 * @item: an object; taken over.
 */
void pvmem_command_item(struct pvmem_command *command, json_t *item)
{
	json_t *message = pvmem_message_new(PVMEM_MESSAGE_REPLY);

	json_object_set_new(message, "item", item);
	if (command->client && pvmem_stream_unsent(command->client->stream) < PVMEM_CLIENT_ITEMS) {
		pvmem_client_send(command->client, message);
		return;
	}
	if (command->client)
		command->client->cut = TRUE;
	json_decref(message);
}

static void pvmem_command_free(struct pvmem_command *command)
{
	json_decref(command->message);
	g_free(command->uuid);
	g_free(command->state);
	g_free(command);
}

/**
 * pvmem_command_end() - the answer is complete
 * @command: freed.
 * @error: why it failed; NULL when it did not.
 */
void pvmem_command_end(struct pvmem_command *command, const char *error)
{
	struct pvmem_client *client = command->client;
	json_t *message;

	pvmem_command_free(command);
	if (!client)
		return;
	client->command = NULL;
	if (!error && client->cut)
		error = "the answer is longer than the control socket takes: what is shown is not all";
	client->cut = FALSE;
	if (error) {
		pvmem_client_refuse(client, error);
		return;
	}
	message = pvmem_message_new(PVMEM_MESSAGE_REPLY);
	json_object_set_new(message, "done", json_true());
	pvmem_client_send(client, message);
}

/**
 * pvmem_command_abandon() - nobody waits for the answer any more
 * @command: ends when what it waits for does.
 */
void pvmem_command_abandon(struct pvmem_command *command)
{
	command->client = NULL;
}

/**
 * pvmem_command_guest() - the guest a command is about
 * @command: the command.
 *
 * Return: the guest; NULL when it has gone meanwhile.
 */
struct pvmem_guest *pvmem_command_guest(struct pvmem_command *command)
{
	return command->uuid ? g_hash_table_lookup(command->daemon->guests, command->uuid) : NULL;
}

static void pvmem_client_line(void *data, char *line, gsize len)
{
	struct pvmem_client *client = data;
	char reason[PVMEM_REASON];
	enum pvmem_message_type type;
	struct pvmem_command *command;
	json_t *message;

	if (pvmem_message_parse(line, len, &message, &type, reason)) {
		pvmem_client_refuse(client, reason);
		return;
	}
	if (type != PVMEM_MESSAGE_COMMAND || client->command) {
		pvmem_client_refuse(client, client->command ? "a command is under way" : "not a command");
		json_decref(message);
		return;
	}
	command = g_new0(struct pvmem_command, 1);
	command->daemon = client->control->daemon;
	command->client = client;
	command->message = message;
	client->command = command;
	pvmem_command_run(command);
}

static void pvmem_client_closed(void *data)
{
	pvmem_client_free(data);
}

static const struct pvmem_stream_ops pvmem_client_ops = {
	.line = pvmem_client_line,
	.closed = pvmem_client_closed,
};

static gboolean pvmem_peer_in_group(int fd, gid_t group)
{
	gid_t groups[256];
	socklen_t len = sizeof(groups);
	gsize i;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len))
		return FALSE;
	for (i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return TRUE;
	return FALSE;
}

static gboolean pvmem_peer_allowed(struct pvmem_control *control, int fd, struct ucred *peer)
{
	socklen_t len = sizeof(*peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &len))
		return FALSE;
	if (!peer->uid || peer->uid == geteuid())
		return TRUE;
	return control->has_group && (peer->gid == control->group || pvmem_peer_in_group(fd, control->group));
}

static void pvmem_control_refuse(int fd, const char *error)
{
	g_autofree char *line = g_strdup_printf("{\"v\":1,\"type\":\"reply\",\"done\":false,\"error\":\"%s\"}\n",
						error);

	if (write(fd, line, strlen(line)) < 0)
		g_debug("a client that was refused has gone");
	close(fd);
}

static gboolean pvmem_control_accept(gint listener, GIOCondition condition, gpointer data)
{
	struct pvmem_control *control = data;
	struct pvmem_client *client;
	struct ucred peer = { .uid = (uid_t)-1 };
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return G_SOURCE_CONTINUE;
	if (!pvmem_peer_allowed(control, fd, &peer)) {
		g_warning("user %u may not command this daemon", peer.uid);
		pvmem_control_refuse(fd, "this user may not command the daemon: see control-group in pvmemd.conf(5)");
		return G_SOURCE_CONTINUE;
	}
	if (control->clients->len >= PVMEM_CLIENTS_MAX) {
		pvmem_control_refuse(fd, "too many clients: try again");
		return G_SOURCE_CONTINUE;
	}
	client = g_new0(struct pvmem_client, 1);
	client->control = control;
	client->stream = pvmem_stream_new(control->poller, fd, &pvmem_client_limits, &pvmem_client_ops, client);
	g_ptr_array_add(control->clients, client);
	return G_SOURCE_CONTINUE;
}

static gboolean pvmem_control_group(struct pvmem_control *control, GError **error)
{
	const struct pvmem_config *config = control->daemon->config;
	struct group *group;

	if (!config->control_group)
		return TRUE;
	group = getgrnam(config->control_group);
	if (!group || chown(config->control_socket, -1, group->gr_gid)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "[daemon] control-group: '%s': %s",
			    config->control_group, group ? g_strerror(errno) : "there is no such group");
		return FALSE;
	}
	control->has_group = TRUE;
	control->group = group->gr_gid;
	return TRUE;
}

/**
 * pvmem_control_start() - listens for commands
 * @daemon: the daemon.
 * @error: why not.
 *
 * Return: the listener, or NULL.
 */
struct pvmem_control *pvmem_control_start(struct pvmem_daemon *daemon, GError **error)
{
	struct pvmem_control *control = g_new0(struct pvmem_control, 1);
	const char *path = daemon->config->control_socket;

	control->daemon = daemon;
	control->fd = pvmem_unix_listen(path, PVMEM_CONTROL_BACKLOG);
	if (control->fd < 0)
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(-control->fd), "[daemon] control-socket: %s: %s",
			    path, g_strerror(-control->fd));
	if (control->fd < 0 || !pvmem_control_group(control, error)) {
		if (control->fd >= 0)
			close(control->fd);
		g_free(control);
		return NULL;
	}
	control->poller = pvmem_poller_new(PVMEM_CONTROL_PRIORITY);
	control->clients = g_ptr_array_new();
	control->source = g_unix_fd_add_full(PVMEM_CONTROL_PRIORITY, control->fd, G_IO_IN, pvmem_control_accept,
					     control, NULL);
	return control;
}

/**
 * pvmem_control_stop() - listens no more; clients are disconnected
 * @control: the listener.
 */
void pvmem_control_stop(struct pvmem_control *control)
{
	g_source_remove(control->source);
	close(control->fd);
	while (control->clients->len)
		pvmem_client_free(g_ptr_array_index(control->clients, 0));
	g_ptr_array_unref(control->clients);
	pvmem_poller_free(control->poller);
	unlink(control->daemon->config->control_socket);
	g_free(control);
}
