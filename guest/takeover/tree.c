// SPDX-License-Identifier: GPL-2.0
/*
 * A process's page tables are made read-only and pinned as a whole when it is
 * forked or starts a program, and unpinned as a whole when it exits. The stock
 * kernel does that table by table, [RO, PIN, RO, PIN, ...], and a frame's change
 * of type makes Xen flush the TLBs of other CPUs: for every table. In [all RO]
 * [all PIN] and [all UNPIN][all RW] only the first of each batch does.
 *
 * Locks as in the stock code: the caller holds mm->page_table_lock; between
 * becoming read-only and being pinned, or being unpinned and becoming writable,
 * nobody may write to a last-level table, so its lock is held until its batch
 * is issued. What is not last-level is written under page_table_lock only.
 */
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <asm/pgtable.h>
#include "tables.h"
#include "takeover.h"
#include "xen.h"

/*
 * Tables in a batch: as many locks are held at once, and the preempt count can
 * count 255. Most of the gain is there at 32.
 */
#define TAKEOVER_BATCH 64

/* The two top-level tables of an address space come on top. */
#define TAKEOVER_ROOTS 2

/**
 * struct takeover_batch - tables that change their type together; per CPU
 * @call: [1] and on make the tables read-only or writable; the operations are
 *	after them when pinning, in [0] when unpinning.
 * @op: pins or unpins.
 * @page: the tables.
 * @lock: of each, the lock that is held, or NULL.
 * @nr: how many tables.
 * @nr_ops: how many operations.
 * @done: operations that Xen did.
 */
struct takeover_batch {
	struct multicall_entry call[TAKEOVER_BATCH + TAKEOVER_ROOTS + 2];
	struct mmuext_op op[TAKEOVER_BATCH + TAKEOVER_ROOTS];
	struct page *page[TAKEOVER_BATCH + TAKEOVER_ROOTS];
	spinlock_t *lock[TAKEOVER_BATCH + TAKEOVER_ROOTS];
	unsigned int nr;
	unsigned int nr_ops;
	unsigned int done;
};

/**
 * struct takeover_tree - the page tables of an address space, being visited
 * @mm: whose locks nest; init_mm while the machine is stopped for a save.
 * @batch: what is gathered.
 * @add: takes a table into the batch.
 * @failed: something was refused and undone: the stock code does the rest.
 */
struct takeover_tree {
	struct mm_struct *mm;
	struct takeover_batch *batch;
	void (*add)(struct takeover_tree *tree, struct page *page, bool last_level);
	bool failed;
};

/* Allocated: all modules together have 8 KiB of static data a CPU. */
static struct takeover_batch __percpu *takeover_batches;

/**
 * takeover_tree_start() - get what address spaces are pinned with
 *
 * Context: process, sleeps.
 * Return: 0 or -ENOMEM.
 */
int takeover_tree_start(void)
{
	takeover_batches = alloc_percpu(struct takeover_batch);
	return takeover_batches ? 0 : -ENOMEM;
}

/**
 * takeover_tree_stop() - free it; nobody is inside any more
 *
 * Context: process, sleeps.
 */
void takeover_tree_stop(void)
{
	free_percpu(takeover_batches);
}

/* The second top-level table, of user mode alone; as the stock code finds it. */
static struct page *takeover_user_root(pgd_t *pgd)
{
	unsigned long user = page_private(virt_to_page(pgd));

	return user ? virt_to_page(user) : NULL;
}

static void takeover_batch_add(struct takeover_tree *tree, struct page *page, bool last_level, unsigned int cmd,
			       pgprot_t prot, unsigned long flags)
{
	struct takeover_batch *batch = tree->batch;
	spinlock_t *lock = NULL;

	if (last_level) {
		lock = takeover_compat_table_lock(page);
		spin_lock_nest_lock(lock, &tree->mm->page_table_lock);
		__release(lock); /* for sparse: takeover_batch_end() unlocks */
		batch->op[batch->nr_ops++] = takeover_op(cmd, page);
	}
	batch->page[batch->nr] = page;
	batch->lock[batch->nr] = lock;
	takeover_call_prot(&batch->call[++batch->nr], page, prot, flags);
}

