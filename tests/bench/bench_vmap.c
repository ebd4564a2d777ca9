// SPDX-License-Identifier: GPL-2.0
/*
 * vmap impl=none|vm_map_ram|vmap|pvmem n=PAGES|fs ops=N threads=1|2 purge=PAGES
 *	mode=shared|split warmup=OPS
 *
 * One operation maps n pages, touches each and unmaps them. The pages rotate
 * over a pool that is much larger than what may be mapped lazily, so that no
 * leftover of the operation before flatters a figure, and the timed region ends
 * with every lazy mapping purged:
 *
 * - stock: its own lazy limit applies (its worker runs on the CPU that maps, at
 *   our cond_resched()), and vm_unmap_aliases() comes at the end;
 * - pvmem: each thread purges when it has unmapped @purge pages, and at the end.
 *   Set lazy_limit above threads * purge, or a worker does it on another CPU.
 *
 * With mode=split map (and touch) and unmap (and purge) are timed apart, which
 * itself costs two TSC reads an operation.
 *
 * n=fs draws sizes from what a file system does: mostly a few pages, now and
 * then a large buffer.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>
#include <asm/msr.h>
#include <pvmem/pvmem.h>
#include "bench.h"

#define BENCH_THREADS_MAX 2
#define BENCH_N_MAX 512
#define BENCH_POOL_PAGES (16 * BENCH_N_MAX)
#define BENCH_OPS_MAX 10000000
/* Pages mapped between two chances for others to run. */
#define BENCH_RESCHED_PAGES 512
/* Operations until the sizes repeat. */
#define BENCH_SIZES 32

/*
 * Sizes in the file system mix: clusters of 1 to 16 pages (erofs decompresses
 * into 4 to 64 KiB), with a 256 KiB buffer (an XFS log or directory block) in
 * every 16 operations.
 */
static const u16 bench_sizes_fs[BENCH_SIZES] = {
	1, 4, 1, 2, 16, 1, 4, 1, 2, 1, 8, 1, 4, 1, 64, 2, 1, 4, 1, 16, 2, 1, 4, 1, 8, 1, 2, 1, 4, 1, 64, 16,
};

enum bench_impl {
	BENCH_NONE,
	BENCH_VM_MAP_RAM,
	BENCH_VMAP,
	BENCH_PVMEM,
	BENCH_NR_IMPLS
};

static const char *const bench_impl_names[BENCH_NR_IMPLS] = { "none", "vm_map_ram", "vmap", "pvmem" };

struct bench_job {
	enum bench_impl impl;
	unsigned int threads;
	unsigned long ops;
	unsigned long purge;
	bool split;
	u16 size[BENCH_SIZES];
	unsigned long max_size;
	atomic_t ready;
};

struct bench_thread {
	struct bench_job *job;
	struct task_struct *task;
	struct page **pages;
	struct completion done;
	u64 begin;
	u64 end;
	u64 map_cycles;
	unsigned long mapped;
	unsigned long bad;
	int err;
};

/* Thread t has pages [t * BENCH_POOL_PAGES, (t + 1) * BENCH_POOL_PAGES). */
#define BENCH_POOL_ALL (BENCH_THREADS_MAX * BENCH_POOL_PAGES)
static struct page **bench_pool;
/* All of the pool mapped once, for impl=none: the cost of the loop itself. */
static void *bench_pool_mapped;

static __always_inline void *bench_map(enum bench_impl impl, struct page **pages, unsigned int n)
{
	switch (impl) {
	case BENCH_VM_MAP_RAM:
		return vm_map_ram(pages, n, NUMA_NO_NODE);
	case BENCH_VMAP:
		return vmap(pages, n, VM_MAP, PAGE_KERNEL);
	case BENCH_PVMEM:
		return pvmem_map_ram(pages, n, NUMA_NO_NODE);
	default:
		return bench_pool_mapped + ((pages - bench_pool) << PAGE_SHIFT);
	}
}

static __always_inline void bench_unmap(enum bench_impl impl, void *addr, unsigned int n)
{
	switch (impl) {
	case BENCH_VM_MAP_RAM:
		vm_unmap_ram(addr, n);
		break;
	case BENCH_VMAP:
		vunmap(addr);
		break;
	case BENCH_PVMEM:
		pvmem_unmap_ram(addr, n);
		break;
	default:
		break;
	}
}

static int bench_purge(enum bench_impl impl)
{
	switch (impl) {
	case BENCH_VM_MAP_RAM:
	case BENCH_VMAP:
		vm_unmap_aliases();
		return 0;
	case BENCH_PVMEM:
		return pvmem_unmap_aliases();
	default:
		return 0;
	}
}

