// SPDX-License-Identifier: GPL-2.0
/* Maps and unmaps at the edges of what is allowed. */
#include "fake_backend.h"
#include "tests.h"
#include "world.h"

static struct world w;

static unsigned long stat(enum pvmem_stat which)
{
	return pvmem_stats_sum(w.pv, which);
}
#define stat(name) stat(PVMEM_STAT_##name)

static void start(enum pvmem_policy policy)
{
	struct pvmem_config config = world_config;

	config.policy = policy;
	fake_reset();
	fake_hold_only = policy == PVMEM_POLICY_HOLD;
	check(world_start(&w, &config));
}

static void purge(void)
{
	check(!pvmem_purge(w.pv));
	world_check(&w);
	check(!w.walk.dead);
}

void test_map_bad_arguments(void)
{
	static const unsigned int huge[] = { UINT_MAX, UINT_MAX - 510, UINT_MAX - 511, UINT_MAX / 2,
					     9 * PVMEM_BLOCK_PAGES };
	struct page *page;
	unsigned int i;

	start(PVMEM_POLICY_HOLD);
	page = w.page[0];
	check(!pvmem_vmap(w.pv, &page, 0, PAGE_KERNEL));
	check(!pvmem_vmap(w.pv, &page, 1, __pgprot(0)));
	check(!pvmem_vmap(w.pv, &page, 1, __pgprot(_PAGE_PRESENT | _PAGE_USER)));
	check(!pvmem_vmap(w.pv, &page, 1, __pgprot(_PAGE_PRESENT | _PAGE_PSE)));
	check(stat(map_refused) == 4);
	for (i = 0; i < sizeof(huge) / sizeof(*huge); i++)
		check(!pvmem_vmap(w.pv, &page, huge[i], PAGE_KERNEL));
	/* Asking for the impossible costs no address space. */
	check(stat(window_grown) == 1);
	check(stat(map_calls) == 0);
	world_check(&w);
	world_stop(&w);
}

static void unmap_bad(const char *addr, unsigned int nr)
{
	unsigned long bad = stat(unmap_bad), calls = stat(unmap_calls);

	check(pvmem_vunmap(w.pv, addr, nr) == -EINVAL);
	check(stat(unmap_bad) == bad + 1 && stat(unmap_calls) == calls);
	world_check(&w);
}

void test_unmap_bad_address(void)
{
	const char *small, *large;
	unsigned int bit;
	int policy;

	for (policy = 0; policy < PVMEM_NR_POLICIES; policy++) {
		start(policy);
		small = world_map(&w, 5, 20, 1);
		large = world_map(&w, 700, 20, 1);
		unmap_bad(NULL, 0);
		unmap_bad((char *)&w, 0);
		unmap_bad((char *)SHIM_VMALLOC_START + 1023 * PVMEM_BLOCK_SIZE, 0);
		unmap_bad(small + 1, 0);
		unmap_bad(small + PAGE_SIZE, 0);
		unmap_bad(small + 4 * PAGE_SIZE, 1);
		unmap_bad(small, 4);
		unmap_bad(small, 6);
		/* Bits that mean something in a span must not in a length. */
		for (bit = PVMEM_SPAN_LEN + 1; bit; bit <<= 1)
			unmap_bad(small, bit | 5);
		unmap_bad(small + 5 * PAGE_SIZE, 0);
		unmap_bad(large + PAGE_SIZE, 0);
		unmap_bad(large + PVMEM_BLOCK_SIZE, 0);
		unmap_bad(large + PVMEM_BLOCK_SIZE, 188);
		unmap_bad(large, 512);
		for (bit = PVMEM_SPAN_LEN + 1; bit; bit <<= 1)
			unmap_bad(large, bit | 512);
		check(!world_unmap(&w, 0));
		check(!world_unmap(&w, 0));
		unmap_bad(small, 0);
		unmap_bad(small, 5);
		unmap_bad(large, 0);
		unmap_bad(large, 700);
		purge();
		unmap_bad(small, 0);
		unmap_bad(large, 0);
		world_stop(&w);
	}
}

