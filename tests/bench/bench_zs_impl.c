// SPDX-License-Identifier: GPL-2.0
/* The kernel's zsmalloc and pvmem's allocator, called the same way. */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/zsmalloc.h>
#include <pvmem/zs.h>
#include "bench_zs.h"

#define BENCH_ZS_GFP (GFP_KERNEL | __GFP_NOWARN)

static void *stock_create(void)
{
	return zs_create_pool("pvmem_zs_bench");
}

static void stock_destroy(void *pool)
{
	zs_destroy_pool(pool);
}

static unsigned long stock_malloc(void *pool, size_t size)
{
	unsigned long handle = zs_malloc(pool, size, BENCH_ZS_GFP);

	return IS_ERR_VALUE(handle) ? 0 : handle;
}

static void stock_free(void *pool, unsigned long handle)
{
	zs_free(pool, handle);
}

static void *stock_map(void *pool, unsigned long handle, bool write)
{
	return zs_map_object(pool, handle, write ? ZS_MM_WO : ZS_MM_RO);
}

static void stock_unmap(void *pool, unsigned long handle)
{
	zs_unmap_object(pool, handle);
}

static void *ours_create(void)
{
	return pvmem_zs_create("bench", NULL);
}

static void ours_destroy(void *pool)
{
	pvmem_zs_destroy(pool);
}

static unsigned long ours_malloc(void *pool, size_t size)
{
	unsigned long handle;

	return pvmem_zs_malloc(pool, size, BENCH_ZS_GFP, &handle) ? 0 : handle;
}

static void ours_free(void *pool, unsigned long handle)
{
	pvmem_zs_free(pool, handle);
}

static void *ours_map(void *pool, unsigned long handle, bool write)
{
	return pvmem_zs_map(pool, handle, write ? PVMEM_ZS_WO : PVMEM_ZS_RO);
}

static void ours_unmap(void *pool, unsigned long handle)
{
	pvmem_zs_unmap(pool, handle);
}

static u64 stock_bytes(void *pool)
{
	return (u64)zs_get_total_pages(pool) << PAGE_SHIFT;
}

static u64 ours_bytes(void *pool)
{
	return pvmem_zs_total_bytes(pool);
}

static void ours_free_bulk(void *pool, unsigned long *handles, unsigned int nr)
{
	pvmem_zs_free_bulk(pool, handles, nr);
}

static void ours_read(void *pool, unsigned long handle, void *to, size_t size)
{
	pvmem_zs_read(pool, handle, to, size);
}

static void ours_write(void *pool, unsigned long handle, const void *from, size_t size)
{
	pvmem_zs_write(pool, handle, from, size);
}

const struct bench_zs bench_zs_impls[BENCH_ZS_IMPLS] = {
	{
		.name = "zsmalloc",
		.create = stock_create,
		.destroy = stock_destroy,
		.malloc = stock_malloc,
		.free = stock_free,
		.map = stock_map,
		.unmap = stock_unmap,
		.bytes = stock_bytes,
	},
	{
		.name = "pvmem",
		.create = ours_create,
		.destroy = ours_destroy,
		.malloc = ours_malloc,
		.free = ours_free,
		.map = ours_map,
		.unmap = ours_unmap,
		.bytes = ours_bytes,
		.free_bulk = ours_free_bulk,
		.read = ours_read,
		.write = ours_write,
	},
};
