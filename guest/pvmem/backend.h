/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hypervisor seam: everything pvmem does to page tables, TLBs and page
 * types goes through one struct pvmem_backend. There is one const instance per
 * backend_*.c; the unit tests bring their own.
 *
 * Contract, the same for every operation:
 *
 * - It works on a batch: of entries, of tables, of pages. Callers gather.
 * - It is called in process context with no pvmem lock but purge_mutex held and
 *   may sleep, unless its comment says otherwise.
 * - Partial success is reported per element (@error of the range, or the
 *   bitmap), and the return value is 0 when every element succeeded, else the
 *   first -errno. An element that failed is as it was before the call; nothing
 *   is left half done.
 * - A refusal by the hypervisor is counted (hypercall_failed) and logged once
 *   by the backend, never fatal.
 */
#ifndef PVMEM_BACKEND_H
#define PVMEM_BACKEND_H

#include <linux/types.h>
#include <linux/mm_types.h>
#include <pvmem/pvmem.h>

struct pvmem;
struct pvmem_frames;

/**
 * struct pvmem_table - the last-level page table of one 2 MiB block
 * @addr: kernel virtual address that entry 0 maps; constant.
 * @ptes: the table in the direct map. A backend that replaces the table changes
 *	it; it is stable while the block has a live mapping.
 * @pages: the page that each entry maps. Written by whoever owns the entry: the
 *	mapper until unmap, the purge after it.
 */
struct pvmem_table {
	unsigned long addr;
	pte_t *ptes;
	struct page **pages;
};

/**
 * pvmem_slot_addr() - the address that an entry maps
 * @table: its table.
 * @slot: its index.
 *
 * Return: kernel virtual address.
 */
static inline unsigned long pvmem_slot_addr(const struct pvmem_table *table, unsigned int slot)
{
	return table->addr + ((unsigned long)slot << PAGE_SHIFT);
}

/**
 * struct pvmem_range - entries of one table
 * @table: the table.
 * @first: index of the first entry.
 * @nr: number of entries, 1 to PTRS_PER_PTE - @first.
 * @whole: no entry outside the range is present, and none will be set during
 *	the call: the backend may replace the table.
 * @error: out: 0, or why this range failed.
 */
struct pvmem_range {
	struct pvmem_table *table;
	unsigned short first;
	unsigned short nr;
	bool whole;
	int error;
};

struct pvmem_backend {
	const char *name;
	enum pvmem_policy default_policy;

	/*
	 * Page frames have types: one with a writable mapping cannot become a
	 * page table, for the kernel's own code either.
	 */
	bool typed;

	/* Get ready for @pv, or -errno when this hypervisor is not present. */
	int (*start)(struct pvmem *pv);
	/* Undo start(). Every table is empty by now. */
	void (*stop)(struct pvmem *pv);
	/* Instead, when tables must stay as they are: end only what runs by itself. NULL: nothing does. */
	void (*abandon)(struct pvmem *pv);

	/*
	 * The hot path, and the last thing a map does: pvmem_alias_record() each
	 * page in @table->pages, and point @nr entries, from @first on, at them.
	 * The entries are not present and no TLB holds them; @nr is at most
	 * PVMEM_SMALL_MAX. Does not sleep. Returns pvmem_slot_addr() of the first,
	 * or what one of these returns: pvmem_set_refused() for a page that is
	 * not recorded, pvmem_set_undo() when every page is, but the hypervisor
	 * refused and not every entry is set.
	 */
	void *(*set)(struct pvmem *pv, struct pvmem_table *table, unsigned int first, struct page **pages,
		     unsigned int nr, pgprot_t prot);

	/* Clear entries; no TLB flush. When it fails some may be clear. Does not sleep. */
	int (*clear)(struct pvmem *pv, struct pvmem_table *table, unsigned int first, unsigned int nr);

	/*
	 * Point the entries of empty tables at the pages in their @pages, which
	 * are recorded; as many tables at once as a purge empties. May replace
	 * the tables.
	 */
	int (*build)(struct pvmem *pv, struct pvmem_range *ranges, unsigned int nr, pgprot_t prot);

	/*
	 * Clear the entries of each range and flush every CPU's TLB: on return
	 * no CPU translates through a range whose @error is 0, nor through one
	 * that clear() handled before. With @nr 0 it only flushes.
	 */
	int (*zap)(struct pvmem *pv, struct pvmem_range *ranges, unsigned int nr);

	/*
	 * Make zeroed, unaliased pages fit to be used as page tables, or back
	 * again. @failed has a bit per page; bits of pages that failed are set,
	 * the others cleared.
	 */
	int (*pin)(struct pvmem *pv, struct page **pages, unsigned int nr, unsigned long *failed);
	int (*unpin)(struct pvmem *pv, struct page **pages, unsigned int nr, unsigned long *failed);

	/* Add the pinned tables that are kept spare. Does not sleep. NULL: none are. */
	void (*idle)(struct pvmem *pv, struct pvmem_frames *frames);
};

extern const struct pvmem_backend pvmem_backend_bare;
extern const struct pvmem_backend pvmem_backend_kvm;
extern const struct pvmem_backend pvmem_backend_xen_pv;

#endif