/* Any length can be unmapped with its length given. */
void test_unmap_huge(void)
{
	static const unsigned int nr[] = { 1024, 2048, 4096, 4096 + 512, 8192 + 512, 16384, 16384 + 512, 32768 + 512 };
	struct pvmem_config config = world_config;
	unsigned int i, policy;

	for (policy = 0; policy < PVMEM_NR_POLICIES; policy++) {
		config.policy = policy;
		config.max_blocks = 250;
		fake_reset();
		check(world_start(&w, &config));
		for (i = 0; i < sizeof(nr) / sizeof(*nr); i++) {
			check(world_map(&w, nr[i], 20, 0));
			check(!pvmem_vunmap(w.pv, w.live[0].addr, nr[i]));
			world_forget(&w, 0);
			world_check(&w);
			check(w.walk.dead == nr[i]);
			purge();
		}
		world_stop(&w);
	}
}

void test_same_page_many_times(void)
{
	struct page *page;

	start(PVMEM_POLICY_TRACK);
	page = w.page[30];
	world_map(&w, 4, 30, 0);
	world_map(&w, 1, 30, 0);
	world_map(&w, 600, 30, 0);
	check(atomic_read(&w.pv->alias.count[page_to_pfn(page)]) == 605);
	world_unmap(&w, 2);
	world_unmap(&w, 0);
	check(atomic_read(&w.pv->alias.count[page_to_pfn(page)]) == 605);
	purge();
	check(atomic_read(&w.pv->alias.count[page_to_pfn(page)]) == 1);
	check(pvmem_alias_query(&w.pv->alias, page));
	world_unmap(&w, 0);
	check(pvmem_alias_query(&w.pv->alias, page));
	purge();
	check(!pvmem_alias_query(&w.pv->alias, page));
	world_stop(&w);
}

/* Under hold, a page that cannot be held is gone when unmap returns. */
void test_unholdable_pages(void)
{
	unsigned int i;

	start(PVMEM_POLICY_HOLD);
	world_map(&w, 2, 40, 1);
	world_map(&w, 3, WORLD_PLAIN, 1);
	world_map(&w, 4, WORLD_COMPOUND, 1);
	world_map(&w, 200, WORLD_PLAIN + 1, 0);
	world_unmap(&w, 0); /* the last takes the place of the one that ends */
	world_unmap(&w, 1);
	world_check(&w);
	check(stat(unmap_unheld) == 1);
	check(w.walk.held == 2 && w.walk.dead == 2);
	world_unmap(&w, 0);
	world_unmap(&w, 0);
	for (i = 0; i < 4; i++)
		check(!fake_mapcount(w.page[WORLD_PLAIN + i]));
	check(fake_mapcount(w.page[WORLD_COMPOUND]) == 1);
	check(stat(unmap_unheld) == 2);
	purge();
	/* When even that is refused, the page stays counted, and a purge repairs it. */
	world_map(&w, 1, WORLD_PLAIN + 1, 0);
	fake_fail(FAKE_ZAP, FAKE_CALL, 1, false);
	world_unmap(&w, 0);
	check(fake_fail_hit());
	world_check(&w);
	check(pvmem_alias_query(&w.pv->alias, w.page[WORLD_PLAIN + 1]));
	purge();
	check(!pvmem_alias_query(&w.pv->alias, w.page[WORLD_PLAIN + 1]));
	world_stop(&w);
}

void test_policy_switch(void)
{
	unsigned int i, policy;

	start(PVMEM_POLICY_HOLD);
	for (i = 0; i < 60; i++)
		world_map(&w, i == 50 ? 600 : 1 + i % 7, 20 + i, 1);
	for (i = 0; w.nr_live > 10; i++) {
		policy = i % PVMEM_NR_POLICIES;
		world_set_policy(&w, policy);
		world_unmap(&w, i * 7 % w.nr_live);
		world_check(&w);
	}
	check(w.walk.held && w.walk.held < w.walk.dead);
	purge();
	world_stop(&w);
}

