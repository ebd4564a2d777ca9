/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_LINUX_KERNEL_H
#define SHIM_LINUX_KERNEL_H

#include <linux/compiler.h>

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define SHIM_PICK(type, a, op, b)                   \
	({                                          \
		type shim_a = (a);                  \
		type shim_b = (b);                  \
		shim_a op shim_b ? shim_a : shim_b; \
	})
/* As in the kernel, min() and max() refuse to compare different types. */
#define SHIM_SAME(a, b) ((void)(&(__typeof__((a) + 0)){ 0 } == &(__typeof__((b) + 0)){ 0 }))
#define min(a, b) (SHIM_SAME(a, b), SHIM_PICK(__typeof__(a), a, <, b))
#define max(a, b) (SHIM_SAME(a, b), SHIM_PICK(__typeof__(a), a, >, b))
#define min3(a, b, c) min(a, min(b, c))
#define min_t(type, a, b) SHIM_PICK(type, a, <, b)
#define max_t(type, a, b) SHIM_PICK(type, a, >, b)
#define clamp_t(type, val, lo, hi) min_t(type, max_t(type, val, lo), hi)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))
#define swap(a, b)                          \
	do {                                \
		__typeof__(a) shim_t = (a); \
		(a) = (b);                  \
		(b) = shim_t;               \
	} while (0)
#define ALIGN(x, a) (((x) + (a)-1) & ~((__typeof__(x))(a)-1))
#define struct_size(p, member, n) (sizeof(*(p)) + sizeof((p)->member[0]) * (n))

#define BUILD_BUG_ON(cond) _Static_assert(!(cond), #cond)
#define CONFIG_LOCKDEP 1
#define IS_ENABLED(config) (config)

#define ERR_PTR(err) ((void *)(long)(err))
#define PTR_ERR(ptr) ((long)(ptr))
#define IS_ERR(ptr) ((unsigned long)(ptr) >= (unsigned long)-4095)

/* A warning ends the test unless the test said it expects one. */
bool shim_warn(bool cond, const char *what, const char *file, int line);
#define WARN_ON_ONCE(cond) shim_warn(!!(cond), #cond, __FILE__, __LINE__)
/* With a message for a caller who has a bug; the tests are such callers on purpose. */
#define WARN_ONCE(cond, ...)             \
	({                               \
		bool shim_cond = (cond); \
		shim_cond;               \
	})

void might_sleep(void);
#define cond_resched() might_sleep()

#endif
