// SPDX-License-Identifier: GPL-2.0
/*
 * pvmem_zs_test.ko: compressed objects from inside the kernel, through the
 * exported functions only. Loading it runs every case; the results are KTAP in
 * /sys/kernel/debug/pvmem_zs_test.
 */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <pvmem/zs.h>
#include "report.h"

#define TEST_OUT 16384
#define TEST_OBJECTS 3000
#define TEST_THREADS 4
#define TEST_OWN 400

static uint seconds = 3;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "how long the threads race");

static bool pair;
module_param(pair, bool, 0444);
MODULE_PARM_DESC(pair, "objects across pages are mapped, not copied");

static struct report report;
static unsigned int nr_results;

static __printf(2, 3) void result(bool ok, const char *fmt, ...)
{
	va_list ap;

	report_print(&report, "%sok %u - ", ok ? "" : "not ", ++nr_results);
	va_start(ap, fmt);
	report_vprint(&report, fmt, ap);
	va_end(ap);
	report_print(&report, "\n");
}

/* Pages of the tests' own, so that none is lost unseen, and any can be refused. */
static atomic_t pages_out;
static atomic_t refuse_in; /* the n-th from now on; and every one after it if refuse_more */
static bool refuse_more;

static struct page *source_alloc(void *ctx, gfp_t gfp)
{
	struct page *page;

	if (atomic_read(&refuse_in) && (atomic_dec_and_test(&refuse_in))) {
		if (refuse_more)
			atomic_set(&refuse_in, 1);
		return NULL;
	}
	page = alloc_page(gfp);
	if (page)
		atomic_inc(&pages_out);
	return page;
}

static void source_free(void *ctx, struct page *page)
{
	atomic_dec(&pages_out);
	__free_page(page);
}

static const struct pvmem_zs_source source = { .alloc = source_alloc, .free = source_free };

/* An object, and what must be in it: words that depend on @seed and their place. */
struct object {
	unsigned long handle;
	unsigned int size;
	u32 seed;
};

static void fill(u8 *p, const struct object *object)
{
	unsigned int i;

	for (i = 0; i < object->size; i++)
		p[i] = (object->seed + i * 2654435761u) >> 11;
}

static bool same(const u8 *p, const struct object *object)
{
	unsigned int i;

	for (i = 0; i < object->size; i++)
		if (p[i] != (u8)((object->seed + i * 2654435761u) >> 11))
			return false;
	return true;
}

static void put(struct pvmem_zs_pool *pool, struct object *object, u8 *buffer, unsigned int how)
{
	if (how % 2) {
		fill(buffer, object);
		pvmem_zs_write(pool, object->handle, buffer, object->size);
		return;
	}
	fill(pvmem_zs_map(pool, object->handle, PVMEM_ZS_WO), object);
	pvmem_zs_unmap(pool, object->handle);
}

static bool holds(struct pvmem_zs_pool *pool, const struct object *object, u8 *buffer, unsigned int how)
{
	struct pvmem_zs_piece piece[2] = {};
	unsigned int first;
	bool ok;

	switch (how % 4) {
	case 0:
		pvmem_zs_read(pool, object->handle, buffer, object->size);
		return same(buffer, object);
	case 1:
		pvmem_zs_pieces_get(pool, object->handle, piece);
		first = min(piece[0].size, object->size);
		memcpy(buffer, piece[0].addr, first);
		memcpy(buffer + first, piece[1].addr, object->size - first);
		pvmem_zs_pieces_put(pool, object->handle);
		return same(buffer, object);
	default:
		ok = same(pvmem_zs_map(pool, object->handle, how & 1 ? PVMEM_ZS_RO : PVMEM_ZS_RW), object);
		pvmem_zs_unmap(pool, object->handle);
		return ok;
	}
}

/* A case's pool, objects and a buffer. */
struct world {
	struct pvmem_zs_pool *pool;
	struct object *object;
	u8 *buffer;
	struct rnd_state rnd;
};

