// SPDX-License-Identifier: GPL-2.0
/*
 * Compaction: a sparse zspage's objects are moved, from the last slot on, into
 * free slots of fuller zspages of the same class, and when there are no more, into
 * its own first ones. Its pages go as they become empty.
 *
 * A handle names the zspage its object was born in. So before the first object
 * leaves, all of them get a new zspage at once, the heir, which takes over the
 * pages, and nothing is copied. What is left of the old one is a descriptor of
 * group PVMEM_ZS_MOVED, which says where each object is until its handle is freed.
 * The heir is like any other zspage, and its objects can be moved one by one.
 *
 * All of it happens under the class's lock, PVMEM_ZS_MOVE_BYTES at a time. A zspage
 * that anybody has a reference on, because an object is mapped, is left alone.
 */
#include "zs_core.h"

/*
 * Copied with the lock held and preemption off, some 2 us. At least 3 pages: then
 * the last page of any zspage is emptied, and there is progress.
 */
#define PVMEM_ZS_MOVE_BYTES (16 << 10)

/* Steps that gain nothing before a class is left; some only prepare the next. */
#define PVMEM_ZS_IDLE 4

/* Zspages of a group that are looked at before it is given up: some may be mapped. */
#define PVMEM_ZS_SOURCES 8

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
		sum += pvmem_zs_class_spare(&pool->cls[i]);
	return sum;
}

static unsigned int pvmem_zspage_nr_avail(const struct pvmem_zspage *zspage)
{
	return hweight64(zspage->avail[0]) + hweight64(zspage->avail[1]);
}

/*
 * Free slots of zspages at least as full as @source, as far as it needs them: of
 * those only, so that objects do not go back and forth.
 */
static unsigned int pvmem_zs_room(struct pvmem_zs_class *cls, const struct pvmem_zspage *source)
{
	int group, least = pvmem_zspage_quarter(cls, source);
	struct pvmem_zspage *zspage;
	unsigned int nr = 0;

	for (group = PVMEM_ZS_QUARTER_4; group >= least; group--) {
		list_for_each_entry(zspage, &cls->list[group], list) {
			if (zspage != source)
				nr += pvmem_zspage_nr_avail(zspage);
			if (nr >= source->nr_used)
				return source->nr_used;
		}
	}
	return nr;
}

static unsigned int pvmem_zs_pages_of(const struct pvmem_zs_class *cls, unsigned int objs)
{
	return DIV_ROUND_UP(objs * cls->size, PAGE_SIZE);
}

/* One with holes that have no page, which with all of @source's objects takes fewer pages than the two do. */
static struct pvmem_zspage *pvmem_zs_partner(struct pvmem_zs_class *cls, const struct pvmem_zspage *source)
{
	struct pvmem_zspage *zspage;
	unsigned int tries = 0, objs;

	list_for_each_entry_reverse(zspage, &cls->list[PVMEM_ZS_EXTENDABLE], list) {
		objs = zspage->nr_used + source->nr_used;
		if (zspage != source && zspage->nr_used >= source->nr_used && objs <= cls->objs &&
		    pvmem_zs_pages_of(cls, objs) < hweight32(zspage->backed) + hweight32(source->backed))
			return zspage;
		if (++tries == PVMEM_ZS_SOURCES)
			break;
	}
	return NULL;
}

/* Would moving this zspage's objects free a page? */
static bool pvmem_zs_worthwhile(struct pvmem_zs_class *cls, const struct pvmem_zspage *zspage)
{
	unsigned int left = zspage->nr_used - pvmem_zs_room(cls, zspage);

	return pvmem_zs_pages_of(cls, left) < hweight32(zspage->backed) || pvmem_zs_partner(cls, zspage);
}

/*
 * The sparsest zspage worth moving, fenced; the oldest of its quarter, which is
 * the least likely to be filled soon. Last those with a hole that has no page.
 */
static struct pvmem_zspage *pvmem_zs_source(struct pvmem_zs_class *cls)
{
	struct pvmem_zspage *zspage;
	unsigned int group, tries;