/*
 * Write to each page and read back, and compare with the page's own tag: the
 * mapping leads to the right pages, in order. Returns 0 when it does.
 */
static __always_inline unsigned long bench_touch(void *addr, unsigned int n, unsigned long tag)
{
	unsigned long bad = 0, *word = addr;
	unsigned int i;

	for (i = 0; i < n; i++, word += PAGE_SIZE / sizeof(*word), tag++) {
		WRITE_ONCE(word[1], tag);
		bad |= READ_ONCE(word[1]) ^ READ_ONCE(word[0]);
	}
	return bad;
}

/* The tag of the pool's page number @i, which bench_touch() looks for. */
static unsigned long bench_tag(unsigned long i)
{
	return 0x70766d656d000000UL + i;
}

/* Inlined for each @impl, so that the loop costs few instructions of its own. */
static __always_inline void bench_ops(struct bench_thread *thread, enum bench_impl impl, bool split)
{
	const struct bench_job *job = thread->job;
	struct page **const first = thread->pages, **const end = first + BENCH_POOL_PAGES, **at = first;
	const unsigned long tag = bench_tag(first - bench_pool), ops = job->ops;
	const unsigned long chunk = impl == BENCH_PVMEM ? min_t(unsigned long, job->purge, BENCH_RESCHED_PAGES)
							: BENCH_RESCHED_PAGES;
	unsigned long i, since_purge = 0, since_resched = 0;
	u64 before = 0;

	for (i = 0; i < ops; i++) {
		unsigned int n = job->size[i % BENCH_SIZES];
		void *addr;

		if (at + n > end)
			at = first;
		if (split)
			before = rdtsc_ordered();
		addr = bench_map(impl, at, n);
		if (unlikely(!addr)) {
			thread->err = -ENOMEM;
			return;
		}
		thread->bad |= bench_touch(addr, n, tag + (at - first));
		if (split)
			thread->map_cycles += rdtsc_ordered() - before;
		bench_unmap(impl, addr, n);
		at += n;
		since_resched += n;
		if (likely(since_resched < chunk))
			continue;
		thread->mapped += since_resched;
		since_purge += since_resched;
		since_resched = 0;
		if (impl == BENCH_PVMEM && since_purge >= job->purge) {
			thread->err = bench_purge(impl) ?: thread->err;
			since_purge = 0;
		}
		cond_resched();
	}
	thread->mapped += since_resched;
	thread->err = bench_purge(impl) ?: thread->err;
}

static void bench_ops_none(struct bench_thread *thread)
{
	bench_ops(thread, BENCH_NONE, false);
}

static void bench_ops_vm_map_ram(struct bench_thread *thread)
{
	bench_ops(thread, BENCH_VM_MAP_RAM, false);
}

static void bench_ops_vmap(struct bench_thread *thread)
{
	bench_ops(thread, BENCH_VMAP, false);
}

static void bench_ops_pvmem(struct bench_thread *thread)
{
	bench_ops(thread, BENCH_PVMEM, false);
}

static void bench_ops_split(struct bench_thread *thread)
{
	bench_ops(thread, thread->job->impl, true);
}

static void (*const bench_ops_of[BENCH_NR_IMPLS])(struct bench_thread *thread) = {
	[BENCH_NONE] = bench_ops_none,
	[BENCH_VM_MAP_RAM] = bench_ops_vm_map_ram,
	[BENCH_VMAP] = bench_ops_vmap,
	[BENCH_PVMEM] = bench_ops_pvmem,
};

