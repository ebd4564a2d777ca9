/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands of the control socket: what a client asks, and its way back. */
#ifndef PVMEM_HOST_COMMAND_H
#define PVMEM_HOST_COMMAND_H

#include "daemon.h"

/* How long a command waits for a guest unless the client says otherwise, in ms, and at most. */
#define PVMEM_COMMAND_MS 5000
#define PVMEM_COMMAND_MS_MAX 60000

struct pvmem_client;

/**
 * struct pvmem_command - one command under way
 * @daemon: the daemon.
 * @client: who asked; NULL when it has gone.
 * @message: what it asked.
 * @uuid: of the guest it is about; NULL: none. The guest itself may go any time.
 * @scopes: of set-options: those still to be written.
 * @state: the command's own, freed with g_free().
 */
struct pvmem_command {
	struct pvmem_daemon *daemon;
	struct pvmem_client *client;
	json_t *message;
	char *uuid;
	guint scopes;
	void *state;
};

void pvmem_command_audit(struct pvmem_command *command);
void pvmem_command_policy(struct pvmem_command *command);
void pvmem_command_run(struct pvmem_command *command);
void pvmem_command_item(struct pvmem_command *command, json_t *item);
void pvmem_command_end(struct pvmem_command *command, const char *error);
void pvmem_command_abandon(struct pvmem_command *command);
struct pvmem_guest *pvmem_command_guest(struct pvmem_command *command);
guint pvmem_command_timeout(struct pvmem_command *command);

#endif
