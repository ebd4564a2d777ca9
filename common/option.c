// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Options: parsing, checking, printing. Nothing here allocates but the JSON
 * functions; a value that is refused is refused with its name, itself and what
 * is allowed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <pvmem/names.h>
#include "option.h"

#define PVMEM_CHOICES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define PVMEM_OPTION(id_, name_, element_, attribute_, type_, min_, max_, choices_, unit_, file_, help_) \
	[PVMEM_OPTION_##id_] = { .name = name_,                                                          \
				 .element = element_,                                                    \
				 .attribute = attribute_,                                                \
				 .type = type_,                                                          \
				 .min = min_,                                                            \
				 .max = max_,                                                            \
				 .choices = choices_,                                                    \
				 .unit = unit_,                                                          \
				 .file = file_,                                                          \
				 .help = help_ },
const struct pvmem_option_info pvmem_option_infos[PVMEM_NR_OPTIONS] = {
#include "option.def"
};
#undef PVMEM_OPTION

/* How much of a bad value a reason repeats. */
#define PVMEM_SHOWN 40

/**
 * pvmem_option_find() - an option by its name
 * @name: as on the command line.
 *
 * Return: its number, or -ENOENT.
 */
int pvmem_option_find(const char *name)
{
	int i;

	for (i = 0; i < PVMEM_NR_OPTIONS; i++)
		if (!strcmp(pvmem_option_infos[i].name, name))
			return i;
	return -ENOENT;
}

/**
 * pvmem_option_range() - what an option may be
 * @option: which.
 * @text: filled with, for example, "1 to 100 percent" or "one of zbud, pvmem".
 *
 * Return: @text.
 */
const char *pvmem_option_range(enum pvmem_option option, char text[PVMEM_REASON])
{
	const struct pvmem_option_info *info = &pvmem_option_infos[option];
	const char *const *choice;
	size_t at;

	switch (info->type) {
	case PVMEM_OPTION_BOOL:
		snprintf(text, PVMEM_REASON, "yes or no");
		break;
	case PVMEM_OPTION_NUMBER:
		snprintf(text, PVMEM_REASON, "%" PRIu64 " to %" PRIu64 " %s", info->min, info->max, info->unit);
		break;
	case PVMEM_OPTION_CHOICE:
		at = snprintf(text, PVMEM_REASON, "one of ");
		for (choice = info->choices; *choice; choice++)
			at += snprintf(text + at, PVMEM_REASON - at, "%s%s", *choice, choice[1] ? ", " : "");
		break;
	}
	return text;
}

/**
 * pvmem_text_copy() - foreign text made safe to show
 * @to: filled; always ends.
 * @size: its size in bytes, at least 1.
 * @from: text of unknown origin; NULL is empty.
 *
 * What is not printable ASCII becomes '?': it may reach a terminal or a log.
 */
void pvmem_text_copy(char *to, size_t size, const char *from)
{
	size_t i;

	for (i = 0; from && i < size - 1 && from[i]; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	to[i] = 0;
}

/* "max-pool: '400' is not allowed: 1 to 100 percent" */
static int pvmem_option_refuse(enum pvmem_option option, const char *text, char reason[PVMEM_REASON])
{
	char range[PVMEM_REASON];
	char shown[PVMEM_SHOWN + 1];

	pvmem_text_copy(shown, sizeof(shown), text);
	/* A range is far shorter than its buffer; the precision tells the compiler. */
	snprintf(reason, PVMEM_REASON, "%s: '%s' is not allowed: %.100s", pvmem_option_infos[option].name, shown,
		 pvmem_option_range(option, range));
	return -EINVAL;
}

static int pvmem_parse_bool(const char *text, uint64_t *value)
{
	static const char *const words[][2] = {
		{ "no", "yes" }, { "N", "Y" }, { "off", "on" }, { "false", "true" }, { "0", "1" },
	};
	size_t i, word;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		for (word = 0; word < 2; word++) {
			if (strcasecmp(text, words[i][word]))
				continue;
			*value = word;
			return 0;
		}
	}
	return -EINVAL;
}

