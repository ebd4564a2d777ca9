/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory that mmstress works on, and what each page of it must hold.
 *
 * Each process has an arena, a row of units. A unit is 640 KiB, so neighbours
 * share page tables, and unmapping one leaves a table that is still in use.
 * A unit's lock is held shared by who touches single pages, exclusively by who
 * changes mappings. Among those who share it, page p belongs to thread
 * p % threads: all fault in the same page tables, nobody in another's page.
 * tag[p] says what page p must hold: zeros for 0, else words made of the tag.
 * Tags move with the pages, so the pages are checked wherever they end up.
 */
#ifndef ARENA_H
#define ARENA_H

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096UL
#define PMD (2UL << 20)
#define UNIT_PAGES 160UL
#define UNIT_SIZE (UNIT_PAGES * PAGE)
#define UNITS 32
#define PAGES (UNITS * UNIT_PAGES)
/* A page never written to is a fault to look at: of those, only one in so many. */
#define ZEROS_CHECKED 16

static unsigned char *arena;
static uint64_t *tags;
static pthread_rwlock_t locks[UNITS];

/* complain - say what is wrong, in one write, and end the process. */
__attribute__((format(printf, 1, 2), noreturn)) static void complain(const char *format, ...)
{
	char line[512];
	va_list args;
	int length = snprintf(line, sizeof(line), "# mmstress[%d]: ", getpid());

	va_start(args, format);
	length += vsnprintf(line + length, sizeof(line) - length - 1, format, args);
	va_end(args);
	if (length > (int)sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length++] = '\n';
	if (write(STDOUT_FILENO, line, length) < 0)
		_exit(2);
	_exit(1);
}

static void must(bool good, const char *what)
{
	if (!good)
		complain("%s: %s", what, strerror(errno));
}

/* --- pages: what they hold */

static unsigned char *page_address(unsigned long page)
{
	return arena + page * PAGE;
}

static uint64_t page_word(uint64_t tag, unsigned int i)
{
	return tag ? tag * 0x9e3779b97f4a7c15ULL + i * 0xd1342543de82ef95ULL : 0;
}

static void page_fill(void *address, uint64_t tag)
{
	uint64_t *word = address;

	for (unsigned int i = 0; i < PAGE / sizeof(*word); i++)
		word[i] = page_word(tag, i);
}

static void page_check(const void *address, uint64_t tag, const char *who)
{
	const uint64_t *word = address;

	for (unsigned int i = 0; i < PAGE / sizeof(*word); i++)
		if (word[i] != page_word(tag, i))
			complain("%s: word %u at %p is %016lx, not %016lx (tag %lx)", who, i, address,
				 (unsigned long)word[i], (unsigned long)page_word(tag, i), (unsigned long)tag);
}

/* --- units: their locks and mappings */

static void span_lock(unsigned int first, unsigned int nr)
{
	for (unsigned int i = first; i < first + nr; i++)
		pthread_rwlock_wrlock(&locks[i]);
}

static void span_unlock(unsigned int first, unsigned int nr)
{
	for (unsigned int i = first; i < first + nr; i++)
		pthread_rwlock_unlock(&locks[i]);
}

static void map_fresh(unsigned int first, unsigned int nr)
{
	unsigned char *want = arena + first * UNIT_SIZE;
	unsigned char *got = mmap(want, nr * UNIT_SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);

	must(got == want, "mmap of a span that was unmapped");
	/* Huge pages have no page tables, which are what this is about. */
	if (madvise(got, nr * UNIT_SIZE, MADV_NOHUGEPAGE) && errno != EINVAL)
		complain("madvise(MADV_NOHUGEPAGE): %s", strerror(errno));
	memset(tags + first * UNIT_PAGES, 0, nr * UNIT_PAGES * sizeof(*tags));
}

static void span_check(unsigned int first, unsigned int nr, const char *who)
{
	for (unsigned long page = first * UNIT_PAGES; page < (first + nr) * UNIT_PAGES; page++)
		if (tags[page] || page % ZEROS_CHECKED == 0)
			page_check(page_address(page), tags[page], who);
}

static void arena_make(void)
{
	arena = mmap(NULL, PAGES * PAGE + PMD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	tags = calloc(PAGES, sizeof(*tags));
	must(arena != MAP_FAILED && tags, "memory for the arena");
	/* Whole page tables, but for the last. */
	arena = (unsigned char *)(((uintptr_t)arena + PMD - 1) & ~(PMD - 1));
	must(!munmap(arena, PAGES * PAGE), "munmap of the arena");
	map_fresh(0, UNITS);
	for (unsigned int i = 0; i < UNITS; i++)
		pthread_rwlock_init(&locks[i], NULL);
}

#endif
