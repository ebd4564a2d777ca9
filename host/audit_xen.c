// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A PV guest's page tables hold machine frame numbers, and Xen knows each frame's
 * type. So beside the walk there is a check that needs no trust in the guest:
 * frames pinned as last-level tables (L1) that no L2 table refers to are spare
 * ones, or wrong.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>
#include <xenguest.h>
#include "audit_xen.h"

/* Xen's own slots of the top-level table end here; one of them maps the tables themselves. */
#define PVMEM_XEN_END 0xffff880000000000ull

/* Where 64-bit Linux has its direct map as a PV guest: not randomised. */
#define PVMEM_XEN_DIRECT 0xffff888000000000ull

#define PVMEM_PRESENT 1ull
#define PVMEM_FRAME 0x000ffffffffff000ull
#define PVMEM_NONE (~0ull)

struct pvmem_mfn {
	uint64_t mfn;
	uint64_t pfn;
};

struct pvmem_xen {
	xc_interface *xc;
	xenforeignmemory_handle *memory;
	uint32_t domid;
	bool paused;
	struct xc_domain_meminfo info;
	struct pvmem_mfn *mfns; /* sorted by mfn */
	size_t nr_mfns;
	uint64_t page[512];
};

static int pvmem_by_mfn(const void *a, const void *b)
{
	const struct pvmem_mfn *left = a, *right = b;

	return left->mfn < right->mfn ? -1 : left->mfn > right->mfn;
}

/* The guest's own number of a machine frame; frames of Xen's or other domains have none. */
static uint64_t pvmem_xen_pfn(void *data, uint64_t mfn)
{
	const struct pvmem_xen *xen = data;
	const struct pvmem_mfn key = { .mfn = mfn };
	const struct pvmem_mfn *found = bsearch(&key, xen->mfns, xen->nr_mfns, sizeof(key), pvmem_by_mfn);

	return found ? found->pfn : PVMEM_NONE;
}

static const uint64_t *pvmem_xen_page(void *data, uint64_t pfn)
{
	struct pvmem_xen *xen = data;
	xen_pfn_t mfn = xen->info.p2m_table[pfn];
	int err;
	void *mapped;

	if (mfn == INVALID_MFN)
		return NULL;
	mapped = xenforeignmemory_map(xen->memory, xen->domid, PROT_READ, 1, &mfn, &err);
	if (!mapped)
		return NULL;
	memcpy(xen->page, mapped, sizeof(xen->page));
	xenforeignmemory_unmap(xen->memory, mapped, 1);
	return xen->page;
}

static int pvmem_xen_index(struct pvmem_xen *xen)
{
	unsigned long pfn;

	xen->mfns = calloc(xen->info.p2m_size, sizeof(*xen->mfns));
	if (!xen->mfns)
		return -ENOMEM;
	for (pfn = 0; pfn < xen->info.p2m_size; pfn++)
		if (xen->info.p2m_table[pfn] != INVALID_MFN)
			xen->mfns[xen->nr_mfns++] = (struct pvmem_mfn){ xen->info.p2m_table[pfn], pfn };
	qsort(xen->mfns, xen->nr_mfns, sizeof(*xen->mfns), pvmem_by_mfn);
	return 0;
}

static xen_pfn_t pvmem_xen_type(const struct pvmem_xen *xen, uint64_t pfn)
{
	return xen->info.pfn_type[pfn] & XEN_DOMCTL_PFINFO_LTABTYPE_MASK;
}

/* A bit for each frame that some L2 table refers to. */
static int pvmem_xen_referenced(struct pvmem_xen *xen, uint8_t *referenced)
{
	const uint64_t *page;
	uint64_t pfn, target;
	int i;

	for (pfn = 0; pfn < xen->info.p2m_size; pfn++) {
		if (pvmem_xen_type(xen, pfn) != XEN_DOMCTL_PFINFO_L2TAB)
			continue;
		page = pvmem_xen_page(xen, pfn);
		for (i = 0; page && i < 512; i++) {
			target = page[i] & PVMEM_PRESENT ? pvmem_xen_pfn(xen, (page[i] & PVMEM_FRAME) >> 12)
							 : PVMEM_NONE;
			if (target != PVMEM_NONE)
				referenced[target / 8] |= 1u << target % 8;
		}
	}
	return 0;
}

/*
 * What an L1 table that nobody refers to may be: empty, as those of pvmem's pool
 * are, or the kernel's p2m_missing_pte and p2m_identity_pte, whose entries all map
 * one page.
 */
static bool pvmem_spare_table(const uint64_t *page)
{
	int i;

	if (page[0] && !(page[0] & PVMEM_PRESENT))
		return false;
	for (i = 1; i < 512; i++)
		if (page[i] != page[0])
			return false;
	return true;
}

