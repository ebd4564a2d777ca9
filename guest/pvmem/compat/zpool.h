/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's zpool, through which zswap chooses its allocator. 6.1 to 6.5: with
 * operations to evict; Kbuild looks for them in the kernel's header and defines
 * PVMEM_HAVE_ZPOOL. 6.6 to 6.17: without them, and with another interface. 6.18
 * removed it. Where it is not found zpool.c is not built, zswap cannot use the
 * allocator, and what is left is the API in <pvmem/zs.h>.
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
	pr_info("pvmem_zpool: this kernel has no zpool that evicts: zswap keeps its own allocator\n");
}

static inline void pvmem_zpool_stop(void)
{
}

#endif

#endif
