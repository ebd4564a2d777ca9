// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include "fake_backend.h"
#include "world.h"

const struct pvmem_config world_config = {
	.policy = PVMEM_POLICY_HOLD,
	.nr_pfns = SHIM_NR_PAGES,
	.lazy_limit = 100000,
	.window_blocks = 2,
	.max_blocks = 8,
	.pool = { .low = 4, .high = 8, .cap = 64, .batch = 4 },
};

bool world_faultless(void)
{
	return !shim_fail_alloc_hit() && !fake_fail_hit();
}

static bool was_hit;

bool world_fault_was_hit(void)
{
	bool hit = was_hit || !world_faultless();

	was_hit = false;
	return hit;
}

void world_faults_off(void)
{
	was_hit |= !world_faultless();
	shim_fail_alloc(0, false);
	fake_fail(0, 0, 0, false);
	shim_fail_atomic = false;
}

static void page_mark(struct page *page)
{
	*(unsigned long *)page_address(page) = page_to_pfn(page) ^ 0x5a5a5a5a;
}

static bool is_marked(const struct page *page)
{
	return *(unsigned long *)page_address(page) == (page_to_pfn(page) ^ 0x5a5a5a5a);
}

static void pages_alloc(struct world *w)
{
	struct page *compound = shim_pages(GFP_KERNEL | __GFP_COMP, 2), *plain = shim_pages(GFP_KERNEL, 2);
	unsigned int i;

	for (i = 0; i < WORLD_PAGES; i++) {
		if (i >= WORLD_COMPOUND && i < WORLD_COMPOUND + 4)
			w->page[i] = compound + i - WORLD_COMPOUND;
		else if (i >= WORLD_PLAIN && i < WORLD_PLAIN + 4)
			w->page[i] = plain + i - WORLD_PLAIN;
		else if (i == WORLD_OUTSIDE)
			w->page[i] = pfn_to_page(SHIM_NR_PAGES + 1);
		else
			w->page[i] = shim_pages(GFP_KERNEL, 0);
		if (i != WORLD_OUTSIDE)
			page_mark(w->page[i]);
	}
}

static void pages_free(struct world *w)
{
	unsigned int i;

	for (i = 0; i < WORLD_PAGES; i++)
		if (i == WORLD_COMPOUND || i == WORLD_PLAIN)
			__free_pages(w->page[i], 2);
		else if (i < WORLD_COMPOUND || i > WORLD_OUTSIDE)
			__free_page(w->page[i]);
}

bool world_start(struct world *w, const struct pvmem_config *config)
{
	memset(w, 0, sizeof(*w));
	w->config = *config;
	w->outside_at = UINT_MAX;
	check(!shim_allocated());
	pages_alloc(w);
	w->pv = pvmem_create(&fake_backend, config);
	if (!IS_ERR(w->pv))
		return true;
	pages_free(w);
	if (shim_allocated())
		die("%ld allocations are left after pvmem_create() failed", shim_allocated());
	return false;
}

void world_stop(struct world *w)
{
	world_faults_off();
	while (w->nr_live)
		check(!world_unmap(w, w->nr_live - 1));
	while (w->nr_out)
		world_give(w, w->nr_out % 3 == 0);
	world_check(w);
	check(!pvmem_destroy(w->pv));
	pages_free(w);
	fake_free_lost();
	if (shim_allocated())
		die("%ld allocations are left, %ld of them pages", shim_allocated(), shim_pages_allocated());
	check(!fake_nr_pinned());
}

static void check_refs(struct world *w)
{
	static unsigned int refs[SHIM_NR_PAGES];
	unsigned int i;

	memcpy(refs, w->walk.refs, sizeof(refs));
	for (i = 0; i < WORLD_PAGES; i++)
		if (i != WORLD_OUTSIDE &&
		    (i == WORLD_COMPOUND || i == WORLD_PLAIN || i < WORLD_COMPOUND || i > WORLD_OUTSIDE))
			refs[page_to_pfn(w->page[i])]++;
	for (i = 0; i < w->nr_out; i++)
		refs[page_to_pfn(w->out[i])]++;
	for (i = 0; i < SHIM_NR_PAGES; i++) {
		struct page *page = &shim_page[i];
		unsigned int have = atomic_read(&page->refcount);

		refs[i] += fake_lost(page) + fake_is_table(page);
		if (have != refs[i])
			die("page %u has %u references, %u are known", i, have, refs[i]);
	}
}

static void check_mapping(const struct world_mapping *mapping)
{
	unsigned int i;

	for (i = 0; i < mapping->nr; i++) {
		struct page *page = fake_read(mapping->addr + i * PAGE_SIZE);

		if (page != mapping->pages[i])
			die("%p shows page %lu, not %lu", mapping->addr + i * PAGE_SIZE, page_to_pfn(page),
			    page_to_pfn(mapping->pages[i]));
		check(is_marked(page));
	}
}

