// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A PV guest of Xen's, looked at from dom0: Xen says which frames are page tables
 * and which are pinned, and lets us map them. The guest is paused meanwhile, twice
 * when something is found: what is not there the second time was a step under way.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>
#include <xenguest.h>
#include "audit_common.h"
#include "audit_walk.h"

/* Between the two looks: any step of a running vCPU is over by then. */
#define PVMEM_XEN_AGAIN_US 50000

/* A slot of no table. */
#define PVMEM_XEN_UNMAPPED UINT32_MAX

struct pvmem_xen_pair {
	uint64_t mfn;
	uint64_t pfn;
};

/**
 * struct pvmem_xen_memory - a domain's frames
 * @xch: libxenctrl.
 * @foreign: libxenforeignmemory.
 * @domid: the domain.
 * @info: types and machine frames of its frames, from Xen and from the guest.
 * @by_mfn: the guest's frames in order of their machine frames.
 * @nr_by_mfn: how many.
 * @tables: its page tables, mapped.
 * @nr_tables: how many.
 * @slot: of a frame, which of @tables it is.
 */
struct pvmem_xen_memory {
	xc_interface *xch;
	xenforeignmemory_handle *foreign;
	uint32_t domid;
	struct xc_domain_meminfo info;
	struct pvmem_xen_pair *by_mfn;
	size_t nr_by_mfn;
	void *tables;
	size_t nr_tables;
	uint32_t *slot;
};

static int pvmem_xen_refuse(char *reason, int err, const char *what)
{
	snprintf(reason, PVMEM_AUDIT_ERROR, "%s: %s", what, strerror(err));
	return -err;
}

static unsigned int pvmem_xen_level(const struct pvmem_xen_memory *memory, uint64_t pfn)
{
	xen_pfn_t type = memory->info.pfn_type[pfn] & XEN_DOMCTL_PFINFO_LTAB_MASK;

	if (type == XEN_DOMCTL_PFINFO_XTAB || type == XEN_DOMCTL_PFINFO_XALLOC || type == XEN_DOMCTL_PFINFO_BROKEN)
		return 0;
	return (type & XEN_DOMCTL_PFINFO_LTABTYPE_MASK) >> XEN_DOMCTL_PFINFO_LTAB_SHIFT;
}

static uint8_t pvmem_xen_type(void *data, uint64_t pfn)
{
	const struct pvmem_xen_memory *memory = data;
	unsigned int level = pvmem_xen_level(memory, pfn);

	if (!level)
		return 0;
	return level | (memory->info.pfn_type[pfn] & XEN_DOMCTL_PFINFO_LPINTAB ? PVMEM_AUDIT_TYPE_PINNED : 0);
}

static const uint64_t *pvmem_xen_page(void *data, uint64_t pfn)
{
	const struct pvmem_xen_memory *memory = data;

	if (memory->slot[pfn] == PVMEM_XEN_UNMAPPED)
		return NULL;
	return (const uint64_t *)((const char *)memory->tables + memory->slot[pfn] * PVMEM_PAGE_SIZE);
}

static int pvmem_xen_compare(const void *a, const void *b)
{
	uint64_t x = ((const struct pvmem_xen_pair *)a)->mfn, y = ((const struct pvmem_xen_pair *)b)->mfn;

	return x < y ? -1 : x > y;
}

static uint64_t pvmem_xen_frame_of(void *data, uint64_t mfn)
{
	const struct pvmem_xen_memory *memory = data;
	struct pvmem_xen_pair key = { .mfn = mfn }, *found;

	found = bsearch(&key, memory->by_mfn, memory->nr_by_mfn, sizeof(key), pvmem_xen_compare);
	return found ? found->pfn : PVMEM_AUDIT_NO_FRAME;
}

/* The guest keeps the p2m, so it is copied and not read twice. */
static int pvmem_xen_index(struct pvmem_xen_memory *memory)
{
	uint64_t pfn, mfn;

	memory->by_mfn = calloc(memory->info.p2m_size, sizeof(*memory->by_mfn));
	if (!memory->by_mfn)
		return -ENOMEM;
	for (pfn = 0; pfn < memory->info.p2m_size; pfn++) {
		mfn = ((const volatile xen_pfn_t *)memory->info.p2m_table)[pfn];
		/* Top bits mark frames that are foreign, or the same as machine frames. */
		if (mfn >> 52)
			continue;
		memory->by_mfn[memory->nr_by_mfn++] = (struct pvmem_xen_pair){ .mfn = mfn, .pfn = pfn };
	}
	qsort(memory->by_mfn, memory->nr_by_mfn, sizeof(*memory->by_mfn), pvmem_xen_compare);
	return 0;
}

/* All page tables in one call: one each would be a hypercall and a mapping each. */
static int pvmem_xen_map_tables(struct pvmem_xen_memory *memory)
{
	uint64_t nr_pfns = memory->info.p2m_size, i, pfn;
	xen_pfn_t *mfns = calloc(nr_pfns, sizeof(*mfns));
	int *errors = calloc(nr_pfns, sizeof(*errors));

	memory->slot = malloc(nr_pfns * sizeof(*memory->slot));
	if (mfns && errors && memory->slot) {
		memset(memory->slot, 0xff, nr_pfns * sizeof(*memory->slot));
		for (i = 0; i < memory->nr_by_mfn; i++) {
			pfn = memory->by_mfn[i].pfn;
			if (!pvmem_xen_level(memory, pfn))
				continue;
			memory->slot[pfn] = memory->nr_tables;
			mfns[memory->nr_tables++] = memory->by_mfn[i].mfn;
		}
		memory->tables = xenforeignmemory_map(memory->foreign, memory->domid, PROT_READ, memory->nr_tables,
						      mfns, errors);
		for (pfn = 0; memory->tables && pfn < nr_pfns; pfn++)
			if (memory->slot[pfn] != PVMEM_XEN_UNMAPPED && errors[memory->slot[pfn]])
				memory->slot[pfn] = PVMEM_XEN_UNMAPPED;
	}
	free(errors);
	free(mfns);
	return memory->tables ? 0 : -errno;
}

