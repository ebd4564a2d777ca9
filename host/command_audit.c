// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command audit: the guest says what it has, a driver looks at it in a thread
 * while the daemon goes on, the guest says again what it has, and all three are
 * compared. What is found is looked for a second time. With fix, a guest in which
 * something was found is asked to purge, and looked at anew: what was lazily
 * unmapped is then gone.
 */
#include <gio/gio.h>
#include "command.h"

/* The guest's pool as it named it: frames by number. */
struct pvmem_audit_pool {
	gboolean given;
	gboolean complete;
	gsize nr;
	guint64 frame[PVMEM_REPORT_FRAMES];
};

/**
 * struct pvmem_audit_task - an audit under way
 * @function: the driver's.
 * @machine: the guest's.
 * @claim: what the guest says; @named holds its frames.
 * @named: the pool, before the look and after it.
 * @audit: what was found.
 * @counted: the guest has said what it has counted before the look...
 * @counts: ...which is this.
 * @before: what was found in the first look.
 * @again: this is the second look: something was found in the first.
 * @silent: the guest did not answer: it is looked at without its word.
 * @asked_us: when the guest was last asked what it has.
 * @error: why it could not be looked at.
 */
struct pvmem_audit_task {
	pvmem_audit_function function;
	int machine;
	struct pvmem_audit_claim claim;
	struct pvmem_audit_pool named[2];
	struct pvmem_audit audit;
	gboolean counted;
	struct pvmem_audit_counts counts;
	struct pvmem_audit before;
	gboolean again;
	gboolean silent;
	gint64 asked_us;
	char error[PVMEM_AUDIT_ERROR];
};

static void pvmem_audit_begin(struct pvmem_command *command);

static void pvmem_audit_sum(struct pvmem_command *command, const char *what, guint64 count)
{
	pvmem_command_item(command, json_pack("{s:s, s:I}", "what", what, "count", (json_int_t)count));
}

static json_t *pvmem_json_address(guint64 addr)
{
	g_autofree char *text = addr ? g_strdup_printf("0x%" G_GINT64_MODIFIER "x", addr) : NULL;

	return text ? json_string(text) : json_null();
}

static void pvmem_audit_items(struct pvmem_command *command, const struct pvmem_audit *audit)
{
	gsize i;

	pvmem_audit_sum(command, "page tables", audit->nr_tables);
	pvmem_audit_sum(command, "page tables of processes", audit->nr_user_tables);
	for (i = 0; i < PVMEM_NR_AUDIT_CLASSES; i++)
		if (audit->nr_mapped[i])
			pvmem_audit_sum(command, pvmem_audit_class_name(i), audit->nr_mapped[i]);
	pvmem_audit_sum(command, "entries in pvmem's windows", audit->nr_window);
	pvmem_audit_sum(command, "frames mapped writable twice", audit->nr_aliased);
	if (audit->nr_pinned) {
		pvmem_audit_sum(command, "pinned frames", audit->nr_pinned);
		pvmem_audit_sum(command, "idle pinned frames", audit->nr_idle);
	}
	pvmem_audit_sum(command, "microseconds", audit->elapsed_us);
	for (i = 0; i < audit->nr_findings; i++) {
		const struct pvmem_audit_finding *finding = &audit->findings[i];
		json_t *item = json_object();

		json_object_set_new(item, "what", json_string(pvmem_audit_kind_name(finding->kind)));
		json_object_set_new(item, "count", json_integer(1));
		if (finding->frame != PVMEM_AUDIT_NO_FRAME)
			json_object_set_new(item, "frame", pvmem_json_address(finding->frame));
		json_object_set_new(item, "address", pvmem_json_address(finding->addr));
		json_object_set_new(item, "other", pvmem_json_address(finding->other));
		pvmem_command_item(command, item);
	}
}

