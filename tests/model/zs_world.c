// SPDX-License-Identifier: GPL-2.0
#include "shim.h"
#include "zs_world.h"

static struct page *source_alloc(void *ctx, gfp_t gfp)
{
	return alloc_page(gfp);
}

static void source_free(void *ctx, struct page *page)
{
	check(!page->private); /* the descriptor let go of it */
	__free_page(page);
}

static const struct pvmem_zs_source source = { .alloc = source_alloc, .free = source_free };

static void cpus_down(struct zs_world *w, int nr)
{
	while (nr--)
		pvmem_zs_maps_cpu_down(&w->zs.maps, nr);
}

static bool cpus_up(struct zs_world *w)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		if (pvmem_zs_maps_cpu_up(&w->zs.maps, cpu)) {
			cpus_down(w, cpu);
			return false;
		}
	}
	return true;
}

bool zs_start(struct zs_world *w)
{
	memset(w, 0, sizeof(*w));
	if (pvmem_zs_start(&w->zs))
		return false;
	if (cpus_up(w)) {
		w->pool = pvmem_zs_pool_create(&w->zs, "test", &source);
		if (w->pool)
			return true;
		cpus_down(w, SHIM_NR_CPUS);
	}
	pvmem_zs_stop(&w->zs);
	check(!shim_allocated());
	return false;
}

void zs_stop(struct zs_world *w)
{
	unsigned int i;

	for (i = 0; i < ZS_OBJECTS; i++)
		zs_end(w, i);
	zs_check(w);
	check(!shim_pages_allocated());
	check(!pvmem_zs_pool_destroy(w->pool));
	cpus_down(w, SHIM_NR_CPUS);
	pvmem_zs_stop(&w->zs);
	check(!shim_allocated());
}

static unsigned char byte_of(unsigned int seed, unsigned int at)
{
	return (seed * 2654435761u + at * 40503u) >> 13;
}

static void fill(unsigned char *p, unsigned int size, unsigned int seed)
{
	unsigned int at;

	for (at = 0; at < size; at++)
		p[at] = byte_of(seed, at);
}

static void compare(const unsigned char *p, const struct zs_object *object)
{
	unsigned int at;

	for (at = 0; at < object->size; at++)
		if (p[at] != byte_of(object->seed, at))
			die("object of %u bytes: byte %u is wrong", object->size, at);
}

/* Contents to or from the pieces. */
static void pieces(struct zs_world *w, unsigned long handle, unsigned char *p, unsigned int size, bool in)
{
	struct pvmem_zs_piece piece[2];
	unsigned int nr = pvmem_zs_pieces_get(w->pool, handle, piece), i;

	for (i = 0; i < nr && size; i++) {
		unsigned int len = min(size, piece[i].size);

		if (in)
			memcpy(piece[i].addr, p, len);
		else
			memcpy(p, piece[i].addr, len);
		p += len;
		size -= len;
	}
	check(!size);
	pvmem_zs_pieces_put(w->pool, handle);
}

void zs_rewrite(struct zs_world *w, unsigned int index, unsigned int seed, unsigned int how)
{
	struct zs_object *object = &w->object[index];
	unsigned char buffer[PAGE_SIZE];
	unsigned char *p;

	if (!object->handle)
		return;
	if (how % 4 == 1) /* what RW shows is what was there */
		zs_verify(w, index, 3);
	object->seed = seed;
	fill(buffer, object->size, seed);
	switch (how % 4) {
	case 2:
		pieces(w, object->handle, buffer, object->size, true);
		break;
	case 3:
		pvmem_zs_write(w->pool, object->handle, buffer, object->size);
		break;
	default:
		p = pvmem_zs_map(w->pool, object->handle, how % 4 ? PVMEM_ZS_RW : PVMEM_ZS_WO);
		memcpy(p, buffer, object->size);
		pvmem_zs_unmap(w->pool, object->handle);
	}
}

