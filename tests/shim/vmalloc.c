// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's vmap(): gives out address space that nothing is behind, with real
 * page tables. Areas are not aligned to tables, and neighbours share tables.
 */
#include <pthread.h>
#include <stdlib.h>
#include "shim.h"

#define SHIM_NR_AREAS 64

static pthread_mutex_t vmap_mutex = PTHREAD_MUTEX_INITIALIZER;
static pte_t *table[SHIM_NR_TABLES];
static unsigned int misalign;
void (*shim_vunmap_hook)(void);
void (*shim_table_hook)(bool made);

static struct shim_area {
	unsigned long first;
	unsigned long nr;
	void *counted; /* as an allocation */
} area[SHIM_NR_AREAS];

void shim_vmap_misalign(unsigned int pages)
{
	misalign = pages;
}

pte_t *shim_table_alloc(void)
{
	pte_t *ptes = aligned_alloc(PAGE_SIZE, PAGE_SIZE);

	memset(ptes, 0, PAGE_SIZE);
	return ptes;
}

void shim_table_free(pte_t *ptes)
{
	free(ptes);
}

pte_t *shim_table_get(unsigned int index)
{
	return __atomic_load_n(&table[index], __ATOMIC_ACQUIRE);
}

pte_t *shim_table_replace(unsigned int index, pte_t *ptes)
{
	return __atomic_exchange_n(&table[index], ptes, __ATOMIC_ACQ_REL);
}

static void area_map(unsigned long first, unsigned long nr, struct page **pages, pgprot_t prot)
{
	unsigned long i;

	for (i = first; i < first + nr; i++) {
		unsigned int index = i / PTRS_PER_PTE;

		if (!shim_table_get(index)) {
			shim_table_replace(index, shim_table_alloc());
			if (shim_table_hook)
				shim_table_hook(true);
		}
		shim_table_get(index)[i % PTRS_PER_PTE].pte =
			pages ? page_to_pfn(pages[i - first]) << PAGE_SHIFT | pgprot_val(prot) : 0;
	}
}

/* Where the next area can be, a guard page between. */
static unsigned long areas_end(void)
{
	unsigned long end = 0;
	unsigned int i;

	for (i = 0; i < SHIM_NR_AREAS; i++)
		if (area[i].nr)
			end = max(end, area[i].first + area[i].nr + 1);
	return end;
}

void *vmap(struct page **pages, unsigned int nr, unsigned long flags, pgprot_t prot)
{
	void *counted = shim_alloc(1, GFP_KERNEL);
	unsigned int i;

	check(flags == VM_MAP);
	if (!counted)
		return NULL;
	pthread_mutex_lock(&vmap_mutex);
	for (i = 0; area[i].nr; i++)
		check(i < SHIM_NR_AREAS - 1);
	area[i] = (struct shim_area){ .first = areas_end() + misalign, .nr = nr, .counted = counted };
	check(areas_end() < SHIM_NR_TABLES * PTRS_PER_PTE);
	area_map(area[i].first, nr, pages, prot);
	pthread_mutex_unlock(&vmap_mutex);
	return (void *)(SHIM_VMALLOC_START + (area[i].first << PAGE_SHIFT));
}

static void tables_free(void)
{
	unsigned int i;

	for (i = 0; i < SHIM_NR_TABLES; i++) {
		shim_table_free(table[i]);
		table[i] = NULL;
	}
	if (shim_table_hook)
		shim_table_hook(false);
}

void vunmap(const void *addr)
{
	unsigned long first = ((unsigned long)addr - SHIM_VMALLOC_START) >> PAGE_SHIFT;
	unsigned int i;

	might_sleep();
	pthread_mutex_lock(&vmap_mutex);
	for (i = 0; !area[i].nr || area[i].first != first; i++)
		check(i < SHIM_NR_AREAS - 1);
	area_map(first, area[i].nr, NULL, PAGE_KERNEL);
	area[i].nr = 0;
	shim_free(area[i].counted);
	if (shim_vunmap_hook)
		shim_vunmap_hook();
	if (!areas_end())
		tables_free();
	pthread_mutex_unlock(&vmap_mutex);
}

pte_t *lookup_address(unsigned long addr, unsigned int *level)
{
	unsigned long page = (addr - SHIM_VMALLOC_START) >> PAGE_SHIFT;

	if (page >= SHIM_NR_TABLES * PTRS_PER_PTE || !shim_table_get(page / PTRS_PER_PTE))
		return NULL;
	*level = PG_LEVEL_4K;
	return shim_table_get(page / PTRS_PER_PTE) + page % PTRS_PER_PTE;
}
