/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a module found out while it was loaded: text that is put together first and
 * then shown as a file in debugfs, for as long as the module stays.
 */
#ifndef PVMEM_TEST_REPORT_H
#define PVMEM_TEST_REPORT_H

#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/mm.h>

/**
 * struct report - text, and the file that shows it
 * @text: the text; what does not fit is cut off.
 * @len: its length so far.
 * @size: room for it, in bytes.
 * @blob: the text as debugfs wants it.
 * @file: the file.
 */
struct report {
	char *text;
	size_t len;
	size_t size;
	struct debugfs_blob_wrapper blob;
	struct dentry *file;
};

/* 0 or -ENOMEM. */
static inline int report_start(struct report *report, size_t size)
{
	report->text = kvmalloc(size, GFP_KERNEL);
	report->size = size;
	return report->text ? 0 : -ENOMEM;
}

static inline __printf(2, 0) void report_vprint(struct report *report, const char *fmt, va_list ap)
{
	report->len += vscnprintf(report->text + report->len, report->size - report->len, fmt, ap);
}

static inline __printf(2, 3) void report_print(struct report *report, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_vprint(report, fmt, ap);
	va_end(ap);
}

static inline void report_show(struct report *report, const char *name)
{
	report->blob.data = report->text;
	report->blob.size = report->len;
	report->file = debugfs_create_blob(name, 0400, NULL, &report->blob);
}

/* Also for one that was never shown. */
static inline void report_end(struct report *report)
{
	debugfs_remove(report->file);
	kvfree(report->text);
}

#endif
