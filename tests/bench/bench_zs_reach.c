// SPDX-License-Identifier: GPL-2.0
/* Reaching an object: copied out of a mapping, copied from its pieces, expanded. */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/lzo.h> /* needs the types of others */
#include <asm/msr.h>
#include "bench_zs.h"

#define BENCH_ZS_MAP_OPS 1024
#define BENCH_ZS_PAGES 512

static bool pieces;
module_param(pieces, bool, 0444);
MODULE_PARM_DESC(pieces, "pvmem's objects are copied from and to their pieces, not mapped");

/* Map, copy, unmap. */
static void bench_copy_mapped(const struct bench_zs *zs, void *pool, unsigned long handle, unsigned int size,
			      bool write, void *copy)
{
	void *addr = zs->map(pool, handle, write);

	if (write)
		memcpy(addr, copy, size);
	else
		memcpy(copy, addr, size);
	zs->unmap(pool, handle);
}

static u64 bench_copy(const struct bench_zs *zs, void *pool, unsigned long handle, unsigned int size, bool write,
		      void *copy)
{
	u64 begin = rdtsc_ordered();

	if (!pieces || !zs->read)
		bench_copy_mapped(zs, pool, handle, size, write, copy);
	else if (write)
		zs->write(pool, handle, copy, size);
	else
		zs->read(pool, handle, copy, size);
	return rdtsc_ordered() - begin;
}

/* Where objects appear that cross pages: the only address that two of them share. NULL: there are none. */
static void *bench_buffer(const struct bench_zs *zs, void *pool, const unsigned long *handles)
{
	void *addr[64];
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(addr); i++) {
		addr[i] = zs->map(pool, handles[i], false);
		zs->unmap(pool, handles[i]);
		for (j = 0; j < i; j++)
			if (addr[j] == addr[i])
				return addr[i];
	}
	return NULL;
}

/* 0 or -errno. */
int bench_zs_map(const struct bench_zs *zs, unsigned int size, unsigned int round)
{
	unsigned long *handles = kvmalloc_array(BENCH_ZS_MAP_OPS, sizeof(*handles), GFP_KERNEL);
	void *pool = zs->create(), *copy = kmalloc(PAGE_SIZE, GFP_KERNEL);
	u64 cycles[2][2] = {};
	unsigned int ops[2] = {}, i, crosses;
	int err = -ENOMEM;
	void *buffer;

	if (!handles || !pool || !copy)
		goto out;
	memset(copy, 0x5a, PAGE_SIZE);
	for (i = 0; i < BENCH_ZS_MAP_OPS; i++) {
		handles[i] = zs->malloc(pool, size);
		if (!handles[i])
			break;
	}
	err = i == BENCH_ZS_MAP_OPS ? 0 : -ENOMEM;
	buffer = err ? NULL : bench_buffer(zs, pool, handles);
	while (i--) {
		void *addr = zs->map(pool, handles[i], false);

		/* Across: the mapping lies in no page of the object's own. */
		crosses = addr == buffer || is_vmalloc_addr(addr);
		zs->unmap(pool, handles[i]);
		cycles[crosses][1] += bench_copy(zs, pool, handles[i], size, true, copy);
		cycles[crosses][0] += bench_copy(zs, pool, handles[i], size, false, copy);
		ops[crosses]++;
		zs->free(pool, handles[i]);
	}
	for (i = 0; i < 4; i++)
		if (ops[i / 2])
			report_print(
				&bench_zs_report,
				"{\"bench\":\"zs_map\",\"impl\":\"%s\",\"n\":%u,\"mode\":\"%s\",\"across\":%u,\"threads\":1,"
				"\"ops\":%u,\"cycles\":%llu,\"pair\":%u}\n",
				zs->name, size, i & 1 ? "wo" : "ro", i / 2, ops[i / 2], cycles[i / 2][i & 1], round);
out:
	kfree(copy);
	if (pool)
		zs->destroy(pool);
	kvfree(handles);
	return err;
}

/*
 * Expanding in place, the compressed bytes end this far behind the page: LZO never
 * writes so far ahead of what it reads, a 16th of a page and what it copies at once.
 */
