// SPDX-License-Identifier: GPL-2.0
/* Map, unmap, purge: what is mapped is there, what was purged is gone. */
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <asm/pgtable.h>
#include "test.h"

/* Around every limit inside pvmem: a batch, a shared block, a table, several tables. */
static const unsigned short map_sizes[] = { 1, 2, 3, 7, 16, 63, 64, 65, 127, 128, 129, 511, 512, 513, 1024, 3000 };

#define MAP_SIZE_MAX 3000

/* One page read by this many CPUs reads so often. */
static bool map_seen_everywhere(const void *addr, unsigned int nr)
{
	unsigned int seen = test_readable(addr, nr);

	return seen && seen % num_online_cpus() == 0;
}

static const char *map_check_data(void *addr, struct page **pages, unsigned int nr, bool writable)
{
	test_fill_pages(pages, nr, nr);
	if (test_verify(addr, nr, nr))
		return "written through the direct map, not seen through the mapping";
	if (test_writable(addr) != writable || test_write_faults(addr) == writable)
		return writable ? "cannot be written" : "read-only, but can be written";
	if (!writable)
		return NULL;
	test_fill(addr, nr, nr + 1);
	return test_verify_pages(pages, nr, nr + 1) ? "written through the mapping, not seen in the page" : NULL;
}

static const char *map_check_live(void *addr, struct page **pages, unsigned int nr, bool writable)
{
	const char *why = test_vmalloc_knows(addr, pages, nr);

	if (why)
		return why;
	if (test_present(addr, nr) != nr)
		return "not every entry is present";
	if (test_aliased(pages, nr) != nr)
		return "a mapped page is not called aliased";
	if (!map_seen_everywhere(addr, nr))
		return "cannot be read on every CPU";
	return map_check_data(addr, pages, nr, writable);
}

/*
 * Once purged: neither page tables nor any TLB knows the address. Others may have
 * been given it since, when there are any (a file system, with the takeover): then
 * it can be read because entries are there, of other pages; or were, when that
 * mapping is purged by now, but then it was counted.
 */
static const char *map_check_gone(const void *addr, struct page **pages, unsigned int nr)
{
	long others = test_stat("map_calls");

	if (pvmem_unmap_aliases())
		return "pvmem_unmap_aliases() failed";
	if (test_still_maps(addr, pages, nr))
		return "an entry is present after the purge";
	if (test_readable(addr, nr) && !test_present(addr, nr) && test_stat("map_calls") == others)
		return "can be read after the purge";
	if (test_aliased(pages, nr))
		return "a page is called aliased after the purge";
	return test_counts_above(pages, nr, 1) ? "a page is held after the purge" : NULL;
}

static const char *map_check_size(struct page **pages, unsigned int nr, bool writable)
{
	void *addr = pvmem_map(pages, nr, writable ? PAGE_KERNEL : PAGE_KERNEL_RO);
	const char *why, *gone;

	if (!addr)
		return "not mapped";
	why = map_check_live(addr, pages, nr, writable);
	pvmem_unmap(addr);
	if (!why && test_aliased(pages, nr) != nr)
		why = "not called aliased between unmap and purge";
	gone = map_check_gone(addr, pages, nr);
	return why ?: gone;
}

static void map_sizes_with(struct test *test, struct page **pages, enum pvmem_policy policy, bool writable)
{
	const char *why = NULL;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(map_sizes) && !why; i++) {
		why = map_check_size(pages, map_sizes[i], writable);
		/* Seconds on a busy machine: whoever unloads a module waits for this task. */
		cond_resched_tasks_rcu_qs();
	}
	if (why)
		test_note(test, "at %u pages", map_sizes[i - 1]);
	test_check(test, !why, "%s, %s: map, use, unmap and purge of 1 to %u pages%s%s", test_policy_name(policy),
		   writable ? "writable" : "read-only", MAP_SIZE_MAX, why ? ": " : "", why ?: "");
}

/**
 * test_map_sizes() - every size, policy and protection
 * @test: the case.
 */
