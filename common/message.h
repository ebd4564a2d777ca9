/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The wire format, for the guest's channel and the host's control socket alike:
 * JSON objects, one a line, each with "v" (the protocol's version) and "type".
 * docs/protocol.md lists them. Whoever reads treats the writer as hostile.
 */
#ifndef PVMEM_COMMON_MESSAGE_H
#define PVMEM_COMMON_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>
#include "option.h"

/* Longest line, newline included: a full report has less than 4 KiB. */
#define PVMEM_LINE_MAX 16384

/* Deepest nesting of a message: an object with objects of values is 2. */
#define PVMEM_DEPTH_MAX 6

/**
 * enum pvmem_message_type - what a message is
 * @PVMEM_MESSAGE_HELLO: host: are you there; guest: here I am.
 * @PVMEM_MESSAGE_CONFIGURE: host: make it so.
 * @PVMEM_MESSAGE_REQUEST: host: do this once.
 * @PVMEM_MESSAGE_REPORT: guest: counters and state.
 * @PVMEM_MESSAGE_RESULT: guest: what came of a configure or request.
 * @PVMEM_MESSAGE_COMMAND: a client of the control socket: do this.
 * @PVMEM_MESSAGE_REPLY: the daemon's answer to it.
 * @PVMEM_NR_MESSAGES: how many there are.
 */
enum pvmem_message_type {
	PVMEM_MESSAGE_HELLO,
	PVMEM_MESSAGE_CONFIGURE,
	PVMEM_MESSAGE_REQUEST,
	PVMEM_MESSAGE_REPORT,
	PVMEM_MESSAGE_RESULT,
	PVMEM_MESSAGE_COMMAND,
	PVMEM_MESSAGE_REPLY,
	PVMEM_NR_MESSAGES,
};

/**
 * struct pvmem_lines - a byte stream cut into lines, in bounded memory
 * @data: @size bytes, not owned.
 * @size: longest line, newline included.
 * @len: bytes in @data.
 * @taken: of those, bytes of lines already handed out.
 * @skipping: inside a line that is too long, until its newline.
 * @nr_skipped: lines that were too long.
 */
struct pvmem_lines {
	char *data;
	size_t size;
	size_t len;
	size_t taken;
	bool skipping;
	uint64_t nr_skipped;
};

void pvmem_lines_init(struct pvmem_lines *lines, char *data, size_t size);
char *pvmem_lines_room(struct pvmem_lines *lines, size_t *room);
void pvmem_lines_filled(struct pvmem_lines *lines, size_t len);
char *pvmem_lines_next(struct pvmem_lines *lines, size_t *len);

int pvmem_message_parse(const char *line, size_t len, json_t **message, enum pvmem_message_type *type,
			char reason[PVMEM_REASON]);
json_t *pvmem_message_new(enum pvmem_message_type type);
char *pvmem_message_line(const json_t *message, size_t *len);
const char *pvmem_message_name(enum pvmem_message_type type);

int pvmem_json_u64(const json_t *object, const char *name, uint64_t *value);

#endif
