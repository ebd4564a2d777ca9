/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters. Each is per CPU and only grows; what is outstanding is the
 * difference of two of them. include/pvmem/stats.def is the list.
 */
#ifndef PVMEM_STATS_H
#define PVMEM_STATS_H

#include <linux/percpu.h>

struct pvmem;

enum pvmem_stat {
#define PVMEM_STAT(name, unit, help) PVMEM_STAT_##name,
#define PVMEM_GAUGE(name, unit, help)
#include <pvmem/stats.def>
#undef PVMEM_STAT
#undef PVMEM_GAUGE
	PVMEM_NR_STATS,
};

struct pvmem_stats {
	unsigned long count[PVMEM_NR_STATS];
};

#define pvmem_stat_add(pv, name, n) this_cpu_add((pv)->stats->count[PVMEM_STAT_##name], (n))
#define pvmem_stat_inc(pv, name) pvmem_stat_add(pv, name, 1)
#define pvmem_stat_sum(pv, name) pvmem_stats_sum(pv, PVMEM_STAT_##name)

unsigned long pvmem_stats_sum(struct pvmem *pv, enum pvmem_stat stat);
int pvmem_stats_init(struct pvmem *pv);
void pvmem_stats_exit(struct pvmem *pv);

#endif
