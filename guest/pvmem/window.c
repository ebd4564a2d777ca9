// SPDX-License-Identifier: GPL-2.0
/*
 * Windows of kernel address space, and the blocks in them that are in no use.
 *
 * A window is had by vmap()ing one page over and over: that is the exported way
 * to get address space together with its page tables, and it makes the window
 * an ordinary vmalloc area to the rest of the kernel (is_vmalloc_addr(),
 * /proc/vmallocinfo, vmalloc_to_page()). Its entries are then cleared and are
 * pvmem's to set. Windows are only added while the instance lives, so a lookup
 * takes no lock; pv->nr_windows publishes them. Free blocks of all windows are in
 * one tree; windows never touch (the slack for alignment lies between them), so
 * a free range never spans two.
 *
 * pv->lock guards the tree and the lists of blocks; grow_mutex serialises
 * growing and changes of the policy, which growing may change for a while.
 */
#include <linux/gfp.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <asm/pgtable.h>
#include "core.h"

static struct pvmem_block *pvmem_blocks_try_get(struct pvmem *pv, unsigned int nr_blocks)
{
	unsigned long unit;

	spin_lock(&pv->lock);
	unit = pvmem_va_alloc(&pv->free, nr_blocks);
	spin_unlock(&pv->lock);
	return unit == PVMEM_VA_NONE ? NULL : pvmem_block_at(pv, unit << PVMEM_BLOCK_SHIFT);
}

static void pvmem_blocks_untake(struct pvmem *pv, struct pvmem_block *block, unsigned int nr_blocks)
{
	spin_lock(&pv->lock);
	pvmem_va_free(&pv->free, &block->va, block->table.addr >> PVMEM_BLOCK_SHIFT, nr_blocks);
	spin_unlock(&pv->lock);
}

static int pvmem_blocks_alloc_pages(struct pvmem_block *block, unsigned int nr_blocks)
{
	unsigned int i;

	for (i = 0; i < nr_blocks; i++) {
		if (block[i].table.pages)
			continue;
		block[i].table.pages = kmalloc_array(PVMEM_BLOCK_PAGES, sizeof(struct page *),
						     GFP_KERNEL | __GFP_NOWARN);
		if (!block[i].table.pages)
			return -ENOMEM;
	}
	return 0;
}

/**
 * pvmem_blocks_get() - take contiguous empty blocks into use
 * @pv: the instance.
 * @nr_blocks: how many, at least 1.
 *
 * Grows by a window when there is no free range; when there may be no more
 * windows, purges to get blocks back.
 *
 * Context: process, may sleep and allocate; takes grow_mutex, purge_mutex,
 * pv->lock.
 * Return: the first of @nr_blocks adjacent blocks, on pv->blocks and empty, or
 * NULL.
 */
struct pvmem_block *pvmem_blocks_get(struct pvmem *pv, unsigned int nr_blocks)
{
	struct pvmem_block *block = pvmem_blocks_try_get(pv, nr_blocks);
	unsigned int i;

	while (!block && !pvmem_window_grow(pv, nr_blocks))
		block = pvmem_blocks_try_get(pv, nr_blocks);
	if (!block && pvmem_lazy_pages(pv)) {
		pvmem_stat_inc(pv, purge_throttled);
		pvmem_purge(pv);
		block = pvmem_blocks_try_get(pv, nr_blocks);
	}
	if (!block)
		return NULL;
	if (pvmem_blocks_alloc_pages(block, nr_blocks)) {
		pvmem_blocks_untake(pv, block, nr_blocks);
		return NULL;
	}
	spin_lock(&pv->lock);
	for (i = 0; i < nr_blocks; i++)
		list_add_tail(&block[i].link, &pv->blocks);
	spin_unlock(&pv->lock);
	return block;
}

/**
 * pvmem_block_put() - an empty block is in use no more
 * @pv: the instance.
 * @block: nothing is mapped in it, no CPU owns it.
 *
 * Context: any; the caller holds pv->lock and @block's lock.
 */
