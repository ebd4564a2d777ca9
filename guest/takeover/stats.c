// SPDX-License-Identifier: GPL-2.0
/*
 * Counters, and /sys/kernel/pvmem_takeover:
 *
 *	ahead_max	read and write: tables made ahead of a walk at most
 *	stats/NAME	counters, from stats.def
 *	units		"NAME UNIT counter" of each of them
 */
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/sysfs.h>
#include "takeover.h"

DEFINE_PER_CPU(struct takeover_stats, takeover_stats);
unsigned int takeover_ahead_max = TAKEOVER_AHEAD_MAX;
static struct kobject *takeover_kobj;

/**
 * takeover_stat_sum() - one counter over all CPUs
 * @stat: which.
 *
 * Context: any.
 * Return: the sum; at least what it was when the call began.
 */
unsigned long takeover_stat_sum(enum takeover_stat stat)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(takeover_stats, cpu).count[stat]);
	return sum;
}

static ssize_t ahead_max_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(takeover_ahead_max));
}

static ssize_t ahead_max_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	unsigned int parsed;
	int err = kstrtouint(buf, 0, &parsed);

	if (err)
		return err;
	if (parsed > TAKEOVER_AHEAD_MAX)
		return -ERANGE;
	WRITE_ONCE(takeover_ahead_max, parsed);
	return count;
}

static ssize_t takeover_value_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf);

struct takeover_value {
	struct kobj_attribute attr;
	const char *unit;
	enum takeover_stat stat;
};

#define TAKEOVER_STAT(name, unit_, help) \
	{ .attr = __ATTR(name, 0444, takeover_value_show, NULL), .unit = unit_, .stat = TAKEOVER_STAT_##name },
static struct takeover_value takeover_values[] = {
#include "stats.def"
};
#undef TAKEOVER_STAT

static ssize_t takeover_value_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct takeover_value *value = container_of(attr, struct takeover_value, attr);

	return sysfs_emit(buf, "%lu\n", takeover_stat_sum(value->stat));
}

static ssize_t units_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	unsigned int i;
	int at = 0;

	for (i = 0; i < ARRAY_SIZE(takeover_values); i++)
		at += sysfs_emit_at(buf, at, "%s %s counter\n", takeover_values[i].attr.attr.name,
				    takeover_values[i].unit);
	return at;
}

static struct kobj_attribute takeover_files[] = { __ATTR_RW(ahead_max), __ATTR_RO(units) };
static struct attribute *takeover_attrs[ARRAY_SIZE(takeover_files) + 1];
static struct attribute *takeover_value_attrs[ARRAY_SIZE(takeover_values) + 1];

static const struct attribute_group takeover_group = { .attrs = takeover_attrs };
static const struct attribute_group takeover_stat_group = { .name = "stats", .attrs = takeover_value_attrs };
static const struct attribute_group *takeover_groups[] = { &takeover_group, &takeover_stat_group, NULL };

/**
 * takeover_sysfs_start() - show the counters
 *
 * Context: process, sleeps.
 * Return: 0 or -errno.
 */
int takeover_sysfs_start(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(takeover_files); i++)
		takeover_attrs[i] = &takeover_files[i].attr;
	for (i = 0; i < ARRAY_SIZE(takeover_values); i++)
		takeover_value_attrs[i] = &takeover_values[i].attr.attr;
	takeover_kobj = kobject_create_and_add("pvmem_takeover", kernel_kobj);
	if (!takeover_kobj)
		return -ENOMEM;
	err = sysfs_create_groups(takeover_kobj, takeover_groups);
	if (err)
		kobject_put(takeover_kobj);
	return err;
}

/**
 * takeover_sysfs_stop() - remove the files
 */
void takeover_sysfs_stop(void)
{
	sysfs_remove_groups(takeover_kobj, takeover_groups);
	kobject_put(takeover_kobj);
}
