// SPDX-License-Identifier: GPL-2.0
/*
 * The zpool driver "pvmem": what zswap sees of the allocator.
 *
 * With ->sleep_mapped, zswap decompresses from where the object is, and needs no
 * buffer of its own. With ->shrink, it writes objects back to the swap device when
 * its limit is hit; for that it puts a header of 8 bytes before each object.
 */
#include <linux/module.h>
#include "compat/zpool.h"
#include "zs_core.h"

/*
 * When its limit is hit, zswap of 6.1 asks for a single page, and from then on
 * refuses every page, and asks no more, until the pool is below 90 % of the limit
 * (accept_threshold_percent). So a pool that is asked for a page gives back a share
 * of all it has: enough to be below that, and a little more. Later kernels do the
 * same in zswap itself.
 */
static uint shrink_percent = 12;
module_param(shrink_percent, uint, 0644);
MODULE_PARM_DESC(shrink_percent, "of a pool are written back when zswap's limit is hit; 0: a page, as asked");

/**
 * struct pvmem_zpool - one pool of zswap's
 * @pool: the allocator's.
 * @zpool: the kernel's.
 * @ops: how the owner evicts.
 */
struct pvmem_zpool {
	struct pvmem_zs_pool *pool;
	struct zpool *zpool;
	const struct zpool_ops *ops;
};

static void *pvmem_zpool_create(const char *name, gfp_t gfp, const struct zpool_ops *ops, struct zpool *zpool)
{
	struct pvmem_zpool *zp = kzalloc(sizeof(*zp), GFP_KERNEL);

	if (!zp)
		return NULL;
	zp->zpool = zpool;
	zp->ops = ops;
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

static int pvmem_zpool_evict_one(void *ctx, unsigned long handle)
{
	struct pvmem_zpool *zp = ctx;

	return zp->ops->evict(zp->zpool, handle);
}

static unsigned int pvmem_zpool_share(struct pvmem_zs_pool *pool)
{
	u64 pages = pvmem_zs_total_bytes(pool) >> PAGE_SHIFT;

	return pages * min(READ_ONCE(shrink_percent), 100U) / 100;
}

static int pvmem_zpool_shrink(void *data, unsigned int pages, unsigned int *reclaimed)
{
	struct pvmem_zpool *zp = data;
	unsigned int gone = 0;
	int err;

	if (!zp->ops || !zp->ops->evict)
		return -EINVAL;
	err = pvmem_zs_evict(zp->pool, max(pages, pvmem_zpool_share(zp->pool)), pvmem_zpool_evict_one, zp, &gone);
	if (reclaimed)
		*reclaimed = gone;
	return gone >= pages ? 0 : err;
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

static u64 pvmem_zpool_total_size(void *data)
{
	return pvmem_zs_total_bytes(((struct pvmem_zpool *)data)->pool);
}

static struct zpool_driver pvmem_zpool_driver = {
	.type = "pvmem",
	.owner = THIS_MODULE,
	.create = pvmem_zpool_create,
	.destroy = pvmem_zpool_destroy,
	.malloc = pvmem_zpool_malloc,
	.free = pvmem_zpool_free,
	.malloc_support_movable = true,
	.shrink = pvmem_zpool_shrink,
	.sleep_mapped = true,
	.map = pvmem_zpool_map,
	.unmap = pvmem_zpool_unmap,
	.total_size = pvmem_zpool_total_size,
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
