// SPDX-License-Identifier: GPL-2.0
/*
 * Memory: objects from malloc(), so that ASan watches them, and pages from an
 * arena. The page freed last is allocated first: whoever still maps it is found.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <linux/list.h>
#include "shim.h"

#define NODE_PAGES (SHIM_NR_PAGES / SHIM_NR_NODES)

/* Beyond SHIM_NR_PAGES: page structs without memory, for pages that are not RAM. */
struct page shim_page[SHIM_NR_PAGES + 64];
static unsigned char shim_memory[SHIM_NR_PAGES][PAGE_SIZE] __attribute__((aligned(4096)));

static pthread_mutex_t arena_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct list_head arena[SHIM_NR_NODES];
static long objects, pages_out;

static unsigned long fail_at;
static bool fail_more, fail_hit;
bool shim_fail_atomic;
unsigned int shim_fail_one_in;
void (*shim_page_hook)(struct page *page, bool freed);
void (*shim_alloc_hook)(gfp_t gfp);

void shim_fail_alloc(unsigned long nth, bool more)
{
	fail_at = nth;
	fail_more = more;
	fail_hit = false;
}

bool shim_fail_alloc_hit(void)
{
	return fail_hit;
}

static bool fail_random(void)
{
	static _Thread_local unsigned int seed = 1;

	unsigned int one_in = __atomic_load_n(&shim_fail_one_in, __ATOMIC_RELAXED);

	return one_in && rand_r(&seed) % one_in == 0;
}

static bool fails(gfp_t gfp)
{
	if (gfp & __GFP_DIRECT_RECLAIM)
		might_sleep();
	else if (shim_fail_atomic)
		return true;
	if (fail_random())
		return true;
	if (!fail_at || (fail_hit && !fail_more))
		return false;
	if (!fail_hit && __atomic_sub_fetch(&fail_at, 1, __ATOMIC_RELAXED))
		return false;
	fail_at = 1;
	fail_hit = true;
	return true;
}

void *shim_alloc(size_t size, gfp_t gfp)
{
	void *p;

	if (shim_alloc_hook)
		shim_alloc_hook(gfp);
	if (fails(gfp))
		return NULL;
	/* Whoever forgets to initialise finds the same garbage each time. */
	p = malloc(size ?: 1);
	check(p);
	memset(p, gfp & __GFP_ZERO ? 0 : 0xa5, size);
	__atomic_fetch_add(&objects, 1, __ATOMIC_RELAXED);
	return p;
}

void shim_free(const void *p)
{
	if (!p)
		return;
	__atomic_fetch_sub(&objects, 1, __ATOMIC_RELAXED);
	free((void *)p);
}

size_t ksize(const void *p)
{
	return malloc_usable_size((void *)p);
}

struct kmem_cache {
	size_t size;
};

struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align, unsigned int flags,
				     void (*ctor)(void *))
{
	struct kmem_cache *cache = shim_alloc(sizeof(*cache), GFP_KERNEL);

	if (cache)
		cache->size = size;
	return cache;
}

void kmem_cache_destroy(struct kmem_cache *cache)
{
	shim_free(cache);
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	return shim_alloc(cache->size, gfp);
}

void kmem_cache_free(struct kmem_cache *cache, void *p)
{
	shim_free(p);
}

void shim_vfree(const void *p)
{
	might_sleep();
	shim_free(p);
}

long shim_pages_allocated(void)
{
	return __atomic_load_n(&pages_out, __ATOMIC_RELAXED);
}

long shim_allocated(void)
{
	return __atomic_load_n(&objects, __ATOMIC_RELAXED) + shim_pages_allocated();
}

void *page_address(const struct page *page)
{
	return shim_memory[page_to_pfn(page)];
}

int page_to_nid(const struct page *page)
{
	return page_to_pfn(page) / NODE_PAGES;
}

