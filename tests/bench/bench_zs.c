// SPDX-License-Identifier: GPL-2.0
/*
 * pvmem_zs_bench.ko: the kernel's zsmalloc and pvmem's allocator through the
 * functions both export, in turns, in one boot. Loading it measures everything
 * once per round; /sys/kernel/debug/pvmem_zs_bench then holds one line of JSON a
 * measurement. Fields: bench, impl, n (bytes; 0: a mix), threads, ops, cycles,
 * pair (the round), and for zs_map mode and across.
 */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <asm/msr.h>
#include "bench_zs.h"

#define BENCH_ZS_OUT (256 << 10)
#define BENCH_ZS_OBJECTS 4096
#define BENCH_ZS_OPS 8192
#define BENCH_ZS_BULK 256

static uint rounds = 3;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "how often everything is measured");

static uint max_threads = 2;
module_param(max_threads, uint, 0444);
MODULE_PARM_DESC(max_threads, "threads of the parallel measurements, up to 8");

struct report bench_zs_report;

/* Sizes like those of source text and binaries: few small, most around 2000. */
static unsigned int bench_size(struct rnd_state *rnd)
{
	return 64 + (prandom_u32_state(rnd) % 1300) + (prandom_u32_state(rnd) % 1300) + (prandom_u32_state(rnd) % 1300);
}

static int bench_fill(const struct bench_zs *zs, void *pool, unsigned long *handles, unsigned int nr,
		      struct rnd_state *rnd)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		handles[i] = zs->malloc(pool, bench_size(rnd));
		if (!handles[i])
			break;
	}
	if (i == nr)
		return 0;
	while (i--)
		zs->free(pool, handles[i]);
	return -ENOMEM;
}

/* Replace objects at random in a pool of thousands: what zswap does to it in the long run. */
static int bench_churn(const struct bench_zs *zs, unsigned int round)
{
	unsigned long *handles = kvmalloc_array(BENCH_ZS_OBJECTS, sizeof(*handles), GFP_KERNEL);
	void *pool = zs->create();
	struct rnd_state rnd;
	unsigned int i, at, size;
	u64 cycles = 0, begin, fresh, churned;
	int err = -ENOMEM;

	prandom_seed_state(&rnd, round + 1);
	if (!handles || !pool || bench_fill(zs, pool, handles, BENCH_ZS_OBJECTS, &rnd))
		goto out;
	fresh = zs->bytes(pool);
	for (i = 0; i < BENCH_ZS_OPS; i++) {
		at = prandom_u32_state(&rnd) % BENCH_ZS_OBJECTS;
		size = bench_size(&rnd);
		begin = rdtsc_ordered();
		zs->free(pool, handles[at]);
		handles[at] = zs->malloc(pool, size);
		cycles += rdtsc_ordered() - begin;
		if (!handles[at])
			break;
		cond_resched();
	}
	err = i == BENCH_ZS_OPS ? 0 : -ENOMEM;
	churned = zs->bytes(pool);
	for (i = 0; i < BENCH_ZS_OBJECTS; i++)
		if (handles[i])
			zs->free(pool, handles[i]);
	report_print(
		&bench_zs_report,
		"{\"bench\":\"zs_malloc_free\",\"impl\":\"%s\",\"n\":0,\"threads\":1,\"ops\":%u,\"cycles\":%llu,\"pair\":%u,"
		"\"objects\":%u,\"fresh_bytes\":%llu,\"churned_bytes\":%llu}\n",
		zs->name, BENCH_ZS_OPS, cycles, round, BENCH_ZS_OBJECTS, fresh, churned);
out:
	if (pool)
		zs->destroy(pool);
	kvfree(handles);
	return err;
}

/* A stack of objects of one size: store some, drop them, the way a burst does. */
static int bench_burst(const struct bench_zs *zs, unsigned int size, unsigned int round)
{
	unsigned long *handles = kvmalloc_array(BENCH_ZS_OBJECTS, sizeof(*handles), GFP_KERNEL);
	void *pool = zs->create();
	unsigned int i, nr = 512;
	u64 begin, cycles;
	int err = -ENOMEM;

	if (!handles || !pool)
		goto out;
	begin = rdtsc_ordered();
	for (i = 0; i < nr; i++) {
		handles[i] = zs->malloc(pool, size);
		if (!handles[i])
			break;
	}
	err = i == nr ? 0 : -ENOMEM;
	while (i--)
		zs->free(pool, handles[i]);
	cycles = rdtsc_ordered() - begin;
	report_print(
		&bench_zs_report,
		"{\"bench\":\"zs_malloc_free\",\"impl\":\"%s\",\"n\":%u,\"threads\":1,\"ops\":%u,\"cycles\":%llu,\"pair\":%u}\n",
		zs->name, size, nr, cycles, round);
out:
	if (pool)
		zs->destroy(pool);
	kvfree(handles);
	return err;
}

