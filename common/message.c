// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Lines and messages. What a hostile writer can make a reader spend is bounded
 * before anything is parsed: a line's length by the buffer it is collected in,
 * its nesting by one pass over the bytes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pvmem/names.h>
#include "message.h"

static const char *const pvmem_message_names[PVMEM_NR_MESSAGES] = {
	[PVMEM_MESSAGE_HELLO] = "hello",   [PVMEM_MESSAGE_CONFIGURE] = "configure", [PVMEM_MESSAGE_REQUEST] = "request",
	[PVMEM_MESSAGE_REPORT] = "report", [PVMEM_MESSAGE_RESULT] = "result",	    [PVMEM_MESSAGE_COMMAND] = "command",
	[PVMEM_MESSAGE_REPLY] = "reply",
};

/**
 * pvmem_message_name() - a type's name on the wire
 * @type: which.
 *
 * Return: a constant.
 */
const char *pvmem_message_name(enum pvmem_message_type type)
{
	return pvmem_message_names[type];
}

/**
 * pvmem_lines_init() - starts cutting
 * @lines: to be set.
 * @data: buffer of @size bytes, the caller's.
 * @size: longest line, newline included.
 */
void pvmem_lines_init(struct pvmem_lines *lines, char *data, size_t size)
{
	*lines = (struct pvmem_lines){ .data = data, .size = size };
}

/**
 * pvmem_lines_room() - where to put what is read next
 * @lines: the stream.
 * @room: set to the bytes free there; never 0 once pvmem_lines_next() has
 *	returned NULL.
 *
 * Return: the place. Lines handed out before are gone.
 */
char *pvmem_lines_room(struct pvmem_lines *lines, size_t *room)
{
	memmove(lines->data, lines->data + lines->taken, lines->len - lines->taken);
	lines->len -= lines->taken;
	lines->taken = 0;
	*room = lines->size - lines->len;
	return lines->data + lines->len;
}

/**
 * pvmem_lines_filled() - says that bytes were put there
 * @lines: the stream.
 * @len: how many, at most the room.
 */
void pvmem_lines_filled(struct pvmem_lines *lines, size_t len)
{
	lines->len += len;
}

/* No newline in what is left: goes on skipping, starts to, or waits for more. */
static void pvmem_lines_partial(struct pvmem_lines *lines)
{
	if (!lines->skipping && lines->len - lines->taken < lines->size)
		return;
	lines->nr_skipped += !lines->skipping;
	lines->skipping = true;
	lines->taken = lines->len;
}

/**
 * pvmem_lines_next() - the next whole line
 * @lines: the stream.
 * @len: set to its length, without newline.
 *
 * Lines that are too long are skipped and counted; empty ones are skipped.
 *
 * Return: the line, with a NUL where its newline was, until the next
 * pvmem_lines_room(); NULL when more must be read.
 */
char *pvmem_lines_next(struct pvmem_lines *lines, size_t *len)
{
	char *line, *end;

	for (;;) {
		line = lines->data + lines->taken;
		end = memchr(line, '\n', lines->len - lines->taken);
		if (!end) {
			pvmem_lines_partial(lines);
			return NULL;
		}
		lines->taken += end - line + 1;
		if (lines->skipping || end == line) {
			lines->skipping = false;
			continue;
		}
		*end = 0;
		*len = end - line;
		return line;
	}
}

/* Nesting, counted outside strings; a wrong count of what is no JSON does not matter. */
static int pvmem_depth(const char *line, size_t len)
{
	bool quoted = false;
	int depth = 0, most = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (quoted && line[i] == '\\')
			i++;
		else if (line[i] == '"')
			quoted = !quoted;
		else if (!quoted && (line[i] == '{' || line[i] == '['))
			most = ++depth > most ? depth : most;
		else if (!quoted && (line[i] == '}' || line[i] == ']'))
			depth--;
	}
	return most;
}

