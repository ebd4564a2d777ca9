// SPDX-License-Identifier: GPL-2.0
/* Sizes: computed, not a table; and the statistics of a pool. */
#include "zs_core.h"

/* Slots of @size bytes over @pages pages. */
static unsigned int pvmem_zs_objs(unsigned int size, unsigned int pages)
{
	return min_t(unsigned int, PVMEM_ZS_SLOTS, pages *PAGE_SIZE / size);
}

/* What a zspage costs. */
static unsigned long pvmem_zs_cost(unsigned int pages)
{
	return pages * PAGE_SIZE + sizeof(struct pvmem_zspage);
}

/* The length at which an object of @size bytes costs least. */
static struct pvmem_zs_spec pvmem_zs_best(unsigned int size)
{
	struct pvmem_zs_spec best = { .size = size };
	unsigned int pages, objs;

	for (pages = 1; pages <= PVMEM_ZS_PAGES; pages++) {
		objs = pvmem_zs_objs(size, pages);
		if (!best.pages || pvmem_zs_cost(pages) * best.objs < pvmem_zs_cost(best.pages) * objs) {
			best.pages = pages;
			best.objs = objs;
		}
	}
	return best;
}

/* An object costs no more in @spec than in @other, whose slots are smaller. */
static bool pvmem_zs_as_good(const struct pvmem_zs_spec *spec, const struct pvmem_zs_spec *other)
{
	return pvmem_zs_cost(spec->pages) * other->objs <= pvmem_zs_cost(other->pages) * spec->objs;
}

/* @spec holds the classes descending. */
static void pvmem_zs_geometry_turn(struct pvmem_zs_geometry *geometry)
{
	unsigned int i;

	for (i = 0; i < geometry->nr / 2; i++)
		swap(geometry->spec[i], geometry->spec[geometry->nr - 1 - i]);
	for (i = 0; i < PVMEM_ZS_SIZES; i++)
		geometry->of[i] = geometry->nr - 1 - geometry->of[i];
}

/**
 * pvmem_zs_geometry_init() - choose the classes
 * @geometry: what to fill in.
 *
 * From the largest size down, each gets the length of zspage at which it costs
 * least, its share of the descriptor and of the tail included; but where the next
 * larger class costs no more, that one serves it too.
 *
 * Return: 0, or -E2BIG when there are more classes than room, which only a
 * different page size could bring about.
 */
int pvmem_zs_geometry_init(struct pvmem_zs_geometry *geometry)
{
	unsigned int size = PAGE_SIZE, step, i;
	struct pvmem_zs_spec spec;

	geometry->nr = 0;
	while (size >= PVMEM_ZS_SIZE_MIN) {
		spec = pvmem_zs_best(size);
		if (!geometry->nr || !pvmem_zs_as_good(&geometry->spec[geometry->nr - 1], &spec)) {
			if (geometry->nr == PVMEM_ZS_CLASSES)
				return -E2BIG;
			geometry->spec[geometry->nr++] = spec;
		}
		step = size > PVMEM_ZS_SIZE_COARSE ? 2 * PVMEM_ZS_SIZE_STEP : PVMEM_ZS_SIZE_STEP;
		for (i = size / PVMEM_ZS_SIZE_STEP; i > (size - step) / PVMEM_ZS_SIZE_STEP; i--)
			geometry->of[i - 1] = geometry->nr - 1;
		size -= step;
	}
	for (i = 0; i < PVMEM_ZS_SIZE_MIN / PVMEM_ZS_SIZE_STEP; i++)
		geometry->of[i] = geometry->nr - 1;
	pvmem_zs_geometry_turn(geometry);
	return 0;
}

/**
 * pvmem_zs_class_init() - a class without zspages
 * @cls: the class.
 * @spec: its shape.
 */
void pvmem_zs_class_init(struct pvmem_zs_class *cls, const struct pvmem_zs_spec *spec)
{
	unsigned int i;

	spin_lock_init(&cls->lock);
	cls->size = spec->size;
	cls->tail = spec->pages * PAGE_SIZE - spec->objs * spec->size;
	cls->objs = spec->objs;
	cls->reciprocal = DIV_ROUND_UP(1UL << 32, spec->size);
	cls->quarter = (PVMEM_ZS_QUARTERS << 8) / spec->objs;
	for (i = 0; i < PVMEM_ZS_LISTS; i++)
		INIT_LIST_HEAD(&cls->list[i]);
}

/**
 * pvmem_zs_total_bytes() - memory that a pool holds
 * @pool: the pool.
 *
 * Pages, descriptors, and notes of where objects were moved: all that comes and goes
 * with objects. The pool's own structure, of one size, is not in it.
 *
 * Context: any. One load.
 * Return: bytes.
 */
u64 pvmem_zs_total_bytes(struct pvmem_zs_pool *pool)
{
	return atomic_long_read(&pool->bytes);
}
EXPORT_SYMBOL_GPL(pvmem_zs_total_bytes);

/**
 * pvmem_zs_class_stats() - one class of a pool
 * @pool: the pool.
 * @index: number of the class, from 0; sizes ascend.
 * @stats: filled in.
 *
 * Context: any.
 * Return: 0, or -ENOENT when there are not as many classes.
 */
int pvmem_zs_class_stats(struct pvmem_zs_pool *pool, unsigned int index, struct pvmem_zs_class_stats *stats)
{
	const struct pvmem_zs_geometry *geometry = &pool->zs->geometry;
	struct pvmem_zs_class *cls = &pool->cls[index];

	if (index >= geometry->nr)
		return -ENOENT;
	stats->size = cls->size;
	stats->objs_per_zspage = cls->objs;
	stats->pages_per_zspage = geometry->spec[index].pages;
	spin_lock(&cls->lock);
	stats->objs = cls->nr_objs;
	stats->zspages = cls->nr_zspages;
	stats->pages = cls->nr_pages;
	spin_unlock(&cls->lock);
	return 0;
}
EXPORT_SYMBOL_GPL(pvmem_zs_class_stats);

/**
 * pvmem_zs_stats() - a pool in numbers
 * @pool: the pool.
 * @stats: filled in.
 *
 * Context: any. Classes are read one after the other.
 */
void pvmem_zs_stats(struct pvmem_zs_pool *pool, struct pvmem_zs_stats *stats)
{
	struct pvmem_zs_class_stats cls;
	unsigned int i;

	*stats = (struct pvmem_zs_stats){
		.total_bytes = pvmem_zs_total_bytes(pool),
		.borrowed = atomic_long_read(&pool->borrowed),
		.compacted = atomic_long_read(&pool->compacted),
		.moved = atomic_long_read(&pool->moved),
		.evicted = atomic_long_read(&pool->evicted),
		.migrated = atomic_long_read(&pool->migrated),
	};
	for (i = 0; !pvmem_zs_class_stats(pool, i, &cls); i++) {
		stats->objs += cls.objs;
		stats->pages += cls.pages;
		stats->zspages += cls.zspages;
	}
}
EXPORT_SYMBOL_GPL(pvmem_zs_stats);
