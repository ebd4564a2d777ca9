/* SPDX-License-Identifier: GPL-2.0 */
/* Pages, the allocators and the vmalloc area; shim.h has their knobs. */
#ifndef SHIM_LINUX_MM_H
#define SHIM_LINUX_MM_H

#include <asm/pgtable.h>
#include <linux/atomic.h>
#include <linux/kernel.h>

struct page {
	struct list_head lru;
	atomic_t refcount;
	struct page *head; /* of the compound page, or itself */
	unsigned char order;
	bool free;
	bool pinned; /* the fake backend's */
	unsigned long private;
	unsigned long unused[2]; /* 64 bytes, as usual */
};

#define SHIM_NR_PAGES 2048
extern struct page shim_page[SHIM_NR_PAGES + 64];

#define __GFP_DIRECT_RECLAIM 0x1u
#define __GFP_ZERO 0x2u
#define __GFP_NORETRY 0x4u
#define __GFP_NOWARN 0x8u
#define __GFP_COMP 0x10u
#define GFP_KERNEL __GFP_DIRECT_RECLAIM
#define GFP_ATOMIC 0u
#define GFP_NOWAIT 0u
#define __GFP_HIGHMEM 0x20u
#define __GFP_MOVABLE 0x40u

#define PAGE_MASK (~(PAGE_SIZE - 1))
#define offset_in_page(p) ((unsigned long)(p) & ~PAGE_MASK)
#define PAGE_ALIGNED(addr) (!((unsigned long)(addr) & (PAGE_SIZE - 1)))
#define pfn_to_page(pfn) (shim_page + (pfn))
#define page_to_pfn(page) ((unsigned long)((page)-shim_page))
#define pfn_to_kaddr(pfn) page_address(pfn_to_page(pfn))
#define compound_head(page) ((page)->head)
#define page_count(page) atomic_read(&(page)->refcount)
#define get_page(page) atomic_inc(&(page)->refcount)
#define get_page_unless_zero(page) atomic_inc_not_zero(&(page)->refcount)

void *page_address(const struct page *page);
int page_to_nid(const struct page *page);
struct page *alloc_pages(gfp_t gfp, unsigned int order);
void __free_pages(struct page *page, unsigned int order);
unsigned long alloc_pages_bulk_array_node(gfp_t gfp, int nid, unsigned long nr, struct page **pages);
void put_page(struct page *page);

#define alloc_page(gfp) alloc_pages(gfp, 0)
#define __free_page(page) __free_pages(page, 0)
#define clear_page(addr) memset(addr, 0, PAGE_SIZE)

void *shim_alloc(size_t size, gfp_t gfp);
void shim_free(const void *p);
/* May sleep, as vfree() does. */
void shim_vfree(const void *p);

size_t ksize(const void *p);

struct kmem_cache;
struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align, unsigned int flags,
				     void (*ctor)(void *));
void kmem_cache_destroy(struct kmem_cache *cache);
void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp);
void kmem_cache_free(struct kmem_cache *cache, void *p);

#define kmalloc(size, gfp) shim_alloc(size, gfp)
#define kmalloc_array(n, size, gfp) shim_alloc((n) * (size), gfp)
#define kvmalloc_array(n, size, gfp) shim_alloc((n) * (size), gfp)
#define kcalloc(n, size, gfp) shim_alloc((n) * (size), (gfp) | __GFP_ZERO)
#define kvzalloc(size, gfp) shim_alloc(size, (gfp) | __GFP_ZERO)
#define vzalloc(size) shim_alloc(size, GFP_KERNEL | __GFP_ZERO)
#define kfree(p) shim_free(p)
#define kvfree(p) shim_vfree(p)
#define vfree(p) shim_vfree(p)

#define VM_MAP 4
void *vmap(struct page **pages, unsigned int nr, unsigned long flags, pgprot_t prot);
void vunmap(const void *addr);
pte_t *lookup_address(unsigned long addr, unsigned int *level);

#endif
