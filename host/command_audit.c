// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command audit: a driver looks at the guest in a thread, the daemon goes on
 * meanwhile. With fix, a guest in which something was found is asked to purge,
 * and looked at again: what was lazily unmapped is then gone.
 */
#include <gio/gio.h>
#include "command.h"

/* Reports are a moment older than the walk: counts may differ by that many pages, and that share. */
#define PVMEM_CLAIM_PAGES 256
#define PVMEM_CLAIM_SHARE 8

struct pvmem_audit_task {
	pvmem_audit_function function;
	int machine;
	struct pvmem_audit_claim claim;
	struct pvmem_audit audit;
	char error[PVMEM_AUDIT_ERROR];
	struct pvmem_command *command;
};

static void pvmem_audit_again(struct pvmem_guest *guest, const struct pvmem_result *result, const char *error,
			      void *data);

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

/* Entries in the windows against what the guest says is mapped there. */
static void pvmem_audit_claims(const struct pvmem_guest *guest, struct pvmem_audit *audit)
{
	const guint64 *stats = guest->report.stats;
	guint64 claimed = stats[PVMEM_REPORT_live_pages] + stats[PVMEM_REPORT_lazy_pages];
	guint64 differs = claimed > audit->nr_window ? claimed - audit->nr_window : audit->nr_window - claimed;

	if (guest->report_us && differs > PVMEM_CLAIM_PAGES + claimed / PVMEM_CLAIM_SHARE)
		pvmem_audit_find(audit, PVMEM_AUDIT_CLAIM, PVMEM_AUDIT_NO_FRAME, audit->nr_window, claimed);
}

static void pvmem_audit_finished(GObject *object, GAsyncResult *async, gpointer data)
{
	struct pvmem_audit_task *task = g_task_get_task_data(G_TASK(async));
	struct pvmem_command *command = data;
	struct pvmem_guest *guest = pvmem_command_guest(command);
	g_autofree char *error = NULL;
	guint64 total;

	if (*task->error || !guest) {
		pvmem_command_end(command, guest ? task->error : "the domain is gone");
		return;
	}
	pvmem_audit_claims(guest, &task->audit);
	total = pvmem_audit_total(&task->audit);
	if (total && json_is_true(json_object_get(command->message, "fix"))) {
		json_object_set_new(command->message, "fix", json_false());
		pvmem_audit_sum(command, "findings before the purge", total);
		pvmem_guest_request(guest, "purge", PVMEM_COMMAND_MS, pvmem_audit_again, command);
		return;
	}
	pvmem_audit_items(command, &task->audit);
	pvmem_audit_sum(command, "findings", total);
	error = total ? g_strdup_printf("%" G_GUINT64_FORMAT " findings", total) : NULL;
	pvmem_command_end(command, error);
}

static void pvmem_audit_thread(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
	struct pvmem_audit_task *audit = data;

	if (!audit->function(audit->machine, &audit->claim, &audit->audit, audit->error))
		*audit->error = 0;
	g_task_return_boolean(task, TRUE);
}

/* Addresses travel without their sign extension. */
static void pvmem_audit_windows(const struct pvmem_guest *guest, struct pvmem_audit_task *task)
{
	size_t i;

	task->claim.nr_windows = MIN(guest->report.nr_windows, PVMEM_AUDIT_WINDOWS);
	for (i = 0; i < task->claim.nr_windows; i++) {
		task->claim.windows[i].base = (guint64)((gint64)(guest->report.windows[i].page << 19) >> 7);
		task->claim.windows[i].bytes = guest->report.windows[i].nr_pages << 12;
	}
}

static void pvmem_audit_again(struct pvmem_guest *guest, const struct pvmem_result *result, const char *error,
			      void *data)
{
	struct pvmem_command *command = data;

	if (error)
		pvmem_command_end(command, error);
	else
		pvmem_command_audit(command);
}

/**
 * pvmem_command_audit() - audits a guest
 * @command: names it; "fix": ask it to purge when something is found.
 */
void pvmem_command_audit(struct pvmem_command *command)
{
	struct pvmem_guest *guest = pvmem_command_guest(command);
	struct pvmem_audit_task *audit;
	GTask *task;

	if (!guest->running || !guest->machine || !guest->ops->audit) {
		pvmem_command_end(command, guest->ops->audit ? "the domain does not run, or has no channel"
							     : "domains of this driver cannot be audited");
		return;
	}
	audit = g_new0(struct pvmem_audit_task, 1);
	audit->function = guest->ops->audit;
	audit->machine = guest->machine;
	pvmem_audit_windows(guest, audit);
	task = g_task_new(NULL, NULL, pvmem_audit_finished, command);
	g_task_set_task_data(task, audit, g_free);
	g_task_run_in_thread(task, pvmem_audit_thread);
	g_object_unref(task);
}
