// SPDX-License-Identifier: GPL-2.0
/* Compressed objects: sizes, growth, moving, eviction, failures, several tasks. */
#include <stdlib.h>
#include <unistd.h>
#include <linux/sched.h>
#include "shim.h"
#include "tests.h"
#include "zs_world.h"

static struct zs_world w;

/* Every size has a class that holds it, without much waste. */
void test_zs_classes(void)
{
	struct pvmem_zs_geometry geometry;
	const struct pvmem_zs_spec *spec, *below;
	unsigned int size, i;

	check(!pvmem_zs_geometry_init(&geometry));
	for (i = 0; i < geometry.nr; i++) {
		spec = &geometry.spec[i];
		check(spec->objs && spec->objs <= PVMEM_ZS_SLOTS && spec->pages && spec->pages <= PVMEM_ZS_PAGES);
		check(spec->size % 16 == 0 && spec->objs * spec->size <= spec->pages * PAGE_SIZE);
		check(!i || spec->size > geometry.spec[i - 1].size);
		/* A slot at the end of the last page, or every slot a handle can name. */
		check(spec->pages * PAGE_SIZE - spec->objs * spec->size < spec->size || spec->objs == PVMEM_ZS_SLOTS);
	}
	for (size = 1; size <= PAGE_SIZE; size++) {
		i = geometry.of[(size - 1) / PVMEM_ZS_SIZE_STEP];
		spec = &geometry.spec[i];
		below = i ? spec - 1 : NULL;
		check(spec->size >= size && (!below || below->size < size));
		check(spec->size - size < (size > 3968 ? 128 : size > 2016 ? 32 : 16) || size <= PVMEM_ZS_SIZE_MIN);
		/* At most 3.2 % of what it occupies from 512 bytes up. */
		if (size >= 512)
			check((spec->pages * PAGE_SIZE - spec->objs * size) * 1000 <= 32 * spec->pages * PAGE_SIZE);
	}
}

/* A zspage grows by what its next object needs, and no more. */
void test_zs_grows_by_page(void)
{
	unsigned int i;

	check(zs_start(&w));
	for (i = 0; i < 200; i++) {
		check(zs_new(&w, i, 1632, i));
		zs_check(&w);
		/* 80 slots a zspage, 32 pages */
		check(shim_pages_allocated() == i / 80 * 32 + DIV_ROUND_UP((i % 80 + 1) * 1632, PAGE_SIZE));
	}
	zs_stop(&w);
}

void test_zs_bad_size(void)
{
	unsigned long handle = 77;

	check(zs_start(&w));
	check(pvmem_zs_malloc(w.pool, 0, GFP_KERNEL, &handle) == -EINVAL);
	check(pvmem_zs_malloc(w.pool, PAGE_SIZE + 1, GFP_KERNEL, &handle) == -ENOSPC);
	check(pvmem_zs_malloc(w.pool, -1, GFP_KERNEL, &handle) == -ENOSPC);
	check(handle == 77);
	check(zs_new(&w, 0, PAGE_SIZE, 1) && zs_new(&w, 1, 1, 1));
	zs_check(&w);
	zs_stop(&w);
}

void test_zs_double_free(void)
{
	unsigned long handle;

	check(zs_start(&w));
	check(zs_new(&w, 0, 1000, 1) && zs_new(&w, 1, 1000, 2));
	handle = w.object[0].handle;
	zs_end(&w, 0);
	shim_warnings_expected = 1;
	pvmem_zs_free(w.pool, handle);
	check(!shim_warnings_expected);
	zs_check(&w);
	zs_stop(&w);
}

/* Freed together: more than are looked at together, of many classes, and of one more than its lock is held for. */
void test_zs_bulk(void)
{
	unsigned int i;

	check(zs_start(&w));
	for (i = 0; i < 300; i++)
		check(zs_new(&w, i, i % 2 ? 700 : i * 12 + 1, i));
	zs_end_bulk(&w, 7, 290);
	check(w.nr_objects == 10);
	zs_check(&w);
	zs_end_bulk(&w, 0, 300);
	check(!shim_pages_allocated());
	zs_stop(&w);
}

