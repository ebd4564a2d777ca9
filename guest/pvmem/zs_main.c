// SPDX-License-Identifier: GPL-2.0
/*
 * pvmem_zpool.ko: start and stop, parameters, CPU hotplug.
 * It needs neither pvmem.ko nor its address space.
 */
#include <linux/cpuhotplug.h>
#include <linux/module.h>
#include <linux/sysfs.h>
#include <xen/xen.h>
#include "compat/shrinker.h"
#include "compat/zpool.h"
#include "zs_core.h"

static struct pvmem_zs pvmem_zs;
static enum cpuhp_state pvmem_zs_cpuhp;

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
	unsigned long nr_objs;

	pvmem_zs_system_flush(); /* nobody comes from one of its pages any more */
	nr_objs = pvmem_zs_pool_destroy(pool);

	WARN_ONCE(nr_objs, "pvmem_zpool: a pool was ended with %lu objects in it\n", nr_objs);
}
EXPORT_SYMBOL_GPL(pvmem_zs_destroy);

/*
 * How objects that cross pages are mapped: a parameter, so that it can be seen
 * and forced, also while they are in use.
 */
enum {
	PVMEM_ZS_MAP_AUTO,
	PVMEM_ZS_MAP_COPY,
	PVMEM_ZS_MAP_PAIR
};
static const char *const pvmem_zs_map_names[] = { "auto", "copy", "pair" };
static int pvmem_zs_map_choice;
static unsigned int pvmem_zs_measured = PVMEM_ZS_PAIR_NEVER;

static void pvmem_zs_map_apply(void)
{
	unsigned int from = pvmem_zs_measured;

	if (pvmem_zs_map_choice != PVMEM_ZS_MAP_AUTO)
		from = pvmem_zs_map_choice == PVMEM_ZS_MAP_PAIR ? PVMEM_ZS_PAIR_ALWAYS : PVMEM_ZS_PAIR_NEVER;
	WRITE_ONCE(pvmem_zs.maps.pair_from, from);
}

static int pvmem_zs_map_set(const char *value, const struct kernel_param *kp)
{
	int choice = sysfs_match_string(pvmem_zs_map_names, value);

	if (choice < 0) {
		pr_err("pvmem_zpool: map=%s: must be auto, copy or pair\n", value);
		return choice;
	}
	if (choice == PVMEM_ZS_MAP_PAIR && pvmem_zs.zspages && !pvmem_zs.maps.window)
		return -EOPNOTSUPP;
	pvmem_zs_map_choice = choice;
	if (pvmem_zs.zspages) /* else pvmem_zs_init() will */
		pvmem_zs_map_apply();
	return 0;
}

static int pvmem_zs_map_get(char *buffer, const struct kernel_param *kp)
{
	unsigned int from = READ_ONCE(pvmem_zs.maps.pair_from);

	if (from == PVMEM_ZS_PAIR_NEVER)
		return sysfs_emit(buffer, "%s: copy\n", pvmem_zs_map_names[pvmem_zs_map_choice]);
	return sysfs_emit(buffer, "%s: pair from %u bytes\n", pvmem_zs_map_names[pvmem_zs_map_choice], from);
}

static const struct kernel_param_ops pvmem_zs_map_ops = { .set = pvmem_zs_map_set, .get = pvmem_zs_map_get };
module_param_cb(map, &pvmem_zs_map_ops, NULL, 0644);
MODULE_PARM_DESC(map,
		 "objects across two pages: copy (through a buffer), pair (map both), auto (the faster, measured)");

static void __init pvmem_zs_map_start(void)
{
	const struct pvmem_zs_pair_ops *ops = xen_pv_domain() ? &pvmem_zs_pair_xen_pv : &pvmem_zs_pair_native;
	struct pvmem_zs_pool *pool;
	int err;

	/*
	 * zswap makes a scatterlist of the address it is given, by virt_to_page(). Of a pair that is the page of no
	 * address, and comes back as the address only where both are mere arithmetic.
	 */
	err = IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP) ? pvmem_zs_pair_start(&pvmem_zs.maps, ops) : -EOPNOTSUPP;
	if (err) {
		pr_info("pvmem_zpool: no pairs of pages (error %d): objects across pages are copied\n", err);
		pvmem_zs_map_choice = PVMEM_ZS_MAP_COPY;
		return;
	}
	pool = pvmem_zs_create("measure", NULL);
	if (pool)
		pvmem_zs_measured = pvmem_zs_pair_measure(pool);
	pvmem_zs_destroy(pool);
	pvmem_zs_map_apply();
}

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
	unsigned long nr;

	if (!mutex_trylock(&pvmem_zs.mutex))
		return SHRINK_STOP;
	nr = pvmem_zs_compact_all(&pvmem_zs, sc->nr_to_scan);
	mutex_unlock(&pvmem_zs.mutex);
	return nr ?: SHRINK_STOP;
}

/**
 * pvmem_zs_compact_pools() - compact every pool there is
 *
 * For pvmem.ko's /sys/kernel/pvmem/compact, which finds it by name.
 *
 * Context: process, sleeps.
 * Return: pages freed.
 */
unsigned long pvmem_zs_compact_pools(void)
{
	unsigned long nr;

	mutex_lock(&pvmem_zs.mutex);
	nr = pvmem_zs_compact_all(&pvmem_zs, ULONG_MAX);
	mutex_unlock(&pvmem_zs.mutex);
	return nr;
}
EXPORT_SYMBOL_GPL(pvmem_zs_compact_pools);

static struct pvmem_compat_shrinker pvmem_zs_shrinker = {
	.name = "pvmem-zs",
	.count = pvmem_zs_shrink_count,
	.scan = pvmem_zs_shrink_scan,
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
	err = pvmem_compat_shrinker_register(&pvmem_zs_shrinker);
	if (err)
		goto out_cpuhp;
	pvmem_zs_map_start();
	pvmem_zs_debugfs_start(&pvmem_zs);
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
	pvmem_zs_debugfs_stop();
	pvmem_compat_shrinker_unregister(&pvmem_zs_shrinker);
	if (pvmem_zs.maps.window)
		pvmem_zs_pair_stop(&pvmem_zs.maps);
	cpuhp_remove_state(pvmem_zs_cpuhp);
	pvmem_zs_system_flush();
	rcu_barrier(); /* callbacks are this module's code */
	pvmem_zs_stop(&pvmem_zs);
}

module_init(pvmem_zs_init);
module_exit(pvmem_zs_exit);

MODULE_DESCRIPTION("Compressed objects for zswap: dense, evictable, movable");
MODULE_AUTHOR("pvmem developers");
MODULE_LICENSE("GPL");
