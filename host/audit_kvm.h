/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What audit_kvm.c reads out of the monitor's answers, and what audit_xen.c shares with it. */
#ifndef PVMEM_HOST_AUDIT_KVM_H
#define PVMEM_HOST_AUDIT_KVM_H

#include "audit.h"

#define PVMEM_KVM_RANGES 64

/**
 * struct pvmem_kvm_range - contiguous memory of a guest's
 * @base: guest-physical address.
 * @bytes: its length.
 * @offset: where it is in the file.
 */
struct pvmem_kvm_range {
	uint64_t base;
	uint64_t bytes;
	uint64_t offset;
};

/**
 * struct pvmem_kvm_layout - all of a guest's memory
 * @range: in ascending order.
 * @nr: how many.
 * @end: guest-physical addresses are below it.
 * @file_bytes: size of the file.
 */
struct pvmem_kvm_layout {
	struct pvmem_kvm_range range[PVMEM_KVM_RANGES];
	size_t nr;
	uint64_t end;
	uint64_t file_bytes;
};

bool pvmem_kvm_registers(const char *text, uint64_t *root, int *levels);
bool pvmem_kvm_ranges(const char *mtree, struct pvmem_kvm_layout *layout);

uint64_t pvmem_audit_now_us(void);
int pvmem_audit_reason(int err, char reason[PVMEM_AUDIT_REASON]);

#endif
