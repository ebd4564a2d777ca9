/* SPDX-License-Identifier: GPL-2.0 */
/*
 * struct mmu_gather. <asm/tlb.h> defines a function, not used here, that calls
 * one which modules are not shown; the declaration lets it be compiled.
 */
#ifndef PVMEM_TAKEOVER_MMU_GATHER_H
#define PVMEM_TAKEOVER_MMU_GATHER_H

#include <linux/mm.h>

void flush_tlb_mm_range(struct mm_struct *mm, unsigned long start, unsigned long end, unsigned int stride_shift,
			bool freed_tables);

#include <asm/tlb.h>

#endif
