// SPDX-License-Identifier: GPL-2.0
/*
 * ptpool batch=N nr=PAGES rounds=N
 *
 * Prepares nr page-table pages, batch at a time, and gives them back the same
 * way. batch=1 is what the stock kernel does: one page's hypercalls at a time.
 * Stop the pool's worker first: ptpool_low and ptpool_high 0.
 */
#include <linux/kernel.h>
#include <linux/sched.h>
#include <asm/msr.h>
#include <pvmem/pvmem.h>
#include "bench.h"

#define BENCH_PTPOOL_BATCH_MAX 64
#define BENCH_PTPOOL_MAX 4096
#define BENCH_PTPOOL_ROUNDS_MAX 1000

/**
 * bench_ptpool_run() - fill and drain the pool
 * @args: see above.
 * @result: one line of JSON.
 *
 * Return: 0; -ENOMEM when the pool could not be filled; or -errno.
 */
int bench_ptpool_run(const char *args, char *result)
{
	unsigned long batch = bench_arg(args, "batch", 32);
	unsigned long nr = bench_arg(args, "nr", 256);
	unsigned long rounds = bench_arg(args, "rounds", 2);
	u64 begin, filled, fill = 0, drain = 0;
	unsigned long i;

	if (!batch || batch > BENCH_PTPOOL_BATCH_MAX || !nr || nr > BENCH_PTPOOL_MAX || !rounds ||
	    rounds > BENCH_PTPOOL_ROUNDS_MAX)
		return -EINVAL;
	pvmem_ptpool_drain_now(batch);
	for (i = 0; i < rounds; i++) {
		begin = rdtsc_ordered();
		if (pvmem_ptpool_fill_now(nr, batch) != nr)
			return -ENOMEM;
		filled = rdtsc_ordered();
		if (pvmem_ptpool_drain_now(batch) != nr)
			return -EBUSY;
		drain += rdtsc_ordered() - filled;
		fill += filled - begin;
		cond_resched();
	}
	scnprintf(result, BENCH_RESULT_MAX,
		  "{\"bench\":\"ptpool\",\"batch\":%lu,\"ops\":%lu,\"cycles\":%llu,\"fill_cycles\":%llu,"
		  "\"drain_cycles\":%llu}\n",
		  batch, nr * rounds, fill + drain, fill, drain);
	return 0;
}
