// SPDX-License-Identifier: GPL-2.0
/*
 * Several tasks on several CPUs, and the workers, at everything at once. Each
 * task has pages of its own, whose contents it knows, and some that all share.
 */
#include <stdlib.h>
#include "fake_backend.h"
#include "tests.h"
#include "walk.h"

#define TASKS 4
#define PAGES 48
#define SHARED 8
#define LIVE 12
#define OUT 48

#ifndef STRESS_STEPS
#define STRESS_STEPS 3000
#endif

struct stress {
	struct pvmem *pv;
	struct page *shared[SHARED];
	bool switching;
	bool unholdable;
	bool faults;
};

struct stress_mapping {
	const char *addr;
	unsigned int nr;
	struct page *page[700];
};

struct stress_task {
	struct stress *stress;
	pthread_t thread;
	unsigned int number;
	unsigned int seed;
	struct page *page[PAGES];
	struct stress_mapping live[LIVE];
	unsigned int nr_live;
	struct page *out[OUT];
	unsigned int nr_out;
};

static struct stress stress;
static struct stress_task tasks[TASKS];

static unsigned int draw(struct stress_task *task, unsigned int limit)
{
	return rand_r(&task->seed) % limit;
}

static unsigned long secret(const struct stress_task *task, unsigned int i)
{
	return (task->number + 1) * 1000003ul + i;
}

static void page_new(struct stress_task *task, unsigned int i)
{
	task->page[i] = shim_pages(GFP_KERNEL, 0);
	*(unsigned long *)page_address(task->page[i]) = secret(task, i);
}

static void do_map(struct stress_task *task)
{
	struct stress_mapping *mapping = &task->live[task->nr_live];
	unsigned int i, kind = draw(task, 16);

	if (task->nr_live == LIVE)
		return;
	mapping->nr = kind == 0 ? 1 + draw(task, 700) : kind < 4 ? 1 + draw(task, 128) : 1 + draw(task, 4);
	for (i = 0; i < mapping->nr; i++)
		mapping->page[i] = draw(task, 8) ? task->page[draw(task, PAGES)]
						 : task->stress->shared[draw(task, SHARED)];
	mapping->addr = pvmem_vmap(task->stress->pv, mapping->page, mapping->nr, PAGE_KERNEL);
	task->nr_live += !!mapping->addr;
}

static void mapping_check(const struct stress_mapping *mapping)
{
	unsigned int i;

	for (i = 0; i < mapping->nr; i++) {
		check(fake_read(mapping->addr + i * PAGE_SIZE) == mapping->page[i]);
		check(pvmem_alias_query(&stress.pv->alias, mapping->page[i]));
	}
}

static void do_unmap(struct stress_task *task)
{
	struct stress_mapping *mapping;

	if (!task->nr_live)
		return;
	mapping = &task->live[draw(task, task->nr_live)];
	mapping_check(mapping);
	check(!pvmem_vunmap(task->stress->pv, mapping->addr, draw(task, 2) ? mapping->nr : 0));
	*mapping = task->live[--task->nr_live];
}

/* Everything this task unmapped before is gone when a purge returns. */
static void do_purge(struct stress_task *task)
{
	struct pvmem *pv = task->stress->pv;
	unsigned int i = draw(task, PAGES);
	int err;

	check(pvmem_lazy_pages(pv) < 100000);
	switch (draw(task, 4)) {
	case 0:
		pvmem_try_purge(pv);
		return;
	case 1:
		err = pvmem_purge_pages(pv, &task->page[i], 1);
		break;
	default:
		err = pvmem_purge(pv);
		break;
	}
	if (!err && !task->nr_live)
		check(!pvmem_alias_query(&pv->alias, task->page[i]));
}

/* Free a page that is not mapped any more; the pool or another task may get it. */
static void do_renew(struct stress_task *task)
{
	unsigned int i = draw(task, PAGES);

	if (task->nr_live)
		return;
	check(*(unsigned long *)page_address(task->page[i]) == secret(task, i));
	__free_page(task->page[i]);
	page_new(task, i);
}

static void do_take(struct stress_task *task)
{
	struct page *page = task->nr_out < OUT ? pvmem_ptpool_take(task->stress->pv) : NULL;
	unsigned int i;

	if (!page)
		return;
	check(page->pinned && !fake_mapcount(page));
	for (i = 0; i < PAGE_SIZE / sizeof(long); i++)
		check(!((unsigned long *)page_address(page))[i]);
	*(unsigned long *)page_address(page) = secret(task, task->nr_out);
	task->out[task->nr_out++] = page;
}

