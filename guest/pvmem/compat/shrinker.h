/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shrinkers as pvmem uses them: one instance, a name, two functions.
 */
#ifndef PVMEM_COMPAT_SHRINKER_H
#define PVMEM_COMPAT_SHRINKER_H

#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/shrinker.h>

/**
 * struct pvmem_compat_shrinker - a shrinker, to be defined statically
 * @name: its name.
 * @count: how much there is.
 * @scan: let some go.
 * @batch: how many at a time; 0: the kernel's default.
 * @kernel: the kernel's part of it.
 */
struct pvmem_compat_shrinker {
	const char *name;
	unsigned long (*count)(struct shrinker *shrinker, struct shrink_control *sc);
	unsigned long (*scan)(struct shrinker *shrinker, struct shrink_control *sc);
	long batch;
#ifdef PVMEM_HAVE_SHRINKER_ALLOC
	struct shrinker *kernel;
#else
	struct shrinker kernel;
#endif
};

#ifdef PVMEM_HAVE_SHRINKER_ALLOC

static inline int pvmem_compat_shrinker_register(struct pvmem_compat_shrinker *shrinker)
{
	shrinker->kernel = shrinker_alloc(0, "%s", shrinker->name);
	if (!shrinker->kernel)
		return -ENOMEM;
	shrinker->kernel->count_objects = shrinker->count;
	shrinker->kernel->scan_objects = shrinker->scan;
	shrinker->kernel->batch = shrinker->batch;
	shrinker_register(shrinker->kernel);
	return 0;
}

static inline void pvmem_compat_shrinker_unregister(struct pvmem_compat_shrinker *shrinker)
{
	shrinker_free(shrinker->kernel);
}

#else

static inline int pvmem_compat_shrinker_register(struct pvmem_compat_shrinker *shrinker)
{
	shrinker->kernel.count_objects = shrinker->count;
	shrinker->kernel.scan_objects = shrinker->scan;
	shrinker->kernel.batch = shrinker->batch;
	shrinker->kernel.seeks = DEFAULT_SEEKS;
	return register_shrinker(&shrinker->kernel, "%s", shrinker->name);
}

static inline void pvmem_compat_shrinker_unregister(struct pvmem_compat_shrinker *shrinker)
{
	unregister_shrinker(&shrinker->kernel);
}

#endif

#endif
