// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of the kernel's. Those that are allocated as movable, zswap's among them,
 * the kernel may replace by others, to make large blocks of free memory: it comes
 * with a page, and the page's descriptor says whose it is.
 *
 * The kernel does so with the page locked. A page is taken back with its lock held,
 * too; when that cannot be had at once, by a worker. So once pages are back and
 * pvmem_zs_system_flush() was called, nobody is on the way from one to its pool.
 */
#include <linux/llist.h>
#include <linux/migrate.h>
#include <linux/pagemap.h>
#include <linux/workqueue.h>
#include "zs_core.h"

/* Pages that were locked, linked by page->index: the kernel may have them on a list of its own. */
static LLIST_HEAD(pvmem_zs_late);

static void pvmem_zs_free_locked(struct page *page)
{
	__ClearPageMovable(page);
	unlock_page(page);
	__free_page(page);
}

static void pvmem_zs_free_late(struct work_struct *work)
{
	struct llist_node *node = llist_del_all(&pvmem_zs_late), *next;

	for (; node; node = next) {
		struct page *page = container_of((pgoff_t *)node, struct page, index);

		next = node->next;
		lock_page(page);
		pvmem_zs_free_locked(page);
	}
}
static DECLARE_WORK(pvmem_zs_late_work, pvmem_zs_free_late);

static void pvmem_zs_free_page(void *ctx, struct page *page)
{
	if (!__PageMovable(page)) {
		__free_page(page);
	} else if (trylock_page(page)) {
		pvmem_zs_free_locked(page);
	} else {
		llist_add((struct llist_node *)&page->index, &pvmem_zs_late);
		schedule_work(&pvmem_zs_late_work);
	}
}

/**
 * pvmem_zs_system_flush() - wait for pages that are on their way back
 *
 * Context: process, sleeps.
 */
void pvmem_zs_system_flush(void)
{
	flush_work(&pvmem_zs_late_work);
}

static bool pvmem_zs_isolate(struct page *page, isolate_mode_t mode)
{
	return pvmem_desc_type(page) == PVMEM_DESC_ZSPAGE;
}

/* Both pages are locked. The copy is made here, under a lock: modes beyond MIGRATE_SYNC would have it made elsewhere. */
static int pvmem_zs_migrate(struct page *to, struct page *from, enum migrate_mode mode)
{
	if (mode > MIGRATE_SYNC || (u64)page_to_pfn(to) >> 32)
		return -EINVAL;
	if (pvmem_zs_replace(to, from))
		return -EAGAIN; /* in use; or about to be free, which the kernel notices next time */
	__SetPageMovable(to, page_movable_ops(from));
	get_page(to);
	__ClearPageMovable(from);
	put_page(from);
	return MIGRATEPAGE_SUCCESS;
}

static void pvmem_zs_putback(struct page *page)
{
}

static const struct movable_operations pvmem_zs_movable = {
	.isolate_page = pvmem_zs_isolate,
	.migrate_page = pvmem_zs_migrate,
	.putback_page = pvmem_zs_putback,
};

static struct page *pvmem_zs_alloc_page(void *ctx, gfp_t gfp)
{
	struct page *page = alloc_page(gfp);

	/* Nobody has locked it; if somebody has by mistake, it stays where it is. */
	if (page && gfp & __GFP_MOVABLE && trylock_page(page)) {
		__SetPageMovable(page, &pvmem_zs_movable);
		unlock_page(page);
	}
	return page;
}

const struct pvmem_zs_source pvmem_zs_system = {
	.alloc = pvmem_zs_alloc_page,
	.free = pvmem_zs_free_page,
};
