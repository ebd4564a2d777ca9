/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checksums of files, block by block: what the programs that read file systems
 * check against. A manifest has a line "NAME BLOCK SUM" for each block.
 */
#ifndef BLOCKSUM_H
#define BLOCKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BLOCKSUM_BLOCK 65536

/**
 * blocksum - checksum of bytes, in which their order counts
 * @data: any address
 * @size: bytes; what exceeds a multiple of 8 counts as if followed by zeros
 *
 * Return: the sum; two additions a word, so that reading is not drowned by it.
 */
static inline uint64_t blocksum(const void *data, size_t size)
{
	const unsigned char *at = data;
	uint64_t sum = size, sums = 0, word;

	for (; size >= sizeof(word); size -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum += word;
		sums += sum;
	}
	word = 0;
	memcpy(&word, at, size);
	sum += word;
	return sums + sum + (sums >> 31);
}

#endif