static int bench_thread_main(void *data)
{
	struct bench_thread *thread = data;
	struct bench_job *job = thread->job;
	void (*run)(struct bench_thread * thread) = job->split ? bench_ops_split : bench_ops_of[job->impl];

	atomic_inc(&job->ready);
	while (atomic_read(&job->ready) < job->threads)
		cpu_relax();
	thread->begin = rdtsc_ordered();
	run(thread);
	thread->end = rdtsc_ordered();
	complete(&thread->done);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

/* Run the job in its threads, thread t on CPU t, and wait for all of them. */
static int bench_job_run(struct bench_job *job, struct bench_thread *threads)
{
	unsigned int i, made;
	int err = 0;

	atomic_set(&job->ready, 0);
	for (made = 0; made < job->threads; made++) {
		struct bench_thread *thread = &threads[made];

		*thread = (struct bench_thread){ .job = job, .pages = bench_pool + made * BENCH_POOL_PAGES };
		init_completion(&thread->done);
		thread->task = kthread_create(bench_thread_main, thread, "pvmem_bench/%u", made);
		if (IS_ERR(thread->task)) {
			err = PTR_ERR(thread->task);
			break;
		}
		kthread_bind(thread->task, made);
	}
	for (i = 0; i < made && !err; i++)
		wake_up_process(threads[i].task);
	for (i = 0; i < made && !err; i++)
		wait_for_completion(&threads[i].done);
	for (i = 0; i < made; i++)
		kthread_stop(threads[i].task);
	for (i = 0; i < made && !err; i++)
		err = threads[i].bad ? -EIO : threads[i].err;
	return err;
}

static int bench_job_parse(struct bench_job *job, const char *args)
{
	unsigned long n, i;

	for (job->impl = 0; job->impl < BENCH_NR_IMPLS; job->impl++)
		if (bench_arg_is(args, "impl", bench_impl_names[job->impl]))
			break;
	job->threads = bench_arg(args, "threads", 1);
	job->purge = bench_arg(args, "purge", 2048);
	job->split = bench_arg_is(args, "mode", "split");
	if (job->impl == BENCH_NR_IMPLS || !job->threads || job->threads > BENCH_THREADS_MAX || !job->purge)
		return -EINVAL;
	for (i = 0; i < job->threads; i++)
		if (!cpu_online(i))
			return -ENODEV;

	if (bench_arg_is(args, "n", "fs")) {
		memcpy(job->size, bench_sizes_fs, sizeof(job->size));
		n = 0;
	} else {
		n = bench_arg(args, "n", 1);
		if (!n || n > BENCH_N_MAX)
			return -EINVAL;
		for (i = 0; i < BENCH_SIZES; i++)
			job->size[i] = n;
	}
	job->ops = bench_arg(args, "ops", n ? max_t(unsigned long, 2 * 8192 / n, 16) : 2048);
	return job->ops > BENCH_OPS_MAX ? -EINVAL : (int)n;
}

/**
 * bench_vmap_run() - map, touch and unmap
 * @args: see above.
 * @result: one line of JSON.
 *
 * Return: 0; -EIO when a mapping led to a wrong page; or -errno.
 */
int bench_vmap_run(const char *args, char *result)
{
	struct bench_thread threads[BENCH_THREADS_MAX];
	struct bench_job job;
	unsigned long ops, warmup;
	u64 begin, end, map_cycles;
	unsigned int i;
	int n, err;

	n = bench_job_parse(&job, args);
	if (n < 0)
		return n;
	ops = job.ops;
	warmup = bench_arg(args, "warmup", ops / 4 + 1);
	if (warmup > BENCH_OPS_MAX)
		return -EINVAL;
	job.ops = warmup;
	err = warmup ? bench_job_run(&job, threads) : 0;
	if (err)
		return err;
	vm_unmap_aliases();
	job.ops = ops;
	err = bench_job_run(&job, threads);
	if (err)
		return err;

	begin = threads[0].begin;
	end = threads[0].end;
	map_cycles = threads[0].map_cycles;
	for (i = 1; i < job.threads; i++) {
		begin = min(begin, threads[i].begin);
		end = max(end, threads[i].end);
		map_cycles += threads[i].map_cycles;
	}
	scnprintf(result, BENCH_RESULT_MAX,
		  "{\"bench\":\"vmap\",\"impl\":\"%s\",\"n\":%d,\"threads\":%u,\"ops\":%lu,\"pages\":%lu,"
		  "\"cycles\":%llu,\"map_cycles\":%llu,\"per_op\":%llu}\n",
		  bench_impl_names[job.impl], n, job.threads, ops, threads[0].mapped, end - begin,
		  map_cycles / job.threads, (end - begin) / max(ops, 1UL));
	return 0;
}

/**
 * bench_vmap_init() - allocate the pool and tag its pages
 *
 * Return: 0 or -ENOMEM.
 */
int bench_vmap_init(void)
{
	unsigned long i;

	bench_pool = vcalloc(BENCH_POOL_ALL, sizeof(*bench_pool));
	if (!bench_pool)
		return -ENOMEM;
	for (i = 0; i < BENCH_POOL_ALL; i++) {
		bench_pool[i] = alloc_page(GFP_KERNEL);
		if (!bench_pool[i])
			goto out_free;
		*(unsigned long *)page_address(bench_pool[i]) = bench_tag(i);
	}
	bench_pool_mapped = vmap(bench_pool, BENCH_POOL_ALL, VM_MAP, PAGE_KERNEL);
	if (bench_pool_mapped)
		return 0;
out_free:
	bench_vmap_exit();
	return -ENOMEM;
}

/**
 * bench_vmap_exit() - free the pool
 */
void bench_vmap_exit(void)
{
	unsigned long i;

	vunmap(bench_pool_mapped);
	vm_unmap_aliases();
	pvmem_unmap_aliases();
	for (i = 0; i < BENCH_POOL_ALL && bench_pool[i]; i++)
		__free_page(bench_pool[i]);
	vfree(bench_pool);
}