void world_check(struct world *w)
{
	unsigned long live = 0;
	unsigned int i;

	walk(w->pv, &w->walk);
	for (i = 0; i < w->nr_live; i++) {
		check_mapping(&w->live[i]);
		live += w->live[i].nr;
	}
	if (live != w->walk.live)
		die("%lu pages are mapped, pvmem thinks %lu", live, w->walk.live);
	check(pvmem_ptpool_out(w->pv) == w->nr_out);
	check_refs(w);
}

/* There was nothing to be had: no hole, no free blocks, no budget for a window. */
static void check_refusal(struct world *w, unsigned int nr)
{
	unsigned int blocks = DIV_ROUND_UP(nr, PVMEM_BLOCK_PAGES), i, reserved = 0;

	if (blocks > w->pv->max_blocks)
		return;
	for (i = 0; i < w->pv->nr_windows; i++)
		reserved += w->pv->windows[i]->nr_blocks;
	check(walk_va_tree(&w->pv->free) < blocks);
	check(reserved + blocks > w->pv->max_blocks || w->pv->nr_windows == PVMEM_WINDOWS_MAX);
	check(!pvmem_lazy_pages(w->pv));
}

static struct page *page_choose(struct world *w, unsigned int at, unsigned int index)
{
	if (at == w->outside_at)
		return w->page[WORLD_OUTSIDE];
	return w->page[index == WORLD_OUTSIDE ? 0 : index];
}

const char *world_map(struct world *w, unsigned int nr, unsigned int first, unsigned int step)
{
	struct world_mapping *mapping = &w->live[w->nr_live];
	bool outside = false, faultless = world_faultless();
	unsigned int i;

	check(w->nr_live < WORLD_MAPPINGS);
	mapping->nr = nr;
	mapping->pages = malloc(nr * sizeof(*mapping->pages));
	for (i = 0; i < nr; i++) {
		mapping->pages[i] = page_choose(w, i, (first + i * step) % WORLD_PAGES);
		outside |= page_to_pfn(mapping->pages[i]) >= w->config.nr_pfns;
	}
	mapping->addr = pvmem_vmap(w->pv, mapping->pages, nr, PAGE_KERNEL);
	if (mapping->addr) {
		check(!outside);
		w->nr_live++;
		return mapping->addr;
	}
	free(mapping->pages);
	if (faultless && world_faultless() && !outside)
		check_refusal(w, nr);
	return NULL;
}

void world_forget(struct world *w, unsigned int index)
{
	free(w->live[index].pages);
	w->live[index] = w->live[--w->nr_live];
}

int world_unmap(struct world *w, unsigned int index)
{
	struct world_mapping *mapping = &w->live[index];
	int err = pvmem_vunmap(w->pv, mapping->addr, index % 2 ? mapping->nr : 0);

	/* Even when a page that cannot be held could not be purged, it is unmapped. */
	if (err && world_faultless())
		die("unmapping %u pages: error %d", mapping->nr, err);
	world_forget(w, index);
	return err;
}

bool world_renew_page(struct world *w, unsigned int index)
{
	struct page *page;

	world_check(w);
	if ((index >= WORLD_COMPOUND && index <= WORLD_OUTSIDE) ||
	    w->walk.aliases[page_to_pfn(w->page[index])] > w->walk.lazy[page_to_pfn(w->page[index])])
		return false;
	page = shim_pages(GFP_KERNEL, 0);
	__free_page(w->page[index]);
	page_mark(page);
	w->page[index] = page;
	return true;
}

void world_set_policy(struct world *w, enum pvmem_policy policy)
{
	mutex_lock(&w->pv->grow_mutex);
	WRITE_ONCE(w->pv->policy, policy);
	mutex_unlock(&w->pv->grow_mutex);
}

bool world_take(struct world *w)
{
	struct page *page;
	unsigned int i;

	if (w->nr_out == WORLD_OUT)
		return false;
	page = pvmem_ptpool_take(w->pv);
	if (!page)
		return false;
	check(page->pinned && !fake_mapcount(page) && !pvmem_alias_query(&w->pv->alias, page));
	for (i = 0; i < PAGE_SIZE; i += sizeof(long))
		check(!*(unsigned long *)(page_address(page) + i));
	w->out[w->nr_out++] = page;
	return true;
}

void world_give(struct world *w, bool dirty)
{
	struct page *page;

	if (!w->nr_out)
		return;
	page = w->out[--w->nr_out];
	*(unsigned long *)(page_address(page) + PAGE_SIZE - sizeof(long)) = dirty;
	pvmem_ptpool_give(w->pv, page);
}
