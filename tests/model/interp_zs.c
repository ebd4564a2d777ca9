// SPDX-License-Identifier: GPL-2.0
/* Objects of all sizes, made, changed, freed, moved and evicted as the bytes say. */
#include "interp.h"
#include "shim.h"
#include "zs_world.h"

static struct zs_world w;

/* Few sizes, so that zspages fill; and any size now and then. */
static unsigned int pick_size(struct interp_stream *in)
{
	static const unsigned int sizes[] = { 32, 100, 512, 1000, 1632, 1632, 1632, 2500, 2500, 3000, 4000, 4096 };
	unsigned int byte = stream_byte(in);

	if (byte < 224)
		return sizes[byte % (sizeof(sizes) / sizeof(*sizes))];
	return (byte % 17) << 8 | stream_byte(in);
}

static unsigned int pick_object(struct interp_stream *in)
{
	return (stream_byte(in) | stream_byte(in) << 8) % ZS_OBJECTS;
}

static void step(struct interp_stream *in)
{
	unsigned int op = stream_byte(in), index, nr;

	switch (op % 16) {
	default:
		index = pick_object(in);
		zs_new(&w, index, pick_size(in), op * 7 + index);
		break;
	case 7 ... 10:
		zs_end(&w, pick_object(in));
		break;
	case 11:
		zs_rewrite(&w, pick_object(in), op + 1, op / 16);
		break;
	case 12:
		zs_verify(&w, pick_object(in), op / 16);
		break;
	case 13:
		pvmem_zs_compact(w.pool, 1 + op / 16);
		break;
	case 14:
		w.refuse = op / 32;
		zs_evict(&w, 1 + op / 128, &nr);
		break;
	case 15:
		if (op & 16)
			shim_fail_alloc(1 + op / 32, op & 32);
		else
			zs_end_bulk(&w, pick_object(in), op / 4);
		break;
	}
	if (op % 4 == 2)
		zs_check(&w);
	if (op % 8 == 2)
		rcu_barrier();
}

void interp_zs(const u8 *data, size_t size)
{
	struct interp_stream in = { data, data + size };
	unsigned int i;

	check(zs_start(&w));
	while (stream_more(&in))
		step(&in);
	shim_fail_alloc(0, false);
	for (i = 0; i < ZS_OBJECTS; i++)
		zs_verify(&w, i, 2);
	zs_stop(&w);
}
