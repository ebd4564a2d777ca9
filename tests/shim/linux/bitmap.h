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

static inline void bitmap_zero(unsigned long *map, unsigned int bits)
{
	memset(map, 0, BITS_TO_LONGS(bits) * sizeof(long));
}

#endif