/* What was left in a pool is counted, and its pages are not lost. */
void test_zs_destroy_with_objects(void)
{
	unsigned int i;

	check(zs_start(&w));
	for (i = 0; i < 100; i++)
		check(zs_new(&w, i, 40 * i + 1, i));
	check(pvmem_zs_pool_destroy(w.pool) == 100);
	check(!shim_pages_allocated());
}

/* No page: a larger slot is taken; none of those either: an error. */
void test_zs_borrows(void)
{
	struct pvmem_zs_stats stats;
	unsigned int i;

	check(zs_start(&w));
	check(zs_new(&w, 0, 1000, 1));
	shim_fail_alloc(1, true);
	for (i = 1; i < 4; i++)
		check(zs_new(&w, i, 300, i));
	check(!zs_new(&w, 4, 300, 4));
	check(!zs_new(&w, 4, 2000, 4));
	zs_check(&w);
	pvmem_zs_stats(w.pool, &stats);
	check(stats.borrowed == 3);
	shim_fail_alloc(0, false);
	check(zs_new(&w, 4, 300, 4));
	zs_stop(&w);
}

/* Sparse zspages become few; every handle still leads to its object. */
static void zs_make_sparse(unsigned int size, unsigned int keep_one_in)
{
	unsigned int i;

	for (i = 0; i < ZS_OBJECTS; i++)
		check(zs_new(&w, i, size, i));
	for (i = 0; i < ZS_OBJECTS; i++)
		if (i % keep_one_in)
			zs_end(&w, i);
}

void test_zs_compact(void)
{
	static const unsigned int sizes[] = { 48, 400, 1632, 2500, 3900 };
	unsigned int i, j;
	unsigned long freed;
	long before;

	for (j = 0; j < sizeof(sizes) / sizeof(*sizes); j++) {
		shim_note("size %u", sizes[j]);
		check(zs_start(&w));
		zs_make_sparse(sizes[j], 5);
		zs_check(&w);
		before = shim_pages_allocated();
		freed = pvmem_zs_compact(w.pool, ULONG_MAX);
		zs_check(&w);
		check(before - shim_pages_allocated() == freed);
		check(freed || before == 1);
		check(pvmem_zs_compactable(w.pool) <= 2);
		for (i = 0; i < ZS_OBJECTS; i++)
			zs_verify(&w, i, 2);
		/* And once more, from where they are now. */
		for (i = 0; i < ZS_OBJECTS; i += 3)
			zs_end(&w, i);
		pvmem_zs_compact(w.pool, ULONG_MAX);
		zs_check(&w);
		for (i = 0; i < ZS_OBJECTS; i++)
			zs_verify(&w, i, 0);
		zs_stop(&w);
	}
}

/* A class with a single zspage: its objects move down, whatever page is missing in between. */
void test_zs_compact_single(void)
{
	static const unsigned int sizes[] = { 100, 1632, 1968, 2500, 2700, 3500 };
	unsigned int i, j, nr;

	for (j = 0; j < sizeof(sizes) / sizeof(*sizes); j++) {
		shim_note("size %u", sizes[j]);
		check(zs_start(&w));
		for (nr = 0; nr < 36; nr++)
			check(zs_new(&w, nr, sizes[j], nr));
		for (i = 0; i < nr; i++)
			if (i % 5 < 3)
				zs_end(&w, i);
		pvmem_zs_compact(w.pool, ULONG_MAX);
		zs_check(&w);
		check(!pvmem_zs_compactable(w.pool));
		for (i = 0; i < nr; i++)
			zs_verify(&w, i, 2);
		zs_stop(&w);
	}
}

/* A call moves no more than it may with the lock held, and the next goes on from there. */
void test_zs_compact_bounded(void)
{
	struct pvmem_zs_stats before, after;

	check(zs_start(&w));
	zs_make_sparse(1632, 2);
	pvmem_zs_stats(w.pool, &before);
	while (pvmem_zs_compact(w.pool, 1)) {
		pvmem_zs_stats(w.pool, &after);
		check((after.moved - before.moved) * 1632 < (16 << 10) + 1632);
		before = after;
		zs_check(&w);
	}
	check(!pvmem_zs_compactable(w.pool));
	zs_stop(&w);
}