void test_map_sizes(struct test *test)
{
	struct page **pages = test_pages_alloc(MAP_SIZE_MAX);
	long calls = test_stat("map_calls"), unmaps = test_stat("unmap_calls");
	unsigned int i, total = 2 * PVMEM_NR_POLICIES * ARRAY_SIZE(map_sizes);

	if (!pages) {
		test_check(test, false, "%u pages", MAP_SIZE_MAX);
		return;
	}
	for (i = 0; i < PVMEM_NR_POLICIES; i++) {
		test_policy(i);
		map_sizes_with(test, pages, i, true);
		map_sizes_with(test, pages, i, false);
	}
	test_check(test, test_stat("map_calls") - calls == total && test_stat("unmap_calls") - unmaps == total,
		   "%u maps and unmaps counted", total);
	test_pages_free(pages, MAP_SIZE_MAX);
}

/**
 * test_map_hold() - every size and protection, while the kernel makes page tables
 * @test: the case.
 *
 * Under policy hold alone: under track, pages that are freed while they have a
 * lazy mapping may become page tables of the kernel's own, which does not ask.
 */
void test_map_hold(struct test *test)
{
	struct page **pages = test_pages_alloc(MAP_SIZE_MAX);

	if (!pages) {
		test_check(test, false, "%u pages", MAP_SIZE_MAX);
		return;
	}
	test_policy(PVMEM_POLICY_HOLD);
	map_sizes_with(test, pages, PVMEM_POLICY_HOLD, true);
	map_sizes_with(test, pages, PVMEM_POLICY_HOLD, false);
	test_pages_free(pages, MAP_SIZE_MAX);
}

/* The same pages through two mappings, one of them in reverse order. */
static const char *map_check_nested(struct page **pages, unsigned int nr)
{
	struct page *reverse[200];
	void *a, *b;
	const char *why = NULL;
	unsigned int i;

	for (i = 0; i < nr; i++)
		reverse[i] = pages[nr - 1 - i];
	a = pvmem_map(pages, nr, PAGE_KERNEL);
	b = pvmem_map(reverse, nr, PAGE_KERNEL_RO);
	if (a && b) {
		test_fill(a, nr, 77);
		for (i = 0; i < nr && !why; i++)
			if (memcmp(a + i * PAGE_SIZE, b + (nr - 1 - i) * PAGE_SIZE, PAGE_SIZE))
				why = "two mappings of a page differ";
	} else {
		why = "not mapped";
	}
	pvmem_unmap(a);
	if (!why && pvmem_unmap_aliases())
		why = "purge failed";
	if (!why && test_verify_pages(pages, nr, 77))
		why = "data lost";
	if (!why && (test_aliased(pages, nr) != nr || test_present(b, nr) != nr))
		why = "the purge of one mapping took the other";
	pvmem_unmap(b);
	return why ?: map_check_gone(b ?: pages, pages, nr);
}

/* One page at every address of a mapping. */
static const char *map_check_repeated(struct page *page)
{
	struct page *pages[40];
	const char *why = NULL;
	unsigned int i;
	void *addr;

	for (i = 0; i < ARRAY_SIZE(pages); i++)
		pages[i] = page;
	addr = pvmem_map(pages, ARRAY_SIZE(pages), PAGE_KERNEL);
	if (!addr)
		return "not mapped";
	test_fill(addr + 7 * PAGE_SIZE, 1, 5);
	for (i = 0; i < ARRAY_SIZE(pages); i++)
		if (test_verify(addr + i * PAGE_SIZE, 1, 5))
			why = "an address shows something else";
	pvmem_unmap(addr);
	return why ?: map_check_gone(addr, pages, 1);
}

/* Mappings that begin and end in each other's middle; some overlap in pages. */
static const char *map_check_overlapping(struct page **pages)
{
	static const unsigned short size[] = { 5, 130, 1, 64, 600, 9, 128, 512 };
	void *addr[ARRAY_SIZE(size)];
	const char *why = NULL;
	unsigned int i;

	test_fill_pages(pages, MAP_SIZE_MAX, 9);
	for (i = 0; i < ARRAY_SIZE(size); i++) {
		addr[i] = pvmem_map(pages, size[i], PAGE_KERNEL);
		if (!addr[i])
			return "not mapped";
	}
	for (i = 0; i < ARRAY_SIZE(size); i += 2)
		pvmem_unmap(addr[i]);
	if (pvmem_unmap_aliases())
		why = "purge failed";
	for (i = 0; i < ARRAY_SIZE(size); i++) {
		if (i % 2 && test_verify(addr[i], size[i], 9))
			why = "a live mapping lost its pages to a purge";
		if (i % 2 == 0 && test_present(addr[i], size[i]))
			why = "a purge left an entry";
	}
	for (i = 0; i < ARRAY_SIZE(size); i += 2) {
		addr[i] = pvmem_map(pages, size[i], PAGE_KERNEL);
		if (!addr[i] || test_verify(addr[i], size[i], 9))
			why = "mapped again, shows something else";
	}
	for (i = 0; i < ARRAY_SIZE(size); i++)
		pvmem_unmap(addr[i]);
	return why ?: map_check_gone(addr[4], pages, 600);
}

