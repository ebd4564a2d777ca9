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
#include <linux/zsmalloc.h>
#include <asm/msr.h>
#include <pvmem/zs.h>
#include "../guest/report.h"

#define BENCH_ZS_OUT (256 << 10)
#define BENCH_ZS_OBJECTS 4096
#define BENCH_ZS_OPS 8192
#define BENCH_ZS_MAP_OPS 1024
#define BENCH_ZS_GFP (GFP_KERNEL | __GFP_NOWARN)

static uint rounds = 3;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "how often everything is measured");

static uint max_threads = 2;
module_param(max_threads, uint, 0444);
MODULE_PARM_DESC(max_threads, "threads of the parallel measurements, up to 8");

static struct report report;

/* The two allocators, called the same way. */
struct bench_zs {
	const char *name;
	void *(*create)(void);
	void (*destroy)(void *pool);
	unsigned long (*malloc)(void *pool, size_t size);
	void (*free)(void *pool, unsigned long handle);
	void *(*map)(void *pool, unsigned long handle, bool write);
	void (*unmap)(void *pool, unsigned long handle);
	u64 (*bytes)(void *pool);
};

static void *stock_create(void)
{
	return zs_create_pool("pvmem_zs_bench");
}

static void stock_destroy(void *pool)
{
	zs_destroy_pool(pool);
}

static unsigned long stock_malloc(void *pool, size_t size)
{
	unsigned long handle = zs_malloc(pool, size, BENCH_ZS_GFP);

	return IS_ERR_VALUE(handle) ? 0 : handle;
}

static void stock_free(void *pool, unsigned long handle)
{
	zs_free(pool, handle);
}

static void *stock_map(void *pool, unsigned long handle, bool write)
{
	return zs_map_object(pool, handle, write ? ZS_MM_WO : ZS_MM_RO);
}

static void stock_unmap(void *pool, unsigned long handle)
{
	zs_unmap_object(pool, handle);
}

static void *ours_create(void)
{
	return pvmem_zs_create("bench", NULL);
}

static void ours_destroy(void *pool)
{
	pvmem_zs_destroy(pool);
}

static unsigned long ours_malloc(void *pool, size_t size)
{
	unsigned long handle;

	return pvmem_zs_malloc(pool, size, BENCH_ZS_GFP, &handle) ? 0 : handle;
}

static void ours_free(void *pool, unsigned long handle)
{
	pvmem_zs_free(pool, handle);
}

static void *ours_map(void *pool, unsigned long handle, bool write)
{
	return pvmem_zs_map(pool, handle, write ? PVMEM_ZS_WO : PVMEM_ZS_RO);
}

static void ours_unmap(void *pool, unsigned long handle)
{
	pvmem_zs_unmap(pool, handle);
}

static u64 stock_bytes(void *pool)
{
	return (u64)zs_get_total_pages(pool) << PAGE_SHIFT;
}

static u64 ours_bytes(void *pool)
{
	return pvmem_zs_total_bytes(pool);
}

static const struct bench_zs impls[] = {
	{ "zsmalloc", stock_create, stock_destroy, stock_malloc, stock_free, stock_map, stock_unmap, stock_bytes },
	{ "pvmem", ours_create, ours_destroy, ours_malloc, ours_free, ours_map, ours_unmap, ours_bytes },
};

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
		&report,
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
		&report,
		"{\"bench\":\"zs_malloc_free\",\"impl\":\"%s\",\"n\":%u,\"threads\":1,\"ops\":%u,\"cycles\":%llu,\"pair\":%u}\n",
		zs->name, size, nr, cycles, round);
out:
	if (pool)
		zs->destroy(pool);
	kvfree(handles);
	return err;
}

/* Map, copy, unmap. Across: does the mapping lie in no page of the object's own? */
static u64 bench_map_one(const struct bench_zs *zs, void *pool, unsigned long handle, unsigned int size, bool write,
			 void *copy)
{
	u64 begin = rdtsc_ordered();
	void *addr = zs->map(pool, handle, write);

	if (write)
		memcpy(addr, copy, size);
	else
		memcpy(copy, addr, size);
	zs->unmap(pool, handle);
	return rdtsc_ordered() - begin;
}

