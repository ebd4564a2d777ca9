/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the audit expect of one. */
#ifndef PVMEM_TESTS_HOST_AUDIT_EXPECT_H
#define PVMEM_TESTS_HOST_AUDIT_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "audit.h"

/* Nothing was found. */
static inline void clean(const struct pvmem_audit *audit)
{
	if (pvmem_audit_total(audit))
		print_message("found %s\n", pvmem_audit_kind_name(audit->findings[0].kind));
	assert_int_equal(pvmem_audit_total(audit), 0);
}

/* Nothing but this was found. */
static inline void found(const struct pvmem_audit *audit, enum pvmem_audit_kind kind, uint64_t frame, uint64_t addr,
			 uint64_t other)
{
	assert_int_equal(pvmem_audit_total(audit), 1);
	assert_int_equal(audit->nr_findings, 1);
	assert_int_equal(audit->findings[0].kind, kind);
	assert_int_equal(audit->findings[0].frame, frame);
	assert_int_equal(audit->findings[0].addr, addr);
	assert_int_equal(audit->findings[0].other, other);
}

#endif