/* What the guest runs has counted; FALSE: it has not said so since it was asked. */
static gboolean pvmem_audit_counts(const struct pvmem_guest *guest, gint64 asked_us, struct pvmem_audit_counts *counts)
{
	const guint64 *stats = guest->report.stats;

	if (!guest->report_us || guest->report_us < asked_us ||
	    !(guest->report.stats_set >> PVMEM_REPORT_map_pages & 1))
		return FALSE;
	*counts = (struct pvmem_audit_counts){
		.map_pages = stats[PVMEM_REPORT_map_pages],
		.unmap_pages = stats[PVMEM_REPORT_unmap_pages],
		.purge_pages = stats[PVMEM_REPORT_purge_pages],
		.ptpool_pages = stats[PVMEM_REPORT_ptpool_pages],
		.ptpool_out = stats[PVMEM_REPORT_ptpool_out],
		.ptpool_moves = stats[PVMEM_REPORT_ptpool_get] + stats[PVMEM_REPORT_ptpool_put] +
				stats[PVMEM_REPORT_ptpool_filled] + stats[PVMEM_REPORT_ptpool_adopted] +
				stats[PVMEM_REPORT_ptpool_claimed] + stats[PVMEM_REPORT_ptpool_shrunk],
	};
	return TRUE;
}

static void pvmem_audit_pool(const json_t *message, struct pvmem_audit_pool *named)
{
	struct pvmem_report_pool pool;
	char reason[PVMEM_REASON];
	guint64 i;
	gsize run;

	named->nr = 0;
	named->given = message && !pvmem_pool_decode(message, &pool, reason);
	named->complete = named->given && pool.complete;
	for (run = 0; named->given && run < pool.nr_runs; run++)
		for (i = 0; i < pool.runs[run].nr; i++)
			named->frame[named->nr++] = pool.runs[run].first + i;
}

/* Addresses travel without their sign extension. */
static void pvmem_audit_windows(const struct pvmem_guest *guest, struct pvmem_audit_claim *claim)
{
	size_t i;

	claim->nr_windows = MIN(guest->report.nr_windows, PVMEM_AUDIT_WINDOWS);
	for (i = 0; i < claim->nr_windows; i++) {
		claim->windows[i].base = (guint64)((gint64)(guest->report.windows[i].page << 19) >> 7);
		claim->windows[i].bytes = guest->report.windows[i].nr_pages << 12;
	}
}

static void pvmem_audit_purged(struct pvmem_guest *guest, const struct pvmem_result *result, const json_t *message,
			       const char *error, void *data)
{
	struct pvmem_command *command = data;
	struct pvmem_audit_task *task = command->state;

	task->again = FALSE;
	if (!error && *result->error)
		error = result->error;
	if (error)
		pvmem_command_end(command, error);
	else
		pvmem_audit_begin(command);
}

static void pvmem_audit_conclude(struct pvmem_command *command)
{
	struct pvmem_audit_task *task = command->state;
	guint64 total = pvmem_audit_total(&task->audit);
	g_autofree char *error = NULL;

	if (total && json_is_true(json_object_get(command->message, "fix"))) {
		json_object_set_new(command->message, "fix", json_false());
		pvmem_audit_sum(command, "findings before the purge", total);
		pvmem_guest_request(pvmem_command_guest(command), "purge", pvmem_command_timeout(command),
				    pvmem_audit_purged, command);
		return;
	}
	pvmem_audit_items(command, &task->audit);
	if (task->named[0].given)
		pvmem_audit_sum(command, "frames the guest says are in the pool", task->named[0].nr);
	pvmem_audit_sum(command, "compared with the guest's counters", task->claim.has_counts);
	pvmem_audit_sum(command, "findings", total);
	error = total ? g_strdup_printf("%" G_GUINT64_FORMAT " findings", total) : NULL;
	pvmem_command_end(command, error);
}

/* The guest's word from after the look. What was found is looked for once more: steps under way are over by then. */
static void pvmem_audit_after(struct pvmem_guest *guest, const struct pvmem_result *result, const json_t *message,
			      const char *error, void *data)
{
	struct pvmem_command *command = data;
	struct pvmem_audit_task *task = command->state;
	struct pvmem_audit_claim *claim = &task->claim;

	if (!pvmem_command_guest(command)) {
		pvmem_command_end(command, "the domain is gone");
		return;
	}
	task->silent = error != NULL;
	claim->has_counts = task->counted && pvmem_audit_counts(guest, task->asked_us, &claim->counts[1]);
	claim->counts[0] = task->counts;
	pvmem_audit_pool(message, &task->named[1]);
	claim->later = task->named[1].frame;
	claim->nr_later = task->named[1].nr;
	claim->has_later = task->named[1].complete;
	pvmem_audit_settle(&task->audit, claim);
	if (task->again) {
		pvmem_audit_confirm(&task->audit, &task->before);
	} else if (pvmem_audit_total(&task->audit)) {
		task->before = task->audit;
		task->again = TRUE;
		pvmem_audit_begin(command);
		return;
	}
	pvmem_audit_conclude(command);
}

