// SPDX-License-Identifier: GPL-2.0-or-later
/* The talk with the host: what it asks, what it is answered. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <pvmem/names.h>
#include "agent.h"

/* What the host may have done once, and the file that does it. */
static const struct {
	const char *name;
	const char *file;
} pvmem_requests[] = {
	{ "purge", PVMEM_SYSFS "/purge" },
	{ "drain", PVMEM_SYSFS "/ptpool_drain" },
	{ "compact", PVMEM_SYSFS "/compact" },
};

static void pvmem_send(struct pvmem_agent *agent, json_t *message)
{
	size_t len;
	char *line = pvmem_message_line(message, &len);

	if (line && len <= sizeof(agent->out) - agent->out_len) {
		memcpy(agent->out + agent->out_len, line, len);
		agent->out_len += len;
	}
	free(line);
	json_decref(message);
}

/**
 * pvmem_session_start() - forgets the host before
 * @agent: the agent.
 *
 * A newline first: what the host has half of ends there.
 */
void pvmem_session_start(struct pvmem_agent *agent)
{
	pvmem_lines_init(&agent->lines, agent->line_data, sizeof(agent->line_data));
	agent->report_ms = PVMEM_REPORT_MS;
	agent->out[0] = '\n';
	agent->out_len = 1;
}

/**
 * pvmem_session_hello() - says who we are
 * @agent: the agent.
 */
void pvmem_session_hello(struct pvmem_agent *agent)
{
	struct pvmem_hello hello;

	pvmem_collect_hello(agent, &hello);
	pvmem_send(agent, pvmem_hello_encode(&hello));
}

/**
 * pvmem_session_report() - sends a report, unless the last one still waits
 * @agent: the agent.
 */
void pvmem_session_report(struct pvmem_agent *agent)
{
	struct pvmem_report report;

	if (agent->out_len > PVMEM_LINE_MAX)
		return;
	pvmem_collect_report(agent, &report);
	pvmem_send(agent, pvmem_report_encode(&report));
}

static void pvmem_take_configure(struct pvmem_agent *agent, const json_t *message)
{
	struct pvmem_result result = { 0 }, unknown = { 0 };
	struct pvmem_options options;
	uint64_t period;
	int i;

	if (!pvmem_json_u64(message, "report_ms", &period) && period >= PVMEM_REPORT_MS_MIN &&
	    period <= PVMEM_REPORT_MS_MAX)
		agent->report_ms = (int)period;
	pvmem_json_u64(message, "id", &result.id);
	pvmem_options_known(json_object_get(message, "options"), &options, &unknown);
	pvmem_apply(agent, &options, &result);
	for (i = 0; i < PVMEM_NR_OPTIONS; i++)
		if (unknown.refused & (1u << i))
			memcpy(result.refused_why[i], unknown.refused_why[i], PVMEM_REASON);
	result.refused |= unknown.refused;
	pvmem_send(agent, pvmem_result_encode(&result));
}

/* For an audit. The counters go first: what happens after them is in those of the next answer. */
static void pvmem_send_frames(struct pvmem_agent *agent, struct pvmem_result *result)
{
	static struct pvmem_report_pool pool;
	json_t *message;
	int err;

	pvmem_session_report(agent);
	err = pvmem_collect_pool(agent, &pool);
	if (err) {
		pvmem_file_explain(PVMEM_POOL_FRAMES, err, result->error);
		pvmem_send(agent, pvmem_result_encode(result));
		return;
	}
	message = pvmem_result_encode(result);
	pvmem_pool_encode(message, &pool);
	pvmem_send(agent, message);
}

static void pvmem_take_request(struct pvmem_agent *agent, const json_t *message)
{
	const char *name = json_string_value(json_object_get(message, "do"));
	struct pvmem_result result = { 0 };
	size_t i;
	int err;

	pvmem_json_u64(message, "id", &result.id);
	if (name && !strcmp(name, "frames")) {
		pvmem_send_frames(agent, &result);
		return;
	}
	snprintf(result.error, sizeof(result.error), "this agent has no such request");
	for (i = 0; name && i < sizeof(pvmem_requests) / sizeof(pvmem_requests[0]); i++) {
		if (strcmp(name, pvmem_requests[i].name))
			continue;
		err = pvmem_file_write(agent, pvmem_requests[i].file, "1");
		if (err)
			pvmem_file_explain(pvmem_requests[i].file, err, result.error);
		else
			*result.error = 0;
	}
	pvmem_send(agent, pvmem_result_encode(&result));
}

static void pvmem_take_line(struct pvmem_agent *agent, const char *line, size_t len)
{
	char reason[PVMEM_REASON];
	enum pvmem_message_type type;
	json_t *message;

	if (pvmem_message_parse(line, len, &message, &type, reason)) {
		fprintf(stderr, "pvmem-agent: the host sent what is no message: %s\n", reason);
		return;
	}
	if (type == PVMEM_MESSAGE_HELLO)
		pvmem_session_hello(agent);
	else if (type == PVMEM_MESSAGE_CONFIGURE)
		pvmem_take_configure(agent, message);
	else if (type == PVMEM_MESSAGE_REQUEST)
		pvmem_take_request(agent, message);
	/* The host sees what became of it without waiting for the next period. */
	pvmem_session_report(agent);
	json_decref(message);
}

/**
 * pvmem_session_take() - obeys every whole line there is
 * @agent: the agent.
 */
void pvmem_session_take(struct pvmem_agent *agent)
{
	size_t len;
	char *line;

	while ((line = pvmem_lines_next(&agent->lines, &len)))
		pvmem_take_line(agent, line, len);
}
