/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The seam to what runs the guests. A driver finds domains, carries bytes to
 * and from their agents, and keeps their options. Everything here is called on
 * the main loop and returns at once; what may take time is done elsewhere and
 * finishes with a callback on the main loop.
 *
 * A driver tells the daemon through the functions of guest.h.
 */
#ifndef PVMEM_HOST_DRIVER_H
#define PVMEM_HOST_DRIVER_H

#include <glib.h>
#include "audit.h"
#include "option.h"

struct pvmem_daemon;
struct pvmem_driver;
struct pvmem_guest;

/* Which of a domain's options: the running guest's, those of its next start. */
#define PVMEM_SCOPE_LIVE 1u
#define PVMEM_SCOPE_CONFIG 2u

/**
 * typedef pvmem_done - something asked of a driver is finished
 * @error: why it failed; NULL when it did not.
 * @data: the caller's.
 */
typedef void (*pvmem_done)(const char *error, void *data);

/**
 * typedef pvmem_audit_function - looks at a running guest's page tables
 * @machine: the guest's @machine.
 * @claim: what the guest says of itself.
 * @audit: filled.
 * @error: why not.
 *
 * Context: called in a thread of its own; may take seconds.
 * Return: 0 or -errno.
 */
typedef int (*pvmem_audit_function)(int machine, const struct pvmem_audit_claim *claim, struct pvmem_audit *audit,
				    char error[PVMEM_AUDIT_ERROR]);

/**
 * struct pvmem_driver_ops - a kind of host
 * @name: in the configuration.
 * @start: begins to look for domains; reports and goes on trying when what it
 *	needs is not there yet.
 * @stop: ends; its guests are gone before it is called.
 * @forget: frees what the driver keeps of a guest; NULL: nothing.
 * @set_options: keeps a domain's options for the scopes given; NULL options
 *	remove them. The daemon hears of the change through pvmem_guest_options().
 * @closed: the other end closed the guest's socket, which is detached already;
 *	NULL for drivers that attach none.
 * @audit: looks at a guest; NULL: it cannot.
 * @look: brings the guest's actual_bytes up to date; NULL: they always are.
 * @balloon: has the guest come to so much memory, in bytes, if it will; NULL: it
 *	cannot.
 * @refresh: looks at everything again, in time; NULL: nothing it could have missed.
 * @status: one line on how the driver is, for people.
 * @send: bytes to the guest's agent; 0, -ENOBUFS or -ENOTCONN.
 */
struct pvmem_driver_ops {
	const char *name;
	struct pvmem_driver *(*start)(struct pvmem_daemon *daemon, GError **error);
	void (*stop)(struct pvmem_driver *driver);
	void (*forget)(struct pvmem_guest *guest);
	void (*set_options)(struct pvmem_guest *guest, guint scopes, const struct pvmem_options *options,
			    pvmem_done done, void *data);
	void (*closed)(struct pvmem_guest *guest);
	pvmem_audit_function audit;
	void (*look)(struct pvmem_guest *guest);
	void (*balloon)(struct pvmem_guest *guest, guint64 bytes, pvmem_done done, void *data);
	void (*refresh)(struct pvmem_driver *driver);
	const char *(*status)(struct pvmem_driver *driver);
	int (*send)(struct pvmem_guest *guest, const char *bytes, gsize len);
};

extern const struct pvmem_driver_ops pvmem_driver_libvirt;
extern const struct pvmem_driver_ops pvmem_driver_xen;
extern const struct pvmem_driver_ops pvmem_driver_directory;

#endif
