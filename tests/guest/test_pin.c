// SPDX-License-Identifier: GPL-2.0
/*
 * Xen PV: why aliases matter. A page with a writable alias cannot become a page
 * table: without anybody asking, that fails; with the pool it never does.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <asm/xen/page.h>
#include <xen/xen.h>
#include "test.h"

#define PIN_PAGES 64

/* Fresh pages that must go through the pool while others are mapped lazily. */
#define PIN_POOLED 10000UL
#define PIN_ROUND 512UL
#define PIN_BATCH 32

static bool pin_on_xen(struct test *test)
{
	if (!xen_pv_domain())
		test_skip(test, "no Xen PV guest");
	return xen_pv_domain();
}

/* Makes a page table of a page the stock kernel's way; 0 or what Xen said. */
static int pin_stock_way(struct page *page)
{
	int err;

	clear_page(page_address(page));
	err = test_xen_protect(page, false) ?: test_xen_pin(page);
	if (err)
		test_xen_protect(page, true);
	return err;
}

static unsigned int pin_all(struct page **pages, unsigned int nr)
{
	unsigned int i, failed = 0;

	for (i = 0; i < nr; i++) {
		if (pin_stock_way(pages[i])) {
			failed++;
			continue;
		}
		if (test_xen_unpin(pages[i]) || test_xen_protect(pages[i], true))
			pr_err("pvmem_test: cannot undo a pin\n");
	}
	return failed;
}

/* Pages that are free again, and mapped lazily. */
static void pin_make_aliased(struct page **pages, unsigned int nr)
{
	void *addr = pvmem_map(pages, nr, PAGE_KERNEL);
	unsigned int i;

	if (addr)
		test_fill(addr, nr, 4);
	pvmem_unmap(addr);
	for (i = 0; i < nr; i++)
		__free_page(pages[i]);
	for (i = 0; i < nr; i++)
		pages[i] = alloc_page(GFP_KERNEL);
}

/**
 * test_pin_aliased() - nobody asks: pages that were reused cannot be pinned
 * @test: the case.
 */
void test_pin_aliased(struct test *test)
{
	struct page **pages;
	unsigned int aliased, failed;

	if (!pin_on_xen(test))
		return;
	pages = test_pages_alloc(PIN_PAGES);
	test_policy(PVMEM_POLICY_TRACK);
	pvmem_unmap_aliases();
	pin_make_aliased(pages, PIN_PAGES);
	aliased = test_aliased(pages, PIN_PAGES);
	test_check(test, aliased > 0, "%u of %u pages allocated anew have a lazy mapping", aliased, PIN_PAGES);
	failed = pin_all(pages, PIN_PAGES);
	test_check(test, failed > 0, "Xen refuses to pin %u of them", failed);
	test_check(test, failed == aliased, "exactly those that pvmem_page_aliased() names");
	test_check(test, !pvmem_unmap_aliases(), "somebody asks for them");
	test_check(test, !pin_all(pages, PIN_PAGES), "Xen pins them all");
	test_pages_free(pages, PIN_PAGES);
}

/* Maps lazily and frees until it is stopped: the pages the pool will be given. */
static int pin_storm(void *data)
{
	unsigned long *maps = data;
	unsigned int nr, step = 0;
	struct page **pages;
	void *addr;

	while (!kthread_should_stop()) {
		nr = 1 + step++ % 24;
		pages = test_pages_alloc(nr);
		if (!pages)
			continue;
		addr = pvmem_map(pages, nr, PAGE_KERNEL);
		if (addr) {
			test_fill(addr, nr, step);
			(*maps)++;
		}
		pvmem_unmap(addr);
		test_pages_free(pages, nr);
		cond_resched();
	}
	return 0;
}

/* Pages freed here are what a fill on this CPU is handed first. */
static void pin_leave_aliased(void)
{
	struct page **pages = test_pages_alloc(16);

	if (!pages)
		return;
	pvmem_unmap(pvmem_map(pages, 16, PAGE_KERNEL));
	test_pages_free(pages, 16);
}

