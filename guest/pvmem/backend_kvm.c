// SPDX-License-Identifier: GPL-2.0
/*
 * A KVM guest owns its page tables, so everything is as on bare hardware, but for
 * the flush: a vCPU that the host has preempted is neither woken nor waited for.
 * The host says in a record of each vCPU's (the steal time's) that it has
 * preempted it, and flushes its TLB before it runs again when asked to there.
 * kvm_flush.c has the protocol, docs/safety.md the argument.
 *
 * To choose once is not enough: a vCPU that runs when it is interrupted may be
 * preempted before it answers. So nothing is waited for but "has answered, or
 * could be claimed meanwhile", of all vCPUs at once.
 *
 * Flushes are made one at a time, under kvm->mutex, below every other lock of
 * pvmem's: a window being made needs one while a purge may be under way.
 */
#include <linux/cc_platform.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/kvm_para.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/io.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/tlbflush.h>
#include "backend_bare.h"
#include "core.h"
#include "kvm_flush.h"

/* What of MSR_KVM_STEAL_TIME is not the record's address. */
#define PVMEM_KVM_RECORD_FLAGS 63ul

/*
 * A running vCPU answers within microseconds on hardware, so sleeping at once
 * would only add the cost of a timer. One that is neither running nor marked (it
 * was halted, and the host has not scheduled it yet; or it is in its device
 * model) may need this CPU to get on.
 */
#define PVMEM_KVM_SPIN_NS NSEC_PER_MSEC
#define PVMEM_KVM_SLEEP_US 50
/* Then say so, once, as the kernel does of a CPU that does not answer a call. */
#define PVMEM_KVM_SILENT_NS (10ull * NSEC_PER_SEC)

/**
 * struct pvmem_kvm - a guest whose host says which vCPUs run
 * @mutex: one flush at a time; guards @flush and the masks.
 * @flush: the flushes.
 * @vcpus: what is known of each vCPU.
 * @waiting: vCPUs that the flush under way waits for.
 * @interrupt: those of them that need an interrupt.
 * @node: in the list of @hotplug.
 * @hotplug: the state in which CPUs have a record.
 */
struct pvmem_kvm {
	struct mutex mutex;
	struct pvmem_kvm_flush flush;
	struct pvmem_kvm_vcpu __percpu *vcpus;
	cpumask_var_t waiting;
	cpumask_var_t interrupt;
	struct hlist_node node;
	int hotplug;
};

static void pvmem_kvm_interrupted(void *data)
{
	struct pvmem_kvm *kvm = data;

	pvmem_kvm_vcpu_answer(this_cpu_ptr(kvm->vcpus), &kvm->flush, __flush_tlb_all);
}

/* Flush this CPU; of the others leave to the host who is preempted, and interrupt the rest. */
static void pvmem_kvm_send(struct pvmem *pv, struct pvmem_kvm *kvm)
{
	unsigned int interrupts = 0, left = 0;
	int cpu, here = get_cpu();

	lockdep_assert_held(&kvm->mutex);
	cpumask_copy(kvm->waiting, cpu_online_mask);
	cpumask_clear_cpu(here, kvm->waiting);
	cpumask_clear(kvm->interrupt);
	for_each_cpu(cpu, kvm->waiting) {
		struct pvmem_kvm_vcpu *vcpu = per_cpu_ptr(kvm->vcpus, cpu);

		if (pvmem_kvm_vcpu_leave(vcpu)) {
			cpumask_clear_cpu(cpu, kvm->waiting);
			left++;
		} else if (pvmem_kvm_vcpu_ask(vcpu)) {
			cpumask_set_cpu(cpu, kvm->interrupt);
			interrupts++;
		}
	}
	/*
	 * Without waiting. Nor for an earlier call: nobody is in the mask whose
	 * handler has not run. With preemption off nobody goes offline before
	 * it has its call, and who goes offline later makes it first.
	 */
	smp_call_function_many(kvm->interrupt, pvmem_kvm_interrupted, kvm, false);
	__flush_tlb_all();
	put_cpu();
	pvmem_stat_add(pv, flush_interrupts, interrupts);
	pvmem_stat_add(pv, flush_left, left);
}

