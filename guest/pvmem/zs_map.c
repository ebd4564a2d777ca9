// SPDX-License-Identifier: GPL-2.0
/*
 * From a handle to an address. A mapped object stays where it is because its
 * zspage has a reference more. Inside one page its address is the page's own;
 * otherwise it is made contiguous in an area of this CPU, which the task cannot
 * leave until the object is unmapped. It may sleep meanwhile.
 */
#include <linux/sched.h>
#include "zs_core.h"

/* An object's place, with a reference on its zspage. */
struct pvmem_zs_place {
	struct pvmem_zspage *zspage;
	unsigned int size;
	unsigned int page;
	unsigned int offset;
};

static __always_inline bool pvmem_zs_crosses(const struct pvmem_zs_place *place)
{
	return place->offset + place->size > PAGE_SIZE;
}

static __always_inline void *pvmem_zs_first(const struct pvmem_zs_place *place)
{
	return pvmem_zspage_address(place->zspage, place->page) + place->offset;
}

static __always_inline void *pvmem_zs_second(const struct pvmem_zs_place *place)
{
	return pvmem_zspage_address(place->zspage, place->page + 1);
}

static __always_inline void pvmem_zs_place_set(struct pvmem_zs_place *place, struct pvmem_zs_pool *pool,
					       struct pvmem_zspage *zspage, unsigned int slot)
{
	place->zspage = zspage;
	place->size = pvmem_zspage_class(pool, zspage)->size;
	place->page = slot * place->size >> PAGE_SHIFT;
	place->offset = slot * place->size & ~PAGE_MASK;
}

static __always_inline void pvmem_zs_place_get(struct pvmem_zs_place *place, struct pvmem_zs_pool *pool,
					       unsigned long handle)
{
	struct pvmem_zspage *zspage = pvmem_zs_handle_zspage(handle);
	unsigned int slot = pvmem_zs_handle_slot(handle);

	if (unlikely(pvmem_desc_get(&zspage->desc)))
		zspage = pvmem_zs_find(zspage, &slot);
	pvmem_zs_place_set(place, pool, zspage, slot);
}

/* Of an object that pvmem_zs_place_get() was called for: nothing has changed since. */
static __always_inline void pvmem_zs_place_again(struct pvmem_zs_place *place, struct pvmem_zs_pool *pool,
						 unsigned long handle)
{
	struct pvmem_zspage *zspage = pvmem_zs_handle_zspage(handle);
	unsigned int slot = pvmem_zs_handle_slot(handle);
	unsigned long to;

	if (unlikely(READ_ONCE(zspage->group) == PVMEM_ZS_MOVED)) {
		to = READ_ONCE(*pvmem_zs_moved_to(zspage, slot));
		zspage = pvmem_zs_handle_zspage(to);
		slot = pvmem_zs_handle_slot(to);
	}
	pvmem_zs_place_set(place, pool, zspage, slot);
}

static void pvmem_zs_copy_out(const struct pvmem_zs_place *place, void *to, unsigned int size)
{
	unsigned int first = min_t(unsigned int, size, PAGE_SIZE - place->offset);

	memcpy(to, pvmem_zs_first(place), first);
	if (size > first)
		memcpy(to + first, pvmem_zs_second(place), size - first);
}

static void pvmem_zs_copy_in(const struct pvmem_zs_place *place, const void *from, unsigned int size)
{
	unsigned int first = min_t(unsigned int, size, PAGE_SIZE - place->offset);

	memcpy(pvmem_zs_first(place), from, first);
	if (size > first)
		memcpy(pvmem_zs_second(place), from + first, size - first);
}

/* Slots and what pages cut off them are words, and the compiler knows: no call, no bytes at either end. */
static __always_inline void pvmem_zs_copy_words(void *to, const void *from, unsigned int size)
{
	memcpy(to, from, size & (2 * PAGE_SIZE - sizeof(u64)));
}

/* Both pages, where this CPU alone looks for them. */
static bool pvmem_zs_pair_up(struct pvmem_zs_maps *maps, struct pvmem_zs_area *area, const struct pvmem_zs_place *place)
{
	const u32 *frame = place->zspage->frame + place->page;
	unsigned long pfn[2] = { frame[0], frame[1] };

	return area->pair.addr && !maps->ops->set(&area->pair, pfn);
}