void zs_verify(struct zs_world *w, unsigned int index, unsigned int how)
{
	struct zs_object *object = &w->object[index];
	unsigned char buffer[PAGE_SIZE];

	if (!object->handle)
		return;
	switch (how % 4) {
	case 0:
		pieces(w, object->handle, buffer, object->size, false);
		compare(buffer, object);
		break;
	case 1:
		pvmem_zs_read(w->pool, object->handle, buffer, object->size);
		compare(buffer, object);
		break;
	default:
		compare(pvmem_zs_map(w->pool, object->handle, how % 4 == 2 ? PVMEM_ZS_RO : PVMEM_ZS_RW), object);
		pvmem_zs_unmap(w->pool, object->handle);
	}
}

bool zs_new(struct zs_world *w, unsigned int index, unsigned int size, unsigned int seed)
{
	struct zs_object *object = &w->object[index];
	unsigned long handle = 0;
	int err;

	if (object->handle)
		return true;
	err = pvmem_zs_malloc(w->pool, size, seed % 2 ? GFP_KERNEL : GFP_NOWAIT, &handle);
	check(err == (!size ? -EINVAL : size > PAGE_SIZE ? -ENOSPC : handle ? 0 : -ENOMEM));
	if (err)
		return false;
	*object = (struct zs_object){ .handle = handle, .size = size };
	w->nr_objects++;
	zs_rewrite(w, index, seed, seed & 2 ? 0 : seed % 3 + 2);
	return true;
}

void zs_end(struct zs_world *w, unsigned int index)
{
	struct zs_object *object = &w->object[index];

	if (!object->handle)
		return;
	zs_verify(w, index, index);
	pvmem_zs_free(w->pool, object->handle);
	object->handle = 0;
	w->nr_objects--;
}

void zs_end_bulk(struct zs_world *w, unsigned int first, unsigned int nr)
{
	unsigned long handles[ZS_OBJECTS];
	unsigned int i, found = 0;

	for (i = first; i < ZS_OBJECTS && found < nr; i++) {
		if (!w->object[i].handle)
			continue;
		zs_verify(w, i, i);
		handles[found++] = w->object[i].handle;
		w->object[i].handle = 0;
	}
	w->nr_objects -= found;
	pvmem_zs_free_bulk(w->pool, handles, found);
}

/* As zswap does it: map, find out what it is, free it, unmap. */
static int evict_one(void *ctx, unsigned long handle)
{
	struct zs_world *w = ctx;
	unsigned int i;

	for (i = 0; i < ZS_OBJECTS && w->object[i].handle != handle; i++)
		;
	check(i < ZS_OBJECTS);
	if (w->refuse && ++w->asked % w->refuse == 0)
		return -EEXIST;
	compare(pvmem_zs_map(w->pool, handle, PVMEM_ZS_RO), &w->object[i]);
	w->object[i].handle = 0;
	w->nr_objects--;
	pvmem_zs_free(w->pool, handle);
	pvmem_zs_unmap(w->pool, handle);
	return 0;
}

int zs_evict(struct zs_world *w, unsigned int nr_pages, unsigned int *reclaimed)
{
	long before = shim_pages_allocated();
	int err = pvmem_zs_evict(w->pool, nr_pages, evict_one, w, reclaimed);

	check(before - shim_pages_allocated() == *reclaimed);
	check((err == 0) == (*reclaimed >= nr_pages));
	return err;
}

/* What the walk adds up. */
struct zs_sums {
	unsigned long objs;
	unsigned long zspages;
	unsigned long pages;
	u64 bytes;
};

static bool backed(const struct pvmem_zspage *zspage, unsigned int size, unsigned int slot)
{
	unsigned int first = slot * size / PAGE_SIZE, last = (slot * size + size - 1) / PAGE_SIZE;

	return zspage->backed >> first & 1 && zspage->backed >> last & 1;
}

static void check_slots(const struct pvmem_zs_class *cls, const struct pvmem_zspage *zspage)
{
	unsigned int slot, used = 0;
	u32 needed = 0;

	for (slot = 0; slot < PVMEM_ZS_SLOTS; slot++) {
		bool in_use = test_bit(slot, zspage->used), avail = test_bit(slot, zspage->avail);

		if (slot >= cls->objs) {
			check(!in_use && !avail);
			continue;
		}
		check(avail == (!in_use && backed(zspage, cls->size, slot)));
		check(in_use || slot >= zspage->nr_moved || !zspage->moved[slot]);
		if (!in_use)
			continue;
		check(backed(zspage, cls->size, slot));
		used++;
		needed |= BIT(slot * cls->size / PAGE_SIZE) | BIT((slot * cls->size + cls->size - 1) / PAGE_SIZE);
	}
	check(used && used == zspage->nr_used);
	check(needed == zspage->backed); /* no page that nobody needs */
}

