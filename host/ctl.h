/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvmemctl: one table of commands, from which come parsing, help, completion and man page. */
#ifndef PVMEM_HOST_CTL_H
#define PVMEM_HOST_CTL_H

#include <glib.h>
#include "message.h"

/* Options of a command that are not a domain's options. */
enum ctl_flag {
	CTL_JSON,
	CTL_SOCKET,
	CTL_TIMEOUT,
	CTL_NAMES,
	CTL_INTERVAL,
	CTL_COUNT,
	CTL_ENABLE,
	CTL_DISABLE,
	CTL_UNSET,
	CTL_RESET,
	CTL_LIVE,
	CTL_CONFIG,
	CTL_CURRENT,
	CTL_DRAIN,
	CTL_FIX,
	CTL_NR_FLAGS,
};

/**
 * struct ctl_flag_info - an option of the command line
 * @name: without dashes.
 * @arg: what its value is called; NULL: it has none.
 * @min: least value, of a number; 0 and @max 0: no number.
 * @max: greatest value.
 * @help: what it does.
 */
struct ctl_flag_info {
	const char *name;
	const char *arg;
	guint64 min;
	guint64 max;
	const char *help;
};

extern const struct ctl_flag_info ctl_flag_infos[CTL_NR_FLAGS];

/**
 * struct ctl_line - a command line, parsed
 * @command: which.
 * @domain: the domain named; NULL.
 * @given: bit N: flag N is given.
 * @text: its value.
 * @number: its value, of a number.
 * @set: options of the domain to be given.
 */
struct ctl_line {
	const struct ctl_command *command;
	const char *domain;
	guint32 given;
	const char *text[CTL_NR_FLAGS];
	guint64 number[CTL_NR_FLAGS];
	struct pvmem_options set;
};

/**
 * struct ctl_command - a command
 * @name: its name.
 * @domain: it is about one domain, which must be named.
 * @elements: elements of the metadata whose options it sets; NULL: none.
 * @flags: bits of its flags; those every command has left out.
 * @summary: one line, for lists.
 * @text: what it does, for the man page.
 * @run: does it; returns the exit status.
 */
struct ctl_command {
	const char *name;
	gboolean domain;
	const char *const *elements;
	guint32 flags;
	const char *summary;
	const char *text;
	int (*run)(const struct ctl_line *line);
};

extern const struct ctl_command ctl_commands[];
extern const guint ctl_nr_commands;

/* Those that change options have these. */
#define CTL_SCOPES (1u << CTL_UNSET | 1u << CTL_RESET | 1u << CTL_LIVE | 1u << CTL_CONFIG | 1u << CTL_CURRENT)

/* Every command has these. */
#define CTL_COMMON_FLAGS (1u << CTL_JSON | 1u << CTL_SOCKET | 1u << CTL_TIMEOUT)

/**
 * enum ctl_kind - how a column's value is shown
 * @CTL_TEXT: as it is.
 * @CTL_BYTES: with a binary prefix.
 */
enum ctl_kind {
	CTL_TEXT,
	CTL_BYTES,
};

/**
 * struct ctl_column - a column of a table
 * @key: the items' member.
 * @title: above it.
 * @kind: how it is shown.
 */
struct ctl_column {
	const char *key;
	const char *title;
	enum ctl_kind kind;
};

const struct ctl_command *ctl_command_find(const char *name);
gboolean ctl_has_option(const struct ctl_command *command, int option);
guint32 ctl_flags(const struct ctl_command *command);

gboolean ctl_parse(int argc, char **argv, struct ctl_line *line, char **error);

json_t *ctl_ask(const struct ctl_line *line, json_t *message, char **error);
json_t *ctl_command_message(const char *command, const struct ctl_line *line);

void ctl_print(const struct ctl_line *line, const json_t *items, const struct ctl_column *columns);

void ctl_help(FILE *to);
void ctl_help_command(const struct ctl_command *command, FILE *to);
void ctl_man(void);
void ctl_completion(void);

#endif