static int pvmem_parse_number(const struct pvmem_option_info *info, const char *text, uint64_t *value)
{
	uint64_t number = 0;

	if (!*text || strlen(text) > 19) /* no overflow: 19 digits fit */
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		number = number * 10 + (*text - '0');
	}
	if (number < info->min || number > info->max)
		return -EINVAL;
	*value = number;
	return 0;
}

static int pvmem_parse_choice(const struct pvmem_option_info *info, const char *text, uint64_t *value)
{
	uint64_t i;

	for (i = 0; info->choices[i]; i++) {
		if (!strcmp(info->choices[i], text)) {
			*value = i;
			return 0;
		}
	}
	return -EINVAL;
}

/**
 * pvmem_option_parse() - a value from text
 * @option: which.
 * @text: the value; a bool also as the kernel writes it (Y, N, 1, 0).
 * @value: set on success only.
 * @reason: why not, in one line with what is allowed.
 *
 * Return: 0 or -EINVAL.
 */
int pvmem_option_parse(enum pvmem_option option, const char *text, uint64_t *value, char reason[PVMEM_REASON])
{
	const struct pvmem_option_info *info = &pvmem_option_infos[option];
	int err = -EINVAL;

	switch (info->type) {
	case PVMEM_OPTION_BOOL:
		err = pvmem_parse_bool(text, value);
		break;
	case PVMEM_OPTION_NUMBER:
		err = pvmem_parse_number(info, text, value);
		break;
	case PVMEM_OPTION_CHOICE:
		err = pvmem_parse_choice(info, text, value);
		break;
	}
	return err ? pvmem_option_refuse(option, text, reason) : 0;
}

/**
 * pvmem_option_text() - a value as text
 * @option: which.
 * @value: as parsed.
 * @text: filled.
 *
 * Return: @text; pvmem_option_parse() takes it back.
 */
const char *pvmem_option_text(enum pvmem_option option, uint64_t value, char text[PVMEM_OPTION_TEXT])
{
	const struct pvmem_option_info *info = &pvmem_option_infos[option];

	switch (info->type) {
	case PVMEM_OPTION_BOOL:
		snprintf(text, PVMEM_OPTION_TEXT, "%s", value ? "yes" : "no");
		break;
	case PVMEM_OPTION_NUMBER:
		snprintf(text, PVMEM_OPTION_TEXT, "%" PRIu64, value);
		break;
	case PVMEM_OPTION_CHOICE:
		snprintf(text, PVMEM_OPTION_TEXT, "%s", info->choices[value]);
		break;
	}
	return text;
}

/**
 * pvmem_options_set() - gives an option
 * @options: where.
 * @option: which.
 * @value: as parsed.
 */
void pvmem_options_set(struct pvmem_options *options, enum pvmem_option option, uint64_t value)
{
	options->set |= 1u << option;
	options->value[option] = value;
}

/**
 * pvmem_options_unset() - takes an option away
 * @options: where.
 * @option: which.
 */
void pvmem_options_unset(struct pvmem_options *options, enum pvmem_option option)
{
	options->set &= ~(1u << option);
	options->value[option] = 0;
}

/**
 * pvmem_options_equal() - whether two sets give the same options the same values
 * @a: one.
 * @b: the other.
 *
 * Return: whether they do.
 */
bool pvmem_options_equal(const struct pvmem_options *a, const struct pvmem_options *b)
{
	return a->set == b->set && !memcmp(a->value, b->value, sizeof(a->value));
}

static int pvmem_options_ordered(const struct pvmem_options *options, enum pvmem_option less, enum pvmem_option more,
				 char reason[PVMEM_REASON])
{
	if (!pvmem_options_has(options, less) || !pvmem_options_has(options, more) ||
	    options->value[less] <= options->value[more])
		return 0;
	snprintf(reason, PVMEM_REASON, "%s: %" PRIu64 " is more than %s, which is %" PRIu64,
		 pvmem_option_infos[less].name, options->value[less], pvmem_option_infos[more].name,
		 options->value[more]);
	return -EINVAL;
}

/**
 * pvmem_options_check() - whether options fit together
 * @options: each in range.
 * @reason: why not.
 *
 * Return: 0 or -EINVAL.
 */
