/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An instance of pvmem on the fake backend, and the user of it: pages, live
 * mappings, page-table pages. Everything here is a plain array, so that what is
 * expected is plain too. world_check() compares all of it.
 */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include "core.h"
#include "walk.h"

/*
 * The user's pages: single ones, but for a compound page of four, a plain block
 * of four, whose tails have no count, and one that is not RAM.
 */
#define WORLD_COMPOUND 8
#define WORLD_PLAIN 12
#define WORLD_OUTSIDE 16
#define WORLD_PAGES 192
#define WORLD_MAPPINGS 1024
#define WORLD_OUT 128

struct world_mapping {
	const char *addr;
	unsigned int nr;
	struct page **pages;
};

struct world {
	struct pvmem *pv;
	struct pvmem_config config;
	struct page *page[WORLD_PAGES]; /* each with one reference of the user's */
	struct world_mapping live[WORLD_MAPPINGS];
	unsigned int nr_live;
	struct page *out[WORLD_OUT];
	unsigned int nr_out;
	unsigned int outside_at; /* where world_map() puts the page that is not RAM, if the map is that long */
	struct walk walk;	 /* as of the last world_check() */
};

/* Policy hold, windows of 2 blocks, at most 8, a lazy limit that is not reached, a small pool. */
extern const struct pvmem_config world_config;

/* False when the instance could not be created. */
bool world_start(struct world *w, const struct pvmem_config *config);
/* Ends every mapping and the instance; nothing may be left allocated. */
void world_stop(struct world *w);
void world_check(struct world *w);

/* A new mapping, the last in @live, or NULL. Pages: @first, @first + @step, ..., all of RAM but for @outside_at. */
const char *world_map(struct world *w, unsigned int nr, unsigned int first, unsigned int step);
int world_unmap(struct world *w, unsigned int index);
/* The test has unmapped it. */
void world_forget(struct world *w, unsigned int index);
/* The user frees a page that is not mapped and allocates another; false: it is mapped. */
bool world_renew_page(struct world *w, unsigned int index);
/* As a write to the policy file does. */
void world_set_policy(struct world *w, enum pvmem_policy policy);
bool world_take(struct world *w);
void world_give(struct world *w, bool dirty);
/* No injected failure is pending, and none was hit since it was set. */
bool world_faultless(void);
void world_faults_off(void);
/* One was hit since this was asked last. */
bool world_fault_was_hit(void);

#endif