static noinline void *pvmem_zs_map_across(struct pvmem_zs_maps *maps, const struct pvmem_zs_place *place,
					  unsigned long handle, enum pvmem_zs_mode mode)
{
	unsigned int first = PAGE_SIZE - place->offset;
	struct pvmem_zs_area *area;

	migrate_disable();
	area = &raw_cpu_ptr(maps->cpu)->area[mode == PVMEM_ZS_RO ? PVMEM_ZS_READING : PVMEM_ZS_WRITING];
	mutex_lock(&area->mutex);
	area->owner = current;
	area->handle = handle;
	area->mode = mode;
	area->paired = place->size >= READ_ONCE(maps->pair_from) && pvmem_zs_pair_up(maps, area, place);
	if (area->paired)
		return (void *)area->pair.addr + place->offset;
	if (mode == PVMEM_ZS_WO)
		return area->buffer;
	pvmem_zs_copy_words(area->buffer, pvmem_zs_first(place), first);
	pvmem_zs_copy_words(area->buffer + first, pvmem_zs_second(place), place->size - first);
	return area->buffer;
}

static void pvmem_zs_finish(struct pvmem_zs_maps *maps, struct pvmem_zs_area *area, const struct pvmem_zs_place *place)
{
	unsigned int first = PAGE_SIZE - place->offset;

	if (area->paired) {
		if (WARN_ON_ONCE(maps->ops->clear(&area->pair)))
			area->pair.addr = 0;
	} else if (area->mode != PVMEM_ZS_RO) {
		pvmem_zs_copy_words(pvmem_zs_first(place), area->buffer, first);
		pvmem_zs_copy_words(pvmem_zs_second(place), area->buffer + first, place->size - first);
	}
}

static noinline void pvmem_zs_unmap_across(struct pvmem_zs_maps *maps, const struct pvmem_zs_place *place,
					   unsigned long handle)
{
	struct pvmem_zs_area *area = &raw_cpu_ptr(maps->cpu)->area[PVMEM_ZS_WRITING];

	if (READ_ONCE(area->owner) != current || area->handle != handle)
		area = &raw_cpu_ptr(maps->cpu)->area[PVMEM_ZS_READING];
	if (WARN_ON_ONCE(READ_ONCE(area->owner) != current || area->handle != handle))
		return;
	pvmem_zs_finish(maps, area, place);
	WRITE_ONCE(area->owner, NULL);
	mutex_unlock(&area->mutex);
	migrate_enable();
}

/**
 * pvmem_zs_map() - an object's address
 * @pool: the pool.
 * @handle: the object.
 * @mode: what for.
 *
 * The object does not move until pvmem_zs_unmap(), by the same task. A task has at
 * most one object mapped for reading and one for writing at a time.
 *
 * Context: process; may sleep, and may be held over sleeping (see enum
 * pvmem_zs_mode). The task stays on its CPU while the object crosses pages.
 * Return: the address.
 */
void *pvmem_zs_map(struct pvmem_zs_pool *pool, unsigned long handle, enum pvmem_zs_mode mode)
{
	struct pvmem_zs_place place;

	pvmem_zs_place_get(&place, pool, handle);
	if (likely(!pvmem_zs_crosses(&place)))
		return pvmem_zs_first(&place);
	return pvmem_zs_map_across(&pool->zs->maps, &place, handle, mode);
}
EXPORT_SYMBOL_GPL(pvmem_zs_map);

/**
 * pvmem_zs_unmap() - end a mapping
 * @pool: the pool.
 * @handle: the object. It may have been freed after it was mapped for reading if
 *	somebody else has a reference on its zspage: pvmem_zs_evict() does.
 *
 * Context: process. Does not sleep.
 */
void pvmem_zs_unmap(struct pvmem_zs_pool *pool, unsigned long handle)
{
	struct pvmem_zs_place place;

	pvmem_zs_place_again(&place, pool, handle);
	if (unlikely(pvmem_zs_crosses(&place)))
		pvmem_zs_unmap_across(&pool->zs->maps, &place, handle);
	pvmem_zspage_put(place.zspage);
}
EXPORT_SYMBOL_GPL(pvmem_zs_unmap);

/**
 * pvmem_zs_pieces_get() - where an object is, without making it contiguous
 * @pool: the pool.
 * @handle: the object.
 * @pieces: filled in. Together at least as long as the object.
 *
 * Context: any but interrupts. Does not sleep. The object does not move until
 * pvmem_zs_pieces_put(); any number of objects can be held so.
 * Return: 1 or 2.
 */
