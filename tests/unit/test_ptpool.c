// SPDX-License-Identifier: GPL-2.0
/* The pool of page-table pages. */
#include "fake_backend.h"
#include "tests.h"
#include "world.h"

static struct world w;

static void start(enum pvmem_policy policy, unsigned long low, unsigned long high, unsigned long cap)
{
	struct pvmem_config config = world_config;

	config.policy = policy;
	config.pool.low = low;
	config.pool.high = high;
	config.pool.cap = cap;
	fake_reset();
	check(world_start(&w, &config));
	world_check(&w);
}

static void pump(void)
{
	shim_work_pump();
	world_check(&w);
}

void test_pool_watermarks(void)
{
	unsigned int i;

	start(PVMEM_POLICY_HOLD, 4, 40, 500);
	/* Frozen at first: nothing to take, and no filling. */
	check(!world_take(&w));
	pump();
	check(!w.walk.pool);
	pvmem_ptpool_thaw(w.pv);
	pump();
	for (i = 0; i < SHIM_NR_NODES; i++)
		check(w.pv->pool.nodes[i].nr_ready == 40);
	for (i = 0; i < 120; i++) {
		check(world_take(&w));
		pump();
	}
	check(pvmem_stat_sum(w.pv, ptpool_empty) == 1);
	/* What comes back above the high watermark goes to the system. */
	while (w.nr_out)
		world_give(&w, false);
	world_check(&w);
	check(w.walk.pool > 2 * 40 + PVMEM_PTPOOL_CPU_MAX);
	pump();
	check(w.walk.pool <= 2 * 40 + PVMEM_PTPOOL_CPU_MAX);
	world_stop(&w);
}

void test_pool_cap(void)
{
	start(PVMEM_POLICY_HOLD, 4, 40, 10);
	pvmem_ptpool_thaw(w.pv);
	pump();
	check(w.walk.pool == 10);
	check(!pvmem_ptpool_prepare(w.pv, 100, 7));
	check(pvmem_ptpool_shrink(w.pv, 3) == 3);
	check(pvmem_ptpool_prepare(w.pv, 100, 2) == 3);
	world_check(&w);
	check(w.walk.pool == 10);
	check(pvmem_ptpool_shrink(w.pv, ULONG_MAX) == 10);
	world_check(&w);
	world_stop(&w);
	/* Off. */
	start(PVMEM_POLICY_HOLD, 0, 0, 100);
	pvmem_ptpool_thaw(w.pv);
	pump();
	check(!w.walk.pool && !world_take(&w));
	world_stop(&w);
}

void test_pool_dirty_pages(void)
{
	unsigned int i;

	start(PVMEM_POLICY_HOLD, 4, 40, 500);
	pvmem_ptpool_thaw(w.pv);
	pump();
	for (i = 0; i < 30; i++)
		check(world_take(&w));
	while (w.nr_out)
		world_give(&w, w.nr_out % 2);
	world_check(&w);
	check(pvmem_stat_sum(w.pv, ptpool_dirty) == 15);
	/* Those that were not washed yet are not handed out: world_take() checks. */
	for (i = 0; i < 60; i++)
		world_take(&w);
	pump();
	for (i = 0; i < 60; i++)
		world_take(&w);
	world_check(&w);
	/* And a drain washes them, or drops them. */
	world_give(&w, true);
	pvmem_ptpool_drain(w.pv, 5);
	world_check(&w);
	check(!w.walk.pool);
	world_stop(&w);
}

/* Page tables come back as the kernel frees them: somebody still looks at each. */
static void adopt_looked_at(struct page **pages, unsigned int nr)
{
	while (nr--) {
		get_page(*pages);
		pvmem_ptpool_adopt(w.pv, *pages++);
	}
}

static void start_claimed(struct page **pages, unsigned int nr)
{
	start(PVMEM_POLICY_HOLD, 0, 40, 500);
	pvmem_ptpool_thaw(w.pv);
	pump();
	check(pvmem_ptpool_claim(w.pv, pages, nr) == nr && !pvmem_ptpool_out(w.pv));
}