__attribute__((constructor)) static void arena_init(void)
{
	int i;

	for (i = 0; i < SHIM_NR_NODES; i++)
		INIT_LIST_HEAD(&arena[i]);
	for (i = 0; i < SHIM_NR_PAGES + 64; i++) {
		shim_page[i].head = &shim_page[i];
		shim_page[i].free = i < SHIM_NR_PAGES;
		atomic_set(&shim_page[i].refcount, i >= SHIM_NR_PAGES);
		if (i < SHIM_NR_PAGES)
			list_add_tail(&shim_page[i].lru, &arena[i / NODE_PAGES]);
	}
}

/* The first of 2^order free pages, looking where the last freed page is first. */
static struct page *arena_find(int nid, unsigned int order)
{
	struct page *page;
	unsigned int i;

	list_for_each_entry(page, &arena[nid], lru) {
		unsigned long pfn = page_to_pfn(page) & ~((1UL << order) - 1);

		for (i = 0; i < 1u << order && shim_page[pfn + i].free; i++)
			;
		if (i == 1u << order)
			return &shim_page[pfn];
	}
	return NULL;
}

/* What was not asked to be zero is not zero at either end. */
static void page_fill(struct page *page, gfp_t gfp)
{
	unsigned char *p = page_address(page);

	if (gfp & __GFP_ZERO) {
		memset(p, 0, PAGE_SIZE);
		return;
	}
	p[0] = 0xa5;
	p[PAGE_SIZE - 1] = 0xa5;
}

static struct page *arena_take(int nid, unsigned int order, gfp_t gfp)
{
	struct page *page;
	unsigned int i;

	pthread_mutex_lock(&arena_mutex);
	page = arena_find(nid, order) ?: arena_find(!nid, order);
	for (i = 0; page && i < 1u << order; i++) {
		list_del(&page[i].lru);
		page[i].free = false;
	}
	pthread_mutex_unlock(&arena_mutex);
	if (!page)
		return NULL;
	__atomic_fetch_add(&pages_out, 1L << order, __ATOMIC_RELAXED);
	for (i = 0; i < 1u << order; i++) {
		page[i].head = gfp & __GFP_COMP ? page : &page[i];
		page[i].order = i ? 0 : order;
		atomic_set(&page[i].refcount, !i);
		page_fill(&page[i], gfp);
		if (shim_page_hook)
			shim_page_hook(&page[i], false);
	}
	return page;
}

struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	return fails(gfp) ? NULL : arena_take(numa_node_id(), order, gfp);
}

struct page *shim_pages(gfp_t gfp, unsigned int order)
{
	struct page *page = arena_take(0, order, gfp);

	check(page);
	return page;
}

/* The kernel's own hands out some and stops at the first it cannot get. */
unsigned long alloc_pages_bulk_array_node(gfp_t gfp, int nid, unsigned long nr, struct page **pages)
{
	unsigned long i;

	for (i = 0; i < nr; i++) {
		check(!pages[i]);
		pages[i] = fails(gfp) ? NULL : arena_take(nid, 0, gfp);
		if (!pages[i])
			break;
	}
	return i;
}

static void page_release(struct page *page)
{
	unsigned int i, order = page->order;

	for (i = 0; i < 1u << order; i++) {
		check(!page[i].free);
		if (shim_page_hook)
			shim_page_hook(&page[i], true);
	}
	pthread_mutex_lock(&arena_mutex);
	for (i = 0; i < 1u << order; i++) {
		page[i].free = true;
		page[i].head = &page[i];
		list_add(&page[i].lru, &arena[page_to_nid(page)]);
	}
	pthread_mutex_unlock(&arena_mutex);
	__atomic_fetch_sub(&pages_out, 1L << order, __ATOMIC_RELAXED);
}

void put_page(struct page *page)
{
	page = compound_head(page);
	if (atomic_read(&page->refcount) < 1)
		die("page %lu: a reference is put that nobody holds", page_to_pfn(page));
	if (atomic_dec_and_test(&page->refcount))
		page_release(page);
}

void __free_pages(struct page *page, unsigned int order)
{
	check(page->order == order);
	put_page(page);
}
