/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's zpool, through which zswap chooses its allocator (zpool_driver.h).
 * Where none of the kinds that are known is found zpool.c is not built, zswap
 * cannot use the allocator, and what is left is the API in <pvmem/zs.h>.
 */
#ifndef PVMEM_COMPAT_ZPOOL_H
#define PVMEM_COMPAT_ZPOOL_H

#include <linux/printk.h>

#ifdef PVMEM_HAVE_ZPOOL

#include <linux/zpool.h>

void pvmem_zpool_start(void);
void pvmem_zpool_stop(void);

#else

static inline void pvmem_zpool_start(void)
{
	pr_info("pvmem_zpool: this kernel has no zpool of a kind that is known: zswap keeps its own allocator\n");
}

static inline void pvmem_zpool_stop(void)
{
}

#endif

#endif