/* Threads that free what is theirs, all at once. */
struct bench_worker {
	const struct bench_zs *zs;
	void *pool;
	unsigned long *handles;
	unsigned int nr;
	bool bulk;
	u64 begin, end;
	struct completion *go;
	struct completion done;
};

static int bench_worker(void *data)
{
	struct bench_worker *worker = data;
	const struct bench_zs *zs = worker->zs;
	unsigned int i;

	wait_for_completion(worker->go);
	worker->begin = rdtsc_ordered();
	if (worker->bulk && zs->free_bulk)
		for (i = 0; i < worker->nr; i += BENCH_ZS_BULK)
			zs->free_bulk(worker->pool, worker->handles + i,
				      min_t(unsigned int, BENCH_ZS_BULK, worker->nr - i));
	else
		for (i = 0; i < worker->nr; i++)
			zs->free(worker->pool, worker->handles[i]);
	worker->end = rdtsc_ordered();
	complete(&worker->done);
	return 0;
}

static int bench_parallel(const struct bench_zs *zs, unsigned int threads, bool bulk, unsigned int round)
{
	unsigned long *handles = kvmalloc_array(BENCH_ZS_OBJECTS * 2, sizeof(*handles), GFP_KERNEL);
	DECLARE_COMPLETION_ONSTACK(go);
	struct bench_worker worker[8];
	unsigned int i, nr = BENCH_ZS_OBJECTS * 2 / threads;
	void *pool = zs->create();
	struct rnd_state rnd;
	u64 begin, end = 0;
	int err = -ENOMEM;

	prandom_seed_state(&rnd, round + 1);
	if (!handles || !pool || bench_fill(zs, pool, handles, nr * threads, &rnd))
		goto out;
	/* Neighbours in a page go to different threads, as when processes exit. */
	for (i = nr * threads - 1; i; i--) {
		unsigned int other = prandom_u32_state(&rnd) % (i + 1);

		swap(handles[i], handles[other]);
	}
	for (i = 0; i < threads; i++) {
		struct task_struct *task;

		worker[i] = (struct bench_worker){
			.zs = zs, .pool = pool, .handles = handles + i * nr, .nr = nr, .bulk = bulk, .go = &go
		};
		init_completion(&worker[i].done);
		task = kthread_create(bench_worker, &worker[i], "pvmem_zs_bench");
		if (IS_ERR(task)) {
			worker[i].nr = 0;
			err = PTR_ERR(task);
			break;
		}
		kthread_bind(task, cpumask_nth(i % num_online_cpus(), cpu_online_mask));
		wake_up_process(task);
	}
	begin = U64_MAX;
	complete_all(&go);
	while (i--) {
		wait_for_completion(&worker[i].done);
		begin = min(begin, worker[i].begin);
		end = max(end, worker[i].end);
	}
	err = 0;
	report_print(
		&bench_zs_report,
		"{\"bench\":\"zs_%s\",\"impl\":\"%s\",\"n\":0,\"threads\":%u,\"ops\":%u,\"cycles\":%llu,\"pair\":%u}\n",
		bulk ? "free_bulk" : "parallel_free", zs->name, threads, nr * threads, end - begin, round);
out:
	if (pool)
		zs->destroy(pool);
	kvfree(handles);
	return err;
}

static int bench_round(unsigned int round)
{
	static const unsigned int sizes[] = { 32, 1024, 1632, 2500, 4000 };
	unsigned int i, j;
	int err = 0;

	for (i = 0; i < BENCH_ZS_IMPLS && !err; i++)
		err = bench_churn(&bench_zs_impls[i], round);
	for (j = 0; j < ARRAY_SIZE(sizes); j++)
		for (i = 0; i < BENCH_ZS_IMPLS && !err; i++)
			err = bench_burst(&bench_zs_impls[i], sizes[j], round)
				      ?: bench_zs_map(&bench_zs_impls[i], sizes[j], round);
	for (i = 0; i < BENCH_ZS_IMPLS && !err; i++)
		err = bench_zs_expand(&bench_zs_impls[i], round);
	for (j = 1; j <= max_threads; j++)
		for (i = 0; i < BENCH_ZS_IMPLS && !err; i++)
			err = bench_parallel(&bench_zs_impls[i], j, false, round)
				      ?: bench_parallel(&bench_zs_impls[i], j, true, round);
	return err;
}

static int __init bench_zs_init(void)
{
	unsigned int round;
	int err = 0;

	if (!max_threads || max_threads > 8)
		return -EINVAL;
	if (report_start(&bench_zs_report, BENCH_ZS_OUT))
		return -ENOMEM;
	for (round = 0; round < rounds && !err; round++)
		err = bench_round(round);
	if (err)
		report_end(&bench_zs_report);
	else
		report_show(&bench_zs_report, "pvmem_zs_bench");
	return err;
}

static void __exit bench_zs_exit(void)
{
	report_end(&bench_zs_report);
}

module_init(bench_zs_init);
module_exit(bench_zs_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Benchmarks of pvmem's compressed-object allocator against zsmalloc");
