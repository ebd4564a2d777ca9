/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How one vCPU's TLB is flushed, and known to be: by its answer to an interrupt,
 * or by the host because it is not running. Needs no KVM guest to be tested in.
 */
#ifndef PVMEM_KVM_FLUSH_H
#define PVMEM_KVM_FLUSH_H

#include <linux/kvm_para.h>
#include <linux/types.h>

/**
 * struct pvmem_kvm_flush - the flushes of an instance, in order
 * @generation: number of the newest.
 */
struct pvmem_kvm_flush {
	unsigned long generation;
};

/**
 * struct pvmem_kvm_vcpu - what is known of one vCPU
 * @record: where the host says whether it runs, or NULL when it does not say.
 *	Read under RCU: the host stops writing a grace period after it became NULL.
 * @asked: an interrupt was sent and not yet answered.
 * @answered: the newest flush that the vCPU has made.
 *
 * One cache line each: the sender polls it.
 */
struct pvmem_kvm_vcpu {
	struct kvm_steal_time *record;
	unsigned int asked;
	unsigned long answered;
} __aligned(64);

unsigned long pvmem_kvm_flush_begin(struct pvmem_kvm_flush *flush);
bool pvmem_kvm_vcpu_leave(struct pvmem_kvm_vcpu *vcpu);
bool pvmem_kvm_vcpu_ask(struct pvmem_kvm_vcpu *vcpu);
bool pvmem_kvm_vcpu_answered(const struct pvmem_kvm_vcpu *vcpu, unsigned long generation);
void pvmem_kvm_vcpu_answer(struct pvmem_kvm_vcpu *vcpu, struct pvmem_kvm_flush *flush, void (*flush_tlb)(void));

#endif