	for (group = PVMEM_ZS_QUARTER_1; group <= PVMEM_ZS_EXTENDABLE; group++) {
		tries = 0;
		list_for_each_entry_reverse(zspage, &cls->list[group], list) {
			if (pvmem_zs_worthwhile(cls, zspage) && pvmem_desc_fence(&zspage->desc))
				return zspage;
			if (++tries == PVMEM_ZS_SOURCES)
				break;
		}
	}
	return NULL;
}

/* How many objects have handles that name the zspage they are in. */
static unsigned int pvmem_zspage_nr_own(const struct pvmem_zspage *zspage, unsigned int objs)
{
	unsigned int slot, nr = 0;

	for (slot = 0; slot < objs; slot++)
		nr += test_bit(slot, zspage->used) &&
		      pvmem_zspage_handle(zspage, slot) == pvmem_zs_handle(zspage, slot);
	return nr;
}

/* An heir without anything yet, and room for what the old zspage has to say. */
static struct pvmem_zspage *pvmem_zs_heir_alloc(struct pvmem_zs_pool *pool, struct pvmem_zs_class *cls,
						unsigned int nr_slots, unsigned int own, unsigned long **to)
{
	struct pvmem_zspage *heir;

	*to = kmalloc_array(own, sizeof(**to), GFP_NOWAIT | __GFP_NOWARN);
	if (!*to)
		return NULL;
	heir = kmem_cache_alloc(pool->zs->zspages, GFP_NOWAIT | __GFP_NOWARN);
	if (!heir)
		goto out_to;
	pvmem_zspage_start(pool, cls, heir);
	if (pvmem_zspage_fit_moved(heir, nr_slots))
		return heir;
	cls->nr_zspages--;
	pvmem_zspage_retire(heir);
out_to:
	kfree(*to);
	return NULL;
}

/* Pages and slots change hands. */
static void pvmem_zs_inherit(struct pvmem_zs_class *cls, struct pvmem_zspage *heir, struct pvmem_zspage *zspage)
{
	u32 left;

	heir->nr_used = zspage->nr_used;
	heir->backed = zspage->backed;
	heir->stamp = zspage->stamp;
	memcpy(heir->used, zspage->used, sizeof(heir->used));
	memcpy(heir->avail, zspage->avail, sizeof(heir->avail));
	memcpy(heir->frame, zspage->frame, sizeof(heir->frame));
	for (left = heir->backed; left; left &= left - 1)
		pvmem_desc_attach(&heir->desc, PVMEM_DESC_ZSPAGE, pfn_to_page(heir->frame[__ffs(left)]));
	zspage->backed = 0;
	cls->nr_zspages--;
	pvmem_zspage_unlist(zspage, PVMEM_ZS_MOVED);
	pvmem_zspage_list(cls, heir);
}

/* The zspage that an object's handle names says where it is now. */
static void pvmem_zs_redirect(unsigned long handle, unsigned long to)
{
	*pvmem_zs_moved_to(pvmem_zs_handle_zspage(handle), pvmem_zs_handle_slot(handle)) = to;
}

/* Each object's old zspage says that it is in the heir, and the heir whose it is. */
static void pvmem_zs_note_all(struct pvmem_zs_class *cls, struct pvmem_zspage *heir, struct pvmem_zspage *zspage,
			      unsigned long *to)
{
	unsigned int slot, own = 0;

	for (slot = 0; slot < cls->objs; slot++) {
		if (!test_bit(slot, zspage->used))
			continue;
		heir->moved[slot] = pvmem_zspage_handle(zspage, slot);
		if (heir->moved[slot] == pvmem_zs_handle(zspage, slot)) {
			to[own++] = pvmem_zs_handle(heir, slot);
			continue;
		}
		pvmem_zs_redirect(heir->moved[slot], pvmem_zs_handle(heir, slot));
		__clear_bit(slot, zspage->used);
	}
	zspage->nr_used = own;
}

/*
 * A fenced zspage none of whose objects' handles names it: @zspage itself, or its
 * heir. NULL when there is no memory.
 */
