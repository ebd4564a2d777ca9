// SPDX-License-Identifier: GPL-2.0-or-later
#include "bucket.h"

/**
 * pvmem_bucket_init() - a full bucket
 * @bucket: to be set.
 * @rate: tokens a second.
 * @burst: most that are saved up.
 * @now_us: the monotonic clock, in microseconds.
 */
void pvmem_bucket_init(struct pvmem_bucket *bucket, double rate, double burst, gint64 now_us)
{
	*bucket = (struct pvmem_bucket){ .rate = rate, .burst = burst, .tokens = burst, .filled_us = now_us };
}

/**
 * pvmem_bucket_tokens() - what may be used now
 * @bucket: the bucket; it is filled up to now.
 * @now_us: the monotonic clock, in microseconds.
 *
 * Return: whole tokens.
 */
guint64 pvmem_bucket_tokens(struct pvmem_bucket *bucket, gint64 now_us)
{
	double filled = bucket->tokens + bucket->rate * (now_us - bucket->filled_us) / G_USEC_PER_SEC;

	bucket->tokens = CLAMP(filled, 0, bucket->burst);
	bucket->filled_us = now_us;
	return bucket->tokens;
}

/**
 * pvmem_bucket_take() - says that some were used
 * @bucket: the bucket.
 * @tokens: at most what pvmem_bucket_tokens() returned.
 */
void pvmem_bucket_take(struct pvmem_bucket *bucket, guint64 tokens)
{
	bucket->tokens = MAX(bucket->tokens - tokens, 0);
}