static void check_zspage(struct zs_world *w, const struct pvmem_zs_class *cls, struct pvmem_zspage *zspage,
			 unsigned int group, struct zs_sums *sums)
{
	bool avail = zspage->avail[0] || zspage->avail[1];
	u32 left;

	check(zspage->group == group && zspage->pool == w->pool && cls == &w->pool->cls[zspage->cls]);
	check(atomic_read(&zspage->desc.ref) == 1);
	check_slots(cls, zspage);
	check(avail == (group < PVMEM_ZS_QUARTERS));
	check((zspage->nr_used == cls->objs) == (group == PVMEM_ZS_FULL));
	for (left = zspage->backed; left; left &= left - 1) {
		struct page *page = pfn_to_page(zspage->frame[__ffs(left)]);

		check(!page->free && pvmem_desc_is(&zspage->desc, PVMEM_DESC_ZSPAGE, page));
		sums->pages++;
	}
	sums->objs += zspage->nr_used;
	sums->zspages++;
	sums->bytes += sizeof(*zspage) + (zspage->moved ? ksize(zspage->moved) : 0);
}

static void check_class(struct zs_world *w, const struct pvmem_zs_class *cls, struct zs_sums *all)
{
	struct zs_sums sums = {};
	struct pvmem_zspage *zspage;
	unsigned int group;

	for (group = 0; group < PVMEM_ZS_LISTS; group++)
		list_for_each_entry(zspage, &cls->list[group], list)
			check_zspage(w, cls, zspage, group, &sums);
	check(sums.objs == cls->nr_objs && sums.zspages == cls->nr_zspages && sums.pages == cls->nr_pages);
	all->objs += sums.objs;
	all->pages += sums.pages;
	all->bytes += sums.bytes;
}

/* Descriptors that stay because of where their objects went. */
static void check_handles(struct zs_world *w, struct zs_sums *all)
{
	unsigned int i, j;

	for (i = 0; i < ZS_OBJECTS; i++) {
		unsigned long handle = w->object[i].handle, at = handle;
		struct pvmem_zspage *zspage = pvmem_zs_handle_zspage(handle);
		unsigned int slot = pvmem_zs_handle_slot(handle);

		if (!handle)
			continue;
		if (zspage->group == PVMEM_ZS_MOVED) {
			for (j = 0; j < i && pvmem_zs_handle_zspage(w->object[j].handle) != zspage; j++)
				;
			check(test_bit(slot, zspage->used) && !zspage->backed);
			at = *pvmem_zs_moved_to(zspage, slot);
			if (i == j)
				all->bytes += sizeof(*zspage) +
					      ((void *)zspage->moved == zspage->frame ? 0 : ksize(zspage->moved));
		}
		zspage = pvmem_zs_handle_zspage(at);
		check(zspage->group < PVMEM_ZS_LISTS && test_bit(pvmem_zs_handle_slot(at), zspage->used));
		check(pvmem_zspage_handle(zspage, pvmem_zs_handle_slot(at)) == handle);
		check(w->pool->cls[zspage->cls].size >= w->object[i].size);
	}
}

void zs_check(struct zs_world *w)
{
	struct zs_sums all = {};
	struct pvmem_zs_stats stats;
	unsigned int i;

	for (i = 0; i < w->zs.geometry.nr; i++)
		check_class(w, &w->pool->cls[i], &all);
	check_handles(w, &all);
	check(all.objs == w->nr_objects);
	check(all.pages == shim_pages_allocated());
	all.bytes += all.pages * PAGE_SIZE;
	check(pvmem_zs_total_bytes(w->pool) == all.bytes);
	pvmem_zs_stats(w->pool, &stats);
	check(stats.objs == all.objs && stats.pages == all.pages);
}
