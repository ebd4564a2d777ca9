// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that map, write, check and unmap at random, while another purges,
 * switches policies and moves page-table pages. Every page has one owner, so
 * whatever a thread reads must be what it wrote last.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "test.h"

#define STRESS_THREADS 4
#define STRESS_THREADS_MAX 16
#define STRESS_SECONDS 10

/* Mappings a thread has at most, and the pages each of them has for itself. */
#define STRESS_MAPS 12
#define STRESS_LARGE 3000
#define STRESS_SMALL 130

/**
 * struct stress_map - a mapping of a thread, or room for one
 * @addr: where, or NULL.
 * @pages: its pages, mapped or not.
 * @max: how many it has.
 * @nr: how many of them are mapped.
 * @seed: the pattern in them.
 */
struct stress_map {
	void *addr;
	struct page **pages;
	unsigned int max;
	unsigned int nr;
	u64 seed;
};

struct stress_thread {
	struct task_struct *task;
	struct rnd_state rnd;
	struct stress_map map[STRESS_MAPS];
	unsigned long ops;
	unsigned long failed_maps;
	bool faults;
	const char *why;
};

/* Where fault injection is on, may pvmem's allocations fail in this task? */
static void stress_faults(bool on)
{
#ifdef CONFIG_FAULT_INJECTION
	current->make_it_fail = on;
#endif
}

/* Sizes that meet each way through pvmem about equally often. */
static unsigned int stress_size(struct stress_thread *thread, unsigned int max)
{
	static const unsigned short limit[] = { 2, 8, 32, 128, 130, 600, STRESS_LARGE };
	unsigned int i = prandom_u32_state(&thread->rnd) % ARRAY_SIZE(limit);

	return 1 + prandom_u32_state(&thread->rnd) % min_t(unsigned int, limit[i], max);
}

static const char *stress_map(struct stress_thread *thread, struct stress_map *map)
{
	map->nr = stress_size(thread, map->max);
	map->seed = prandom_u32_state(&thread->rnd);
	test_fill_pages(map->pages, map->nr, map->seed);
	stress_faults(thread->faults);
	map->addr = pvmem_map(map->pages, map->nr, PAGE_KERNEL);
	stress_faults(false);
	if (!map->addr) {
		thread->failed_maps++;
		return NULL;
	}
	if (test_verify(map->addr, map->nr, map->seed))
		return "a new mapping shows other data";
	return test_aliased(map->pages, map->nr) == map->nr ? NULL : "a mapped page is not called aliased";
}

static const char *stress_use(struct stress_thread *thread, struct stress_map *map)
{
	if (test_verify(map->addr, map->nr, map->seed))
		return "a live mapping shows other data";
	map->seed++;
	test_fill(map->addr, map->nr, map->seed);
	return test_verify_pages(map->pages, map->nr, map->seed) ? "a write through a mapping was lost" : NULL;
}

/* The pages go back to the allocator, and others come. */
static void stress_renew(struct stress_map *map)
{
	unsigned int i;

	for (i = 0; i < map->nr; i++) {
		struct page *page = alloc_page(GFP_KERNEL | __GFP_NOWARN);

		if (!page)
			return;
		__free_page(map->pages[i]);
		map->pages[i] = page;
	}
}

/* Pages that were unmapped are asked for back, or not. */
static const char *stress_purge(struct stress_thread *thread, struct stress_map *map, unsigned int what)
{
	int err = 0;

	stress_faults(thread->faults);
	if (what == 0)
		err = pvmem_unmap_aliases();
	else if (what == 1)
		err = pvmem_unmap_pages(map->pages, map->nr);
	stress_faults(false);
	if (err)
		return what ? "pvmem_unmap_pages() failed" : "pvmem_unmap_aliases() failed";
	return what < 2 && test_aliased(map->pages, map->nr) ? "a page is called aliased after its purge" : NULL;
}

static const char *stress_unmap(struct stress_thread *thread, struct stress_map *map)
{
	unsigned int what = prandom_u32_state(&thread->rnd) % 8;
	const char *why = stress_use(thread, map);

	pvmem_unmap(map->addr);
	map->addr = NULL;
	why = why ?: stress_purge(thread, map, what);
	if (why)
		return why;
	if (test_verify_pages(map->pages, map->nr, map->seed))
		return "a page changed after its unmap";
	if (what > 4)
		stress_renew(map);
	return NULL;
}

static int stress_run(void *data)
{
	struct stress_thread *thread = data;
	struct stress_map *map;

	while (!kthread_should_stop()) {
		map = &thread->map[prandom_u32_state(&thread->rnd) % STRESS_MAPS];
		if (thread->why) {
			schedule_timeout_interruptible(HZ / 10);
			continue;
		}
		if (!map->addr)
			thread->why = stress_map(thread, map);
		else if (prandom_u32_state(&thread->rnd) % 4)
			thread->why = stress_unmap(thread, map);
		else
			thread->why = stress_use(thread, map);
		thread->ops++;
		cond_resched();
	}
	return 0;
}

