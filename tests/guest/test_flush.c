// SPDX-License-Identifier: GPL-2.0
/*
 * Does any CPU ever translate an address that was purged? A thread on each CPU
 * reads, all the time, through addresses that are mapped, unmapped, purged and
 * mapped to other pages while it reads. Each mapping's page holds the number of
 * its round; after a purge the page is used for something else, which holds 0.
 * A read that begins after the purge of round r faults, or finds a later round:
 * anything less came through a translation that should be gone.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "test.h"

/* Mappings in a round, each of one page: enough to be in more than one place of a TLB. */
#define FLUSH_MAPS 8
/* Rounds that a page is used for something else before it is mapped again. */
#define FLUSH_REST 8
/* Between the steps of a round, at most: readers come by, or are in the middle of a read. */
#define FLUSH_LINGER_US 100
#define FLUSH_SECONDS 10
/* Reads between two chances for others to run. */
#define FLUSH_READS 256

/**
 * struct flush_window - an address that readers read
 * @addr: where, from the first round on.
 * @floor: the first round that may be found there.
 *
 * @floor is raised after a purge and @addr changed after that, so a reader that
 * looks at @floor first has one that holds for whatever @addr it finds.
 */
struct flush_window {
	const unsigned long *addr;
	unsigned long floor;
};

struct flush_reader {
	struct task_struct *task;
	struct flush_window *windows;
	unsigned long found;
	unsigned long faulted;
	unsigned long stale;
};

struct flush {
	struct flush_window windows[FLUSH_MAPS];
	struct page *pages[FLUSH_REST][FLUSH_MAPS];
	void *mapped[FLUSH_MAPS];
	struct rnd_state rnd;
	unsigned long round;
};

static void flush_read(struct flush_reader *reader, const struct flush_window *window)
{
	unsigned long value, floor = smp_load_acquire(&window->floor);
	const unsigned long *addr = READ_ONCE(window->addr);

	if (!addr || copy_from_kernel_nofault(&value, addr, sizeof(value))) {
		reader->faulted++;
		return;
	}
	reader->found++;
	if (value < floor)
		reader->stale++;
}

static int flush_reads(void *data)
{
	struct flush_reader *reader = data;
	unsigned int i;

	while (!kthread_should_stop()) {
		for (i = 0; i < FLUSH_READS; i++)
			flush_read(reader, &reader->windows[i % FLUSH_MAPS]);
		cond_resched();
	}
	return 0;
}

static unsigned long *flush_word(struct page *page)
{
	return page_address(page);
}

static void flush_linger(struct flush *flush)
{
	udelay(prandom_u32_state(&flush->rnd) % FLUSH_LINGER_US);
	cond_resched();
}

static const char *flush_map(struct flush *flush, struct page **pages)
{
	unsigned int i;

	for (i = 0; i < FLUSH_MAPS; i++) {
		WRITE_ONCE(*flush_word(pages[i]), flush->round);
		flush->mapped[i] = pvmem_map(&pages[i], 1, PAGE_KERNEL);
		if (!flush->mapped[i])
			return "a map failed";
		WRITE_ONCE(flush->windows[i].addr, flush->mapped[i]);
	}
	return NULL;
}

/* One round: map, let them read, unmap, purge, and use the pages for something else. */
static const char *flush_round(struct flush *flush)
{
	struct page **pages = flush->pages[flush->round % FLUSH_REST];
	const char *why;
	unsigned int i;

	flush->round++;
	why = flush_map(flush, pages);
	flush_linger(flush);
	for (i = 0; i < FLUSH_MAPS; i++)
		pvmem_unmap(flush->mapped[i]);
	if (pvmem_unmap_aliases())
		return "a purge failed";
	for (i = 0; i < FLUSH_MAPS; i++) {
		smp_store_release(&flush->windows[i].floor, flush->round + 1);
		WRITE_ONCE(*flush_word(pages[i]), 0);
	}
	flush_linger(flush);
	return why;
}

