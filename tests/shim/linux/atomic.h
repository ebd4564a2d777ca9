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
#define atomic_add(i, v) ((void)__atomic_fetch_add(&(v)->counter, i, __ATOMIC_ACQ_REL))
#define atomic_andnot(i, v) ((void)__atomic_fetch_and(&(v)->counter, ~(i), __ATOMIC_ACQ_REL))
#define atomic_inc_return(v) __atomic_add_fetch(&(v)->counter, 1, __ATOMIC_ACQ_REL)
#define atomic_add_return(i, v) __atomic_add_fetch(&(v)->counter, i, __ATOMIC_ACQ_REL)
#define smp_mb__before_atomic() barrier()

static inline bool atomic_inc_not_zero(atomic_t *v)
{
	int old = atomic_read(v);

	while (old &&
	       !__atomic_compare_exchange_n(&v->counter, &old, old + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		;
	return old;
}

static inline int atomic_cmpxchg(atomic_t *v, int old, int new)
{
	__atomic_compare_exchange_n(&v->counter, &old, new, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
	return old;
}

/* Full barriers, as in the kernel. */
#define xchg(p, val) __atomic_exchange_n(p, val, __ATOMIC_SEQ_CST)
#define try_cmpxchg(p, old, val) __atomic_compare_exchange_n(p, old, val, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

typedef struct {
	long counter;
} atomic_long_t;

#define atomic_long_read(v) __atomic_load_n(&(v)->counter, __ATOMIC_RELAXED)
#define atomic_long_set(v, i) __atomic_store_n(&(v)->counter, i, __ATOMIC_RELAXED)
#define atomic_long_add(i, v) ((void)__atomic_fetch_add(&(v)->counter, i, __ATOMIC_RELAXED))
#define atomic_long_sub(i, v) ((void)__atomic_fetch_sub(&(v)->counter, i, __ATOMIC_RELAXED))
#define atomic_long_inc(v) atomic_long_add(1, v)

#endif
