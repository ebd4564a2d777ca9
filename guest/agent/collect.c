// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading what the kernel says of pvmem, zswap and memory. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <pvmem/names.h>
#include "agent.h"

static int pvmem_file_open(const struct pvmem_agent *agent, const char *path, int flags)
{
	char full[PATH_MAX];
	int fd;

	snprintf(full, sizeof(full), "%s%s", agent->root, path);
	fd = open(full, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/**
 * pvmem_file_read() - a small file's text
 * @agent: the agent.
 * @path: below its root.
 * @text: filled, without the last newline.
 * @size: its size in bytes; what does not fit is left out.
 *
 * Return: 0 or -errno.
 */
int pvmem_file_read(const struct pvmem_agent *agent, const char *path, char *text, size_t size)
{
	int fd = pvmem_file_open(agent, path, O_RDONLY);
	ssize_t len;

	if (fd < 0)
		return fd;
	len = read(fd, text, size - 1);
	if (len < 0)
		len = -errno;
	close(fd);
	if (len < 0)
		return len;
	if (len && text[len - 1] == '\n')
		len--;
	text[len] = 0;
	return 0;
}

/**
 * pvmem_file_explain() - why a file of the kernel's is of no use, for people
 * @path: the file.
 * @err: what came of using it, -errno.
 * @reason: filled.
 */
void pvmem_file_explain(const char *path, int err, char reason[PVMEM_REASON])
{
	if (err == -ENOENT)
		snprintf(reason, PVMEM_REASON, "this guest has no %s", path);
	else
		snprintf(reason, PVMEM_REASON, "%s: %s", path, strerror(-err));
}

/**
 * pvmem_file_write() - writes a value into a file of the kernel's
 * @agent: the agent.
 * @path: below its root.
 * @text: the value.
 *
 * Return: 0 or -errno, as the kernel took it.
 */
int pvmem_file_write(const struct pvmem_agent *agent, const char *path, const char *text)
{
	int fd = pvmem_file_open(agent, path, O_WRONLY | O_TRUNC);
	int err = 0;

	if (fd < 0)
		return fd;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static void pvmem_collect_stats(const struct pvmem_agent *agent, struct pvmem_report *report)
{
	char path[128], text[32];
	int i;

	for (i = 0; i < PVMEM_REPORT_NR_STATS; i++) {
		snprintf(path, sizeof(path), PVMEM_SYSFS "/stats/%s", pvmem_report_stats[i].name);
		if (pvmem_file_read(agent, path, text, sizeof(text)))
			continue;
		/* A counter may wrap in theory; JSON's integers end at 2^63. */
		report->stats[i] = strtoull(text, NULL, 10) & INT64_MAX;
		report->stats_set |= 1ull << i;
	}
}

/* "MemTotal:         249348 kB" */
static void pvmem_collect_meminfo(const struct pvmem_agent *agent, struct pvmem_report *report)
{
	char text[4096], *line, *rest = text, *value;
	int i;

	if (pvmem_file_read(agent, "/proc/meminfo", text, sizeof(text)))
		return;
	while ((line = strsep(&rest, "\n"))) {
		value = strchr(line, ':');
		if (!value)
			continue;
		*value++ = 0;
		for (i = 0; i < PVMEM_REPORT_NR_MEMORY; i++) {
			if (strcmp(line, pvmem_report_meminfo[i]))
				continue;
			report->memory[i] = strtoull(value, NULL, 10) * 1024;
			report->memory_set |= 1u << i;
		}
	}
}

/* "some avg10=0.12 avg60=..." as 12. */
static int pvmem_collect_psi(const struct pvmem_agent *agent)
{
	unsigned int whole, hundredths;
	char text[256];

	if (pvmem_file_read(agent, "/proc/pressure/memory", text, sizeof(text)) ||
	    sscanf(text, "some avg10=%3u.%2u", &whole, &hundredths) != 2)
		return -1;
	return whole * 100 + hundredths;
}

static void pvmem_collect_options(const struct pvmem_agent *agent, struct pvmem_options *options)
{
	char text[PVMEM_OPTION_TEXT], reason[PVMEM_REASON];
	uint64_t value;
	int i;

	for (i = 0; i < PVMEM_NR_OPTIONS; i++)
		if (!pvmem_file_read(agent, pvmem_option_infos[i].file, text, sizeof(text)) &&
		    !pvmem_option_parse(i, text, &value, reason))
			pvmem_options_set(options, i, value);
}

/* "ffffc90000600000 33554432", a line each. */
static void pvmem_collect_windows(const struct pvmem_agent *agent, struct pvmem_report *report)
{
	unsigned long long base, bytes;
	char text[4096], *line, *rest = text;

	if (pvmem_file_read(agent, PVMEM_SYSFS "/windows", text, sizeof(text)))
		return;
	while ((line = strsep(&rest, "\n")) && report->nr_windows < PVMEM_REPORT_WINDOWS) {
		if (sscanf(line, "%llx %llu", &base, &bytes) != 2)
			continue;
		report->windows[report->nr_windows].page = (base << 7) >> 19; /* 57 bits of address */
		report->windows[report->nr_windows++].nr_pages = bytes / 4096;
	}
}

static int pvmem_frame_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Frames come in order; the file is read in pieces, and one may be in two of them. */
static void pvmem_pool_add(struct pvmem_report_pool *pool, uint64_t frame)
{
	struct pvmem_report_run *last = pool->nr_runs ? &pool->runs[pool->nr_runs - 1] : NULL;

	if (last && frame < last->first + last->nr)
		return;
	if (last && frame == last->first + last->nr)
		last->nr++;
	else if (pool->nr_runs < PVMEM_REPORT_RUNS)
		pool->runs[pool->nr_runs++] = (struct pvmem_report_run){ frame, 1 };
	else
		pool->complete = false;
}

/**
 * pvmem_collect_pool() - reads which frames are pinned and idle
 * @agent: the agent.
 * @pool: set on success; as many as there is room for.
 *
 * Return: 0 or -errno.
 */
int pvmem_collect_pool(const struct pvmem_agent *agent, struct pvmem_report_pool *pool)
{
	static uint64_t frames[PVMEM_REPORT_FRAMES];
	int fd = pvmem_file_open(agent, PVMEM_POOL_FRAMES, O_RDONLY);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	size_t nr = 0, i;
	char line[32];

	if (!file)
		return fd < 0 ? fd : -errno;
	while (nr < PVMEM_REPORT_FRAMES && fgets(line, sizeof(line), file))
		frames[nr++] = strtoull(line, NULL, 16) & INT64_MAX;
	pool->complete = nr < PVMEM_REPORT_FRAMES;
	pool->nr_runs = 0;
	fclose(file);
	qsort(frames, nr, sizeof(frames[0]), pvmem_frame_compare);
	for (i = 0; i < nr; i++)
		pvmem_pool_add(pool, frames[i]);
	return 0;
}

/**
 * pvmem_collect_report() - reads everything a report holds
 * @agent: the agent.
 * @report: filled; what the kernel does not have is left out.
 */
void pvmem_collect_report(const struct pvmem_agent *agent, struct pvmem_report *report)
{
	*report = (struct pvmem_report){ 0 };
	pvmem_collect_stats(agent, report);
	pvmem_collect_meminfo(agent, report);
	report->psi_avg10 = pvmem_collect_psi(agent);
	pvmem_collect_options(agent, &report->options);
	pvmem_collect_windows(agent, report);
}

/**
 * pvmem_collect_hello() - reads who we are
 * @agent: the agent.
 * @hello: filled.
 */
void pvmem_collect_hello(const struct pvmem_agent *agent, struct pvmem_hello *hello)
{
	struct utsname uts;

	*hello = (struct pvmem_hello){ .agent = PVMEM_VERSION, .boot = "unknown" };
	pvmem_file_read(agent, "/proc/sys/kernel/random/boot_id", hello->boot, sizeof(hello->boot));
	pvmem_file_read(agent, PVMEM_SYSFS "/backend", hello->backend, sizeof(hello->backend));
	if (!uname(&uts))
		pvmem_text_copy(hello->kernel, sizeof(hello->kernel), uts.release);
}