static bool among(const struct page *page, struct page **pages, unsigned int nr)
{
	while (nr--)
		if (page == *pages++)
			return true;
	return false;
}

/* A table that others look at, or that is not zero, is not handed out; then it is. */
void test_pool_adopts(void)
{
	struct page *old[10], *new[30], *all[39];
	unsigned int i;

	start_claimed(old, 10);
	*(unsigned long *)page_address(old[3]) = 1;
	adopt_looked_at(old, 10);
	check(pvmem_ptpool_claim(w.pv, new, 30) == 30);
	for (i = 0; i < 30; i++)
		check(new[i]->pinned &&page_count(new[i]) == 1 && !among(new[i], old, 10));
	for (i = 0; i < 30; i++)
		pvmem_ptpool_adopt(w.pv, new[i]);
	for (i = 0; i < 10; i++)
		put_page(old[i]);
	world_check(&w);
	while (!pvmem_stat_sum(w.pv, ptpool_dirty)) {
		check(pvmem_ptpool_claim(w.pv, all, 39) == 39);
		check(!among(old[3], all, 39));
		for (i = 0; i < 39; i++)
			pvmem_ptpool_adopt(w.pv, all[i]);
	}
	for (i = 0; i < 10; i++)
		check(i == 3 || among(old[i], all, 39));
	world_stop(&w);
}

/* Those that others look at can be given back all the same. */
void test_pool_adopted_shrunk(void)
{
	struct page *pages[5];
	unsigned int i;

	start_claimed(pages, 5);
	adopt_looked_at(pages, 5);
	check(pvmem_ptpool_shrink(w.pv, 5) == 5);
	for (i = 0; i < 5; i++) {
		check(!pages[i]->pinned && page_count(pages[i]) == 1);
		put_page(pages[i]);
	}
	world_check(&w);
	world_stop(&w);
}

/* What comes back is kept up to the cap; not while frozen or turned off. */
void test_pool_room(void)
{
	struct page *pages[3];

	start(PVMEM_POLICY_HOLD, 0, 4, 8);
	check(!pvmem_ptpool_has_room(w.pv));
	pvmem_ptpool_thaw(w.pv);
	pump();
	check(pvmem_ptpool_has_room(w.pv));
	check(pvmem_ptpool_claim(w.pv, pages, 3) == 3);
	WRITE_ONCE(w.pv->pool.config.cap, 3);
	pvmem_ptpool_adopt(w.pv, pages[0]);
	pvmem_ptpool_adopt(w.pv, pages[1]);
	pvmem_ptpool_adopt(w.pv, pages[2]);
	check(!pvmem_ptpool_has_room(w.pv));
	WRITE_ONCE(w.pv->pool.config.cap, 100);
	check(pvmem_ptpool_has_room(w.pv));
	WRITE_ONCE(w.pv->pool.config.high, 0);
	check(!pvmem_ptpool_has_room(w.pv));
	pvmem_ptpool_kick(w.pv);
	pump();
	check(!w.pv->pool.nodes[0].nr_used);
	world_stop(&w);
}

/* A dirty page that cannot be unpinned or pinned again is lost or freed, never handed out. */
void test_pool_dirty_refused(void)
{
	unsigned int op;

	for (op = FAKE_PIN; op <= FAKE_UNPIN; op *= 2) {
		start(PVMEM_POLICY_HOLD, 4, 40, 500);
		pvmem_ptpool_thaw(w.pv);
		pump();
		check(world_take(&w) && world_take(&w) && world_take(&w));
		world_give(&w, true);
		world_give(&w, true);
		world_give(&w, true);
		fake_fail(op, FAKE_ELEMENT, 2, false);
		pump();
		check(fake_fail_hit());
		world_stop(&w);
	}
}

/* A page that a lazy mapping maps is purged before it is pinned; never pinned so. */
void test_pool_purges_aliases(void)
{
	start(PVMEM_POLICY_TRACK, 4, 40, 500);
	world_map(&w, 1, 30, 1);
	world_unmap(&w, 0);
	check(world_renew_page(&w, 30)); /* the page freed is the next one allocated */
	check(pvmem_ptpool_prepare(w.pv, 1, 1) == 0);
	pvmem_ptpool_thaw(w.pv);
	check(pvmem_ptpool_prepare(w.pv, 4, 4) == 4);
	check(pvmem_stat_sum(w.pv, ptpool_fill_purges) == 1);
	check(!fake_pins_refused());
	world_check(&w);
	check(!w.walk.dead);
	world_stop(&w);
}

