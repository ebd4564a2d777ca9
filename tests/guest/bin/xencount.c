// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counts what a PV guest asked of Xen about its page tables, from a trace that
 * Xen itself wrote (xentrace -e 0x0020f000, the class of PV guests' entries).
 * See usage() below.
 *
 * A record is a word of event, count of extra words and whether a time stamp
 * follows; then that, and the extra words.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENT_MASK 0x0fffffff
#define EXTRA_SHIFT 28
#define EXTRA_MASK 7
#define STAMPED (1u << 31)

#define LOST_RECORDS 0x0001f001
#define HYPERCALL 0x0020100d
#define SUBCALL 0x0020200e
#define PTWR_EMULATION 0x0020110b /* a store to a page table trapped */
#define CALL_MASK 0xfffff
#define CALL_CONTINUED (1u << 31) /* in a count: preempted, not a new call */

/* Numbers of hypercalls. */
enum {
	MMU_UPDATE = 1,
	MULTICALL = 13,
	UPDATE_VA_MAPPING = 14,
	MMUEXT_OP = 26
};

struct record {
	uint32_t event, nr_extra, extra[EXTRA_MASK];
	uint64_t stamp;
	bool stamped;
};

static struct {
	unsigned long hypercalls, requests, trapped;
} counts;

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "xencount: %s\n", what);
	exit(1);
}

/* @record of @from; false at its end. */
static bool record_read(FILE *from, struct record *record)
{
	uint32_t head;

	if (fread(&head, sizeof(head), 1, from) != 1)
		return false;
	record->event = head & EVENT_MASK;
	record->nr_extra = head >> EXTRA_SHIFT & EXTRA_MASK;
	record->stamped = head & STAMPED;
	if (record->stamped && fread(&record->stamp, sizeof(record->stamp), 1, from) != 1)
		fail("the trace ends within a record");
	if (fread(record->extra, sizeof(uint32_t), record->nr_extra, from) != record->nr_extra)
		fail("the trace ends within a record");
	return true;
}

/* How many changes one call asks for. Xen records the number where there is one. */
static unsigned long requests(const struct record *record)
{
	uint32_t call = record->extra[0] & CALL_MASK;

	if ((call == MMU_UPDATE || call == MMUEXT_OP) && record->nr_extra > 1)
		return record->extra[1];
	return call == MULTICALL ? 0 : 1; /* its parts are records of their own */
}

static bool about_page_tables(uint32_t call)
{
	return call == MMU_UPDATE || call == MULTICALL || call == UPDATE_VA_MAPPING || call == MMUEXT_OP;
}

static void count(const struct record *record)
{
	if (record->event == LOST_RECORDS)
		fail("Xen lost records: the trace buffer is too small");
	if (record->event == PTWR_EMULATION) {
		counts.trapped++;
		return;
	}
	if ((record->event != HYPERCALL && record->event != SUBCALL) || !record->nr_extra ||
	    !about_page_tables(record->extra[0] & CALL_MASK))
		return;
	if (record->nr_extra > 1 && record->extra[1] & CALL_CONTINUED)
		return;
	if (record->event == HYPERCALL)
		counts.hypercalls++;
	counts.requests += requests(record);
}

int main(int argc, char **argv)
{
	uint64_t begin = 0, end = UINT64_MAX;
	struct record record;
	FILE *trace;

	if (argc != 4) {
		fputs("usage: xencount TRACE CYCLES END\n\n"
		      "Prints, of the CYCLES that ended at the time stamp END: hypercalls about page\n"
		      "tables, changes they asked for, and stores to page tables that trapped.\n",
		      stderr);
		return 2;
	}
	end = strtoull(argv[3], NULL, 10);
	begin = end - strtoull(argv[2], NULL, 10);
	trace = fopen(argv[1], "r");
	if (!trace)
		fail(strerror(errno));
	while (record_read(trace, &record))
		if (record.stamped && record.stamp >= begin && record.stamp <= end)
			count(&record);
	printf("%lu %lu %lu\n", counts.hypercalls, counts.requests, counts.trapped);
	return 0;
}