/* Take out of kvm->waiting who is done. A CPU that is offline starts with an empty TLB. */
static void pvmem_kvm_poll(struct pvmem *pv, struct pvmem_kvm *kvm, unsigned long generation)
{
	int cpu;

	for_each_cpu(cpu, kvm->waiting) {
		struct pvmem_kvm_vcpu *vcpu = per_cpu_ptr(kvm->vcpus, cpu);
		bool answered = pvmem_kvm_vcpu_answered(vcpu, generation) || !cpu_online(cpu);

		if (!answered && !pvmem_kvm_vcpu_leave(vcpu))
			continue;
		cpumask_clear_cpu(cpu, kvm->waiting);
		if (!answered)
			pvmem_stat_inc(pv, flush_left_late);
	}
}

static void pvmem_kvm_flush(struct pvmem *pv, struct pvmem_kvm *kvm)
{
	unsigned long generation;
	u64 begin, waited;

	mutex_lock(&kvm->mutex);
	generation = pvmem_kvm_flush_begin(&kvm->flush);
	pvmem_kvm_send(pv, kvm);
	begin = ktime_get_ns();
	for (;;) {
		pvmem_kvm_poll(pv, kvm, generation);
		if (cpumask_empty(kvm->waiting))
			break;
		waited = ktime_get_ns() - begin;
		if (waited > PVMEM_KVM_SILENT_NS)
			pr_warn_once("pvmem: no answer to a TLB flush from CPUs %*pbl\n",
				     cpumask_pr_args(kvm->waiting));
		if (waited < PVMEM_KVM_SPIN_NS)
			cpu_relax();
		else
			usleep_range(PVMEM_KVM_SLEEP_US, 2 * PVMEM_KVM_SLEEP_US);
	}
	mutex_unlock(&kvm->mutex);
	pvmem_stat_inc(pv, flushes);
}

static int pvmem_kvm_zap(struct pvmem *pv, struct pvmem_range *ranges, unsigned int nr)
{
	struct pvmem_kvm *kvm = pv->backend_data;

	if (!kvm)
		return pvmem_bare_zap(pv, ranges, nr);
	for (; nr; nr--, ranges++)
		ranges->error = pvmem_bare_clear(pv, ranges->table, ranges->first, ranges->nr);
	pvmem_kvm_flush(pv, kvm);
	return 0;
}

/*
 * Runs on @cpu, after the kernel gave the host its record and before tasks that
 * may run anywhere do. A flush that did not see it online yet is made up for.
 */
static int pvmem_kvm_cpu_online(unsigned int cpu, struct hlist_node *node)
{
	struct pvmem_kvm *kvm = hlist_entry(node, struct pvmem_kvm, node);
	struct kvm_steal_time *record = NULL;
	u64 value;

	if (!rdmsrl_safe(MSR_KVM_STEAL_TIME, &value) && value & KVM_MSR_ENABLED)
		record = phys_to_virt(value & ~PVMEM_KVM_RECORD_FLAGS);
	WRITE_ONCE(per_cpu_ptr(kvm->vcpus, cpu)->record, record);
	preempt_disable();
	__flush_tlb_all();
	preempt_enable();
	return 0;
}

/* Before the kernel takes the record away from the host: nobody claims it any more. */
static int pvmem_kvm_cpu_offline(unsigned int cpu, struct hlist_node *node)
{
	struct pvmem_kvm *kvm = hlist_entry(node, struct pvmem_kvm, node);

	WRITE_ONCE(per_cpu_ptr(kvm->vcpus, cpu)->record, NULL);
	synchronize_rcu();
	return 0;
}

static bool pvmem_kvm_has(u32 features, unsigned int feature)
{
	return features & BIT(feature);
}

