/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shrinkers as pvmem uses them: static, one instance, a name.
 * 6.1: register_shrinker(shrinker, fmt, ...).
 */
#ifndef PVMEM_COMPAT_SHRINKER_H
#define PVMEM_COMPAT_SHRINKER_H

#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/shrinker.h>

static inline int pvmem_compat_shrinker_register(struct shrinker *shrinker, const char *name)
{
	return register_shrinker(shrinker, "%s", name);
}

static inline void pvmem_compat_shrinker_unregister(struct shrinker *shrinker)
{
	unregister_shrinker(shrinker);
}

#endif
