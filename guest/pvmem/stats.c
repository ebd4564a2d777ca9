// SPDX-License-Identifier: GPL-2.0
/* Counters: allocation and sums. */
#include "core.h"

/**
 * pvmem_stats_init() - allocate the counters, all zero
 * @pv: the instance.
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int pvmem_stats_init(struct pvmem *pv)
{
	pv->stats = alloc_percpu(struct pvmem_stats);
	return pv->stats ? 0 : -ENOMEM;
}

/**
 * pvmem_stats_exit() - free the counters
 * @pv: the instance.
 */
void pvmem_stats_exit(struct pvmem *pv)
{
	free_percpu(pv->stats);
	pv->stats = NULL;
}

/**
 * pvmem_stats_sum() - one counter over all CPUs
 * @pv: the instance.
 * @stat: which.
 *
 * Context: any. Each CPU's share only grows, so the sum is at least what it was
 * when the call began.
 * Return: the sum; wraps like unsigned long.
 */
unsigned long pvmem_stats_sum(struct pvmem *pv, enum pvmem_stat stat)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(pv->stats, cpu)->count[stat]);
	return sum;
}
