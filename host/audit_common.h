/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What audit_kvm.c and audit_xen.c share, and tests see of them. */
#ifndef PVMEM_HOST_AUDIT_COMMON_H
#define PVMEM_HOST_AUDIT_COMMON_H

#include "audit.h"

/**
 * struct pvmem_kvm_layout - where in its file a guest's memory is
 * @bytes: size of the file.
 * @low: guest-physical addresses below it are at the same place in the file;
 *	what comes after is at 4 GiB.
 */
struct pvmem_kvm_layout {
	uint64_t bytes;
	uint64_t low;
};

void pvmem_kvm_layout(struct pvmem_kvm_layout *layout, uint64_t bytes, bool q35);
uint64_t pvmem_kvm_offset(const struct pvmem_kvm_layout *layout, uint64_t addr);

uint64_t pvmem_audit_now_us(void);
int pvmem_audit_explain(int err, char error[PVMEM_AUDIT_ERROR]);

#endif