void pvmem_block_put(struct pvmem *pv, struct pvmem_block *block)
{
	lockdep_assert_held(&pv->lock);
	pvmem_block_assert_locked(block);

	block->closed = false;
	block->next = 0;
	block->max_free = 0;
	block->run = 0;
	list_del(&block->link);
	list_del_init(&block->partial);
	pvmem_va_free(&pv->free, &block->va, block->table.addr >> PVMEM_BLOCK_SHIFT, 1);
}

static int pvmem_window_init_blocks(struct pvmem_window *window)
{
	unsigned long i;

	for (i = 0; i < window->nr_blocks; i++) {
		struct pvmem_block *block = &window->block[i];
		unsigned int level;

		INIT_LIST_HEAD(&block->partial);
		block->table.addr = window->base + i * PVMEM_BLOCK_SIZE;
		block->table.ptes = lookup_address(block->table.addr, &level);
		if (!block->table.ptes || level != PG_LEVEL_4K)
			return -EFAULT;
	}
	return 0;
}

/* Clear the entries that vmap() made. */
static int pvmem_window_clear(struct pvmem *pv, struct pvmem_window *window)
{
	struct pvmem_range range[PVMEM_PURGE_BLOCKS];
	unsigned long i;
	unsigned int nr;
	int err;

	for (i = 0; i < window->nr_blocks; i += nr) {
		for (nr = 0; nr < PVMEM_PURGE_BLOCKS && i + nr < window->nr_blocks; nr++)
			range[nr] = (struct pvmem_range){
				.table = &window->block[i + nr].table,
				.nr = PVMEM_BLOCK_PAGES,
				.whole = true,
			};
		err = pv->ops->zap(pv, range, nr);
		if (err)
			return err;
	}
	return 0;
}

/* One block more than asked for, so that the blocks can be aligned. */
static void *pvmem_window_reserve(struct pvmem *pv, unsigned long nr_blocks)
{
	unsigned long i, nr_pages = (nr_blocks + 1) * PVMEM_BLOCK_PAGES;
	struct page **pages;
	void *area;

	pages = kvmalloc_array(nr_pages, sizeof(*pages), GFP_KERNEL | __GFP_NOWARN);
	if (!pages)
		return NULL;
	for (i = 0; i < nr_pages; i++)
		pages[i] = pv->filler;
	area = vmap(pages, nr_pages, VM_MAP, PAGE_KERNEL_RO);
	kvfree(pages);
	return area;
}

static struct pvmem_window *pvmem_window_create(struct pvmem *pv, unsigned long nr_blocks)
{
	struct pvmem_window *window;

	window = kvzalloc(struct_size(window, block, nr_blocks), GFP_KERNEL | __GFP_NOWARN);
	if (!window)
		return NULL;
	window->nr_blocks = nr_blocks;
	window->area = pvmem_window_reserve(pv, nr_blocks);
	if (!window->area)
		goto out_free;
	window->base = ALIGN((unsigned long)window->area, PVMEM_BLOCK_SIZE);
	if (pvmem_window_init_blocks(window) || pvmem_window_clear(pv, window))
		goto out_vunmap;
	return window;

out_vunmap:
	vunmap(window->area);
out_free:
	kvfree(window);
	return NULL;
}

static void pvmem_window_destroy(struct pvmem_window *window)
{
	unsigned long i;

	for (i = 0; i < window->nr_blocks; i++)
		kfree(window->block[i].table.pages);
	vunmap(window->area);
	kvfree(window);
}

/*
 * vmap() makes page tables of any free page and does not ask for aliases. Where
 * frames have types, none may have one meanwhile: unmaps hold their pages, and
 * those that did not are purged first.
 */
static struct pvmem_window *pvmem_window_create_unaliased(struct pvmem *pv, unsigned long nr_blocks)
{
	struct pvmem_window *window = NULL;
	enum pvmem_policy policy = pv->policy;

	lockdep_assert_held(&pv->grow_mutex);
	if (!pv->ops->typed)
		return pvmem_window_create(pv, nr_blocks);
	WRITE_ONCE(pv->policy, PVMEM_POLICY_HOLD);
	/* Pairs with pvmem_span_kill_track(). */
	synchronize_rcu();
	if (!pvmem_purge(pv))
		window = pvmem_window_create(pv, nr_blocks);
	WRITE_ONCE(pv->policy, policy);
	return window;
}

