/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_ASM_PGTABLE_H
#define SHIM_ASM_PGTABLE_H

#include <linux/types.h>

typedef unsigned long pteval_t;
typedef struct {
	pteval_t pte;
} pte_t;
typedef struct {
	unsigned long pgprot;
} pgprot_t;

#define pgprot_val(prot) ((prot).pgprot)
#define __pgprot(val) ((pgprot_t){ val })

#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PMD_SHIFT 21
#define PTRS_PER_PTE 512
#define PG_LEVEL_4K 1

#define _PAGE_PRESENT 0x001ul
#define _PAGE_RW 0x002ul
#define _PAGE_USER 0x004ul
#define _PAGE_PSE 0x080ul
#define PAGE_KERNEL __pgprot(_PAGE_PRESENT | _PAGE_RW)
#define PAGE_KERNEL_RO __pgprot(_PAGE_PRESENT)

#endif
