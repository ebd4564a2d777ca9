// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that is refused, on a kernel with fault injection. Of the allocations that
 * a call makes the first is refused, then the second, and so on, until the call
 * asks for no more than it is granted: whatever it was, the call does its work
 * or fails, and leaves nothing behind. The kernel counts (fail_nth).
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include "test.h"

#define FAULTS_PAGES 512
#define FAULTS_MAPS 512
#define FAULTS_POOL 64
/* More than any call asks for. */
#define FAULTS_MAX 4000

/**
 * struct faults - a call that is made over and over
 * @pages: to map.
 * @nth: which allocation is refused the next time.
 * @refused: how many were, in all.
 * @more: the last time one was: there may be more.
 */
struct faults {
	struct page **pages;
	unsigned int nth;
	unsigned int refused;
	bool more;
};

static void faults_begin(struct faults *faults)
{
	WRITE_ONCE(current->fail_nth, faults->nth);
}

static void faults_end(struct faults *faults)
{
	faults->more = !READ_ONCE(current->fail_nth);
	WRITE_ONCE(current->fail_nth, 0);
	faults->nth += faults->more;
	faults->refused += faults->more;
}

static const char *faults_clean(struct faults *faults)
{
	if (test_aliased(faults->pages, FAULTS_PAGES) || test_counts_above(faults->pages, FAULTS_PAGES, 1))
		return "a page is aliased or held after its purge";
	return NULL;
}

static const char *faults_map(struct faults *faults, void **addr)
{
	faults_begin(faults);
	*addr = pvmem_map(faults->pages, FAULTS_PAGES, PAGE_KERNEL);
	faults_end(faults);
	if (!*addr)
		return faults->more ? NULL : "not mapped, and nothing was refused";
	return test_verify(*addr, FAULTS_PAGES, 7) ? "a mapping shows other data" : NULL;
}

/* Maps that stay, so that address space has to be made for one in every few. */
static const char *faults_grow(struct faults *faults)
{
	static void *addr[FAULTS_MAPS];
	long windows = test_stat("window_grown");
	const char *why = NULL;
	unsigned int i;

	for (i = 0; i < FAULTS_MAPS && !why; i++) {
		why = faults_map(faults, &addr[i]);
		if (!faults->more && test_stat("window_grown") > windows)
			break;
		windows = test_stat("window_grown");
	}
	if (i == FAULTS_MAPS)
		why = why ?: "no map went through with a new window";
	for (i = 0; i < FAULTS_MAPS; i++) {
		pvmem_unmap(addr[i]);
		addr[i] = NULL;
	}
	if (pvmem_unmap_aliases())
		why = why ?: "pvmem_unmap_aliases() failed";
	return why ?: faults_clean(faults);
}

static const char *faults_purge_pages(struct faults *faults)
{
	void *addr = pvmem_map(faults->pages, FAULTS_PAGES, PAGE_KERNEL);
	int err;

	pvmem_unmap(addr);
	faults_begin(faults);
	err = pvmem_unmap_pages(faults->pages, FAULTS_PAGES);
	faults_end(faults);
	return !addr || err ? "pvmem_unmap_pages() failed" : faults_clean(faults);
}

static const char *faults_purge(struct faults *faults)
{
	void *addr = pvmem_map(faults->pages, FAULTS_PAGES, PAGE_KERNEL);
	int err;

	pvmem_unmap(addr);
	faults_begin(faults);
	err = pvmem_unmap_aliases();
	faults_end(faults);
	return !addr || err ? "pvmem_unmap_aliases() failed" : faults_clean(faults);
}

static const char *faults_pool(struct faults *faults)
{
	struct page *table;
	bool good = true;

	pvmem_ptpool_drain_now(16);
	faults_begin(faults);
	pvmem_ptpool_fill_now(FAULTS_POOL, 16);
	faults_end(faults);
	table = pvmem_ptpool_get();
	if (!table)
		return faults->more ? NULL : "the pool is empty, and nothing was refused";
	good = test_zero(table) && !pvmem_page_aliased(table);
	pvmem_ptpool_put(table);
	return good ? NULL : "the pool handed out a page that is not clean";
}

static void faults_sweep(struct test *test, const char *what, struct page **pages,
			 const char *(*call)(struct faults *faults))
{
	struct faults faults = { .pages = pages, .nth = 1 };
	const char *why;

	do {
		why = call(&faults);
	} while (!why && faults.more && faults.nth < FAULTS_MAX);
	if (!why && faults.more)
		why = "it always asks for more";
	test_note(test, "%s: %u allocations were refused, one each time", what, faults.refused);
	test_why(test, why, what);
}

/**
 * test_faults() - each allocation of a map, a purge and a fill refused once
 * @test: the case; pvmem with small windows, failslab and fail_page_alloc with
 *	all their filters off.
 */
void test_faults(struct test *test)
{
	struct page **pages = test_pages_alloc(FAULTS_PAGES);

	if (!pages) {
		test_check(test, false, "%u pages", FAULTS_PAGES);
		return;
	}
	test_fill_pages(pages, FAULTS_PAGES, 7);
	faults_sweep(test, "maps that take address space", pages, faults_grow);
	faults_sweep(test, "purges of some pages", pages, faults_purge_pages);
	faults_sweep(test, "purges", pages, faults_purge);
	faults_sweep(test, "fills of the pool", pages, faults_pool);
	test_check(test, !test_stat("live_pages") && !test_stat("lazy_pages"), "nothing live or lazy");
	test_check(test, !test_stat("ptpool_out"), "no page-table page out");
	test_pages_free(pages, FAULTS_PAGES);
}
