// SPDX-License-Identifier: GPL-2.0
/*
 * The two sides of a fork.
 *
 * The parent: every private page becomes read-only. The stock kernel clears a
 * bit in each entry, and each such store to a live page table traps into Xen and
 * is emulated. Here a hypercall makes up to 32 entries of a page table read-only,
 * just before the stock code copies them; it finds nothing left to protect, and
 * copies entries that are read-only already.
 *
 * That is what it does itself, a moment earlier: the parent's mmap_lock is held
 * for writing, so no fault makes an entry writable again in between; the lock
 * of the page table is held, so nobody else changes one between the look at it
 * and the hypercall; Xen keeps the accessed and dirty bits that the processor
 * sets meanwhile; and the TLBs are flushed by the stock code when all is
 * copied. A page that a device has pinned is copied for the child and stays the
 * parent's own: the parent takes one fault more.
 *
 * The child: nobody uses its page tables yet, they are memory like any other.
 * The stock kernel asks Xen all the same to write each entry (450 instructions);
 * here it is stored. Were such a table pinned without the kernel's knowledge,
 * the store would trap and Xen would do it.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched.h>
#include <asm/xen/page.h>
#include "tables.h"
#include "takeover.h"
#include "xen.h"

/* Entries in a hypercall: its fixed cost is then 3 %. */
#define TAKEOVER_PROTECT 32

/* Does the stock code protect pages of this mapping, and nothing else look at them? */
static bool takeover_protects(const struct vm_area_struct *vma)
{
	return (vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE &&
	       !(vma->vm_flags & (VM_PFNMAP | VM_MIXEDMAP | VM_HUGETLB)) && vma->anon_vma &&
	       !mm_has_notifiers(vma->vm_mm);
}

static bool takeover_writable(pte_t pte)
{
	return (pte.pte & (_PAGE_PRESENT | _PAGE_RW)) == (_PAGE_PRESENT | _PAGE_RW);
}

/* What Xen refuses the stock code protects. */
static void takeover_protect_table(struct mm_struct *mm, pmd_t *pmd, unsigned long addr, unsigned long end)
{
	u64 table = (u64)PFN_PHYS(takeover_page_mfn(pmd_page(*pmd))) | MMU_PT_UPDATE_PRESERVE_AD;
	struct mmu_update req[TAKEOVER_PROTECT];
	spinlock_t *lock = pte_lockptr(mm, pmd);
	unsigned int nr = 0, done = 0;
	pte_t *pte = pte_offset_kernel(pmd, addr);

	/* The table stays: it is freed below mm->mmap_lock, or where no page is private. */
	spin_lock(lock);
	for (; addr < end; pte++, addr += PAGE_SIZE) {
		if (!takeover_writable(*pte))
			continue;
		req[nr].ptr = table + offset_in_page(pte);
		req[nr].val = pte->pte & ~(pteval_t)_PAGE_RW;
		if (++nr < TAKEOVER_PROTECT)
			continue;
		done += takeover_xen_update(req, nr);
		nr = 0;
	}
	if (nr)
		done += takeover_xen_update(req, nr);
	spin_unlock(lock);
	takeover_stat_add(fork_protected, done);
}

/* The page-table entry above the last level for @addr, or NULL and how far there is none. */
static pmd_t *takeover_find_pmd(struct mm_struct *mm, unsigned long addr, unsigned long end, unsigned long *next)
{
	p4d_t *p4d = p4d_offset(pgd_offset(mm, addr), addr);
	pud_t *pud;
	pmd_t *pmd;

	*next = p4d_addr_end(addr, end);
	if (p4d_none(*p4d))
		return NULL;
	*next = pud_addr_end(addr, end);
	pud = pud_offset(p4d, addr);
	if (pud_none(*pud) || pud_bad(*pud))
		return NULL;
	*next = pmd_addr_end(addr, end);
	pmd = pmd_offset(pud, addr);
	return pmd_none(*pmd) || pmd_bad(*pmd) ? NULL : pmd;
}

/**
 * takeover_copy_page_range() - copy the pages of a mapping to a forked child
 * @dst_vma: the child's mapping.
 * @src_vma: the parent's; the mmap_lock of both is held for writing.
 *
 * Context: process, sleeps.
 * Return: 0 or -ENOMEM.
 */
int takeover_copy_page_range(struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma)
{
	unsigned long addr = src_vma->vm_start, end = src_vma->vm_end, next;
	pmd_t *pmd;

	if (takeover_serves(src_vma->vm_mm) && takeover_protects(src_vma))
		for (; addr < end; addr = next) {
			pmd = takeover_find_pmd(src_vma->vm_mm, addr, end, &next);
			if (pmd)
				takeover_protect_table(src_vma->vm_mm, pmd, addr, next);
			cond_resched();
		}
	return takeover_stock.copy_page_range(dst_vma, src_vma);
}

/**
 * takeover_xen_set_pte() - write a last-level page-table entry, or have around.c do it
 * @ptep: the entry.
 * @pte: its value, with a machine frame.
 *
 * Context: any.
 */
void takeover_xen_set_pte(pte_t *ptep, pte_t pte)
{
	if (READ_ONCE(takeover_serving) && !PagePinned(virt_to_page(ptep)))
		native_set_pte(ptep, pte);
	else if (!takeover_around_set_pte(ptep, pte))
		takeover_stock.xen_set_pte(ptep, pte);
}
