// SPDX-License-Identifier: GPL-2.0
/*
 * The door to the benchmarks: /sys/kernel/debug/pvmem_bench. Writing a line
 * "NAME key=value..." runs a benchmark; reading returns the last result, one
 * line of JSON.
 */
#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include "bench.h"

#define BENCH_LINE_MAX 256

struct bench_command {
	const char *name;
	int (*run)(const char *args, char *result);
};

static const struct bench_command bench_commands[] = {
	{ "vmap", bench_vmap_run }, { "ptpool", bench_ptpool_run }, { "live", bench_live_run },
	{ "drop", bench_drop_run }, { "purge", bench_purge_run },
};

static DEFINE_MUTEX(bench_mutex);
static char bench_result[BENCH_RESULT_MAX];
static struct dentry *bench_file;

/* Where the value of @key begins in @args, or NULL. */
static const char *bench_arg_find(const char *args, const char *key)
{
	size_t len = strlen(key);

	while (*args) {
		while (*args == ' ')
			args++;
		if (!strncmp(args, key, len) && args[len] == '=')
			return args + len + 1;
		args = strchrnul(args, ' ');
	}
	return NULL;
}

unsigned long bench_arg(const char *args, const char *key, unsigned long fallback)
{
	const char *value = bench_arg_find(args, key);
	char *end;
	unsigned long number;

	if (!value)
		return fallback;
	number = simple_strtoul(value, &end, 0);
	return end == value || (*end && *end != ' ') ? ULONG_MAX : number;
}

bool bench_arg_is(const char *args, const char *key, const char *word)
{
	const char *value = bench_arg_find(args, key);
	size_t len = strlen(word);

	return value && !strncmp(value, word, len) && (!value[len] || value[len] == ' ');
}

static int bench_run(char *line)
{
	const char *name = strsep(&line, " ");
	unsigned int i;

	bench_result[0] = '\0';
	for (i = 0; i < ARRAY_SIZE(bench_commands); i++)
		if (!strcmp(name, bench_commands[i].name))
			return bench_commands[i].run(line ?: "", bench_result);
	return -ENOENT;
}

static ssize_t bench_write(struct file *file, const char __user *user, size_t count, loff_t *pos)
{
	char line[BENCH_LINE_MAX];
	int err;

	if (count >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, user, count))
		return -EFAULT;
	line[count] = '\0';
	mutex_lock(&bench_mutex);
	err = bench_run(strim(line));
	mutex_unlock(&bench_mutex);
	return err ?: count;
}

static ssize_t bench_read(struct file *file, char __user *user, size_t count, loff_t *pos)
{
	ssize_t got;

	mutex_lock(&bench_mutex);
	got = simple_read_from_buffer(user, count, pos, bench_result, strlen(bench_result));
	mutex_unlock(&bench_mutex);
	return got;
}

static const struct file_operations bench_fops = {
	.owner = THIS_MODULE,
	.write = bench_write,
	.read = bench_read,
};

static int __init bench_init(void)
{
	int err = bench_maps_init();

	if (err)
		return err;
	bench_file = debugfs_create_file("pvmem_bench", 0600, NULL, NULL, &bench_fops);
	return 0;
}

static void __exit bench_exit(void)
{
	debugfs_remove(bench_file);
	bench_live_drop();
	bench_maps_exit();
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("pvmem against the stock kernel");
