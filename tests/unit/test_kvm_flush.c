// SPDX-License-Identifier: GPL-2.0
/*
 * The protocol of KVM's flush against a model of its host. Each task is a vCPU
 * with a TLB of one entry; it reads pages through it, answers interrupts when it
 * likes, and plays its own host: off its CPU it says so, and before it is back
 * it empties the TLB if it was told to. The test maps a page, unmaps it, flushes
 * and uses the page for something else. Whoever still reads it then reads what
 * is not his: the value shows it, and to TSan it is a race.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <linux/atomic.h>
#include "kvm_flush.h"
#include "shim.h"
#include "tests.h"

#define VCPUS 4
#define PAGES 3
#define MINE 0x600d
#define OTHERS 0xbad
#define NOTHING (-1)

#ifndef FLUSH_ROUNDS
#define FLUSH_ROUNDS 4000
#endif
/* A vCPU that never answers ends the test. */
#define ANSWER_SECONDS 60

struct vcpu {
	struct pvmem_kvm_vcpu known;
	struct kvm_steal_time record;
	pthread_t thread;
	unsigned int seed;
	unsigned int interrupt;
	int tlb;
	unsigned long reads;
};

static struct pvmem_kvm_flush flush;
static struct vcpu vcpus[VCPUS];
static unsigned long memory[PAGES];
static int page_table;
static unsigned int ending;

static _Thread_local struct vcpu *self;

static unsigned int draw(unsigned int limit)
{
	return rand_r(&self->seed) % limit;
}

static void vcpu_read(void)
{
	if (self->tlb == NOTHING)
		self->tlb = __atomic_load_n(&page_table, __ATOMIC_ACQUIRE);
	if (self->tlb == NOTHING)
		return;
	check(memory[self->tlb] == MINE);
	self->reads++;
}

static void dawdle(void)
{
	if (!draw(4))
		usleep(draw(30));
}

/* A CPU may translate ahead of itself at any time: until the TLB is empty, and again right after. */
static void empty_tlb(void)
{
	dawdle();
	vcpu_read();
	self->tlb = NOTHING;
	vcpu_read();
	dawdle();
}

static void vcpu_interrupted(void)
{
	if (__atomic_exchange_n(&self->interrupt, 0, __ATOMIC_ACQ_REL))
		pvmem_kvm_vcpu_answer(&self->known, &flush, empty_tlb);
}

/* As KVM does: nothing of the guest's runs between the two accesses to the record. */
static void vcpu_preempted(void)
{
	u8 *preempted = &self->record.preempted;

	__atomic_store_n(preempted, KVM_VCPU_PREEMPTED, __ATOMIC_RELEASE);
	dawdle();
	if (__atomic_exchange_n(preempted, 0, __ATOMIC_ACQ_REL) & KVM_VCPU_FLUSH_TLB)
		self->tlb = NOTHING;
}

static void *vcpu_run(void *vcpu)
{
	self = vcpu;
	while (!__atomic_load_n(&ending, __ATOMIC_ACQUIRE)) {
		vcpu_read();
		if (!draw(8))
			vcpu_interrupted();
		if (!draw(8))
			vcpu_preempted();
		else if (!draw(8))
			sched_yield();
	}
	vcpu_interrupted();
	return NULL;
}

struct outcome {
	unsigned long left;
	unsigned long late;
	unsigned long answered;
};

static void wait_for(struct vcpu *vcpu, unsigned long generation, struct outcome *outcome)
{
	time_t end = time(NULL) + ANSWER_SECONDS;

	for (;;) {
		if (pvmem_kvm_vcpu_answered(&vcpu->known, generation)) {
			outcome->answered++;
			return;
		}
		if (pvmem_kvm_vcpu_leave(&vcpu->known)) {
			outcome->late++;
			return;
		}
		check(time(NULL) < end);
		sched_yield();
	}
}

static void flush_all(struct outcome *outcome)
{
	unsigned long generation = pvmem_kvm_flush_begin(&flush);
	bool waiting[VCPUS];
	unsigned int i;

	for (i = 0; i < VCPUS; i++) {
		waiting[i] = !pvmem_kvm_vcpu_leave(&vcpus[i].known);
		if (!waiting[i])
			outcome->left++;
		else if (pvmem_kvm_vcpu_ask(&vcpus[i].known))
			__atomic_store_n(&vcpus[i].interrupt, 1, __ATOMIC_RELEASE);
	}
	for (i = 0; i < VCPUS; i++)
		if (waiting[i])
			wait_for(&vcpus[i], generation, outcome);
}

