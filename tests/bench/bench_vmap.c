// SPDX-License-Identifier: GPL-2.0
/*
 * vmap impl=none|vm_map_ram|vmap|pvmem n=PAGES|fs ops=N threads=1|2 purge=PAGES
 *	mode=shared|split warmup=OPS
 *
 * One operation maps n pages, touches each and unmaps them. The pages rotate
 * over a pool as large as what may be mapped lazily, so that no
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
#include <linux/hardirq.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>
#include <asm/msr.h>
#include "bench.h"
#include "bench_maps.h"

#define BENCH_OPS_MAX 10000000
/* Pages mapped between two chances for others to run. */
#define BENCH_RESCHED_PAGES 512
/* Pages that the operations between two such chances may take. */
#define BENCH_ROOM (BENCH_RESCHED_PAGES + BENCH_N_MAX)
/* Operations until the sizes repeat. */
#define BENCH_SIZES 32

/*
 * Sizes in the file system mix, modelled on the stock kernel's users of
 * vm_map_ram(): erofs maps clusters of 1 to 16 pages to decompress them, XFS
 * now and then a buffer of 64 (a log record).
 */
static const u16 bench_sizes_fs[BENCH_SIZES] = {
	1, 4, 1, 2, 16, 1, 4, 1, 2, 1, 8, 1, 4, 1, 64, 2, 1, 4, 1, 16, 2, 1, 4, 1, 8, 1, 2, 1, 4, 1, 64, 16,
};

struct bench_job {
	enum bench_impl impl;
	unsigned int threads;
	unsigned long ops;
	unsigned long purge;
	bool split;
	u16 size[BENCH_SIZES];
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

/*
 * Read the tag of each page through its mapping, in little more than one
 * instruction a page. Returns the sum of the tags.
 */
static __always_inline unsigned long bench_touch(const char *addr, unsigned int n)
{
	unsigned long sum = 0;

#define TAG(i) READ_ONCE(*(const unsigned long *)(addr + (i)*PAGE_SIZE))
	for (; n >= 8; n -= 8, addr += 8 * PAGE_SIZE)
		sum += TAG(0) + TAG(1) + TAG(2) + TAG(3) + TAG(4) + TAG(5) + TAG(6) + TAG(7);
	for (; n; n--, addr += PAGE_SIZE)
		sum += TAG(0);
#undef TAG
	return sum;
}

/* What the tags of the pool's pages from @from to @to add up to. */
static unsigned long bench_tag_sum(struct page **from, struct page **to)
{
	unsigned long n = to - from;

	return n * bench_tag(from - bench_pool) + n * (n - 1) / 2;
}

/*
 * Inlined for each @impl, so that the loop costs few instructions of its own.
 * The tags read are added up, and compared with what they should be at the end
 * of each chunk: a mapping that led to a wrong page shows.
 */
static __always_inline void bench_ops(struct bench_thread *thread, enum bench_impl impl, bool split)
{
	const struct bench_job *job = thread->job;
	struct page **const first = thread->pages, **const end = first + BENCH_POOL_PAGES, **at = first, **from = first;
	const unsigned long ops = job->ops;
	const unsigned long chunk = impl == BENCH_PVMEM ? min_t(unsigned long, job->purge, BENCH_RESCHED_PAGES)
							: BENCH_RESCHED_PAGES;
	unsigned long i, sum = 0, since_purge = 0, since_resched = 0;
	u64 before = 0;

	for (i = 0; i < ops; i++) {
		unsigned int n = job->size[i % BENCH_SIZES];
		void *addr;

		if (split)
			before = rdtsc_ordered();
		addr = bench_map(impl, at, n);
		if (unlikely(!addr)) {
			thread->err = -ENOMEM;
			return;
		}
		sum += bench_touch(addr, n);
		if (split)
			thread->map_cycles += rdtsc_ordered() - before;
		bench_unmap(impl, addr, n);
		at += n;
		since_resched += n;
		if (likely(since_resched < chunk))
			continue;
		thread->bad |= sum ^ bench_tag_sum(from, at);
		sum = 0;
		if (at + BENCH_ROOM > end)
			at = first;
		from = at;
		thread->mapped += since_resched;
		since_purge += since_resched;
		since_resched = 0;
		if (impl == BENCH_PVMEM && since_purge >= job->purge) {
			thread->err = bench_purge(impl) ?: thread->err;
			since_purge = 0;
		}
		cond_resched();
	}
	thread->bad |= sum ^ bench_tag_sum(from, at);
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

static void (*const bench_ops_of[BENCH_NR_IMPLS])(struct bench_thread *) = {
	[BENCH_NONE] = bench_ops_none,
	[BENCH_VM_MAP_RAM] = bench_ops_vm_map_ram,
	[BENCH_VMAP] = bench_ops_vmap,
	[BENCH_PVMEM] = bench_ops_pvmem,
};

static int bench_thread_main(void *data)
{
	struct bench_thread *thread = data;
	struct bench_job *job = thread->job;
	void (*run)(struct bench_thread *) = job->split ? bench_ops_split : bench_ops_of[job->impl];

	atomic_inc(&job->ready);
	while (atomic_read(&job->ready) < job->threads)
		cond_resched();
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

/**
 * bench_interrupts() - function-call interrupts so far, of all CPUs
 *
 * A kernel TLB flush is one for each other CPU.
 *
 * Return: how many; only differences mean something.
 */
unsigned long bench_interrupts(void)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu(irq_stat, cpu).irq_call_count;
	return sum;
}

static int bench_job_parse(struct bench_job *job, const char *args)
{
	unsigned long n, i;

	job->impl = bench_impl_parse(args);
	job->threads = bench_arg(args, "threads", 1);
	job->purge = bench_arg(args, "purge", 4096);
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
	job->ops = bench_arg(args, "ops", n ? max_t(unsigned long, 2 * BENCH_POOL_PAGES / n, 16) : 4096);
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
	unsigned long interrupts;
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
	interrupts = bench_interrupts();
	err = bench_job_run(&job, threads);
	interrupts = bench_interrupts() - interrupts;
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
		  "\"cycles\":%llu,\"map_cycles\":%llu,\"interrupts\":%lu,\"per_op\":%llu}\n",
		  bench_impl_name(job.impl), n, job.threads, ops, threads[0].mapped, end - begin,
		  map_cycles / job.threads, interrupts, (end - begin) / max(ops, 1UL));
	return 0;
}
