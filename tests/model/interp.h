/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Turns bytes into operations on an instance, checking everything after each.
 * Seeds and the fuzzer feed the same interpreters.
 */
#ifndef MODEL_INTERP_H
#define MODEL_INTERP_H

#include <linux/types.h>

void interp_vmap(const u8 *data, size_t size);
void interp_va_tree(const u8 *data, size_t size);
void interp_zs(const u8 *data, size_t size);

struct interp_stream {
	const u8 *next;
	const u8 *end;
};

static inline bool stream_more(const struct interp_stream *in)
{
	return in->next < in->end;
}

/* 0 at the end: everything means something. */
static inline unsigned int stream_byte(struct interp_stream *in)
{
	return stream_more(in) ? *in->next++ : 0;
}

#endif
