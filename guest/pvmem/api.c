// SPDX-License-Identifier: GPL-2.0
/* What other modules call: include/pvmem/pvmem.h on the one instance of the module. */
#include <linux/export.h>
#include <linux/mm.h>
#include "core.h"
#include "module.h"

/**
 * pvmem_map() - map pages at contiguous kernel addresses
 * @pages: the pages; the caller keeps them allocated until it unmaps.
 * @nr_pages: how many, at least 1; up to the address space limit.
 * @prot: kernel protection, such as PAGE_KERNEL.
 *
 * Like vmap(), for mappings that come and go.
 *
 * Context: process, may sleep.
 * Return: the address of the first page, or NULL: fall back to vmap().
 */
void *pvmem_map(struct page **pages, unsigned int nr_pages, pgprot_t prot)
{
	return pvmem_vmap(pvmem_instance, pages, nr_pages, prot);
}
EXPORT_SYMBOL_GPL(pvmem_map);

/**
 * pvmem_unmap() - end a mapping
 * @addr: what pvmem_map() returned; NULL is ignored.
 *
 * The mapping may linger until the next purge (see enum pvmem_policy); the
 * address must not be used any more. Anything else than a live mapping's address
 * is refused with a warning.
 *
 * Context: process, may sleep.
 */
void pvmem_unmap(const void *addr)
{
	if (addr)
		pvmem_vunmap(pvmem_instance, addr, 0);
}
EXPORT_SYMBOL_GPL(pvmem_unmap);

/**
 * pvmem_map_ram() - pvmem_map() in the shape of vm_map_ram()
 * @pages: the pages.
 * @nr_pages: how many.
 * @node: ignored: bookkeeping is not allocated per map.
 *
 * Context: process, may sleep.
 * Return: the address, or NULL.
 */
void *pvmem_map_ram(struct page **pages, unsigned int nr_pages, int node)
{
	return pvmem_map(pages, nr_pages, PAGE_KERNEL);
}
EXPORT_SYMBOL_GPL(pvmem_map_ram);

/**
 * pvmem_unmap_ram() - pvmem_unmap() in the shape of vm_unmap_ram()
 * @addr: what pvmem_map_ram() returned.
 * @nr_pages: what it was given; a mismatch is refused with a warning.
 *
 * Context: process, may sleep.
 */
void pvmem_unmap_ram(const void *addr, unsigned int nr_pages)
{
	/* To pvmem_vunmap() 0 means any length. */
	if (likely(nr_pages))
		pvmem_vunmap(pvmem_instance, addr, nr_pages);
	else
		pvmem_vunmap_bad(pvmem_instance, addr, nr_pages);
}
EXPORT_SYMBOL_GPL(pvmem_unmap_ram);

/**
 * pvmem_is_mapping() - is an address of pvmem's making?
 * @addr: any address.
 *
 * For whoever unmaps and does not know who mapped.
 *
 * Context: any.
 * Return: true when it lies in address space that pvmem hands out.
 */
bool pvmem_is_mapping(const void *addr)
{
	return pvmem_block_at(pvmem_instance, (unsigned long)addr);
}
EXPORT_SYMBOL_GPL(pvmem_is_mapping);

/**
 * pvmem_page_aliased() - does a mapping of pvmem's exist for a page?
 * @page: a page the caller owns.
 *
 * One load. Live mappings count as well as lazy ones.
 *
 * Context: any.
 * Return: true when there is one; pvmem_unmap_pages() or pvmem_unmap_aliases()
 * removes the lazy ones.
 */
bool pvmem_page_aliased(const struct page *page)
{
	return pvmem_alias_query(&pvmem_instance->alias, page);
}
EXPORT_SYMBOL_GPL(pvmem_page_aliased);

/**
 * pvmem_unmap_aliases() - remove every lazy mapping
 *
 * Afterwards no PTE and no TLB holds a mapping that was unmapped before the call.
 * Cheap when there is none: two sums over the CPUs.
 *
 * Context: process, may sleep.
 * Return: 0, or -errno when the hypervisor refused to clear some.
 */
int pvmem_unmap_aliases(void)
{
	struct pvmem *pv = pvmem_instance;

	pvmem_stat_inc(pv, unmap_aliases_calls);
	if (!pvmem_lazy_pages(pv)) {
		pvmem_stat_inc(pv, unmap_aliases_fast);
		return 0;
	}
	return pvmem_purge(pv);
}
EXPORT_SYMBOL_GPL(pvmem_unmap_aliases);

/**
 * pvmem_unmap_pages() - remove the lazy mappings of some pages
 * @pages: the pages.
 * @nr_pages: how many.
 *
 * Context: process, may sleep.
 * Return: 0, or -errno when the hypervisor refused to clear some.
 */
