// SPDX-License-Identifier: GPL-2.0
/*
 * purge impl=broadcast|vm_map_ram|pvmem n=PAGES ops=N busy=N
 *
 * How long it takes until what was unmapped is gone from every TLB. One
 * operation maps n pages, touches and unmaps them, untimed, and then, timed,
 * purges:
 *
 * - pvmem: pvmem_unmap_aliases();
 * - vm_map_ram: vm_unmap_aliases();
 * - broadcast: what flush_tlb_kernel_range() does for more than a few pages: an
 *   interrupt to every other CPU, and waiting for all of them. Nothing is mapped.
 *
 * The operations run on CPU 0. On each of the next @busy CPUs a thread computes,
 * so that a host with fewer CPUs preempts vCPUs. The result has percentiles of
 * the times, and how many function-call interrupts the CPUs took meanwhile.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/sort.h>
#include <linux/workqueue.h>
#include <asm/tlbflush.h>
#include "bench.h"
#include "bench_maps.h"

#define BENCH_PURGE_OPS_MAX 100000
#define BENCH_PURGE_BUSY_MAX 63
/* Between operations, in microseconds: others run in their turn meanwhile, as they would. */
#define BENCH_PURGE_PAUSE_US 100
/* Steps of arithmetic between two chances for others to run, some microseconds. */
#define BENCH_PURGE_STEPS 4096

struct bench_purge {
	enum bench_impl impl;
	bool broadcast;
	unsigned long n;
	unsigned long ops;
	unsigned long busy;
	u64 *ns;
};

static void bench_flush_here(void *unused)
{
	__flush_tlb_all();
}

static int bench_busy(void *unused)
{
	unsigned long i, x = 1;

	while (!kthread_should_stop()) {
		for (i = 0; i < BENCH_PURGE_STEPS; i++) {
			x = x * 6364136223846793005ul + 1442695040888963407ul;
			barrier();
		}
		cond_resched();
	}
	return 0;
}

/* The longest part of an operation that may not be timed: something to purge. */
static int bench_purge_prepare(const struct bench_purge *job, unsigned long op)
{
	unsigned long i, at = op * job->n % (BENCH_POOL_PAGES - BENCH_N_MAX);
	unsigned long *addr;

	if (job->broadcast)
		return 0;
	addr = bench_map(job->impl, bench_pool + at, job->n);
	if (!addr)
		return -ENOMEM;
	for (i = 0; i < job->n; i++)
		if (READ_ONCE(addr[i * PAGE_SIZE / sizeof(*addr)]) != bench_tag(at + i))
			return -EIO;
	bench_unmap(job->impl, addr, job->n);
	return 0;
}

static int bench_purge_one(const struct bench_purge *job, unsigned long op)
{
	int err = bench_purge_prepare(job, op);
	u64 begin = ktime_get_ns();

	if (err)
		return err;
	if (job->broadcast)
		on_each_cpu(bench_flush_here, NULL, 1);
	else
		err = bench_purge(job->impl);
	job->ns[op] = ktime_get_ns() - begin;
	usleep_range(BENCH_PURGE_PAUSE_US, 2 * BENCH_PURGE_PAUSE_US);
	return err;
}

/* A worker of CPU 0's. */
static long bench_purge_ops(void *data)
{
	struct bench_purge *job = data;
	unsigned long op;
	int err = 0;

	for (op = 0; op < job->ops && !err; op++)
		err = bench_purge_one(job, op);
	return err;
}

static void bench_busy_stop(struct task_struct **task, unsigned long nr)
{
	while (nr--)
		kthread_stop(task[nr]);
}

static int bench_busy_start(struct task_struct **task, unsigned long nr)
{
	unsigned long i;

	for (i = 0; i < nr; i++) {
		task[i] = kthread_create_on_cpu(bench_busy, NULL, i + 1, "pvmem_busy/%u");
		if (IS_ERR(task[i])) {
			bench_busy_stop(task, i);
			return PTR_ERR(task[i]);
		}
		wake_up_process(task[i]);
	}
	return 0;
}

static int bench_ns_cmp(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static u64 bench_percentile(const struct bench_purge *job, unsigned int percent)
{
	return job->ns[(job->ops - 1) * percent / 100];
}

static int bench_purge_parse(struct bench_purge *job, const char *args)
{
	unsigned long cpu;

	job->broadcast = bench_arg_is(args, "impl", "broadcast");
	job->impl = job->broadcast ? BENCH_NONE : bench_impl_parse(args);
	job->n = bench_arg(args, "n", 1);
	job->ops = bench_arg(args, "ops", 200);
	job->busy = bench_arg(args, "busy", 0);
	if (!job->broadcast && job->impl != BENCH_VM_MAP_RAM && job->impl != BENCH_PVMEM)
		return -EINVAL;
	if (!job->n || job->n > BENCH_N_MAX || !job->ops || job->ops > BENCH_PURGE_OPS_MAX ||
	    job->busy > BENCH_PURGE_BUSY_MAX)
		return -EINVAL;
	for (cpu = 0; cpu <= job->busy; cpu++)
		if (!cpu_online(cpu))
			return -ENODEV;
	return 0;
}

/* Everything but the job's array of times. */
static int bench_purge_job(struct bench_purge *job, unsigned long *interrupts)
{
	struct task_struct *task[BENCH_PURGE_BUSY_MAX];
	int err = bench_busy_start(task, job->busy);

	if (err)
		return err;
	bench_purge(BENCH_VM_MAP_RAM);
	err = bench_purge(BENCH_PVMEM);
	*interrupts = bench_interrupts();
	if (!err)
		err = work_on_cpu(0, bench_purge_ops, job);
	*interrupts = bench_interrupts() - *interrupts;
	bench_busy_stop(task, job->busy);
	return err;
}

/**
 * bench_purge_run() - "purge"
 * @args: see above.
 * @result: one line of JSON, times in nanoseconds.
 *
 * Return: 0; -EIO when a mapping led to a wrong page; or -errno.
 */
int bench_purge_run(const char *args, char *result)
{
	struct bench_purge job;
	unsigned long interrupts;
	int err = bench_purge_parse(&job, args);

	if (err)
		return err;
	job.ns = kvcalloc(job.ops, sizeof(*job.ns), GFP_KERNEL);
	if (!job.ns)
		return -ENOMEM;
	err = bench_purge_job(&job, &interrupts);
	if (!err) {
		sort(job.ns, job.ops, sizeof(*job.ns), bench_ns_cmp, NULL);
		scnprintf(result, BENCH_RESULT_MAX,
			  "{\"bench\":\"purge\",\"impl\":\"%s\",\"n\":%lu,\"ops\":%lu,\"busy\":%lu,\"vcpus\":%u,"
			  "\"median_ns\":%llu,\"p90_ns\":%llu,\"p99_ns\":%llu,\"max_ns\":%llu,\"interrupts\":%lu}\n",
			  job.broadcast ? "broadcast" : bench_impl_name(job.impl), job.n, job.ops, job.busy,
			  num_online_cpus(), bench_percentile(&job, 50), bench_percentile(&job, 90),
			  bench_percentile(&job, 99), bench_percentile(&job, 100), interrupts);
	}
	kvfree(job.ns);
	return err;
}
