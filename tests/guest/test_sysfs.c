// SPDX-License-Identifier: GPL-2.0
/* pvmem's sysfs files, read and written as a user would. */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "test.h"

#define TEST_SYSFS "/sys/kernel/pvmem/"

static const char *const test_policies[PVMEM_NR_POLICIES] = { "hold", "track", "eager" };

static ssize_t test_read_text(const char *dir, const char *name, char *text, size_t size)
{
	char path[96];
	struct file *file;
	loff_t pos = 0;
	ssize_t got;

	snprintf(path, sizeof(path), TEST_SYSFS "%s%s", dir, name);
	file = filp_open(path, O_RDONLY, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	got = kernel_read(file, text, size - 1, &pos);
	filp_close(file, NULL);
	text[max_t(ssize_t, got, 0)] = '\0';
	return got;
}

static long test_read_number(const char *dir, const char *name)
{
	char text[32];
	long value;
	ssize_t got = test_read_text(dir, name, text, sizeof(text));

	return got < 0 ? got : kstrtol(text, 10, &value) ?: value;
}

/**
 * test_stat() - a counter or state
 * @name: its name in stats.def.
 *
 * Return: its value, or -errno.
 */
long test_stat(const char *name)
{
	return test_read_number("stats/", name);
}

/**
 * test_setting() - a limit
 * @name: its file.
 *
 * Return: its value, or -errno.
 */
long test_setting(const char *name)
{
	return test_read_number("", name);
}

/**
 * test_set() - write a file
 * @name: its name.
 * @value: what to write.
 *
 * Return: 0 or what the file said.
 */
int test_set(const char *name, const char *value)
{
	char path[96];
	struct file *file;
	loff_t pos = 0;
	ssize_t wrote;

	snprintf(path, sizeof(path), TEST_SYSFS "%s", name);
	file = filp_open(path, O_WRONLY, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	wrote = kernel_write(file, value, strlen(value), &pos);
	filp_close(file, NULL);
	return wrote < 0 ? wrote : 0;
}

/**
 * test_set_number() - write a number to a file
 * @name: the file's name.
 * @value: the number.
 *
 * Return: 0 or what the file said.
 */
int test_set_number(const char *name, unsigned long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu\n", value);
	return test_set(name, text);
}

/**
 * test_policy_name() - a policy in words
 * @policy: the policy.
 *
 * Return: its name.
 */
const char *test_policy_name(enum pvmem_policy policy)
{
	return test_policies[policy];
}

/**
 * test_policy() - choose a policy
 * @policy: the policy.
 *
 * Return: 0 or -errno.
 */
int test_policy(enum pvmem_policy policy)
{
	return test_set("policy", test_policies[policy]);
}

/**
 * test_policy_now() - which policy is chosen
 *
 * Return: the policy, PVMEM_POLICY_HOLD when it cannot be read.
 */
enum pvmem_policy test_policy_now(void)
{
	char text[32];
	int policy = -EINVAL;

	if (test_read_text("", "policy", text, sizeof(text)) > 0)
		policy = sysfs_match_string(test_policies, text);
	return policy < 0 ? PVMEM_POLICY_HOLD : policy;
}

/**
 * test_wait_stat() - wait for what a worker does
 * @name: a counter or state.
 * @min: wait until it is at least this,
 * @max: and at most this.
 * @timeout_ms: how long.
 *
 * Return: whether that came true.
 */
bool test_wait_stat(const char *name, long min, long max, unsigned int timeout_ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(timeout_ms);
	long value;

	do {
		value = test_stat(name);
		if (value >= min && value <= max)
			return true;
		msleep(20);
	} while (time_before(jiffies, end));
	return false;
}
