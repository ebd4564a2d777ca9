// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables made ahead of a walk. A program that touches a page here and there
 * in ascending order needs a table every 2 MiB, and each costs an L2 entry, which
 * makes Xen flush other CPUs' TLBs; several in one hypercall share that.
 *
 * How far ahead: not at all at first; when the next table asked for is the one
 * after the last that was made, and that last one was used, twice as far as
 * before, up to ahead_max. A walk that jumps starts over. So at most as many
 * tables are made in vain as were used before, and a random walk gets none.
 *
 * Only inside the mapping that is being walked, and inside one L2 table: a table
 * beyond the mapping's end would never be freed. And only if the mapping stays
 * as it is: mm->mmap_lock is taken for reading, once more if the fault holds it
 * (it may hold its mapping's own lock instead), and kept until the tables are
 * made. Who changes mappings holds it for writing, so gets none ahead: mremap()
 * expects no table where it is about to move one, and exec spans its stack over
 * addresses that it gives up again.
 */
#include <linux/hash.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/rwsem.h>
#include <linux/string.h>
#include "tables.h"
#include "takeover.h"

/* Walks that a CPU remembers: a power of two. */
#define TAKEOVER_WALKS_BITS 4

/**
 * struct takeover_walk - a walk within one L2 table
 * @next: the entry that is asked for next if the walk goes on.
 * @base: the address that the L2 table's first entry maps; checked before use.
 * @window: tables made ahead the last time.
 */
struct takeover_walk {
	pmd_t *next;
	unsigned long base;
	unsigned int window;
};

struct takeover_walks {
	struct takeover_walk walk[1 << TAKEOVER_WALKS_BITS];
};

static DEFINE_PER_CPU(struct takeover_walks, takeover_walks);

static pmd_t *takeover_pmd_table(pmd_t *pmd)
{
	return PTR_ALIGN_DOWN(pmd, PAGE_SIZE);
}

/* Does @base lead to @table? */
static bool takeover_leads_to(struct mm_struct *mm, unsigned long base, pmd_t *table)
{
	p4d_t *p4d = p4d_offset(pgd_offset(mm, base), base);
	pud_t *pud;

	if (p4d_none(*p4d))
		return false;
	pud = pud_offset(p4d, base);
	return !pud_none(*pud) && pmd_offset(pud, 0) == table;
}

/* The address that @table's first entry maps, or 0. */
static unsigned long takeover_find_base(struct mm_struct *mm, pmd_t *table)
{
	unsigned int i, j;

	for (i = 0; i < PTRS_PER_PGD / 2; i++) {
		p4d_t *p4d = p4d_offset(&mm->pgd[i], 0);
		pud_t *pud;

		if (p4d_none(*p4d))
			continue;
		pud = pud_offset(p4d, 0);
		for (j = 0; j < PTRS_PER_PUD; j++)
			if (!pud_none(pud[j]) && pmd_offset(&pud[j], 0) == table)
				return ((unsigned long)i << PGDIR_SHIFT) | ((unsigned long)j << PUD_SHIFT);
	}
	return 0;
}

/*
 * The address that @pmd maps, or 0. Other tables may be freed meanwhile by an
 * unmap elsewhere in the address space: interrupts are off, as in other lockless
 * walks, and whoever frees a table waits for that.
 */
static unsigned long takeover_pmd_address(struct mm_struct *mm, pmd_t *pmd, struct takeover_walk *walk)
{
	pmd_t *table = takeover_pmd_table(pmd);
	unsigned long flags;

	local_irq_save(flags);
	if (!walk->base || !takeover_leads_to(mm, walk->base, table))
		walk->base = takeover_find_base(mm, table);
	local_irq_restore(flags);
	return walk->base ? walk->base + ((unsigned long)(pmd - table) << PMD_SHIFT) : 0;
}

/* Of @nr tables after @pmd, how many lie in the same L2 table and in the mapping? */
static unsigned int takeover_room(struct mm_struct *mm, pmd_t *pmd, unsigned int nr, struct takeover_walk *walk)
{
	unsigned long addr = takeover_pmd_address(mm, pmd, walk), last;
	struct vm_area_struct *vma;

	if (!addr)
		return 0;
	vma = find_vma(mm, addr | ~PMD_MASK);
	if (!vma || vma->vm_start > (addr | ~PMD_MASK) || !vma_is_anonymous(vma))
		return 0;
	last = min((vma->vm_end - 1) >> PMD_SHIFT, (addr | ~PUD_MASK) >> PMD_SHIFT);
	return min_t(unsigned long, nr, last - (addr >> PMD_SHIFT));
}

static bool takeover_table_used(pmd_t pmd)
{
	return pmd_present(pmd) && memchr_inv(page_address(pmd_page(pmd)), 0, PAGE_SIZE);
}

/* The walk goes on at @pmd: how far ahead this time? */
static unsigned int takeover_step(struct mm_struct *mm, pmd_t *pmd, struct takeover_walk *walk, unsigned int max)
{
	if (walk->window && !takeover_table_used(pmd[-1])) {
		walk->window = 0;
		return 0;
	}
	walk->window = clamp(2 * walk->window, 1U, max);
	return takeover_room(mm, pmd, walk->window, walk);
}

/**
 * takeover_ahead_begin() - how many tables to make besides the one asked for
 * @mm: the address space; a lock that keeps the mapping in place is held.
 * @pmd: the entry for which a table is asked for.
 *
 * Context: process, does not sleep. takeover_ahead_end() must follow.
 * Return: how many of the entries after @pmd should get one too. If any,
 * mm->mmap_lock is held for reading.
 */
unsigned int takeover_ahead_begin(struct mm_struct *mm, pmd_t *pmd)
{
	unsigned int max = READ_ONCE(takeover_ahead_max), nr = 0;
	struct takeover_walk *walk;

	if (!max)
		return 0;
	walk = &get_cpu_ptr(&takeover_walks)->walk[hash_ptr(takeover_pmd_table(pmd), TAKEOVER_WALKS_BITS)];
	if (walk->next != pmd) {
		walk->window = 0;
	} else if (down_read_trylock(&mm->mmap_lock)) {
		nr = takeover_step(mm, pmd, walk, max);
		if (!nr)
			up_read(&mm->mmap_lock);
	}
	walk->next = pmd + 1 + nr;
	if (!offset_in_page(walk->next))
		walk->next = NULL;
	put_cpu_ptr(&takeover_walks);
	return nr;
}

/**
 * takeover_ahead_end() - the tables are made
 * @mm: the address space.
 * @nr: what takeover_ahead_begin() returned.
 *
 * Context: process.
 */
void takeover_ahead_end(struct mm_struct *mm, unsigned int nr)
{
	if (nr)
		up_read(&mm->mmap_lock);
}
