/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a thread of mmstress is, and the little that all its work is made of: a
 * choice at random, a page checked and perhaps changed, a span of units locked.
 */
#ifndef MMWORK_H
#define MMWORK_H

#include <pthread.h>
#include <stdint.h>
#include "arena.h"

#define SPAN_MAX 5 /* units: more than one page table's 2 MiB */

enum op {
	TOUCH,
	DISCARD,
	REMAP,
	MOVE,
	PROTECT,
	FORK,
	EXEC,
	KILL,
	STACK,
	READ,
	NR_OPS
};

/* What processes tell their parent, in shared memory. */
struct report {
	unsigned long ops[NR_OPS];
	unsigned long pages_checked;
	unsigned long alarms;
};

struct thread {
	pthread_t id;
	unsigned int number;
	uint64_t random;
	uint64_t next_tag;
	struct report report;
};

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1dULL;
}

static unsigned long below(struct thread *thread, unsigned long limit)
{
	return (random_next(&thread->random) >> 32) % limit;
}

/* A tag nobody has used: threads and processes start far apart. */
static uint64_t tag_new(struct thread *thread)
{
	return ++thread->next_tag;
}

/* page_renew - check what the page holds and, half of the times, change it. */
static void page_renew(struct thread *thread, unsigned long page, const char *who)
{
	page_check(page_address(page), tags[page], who);
	thread->report.pages_checked++;
	if (below(thread, 2)) {
		tags[page] = tag_new(thread);
		page_fill(page_address(page), tags[page]);
	}
}

/* A span of units chosen at random and locked. */
static unsigned int span_choose(struct thread *thread, unsigned int *nr)
{
	unsigned int first;

	*nr = 1 + below(thread, SPAN_MAX);
	first = below(thread, UNITS - *nr + 1);
	span_lock(first, *nr);
	return first;
}

#endif