static int pvmem_message_check(const json_t *message, enum pvmem_message_type *type, char reason[PVMEM_REASON])
{
	const json_t *version = json_object_get(message, "v");
	const char *name = json_string_value(json_object_get(message, "type"));
	int i;

	if (!json_is_integer(version)) {
		snprintf(reason, PVMEM_REASON, "no version: expected \"v\":%d", PVMEM_PROTOCOL);
		return -EPROTO;
	}
	if (json_integer_value(version) != PVMEM_PROTOCOL) {
		snprintf(reason, PVMEM_REASON, "protocol version %lld, expected %d",
			 (long long)json_integer_value(version), PVMEM_PROTOCOL);
		return -EPROTONOSUPPORT;
	}
	for (i = 0; name && i < PVMEM_NR_MESSAGES; i++) {
		if (strcmp(name, pvmem_message_names[i]))
			continue;
		*type = i;
		return 0;
	}
	snprintf(reason, PVMEM_REASON, "no known type of message");
	return -EPROTO;
}

/**
 * pvmem_message_parse() - a message from a line
 * @line: the line.
 * @len: its length in bytes.
 * @message: set to a new reference on success only.
 * @type: likewise.
 * @reason: why not.
 *
 * Return: 0, -EMSGSIZE (too long or too deep), -EPROTO (no message),
 * -EPROTONOSUPPORT (of another version).
 */
int pvmem_message_parse(const char *line, size_t len, json_t **message, enum pvmem_message_type *type,
			char reason[PVMEM_REASON])
{
	json_error_t error;
	json_t *json;
	int err;

	if (len > PVMEM_LINE_MAX || pvmem_depth(line, len) > PVMEM_DEPTH_MAX) {
		snprintf(reason, PVMEM_REASON, "longer than %d bytes or deeper than %d", PVMEM_LINE_MAX,
			 PVMEM_DEPTH_MAX);
		return -EMSGSIZE;
	}
	json = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(json)) {
		json_decref(json);
		snprintf(reason, PVMEM_REASON, "not a JSON object in one line");
		return -EPROTO;
	}
	err = pvmem_message_check(json, type, reason);
	if (err)
		json_decref(json);
	else
		*message = json;
	return err;
}

/**
 * pvmem_message_new() - a message with version and type
 * @type: its type.
 *
 * Return: a new reference; NULL without memory.
 */
json_t *pvmem_message_new(enum pvmem_message_type type)
{
	return json_pack("{s:i, s:s}", "v", PVMEM_PROTOCOL, "type", pvmem_message_names[type]);
}

/**
 * pvmem_message_line() - a message as it travels
 * @message: a message, or NULL.
 * @len: set to the line's length in bytes, newline included.
 *
 * Return: the line, to be freed, with a NUL after it; NULL without memory, for a
 * NULL message and for one longer than PVMEM_LINE_MAX.
 */
char *pvmem_message_line(const json_t *message, size_t *len)
{
	size_t size = message ? json_dumpb(message, NULL, 0, JSON_COMPACT) : 0;
	char *line;

	if (!size || size >= PVMEM_LINE_MAX)
		return NULL;
	line = malloc(size + 2);
	if (!line)
		return NULL;
	if (json_dumpb(message, line, size, JSON_COMPACT) != size) {
		free(line);
		return NULL;
	}
	line[size] = '\n';
	line[size + 1] = 0;
	*len = size + 1;
	return line;
}

/**
 * pvmem_json_u64() - a count in an object
 * @object: the object.
 * @name: its member.
 * @value: set on success only.
 *
 * Return: 0, -ENOENT (no such member), -EPROTO (not an integer, or negative).
 */
int pvmem_json_u64(const json_t *object, const char *name, uint64_t *value)
{
	const json_t *member = json_object_get(object, name);

	if (!member)
		return -ENOENT;
	if (!json_is_integer(member) || json_integer_value(member) < 0)
		return -EPROTO;
	*value = json_integer_value(member);
	return 0;
}
