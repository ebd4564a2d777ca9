// SPDX-License-Identifier: GPL-2.0
/* hooks.def as tables that can be searched. */
#include <linux/kernel.h>
#include <linux/livepatch.h>
#include <linux/string.h>
#include "takeover.h"

struct takeover_stock takeover_stock;
struct takeover_kernel takeover_kernel;

/**
 * struct takeover_hook - a function that is patched or needed
 * @name: its name.
 * @shape: its types.
 * @half: the half it belongs to.
 * @patched: it is patched: @address is for its stock body.
 * @replacement: what livepatch puts in its place, or NULL.
 * @address: where to put its address.
 */
struct takeover_hook {
	const char *name;
	const char *shape;
	unsigned int half;
	bool patched;
	void *replacement;
	void **address;
};

static const char *const takeover_releases[] = {
#define TAKEOVER_RELEASE(prefix) prefix,
#define TAKEOVER_HOOK(half, name, type, parameters, shape)
#define TAKEOVER_ENTRY TAKEOVER_HOOK
#define TAKEOVER_NEED(half, name, type, parameters, shape)
#include "hooks.def"
#undef TAKEOVER_RELEASE
};

#define TAKEOVER_RELEASE(prefix)
#undef TAKEOVER_HOOK
#undef TAKEOVER_ENTRY
#undef TAKEOVER_NEED

/* The halves' hooks and needs; those of a half that is not built are left out. */
#define TAKEOVER_BUILT_VMAP 1
#define TAKEOVER_BUILT_TABLES IS_ENABLED(CONFIG_XEN_PV)
#define TAKEOVER_HOOK(half_, name_, type, parameters, shape_)              \
	{ .name = #name_,                                                  \
	  .shape = shape_,                                                 \
	  .half = TAKEOVER_##half_,                                        \
	  .patched = true,                                                 \
	  .replacement = TAKEOVER_BUILT_##half_ ? takeover_##name_ : NULL, \
	  .address = (void **)&takeover_stock.name_ },
#define TAKEOVER_ENTRY(half_, name_, type, parameters, shape_) \
	{ .name = #name_,                                      \
	  .shape = shape_,                                     \
	  .half = TAKEOVER_##half_,                            \
	  .patched = true,                                     \
	  .address = (void **)&takeover_stock.name_ },
#define TAKEOVER_NEED(half_, name_, type, parameters, shape_) \
	{ .name = #name_, .shape = shape_, .half = TAKEOVER_##half_, .address = (void **)&takeover_kernel.name_ },
static const struct takeover_hook takeover_hooks[] = {
#include "hooks.def"
};

static struct klp_func takeover_funcs[ARRAY_SIZE(takeover_hooks) + 1];

/**
 * takeover_release_known() - were the hooks checked against a kernel's source?
 * @release: its release, as uname -r prints it.
 *
 * Return: true when they were.
 */
bool takeover_release_known(const char *release)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(takeover_releases); i++)
		if (strstarts(release, takeover_releases[i]))
			return true;
	return false;
}

/**
 * takeover_hooks_find() - look up every function of some halves
 * @halves: bits of enum takeover_half.
 * @find: finds one of a shape: where it is, or, of one that is to be patched,
 *	where its stock body is; 0 or -errno.
 *
 * Return: 0, or what @find returned for the first that it did not find.
 */
int takeover_hooks_find(unsigned int halves,
			int (*find)(const char *name, const char *shape, bool patched, void **address))
{
	const struct takeover_hook *hook;
	int err = 0;

	for (hook = takeover_hooks; !err && hook < takeover_hooks + ARRAY_SIZE(takeover_hooks); hook++)
		if (hook->half & halves)
			err = find(hook->name, hook->shape, hook->patched, hook->address);
	return err;
}

/**
 * takeover_hooks_list() - the functions of some halves for livepatch
 * @halves: bits of enum takeover_half.
 *
 * Return: the list, with an empty entry at its end.
 */
struct klp_func *takeover_hooks_list(unsigned int halves)
{
	struct klp_func *func = takeover_funcs;
	const struct takeover_hook *hook;

	for (hook = takeover_hooks; hook < takeover_hooks + ARRAY_SIZE(takeover_hooks); hook++) {
		if (!(hook->half & halves) || !hook->replacement)
			continue;
		func->old_name = hook->name;
		func++->new_func = hook->replacement;
	}
	return takeover_funcs;
}
