// SPDX-License-Identifier: GPL-2.0-or-later
/* Options: every value that is allowed goes round, every other one is refused with its range. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "option.h"

static int parse(const char *name, const char *text, uint64_t *value)
{
	char reason[PVMEM_REASON];

	return pvmem_option_parse(pvmem_option_find(name), text, value, reason);
}

static void each_has_its_name(void **state)
{
	int i;

	for (i = 0; i < PVMEM_NR_OPTIONS; i++)
		assert_int_equal(pvmem_option_find(pvmem_option_infos[i].name), i);
	assert_int_equal(pvmem_option_find("max_pool"), -ENOENT);
	assert_int_equal(pvmem_option_find(""), -ENOENT);
}

static void round_trip(int option, uint64_t value)
{
	char text[PVMEM_OPTION_TEXT], reason[PVMEM_REASON];
	uint64_t again = ~0ull;
	json_t *json;

	assert_int_equal(pvmem_option_parse(option, pvmem_option_text(option, value, text), &again, reason), 0);
	assert_int_equal(again, value);
	json = pvmem_option_to_json(option, value);
	again = ~0ull;
	assert_int_equal(pvmem_option_from_json(option, json, &again, reason), 0);
	assert_int_equal(again, value);
	json_decref(json);
}

static void values_go_round(void **state)
{
	const struct pvmem_option_info *info;
	uint64_t value;
	int i;

	for (i = 0; i < PVMEM_NR_OPTIONS; i++) {
		info = &pvmem_option_infos[i];
		if (info->type == PVMEM_OPTION_CHOICE) {
			for (value = 0; info->choices[value]; value++)
				round_trip(i, value);
		} else {
			round_trip(i, info->min);
			round_trip(i, (info->min + info->max) / 2);
			round_trip(i, info->max);
		}
	}
}

static void bounds_are_kept(void **state)
{
	const struct pvmem_option_info *info;
	char text[PVMEM_OPTION_TEXT], reason[PVMEM_REASON];
	uint64_t value = 77;
	int i;

	for (i = 0; i < PVMEM_NR_OPTIONS; i++) {
		info = &pvmem_option_infos[i];
		if (info->type != PVMEM_OPTION_NUMBER)
			continue;
		snprintf(text, sizeof(text), "%llu", (unsigned long long)info->max + 1);
		assert_int_equal(pvmem_option_parse(i, text, &value, reason), -EINVAL);
		if (info->min) {
			snprintf(text, sizeof(text), "%llu", (unsigned long long)info->min - 1);
			assert_int_equal(pvmem_option_parse(i, text, &value, reason), -EINVAL);
		}
	}
	assert_int_equal(value, 77);
}

static void nonsense_is_refused(void **state)
{
	static const char *const bad[] = { "",
					   " 5",
					   "5 ",
					   "-5",
					   "+5",
					   "5.0",
					   "0x5",
					   "five",
					   "5\n",
					   "99999999999999999999999999",
					   "18446744073709551617" };
	uint64_t value = 77;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse("max-pool", bad[i], &value), -EINVAL);
		assert_int_equal(parse("compressor", bad[i], &value), -EINVAL);
		assert_int_equal(parse("enabled", bad[i], &value), -EINVAL);
	}
	assert_int_equal(parse("compressor", "ZSTD", &value), -EINVAL);
	assert_int_equal(value, 77);
}

static void reasons_name_value_and_range(void **state)
{
	char reason[PVMEM_REASON], long_text[4000];
	uint64_t value;

	pvmem_option_parse(PVMEM_OPTION_MAX_POOL, "400", &value, reason);
	assert_string_equal(reason, "max-pool: '400' is not allowed: 1 to 100 percent");
	pvmem_option_parse(PVMEM_OPTION_ZPOOL, "z\033[2Jpool", &value, reason);
	assert_string_equal(reason, "zpool: 'z?[2Jpool' is not allowed: one of zbud, z3fold, zsmalloc, pvmem");
	memset(long_text, 'x', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = 0;
	pvmem_option_parse(PVMEM_OPTION_COMPRESSOR, long_text, &value, reason);
	assert_non_null(strstr(reason, "deflate, 842"));
	pvmem_option_parse(PVMEM_OPTION_ENABLED, "maybe", &value, reason);
	assert_string_equal(reason, "enabled: 'maybe' is not allowed: yes or no");
}

static void bools_as_the_kernel_writes_them(void **state)
{
	uint64_t value = 0;

	assert_int_equal(parse("enabled", "Y", &value), 0);
	assert_int_equal(value, 1);
	assert_int_equal(parse("enabled", "N", &value), 0);
	assert_int_equal(value, 0);
}

static int check(uint64_t low, uint64_t high, uint64_t cap)
{
	struct pvmem_options options = { 0 };
	char reason[PVMEM_REASON];

	if (low)
		pvmem_options_set(&options, PVMEM_OPTION_POOL_LOW, low);
	if (high)
		pvmem_options_set(&options, PVMEM_OPTION_POOL_HIGH, high);
	if (cap)
		pvmem_options_set(&options, PVMEM_OPTION_POOL_CAP, cap);
	return pvmem_options_check(&options, reason);
}

static void pool_limits_are_ordered(void **state)
{
	assert_int_equal(check(1, 2, 3), 0);
	assert_int_equal(check(2, 2, 2), 0);
	assert_int_equal(check(3, 2, 0), -EINVAL);
	assert_int_equal(check(0, 4, 3), -EINVAL);
	assert_int_equal(check(4, 0, 3), -EINVAL);
	assert_int_equal(check(4, 0, 0), 0);
}

static void sets_from_json(void **state)
{
	struct pvmem_options options = { 0 }, again = { 0 };
	char reason[PVMEM_REASON];
	json_t *json;

	pvmem_options_set(&options, PVMEM_OPTION_ENABLED, 1);
	pvmem_options_set(&options, PVMEM_OPTION_COMPRESSOR, 4);
	pvmem_options_set(&options, PVMEM_OPTION_MAX_POOL, 25);
	json = pvmem_options_to_json(&options);
	assert_string_equal(json_string_value(json_object_get(json, "compressor")), "zstd");
	assert_int_equal(pvmem_options_from_json(json, &again, reason), 0);
	assert_true(pvmem_options_equal(&options, &again));
	pvmem_options_unset(&again, PVMEM_OPTION_MAX_POOL);
	assert_false(pvmem_options_equal(&options, &again));

	json_object_set_new(json, "max-pool", json_real(25.0));
	assert_int_equal(pvmem_options_from_json(json, &again, reason), -EINVAL);
	json_object_set_new(json, "max-pool", json_integer(-1));
	assert_int_equal(pvmem_options_from_json(json, &again, reason), -EINVAL);
	json_object_del(json, "max-pool");
	json_object_set_new(json, "colour", json_true());
	assert_int_equal(pvmem_options_from_json(json, &again, reason), -EINVAL);
	json_decref(json);
	assert_int_equal(pvmem_options_from_json(NULL, &again, reason), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_its_name),
		cmocka_unit_test(values_go_round),
		cmocka_unit_test(bounds_are_kept),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(reasons_name_value_and_range),
		cmocka_unit_test(bools_as_the_kernel_writes_them),
		cmocka_unit_test(pool_limits_are_ordered),
		cmocka_unit_test(sets_from_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
