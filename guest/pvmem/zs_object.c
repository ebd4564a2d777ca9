// SPDX-License-Identifier: GPL-2.0
/*
 * Objects: malloc and free. A handle names a descriptor and a slot, so neither
 * costs memory per object nor is there anything to look up. An object that was
 * moved keeps its handle: its old descriptor stays, and says where it is.
 */
#include "zs_core.h"

/*
 * Before a page is taken, so many larger sizes are asked for a free slot; only those
 * with a whole page's worth of them, which are holes. A size that only grows has
 * less, and will fill it: taking that made pools of 45,000 pages 0.4 % larger. In
 * pools of 8,192 pages of text or binaries whose objects have all been replaced
 * three times, asking 2, 4 and 6 saves 3.2, 4.1 and 4.7 % of their memory.
 */
#define PVMEM_ZS_NEAR 6

/*
 * Of a size that has no object yet, those that come first go to any free slot of so
 * many larger sizes: in a pool of 8,192 pages of text that saves 0.3 %.
 */
#define PVMEM_ZS_NEXT 3

/* Of many objects, so many are sorted by class at a time, and so many freed while one lock is held. */
#define PVMEM_ZS_BATCH 128U
#define PVMEM_ZS_BULK 32

/* The fullest zspage with a slot that can be had at once. */
static __always_inline struct pvmem_zspage *pvmem_zs_partial(struct pvmem_zs_class *cls)
{
	int group;

	for (group = PVMEM_ZS_QUARTER_4; group >= PVMEM_ZS_QUARTER_1; group--)
		if (!list_empty(&cls->list[group]))
			return list_first_entry(&cls->list[group], struct pvmem_zspage, list);
	return NULL;
}

/**
 * pvmem_zspage_take() - use an available slot
 * @cls: the class; its lock is held.
 * @zspage: a zspage with one.
 *
 * Return: the lowest slot available.
 */
__always_inline unsigned int pvmem_zspage_take(struct pvmem_zs_class *cls, struct pvmem_zspage *zspage)
{
	unsigned int word = !zspage->avail[0];
	unsigned int slot = __ffs(zspage->avail[word]);
	unsigned long bit = 1UL << slot;

	zspage->avail[word] &= ~bit;
	zspage->used[word] |= bit;
	zspage->nr_used++;
	cls->nr_objs++;
	pvmem_zspage_relist(cls, zspage);
	return slot + word * BITS_PER_LONG;
}

/* A new zspage, of the descriptor and the page in @supply. */
static struct pvmem_zspage *pvmem_zs_grow_new(struct pvmem_zs_pool *pool, struct pvmem_zs_class *cls,
					      struct pvmem_zs_supply *supply)
{
	struct pvmem_zspage *zspage = supply->zspage;

	supply->zspage = NULL;
	pvmem_zspage_start(pool, cls, zspage);
	pvmem_zspage_extend(pool, cls, zspage, 0, supply);
	pvmem_zspage_list(cls, zspage);
	return zspage;
}

/* A page or two more under a zspage that has slots left, from @supply; NULL if that is not enough. */
static struct pvmem_zspage *pvmem_zs_grow_old(struct pvmem_zs_pool *pool, struct pvmem_zs_class *cls,
					      struct pvmem_zs_supply *supply, unsigned int *nr_pages)
{
	struct pvmem_zspage *zspage = list_first_entry(&cls->list[PVMEM_ZS_EXTENDABLE], struct pvmem_zspage, list);
	unsigned int slot = pvmem_zspage_lowest_free(zspage);

	*nr_pages = pvmem_zspage_missing(cls, zspage, slot);
	if (supply->nr < *nr_pages)
		return NULL;
	pvmem_zspage_extend(pool, cls, zspage, slot, supply);
	pvmem_zspage_relist(cls, zspage);
	return zspage;
}

/*
 * A zspage with a slot available, if need be with what @supply holds. Or NULL:
 * then @nr_pages pages are needed, and if @is_new a descriptor.
 */
