// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/pvmem: one value a file.
 *
 *	backend			read: which hypervisor
 *	policy, lazy_limit, ptpool_low, ptpool_high, ptpool_batch, ptpool_cap
 *				read and write; a value out of range is refused
 *	purge, ptpool_drain	write 1
 *	compact			write 1: pools of compressed objects; an error without pvmem_zpool.ko
 *	stats/NAME		counters and states, from stats.def
 *	units			"NAME UNIT counter|state" of each of them
 *	windows			"ADDRESS BYTES" of each, for root: what an audit counts as pvmem's
 *	ptpool_frames		for root, too: the frames, in hex, of pinned pages that
 *				are in no page table: the pool's, and spare tables
 */
#include <linux/kobject.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sysfs.h>
#include <pvmem/zs.h>
#include "core.h"
#include "module.h"

static struct pvmem *pvmem_shown;
static struct kobject *pvmem_kobj;

static ssize_t backend_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", pvmem_shown->ops->name);
}

static ssize_t policy_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", pvmem_policy_name(READ_ONCE(pvmem_shown->policy)));
}

static ssize_t policy_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	int policy = pvmem_policy_parse(buf);

	if (policy < 0)
		return policy;
	pvmem_policy_set(pvmem_shown, policy);
	return count;
}

static ssize_t pvmem_store_ulong(const char *buf, size_t count, unsigned long min, unsigned long max,
				 unsigned long *value)
{
	unsigned long parsed;
	int err = kstrtoul(buf, 0, &parsed);

	if (err)
		return err;
	if (parsed < min || parsed > max)
		return -ERANGE;
	WRITE_ONCE(*value, parsed);
	return count;
}

static ssize_t lazy_limit_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", READ_ONCE(pvmem_shown->lazy_limit));
}

static ssize_t lazy_limit_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	unsigned long limit;
	int err = kstrtoul(buf, 0, &limit);

	return err ?: pvmem_lazy_limit_set(pvmem_shown, limit) ?: count;
}

/*
 * The pool's limits. Each may move between its neighbours, so that
 * low <= high <= cap always holds.
 */
static ssize_t ptpool_low_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", READ_ONCE(pvmem_shown->pool.config.low));
}

static ssize_t ptpool_low_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	return pvmem_store_ulong(buf, count, 0, pvmem_shown->pool.config.high, &pvmem_shown->pool.config.low);
}

static ssize_t ptpool_high_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", READ_ONCE(pvmem_shown->pool.config.high));
}

static ssize_t ptpool_high_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	struct pvmem_ptpool_config *config = &pvmem_shown->pool.config;
	ssize_t ret = pvmem_store_ulong(buf, count, config->low, config->cap, &config->high);

	if (ret > 0)
		pvmem_ptpool_kick(pvmem_shown);
	return ret;
}

static ssize_t ptpool_cap_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", READ_ONCE(pvmem_shown->pool.config.cap));
}

static ssize_t ptpool_cap_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	struct pvmem_ptpool_config *config = &pvmem_shown->pool.config;

	return pvmem_store_ulong(buf, count, config->high, totalram_pages() / 4, &config->cap);
}

static ssize_t ptpool_batch_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", READ_ONCE(pvmem_shown->pool.config.batch));
}

static ssize_t ptpool_batch_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	return pvmem_store_ulong(buf, count, 1, PVMEM_PTPOOL_BATCH_MAX, &pvmem_shown->pool.config.batch);
}

static ssize_t pvmem_store_one(const char *buf, size_t count)
{
	bool value;
	int err = kstrtobool(buf, &value);

	if (err)
		return err;
	return value ? count : -EINVAL;
}

static ssize_t purge_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	ssize_t ret = pvmem_store_one(buf, count);

	return ret < 0 ? ret : pvmem_unmap_aliases() ?: ret;
}

static ssize_t ptpool_drain_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	ssize_t ret = pvmem_store_one(buf, count);

	if (ret > 0)
		pvmem_ptpool_drain(pvmem_shown, PVMEM_PTPOOL_BATCH_MAX);
	return ret;
}

/* pvmem_zpool.ko has the pools. Neither module needs the other, so it is looked for each time. */
static ssize_t compact_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	ssize_t ret = pvmem_store_one(buf, count);
	unsigned long (*compact)(void);

	if (ret < 0)
		return ret;
	compact = symbol_get(pvmem_zs_compact_pools);
	if (!compact)
		return -ENOENT;
	compact();
	symbol_put(pvmem_zs_compact_pools);
	return ret;
}

static unsigned long pvmem_live_pages(struct pvmem *pv)
{
	return pvmem_stat_sum(pv, map_pages) - pvmem_stat_sum(pv, unmap_pages);
}

static unsigned long pvmem_windows(struct pvmem *pv)
{
	return pvmem_nr_windows(pv);
}

/* How each state is computed. */
#define PVMEM_STATE_live_pages pvmem_live_pages
#define PVMEM_STATE_lazy_pages pvmem_lazy_pages
#define PVMEM_STATE_windows pvmem_windows
#define PVMEM_STATE_window_bytes pvmem_windows_bytes
#define PVMEM_STATE_overhead_bytes pvmem_overhead_bytes
#define PVMEM_STATE_ptpool_pages pvmem_ptpool_pages
#define PVMEM_STATE_ptpool_out pvmem_ptpool_out

static ssize_t pvmem_value_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf);

/* What stats/ shows: a counter when @state is NULL. */
struct pvmem_value {
	struct kobj_attribute attr;
	const char *unit;
	enum pvmem_stat stat;
	unsigned long (*state)(struct pvmem *pv);
};