/* Done with the batch: locks go, and the next can be gathered. */
static void takeover_batch_end(struct takeover_batch *batch)
{
	unsigned int i;

	takeover_stat_add(tree_tables, batch->nr);
	for (i = 0; i < batch->nr; i++)
		if (batch->lock[i]) {
			__acquire(batch->lock[i]);
			spin_unlock(batch->lock[i]);
		}
	batch->nr = 0;
	batch->nr_ops = 0;
}

/*
 * The index, from @i on, of an entry that may be in use, or @nr. Most are empty,
 * and a small program's tables have 3,300 entries to look at: eight at a time.
 */
static unsigned int takeover_next(const void *table, unsigned int i, unsigned int nr)
{
	const u64 *e = table;

	while (i < nr && !e[i]) {
		i++;
		while (!(i % 8) && i < nr &&
		       !(e[i] | e[i + 1] | e[i + 2] | e[i + 3] | e[i + 4] | e[i + 5] | e[i + 6] | e[i + 7]))
			i += 8;
	}
	return i;
}

static void takeover_walk_pmds(struct takeover_tree *tree, pmd_t *pmd)
{
	unsigned int i;

	tree->add(tree, virt_to_page(pmd), false);
	for (i = 0; (i = takeover_next(pmd, i, PTRS_PER_PMD)) < PTRS_PER_PMD; i++)
		if (!pmd_none(pmd[i]))
			tree->add(tree, pmd_page(pmd[i]), true);
}

static void takeover_walk_puds(struct takeover_tree *tree, pud_t *pud)
{
	unsigned int i;

	tree->add(tree, virt_to_page(pud), false);
	for (i = 0; (i = takeover_next(pud, i, PTRS_PER_PUD)) < PTRS_PER_PUD; i++)
		if (!pud_none(pud[i]))
			takeover_walk_pmds(tree, pmd_offset(&pud[i], 0));
}

/* Every table of user space but the top level. The other half is the kernel's and Xen's. */
static void takeover_walk(struct takeover_tree *tree, pgd_t *pgd)
{
	unsigned int i;
	p4d_t *p4d;

	for (i = 0; (i = takeover_next(pgd, i, PTRS_PER_PGD / 2)) < PTRS_PER_PGD / 2; i++) {
		/* Four levels: this one is folded into the top. */
		p4d = p4d_offset(&pgd[i], 0);
		if (!p4d_none(*p4d) && !tree->failed)
			takeover_walk_puds(tree, pud_offset(p4d, 0));
	}
}

/* A table that Xen would not give back: nobody may ever write to it as to a page. */
static void takeover_lose(struct page *page)
{
	get_page(page);
	takeover_stat_inc(tables_lost);
}

/* Part of the batch was refused: undo all of it. */
static void takeover_pin_undo(struct takeover_tree *tree)
{
	struct takeover_batch *batch = tree->batch;
	unsigned int i;

	for (i = 0; i < batch->done; i++) {
		batch->op[i].cmd = MMUEXT_UNPIN_TABLE;
		takeover_xen_ext_one(&batch->op[i]);
	}
	for (i = 0; i < batch->nr; i++) {
		ClearPagePinned(batch->page[i]);
		if (!takeover_xen_writable_one(batch->page[i]))
			takeover_lose(batch->page[i]);
	}
	tree->failed = true;
}

/* [all read-only][all pinned]. */
static void takeover_pin_issue(struct takeover_tree *tree)
{
	struct takeover_batch *batch = tree->batch;
	unsigned int nr_calls = batch->nr;
	int err;

	batch->done = 0;
	if (batch->nr_ops)
		takeover_call_ext(&batch->call[++nr_calls], batch->op, batch->nr_ops, &batch->done);
	err = takeover_xen_multicall(&batch->call[1], nr_calls, batch->nr + batch->nr_ops);
	if (unlikely(err)) {
		takeover_xen_refused("multicall", 1, err);
		takeover_pin_undo(tree);
	}
	takeover_batch_end(batch);
}

static void takeover_pin_add(struct takeover_tree *tree, struct page *page, bool last_level)
{
	if (tree->failed || TestSetPagePinned(page))
		return;
	takeover_batch_add(tree, page, last_level, MMUEXT_PIN_L1_TABLE, PAGE_KERNEL_RO, 0);
	if (tree->batch->nr == TAKEOVER_BATCH)
		takeover_pin_issue(tree);
}