int pvmem_options_check(const struct pvmem_options *options, char reason[PVMEM_REASON])
{
	int err = pvmem_options_ordered(options, PVMEM_OPTION_POOL_LOW, PVMEM_OPTION_POOL_HIGH, reason);

	if (!err)
		err = pvmem_options_ordered(options, PVMEM_OPTION_POOL_HIGH, PVMEM_OPTION_POOL_CAP, reason);
	if (!err)
		err = pvmem_options_ordered(options, PVMEM_OPTION_POOL_LOW, PVMEM_OPTION_POOL_CAP, reason);
	return err;
}

/**
 * pvmem_option_to_json() - a value as JSON
 * @option: which.
 * @value: as parsed.
 *
 * Return: a new reference; NULL without memory.
 */
json_t *pvmem_option_to_json(enum pvmem_option option, uint64_t value)
{
	const struct pvmem_option_info *info = &pvmem_option_infos[option];

	switch (info->type) {
	case PVMEM_OPTION_BOOL:
		return json_boolean(value);
	case PVMEM_OPTION_NUMBER:
		return json_integer((json_int_t)value);
	case PVMEM_OPTION_CHOICE:
		return json_string(info->choices[value]);
	}
	return NULL;
}

/**
 * pvmem_option_from_json() - a value from JSON
 * @option: which.
 * @json: boolean, integer or string, as the option's type wants.
 * @value: set on success only.
 * @reason: why not.
 *
 * Return: 0 or -EINVAL.
 */
int pvmem_option_from_json(enum pvmem_option option, const json_t *json, uint64_t *value, char reason[PVMEM_REASON])
{
	char number[PVMEM_OPTION_TEXT];

	switch (pvmem_option_infos[option].type) {
	case PVMEM_OPTION_BOOL:
		if (!json_is_boolean(json))
			return pvmem_option_refuse(option, "not a boolean", reason);
		*value = json_is_true(json);
		return 0;
	case PVMEM_OPTION_NUMBER:
		if (!json_is_integer(json))
			return pvmem_option_refuse(option, "not an integer", reason);
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(json));
		return pvmem_option_parse(option, number, value, reason);
	case PVMEM_OPTION_CHOICE:
		if (!json_is_string(json))
			return pvmem_option_refuse(option, "not a string", reason);
		return pvmem_option_parse(option, json_string_value(json), value, reason);
	}
	return -EINVAL;
}

/**
 * pvmem_options_to_json() - the options that are given
 * @options: each in range.
 *
 * Return: an object, a new reference; NULL without memory.
 */
json_t *pvmem_options_to_json(const struct pvmem_options *options)
{
	json_t *json = json_object();
	int i;

	for (i = 0; json && i < PVMEM_NR_OPTIONS; i++) {
		if (!pvmem_options_has(options, i))
			continue;
		if (json_object_set_new(json, pvmem_option_infos[i].name, pvmem_option_to_json(i, options->value[i]))) {
			json_decref(json);
			return NULL;
		}
	}
	return json;
}

/**
 * pvmem_options_from_json() - options from an object
 * @json: an object of nothing but options.
 * @options: set on success only.
 * @reason: why not.
 *
 * Return: 0 or -EINVAL.
 */
int pvmem_options_from_json(const json_t *json, struct pvmem_options *options, char reason[PVMEM_REASON])
{
	struct pvmem_options parsed = { 0 };
	const char *name;
	json_t *member;
	uint64_t value;
	int option;

	if (!json_is_object(json)) {
		snprintf(reason, PVMEM_REASON, "options: not an object");
		return -EINVAL;
	}
	json_object_foreach((json_t *)json, name, member)
	{
		option = pvmem_option_find(name);
		if (option < 0) {
			snprintf(reason, PVMEM_REASON, "options: there is no such option");
			return -EINVAL;
		}
		if (pvmem_option_from_json(option, member, &value, reason))
			return -EINVAL;
		pvmem_options_set(&parsed, option, value);
	}
	if (pvmem_options_check(&parsed, reason))
		return -EINVAL;
	*options = parsed;
	return 0;
}
