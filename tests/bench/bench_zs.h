/* SPDX-License-Identifier: GPL-2.0 */
/* pvmem_zs_bench.ko: two allocators of compressed objects, and what is done with both. */
#ifndef PVMEM_BENCH_ZS_H
#define PVMEM_BENCH_ZS_H

#include <linux/types.h>
#include "../guest/report.h"

/* zsmalloc, then pvmem. */
#define BENCH_ZS_IMPLS 2

/* An allocator. What is NULL it does not have. */
struct bench_zs {
	const char *name;
	void *(*create)(void);
	void (*destroy)(void *pool);
	unsigned long (*malloc)(void *pool, size_t size);
	void (*free)(void *pool, unsigned long handle);
	void *(*map)(void *pool, unsigned long handle, bool write);
	void (*unmap)(void *pool, unsigned long handle);
	u64 (*bytes)(void *pool);
	void (*free_bulk)(void *pool, unsigned long *handles, unsigned int nr);
	void (*read)(void *pool, unsigned long handle, void *to, size_t size);
	void (*write)(void *pool, unsigned long handle, const void *from, size_t size);
};

extern const struct bench_zs bench_zs_impls[BENCH_ZS_IMPLS];
extern struct report bench_zs_report;

/* bench_zs_reach.c */
int bench_zs_map(const struct bench_zs *zs, unsigned int size, unsigned int round);
int bench_zs_expand(const struct bench_zs *zs, unsigned int round);

#endif
