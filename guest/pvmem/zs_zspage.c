// SPDX-License-Identifier: GPL-2.0
/* Zspages: descriptors, the pages under their slots, the lists they are on. */
#include "zs_core.h"

/* Bits @first to @last of two words. */
static void pvmem_zs_range(unsigned long *bits, unsigned int first, unsigned int last)
{
	bits[0] = 0;
	bits[1] = 0;
	if (first < BITS_PER_LONG)
		bits[0] = GENMASK(min_t(unsigned int, last, BITS_PER_LONG - 1), first);
	if (last >= BITS_PER_LONG)
		bits[1] = GENMASK(last % BITS_PER_LONG, first < BITS_PER_LONG ? 0 : first % BITS_PER_LONG);
}

/* Exact for every offset in a zspage, as 32 pages times a page is less than 2^32. */
static unsigned int pvmem_zs_slot_at(const struct pvmem_zs_class *cls, unsigned int offset)
{
	return (u64)offset * cls->reciprocal >> 32;
}

/* The slots that touch a page. */
static void pvmem_zs_page_slots(const struct pvmem_zs_class *cls, unsigned int page, unsigned long *bits)
{
	unsigned int last = pvmem_zs_slot_at(cls, (page + 1) * PAGE_SIZE - 1);

	pvmem_zs_range(bits, pvmem_zs_slot_at(cls, page * PAGE_SIZE), min_t(unsigned int, last, cls->objs - 1));
}

static struct page *pvmem_zs_page_alloc(struct pvmem_zs_pool *pool, gfp_t gfp)
{
	struct page *page = pool->source.alloc(pool->source.ctx, gfp);

	/* Frame numbers are kept in 32 bits: memory beyond 16 TiB is not used. */
	if (page && unlikely((u64)page_to_pfn(page) >> 32)) {
		pool->source.free(pool->source.ctx, page);
		return NULL;
	}
	return page;
}

/**
 * pvmem_zs_supply_fill() - get memory before taking a lock
 * @pool: the pool.
 * @supply: what is there already, and is added to.
 * @nr: pages it shall hold.
 * @zspage: whether it shall hold a descriptor.
 * @gfp: how to allocate.
 *
 * Context: as @gfp says.
 * Return: false when something could not be had; the rest stays in @supply.
 */
bool pvmem_zs_supply_fill(struct pvmem_zs_pool *pool, struct pvmem_zs_supply *supply, unsigned int nr, bool zspage,
			  gfp_t gfp)
{
	if (zspage && !supply->zspage) {
		supply->zspage = kmem_cache_alloc(pool->zs->zspages, gfp & ~PVMEM_ZS_ZONE);
		if (!supply->zspage)
			return false;
	}
	while (supply->nr < nr) {
		supply->page[supply->nr] = pvmem_zs_page_alloc(pool, gfp);
		if (!supply->page[supply->nr])
			return false;
		supply->nr++;
	}
	return true;
}

/**
 * pvmem_zs_supply_drop() - give back what was not needed
 * @pool: the pool.
 * @supply: what is left.
 *
 * Context: any.
 */
void pvmem_zs_supply_drop(struct pvmem_zs_pool *pool, struct pvmem_zs_supply *supply)
{
	while (supply->nr)
		pool->source.free(pool->source.ctx, supply->page[--supply->nr]);
	if (supply->zspage)
		kmem_cache_free(pool->zs->zspages, supply->zspage);
}

/**
 * pvmem_zspage_start() - make a zspage without pages part of a class
 * @pool: the pool.
 * @cls: the class; its lock is held.
 * @zspage: uninitialised; on no list yet.
 */
void pvmem_zspage_start(struct pvmem_zs_pool *pool, struct pvmem_zs_class *cls, struct pvmem_zspage *zspage)
{
	lockdep_assert_held(&cls->lock);
	pvmem_desc_init(&zspage->desc);
	zspage->cls = cls - pool->cls;
	zspage->group = PVMEM_ZS_ISOLATED;
	zspage->nr_used = 0;
	zspage->backed = 0;
	zspage->stamp = atomic_read(&pool->pages_in);
	zspage->pool = pool;
	INIT_LIST_HEAD(&zspage->list);
	memset(zspage->used, 0, sizeof(zspage->used));
	memset(zspage->avail, 0, sizeof(zspage->avail));
	zspage->moved = NULL;
	zspage->nr_moved = 0;
	cls->nr_zspages++;
	atomic_long_add(sizeof(*zspage), &pool->bytes);
}

