// SPDX-License-Identifier: GPL-2.0
/* CPUs, preemption, locks, per-CPU memory, warnings. */
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/bit_spinlock.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include "shim.h"

static struct {
	pthread_mutex_t mutex;
	bool offline;
} shim_cpus[SHIM_NR_CPUS] = { [0 ... SHIM_NR_CPUS - 1] = { .mutex = PTHREAD_MUTEX_INITIALIZER } };

/* A task; its address is its identity. */
static _Thread_local struct {
	int cpu;
	int preempt;
	int spinlocks;
	int pinned;
	unsigned int seed;
} task;

static bool migrate;
int shim_warnings_expected;

static char note[128];

void shim_note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(note, sizeof(note), fmt, args);
	va_end(args);
}

void shim_die(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("# %s:%d: ", file, line);
	vprintf(fmt, args);
	printf(*note ? " (%s)\n" : "\n", note);
	va_end(args);
	fflush(stdout);
	abort();
}

bool shim_warn(bool cond, const char *what, const char *file, int line)
{
	if (cond && shim_warnings_expected-- <= 0)
		shim_die(file, line, "unexpected warning: %s", what);
	return cond;
}

#ifdef SHIM_TSAN
noinline __attribute__((no_sanitize("thread"))) unsigned long shim_read_once(const volatile void *p, size_t size)
{
	switch (size) {
	case 1:
		return *(const volatile uint8_t *)p;
	case 2:
		return *(const volatile uint16_t *)p;
	case 4:
		return *(const volatile uint32_t *)p;
	default:
		return *(const volatile uint64_t *)p;
	}
}
#endif

int shim_cpu(void)
{
	return task.cpu;
}

void shim_cpu_set(int cpu)
{
	check(!task.preempt);
	task.cpu = cpu;
}

void shim_migrate(bool on, unsigned int seed)
{
	migrate = on;
	task.seed = seed;
}

static void task_migrate(void)
{
	int cpu = rand_r(&task.seed) % SHIM_NR_CPUS;

	if (!__atomic_load_n(&shim_cpus[cpu].offline, __ATOMIC_RELAXED))
		task.cpu = cpu;
}

void preempt_disable(void)
{
	if (task.preempt++)
		return;
	if (migrate && rand_r(&task.seed) % 8 == 0) {
		if (!task.pinned)
			task_migrate();
		sched_yield();
	}
	while (__atomic_load_n(&shim_cpus[task.cpu].offline, __ATOMIC_RELAXED))
		task.cpu = (task.cpu + 1) % SHIM_NR_CPUS;
	pthread_mutex_lock(&shim_cpus[task.cpu].mutex);
}

void preempt_enable(void)
{
	check(task.preempt > 0);
	if (--task.preempt)
		return;
	pthread_mutex_unlock(&shim_cpus[task.cpu].mutex);
	/* What a bug would let others see, let them see. */
	if (migrate && rand_r(&task.seed) % 16 == 0)
		sched_yield();
}

/* Taking the CPU's mutex waits for whoever runs there; a task that queued for it stays queued. */
void shim_cpu_offline(int cpu)
{
	check(cpu == SHIM_NR_CPUS - 1 && !task.preempt);
	__atomic_store_n(&shim_cpus[cpu].offline, true, __ATOMIC_RELAXED);
	pthread_mutex_lock(&shim_cpus[cpu].mutex);
}

void shim_cpu_online(int cpu)
{
	pthread_mutex_unlock(&shim_cpus[cpu].mutex);
	__atomic_store_n(&shim_cpus[cpu].offline, false, __ATOMIC_RELAXED);
}

void might_sleep(void)
{
	if (task.preempt || task.spinlocks)
		die("sleeping while atomic: preemption off %d times, %d spinlocks", task.preempt, task.spinlocks);
}

void synchronize_rcu(void)
{
	int cpu;

	might_sleep();
	for_each_possible_cpu(cpu) {
		pthread_mutex_lock(&shim_cpus[cpu].mutex);
		pthread_mutex_unlock(&shim_cpus[cpu].mutex);
	}
}

