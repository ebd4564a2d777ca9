// SPDX-License-Identifier: GPL-2.0
/*
 * A Xen PV guest: page tables belong to the hypervisor, every change is a
 * hypercall. Which one is cheapest depends on how many entries there are
 * (instructions, Xen 4.17; `make bench` measures them anew):
 *
 *	set one entry		update_va_mapping, 875
 *	set n entries		mmu_update, 470 + 560 n
 *	set a whole table	build offline and attach, 15,000 + 195 n
 *	clear n entries		mmu_update, 470 + 460 n
 *	clear a whole table	detach, 15,000 + 145 n
 *	flush all vCPUs		one mmuext_op, 1,550
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <asm/pgtable.h>
#include <asm/xen/hypervisor.h>
#include <asm/xen/page.h>
#include <xen/xen.h>
#include "core.h"
#include "xen_pv.h"

/* From here on detaching the table beats clearing entries: 15,000 / (460 - 145). */
#define PVMEM_XEN_DETACH_MIN 50

/* From here on building offline beats mmu_update, its teardown counted. */
#define PVMEM_XEN_ATTACH_MIN 100

/**
 * pvmem_xen_fill() - machine PTEs for a range, into memory
 * @range: what to map.
 * @ptes: a writable page that is not a page table yet.
 * @prot: protection bits.
 *
 * Context: any.
 * Return: 0, or -EFAULT when a page has no machine frame.
 */
int pvmem_xen_fill(struct pvmem_range *range, pte_t *ptes, pteval_t prot)
{
	struct page **pages = range->table->pages + range->first;
	unsigned int i;

	for (i = 0; i < range->nr; i++) {
		unsigned long mfn = pfn_to_mfn(page_to_pfn(pages[i]));

		if (unlikely(mfn == INVALID_P2M_ENTRY))
			return -EFAULT;
		ptes[range->first + i] = native_make_pte(PFN_PHYS(mfn) | prot);
	}
	return 0;
}

static __always_inline u64 pvmem_xen_pte_addr(const pte_t *pte)
{
	return (u64)PFN_PHYS(pfn_to_mfn(PFN_DOWN(__pa(pte)))) | offset_in_page(pte) | MMU_NORMAL_PT_UPDATE;
}

/* Record a page, and make a request that points an entry at it. */
static __always_inline bool pvmem_xen_request(const struct pvmem_alias *alias, const unsigned long *p2m,
					      struct page **to, struct page *page, struct mmu_update *req, u64 ptr,
					      pteval_t prot)
{
	unsigned long pfn;

	if (unlikely(!pvmem_alias_record(alias, to, page, &pfn)))
		return false;
	req->ptr = ptr;
	req->val = PFN_PHYS(p2m[pfn]) | prot;
	return true;
}

/*
 * Record pages, and make requests that point entries @first and on at them.
 * Returns how many pages are left: 0, or the first refused one is among them.
 *
 * Reads the p2m list directly, in which every page that is not refused has an
 * entry (pvmem_xen_start()): with pfn_to_mfn() for each the loop takes twice as
 * many instructions. The indicator bits of an entry are shifted out, and a page
 * without a machine frame gives a PTE with reserved bits, which Xen refuses.
 */
static __always_inline unsigned int pvmem_xen_requests(struct pvmem *pv, struct mmu_update *req,
						       struct pvmem_table *table, unsigned int first,
						       struct page **pages, unsigned int nr, pteval_t prot)
{
	const struct pvmem_alias alias = pv->alias;
	const unsigned long *const p2m = xen_p2m_addr;
	struct page **to = table->pages + first;
	u64 ptr = pvmem_xen_pte_addr(table->ptes + first);

	for (; nr >= 4; nr -= 4, to += 4, pages += 4, req += 4, ptr += 4 * sizeof(pte_t))
		if (unlikely(!pvmem_xen_request(&alias, p2m, to, pages[0], req, ptr, prot) ||
			     !pvmem_xen_request(&alias, p2m, to + 1, pages[1], req + 1, ptr + 8, prot) ||
			     !pvmem_xen_request(&alias, p2m, to + 2, pages[2], req + 2, ptr + 16, prot) ||
			     !pvmem_xen_request(&alias, p2m, to + 3, pages[3], req + 3, ptr + 24, prot)))
			return nr;
	for (; nr; nr--, to++, pages++, req++, ptr += sizeof(pte_t))
		if (unlikely(!pvmem_xen_request(&alias, p2m, to, *pages, req, ptr, prot)))
			break;
	return nr;
}

