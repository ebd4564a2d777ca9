/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What zpool's drivers differ in, as members of struct zpool_driver; for zpool.c.
 * 6.1 to 6.5: zswap asks the driver to evict. 6.6: zswap evicts by its own LRU.
 * 6.11 to 6.17: likewise, and pages are counted, not bytes.
 */
#ifndef PVMEM_COMPAT_ZPOOL_DRIVER_H
#define PVMEM_COMPAT_ZPOOL_DRIVER_H

#ifdef PVMEM_HAVE_ZPOOL_EVICTS

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

static void *pvmem_compat_zpool_create(const char *name, gfp_t gfp, const struct zpool_ops *ops, struct zpool *zpool)
{
	struct pvmem_zpool *zp = pvmem_zpool_create(name);

	if (zp) {
		zp->zpool = zpool;
		zp->evict = ops ? ops->evict : NULL;
	}
	return zp;
}

static int pvmem_compat_zpool_evict_one(void *ctx, unsigned long handle)
{
	struct pvmem_zpool *zp = ctx;

	return zp->evict(zp->zpool, handle);
}

static unsigned int pvmem_compat_zpool_share(struct pvmem_zs_pool *pool)
{
	u64 pages = pvmem_zs_total_bytes(pool) >> PAGE_SHIFT;

	return pages * min(READ_ONCE(shrink_percent), 100U) / 100;
}

static int pvmem_compat_zpool_shrink(void *data, unsigned int pages, unsigned int *reclaimed)
{
	struct pvmem_zpool *zp = data;
	unsigned int gone = 0;
	int err;

	if (!zp->evict)
		return -EINVAL;
	err = pvmem_zs_evict(zp->pool, max(pages, pvmem_compat_zpool_share(zp->pool)), pvmem_compat_zpool_evict_one, zp,
			     &gone);
	if (reclaimed)
		*reclaimed = gone;
	return gone >= pages ? 0 : err;
}

static u64 pvmem_compat_zpool_total_size(void *data)
{
	return pvmem_zpool_total_bytes(data);
}

#define PVMEM_COMPAT_ZPOOL_MEMBERS                                                \
	.create = pvmem_compat_zpool_create, .shrink = pvmem_compat_zpool_shrink, \
	.total_size = pvmem_compat_zpool_total_size

#else

static void *pvmem_compat_zpool_create(const char *name, gfp_t gfp)
{
	return pvmem_zpool_create(name);
}

static u64 pvmem_compat_zpool_total_pages(void *data)
{
	return pvmem_zpool_total_bytes(data) >> PAGE_SHIFT;
}

#define PVMEM_COMPAT_ZPOOL_MEMBERS .create = pvmem_compat_zpool_create, .total_pages = pvmem_compat_zpool_total_pages

#endif

#endif
