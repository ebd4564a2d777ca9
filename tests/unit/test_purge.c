// SPDX-License-Identifier: GPL-2.0
/* What a purge takes, what it leaves, and what happens when it cannot. */
#include "fake_backend.h"
#include "tests.h"
#include "world.h"

static struct world w;

static void start(enum pvmem_policy policy)
{
	struct pvmem_config config = world_config;

	config.policy = policy;
	config.max_blocks = 64;
	fake_reset();
	check(world_start(&w, &config));
}

static void unmap_all(void)
{
	while (w.nr_live)
		world_unmap(&w, w.nr_live - 1);
}

void test_purge_nothing(void)
{
	start(PVMEM_POLICY_HOLD);
	check(!pvmem_purge(w.pv));
	check(pvmem_try_purge(w.pv));
	check(!pvmem_purge_pages(w.pv, w.page, 0));
	world_map(&w, 1, 20, 1);
	check(!pvmem_purge(w.pv) && !pvmem_purge_pages(w.pv, w.page + 20, 1));
	check(pvmem_stat_sum(w.pv, purge_runs) == 0);
	world_check(&w);
	world_stop(&w);
}

/* Blocks that are dead as a whole: one flush for every PVMEM_PURGE_BLOCKS of them. */
void test_purge_whole_blocks(void)
{
	unsigned long flushes;
	unsigned int i;

	start(PVMEM_POLICY_HOLD);
	for (i = 0; i < 2 * PVMEM_PURGE_BLOCKS; i++)
		check(world_map(&w, 400, i, 0));
	unmap_all();
	world_check(&w);
	flushes = fake_nr_flushes();
	check(!pvmem_purge(w.pv));
	world_check(&w);
	check(!w.walk.dead && !w.walk.used);
	check(fake_nr_flushes() - flushes == 2);
	world_stop(&w);
}

/* More dead spans in a block than a batch has room for, live ones between them. */
void test_purge_many_spans(void)
{
	int policy, i;

	for (policy = 0; policy < PVMEM_NR_POLICIES; policy++) {
		start(policy);
		for (i = 0; i < 1024; i++)
			check(world_map(&w, 1, 20 + i % 100, 1));
		for (i = 1022; i >= 0; i -= 2)
			world_unmap(&w, i);
		world_check(&w);
		check(w.walk.dead == 512 && w.walk.live == 512);
		check(!pvmem_purge(w.pv));
		world_check(&w);
		check(!w.walk.dead && w.walk.live == 512);
		/* All holes are one page. */
		for (i = 0; i < 512; i++)
			check(world_map(&w, 1, 20, 0));
		world_check(&w);
		unmap_all();
		world_stop(&w);
	}
}

/* Blocks of 85 dead spans each: the fourth does not fit into the batch. */
void test_purge_batch_full(void)
{
	int policy, i, nr = 5 * 170;

	for (policy = 0; policy < PVMEM_NR_POLICIES; policy++) {
		start(policy);
		for (i = 0; i < nr; i++)
			check(world_map(&w, 3, 20, 0));
		for (i = nr - 1; i > 0; i -= 2)
			world_unmap(&w, i);
		check(!pvmem_purge(w.pv));
		world_check(&w);
		check(!w.walk.dead && w.walk.live == nr / 2 * 3);
		unmap_all();
		world_stop(&w);
	}
}

void test_purge_filter(void)
{
	struct page *filter[3];
	int policy;

	for (policy = 0; policy < PVMEM_NR_POLICIES; policy++) {
		start(policy);
		world_map(&w, 3, 20, 1);
		world_map(&w, 3, 30, 1);
		world_map(&w, 3, 40, 1);
		world_map(&w, 200, 22, 0);
		world_map(&w, 200, 50, 0);
		unmap_all();
		filter[0] = w.page[41];
		filter[1] = w.page[22];
		filter[2] = w.page[41];
		check(!pvmem_purge_pages(w.pv, filter, 3));
		world_check(&w);
		check(w.walk.dead == 3 + 200);
		check(!w.walk.lazy[page_to_pfn(w.page[20])] && !w.walk.lazy[page_to_pfn(w.page[40])]);
		check(w.walk.lazy[page_to_pfn(w.page[30])] && w.walk.lazy[page_to_pfn(w.page[50])]);
		/* Without memory for the filter everything goes. */
		shim_fail_alloc(1, false);
		check(!pvmem_purge_pages(w.pv, filter, 1));
		world_check(&w);
		check(!w.walk.dead);
		world_stop(&w);
	}
}

