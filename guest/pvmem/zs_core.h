/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The compressed-object allocator's structures; docs/zs.md is the theory.
 *
 * A zspage is an array of equal slots laid over up to 32 pages that need not be
 * adjacent. A page is there only while an object touches it: slots are used from
 * the lowest on, so a zspage grows page by page, and a page goes as soon as the
 * last object on it is freed.
 *
 *	zs_class.c	sizes: which slots for which object; statistics
 *	zs_zspage.c	descriptors, their pages, the lists of a class
 *	zs_object.c	malloc and free
 *	zs_map.c	from a handle to an address
 *	zs_pair.c	two pages at adjacent addresses of one CPU
 *	zs_compact.c	moving objects together
 *	zs_evict.c	giving the oldest objects back to their owner
 *	zs_system.c	pages of the kernel's, which it may move
 *
 * Locks: struct pvmem_zs_class.lock guards the class's lists and counts and
 * everything in its zspages but the reference count. No other lock is taken
 * inside it, and it is never held while memory is allocated that may sleep.
 */
#ifndef PVMEM_ZS_CORE_H
#define PVMEM_ZS_CORE_H

#include <linux/bitops.h>
#include <linux/export.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <pvmem/zs.h>
#include "desc.h"
#include "zs_map.h"

/*
 * Pages of a zspage. The tail that no slot fits into is shared by more slots in a
 * longer one: on source text compressed with lzo, 4 pages waste 1.9 % more than
 * 32 do, 16 pages 0.3 %. The descriptor grows by 4 bytes a page.
 */
#define PVMEM_ZS_PAGES 32

/* Slots of a zspage: two words of bits, 7 bits of a handle. */
#define PVMEM_ZS_SLOTS 128
#define PVMEM_ZS_SLOT_BITS 7
#define PVMEM_ZS_WORDS (PVMEM_ZS_SLOTS / BITS_PER_LONG)

/*
 * Sizes differ by this much: an object wastes half of it on average, and each
 * size in use wastes half a page at its end. Above PVMEM_ZS_SIZE_COARSE, where
 * fewer objects share a page, the step is twice that.
 */
#define PVMEM_ZS_SIZE_MIN 32
#define PVMEM_ZS_SIZE_STEP 16
#define PVMEM_ZS_SIZE_COARSE 2048
#define PVMEM_ZS_SIZES (PAGE_SIZE / PVMEM_ZS_SIZE_STEP)

/* More than that sizes never make; a class's number is a byte. */
#define PVMEM_ZS_CLASSES 192

/**
 * struct pvmem_zs_spec - the shape of a class's zspages
 * @size: bytes of a slot.
 * @objs: slots.
 * @pages: pages they reach over.
 */
struct pvmem_zs_spec {
	u16 size;
	u8 objs;
	u8 pages;
};

/**
 * struct pvmem_zs_geometry - which class serves which size; computed once
 * @nr: classes.
 * @of: class of objects of up to (i + 1) * PVMEM_ZS_SIZE_STEP bytes.
 * @spec: of each class, sizes ascending.
 */
struct pvmem_zs_geometry {
	unsigned int nr;
	u8 of[PVMEM_ZS_SIZES];
	struct pvmem_zs_spec spec[PVMEM_ZS_CLASSES];
};

/*
 * Where a zspage is listed. Those with a free slot on pages that are there come
 * first, in quarters of fullness; then those that need a page for another slot,
 * and the full ones. The last two are on no list: taken out by who evicts, and
 * zspages whose objects were moved away.
 */
enum pvmem_zs_group {
	PVMEM_ZS_QUARTER_1,
	PVMEM_ZS_QUARTER_2,
	PVMEM_ZS_QUARTER_3,
	PVMEM_ZS_QUARTER_4,
	PVMEM_ZS_EXTENDABLE,
	PVMEM_ZS_FULL,
	PVMEM_ZS_LISTS,
	PVMEM_ZS_ISOLATED = PVMEM_ZS_LISTS,
	PVMEM_ZS_MOVED,
};

#define PVMEM_ZS_QUARTERS 4

/* Of what a caller allocates with: not for descriptors, but for pages of compaction's. */
#define PVMEM_ZS_ZONE (__GFP_HIGHMEM | __GFP_MOVABLE)

/* A pool's name, with the end. */
#define PVMEM_ZS_NAME 24

/**
 * struct pvmem_zs_class - one size of slots
 * @lock: guards the class and its zspages.
 * @size: bytes of a slot.
 * @tail: bytes behind the last slot of a zspage.
 * @objs: slots of a zspage.
 * @reciprocal: 2^32 / @size, rounded up: page offsets are turned into slots.
 * @quarter: nr_used * @quarter >> 8 is the quarter of fullness.
 * @nr_objs: objects.
 * @nr_zspages: zspages, without those of group PVMEM_ZS_MOVED.
 * @nr_pages: pages.
 * @list: zspages by group; the one that came last is first.
 */