static void takeover_pin_root(struct takeover_tree *tree, struct page *page)
{
	struct takeover_batch *batch = tree->batch;

	if (!TestSetPagePinned(page))
		takeover_batch_add(tree, page, false, 0, PAGE_KERNEL_RO, UVMF_TLB_FLUSH);
	batch->op[batch->nr_ops++] = takeover_op(MMUEXT_PIN_L4_TABLE, page);
}

/**
 * takeover___xen_pgd_pin() - pin an address space
 * @mm: whose; init_mm while the machine is stopped for a save.
 * @pgd: its top-level table.
 *
 * Context: mm->page_table_lock is held.
 */
void takeover___xen_pgd_pin(struct mm_struct *mm, pgd_t *pgd)
{
	struct takeover_tree tree = { .mm = mm, .batch = this_cpu_ptr(takeover_batches), .add = takeover_pin_add };
	struct page *user = takeover_user_root(pgd);

	takeover_walk(&tree, pgd);
	if (likely(!tree.failed)) {
		takeover_pin_root(&tree, virt_to_page(pgd));
		if (user)
			takeover_pin_root(&tree, user);
		takeover_pin_issue(&tree);
	}
	if (likely(!tree.failed)) {
		takeover_stat_inc(trees_pinned);
		return;
	}
	takeover_stat_inc(trees_stock);
	takeover_stock.__xen_pgd_pin(mm, pgd);
}

/* Part of the batch was refused: do it one by one. */
static void takeover_unpin_repair(struct takeover_tree *tree)
{
	struct takeover_batch *batch = tree->batch;
	unsigned int i;

	for (i = batch->done; i < batch->nr_ops; i++)
		takeover_xen_ext_one(&batch->op[i]);
	for (i = 0; i < batch->nr; i++)
		if (batch->call[1 + i].result && !takeover_xen_writable_one(batch->page[i]))
			takeover_lose(batch->page[i]);
}

/* [all unpinned][all writable]. */
static void takeover_unpin_issue(struct takeover_tree *tree)
{
	struct takeover_batch *batch = tree->batch;
	int err;

	batch->done = 0;
	takeover_call_ext(&batch->call[0], batch->op, batch->nr_ops, &batch->done);
	err = takeover_xen_multicall(batch->call, 1 + batch->nr, batch->nr + batch->nr_ops);
	if (unlikely(err)) {
		takeover_xen_refused("multicall", 1, err);
		takeover_unpin_repair(tree);
	}
	takeover_batch_end(batch);
}

static void takeover_unpin_add(struct takeover_tree *tree, struct page *page, bool last_level)
{
	if (!TestClearPagePinned(page))
		return;
	takeover_batch_add(tree, page, last_level, MMUEXT_UNPIN_TABLE, PAGE_KERNEL, 0);
	if (tree->batch->nr == TAKEOVER_BATCH)
		takeover_unpin_issue(tree);
}

/**
 * takeover___xen_pgd_unpin() - unpin an address space
 * @mm: whose; init_mm while the machine is stopped for a save.
 * @pgd: its top-level table.
 *
 * The top level first: afterwards no table but the last-level ones has a type,
 * and each of those is unpinned and made writable in one batch, under its lock.
 *
 * Context: mm->page_table_lock is held.
 */
void takeover___xen_pgd_unpin(struct mm_struct *mm, pgd_t *pgd)
{
	struct takeover_tree tree = { .mm = mm, .batch = this_cpu_ptr(takeover_batches), .add = takeover_unpin_add };
	struct takeover_batch *batch = tree.batch;
	struct page *root = virt_to_page(pgd), *user = takeover_user_root(pgd);

	batch->op[batch->nr_ops++] = takeover_op(MMUEXT_UNPIN_TABLE, root);
	if (user) {
		batch->op[batch->nr_ops++] = takeover_op(MMUEXT_UNPIN_TABLE, user);
		if (TestClearPagePinned(user))
			takeover_batch_add(&tree, user, false, 0, PAGE_KERNEL, UVMF_TLB_FLUSH);
	}
	takeover_walk(&tree, pgd);
	if (TestClearPagePinned(root))
		takeover_batch_add(&tree, root, false, 0, PAGE_KERNEL, UVMF_TLB_FLUSH);
	takeover_unpin_issue(&tree);
	takeover_stat_inc(trees_unpinned);
}
