/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A byte stream through xenstore, a chunk at a time: names.h has the keys. The
 * writer puts "SEQUENCE BYTES" into one key, the reader writes SEQUENCE into
 * another when it has them. What was taken is read from the store each time, not
 * remembered: so either side may restart at any moment.
 */
#ifndef PVMEM_COMMON_XENSTORE_CHUNK_H
#define PVMEM_COMMON_XENSTORE_CHUNK_H

#include <stddef.h>
#include <sys/types.h>

struct xs_handle;

/**
 * struct pvmem_chunk_keys - where a stream is
 * @data: the chunk.
 * @taken: the number of the last one that the reader has.
 */
struct pvmem_chunk_keys {
	const char *data;
	const char *taken;
};

ssize_t pvmem_chunk_put(struct xs_handle *xs, const struct pvmem_chunk_keys *keys, const void *from, size_t size);
ssize_t pvmem_chunk_take(struct xs_handle *xs, const struct pvmem_chunk_keys *keys, void *to, size_t size);

#endif