struct pvmem_zs_class {
	spinlock_t lock;
	u16 size;
	u16 tail;
	u8 objs;
	u32 reciprocal;
	u32 quarter;
	unsigned long nr_objs;
	unsigned int nr_zspages;
	unsigned int nr_pages;
	struct list_head list[PVMEM_ZS_LISTS];
};

/**
 * struct pvmem_zspage - slots over pages
 * @desc: references; a mapped object holds one.
 * @cls: number of the class.
 * @group: where it is listed.
 * @nr_used: slots in use. In group PVMEM_ZS_MOVED: handles not freed yet.
 * @nr_moved: slots that @moved has room for; not in group PVMEM_ZS_MOVED.
 * @backed: a bit per page that is there.
 * @stamp: the pool's page count when a page came or the zspage became full.
 * @pool: the pool.
 * @list: in the class's list of its group.
 * @rcu: instead of @list once it is retired.
 * @used: a bit per slot that holds an object, or whose handle does not.
 * @avail: a bit per slot that is free and whose pages are there. In group
 *	PVMEM_ZS_MOVED: the slots whose objects were moved, which index @moved.
 * @moved: NULL, or handles: in group PVMEM_ZS_MOVED where the object of the n-th
 *	bit in @avail is now; else, by slot, whose object is in it, 0 if its own.
 * @frame: frame number of each page that is there.
 */
struct pvmem_zspage {
	struct pvmem_desc desc;
	u8 cls;
	u8 group;
	u8 nr_used;
	u8 nr_moved;
	u32 backed;
	u32 stamp;
	struct pvmem_zs_pool *pool;
	union {
		struct list_head list;
		struct rcu_head rcu;
	};
	unsigned long used[PVMEM_ZS_WORDS];
	unsigned long avail[PVMEM_ZS_WORDS];
	unsigned long *moved;
	u32 frame[PVMEM_ZS_PAGES] __aligned(8);
};

/**
 * struct pvmem_zs - what pools share
 * @geometry: sizes.
 * @zspages: cache of descriptors.
 * @maps: ways to map an object across two pages.
 * @mutex: guards @pools; held while one of them is compacted or shown.
 * @pools: all pools.
 */
struct pvmem_zs {
	struct pvmem_zs_geometry geometry;
	struct kmem_cache *zspages;
	struct pvmem_zs_maps maps;
	struct mutex mutex;
	struct list_head pools;
};

/**
 * struct pvmem_zs_pool - a pool
 * @zs: what it shares with other pools.
 * @node: in the list of all pools.
 * @name: of its user.
 * @source: where pages come from.
 * @bytes: everything allocated for objects.
 * @pages_in: pages it ever took; the clock of the LRU.
 * @zone: the part of the last allocation's gfp that says where pages may lie.
 * @compacted: pages freed by moving objects.
 * @moved: objects moved.
 * @evicted: pages freed by eviction.
 * @migrated: pages replaced by others.
 * @borrowed: objects in slots of a larger size than theirs.
 * @cls: the sizes.
 */
struct pvmem_zs_pool {
	struct pvmem_zs *zs;
	struct list_head node;
	char name[PVMEM_ZS_NAME];
	struct pvmem_zs_source source;
	atomic_long_t bytes;
	atomic_t pages_in;
	gfp_t zone;
	atomic_long_t compacted;
	atomic_long_t moved;
	atomic_long_t evicted;
	atomic_long_t migrated;
	atomic_long_t borrowed;
	struct pvmem_zs_class cls[];
};

/*
 * Handles: the descriptor's address, which is aligned to 8, moved up by 4 bits;
 * the slot below. The bits lost at the top are copies of the sign.
 */
static inline unsigned long pvmem_zs_handle(const struct pvmem_zspage *zspage, unsigned int slot)
{
	return (unsigned long)zspage << (PVMEM_ZS_SLOT_BITS - 3) | slot;
}

static inline struct pvmem_zspage *pvmem_zs_handle_zspage(unsigned long handle)
{
	return (struct pvmem_zspage *)(((long)handle >> (PVMEM_ZS_SLOT_BITS - 3)) & ~7L);
}

static inline unsigned int pvmem_zs_handle_slot(unsigned long handle)
{
	return handle & (PVMEM_ZS_SLOTS - 1);
}

static inline struct pvmem_zs_class *pvmem_zspage_class(struct pvmem_zs_pool *pool, const struct pvmem_zspage *zspage)
{
	return &pool->cls[zspage->cls];
}

static inline void *pvmem_zspage_address(const struct pvmem_zspage *zspage, unsigned int page)
{
	return pfn_to_kaddr((unsigned long)zspage->frame[page]);
}

/* Whose handle an object in a slot is known by. */
static inline unsigned long pvmem_zspage_handle(const struct pvmem_zspage *zspage, unsigned int slot)
{
	return slot < zspage->nr_moved && zspage->moved[slot] ? zspage->moved[slot] : pvmem_zs_handle(zspage, slot);
}