static void do_give(struct stress_task *task)
{
	struct page *page;

	if (!task->nr_out)
		return;
	page = task->out[--task->nr_out];
	check(*(unsigned long *)page_address(page) == secret(task, task->nr_out));
	*(unsigned long *)page_address(page) = draw(task, 20) == 0;
	pvmem_ptpool_give(task->stress->pv, page);
}

static void do_pool(struct stress_task *task)
{
	struct pvmem *pv = task->stress->pv;

	switch (draw(task, 6)) {
	case 0:
		pvmem_ptpool_shrink(pv, draw(task, 64));
		break;
	case 1:
		pvmem_ptpool_prepare(pv, draw(task, 64), 1 + draw(task, 64));
		break;
	case 2:
		pvmem_ptpool_drain(pv, 1 + draw(task, 64));
		break;
	case 3:
		pvmem_ptpool_freeze(pv);
		pvmem_ptpool_thaw(pv);
		break;
	default:
		do_take(task);
		break;
	}
}

/* One task takes the last CPU away and brings it back. */
static void do_cpu(struct stress_task *task)
{
	if (task->number)
		return;
	shim_cpu_offline(SHIM_NR_CPUS - 1);
	pvmem_block_leave_cpu(task->stress->pv, SHIM_NR_CPUS - 1);
	pvmem_ptpool_leave_cpu(task->stress->pv, SHIM_NR_CPUS - 1);
	shim_cpu_online(SHIM_NR_CPUS - 1);
}

static void do_query(struct stress_task *task)
{
	struct pvmem *pv = task->stress->pv;

	/* Never below zero, which would look like very many. */
	check(pvmem_lazy_pages(pv) < 100000);
	pvmem_overhead_bytes(pv);
	pvmem_ptpool_pages(pv);
	check(pvmem_windows_bytes(pv) >= PVMEM_BLOCK_SIZE);
	if (task->stress->switching) {
		mutex_lock(&pv->grow_mutex);
		WRITE_ONCE(pv->policy, draw(task, PVMEM_NR_POLICIES));
		mutex_unlock(&pv->grow_mutex);
	}
	check(pvmem_vunmap(pv, (char *)SHIM_VMALLOC_START + 1023 * PVMEM_BLOCK_SIZE, 0) == -EINVAL);
}

static void *stress_task(void *arg)
{
	/* The weight is the number of times. */
	static void (*const op[])(struct stress_task * task) = {
		do_map,	  do_map,   do_map,   do_map,	do_map,	  do_map,   do_map,   do_map,	do_unmap,
		do_unmap, do_unmap, do_unmap, do_unmap, do_unmap, do_unmap, do_unmap, do_purge, do_renew,
		do_take,  do_take,  do_take,  do_give,	do_give,  do_give,  do_pool,  do_cpu,	do_query,
	};
	struct stress_task *task = arg;
	unsigned int i;

	shim_cpu_set(task->number);
	for (i = 0; i < STRESS_STEPS; i++) {
		op[draw(task, sizeof(op) / sizeof(*op))](task);
		/* Sometimes everything ends, so that what needs that gets a chance. */
		while (i % 64 == 63 && task->nr_live)
			do_unmap(task);
	}
	while (task->nr_live)
		do_unmap(task);
	while (task->nr_out)
		do_give(task);
	return NULL;
}

static void pages_start(void)
{
	struct page *plain = shim_pages(GFP_KERNEL, 3);
	unsigned int i, j;

	/* Tails of a plain block have no count of their own. */
	for (i = 0; i < SHARED; i++)
		stress.shared[i] = stress.unholdable ? plain + i : shim_pages(GFP_KERNEL, 0);
	for (i = 0; i < TASKS; i++) {
		tasks[i] = (struct stress_task){ .stress = &stress, .number = i, .seed = 100 + i };
		for (j = 0; j < PAGES; j++)
			page_new(&tasks[i], j);
	}
}

/* While the workers run. */
static void faults_set(bool on)
{
	__atomic_store_n(&shim_fail_one_in, on ? 50 : 0, __ATOMIC_RELAXED);
	__atomic_store_n(&fake_fail_one_in, on ? 200 : 0, __ATOMIC_RELAXED);
}

