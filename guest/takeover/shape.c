// SPDX-License-Identifier: GPL-2.0
/*
 * A function's shape, "int(mm_struct*,pmd_t*)": its types as the kernel's own
 * type information (BTF) has them, static functions included. A function of the
 * same name that takes or returns something else must not be replaced.
 */
#include <linux/btf.h>
#include <linux/err.h>
#include <linux/string.h>
#include "takeover.h"

/* Long enough for the longest in hooks.def; what is cut off does not match. */
#define TAKEOVER_SHAPE_MAX 128

/* const, volatile and restrict do not matter. */
static const struct btf_type *takeover_unqualified(const struct btf *btf, u32 id)
{
	const struct btf_type *type = btf_type_by_id(btf, id);

	while (type && (BTF_INFO_KIND(type->info) == BTF_KIND_CONST || BTF_INFO_KIND(type->info) == BTF_KIND_VOLATILE ||
			BTF_INFO_KIND(type->info) == BTF_KIND_RESTRICT))
		type = btf_type_by_id(btf, type->type);
	return type;
}

static void takeover_append_type(const struct btf *btf, u32 id, char *shape)
{
	const struct btf_type *type = takeover_unqualified(btf, id);
	unsigned int stars = 0;

	for (; type && BTF_INFO_KIND(type->info) == BTF_KIND_PTR; stars++)
		type = takeover_unqualified(btf, type->type);
	if (!type || BTF_INFO_KIND(type->info) == BTF_KIND_UNKN)
		strlcat(shape, "void", TAKEOVER_SHAPE_MAX);
	else
		strlcat(shape, takeover_btf.btf_name_by_offset(btf, type->name_off), TAKEOVER_SHAPE_MAX);
	while (stars--)
		strlcat(shape, "*", TAKEOVER_SHAPE_MAX);
}

static void takeover_append_prototype(const struct btf *btf, const struct btf_type *prototype, char *shape)
{
	const struct btf_param *param = (const struct btf_param *)(prototype + 1);
	unsigned int i, nr = BTF_INFO_VLEN(prototype->info);

	takeover_append_type(btf, prototype->type, shape);
	strlcat(shape, "(", TAKEOVER_SHAPE_MAX);
	for (i = 0; i < nr; i++, param++) {
		if (i)
			strlcat(shape, ",", TAKEOVER_SHAPE_MAX);
		takeover_append_type(btf, param->type, shape);
	}
	strlcat(shape, ")", TAKEOVER_SHAPE_MAX);
}

/**
 * takeover_shape_is() - has a function of the kernel's this shape?
 * @name: its name.
 * @expected: the shape.
 *
 * Context: process, sleeps.
 * Return: false also when the kernel does not know its functions' types.
 */
bool takeover_shape_is(const char *name, const char *expected)
{
	char shape[TAKEOVER_SHAPE_MAX] = "";
	struct btf *btf = takeover_btf.bpf_get_btf_vmlinux();
	const struct btf_type *function, *prototype;
	s32 id;

	if (IS_ERR_OR_NULL(btf))
		return false;
	id = takeover_btf.btf_find_by_name_kind(btf, name, BTF_KIND_FUNC);
	function = id > 0 ? btf_type_by_id(btf, id) : NULL;
	prototype = function ? btf_type_by_id(btf, function->type) : NULL;
	if (!prototype)
		return false;
	takeover_append_prototype(btf, prototype, shape);
	return !strcmp(shape, expected);
}
