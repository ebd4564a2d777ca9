/* SPDX-License-Identifier: GPL-2.0 */
/* Locks are pthread mutexes that know their holder; see shim.h for what a CPU is. */
#ifndef SHIM_LINUX_SPINLOCK_H
#define SHIM_LINUX_SPINLOCK_H

#include <pthread.h>
#include <linux/kernel.h>

struct shim_lock {
	pthread_mutex_t mutex;
	const void *holder;
};
typedef struct shim_lock spinlock_t;
struct mutex {
	struct shim_lock lock;
};

void preempt_disable(void);
void preempt_enable(void);

void shim_lock_init(struct shim_lock *lock);
bool shim_lock_held(const struct shim_lock *lock);
void spin_lock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock);
void mutex_lock(struct mutex *mutex);
bool mutex_trylock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
void shim_assert_held(const void *lock, const char *what, const char *file, int line);

#define spin_lock_init(spinlock) shim_lock_init(spinlock)
#define mutex_init(m) shim_lock_init(&(m)->lock)
/* The lock is the first member of either kind. */
#define lockdep_assert_held(l) shim_assert_held(l, #l, __FILE__, __LINE__)

#endif
