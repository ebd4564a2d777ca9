/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Walks everything an instance knows, at rest, and ends the test when it does
 * not add up, within itself or with what the page tables and TLBs hold.
 */
#ifndef MODEL_WALK_H
#define MODEL_WALK_H

#include "core.h"
#include "shim.h"

/**
 * struct walk - what was found
 * @live: pages mapped.
 * @dead: pages lazily mapped.
 * @held: of those, held.
 * @blocks: blocks reserved.
 * @used: blocks in use.
 * @partial: blocks offered to any CPU.
 * @free_max: largest run of free blocks.
 * @pool: pages in the pool.
 * @aliases: mappings of each page, live and lazy.
 * @lazy: of those, lazy.
 * @refs: references that pvmem holds on each page.
 */
struct walk {
	unsigned long live;
	unsigned long dead;
	unsigned long held;
	unsigned long blocks;
	unsigned long used;
	unsigned long partial;
	unsigned long free_max;
	unsigned long pool;
	unsigned int aliases[SHIM_NR_PAGES];
	unsigned int lazy[SHIM_NR_PAGES];
	unsigned int refs[SHIM_NR_PAGES];
};

void walk(struct pvmem *pv, struct walk *walk);
/* Returns the largest range. */
unsigned long walk_va_tree(struct pvmem_va_tree *tree);

#endif