static struct pvmem_zspage *pvmem_zs_disown(struct pvmem_zs_pool *pool, struct pvmem_zs_class *cls,
					    struct pvmem_zspage *zspage)
{
	unsigned int own = pvmem_zspage_nr_own(zspage, cls->objs);
	struct pvmem_zspage *heir;
	unsigned long *to;

	if (!own)
		return zspage;
	heir = pvmem_zs_heir_alloc(pool, cls, find_last_bit(zspage->used, PVMEM_ZS_SLOTS) + 1, own, &to);
	if (!heir)
		return NULL;
	pvmem_desc_fence(&heir->desc);
	pvmem_zs_inherit(cls, heir, zspage);
	pvmem_zs_note_all(cls, heir, zspage, to);
	kfree(pvmem_zspage_set_moved(zspage, to, own));
	pvmem_desc_unfence(&zspage->desc, PVMEM_DESC_MOVED);
	return heir;
}

/* Its lowest slot available can be taken, with a note of whose object is in it. */
static bool pvmem_zs_accepts(struct pvmem_zspage *zspage, unsigned int objs)
{
	unsigned int slot = find_first_bit(zspage->avail, objs);

	return slot < objs &&
	       (slot < zspage->nr_moved || pvmem_zspage_fit_moved(zspage, min(objs, slot + slot / 4 + 1)));
}

/* A page under a hole of @zspage that lies below @slot, of those in @supply. */
static bool pvmem_zs_fill_hole(struct pvmem_zs_pool *pool, struct pvmem_zs_class *cls, struct pvmem_zspage *zspage,
			       unsigned int slot, struct pvmem_zs_supply *supply)
{
	unsigned int hole = pvmem_zspage_lowest_free(zspage);
	u32 stamp = zspage->stamp;

	if (hole >= slot || pvmem_zspage_missing(cls, zspage, hole) > supply->nr)
		return false;
	pvmem_zspage_extend(pool, cls, zspage, hole, supply);
	zspage->stamp = stamp; /* not younger by that */
	pvmem_zspage_relist(cls, zspage);
	return true;
}

/* Where the object in @slot is better placed: another zspage, the fullest first, or a lower slot of its own. */
static struct pvmem_zspage *pvmem_zs_target(struct pvmem_zs_pool *pool, struct pvmem_zs_class *cls,
					    struct pvmem_zspage *source, unsigned int slot,
					    struct pvmem_zs_supply *supply)
{
	int group, least = pvmem_zspage_quarter(cls, source);
	struct pvmem_zspage *zspage;

	for (group = PVMEM_ZS_QUARTER_4; group >= least; group--)
		list_for_each_entry(zspage, &cls->list[group], list)
			if (zspage != source && pvmem_zs_accepts(zspage, cls->objs))
				return zspage;
	zspage = pvmem_zs_partner(cls, source);
	if (zspage && pvmem_zs_fill_hole(pool, cls, zspage, cls->objs, supply) && pvmem_zs_accepts(zspage, cls->objs))
		return zspage;
	if (find_first_bit(source->avail, slot) < slot || pvmem_zs_fill_hole(pool, cls, source, slot, supply))
		return source;
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

/* One object, whose handle names another zspage; its slot is left to be released. */
static void pvmem_zs_move(struct pvmem_zs_class *cls, struct pvmem_zspage *target, struct pvmem_zspage *source,
			  unsigned int slot)
{
	unsigned long handle = source->moved[slot];
	unsigned int to_slot = pvmem_zspage_take(cls, target);

	target->moved[to_slot] = handle;
	pvmem_zs_copy_slot(cls->size, target, to_slot, source, slot);
	pvmem_zs_redirect(handle, pvmem_zs_handle(target, to_slot));
}

/* Pages that were freed may be put under holes; so many are kept at hand for it. */
static unsigned int pvmem_zs_keep(struct pvmem_zs_pool *pool, struct pvmem_zs_supply *supply, struct page **freed,
				  unsigned int nr)
{
	for (; nr && supply->nr < ARRAY_SIZE(supply->page); nr--) {
		supply->page[supply->nr++] = freed[nr - 1];
		atomic_long_sub(PAGE_SIZE, &pool->bytes);
	}
	return nr;
}

/* Move objects out of a fenced zspage, from the last on; the number of pages in @freed. */
static unsigned int pvmem_zs_move_some(struct pvmem_zs_pool *pool, struct pvmem_zs_class *cls,
				       struct pvmem_zspage *source, struct pvmem_zs_supply *supply, struct page **freed)
{
	unsigned int nr = 0, moved = 0, left = source->nr_used, slot;
	struct pvmem_zspage *target;