void test_page_outside_table(void)
{
	static const unsigned int nr[] = { 1, 2, 5, 128, 129, 512, 513, 700 };
	unsigned int i;

	start(PVMEM_POLICY_HOLD);
	world_map(&w, 1, 20, 1);
	for (i = 0; i < sizeof(nr) / sizeof(*nr); i++) {
		for (w.outside_at = 0; w.outside_at < nr[i]; w.outside_at = w.outside_at * 2 + 1) {
			check(!world_map(&w, nr[i], 20, 1));
			world_check(&w);
		}
		w.outside_at = nr[i] - 1;
		check(!world_map(&w, nr[i], 20, 1));
		world_check(&w);
	}
	purge();
	check(w.walk.used == 1 && w.walk.live == 1);
	world_stop(&w);
}

void test_address_space_exhausted(void)
{
	unsigned int i;

	start(PVMEM_POLICY_TRACK);
	for (i = 0; i < 4; i++)
		check(world_map(&w, 2 * PVMEM_BLOCK_PAGES, 20, 1));
	check(!world_map(&w, 1, 20, 1));
	check(stat(map_failed) == 1 && stat(purge_throttled) == 0);
	world_unmap(&w, 1);
	/* What is lazy is purged on the spot when nothing else is left. */
	check(world_map(&w, 1, 20, 1));
	check(stat(purge_throttled) == 1);
	check(world_map(&w, 300, 20, 1));
	check(!world_map(&w, 129, 20, 1));
	check(stat(window_grown) == 4);
	world_check(&w);
	world_stop(&w);
}

void test_window_growth_fails(void)
{
	unsigned int i;

	for (i = 1; i < 5; i++) {
		start(PVMEM_POLICY_HOLD);
		check(world_map(&w, 1000, 20, 1));
		shim_fail_alloc(i, true);
		check(!world_map(&w, 1000, 20, 1));
		check(shim_fail_alloc_hit());
		world_check(&w);
		world_unmap(&w, 0);
		/* No memory, but lazy address space. */
		check(world_map(&w, 900, 20, 1));
		world_faults_off();
		check(world_map(&w, 1000, 20, 1));
		world_check(&w);
		world_stop(&w);
	}
}

/* Windows at every offset in their area. */
void test_window_alignment(void)
{
	static const unsigned int offset[] = { 0, 1, 255, 256, 510, 511 };
	unsigned int i;

	for (i = 0; i < sizeof(offset) / sizeof(*offset); i++) {
		shim_vmap_misalign(offset[i]);
		start(PVMEM_POLICY_HOLD);
		check(world_map(&w, 1024, 20, 1));
		check(world_map(&w, 1024, 20, 1));
		check(world_map(&w, 512, 20, 1));
		check(world_map(&w, 1, 20, 1));
		world_check(&w);
		check((unsigned long)w.live[0].addr % PVMEM_BLOCK_SIZE == 0);
		world_stop(&w);
	}
}

/* One map that stays in every batch of maps that end must not cost a block each. */
void test_long_lived_maps_share_blocks(void)
{
	unsigned int round, i;

	start(PVMEM_POLICY_HOLD);
	for (round = 0; round < 100; round++) {
		for (i = 0; i < 500; i++)
			check(world_map(&w, 1, 20 + i, 1));
		while (w.nr_live > round + 1)
			world_unmap(&w, w.nr_live - 1);
		purge();
	}
	if (w.walk.used > 3)
		die("100 pages of long-lived maps keep %lu blocks", w.walk.used);
	world_stop(&w);
}

void test_hold_keeps_pages(void)
{
	struct page *page;

	start(PVMEM_POLICY_HOLD);
	page = w.page[30];
	world_map(&w, 1, 30, 1);
	world_unmap(&w, 0);
	check(world_renew_page(&w, 30));
	check(!page->free && w.page[30] != page);
	purge();
	check(page->free);
	world_stop(&w);
}

