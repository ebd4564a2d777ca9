/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PVMEM_TAKEOVER_TABLES_H
#define PVMEM_TAKEOVER_TABLES_H

#include <linux/mm.h>
#include "takeover.h"

/* Is an address space in use, so that its tables must be pinned? */
static inline bool takeover_mm_pinned(const struct mm_struct *mm)
{
	return PagePinned(virt_to_page(mm->pgd));
}

/* Is it the takeover that changes its tables? */
static inline bool takeover_serves(const struct mm_struct *mm)
{
	return READ_ONCE(takeover_serving) && takeover_mm_pinned(mm);
}

/* tables.c */
void takeover_table_retire(struct page *table);

/* around.c */
bool takeover_around_set_pte(pte_t *ptep, pte_t pte);

/* ahead.c */
unsigned int takeover_ahead_begin(struct mm_struct *mm, pmd_t *pmd);
void takeover_ahead_end(struct mm_struct *mm, unsigned int nr);

/* tree.c */
#ifdef CONFIG_XEN_PV
int takeover_tree_start(void);
void takeover_tree_stop(void);
#else
static inline int takeover_tree_start(void)
{
	return 0;
}

static inline void takeover_tree_stop(void)
{
}
#endif

#endif
