/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain's options: the same on the command line, in metadata, in messages and in the guest. */
#ifndef PVMEM_COMMON_OPTION_H
#define PVMEM_COMMON_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

/**
 * enum pvmem_option_type - how an option's value is written
 * @PVMEM_OPTION_BOOL: yes or no; true or false in JSON.
 * @PVMEM_OPTION_NUMBER: decimal.
 * @PVMEM_OPTION_CHOICE: one word of a list; its value is the index.
 */
enum pvmem_option_type {
	PVMEM_OPTION_BOOL,
	PVMEM_OPTION_NUMBER,
	PVMEM_OPTION_CHOICE,
};

enum pvmem_option {
#define PVMEM_OPTION(id, ...) PVMEM_OPTION_##id,
#include "option.def"
#undef PVMEM_OPTION
	PVMEM_NR_OPTIONS,
};

/**
 * struct pvmem_option_info - what is known of an option
 * @name: on the command line and in messages.
 * @element: element of the domain's metadata it is in.
 * @attribute: its attribute there.
 * @type: how its value is written.
 * @min: least number allowed.
 * @max: greatest number allowed.
 * @choices: NULL-terminated list of words, of a choice.
 * @unit: of a number.
 * @file: the guest's file that holds it.
 * @help: what it does, for people.
 */
struct pvmem_option_info {
	const char *name;
	const char *element;
	const char *attribute;
	enum pvmem_option_type type;
	uint64_t min;
	uint64_t max;
	const char *const *choices;
	const char *unit;
	const char *file;
	const char *help;
};

extern const struct pvmem_option_info pvmem_option_infos[PVMEM_NR_OPTIONS];

/**
 * struct pvmem_options - a set of options, each given or not
 * @set: bit N: option N is given.
 * @value: its value; 0 when it is not given.
 */
struct pvmem_options {
	uint32_t set;
	uint64_t value[PVMEM_NR_OPTIONS];
};

/* Room for any value as text, and for any reason. */
#define PVMEM_OPTION_TEXT 32
#define PVMEM_REASON 192

static inline bool pvmem_options_has(const struct pvmem_options *options, enum pvmem_option option)
{
	return options->set & (1u << option);
}

void pvmem_text_copy(char *to, size_t size, const char *from);
int pvmem_option_find(const char *name);
int pvmem_option_parse(enum pvmem_option option, const char *text, uint64_t *value, char reason[PVMEM_REASON]);
const char *pvmem_option_text(enum pvmem_option option, uint64_t value, char text[PVMEM_OPTION_TEXT]);
const char *pvmem_option_range(enum pvmem_option option, char text[PVMEM_REASON]);

void pvmem_options_set(struct pvmem_options *options, enum pvmem_option option, uint64_t value);
void pvmem_options_unset(struct pvmem_options *options, enum pvmem_option option);
bool pvmem_options_equal(const struct pvmem_options *a, const struct pvmem_options *b);
int pvmem_options_check(const struct pvmem_options *options, char reason[PVMEM_REASON]);

json_t *pvmem_option_to_json(enum pvmem_option option, uint64_t value);
int pvmem_option_from_json(enum pvmem_option option, const json_t *json, uint64_t *value, char reason[PVMEM_REASON]);
json_t *pvmem_options_to_json(const struct pvmem_options *options);
int pvmem_options_from_json(const json_t *json, struct pvmem_options *options, char reason[PVMEM_REASON]);

#endif
