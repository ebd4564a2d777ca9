// SPDX-License-Identifier: GPL-2.0
/*
 * Two pages at adjacent addresses, for one CPU: each CPU has a pair of addresses
 * that no other uses, so that ending a mapping takes a flush of its own TLB only.
 * The entries are empty between uses: nothing aliases a page that is freed.
 *
 * Address space is had as for windows: by mapping one page over and over.
 *
 * With kernel page-table isolation, kernel entries are cached per address space
 * and one instruction does not remove them all: then there are no pairs.
 */
#include <linux/mm.h>
#include <linux/smp.h>
#include <linux/timex.h>
#include <linux/vmalloc.h>
#include <asm/cpufeature.h>
#include <asm/pgtable.h>
#include <asm/tlbflush.h>
#include "zs_core.h"

/* Pages of address space that a CPU needs. */
#define PVMEM_ZS_PAIR_PAGES (2 * PVMEM_ZS_AREAS)

static int pvmem_zs_native_set(const struct pvmem_zs_pair *pair, const unsigned long pfn[2])
{
	native_set_pte(pair->pte[0], pfn_pte(pfn[0], PAGE_KERNEL));
	native_set_pte(pair->pte[1], pfn_pte(pfn[1], PAGE_KERNEL));
	return 0;
}

static int pvmem_zs_native_clear(const struct pvmem_zs_pair *pair)
{
	native_set_pte(pair->pte[0], native_make_pte(0));
	native_set_pte(pair->pte[1], native_make_pte(0));
	asm volatile("invlpg (%0)" ::"r"(pair->addr) : "memory");
	asm volatile("invlpg (%0)" ::"r"(pair->addr + PAGE_SIZE) : "memory");
	return 0;
}

const struct pvmem_zs_pair_ops pvmem_zs_pair_native = {
	.name = "page table",
	.set = pvmem_zs_native_set,
	.clear = pvmem_zs_native_clear,
};

/* Address space for @nr pages, filled with one of them. */
static void *pvmem_zs_window(unsigned int nr)
{
	struct page **pages = kvmalloc_array(nr, sizeof(*pages), GFP_KERNEL);
	struct page *filler = alloc_page(GFP_KERNEL);
	void *window = NULL;
	unsigned int i;

	for (i = 0; pages && filler && i < nr; i++)
		pages[i] = filler;
	if (pages && filler)
		window = vmap(pages, nr, VM_MAP, PAGE_KERNEL);
	kvfree(pages);
	if (filler)
		__free_page(filler); /* nothing looks at it through the window, and the entries go */
	return window;
}

static int pvmem_zs_pair_find(struct pvmem_zs_pair *pair, unsigned long addr)
{
	unsigned int i, level;

	pair->addr = addr;
	for (i = 0; i < 2; i++) {
		pair->pte[i] = lookup_address(addr + i * PAGE_SIZE, &level);
		if (!pair->pte[i] || level != PG_LEVEL_4K)
			return -EFAULT;
	}
	return 0;
}

static void pvmem_zs_flush(void *unused)
{
	__flush_tlb_all();
}

/**
 * pvmem_zs_pair_start() - have pairs
 * @maps: the areas.
 * @ops: how to map.
 *
 * Context: process, sleeps; no object is mapped yet.
 * Return: 0; -EOPNOTSUPP when the kernel's page tables do not allow it; -errno.
 * Without pairs, objects are copied.
 */
