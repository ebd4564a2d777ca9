/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's zpool, through which zswap chooses its allocator. 6.1: there, if
 * configured. 6.18 removed it: then zpool.c is not built, zswap cannot use the
 * allocator, and what is left is the API in <pvmem/zs.h>.
 */
#ifndef PVMEM_COMPAT_ZPOOL_H
#define PVMEM_COMPAT_ZPOOL_H

#include <linux/printk.h>

#if IS_ENABLED(CONFIG_ZPOOL)

#include <linux/zpool.h>

void pvmem_zpool_start(void);
void pvmem_zpool_stop(void);

#else

static inline void pvmem_zpool_start(void)
{
	pr_info("pvmem_zpool: this kernel has no zpool: zswap keeps its own allocator\n");
}

static inline void pvmem_zpool_stop(void)
{
}

#endif

#endif
