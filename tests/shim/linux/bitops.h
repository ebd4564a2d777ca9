/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_LINUX_BITOPS_H
#define SHIM_LINUX_BITOPS_H

#include <linux/bitmap.h>

#define BITS_PER_LONG 64
#define BIT(n) (1UL << (n))
#define GENMASK(high, low) (~0UL >> (63 - (high)) & ~0UL << (low))
#define __ffs(word) ((unsigned long)__builtin_ctzl(word))
#define ffz(word) __ffs(~(word))
#define hweight32(word) ((unsigned int)__builtin_popcount(word))
#define hweight64(word) ((unsigned long)__builtin_popcountl(word))

static inline void __clear_bit(unsigned int bit, unsigned long *map)
{
	map[bit / BITS_PER_LONG] &= ~BIT(bit % BITS_PER_LONG);
}

#endif