/* What is mapped is not moved, and its handle leads to the same place. */
void test_zs_compact_mapped(void)
{
	unsigned char *at[ZS_OBJECTS / 10];
	struct pvmem_zs_piece piece[2];
	unsigned int i;

	check(zs_start(&w));
	zs_make_sparse(1008, 5);
	for (i = 0; i < ZS_OBJECTS / 10; i++) {
		pvmem_zs_pieces_get(w.pool, w.object[i * 10].handle, piece);
		at[i] = piece[0].addr;
	}
	pvmem_zs_compact(w.pool, ULONG_MAX);
	for (i = 0; i < ZS_OBJECTS / 10; i++) {
		pvmem_zs_pieces_get(w.pool, w.object[i * 10].handle, piece);
		check(piece[0].addr == at[i]);
		pvmem_zs_pieces_put(w.pool, w.object[i * 10].handle);
		pvmem_zs_pieces_put(w.pool, w.object[i * 10].handle);
	}
	zs_check(&w);
	zs_stop(&w);
}

/* Somebody maps an object while it is being moved, and writes when that is over. */
static bool zs_moved_already;

static void *zs_late_writer(void *data)
{
	struct zs_object *object = data;
	unsigned char *p;

	shim_cpu_set(1);
	p = pvmem_zs_map(w.pool, object->handle, PVMEM_ZS_RW);
	while (!__atomic_load_n(&zs_moved_already, __ATOMIC_ACQUIRE))
		usleep(1000);
	p[0]++;
	pvmem_zs_unmap(w.pool, object->handle);
	return NULL;
}

static pthread_t zs_writer;
static struct zs_object *zs_written;

/* In compaction, with the source fenced: room to note whose objects are moved. */
static void zs_while_fenced(gfp_t gfp)
{
	if (!(gfp & __GFP_ZERO) || gfp & __GFP_DIRECT_RECLAIM)
		return;
	shim_alloc_hook = NULL;
	check(!pthread_create(&zs_writer, NULL, zs_late_writer, zs_written));
	usleep(50000);
}

void test_zs_fence(void)
{
	unsigned char first;
	unsigned int i;

	check(zs_start(&w));
	/* A zspage of 43 that is half full, and one with a single object. */
	for (i = 0; i < 44; i++)
		check(zs_new(&w, i, 2000, i));
	for (i = 1; i < 43; i += 2)
		zs_end(&w, i);
	zs_written = &w.object[43];
	pvmem_zs_read(w.pool, zs_written->handle, &first, 1);
	zs_moved_already = false;
	shim_alloc_hook = zs_while_fenced;
	pvmem_zs_compact(w.pool, ULONG_MAX);
	__atomic_store_n(&zs_moved_already, true, __ATOMIC_RELEASE);
	check(!shim_alloc_hook);
	pthread_join(zs_writer, NULL);
	first++;
	check(*(unsigned char *)pvmem_zs_map(w.pool, zs_written->handle, PVMEM_ZS_RO) == first);
	pvmem_zs_unmap(w.pool, zs_written->handle);
	zs_rewrite(&w, 43, 5, 0);
	zs_stop(&w);
}

/* Another page for one of a zspage's: the kernel has only the page to come with. */
static int zs_replace(struct page *from, struct page **to)
{
	int err;

	*to = shim_pages(GFP_KERNEL, 0);
	err = pvmem_zs_replace(*to, from);
	__free_page(err ? *to : from);
	return err;
}

static struct page *zs_page_of(unsigned int index)
{
	struct pvmem_zs_piece piece[2];
	struct pvmem_zspage *zspage = pvmem_zs_handle_zspage(w.object[index].handle);
	unsigned int i;

	pvmem_zs_pieces_get(w.pool, w.object[index].handle, piece);
	for (i = 0; pvmem_zspage_address(zspage, i) != (void *)((unsigned long)piece[0].addr & PAGE_MASK); i++)
		;
	pvmem_zs_pieces_put(w.pool, w.object[index].handle);
	return pfn_to_page(zspage->frame[i]);
}