static bool world_start(struct world *w, u64 seed)
{
	prandom_seed_state(&w->rnd, seed);
	w->pool = pvmem_zs_create("test", &source);
	w->object = kvcalloc(TEST_OBJECTS, sizeof(*w->object), GFP_KERNEL);
	w->buffer = kmalloc(PAGE_SIZE, GFP_KERNEL);
	return w->pool && w->object && w->buffer;
}

static void world_stop(struct world *w, const char *what)
{
	unsigned int i;

	for (i = 0; w->object && i < TEST_OBJECTS; i++)
		if (w->object[i].handle)
			pvmem_zs_free(w->pool, w->object[i].handle);
	pvmem_zs_destroy(w->pool);
	kvfree(w->object);
	kfree(w->buffer);
	result(!atomic_read(&pages_out), "%s: %d pages are lost", what, atomic_read(&pages_out));
}

static bool make(struct world *w, unsigned int i, unsigned int size)
{
	struct object *object = &w->object[i];

	object->size = size;
	object->seed = prandom_u32_state(&w->rnd);
	if (pvmem_zs_malloc(w->pool, size, GFP_KERNEL | __GFP_NOWARN, &object->handle))
		return false;
	put(w->pool, object, w->buffer, i);
	return true;
}

static void drop(struct world *w, unsigned int i)
{
	pvmem_zs_free(w->pool, w->object[i].handle);
	w->object[i].handle = 0;
}

static unsigned int verify(struct world *w)
{
	unsigned int i, bad = 0;

	for (i = 0; i < TEST_OBJECTS; i++)
		if (w->object[i].handle && !holds(w->pool, &w->object[i], w->buffer, i / 3))
			bad++;
	return bad;
}

static unsigned int any_size(struct world *w)
{
	return 1 + prandom_u32_state(&w->rnd) % PAGE_SIZE;
}

static void case_random(void)
{
	struct pvmem_zs_stats stats;
	unsigned int i, failed = 0;
	struct world w = {};
	u64 sum = 0;

	if (!world_start(&w, 1))
		goto out;
	for (i = 0; i < TEST_OBJECTS; i++)
		failed += !make(&w, i, any_size(&w));
	for (i = 0; i < TEST_OBJECTS; i++)
		sum += w.object[i].size;
	pvmem_zs_stats(w.pool, &stats);
	result(stats.total_bytes > sum && stats.total_bytes < sum + sum / 8, "random sizes: %llu bytes hold %llu",
	       stats.total_bytes, sum);
	for (i = 0; i < 3 * TEST_OBJECTS; i++) {
		unsigned int at = prandom_u32_state(&w.rnd) % TEST_OBJECTS;

		if (w.object[at].handle)
			drop(&w, at);
		failed += !make(&w, at, any_size(&w));
	}
	result(!failed, "random sizes: %u allocations failed", failed);
	failed = verify(&w);
	result(!failed, "random sizes: %u objects are wrong", failed);
	pvmem_zs_stats(w.pool, &stats);
	result(stats.objs == TEST_OBJECTS && stats.pages == atomic_read(&pages_out),
	       "random sizes: %lu objects in %lu pages are accounted", stats.objs, stats.pages);
out:
	world_stop(&w, "random sizes");
}

static void case_bad(void)
{
	unsigned long handle = 1;
	struct world w = {};

	if (!world_start(&w, 2))
		goto out;
	result(pvmem_zs_malloc(w.pool, 0, GFP_KERNEL, &handle) == -EINVAL && handle == 1, "no bytes: refused");
	result(pvmem_zs_malloc(w.pool, PAGE_SIZE + 1, GFP_KERNEL, &handle) == -ENOSPC && handle == 1,
	       "more than a page: refused");
out:
	world_stop(&w, "bad sizes");
}

/* The second object of more than half a page crosses into the next. */
static void case_across(void)
{
	struct world w = {};
	bool across, inside;

	if (!world_start(&w, 7) || !make(&w, 0, 2500) || !make(&w, 1, 2500))
		goto out;
	inside = is_vmalloc_addr(pvmem_zs_map(w.pool, w.object[0].handle, PVMEM_ZS_RO));
	pvmem_zs_unmap(w.pool, w.object[0].handle);
	across = is_vmalloc_addr(pvmem_zs_map(w.pool, w.object[1].handle, PVMEM_ZS_RO));
	pvmem_zs_unmap(w.pool, w.object[1].handle);
	result(!inside && across == pair, "an object across pages is %s, one inside neither",
	       across ? "mapped" : "copied");
out:
	world_stop(&w, "across");
}

