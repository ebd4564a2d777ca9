// SPDX-License-Identifier: GPL-2.0
/* Mapping, unmapping, purging and the pool, in any order. */
#include <stdlib.h>
#include "fake_backend.h"
#include "interp.h"
#include "world.h"

struct interp {
	struct interp_stream in;
	struct world w;
};

static unsigned int draw(struct interp *t)
{
	return stream_byte(&t->in);
}

static unsigned int draw_below(struct interp *t, unsigned int limit)
{
	unsigned int value = draw(t);

	return (limit > 256 ? value << 8 | draw(t) : value) % limit;
}

static void config_draw(struct interp *t, struct pvmem_config *config)
{
	*config = world_config;
	config->policy = draw(t) % PVMEM_NR_POLICIES;
	config->window_blocks = 1 + draw(t) % 3;
	config->max_blocks = config->window_blocks * (1 + draw(t) % 6);
	config->lazy_limit = 16 << draw(t) % 8;
	config->nr_pfns -= draw(t) % 4 ? 0 : 32;
	config->pool.high = draw(t) % 64;
	config->pool.low = draw_below(t, config->pool.high + 1);
	config->pool.cap = draw(t) % 128;
	config->pool.batch = 1 + draw(t) % PVMEM_PTPOOL_BATCH_MAX;
	shim_vmap_misalign(draw_below(t, 512));
}

static void op_map(struct interp *t)
{
	unsigned int kind = draw(t), nr;

	if (t->w.nr_live == WORLD_MAPPINGS)
		return;
	if (kind % 16 == 0)
		nr = 1 + draw_below(t, 700);
	else if (kind % 4 == 0)
		nr = 1 + draw_below(t, PVMEM_SMALL_MAX);
	else
		nr = 1 + kind / 4 % 6;
	if (draw(t) % 64 == 0)
		t->w.outside_at = draw_below(t, nr);
	world_map(&t->w, nr, draw(t), kind / 16 % 4);
	t->w.outside_at = UINT_MAX;
}

/* Many maps of one page, every second unmapped: blocks full of holes. */
static void op_comb(struct interp *t)
{
	unsigned int i, first = t->w.nr_live, nr = 16 + draw(t);

	for (i = 0; i < nr && t->w.nr_live < WORLD_MAPPINGS; i++)
		world_map(&t->w, 1, draw(t), 1);
	for (i = first; i < t->w.nr_live; i++)
		world_unmap(&t->w, i);
}

static void op_unmap(struct interp *t)
{
	if (t->w.nr_live)
		world_unmap(&t->w, draw_below(t, t->w.nr_live));
}

/* Nothing that is not exactly a live mapping's address is taken. */
static void op_unmap_bad(struct interp *t)
{
	struct world_mapping *mapping = &t->w.live[draw_below(t, t->w.nr_live ?: 1)];
	unsigned int kind = draw(t);
	const char *addr = mapping->addr;

	if (!t->w.nr_live)
		return;
	if (kind % 4 == 0)
		check(pvmem_vunmap(t->w.pv, addr + 8, 0) == -EINVAL);
	else if (kind % 4 == 1 && mapping->nr > 1)
		check(pvmem_vunmap(t->w.pv, addr + (1 + kind % (mapping->nr - 1)) * PAGE_SIZE, 0) == -EINVAL);
	else if (kind % 4 == 2)
		check(pvmem_vunmap(t->w.pv, addr, mapping->nr + 1) == -EINVAL);
	else
		check(pvmem_vunmap(t->w.pv, addr + SHIM_NR_TABLES * PVMEM_BLOCK_SIZE, 0) == -EINVAL);
}

static void op_purge(struct interp *t)
{
	bool faultless = world_faultless();
	int err = pvmem_purge(t->w.pv);

	if (faultless && world_faultless()) {
		check(!err);
		check(!pvmem_lazy_pages(t->w.pv));
	}
}

static bool filter_has(struct page **filter, unsigned int nr, const struct page *page)
{
	while (nr--)
		if (*filter++ == page)
			return true;
	return false;
}

/* Lazy pages in spans that @filter does not touch: these must stay. */
static unsigned long lazy_unmatched(struct pvmem *pv, struct page **filter, unsigned int nr)
{
	struct pvmem_block *block;
	unsigned long sum = 0;
	unsigned int slot, len, i;

	list_for_each_entry(block, &pv->blocks, link) {
		/* cppcheck-suppress uninitvar */
		for (slot = 0; slot < block->next; slot += len) {
			bool match = false;

			len = pvmem_span_len(block->span[slot]);
			if (pvmem_span_state(block->span[slot]) != PVMEM_SPAN_DEAD)
				continue;
			for (i = slot; i < slot + len; i++)
				match |= filter_has(filter, nr, block->table.pages[i]);
			sum += match ? 0 : len;
		}
	}
	return sum;
}

