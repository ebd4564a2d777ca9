/* SPDX-License-Identifier: GPL-2.0 */
/* Page-table writes that need no hypervisor; shared by the bare and kvm backends. */
#ifndef PVMEM_BACKEND_BARE_H
#define PVMEM_BACKEND_BARE_H

#include "backend.h"

void *pvmem_bare_set(struct pvmem *pv, struct pvmem_table *table, unsigned int first, struct page **pages,
		     unsigned int nr, pgprot_t prot);
int pvmem_bare_clear(struct pvmem *pv, struct pvmem_table *table, unsigned int first, unsigned int nr);
int pvmem_bare_build(struct pvmem *pv, struct pvmem_range *ranges, unsigned int nr, pgprot_t prot);
int pvmem_bare_zap(struct pvmem *pv, struct pvmem_range *ranges, unsigned int nr);
int pvmem_bare_pin(struct pvmem *pv, struct page **pages, unsigned int nr, unsigned long *failed);

#endif
