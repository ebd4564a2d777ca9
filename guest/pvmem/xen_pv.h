/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of the Xen PV backend:
 *
 *	xen_pv_call.c	hypercall batches: issued, counted, partial success resolved
 *	xen_pv_type.c	page types: read-only+pinned and back
 *	xen_pv_table.c	whole tables: spares, swap, build offline and attach
 *	backend_xen_pv.c the operations, and which of the above serves each
 */
#ifndef PVMEM_XEN_PV_H
#define PVMEM_XEN_PV_H

#include <linux/mutex.h>
#include <linux/percpu.h>
#include <xen/interface/xen.h>
#include "backend.h"

/* mmu_update entries per hypercall: its fixed cost (470) is then below 1 %. */
#define PVMEM_XEN_UPDATES 256

/* Pages whose type changes in one multicall: one flush for all of them. */
#define PVMEM_XEN_TYPES 64

/**
 * struct pvmem_xen_updates - a mmu_update batch being gathered; per CPU
 * @req: the entries.
 * @range: the range that each belongs to.
 * @nr: entries gathered.
 */
struct pvmem_xen_updates {
	struct mmu_update req[PVMEM_XEN_UPDATES];
	struct pvmem_range *range[PVMEM_XEN_UPDATES];
	unsigned int nr;
};

/**
 * struct pvmem_xen_types - a page-type multicall; under type_mutex
 * @call: update_va_mapping() of each page, and one mmuext_op().
 * @op: pin or unpin of each page.
 * @done: how many of them Xen did.
 */
struct pvmem_xen_types {
	struct multicall_entry call[PVMEM_XEN_TYPES + 1];
	struct mmuext_op op[PVMEM_XEN_TYPES];
	unsigned int done;
};

/**
 * struct pvmem_xen - the backend's own state
 * @updates: per-CPU batches, filled and issued with preemption off.
 * @type_mutex: guards @types.
 * @types: the page-type multicall.
 * @spare_lock: guards the spares.
 * @clean: empty tables, read-only and pinned, by page->lru.
 * @raw: zeroed writable pages.
 * @nr_clean: length of @clean.
 * @nr_raw: length of @raw.
 * @raw_debt: raw pages that became attached tables; as many detached tables are
 *	made writable again, instead of clean.
 */
struct pvmem_xen {
	struct pvmem_xen_updates __percpu *updates;
	struct mutex type_mutex;
	struct pvmem_xen_types types;
	spinlock_t spare_lock;
	struct list_head clean;
	struct list_head raw;
	unsigned int nr_clean;
	unsigned int nr_raw;
	unsigned int raw_debt;
};

static inline struct mmuext_op pvmem_xen_op(unsigned int cmd, unsigned long mfn)
{
	struct mmuext_op op = { .cmd = cmd };

	op.arg1.mfn = mfn;
	return op;
}

/* xen_pv_call.c */
void pvmem_xen_refused(struct pvmem *pv, const char *call, unsigned int nr, int err);
int pvmem_xen_update_all(struct pvmem *pv, struct mmu_update *req, unsigned int nr);
void pvmem_xen_update(struct pvmem *pv, struct mmu_update *req, unsigned int nr, struct pvmem_range **range);
int pvmem_xen_update_one(struct pvmem *pv, unsigned long addr, pte_t pte);
void pvmem_xen_ext(struct pvmem *pv, struct mmuext_op *op, unsigned int done, unsigned int nr, unsigned long *failed);
int pvmem_xen_multicall(struct pvmem *pv, struct multicall_entry *call, unsigned int nr, unsigned int entries);

/* xen_pv_type.c */
void pvmem_xen_writable(struct pvmem *pv, struct page **pages, unsigned int nr, const unsigned long *which, bool value,
			unsigned long *failed);
int pvmem_xen_pin(struct pvmem *pv, struct page **pages, unsigned int nr, unsigned long *failed);
int pvmem_xen_unpin(struct pvmem *pv, struct page **pages, unsigned int nr, unsigned long *failed);

/* xen_pv_table.c */
int pvmem_xen_tables_start(struct pvmem *pv);
void pvmem_xen_tables_stop(struct pvmem *pv);
void pvmem_xen_idle(struct pvmem *pv, struct pvmem_frames *frames);
void pvmem_xen_tables_attach(struct pvmem *pv, struct pvmem_range **range, unsigned int nr, pteval_t prot);
unsigned int pvmem_xen_tables_detach(struct pvmem *pv, struct pvmem_range **range, unsigned int nr, struct page **old);
int pvmem_xen_flush_release(struct pvmem *pv, struct page **old, unsigned int nr);

/* backend_xen_pv.c */
int pvmem_xen_fill(struct pvmem_range *range, pte_t *ptes, pteval_t prot);

#endif
