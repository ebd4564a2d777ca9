/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_LINUX_SCHED_H
#define SHIM_LINUX_SCHED_H

#include <linux/kernel.h>

struct task_struct;

/* Whoever runs; only to be compared. */
struct task_struct *shim_current(void);
#define current shim_current()

/* The task stays on its CPU, though others may run there in between. */
void migrate_disable(void);
void migrate_enable(void);

#endif