static struct pvmem_zspage *pvmem_zs_grow(struct pvmem_zs_pool *pool, struct pvmem_zs_class *cls,
					  struct pvmem_zs_supply *supply, unsigned int *nr_pages, bool *is_new)
{
	struct pvmem_zspage *zspage = pvmem_zs_partial(cls);

	if (zspage)
		return zspage;
	*is_new = list_empty(&cls->list[PVMEM_ZS_EXTENDABLE]);
	if (!*is_new)
		return pvmem_zs_grow_old(pool, cls, supply, nr_pages);
	*nr_pages = 1;
	return supply->nr && supply->zspage ? pvmem_zs_grow_new(pool, cls, supply) : NULL;
}

/*
 * A free slot of one of the next @nr larger classes, of which at least @spare pages
 * are free slots.
 */
static bool pvmem_zs_borrow(struct pvmem_zs_pool *pool, struct pvmem_zs_class *cls, unsigned int nr,
			    unsigned long spare, unsigned long *handle)
{
	struct pvmem_zs_class *end = pool->cls + pool->zs->geometry.nr;
	struct pvmem_zspage *zspage = NULL;

	while (!zspage && nr-- && ++cls < end) {
		if (!READ_ONCE(cls->nr_objs) || pvmem_zs_class_spare(cls) < spare)
			continue;
		spin_lock(&cls->lock);
		zspage = pvmem_zs_partial(cls);
		if (zspage)
			*handle = pvmem_zs_handle(zspage, pvmem_zspage_take(cls, zspage));
		spin_unlock(&cls->lock);
	}
	if (!zspage)
		return false;
	atomic_long_inc(&pool->borrowed);
	return true;
}

/* A slot that costs no page. */
static bool pvmem_zs_lodge(struct pvmem_zs_pool *pool, struct pvmem_zs_class *cls, unsigned long *handle)
{
	if (!READ_ONCE(cls->nr_objs) && pvmem_zs_borrow(pool, cls, PVMEM_ZS_NEXT, 0, handle))
		return true;
	return pvmem_zs_borrow(pool, cls, PVMEM_ZS_NEAR, 1, handle);
}

static noinline int pvmem_zs_malloc_slow(struct pvmem_zs_pool *pool, struct pvmem_zs_class *cls, gfp_t gfp,
					 unsigned long *handle)
{
	struct pvmem_zs_supply supply = {};
	struct pvmem_zspage *zspage;
	unsigned int nr_pages;
	bool is_new;

	if (pvmem_zs_lodge(pool, cls, handle))
		return 0;
	WRITE_ONCE(pool->zone, gfp & PVMEM_ZS_ZONE);
	do {
		spin_lock(&cls->lock);
		zspage = pvmem_zs_grow(pool, cls, &supply, &nr_pages, &is_new);
		if (zspage)
			*handle = pvmem_zs_handle(zspage, pvmem_zspage_take(cls, zspage));
		spin_unlock(&cls->lock);
	} while (!zspage && pvmem_zs_supply_fill(pool, &supply, nr_pages, is_new, gfp));
	pvmem_zs_supply_drop(pool, &supply);
	return zspage || pvmem_zs_borrow(pool, cls, UINT_MAX, 0, handle) ? 0 : -ENOMEM;
}

/**
 * pvmem_zs_malloc() - room for an object
 * @pool: the pool.
 * @size: bytes.
 * @gfp: how to allocate pages, if need be.
 * @handle: the object's handle; untouched on failure.
 *
 * Rather than take a page, a hole of one of the next larger sizes is used; and
 * when there is no page, any free slot of a larger size.
 *
 * Context: as @gfp says; not in interrupts.
 * Return: 0; -EINVAL when @size is 0, -ENOSPC when it is larger than
 * PVMEM_ZS_SIZE_MAX, -ENOMEM.
 */
