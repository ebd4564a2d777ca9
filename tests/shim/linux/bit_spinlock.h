/* SPDX-License-Identifier: GPL-2.0 */
/* The word holds its holder, and bit 0: so that "locked" means locked by us. */
#ifndef SHIM_LINUX_BIT_SPINLOCK_H
#define SHIM_LINUX_BIT_SPINLOCK_H

#include <linux/spinlock.h>

void bit_spin_lock(int bit, unsigned long *word);
void __bit_spin_unlock(int bit, unsigned long *word);
bool bit_spin_is_locked(int bit, const unsigned long *word);

#endif