void rcu_read_lock(void)
{
	preempt_disable();
}

void rcu_read_unlock(void)
{
	preempt_enable();
}

static pthread_mutex_t rcu_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct rcu_head *rcu_callbacks;

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	head->func = func;
	pthread_mutex_lock(&rcu_mutex);
	head->next = rcu_callbacks;
	rcu_callbacks = head;
	pthread_mutex_unlock(&rcu_mutex);
}

void rcu_barrier(void)
{
	struct rcu_head *head, *next;

	pthread_mutex_lock(&rcu_mutex);
	head = rcu_callbacks;
	rcu_callbacks = NULL;
	pthread_mutex_unlock(&rcu_mutex);
	synchronize_rcu();
	for (; head; head = next) {
		next = head->next;
		head->func(head);
	}
}

struct task_struct *shim_current(void)
{
	return (struct task_struct *)&task;
}

void migrate_disable(void)
{
	preempt_disable();
	task.pinned++;
	preempt_enable();
}

void migrate_enable(void)
{
	check(task.pinned > 0);
	task.pinned--;
}

static void lock_take(struct shim_lock *lock)
{
	if (shim_lock_held(lock))
		die("a lock is taken twice");
	pthread_mutex_lock(&lock->mutex);
	__atomic_store_n(&lock->holder, &task, __ATOMIC_RELAXED);
}

static void lock_drop(struct shim_lock *lock)
{
	if (!shim_lock_held(lock))
		die("a lock is dropped that is not held");
	__atomic_store_n(&lock->holder, NULL, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&lock->mutex);
}

void shim_lock_init(struct shim_lock *lock)
{
	pthread_mutex_init(&lock->mutex, NULL);
	lock->holder = NULL;
}

bool shim_lock_held(const struct shim_lock *lock)
{
	return __atomic_load_n(&lock->holder, __ATOMIC_RELAXED) == &task;
}

void shim_assert_held(const void *lock, const char *what, const char *file, int line)
{
	if (!shim_lock_held(lock))
		shim_die(file, line, "not held: %s", what);
}

void spin_lock(spinlock_t *lock)
{
	preempt_disable();
	lock_take(lock);
	task.spinlocks++;
}

void spin_unlock(spinlock_t *lock)
{
	task.spinlocks--;
	lock_drop(lock);
	preempt_enable();
}

void bit_spin_lock(int bit, unsigned long *word)
{
	unsigned long unlocked = 0;

	preempt_disable();
	check(!bit && !bit_spin_is_locked(bit, word));
	while (!__atomic_compare_exchange_n(word, &unlocked, (unsigned long)&task | 1, true, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED)) {
		unlocked = 0;
		sched_yield();
	}
	task.spinlocks++;
}

void __bit_spin_unlock(int bit, unsigned long *word)
{
	if (!bit_spin_is_locked(bit, word))
		die("a bit lock is dropped that is not held");
	task.spinlocks--;
	__atomic_store_n(word, 0, __ATOMIC_RELEASE);
	preempt_enable();
}

bool bit_spin_is_locked(int bit, const unsigned long *word)
{
	(void)bit;
	return __atomic_load_n(word, __ATOMIC_RELAXED) == ((unsigned long)&task | 1);
}

void mutex_lock(struct mutex *mutex)
{
	might_sleep();
	lock_take(&mutex->lock);
}

bool mutex_trylock(struct mutex *mutex)
{
	might_sleep();
	if (pthread_mutex_trylock(&mutex->lock.mutex))
		return false;
	__atomic_store_n(&mutex->lock.holder, &task, __ATOMIC_RELAXED);
	return true;
}

void mutex_unlock(struct mutex *mutex)
{
	lock_drop(&mutex->lock);
}

void *shim_alloc_percpu(size_t size)
{
	check(size <= SHIM_PERCPU_STRIDE);
	return shim_alloc(SHIM_NR_CPUS * SHIM_PERCPU_STRIDE, GFP_KERNEL | __GFP_ZERO);
}

void free_percpu(void *p)
{
	shim_free(p);
}
