// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <linux/bitmap.h>
#include "fake_backend.h"

struct fake_tlb {
	struct page *page[PTRS_PER_PTE];
};

static struct fake_tlb *fake_tlb[SHIM_NR_TABLES];
static int mapcount[SHIM_NR_PAGES];
static bool lost[SHIM_NR_PAGES];
static unsigned long flushes, pins_refused, nr_pinned;
static unsigned int swap_turn, nr_started, nr_tables;
static struct page *table_page[SHIM_NR_TABLES];

static struct {
	unsigned int ops;
	enum fake_failure how;
	unsigned long nth;
	bool more;
	bool hit;
} fault;
unsigned int fake_fail_one_in;
bool fake_hold_only;
bool fake_tasks;
unsigned int fake_abandoned;

#define NR_RETIRED 1024
static pte_t *retired[NR_RETIRED];
static unsigned int nr_retired;

/* Relaxed: tasks that race inside pvmem must not be put in order here. */
#define get(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define set(x, val) __atomic_store_n(&(x), val, __ATOMIC_RELAXED)
#define add(x, val) __atomic_add_fetch(&(x), val, __ATOMIC_RELAXED)

void fake_fail(unsigned int ops, enum fake_failure how, unsigned long nth, bool more)
{
	fault.ops = ops;
	fault.how = how;
	fault.nth = nth;
	fault.more = more;
	fault.hit = false;
}

bool fake_fail_hit(void)
{
	return fault.hit;
}

static bool fake_fails(enum fake_op op, enum fake_failure how)
{
	static _Thread_local unsigned int seed = 7;

	unsigned int one_in = get(fake_fail_one_in);

	if (one_in && how == FAKE_ELEMENT && rand_r(&seed) % one_in == 0)
		return true;
	if (!get(fault.nth) || !(op & fault.ops) || fault.how != how || (fault.hit && !fault.more))
		return false;
	if (!fault.hit && add(fault.nth, -1ul))
		return false;
	fault.nth = 1;
	fault.hit = true;
	return true;
}

static unsigned int table_index(const struct pvmem_table *table)
{
	unsigned long offset = table->addr - SHIM_VMALLOC_START;

	check(offset % PVMEM_BLOCK_SIZE == 0 && offset / PVMEM_BLOCK_SIZE < SHIM_NR_TABLES);
	check(shim_table_get(offset / PVMEM_BLOCK_SIZE) == table->ptes);
	return offset / PVMEM_BLOCK_SIZE;
}

static struct fake_tlb *tlb_of(const struct pvmem_table *table)
{
	unsigned int index = table_index(table);
	struct fake_tlb *tlb = __atomic_load_n(&fake_tlb[index], __ATOMIC_ACQUIRE), *none = NULL;