/* When the purge is refused, or the mapping is live, the page is not pinned either. */
void test_pool_drops_aliased(void)
{
	struct page *page;

	start(PVMEM_POLICY_TRACK, 0, 40, 500);
	world_map(&w, 1, 30, 1);
	world_unmap(&w, 0);
	page = w.page[30];
	check(world_renew_page(&w, 30));
	pvmem_ptpool_thaw(w.pv);
	fake_fail(FAKE_ZAP, FAKE_CALL, 1, true);
	check(pvmem_ptpool_prepare(w.pv, 4, 4) == 3);
	check(fake_fail_hit() && !fake_pins_refused());
	check(!page->pinned && pvmem_alias_query(&w.pv->alias, page));
	world_check(&w);
	world_stop(&w);
}

void test_pool_pin_refused(void)
{
	start(PVMEM_POLICY_HOLD, 4, 40, 500);
	WRITE_ONCE(w.pv->pool.frozen, false);
	fake_fail(FAKE_PIN, FAKE_ELEMENT, 2, false);
	check(pvmem_ptpool_prepare(w.pv, 4, 4) == 4);
	check(pvmem_stat_sum(w.pv, ptpool_pin_failed) == 1);
	world_check(&w);
	fake_fail(FAKE_PIN, FAKE_CALL, 1, true);
	check(pvmem_ptpool_prepare(w.pv, 8, 4) == 0);
	world_check(&w);
	check(w.walk.pool == 4);
	fake_fail(FAKE_UNPIN, FAKE_ELEMENT, 2, false);
	pvmem_ptpool_drain(w.pv, 64);
	world_check(&w);
	check(!w.walk.pool && fake_nr_pinned() == 1);
	world_stop(&w);
}

void test_pool_out_of_memory(void)
{
	start(PVMEM_POLICY_HOLD, 4, 40, 500);
	WRITE_ONCE(w.pv->pool.frozen, false);
	shim_fail_alloc(3, true);
	check(pvmem_ptpool_prepare(w.pv, 40, 4) == 2);
	world_faults_off();
	world_check(&w);
	check(w.walk.pool == 2);
	world_stop(&w);
}

void test_pool_freeze(void)
{
	unsigned int i;

	start(PVMEM_POLICY_HOLD, 4, 40, 500);
	pvmem_ptpool_thaw(w.pv);
	pump();
	for (i = 0; i < 20; i++)
		check(world_take(&w));
	world_give(&w, true);
	pvmem_ptpool_freeze(w.pv);
	world_check(&w);
	check(!w.walk.pool);
	pump();
	check(!w.walk.pool && !world_take(&w) && !pvmem_ptpool_prepare(w.pv, 4, 4));
	pvmem_ptpool_thaw(w.pv);
	pump();
	check(world_take(&w));
	world_stop(&w);
}

void test_pool_cpu_leaves(void)
{
	unsigned int i, cpu;

	start(PVMEM_POLICY_HOLD, 4, 100, 500);
	pvmem_ptpool_thaw(w.pv);
	pump();
	for (cpu = 0; cpu < SHIM_NR_CPUS; cpu++) {
		shim_cpu_set(cpu);
		check(world_take(&w));
		world_check(&w);
	}
	for (cpu = 0; cpu < SHIM_NR_CPUS; cpu++)
		pvmem_ptpool_leave_cpu(w.pv, cpu);
	world_check(&w);
	for (i = 0; i < SHIM_NR_CPUS; i++)
		check(!per_cpu_ptr(w.pv->pool.cpus, i)->nr);
	check(pvmem_ptpool_shrink(w.pv, ULONG_MAX) == w.walk.pool);
	world_check(&w);
	check(!w.walk.pool);
	world_stop(&w);
}
