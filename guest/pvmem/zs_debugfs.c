// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/pvmem_zs/pools: every pool, "NAME VALUE" a line, then its
 * classes that are in use, a line each. For eyes and for tests; pools come and go
 * with zswap's parameters, so they have no files of their own.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include "zs_core.h"

static struct dentry *pvmem_zs_dir;

static void pvmem_zs_show_pool(struct seq_file *file, struct pvmem_zs_pool *pool)
{
	struct pvmem_zs_class_stats cls;
	struct pvmem_zs_stats stats;
	unsigned int i;

	pvmem_zs_stats(pool, &stats);
	seq_printf(file, "pool %s\n", pool->name);
	seq_printf(file, "objects %lu\npages %lu\nzspages %lu\n", stats.objs, stats.pages, stats.zspages);
	seq_printf(file, "total_bytes %llu\n", stats.total_bytes);
	seq_printf(file, "borrowed %lu\nmoved %lu\ncompacted_pages %lu\nevicted_pages %lu\nmigrated_pages %lu\n",
		   stats.borrowed, stats.moved, stats.compacted, stats.evicted, stats.migrated);
	seq_puts(file, "class size slots pages_when_full objects zspages pages\n");
	for (i = 0; !pvmem_zs_class_stats(pool, i, &cls); i++)
		if (cls.zspages)
			seq_printf(file, "%5u %4u %5u %15u %7lu %7lu %5lu\n", i, cls.size, cls.objs_per_zspage,
				   cls.pages_per_zspage, cls.objs, cls.zspages, cls.pages);
}

static int pvmem_zs_pools_show(struct seq_file *file, void *unused)
{
	struct pvmem_zs *zs = file->private;
	struct pvmem_zs_pool *pool;

	mutex_lock(&zs->mutex);
	list_for_each_entry(pool, &zs->pools, node)
		pvmem_zs_show_pool(file, pool);
	mutex_unlock(&zs->mutex);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(pvmem_zs_pools);

/**
 * pvmem_zs_debugfs_start() - show the pools
 * @zs: what they share.
 *
 * Context: process, sleeps. Does without debugfs.
 */
void pvmem_zs_debugfs_start(struct pvmem_zs *zs)
{
	pvmem_zs_dir = debugfs_create_dir("pvmem_zs", NULL);
	debugfs_create_file("pools", 0400, pvmem_zs_dir, zs, &pvmem_zs_pools_fops);
}

/**
 * pvmem_zs_debugfs_stop() - nobody looks any more when this returns
 */
void pvmem_zs_debugfs_stop(void)
{
	debugfs_remove(pvmem_zs_dir);
}