static const char *flush_start(struct flush *flush, struct flush_reader *readers)
{
	int cpu;

	for_each_online_cpu(cpu) {
		struct flush_reader *reader = &readers[cpu];

		reader->windows = flush->windows;
		reader->task = kthread_create_on_cpu(flush_reads, reader, cpu, "pvmem-flush/%u");
		if (IS_ERR(reader->task)) {
			reader->task = NULL;
			return "no thread";
		}
		wake_up_process(reader->task);
	}
	return NULL;
}

static void flush_report(struct test *test, const struct flush *flush, struct flush_reader *readers)
{
	unsigned long found = 0, faulted = 0, stale = 0;
	bool all = true;
	int cpu;

	for_each_online_cpu(cpu) {
		found += readers[cpu].found;
		faulted += readers[cpu].faulted;
		stale += readers[cpu].stale;
		all &= readers[cpu].found > 0;
	}
	test_note(test, "%lu purges, %lu reads of a page, %lu that faulted", flush->round, found, faulted);
	test_check(test, all && faulted, "every CPU read mapped pages, and some unmapped");
	test_check(test, !stale, "%lu reads through a purged translation", stale);
}

/* Whether vCPUs that the host had preempted were left to it, where they can be. */
static void flush_report_left(struct test *test, long left, long late)
{
	left = test_stat("flush_left") - left;
	late = test_stat("flush_left_late") - late;
	test_note(test, "%ld vCPUs left to the host, %ld more after they were interrupted", left, late);
	if (test_arg(test, "left", 0))
		test_check(test, left > 0, "preempted vCPUs were left to the host");
}

static void flush_run(struct test *test, struct flush *flush, struct flush_reader *readers)
{
	unsigned long end = jiffies + test_arg(test, "seconds", FLUSH_SECONDS) * HZ;
	long left = test_stat("flush_left"), late = test_stat("flush_left_late");
	const char *why;
	int cpu;

	cpus_read_lock();
	why = flush_start(flush, readers);
	while (!why && time_before(jiffies, end))
		why = flush_round(flush);
	for_each_online_cpu(cpu)
		if (readers[cpu].task)
			kthread_stop(readers[cpu].task);
	test_why(test, why, "mapped, unmapped and purged all the time");
	flush_report(test, flush, readers);
	cpus_read_unlock();
	/* Not below that lock: who takes a CPU offline holds a lock of sysfs before it. */
	flush_report_left(test, left, late);
}

static bool flush_alloc_pages(struct flush *flush)
{
	unsigned int i, j;

	for (i = 0; i < FLUSH_REST; i++)
		for (j = 0; j < FLUSH_MAPS; j++) {
			flush->pages[i][j] = alloc_page(GFP_KERNEL | __GFP_ZERO);
			if (!flush->pages[i][j])
				return false;
		}
	return true;
}

static void flush_free_pages(struct flush *flush)
{
	unsigned int i, j;

	for (i = 0; i < FLUSH_REST; i++)
		for (j = 0; j < FLUSH_MAPS; j++)
			if (flush->pages[i][j])
				__free_page(flush->pages[i][j]);
}

/**
 * test_flush() - seconds=N left=1: preempted vCPUs are expected
 * @test: the case.
 */
void test_flush(struct test *test)
{
	struct flush *flush = kvzalloc(sizeof(*flush), GFP_KERNEL);
	struct flush_reader *readers = kvcalloc(nr_cpu_ids, sizeof(*readers), GFP_KERNEL);

	if (flush && readers && flush_alloc_pages(flush)) {
		prandom_seed_state(&flush->rnd, get_random_u32());
		flush_run(test, flush, readers);
	} else {
		test_check(test, false, "memory");
	}
	if (flush)
		flush_free_pages(flush);
	kvfree(readers);
	kvfree(flush);
}