int pvmem_zs_malloc(struct pvmem_zs_pool *pool, size_t size, gfp_t gfp, unsigned long *handle)
{
	struct pvmem_zs_class *cls;
	struct pvmem_zspage *zspage;

	if (unlikely(size - 1 >= PVMEM_ZS_SIZE_MAX))
		return size ? -ENOSPC : -EINVAL;
	cls = &pool->cls[pool->zs->geometry.of[(size - 1) / PVMEM_ZS_SIZE_STEP]];
	spin_lock(&cls->lock);
	zspage = pvmem_zs_partial(cls);
	if (likely(zspage))
		*handle = pvmem_zs_handle(zspage, pvmem_zspage_take(cls, zspage));
	spin_unlock(&cls->lock);
	return likely(zspage) ? 0 : pvmem_zs_malloc_slow(pool, cls, gfp, handle);
}
EXPORT_SYMBOL_GPL(pvmem_zs_malloc);

/**
 * pvmem_zspage_release() - the object in a slot is no more
 * @cls: the class; its lock is held.
 * @zspage: the zspage, not of group PVMEM_ZS_MOVED; goes away when it was the last.
 * @slot: the slot.
 * @freed: pages that are not needed any more, for pvmem_zs_pages_free().
 *
 * Return: how many pages.
 */
unsigned int pvmem_zspage_release(struct pvmem_zs_class *cls, struct pvmem_zspage *zspage, unsigned int slot,
				  struct page *freed[2])
{
	unsigned long bit = 1UL << (slot % BITS_PER_LONG);
	unsigned int word = slot / BITS_PER_LONG;
	unsigned int nr;

	if (WARN_ON_ONCE(!(zspage->used[word] & bit)))
		return 0;
	zspage->used[word] &= ~bit;
	zspage->avail[word] |= bit;
	zspage->nr_used--;
	cls->nr_objs--;
	if (unlikely(slot < zspage->nr_moved))
		zspage->moved[slot] = 0;
	nr = pvmem_zspage_strip(cls, zspage, slot, freed);
	if (likely(zspage->nr_used)) {
		pvmem_zspage_relist(cls, zspage);
		return nr;
	}
	cls->nr_zspages--;
	pvmem_zspage_unlist(zspage, PVMEM_ZS_ISOLATED);
	pvmem_zspage_retire(zspage);
	return nr;
}

/**
 * pvmem_zs_moved_to() - where an object is that was moved
 * @zspage: of group PVMEM_ZS_MOVED, and it stays so.
 * @slot: the slot of its handle.
 *
 * Return: the note of it: zspage and slot, as a handle.
 */
unsigned long *pvmem_zs_moved_to(const struct pvmem_zspage *zspage, unsigned int slot)
{
	unsigned long below = zspage->avail[slot / BITS_PER_LONG] & (BIT(slot % BITS_PER_LONG) - 1);

	return zspage->moved + hweight64(below) + (slot < BITS_PER_LONG ? 0 : hweight64(zspage->avail[0]));
}

static noinline unsigned int pvmem_zs_release_moved(struct pvmem_zs_class *cls, struct pvmem_zspage *zspage,
						    unsigned int slot, struct page *freed[2])
{
	unsigned long bit = 1UL << (slot % BITS_PER_LONG);
	unsigned long to = *pvmem_zs_moved_to(zspage, slot);

	if (WARN_ON_ONCE(!(zspage->used[slot / BITS_PER_LONG] & bit)))
		return 0;
	zspage->used[slot / BITS_PER_LONG] &= ~bit;
	if (!--zspage->nr_used)
		pvmem_zspage_retire(zspage);
	return pvmem_zspage_release(cls, pvmem_zs_handle_zspage(to), pvmem_zs_handle_slot(to), freed);
}

/* With the class's lock held. */
static __always_inline unsigned int pvmem_zs_release(struct pvmem_zs_class *cls, unsigned long handle,
						     struct page *freed[2])
{
	struct pvmem_zspage *zspage = pvmem_zs_handle_zspage(handle);
	unsigned int slot = pvmem_zs_handle_slot(handle);

	if (unlikely(zspage->group == PVMEM_ZS_MOVED))
		return pvmem_zs_release_moved(cls, zspage, slot, freed);
	return pvmem_zspage_release(cls, zspage, slot, freed);
}

/**
 * pvmem_zs_free() - an object is no more
 * @pool: the pool.
 * @handle: its handle. A slot that is free already is refused with a warning, as
 *	long as its descriptor is there to be asked.
 *
 * Context: any but interrupts. Does not sleep.
 */
