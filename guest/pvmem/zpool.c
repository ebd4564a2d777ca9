// SPDX-License-Identifier: GPL-2.0
/*
 * The zpool driver "pvmem": what zswap sees of the allocator.
 *
 * With ->sleep_mapped, zswap decompresses from where the object is, and needs no
 * buffer of its own. With ->shrink, where the kernel has it, it writes objects
 * back to the swap device when its limit is hit; for that it puts a header of 8
 * bytes before each object. Later kernels' zswap chooses what to write back itself.
 */
#include <linux/module.h>
#include "compat/zpool.h"
#include "zs_core.h"

/**
 * struct pvmem_zpool - one pool of zswap's
 * @pool: the allocator's.
 * @zpool: the kernel's.
 * @evict: how the owner evicts, where the driver chooses what.
 */
struct pvmem_zpool {
	struct pvmem_zs_pool *pool;
	struct zpool *zpool;
	int (*evict)(struct zpool *zpool, unsigned long handle);
};

static struct pvmem_zpool *pvmem_zpool_create(const char *name)
{
	struct pvmem_zpool *zp = kzalloc(sizeof(*zp), GFP_KERNEL);

	if (!zp)
		return NULL;
	zp->pool = pvmem_zs_create(name, NULL);
	if (zp->pool)
		return zp;
	kfree(zp);
	return NULL;
}

static void pvmem_zpool_destroy(void *data)
{
	struct pvmem_zpool *zp = data;

	pvmem_zs_destroy(zp->pool);
	kfree(zp);
}

static int pvmem_zpool_malloc(void *data, size_t size, gfp_t gfp, unsigned long *handle)
{
	return pvmem_zs_malloc(((struct pvmem_zpool *)data)->pool, size, gfp, handle);
}

static void pvmem_zpool_free(void *data, unsigned long handle)
{
	pvmem_zs_free(((struct pvmem_zpool *)data)->pool, handle);
}

static void *pvmem_zpool_map(void *data, unsigned long handle, enum zpool_mapmode mode)
{
	static const enum pvmem_zs_mode modes[] = {
		[ZPOOL_MM_RW] = PVMEM_ZS_RW,
		[ZPOOL_MM_RO] = PVMEM_ZS_RO,
		[ZPOOL_MM_WO] = PVMEM_ZS_WO,
	};

	return pvmem_zs_map(((struct pvmem_zpool *)data)->pool, handle, modes[mode]);
}

static void pvmem_zpool_unmap(void *data, unsigned long handle)
{
	pvmem_zs_unmap(((struct pvmem_zpool *)data)->pool, handle);
}

static u64 pvmem_zpool_total_bytes(void *data)
{
	return pvmem_zs_total_bytes(((struct pvmem_zpool *)data)->pool);
}

#include "compat/zpool_driver.h"

static struct zpool_driver pvmem_zpool_driver = {
	.type = "pvmem",
	.owner = THIS_MODULE,
	.destroy = pvmem_zpool_destroy,
	.malloc = pvmem_zpool_malloc,
	.free = pvmem_zpool_free,
	.malloc_support_movable = true,
	.sleep_mapped = true,
	.map = pvmem_zpool_map,
	.unmap = pvmem_zpool_unmap,
	PVMEM_COMPAT_ZPOOL_MEMBERS,
};

/**
 * pvmem_zpool_start() - offer the driver
 */
void pvmem_zpool_start(void)
{
	zpool_register_driver(&pvmem_zpool_driver);
}

/**
 * pvmem_zpool_stop() - withdraw it
 *
 * No pool is left: each holds a reference on the module.
 */
void pvmem_zpool_stop(void)
{
	WARN_ON(zpool_unregister_driver(&pvmem_zpool_driver));
}

MODULE_ALIAS("zpool-pvmem");