void test_zs_replace(void)
{
	struct pvmem_zs_piece piece[2];
	struct pvmem_zs_stats stats;
	struct page *from, *to;
	unsigned int i;

	check(zs_start(&w));
	for (i = 0; i < 100; i++)
		check(zs_new(&w, i, 1632, i));
	for (i = 0; i < 100; i += 3) {
		from = zs_page_of(i);
		check(!zs_replace(from, &to) && zs_page_of(i) == to);
		check(pvmem_desc_type(to) == PVMEM_DESC_ZSPAGE && pvmem_desc_type(from) == PVMEM_DESC_NONE);
		zs_check(&w);
	}
	for (i = 0; i < 100; i++)
		zs_verify(&w, i, 2);
	pvmem_zs_stats(w.pool, &stats);
	check(stats.migrated == 34);
	/* Not while an object of the same zspage is mapped, wherever it lies. */
	from = zs_page_of(0);
	pvmem_zs_pieces_get(w.pool, w.object[40].handle, piece);
	check(zs_replace(from, &to) == -EAGAIN);
	pvmem_zs_pieces_put(w.pool, w.object[40].handle);
	check(!zs_replace(from, &to));
	/* What was freed meanwhile is nobody's. */
	from = shim_pages(GFP_KERNEL, 0);
	check(zs_replace(from, &to) == -ENOENT);
	__free_page(from);
	zs_stop(&w);
}

/* The oldest go, and as few as the pages take. */
void test_zs_evict(void)
{
	unsigned int i, nr, left = 0;

	check(zs_start(&w));
	check(pvmem_zs_evict(w.pool, 1, NULL, NULL, &nr) == -EINVAL && !nr);
	for (i = 0; i < ZS_OBJECTS; i++)
		check(zs_new(&w, i, 2500, i));
	check(!zs_evict(&w, 20, &nr) && nr == 20);
	zs_check(&w);
	check(ZS_OBJECTS - w.nr_objects <= 20 * 2 + 1);
	for (i = 0; i < 60; i++)
		left += !!w.object[i].handle;
	check(left < 60 - 20); /* those of the first zspage */
	/* With compaction before it, handles of objects that were moved. */
	for (i = 0; i < ZS_OBJECTS; i++)
		if (i % 4)
			zs_end(&w, i);
	pvmem_zs_compact(w.pool, ULONG_MAX);
	zs_check(&w);
	while (w.nr_objects)
		check(!zs_evict(&w, 1, &nr));
	zs_check(&w);
	rcu_barrier();
	zs_stop(&w);
}

void test_zs_evict_refused(void)
{
	unsigned int i, nr;

	check(zs_start(&w));
	for (i = 0; i < ZS_OBJECTS; i++)
		check(zs_new(&w, i, 1700, i));
	w.refuse = 1;
	check(zs_evict(&w, 1, &nr) == -EAGAIN && !nr && w.nr_objects == ZS_OBJECTS);
	zs_check(&w);
	w.refuse = 5;
	while (w.nr_objects)
		zs_evict(&w, 3, &nr);
	zs_stop(&w);
}

static void zs_exercise(void)
{
	unsigned int i, nr;

	if (!zs_start(&w))
		return;
	for (i = 0; i < 60; i++)
		zs_new(&w, i, i % 3 ? 1632 : 100 + 60 * i, i | 1);
	zs_check(&w);
	for (i = 0; i < 60; i++)
		if (i % 4)
			zs_end(&w, i);
	pvmem_zs_compact(w.pool, ULONG_MAX);
	zs_check(&w);
	zs_evict(&w, 2, &nr);
	zs_check(&w);
	for (i = 0; i < 30; i++)
		zs_new(&w, i, 3000, i);
	zs_check(&w);
	zs_stop(&w);
}

void test_zs_every_allocation_fails(void)
{
	unsigned int more;
	unsigned long nth;
	bool hit;

	for (more = 0; more < 2; more++) {
		for (nth = 1, hit = true; hit; nth++) {
			shim_note("allocation %lu%s", nth, more ? " and all later" : "");
			shim_fail_alloc(nth, more);
			zs_exercise();
			hit = shim_fail_alloc_hit();
			shim_fail_alloc(0, false);
		}
		check(nth > 80); /* it was tried */
	}
}

/* Tasks, each with objects of its own; one more moves and evicts. */
#define ZS_TASKS 4
#define ZS_OWN 128

