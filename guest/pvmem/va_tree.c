// SPDX-License-Identifier: GPL-2.0
/*
 * Free ranges of address space in a red-black tree ordered by start, each node
 * augmented with the largest range below it, so that the lowest range that is
 * large enough is found in O(log n) (the scheme of the 2008 vmap rewrite and of
 * today's mm/vmalloc.c).
 *
 * No function allocates memory. An allocation takes the *end* of a free range,
 * so the range's node stays where it is and only shrinks; the node for a range
 * that is freed is lent by the caller, who has one for every unit it can free
 * (pvmem embeds it in the block that begins at that unit).
 *
 * Invariants: ranges do not overlap and do not touch (neighbours are merged);
 * size > 0; subtree_max is exact. The caller locks.
 */
#include <linux/kernel.h>
#include <linux/rbtree_augmented.h>
#include "va_tree.h"

#define to_range(n) rb_entry(n, struct pvmem_va_range, node)

static inline unsigned long pvmem_va_size(struct pvmem_va_range *range)
{
	return range->size;
}

RB_DECLARE_CALLBACKS_MAX(static, pvmem_va_augment, struct pvmem_va_range, node, unsigned long, subtree_max,
			 pvmem_va_size)

static unsigned long pvmem_va_max(struct rb_node *node)
{
	return node ? to_range(node)->subtree_max : 0;
}

/**
 * pvmem_va_tree_init() - an empty tree
 * @tree: what to initialise.
 */
void pvmem_va_tree_init(struct pvmem_va_tree *tree)
{
	tree->root = RB_ROOT;
	tree->free = 0;
}

static struct pvmem_va_range *pvmem_va_first_fit(struct pvmem_va_tree *tree, unsigned long size)
{
	struct rb_node *node = tree->root.rb_node;

	if (pvmem_va_max(node) < size)
		return NULL;
	for (;;) {
		if (pvmem_va_max(node->rb_left) >= size) {
			node = node->rb_left;
			continue;
		}
		if (to_range(node)->size >= size)
			return to_range(node);
		node = node->rb_right;
	}
}

/**
 * pvmem_va_alloc() - take contiguous units from the lowest range that has them
 * @tree: free ranges.
 * @size: units wanted, at least 1.
 *
 * Context: any; the caller locks @tree.
 * Return: the first unit, or PVMEM_VA_NONE when no range is large enough.
 */
unsigned long pvmem_va_alloc(struct pvmem_va_tree *tree, unsigned long size)
{
	struct pvmem_va_range *range;

	if (!size)
		return PVMEM_VA_NONE;
	range = pvmem_va_first_fit(tree, size);
	if (!range)
		return PVMEM_VA_NONE;
	tree->free -= size;
	range->size -= size;
	if (range->size)
		pvmem_va_augment_propagate(&range->node, NULL);
	else
		rb_erase_augmented(&range->node, &tree->root, &pvmem_va_augment);
	return range->start + range->size;
}

static void pvmem_va_resize(struct pvmem_va_range *range, unsigned long size)
{
	range->size = size;
	pvmem_va_augment_propagate(&range->node, NULL);
}

static void pvmem_va_insert(struct pvmem_va_tree *tree, struct pvmem_va_range *range)
{
	struct rb_node **link = &tree->root.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		if (range->start < to_range(parent)->start)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	range->subtree_max = range->size;
	rb_link_node(&range->node, parent, link);
	pvmem_va_augment_propagate(parent, NULL);
	rb_insert_augmented(&range->node, &tree->root, &pvmem_va_augment);
}

/* The free ranges on either side of @start, which is in neither. */
static void pvmem_va_neighbours(struct pvmem_va_tree *tree, unsigned long start, struct pvmem_va_range **prev,
				struct pvmem_va_range **next)
{
	struct rb_node *node = tree->root.rb_node;

	*prev = NULL;
	*next = NULL;
	while (node) {
		if (start < to_range(node)->start) {
			*next = to_range(node);
			node = node->rb_left;
		} else {
			*prev = to_range(node);
			node = node->rb_right;
		}
	}
}

/**
 * pvmem_va_free() - give units to the tree
 * @tree: free ranges.
 * @range: a node that is in no tree; used when the units cannot be merged with
 *	the free range below them. It may be lent again once unit @start has
 *	been allocated and is freed anew.
 * @start: first unit; none of the units is free already.
 * @size: number of units, at least 1.
 *
 * Context: any; the caller locks @tree. Cannot fail.
 */
void pvmem_va_free(struct pvmem_va_tree *tree, struct pvmem_va_range *range, unsigned long start, unsigned long size)
{
	struct pvmem_va_range *prev, *next;

	tree->free += size;
	pvmem_va_neighbours(tree, start, &prev, &next);
	if (next && start + size == next->start) {
		size += next->size;
		rb_erase_augmented(&next->node, &tree->root, &pvmem_va_augment);
	}
	if (prev && prev->start + prev->size == start) {
		pvmem_va_resize(prev, prev->size + size);
		return;
	}
	range->start = start;
	range->size = size;
	pvmem_va_insert(tree, range);
}
