// SPDX-License-Identifier: LGPL-2.1-or-later
/* Chunks of a byte stream in xenstore, for the agent and the daemon alike. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>
#include <pvmem/names.h>
#include "chunk.h"

/* The number a value begins with; 0 when there is none. *@value is to be freed, *@bytes is what follows in it. */
static unsigned long pvmem_chunk_read(struct xs_handle *xs, const char *key, char **value, char **bytes, size_t *len)
{
	unsigned int size = 0;
	unsigned long number;

	*value = xs_read(xs, XBT_NULL, key, &size);
	if (!*value)
		return 0;
	number = strtoul(*value, bytes, 10);
	*bytes += **bytes == ' ';
	*len = size > (size_t)(*bytes - *value) ? size - (*bytes - *value) : 0;
	return number;
}

static unsigned long pvmem_chunk_number(struct xs_handle *xs, const char *key)
{
	char *value, *bytes;
	size_t len;
	unsigned long number = pvmem_chunk_read(xs, key, &value, &bytes, &len);

	free(value);
	return number;
}

/**
 * pvmem_chunk_put() - puts the next chunk there, when the reader has taken the last
 * @xs: the store.
 * @keys: the stream.
 * @from: what is to be sent.
 * @size: its size in bytes.
 *
 * Return: bytes put there; -EAGAIN: the reader has not taken the last ones; -errno.
 */
ssize_t pvmem_chunk_put(struct xs_handle *xs, const struct pvmem_chunk_keys *keys, const void *from, size_t size)
{
	unsigned long number = pvmem_chunk_number(xs, keys->data);
	char chunk[PVMEM_XS_CHUNK + 32];
	int head;

	if (number && number != pvmem_chunk_number(xs, keys->taken))
		return -EAGAIN;
	if (size > PVMEM_XS_CHUNK)
		size = PVMEM_XS_CHUNK;
	head = snprintf(chunk, sizeof(chunk), "%lu ", number + 1);
	memcpy(chunk + head, from, size);
	if (!xs_write(xs, XBT_NULL, keys->data, chunk, head + size))
		return -errno;
	return (ssize_t)size;
}

/**
 * pvmem_chunk_take() - takes a chunk, if there is a new one
 * @xs: the store.
 * @keys: the stream.
 * @to: filled.
 * @size: room there, in bytes; a chunk that does not fit stays.
 *
 * Return: bytes taken, 0 for an empty chunk; -EAGAIN: there is none; -errno.
 */
ssize_t pvmem_chunk_take(struct xs_handle *xs, const struct pvmem_chunk_keys *keys, void *to, size_t size)
{
	char *value, *bytes, taken[32];
	unsigned long number;
	size_t len;

	number = pvmem_chunk_read(xs, keys->data, &value, &bytes, &len);
	if (!number || number == pvmem_chunk_number(xs, keys->taken) || len > size) {
		free(value);
		return -EAGAIN;
	}
	memcpy(to, bytes, len);
	free(value);
	snprintf(taken, sizeof(taken), "%lu", number);
	if (!xs_write(xs, XBT_NULL, keys->taken, taken, strlen(taken)))
		return -errno;
	return (ssize_t)len;
}
