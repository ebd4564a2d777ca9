// SPDX-License-Identifier: GPL-2.0
/*
 * Under memory pressure: the pool gives pages back, and lazy mappings that hold
 * pages let them go. Neither waits for a lock that a reclaiming allocation of
 * pvmem's own might hold.
 */
#include "compat/shrinker.h"
#include "core.h"
#include "module.h"

static struct pvmem *pvmem_shrunk;

static unsigned long pvmem_pool_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	return pvmem_ptpool_pages(pvmem_shrunk) ?: SHRINK_EMPTY;
}

static unsigned long pvmem_pool_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	return pvmem_ptpool_shrink(pvmem_shrunk, sc->nr_to_scan) ?: SHRINK_STOP;
}

static unsigned long pvmem_lazy_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	return pvmem_lazy_pages(pvmem_shrunk) ?: SHRINK_EMPTY;
}

/* A purge is all or nothing. */
static unsigned long pvmem_lazy_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	unsigned long before = pvmem_stat_sum(pvmem_shrunk, purge_pages);

	if (!pvmem_try_purge(pvmem_shrunk))
		return SHRINK_STOP;
	return pvmem_stat_sum(pvmem_shrunk, purge_pages) - before;
}

static struct pvmem_compat_shrinker pvmem_pool_shrinker = {
	.name = "pvmem-ptpool",
	.count = pvmem_pool_count,
	.scan = pvmem_pool_scan,
};

static struct pvmem_compat_shrinker pvmem_lazy_shrinker = {
	.name = "pvmem-lazy",
	.count = pvmem_lazy_count,
	.scan = pvmem_lazy_scan,
};

/**
 * pvmem_shrinkers_start() - let reclaim reach an instance
 * @pv: the instance.
 *
 * Context: process, sleeps.
 * Return: 0 or -ENOMEM.
 */
int pvmem_shrinkers_start(struct pvmem *pv)
{
	int err;

	pvmem_shrunk = pv;
	err = pvmem_compat_shrinker_register(&pvmem_pool_shrinker);
	if (err)
		return err;
	err = pvmem_compat_shrinker_register(&pvmem_lazy_shrinker);
	if (err)
		pvmem_compat_shrinker_unregister(&pvmem_pool_shrinker);
	return err;
}

/**
 * pvmem_shrinkers_stop() - reclaim does not call any more after this returns
 */
void pvmem_shrinkers_stop(void)
{
	pvmem_compat_shrinker_unregister(&pvmem_lazy_shrinker);
	pvmem_compat_shrinker_unregister(&pvmem_pool_shrinker);
}
