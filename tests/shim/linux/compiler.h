/* SPDX-License-Identifier: GPL-2.0 */
/*
 * READ_ONCE() is as the kernel's race detector sees it: no race with a plain
 * aligned store. Everything that orders memory is a real atomic, for TSan.
 */
#ifndef SHIM_LINUX_COMPILER_H
#define SHIM_LINUX_COMPILER_H

#include <linux/types.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define __maybe_unused __attribute__((unused))
#define __percpu
#define noinline __attribute__((noinline))
#define __must_check __attribute__((warn_unused_result))
#define __aligned(n) __attribute__((aligned(n)))
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#define EXPORT_SYMBOL(sym)
#define EXPORT_SYMBOL_GPL(sym)

#ifdef SHIM_TSAN
unsigned long shim_read_once(const volatile void *p, size_t size);
#define READ_ONCE(x) ((__typeof__(x))shim_read_once(&(x), sizeof(x)))
#else
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#endif
#define WRITE_ONCE(x, val) __atomic_store_n(&(x), (val), __ATOMIC_RELAXED)

#define smp_load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, val) __atomic_store_n(p, val, __ATOMIC_RELEASE)
#define rcu_assign_pointer(p, val) smp_store_release(&(p), val)
#define smp_rmb() __asm__ volatile("" ::: "memory")
#define barrier() __asm__ volatile("" ::: "memory")

#endif
