// SPDX-License-Identifier: GPL-2.0
/*
 * live impl=vm_map_ram|vmap|pvmem n=PAGES maps=N
 * drop
 *
 * Makes many mappings and keeps them until "drop", to see what memory they take:
 * the result says how many pages fewer are free than before. That includes page
 * tables, bookkeeping and what the slab allocator rounds up; each CPU's lists of
 * free pages make it wrong by a few hundred pages either way.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>
#include <linux/vmstat.h>
#include "bench.h"
#include "bench_maps.h"

#define BENCH_MAPS_MAX (1UL << 20)
/* Maps between two chances for others to run. */
#define BENCH_LIVE_RESCHED 256

static enum bench_impl bench_live_impl;
static unsigned int bench_live_n;
static void **bench_live;
static unsigned long bench_live_maps;

/**
 * bench_live_drop() - unmap what bench_live_run() mapped
 */
void bench_live_drop(void)
{
	while (bench_live_maps) {
		bench_unmap(bench_live_impl, bench_live[--bench_live_maps], bench_live_n);
		if (!(bench_live_maps % BENCH_LIVE_RESCHED))
			cond_resched();
	}
	vfree(bench_live);
	bench_live = NULL;
	bench_purge(bench_live_impl);
}

/**
 * bench_drop_run() - "drop"
 * @args: none.
 * @result: an empty object.
 *
 * Return: 0.
 */
int bench_drop_run(const char *args, char *result)
{
	bench_live_drop();
	scnprintf(result, BENCH_RESULT_MAX, "{}\n");
	return 0;
}

/* Every mapping begins at another page of the pool; pages are mapped many times. */
static int bench_live_map(unsigned long maps)
{
	unsigned long at = 0;

	for (; bench_live_maps < maps; bench_live_maps++, at += bench_live_n) {
		if (at + bench_live_n > BENCH_POOL_PAGES)
			at = 0;
		bench_live[bench_live_maps] = bench_map(bench_live_impl, bench_pool + at, bench_live_n);
		if (!bench_live[bench_live_maps])
			return -ENOMEM;
		if (!(bench_live_maps % BENCH_LIVE_RESCHED))
			cond_resched();
	}
	return 0;
}

/**
 * bench_live_run() - "live"
 * @args: see above.
 * @result: one line of JSON.
 *
 * Return: 0, -EBUSY when mappings are live already, or -errno.
 */
int bench_live_run(const char *args, char *result)
{
	unsigned long n = bench_arg(args, "n", 1), maps = bench_arg(args, "maps", 1024);
	unsigned long free;

	bench_live_impl = bench_impl_parse(args);
	if (bench_live_impl == BENCH_NR_IMPLS || !n || n > BENCH_N_MAX || !maps || maps > BENCH_MAPS_MAX)
		return -EINVAL;
	if (bench_live)
		return -EBUSY;
	bench_live = vcalloc(maps, sizeof(*bench_live));
	if (!bench_live)
		return -ENOMEM;
	bench_live_n = n;
	free = global_zone_page_state(NR_FREE_PAGES);
	if (bench_live_map(maps)) {
		bench_live_drop();
		return -ENOMEM;
	}
	scnprintf(result, BENCH_RESULT_MAX,
		  "{\"bench\":\"live\",\"impl\":\"%s\",\"n\":%lu,\"threads\":1,\"pages\":%lu,\"taken_bytes\":%ld}\n",
		  bench_impl_name(bench_live_impl), n, n * maps,
		  (long)(free - global_zone_page_state(NR_FREE_PAGES)) * (long)PAGE_SIZE);
	return 0;
}
