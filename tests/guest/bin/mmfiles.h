/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work of mmstress that reads files, each block of which has a known sum.
 */
#ifndef MMFILES_H
#define MMFILES_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "blocksum.h"
#include "mmwork.h"

#define FILES_MAX 4096 /* blocks in a manifest */

struct block {
	char name[64];
	unsigned long number;
	uint64_t sum;
};

static const char *files;
static struct block *blocks;
static unsigned int nr_blocks;

static void blocks_load(void)
{
	char path[512];
	FILE *manifest;

	snprintf(path, sizeof(path), "%s/manifest", files);
	manifest = fopen(path, "r");
	must(manifest, path);
	blocks = calloc(FILES_MAX, sizeof(*blocks));
	must(blocks, "calloc");
	while (nr_blocks < FILES_MAX) {
		struct block *block = &blocks[nr_blocks];
		unsigned long sum;

		if (fscanf(manifest, "%63s %lu %lx", block->name, &block->number, &sum) != 3)
			break;
		block->sum = sum;
		nr_blocks++;
	}
	if (!feof(manifest) || !nr_blocks)
		complain("%s: bad line %u, or more than %u", path, nr_blocks + 1, FILES_MAX);
	fclose(manifest);
}

/* Reads a block that the page cache was just told to forget. */
static void do_read(struct thread *thread)
{
	const struct block *block = &blocks[below(thread, nr_blocks)];
	off_t offset = block->number * BLOCKSUM_BLOCK;
	unsigned char buffer[BLOCKSUM_BLOCK];
	char path[512];
	ssize_t size;
	uint64_t sum;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", files, block->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	must(fd >= 0, path);
	posix_fadvise(fd, offset, BLOCKSUM_BLOCK, POSIX_FADV_DONTNEED);
	size = pread(fd, buffer, sizeof(buffer), offset);
	must(size > 0, "pread");
	sum = blocksum(buffer, size);
	if (sum != block->sum)
		complain("block %lu of %s has sum %016lx, not %016lx", block->number, path, (unsigned long)sum,
			 (unsigned long)block->sum);
	close(fd);
	thread->report.pages_checked += size / PAGE;
}

#endif