static const char *map_check_ram(struct page **pages)
{
	void *addr = pvmem_map_ram(pages, 12, NUMA_NO_NODE);
	const char *why;

	if (!addr)
		return "not mapped";
	why = map_check_live(addr, pages, 12, true);
	pvmem_unmap_ram(addr, 12);
	return why ?: map_check_gone(addr, pages, 12);
}

/* The query costs nothing when there is nothing: it is counted apart. */
static const char *map_check_fast(struct page **pages)
{
	long fast, runs;

	pvmem_unmap_aliases();
	fast = test_stat("unmap_aliases_fast");
	runs = test_stat("purge_runs");
	pvmem_unmap_aliases();
	if (test_stat("unmap_aliases_fast") != fast + 1 || test_stat("purge_runs") != runs)
		return "nothing outstanding, but not the fast path";
	pvmem_unmap(pvmem_map(pages, 2, PAGE_KERNEL));
	pvmem_unmap_aliases();
	if (test_stat("unmap_aliases_fast") != fast + 1)
		return "something outstanding, but the fast path";
	return test_stat("lazy_pages") ? "something outstanding after it" : NULL;
}

/**
 * test_map_shapes() - mappings of the same pages, and at the same time
 * @test: the case.
 */
void test_map_shapes(struct test *test)
{
	struct page **pages = test_pages_alloc(MAP_SIZE_MAX);
	enum pvmem_policy policy;

	for (policy = 0; pages && policy < PVMEM_NR_POLICIES; policy++) {
		test_policy(policy);
		test_note(test, "policy %s", test_policy_name(policy));
		test_why(test, map_check_nested(pages, 17), "nested mappings of 17 pages");
		test_why(test, map_check_nested(pages, 200), "nested mappings of 200 pages");
		test_why(test, map_check_repeated(pages[0]), "one page 40 times in a mapping");
		test_why(test, map_check_overlapping(pages), "overlapping lifetimes");
		test_why(test, map_check_ram(pages), "pvmem_map_ram()");
		test_why(test, map_check_fast(pages), "fast path of pvmem_unmap_aliases()");
	}
	test_check(test, pages && !test_counts_above(pages, MAP_SIZE_MAX, 1), "nobody holds the pages any more");
	test_check(test, !test_stat("live_pages") && !test_stat("lazy_pages"), "nothing live or lazy");
	test_pages_free(pages, MAP_SIZE_MAX);
}

/* More than window_max_mb (default) of one page. */
static bool map_too_large(struct page *page)
{
	unsigned int i, nr = (4096U << (20 - PAGE_SHIFT)) + 1;
	struct page **pages = kvmalloc_array(nr, sizeof(*pages), GFP_KERNEL);
	void *addr = NULL;

	for (i = 0; pages && i < nr; i++)
		pages[i] = page;
	if (pages)
		addr = pvmem_map(pages, nr, PAGE_KERNEL);
	kvfree(pages);
	return pages && !addr;
}

/**
 * test_map_refused() - what cannot be mapped gives NULL and changes nothing
 * @test: the case.
 */
void test_map_refused(struct test *test)
{
	struct page **pages = test_pages_alloc(2);
	long refused = test_stat("map_refused"), failed = test_stat("map_failed");
	long windows = test_stat("windows"), calls = test_stat("map_calls");

	test_check(test, pages && !pvmem_map(pages, 0, PAGE_KERNEL), "no pages");
	test_check(test, pages && !pvmem_map(pages, 2, __pgprot(0)), "not present");
	test_check(test, pages && !pvmem_map(pages, 2, __pgprot(_PAGE_TABLE)), "for users");
	test_check(test, test_stat("map_refused") == refused + 3, "refusals counted");
	test_check(test, pages && map_too_large(pages[0]), "more than the address space limit");
	test_check(test, test_stat("map_failed") + test_stat("map_refused") == failed + refused + 4, "failure counted");
	test_check(test, test_stat("windows") == windows && test_stat("map_calls") == calls, "nothing changed");
	test_check(test, pages && !test_aliased(pages, 2), "nothing is called aliased");
	pvmem_unmap(NULL);
	test_check(test, !test_stat("unmap_bad"), "unmap of NULL is ignored");
	test_pages_free(pages, 2);
}

