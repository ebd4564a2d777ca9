// SPDX-License-Identifier: GPL-2.0
#include <linux/rbtree.h>
#include "fake_backend.h"
#include "walk.h"

static unsigned long walk_va_node(struct rb_node *node)
{
	struct pvmem_va_range *range;
	unsigned long left, right, largest;

	if (!node)
		return 0;
	range = rb_entry(node, struct pvmem_va_range, node);
	check(range->size);
	left = walk_va_node(node->rb_left);
	right = walk_va_node(node->rb_right);
	largest = max(range->size, max(left, right));
	if (range->subtree_max != largest)
		die("subtree_max of %lu+%lu is %lu, should be %lu", range->start, range->size, range->subtree_max,
		    largest);
	return largest;
}

unsigned long walk_va_tree(struct pvmem_va_tree *tree)
{
	struct pvmem_va_range *range, *prev = NULL;
	unsigned long free = 0;
	struct rb_node *node;

	for (node = rb_first(&tree->root); node; node = rb_next(node), prev = range) {
		range = rb_entry(node, struct pvmem_va_range, node);
		free += range->size;
		if (prev && prev->start + prev->size >= range->start)
			die("free ranges %lu+%lu and %lu+%lu touch", prev->start, prev->size, range->start,
			    range->size);
	}
	check(free == tree->free);
	return walk_va_node(tree->root.rb_node);
}

static bool on_list(struct list_head *head, const struct list_head *entry)
{
	struct list_head *pos;
	bool found = false;

	for (pos = head->next; pos != head; pos = pos->next) {
		check(pos->next->prev == pos);
		if (pos == entry) {
			check(!found);
			found = true;
		}
	}
	return found;
}

static bool is_free(struct pvmem *pv, struct pvmem_block *block)
{
	unsigned long unit = block->table.addr >> PVMEM_BLOCK_SHIFT;
	struct rb_node *node;

	for (node = rb_first(&pv->free.root); node; node = rb_next(node)) {
		struct pvmem_va_range *range = rb_entry(node, struct pvmem_va_range, node);

		if (unit >= range->start && unit < range->start + range->size)
			return true;
	}
	return false;
}

/* What the page tables and the TLBs have for a slot, against what its span says. */
static void walk_slot(struct pvmem_block *block, unsigned int slot, unsigned short span)
{
	unsigned long addr = block->table.addr + slot * PAGE_SIZE;
	pteval_t pte = fake_pte(addr);
	struct page *cached = fake_cached(addr);

	switch (pvmem_span_state(span)) {
	case PVMEM_SPAN_LIVE:
		check(pte >> PAGE_SHIFT == page_to_pfn(block->table.pages[slot]));
		check(cached == block->table.pages[slot]);
		break;
	case PVMEM_SPAN_DEAD:
		check(!(span & PVMEM_SPAN_CLEARED) || !pte);
		/* Not all entries of a map that failed were set. */
		check(!cached || cached == block->table.pages[slot]);
		break;
	default:
		die("slot %u belongs to a purge, and none is running", slot);
	}
}

static void walk_free(struct pvmem_block *block, unsigned int slot, unsigned int nr)
{
	if (!fake_empty(block->table.addr + slot * PAGE_SIZE, nr))
		die("slots %u+%u are free, and mapped or in a TLB", slot, nr);
}

static void walk_pages(struct pvmem *pv, struct walk *walk, struct pvmem_block *block, unsigned int slot,
		       unsigned short span)
{
	unsigned int i, nr = pvmem_span_len(span);

	for (i = slot; i < slot + nr; i++) {
		unsigned long pfn = page_to_pfn(block->table.pages[i]);

		check(pfn < pv->alias.nr_pfns);
		walk->aliases[pfn]++;
		if (pvmem_span_state(span) == PVMEM_SPAN_DEAD)
			walk->lazy[pfn]++;
		if (span & PVMEM_SPAN_HELD)
			walk->refs[page_to_pfn(compound_head(block->table.pages[i]))]++;
	}
}

static void walk_spans(struct pvmem *pv, struct walk *walk, struct pvmem_block *block)
{
	unsigned int slot, nr, i, live = 0, dead = 0, held = 0, cleared = 0;

	check(block->next <= PVMEM_BLOCK_PAGES);
	for (slot = 0; slot < block->next; slot += nr) {
		unsigned short span = block->span[slot], state = pvmem_span_state(span);

		nr = pvmem_span_len(span);
		check(nr && slot + nr <= block->next);
		for (i = slot + 1; i < slot + nr; i++)
			check(pvmem_span_state(block->span[i]) != PVMEM_SPAN_LIVE);
		if (state == PVMEM_SPAN_FREE) {
			check(nr <= block->max_free);
			walk_free(block, slot, nr);
			continue;
		}
		for (i = slot; i < slot + nr; i++)
			walk_slot(block, i, span);
		walk_pages(pv, walk, block, slot, span);
		live += state == PVMEM_SPAN_LIVE ? nr : 0;
		dead += state == PVMEM_SPAN_DEAD ? nr : 0;
		held += span & PVMEM_SPAN_HELD ? nr : 0;
		cleared += span & PVMEM_SPAN_CLEARED ? nr : 0;
	}
	walk_free(block, slot, PVMEM_BLOCK_PAGES - slot);
	for (; slot < PVMEM_BLOCK_PAGES; slot++)
		check(pvmem_span_state(block->span[slot]) != PVMEM_SPAN_LIVE);
	if (live != block->live || dead != block->dead || held != block->held || cleared != block->cleared)
		die("block says live %u dead %u held %u cleared %u, its spans %u %u %u %u", block->live, block->dead,
		    block->held, block->cleared, live, dead, held, cleared);
	walk->live += live;
	walk->dead += dead;
	walk->held += held;
}

