// SPDX-License-Identifier: GPL-2.0
/* The pages that are mapped, tagged, and the names of the ways to map them. */
#include "bench.h"
#include "bench_maps.h"

#define BENCH_POOL_ALL (BENCH_THREADS_MAX * BENCH_POOL_PAGES)

struct page **bench_pool;
char *bench_pool_mapped;

static const char *const bench_impl_names[BENCH_NR_IMPLS] = { "none", "vm_map_ram", "vmap", "pvmem" };

enum bench_impl bench_impl_parse(const char *args)
{
	enum bench_impl impl;

	for (impl = 0; impl < BENCH_NR_IMPLS; impl++)
		if (bench_arg_is(args, "impl", bench_impl_names[impl]))
			break;
	return impl;
}

const char *bench_impl_name(enum bench_impl impl)
{
	return bench_impl_names[impl];
}

/**
 * bench_maps_init() - allocate the pool and tag its pages
 *
 * Return: 0 or -ENOMEM.
 */
int bench_maps_init(void)
{
	unsigned long i;

	bench_pool = vcalloc(BENCH_POOL_ALL, sizeof(*bench_pool));
	if (!bench_pool)
		return -ENOMEM;
	for (i = 0; i < BENCH_POOL_ALL; i++) {
		bench_pool[i] = alloc_page(GFP_KERNEL);
		if (!bench_pool[i])
			goto out_free;
		*(unsigned long *)page_address(bench_pool[i]) = bench_tag(i);
	}
	bench_pool_mapped = vmap(bench_pool, BENCH_POOL_ALL, VM_MAP, PAGE_KERNEL);
	if (bench_pool_mapped)
		return 0;
out_free:
	bench_maps_exit();
	return -ENOMEM;
}

/**
 * bench_maps_exit() - free the pool
 */
void bench_maps_exit(void)
{
	unsigned long i;

	vunmap(bench_pool_mapped);
	vm_unmap_aliases();
	pvmem_unmap_aliases();
	for (i = 0; i < BENCH_POOL_ALL && bench_pool[i]; i++)
		__free_page(bench_pool[i]);
	vfree(bench_pool);
}
