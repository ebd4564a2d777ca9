/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UNIT_TESTS_H
#define UNIT_TESTS_H

#define UNIT_TESTS(T) \
	T(va_tree_model) \
	T(vmap_model) \
	T(vmap_model_migrating)

#define T(name) void test_##name(void);
UNIT_TESTS(T)
#undef T

#endif
