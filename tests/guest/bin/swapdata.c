// SPDX-License-Identifier: GPL-2.0
/*
 * Fills anonymous memory with data sets, has the kernel swap it, and checks
 * every byte that comes back. What a page holds follows from the seed, its
 * index and its version alone, so nothing but the two corpora is kept, and
 * those are locked. usage() says the rest.
 *
 * Every step prints one line of JSON: what it did, what it took on the
 * time-stamp counter, and the kernel's counters after it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <x86intrin.h>

#define PAGE 4096UL
/* One call of madvise(): a MiB, so that reclaim works in its usual batches. */
#define PAGEOUT_PAGES 256UL
#define MAX_THREADS 16
#define SWAPPED (1ULL << 62)
#define DROPPED UINT8_MAX

#define DEBUGFS "/sys/kernel/debug/zswap/"
/* Bytes of compressed data, without what the zpool driver adds; see zswap.sh. */
#define CGROUP_ZSWAP "/tmp/cgroup/zswap/memory.zswap.current"

enum kind {
	TEXT,
	BINARY,
	RANDOM,
	ZERO,
	SAME,
	SPREAD,
	MIXED,
	NR_KINDS
};

static const char *const kind_name[NR_KINDS] = { "text", "binary", "random", "zero", "same", "spread", "mixed" };

struct corpus {
	const char *path;
	unsigned char *bytes;
	size_t size;
};

struct swapdata {
	struct corpus corpus[2]; /* by kind: TEXT, BINARY */
	enum kind kind;
	uint64_t seed;
	unsigned long nr_pages, threads;
	unsigned char *memory;
	uint8_t *version; /* of each page; DROPPED: it was given back */
	const char *tag;
};

static void usage(void)
{
	puts("usage: swapdata [NAME=VALUE]... STEP...\n"
	     "\n"
	     "  data=KIND     text, binary: slices of the corpora   random: incompressible\n"
	     "                zero, same: one value all over   spread: a random part of random\n"
	     "                length, then zeros   mixed: each page one of these (default: text)\n"
	     "  pages=N       of 4 KiB (default 8192)\n"
	     "  seed=N        default 1\n"
	     "  threads=N     for churn (default 1)\n"
	     "  text=FILE binary=FILE   default /pvmem/corpus/text, .../binary\n"
	     "  tag=JSON      fields to begin every line with, such as '\"zpool\":\"zbud\",'\n"
	     "\n"
	     "Steps, in the order given:\n"
	     "  start         the counters, nothing else\n"
	     "  fill          writes all pages\n"
	     "  pageout       has the kernel reclaim them\n"
	     "  trickle       the same one page at a time; waits for zswap when it is full\n"
	     "  drop=PERCENT  gives back so many pages, chosen at random\n"
	     "  verify        touches and checks every page\n"
	     "  churn=N       N accesses by each thread, three in four to an eighth of its\n"
	     "                pages; each checks its page, every fourth writes it anew\n"
	     "  spoil         changes one bit, for verify to find\n"
	     "  sh=COMMAND    runs it\n"
	     "\n"
	     "Exit status: 0, 1 if a page was not what it should be, 2 for anything else.");
}

static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("swapdata: ", stderr);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

/* A good mix of all bits (the finaliser of splitmix64). */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static void fill_random(uint64_t hash, unsigned char *to, size_t size)
{
	for (size_t i = 0; i < size; i += 8) {
		uint64_t word = mix(hash + i);

		memcpy(to + i, &word, size - i < 8 ? size - i : 8);
	}
}

/* Shares of a mixed set, in 20ths: 7 text, 7 binary, 2 each of spread, zero and random. */
static enum kind kind_of(const struct swapdata *set, uint64_t hash)
{
	static const enum kind mixed[20] = { TEXT,   TEXT,   TEXT,   TEXT,   TEXT,   TEXT,   TEXT,
					     BINARY, BINARY, BINARY, BINARY, BINARY, BINARY, BINARY,
					     SPREAD, SPREAD, ZERO,   ZERO,   RANDOM, RANDOM };

	return set->kind == MIXED ? mixed[hash % 20] : set->kind;
}

static void page_make(const struct swapdata *set, unsigned long index, uint8_t version, unsigned char *page)
{
	uint64_t hash = mix(mix(set->seed) ^ mix(index << 8 | version));
	enum kind kind = kind_of(set, hash);

	hash = mix(hash);
	switch (kind) {
	case TEXT:
	case BINARY: {
		const struct corpus *corpus = &set->corpus[kind];

		/* Anywhere, so that no two pages are the same; code and data are aligned. */
		memcpy(page, corpus->bytes + (hash % (corpus->size - PAGE) & ~15UL), PAGE);
		break;
	}
	case RANDOM:
		fill_random(hash, page, PAGE);
		break;
	case SAME:
		for (size_t i = 0; i < PAGE; i += 8)
			memcpy(page + i, &hash, 8);
		break;
	case SPREAD:
		memset(page, 0, PAGE);
		fill_random(hash, page, hash % (PAGE + 1));
		break;
	default:
		memset(page, 0, PAGE);
	}
}

