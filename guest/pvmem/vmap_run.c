// SPDX-License-Identifier: GPL-2.0
/*
 * Large maps: whole adjacent blocks, and so page tables of their own, which the
 * backend may build away from the hypervisor's eyes and put in place at once.
 * Each block holds one span; a purge treats them one by one, like any other
 * block that is dead as a whole, and their pages need not be purged together.
 */
#include <linux/kernel.h>
#include "core.h"

/* Make the blocks of a new large map one LIVE span each. */
static void pvmem_run_take(struct pvmem_block *block, unsigned int nr_blocks, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr_blocks; i++, nr -= PVMEM_BLOCK_PAGES) {
		pvmem_block_lock(&block[i]);
		block[i].run = i ? PVMEM_RUN_TAIL : nr_blocks;
		pvmem_block_take_next(&block[i], min_t(unsigned int, nr, PVMEM_BLOCK_PAGES));
		block[i].span[0] |= PVMEM_SPAN_RUN;
		pvmem_block_unlock(&block[i]);
	}
}

/* Nothing of the large map is mapped yet: @recorded of its pages are counted. */
static void pvmem_run_cancel(struct pvmem *pv, struct pvmem_block *block, unsigned int nr_blocks, unsigned int recorded)
{
	unsigned int i, nr;

	for (i = 0; i < nr_blocks; i++, recorded -= nr) {
		nr = min_t(unsigned int, recorded, PVMEM_BLOCK_PAGES);
		pvmem_alias_drop(&pv->alias, block[i].table.pages, nr);
		spin_lock(&pv->lock);
		pvmem_block_lock(&block[i]);
		block[i].span[0] = PVMEM_SPAN_FREE;
		block[i].live = 0;
		pvmem_block_put(pv, &block[i]);
		pvmem_block_unlock(&block[i]);
		spin_unlock(&pv->lock);
	}
}

/* How many of the pages were counted. */
static unsigned int pvmem_run_record(struct pvmem *pv, struct pvmem_block *block, struct page **pages, unsigned int nr)
{
	unsigned int len, done, recorded = 0;

	do {
		len = min_t(unsigned int, nr - recorded, PVMEM_BLOCK_PAGES);
		done = pvmem_alias_record_all(&pv->alias, block->table.pages, pages + recorded, len);
		recorded += done;
		block++;
	} while (done == len && recorded < nr);
	return recorded;
}

/* Set the PTEs of a large map, a batch of tables at a time. */
static int pvmem_run_build(struct pvmem *pv, struct pvmem_block *block, unsigned int nr_blocks, pgprot_t prot)
{
	struct pvmem_range range[PVMEM_PURGE_BLOCKS];
	unsigned int i, nr;
	int err;

	for (i = 0; i < nr_blocks; i += nr) {
		for (nr = 0; nr < PVMEM_PURGE_BLOCKS && i + nr < nr_blocks; nr++)
			range[nr] = (struct pvmem_range){
				.table = &block[i + nr].table,
				.nr = pvmem_span_len(block[i + nr].span[0]),
				.whole = true,
			};
		err = pv->ops->build(pv, range, nr, prot);
		if (err)
			return err;
	}
	return 0;
}

/**
 * pvmem_run_unmap() - end a large map
 * @pv: the instance.
 * @block: its first block.
 * @nr: its length in pages, or 0 to trust what the map said.
 *
 * Context: process, may sleep.
 * Return: 0, or -EINVAL when @nr is not its length; then nothing changed.
 */
int pvmem_run_unmap(struct pvmem *pv, struct pvmem_block *block, unsigned int nr)
{
	unsigned int i, run = block->run, total = 0;
	int ret, err = 0;

	for (i = 0; i < run; i++)
		total += pvmem_span_len(READ_ONCE(block[i].span[0]));
	if (nr && nr != total)
		return -EINVAL;
	for (i = 0; i < run; i++) {
		ret = pvmem_span_unmap(pv, &block[i], 0, pvmem_span_len(READ_ONCE(block[i].span[0])));
		/* Two unmaps race, and the first block says who is first. */
		if (ret && !i)
			return ret;
		if (ret)
			err = ret;
	}
	pvmem_purge_check_limit(pv);
	return err;
}

/**
 * pvmem_run_map() - map many pages, in page tables of their own
 * @pv: the instance.
 * @pages: the pages.
 * @nr: how many, more than PVMEM_SMALL_MAX.
 * @prot: protection, checked by the caller.
 *
 * Context: process, may sleep.
 * Return: the address, aligned to 2 MiB, or NULL.
 */
void *pvmem_run_map(struct pvmem *pv, struct page **pages, unsigned int nr, pgprot_t prot)
{
	unsigned long nr_blocks = DIV_ROUND_UP((unsigned long)nr, PVMEM_BLOCK_PAGES);
	struct pvmem_block *block;
	unsigned int recorded;

	if (nr_blocks > pv->max_blocks)
		return NULL;
	block = pvmem_blocks_get(pv, nr_blocks);
	if (!block)
		return NULL;
	pvmem_run_take(block, nr_blocks, nr);
	recorded = pvmem_run_record(pv, block, pages, nr);
	if (recorded < nr) {
		pvmem_run_cancel(pv, block, nr_blocks, recorded);
		return NULL;
	}
	pvmem_stat_add(pv, map_pages, nr);
	if (pvmem_run_build(pv, block, nr_blocks, prot)) {
		pvmem_run_unmap(pv, block, nr);
		return NULL;
	}
	return (void *)block->table.addr;
}