/* The pages under a slot, as bits. */
static u32 pvmem_zs_slot_pages(const struct pvmem_zs_class *cls, unsigned int slot)
{
	unsigned int offset = slot * cls->size;

	return BIT(offset >> PAGE_SHIFT) | BIT((offset + cls->size - 1) >> PAGE_SHIFT);
}

/**
 * pvmem_zspage_missing() - pages that a slot needs and that are not there
 * @cls: the class; its lock is held.
 * @zspage: the zspage.
 * @slot: the slot.
 *
 * Return: how many, up to 2.
 */
unsigned int pvmem_zspage_missing(const struct pvmem_zs_class *cls, const struct pvmem_zspage *zspage,
				  unsigned int slot)
{
	return hweight32(pvmem_zs_slot_pages(cls, slot) & ~zspage->backed);
}

/* Slots whose pages are all there now become available; none of them was in use, for want of this page. */
static void pvmem_zspage_offer(struct pvmem_zs_class *cls, struct pvmem_zspage *zspage, unsigned int page)
{
	unsigned int slot = pvmem_zs_slot_at(cls, page * PAGE_SIZE);
	unsigned int end = min_t(unsigned int, pvmem_zs_slot_at(cls, (page + 1) * PAGE_SIZE - 1), cls->objs - 1);

	for (; slot <= end; slot++)
		if (!pvmem_zspage_missing(cls, zspage, slot))
			__set_bit(slot, zspage->avail);
}

/**
 * pvmem_zspage_extend() - put pages under a slot
 * @pool: the pool.
 * @cls: the class; its lock is held.
 * @zspage: the zspage.
 * @slot: a free slot, available afterwards like others on the same pages.
 * @supply: holds as many pages as are missing.
 */
void pvmem_zspage_extend(struct pvmem_zs_pool *pool, struct pvmem_zs_class *cls, struct pvmem_zspage *zspage,
			 unsigned int slot, struct pvmem_zs_supply *supply)
{
	u32 missing = pvmem_zs_slot_pages(cls, slot) & ~zspage->backed, left;
	unsigned int nr = hweight32(missing);

	lockdep_assert_held(&cls->lock);
	for (left = missing; left; left &= left - 1) {
		struct page *page = supply->page[--supply->nr];

		zspage->frame[__ffs(left)] = page_to_pfn(page);
		pvmem_desc_attach(&zspage->desc, PVMEM_DESC_ZSPAGE, page);
	}
	zspage->backed |= missing;
	for (left = missing; left; left &= left - 1)
		pvmem_zspage_offer(cls, zspage, __ffs(left));
	cls->nr_pages += nr;
	zspage->stamp = atomic_add_return(nr, &pool->pages_in);
	atomic_long_add((unsigned long)nr << PAGE_SHIFT, &pool->bytes);
}

static enum pvmem_zs_group pvmem_zspage_group(const struct pvmem_zs_class *cls, const struct pvmem_zspage *zspage)
{
	if (zspage->avail[0] | zspage->avail[1])
		return pvmem_zspage_quarter(cls, zspage);
	return zspage->nr_used == cls->objs ? PVMEM_ZS_FULL : PVMEM_ZS_EXTENDABLE;
}

/**
 * pvmem_zspage_list() - onto the list where a zspage belongs
 * @cls: the class; its lock is held.
 * @zspage: a zspage on no list.
 */
void pvmem_zspage_list(struct pvmem_zs_class *cls, struct pvmem_zspage *zspage)
{
	lockdep_assert_held(&cls->lock);
	zspage->group = pvmem_zspage_group(cls, zspage);
	list_add(&zspage->list, &cls->list[zspage->group]);
}

/**
 * pvmem_zspage_unlist() - off its list
 * @zspage: a zspage on a list; its class's lock is held.
 * @group: why: PVMEM_ZS_ISOLATED or PVMEM_ZS_MOVED.
 */
void pvmem_zspage_unlist(struct pvmem_zspage *zspage, enum pvmem_zs_group group)
{
	list_del_init(&zspage->list);
	zspage->group = group;
}