void pvmem_zs_free(struct pvmem_zs_pool *pool, unsigned long handle)
{
	struct pvmem_zs_class *cls = pvmem_zspage_class(pool, pvmem_zs_handle_zspage(handle));
	struct page *freed[2];
	unsigned int nr;

	spin_lock(&cls->lock);
	nr = pvmem_zs_release(cls, handle, freed);
	spin_unlock(&cls->lock);
	if (unlikely(nr))
		pvmem_zs_pages_free(pool, freed, nr);
}
EXPORT_SYMBOL_GPL(pvmem_zs_free);

/* Objects of one class, chained: @next of each, from 1 on. Frees up to PVMEM_ZS_BULK; what is left of the chain. */
static unsigned int pvmem_zs_free_chain(struct pvmem_zs_pool *pool, struct pvmem_zs_class *cls,
					const unsigned long *handles, const u8 *next, unsigned int at)
{
	struct page *freed[2 * PVMEM_ZS_BULK];
	unsigned int nr_freed = 0, i;

	spin_lock(&cls->lock);
	for (i = 0; at && i < PVMEM_ZS_BULK; at = next[at - 1], i++)
		nr_freed += pvmem_zs_release(cls, handles[at - 1], freed + nr_freed);
	spin_unlock(&cls->lock);
	if (nr_freed)
		pvmem_zs_pages_free(pool, freed, nr_freed);
	return at;
}

/* At most PVMEM_ZS_BATCH objects. Descriptors are not looked at once an object is freed: it may have been the last. */
static void pvmem_zs_free_batch(struct pvmem_zs_pool *pool, const unsigned long *handles, unsigned int nr)
{
	u8 first[PVMEM_ZS_CLASSES] = {}, next[PVMEM_ZS_BATCH];
	unsigned int i, at;

	for (i = 0; i < nr; i++) {
		u8 number = pvmem_zs_handle_zspage(handles[i])->cls;

		next[i] = first[number];
		first[number] = i + 1;
	}
	for (i = 0; i < pool->zs->geometry.nr; i++)
		for (at = first[i]; at;)
			at = pvmem_zs_free_chain(pool, &pool->cls[i], handles, next, at);
}

/**
 * pvmem_zs_free_bulk() - many objects are no more
 * @pool: the pool.
 * @handles: their handles.
 * @nr: how many.
 *
 * Of each 128, those of one class are freed with its lock taken once for up to 32.
 *
 * Context: any but interrupts. Does not sleep.
 */
void pvmem_zs_free_bulk(struct pvmem_zs_pool *pool, const unsigned long *handles, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i += PVMEM_ZS_BATCH)
		pvmem_zs_free_batch(pool, handles + i, min(nr - i, PVMEM_ZS_BATCH));
}
EXPORT_SYMBOL_GPL(pvmem_zs_free_bulk);

/**
 * pvmem_zs_find() - where a moved object is
 * @zspage: the zspage of its handle, on which the caller has a reference, and
 *	which is fenced or was a moment ago.
 * @slot: the slot of its handle; the slot where it is.
 *
 * Context: any but interrupts.
 * Return: the zspage where the object is and stays: the caller's reference is on
 * that now.
 */
struct pvmem_zspage *pvmem_zs_find(struct pvmem_zspage *zspage, unsigned int *slot)
{
	struct pvmem_zs_class *cls = pvmem_zspage_class(zspage->pool, zspage);
	struct pvmem_zspage *at = zspage;

	spin_lock(&cls->lock);
	if (zspage->group == PVMEM_ZS_MOVED) {
		unsigned long to = *pvmem_zs_moved_to(zspage, *slot);

		at = pvmem_zs_handle_zspage(to);
		*slot = pvmem_zs_handle_slot(to);
		WARN_ON_ONCE(pvmem_desc_get(&at->desc) & PVMEM_DESC_BUSY);
	}
	spin_unlock(&cls->lock);
	if (at != zspage)
		pvmem_zspage_put(zspage);
	return at;
}