/* How full it is; pages do not matter. */
static inline enum pvmem_zs_group pvmem_zspage_quarter(const struct pvmem_zs_class *cls,
						       const struct pvmem_zspage *zspage)
{
	return zspage->nr_used * cls->quarter >> 8;
}

static inline unsigned int pvmem_zspage_lowest_free(const struct pvmem_zspage *zspage)
{
	return ~zspage->used[0] ? ffz(zspage->used[0]) : BITS_PER_LONG + ffz(zspage->used[1]);
}

/* Pages of a class beyond those that its objects and tails would fill. Takes no lock. */
static inline unsigned long pvmem_zs_class_spare(const struct pvmem_zs_class *cls)
{
	unsigned long bytes = READ_ONCE(cls->nr_objs) * cls->size + READ_ONCE(cls->nr_zspages) * cls->tail;
	unsigned long want = DIV_ROUND_UP(bytes, PAGE_SIZE);
	unsigned long have = READ_ONCE(cls->nr_pages);

	return have > want ? have - want : 0;
}

/* zs_class.c */
int pvmem_zs_geometry_init(struct pvmem_zs_geometry *geometry);
void pvmem_zs_class_init(struct pvmem_zs_class *cls, const struct pvmem_zs_spec *spec);

/* zs_zspage.c */

/**
 * struct pvmem_zs_supply - memory got before the lock was taken
 * @zspage: a descriptor or NULL.
 * @page: pages.
 * @nr: how many.
 */
struct pvmem_zs_supply {
	struct pvmem_zspage *zspage;
	struct page *page[2];
	unsigned int nr;
};

bool pvmem_zs_supply_fill(struct pvmem_zs_pool *pool, struct pvmem_zs_supply *supply, unsigned int nr, bool zspage,
			  gfp_t gfp);
void pvmem_zs_supply_drop(struct pvmem_zs_pool *pool, struct pvmem_zs_supply *supply);
void pvmem_zspage_start(struct pvmem_zs_pool *pool, struct pvmem_zs_class *cls, struct pvmem_zspage *zspage);
unsigned int pvmem_zspage_missing(const struct pvmem_zs_class *cls, const struct pvmem_zspage *zspage,
				  unsigned int slot);
void pvmem_zspage_extend(struct pvmem_zs_pool *pool, struct pvmem_zs_class *cls, struct pvmem_zspage *zspage,
			 unsigned int slot, struct pvmem_zs_supply *supply);
void pvmem_zspage_list(struct pvmem_zs_class *cls, struct pvmem_zspage *zspage);
void pvmem_zspage_relist(struct pvmem_zs_class *cls, struct pvmem_zspage *zspage);
void pvmem_zspage_unlist(struct pvmem_zspage *zspage, enum pvmem_zs_group group);
unsigned int pvmem_zspage_strip(struct pvmem_zs_class *cls, struct pvmem_zspage *zspage, unsigned int slot,
				struct page *freed[2]);
void pvmem_zs_pages_free(struct pvmem_zs_pool *pool, struct page **pages, unsigned int nr);
void pvmem_zspage_put(struct pvmem_zspage *zspage);
void pvmem_zspage_retire(struct pvmem_zspage *zspage);
bool pvmem_zspage_fit_moved(struct pvmem_zspage *zspage, unsigned int nr);
int pvmem_zs_replace(struct page *to, struct page *from);
unsigned long *pvmem_zspage_set_moved(struct pvmem_zspage *zspage, unsigned long *to, unsigned int nr);
void pvmem_zspage_drop_moved(struct pvmem_zspage *zspage);

/* zs_object.c */
unsigned int pvmem_zspage_take(struct pvmem_zs_class *cls, struct pvmem_zspage *zspage);
unsigned int pvmem_zspage_release(struct pvmem_zs_class *cls, struct pvmem_zspage *zspage, unsigned int slot,
				  struct page *freed[2]);
struct pvmem_zspage *pvmem_zs_find(struct pvmem_zspage *zspage, unsigned int *slot);
unsigned long *pvmem_zs_moved_to(const struct pvmem_zspage *zspage, unsigned int slot);

/* zs_pool.c */
int pvmem_zs_start(struct pvmem_zs *zs);
void pvmem_zs_stop(struct pvmem_zs *zs);
struct pvmem_zs_pool *pvmem_zs_pool_create(struct pvmem_zs *zs, const char *name, const struct pvmem_zs_source *source);
unsigned long pvmem_zs_pool_destroy(struct pvmem_zs_pool *pool);

/* zs_system.c */
extern const struct pvmem_zs_source pvmem_zs_system;
void pvmem_zs_system_flush(void);

/* zs_debugfs.c */
void pvmem_zs_debugfs_start(struct pvmem_zs *zs);
void pvmem_zs_debugfs_stop(void);

/* zs_compact.c */
unsigned long pvmem_zs_compactable(struct pvmem_zs_pool *pool);
unsigned long pvmem_zs_compactable_all(struct pvmem_zs *zs);
unsigned long pvmem_zs_compact_all(struct pvmem_zs *zs, unsigned long nr_pages);

#endif
