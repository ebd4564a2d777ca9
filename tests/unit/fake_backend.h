/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A hypervisor for tests: page tables in memory, and TLBs at their worst. Every
 * translation that was ever set stays cached until the next flush, so an entry
 * that is cleared and not flushed is a *stale* one. Ends the test when pvmem
 * breaks the contract in backend.h, or relies on more than it promises:
 *
 *	- an entry is set that is present, or that a TLB still holds
 *	- a page is mapped that is free, or not counted as aliased
 *	- a table is not as empty as @whole says (it is replaced then, when it can be)
 *	- a page is pinned that is not zero; one that is aliased is refused
 *	- a page that is mapped becomes a page table of the kernel's
 *	- a pinned page is freed
 *	- with fake_hold_only, a page is freed while a PTE or a TLB maps it
 */
#ifndef FAKE_BACKEND_H
#define FAKE_BACKEND_H

#include "core.h"
#include "shim.h"

extern const struct pvmem_backend fake_backend;

/* What fails, and how. */
enum fake_op {
	FAKE_SET = 1,
	FAKE_CLEAR = 2,
	FAKE_BUILD = 4,
	FAKE_ZAP = 8,
	FAKE_PIN = 16,
	FAKE_UNPIN = 32,
	FAKE_START = 64,
	FAKE_ANY = 127,
};

enum fake_failure {
	FAKE_ELEMENT, /* one range or page, the others succeed; half of what set() and clear() should do is done */
	FAKE_CALL,    /* a whole call, nothing is done */
	FAKE_FLUSH,   /* a zap clears its entries, and fails to flush */
	FAKE_NR_FAILURES,
};

void fake_reset(void);
/* The @nth element or call among @ops fails, and with @more all later ones; 0: none. */
void fake_fail(unsigned int ops, enum fake_failure how, unsigned long nth, bool more);
bool fake_fail_hit(void);
extern unsigned int fake_fail_one_in;
extern bool fake_hold_only;
/* Several tasks use the backend at once. */
extern bool fake_tasks;
/* How many instances left their tables. */
extern unsigned int fake_abandoned;

/* What a CPU finds at @addr; ends the test when nothing is mapped there. */
struct page *fake_read(const void *addr);
/* What a TLB may hold for @addr, live or stale, or NULL. */
struct page *fake_cached(unsigned long addr);
/* Neither PTEs nor TLBs have anything for @nr pages, all in one table. */
bool fake_empty(unsigned long addr, unsigned int nr);
/* PTE of @addr. */
pteval_t fake_pte(unsigned long addr);
/* Translations of @page that exist. */
int fake_mapcount(const struct page *page);
unsigned long fake_nr_flushes(void);
/* Pins refused because the page was aliased. */
unsigned long fake_pins_refused(void);
unsigned long fake_nr_pinned(void);
/* The kernel's page tables of windows are pages too, and no mapped ones. */
bool fake_is_table(const struct page *page);
/* Pages that could not be unpinned, which pvmem rightly left alone; frees them. */
bool fake_lost(const struct page *page);
void fake_free_lost(void);

#endif
