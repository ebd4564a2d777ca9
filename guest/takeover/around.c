// SPDX-License-Identifier: GPL-2.0
/*
 * Faults in files. The kernel maps up to 16 pages around the one that is
 * touched, and asks Xen to write each entry: 180 hypercalls for a program that
 * starts. Here the entries of one fault are collected where they are set
 * (xen_set_pte, fork.c), and written by one hypercall.
 *
 * They have to be there when the page table is unlocked: who locks it next, for
 * another fault or because a file is cut off, must find the pages that count as
 * mapped. filemap_map_pages() sets an entry for each page of the file that is up
 * to date, asks next_uptodate_page() for the next one, and unlocks the table when
 * there is none. That answer is where they are written. In between it looks at
 * no entry twice.
 *
 * Whether a kernel was compiled so that this answer passes here is not presumed:
 * nothing is collected before a fault was seen that set entries, and then got it.
 */
#include <linux/bug.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include "tables.h"
#include "takeover.h"
#include "xen.h"

/* Twice what a fault maps unless told otherwise (debugfs, fault_around_bytes). */
#define TAKEOVER_AROUND 32

/**
 * struct takeover_around - the fault in a file that this CPU maps pages for
 * @task: whose it is; NULL: there is none. Set with preemption off, so who finds
 *	itself here is on this CPU, and stays.
 * @vmf: the fault.
 * @passed: an entry was set, and not collected.
 * @nr: entries collected.
 * @req: the entries.
 */
struct takeover_around {
	struct task_struct *task;
	struct vm_fault *vmf;
	bool passed;
	unsigned int nr;
	struct mmu_update req[TAKEOVER_AROUND];
};

static DEFINE_PER_CPU(struct takeover_around, takeover_around);

/* The answer that ends a fault passes here. */
static bool takeover_around_seen;

/* Of the task that runs, or NULL. */
static struct takeover_around *takeover_around_own(void)
{
	struct takeover_around *around = raw_cpu_ptr(&takeover_around);

	return READ_ONCE(around->task) == current ? around : NULL;
}

static pte_t *takeover_around_table(const struct takeover_around *around)
{
	return (pte_t *)((unsigned long)around->vmf->pte & PAGE_MASK);
}

/* What Xen refuses the stock code asks for again, an entry at a time. */
static void takeover_around_write(struct takeover_around *around)
{
	unsigned int i = takeover_xen_update(around->req, around->nr);

	takeover_stat_add(around_mapped, i);
	for (; unlikely(i < around->nr); i++)
		takeover_stock.xen_set_pte((void *)takeover_around_table(around) + offset_in_page(around->req[i].ptr),
					   native_make_pte(around->req[i].val));
	around->nr = 0;
}

/**
 * takeover_around_set_pte() - set an entry later, with others
 * @ptep: the entry, of a table in use.
 * @pte: its value, with a machine frame.
 *
 * Context: any.
 * Return: false when it is none of a fault in a file, and has to be set now.
 */
bool takeover_around_set_pte(pte_t *ptep, pte_t pte)
{
	struct takeover_around *around = takeover_around_own();

	if (likely(!around) || takeover_around_table(around) != (pte_t *)((unsigned long)ptep & PAGE_MASK))
		return false;
	if (unlikely(!READ_ONCE(takeover_around_seen))) {
		around->passed = true;
		return false;
	}
	around->req[around->nr].ptr = virt_to_machine(ptep).maddr | MMU_NORMAL_PT_UPDATE;
	around->req[around->nr].val = pte.pte;
	if (++around->nr == TAKEOVER_AROUND)
		takeover_around_write(around);
	return true;
}

/**
 * takeover_filemap_map_pages() - map pages of a file around a fault
 * @vmf: the fault.
 * @start_pgoff: first page, in the file.
 * @end_pgoff: last page.
 *
 * Context: process, does not sleep.
 * Return: as the stock function.
 */
vm_fault_t takeover_filemap_map_pages(struct vm_fault *vmf, pgoff_t start_pgoff, pgoff_t end_pgoff)
{
	struct takeover_around *around;
	vm_fault_t ret;

	if (!takeover_serves(vmf->vma->vm_mm))
		return takeover_stock.filemap_map_pages(vmf, start_pgoff, end_pgoff);
	around = get_cpu_ptr(&takeover_around);
	around->vmf = vmf;
	around->passed = false;
	WRITE_ONCE(around->task, current);
	ret = takeover_stock.filemap_map_pages(vmf, start_pgoff, end_pgoff);
	if (WARN_ON_ONCE(around->nr))
		takeover_around_write(around);
	WRITE_ONCE(around->task, NULL);
	put_cpu_ptr(&takeover_around);
	return ret;
}

/* An answer passes: with no page left, the table is about to be unlocked. */
static struct folio *takeover_around_next(struct folio *next)
{
	struct takeover_around *around = next ? NULL : takeover_around_own();

	if (!around)
		return next;
	if (around->nr)
		takeover_around_write(around);
	if (unlikely(around->passed))
		WRITE_ONCE(takeover_around_seen, true);
	return next;
}

#ifdef PVMEM_HAVE_SET_PTE_RANGE

/**
 * takeover_next_uptodate_folio() - the next folio of a file that can be mapped
 * @xas: where in the file to look.
 * @mapping: the file's pages.
 * @end_pgoff: last page to map.
 *
 * Context: as the stock function; does not sleep.
 * Return: the folio, locked and referenced; NULL: there is none left.
 */
struct folio *takeover_next_uptodate_folio(struct xa_state *xas, struct address_space *mapping, pgoff_t end_pgoff)
{
	return takeover_around_next(takeover_stock.next_uptodate_folio(xas, mapping, end_pgoff));
}

#else

/**
 * takeover_next_uptodate_page() - the next page of a file that can be mapped
 * @folio: what was found there, or NULL.
 * @mapping: the file's pages.
 * @xas: where in the file that is.
 * @end_pgoff: last page to map.
 *
 * Context: as the stock function; does not sleep.
 * Return: the page's folio, locked and referenced; NULL: there is none left.
 */
struct folio *takeover_next_uptodate_page(struct folio *folio, struct address_space *mapping, struct xa_state *xas,
					  pgoff_t end_pgoff)
{
	return takeover_around_next(takeover_stock.next_uptodate_page(folio, mapping, xas, end_pgoff));
}

#endif
