/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_LINUX_RCUPDATE_H
#define SHIM_LINUX_RCUPDATE_H

#include <linux/kernel.h>

/* Every CPU was preemptible once; that is all that is asked of RCU here. */
void synchronize_rcu(void);

void rcu_read_lock(void);
void rcu_read_unlock(void);
/* Called back in rcu_barrier(), from whatever task. */
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
void rcu_barrier(void);

#endif
