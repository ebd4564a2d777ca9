/* SPDX-License-Identifier: GPL-2.0 */
/* The ways to map pages that are compared, and the pages. */
#ifndef PVMEM_BENCH_MAPS_H
#define PVMEM_BENCH_MAPS_H

#include <linux/mm.h>
#include <linux/vmalloc.h>
#include <pvmem/pvmem.h>

enum bench_impl {
	BENCH_NONE,
	BENCH_VM_MAP_RAM,
	BENCH_VMAP,
	BENCH_PVMEM,
	BENCH_NR_IMPLS
};

#define BENCH_THREADS_MAX 2
#define BENCH_N_MAX 512
/* Pages for each thread: what may be mapped lazily with two CPUs. */
#define BENCH_POOL_PAGES (32 * BENCH_N_MAX)

/* Thread t has pages [t * BENCH_POOL_PAGES, (t + 1) * BENCH_POOL_PAGES). */
extern struct page **bench_pool;
/* All of the pool mapped once, for impl=none: the cost of the loop itself. */
extern char *bench_pool_mapped;

/* Page number @i of the pool holds this word. */
static inline unsigned long bench_tag(unsigned long i)
{
	return 0x70766d656d000000UL + i;
}

/* Which one "impl=" names, or BENCH_NR_IMPLS. */
enum bench_impl bench_impl_parse(const char *args);
const char *bench_impl_name(enum bench_impl impl);

static __always_inline void *bench_map(enum bench_impl impl, struct page **pages, unsigned int n)
{
	switch (impl) {
	case BENCH_VM_MAP_RAM:
		return vm_map_ram(pages, n, NUMA_NO_NODE);
	case BENCH_VMAP:
		return vmap(pages, n, VM_MAP, PAGE_KERNEL);
	case BENCH_PVMEM:
		return pvmem_map_ram(pages, n, NUMA_NO_NODE);
	default:
		return bench_pool_mapped + ((pages - bench_pool) << PAGE_SHIFT);
	}
}

static __always_inline void bench_unmap(enum bench_impl impl, void *addr, unsigned int n)
{
	switch (impl) {
	case BENCH_VM_MAP_RAM:
		vm_unmap_ram(addr, n);
		break;
	case BENCH_VMAP:
		vunmap(addr);
		break;
	case BENCH_PVMEM:
		pvmem_unmap_ram(addr, n);
		break;
	default:
		break;
	}
}

/* Remove lazy mappings; 0 or -errno. */
static inline int bench_purge(enum bench_impl impl)
{
	switch (impl) {
	case BENCH_VM_MAP_RAM:
	case BENCH_VMAP:
		vm_unmap_aliases();
		return 0;
	case BENCH_PVMEM:
		return pvmem_unmap_aliases();
	default:
		return 0;
	}
}

#endif
