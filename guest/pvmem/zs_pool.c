// SPDX-License-Identifier: GPL-2.0
/* Pools: made and ended. */
#include <linux/overflow.h>
#include <linux/string.h>
#include "zs_core.h"

/**
 * pvmem_zs_start() - what pools share
 * @zs: to initialise.
 *
 * Context: process, sleeps.
 * Return: 0 or -errno.
 */
int pvmem_zs_start(struct pvmem_zs *zs)
{
	int err = pvmem_zs_geometry_init(&zs->geometry);

	mutex_init(&zs->mutex);
	INIT_LIST_HEAD(&zs->pools);
	if (err)
		return err;
	err = pvmem_zs_maps_init(&zs->maps);
	if (err)
		return err;
	zs->zspages = kmem_cache_create("pvmem_zspage", sizeof(struct pvmem_zspage), 0, 0, NULL);
	if (!zs->zspages) {
		pvmem_zs_maps_exit(&zs->maps);
		return -ENOMEM;
	}
	return 0;
}

/**
 * pvmem_zs_stop() - undo pvmem_zs_start()
 * @zs: without pools.
 *
 * Context: process, sleeps.
 */
void pvmem_zs_stop(struct pvmem_zs *zs)
{
	kmem_cache_destroy(zs->zspages);
	pvmem_zs_maps_exit(&zs->maps);
}

static size_t pvmem_zs_pool_size(const struct pvmem_zs *zs)
{
	return struct_size((struct pvmem_zs_pool *)NULL, cls, zs->geometry.nr);
}

/**
 * pvmem_zs_pool_create() - an empty pool
 * @zs: what it shares with others.
 * @name: of its user.
 * @source: where its pages come from.
 *
 * Context: process, sleeps.
 * Return: the pool or NULL.
 */
struct pvmem_zs_pool *pvmem_zs_pool_create(struct pvmem_zs *zs, const char *name, const struct pvmem_zs_source *source)
{
	struct pvmem_zs_pool *pool = kvzalloc(pvmem_zs_pool_size(zs), GFP_KERNEL);
	unsigned int i;

	if (!pool)
		return NULL;
	pool->zs = zs;
	pool->source = *source;
	strscpy(pool->name, name, sizeof(pool->name));
	for (i = 0; i < zs->geometry.nr; i++)
		pvmem_zs_class_init(&pool->cls[i], &zs->geometry.spec[i]);
	mutex_lock(&zs->mutex);
	list_add_tail(&pool->node, &zs->pools);
	mutex_unlock(&zs->mutex);
	return pool;
}

/* Objects that nobody freed: their pages at least. */
static void pvmem_zs_abandon(struct pvmem_zs_pool *pool, struct pvmem_zspage *zspage)
{
	for (; zspage->backed; zspage->backed &= zspage->backed - 1) {
		struct page *page = pfn_to_page(zspage->frame[__ffs(zspage->backed)]);

		pvmem_desc_detach(page);
		pool->source.free(pool->source.ctx, page);
	}
	list_del(&zspage->list);
	pvmem_zspage_drop_moved(zspage);
	kmem_cache_free(pool->zs->zspages, zspage);
}

/**
 * pvmem_zs_pool_destroy() - end a pool
 * @pool: a pool that nobody uses any more; NULL is ignored.
 *
 * Context: process, sleeps.
 * Return: objects that were left in it; their pages are freed.
 */
unsigned long pvmem_zs_pool_destroy(struct pvmem_zs_pool *pool)
{
	struct pvmem_zspage *zspage, *next;
	unsigned long nr_objs = 0;
	unsigned int i, list;

	if (!pool)
		return 0;
	mutex_lock(&pool->zs->mutex);
	list_del(&pool->node);
	mutex_unlock(&pool->zs->mutex);
	for (i = 0; i < pool->zs->geometry.nr; i++) {
		nr_objs += pool->cls[i].nr_objs;
		for (list = 0; list < PVMEM_ZS_LISTS; list++)
			list_for_each_entry_safe(zspage, next, &pool->cls[i].list[list], list)
				pvmem_zs_abandon(pool, zspage);
	}
	rcu_barrier(); /* descriptors on their way out refer to the pool */
	kvfree(pool);
	return nr_objs;
}
