/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Compressed objects: memory for many objects of up to a page each, packed into
 * single pages. This is the whole API of pvmem_zpool.ko; zswap reaches it through
 * the zpool driver "pvmem". docs/zs.md is the theory behind it.
 *
 * A handle is opaque and never 0. An object's address is had by mapping it, and
 * only then: objects are moved while nobody has them mapped.
 *
 * All functions are exported GPL-only.
 */
#ifndef PVMEM_ZS_H
#define PVMEM_ZS_H

#include <linux/types.h>

struct page;
struct pvmem_zs_pool;

/* Objects of 1 byte up to this. */
#define PVMEM_ZS_SIZE_MAX PAGE_SIZE

/**
 * enum pvmem_zs_mode - what a mapping is for
 * @PVMEM_ZS_RO: read; what is written may be lost.
 * @PVMEM_ZS_WO: write the whole object; what is read is undefined. Whoever has an
 *	object mapped so does not wait for anything that waits for memory.
 * @PVMEM_ZS_RW: both; the same holds.
 */
enum pvmem_zs_mode {
	PVMEM_ZS_RO,
	PVMEM_ZS_WO,
	PVMEM_ZS_RW,
};

/**
 * struct pvmem_zs_source - where a pool's pages come from
 * @alloc: a page, or NULL. @gfp is what the caller of pvmem_zs_malloc() gave. May
 *	sleep if @gfp says so.
 * @free: takes a page back; must not sleep.
 * @ctx: given to both.
 */
struct pvmem_zs_source {
	struct page *(*alloc)(void *ctx, gfp_t gfp);
	void (*free)(void *ctx, struct page *page);
	void *ctx;
};

/**
 * struct pvmem_zs_piece - a part of an object, in one page
 * @addr: its address.
 * @size: its length in bytes.
 */
struct pvmem_zs_piece {
	void *addr;
	unsigned int size;
};

/**
 * struct pvmem_zs_class_stats - a size class
 * @size: bytes of its slots; objects of this size and somewhat smaller.
 * @objs_per_zspage: slots of a zspage.
 * @pages_per_zspage: pages of a zspage when every slot is in use.
 * @objs: objects now.
 * @zspages: zspages now.
 * @pages: pages now.
 */
struct pvmem_zs_class_stats {
	unsigned int size;
	unsigned int objs_per_zspage;
	unsigned int pages_per_zspage;
	unsigned long objs;
	unsigned long zspages;
	unsigned long pages;
};

/**
 * struct pvmem_zs_stats - a pool
 * @objs: objects.
 * @pages: pages that hold them.
 * @total_bytes: those pages, and everything else that is allocated for objects.
 * @zspages: zspages.
 * @borrowed: objects put into a free slot of a larger size rather than onto a new page, ever.
 * @compacted: pages freed by moving objects, ever.
 * @moved: objects moved, ever.
 * @evicted: pages freed by eviction, ever.
 * @migrated: pages that the kernel replaced by others, ever.
 */
struct pvmem_zs_stats {
	unsigned long objs;
	unsigned long pages;
	u64 total_bytes;
	unsigned long zspages;
	unsigned long borrowed;
	unsigned long compacted;
	unsigned long moved;
	unsigned long evicted;
	unsigned long migrated;
};

struct pvmem_zs_pool *pvmem_zs_create(const char *name, const struct pvmem_zs_source *source);
void pvmem_zs_destroy(struct pvmem_zs_pool *pool);

int pvmem_zs_malloc(struct pvmem_zs_pool *pool, size_t size, gfp_t gfp, unsigned long *handle);
void pvmem_zs_free(struct pvmem_zs_pool *pool, unsigned long handle);
void pvmem_zs_free_bulk(struct pvmem_zs_pool *pool, const unsigned long *handles, unsigned int nr);

void *pvmem_zs_map(struct pvmem_zs_pool *pool, unsigned long handle, enum pvmem_zs_mode mode);
void pvmem_zs_unmap(struct pvmem_zs_pool *pool, unsigned long handle);
unsigned int pvmem_zs_pieces_get(struct pvmem_zs_pool *pool, unsigned long handle, struct pvmem_zs_piece pieces[2]);
void pvmem_zs_pieces_put(struct pvmem_zs_pool *pool, unsigned long handle);
void pvmem_zs_read(struct pvmem_zs_pool *pool, unsigned long handle, void *to, size_t size);
void pvmem_zs_write(struct pvmem_zs_pool *pool, unsigned long handle, const void *from, size_t size);

u64 pvmem_zs_total_bytes(struct pvmem_zs_pool *pool);
void pvmem_zs_stats(struct pvmem_zs_pool *pool, struct pvmem_zs_stats *stats);
int pvmem_zs_class_stats(struct pvmem_zs_pool *pool, unsigned int index, struct pvmem_zs_class_stats *stats);

unsigned long pvmem_zs_compact(struct pvmem_zs_pool *pool, unsigned long nr_pages);
unsigned long pvmem_zs_compact_pools(void);
int pvmem_zs_evict(struct pvmem_zs_pool *pool, unsigned int nr_pages, int (*evict)(void *ctx, unsigned long handle),
		   void *ctx, unsigned int *reclaimed);

#endif