#ifndef STRESS_STEPS
#define STRESS_STEPS 3000
#endif

struct zs_task {
	pthread_t thread;
	unsigned int seed;
	struct zs_object object[ZS_OWN];
	/* 1: being evicted, its owner stays away; 2: it is gone. */
	unsigned int state[ZS_OWN];
};

static struct zs_task zs_tasks[ZS_TASKS];
static bool zs_done, zs_evicting;
static bool zs_met;	       /* the mover has done what the stress is for */
static unsigned int zs_rounds; /* of the mover */

/* Contents: whose it is, before anything else. */
struct zs_secret {
	unsigned int task, index, generation, size;
};

static void zs_put_secret(struct zs_task *task, unsigned int i, unsigned int how)
{
	struct zs_object *object = &task->object[i];
	struct zs_secret secret = { task - zs_tasks, i, ++object->seed, object->size };
	unsigned char buffer[PAGE_SIZE];

	memset(buffer, object->seed, object->size);
	memcpy(buffer, &secret, sizeof(secret));
	if (how % 2) {
		pvmem_zs_write(w.pool, object->handle, buffer, object->size);
		return;
	}
	memcpy(pvmem_zs_map(w.pool, object->handle, PVMEM_ZS_WO), buffer, object->size);
	pvmem_zs_unmap(w.pool, object->handle);
}

static void zs_check_secret(struct zs_task *task, unsigned int i, unsigned int how)
{
	struct zs_object *object = &task->object[i];
	struct zs_secret want = { task - zs_tasks, i, object->seed, object->size };
	unsigned char buffer[PAGE_SIZE], *p = buffer;

	if (how % 2)
		pvmem_zs_read(w.pool, object->handle, buffer, object->size);
	else
		p = pvmem_zs_map(w.pool, object->handle, PVMEM_ZS_RO);
	check(!memcmp(p, &want, sizeof(want)));
	check(p[object->size - 1] == (unsigned char)object->seed);
	if (!(how % 2))
		pvmem_zs_unmap(w.pool, object->handle);
}