void test_lazy_limit(void)
{
	unsigned int i;

	start(PVMEM_POLICY_HOLD);
	/* Growing purges too: all windows are there before. */
	for (i = 0; i < 4; i++)
		check(world_map(&w, 2 * PVMEM_BLOCK_PAGES, 20, 0));
	while (w.nr_live)
		world_unmap(&w, 0);
	purge();
	w.pv->lazy_limit = 600;
	world_map(&w, 600, 20, 0);
	world_unmap(&w, 0);
	check(!shim_work_pump());
	world_map(&w, 130, 20, 0);
	world_unmap(&w, 0);
	check(shim_work_pump() == 1 && stat(purge_async) == 1);
	check(!pvmem_lazy_pages(w.pv));
	/* The worker does not come: above four times the limit the caller does it. */
	for (i = 0; i < 4; i++)
		check(world_map(&w, 601, 20, 0));
	while (w.nr_live)
		world_unmap(&w, 0);
	check(stat(purge_throttled) == 1 && !pvmem_lazy_pages(w.pv));
	world_stop(&w);
}

/*
 * Growing makes page tables of free pages: under track, where a free page may
 * still be mapped, those are purged first, and none appear meanwhile.
 */
static void growth_meets_lazy_pages(enum pvmem_policy later)
{
	unsigned int i;

	start(PVMEM_POLICY_TRACK);
	for (i = 0; i < 40; i++)
		world_map(&w, 1, 30 + i, 1);
	while (w.nr_live)
		world_unmap(&w, 0);
	for (i = 0; i < 40; i++)
		check(world_renew_page(&w, 30 + i));
	world_set_policy(&w, later);
	check(world_map(&w, 2000, 100, 0));
	check(w.pv->policy == later);
	world_check(&w);
	world_stop(&w);
}

void test_growth_meets_lazy_pages(void)
{
	growth_meets_lazy_pages(PVMEM_POLICY_TRACK);
}

/* Also those that became lazy under the policy of before. */
void test_growth_after_policy_switch(void)
{
	growth_meets_lazy_pages(PVMEM_POLICY_HOLD);
	growth_meets_lazy_pages(PVMEM_POLICY_EAGER);
}

/* What is still in use outlives the instance, and nothing else is touched. */
static void destroy_busy(void)
{
	check(pvmem_destroy(w.pv) == -EBUSY && fake_abandoned == 1);
	check(shim_pages_allocated() >= WORLD_PAGES);
}

void test_destroy_with_live_map(void)
{
	start(PVMEM_POLICY_HOLD);
	world_map(&w, 1, 20, 1);
	world_map(&w, 300, 20, 1);
	destroy_busy();
	check(fake_read(w.live[0].addr) == w.page[20]);
	check(fake_read(w.live[1].addr + 299 * PAGE_SIZE) == w.live[1].pages[299]);
}

void test_destroy_with_page_table_out(void)
{
	start(PVMEM_POLICY_HOLD);
	pvmem_ptpool_thaw(w.pv);
	shim_work_pump();
	check(world_take(&w));
	destroy_busy();
	check(w.out[0]->pinned);
}

void test_destroy_with_refused_purge(void)
{
	start(PVMEM_POLICY_HOLD);
	world_map(&w, 1, 20, 1);
	world_unmap(&w, 0);
	fake_fail(FAKE_ZAP, FAKE_CALL, 1, true);
	destroy_busy();
	check(atomic_read(&w.page[20]->refcount) == 2);
}

void test_two_instances(void)
{
	struct pvmem *other;
	void *addr;

	start(PVMEM_POLICY_TRACK);
	other = pvmem_create(&fake_backend, &world_config);
	check(!IS_ERR(other));
	world_map(&w, 3, 20, 1);
	addr = pvmem_vmap(other, &w.page[30], 4, PAGE_KERNEL);
	check(fake_read(addr) == w.page[30]);
	check(!pvmem_alias_query(&w.pv->alias, w.page[30]) && pvmem_alias_query(&other->alias, w.page[30]));
	check(pvmem_vunmap(w.pv, addr, 0) == -EINVAL);
	check(!pvmem_vunmap(other, addr, 0));
	check(!pvmem_lazy_pages(w.pv) && pvmem_lazy_pages(other) == 4);
	check(!pvmem_destroy(other));
	world_check(&w);
	world_stop(&w);
}
