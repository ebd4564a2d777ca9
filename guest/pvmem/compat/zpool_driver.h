/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What zpool's drivers differ in, as members of struct zpool_driver; for zpool.c.
 * 6.1 to 6.5: zswap asks the driver to evict. 6.6: zswap evicts by its own LRU.
 * 6.11 to 6.17: likewise, and pages are counted, not bytes.
 */
#ifndef PVMEM_COMPAT_ZPOOL_DRIVER_H
#define PVMEM_COMPAT_ZPOOL_DRIVER_H

#ifdef PVMEM_HAVE_ZPOOL_EVICTS

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

static int pvmem_compat_zpool_shrink(void *data, unsigned int pages, unsigned int *reclaimed)
{
	struct pvmem_zpool *zp = data;

	if (!zp->evict)
		return -EINVAL;
	return pvmem_zs_evict(zp->pool, pages, pvmem_compat_zpool_evict_one, zp, reclaimed);
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