unsigned int pvmem_zs_pieces_get(struct pvmem_zs_pool *pool, unsigned long handle, struct pvmem_zs_piece pieces[2])
{
	struct pvmem_zs_place place;

	pvmem_zs_place_get(&place, pool, handle);
	pieces[0].addr = pvmem_zs_first(&place);
	pieces[0].size = place.size;
	if (!pvmem_zs_crosses(&place))
		return 1;
	pieces[0].size = PAGE_SIZE - place.offset;
	pieces[1].addr = pvmem_zs_second(&place);
	pieces[1].size = place.size - pieces[0].size;
	return 2;
}
EXPORT_SYMBOL_GPL(pvmem_zs_pieces_get);

/**
 * pvmem_zs_pieces_put() - the object may move again
 * @pool: the pool.
 * @handle: the object.
 *
 * Context: any but interrupts.
 */
void pvmem_zs_pieces_put(struct pvmem_zs_pool *pool, unsigned long handle)
{
	struct pvmem_zs_place place;

	pvmem_zs_place_again(&place, pool, handle);
	pvmem_zspage_put(place.zspage);
}
EXPORT_SYMBOL_GPL(pvmem_zs_pieces_put);

/**
 * pvmem_zs_read() - copy an object out
 * @pool: the pool.
 * @handle: the object.
 * @to: where to. At the end of a buffer that is longer than the page it expands
 *	to, a compressed object can be expanded in place.
 * @size: bytes, at most the object's.
 *
 * Context: any but interrupts. Does not sleep.
 */
void pvmem_zs_read(struct pvmem_zs_pool *pool, unsigned long handle, void *to, size_t size)
{
	struct pvmem_zs_place place;

	pvmem_zs_place_get(&place, pool, handle);
	pvmem_zs_copy_out(&place, to, min_t(size_t, size, place.size));
	pvmem_zspage_put(place.zspage);
}
EXPORT_SYMBOL_GPL(pvmem_zs_read);

/**
 * pvmem_zs_write() - copy an object in
 * @pool: the pool.
 * @handle: the object.
 * @from: its bytes, from the first on.
 * @size: how many, at most the object's.
 *
 * Context: any but interrupts. Does not sleep.
 */
void pvmem_zs_write(struct pvmem_zs_pool *pool, unsigned long handle, const void *from, size_t size)
{
	struct pvmem_zs_place place;

	pvmem_zs_place_get(&place, pool, handle);
	pvmem_zs_copy_in(&place, from, min_t(size_t, size, place.size));
	pvmem_zspage_put(place.zspage);
}
EXPORT_SYMBOL_GPL(pvmem_zs_write);

/**
 * pvmem_zs_maps_init() - areas, without memory yet
 * @maps: to initialise.
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int pvmem_zs_maps_init(struct pvmem_zs_maps *maps)
{
	struct pvmem_zs_area *area;
	int cpu;

	maps->pair_from = PVMEM_ZS_PAIR_NEVER;
	maps->cpu = alloc_percpu(struct pvmem_zs_cpu);
	if (!maps->cpu)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		area = per_cpu_ptr(maps->cpu, cpu)->area;
		/* Two classes: zswap takes a mutex of its own after the first, and before the second. */
		mutex_init(&area[PVMEM_ZS_READING].mutex);
		mutex_init(&area[PVMEM_ZS_WRITING].mutex);
	}
	return 0;
}

/**
 * pvmem_zs_maps_exit() - undo pvmem_zs_maps_init()
 * @maps: the areas; no CPU is up.
 */
void pvmem_zs_maps_exit(struct pvmem_zs_maps *maps)
{
	free_percpu(maps->cpu);
}

/**
 * pvmem_zs_maps_cpu_up() - before a CPU runs tasks
 * @maps: the areas.
 * @cpu: the CPU.
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int pvmem_zs_maps_cpu_up(struct pvmem_zs_maps *maps, unsigned int cpu)
{
	struct pvmem_zs_area *area = per_cpu_ptr(maps->cpu, cpu)->area;
	unsigned int i;

	for (i = 0; i < PVMEM_ZS_AREAS; i++) {
		area[i].buffer = kmalloc(PAGE_SIZE, GFP_KERNEL);
		if (!area[i].buffer) {
			pvmem_zs_maps_cpu_down(maps, cpu);
			return -ENOMEM;
		}
	}
	return 0;
}

/**
 * pvmem_zs_maps_cpu_down() - after a CPU has run its last task
 * @maps: the areas.
 * @cpu: the CPU.
 */
void pvmem_zs_maps_cpu_down(struct pvmem_zs_maps *maps, unsigned int cpu)
{
	struct pvmem_zs_area *area = per_cpu_ptr(maps->cpu, cpu)->area;
	unsigned int i;

	for (i = 0; i < PVMEM_ZS_AREAS; i++) {
		kfree(area[i].buffer);
		area[i].buffer = NULL;
	}
}