#define BENCH_ZS_MARGIN (PAGE_SIZE / 8)

/* A page that compresses to 55 %: words out of 200. */
static void bench_text(char *page, struct rnd_state *rnd)
{
	unsigned int at, i, word = 0;

	for (at = 0, i = 0; at < PAGE_SIZE; at++, i++) {
		if (i > 3 + word % 7) {
			page[at] = ' ';
			word = prandom_u32_state(rnd) % 200;
			i = 0;
		} else {
			page[at] = 'a' + (word * 31 + i * i * 17 + word / 26 * i) % 26;
		}
	}
}

/* A compressed page, made and stored; 0: it could not be. */
static unsigned long bench_store_page(const struct bench_zs *zs, void *pool, struct rnd_state *rnd, char *page,
				      char *buffer, void *work, size_t *size)
{
	unsigned long handle;

	do {
		bench_text(page, rnd);
		lzo1x_1_compress(page, PAGE_SIZE, buffer, size, work);
	} while (*size > PAGE_SIZE / 4 * 3); /* LZO takes ever longer steps through what does not repeat */
	handle = zs->malloc(pool, *size);
	if (handle)
		bench_copy_mapped(zs, pool, handle, *size, true, buffer);
	return handle;
}

/* Expand an object to @to: from where it is mapped, or from the end of @to. 0 when it does not expand to a page. */
static u64 bench_expand_one(const struct bench_zs *zs, void *pool, unsigned long handle, size_t size, char *to)
{
	char *end = to + PAGE_SIZE + BENCH_ZS_MARGIN - size;
	size_t expanded = PAGE_SIZE;
	u64 begin = rdtsc_ordered();
	int err;

	if (pieces && zs->read) {
		zs->read(pool, handle, end, size);
		err = lzo1x_decompress_safe(end, size, to, &expanded);
	} else {
		err = lzo1x_decompress_safe(zs->map(pool, handle, false), size, to, &expanded);
		zs->unmap(pool, handle);
	}
	return err == LZO_E_OK && expanded == PAGE_SIZE ? rdtsc_ordered() - begin : 0;
}

/* Pages as zswap has them: expanded, one after the other. Every byte is compared. 0 or -errno. */
int bench_zs_expand(const struct bench_zs *zs, unsigned int round)
{
	char *page = kmalloc(PAGE_SIZE, GFP_KERNEL), *to = kmalloc(PAGE_SIZE + BENCH_ZS_MARGIN, GFP_KERNEL);
	char *buffer = kmalloc(lzo1x_worst_compress(PAGE_SIZE), GFP_KERNEL);
	void *pool = zs->create(), *work = kvmalloc(LZO1X_1_MEM_COMPRESS, GFP_KERNEL);
	unsigned long *handles = kvcalloc(BENCH_ZS_PAGES, sizeof(*handles), GFP_KERNEL);
	struct rnd_state rnd;
	u64 cycles = 0, took;
	int err = -ENOMEM;
	unsigned int i;
	size_t size;

	if (!page || !to || !buffer || !work || !pool || !handles)
		goto out;
	prandom_seed_state(&rnd, round + 1);
	for (i = 0; i < BENCH_ZS_PAGES; i++) {
		handles[i] = bench_store_page(zs, pool, &rnd, page, buffer, work, &size);
		took = handles[i] ? bench_expand_one(zs, pool, handles[i], size, to) : 0;
		if (!took || memcmp(to, page, PAGE_SIZE))
			break;
		cycles += took;
	}
	err = i == BENCH_ZS_PAGES ? 0 : -EIO;
	for (i = 0; i < BENCH_ZS_PAGES; i++)
		if (handles[i])
			zs->free(pool, handles[i]);
	if (!err)
		report_print(
			&bench_zs_report,
			"{\"bench\":\"zs_expand\",\"impl\":\"%s\",\"n\":0,\"threads\":1,\"ops\":%u,\"cycles\":%llu,\"pair\":%u}\n",
			zs->name, BENCH_ZS_PAGES, cycles, round);
out:
	if (pool)
		zs->destroy(pool);
	kvfree(handles);
	kvfree(work);
	kfree(buffer);
	kfree(to);
	kfree(page);
	return err;
}
