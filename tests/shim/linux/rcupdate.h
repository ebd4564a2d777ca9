/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_LINUX_RCUPDATE_H
#define SHIM_LINUX_RCUPDATE_H

#include <linux/kernel.h>

/* Every CPU was preemptible once; that is all that is asked of RCU here. */
void synchronize_rcu(void);

#endif