/* One of its mappings may be large. */
static bool stress_prepare(struct stress_thread *thread)
{
	unsigned int i;

	prandom_seed_state(&thread->rnd, get_random_u32());
	for (i = 0; i < STRESS_MAPS; i++) {
		thread->map[i].max = i ? STRESS_SMALL : STRESS_LARGE;
		thread->map[i].pages = test_pages_alloc(thread->map[i].max);
		if (!thread->map[i].pages)
			return false;
	}
	return true;
}

/* Unmaps what is left; whether every page is its owner's alone after a purge. */
static bool stress_finish(struct stress_thread *thread)
{
	unsigned int i, left = 0;

	for (i = 0; i < STRESS_MAPS; i++)
		pvmem_unmap(thread->map[i].addr);
	pvmem_unmap_aliases();
	for (i = 0; i < STRESS_MAPS; i++) {
		struct stress_map *map = &thread->map[i];

		if (!map->pages)
			continue;
		left += test_aliased(map->pages, map->max) + test_counts_above(map->pages, map->max, 1);
		test_pages_free(map->pages, map->max);
	}
	return !left;
}

#define CHAOS_TABLES 40

/* What others do meanwhile: ask, purge, switch, take and give tables. */
static const char *stress_chaos(struct rnd_state *rnd, unsigned long policies, bool faults)
{
	enum pvmem_policy policy = prandom_u32_state(rnd) % PVMEM_NR_POLICIES;
	struct page *table[CHAOS_TABLES];
	unsigned int i, nr = prandom_u32_state(rnd) % CHAOS_TABLES;
	const char *why = NULL;

	for (i = 0; i < nr; i++) {
		table[i] = pvmem_ptpool_get();
		if (!table[i])
			break;
		if (!test_zero(table[i]) || pvmem_page_aliased(table[i]))
			why = "the pool handed out a page that is not clean";
	}
	if (policies & BIT(policy))
		test_policy(policy);
	switch (prandom_u32_state(rnd) % 6) {
	case 0:
		if (test_set("purge", "1"))
			why = "a purge by sysfs failed";
		break;
	case 1:
		if (pvmem_unmap_aliases())
			why = "pvmem_unmap_aliases() failed";
		break;
	case 2:
		pvmem_ptpool_drain_now(16);
		break;
	case 3:
		stress_faults(faults);
		pvmem_ptpool_fill_now(64, 16);
		stress_faults(false);
		break;
	}
	while (i--)
		pvmem_ptpool_put(table[i]);
	return why;
}

static const char *stress_threads(struct stress_thread *threads, unsigned int nr, struct test *test,
				  unsigned long *chaos)
{
	unsigned long end = jiffies + test_arg(test, "seconds", STRESS_SECONDS) * HZ;
	unsigned long policies = test_arg(test, "policies", BIT(PVMEM_NR_POLICIES) - 1);
	const char *why = NULL;
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, get_random_u32());
	for (i = 0; i < nr; i++) {
		threads[i].faults = test_arg(test, "faults", 0);
		threads[i].task = kthread_run(stress_run, &threads[i], "pvmem-stress/%u", i);
		if (IS_ERR(threads[i].task))
			why = "no thread";
	}
	while (!why && time_before(jiffies, end)) {
		why = stress_chaos(&rnd, policies, threads->faults);
		(*chaos)++;
		msleep(2);
	}
	for (i = 0; i < nr; i++)
		if (!IS_ERR(threads[i].task))
			kthread_stop(threads[i].task);
	return why;
}

static void stress_report(struct test *test, struct stress_thread *threads, unsigned int nr)
{
	unsigned long ops = 0, failed = 0;
	const char *why = NULL;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		ops += threads[i].ops;
		failed += threads[i].failed_maps;
		why = why ?: threads[i].why;
	}
	test_note(test, "%lu operations of %u threads", ops, nr);
	test_why(test, why, "data of every mapping");
	test_check(test, ops > nr * STRESS_MAPS, "every thread got somewhere");
	test_check(test, !failed || threads->faults, "%lu maps failed", failed);
}

/**
 * test_stress() - seconds=N threads=N policies=MASK faults=1
 * @test: the case; with faults, allocations in pvmem may fail.
 */
void test_stress(struct test *test)
{
	unsigned int i, nr = clamp(test_arg(test, "threads", STRESS_THREADS), 1UL, (unsigned long)STRESS_THREADS_MAX);
	struct stress_thread *threads = kvcalloc(nr, sizeof(*threads), GFP_KERNEL);
	unsigned long chaos = 0;
	bool clean = true;
	const char *why = NULL;

	for (i = 0; threads && i < nr; i++)
		if (!stress_prepare(&threads[i]))
			why = "no memory";
	if (!threads || why) {
		test_check(test, false, "memory for %u threads", nr);
		goto out;
	}
	why = stress_threads(threads, nr, test, &chaos);
	test_note(test, "%lu times disturbed", chaos);
	test_why(test, why, "purges, policies and the pool meanwhile");
	stress_report(test, threads, nr);
out:
	for (i = 0; threads && i < nr; i++)
		clean &= stress_finish(&threads[i]);
	test_check(test, clean, "every page is its owner's alone");
	test_check(test, !test_stat("live_pages") && !test_stat("lazy_pages"), "nothing live or lazy after a purge");
	test_check(test, !test_stat("ptpool_out"), "no page-table page out");
	kvfree(threads);
}