	while (left && moved * cls->size < PVMEM_ZS_MOVE_BYTES) {
		slot = find_last_bit(source->used, PVMEM_ZS_SLOTS);
		target = pvmem_zs_target(pool, cls, source, slot, supply);
		if (!target)
			break;
		pvmem_zs_move(cls, target, source, slot);
		left -= target != source;
		if (!left)
			pvmem_desc_unfence(&source->desc, 0);
		nr += pvmem_zspage_release(cls, source, slot, freed + nr);
		nr = pvmem_zs_keep(pool, supply, freed, nr);
		moved++;
	}
	atomic_long_add(moved, &pool->moved);
	if (left) {
		pvmem_zspage_fit_moved(source, find_last_bit(source->used, PVMEM_ZS_SLOTS) + 1);
		pvmem_desc_unfence(&source->desc, 0);
	}
	return nr;
}

/* Move some objects of one zspage: pages gained, or spent on holes before more is gained. */
static int pvmem_zs_compact_some(struct pvmem_zs_pool *pool, struct pvmem_zs_class *cls)
{
	struct pvmem_zs_supply supply = {};
	struct page *freed[PVMEM_ZS_PAGES];
	struct pvmem_zspage *source, *mine;
	unsigned int nr = 0;
	int gained;

	/* For holes in zspages that are full otherwise; done without if there are none. */
	pvmem_zs_supply_fill(pool, &supply, ARRAY_SIZE(supply.page), false,
			     GFP_NOWAIT | __GFP_NOWARN | READ_ONCE(pool->zone));
	gained = -supply.nr;
	spin_lock(&cls->lock);
	source = pvmem_zs_source(cls);
	mine = source ? pvmem_zs_disown(pool, cls, source) : NULL;
	if (mine)
		nr = pvmem_zs_move_some(pool, cls, mine, &supply, freed);
	else if (source)
		pvmem_desc_unfence(&source->desc, 0);
	spin_unlock(&cls->lock);
	pvmem_zs_pages_free(pool, freed, nr);
	gained += nr + supply.nr;
	pvmem_zs_supply_drop(pool, &supply);
	atomic_long_add(gained, &pool->compacted);
	return gained;
}

/**
 * pvmem_zs_compact() - free pages by moving objects together
 * @pool: the pool.
 * @nr_pages: enough.
 *
 * Context: process; may be called from reclaim. A class's lock is held while at
 * most 16 KiB are moved.
 * Return: pages freed.
 */
unsigned long pvmem_zs_compact(struct pvmem_zs_pool *pool, unsigned long nr_pages)
{
	long gained, sum = 0, want = min_t(unsigned long, nr_pages, LONG_MAX);
	unsigned int i, idle;

	for (i = pool->zs->geometry.nr; i--;) {
		struct pvmem_zs_class *cls = &pool->cls[i];

		for (idle = 0; idle < PVMEM_ZS_IDLE && sum < want && pvmem_zs_class_spare(cls);) {
			gained = pvmem_zs_compact_some(pool, cls);
			sum += gained;
			idle = gained > 0 ? 0 : idle + 1;
			cond_resched();
		}
	}
	return max(sum, 0L);
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
 * Context: process, with @zs's mutex held; may be called from reclaim.
 * Return: pages freed.
 */
unsigned long pvmem_zs_compact_all(struct pvmem_zs *zs, unsigned long nr_pages)
{
	struct pvmem_zs_pool *pool;
	unsigned long sum = 0;

	lockdep_assert_held(&zs->mutex);
	list_for_each_entry(pool, &zs->pools, node)
		if (sum < nr_pages)
			sum += pvmem_zs_compact(pool, nr_pages - sum);
	return sum;
}
