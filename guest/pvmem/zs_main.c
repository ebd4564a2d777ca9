// SPDX-License-Identifier: GPL-2.0
/*
 * pvmem_zpool.ko: start and stop, parameters, pages of the system's, CPU hotplug.
 * It needs neither pvmem.ko nor its address space.
 */
#include <linux/cpuhotplug.h>
#include <linux/module.h>
#include "compat/shrinker.h"
#include "compat/zpool.h"
#include "zs_core.h"

static struct pvmem_zs pvmem_zs;
static enum cpuhp_state pvmem_zs_cpuhp;

static struct page *pvmem_zs_alloc_page(void *ctx, gfp_t gfp)
{
	return alloc_page(gfp);
}

static void pvmem_zs_free_page(void *ctx, struct page *page)
{
	__free_page(page);
}

static const struct pvmem_zs_source pvmem_zs_system = {
	.alloc = pvmem_zs_alloc_page,
	.free = pvmem_zs_free_page,
};

/**
 * pvmem_zs_create() - an empty pool
 * @name: of the user, for messages.
 * @source: where its pages come from, copied; NULL: the page allocator.
 *
 * Context: process, sleeps.
 * Return: the pool, or NULL when there is no memory.
 */
struct pvmem_zs_pool *pvmem_zs_create(const char *name, const struct pvmem_zs_source *source)
{
	return pvmem_zs_pool_create(&pvmem_zs, name, source ?: &pvmem_zs_system);
}
EXPORT_SYMBOL_GPL(pvmem_zs_create);

/**
 * pvmem_zs_destroy() - end a pool
 * @pool: a pool without objects that nobody uses any more; NULL is ignored.
 *
 * Context: process, sleeps.
 */
void pvmem_zs_destroy(struct pvmem_zs_pool *pool)
{
	unsigned long nr_objs = pvmem_zs_pool_destroy(pool);

	WARN_ONCE(nr_objs, "pvmem_zpool: a pool was ended with %lu objects in it\n", nr_objs);
}
EXPORT_SYMBOL_GPL(pvmem_zs_destroy);

static int pvmem_zs_cpu_prepare(unsigned int cpu)
{
	return pvmem_zs_maps_cpu_up(&pvmem_zs.maps, cpu);
}

static int pvmem_zs_cpu_dead(unsigned int cpu)
{
	pvmem_zs_maps_cpu_down(&pvmem_zs.maps, cpu);
	return 0;
}

static unsigned long pvmem_zs_shrink_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	return pvmem_zs_compactable_all(&pvmem_zs) ?: SHRINK_EMPTY;
}

static unsigned long pvmem_zs_shrink_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	return pvmem_zs_compact_all(&pvmem_zs, sc->nr_to_scan) ?: SHRINK_STOP;
}

static struct shrinker pvmem_zs_shrinker = {
	.count_objects = pvmem_zs_shrink_count,
	.scan_objects = pvmem_zs_shrink_scan,
	.seeks = DEFAULT_SEEKS,
	.batch = PVMEM_ZS_PAGES,
};

static int __init pvmem_zs_init(void)
{
	int err;

	err = pvmem_zs_start(&pvmem_zs);
	if (err)
		goto out;
	err = cpuhp_setup_state(CPUHP_BP_PREPARE_DYN, "mm/pvmem_zs:prepare", pvmem_zs_cpu_prepare, pvmem_zs_cpu_dead);
	if (err < 0)
		goto out_stop;
	pvmem_zs_cpuhp = err;
	err = pvmem_compat_shrinker_register(&pvmem_zs_shrinker, "pvmem-zs");
	if (err)
		goto out_cpuhp;
	pvmem_zpool_start();
	return 0;

out_cpuhp:
	cpuhp_remove_state(pvmem_zs_cpuhp);
out_stop:
	pvmem_zs_stop(&pvmem_zs);
out:
	pr_err("pvmem_zpool: not loaded: error %d\n", err);
	return err;
}

static void __exit pvmem_zs_exit(void)
{
	pvmem_zpool_stop();
	pvmem_compat_shrinker_unregister(&pvmem_zs_shrinker);
	cpuhp_remove_state(pvmem_zs_cpuhp);
	rcu_barrier(); /* callbacks are this module's code */
	pvmem_zs_stop(&pvmem_zs);
}

module_init(pvmem_zs_init);
module_exit(pvmem_zs_exit);

MODULE_DESCRIPTION("Compressed objects for zswap: dense, evictable, movable");
MODULE_AUTHOR("pvmem developers");
MODULE_LICENSE("GPL");
