// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables of the kernel's own that come back.
 *
 * The page-table code frees a table while a TLB, or a lockless walk of another
 * CPU, may still refer to it; whoever keeps track of those holds a reference on
 * the page until they are gone. The pool takes such a page over at once, still
 * pinned, with a reference of its own, and puts it at the end of the node's
 * `used` list. It hands it out again from the front of the list once the pool's
 * reference is the last one, and the page is zero.
 *
 * What comes back is kept up to the pool's cap, above the high watermark too: a
 * page that is given back and prepared again costs twice 12,000 instructions on
 * Xen. The shrinker takes these pages first.
 */
#include <linux/mm.h>
#include <linux/topology.h>
#include "core.h"

/**
 * pvmem_ptpool_has_room() - would the pool keep one more page-table page?
 * @pv: the instance.
 *
 * Context: any.
 * Return: false when the pool is at its cap, turned off or frozen. An estimate:
 * others may adopt meanwhile.
 */
bool pvmem_ptpool_has_room(struct pvmem *pv)
{
	const struct pvmem_ptpool *pool = &pv->pool;
	const struct pvmem_ptpool_node *node = &pool->nodes[numa_node_id()];

	return READ_ONCE(node->nr_ready) + READ_ONCE(node->nr_used) < READ_ONCE(pool->config.cap) &&
	       READ_ONCE(pool->config.high) && !READ_ONCE(pool->frozen);
}

/**
 * pvmem_ptpool_adopt() - take over a page-table page that came from anywhere
 * @pv: the instance.
 * @page: in the type that the pool's pages have (on Xen PV read-only and
 *	pinned), in no page table any more. The caller gives one reference to the
 *	pool; whoever may still look at the page has others.
 *
 * Context: any but interrupts, does not sleep.
 */
void pvmem_ptpool_adopt(struct pvmem *pv, struct page *page)
{
	struct pvmem_ptpool_node *node = &pv->pool.nodes[page_to_nid(page)];

	spin_lock(&node->lock);
	pvmem_stat_inc(pv, ptpool_adopted);
	list_add_tail(&page->lru, &node->used);
	WRITE_ONCE(node->nr_used, node->nr_used + 1);
	spin_unlock(&node->lock);
}

static void pvmem_node_del_used(struct pvmem_ptpool_node *node, struct page *page)
{
	lockdep_assert_held(&node->lock);
	list_del(&page->lru);
	WRITE_ONCE(node->nr_used, node->nr_used - 1);
}

/* Used pages from the front of the list, up to the first that others look at. */
static unsigned int pvmem_node_take_idle(struct pvmem_ptpool_node *node, struct page **pages, unsigned int nr)
{
	struct page *page;
	unsigned int i;

	spin_lock(&node->lock);
	for (i = 0; i < nr && !list_empty(&node->used); i++) {
		page = list_first_entry(&node->used, struct page, lru);
		if (page_count(page) > 1) {
			/* Not to wait for this one alone when somebody keeps it long. */
			list_move_tail(&page->lru, &node->used);
			break;
		}
		pvmem_node_del_used(node, page);
		pages[i] = page;
	}
	spin_unlock(&node->lock);
	return i;
}

/**
 * pvmem_node_reuse() - used pages that nobody looks at any more
 * @pv: the instance.
 * @node: whose.
 * @pages: out: zero, unaliased, pinned pages.
 * @nr: how many at most.
 *
 * Context: any but interrupts, does not sleep. Pages found not zero go to the
 * worker.
 * Return: how many.
 */
unsigned int pvmem_node_reuse(struct pvmem *pv, struct pvmem_ptpool_node *node, struct page **pages, unsigned int nr)
{
	unsigned int i, kept = 0;

	if (!READ_ONCE(node->nr_used))
		return 0;
	nr = pvmem_node_take_idle(node, pages, nr);
	for (i = 0; i < nr; i++) {
		if (likely(pvmem_page_is_zero(pages[i])))
			pages[kept++] = pages[i];
		else
			pvmem_ptpool_give_dirty(pv, pages[i]);
	}
	return kept;
}

/**
 * pvmem_node_take_used() - used pages to give back to the system
 * @node: whose.
 * @pages: out: pinned pages. Others may look at them still, as they may at every
 *	page table that the kernel frees.
 * @nr: how many at most.
 *
 * Context: any but interrupts, does not sleep.
 * Return: how many.
 */
unsigned int pvmem_node_take_used(struct pvmem_ptpool_node *node, struct page **pages, unsigned int nr)
{
	unsigned int i;

	spin_lock(&node->lock);
	for (i = 0; i < nr && !list_empty(&node->used); i++) {
		pages[i] = list_first_entry(&node->used, struct page, lru);
		pvmem_node_del_used(node, pages[i]);
	}
	spin_unlock(&node->lock);
	return i;
}
