// SPDX-License-Identifier: GPL-2.0
/*
 * Compaction: a sparse zspage's objects are moved into free slots of fuller ones
 * of the same class, and its pages go. Its descriptor stays, of group
 * PVMEM_ZS_MOVED, and says where each object went, until their handles are freed.
 *
 * All of it happens under the class's lock, all objects of a zspage or none, so
 * what is moved at a time is bounded: PVMEM_ZS_MOVE_BYTES. A zspage that anybody
 * has a reference on, because an object is mapped, is left alone.
 */
#include "zs_core.h"

/* Half of the longest zspage; some 10 us of copying with the lock held and preemption off. */
#define PVMEM_ZS_MOVE_BYTES (64 << 10)

/* Pages of a class beyond those that its objects would fill. */
static unsigned long pvmem_zs_class_compactable(const struct pvmem_zs_class *cls)
{
	unsigned long want = DIV_ROUND_UP(READ_ONCE(cls->nr_objs) * cls->size, PAGE_SIZE);
	unsigned long have = READ_ONCE(cls->nr_pages);

	return have > want ? have - want : 0;
}

/**
 * pvmem_zs_compactable() - pages that compaction might free
 * @pool: the pool.
 *
 * Context: any. Takes no lock.
 * Return: pages, at most.
 */
unsigned long pvmem_zs_compactable(struct pvmem_zs_pool *pool)
{
	unsigned long sum = 0;
	unsigned int i;

	for (i = 0; i < pool->zs->geometry.nr; i++)
		sum += pvmem_zs_class_compactable(&pool->cls[i]);
	return sum;
}

static unsigned int pvmem_zspage_nr_avail(const struct pvmem_zspage *zspage)
{
	return hweight64(zspage->avail[0]) + hweight64(zspage->avail[1]);
}

/*
 * The sparsest zspage worth moving, fenced; the oldest of its quarter, which is
 * the least likely to be filled soon.
 */
static struct pvmem_zspage *pvmem_zs_source(struct pvmem_zs_class *cls)
{
	struct pvmem_zspage *zspage;
	unsigned int group;

	for (group = PVMEM_ZS_QUARTER_1; group <= PVMEM_ZS_QUARTER_3; group++) {
		if (list_empty(&cls->list[group]))
			continue;
		zspage = list_last_entry(&cls->list[group], struct pvmem_zspage, list);
		if (zspage->nr_used * cls->size > PVMEM_ZS_MOVE_BYTES)
			return NULL;
		return pvmem_desc_fence(&zspage->desc) ? zspage : NULL;
	}
	return NULL;
}

/* Do others have as many free slots, and room to note whose objects are in them? */
static bool pvmem_zs_targets(struct pvmem_zs_class *cls, const struct pvmem_zspage *source)
{
	unsigned int nr = 0;
	struct pvmem_zspage *zspage;
	int group;

	for (group = PVMEM_ZS_QUARTER_4; group >= (int)source->group; group--) {
		list_for_each_entry(zspage, &cls->list[group], list) {
			if (zspage == source)
				continue;
			if (!zspage->moved && !pvmem_zspage_add_moved(zspage, cls->objs))
				return false;
			nr += pvmem_zspage_nr_avail(zspage);
			if (nr >= source->nr_used)
				return true;
		}
	}
	return false;
}

/* The fullest with a free slot; pvmem_zs_targets() said there is one. */
static struct pvmem_zspage *pvmem_zs_target(struct pvmem_zs_class *cls, const struct pvmem_zspage *source)
{
	struct pvmem_zspage *zspage;
	int group;

	for (group = PVMEM_ZS_QUARTER_4; group >= PVMEM_ZS_QUARTER_1; group--)
		list_for_each_entry(zspage, &cls->list[group], list)
			if (zspage != source)
				return zspage;
	return NULL;
}

/* Two slots of a size: up to three pieces, as each may cross a page elsewhere. */
static void pvmem_zs_copy_slot(unsigned int size, const struct pvmem_zspage *to, unsigned int to_slot,
			       const struct pvmem_zspage *from, unsigned int from_slot)
{
	unsigned int to_at = to_slot * size, from_at = from_slot * size, piece;

	for (; size; size -= piece, to_at += piece, from_at += piece) {
		piece = min_t(unsigned int, size, PAGE_SIZE - max(offset_in_page(to_at), offset_in_page(from_at)));
		memcpy(pvmem_zspage_address(to, to_at >> PAGE_SHIFT) + offset_in_page(to_at),
		       pvmem_zspage_address(from, from_at >> PAGE_SHIFT) + offset_in_page(from_at), piece);
	}
}

/* Move the object in @slot; where to, as a handle. */
static unsigned long pvmem_zs_move(struct pvmem_zs_class *cls, struct pvmem_zspage *source, unsigned int slot)
{
	struct pvmem_zspage *target = pvmem_zs_target(cls, source);
	unsigned int to_slot = pvmem_zspage_take(cls, target);
	unsigned long to = pvmem_zs_handle(target, to_slot);

	target->moved[to_slot] = pvmem_zspage_handle(source, slot);
	pvmem_zs_copy_slot(cls->size, target, to_slot, source, slot);
	return to;
}

