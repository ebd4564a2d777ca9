// SPDX-License-Identifier: GPL-2.0
/* The pool of page-table pages. */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <xen/xen.h>
#include "test.h"

#define POOL_PAGES 100
#define POOL_BATCH 32

/* How long its worker may take, on a busy machine. */
#define POOL_TIMEOUT_MS 10000

/* Its worker has nothing to do: the counters are still. */
static void pool_settle(void)
{
	long before, after = -1;
	unsigned int tries = POOL_TIMEOUT_MS / 100;

	do {
		before = after;
		msleep(100);
		after = test_stat("ptpool_filled") + test_stat("ptpool_shrunk");
	} while (before != after && tries--);
}

static unsigned int pool_get(struct page **pages, unsigned int nr)
{
	unsigned int got;

	for (got = 0; got < nr; got++) {
		pages[got] = pvmem_ptpool_get();
		if (!pages[got])
			break;
	}
	return got;
}

static void pool_put(struct page **pages, unsigned int nr)
{
	while (nr--)
		pvmem_ptpool_put(*pages++);
}

static bool pool_distinct(struct page **pages, unsigned int nr)
{
	unsigned int i, j;

	for (i = 0; i < nr; i++)
		for (j = 0; j < i; j++)
			if (pages[i] == pages[j])
				return false;
	return true;
}

static const char *pool_check_pages(struct page **pages, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (!test_zero(pages[i]))
			return "not zero";
		if (pvmem_page_aliased(pages[i]))
			return "aliased";
		if (page_count(pages[i]) != 1)
			return "not the holder's alone";
		if (!xen_pv_domain())
			continue;
		if (!PagePinned(pages[i]))
			return "not marked pinned";
		if (test_writable(page_address(pages[i])))
			return "writable";
	}
	return pool_distinct(pages, nr) ? NULL : "one page twice";
}

/**
 * test_pool_basic() - what is handed out, and the books about it
 * @test: the case.
 */
void test_pool_basic(struct test *test)
{
	struct page *pages[POOL_PAGES];
	long ready, shrunk;
	unsigned int got;

	pool_settle();
	test_check(test, pvmem_ptpool_fill_now(POOL_PAGES, POOL_BATCH) == POOL_PAGES, "%u pages prepared", POOL_PAGES);
	ready = test_stat("ptpool_pages");
	got = pool_get(pages, POOL_PAGES);
	test_check(test, got == POOL_PAGES, "%u pages handed out", got);
	test_why(test, pool_check_pages(pages, got), "zero, unaliased, distinct");
	test_check(test, test_stat("ptpool_out") == got, "counted out");
	pool_put(pages, got);
	test_check(test, !test_stat("ptpool_out"), "counted back");
	pool_settle();
	test_check(test, test_stat("ptpool_pages") <= ready, "none is there that was not before");
	ready = test_stat("ptpool_pages");
	shrunk = test_stat("ptpool_shrunk");
	test_check(test, pvmem_ptpool_drain_now(POOL_BATCH) == ready, "all %ld drained", ready);
	test_check(test, !test_stat("ptpool_pages") && test_stat("ptpool_shrunk") == shrunk + ready, "none left");
}

#define WARM_ROUNDS 1000
#define WARM_BURST 12

/**
 * test_pool_warm() - handing out and taking back what is there costs nothing
 * @test: the case.
 */
void test_pool_warm(struct test *test)
{
	long hypercalls, filled, get = test_stat("ptpool_get");
	unsigned int i, missed = 0;
	struct page *pages[WARM_BURST];

	pvmem_ptpool_fill_now(4 * POOL_PAGES, POOL_BATCH);
	pool_put(pages, pool_get(pages, 1));
	pool_settle();
	hypercalls = test_stat("hypercalls");
	filled = test_stat("ptpool_filled");
	get = test_stat("ptpool_get");
	for (i = 0; i < WARM_ROUNDS; i++) {
		unsigned int got = pool_get(pages, 1 + i % WARM_BURST);

		missed += 1 + i % WARM_BURST - got;
		pool_put(pages, got);
	}
	test_check(test, !missed && test_stat("ptpool_get") - get >= WARM_ROUNDS, "%ld pages taken and given",
		   test_stat("ptpool_get") - get);
	test_check(test, test_stat("hypercalls") == hypercalls, "no hypercall");
	test_check(test, test_stat("ptpool_filled") == filled, "no page prepared");
}

/* Leaves something in a page-table page, as whoever had it might. */
static void pool_soil(struct page *page)
{
	if (xen_pv_domain())
		test_xen_set_entry(page, 17, ZERO_PAGE(0));
	else
		memset(page_address(page) + 3000, 0x5a, 8);
}

/**
 * test_pool_dirty() - what comes back dirty is cleaned before it is seen again
 * @test: the case.
 */
void test_pool_dirty(struct test *test)
{
	struct page *pages[POOL_PAGES];
	long dirty = test_stat("ptpool_dirty"), all;
	unsigned int i, got;

	pvmem_ptpool_fill_now(POOL_PAGES, POOL_BATCH);
	got = pool_get(pages, 10);
	for (i = 0; i < got; i++)
		pool_soil(pages[i]);
	test_check(test, got == 10 && !test_zero(pages[0]), "%u dirty pages", got);
	pool_put(pages, got);
	test_check(test, test_stat("ptpool_dirty") == dirty + got, "found dirty, and counted");
	got = pool_get(pages, POOL_PAGES);
	test_why(test, pool_check_pages(pages, got), "no dirty page handed out at once");
	pool_put(pages, got);
	pool_settle();
	got = pool_get(pages, POOL_PAGES);
	test_why(test, pool_check_pages(pages, got), "nor later");
	pool_put(pages, got);
	pool_settle();
	all = test_stat("ptpool_pages");
	test_check(test, pvmem_ptpool_drain_now(POOL_BATCH) == all && !test_stat("ptpool_pages"), "all %ld drained",
		   all);
	test_check(test, !test_stat("hypercall_failed"), "no hypercall was refused");
}

