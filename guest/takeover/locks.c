// SPDX-License-Identifier: GPL-2.0
/*
 * Locks of page tables where they are no part of a table's descriptor, because
 * they are too large: with lockdep.
 *
 * mm.h's inline functions, which make a page a table, call two functions that the
 * kernel does not export. They are here, and call the kernel's.
 *
 * The class of a lock is where it was initialized, and an inline function is
 * initialized in many places: tables made here would be of a class of their own.
 * lockdep would find it to nest both ways with that of stock tables, because
 * tree.c holds locks of both at once, in the order of addresses; and tables
 * outlive this module. So they get the class that the kernel's own have.
 */
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <asm/pgalloc.h>
#include "locks.h"
#include "takeover.h"

#if ALLOC_SPLIT_PTLOCKS

/* The lock of a table that is being replaced; NULL but for that moment. */
static DEFINE_PER_CPU(spinlock_t *, takeover_moved_lock);

#ifdef CONFIG_LOCKDEP
static struct lockdep_map takeover_class;

static void takeover_class_learn(const spinlock_t *lock)
{
	takeover_class = lock->dep_map;
}

static void takeover_class_give(spinlock_t *lock)
{
	lockdep_set_class_and_name(lock, takeover_class.key, takeover_class.name);
}
#else
static void takeover_class_learn(const spinlock_t *lock)
{
}

static void takeover_class_give(spinlock_t *lock)
{
}
#endif

/**
 * ptlock_alloc() - give a page table a lock
 * @table: the page table.
 *
 * Context: process, may sleep, unless a lock is moved: takeover_lock_move().
 * Return: false when there is no memory.
 */
bool ptlock_alloc(TAKEOVER_COMPAT_TABLE *table)
{
	spinlock_t *moved = this_cpu_xchg(takeover_moved_lock, NULL);

	if (!moved)
		return takeover_kernel.ptlock_alloc(table);
	table->ptl = moved;
	return true;
}

/**
 * ptlock_free() - free it
 * @table: the page table. Its page may become a table again without having been
 *	freed, so the pointer must not stay.
 *
 * Context: any but interrupts.
 */
void ptlock_free(TAKEOVER_COMPAT_TABLE *table)
{
	if (!table->ptl)
		return;
	takeover_kernel.ptlock_free(table);
	table->ptl = NULL;
}

/**
 * takeover_lock_move() - the next table that is made here gets this one's lock
 * @table: a table that is about to be none.
 *
 * To free one and make another may sleep.
 *
 * Context: preemption is off, and stays so until the other table was made.
 */
void takeover_lock_move(struct page *table)
{
	TAKEOVER_COMPAT_TABLE *from = takeover_compat_table(table);

	this_cpu_write(takeover_moved_lock, from->ptl);
	from->ptl = NULL;
}

/**
 * takeover_lock_classify() - a table's lock is like those of the kernel's tables
 * @table: a table that was just made.
 */
void takeover_lock_classify(struct page *table)
{
	takeover_class_give(takeover_compat_table_lock(table));
}

/**
 * takeover_locks_learn() - find out what class the kernel's tables' locks are of
 *
 * Context: process, sleeps.
 * Return: 0 or -ENOMEM.
 */
int takeover_locks_learn(void)
{
	pgtable_t table = takeover_kernel.pte_alloc_one(current->mm);

	if (!table)
		return -ENOMEM;
	takeover_class_learn(takeover_compat_table_lock(table));
	pte_free(current->mm, table);
	return 0;
}

#endif