#define PVMEM_STAT(name, unit_, help) \
	{ .attr = __ATTR(name, 0444, pvmem_value_show, NULL), .unit = unit_, .stat = PVMEM_STAT_##name },
#define PVMEM_GAUGE(name, unit_, help) \
	{ .attr = __ATTR(name, 0444, pvmem_value_show, NULL), .unit = unit_, .state = PVMEM_STATE_##name },
static struct pvmem_value pvmem_values[] = {
#include <pvmem/stats.def>
};
#undef PVMEM_STAT
#undef PVMEM_GAUGE

static ssize_t pvmem_value_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct pvmem_value *value = container_of(attr, struct pvmem_value, attr);

	return sysfs_emit(buf, "%lu\n",
			  value->state ? value->state(pvmem_shown) : pvmem_stats_sum(pvmem_shown, value->stat));
}

static ssize_t units_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	unsigned int i;
	int at = 0;

	for (i = 0; i < ARRAY_SIZE(pvmem_values); i++)
		at += sysfs_emit_at(buf, at, "%s %s %s\n", pvmem_values[i].attr.attr.name, pvmem_values[i].unit,
				    pvmem_values[i].state ? "state" : "counter");
	return at;
}

/* Addresses: for root only. 64 windows of 40 bytes fit into a page. */
static ssize_t windows_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	unsigned int i, nr = pvmem_nr_windows(pvmem_shown);
	int at = 0;

	for (i = 0; i < nr; i++)
		at += sysfs_emit_at(buf, at, "%lx %lu\n", pvmem_shown->windows[i]->base,
				    pvmem_shown->windows[i]->nr_blocks * PVMEM_BLOCK_SIZE);
	return at;
}

/* Lines of one length, so that a position says how many come before it. */
#define PVMEM_FRAME_LINE sizeof("0123456789abcdef")
#define PVMEM_FRAMES_READ 64

static ssize_t ptpool_frames_read(struct file *file, struct kobject *kobj, struct bin_attribute *attr, char *buf,
				  loff_t pos, size_t count)
{
	unsigned long pfn[PVMEM_FRAMES_READ];
	struct pvmem_frames frames = { .skip = pos / PVMEM_FRAME_LINE, .pfn = pfn };
	unsigned int i;

	if (pos % PVMEM_FRAME_LINE || count < PVMEM_FRAME_LINE)
		return -EINVAL;
	frames.max = min_t(size_t, count / PVMEM_FRAME_LINE, PVMEM_FRAMES_READ);
	pvmem_ptpool_frames(pvmem_shown, &frames);
	for (i = 0; i < frames.nr; i++) {
		snprintf(buf, PVMEM_FRAME_LINE, "%016lx", pfn[i]);
		buf[PVMEM_FRAME_LINE - 1] = '\n';
		buf += PVMEM_FRAME_LINE;
	}
	return frames.nr * PVMEM_FRAME_LINE;
}

static struct bin_attribute pvmem_frames_file = {
	.attr = { .name = "ptpool_frames", .mode = 0400 },
	.read = ptpool_frames_read,
};

static struct bin_attribute *pvmem_bin_files[] = { &pvmem_frames_file, NULL };

static struct kobj_attribute pvmem_files[] = {
	__ATTR_RO(backend),	 __ATTR_RW(policy),	  __ATTR_RW(lazy_limit), __ATTR_RW(ptpool_low),
	__ATTR_RW(ptpool_high),	 __ATTR_RW(ptpool_batch), __ATTR_RW(ptpool_cap), __ATTR_WO(purge),
	__ATTR_WO(ptpool_drain), __ATTR_WO(compact),	  __ATTR_RO(units),	 __ATTR_RO_MODE(windows, 0400),
};

static struct attribute *pvmem_attrs[ARRAY_SIZE(pvmem_files) + 1];
static struct attribute *pvmem_value_attrs[ARRAY_SIZE(pvmem_values) + 1];

static const struct attribute_group pvmem_group = { .attrs = pvmem_attrs, .bin_attrs = pvmem_bin_files };
static const struct attribute_group pvmem_stat_group = { .name = "stats", .attrs = pvmem_value_attrs };
static const struct attribute_group *pvmem_groups[] = { &pvmem_group, &pvmem_stat_group, NULL };

/**
 * pvmem_sysfs_start() - show an instance
 * @pv: the instance.
 *
 * Context: process, sleeps.
 * Return: 0 or -errno.
 */
int pvmem_sysfs_start(struct pvmem *pv)
{
	unsigned int i;
	int err;

	pvmem_shown = pv;
	for (i = 0; i < ARRAY_SIZE(pvmem_files); i++)
		pvmem_attrs[i] = &pvmem_files[i].attr;
	for (i = 0; i < ARRAY_SIZE(pvmem_values); i++)
		pvmem_value_attrs[i] = &pvmem_values[i].attr.attr;
	pvmem_kobj = kobject_create_and_add("pvmem", kernel_kobj);
	if (!pvmem_kobj)
		return -ENOMEM;
	err = sysfs_create_groups(pvmem_kobj, pvmem_groups);
	if (err)
		kobject_put(pvmem_kobj);
	return err;
}

/**
 * pvmem_sysfs_stop() - remove the files; nobody reads them after this returns
 */
void pvmem_sysfs_stop(void)
{
	sysfs_remove_groups(pvmem_kobj, pvmem_groups);
	kobject_put(pvmem_kobj);
}
