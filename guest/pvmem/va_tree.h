/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PVMEM_VA_TREE_H
#define PVMEM_VA_TREE_H

#include <linux/rbtree.h>

/**
 * struct pvmem_va_range - a free range of address space
 * @node: link in the tree, by @start.
 * @start: first unit.
 * @size: number of units.
 * @subtree_max: the largest @size in this node's subtree.
 */
struct pvmem_va_range {
	struct rb_node node;
	unsigned long start;
	unsigned long size;
	unsigned long subtree_max;
};

struct pvmem_va_tree {
	struct rb_root root;
	unsigned long free;
};

#define PVMEM_VA_NONE (~0UL)

void pvmem_va_tree_init(struct pvmem_va_tree *tree);
unsigned long pvmem_va_alloc(struct pvmem_va_tree *tree, unsigned long size);
void pvmem_va_free(struct pvmem_va_tree *tree, struct pvmem_va_range *range, unsigned long start, unsigned long size);

#endif