/**
 * pvmem_zspage_relist() - after a slot was taken or released
 * @cls: the class; its lock is held.
 * @zspage: the zspage; stays where it is if it is on no list.
 */
void pvmem_zspage_relist(struct pvmem_zs_class *cls, struct pvmem_zspage *zspage)
{
	enum pvmem_zs_group group = pvmem_zspage_group(cls, zspage);

	if (likely(group == zspage->group) || unlikely(zspage->group >= PVMEM_ZS_LISTS))
		return;
	zspage->group = group;
	list_move(&zspage->list, &cls->list[group]);
}

/**
 * pvmem_zspage_strip() - take away the pages under a slot that nothing else needs
 * @cls: the class; its lock is held.
 * @zspage: the zspage.
 * @slot: a slot that has just become free.
 * @freed: the pages, for pvmem_zs_pages_free() once the lock is dropped.
 *
 * Return: how many, up to 2.
 */
unsigned int pvmem_zspage_strip(struct pvmem_zs_class *cls, struct pvmem_zspage *zspage, unsigned int slot,
				struct page *freed[2])
{
	u32 pages = pvmem_zs_slot_pages(cls, slot);
	unsigned long slots[PVMEM_ZS_WORDS];
	unsigned int nr = 0;

	for (; pages; pages &= pages - 1) {
		unsigned int page = __ffs(pages);

		pvmem_zs_page_slots(cls, page, slots);
		if (zspage->used[0] & slots[0] || zspage->used[1] & slots[1])
			continue;
		zspage->avail[0] &= ~slots[0];
		zspage->avail[1] &= ~slots[1];
		zspage->backed &= ~BIT(page);
		freed[nr] = pfn_to_page(zspage->frame[page]);
		pvmem_desc_detach(freed[nr++]);
	}
	cls->nr_pages -= nr;
	return nr;
}

/**
 * pvmem_zs_pages_free() - give pages back to where they came from
 * @pool: the pool.
 * @pages: pages that are part of no zspage any more.
 * @nr: how many.
 *
 * Context: any; without the class's lock.
 */
void pvmem_zs_pages_free(struct pvmem_zs_pool *pool, struct page **pages, unsigned int nr)
{
	unsigned int i;

	atomic_long_sub((unsigned long)nr << PAGE_SHIFT, &pool->bytes);
	for (i = 0; i < nr; i++)
		pool->source.free(pool->source.ctx, pages[i]);
}

/* A few fit into the frames, which a zspage without pages does not need. */
static bool pvmem_zspage_moved_inside(const struct pvmem_zspage *zspage)
{
	return zspage->moved == (const unsigned long *)zspage->frame;
}

/**
 * pvmem_zspage_fit_moved() - room to note whose objects are in the slots
 * @zspage: a zspage with pages; its class's lock is held.
 * @nr: slots, from the first on. In those beyond, if there are any, are its own.
 *
 * Return: false when there is no memory; then nothing has changed.
 */
bool pvmem_zspage_fit_moved(struct pvmem_zspage *zspage, unsigned int nr)
{
	unsigned long *moved;

	if (nr == zspage->nr_moved)
		return true;
	moved = kcalloc(nr, sizeof(*moved), GFP_NOWAIT | __GFP_NOWARN);
	if (!moved)
		return false;
	if (zspage->moved)
		memcpy(moved, zspage->moved, min_t(unsigned int, nr, zspage->nr_moved) * sizeof(*moved));
	pvmem_zspage_drop_moved(zspage);
	zspage->moved = moved;
	zspage->nr_moved = nr;
	atomic_long_add(ksize(moved), &zspage->pool->bytes);
	return true;
}

/**
 * pvmem_zspage_set_moved() - note where the objects are that were in a zspage
 * @zspage: a zspage without pages; its class's lock is held.
 * @to: where, by rank among the slots in use.
 * @nr: how many.
 *
 * Return: NULL when @to itself is kept, else @to.
 */
