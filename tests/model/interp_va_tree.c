// SPDX-License-Identifier: GPL-2.0
/* The tree of free ranges against an array with one flag per unit. */
#include <linux/rbtree.h>
#include "interp.h"
#include "shim.h"
#include "va_tree.h"
#include "walk.h"

#define UNITS 160

struct va_model {
	struct pvmem_va_tree tree;
	struct pvmem_va_range node[UNITS];
	bool free[UNITS];
};

/* Where an allocation must come from: the end of the lowest run that is long enough. */
static unsigned long model_find(struct va_model *m, unsigned int size)
{
	unsigned int start, end;

	for (start = 0; start < UNITS; start = end + 1) {
		for (end = start; end < UNITS && m->free[end]; end++)
			;
		if (size && end - start >= size)
			return end - size;
	}
	return PVMEM_VA_NONE;
}

static void model_check(struct va_model *m)
{
	struct rb_node *node;
	bool seen[UNITS] = { false };
	unsigned long i;

	walk_va_tree(&m->tree);
	for (node = rb_first(&m->tree.root); node; node = rb_next(node)) {
		struct pvmem_va_range *range = rb_entry(node, struct pvmem_va_range, node);

		check(range == &m->node[range->start]);
		for (i = range->start; i < range->start + range->size; i++)
			seen[i] = true;
	}
	check(!memcmp(seen, m->free, sizeof(seen)));
}

static void model_alloc(struct va_model *m, unsigned int size)
{
	unsigned long want = model_find(m, size), got = pvmem_va_alloc(&m->tree, size);
	unsigned int i;

	if (got != want)
		die("%u units come from %lu, should from %lu", size, got, want);
	for (i = 0; got != PVMEM_VA_NONE && i < size; i++)
		m->free[got + i] = false;
}

/* Frees what is not free of @size units from @start. */
static void model_free(struct va_model *m, unsigned int start, unsigned int size)
{
	unsigned int i;

	for (; start < UNITS && m->free[start]; start++)
		;
	for (i = 0; i < size && start + i < UNITS && !m->free[start + i]; i++)
		m->free[start + i] = true;
	if (i)
		pvmem_va_free(&m->tree, &m->node[start], start, i);
}

void interp_va_tree(const u8 *data, size_t size)
{
	struct interp_stream in = { data, data + size };
	struct va_model m = { .free = { false } };

	pvmem_va_tree_init(&m.tree);
	while (stream_more(&in)) {
		unsigned int op = stream_byte(&in), arg = stream_byte(&in);

		if (op % 2)
			model_alloc(&m, op % 16 == 15 ? arg : op / 2 % 8);
		else
			model_free(&m, arg % UNITS, 1 + op / 2 % 16);
		model_check(&m);
	}
}
