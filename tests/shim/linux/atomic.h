/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel atomics; those that the kernel leaves unordered are ordered here, as on x86. */
#ifndef SHIM_LINUX_ATOMIC_H
#define SHIM_LINUX_ATOMIC_H

#include <linux/compiler.h>

typedef struct {
	int counter;
} atomic_t;

#define atomic_read(v) __atomic_load_n(&(v)->counter, __ATOMIC_RELAXED)
#define atomic_read_acquire(v) __atomic_load_n(&(v)->counter, __ATOMIC_ACQUIRE)
#define atomic_set(v, i) __atomic_store_n(&(v)->counter, i, __ATOMIC_RELAXED)
#define atomic_inc(v) ((void)__atomic_fetch_add(&(v)->counter, 1, __ATOMIC_ACQ_REL))
#define atomic_dec(v) ((void)__atomic_fetch_sub(&(v)->counter, 1, __ATOMIC_ACQ_REL))
#define atomic_dec_and_test(v) (__atomic_fetch_sub(&(v)->counter, 1, __ATOMIC_ACQ_REL) == 1)
#define smp_mb__before_atomic() barrier()

static inline bool atomic_inc_not_zero(atomic_t *v)
{
	int old = atomic_read(v);

	while (old &&
	       !__atomic_compare_exchange_n(&v->counter, &old, old + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		;
	return old;
}

#endif