/* The kernel's top-level table, from vCPU 0: its user half's is in another register. */
static int pvmem_xen_root(const struct pvmem_xen_memory *memory, uint64_t *root)
{
	vcpu_guest_context_any_t context;

	if (xc_vcpu_getcontext(memory->xch, memory->domid, 0, &context))
		return -errno;
	*root = pvmem_xen_frame_of((void *)memory, xen_cr3_to_pfn_x86_64(context.x64.ctrlreg[3]));
	return 0;
}

static int pvmem_xen_walk(struct pvmem_xen_memory *memory, const struct pvmem_audit_claim *claim,
			  struct pvmem_audit *audit, char *reason)
{
	struct pvmem_audit_source source = {
		.page = pvmem_xen_page,
		.frame_of = pvmem_xen_frame_of,
		.type = pvmem_xen_type,
		.data = memory,
		.nr_frames = memory->info.p2m_size,
		.levels = 4,
	};
	int err;

	if (memory->info.pt_levels != 4)
		return pvmem_xen_refuse(reason, EOPNOTSUPP, "a 32-bit guest");
	err = pvmem_xen_index(memory);
	if (!err)
		err = pvmem_xen_map_tables(memory);
	if (!err)
		err = pvmem_xen_root(memory, &source.root);
	if (err)
		return pvmem_xen_refuse(reason, -err, "cannot map the guest's page tables");
	return pvmem_audit_explain(pvmem_audit_walk(&source, claim, audit), reason);
}

static void pvmem_xen_release(struct pvmem_xen_memory *memory)
{
	if (memory->tables)
		xenforeignmemory_unmap(memory->foreign, memory->tables, memory->nr_tables);
	free(memory->slot);
	free(memory->by_mfn);
	xc_unmap_domain_meminfo(memory->xch, &memory->info);
}

/* One look at the paused guest. */
static int pvmem_xen_look(xc_interface *xch, xenforeignmemory_handle *foreign, uint32_t domid,
			  const struct pvmem_audit_claim *claim, struct pvmem_audit *audit, char *reason)
{
	struct pvmem_xen_memory memory = { .xch = xch, .foreign = foreign, .domid = domid };
	uint64_t begun = pvmem_audit_now_us();
	int err;

	if (xc_domain_pause(xch, domid))
		return pvmem_xen_refuse(reason, errno, "cannot pause the guest");
	if (xc_map_domain_meminfo(xch, domid, &memory.info)) {
		err = pvmem_xen_refuse(reason, errno ? errno : EIO, "cannot read the guest's frames");
	} else {
		err = pvmem_xen_walk(&memory, claim, audit, reason);
		pvmem_xen_release(&memory);
	}
	if (xc_domain_unpause(xch, domid))
		err = pvmem_xen_refuse(reason, errno, "cannot unpause the guest");
	if (!err) {
		audit->elapsed_us = pvmem_audit_now_us() - begun;
		audit->paused = true;
	}
	return err;
}

static int pvmem_xen_audit(xc_interface *xch, xenforeignmemory_handle *foreign, uint32_t domid,
			   const struct pvmem_audit_claim *claim, struct pvmem_audit *audit, char *reason)
{
	struct pvmem_audit before;
	xc_dominfo_t info;
	int err;

	if (xc_domain_getinfo(xch, domid, 1, &info) != 1 || info.domid != domid)
		return pvmem_xen_refuse(reason, ESRCH, "no such domain");
	if (info.hvm)
		return pvmem_xen_refuse(reason, EOPNOTSUPP, "not a PV guest: its frames have no types");
	err = pvmem_xen_look(xch, foreign, domid, claim, audit, reason);
	if (err || !pvmem_audit_total(audit))
		return err;
	before = *audit;
	usleep(PVMEM_XEN_AGAIN_US);
	err = pvmem_xen_look(xch, foreign, domid, claim, audit, reason);
	if (!err)
		pvmem_audit_confirm(audit, &before);
	return err;
}

/**
 * pvmem_audit_xen() - looks at a PV guest of Xen's
 * @domid: the domain, not dom0.
 * @claim: what the guest says of itself.
 * @audit: set on success.
 * @error: why not.
 *
 * Pauses the guest, and blocks meanwhile.
 *
 * Return: 0 or -errno.
 */
int pvmem_audit_xen(int domid, const struct pvmem_audit_claim *claim, struct pvmem_audit *audit,
		    char error[PVMEM_AUDIT_ERROR])
{
	xenforeignmemory_handle *foreign;
	xc_interface *xch = xc_interface_open(NULL, NULL, 0);
	int err;

	if (!xch)
		return pvmem_xen_refuse(error, errno, "cannot reach Xen");
	foreign = xenforeignmemory_open(NULL, 0);
	if (foreign)
		err = pvmem_xen_audit(xch, foreign, domid, claim, audit, error);
	else
		err = pvmem_xen_refuse(error, errno, "cannot map frames of other domains");
	xenforeignmemory_close(foreign);
	xc_interface_close(xch);
	return err;
}