/* What is left of a zspage once its objects are elsewhere; its pages are for the caller to free. */
static unsigned int pvmem_zs_leave(struct pvmem_zs_class *cls, struct pvmem_zspage *zspage, struct page **freed)
{
	unsigned int nr = 0;

	for (; zspage->backed; zspage->backed &= zspage->backed - 1) {
		freed[nr] = pfn_to_page(zspage->frame[__ffs(zspage->backed)]);
		pvmem_desc_detach(freed[nr++]);
	}
	cls->nr_zspages--;
	cls->nr_pages -= nr;
	cls->nr_objs -= zspage->nr_used;
	pvmem_zspage_unlist(zspage, PVMEM_ZS_MOVED);
	return nr;
}

/*
 * Every object of a fenced zspage. @to is indexed by rank among the objects whose
 * handles name this zspage; the others' handles name another that was left before.
 */
static unsigned int pvmem_zs_move_all(struct pvmem_zs_class *cls, struct pvmem_zspage *zspage, unsigned long **to,
				      struct page **freed)
{
	unsigned int slot, own = 0, nr;
	unsigned long at, handle;

	for (slot = 0; slot < cls->objs; slot++) {
		if (!test_bit(slot, zspage->used))
			continue;
		handle = pvmem_zspage_handle(zspage, slot);
		at = pvmem_zs_move(cls, zspage, slot);
		if (handle == pvmem_zs_handle(zspage, slot)) {
			(*to)[own++] = at;
			continue;
		}
		*pvmem_zs_moved_to(pvmem_zs_handle_zspage(handle), pvmem_zs_handle_slot(handle)) = at;
		__clear_bit(slot, zspage->used);
		zspage->nr_used--;
		cls->nr_objs--;
	}
	nr = pvmem_zs_leave(cls, zspage, freed);
	*to = pvmem_zspage_set_moved(zspage, *to, own);
	pvmem_desc_unfence(&zspage->desc, PVMEM_DESC_MOVED);
	if (!own)
		pvmem_zspage_retire(zspage);
	return nr;
}

/* Free one zspage's pages: how many, or 0 when nothing can be moved. */
static unsigned int pvmem_zs_compact_one(struct pvmem_zs_pool *pool, struct pvmem_zs_class *cls)
{
	unsigned long *to = kmalloc_array(cls->objs, sizeof(*to), GFP_NOWAIT | __GFP_NOWARN);
	struct page *freed[PVMEM_ZS_PAGES];
	struct pvmem_zspage *zspage;
	unsigned int nr = 0;

	if (!to)
		return 0;
	spin_lock(&cls->lock);
	zspage = pvmem_zs_source(cls);
	if (zspage && pvmem_zs_targets(cls, zspage)) {
		atomic_long_add(zspage->nr_used, &pool->moved);
		nr = pvmem_zs_move_all(cls, zspage, &to, freed);
	} else if (zspage) {
		pvmem_desc_unfence(&zspage->desc, 0);
	}
	spin_unlock(&cls->lock);
	kfree(to);
	pvmem_zs_pages_free(pool, freed, nr);
	atomic_long_add(nr, &pool->compacted);
	return nr;
}

/**
 * pvmem_zs_compact() - free pages by moving objects together
 * @pool: the pool.
 * @nr_pages: enough.
 *
 * Context: process; may be called from reclaim. A class's lock is held while at
 * most 64 KiB are moved.
 * Return: pages freed.
 */
unsigned long pvmem_zs_compact(struct pvmem_zs_pool *pool, unsigned long nr_pages)
{
	unsigned long sum = 0;
	unsigned int i, nr;

	for (i = pool->zs->geometry.nr; i-- && sum < nr_pages;) {
		struct pvmem_zs_class *cls = &pool->cls[i];

		do {
			nr = pvmem_zs_class_compactable(cls) ? pvmem_zs_compact_one(pool, cls) : 0;
			sum += nr;
			cond_resched();
		} while (nr && sum < nr_pages);
	}
	return sum;
}
EXPORT_SYMBOL_GPL(pvmem_zs_compact);

/**
 * pvmem_zs_compactable_all() - pages that compaction might free, of all pools
 * @zs: what they share.
 *
 * Context: reclaim.
 * Return: pages, at most; 0 while somebody else looks at them.
 */
unsigned long pvmem_zs_compactable_all(struct pvmem_zs *zs)
{
	struct pvmem_zs_pool *pool;
	unsigned long sum = 0;

	if (!mutex_trylock(&zs->mutex))
		return 0;
	list_for_each_entry(pool, &zs->pools, node)
		sum += pvmem_zs_compactable(pool);
	mutex_unlock(&zs->mutex);
	return sum;
}

/**
 * pvmem_zs_compact_all() - compact all pools
 * @zs: what they share.
 * @nr_pages: enough.
 *
 * Context: reclaim.
 * Return: pages freed.
 */
unsigned long pvmem_zs_compact_all(struct pvmem_zs *zs, unsigned long nr_pages)
{
	struct pvmem_zs_pool *pool;
	unsigned long sum = 0;

	if (!mutex_trylock(&zs->mutex))
		return 0;
	list_for_each_entry(pool, &zs->pools, node)
		if (sum < nr_pages)
			sum += pvmem_zs_compact(pool, nr_pages - sum);
	mutex_unlock(&zs->mutex);
	return sum;
}