static int evict_it(void *ctx, unsigned long handle)
{
	struct world *w = ctx;
	unsigned int i;

	for (i = 0; i < TEST_OBJECTS; i++) {
		if (w->object[i].handle != handle)
			continue;
		w->object[i].handle = 0;
		pvmem_zs_map(w->pool, handle, PVMEM_ZS_RO);
		pvmem_zs_free(w->pool, handle);
		pvmem_zs_unmap(w->pool, handle);
		return 0;
	}
	return -ENOENT;
}

static void case_fragments(void)
{
	unsigned int i, bad, gone = 0;
	unsigned long freed;
	struct world w = {};
	int before, err;

	if (!world_start(&w, 3))
		goto out;
	for (i = 0; i < TEST_OBJECTS; i++)
		make(&w, i, 900 + i % 3 * 700);
	for (i = 0; i < TEST_OBJECTS; i++)
		if (w.object[i].handle && prandom_u32_state(&w.rnd) % 6)
			drop(&w, i);
	before = atomic_read(&pages_out);
	freed = pvmem_zs_compact(w.pool, ULONG_MAX);
	result(freed > before / 3 && before - atomic_read(&pages_out) == freed, "fragments: %lu of %d pages compacted",
	       freed, before);
	bad = verify(&w);
	result(!bad, "fragments: %u objects are wrong after moving", bad);
	before = atomic_read(&pages_out);
	err = pvmem_zs_evict(w.pool, 20, evict_it, &w, &gone);
	result(!err && gone >= 20 && before - atomic_read(&pages_out) == gone, "evict: %u pages, error %d", gone, err);
	bad = verify(&w);
	result(!bad, "evict: %u objects that are left are wrong", bad);
out:
	world_stop(&w, "fragments");
}

static void case_faults(void)
{
	unsigned int nth, i, bad = 0, missed = 0;

	for (nth = 1; nth < 60; nth++) {
		struct world w = {};

		if (!world_start(&w, nth))
			break;
		refuse_more = nth % 2;
		atomic_set(&refuse_in, nth);
		for (i = 0; i < 100; i++)
			make(&w, i, any_size(&w));
		for (i = 0; i < 100; i += 3)
			if (w.object[i].handle)
				drop(&w, i);
		pvmem_zs_compact(w.pool, ULONG_MAX);
		missed += refuse_more && !atomic_read(&refuse_in);
		atomic_set(&refuse_in, 0);
		bad += verify(&w);
		for (i = 0; i < 100; i++) {
			if (w.object[i].handle)
				continue;
			bad += !make(&w, i, any_size(&w)); /* pages are back */
		}
		bad += verify(&w);
		for (i = 0; i < 100; i++)
			if (w.object[i].handle)
				drop(&w, i);
		pvmem_zs_destroy(w.pool);
		kvfree(w.object);
		kfree(w.buffer);
		bad += !!atomic_read(&pages_out);
	}
	result(nth == 60 && !bad && !missed, "refused pages: %u runs, %u wrong, %u without", nth - 1, bad, missed);
}

/* Threads with objects of their own, while others move them. */
struct racer {
	struct pvmem_zs_pool *pool;
	struct completion done;
	u64 until;
	unsigned int number;
	unsigned int bad;
	unsigned long steps;
};