/* Checks a page that was just read, and says what is wrong with it. */
static bool page_check(const struct swapdata *set, unsigned long index)
{
	const unsigned char *is = set->memory + index * PAGE;
	unsigned char want[PAGE];
	size_t i;

	page_make(set, index, set->version[index], want);
	if (!memcmp(is, want, PAGE))
		return true;
	for (i = 0; is[i] == want[i]; i++)
		;
	fprintf(stderr, "swapdata: page %lu of %s, version %u: byte %zu is %#x, should be %#x\n", index,
		kind_name[set->kind], set->version[index], i, is[i], want[i]);
	return false;
}

static unsigned long long read_number(const char *path)
{
	unsigned long long value = 0;
	FILE *file = fopen(path, "r");

	if (!file)
		return 0;
	if (fscanf(file, "%llu", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

/* The value after `name` in a file of "name value" lines, times `unit`. */
static void print_field(const char *path, const char *name, unsigned int unit)
{
	unsigned long long value = 0;
	size_t length = strlen(name);
	char line[256];
	FILE *file = fopen(path, "r");

	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, name, length) && strchr(": ", line[length])) {
			value = strtoull(line + length + 1, NULL, 10);
			break;
		}
	}
	if (file)
		fclose(file);
	printf(",\"%s\":%llu", name, value * unit);
}

static void print_counters(void)
{
	static const char *const zswap[] = { "stored_pages",	  "same_filled_pages",	  "pool_total_size",
					     "pool_limit_hit",	  "written_back_pages",	  "reject_reclaim_fail",
					     "reject_alloc_fail", "reject_compress_poor", "reject_kmemcache_fail",
					     "duplicate_entry" };
	static const char *const vmstat[] = { "zswpin", "zswpout", "swpout_zero", "pswpin", "pswpout", "oom_kill" };
	static const char *const meminfo[] = { "MemFree", "SUnreclaim", "Percpu", "VmallocUsed" };
	char path[sizeof(DEBUGFS) + 32];
	size_t i;

	for (i = 0; i < sizeof(zswap) / sizeof(*zswap); i++) {
		snprintf(path, sizeof(path), DEBUGFS "%s", zswap[i]);
		printf(",\"%s\":%llu", zswap[i], read_number(path));
	}
	printf(",\"compressed_bytes\":%llu", read_number(CGROUP_ZSWAP));
	for (i = 0; i < sizeof(vmstat) / sizeof(*vmstat); i++)
		print_field("/proc/vmstat", vmstat[i], 1);
	for (i = 0; i < sizeof(meminfo) / sizeof(*meminfo); i++)
		print_field("/proc/meminfo", meminfo[i], 1024);
}

/* Pages with their data on the swap device, or in zswap before it. */
static unsigned long count_swapped(const struct swapdata *set)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	unsigned long swapped = 0, i, n;
	uint64_t entry[512];

	if (fd < 0)
		fail("/proc/self/pagemap: %s", strerror(errno));
	for (i = 0; i < set->nr_pages; i += n) {
		n = set->nr_pages - i < 512 ? set->nr_pages - i : 512;
		if (pread(fd, entry, n * 8, ((uintptr_t)set->memory / PAGE + i) * 8) != (ssize_t)(n * 8))
			fail("/proc/self/pagemap: %s", strerror(errno));
		for (unsigned long j = 0; j < n; j++)
			swapped += !!(entry[j] & SWAPPED);
	}
	close(fd);
	return swapped;
}

/* One line of results; `pages` are those that `cycles` were spent on. */
static void report(const struct swapdata *set, const char *step, unsigned long pages, uint64_t cycles,
		   unsigned long wrong)
{
	printf("{%s\"step\":\"%s\",\"data\":\"%s\",\"n\":%lu,\"pages\":%lu,\"cycles\":%llu,\"wrong\":%lu,\"swapped\":%lu",
	       set->tag, step, kind_name[set->kind], set->nr_pages, pages, (unsigned long long)cycles, wrong,
	       count_swapped(set));
	print_counters();
	puts("}");
	fflush(stdout);
}

static unsigned long step_fill(struct swapdata *set)
{
	uint64_t start = __rdtsc();

	for (unsigned long i = 0; i < set->nr_pages; i++) {
		set->version[i] = 0;
		page_make(set, i, 0, set->memory + i * PAGE);
	}
	report(set, "fill", set->nr_pages, __rdtsc() - start, 0);
	return 0;
}