/* Why vCPUs cannot be left to the host, or NULL. */
static const char *pvmem_kvm_unfit(void)
{
	u32 features = cpuid_eax(hypervisor_cpuid_base(KVM_SIGNATURE, 0) | KVM_CPUID_FEATURES);

	if (!pvmem_kvm_has(features, KVM_FEATURE_STEAL_TIME) || !pvmem_kvm_has(features, KVM_FEATURE_PV_TLB_FLUSH))
		return "the host does not offer to flush them";
	/* The host would flush the wrong TLB tag if the vCPU was in a guest of its own: docs/safety.md. */
	if (boot_cpu_has(X86_FEATURE_VMX))
		return "this guest may run guests of its own (VMX)";
	/* Not every way to map a record is decrypted. */
	if (cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT))
		return "memory is encrypted";
	return NULL;
}

static void pvmem_kvm_free(struct pvmem_kvm *kvm)
{
	free_cpumask_var(kvm->interrupt);
	free_cpumask_var(kvm->waiting);
	free_percpu(kvm->vcpus);
	kfree(kvm);
}

static struct pvmem_kvm *pvmem_kvm_alloc(void)
{
	struct pvmem_kvm *kvm = kzalloc(sizeof(*kvm), GFP_KERNEL);

	if (!kvm)
		return NULL;
	mutex_init(&kvm->mutex);
	kvm->vcpus = alloc_percpu(struct pvmem_kvm_vcpu);
	if (kvm->vcpus && zalloc_cpumask_var(&kvm->waiting, GFP_KERNEL) &&
	    zalloc_cpumask_var(&kvm->interrupt, GFP_KERNEL))
		return kvm;
	pvmem_kvm_free(kvm);
	return NULL;
}

static int pvmem_kvm_watch(struct pvmem_kvm *kvm)
{
	int err;

	kvm->hotplug = cpuhp_setup_state_multi(CPUHP_AP_ONLINE_DYN, "mm/pvmem:kvm", pvmem_kvm_cpu_online,
					       pvmem_kvm_cpu_offline);
	if (kvm->hotplug < 0)
		return kvm->hotplug;
	err = cpuhp_state_add_instance(kvm->hotplug, &kvm->node);
	if (err)
		cpuhp_remove_multi_state(kvm->hotplug);
	return err;
}

static int pvmem_kvm_start(struct pvmem *pv)
{
	const char *unfit;
	struct pvmem_kvm *kvm;
	int err;

	if (!kvm_para_available())
		return -ENODEV;
	unfit = pvmem_kvm_unfit();
	if (unfit) {
		pr_info("pvmem: preempted vCPUs are interrupted for a flush: %s\n", unfit);
		return 0;
	}
	kvm = pvmem_kvm_alloc();
	if (!kvm)
		return -ENOMEM;
	err = pvmem_kvm_watch(kvm);
	if (err) {
		pvmem_kvm_free(kvm);
		return err;
	}
	pv->backend_data = kvm;
	return 0;
}

/*
 * An interrupt may still be on its way to a preempted vCPU, and its handler is
 * ours: wait until each has begun, and then until it has ended.
 */
static void pvmem_kvm_drain(struct pvmem_kvm *kvm)
{
	int cpu;

	for_each_possible_cpu(cpu)
		while (READ_ONCE(per_cpu_ptr(kvm->vcpus, cpu)->asked))
			usleep_range(PVMEM_KVM_SLEEP_US, 2 * PVMEM_KVM_SLEEP_US);
	synchronize_rcu();
}

static void pvmem_kvm_stop(struct pvmem *pv)
{
	struct pvmem_kvm *kvm = pv->backend_data;

	if (!kvm)
		return;
	cpuhp_state_remove_instance(kvm->hotplug, &kvm->node);
	cpuhp_remove_multi_state(kvm->hotplug);
	pvmem_kvm_drain(kvm);
	pv->backend_data = NULL;
	pvmem_kvm_free(kvm);
}

const struct pvmem_backend pvmem_backend_kvm = {
	.name = "kvm",
	.default_policy = PVMEM_POLICY_TRACK,
	.start = pvmem_kvm_start,
	.stop = pvmem_kvm_stop,
	.abandon = pvmem_kvm_stop,
	.set = pvmem_bare_set,
	.clear = pvmem_bare_clear,
	.build = pvmem_bare_build,
	.zap = pvmem_kvm_zap,
	.pin = pvmem_bare_pin,
	.unpin = pvmem_bare_pin,
};
