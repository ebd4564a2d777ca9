// SPDX-License-Identifier: GPL-2.0
/*
 * Eviction: the pool is to become smaller, so the owner is asked to put its
 * oldest objects elsewhere and free them. Zspages age by when a page came to them
 * or they became full; so no list is touched when an object is stored or read.
 * In the oldest zspage, the page with the fewest objects goes first.
 */
#include "zs_core.h"

/* Zspages in a row that are tried before giving up, when the owner keeps saying no. */
#define PVMEM_ZS_EVICT_TRIES 8

/* The oldest of a class: each list has its oldest last, or nearly so. */
static struct pvmem_zspage *pvmem_zs_class_oldest(struct pvmem_zs_class *cls)
{
	struct pvmem_zspage *zspage, *oldest = NULL;
	unsigned int i;

	lockdep_assert_held(&cls->lock);
	for (i = 0; i < PVMEM_ZS_LISTS; i++) {
		if (list_empty(&cls->list[i]))
			continue;
		zspage = list_last_entry(&cls->list[i], struct pvmem_zspage, list);
		if (!oldest || (s32)(zspage->stamp - oldest->stamp) < 0)
			oldest = zspage;
	}
	return oldest;
}

/*
 * Take the oldest zspage of all off its list, with a reference. Two looks, since
 * the locks of the classes are not held together.
 */
static struct pvmem_zspage *pvmem_zs_isolate_oldest(struct pvmem_zs_pool *pool)
{
	struct pvmem_zs_class *cls, *end = pool->cls + pool->zs->geometry.nr, *found = NULL;
	struct pvmem_zspage *zspage;
	u32 stamp = 0;

	for (cls = pool->cls; cls < end; cls++) {
		if (!READ_ONCE(cls->nr_zspages))
			continue;
		spin_lock(&cls->lock);
		zspage = pvmem_zs_class_oldest(cls);
		if (zspage && (!found || (s32)(zspage->stamp - stamp) < 0)) {
			found = cls;
			stamp = zspage->stamp;
		}
		spin_unlock(&cls->lock);
	}
	if (!found)
		return NULL;
	spin_lock(&found->lock);
	zspage = pvmem_zs_class_oldest(found);
	if (zspage) {
		pvmem_zspage_unlist(zspage, PVMEM_ZS_ISOLATED);
		pvmem_desc_get(&zspage->desc);
	}
	spin_unlock(&found->lock);
	return zspage;
}

/* Back to where it belongs: still the oldest, or the youngest if its owner would not have it evicted. */
static void pvmem_zs_put_back(struct pvmem_zs_pool *pool, struct pvmem_zs_class *cls, struct pvmem_zspage *zspage,
			      bool refused)
{
	spin_lock(&cls->lock);
	if (zspage->nr_used) {
		pvmem_zspage_list(cls, zspage);
		if (refused)
			zspage->stamp = atomic_read(&pool->pages_in);
		else
			list_move_tail(&zspage->list, &cls->list[zspage->group]);
	}
	spin_unlock(&cls->lock);
	pvmem_zspage_put(zspage);
}

/*
 * Evict the object in a slot, if there is one. Whoever has the handle may free it
 * meanwhile; but nobody gets the slot, as the zspage is on no list. References
 * keep both descriptors, since the owner may unmap the handle after freeing it.
 */
static int pvmem_zs_evict_slot(struct pvmem_zs_class *cls, struct pvmem_zspage *zspage, unsigned int slot,
			       int (*evict)(void *ctx, unsigned long handle), void *ctx)
{
	struct pvmem_zspage *named = NULL;
	unsigned long handle;
	int err;

	spin_lock(&cls->lock);
	if (test_bit(slot, zspage->used)) {
		handle = pvmem_zspage_handle(zspage, slot);
		named = pvmem_zs_handle_zspage(handle);
		pvmem_desc_get(&named->desc);
	}
	spin_unlock(&cls->lock);
	if (!named)
		return 0;
	err = evict(ctx, handle);
	pvmem_zspage_put(named);
	return err;
}