	if (tlb)
		return tlb;
	tlb = calloc(1, sizeof(*tlb));
	if (__atomic_compare_exchange_n(&fake_tlb[index], &none, tlb, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return tlb;
	free(tlb);
	return none;
}

static struct page *pte_page(pteval_t pte)
{
	return pfn_to_page(pte >> PAGE_SHIFT);
}

static void check_range(struct pvmem_range *range)
{
	unsigned int i;

	check(range->nr && range->first + range->nr <= PTRS_PER_PTE);
	if (!range->whole)
		return;
	for (i = 0; i < PTRS_PER_PTE; i++)
		if ((i < range->first || i >= range->first + range->nr) && get(range->table->ptes[i].pte))
			die("entry %u is present next to %u+%u, which is not the whole table", i, range->first,
			    range->nr);
}

/* In every second range that allows it: use after free finds who kept the old one. */
static void table_swap(struct pvmem_range *range)
{
	pte_t *ptes, *old;

	if (!range->whole || add(swap_turn, 1) % 2)
		return;
	ptes = shim_table_alloc();
	old = shim_table_replace(table_index(range->table), ptes);
	check(old == range->table->ptes);
	range->table->ptes = ptes;
	/* Another task's flush may be looking at it. */
	if (fake_tasks)
		old = __atomic_exchange_n(&retired[add(nr_retired, 1) % NR_RETIRED], old, __ATOMIC_ACQ_REL);
	shim_table_free(old);
}

static void entry_set(struct pvmem *pv, struct pvmem_table *table, unsigned int slot, struct page *page, pgprot_t prot)
{
	struct fake_tlb *tlb = tlb_of(table);
	struct page *cached = __atomic_load_n(&tlb->page[slot], __ATOMIC_ACQUIRE);
	unsigned long pfn = page_to_pfn(page);

	if (get(table->ptes[slot].pte))
		die("slot %u is mapped while an entry is present", slot);
	if (cached)
		die("slot %u is mapped while a TLB still holds page %lu there", slot, page_to_pfn(cached));
	check(pfn < SHIM_NR_PAGES);
	if (get(page->free) || get(page->pinned))
		die("page %lu is mapped while it is %s", pfn, page->free ? "free" : "a page table");
	if (!atomic_read(&pv->alias.count[pfn]))
		die("page %lu is mapped before it is counted", pfn);
	add(mapcount[pfn], 1);
	set(table->ptes[slot].pte, pfn << PAGE_SHIFT | pgprot_val(prot));
	/* After the PTE: a flush looks at them in the other order. */
	__atomic_store_n(&tlb->page[slot], page, __ATOMIC_RELEASE);
}

static void *fake_set(struct pvmem *pv, struct pvmem_table *table, unsigned int first, struct page **pages,
		      unsigned int nr, pgprot_t prot)
{
	unsigned int i, end = nr;
	unsigned long pfn;

	check(nr && nr <= PVMEM_SMALL_MAX && first + nr <= PTRS_PER_PTE);
	if (fake_fails(FAKE_SET, FAKE_CALL))
		end = 0;
	else if (fake_fails(FAKE_SET, FAKE_ELEMENT))
		end = nr / 2;
	for (i = 0; i < nr; i++) {
		if (!pvmem_alias_record(&pv->alias, table->pages + first + i, pages[i], &pfn))
			return pvmem_set_refused(pv, table, first, pages, nr, nr - i);
		if (i < end)
			entry_set(pv, table, first + i, pages[i], prot);
	}
	return end < nr ? pvmem_set_undo(pv, table, first) : (void *)pvmem_slot_addr(table, first);
}

static int fake_build(struct pvmem *pv, struct pvmem_range *ranges, unsigned int nr, pgprot_t prot)
{
	bool refused = fake_fails(FAKE_BUILD, FAKE_CALL);
	unsigned int r, i;
	int err = 0;

	might_sleep();
	check(nr && nr <= PVMEM_PURGE_BLOCKS);
	for (r = 0; r < nr; r++) {
		check(ranges[r].whole);
		check_range(&ranges[r]);
		ranges[r].error = refused || fake_fails(FAKE_BUILD, FAKE_ELEMENT) ? -EFAULT : 0;
		err = err ?: ranges[r].error;
		if (ranges[r].error)
			continue;
		table_swap(&ranges[r]);
		for (i = 0; i < ranges[r].nr; i++)
			entry_set(pv, ranges[r].table, ranges[r].first + i, ranges[r].table->pages[ranges[r].first + i],
				  prot);
	}
	return err;
}

static void entry_clear(struct pvmem_table *table, unsigned int slot)
{
	struct fake_tlb *tlb = tlb_of(table);
	pteval_t pte = get(table->ptes[slot].pte);

	/* An entry this backend did not set: the kernel's vmap() did. */
	if (pte && !get(tlb->page[slot])) {
		add(mapcount[pte >> PAGE_SHIFT], 1);
		set(tlb->page[slot], pte_page(pte));
	}
	set(table->ptes[slot].pte, 0);
}

static int fake_clear(struct pvmem *pv, struct pvmem_table *table, unsigned int first, unsigned int nr)
{
	struct pvmem_block *block = container_of(table, struct pvmem_block, table);
	unsigned int i, end = nr;

	(void)pv;
	check(nr && first + nr <= PTRS_PER_PTE);
	/* Nobody else may come to own the slots meanwhile. */
	check((READ_ONCE(block->span[first]) & ~PVMEM_SPAN_RUN) == (nr | PVMEM_SPAN_LIVE | PVMEM_SPAN_CLEARED));
	if (fake_fails(FAKE_CLEAR, FAKE_CALL))
		end = 0;
	else if (fake_fails(FAKE_CLEAR, FAKE_ELEMENT))
		end = nr / 2;
	for (i = 0; i < end; i++)
		entry_clear(table, first + i);
	return end < nr ? -EFAULT : 0;
}

static int zap_ranges(struct pvmem_range *ranges, unsigned int nr, bool refused)
{
	unsigned int r, i;
	int err = 0;

	for (r = 0; r < nr; r++) {
		check_range(&ranges[r]);
		ranges[r].error = refused || fake_fails(FAKE_ZAP, FAKE_ELEMENT) ? -EFAULT : 0;
		err = err ?: ranges[r].error;
		if (ranges[r].error)
			continue;
		for (i = ranges[r].first; i < ranges[r].first + ranges[r].nr; i++)
			entry_clear(ranges[r].table, i);
		table_swap(&ranges[r]);
	}
	return err;
}

static void flush_table(unsigned int index)
{
	struct fake_tlb *tlb = __atomic_load_n(&fake_tlb[index], __ATOMIC_ACQUIRE);
	unsigned int i;

	for (i = 0; tlb && i < PTRS_PER_PTE; i++) {
		struct page *page = __atomic_load_n(&tlb->page[i], __ATOMIC_ACQUIRE);

		/* The table may be replaced meanwhile: it is looked up after the TLB. */
		if (!page || get(shim_table_get(index)[i].pte))
			continue;
		/* Two flushes may find it. */
		if (__atomic_compare_exchange_n(&tlb->page[i], &page, NULL, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			add(mapcount[page_to_pfn(page)], -1);
	}
}

static void flush_all(void)
{
	unsigned int i;

	for (i = 0; i < SHIM_NR_TABLES; i++)
		flush_table(i);
}

static int fake_zap(struct pvmem *pv, struct pvmem_range *ranges, unsigned int nr)
{
	bool refused = fake_fails(FAKE_ZAP, FAKE_CALL);
	unsigned int i;
	int err;

	(void)pv;
	might_sleep();
	err = zap_ranges(ranges, nr, refused);
	if (refused)
		return -EFAULT;
	if (fake_fails(FAKE_ZAP, FAKE_FLUSH)) {
		for (i = 0; i < nr; i++)
			ranges[i].error = -EFAULT;
		return -EFAULT;
	}
	add(flushes, 1);
	flush_all();
	return err;
}

static void check_zero(const struct page *page)
{
	const unsigned long *p = page_address(page);
	unsigned int i;

	for (i = 0; i < PAGE_SIZE / sizeof(*p); i++)
		if (p[i])
			die("page %lu is not zero", page_to_pfn(page));
}

static bool pin_one(struct page *page)
{
	check_zero(page);
	check(!page->free && !page->pinned && atomic_read(&page->refcount) == 1);
	if (get(mapcount[page_to_pfn(page)])) {
		add(pins_refused, 1);
		return false;
	}
	set(page->pinned, true);
	add(nr_pinned, 1);
	return true;
}

static int fake_pin(struct pvmem *pv, struct page **pages, unsigned int nr, unsigned long *failed)
{
	bool refused = fake_fails(FAKE_PIN, FAKE_CALL);
	unsigned int i;
	int err = 0;

	(void)pv;
	might_sleep();
	bitmap_zero(failed, nr);
	for (i = 0; i < nr; i++) {
		if (!refused && !fake_fails(FAKE_PIN, FAKE_ELEMENT) && pin_one(pages[i]))
			continue;
		__set_bit(i, failed);
		err = -EFAULT;
	}
	return err;
}

static int fake_unpin(struct pvmem *pv, struct page **pages, unsigned int nr, unsigned long *failed)
{
	bool refused = fake_fails(FAKE_UNPIN, FAKE_CALL);
	unsigned int i;
	int err = 0;

	(void)pv;
	might_sleep();
	bitmap_zero(failed, nr);
	for (i = 0; i < nr; i++) {
		check(pages[i]->pinned);
		if (refused || fake_fails(FAKE_UNPIN, FAKE_ELEMENT)) {
			__set_bit(i, failed);
			lost[page_to_pfn(pages[i])] = true;
			err = -EFAULT;
			continue;
		}
		set(pages[i]->pinned, false);
		add(nr_pinned, -1ul);
	}
	return err;
}

static void fake_page_hook(struct page *page, bool freed)
{
	unsigned long pfn = page_to_pfn(page);

	if (freed && get(page->pinned))
		die("page %lu is freed while it is a page table", pfn);
	if (fake_hold_only && get(mapcount[pfn]))
		die("page %lu is %s while %d translations of it exist", pfn, freed ? "freed" : "allocated",
		    mapcount[pfn]);
}

/* Some PTE maps @page; what only a TLB still has, the hypervisor flushes. */
static bool page_has_pte(const struct page *page)
{
	unsigned int i, j;

	if (!get(mapcount[page_to_pfn(page)]))
		return false;
	for (i = 0; i < SHIM_NR_TABLES; i++) {
		struct fake_tlb *tlb = __atomic_load_n(&fake_tlb[i], __ATOMIC_ACQUIRE);

		for (j = 0; tlb && j < PTRS_PER_PTE; j++)
			if (__atomic_load_n(&tlb->page[j], __ATOMIC_ACQUIRE) == page && get(shim_table_get(i)[j].pte))
				return true;
	}
	return false;
}

/* The kernel takes any free page for a page table; the hypervisor looks at it. */
static void fake_table_hook(bool made)
{
	if (!made) {
		while (nr_tables) {
			struct page *page = table_page[--nr_tables];

			page->pinned = false;
			__free_page(page);
		}
		return;
	}
	check(nr_tables < SHIM_NR_TABLES);
	table_page[nr_tables] = shim_pages(GFP_KERNEL, 0);
	if (page_has_pte(table_page[nr_tables]))
		die("page %lu becomes a page table while it is mapped", page_to_pfn(table_page[nr_tables]));
	set(table_page[nr_tables++]->pinned, true);
}

bool fake_is_table(const struct page *page)
{
	unsigned int i;

	for (i = 0; i < nr_tables; i++)
		if (table_page[i] == page)
			return true;
	return false;
}

static int fake_start(struct pvmem *pv)
{
	(void)pv;
	might_sleep();
	if (fake_fails(FAKE_START, FAKE_CALL))
		return -ENODEV;
	nr_started++;
	return 0;
}

static void fake_abandon(struct pvmem *pv)
{
	(void)pv;
	might_sleep();
	fake_abandoned++;
}

static void fake_stop(struct pvmem *pv)
{
	unsigned int i, j;

	(void)pv;
	might_sleep();
	if (--nr_started)
		return;
	for (i = 0; i < SHIM_NR_TABLES; i++)
		for (j = 0; fake_tlb[i] && j < PTRS_PER_PTE; j++)
			check(!fake_tlb[i]->page[j]);
}

const struct pvmem_backend fake_backend = {
	.name = "fake",
	.default_policy = PVMEM_POLICY_HOLD,
	.typed = true,
	.start = fake_start,
	.stop = fake_stop,
	.abandon = fake_abandon,
	.set = fake_set,
	.clear = fake_clear,
	.build = fake_build,
	.zap = fake_zap,
	.pin = fake_pin,
	.unpin = fake_unpin,
};

void fake_reset(void)
{
	unsigned int i;

	for (i = 0; i < SHIM_NR_TABLES; i++) {
		free(fake_tlb[i]);
		fake_tlb[i] = NULL;
	}
	memset(mapcount, 0, sizeof(mapcount));
	flushes = 0;
	pins_refused = 0;
	swap_turn = 0;
	fake_hold_only = false;
	fake_fail_one_in = 0;
	fake_fail(0, 0, 0, false);
	shim_page_hook = fake_page_hook;
	shim_vunmap_hook = flush_all;
	shim_table_hook = fake_table_hook;
}

pteval_t fake_pte(unsigned long addr)
{
	unsigned long page = (addr - SHIM_VMALLOC_START) >> PAGE_SHIFT;
	pte_t *ptes = shim_table_get(page / PTRS_PER_PTE);

	return ptes ? get(ptes[page % PTRS_PER_PTE].pte) : 0;
}

struct page *fake_cached(unsigned long addr)
{
	unsigned long page = (addr - SHIM_VMALLOC_START) >> PAGE_SHIFT;
	struct fake_tlb *tlb = __atomic_load_n(&fake_tlb[page / PTRS_PER_PTE], __ATOMIC_ACQUIRE);

	return tlb ? get(tlb->page[page % PTRS_PER_PTE]) : NULL;
}

bool fake_empty(unsigned long addr, unsigned int nr)
{
	unsigned long first = (addr - SHIM_VMALLOC_START) >> PAGE_SHIFT;
	const pte_t *ptes = shim_table_get(first / PTRS_PER_PTE);
	const struct fake_tlb *tlb = get(fake_tlb[first / PTRS_PER_PTE]);
	unsigned int i, slot = first % PTRS_PER_PTE;

	for (i = slot; i < slot + nr; i++)
		if (ptes[i].pte || (tlb && tlb->page[i]))
			return false;
	return true;
}

struct page *fake_read(const void *addr)
{
	pteval_t pte = fake_pte((unsigned long)addr);

	if (!pte)
		die("%p is read and not mapped", addr);
	if (fake_cached((unsigned long)addr) != pte_page(pte))
		die("%p is read through a stale translation", addr);
	return pte_page(pte);
}

int fake_mapcount(const struct page *page)
{
	return get(mapcount[page_to_pfn(page)]);
}

unsigned long fake_nr_flushes(void)
{
	return get(flushes);
}

unsigned long fake_pins_refused(void)
{
	return get(pins_refused);
}

unsigned long fake_nr_pinned(void)
{
	return get(nr_pinned);
}

bool fake_lost(const struct page *page)
{
	return lost[page_to_pfn(page)];
}

void fake_free_lost(void)
{
	unsigned int i;

	for (i = 0; i < SHIM_NR_PAGES; i++) {
		if (!lost[i])
			continue;
		lost[i] = false;
		shim_page[i].pinned = false;
		nr_pinned--;
		put_page(&shim_page[i]);
	}
}