/* Like zswap's tree: whoever takes an entry out first frees its object. */
static bool zs_claim(struct zs_task *task, unsigned int i)
{
	unsigned int idle = 0;

	return __atomic_compare_exchange_n(&task->state[i], &idle, 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static void zs_task_step(struct zs_task *task)
{
	unsigned int i = rand_r(&task->seed) % ZS_OWN, how = rand_r(&task->seed);
	struct zs_object *object = &task->object[i];

	if (!zs_claim(task, i))
		return;
	if (!object->handle) {
		static const unsigned int sizes[] = { 3500, 4000, 2500, 60 };
		unsigned int size = sizes[how / 8 % 4];

		if (!pvmem_zs_malloc(w.pool, size, GFP_KERNEL, &object->handle)) {
			object->size = size;
			zs_put_secret(task, i, how / 2);
		}
	} else {
		zs_check_secret(task, i, how);
		if (how & 32) {
			zs_put_secret(task, i, how / 2);
			zs_check_secret(task, i, how / 4);
		} else {
			pvmem_zs_free(w.pool, object->handle);
			object->handle = 0;
		}
	}
	__atomic_store_n(&task->state[i], 0, __ATOMIC_RELEASE);
}

/* A process ends: what is left is sparse. */
static void zs_task_drop(struct zs_task *task)
{
	unsigned int i;

	for (i = 0; i < ZS_OWN; i++) {
		if (rand_r(&task->seed) % 8 == 0 || !zs_claim(task, i))
			continue;
		if (task->object[i].handle)
			pvmem_zs_free(w.pool, task->object[i].handle);
		task->object[i].handle = 0;
		__atomic_store_n(&task->state[i], 0, __ATOMIC_RELEASE);
	}
}

static void *zs_task_run(void *data)
{
	struct zs_task *task = data;
	unsigned int i;

	shim_cpu_set(task - zs_tasks);
	/* However slow the mover is: until it has moved something, unless it never does. */
	for (i = 0; i < STRESS_STEPS || __atomic_load_n(&zs_rounds, __ATOMIC_RELAXED) < 200 ||
		    (i < 200 * STRESS_STEPS && !__atomic_load_n(&zs_met, __ATOMIC_RELAXED));
	     i++) {
		zs_task_step(task);
		if (i % 512 == 511)
			zs_task_drop(task);
	}
	return NULL;
}

/* Who it is, the object itself says, as in zswap; unless it was freed meanwhile. */
static int zs_stress_evict(void *ctx, unsigned long handle)
{
	struct zs_secret *secret;
	struct zs_task *task;
	unsigned int i;
	int err = -EEXIST;

	if (!zs_evicting)
		return err;
	for (task = zs_tasks; task < zs_tasks + ZS_TASKS; task++) {
		for (i = 0; i < ZS_OWN; i++) {
			if (!zs_claim(task, i))
				continue;
			if (task->object[i].handle == handle) {
				secret = pvmem_zs_map(w.pool, handle, PVMEM_ZS_RO);
				check(secret->task == task - zs_tasks && secret->index == i);
				task->object[i].handle = 0;
				pvmem_zs_free(w.pool, handle);
				pvmem_zs_unmap(w.pool, handle);
				err = 0;
			}
			__atomic_store_n(&task->state[i], 0, __ATOMIC_RELEASE);
		}
	}
	return err;
}

static bool zs_stress_met(void)
{
	struct pvmem_zs_stats stats;

	pvmem_zs_stats(w.pool, &stats);
	return stats.moved && stats.migrated && (stats.evicted || !zs_evicting);
}

/* A page of some zspage, which may be another's or nobody's when it is replaced. */
static void zs_replace_any(unsigned int round)
{
	struct pvmem_zs_class *cls = &w.pool->cls[round % w.zs.geometry.nr];
	struct pvmem_zspage *zspage;
	struct page *from = NULL, *to;

	spin_lock(&cls->lock);
	list_for_each_entry(zspage, &cls->list[PVMEM_ZS_FULL], list)
		from = pfn_to_page(zspage->frame[__ffs(zspage->backed)]);
	spin_unlock(&cls->lock);
	if (from)
		zs_replace(from, &to);
}

static void *zs_mover(void *data)
{
	unsigned int nr, round, i;

	shim_cpu_set(ZS_TASKS);
	while (!__atomic_load_n(&zs_done, __ATOMIC_ACQUIRE)) {
		pvmem_zs_compact(w.pool, 20);
		round = __atomic_fetch_add(&zs_rounds, 1, __ATOMIC_RELAXED);
		for (i = 0; i < w.zs.geometry.nr; i++)
			zs_replace_any(i);
		if (zs_evicting && round % 8 == 0)
			pvmem_zs_evict(w.pool, 2, zs_stress_evict, NULL, &nr);
		__atomic_store_n(&zs_met, zs_stress_met(), __ATOMIC_RELAXED);
		rcu_barrier();
	}
	return NULL;
}

static void zs_stress(void)
{
	unsigned int i, j;
	pthread_t mover;

	check(zs_start(&w));
	zs_done = false;
	zs_met = false;
	shim_migrate(true, 1);
	for (i = 0; i < ZS_TASKS; i++)
		zs_tasks[i].seed = i + 1;
	check(!pthread_create(&mover, NULL, zs_mover, NULL));
	for (i = 0; i < ZS_TASKS; i++)
		check(!pthread_create(&zs_tasks[i].thread, NULL, zs_task_run, &zs_tasks[i]));
	for (i = 0; i < ZS_TASKS; i++)
		pthread_join(zs_tasks[i].thread, NULL);
	__atomic_store_n(&zs_done, true, __ATOMIC_RELEASE);
	pthread_join(mover, NULL);
	check(zs_stress_met());
	for (i = 0; i < ZS_TASKS; i++) {
		for (j = 0; j < ZS_OWN; j++) {
			if (!zs_tasks[i].object[j].handle)
				continue;
			zs_check_secret(&zs_tasks[i], j, j);
			pvmem_zs_free(w.pool, zs_tasks[i].object[j].handle);
		}
	}
	zs_stop(&w);
}

void test_stress_zs_compact(void)
{
	zs_evicting = false;
	zs_stress();
}

void test_stress_zs_evict(void)
{
	zs_evicting = true;
	zs_stress();
}