static void op_purge_pages(struct interp *t)
{
	struct page *filter[8];
	unsigned int i, nr = draw(t) % 9;
	unsigned long before;
	bool faultless = world_faultless();
	int err;

	for (i = 0; i < nr; i++)
		filter[i] = t->w.page[draw_below(t, WORLD_PAGES)];
	before = lazy_unmatched(t->w.pv, filter, nr);
	err = pvmem_purge_pages(t->w.pv, filter, nr);
	if (!faultless || !world_faultless())
		return;
	check(!err);
	if (before != pvmem_lazy_pages(t->w.pv))
		die("a purge of some pages leaves %lu lazy, should leave %lu", pvmem_lazy_pages(t->w.pv), before);
	check(lazy_unmatched(t->w.pv, filter, nr) == before);
}

static void op_fault(struct interp *t)
{
	unsigned int kind = draw(t), nth = 1 + draw(t) % 6;

	world_faults_off();
	if (kind % 4 == 0)
		shim_fail_alloc(nth, kind / 4 % 2);
	else if (kind % 4 == 1)
		shim_fail_atomic = kind / 4 % 2;
	else
		fake_fail(kind / 2, draw(t) % FAKE_NR_FAILURES, nth, kind % 8 == 7);
}

static void op_pool(struct interp *t)
{
	struct pvmem *pv = t->w.pv;
	unsigned int kind = draw(t), nr = draw(t);

	switch (kind % 8) {
	case 0:
		pvmem_ptpool_prepare(pv, nr % 80, 1 + nr % PVMEM_PTPOOL_BATCH_MAX);
		break;
	case 1:
		check(pvmem_ptpool_shrink(pv, nr) <= nr);
		break;
	case 2:
		pvmem_ptpool_drain(pv, 1 + nr % PVMEM_PTPOOL_BATCH_MAX);
		break;
	case 3:
		pvmem_ptpool_freeze(pv);
		check(!pvmem_ptpool_pages(pv));
		break;
	case 4:
		pvmem_ptpool_leave_cpu(pv, nr % SHIM_NR_CPUS);
		break;
	default:
		pvmem_ptpool_thaw(pv);
		shim_work_pump();
		break;
	}
}

static void op_exchange(struct interp *t)
{
	unsigned int i, nr = draw(t);

	for (i = 0; i < nr % 48; i++)
		if (nr & 128)
			world_take(&t->w);
		else
			world_give(&t->w, i == 5 && nr & 64);
}

static void op_cpu(struct interp *t)
{
	unsigned int kind = draw(t);

	if (kind % 4 == 0)
		pvmem_block_leave_cpu(t->w.pv, kind / 4 % SHIM_NR_CPUS);
	else
		shim_cpu_set(kind / 4 % SHIM_NR_CPUS);
}

static void step(struct interp *t)
{
	unsigned int op = draw(t) % 32;

	if (op < 10)
		op_map(t);
	else if (op < 18)
		op_unmap(t);
	else if (op < 19)
		op_comb(t);
	else if (op < 20)
		op_unmap_bad(t);
	else if (op < 21)
		op_purge(t);
	else if (op < 23)
		op_purge_pages(t);
	else if (op < 24)
		world_set_policy(&t->w, draw(t) % PVMEM_NR_POLICIES);
	else if (op < 26)
		op_cpu(t);
	else if (op < 27)
		op_fault(t);
	else if (op < 28)
		op_pool(t);
	else if (op < 30)
		op_exchange(t);
	else if (op < 31)
		shim_work_pump();
	else
		world_renew_page(&t->w, draw_below(t, WORLD_PAGES));
}

void interp_vmap(const u8 *data, size_t size)
{
	static struct interp t;
	struct pvmem_config config;

	fake_reset();
	world_faults_off();
	shim_cpu_set(0);
	t.in = (struct interp_stream){ data, data + size };
	config_draw(&t, &config);
	check(world_start(&t.w, &config));
	while (stream_more(&t.in)) {
		step(&t);
		world_check(&t.w);
	}
	world_stop(&t.w);
}