static void pvmem_xen_pins(struct pvmem_xen *xen, const uint8_t *referenced, struct pvmem_audit *audit)
{
	const uint64_t *page;
	uint64_t pfn;

	for (pfn = 0; pfn < xen->info.p2m_size; pfn++) {
		if (!(xen->info.pfn_type[pfn] & XEN_DOMCTL_PFINFO_LPINTAB))
			continue;
		audit->nr_pinned++;
		if (pvmem_xen_type(xen, pfn) != XEN_DOMCTL_PFINFO_L1TAB || referenced[pfn / 8] >> pfn % 8 & 1)
			continue;
		page = pvmem_xen_page(xen, pfn);
		if (page && !pvmem_spare_table(page))
			pvmem_audit_find(audit, PVMEM_AUDIT_PIN_ORPHAN, pfn, 0, 0);
	}
}

static int pvmem_xen_check_pins(struct pvmem_xen *xen, struct pvmem_audit *audit)
{
	uint8_t *referenced = calloc(xen->info.p2m_size / 8 + 1, 1);

	if (!referenced)
		return -ENOMEM;
	pvmem_xen_referenced(xen, referenced);
	pvmem_xen_pins(xen, referenced, audit);
	free(referenced);
	return 0;
}

/* The kernel's top-level table of the first vCPU. */
static uint64_t pvmem_xen_root(struct pvmem_xen *xen)
{
	vcpu_guest_context_any_t context;

	if (xc_vcpu_getcontext(xen->xc, xen->domid, 0, &context))
		return PVMEM_NONE;
	return pvmem_xen_pfn(xen, context.x64.ctrlreg[3] >> 12);
}

static int pvmem_xen_walk(struct pvmem_xen *xen, const struct pvmem_audit_window *windows, size_t nr_windows,
			  struct pvmem_audit *audit)
{
	struct pvmem_audit_source source = { .page = pvmem_xen_page,
					     .translate = pvmem_xen_pfn,
					     .data = xen,
					     .nr_frames = xen->info.p2m_size,
					     .levels = 4,
					     .lowest = PVMEM_XEN_END,
					     .direct_base = PVMEM_XEN_DIRECT,
					     .nr_windows = nr_windows };
	int err = pvmem_xen_index(xen);

	if (err)
		return err;
	memcpy(source.windows, windows, nr_windows * sizeof(*windows));
	source.root = pvmem_xen_root(xen);
	err = source.root == PVMEM_NONE ? -ENOENT : pvmem_audit_walk(&source, audit);
	if (!err)
		err = pvmem_xen_check_pins(xen, audit);
	free(xen->mfns);
	return err;
}

static uint64_t pvmem_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ull + now.tv_nsec / 1000;
}

static int pvmem_xen_open(struct pvmem_xen *xen, char error[PVMEM_AUDIT_ERROR])
{
	xen->xc = xc_interface_open(NULL, NULL, 0);
	xen->memory = xen->xc ? xenforeignmemory_open(NULL, 0) : NULL;
	if (!xen->memory) {
		snprintf(error, PVMEM_AUDIT_ERROR, "Xen's privileged interface cannot be opened: %s", strerror(errno));
		return -EACCES;
	}
	/* Tables come and go: what Xen says of a frame must go with what is in it. */
	xen->paused = !xc_domain_pause(xen->xc, xen->domid);
	if (xc_map_domain_meminfo(xen->xc, xen->domid, &xen->info)) {
		snprintf(error, PVMEM_AUDIT_ERROR, "domain %u's frames cannot be listed: is it a PV guest?",
			 xen->domid);
		return -ENOENT;
	}
	return 0;
}

/**
 * pvmem_audit_xen() - audits a running PV guest
 * @domid: Xen's number of the domain.
 * @windows: pvmem's, as the guest says.
 * @nr_windows: how many, at most PVMEM_AUDIT_WINDOWS.
 * @audit: filled.
 * @error: why not.
 *
 * The guest stands still meanwhile.
 *
 * Context: a hypercall or two for each page table; a thread of its own.
 * Return: 0 or -errno.
 */
int pvmem_audit_xen(int domid, const struct pvmem_audit_window *windows, size_t nr_windows, struct pvmem_audit *audit,
		    char error[PVMEM_AUDIT_ERROR])
{
	uint64_t begun = pvmem_now_us();
	struct pvmem_xen xen = { .domid = domid };
	int err = pvmem_xen_open(&xen, error);

	if (!err) {
		err = pvmem_xen_walk(&xen, windows, nr_windows, audit);
		if (err)
			snprintf(error, PVMEM_AUDIT_ERROR, "the page tables are not walked to their end: %s",
				 strerror(-err));
		xc_unmap_domain_meminfo(xen.xc, &xen.info);
	}
	audit->paused = xen.paused;
	if (xen.paused)
		xc_domain_unpause(xen.xc, xen.domid);
	audit->elapsed_us = pvmem_now_us() - begun;
	if (xen.memory)
		xenforeignmemory_close(xen.memory);
	if (xen.xc)
		xc_interface_close(xen.xc);
	return err;
}
