// SPDX-License-Identifier: GPL-2.0
/*
 * The door to the cases: /sys/kernel/debug/pvmem_test. Writing "CASE key=value..."
 * runs a case; reading returns its results as KTAP, the plan at the end.
 */
#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include "test.h"

#define TEST_OUT_MAX 65536
#define TEST_LINE_MAX 256

struct test_case {
	const char *name;
	void (*run)(struct test *test);
};

#ifndef CONFIG_XEN_PV
static void test_without_xen(struct test *test)
{
	test_skip(test, "a kernel without Xen PV");
}
#endif

static const struct test_case test_cases[] = {
	{ "map_sizes", test_map_sizes },
	{ "map_hold", test_map_hold },
	{ "map_shapes", test_map_shapes },
	{ "map_refused", test_map_refused },
	{ "map_grow", test_map_grow },
	{ "map_huge", test_map_huge },
	{ "unmap_pages", test_unmap_pages },
	{ "unmap_bad", test_unmap_bad },
	{ "policy_hold", test_policy_hold },
	{ "policy_track", test_policy_track },
	{ "policy_eager", test_policy_eager },
	{ "policy_unheld", test_policy_unheld },
	{ "policy_mixed", test_policy_mixed },
	{ "stress", test_stress },
	{ "flush", test_flush },
	{ "pool_basic", test_pool_basic },
	{ "pool_warm", test_pool_warm },
	{ "pool_dirty", test_pool_dirty },
	{ "pool_limits", test_pool_limits },
	{ "pool_pressure", test_pool_pressure },
	{ "hotplug_before", test_hotplug_before },
	{ "hotplug_after", test_hotplug_after },
	{ "ram_map", test_ram_map },
	{ "ram_keep", test_ram_keep },
	{ "ram_drop", test_ram_drop },
	{ "idle", test_idle },
#ifdef CONFIG_XEN_PV
	{ "pin_aliased", test_pin_aliased },
	{ "pin_pooled", test_pin_pooled },
	{ "pin_again", test_pin_again },
	{ "map_pinned", test_map_pinned },
#else
	{ "pin_aliased", test_without_xen },
	{ "pin_pooled", test_without_xen },
	{ "pin_again", test_without_xen },
	{ "map_pinned", test_without_xen },
#endif
#ifdef CONFIG_FAULT_INJECTION
	{ "faults", test_faults },
#endif
};

static DEFINE_MUTEX(test_mutex);
static struct test test_last;
static struct dentry *test_file;

static __printf(2, 0) void test_vprint(struct test *test, const char *fmt, va_list ap)
{
	test->len += vscnprintf(test->out + test->len, TEST_OUT_MAX - test->len, fmt, ap);
}

static __printf(2, 3) void test_print(struct test *test, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	test_vprint(test, fmt, ap);
	va_end(ap);
}

/**
 * test_check() - one result
 * @test: the case.
 * @ok: whether it passed.
 * @fmt: what was expected.
 */
void test_check(struct test *test, bool ok, const char *fmt, ...)
{
	va_list ap;

	test_print(test, "%s %u - ", ok ? "ok" : "not ok", ++test->nr);
	va_start(ap, fmt);
	test_vprint(test, fmt, ap);
	va_end(ap);
	test_print(test, "\n");
}

/**
 * test_why() - one result of a step that says what went wrong
 * @test: the case.
 * @why: NULL when all went well.
 * @what: what was tested.
 */
void test_why(struct test *test, const char *why, const char *what)
{
	test_check(test, !why, "%s%s%s", what, why ? ": " : "", why ?: "");
}

/**
 * test_skip() - one result that cannot be had here
 * @test: the case.
 * @fmt: why.
 */
void test_skip(struct test *test, const char *fmt, ...)
{
	va_list ap;

	test_print(test, "ok %u # SKIP ", ++test->nr);
	va_start(ap, fmt);
	test_vprint(test, fmt, ap);
	va_end(ap);
	test_print(test, "\n");
}

/**
 * test_note() - a figure for the reader
 * @test: the case.
 * @fmt: the text.
 */
void test_note(struct test *test, const char *fmt, ...)
{
	va_list ap;

	test_print(test, "# ");
	va_start(ap, fmt);
	test_vprint(test, fmt, ap);
	va_end(ap);
	test_print(test, "\n");
}

/**
 * test_arg() - a number given to the case
 * @test: the case.
 * @key: its name.
 * @fallback: the value when it was not given.
 *
 * Return: the number.
 */
unsigned long test_arg(const struct test *test, const char *key, unsigned long fallback)
{
	const char *at = test->args;
	size_t len = strlen(key);

	while ((at = strstr(at, key))) {
		if (at[len] == '=' && (at == test->args || at[-1] == ' '))
			return simple_strtoul(at + len + 1, NULL, 0);
		at += len;
	}
	return fallback;
}

/*
 * Whatever policy the case leaves: on Xen, lazy mappings of freed pages make the
 * kernel fail to build page tables of them as soon as a program starts.
 */
static void test_run_one(const struct test_case *test_case)
{
	enum pvmem_policy policy = test_policy_now();

	test_case->run(&test_last);
	test_policy(policy);
	pvmem_unmap_aliases();
}

static int test_run(char *line)
{
	const char *name = strsep(&line, " ");
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(test_cases); i++) {
		if (strcmp(name, test_cases[i].name))
			continue;
		test_last.args = line ?: "";
		test_last.len = 0;
		test_last.nr = 0;
		test_run_one(&test_cases[i]);
		test_print(&test_last, "1..%u\n", test_last.nr);
		return 0;
	}
	return -ENOENT;
}

static ssize_t test_write(struct file *file, const char __user *user, size_t count, loff_t *pos)
{
	char line[TEST_LINE_MAX];
	int err;

	if (count >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, user, count))
		return -EFAULT;
	line[count] = '\0';
	mutex_lock(&test_mutex);
	err = test_run(strim(line));
	mutex_unlock(&test_mutex);
	return err ?: count;
}

static ssize_t test_read(struct file *file, char __user *user, size_t count, loff_t *pos)
{
	ssize_t got;

	mutex_lock(&test_mutex);
	got = simple_read_from_buffer(user, count, pos, test_last.out, test_last.len);
	mutex_unlock(&test_mutex);
	return got;
}

static const struct file_operations test_fops = {
	.owner = THIS_MODULE,
	.write = test_write,
	.read = test_read,
};

static int __init test_init(void)
{
	test_last.out = kvmalloc(TEST_OUT_MAX, GFP_KERNEL);
	if (!test_last.out)
		return -ENOMEM;
	test_file = debugfs_create_file("pvmem_test", 0600, NULL, NULL, &test_fops);
	return 0;
}

static void __exit test_exit(void)
{
	debugfs_remove(test_file);
	test_hotplug_exit();
	kvfree(test_last.out);
}

module_init(test_init);
module_exit(test_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Tests of pvmem");