#define GROW_MAPS 5

/**
 * test_map_grow() - more live mappings than one window holds
 * @test: the case.
 */
void test_map_grow(struct test *test)
{
	struct page **pages = test_pages_alloc(MAP_SIZE_MAX);
	long windows = test_stat("windows");
	void *addr[GROW_MAPS] = { NULL };
	unsigned int i, bad = 0;

	if (!pages) {
		test_check(test, false, "%u pages", MAP_SIZE_MAX);
		return;
	}
	for (i = 0; i < GROW_MAPS; i++)
		addr[i] = pvmem_map(pages, MAP_SIZE_MAX, PAGE_KERNEL);
	test_fill_pages(pages, MAP_SIZE_MAX, 3);
	for (i = 0; i < GROW_MAPS; i++)
		bad += !addr[i] || test_verify(addr[i], MAP_SIZE_MAX, 3);
	test_check(test, !bad, "%u live mappings of %u pages", GROW_MAPS, MAP_SIZE_MAX);
	test_check(test, test_stat("windows") > windows || windows > 1, "in more than one window");
	test_check(test, test_stat("live_pages") == GROW_MAPS * MAP_SIZE_MAX, "all counted live");
	for (i = 0; i < GROW_MAPS; i++)
		pvmem_unmap(addr[i]);
	test_why(test, map_check_gone(addr[0] ?: pages, pages, MAP_SIZE_MAX), "all purged");
	test_check(test, !test_stat("live_pages") && !test_stat("lazy_pages"), "nothing live or lazy");
	test_pages_free(pages, MAP_SIZE_MAX);
}

/* One page so many times that the length has bits far beyond those of a table. */
static const char *map_check_huge(struct page *page, unsigned int nr)
{
	struct page **pages = kvmalloc_array(nr, sizeof(*pages), GFP_KERNEL);
	const char *why = NULL;
	unsigned int i;
	void *addr;

	if (!pages)
		return "no memory";
	for (i = 0; i < nr; i++)
		pages[i] = page;
	addr = pvmem_map(pages, nr, PAGE_KERNEL);
	kvfree(pages);
	if (!addr)
		return "not mapped";
	if (test_present(addr, nr) != nr)
		why = "not every entry is present";
	pvmem_unmap_ram(addr, nr);
	if (test_stat("live_pages"))
		why = "not all unmapped";
	return map_check_gone(addr, &page, 1) ?: why;
}

/**
 * test_map_huge() - tens of megabytes
 * @test: the case.
 */
void test_map_huge(struct test *test)
{
	static const unsigned int sizes[] = { 4096, 4096 + 5, 8192 + 512, 16384 + 512, 32768 + 129 };
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned int i;

	test_policy(PVMEM_POLICY_TRACK);
	for (i = 0; page && i < ARRAY_SIZE(sizes); i++) {
		test_note(test, "%u pages", sizes[i]);
		test_why(test, map_check_huge(page, sizes[i]), "a huge map");
	}
	test_check(test, page && !test_stat("lazy_pages"), "nothing lazy");
	/* One that is still mapped would harm the tests that come after. */
	if (page && !pvmem_page_aliased(page))
		__free_page(page);
}

#define SOME 4
#define ALL 12

/* Groups of pages mapped apart; only the middle group is asked to be unaliased. */
static const char *unmap_pages_check(struct page **pages, enum pvmem_policy policy)
{
	struct page **wanted = pages + SOME;
	void *addr[ALL / SOME];
	unsigned int i;

	test_policy(policy);
	pvmem_unmap_aliases();
	for (i = 0; i < ALL / SOME; i++)
		addr[i] = pvmem_map(pages + i * SOME, SOME, PAGE_KERNEL);
	for (i = 0; i < ALL / SOME; i++)
		pvmem_unmap(addr[i]);
	if (test_aliased(pages, ALL) != ALL)
		return "not lazy";
	if (pvmem_unmap_pages(wanted, SOME))
		return "failed";
	if (test_aliased(wanted, SOME) || test_present(addr[1], SOME) || test_readable(addr[1], SOME))
		return "a page it was given is still mapped";
	if (test_aliased(pages, ALL) != ALL - SOME || test_stat("lazy_pages") != ALL - SOME)
		return "other pages were purged too";
	if (policy != PVMEM_POLICY_EAGER && test_present(addr[0], SOME) != SOME)
		return "other entries were cleared too";
	return pvmem_unmap_aliases() || test_aliased(pages, ALL) ? "the rest was not purged" : NULL;
}