static void round_trip(unsigned int page, struct outcome *outcome)
{
	memory[page] = MINE;
	__atomic_store_n(&page_table, page, __ATOMIC_RELEASE);
	if (page)
		sched_yield();
	__atomic_store_n(&page_table, NOTHING, __ATOMIC_RELEASE);
	flush_all(outcome);
	memory[page] = OTHERS;
}

void test_stress_kvm_flush(void)
{
	struct outcome outcome = { 0 };
	unsigned long reads = 0;
	unsigned int i;

	shim_cpu_set(0);
	page_table = NOTHING;
	for (i = 0; i < VCPUS; i++) {
		vcpus[i] = (struct vcpu){ .tlb = NOTHING, .seed = i + 1 };
		/* One whose host keeps no record must be waited for always. */
		if (i)
			vcpus[i].known.record = &vcpus[i].record;
		check(!pthread_create(&vcpus[i].thread, NULL, vcpu_run, &vcpus[i]));
	}
	for (i = 0; i < FLUSH_ROUNDS; i++)
		round_trip(i % PAGES, &outcome);
	__atomic_store_n(&ending, 1, __ATOMIC_RELEASE);
	for (i = 0; i < VCPUS; i++) {
		pthread_join(vcpus[i].thread, NULL);
		check(!vcpus[i].known.asked);
		reads += vcpus[i].reads;
	}
	check(reads && outcome.left && outcome.late && outcome.answered);
	check(outcome.left + outcome.late + outcome.answered == VCPUS * FLUSH_ROUNDS);
}

/* What is claimed, and what the host is told. */
void test_kvm_record(void)
{
	struct kvm_steal_time record = { .preempted = 0 };
	struct pvmem_kvm_vcpu vcpu = { .record = NULL };

	check(!pvmem_kvm_vcpu_leave(&vcpu));
	vcpu.record = &record;
	check(!pvmem_kvm_vcpu_leave(&vcpu) && !record.preempted);
	/* Not preempted: the host looks at nothing else. */
	record.preempted = KVM_VCPU_FLUSH_TLB;
	check(!pvmem_kvm_vcpu_leave(&vcpu) && record.preempted == KVM_VCPU_FLUSH_TLB);
	record.preempted = KVM_VCPU_PREEMPTED;
	check(pvmem_kvm_vcpu_leave(&vcpu) && record.preempted == (KVM_VCPU_PREEMPTED | KVM_VCPU_FLUSH_TLB));
	check(pvmem_kvm_vcpu_leave(&vcpu) && record.preempted == (KVM_VCPU_PREEMPTED | KVM_VCPU_FLUSH_TLB));
}

/* One interrupt for any number of flushes, and numbers that wrap. */
void test_kvm_answers(void)
{
	struct pvmem_kvm_flush flushes = { .generation = ULONG_MAX - 1 };
	struct pvmem_kvm_vcpu vcpu = { .answered = ULONG_MAX - 1 };
	struct vcpu me = { .tlb = 0 };
	unsigned long first, second;

	page_table = NOTHING;
	memory[0] = MINE;
	self = &me;
	first = pvmem_kvm_flush_begin(&flushes);
	check(first == ULONG_MAX && !pvmem_kvm_vcpu_answered(&vcpu, first));
	check(pvmem_kvm_vcpu_ask(&vcpu));
	second = pvmem_kvm_flush_begin(&flushes);
	check(second == 0 && !pvmem_kvm_vcpu_ask(&vcpu) && !pvmem_kvm_vcpu_answered(&vcpu, second));
	pvmem_kvm_vcpu_answer(&vcpu, &flushes, empty_tlb);
	check(me.tlb == NOTHING);
	check(pvmem_kvm_vcpu_answered(&vcpu, first) && pvmem_kvm_vcpu_answered(&vcpu, second));
	check(!pvmem_kvm_vcpu_answered(&vcpu, second + 1));
	check(pvmem_kvm_vcpu_ask(&vcpu));
}
