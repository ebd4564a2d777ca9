// SPDX-License-Identifier: GPL-2.0
/*
 * The protocol of a flush, a vCPU at a time; backend_kvm.c loops over them and
 * sends the interrupts, docs/safety.md argues.
 *
 * Flushes are numbered. A vCPU is done with flush N when it has answered N or a
 * later one, or when its record could be claimed after N began: then it is not
 * running, and the host empties its TLB before it does.
 *
 * An answer is not tied to an interrupt: whatever flushes a vCPU answers by the
 * newest number it has read before. So a vCPU that still owes an answer is not
 * interrupted again, and nobody waits for an interrupt that is on its way to a
 * vCPU which has been preempted.
 */
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/rcupdate.h>
#include "kvm_flush.h"

/**
 * pvmem_kvm_flush_begin() - a new flush
 * @flush: the flushes. One at a time: the caller serialises.
 *
 * A full barrier: page tables are cleared before it, records and what vCPUs owe
 * are read after it.
 *
 * Context: any.
 * Return: its number.
 */
unsigned long pvmem_kvm_flush_begin(struct pvmem_kvm_flush *flush)
{
	unsigned long generation = flush->generation + 1;

	xchg(&flush->generation, generation);
	return generation;
}

/*
 * The bit says: flush before this vCPU runs again. The host takes it together
 * with the other one, so the exchange succeeds only while both are still to be
 * acted on. It may be there already, from another flush: it was not taken yet,
 * so it does for this one too.
 */
static bool pvmem_kvm_record_claim(struct kvm_steal_time *record)
{
	u8 state = READ_ONCE(record->preempted);

	while (state & KVM_VCPU_PREEMPTED)
		if (try_cmpxchg(&record->preempted, &state, state | KVM_VCPU_FLUSH_TLB))
			return true;
	return false;
}

/**
 * pvmem_kvm_vcpu_leave() - leave a vCPU to the host, if it is not running
 * @vcpu: the vCPU.
 *
 * Context: any.
 * Return: true when it was preempted and will be flushed before it runs again.
 */
bool pvmem_kvm_vcpu_leave(struct pvmem_kvm_vcpu *vcpu)
{
	struct kvm_steal_time *record;
	bool left;

	rcu_read_lock();
	record = READ_ONCE(vcpu->record);
	left = record && pvmem_kvm_record_claim(record);
	rcu_read_unlock();
	return left;
}

/**
 * pvmem_kvm_vcpu_ask() - does a vCPU need an interrupt to learn of the newest flush?
 * @vcpu: the vCPU; counts as interrupted from now on.
 *
 * A full barrier, after pvmem_kvm_flush_begin(): see pvmem_kvm_vcpu_answer().
 *
 * Context: any.
 * Return: false when one is on its way.
 */
bool pvmem_kvm_vcpu_ask(struct pvmem_kvm_vcpu *vcpu)
{
	return !xchg(&vcpu->asked, 1);
}

/**
 * pvmem_kvm_vcpu_answered() - has a vCPU made a flush, or a later one?
 * @vcpu: the vCPU.
 * @generation: the flush.
 *
 * Context: any. An acquire: what the vCPU did before it flushed is over.
 * Return: true when it has.
 */
bool pvmem_kvm_vcpu_answered(const struct pvmem_kvm_vcpu *vcpu, unsigned long generation)
{
	/* Pairs with pvmem_kvm_vcpu_answer(). */
	return (long)(smp_load_acquire(&vcpu->answered) - generation) >= 0;
}

/**
 * pvmem_kvm_vcpu_answer() - flush here, and say for which flushes that was
 * @vcpu: this vCPU.
 * @flush: the flushes.
 * @flush_tlb: empties this vCPU's TLB.
 *
 * First it is no longer asked, then it reads what the newest flush is, then it
 * flushes: whoever finds it asked has begun a flush that is read here, and any
 * page table cleared before that flush began is clear when the TLB is emptied.
 *
 * Context: interrupts or preemption off, on that vCPU.
 */
void pvmem_kvm_vcpu_answer(struct pvmem_kvm_vcpu *vcpu, struct pvmem_kvm_flush *flush, void (*flush_tlb)(void))
{
	unsigned long generation;

	xchg(&vcpu->asked, 0);
	/* Pairs with pvmem_kvm_flush_begin(): page tables are seen as they were then, or newer. */
	generation = smp_load_acquire(&flush->generation);
	flush_tlb();
	/* Pairs with pvmem_kvm_vcpu_answered(). */
	smp_store_release(&vcpu->answered, generation);
}