int pvmem_zs_pair_start(struct pvmem_zs_maps *maps, const struct pvmem_zs_pair_ops *ops)
{
	unsigned int i, nr = num_possible_cpus() * PVMEM_ZS_PAIR_PAGES;
	unsigned long addr;
	int cpu, err = 0;

	if (boot_cpu_has(X86_FEATURE_PTI))
		return -EOPNOTSUPP;
	maps->window = pvmem_zs_window(nr);
	if (!maps->window)
		return -ENOMEM;
	addr = (unsigned long)maps->window;
	maps->ops = ops;
	for_each_possible_cpu(cpu) {
		for (i = 0; i < PVMEM_ZS_AREAS && !err; i++, addr += 2 * PAGE_SIZE) {
			struct pvmem_zs_pair *pair = &per_cpu_ptr(maps->cpu, cpu)->area[i].pair;

			err = pvmem_zs_pair_find(pair, addr) ?: ops->clear(pair);
		}
	}
	if (err)
		pvmem_zs_pair_stop(maps);
	else
		on_each_cpu(pvmem_zs_flush, NULL, 1); /* the filler, should a CPU have looked ahead */
	return err;
}

/**
 * pvmem_zs_pair_stop() - give up the address space
 * @maps: the areas; no object is mapped.
 *
 * Context: process, sleeps.
 */
void pvmem_zs_pair_stop(struct pvmem_zs_maps *maps)
{
	unsigned int i;
	int cpu;

	maps->pair_from = PVMEM_ZS_PAIR_NEVER;
	for_each_possible_cpu(cpu)
		for (i = 0; i < PVMEM_ZS_AREAS; i++)
			per_cpu_ptr(maps->cpu, cpu)->area[i].pair.addr = 0;
	vunmap(maps->window);
	maps->window = NULL;
}

/* The least time, of several, to map an object, read it, and unmap it. */
static u64 pvmem_zs_time_read(struct pvmem_zs_pool *pool, unsigned long handle, unsigned int size, void *buffer)
{
	u64 least = U64_MAX, begin;
	unsigned int i;

	for (i = 0; i < 16; i++) {
		begin = get_cycles();
		memcpy(buffer, pvmem_zs_map(pool, handle, PVMEM_ZS_RO), size);
		pvmem_zs_unmap(pool, handle);
		least = min_t(u64, least, get_cycles() - begin);
	}
	return least;
}

/* Is mapping faster than copying, for an object of this size across pages? */
static bool pvmem_zs_pair_wins(struct pvmem_zs_pool *pool, unsigned int size, void *buffer)
{
	struct pvmem_zs_maps *maps = &pool->zs->maps;
	unsigned long handle[2] = {};
	u64 copied, paired;
	bool wins = false;

	/* The second object of a size over half a page crosses. */
	if (!pvmem_zs_malloc(pool, size, GFP_KERNEL, &handle[0]) &&
	    !pvmem_zs_malloc(pool, size, GFP_KERNEL, &handle[1])) {
		maps->pair_from = PVMEM_ZS_PAIR_NEVER;
		copied = pvmem_zs_time_read(pool, handle[1], size, buffer);
		maps->pair_from = PVMEM_ZS_PAIR_ALWAYS;
		paired = pvmem_zs_time_read(pool, handle[1], size, buffer);
		maps->pair_from = PVMEM_ZS_PAIR_NEVER;
		wins = paired < copied;
	}
	if (handle[0])
		pvmem_zs_free(pool, handle[0]);
	if (handle[1])
		pvmem_zs_free(pool, handle[1]);
	return wins;
}

/**
 * pvmem_zs_pair_measure() - from which size on is mapping faster than copying?
 * @pool: a pool that nobody else uses, of a module that nobody else uses.
 *
 * Times both on this CPU, at sizes above half a page.
 *
 * Context: process, sleeps.
 * Return: the size in bytes, or PVMEM_ZS_PAIR_NEVER.
 */
unsigned int pvmem_zs_pair_measure(struct pvmem_zs_pool *pool)
{
	unsigned int size, from = PVMEM_ZS_PAIR_NEVER;
	void *buffer;

	if (!pool->zs->maps.window)
		return from;
	buffer = kmalloc(PAGE_SIZE, GFP_KERNEL);
	for (size = 3840; buffer && size > PAGE_SIZE / 2; size -= 256) {
		if (!pvmem_zs_pair_wins(pool, size, buffer))
			break;
		from = size;
	}
	kfree(buffer);
	return from;
}
