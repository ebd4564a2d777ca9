// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes the kernel build and free page tables in every way a program can, and
 * checks what it reads: KTAP, one result for each case. Each case touches a
 * page here and there; page i of a range holds the number that tag(i) says, and
 * its neighbours hold zero.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define TABLE (2UL << 20) /* what one page table maps */
#define TABLES 96UL
#define SIZE (TABLES * TABLE)
#define GIB (1UL << 30) /* what one upper table maps */
#define WALKED 16UL
#define MOVED 8UL
#define THREADS 4UL
#define EXEC_STATUS 77
#define PUNCHED 64UL /* pages: four faults, each mapping 16 */
#define PUNCHES 60UL

static unsigned long tag(unsigned long page)
{
	return page * 0x9e3779b97f4a7c15UL | 1;
}

static char *map(unsigned long size)
{
	/* Aligned to a page table, with nothing else in the first and the last. */
	char *raw = mmap(NULL, size + 2 * TABLE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *at = (char *)(((unsigned long)raw + 2 * TABLE - 1) & ~(TABLE - 1));

	if (raw == MAP_FAILED || mmap(at, size, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != at) {
		perror("mmap");
		exit(2);
	}
	return at;
}

static void put(char *base, unsigned long page)
{
	*(unsigned long *)(base + page * PAGE) = tag(page);
}

static bool has(const char *base, unsigned long page, unsigned long value)
{
	return *(const volatile unsigned long *)(base + page * PAGE) == value;
}

/* One page of every table, somewhere in it. */
static unsigned long spot(unsigned long table)
{
	return table * (TABLE / PAGE) + table * 37 % (TABLE / PAGE - 1);
}

static void touch_all(char *base)
{
	for (unsigned long i = 0; i < TABLES; i++)
		put(base, spot(i));
}

static bool check_all(const char *base)
{
	for (unsigned long i = 0; i < TABLES; i++)
		if (!has(base, spot(i), tag(spot(i))) || !has(base, spot(i) + 1, 0))
			return false;
	return true;
}

/* KiB of page tables, as the kernel counts them. */
static long table_kib(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];
	long kib = -1;

	while (status && fgets(line, sizeof(line), status))
		sscanf(line, "VmPTE: %ld", &kib);
	if (status)
		fclose(status);
	return kib;
}

static bool ascending(void)
{
	long before = table_kib(), most;
	char *base;
	bool good = true;

	for (int round = 0; good && round < 4; round++) {
		base = map(SIZE);
		touch_all(base);
		good = check_all(base);
		most = table_kib();
		munmap(base, SIZE);
		/* Each table is counted once, and gone afterwards; L2 tables may stay. */
		good = good && most - before >= (long)(TABLES * 4) && most - before <= (long)(TABLES + 4) * 4 &&
		       table_kib() - before <= 16;
	}
	return good;
}

/* Every third table from the end: no walk to make tables ahead of. */
static bool descending(void)
{
	long before = table_kib();
	char *base = map(SIZE);
	bool good = true;

	for (unsigned long i = TABLES; i >= 3; i -= 3)
		put(base, spot(i - 1));
	good = table_kib() - before <= (long)(TABLES / 3 + 4) * 4;
	for (unsigned long i = TABLES; i >= 3; i -= 3)
		good = good && has(base, spot(i - 1), tag(spot(i - 1)));
	munmap(base, SIZE);
	return good;
}

static char *shared_base;

/* All threads fault in every table, each on pages of its own. */
static void *touch_own(void *arg)
{
	unsigned long self = (unsigned long)arg;

	for (unsigned long i = 0; i < TABLES; i++)
		put(shared_base, i * (TABLE / PAGE) + self);
	return NULL;
}

static bool threads(void)
{
	pthread_t thread[THREADS];
	bool good = true;

	shared_base = map(SIZE);
	for (unsigned long t = 0; t < THREADS; t++)
		if (pthread_create(&thread[t], NULL, touch_own, (void *)t))
			return false;
	for (unsigned long t = 0; t < THREADS; t++)
		pthread_join(thread[t], NULL);
	for (unsigned long i = 0; i < TABLES; i++)
		for (unsigned long t = 0; t <= THREADS; t++)
			good = good &&
			       has(shared_base, i * (TABLE / PAGE) + t, t < THREADS ? tag(i * (TABLE / PAGE) + t) : 0);
	munmap(shared_base, SIZE);
	return good;
}

static bool child_ended(pid_t pid, int status)
{
	int got;

	return pid > 0 && waitpid(pid, &got, 0) == pid && WIFEXITED(got) && WEXITSTATUS(got) == status;
}

/* A child sees all, changes all, and its parent sees none of it; ten in a row. */
static bool forks(void)
{
	char *base = map(SIZE);
	bool good = true;
	pid_t pid;

	touch_all(base);
	for (int round = 0; good && round < 10; round++) {
		pid = fork();
		if (!pid) {
			good = check_all(base);
			memset(base + spot(round) * PAGE, 0xff, PAGE);
			munmap(base, SIZE / 2);
			touch_all(map(SIZE));
			_exit(good ? 0 : 1);
		}
		good = child_ended(pid, 0) && check_all(base);
	}
	munmap(base, SIZE);
	return good;
}

/* This program again, by vfork and exec. */
static pid_t spawn(void)
{
	pid_t pid = vfork();

	if (!pid) {
		execl("/proc/self/exe", "pagetables", "--child", (char *)NULL);
		_exit(1);
	}
	return pid;
}

static bool execs(void)
{
	bool good = true;

	for (int round = 0; good && round < 5; round++)
		good = child_ended(spawn(), EXEC_STATUS);
	return good;
}

/* Whole tables move to another address, and back. */
static bool moves(void)
{
	char *base = map(SIZE), *to = map(SIZE);
	bool good;

	touch_all(base);
	if (mremap(base, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		return false;
	good = check_all(to);
	if (mremap(to, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, base) != base)
		return false;
	good = good && check_all(base);
	munmap(base, SIZE);
	return good;
}

/* Walks are known by the CPU they go on. */
static bool stay_here(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	return !sched_setaffinity(0, sizeof(here), &here);
}

/*
 * Tables move to where a walk has just ended: the first cannot be moved as a
 * whole, so the kernel makes one, and expects none where the next ones go.
 */
static bool moves_behind_a_walk(void)
{
	char *base = map(SIZE), *from = map(MOVED * TABLE);
	cpu_set_t before;
	char *to;
	bool good;

	good = !sched_getaffinity(0, sizeof(before), &before) && stay_here();
	/* One upper table for all of it. */
	to = base + WALKED * TABLE;
	if (((unsigned long)to & (GIB - 1)) < WALKED * TABLE || (-(unsigned long)to & (GIB - 1)) < MOVED * TABLE)
		to += (WALKED + MOVED) * TABLE;
	munmap(to, base + SIZE - to);
	for (unsigned long i = WALKED; i; i--)
		put(to, -i * (TABLE / PAGE));
	for (unsigned long i = 0; i < MOVED; i++)
		put(from, i * (TABLE / PAGE) + 1);
	good = good && mremap(from + PAGE, MOVED * TABLE - PAGE, MOVED * TABLE - PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			      to + PAGE) == to + PAGE;
	for (unsigned long i = 0; good && i < MOVED; i++)
		good = has(to, i * (TABLE / PAGE) + 1, tag(i * (TABLE / PAGE) + 1));
	munmap(base, SIZE);
	munmap(from, PAGE);
	return !sched_setaffinity(0, sizeof(before), &before) && good;
}

/* Emptied tables stay; a hole in the middle frees some. */
static bool holes(void)
{
	char *base = map(SIZE);
	bool good = true;

	touch_all(base);
	madvise(base, SIZE, MADV_DONTNEED);
	for (unsigned long i = 0; i < TABLES; i++)
		good = good && has(base, spot(i), 0);
	touch_all(base);
	munmap(base + SIZE / 4 + PAGE, SIZE / 2);
	for (unsigned long i = 0; i < TABLES / 4; i++)
		good = good && has(base, spot(i), tag(spot(i)));
	for (unsigned long i = TABLES * 3 / 4 + 1; i < TABLES; i++)
		good = good && has(base, spot(i), tag(spot(i)));
	munmap(base, SIZE);
	return good;
}

/* A file's pages, mapped around a fault: tables made by another path. */
static bool files(void)
{
	int file = memfd_create("pagetables", MFD_CLOEXEC);
	bool good = file >= 0 && !ftruncate(file, SIZE);
	char *base, *again;

	if (!good)
		return false;
	base = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	for (unsigned long i = 0; i < TABLES; i += 8)
		put(base, spot(i));
	for (int round = 0; round < 4; round++) {
		again = mmap(NULL, SIZE, PROT_READ, round % 2 ? MAP_PRIVATE : MAP_SHARED, file, 0);
		for (unsigned long i = 0; i < TABLES; i += 8)
			good = good && has(again, spot(i), tag(spot(i))) && has(again, spot(i) + 1, 0);
		munmap(again, SIZE);
	}
	munmap(base, SIZE);
	close(file);
	return good;
}

static struct {
	unsigned char *base;
	atomic_ulong round;
	atomic_bool stop;
	atomic_bool stale;
} punched;

/* Each page holds the round it was written in, or nothing. */
static void *read_punched(void *arg)
{
	(void)arg;
	while (!atomic_load(&punched.stop)) {
		unsigned long oldest = atomic_load(&punched.round);

		madvise(punched.base, PUNCHED * PAGE, MADV_DONTNEED);
		for (unsigned long i = 0; i < PUNCHED; i++) {
			unsigned long round = *(volatile unsigned long *)(punched.base + i * PAGE);

			if (round && round < oldest)
				atomic_store(&punched.stale, true);
		}
	}
	return NULL;
}

static bool punch_and_write(int file, unsigned long round)
{
	bool good = !fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PUNCHED * PAGE);

	for (off_t i = 0; good && i < (off_t)PUNCHED; i++)
		good = pwrite(file, &round, sizeof(round), i * (off_t)PAGE) == sizeof(round);
	return good;
}

/* Pages are taken out of a file while threads map them: none is seen afterwards. */
static bool punches(void)
{
	int file = memfd_create("pagetables", MFD_CLOEXEC);
	bool good = file >= 0 && !ftruncate(file, PUNCHED * PAGE);
	pthread_t thread[THREADS];

	punched.base = mmap(NULL, PUNCHED * PAGE, PROT_READ, MAP_SHARED, file, 0);
	for (unsigned long t = 0; t < THREADS; t++)
		if (pthread_create(&thread[t], NULL, read_punched, NULL))
			return false;
	for (unsigned long round = 1; good && round <= PUNCHES; round++) {
		good = punch_and_write(file, round);
		atomic_store(&punched.round, round);
	}
	atomic_store(&punched.stop, true);
	for (unsigned long t = 0; t < THREADS; t++)
		pthread_join(thread[t], NULL);
	munmap(punched.base, PUNCHED * PAGE);
	close(file);
	return good && !atomic_load(&punched.stale);
}

static const struct {
	const char *name;
	bool (*run)(void);
} cases[] = {
	{ "an ascending walk, four times", ascending },
	{ "a descending walk", descending },
	{ "threads in the same tables", threads },
	{ "forks", forks },
	{ "execs", execs },
	{ "mremap", moves },
	{ "mremap to where a walk ended", moves_behind_a_walk },
	{ "madvise, and a hole", holes },
	{ "files", files },
	{ "a file's pages, taken out while they are mapped", punches },
};

/* So many page tables, once @go is there, if it is said, until somebody ends it. */
static int hold(unsigned long tables, const char *go)
{
	char *base = map(tables * TABLE);

	while (go && access(go, F_OK))
		usleep(100000);
	for (unsigned long i = 0; i < tables; i++)
		put(base, i * (TABLE / PAGE));
	puts("held");
	fflush(stdout);
	pause();
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long nr = sizeof(cases) / sizeof(cases[0]), failed = 0;

	if (argc == 2 && !strcmp(argv[1], "--child"))
		return ascending() ? EXEC_STATUS : 1;
	if ((argc == 3 || argc == 4) && !strcmp(argv[1], "--hold"))
		return hold(strtoul(argv[2], NULL, 0), argv[3]);
	if (argc != 1) {
		fputs("usage: pagetables [--hold TABLES [FILE]]\n", stderr);
		return 2;
	}
	printf("KTAP version 1\n1..%lu\n", nr);
	for (unsigned long i = 0; i < nr; i++) {
		bool good = cases[i].run();

		failed += !good;
		printf("%sok %lu - %s\n", good ? "" : "not ", i + 1, cases[i].name);
		fflush(stdout);
	}
	return failed != 0;
}
