/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pvmem_test.ko: tests of pvmem from inside the kernel, through its exported
 * functions and its sysfs files only. A case is one function listed in
 * test_main.c; it makes KTAP results with test_check().
 */
#ifndef PVMEM_TEST_H
#define PVMEM_TEST_H

#include <linux/mm_types.h>
#include <linux/types.h>
#include <pvmem/pvmem.h>

/**
 * struct test - a case that is running
 * @args: "key=value key=value".
 * @out: the KTAP so far.
 * @len: its length.
 * @nr: results in it.
 */
struct test {
	const char *args;
	char *out;
	size_t len;
	unsigned int nr;
};

__printf(3, 4) void test_check(struct test *test, bool ok, const char *fmt, ...);
__printf(2, 3) void test_skip(struct test *test, const char *fmt, ...);
__printf(2, 3) void test_note(struct test *test, const char *fmt, ...);
void test_why(struct test *test, const char *why, const char *what);
unsigned long test_arg(const struct test *test, const char *key, unsigned long fallback);

/* test_sysfs.c: pvmem's files */
long test_stat(const char *name);
long test_setting(const char *name);
int test_set(const char *name, const char *value);
int test_set_number(const char *name, unsigned long value);
int test_policy(enum pvmem_policy policy);
enum pvmem_policy test_policy_now(void);
const char *test_policy_name(enum pvmem_policy policy);
bool test_wait_stat(const char *name, long min, long max, unsigned int timeout_ms);

/* test_pages.c: pages, what is in them, and what maps them */
struct page **test_pages_alloc(unsigned int nr);
void test_pages_free(struct page **pages, unsigned int nr);
void test_fill(void *addr, unsigned int nr, u64 seed);
unsigned int test_verify(const void *addr, unsigned int nr, u64 seed);
void test_fill_pages(struct page **pages, unsigned int nr, u64 seed);
unsigned int test_verify_pages(struct page **pages, unsigned int nr, u64 seed);
unsigned int test_aliased(struct page **pages, unsigned int nr);
unsigned int test_counts_above(struct page **pages, unsigned int nr, int count);
unsigned int test_present(const void *addr, unsigned int nr);
unsigned int test_still_maps(const void *addr, struct page **pages, unsigned int nr);
const char *test_vmalloc_knows(const void *addr, struct page **pages, unsigned int nr);
unsigned int test_readable(const void *addr, unsigned int nr);
bool test_writable(const void *addr);
bool test_write_faults(void *addr);
bool test_zero(struct page *page);

/* test_xen.c: raw hypercalls, one page at a time, as the stock kernel makes them */
int test_xen_protect(struct page *page, bool writable);
int test_xen_pin(struct page *page);
int test_xen_unpin(struct page *page);
int test_xen_set_entry(struct page *table, unsigned int index, struct page *page);

/* The cases. */
void test_map_sizes(struct test *test);
void test_map_hold(struct test *test);
void test_map_shapes(struct test *test);
void test_map_refused(struct test *test);
void test_map_grow(struct test *test);
void test_map_huge(struct test *test);
void test_unmap_pages(struct test *test);
void test_unmap_bad(struct test *test);
void test_policy_hold(struct test *test);
void test_policy_track(struct test *test);
void test_policy_eager(struct test *test);
void test_policy_unheld(struct test *test);
void test_policy_mixed(struct test *test);
void test_stress(struct test *test);
void test_flush(struct test *test);
void test_pool_basic(struct test *test);
void test_pool_warm(struct test *test);
void test_pool_dirty(struct test *test);
void test_pool_limits(struct test *test);
void test_pool_pressure(struct test *test);
void test_hotplug_before(struct test *test);
void test_hotplug_after(struct test *test);
void test_ram_map(struct test *test);
void test_ram_keep(struct test *test);
void test_ram_drop(struct test *test);
void test_idle(struct test *test);
void test_pin_aliased(struct test *test);
void test_pin_pooled(struct test *test);
void test_pin_again(struct test *test);
void test_map_pinned(struct test *test);
void test_faults(struct test *test);

void test_hotplug_exit(void);

#endif
