/* SPDX-License-Identifier: GPL-2.0 */
/* A string in a tracepoint: TP_STRUCT__entry() names its source, and 6.1 wants it again. */
#ifndef PVMEM_COMPAT_TRACE_H
#define PVMEM_COMPAT_TRACE_H

#ifdef PVMEM_HAVE_TRACE_STRING_SOURCE
#define pvmem_compat_assign_str(dst, src) __assign_str(dst, src)
#else
#define pvmem_compat_assign_str(dst, src) __assign_str(dst)
#endif

#endif