/* A live mapping is not touched: it stays aliased. */
static const char *unmap_pages_check_live(struct page **pages)
{
	void *live = pvmem_map(pages, SOME, PAGE_KERNEL), *lazy = pvmem_map(pages, SOME, PAGE_KERNEL);
	const char *why = NULL;

	pvmem_unmap(lazy);
	if (pvmem_unmap_pages(pages, SOME) || test_present(lazy, SOME))
		why = "the lazy mapping stayed";
	if (!live || test_present(live, SOME) != SOME || test_aliased(pages, SOME) != SOME)
		why = "the live mapping did not";
	pvmem_unmap(live);
	return pvmem_unmap_pages(pages, SOME) || test_aliased(pages, SOME) ? "not purged in the end" : why;
}

/**
 * test_unmap_pages() - purge of some pages only
 * @test: the case.
 */
void test_unmap_pages(struct test *test)
{
	struct page **pages = test_pages_alloc(ALL);
	enum pvmem_policy policy;
	long runs;

	if (!pages) {
		test_check(test, false, "%u pages", ALL);
		return;
	}
	for (policy = 0; policy < PVMEM_NR_POLICIES; policy++)
		test_why(test, unmap_pages_check(pages, policy), test_policy_name(policy));
	test_why(test, unmap_pages_check_live(pages), "pages that are mapped as well");
	runs = test_stat("purge_runs");
	test_check(test, !pvmem_unmap_pages(pages, ALL) && test_stat("purge_runs") == runs,
		   "pages without mappings: no purge");
	test_pages_free(pages, ALL);
}

/**
 * test_unmap_bad() - addresses that are no mapping are refused; warns, by design
 * @test: the case.
 */
void test_unmap_bad(struct test *test)
{
	struct page **pages = test_pages_alloc(8);
	long bad = test_stat("unmap_bad"), refused;
	unsigned int bit;
	void *addr = pages ? pvmem_map(pages, 8, PAGE_KERNEL) : NULL;

	if (!addr) {
		test_check(test, false, "a mapping");
		return;
	}
	pvmem_unmap(addr + PAGE_SIZE);
	pvmem_unmap(addr + 1);
	pvmem_unmap(addr + (64UL << 20));
	pvmem_unmap(page_address(pages[0]));
	pvmem_unmap_ram(addr, 7);
	pvmem_unmap_ram(addr, 0);
	for (bit = 16; bit; bit <<= 1)
		pvmem_unmap_ram(addr, 8 | bit);
	refused = test_stat("unmap_bad") - bad;
	test_check(test, refused == 6 + 28, "each refused and counted: %ld", refused);
	test_fill(addr, 8, 1);
	test_check(test, test_present(addr, 8) == 8 && !test_verify_pages(pages, 8, 1), "the mapping is untouched");
	pvmem_unmap(addr);
	pvmem_unmap(addr);
	test_check(test, test_stat("unmap_bad") == bad + refused + 1, "unmapped twice, counted");
	test_check(test, !pvmem_unmap_aliases() && !test_aliased(pages, 8), "purged");
	test_check(test, !test_stat("live_pages") && !test_counts_above(pages, 8, 1), "nothing live, nothing held");
	test_pages_free(pages, 8);
}

/**
 * test_idle() - refused=1: nothing of anybody's is outstanding
 * @test: the case.
 */
void test_idle(struct test *test)
{
	static const char *const states[] = { "live_pages", "lazy_pages", "ptpool_out" };
	static const char *const never[] = { "hypercall_failed", "purge_retried", "ptpool_pin_failed" };
	unsigned int i;

	pvmem_unmap_aliases();
	for (i = 0; i < ARRAY_SIZE(states); i++)
		test_check(test, test_stat(states[i]) == 0, "%s is %ld", states[i], test_stat(states[i]));
	/* Some tests have Xen refuse something. */
	for (i = 0; i < ARRAY_SIZE(never) && !test_arg(test, "refused", 0); i++)
		test_check(test, test_stat(never[i]) == 0, "%s is %ld", never[i], test_stat(never[i]));
}
