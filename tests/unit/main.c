// SPDX-License-Identifier: GPL-2.0
#include "ktap.h"
#include "shim.h"
#include "tests.h"

int main(int argc, char **argv)
{
#define T(name) { #name, test_##name },
	static const struct ktap_test tests[] = { UNIT_TESTS(T) };
#undef T

	return ktap_main(tests, sizeof(tests) / sizeof(*tests), argc, argv);
}
