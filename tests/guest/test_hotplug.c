// SPDX-License-Identifier: GPL-2.0
/*
 * What a CPU had when it went offline: its block with a live mapping in it, and
 * its stack of page-table pages. The script takes the CPU offline in between.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include "test.h"

#define HOTPLUG_TABLES 20
#define HOTPLUG_ALL 2000

static struct page *hotplug_page;
static void *hotplug_addr;
static long hotplug_opened;

static int hotplug_on_cpu(void *done)
{
	struct page *table[HOTPLUG_TABLES];
	unsigned int got;

	hotplug_addr = pvmem_map(&hotplug_page, 1, PAGE_KERNEL);
	for (got = 0; got < HOTPLUG_TABLES; got++) {
		table[got] = pvmem_ptpool_get();
		if (!table[got])
			break;
	}
	while (got--)
		pvmem_ptpool_put(table[got]);
	complete(done);
	return 0;
}

/**
 * test_hotplug_before() - cpu=N: leave something on that CPU
 * @test: the case.
 *
 * Only right after pvmem was loaded, when no CPU has a block.
 */
void test_hotplug_before(struct test *test)
{
	DECLARE_COMPLETION_ONSTACK(done);
	struct task_struct *task;

	test_set_number("ptpool_low", 0);
	hotplug_page = alloc_page(GFP_KERNEL);
	task = kthread_create_on_cpu(hotplug_on_cpu, &done, test_arg(test, "cpu", 1), "pvmem-cpu/%u");
	if (IS_ERR(task)) {
		test_check(test, false, "a thread");
		return;
	}
	wake_up_process(task);
	wait_for_completion(&done);
	hotplug_opened = test_stat("block_opened");
	test_check(test, hotplug_addr, "mapped on that CPU");
	test_check(test, hotplug_opened == 1, "in a block it opened");
	test_check(test, !test_stat("ptpool_out"), "page-table pages on its stack");
}

/* Everything the pool says it has can be had by this CPU. */
static const char *hotplug_check_pool(void)
{
	struct page **table = kvcalloc(HOTPLUG_ALL, sizeof(*table), GFP_KERNEL);
	long ready = test_stat("ptpool_pages");
	long got;

	for (got = 0; table && got < HOTPLUG_ALL; got++) {
		table[got] = pvmem_ptpool_get();
		if (!table[got])
			break;
	}
	if (ready == got && test_stat("ptpool_pages"))
		ready = -1;
	while (got--) {
		pvmem_ptpool_put(table[got]);
		ready--;
	}
	kvfree(table);
	return ready ? "some cannot be had" : NULL;
}

/**
 * test_hotplug_after() - what that CPU had is another's now; run on the only CPU
 * @test: the case.
 */
void test_hotplug_after(struct test *test)
{
	struct page *page = alloc_page(GFP_KERNEL);
	void *addr = pvmem_map(&page, 1, PAGE_KERNEL);

	test_check(test, num_online_cpus() == 1, "one CPU is left");
	test_check(test, test_stat("ptpool_pages") >= HOTPLUG_TABLES, "%ld pages in the pool",
		   test_stat("ptpool_pages"));
	test_why(test, hotplug_check_pool(), "all of them can be had");
	test_check(test, addr && test_stat("block_opened") == hotplug_opened, "its block is used on");
	test_fill(hotplug_addr, 1, 8);
	test_check(test, !test_verify_pages(&hotplug_page, 1, 8), "its mapping lives");
	pvmem_unmap(addr);
	test_hotplug_exit();
	pvmem_unmap_aliases();
	test_check(test, !test_stat("live_pages") && !test_stat("lazy_pages"), "nothing live or lazy");
	__free_page(page);
	test_set_number("ptpool_low", 64);
}

/**
 * test_hotplug_exit() - forget what hotplug_before left
 */
void test_hotplug_exit(void)
{
	if (!hotplug_page)
		return;
	pvmem_unmap(hotplug_addr);
	__free_page(hotplug_page);
	hotplug_page = NULL;
	hotplug_addr = NULL;
}