/**
 * test_pool_limits() - watermarks and cap, through sysfs
 * @test: the case.
 */
void test_pool_limits(struct test *test)
{
	long low = test_setting("ptpool_low"), high = test_setting("ptpool_high"), cap = test_setting("ptpool_cap");
	struct page *pages[POOL_PAGES];
	unsigned int got;

	test_check(test,
		   !test_set_number("ptpool_high", 300) && test_wait_stat("ptpool_pages", 300, 332, POOL_TIMEOUT_MS),
		   "fills to a higher watermark");
	test_check(test, !test_set_number("ptpool_cap", 400), "a lower cap");
	pvmem_ptpool_fill_now(1000, 64);
	test_check(test, test_stat("ptpool_pages") == 400, "filled to the cap: %ld", test_stat("ptpool_pages"));
	test_check(test, !test_set_number("ptpool_low", 20) && !test_set_number("ptpool_high", 40), "lower watermarks");
	test_check(test, test_wait_stat("ptpool_pages", 0, 40 + 64, POOL_TIMEOUT_MS), "gives pages back");
	got = pool_get(pages, POOL_PAGES);
	test_check(test, test_wait_stat("ptpool_pages", 40, 72, POOL_TIMEOUT_MS), "below the low one, fills again");
	pool_put(pages, got);
	test_check(test, !test_set_number("ptpool_low", 0) && !test_set_number("ptpool_high", 0), "turned off");
	test_set("ptpool_drain", "1");
	got = test_stat("ptpool_empty");
	test_check(test, !pvmem_ptpool_get() && test_stat("ptpool_empty") == got + 1, "then there is none, counted");
	test_check(test, !pvmem_ptpool_drain_now(1), "and none to drain");
	test_check(test,
		   !test_set_number("ptpool_cap", cap) && !test_set_number("ptpool_high", high) &&
			   !test_set_number("ptpool_low", low),
		   "limits as before");
	test_check(test, test_wait_stat("ptpool_pages", high, high + 64, POOL_TIMEOUT_MS), "and filled again");
}

/* Pages taken at once, and those given back while anything else is done. */
#define EAT_PAGES 2048
#define EAT_SPARE 1024
#define EAT_FAILURES 20

static unsigned int pool_eat_some(struct list_head *eaten)
{
	unsigned int nr;

	for (nr = 0; nr < EAT_PAGES; nr++) {
		struct page *page = alloc_page(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);

		if (!page)
			break;
		list_add(&page->lru, eaten);
		cond_resched();
	}
	return nr;
}

static unsigned long pool_spit(struct list_head *eaten, unsigned long nr)
{
	unsigned long done;
	struct page *page;

	for (done = 0; done < nr; done++) {
		page = list_first_entry_or_null(eaten, struct page, lru);
		if (!page)
			break;
		list_del(&page->lru);
		__free_page(page);
	}
	return done;
}

/*
 * Takes pages until pvmem gives some back, or there are none. Whatever else is
 * allocated here finds spare pages: nobody must be killed for want of memory.
 */
static unsigned long pool_eat(struct list_head *eaten, long shrunk)
{
	unsigned int got, failures = 0;
	unsigned long nr = 0;

	while (failures < EAT_FAILURES) {
		got = pool_eat_some(eaten);
		failures += got < EAT_PAGES;
		nr += got;
		nr -= pool_spit(eaten, EAT_SPARE);
		if (test_stat("ptpool_shrunk") > shrunk && !test_stat("lazy_pages"))
			break;
	}
	return nr;
}

/**
 * test_pool_pressure() - memory runs out: the pool and lazy mappings let go
 * @test: the case.
 */
void test_pool_pressure(struct test *test)
{
	struct page **pages = test_pages_alloc(POOL_PAGES);
	long shrunk, ready, lazy;
	unsigned long eaten;
	LIST_HEAD(list);

	pool_settle();
	ready = test_stat("ptpool_pages");
	shrunk = test_stat("ptpool_shrunk");
	test_policy(PVMEM_POLICY_HOLD);
	if (pages)
		pvmem_unmap(pvmem_map(pages, POOL_PAGES, PAGE_KERNEL));
	lazy = test_stat("lazy_pages");
	eaten = pool_eat(&list, shrunk);
	test_note(test, "%lu pages taken, %ld of %ld in the pool given back", eaten,
		  test_stat("ptpool_shrunk") - shrunk, ready);
	test_check(test, test_stat("ptpool_shrunk") > shrunk, "the pool gives pages back");
	test_check(test, lazy == POOL_PAGES && test_wait_stat("lazy_pages", 0, 0, 1000), "lazy mappings are purged");
	pool_spit(&list, ULONG_MAX);
	test_pages_free(pages, POOL_PAGES);
	test_check(test, pvmem_ptpool_fill_now(POOL_PAGES, POOL_BATCH) == POOL_PAGES,
		   "afterwards the pool can be filled");
}