int pvmem_unmap_pages(struct page **pages, unsigned int nr_pages)
{
	struct pvmem *pv = pvmem_instance;
	unsigned int i;

	pvmem_stat_inc(pv, unmap_pages_calls);
	for (i = 0; i < nr_pages; i++)
		if (pvmem_alias_query(&pv->alias, pages[i]))
			return pvmem_purge_pages(pv, pages, nr_pages);
	return 0;
}
EXPORT_SYMBOL_GPL(pvmem_unmap_pages);

/**
 * pvmem_ptpool_get() - a page ready to be a last-level page table
 *
 * Context: process, does not sleep; no hypercall.
 * Return: a zeroed, unaliased page, on Xen PV read-only and pinned; NULL when the
 * pool is empty: use a stock page.
 */
struct page *pvmem_ptpool_get(void)
{
	return pvmem_ptpool_take(pvmem_instance);
}
EXPORT_SYMBOL_GPL(pvmem_ptpool_get);

/**
 * pvmem_ptpool_put() - take a page back
 * @page: from pvmem_ptpool_get(), in no page table and no TLB any more, and in
 *	the type it was handed out in.
 *
 * Context: process, does not sleep; no hypercall when the page is zero.
 */
void pvmem_ptpool_put(struct page *page)
{
	pvmem_ptpool_give(pvmem_instance, page);
}
EXPORT_SYMBOL_GPL(pvmem_ptpool_put);

/**
 * pvmem_ptpool_claim_pages() - pages ready to be page tables, for good
 * @pages: out: like what pvmem_ptpool_get() returns; the pool forgets them.
 * @nr_pages: how many are wanted.
 *
 * Context: process, does not sleep; no hypercall.
 * Return: how many there were.
 */
unsigned int pvmem_ptpool_claim_pages(struct page **pages, unsigned int nr_pages)
{
	return pvmem_ptpool_claim(pvmem_instance, pages, nr_pages);
}
EXPORT_SYMBOL_GPL(pvmem_ptpool_claim_pages);

/**
 * pvmem_ptpool_wants_page() - would pvmem_ptpool_adopt_page() be welcome?
 *
 * Context: any.
 * Return: false when the pool is full, turned off or suspended.
 */
bool pvmem_ptpool_wants_page(void)
{
	return pvmem_ptpool_has_room(pvmem_instance);
}
EXPORT_SYMBOL_GPL(pvmem_ptpool_wants_page);

/**
 * pvmem_ptpool_adopt_page() - give the pool a page-table page, whatever its origin
 * @page: in no page table any more, on Xen PV read-only and pinned, with one
 *	reference for the pool. Those who may still look at it, TLBs and lockless
 *	walks, have others: the pool uses the page when its own is the last.
 *
 * Context: process, does not sleep; no hypercall.
 */
void pvmem_ptpool_adopt_page(struct page *page)
{
	pvmem_ptpool_adopt(pvmem_instance, page);
}
EXPORT_SYMBOL_GPL(pvmem_ptpool_adopt_page);

/**
 * pvmem_ptpool_settle() - wait until the pool is filled as far as it ever is
 *
 * For whoever begins to use it and wants the first page to cost no more than
 * those after it.
 *
 * Context: process, sleeps.
 */
void pvmem_ptpool_settle(void)
{
	pvmem_ptpool_kick(pvmem_instance);
	flush_work(&pvmem_instance->pool.fill_work);
}
EXPORT_SYMBOL_GPL(pvmem_ptpool_settle);

/**
 * pvmem_ptpool_fill_now() - prepare pages before they are needed
 * @nr_pages: how many; the pool's cap holds.
 * @batch: pages prepared at a time; taken as 1 to 64.
 *
 * Context: process, sleeps.
 * Return: pages added.
 */
unsigned long pvmem_ptpool_fill_now(unsigned long nr_pages, unsigned int batch)
{
	return pvmem_ptpool_prepare(pvmem_instance, nr_pages, clamp(batch, 1U, (unsigned int)PVMEM_PTPOOL_BATCH_MAX));
}
EXPORT_SYMBOL_GPL(pvmem_ptpool_fill_now);

/**
 * pvmem_ptpool_drain_now() - give every page in the pool back to the system
 * @batch: pages given back at a time; taken as 1 to 64.
 *
 * Context: process, sleeps.
 * Return: pages freed.
 */
unsigned long pvmem_ptpool_drain_now(unsigned int batch)
{
	return pvmem_ptpool_drain(pvmem_instance, clamp(batch, 1U, (unsigned int)PVMEM_PTPOOL_BATCH_MAX));
}
EXPORT_SYMBOL_GPL(pvmem_ptpool_drain_now);
