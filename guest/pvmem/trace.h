/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints: what was mapped, unmapped, purged, filled, and each hypercall batch. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM pvmem

#if !defined(PVMEM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define PVMEM_TRACE_H

#include <linux/tracepoint.h>
#include "compat/trace.h"

TRACE_EVENT(pvmem_map,
	TP_PROTO(const void *addr, unsigned int nr_pages),
	TP_ARGS(addr, nr_pages),
	TP_STRUCT__entry(
		__field(const void *, addr)
		__field(unsigned int, nr_pages)
	),
	TP_fast_assign(
		__entry->addr = addr;
		__entry->nr_pages = nr_pages;
	),
	TP_printk("addr=%p nr_pages=%u", __entry->addr, __entry->nr_pages)
);

TRACE_EVENT(pvmem_unmap,
	TP_PROTO(const void *addr),
	TP_ARGS(addr),
	TP_STRUCT__entry(
		__field(const void *, addr)
	),
	TP_fast_assign(
		__entry->addr = addr;
	),
	TP_printk("addr=%p", __entry->addr)
);

TRACE_EVENT(pvmem_purge,
	TP_PROTO(unsigned long nr_pages, int error),
	TP_ARGS(nr_pages, error),
	TP_STRUCT__entry(
		__field(unsigned long, nr_pages)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->nr_pages = nr_pages;
		__entry->error = error;
	),
	TP_printk("nr_pages=%lu error=%d", __entry->nr_pages, __entry->error)
);

TRACE_EVENT(pvmem_ptpool_fill,
	TP_PROTO(unsigned int asked, unsigned int filled, bool purged),
	TP_ARGS(asked, filled, purged),
	TP_STRUCT__entry(
		__field(unsigned int, asked)
		__field(unsigned int, filled)
		__field(bool, purged)
	),
	TP_fast_assign(
		__entry->asked = asked;
		__entry->filled = filled;
		__entry->purged = purged;
	),
	TP_printk("asked=%u filled=%u purged=%d", __entry->asked, __entry->filled, __entry->purged)
);

TRACE_EVENT(pvmem_hypercall,
	TP_PROTO(const char *op, unsigned int entries, int error),
	TP_ARGS(op, entries, error),
	TP_STRUCT__entry(
		__string(op, op)
		__field(unsigned int, entries)
		__field(int, error)
	),
	TP_fast_assign(
		pvmem_compat_assign_str(op, op);
		__entry->entries = entries;
		__entry->error = error;
	),
	TP_printk("op=%s entries=%u error=%d", __get_str(op), __entry->entries, __entry->error)
);

#endif

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