/* One hypercall to set one entry. */
static noinline void *pvmem_xen_set_single(struct pvmem *pv, struct pvmem_table *table, unsigned int first,
					   struct page **page, pteval_t prot)
{
	unsigned long pfn, addr = pvmem_slot_addr(table, first);

	if (unlikely(!pvmem_alias_record(&pv->alias, table->pages + first, *page, &pfn)))
		return pvmem_set_refused(pv, table, first, page, 1, 1);
	if (unlikely(pvmem_xen_update_one(pv, addr, native_make_pte(PFN_PHYS(xen_p2m_addr[pfn]) | prot))))
		return pvmem_set_undo(pv, table, first);
	return (void *)addr;
}

static noinline void *pvmem_xen_set_many(struct pvmem *pv, struct pvmem_table *table, unsigned int first,
					 struct page **pages, unsigned int nr, pteval_t prot)
{
	struct pvmem_xen *xen = pv->backend_data;
	struct mmu_update *req = get_cpu_ptr(xen->updates)->req;
	unsigned int left = pvmem_xen_requests(pv, req, table, first, pages, nr, prot);
	int err = likely(!left) ? pvmem_xen_update_all(pv, req, nr) : 0;

	BUILD_BUG_ON(PVMEM_SMALL_MAX > PVMEM_XEN_UPDATES);
	put_cpu_ptr(xen->updates);
	if (unlikely(left))
		return pvmem_set_refused(pv, table, first, pages, nr, left);
	return likely(!err) ? (void *)pvmem_slot_addr(table, first) : pvmem_set_undo(pv, table, first);
}

static void *pvmem_xen_set(struct pvmem *pv, struct pvmem_table *table, unsigned int first, struct page **pages,
			   unsigned int nr, pgprot_t pgprot)
{
	pteval_t prot = pgprot_val(pgprot) & __supported_pte_mask;

	if (nr == 1)
		return pvmem_xen_set_single(pv, table, first, pages, prot);
	return pvmem_xen_set_many(pv, table, first, pages, nr, prot);
}

static int pvmem_xen_clear(struct pvmem *pv, struct pvmem_table *table, unsigned int first, unsigned int nr)
{
	u64 ptr = pvmem_xen_pte_addr(table->ptes + first);
	struct pvmem_xen *xen = pv->backend_data;
	struct mmu_update *req = get_cpu_ptr(xen->updates)->req;
	unsigned int i;
	int err = 0;

	while (nr && !err) {
		for (i = 0; i < nr && i < PVMEM_XEN_UPDATES; i++, ptr += sizeof(pte_t))
			req[i] = (struct mmu_update){ .ptr = ptr };
		err = pvmem_xen_update_all(pv, req, i);
		nr -= i;
	}
	put_cpu_ptr(xen->updates);
	return err;
}

/* build() where no table could be attached. */
static int pvmem_xen_set_range(struct pvmem *pv, struct pvmem_range *range, pteval_t prot)
{
	struct pvmem_xen *xen = pv->backend_data;
	struct mmu_update *req = get_cpu_ptr(xen->updates)->req;
	u64 ptr = pvmem_xen_pte_addr(range->table->ptes + range->first);
	struct page **pages = range->table->pages + range->first;
	unsigned int i, nr = range->nr;
	int err = 0;

	while (nr && !err) {
		for (i = 0; i < nr && i < PVMEM_XEN_UPDATES; i++, ptr += sizeof(pte_t))
			req[i] = (struct mmu_update){
				.ptr = ptr,
				.val = PFN_PHYS(xen_p2m_addr[page_to_pfn(pages[i])]) | prot,
			};
		err = pvmem_xen_update_all(pv, req, i);
		pages += i;
		nr -= i;
	}
	put_cpu_ptr(xen->updates);
	return err;
}

/* Mark every range as not done, and list those that a whole-table way serves. */
static unsigned int pvmem_xen_select(struct pvmem_range *ranges, unsigned int nr, unsigned int min,
				     struct pvmem_range **tables)
{
	unsigned int i, selected = 0;

	for (i = 0; i < nr; i++) {
		ranges[i].error = -EAGAIN;
		if (ranges[i].whole && ranges[i].nr >= min && selected < PVMEM_PURGE_BLOCKS)
			tables[selected++] = &ranges[i];
	}
	return selected;
}