/* Fills by batches, hands out all there is, checks it, takes it back, drains. */
static const char *pin_round(void)
{
	struct page *page, *next;
	unsigned long added = 0;
	const char *why = NULL;
	LIST_HEAD(out);

	while (added < PIN_ROUND) {
		unsigned long got;

		pin_leave_aliased();
		got = pvmem_ptpool_fill_now(PIN_BATCH, PIN_BATCH);
		added += got ?: PIN_BATCH;
	}
	while ((page = pvmem_ptpool_get())) {
		if (pvmem_page_aliased(page))
			why = "a page handed out is aliased";
		if (!test_zero(page))
			why = "a page handed out is not zero";
		list_add(&page->lru, &out);
		if (!--added)
			break;
	}
	list_for_each_entry_safe(page, next, &out, lru) {
		list_del(&page->lru);
		pvmem_ptpool_put(page);
	}
	pvmem_ptpool_drain_now(PIN_BATCH);
	return why;
}

/**
 * test_pin_pooled() - the pool asks: never refused, over a storm of lazy mappings
 * @test: the case.
 */
void test_pin_pooled(struct test *test)
{
	long filled = test_stat("ptpool_filled"), purges = test_stat("ptpool_fill_purges");
	unsigned long maps = 0, pages = test_arg(test, "pages", PIN_POOLED);
	struct task_struct *storm;
	const char *why = NULL;

	test_policy(PVMEM_POLICY_TRACK);
	storm = kthread_run(pin_storm, &maps, "pvmem-storm");
	if (IS_ERR(storm)) {
		test_check(test, false, "a thread");
		return;
	}
	while (!why && test_stat("ptpool_filled") - filled < pages)
		why = pin_round();
	kthread_stop(storm);
	test_note(test, "%ld fresh pages in %ld purges, %lu lazy mappings meanwhile",
		  test_stat("ptpool_filled") - filled, test_stat("ptpool_fill_purges") - purges, maps);
	test_why(test, why, "pages through the pool");
	test_check(test, !test_stat("ptpool_pin_failed"), "no page was refused");
	test_check(test, !test_stat("hypercall_failed"), "no hypercall was refused");
	test_check(test, test_stat("ptpool_fill_purges") > purges, "the pool was given aliased pages");
	test_check(test, !test_stat("ptpool_out") && !test_stat("live_pages"), "all is back");
}

/**
 * test_pin_again() - what the pool hands out is a page table already
 * @test: the case.
 */
void test_pin_again(struct test *test)
{
	struct page *page;

	if (!pin_on_xen(test))
		return;
	pvmem_ptpool_fill_now(PIN_BATCH, PIN_BATCH);
	page = pvmem_ptpool_get();
	if (!page) {
		test_check(test, false, "a page");
		return;
	}
	test_check(test, test_xen_pin(page), "pinned already: Xen refuses to do it again");
	test_check(test, test_xen_protect(page, true), "Xen refuses to make it writable");
	test_check(test, test_zero(page), "it is zero");
	pvmem_ptpool_put(page);
}

/**
 * test_map_pinned() - the hypervisor refuses a mapping: NULL, and nothing left
 * @test: the case.
 */
void test_map_pinned(struct test *test)
{
	struct page **pages = test_pages_alloc(200), *page, *own;
	long failed = test_stat("map_failed"), live = test_stat("live_pages");

	if (!pin_on_xen(test))
		return;
	pvmem_ptpool_fill_now(PIN_BATCH, PIN_BATCH);
	page = pvmem_ptpool_get();
	if (!page || !pages) {
		test_check(test, false, "pages");
		return;
	}
	own = pages[3];
	pages[3] = page;
	test_check(test, !pvmem_map(&page, 1, PAGE_KERNEL), "a page table, to be written");
	test_check(test, !pvmem_map(pages, 8, PAGE_KERNEL), "the same among others");
	test_check(test, !pvmem_map(pages, 200, PAGE_KERNEL), "the same in a table of its own");
	test_check(test, test_stat("map_failed") == failed + 3, "failures counted");
	test_check(test, test_stat("live_pages") == live, "nothing more is live than before: %ld",
		   test_stat("live_pages"));
	pages[3] = own;
	test_check(test, !pvmem_unmap_aliases() && !test_aliased(pages, 200) && !pvmem_page_aliased(page),
		   "nothing aliased after a purge");
	test_check(test, !test_counts_above(pages, 200, 1) && page_count(page) == 1, "nothing held");
	test_check(test, test_zero(page), "the page table is as it was");
	pvmem_ptpool_put(page);
	test_pages_free(pages, 200);
}