/* How many objects a page holds, and the slots among which they are. */
static unsigned int pvmem_zs_page_objs(struct pvmem_zs_class *cls, struct pvmem_zspage *zspage, unsigned int page,
				       unsigned int *first, unsigned int *last)
{
	unsigned int slot, nr = 0;

	*first = page * PAGE_SIZE / cls->size;
	*last = min_t(unsigned int, ((page + 1) * PAGE_SIZE - 1) / cls->size, cls->objs - 1);
	for (slot = *first; slot <= *last; slot++)
		nr += test_bit(slot, zspage->used);
	return nr;
}

/* The page that takes the fewest evictions, of those in @pages; its slots. */
static int pvmem_zs_cheapest_page(struct pvmem_zs_class *cls, struct pvmem_zspage *zspage, u32 pages,
				  unsigned int *first, unsigned int *last)
{
	unsigned int best_objs = UINT_MAX, nr, from, to;
	int best = -1;

	spin_lock(&cls->lock);
	for (pages &= zspage->backed; pages; pages &= pages - 1) {
		nr = pvmem_zs_page_objs(cls, zspage, __ffs(pages), &from, &to);
		if (nr < best_objs) {
			best_objs = nr;
			best = __ffs(pages);
			*first = from;
			*last = to;
		}
	}
	spin_unlock(&cls->lock);
	return best;
}

/* Evict page by page until @want are gone; the number that went. */
static unsigned int pvmem_zs_evict_zspage(struct pvmem_zs_class *cls, struct pvmem_zspage *zspage, unsigned int want,
					  int (*evict)(void *ctx, unsigned long handle), void *ctx)
{
	unsigned int before = hweight32(READ_ONCE(zspage->backed)), gone = 0, slot, first, last;
	u32 untried = ~0;
	int page;

	while (gone < want) {
		page = pvmem_zs_cheapest_page(cls, zspage, untried, &first, &last);
		if (page < 0)
			break;
		untried &= ~BIT(page);
		for (slot = first; slot <= last; slot++)
			if (pvmem_zs_evict_slot(cls, zspage, slot, evict, ctx))
				break;
		if (slot <= last)
			break; /* the owner is busy: an older zspage is not worth more than a willing one */
		gone = before - hweight32(READ_ONCE(zspage->backed));
	}
	return gone;
}

/**
 * pvmem_zs_evict() - make a pool smaller
 * @pool: the pool.
 * @nr_pages: pages to free.
 * @evict: called for an object that is to go: puts it elsewhere, frees its handle
 *	and returns 0, or returns -errno. Sleeps if it likes. The handle may have
 *	been freed by somebody else at any time before or in the call; its memory
 *	is not reused before @evict returns. When it has mapped the object for
 *	reading, it may unmap it after freeing it.
 * @ctx: for @evict.
 * @reclaimed: pages freed; may be NULL.
 *
 * Context: process, sleeps.
 * Return: 0; -EINVAL when there is nothing to evict; -EAGAIN when fewer pages were
 * freed because @evict refused too often.
 */
int pvmem_zs_evict(struct pvmem_zs_pool *pool, unsigned int nr_pages, int (*evict)(void *ctx, unsigned long handle),
		   void *ctx, unsigned int *reclaimed)
{
	unsigned int gone = 0, tries = 0;
	struct pvmem_zs_class *cls;
	struct pvmem_zspage *zspage;
	int err = 0;

	while (gone < nr_pages && !err) {
		unsigned int now;

		zspage = pvmem_zs_isolate_oldest(pool);
		if (!zspage) {
			err = gone ? -EAGAIN : -EINVAL;
			break;
		}
		cls = pvmem_zspage_class(pool, zspage);
		now = pvmem_zs_evict_zspage(cls, zspage, nr_pages - gone, evict, ctx);
		pvmem_zs_put_back(pool, cls, zspage, !now);
		gone += now;
		tries = now ? 0 : tries + 1;
		if (tries == PVMEM_ZS_EVICT_TRIES)
			err = -EAGAIN;
		cond_resched();
	}
	atomic_long_add(gone, &pool->evicted);
	if (reclaimed)
		*reclaimed = gone;
	return err;
}
EXPORT_SYMBOL_GPL(pvmem_zs_evict);