/* What could not be cleared stays lazy, counted and held, and the next purge takes it. */
static void refuse(enum pvmem_policy policy, enum fake_failure how)
{
	unsigned long dead;
	int err;

	start(policy);
	world_map(&w, 5, 20, 1);
	world_map(&w, 1, 40, 1);
	world_map(&w, 7, 30, 1);
	world_map(&w, 400, 20, 0);
	world_map(&w, 600, 20, 0);
	world_unmap(&w, 4);
	world_unmap(&w, 3);
	world_unmap(&w, 2);
	world_unmap(&w, 0);
	world_check(&w);
	dead = w.walk.dead;
	fake_fail(FAKE_ZAP, how, 1, false);
	err = pvmem_purge(w.pv);
	/* With eager there may be no range to refuse. */
	check(!fake_fail_hit() || err == -EFAULT);
	world_check(&w);
	check(!fake_fail_hit() || w.walk.dead);
	check(how == FAKE_ELEMENT || w.walk.dead == dead);
	if (how == FAKE_ELEMENT && w.walk.dead >= dead)
		die("policy %u: one range is refused, and %lu of %lu pages stay lazy", policy, w.walk.dead, dead);
	check(!pvmem_purge(w.pv));
	world_check(&w);
	check(!w.walk.dead && w.walk.live == 1);
	world_stop(&w);
}

void test_purge_refused(void)
{
	int policy, how;

	for (policy = 0; policy < PVMEM_NR_POLICIES; policy++)
		for (how = 0; how < FAKE_NR_FAILURES; how++)
			refuse(policy, how);
}

/* A refusal must not send a purge round in circles, nor lose the rest of a long list. */
void test_purge_refused_always(void)
{
	int i;

	start(PVMEM_POLICY_HOLD);
	for (i = 0; i < 900; i++)
		world_map(&w, 1, 20, 1);
	for (i = 898; i >= 0; i -= 2)
		world_unmap(&w, i);
	fake_fail(FAKE_ZAP, FAKE_ELEMENT, 1, true);
	check(pvmem_purge(w.pv) == -EFAULT);
	world_check(&w);
	check(w.walk.dead == 450);
	world_faults_off();
	check(!pvmem_purge(w.pv));
	world_check(&w);
	check(!w.walk.dead);
	unmap_all();
	world_stop(&w);
}

void test_alias_table(void)
{
	struct page *pages[3] = { pfn_to_page(0), pfn_to_page(9), pfn_to_page(0) }, *to[3];
	struct page *bad[3] = { pfn_to_page(5), NULL, pfn_to_page(6) };
	struct pvmem_alias alias;

	check(!pvmem_alias_init(&alias, 10));
	check(pvmem_alias_record_all(&alias, to, pages, 3) == 3);
	check(!memcmp(to, pages, sizeof(to)));
	check(pvmem_alias_query(&alias, pages[0]) && pvmem_alias_query(&alias, pages[1]));
	check(!pvmem_alias_query(&alias, pfn_to_page(1)) && !pvmem_alias_query(&alias, pfn_to_page(10)));
	pvmem_alias_drop(&alias, to, 2);
	check(pvmem_alias_query(&alias, pages[0]) && !pvmem_alias_query(&alias, pages[1]));
	pvmem_alias_drop(&alias, to + 2, 1);
	check(!pvmem_alias_query(&alias, pages[0]));
	/* What is no page is not counted, nor what comes after it. */
	check(pvmem_alias_record_all(&alias, to, bad, 3) == 1);
	pvmem_alias_drop(&alias, to, 1);
	bad[1] = pfn_to_page(10);
	check(pvmem_alias_record_all(&alias, to, bad, 3) == 1);
	check(pvmem_alias_query(&alias, bad[0]) && !pvmem_alias_query(&alias, bad[2]));
	pvmem_alias_drop(&alias, to, 1);
	check(!pvmem_alias_query(&alias, bad[0]) && !pvmem_alias_query(&alias, NULL));
	pvmem_alias_exit(&alias);
	shim_fail_alloc(1, false);
	check(pvmem_alias_init(&alias, 10) == -ENOMEM);
	pvmem_alias_exit(&alias);
	check(!shim_allocated());
}
