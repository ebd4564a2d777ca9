/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PVMEM_TAKEOVER_LOCKS_H
#define PVMEM_TAKEOVER_LOCKS_H

#include <linux/mm.h>

#if ALLOC_SPLIT_PTLOCKS
void takeover_lock_move(struct page *table);
void takeover_lock_classify(struct page *table);
int takeover_locks_learn(void);
#else
/* A lock that is part of its table's descriptor is made where it is, and of no class. */
static inline void takeover_lock_move(struct page *table)
{
}

static inline void takeover_lock_classify(struct page *table)
{
}

static inline int takeover_locks_learn(void)
{
	return 0;
}
#endif

#endif
