/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread that talks to libvirtd, so that the main loop never waits for it. */
#ifndef PVMEM_HOST_LIBVIRT_THREAD_H
#define PVMEM_HOST_LIBVIRT_THREAD_H

#include "guest.h"

/**
 * struct pvmem_domain - a domain as it was read
 * @uuid: its uuid.
 * @name: its name.
 * @exists: libvirt knows it; else nothing but @uuid is set.
 * @running: it runs.
 * @defined: read because it was defined anew.
 * @live: options of the running domain.
 * @config: options of its next start; those of the running domain when it is transient.
 * @socket: of the agent's channel; NULL: it has none.
 * @alias: of that channel.
 * @pid: libvirt's id of the running domain, which changes with each start; 0.
 * @memory_bytes: memory it was started with.
 * @actual_bytes: memory its balloon leaves it; 0: it has none, or does not run.
 */
struct pvmem_domain {
	char *uuid;
	char *name;
	gboolean exists;
	gboolean running;
	gboolean defined;
	struct pvmem_asked live;
	struct pvmem_asked config;
	char *socket;
	char *alias;
	int pid;
	guint64 memory_bytes;
	guint64 actual_bytes;
};

/**
 * struct pvmem_libvirt_ops - what the thread finds, told on the main loop
 * @seen: a domain was read.
 * @listed: every domain there is, NULL-terminated; each that could be read was told by @seen before.
 * @connected: a connection is there (NULL), or it is not, or no more.
 * @port: the guest opened or closed a virtio-serial port.
 */
struct pvmem_libvirt_ops {
	void (*seen)(void *data, const struct pvmem_domain *domain);
	void (*listed)(void *data, const char *const *uuids);
	void (*connected)(void *data, const char *error);
	void (*port)(void *data, const char *uuid, const char *alias, gboolean open);
};

struct pvmem_libvirt;

struct pvmem_libvirt *pvmem_libvirt_thread_start(const char *uri, const struct pvmem_libvirt_ops *ops, void *data);
void pvmem_libvirt_thread_stop(struct pvmem_libvirt *libvirt);
void pvmem_libvirt_connect(struct pvmem_libvirt *libvirt);
void pvmem_libvirt_refresh(struct pvmem_libvirt *libvirt);
void pvmem_libvirt_set(struct pvmem_libvirt *libvirt, const char *uuid, guint scope,
		       const struct pvmem_options *options, pvmem_done done, void *data);
void pvmem_libvirt_balloon(struct pvmem_libvirt *libvirt, const char *uuid, guint64 bytes, pvmem_done done, void *data);

#endif
