// SPDX-License-Identifier: GPL-2.0-or-later
/* Asking the daemon: one command, its items, its end. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "ctl.h"
#include "paths.h"
#include "unix_socket.h"

/* After that long without an answer a person is told that we wait, in ms. */
#define CTL_PATIENCE_MS 700

/* What the daemon's own work may take on top of a guest's time, in ms. */
#define CTL_SLACK_MS 15000

/**
 * ctl_command_message() - a command for the daemon
 * @command: its name there.
 * @line: names the domain, and the time to wait.
 *
 * Return: a new reference.
 */
json_t *ctl_command_message(const char *command, const struct ctl_line *line)
{
	json_t *message = pvmem_message_new(PVMEM_MESSAGE_COMMAND);

	json_object_set_new(message, "command", json_string(command));
	if (line->domain)
		json_object_set_new(message, "domain", json_string(line->domain));
	if (line->given >> CTL_TIMEOUT & 1)
		json_object_set_new(message, "timeout_ms", json_integer((json_int_t)line->number[CTL_TIMEOUT] * 1000));
	return message;
}

static int ctl_connect(const struct ctl_line *line, char **error)
{
	g_autofree char *path = line->given >> CTL_SOCKET & 1 ? g_strdup(line->text[CTL_SOCKET])
							      : pvmem_runtime_path("control");
	int fd = pvmem_unix_connect(path, 0);

	if (fd < 0)
		*error = g_strdup_printf("cannot reach pvmemd at %s: %s", path, g_strerror(-fd));
	return fd;
}

/* Bytes there: 0; none in time, or none any more: why. */
static int ctl_wait(int fd, int timeout_ms, char **error)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	gboolean person = isatty(STDERR_FILENO);
	int waited = 0;

	while (!poll(&poll_fd, 1, CTL_PATIENCE_MS)) {
		waited += CTL_PATIENCE_MS;
		if (waited > timeout_ms) {
			*error = g_strdup("pvmemd does not answer");
			return -1;
		}
		if (person)
			fprintf(stderr, "\rwaiting, %d s ", waited / 1000);
	}
	if (person && waited)
		fputs("\r\033[K", stderr);
	return 0;
}

/* Takes a reply. Returns whether it was the last. */
static gboolean ctl_reply(const char *text, gsize len, json_t *items, char **error)
{
	char reason[PVMEM_REASON];
	enum pvmem_message_type type;
	json_t *message;
	gboolean last = TRUE;

	if (pvmem_message_parse(text, len, &message, &type, reason)) {
		*error = g_strdup_printf("pvmemd's answer is not understood: %s", reason);
		return TRUE;
	}
	if (json_object_get(message, "item")) {
		json_array_append(items, json_object_get(message, "item"));
		last = FALSE;
	} else if (json_object_get(message, "error")) {
		*error = g_strdup(json_string_value(json_object_get(message, "error")));
	}
	json_decref(message);
	return last;
}

static void ctl_replies(int fd, int timeout_ms, json_t *items, char **error)
{
	static char data[PVMEM_LINE_MAX];
	struct pvmem_lines lines;
	char *to, *text;
	gsize room, len;
	gssize got;

	pvmem_lines_init(&lines, data, sizeof(data));
	for (;;) {
		while ((text = pvmem_lines_next(&lines, &len)))
			if (ctl_reply(text, len, items, error))
				return;
		to = pvmem_lines_room(&lines, &room);
		if (ctl_wait(fd, timeout_ms, error))
			return;
		got = read(fd, to, room);
		if (got <= 0) {
			*error = g_strdup("pvmemd has closed the connection");
			return;
		}
		pvmem_lines_filled(&lines, got);
	}
}

/**
 * ctl_ask() - has the daemon do something
 * @line: how to reach it.
 * @message: the command; taken over.
 * @error: set when it failed, to be freed.
 *
 * Return: the items, a new reference, also when it failed.
 */
json_t *ctl_ask(const struct ctl_line *line, json_t *message, char **error)
{
	int timeout_ms = (line->given >> CTL_TIMEOUT & 1 ? (int)line->number[CTL_TIMEOUT] * 1000 : 5000) + CTL_SLACK_MS;
	json_t *items = json_array();
	int fd = ctl_connect(line, error);
	gsize len;
	char *text = pvmem_message_line(message, &len);

	json_decref(message);
	/* A daemon that refuses us says why before it closes: then there is something to read, and no signal. */
	if (fd >= 0 && text && send(fd, text, len, MSG_NOSIGNAL) != (gssize)len)
		*error = g_strdup_printf("cannot write to pvmemd: %s", g_strerror(errno));
	if (fd >= 0) {
		g_autofree char *first = g_steal_pointer(error);

		ctl_replies(fd, timeout_ms, items, error);
		if (!*error)
			*error = g_steal_pointer(&first);
		close(fd);
	}
	free(text);
	return items;
}