static void stress_run(enum pvmem_policy policy)
{
	static const struct pvmem_config config = {
		.nr_pfns = SHIM_NR_PAGES,
		.lazy_limit = 256,
		.window_blocks = 2,
		.max_blocks = 24,
		.pool = { .low = 8, .high = 24, .cap = 200, .batch = 8 },
	};
	static struct walk found;
	struct pvmem_config own = config;
	unsigned int i;

	own.policy = policy;
	fake_reset();
	fake_tasks = true;
	fake_hold_only = policy == PVMEM_POLICY_HOLD && !stress.switching && !stress.unholdable;
	shim_work_threads(2);
	shim_migrate(true, 1);
	stress.pv = pvmem_create(&fake_backend, &own);
	check(!IS_ERR(stress.pv));
	pages_start();
	faults_set(stress.faults);
	pvmem_ptpool_thaw(stress.pv);
	for (i = 0; i < TASKS; i++)
		check(!pthread_create(&tasks[i].thread, NULL, stress_task, &tasks[i]));
	for (i = 0; i < TASKS; i++)
		pthread_join(tasks[i].thread, NULL);
	faults_set(false);
	pvmem_ptpool_freeze(stress.pv);
	cancel_work_sync(&stress.pv->purge_work);
	check(!pvmem_purge(stress.pv));
	walk(stress.pv, &found);
	check(!found.live && !found.dead && !found.pool);
	check(!fake_pins_refused());
	check(!pvmem_destroy(stress.pv));
}

void test_stress_hold(void)
{
	stress_run(PVMEM_POLICY_HOLD);
}

void test_stress_track(void)
{
	stress_run(PVMEM_POLICY_TRACK);
}

void test_stress_eager(void)
{
	stress_run(PVMEM_POLICY_EAGER);
}

void test_stress_switching(void)
{
	stress.switching = true;
	stress_run(PVMEM_POLICY_HOLD);
}

void test_stress_unholdable(void)
{
	stress.unholdable = true;
	stress_run(PVMEM_POLICY_HOLD);
}

void test_stress_with_faults(void)
{
	stress.switching = true;
	stress.faults = true;
	stress_run(PVMEM_POLICY_HOLD);
}

/* Two tasks end the same map at once, which is their bug: one of them is told. */
struct stress_pair {
	pthread_barrier_t barrier;
	const void *addr;
	unsigned int nr;
	unsigned int ended;
};

static struct stress_pair pair;

#define PAIR_ROUNDS 1500

static void *pair_task(void *arg)
{
	unsigned int i;

	shim_cpu_set(*(int *)arg);
	for (i = 0; i < PAIR_ROUNDS; i++) {
		pthread_barrier_wait(&pair.barrier);
		if (!pvmem_vunmap(stress.pv, pair.addr, pair.nr))
			__atomic_fetch_add(&pair.ended, 1, __ATOMIC_RELAXED);
		pthread_barrier_wait(&pair.barrier);
	}
	return NULL;
}

static void double_unmap(unsigned int nr)
{
	static const struct pvmem_config config = {
		.nr_pfns = SHIM_NR_PAGES,
		.lazy_limit = 100000,
		.window_blocks = 2,
		.max_blocks = 24,
		.pool = { .batch = 1 },
	};
	static struct walk found;
	struct page *page[5], *pages[600];
	pthread_t thread[2];
	int cpu[2] = { 0, 1 };
	unsigned int i;

	fake_reset();
	fake_tasks = true;
	shim_migrate(true, 1);
	stress.pv = pvmem_create(&fake_backend, &config);
	check(!IS_ERR(stress.pv));
	pthread_barrier_init(&pair.barrier, NULL, 3);
	for (i = 0; i < 5; i++)
		page[i] = shim_pages(GFP_KERNEL, 0);
	for (i = 0; i < 600; i++)
		pages[i] = page[i % 5];
	for (i = 0; i < 2; i++)
		check(!pthread_create(&thread[i], NULL, pair_task, &cpu[i]));
	for (i = 0; i < PAIR_ROUNDS; i++) {
		WRITE_ONCE(stress.pv->policy, i % PVMEM_NR_POLICIES);
		pair.nr = i % 2 ? nr : 0;
		pair.addr = pvmem_vmap(stress.pv, pages, nr, PAGE_KERNEL);
		check(pair.addr);
		pthread_barrier_wait(&pair.barrier);
		pthread_barrier_wait(&pair.barrier);
		check(pair.ended == i + 1);
		walk(stress.pv, &found);
		check(!found.live);
		if (i % 32 == 31)
			check(!pvmem_purge(stress.pv));
	}
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	check(!pvmem_destroy(stress.pv));
	for (i = 0; i < 5; i++)
		check(atomic_read(&page[i]->refcount) == 1);
}

void test_stress_double_unmap(void)
{
	double_unmap(5);
}

void test_stress_double_unmap_large(void)
{
	double_unmap(600);
}
