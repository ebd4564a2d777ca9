// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The thread that talks to libvirt, with libvirt's own test driver: a domain
 * that libvirt fails to read is not told of as one that has no options, does
 * not run or has no channel. Each case has a thread and a connection of its own:
 * no event reaches those of a case before.
 */
#include <libvirt-glib/libvirt-glib.h>
#include <libvirt/libvirt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "../../host/libvirt_thread.h"

/* What the test driver has. */
#define DOMAIN "6695eb01-f6a4-8304-79aa-97f2502e193f"
#define TIMEOUT_US (20 * G_USEC_PER_SEC)

enum call {
	NONE,
	ACTIVE,
	PERSISTENT,
	METADATA,
	XML
};

/* The call that fails: set while the thread has nothing to do. */
static enum call failing;

static struct {
	struct pvmem_libvirt *libvirt;
	struct pvmem_domain last;
	guint seen;
	guint listed;
	gboolean in_list;
	guint done;
} it;

int __real_virDomainIsActive(virDomainPtr dom);
int __wrap_virDomainIsActive(virDomainPtr dom);
int __real_virDomainIsPersistent(virDomainPtr dom);
int __wrap_virDomainIsPersistent(virDomainPtr dom);
char *__real_virDomainGetMetadata(virDomainPtr dom, int type, const char *uri, unsigned int flags);
char *__wrap_virDomainGetMetadata(virDomainPtr dom, int type, const char *uri, unsigned int flags);
char *__real_virDomainGetXMLDesc(virDomainPtr dom, unsigned int flags);
char *__wrap_virDomainGetXMLDesc(virDomainPtr dom, unsigned int flags);

/* Leaves an error of libvirt's behind, as a connection that breaks does. */
static gboolean fails(enum call call, virDomainPtr dom)
{
	return failing == call && !virDomainLookupByName(virDomainGetConnect(dom), "there is none");
}

int __wrap_virDomainIsActive(virDomainPtr dom)
{
	return fails(ACTIVE, dom) ? -1 : __real_virDomainIsActive(dom);
}

int __wrap_virDomainIsPersistent(virDomainPtr dom)
{
	return fails(PERSISTENT, dom) ? -1 : __real_virDomainIsPersistent(dom);
}

char *__wrap_virDomainGetMetadata(virDomainPtr dom, int type, const char *uri, unsigned int flags)
{
	return fails(METADATA, dom) ? NULL : __real_virDomainGetMetadata(dom, type, uri, flags);
}

char *__wrap_virDomainGetXMLDesc(virDomainPtr dom, unsigned int flags)
{
	return fails(XML, dom) ? NULL : __real_virDomainGetXMLDesc(dom, flags);
}

static void on_seen(void *data, const struct pvmem_domain *domain)
{
	it.seen++;
	it.last = *domain; /* but for its texts, which go */
}

static void on_listed(void *data, const char *const *uuids)
{
	it.listed++;
	it.in_list = g_strv_contains(uuids, DOMAIN);
}

static void on_connected(void *data, const char *error)
{
	assert_null(error);
}

static void on_port(void *data, const char *uuid, const char *alias, gboolean open)
{
}

static void on_done(const char *error, void *data)
{
	assert_null(error);
	it.done++;
}

static const struct pvmem_libvirt_ops ops = {
	.seen = on_seen,
	.listed = on_listed,
	.connected = on_connected,
	.port = on_port,
};

static void until_more(const guint *count, guint before)
{
	gint64 end = g_get_monotonic_time() + TIMEOUT_US;

	while (*count == before && g_get_monotonic_time() < end)
		if (!g_main_context_iteration(NULL, FALSE))
			g_usleep(1000);
	assert_true(*count > before);
}

static void look_again(void)
{
	guint before = it.listed;

	pvmem_libvirt_refresh(it.libvirt);
	until_more(&it.listed, before);
}

static int setup(void **state)
{
	failing = NONE;
	memset(&it, 0, sizeof(it));
	it.libvirt = pvmem_libvirt_thread_start("test:///default", &ops, NULL);
	pvmem_libvirt_connect(it.libvirt);
	until_more(&it.listed, 0);
	return 0;
}

static int teardown(void **state)
{
	pvmem_libvirt_thread_stop(it.libvirt);
	return 0;
}

static void set_max_pool(guint64 percent)
{
	struct pvmem_options options = { 0 };
	guint before = it.done;

	pvmem_options_set(&options, PVMEM_OPTION_MAX_POOL, percent);
	pvmem_libvirt_set(it.libvirt, DOMAIN, PVMEM_SCOPE_LIVE, &options, on_done, NULL);
	until_more(&it.done, before);
}

static void a_domain_is_read_and_changed(void **state)
{
	assert_int_equal(it.seen, 1);
	assert_true(it.in_list && it.last.exists && it.last.running);
	assert_int_equal(it.last.live.options.set, 0);
	set_max_pool(33);
	assert_int_equal(it.last.live.options.value[PVMEM_OPTION_MAX_POOL], 33);
	assert_int_equal(it.last.config.options.set, 0);
}

static void what_cannot_be_read_is_no_news(void **state)
{
	enum call calls[] = { ACTIVE, PERSISTENT, METADATA, XML };
	guint before;
	gsize i;

	set_max_pool(34);
	look_again();
	for (i = 0; i < G_N_ELEMENTS(calls); i++) {
		before = it.seen;
		failing = calls[i];
		look_again();
		assert_int_equal(it.seen, before);
		assert_true(it.in_list);
		failing = NONE;
		look_again();
		assert_true(it.seen > before);
		assert_int_equal(it.last.live.options.value[PVMEM_OPTION_MAX_POOL], 34);
	}
}

static void a_change_that_cannot_be_read_back_is_made(void **state)
{
	guint before = it.seen;

	failing = METADATA;
	set_max_pool(35);
	assert_int_equal(it.seen, before);
	failing = NONE;
	look_again();
	assert_int_equal(it.last.live.options.value[PVMEM_OPTION_MAX_POOL], 35);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_domain_is_read_and_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_is_no_news, setup, teardown),
		cmocka_unit_test_setup_teardown(a_change_that_cannot_be_read_back_is_made, setup, teardown),
	};

	gvir_event_register();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
