// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making the kernel run what the host asks. The host sends every option it
 * wants; one it no longer wants goes back to what it was before the first
 * change. Those values are kept in a file on a tmpfs, so that they outlive the
 * agent, not the guest.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <pvmem/names.h>
#include "agent.h"

/* The value in the kernel's words. */
static const char *pvmem_kernel_text(enum pvmem_option option, uint64_t value, char text[PVMEM_OPTION_TEXT])
{
	if (pvmem_option_infos[option].type == PVMEM_OPTION_BOOL)
		return value ? "Y" : "N";
	return pvmem_option_text(option, value, text);
}

/**
 * pvmem_initial_load() - takes over what an agent before us has changed
 * @agent: its initial values are set.
 */
void pvmem_initial_load(struct pvmem_agent *agent)
{
	json_t *json = json_load_file(agent->state_file, 0, NULL);
	int i;

	for (i = 0; i < PVMEM_NR_OPTIONS; i++)
		pvmem_text_copy(agent->initial[i], PVMEM_OPTION_TEXT,
				json_string_value(json_object_get(json, pvmem_option_infos[i].name)));
	json_decref(json);
}

/* Written beside and renamed: never half a file. */
static void pvmem_initial_save(const struct pvmem_agent *agent)
{
	json_t *json = json_object();
	char path[512];
	int i;

	for (i = 0; i < PVMEM_NR_OPTIONS; i++)
		if (*agent->initial[i])
			json_object_set_new(json, pvmem_option_infos[i].name, json_string(agent->initial[i]));
	snprintf(path, sizeof(path), "%s.new", agent->state_file);
	if (json_dump_file(json, path, JSON_COMPACT) || rename(path, agent->state_file))
		fprintf(stderr, "pvmem-agent: cannot keep the initial values in %s: %s\n", agent->state_file,
			strerror(errno));
	json_decref(json);
}

/*
 * One attempt to make an option @text. Returns 0 when the kernel runs it, else
 * -errno with the reason.
 */
static int pvmem_apply_text(struct pvmem_agent *agent, enum pvmem_option option, const char *text,
			    char reason[PVMEM_REASON])
{
	const char *file = pvmem_option_infos[option].file;
	char now[PVMEM_OPTION_TEXT];
	int err = pvmem_file_read(agent, file, now, sizeof(now));

	if (err) {
		pvmem_file_explain(file, err, reason);
		return err;
	}
	if (!strcmp(now, text))
		return 0;
	if (!*agent->initial[option]) {
		pvmem_text_copy(agent->initial[option], PVMEM_OPTION_TEXT, now);
		pvmem_initial_save(agent);
	}
	err = pvmem_file_write(agent, file, text);
	if (err) {
		snprintf(reason, PVMEM_REASON, "the guest's kernel refused %s: %s", text, strerror(-err));
		return err;
	}
	err = pvmem_file_read(agent, file, now, sizeof(now));
	if (!err && !strcmp(now, text))
		return 0;
	snprintf(reason, PVMEM_REASON, "the guest's kernel took %s and runs %s", text, err ? "nothing" : now);
	return err ? err : -EINVAL;
}

static void pvmem_apply_one(struct pvmem_agent *agent, enum pvmem_option option, uint64_t value,
			    struct pvmem_result *result)
{
	char text[PVMEM_OPTION_TEXT];

	if (pvmem_apply_text(agent, option, pvmem_kernel_text(option, value, text), result->refused_why[option])) {
		result->refused |= 1u << option;
		return;
	}
	result->refused &= ~(1u << option);
	*result->refused_why[option] = 0;
	pvmem_options_set(&result->applied, option, value);
}

static void pvmem_restore_one(struct pvmem_agent *agent, enum pvmem_option option, struct pvmem_result *result)
{
	char text[PVMEM_OPTION_TEXT];

	pvmem_text_copy(text, sizeof(text), agent->initial[option]);
	if (pvmem_apply_text(agent, option, text, result->refused_why[option])) {
		result->refused |= 1u << option;
		return;
	}
	result->refused &= ~(1u << option);
	*result->refused_why[option] = 0;
	*agent->initial[option] = 0;
	pvmem_initial_save(agent);
}

/**
 * pvmem_apply() - makes the kernel run the options
 * @agent: the agent.
 * @options: what the host wants; others go back to their initial values.
 * @result: applied and refused are set; id and error are left alone.
 *
 * Limits that depend on each other (low <= high <= cap) may refuse a value
 * until another one has moved: what is refused is tried again as long as some
 * other one got through.
 */
void pvmem_apply(struct pvmem_agent *agent, const struct pvmem_options *options, struct pvmem_result *result)
{
	uint32_t before;
	int i;

	result->refused = 0;
	result->applied = (struct pvmem_options){ 0 };
	for (i = 0; i < PVMEM_NR_OPTIONS; i++)
		if (pvmem_options_has(options, i) || *agent->initial[i])
			result->refused |= 1u << i;
	do {
		before = result->refused;
		for (i = 0; i < PVMEM_NR_OPTIONS; i++) {
			if (!(result->refused & (1u << i)))
				continue;
			if (pvmem_options_has(options, i))
				pvmem_apply_one(agent, i, options->value[i], result);
			else
				pvmem_restore_one(agent, i, result);
		}
	} while (result->refused && result->refused != before);
}
