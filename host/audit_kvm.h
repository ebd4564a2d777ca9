/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Auditing a guest of QEMU's through its shared memory. */
#ifndef PVMEM_HOST_AUDIT_KVM_H
#define PVMEM_HOST_AUDIT_KVM_H

#include "audit.h"

int pvmem_audit_kvm(int qemu, const struct pvmem_audit_window *windows, size_t nr_windows, struct pvmem_audit *audit,
		    char error[PVMEM_AUDIT_ERROR]);

#endif
