// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/pvmem: one value a file.
 *
 *	backend			read: which hypervisor
 *	policy, lazy_limit, ptpool_low, ptpool_high, ptpool_batch, ptpool_cap
 *				read and write; a value out of range is refused
 *	purge, ptpool_drain	write 1
 *	stats/NAME		counters and states, from stats.def
 *	units			"NAME UNIT counter|state" of each of them
 */
#include <linux/kobject.h>
#include <linux/mm.h>
#include <linux/sysfs.h>
#include "core.h"
#include "module.h"

static struct pvmem *pvmem_shown;
static struct kobject *pvmem_kobj;

#define PVMEM_ATTR_RW(name) static struct kobj_attribute pvmem_attr_##name = __ATTR_RW(name)
#define PVMEM_ATTR_RO(name) static struct kobj_attribute pvmem_attr_##name = __ATTR_RO(name)
#define PVMEM_ATTR_WO(name) static struct kobj_attribute pvmem_attr_##name = __ATTR_WO(name)

static ssize_t backend_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", pvmem_shown->ops->name);
}
PVMEM_ATTR_RO(backend);

static ssize_t policy_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", pvmem_policy_name(READ_ONCE(pvmem_shown->policy)));
}

static ssize_t policy_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	int policy = pvmem_policy_parse(buf);

	if (policy < 0)
		return policy;
	WRITE_ONCE(pvmem_shown->policy, policy);
	return count;
}
PVMEM_ATTR_RW(policy);

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
	return pvmem_store_ulong(buf, count, PVMEM_LAZY_LIMIT_MIN, totalram_pages() / 8, &pvmem_shown->lazy_limit);
}
PVMEM_ATTR_RW(lazy_limit);

/* The pool's limits: name, least and largest value, what changes with it. */
#define PVMEM_POOL_ATTR(field, min, max)                                                                            \
	static ssize_t ptpool_##field##_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)          \
	{                                                                                                           \
		return sysfs_emit(buf, "%lu\n", READ_ONCE(pvmem_shown->pool.config.field));                         \
	}                                                                                                           \
                                                                                                                    \
	static ssize_t ptpool_##field##_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,   \
					      size_t count)                                                         \
	{                                                                                                           \
		ssize_t ret = pvmem_store_ulong(buf, count, min, max, &pvmem_shown->pool.config.field);             \
                                                                                                                    \
		if (ret > 0)                                                                                        \
			pvmem_ptpool_thaw(pvmem_shown);                                                             \
		return ret;                                                                                         \
	}                                                                                                           \
	PVMEM_ATTR_RW(ptpool_##field)

PVMEM_POOL_ATTR(low, 0, pvmem_shown->pool.config.high);
PVMEM_POOL_ATTR(high, pvmem_shown->pool.config.low, pvmem_shown->pool.config.cap);
PVMEM_POOL_ATTR(batch, 1, PVMEM_PTPOOL_BATCH_MAX);
PVMEM_POOL_ATTR(cap, pvmem_shown->pool.config.high, totalram_pages() / 4);

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
PVMEM_ATTR_WO(purge);

static ssize_t ptpool_drain_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	ssize_t ret = pvmem_store_one(buf, count);

	if (ret > 0)
		pvmem_ptpool_drain(pvmem_shown);
	return ret;
}
PVMEM_ATTR_WO(ptpool_drain);

static unsigned long pvmem_gauge_live_pages(struct pvmem *pv)
{
	return pvmem_stat_sum(pv, map_pages) - pvmem_stat_sum(pv, unmap_pages);
}

static unsigned long pvmem_gauge_lazy_pages(struct pvmem *pv)
{
	return pvmem_lazy_pages(pv);
}

static unsigned long pvmem_gauge_windows(struct pvmem *pv)
{
	return smp_load_acquire(&pv->nr_windows);
}

static unsigned long pvmem_gauge_window_bytes(struct pvmem *pv)
{
	return pvmem_windows_bytes(pv);
}

static unsigned long pvmem_gauge_overhead_bytes(struct pvmem *pv)
{
	return pvmem_overhead_bytes(pv);
}

static unsigned long pvmem_gauge_ptpool_pages(struct pvmem *pv)
{
	return pvmem_ptpool_pages(pv);
}

static unsigned long pvmem_gauge_ptpool_out(struct pvmem *pv)
{
	return pvmem_ptpool_out(pv);
}

static ssize_t pvmem_stat_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf);

enum pvmem_shown {
#define PVMEM_STAT(name, unit, help) PVMEM_SHOWN_##name,
#define PVMEM_GAUGE(name, unit, help) PVMEM_SHOWN_##name,
#include <pvmem/stats.def>
#undef PVMEM_STAT
#undef PVMEM_GAUGE
	PVMEM_NR_SHOWN,
};

static struct kobj_attribute pvmem_stat_attrs[PVMEM_NR_SHOWN] = {
#define PVMEM_STAT(name, unit, help) __ATTR(name, 0444, pvmem_stat_show, NULL),
#define PVMEM_GAUGE(name, unit, help) __ATTR(name, 0444, pvmem_stat_show, NULL),
#include <pvmem/stats.def>
#undef PVMEM_STAT
#undef PVMEM_GAUGE
};

static unsigned long pvmem_stat_value(struct pvmem *pv, enum pvmem_shown which)
{
	switch (which) {
#define PVMEM_STAT(name, unit, help)   \
	case PVMEM_SHOWN_##name:       \
		return pvmem_stat_sum(pv, name);
#define PVMEM_GAUGE(name, unit, help)  \
	case PVMEM_SHOWN_##name:       \
		return pvmem_gauge_##name(pv);
#include <pvmem/stats.def>
#undef PVMEM_STAT
#undef PVMEM_GAUGE
	default:
		return 0;
	}
}

static ssize_t pvmem_stat_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", pvmem_stat_value(pvmem_shown, attr - pvmem_stat_attrs));
}

static ssize_t units_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	int at = 0;

#define PVMEM_STAT(name, unit, help) at += sysfs_emit_at(buf, at, "%s %s counter\n", #name, unit);
#define PVMEM_GAUGE(name, unit, help) at += sysfs_emit_at(buf, at, "%s %s state\n", #name, unit);
#include <pvmem/stats.def>
#undef PVMEM_STAT
#undef PVMEM_GAUGE
	return at;
}
PVMEM_ATTR_RO(units);

static struct attribute *pvmem_attrs[] = {
	&pvmem_attr_backend.attr,     &pvmem_attr_policy.attr,	     &pvmem_attr_lazy_limit.attr,
	&pvmem_attr_ptpool_low.attr,  &pvmem_attr_ptpool_high.attr,  &pvmem_attr_ptpool_batch.attr,
	&pvmem_attr_ptpool_cap.attr,  &pvmem_attr_purge.attr,	     &pvmem_attr_ptpool_drain.attr,
	&pvmem_attr_units.attr,	      NULL,
};

static struct attribute *pvmem_stat_attr_list[PVMEM_NR_SHOWN + 1];

static const struct attribute_group pvmem_group = { .attrs = pvmem_attrs };
static const struct attribute_group pvmem_stat_group = { .name = "stats", .attrs = pvmem_stat_attr_list };
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
	for (i = 0; i < PVMEM_NR_SHOWN; i++) {
		sysfs_attr_init(&pvmem_stat_attrs[i].attr);
		pvmem_stat_attr_list[i] = &pvmem_stat_attrs[i].attr;
	}
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
