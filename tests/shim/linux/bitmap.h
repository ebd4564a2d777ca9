/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_LINUX_BITMAP_H
#define SHIM_LINUX_BITMAP_H

#include <linux/kernel.h>

#define SHIM_LONG_BITS (8 * sizeof(long))
#define BITS_TO_LONGS(n) DIV_ROUND_UP(n, SHIM_LONG_BITS)
#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]

static inline bool test_bit(unsigned int bit, const unsigned long *map)
{
	return map[bit / SHIM_LONG_BITS] >> bit % SHIM_LONG_BITS & 1;
}

static inline void __set_bit(unsigned int bit, unsigned long *map)
{
	map[bit / SHIM_LONG_BITS] |= 1UL << bit % SHIM_LONG_BITS;
}

/* The bit, or @bits if none is set. */
static inline unsigned long find_first_bit(const unsigned long *map, unsigned long bits)
{
	unsigned long bit;

	for (bit = 0; bit < bits && !test_bit(bit, map); bit++)
		;
	return bit;
}

static inline unsigned long find_last_bit(const unsigned long *map, unsigned long bits)
{
	unsigned long bit;

	for (bit = bits; bit; bit--)
		if (test_bit(bit - 1, map))
			return bit - 1;
	return bits;
}

static inline void bitmap_zero(unsigned long *map, unsigned int bits)
{
	memset(map, 0, BITS_TO_LONGS(bits) * sizeof(long));
}

#endif
