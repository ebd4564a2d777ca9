// SPDX-License-Identifier: GPL-2.0
/* Seeded random operations against the models. */
#include <stdlib.h>
#include "interp.h"
#include "shim.h"
#include "tests.h"

static void run_seeds(void (*interp)(const u8 *data, size_t size), unsigned int seeds, unsigned int bytes)
{
	unsigned int seed, i;
	u8 data[8192];

	check(bytes <= sizeof(data));
	for (seed = 1; seed <= seeds; seed++) {
		unsigned int state = seed;

		for (i = 0; i < bytes; i++)
			data[i] = rand_r(&state) >> 8;
		shim_note("seed %u", seed);
		interp(data, bytes);
	}
}

void test_va_tree_model(void)
{
	run_seeds(interp_va_tree, 400, 2000);
}

void test_vmap_model(void)
{
	run_seeds(interp_vmap, 80, 2500);
}

/* The task changes CPU wherever it may. */
void test_vmap_model_migrating(void)
{
	shim_migrate(true, 1);
	run_seeds(interp_vmap, 30, 2500);
}

void test_zs_model(void)
{
	run_seeds(interp_zs, 60, 3000);
}

void test_zs_model_migrating(void)
{
	shim_migrate(true, 1);
	run_seeds(interp_zs, 20, 3000);
}