static int pvmem_window_grow_locked(struct pvmem *pv, unsigned int nr_blocks)
{
	struct pvmem_window *window;
	unsigned long have = 0;
	unsigned int i;

	lockdep_assert_held(&pv->grow_mutex);
	for (i = 0; i < pv->nr_windows; i++)
		have += pv->windows[i]->nr_blocks;
	if (pv->nr_windows == PVMEM_WINDOWS_MAX || have + nr_blocks > pv->max_blocks)
		return -ENOSPC;
	nr_blocks = clamp_t(unsigned long, pv->window_blocks, nr_blocks, pv->max_blocks - have);
	window = pvmem_window_create_unaliased(pv, nr_blocks);
	if (!window)
		return -ENOMEM;

	pv->windows[pv->nr_windows] = window;
	/* Pairs with pvmem_nr_windows(). */
	smp_store_release(&pv->nr_windows, pv->nr_windows + 1);
	pvmem_blocks_untake(pv, window->block, nr_blocks);
	pvmem_stat_inc(pv, window_grown);
	return 0;
}

/**
 * pvmem_window_grow() - reserve one more window
 * @pv: the instance.
 * @nr_blocks: contiguous blocks that must fit into it; it gets
 *	@pv->window_blocks, where the limit allows.
 *
 * Context: process, sleeps; takes grow_mutex. On Xen PV a block costs about a
 * million instructions to reserve, once.
 * Return: 0, also when somebody else's growing made room meanwhile; -ENOSPC when
 * that would exceed the limits; -ENOMEM.
 */
int pvmem_window_grow(struct pvmem *pv, unsigned int nr_blocks)
{
	unsigned int seen = pvmem_nr_windows(pv), noio;
	int err = 0;

	/*
	 * Whoever waits for the mutex may be a file system that must not wait
	 * for reclaim to come back to it.
	 */
	noio = memalloc_noio_save();
	mutex_lock(&pv->grow_mutex);
	if (seen == pv->nr_windows)
		err = pvmem_window_grow_locked(pv, nr_blocks);
	mutex_unlock(&pv->grow_mutex);
	memalloc_noio_restore(noio);
	return err;
}

/**
 * pvmem_windows_bytes() - address space reserved
 * @pv: the instance.
 *
 * Context: any.
 * Return: bytes in blocks, the slack for alignment not included.
 */
unsigned long pvmem_windows_bytes(struct pvmem *pv)
{
	unsigned int i, nr = pvmem_nr_windows(pv);
	unsigned long blocks = 0;

	for (i = 0; i < nr; i++)
		blocks += pv->windows[i]->nr_blocks;
	return blocks << PVMEM_BLOCK_SHIFT;
}

/**
 * pvmem_overhead_bytes() - memory that the instance uses for itself
 * @pv: the instance.
 *
 * Counts the alias table, and for each block its description, its array of
 * pages where it has one, and its page table. The pool is not overhead but a
 * stock, and is counted apart.
 *
 * Context: any.
 * Return: bytes.
 */
unsigned long pvmem_overhead_bytes(struct pvmem *pv)
{
	unsigned int i, nr = pvmem_nr_windows(pv);
	unsigned long j, bytes = sizeof(*pv) + pv->alias.nr_pfns * sizeof(*pv->alias.count);

	for (i = 0; i < nr; i++) {
		struct pvmem_window *window = pv->windows[i];

		for (j = 0; j < window->nr_blocks; j++)
			bytes += sizeof(struct pvmem_block) + PAGE_SIZE +
				 (READ_ONCE(window->block[j].table.pages) ? PVMEM_BLOCK_PAGES * sizeof(struct page *)
									  : 0);
	}
	return bytes;
}

/**
 * pvmem_windows_release() - give all address space back
 * @pv: the instance; nobody maps or unmaps any more.
 *
 * Context: process, sleeps.
 * Return: 0, or -EBUSY when a block is still in use; then nothing is released.
 */
int pvmem_windows_release(struct pvmem *pv)
{
	if (!list_empty(&pv->blocks))
		return -EBUSY;
	while (pv->nr_windows)
		pvmem_window_destroy(pv->windows[--pv->nr_windows]);
	return 0;
}
