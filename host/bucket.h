/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Token buckets: how much of something a guest may use. */
#ifndef PVMEM_HOST_BUCKET_H
#define PVMEM_HOST_BUCKET_H

#include <glib.h>

/**
 * struct pvmem_bucket - a rate with a burst
 * @rate: tokens a second.
 * @burst: most that are saved up.
 * @tokens: there now; never negative.
 * @filled_us: when they were last counted, in microseconds of the monotonic clock.
 */
struct pvmem_bucket {
	double rate;
	double burst;
	double tokens;
	gint64 filled_us;
};

void pvmem_bucket_init(struct pvmem_bucket *bucket, double rate, double burst, gint64 now_us);
guint64 pvmem_bucket_tokens(struct pvmem_bucket *bucket, gint64 now_us);
void pvmem_bucket_take(struct pvmem_bucket *bucket, guint64 tokens);

#endif
