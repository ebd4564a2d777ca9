/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Auditing a PV guest of Xen's: its page tables, and what Xen knows of its frames. */
#ifndef PVMEM_HOST_AUDIT_XEN_H
#define PVMEM_HOST_AUDIT_XEN_H

#include "audit.h"

int pvmem_audit_xen(int domid, const struct pvmem_audit_window *windows, size_t nr_windows, struct pvmem_audit *audit,
		    char error[PVMEM_AUDIT_ERROR]);

#endif
