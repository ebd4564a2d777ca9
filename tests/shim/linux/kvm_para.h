/* SPDX-License-Identifier: GPL-2.0 */
/* What a KVM host tells a guest about a vCPU: the ABI's layout and bits. */
#ifndef SHIM_LINUX_KVM_PARA_H
#define SHIM_LINUX_KVM_PARA_H

#include <linux/types.h>

struct kvm_steal_time {
	u64 steal;
	u32 version;
	u32 flags;
	u8 preempted;
	u8 u8_pad[3];
	u32 pad[11];
};

#define KVM_VCPU_PREEMPTED (1 << 0)
#define KVM_VCPU_FLUSH_TLB (1 << 1)

#endif
