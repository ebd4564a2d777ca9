/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pool of compressed objects and its user, who knows what is in each object.
 * zs_check() compares the pool's structures with that, and with each other.
 */
#ifndef MODEL_ZS_WORLD_H
#define MODEL_ZS_WORLD_H

#include "zs_core.h"

#define ZS_OBJECTS 320

struct zs_object {
	unsigned long handle; /* 0: there is none */
	unsigned int size;
	unsigned int seed;
};

struct zs_world {
	struct pvmem_zs zs;
	struct pvmem_zs_pool *pool;
	struct zs_object object[ZS_OBJECTS];
	unsigned int nr_objects;
	unsigned int refuse; /* of so many evictions, one is refused; 0: none */
	unsigned int asked;
};

/* False when memory ran out on the way; then nothing is left allocated. */
bool zs_start(struct zs_world *w);
/* Frees every object, the pool, and what it shared; nothing may be left allocated. */
void zs_stop(struct zs_world *w);
void zs_check(struct zs_world *w);

/* False when it failed, which only a planted failure may bring about. */
bool zs_new(struct zs_world *w, unsigned int index, unsigned int size, unsigned int seed);
void zs_end(struct zs_world *w, unsigned int index);
void zs_end_bulk(struct zs_world *w, unsigned int first, unsigned int nr);
/* Other contents, by mapping, in pieces or by a write. */
void zs_rewrite(struct zs_world *w, unsigned int index, unsigned int seed, unsigned int how);
/* Ends the test when the contents are wrong. */
void zs_verify(struct zs_world *w, unsigned int index, unsigned int how);
int zs_evict(struct zs_world *w, unsigned int nr_pages, unsigned int *reclaimed);

#endif