/* Asks what the guest has; one that was silent is not waited for again. */
static void pvmem_audit_ask(struct pvmem_command *command, pvmem_answer answer)
{
	struct pvmem_audit_task *task = command->state;
	struct pvmem_guest *guest = pvmem_command_guest(command);

	task->asked_us = g_get_monotonic_time();
	if (task->silent)
		answer(guest, NULL, NULL, "the guest does not answer", command);
	else
		pvmem_guest_request(guest, "frames", pvmem_command_timeout(command), answer, command);
}

static void pvmem_audit_finished(GObject *object, GAsyncResult *async, gpointer data)
{
	struct pvmem_command *command = data;
	struct pvmem_audit_task *task = command->state;
	g_autofree char *error = g_strdup(task->error); /* the task ends with the command */

	command->daemon->audits--;
	if (!pvmem_command_guest(command))
		pvmem_command_end(command, "the domain is gone");
	else if (*error)
		pvmem_command_end(command, error);
	else
		pvmem_audit_ask(command, pvmem_audit_after);
}

static void pvmem_audit_thread(GTask *async, gpointer source, gpointer data, GCancellable *cancellable)
{
	struct pvmem_audit_task *task = data;

	if (!task->function(task->machine, &task->claim, &task->audit, task->error))
		*task->error = 0;
	g_task_return_boolean(async, TRUE);
}

/* The guest's word from before the look, if it says anything: a guest that is silent is looked at all the same. */
static void pvmem_audit_named(struct pvmem_guest *guest, const struct pvmem_result *result, const json_t *message,
			      const char *error, void *data)
{
	struct pvmem_command *command = data;
	struct pvmem_audit_task *task = command->state;
	struct pvmem_audit_claim *claim = &task->claim;
	GTask *async;

	if (!pvmem_command_guest(command) || !guest->running || !guest->machine) {
		pvmem_command_end(command, "the domain is gone");
		return;
	}
	task->silent = error != NULL;
	*claim = (struct pvmem_audit_claim){ 0 };
	pvmem_audit_windows(guest, claim);
	pvmem_audit_pool(message, &task->named[0]);
	claim->pool = task->named[0].frame;
	claim->nr_pool = task->named[0].nr;
	claim->has_pool = task->named[0].given;
	claim->pool_partial = !task->named[0].complete;
	task->machine = guest->machine;
	/* Kept apart: they are compared when the guest has had its last word, not by the look. */
	task->counted = pvmem_audit_counts(guest, task->asked_us, &task->counts);
	async = g_task_new(NULL, NULL, pvmem_audit_finished, command);
	g_task_set_task_data(async, task, NULL);
	command->daemon->audits++;
	g_task_run_in_thread(async, pvmem_audit_thread);
	g_object_unref(async);
}

static void pvmem_audit_begin(struct pvmem_command *command)
{
	pvmem_audit_ask(command, pvmem_audit_named);
}

/**
 * pvmem_command_audit() - audits a guest
 * @command: names it; "fix": ask it to purge when something is found.
 */
void pvmem_command_audit(struct pvmem_command *command)
{
	struct pvmem_guest *guest = pvmem_command_guest(command);
	struct pvmem_audit_task *task;

	if (!guest->running || !guest->machine || !guest->ops->audit) {
		pvmem_command_end(command, guest->ops->audit ? "the domain does not run, or has no channel"
							     : "domains of this driver cannot be audited");
		return;
	}
	task = g_new0(struct pvmem_audit_task, 1);
	task->function = guest->ops->audit;
	command->state = task;
	pvmem_audit_begin(command);
}