/* Where objects appear that cross pages: the only address that two of them share. NULL: there are none. */
static void *bench_buffer(const struct bench_zs *zs, void *pool, const unsigned long *handles)
{
	void *addr[64];
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(addr); i++) {
		addr[i] = zs->map(pool, handles[i], false);
		zs->unmap(pool, handles[i]);
		for (j = 0; j < i; j++)
			if (addr[j] == addr[i])
				return addr[i];
	}
	return NULL;
}

static int bench_map(const struct bench_zs *zs, unsigned int size, unsigned int round)
{
	unsigned long *handles = kvmalloc_array(BENCH_ZS_MAP_OPS, sizeof(*handles), GFP_KERNEL);
	void *pool = zs->create(), *copy = kmalloc(PAGE_SIZE, GFP_KERNEL);
	u64 cycles[2][2] = {};
	unsigned int ops[2] = {}, i, crosses;
	int err = -ENOMEM;
	void *buffer;

	if (!handles || !pool || !copy)
		goto out;
	memset(copy, 0x5a, PAGE_SIZE);
	for (i = 0; i < BENCH_ZS_MAP_OPS; i++) {
		handles[i] = zs->malloc(pool, size);
		if (!handles[i])
			break;
	}
	err = i == BENCH_ZS_MAP_OPS ? 0 : -ENOMEM;
	buffer = err ? NULL : bench_buffer(zs, pool, handles);
	while (i--) {
		void *addr = zs->map(pool, handles[i], false);

		crosses = addr == buffer || is_vmalloc_addr(addr);
		zs->unmap(pool, handles[i]);
		cycles[crosses][1] += bench_map_one(zs, pool, handles[i], size, true, copy);
		cycles[crosses][0] += bench_map_one(zs, pool, handles[i], size, false, copy);
		ops[crosses]++;
		zs->free(pool, handles[i]);
	}
	for (i = 0; i < 4; i++)
		if (ops[i / 2])
			report_print(
				&report,
				"{\"bench\":\"zs_map\",\"impl\":\"%s\",\"n\":%u,\"mode\":\"%s\",\"across\":%u,\"threads\":1,"
				"\"ops\":%u,\"cycles\":%llu,\"pair\":%u}\n",
				zs->name, size, i & 1 ? "wo" : "ro", i / 2, ops[i / 2], cycles[i / 2][i & 1], round);
out:
	kfree(copy);
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
	u64 begin, end;
	struct completion *go;
	struct completion done;
};

static int bench_worker(void *data)
{
	struct bench_worker *worker = data;
	unsigned int i;

	wait_for_completion(worker->go);
	worker->begin = rdtsc_ordered();
	for (i = 0; i < worker->nr; i++)
		worker->zs->free(worker->pool, worker->handles[i]);
	worker->end = rdtsc_ordered();
	complete(&worker->done);
	return 0;
}

static int bench_parallel(const struct bench_zs *zs, unsigned int threads, unsigned int round)
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
			.zs = zs, .pool = pool, .handles = handles + i * nr, .nr = nr, .go = &go
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
		&report,
		"{\"bench\":\"zs_parallel_free\",\"impl\":\"%s\",\"n\":0,\"threads\":%u,\"ops\":%u,\"cycles\":%llu,\"pair\":%u}\n",
		zs->name, threads, nr * threads, end - begin, round);
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

	for (i = 0; i < ARRAY_SIZE(impls) && !err; i++)
		err = bench_churn(&impls[i], round);
	for (j = 0; j < ARRAY_SIZE(sizes); j++)
		for (i = 0; i < ARRAY_SIZE(impls) && !err; i++)
			err = bench_burst(&impls[i], sizes[j], round) ?: bench_map(&impls[i], sizes[j], round);
	for (j = 1; j <= max_threads; j++)
		for (i = 0; i < ARRAY_SIZE(impls) && !err; i++)
			err = bench_parallel(&impls[i], j, round);
	return err;
}

static int __init bench_zs_init(void)
{
	unsigned int round;
	int err = 0;

	if (!max_threads || max_threads > 8)
		return -EINVAL;
	if (report_start(&report, BENCH_ZS_OUT))
		return -ENOMEM;
	for (round = 0; round < rounds && !err; round++)
		err = bench_round(round);
	if (err)
		report_end(&report);
	else
		report_show(&report, "pvmem_zs_bench");
	return err;
}

static void __exit bench_zs_exit(void)
{
	report_end(&report);
}

module_init(bench_zs_init);
module_exit(bench_zs_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Benchmarks of pvmem's compressed-object allocator against zsmalloc");
