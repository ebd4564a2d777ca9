/* SPDX-License-Identifier: GPL-2.0 */
/* Per-CPU data: copies at a fixed distance, so that this_cpu_add() works on a member. */
#ifndef SHIM_LINUX_PERCPU_H
#define SHIM_LINUX_PERCPU_H

#include <linux/spinlock.h>

#define SHIM_NR_CPUS 6
#define SHIM_PERCPU_STRIDE 8192
#define SHIM_NR_NODES 2

int shim_cpu(void);
void *shim_alloc_percpu(size_t size);
void free_percpu(void *p);

#define alloc_percpu(type) ((type *)shim_alloc_percpu(sizeof(type)))
#define per_cpu_ptr(p, cpu) ((__typeof__(p))((char *)(p) + (size_t)(cpu)*SHIM_PERCPU_STRIDE))
#define get_cpu_ptr(p) (preempt_disable(), per_cpu_ptr(p, shim_cpu()))
#define raw_cpu_ptr(p) per_cpu_ptr(p, shim_cpu())
#define put_cpu_ptr(p) preempt_enable()
#define this_cpu_add(member, n) ((void)__atomic_fetch_add(per_cpu_ptr(&(member), shim_cpu()), (n), __ATOMIC_RELAXED))
#define for_each_possible_cpu(cpu) for ((cpu) = 0; (cpu) < SHIM_NR_CPUS; (cpu)++)

#define N_MEMORY 0
#define nr_node_ids SHIM_NR_NODES
#define numa_node_id() (shim_cpu() % SHIM_NR_NODES)
#define for_each_node_state(nid, state) for ((nid) = 0; (nid) < SHIM_NR_NODES; (nid)++)

#endif
