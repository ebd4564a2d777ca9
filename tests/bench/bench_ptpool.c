// SPDX-License-Identifier: GPL-2.0
/*
 * ptpool batch=N nr=PAGES rounds=N
 *
 * Prepares nr page-table pages, batch at a time, and gives them back the same
 * way. batch=1 is what the stock kernel does: one page's hypercalls at a time.
 * Stop the pool's worker first: ptpool_low and ptpool_high 0, ptpool_drain 1.
 */
#include <linux/module.h>
#include <linux/sched.h>
#include <asm/msr.h>
#include <pvmem/pvmem.h>
#include "bench.h"

#define BENCH_PTPOOL_MAX 4096

/**
 * bench_ptpool_run() - fill and drain the pool
 * @args: see above.
 * @result: one line of JSON.
 *
 * Return: 0; -ENOMEM when the pool could not be filled; or -errno.
 */
int bench_ptpool_run(const char *args, char *result)
{
	unsigned int (*fill_now)(unsigned int nr, unsigned int batch);
	unsigned int (*drain_now)(unsigned int batch);
	unsigned long batch = bench_arg(args, "batch", 32);
	unsigned long nr = bench_arg(args, "nr", 256);
	unsigned long rounds = bench_arg(args, "rounds", 2);
	u64 begin, filled, fill = 0, drain = 0;
	unsigned long i;
	int err = 0;

	if (!batch || batch > 64 || !nr || nr > BENCH_PTPOOL_MAX || !rounds || rounds > 1000)
		return -EINVAL;
	fill_now = __symbol_get("pvmem_ptpool_fill_now");
	if (!fill_now)
		return -EOPNOTSUPP;
	drain_now = __symbol_get("pvmem_ptpool_drain_now");
	if (!drain_now) {
		__symbol_put("pvmem_ptpool_fill_now");
		return -EOPNOTSUPP;
	}
	for (i = 0; i < rounds && !err; i++) {
		begin = rdtsc_ordered();
		err = fill_now(nr, batch) == nr ? 0 : -ENOMEM;
		filled = rdtsc_ordered();
		if (drain_now(batch) != nr)
			err = err ?: -EIO;
		drain += rdtsc_ordered() - filled;
		fill += filled - begin;
		cond_resched();
	}
	__symbol_put("pvmem_ptpool_drain_now");
	__symbol_put("pvmem_ptpool_fill_now");
	if (err)
		return err;
	scnprintf(result, BENCH_RESULT_MAX,
		  "{\"bench\":\"ptpool\",\"batch\":%lu,\"pages\":%lu,\"cycles\":%llu,\"fill_cycles\":%llu,"
		  "\"drain_cycles\":%llu,\"per_page\":%llu}\n",
		  batch, nr * rounds, fill + drain, fill, drain, (fill + drain) / (nr * rounds));
	return 0;
}