static unsigned long step_pageout(struct swapdata *set)
{
	unsigned long before = count_swapped(set);
	uint64_t start = __rdtsc();

	for (unsigned long i = 0; i < set->nr_pages; i += PAGEOUT_PAGES) {
		unsigned long n = set->nr_pages - i < PAGEOUT_PAGES ? set->nr_pages - i : PAGEOUT_PAGES;

		if (madvise(set->memory + i * PAGE, n * PAGE, MADV_PAGEOUT))
			fail("MADV_PAGEOUT: %s", strerror(errno));
	}
	start = __rdtsc() - start;
	report(set, "pageout", count_swapped(set) - before, start, 0);
	return 0;
}

/*
 * zswap of 6.1 loses track of a pool that hits its limit again before its worker
 * has begun: wait until the worker has made room or given up.
 */
static void wait_for_shrinker(unsigned long long size, unsigned long long failures)
{
	for (unsigned int i = 0; i < 200; i++) {
		usleep(1000);
		if (read_number(DEBUGFS "pool_total_size") < size ||
		    read_number(DEBUGFS "reject_reclaim_fail") > failures)
			return;
	}
}

static unsigned long step_trickle(struct swapdata *set)
{
	unsigned long before = count_swapped(set);
	uint64_t start = __rdtsc();

	for (unsigned long i = 0; i < set->nr_pages; i++) {
		unsigned long long hits = read_number(DEBUGFS "pool_limit_hit");
		unsigned long long size = read_number(DEBUGFS "pool_total_size");
		unsigned long long failures = read_number(DEBUGFS "reject_reclaim_fail");

		if (madvise(set->memory + i * PAGE, PAGE, MADV_PAGEOUT))
			fail("MADV_PAGEOUT: %s", strerror(errno));
		if (read_number(DEBUGFS "pool_limit_hit") > hits)
			wait_for_shrinker(size, failures);
	}
	report(set, "trickle", count_swapped(set) - before, __rdtsc() - start, 0);
	return 0;
}

static unsigned long step_drop(struct swapdata *set, unsigned long percent)
{
	unsigned long dropped = 0;
	uint64_t start = __rdtsc();

	for (unsigned long i = 0; i < set->nr_pages; i++) {
		if (set->version[i] == DROPPED || mix(set->seed + i) % 100 >= percent)
			continue;
		if (madvise(set->memory + i * PAGE, PAGE, MADV_DONTNEED))
			fail("MADV_DONTNEED: %s", strerror(errno));
		set->version[i] = DROPPED;
		dropped++;
	}
	report(set, "drop", dropped, __rdtsc() - start, 0);
	return 0;
}

static unsigned long step_verify(struct swapdata *set)
{
	unsigned long wrong = 0, checked = 0;
	uint64_t cycles = 0, start;

	for (unsigned long i = 0; i < set->nr_pages; i++) {
		if (set->version[i] == DROPPED)
			continue;
		start = __rdtsc();
		(void)*(volatile unsigned char *)(set->memory + i * PAGE);
		cycles += __rdtsc() - start;
		wrong += !page_check(set, i);
		checked++;
	}
	report(set, "verify", checked, cycles, wrong);
	return wrong;
}

struct churner {
	struct swapdata *set;
	pthread_t thread;
	unsigned long first, nr_pages, accesses, wrong;
};

static void *churn_thread(void *argument)
{
	struct churner *churner = argument;
	struct swapdata *set = churner->set;
	unsigned long hot = churner->nr_pages / 8 + 1;

	for (unsigned long i = 0; i < churner->accesses; i++) {
		uint64_t hash = mix(mix(set->seed) + (churner->first << 32) + i);
		unsigned long index = churner->first + (hash >> 8) % (hash % 4 ? hot : churner->nr_pages);

		if (set->version[index] == DROPPED)
			continue;
		churner->wrong += !page_check(set, index);
		if (i % 4)
			continue;
		set->version[index] = (set->version[index] + 1) % DROPPED;
		page_make(set, index, set->version[index], set->memory + index * PAGE);
	}
	return NULL;
}

static unsigned long step_churn(struct swapdata *set, unsigned long accesses)
{
	struct churner churner[MAX_THREADS] = { 0 };
	unsigned long share = set->nr_pages / set->threads, wrong = 0, i;
	uint64_t start = __rdtsc();

	for (i = 0; i < set->threads; i++) {
		churner[i].set = set;
		churner[i].first = i * share;
		churner[i].nr_pages = share;
		churner[i].accesses = accesses;
		if (pthread_create(&churner[i].thread, NULL, churn_thread, &churner[i]))
			fail("no thread");
	}
	for (i = 0; i < set->threads; i++) {
		pthread_join(churner[i].thread, NULL);
		wrong += churner[i].wrong;
	}
	report(set, "churn", accesses * set->threads, __rdtsc() - start, wrong);
	return wrong;
}

