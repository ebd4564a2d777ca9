/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pvmem: lazy vmap, alias query and page-table page pool for paravirtual
 * guests. This is the whole API that other kernel code uses; docs/design.md
 * is the theory behind it.
 *
 * Every function works on the one instance that pvmem.ko starts. All of them
 * are exported GPL-only.
 */
#ifndef PVMEM_PVMEM_H
#define PVMEM_PVMEM_H

#include <linux/types.h>
#include <linux/mm_types.h>

/**
 * enum pvmem_policy - what happens to a mapping between unmap and purge
 * @PVMEM_POLICY_HOLD: the lazy mapping holds a reference on each page, so that
 *	no page is reallocated while an alias of it exists.
 * @PVMEM_POLICY_TRACK: the page may be reused at once; whoever needs it
 *	unaliased asks pvmem_page_aliased() and purges.
 * @PVMEM_POLICY_EAGER: the PTEs are cleared at unmap in one batch; only the TLB
 *	flush is deferred.
 * @PVMEM_NR_POLICIES: how many there are.
 */
enum pvmem_policy {
	PVMEM_POLICY_HOLD,
	PVMEM_POLICY_TRACK,
	PVMEM_POLICY_EAGER,
	PVMEM_NR_POLICIES,
};

void *pvmem_map(struct page **pages, unsigned int nr_pages, pgprot_t prot);
void pvmem_unmap(const void *addr);
void *pvmem_map_ram(struct page **pages, unsigned int nr_pages, int node);
void pvmem_unmap_ram(const void *addr, unsigned int nr_pages);
bool pvmem_is_mapping(const void *addr);

bool pvmem_page_aliased(const struct page *page);
int pvmem_unmap_aliases(void);
int pvmem_unmap_pages(struct page **pages, unsigned int nr_pages);

struct page *pvmem_ptpool_get(void);
void pvmem_ptpool_put(struct page *page);
unsigned int pvmem_ptpool_claim_pages(struct page **pages, unsigned int nr_pages);
bool pvmem_ptpool_wants_page(void);
void pvmem_ptpool_adopt_page(struct page *page);
void pvmem_ptpool_settle(void);
unsigned long pvmem_ptpool_fill_now(unsigned long nr_pages, unsigned int batch);
unsigned long pvmem_ptpool_drain_now(unsigned int batch);

#endif