unsigned long *pvmem_zspage_set_moved(struct pvmem_zspage *zspage, unsigned long *to, unsigned int nr)
{
	pvmem_zspage_drop_moved(zspage);
	memcpy(zspage->avail, zspage->used, sizeof(zspage->avail));
	if (nr * sizeof(*to) <= sizeof(zspage->frame)) {
		zspage->moved = memcpy(zspage->frame, to, nr * sizeof(*to));
		return to;
	}
	zspage->moved = to;
	atomic_long_add(ksize(to), &zspage->pool->bytes);
	return NULL;
}

/**
 * pvmem_zspage_drop_moved() - free that room
 * @zspage: a zspage; nobody looks into it any more.
 */
void pvmem_zspage_drop_moved(struct pvmem_zspage *zspage)
{
	if (zspage->moved && !pvmem_zspage_moved_inside(zspage)) {
		atomic_long_sub(ksize(zspage->moved), &zspage->pool->bytes);
		kfree(zspage->moved);
	}
	zspage->moved = NULL;
	zspage->nr_moved = 0;
}

static void pvmem_zspage_free_rcu(struct rcu_head *rcu)
{
	struct pvmem_zspage *zspage = container_of(rcu, struct pvmem_zspage, rcu);

	kmem_cache_free(zspage->pool->zs->zspages, zspage);
}

static void pvmem_zspage_free(struct pvmem_zspage *zspage)
{
	pvmem_zspage_drop_moved(zspage);
	call_rcu(&zspage->rcu, pvmem_zspage_free_rcu);
}

/**
 * pvmem_zspage_put() - one reference less
 * @zspage: the zspage.
 *
 * Context: any.
 */
void pvmem_zspage_put(struct pvmem_zspage *zspage)
{
	if (unlikely(pvmem_desc_put(&zspage->desc)))
		pvmem_zspage_free(zspage);
}

/**
 * pvmem_zspage_retire() - the last slot was released, the last page is gone
 * @zspage: the zspage, on no list; its class's lock is held. Goes away when nobody
 *	has a reference.
 */
void pvmem_zspage_retire(struct pvmem_zspage *zspage)
{
	atomic_long_sub(sizeof(*zspage), &zspage->pool->bytes);
	if (pvmem_desc_retire(&zspage->desc))
		pvmem_zspage_free(zspage);
}

/* @zspage has @from, and the class's lock is held. */
static int pvmem_zspage_replace(struct pvmem_zspage *zspage, struct page *to, struct page *from)
{
	unsigned int page = 0;

	if (!pvmem_desc_fence(&zspage->desc))
		return -EAGAIN;
	while (!(zspage->backed & BIT(page)) || zspage->frame[page] != page_to_pfn(from))
		page++;
	memcpy(page_address(to), page_address(from), PAGE_SIZE);
	zspage->frame[page] = page_to_pfn(to);
	pvmem_desc_attach(&zspage->desc, PVMEM_DESC_ZSPAGE, to);
	pvmem_desc_detach(from);
	pvmem_desc_unfence(&zspage->desc, 0);
	return 0;
}

/**
 * pvmem_zs_replace() - move what is in a page to another
 * @to: a page of the caller's; the pool's on success.
 * @from: a page that was a pool's a moment ago; the caller's on success. Its pool is
 *	not ended before this returns.
 *
 * Context: any but interrupts. Does not sleep.
 * Return: 0; -ENOENT when the page is not a pool's any more; -EAGAIN when one of its
 * zspage's objects is mapped or being evicted.
 */
int pvmem_zs_replace(struct page *to, struct page *from)
{
	struct pvmem_desc *desc = pvmem_desc_find(from, PVMEM_DESC_ZSPAGE);
	struct pvmem_zspage *zspage;
	struct pvmem_zs_class *cls;
	int err = -ENOENT;
	bool last = false;

	if (!desc)
		return -ENOENT;
	zspage = container_of(desc, struct pvmem_zspage, desc);
	cls = pvmem_zspage_class(zspage->pool, zspage);
	spin_lock(&cls->lock);
	last = pvmem_desc_put(desc); /* not while it has the page */
	if (!last && pvmem_desc_is(desc, PVMEM_DESC_ZSPAGE, from))
		err = pvmem_zspage_replace(zspage, to, from);
	if (!err)
		atomic_long_inc(&zspage->pool->migrated);
	spin_unlock(&cls->lock);
	if (last)
		pvmem_zspage_free(zspage);
	return err;
}