static void racer_step(struct racer *racer, struct object *objects, u8 *buffer, struct rnd_state *rnd)
{
	static const unsigned int sizes[] = { 60, 700, 1632, 2500, 3500, 4000 };
	struct object *object = &objects[prandom_u32_state(rnd) % TEST_OWN];
	u32 how = prandom_u32_state(rnd);

	if (!object->handle) {
		object->size = sizes[how % ARRAY_SIZE(sizes)];
		object->seed = how;
		if (!pvmem_zs_malloc(racer->pool, object->size, GFP_KERNEL | __GFP_NOWARN, &object->handle))
			put(racer->pool, object, buffer, how / 64);
		return;
	}
	racer->bad += !holds(racer->pool, object, buffer, how / 64);
	if (how % 3 == 0) {
		object->seed = how;
		put(racer->pool, object, buffer, how / 64);
	} else {
		pvmem_zs_free(racer->pool, object->handle);
		object->handle = 0;
	}
}

/* Now and then most of what a thread has goes at once, as when a process ends. */
static void racer_drop(struct racer *racer, struct object *objects, struct rnd_state *rnd, unsigned int keep)
{
	unsigned long handles[TEST_OWN / 4];
	unsigned int i, nr = 0;

	for (i = 0; i < TEST_OWN; i++) {
		if (!objects[i].handle || (keep && prandom_u32_state(rnd) % keep == 0))
			continue;
		handles[nr++] = objects[i].handle;
		objects[i].handle = 0;
		if (nr == ARRAY_SIZE(handles)) {
			pvmem_zs_free_bulk(racer->pool, handles, nr);
			nr = 0;
		}
	}
	pvmem_zs_free_bulk(racer->pool, handles, nr);
}

static int racer_run(void *data)
{
	struct racer *racer = data;
	struct object *objects = kvcalloc(TEST_OWN, sizeof(*objects), GFP_KERNEL);
	u8 *buffer = kmalloc(PAGE_SIZE, GFP_KERNEL);
	struct rnd_state rnd;

	prandom_seed_state(&rnd, racer->number);
	racer->bad = !objects || !buffer;
	while (!racer->bad && time_before64(get_jiffies_64(), racer->until)) {
		racer_step(racer, objects, buffer, &rnd);
		if (++racer->steps % 2048 == 0)
			racer_drop(racer, objects, &rnd, 8);
		cond_resched();
	}
	if (objects)
		racer_drop(racer, objects, &rnd, 0);
	kvfree(objects);
	kfree(buffer);
	complete(&racer->done);
	return 0;
}

static int evict_none(void *ctx, unsigned long handle)
{
	return -EBUSY;
}

static void case_race(void)
{
	struct racer racer[TEST_THREADS];
	struct pvmem_zs_stats stats = {};
	unsigned long steps = 0, idle = 0;
	unsigned int i, started, bad = 0;
	struct world w = {};

	if (!world_start(&w, 5))
		goto out;
	for (started = 0; started < TEST_THREADS; started++) {
		racer[started] =
			(struct racer){ .pool = w.pool, .number = started, .until = get_jiffies_64() + seconds * HZ };
		init_completion(&racer[started].done);
		if (IS_ERR(kthread_run(racer_run, &racer[started], "pvmem_zs_test")))
			break;
	}
	/* Objects are moved under their feet, and zspages taken off their lists. */
	for (i = 0; i < started; i++) {
		while (!wait_for_completion_timeout(&racer[i].done, 1)) {
			pvmem_zs_compact(w.pool, 100);
			pvmem_zs_evict(w.pool, 1, evict_none, NULL, NULL);
			idle++;
		}
		bad += racer[i].bad;
		steps += racer[i].steps;
	}
	pvmem_zs_stats(w.pool, &stats);
	result(started == TEST_THREADS && !bad, "race: %u threads, %lu steps, %u wrong", started, steps, bad);
	result(stats.moved && !stats.objs && !stats.pages, "race: %lu objects moved in %lu rounds, %lu left",
	       stats.moved, idle, stats.objs);
out:
	world_stop(&w, "race");
}

static int __init test_init(void)
{
	if (report_start(&report, TEST_OUT))
		return -ENOMEM;
	case_bad();
	case_across();
	case_random();
	case_fragments();
	case_faults();
	case_race();
	report_print(&report, "1..%u\n", nr_results);
	report_show(&report, "pvmem_zs_test");
	return 0;
}

static void __exit test_exit(void)
{
	report_end(&report);
}

module_init(test_init);
module_exit(test_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Tests of pvmem's compressed objects");