static unsigned long step_spoil(struct swapdata *set)
{
	unsigned long index = mix(set->seed) % set->nr_pages;

	set->memory[index * PAGE + mix(index) % PAGE] ^= 1;
	report(set, "spoil", 1, 0, 0);
	return 0;
}

static unsigned long step_sh(const char *command)
{
	fflush(stdout);
	if (system(command))
		fail("failed: %s", command);
	return 0;
}

static void corpus_read(struct corpus *corpus)
{
	int fd = open(corpus->path, O_RDONLY);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		fail("%s: %s", corpus->path, strerror(errno));
	corpus->size = status.st_size;
	if (corpus->size < 2 * PAGE)
		fail("%s is too small", corpus->path);
	corpus->bytes = malloc(corpus->size);
	if (!corpus->bytes || read(fd, corpus->bytes, corpus->size) != (ssize_t)corpus->size)
		fail("%s cannot be read", corpus->path);
	close(fd);
}

/* Everything but the pages themselves stays in memory: what is swapped is theirs. */
static void prepare(struct swapdata *set)
{
	corpus_read(&set->corpus[TEXT]);
	corpus_read(&set->corpus[BINARY]);
	set->version = calloc(set->nr_pages, 1);
	if (!set->version || mlockall(MCL_CURRENT))
		fail("cannot lock memory: %s", strerror(errno));
	set->memory = mmap(NULL, set->nr_pages * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (set->memory == MAP_FAILED)
		fail("%lu pages: %s", set->nr_pages, strerror(errno));
	/* zswap of 6.1 sends huge pages to the disk. */
	madvise(set->memory, set->nr_pages * PAGE, MADV_NOHUGEPAGE);
}

static unsigned long number(const char *text, unsigned long max)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || end == text || value > max)
		fail("%s is not a number up to %lu", text, max);
	return value;
}

static enum kind kind_named(const char *name)
{
	for (int kind = 0; kind < NR_KINDS; kind++)
		if (!strcmp(name, kind_name[kind]))
			return kind;
	fail("no such data: %s", name);
}

/* NAME=VALUE of a setting; false if it is none. */
static bool setting(struct swapdata *set, const char *name, const char *value)
{
	if (!strcmp(name, "data"))
		set->kind = kind_named(value);
	else if (!strcmp(name, "pages"))
		set->nr_pages = number(value, 1UL << 28);
	else if (!strcmp(name, "seed"))
		set->seed = number(value, UINT32_MAX);
	else if (!strcmp(name, "threads"))
		set->threads = number(value, MAX_THREADS);
	else if (!strcmp(name, "text"))
		set->corpus[TEXT].path = value;
	else if (!strcmp(name, "binary"))
		set->corpus[BINARY].path = value;
	else if (!strcmp(name, "tag"))
		set->tag = value;
	else
		return false;
	return true;
}

static unsigned long step(struct swapdata *set, const char *name, const char *value)
{
	if (!strcmp(name, "start") && !value)
		report(set, name, 0, 0, 0);
	else if (!strcmp(name, "fill") && !value)
		return step_fill(set);
	else if (!strcmp(name, "pageout") && !value)
		return step_pageout(set);
	else if (!strcmp(name, "trickle") && !value)
		return step_trickle(set);
	else if (!strcmp(name, "verify") && !value)
		return step_verify(set);
	else if (!strcmp(name, "spoil") && !value)
		return step_spoil(set);
	else if (!strcmp(name, "drop") && value)
		return step_drop(set, number(value, 100));
	else if (!strcmp(name, "churn") && value)
		return step_churn(set, number(value, UINT32_MAX));
	else if (!strcmp(name, "sh") && value)
		return step_sh(value);
	else
		fail("no such step: %s%s%s (see swapdata --help)", name, value ? "=" : "", value ? value : "");
	return 0;
}

int main(int argc, char **argv)
{
	struct swapdata set = {
		.corpus = { { .path = "/pvmem/corpus/text" }, { .path = "/pvmem/corpus/binary" } },
		.seed = 1,
		.nr_pages = 8192,
		.threads = 1,
		.tag = "",
	};
	unsigned long wrong = 0;
	int i;

	if (argc < 2 || !strcmp(argv[1], "--help")) {
		usage();
		return argc < 2 ? 2 : 0;
	}
	for (i = 1; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (value)
			*value++ = '\0';
		if (!set.memory && value && setting(&set, argv[i], value))
			continue;
		if (!set.memory) {
			if (!set.nr_pages || !set.threads)
				fail("pages and threads cannot be 0");
			prepare(&set);
		}
		wrong += step(&set, argv[i], value);
	}
	return wrong ? 1 : 0;
}
