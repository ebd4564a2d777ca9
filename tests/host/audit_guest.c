// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Looks at a guest from the shell; what the guest says of itself comes as files:
 *
 *	audit_guest kvm PID [FILE]...
 *	audit_guest xen DOMID [FILE]...
 *
 * A FILE named windows, pool, before or after is what /sys/kernel/pvmem's
 * windows, ptpool_frames and (as "NAME VALUE" lines) stats say. Prints a line
 * "VALUE NAME" for each sum that is not 0 and one for each finding. Exit status:
 * 0: nothing was found, 1: something was, 2: it could not look.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "audit.h"

#define POOL_MAX 65536

static uint64_t pool[POOL_MAX];

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (!file || getdelim(&text, &size, 0, file) < 0)
		text = strdup("");
	if (file)
		fclose(file);
	else
		fprintf(stderr, "audit_guest: %s: %s\n", path, strerror(errno));
	return text;
}

static void take_windows(struct pvmem_audit_claim *claim, const char *text)
{
	struct pvmem_audit_window *window = claim->windows;
	int len;

	for (; claim->nr_windows < PVMEM_AUDIT_WINDOWS; claim->nr_windows++, window++, text += len)
		if (sscanf(text, "%" SCNx64 " %" SCNu64 " %n", &window->base, &window->bytes, &len) != 2)
			break;
}

static void take_pool(struct pvmem_audit_claim *claim, const char *text)
{
	char *end;

	claim->has_pool = true;
	claim->pool = pool;
	for (; claim->nr_pool < POOL_MAX; text = end) {
		pool[claim->nr_pool] = strtoull(text, &end, 16);
		if (end == text)
			break;
		claim->nr_pool++;
	}
}

static void take_counts(struct pvmem_audit_claim *claim, int which, const char *text)
{
	struct pvmem_audit_counts *counts = &claim->counts[which];
	const struct {
		const char *name;
		uint64_t *value;
	} known[] = {
		{ "map_pages ", &counts->map_pages },	  { "unmap_pages ", &counts->unmap_pages },
		{ "purge_pages ", &counts->purge_pages }, { "ptpool_pages ", &counts->ptpool_pages },
		{ "ptpool_out ", &counts->ptpool_out },
	};
	size_t i;

	claim->has_counts = true;
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (!strncmp(text, known[i].name, strlen(known[i].name)))
				*known[i].value = strtoull(text + strlen(known[i].name), NULL, 10);
}

static void take_file(struct pvmem_audit_claim *claim, const char *path)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	char *text = read_file(path);

	if (!strcmp(name, "windows"))
		take_windows(claim, text);
	else if (!strcmp(name, "pool"))
		take_pool(claim, text);
	else
		take_counts(claim, !strcmp(name, "after"), text);
	free(text);
}

static void print_sum(const char *prefix, const char *name, uint64_t value)
{
	if (value)
		printf("%10" PRIu64 " %s%s\n", value, prefix, name);
}

static void print_audit(const struct pvmem_audit *audit)
{
	size_t i;

	print_sum("", "tables", audit->nr_tables);
	print_sum("", "user-tables", audit->nr_user_tables);
	print_sum("", "roots", audit->nr_roots);
	for (i = 0; i < PVMEM_NR_AUDIT_CLASSES; i++)
		print_sum("mapped-", pvmem_audit_class_name(i), audit->nr_mapped[i]);
	for (i = 0; i < PVMEM_NR_AUDIT_CLASSES; i++)
		print_sum("benign-", pvmem_audit_class_name(i), audit->nr_benign[i]);
	print_sum("", "window-entries", audit->nr_window);
	print_sum("", "outside", audit->nr_outside);
	print_sum("", "malformed", audit->nr_malformed);
	print_sum("", "aliased", audit->nr_aliased);
	print_sum("", "reserved", audit->nr_reserved);
	print_sum("", "pinned", audit->nr_pinned);
	print_sum("", "idle", audit->nr_idle);
	print_sum("", "pooled", audit->nr_pooled);
	print_sum("", "us", audit->elapsed_us);
	printf("direct map at 0x%" PRIx64 ", struct pages at 0x%" PRIx64 "\n", audit->direct_base, audit->vmemmap_base);
	for (i = 0; i < PVMEM_NR_AUDITS; i++)
		print_sum("found-", pvmem_audit_kind_name(i), audit->nr_by_kind[i]);
	for (i = 0; i < audit->nr_findings; i++)
		printf("%s: frame 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 "\n",
		       pvmem_audit_kind_name(audit->findings[i].kind), audit->findings[i].frame,
		       audit->findings[i].addr, audit->findings[i].other);
}

static int usage(void)
{
	fprintf(stderr, "usage: audit_guest kvm PID [FILE]...\n       audit_guest xen DOMID [FILE]...\n");
	return 2;
}

int main(int argc, char **argv)
{
	bool kvm = argc >= 3 && !strcmp(argv[1], "kvm");
	struct pvmem_audit_claim claim = { 0 };
	char error[PVMEM_AUDIT_ERROR] = "";
	struct pvmem_audit audit = { 0 };
	int i, err;

	if (!kvm && (argc < 3 || strcmp(argv[1], "xen")))
		return usage();
	for (i = 3; i < argc; i++)
		take_file(&claim, argv[i]);
	if (kvm)
		err = pvmem_audit_kvm(atoi(argv[2]), &claim, &audit, error);
	else
		err = pvmem_audit_xen(atoi(argv[2]), &claim, &audit, error);
	if (err) {
		fprintf(stderr, "audit_guest: %s\n", error);
		return 2;
	}
	print_audit(&audit);
	return pvmem_audit_total(&audit) ? 1 : 0;
}