static void walk_block(struct pvmem *pv, struct walk *walk, struct pvmem_block *block)
{
	bool used = is_free(pv, block) ? false : on_list(&pv->blocks, &block->link);
	bool partial = on_list(&pv->partial, &block->partial);

	if (!used && !is_free(pv, block))
		die("a block is neither in use nor free");
	check(!block->closed);
	walk_spans(pv, walk, block);
	walk->blocks++;
	walk->used += used;
	walk->partial += partial;
	if (used) {
		check(block->owner || block->live || block->dead);
		check(!block->owner || !partial);
		check(!partial || !block->run);
	} else {
		check(!block->owner && !block->next && !block->live && !block->dead && !block->run && !partial);
	}
}

/* A large map: its blocks follow its first one. */
static void walk_run(struct pvmem_window *window, unsigned long i)
{
	struct pvmem_block *block = &window->block[i];
	unsigned int j;

	if (!block->run || block->run == PVMEM_RUN_TAIL || !block->live)
		return;
	check(i + block->run <= window->nr_blocks);
	for (j = 1; j < block->run; j++)
		check(block[j].run == PVMEM_RUN_TAIL && block[j].live);
}

static void walk_alias(struct pvmem *pv, struct walk *walk)
{
	unsigned long pfn;

	for (pfn = 0; pfn < pv->alias.nr_pfns; pfn++) {
		unsigned int count = atomic_read(&pv->alias.count[pfn]);

		if (count != walk->aliases[pfn])
			die("page %lu is counted %u times and mapped %u times", pfn, count, walk->aliases[pfn]);
		if (&shim_page[pfn] != pv->filler)
			check(fake_mapcount(&shim_page[pfn]) <= (int)count);
	}
}

/* Returns how many refer to the page. */
static int walk_pool_page(struct pvmem *pv, struct walk *walk, const struct page *page, bool clean)
{
	static const char zero[PAGE_SIZE];

	walk->pool++;
	walk->refs[page_to_pfn(page)]++;
	check(page->pinned && page_count(page) > 0);
	check(!pvmem_alias_query(&pv->alias, page));
	check(!clean || !memcmp(page_address(page), zero, PAGE_SIZE));
	return page_count(page);
}

static void walk_pool(struct pvmem *pv, struct walk *walk)
{
	struct page *page;
	unsigned long nr;
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct pvmem_ptpool_cpu *stack = per_cpu_ptr(pv->pool.cpus, cpu);

		check(stack->nr <= PVMEM_PTPOOL_CPU_MAX);
		for (i = 0; i < stack->nr; i++)
			check(walk_pool_page(pv, walk, stack->page[i], true) == 1);
	}
	for (i = 0; i < nr_node_ids; i++) {
		nr = 0;
		list_for_each_entry(page, &pv->pool.nodes[i].ready, lru) {
			check(walk_pool_page(pv, walk, page, true) == 1);
			nr++;
		}
		check(nr == pv->pool.nodes[i].nr_ready);
		nr = 0;
		list_for_each_entry(page, &pv->pool.nodes[i].used, lru) {
			walk_pool_page(pv, walk, page, false);
			nr++;
		}
		check(nr == pv->pool.nodes[i].nr_used);
		list_for_each_entry(page, &pv->pool.nodes[i].dirty, lru)
			check(walk_pool_page(pv, walk, page, false) == 1);
	}
	if (pvmem_ptpool_pages(pv) != walk->pool)
		die("the counters say %lu pages in the pool, there are %lu", pvmem_ptpool_pages(pv), walk->pool);
}

void walk(struct pvmem *pv, struct walk *walk)
{
	unsigned long i;
	unsigned int w;

	memset(walk, 0, sizeof(*walk));
	walk->free_max = walk_va_tree(&pv->free);
	for (w = 0; w < pv->nr_windows; w++) {
		for (i = 0; i < pv->windows[w]->nr_blocks; i++) {
			walk_block(pv, walk, &pv->windows[w]->block[i]);
			walk_run(pv->windows[w], i);
		}
	}
	check(walk->used + pv->free.free == walk->blocks);
	check(walk->blocks <= pv->max_blocks);
	walk_alias(pv, walk);
	walk_pool(pv, walk);
	walk->refs[page_to_pfn(pv->filler)]++;
	if (pvmem_lazy_pages(pv) != walk->dead)
		die("the counters say %lu lazy pages, there are %lu", pvmem_lazy_pages(pv), walk->dead);
	if (pvmem_stat_sum(pv, map_pages) - pvmem_stat_sum(pv, unmap_pages) != walk->live)
		die("the counters say %ld live pages, there are %lu",
		    (long)(pvmem_stat_sum(pv, map_pages) - pvmem_stat_sum(pv, unmap_pages)), walk->live);
}