static int pvmem_xen_build(struct pvmem *pv, struct pvmem_range *ranges, unsigned int nr, pgprot_t pgprot)
{
	pteval_t prot = pgprot_val(pgprot) & __supported_pte_mask;
	struct pvmem_range *tables[PVMEM_PURGE_BLOCKS];
	unsigned int nr_tables = pvmem_xen_select(ranges, nr, PVMEM_XEN_ATTACH_MIN, tables);
	int err = 0;

	if (nr_tables)
		pvmem_xen_tables_attach(pv, tables, nr_tables, prot);
	for (; nr; nr--, ranges++) {
		if (ranges->error)
			ranges->error = pvmem_xen_set_range(pv, ranges, prot);
		if (unlikely(ranges->error))
			err = ranges->error;
	}
	return err;
}

/* Add a request to clear each entry of @range; issue the batch when it is full. */
static void pvmem_xen_gather_clear(struct pvmem *pv, struct pvmem_xen_updates *updates, struct pvmem_range *range)
{
	u64 ptr = pvmem_xen_pte_addr(range->table->ptes + range->first);
	unsigned int i;

	range->error = 0;
	for (i = 0; i < range->nr; i++, ptr += sizeof(pte_t)) {
		if (updates->nr == PVMEM_XEN_UPDATES) {
			pvmem_xen_update(pv, updates->req, updates->nr, updates->range);
			updates->nr = 0;
		}
		updates->req[updates->nr] = (struct mmu_update){ .ptr = ptr };
		updates->range[updates->nr++] = range;
	}
}

/* Clear the entries of every range that is not done yet, in as few hypercalls as that takes. */
static void pvmem_xen_clear_ranges(struct pvmem *pv, struct pvmem_range *ranges, unsigned int nr)
{
	struct pvmem_xen *xen = pv->backend_data;
	struct pvmem_xen_updates *updates = get_cpu_ptr(xen->updates);
	unsigned int i;

	updates->nr = 0;
	for (i = 0; i < nr; i++)
		if (ranges[i].error)
			pvmem_xen_gather_clear(pv, updates, &ranges[i]);
	if (updates->nr)
		pvmem_xen_update(pv, updates->req, updates->nr, updates->range);
	put_cpu_ptr(xen->updates);
}

static int pvmem_xen_zap(struct pvmem *pv, struct pvmem_range *ranges, unsigned int nr)
{
	struct pvmem_range *tables[PVMEM_PURGE_BLOCKS];
	struct page *old[PVMEM_PURGE_BLOCKS];
	unsigned int nr_tables, nr_old;
	int err;

	nr_tables = pvmem_xen_select(ranges, nr, PVMEM_XEN_DETACH_MIN, tables);
	nr_old = pvmem_xen_tables_detach(pv, tables, nr_tables, old);
	pvmem_xen_clear_ranges(pv, ranges, nr);
	err = pvmem_xen_flush_release(pv, old, nr_old);
	for (; nr; nr--, ranges++) {
		if (unlikely(err))
			ranges->error = err;
		if (unlikely(ranges->error))
			err = ranges->error;
	}
	return err;
}

static int pvmem_xen_start(struct pvmem *pv)
{
	struct pvmem_xen *xen;

	if (!xen_pv_domain())
		return -ENODEV;
	/* Pages beyond the p2m list, hot-added ones, are refused like any unknown. */
	pvmem_alias_limit(&pv->alias, xen_p2m_size);
	xen = kzalloc(sizeof(*xen), GFP_KERNEL);
	if (!xen)
		return -ENOMEM;
	xen->updates = alloc_percpu(struct pvmem_xen_updates);
	if (!xen->updates) {
		kfree(xen);
		return -ENOMEM;
	}
	mutex_init(&xen->type_mutex);
	pv->backend_data = xen;
	return pvmem_xen_tables_start(pv);
}

static void pvmem_xen_stop(struct pvmem *pv)
{
	struct pvmem_xen *xen = pv->backend_data;

	pvmem_xen_tables_stop(pv);
	free_percpu(xen->updates);
	kfree(xen);
	pv->backend_data = NULL;
}

const struct pvmem_backend pvmem_backend_xen_pv = {
	.name = "xen-pv",
	.default_policy = PVMEM_POLICY_HOLD,
	.typed = true,
	.start = pvmem_xen_start,
	.stop = pvmem_xen_stop,
	.set = pvmem_xen_set,
	.clear = pvmem_xen_clear,
	.build = pvmem_xen_build,
	.zap = pvmem_xen_zap,
	.pin = pvmem_xen_pin,
	.unpin = pvmem_xen_unpin,
	.idle = pvmem_xen_idle,
};
