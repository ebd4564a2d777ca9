// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What fork, exec, faults and unmapping cost; see usage() below. Each
 * benchmark is prepared, timed and cleaned up after by all its threads at
 * once; only the middle part counts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define PAGE 4096UL
#define PMD (2UL << 20)
#define GIB (1UL << 30)
#define PMDS_PER_GIB (GIB / PMD)
#define FORK_MIB 8 /* touched by the parent of fork_exit_8m */
#define RANDOM_AREA GIB
#define THREADS_MAX 8

/* One thread's share. */
struct share {
	unsigned int cpu;
	unsigned long ops;
	unsigned char *area;
	size_t size;
};

struct bench {
	const char *name;
	void (*prepare)(struct share *share);
	void (*timed)(struct share *share);
};

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "mmbench: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- the benchmarks */

static void area_map(struct share *share, size_t size)
{
	share->size = size;
	share->area = mmap(NULL, size + PMD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			   0);
	if (share->area == MAP_FAILED)
		fail("mmap");
	/* A huge page needs no page table. */
	madvise(share->area, size + PMD, MADV_NOHUGEPAGE);
	share->area = (unsigned char *)(((uintptr_t)share->area + PMD - 1) & ~(PMD - 1));
}

static void area_touch(struct share *share, size_t step)
{
	for (size_t at = 0; at < share->size; at += step)
		*(volatile unsigned char *)(share->area + at) = 1;
}

static void area_unmap(struct share *share)
{
	if (munmap(share->area, share->size))
		fail("munmap");
}

static void prepare_nothing(struct share *share)
{
	(void)share;
}

/* What the preparation left to the kernel's workers is done before anything is timed. */
static void settle(void)
{
	usleep(100000);
}

static void prepare_sparse_touched(struct share *share)
{
	area_map(share, share->ops * PMD);
	area_touch(share, PMD);
	settle();
}

/* As many page tables as will be needed have been used and freed before. */
static void prepare_sparse(struct share *share)
{
	prepare_sparse_touched(share);
	area_unmap(share);
	area_map(share, share->ops * PMD);
	settle();
}

static void prepare_dense(struct share *share)
{
	area_map(share, share->ops * PAGE);
}

static void prepare_dense_touched(struct share *share)
{
	prepare_dense(share);
	area_touch(share, PAGE);
	settle();
}

static void prepare_random(struct share *share)
{
	area_map(share, RANDOM_AREA);
}

static void prepare_fork(struct share *share)
{
	area_map(share, FORK_MIB << 20);
	area_touch(share, PAGE);
	settle();
}

static void timed_sparse_touch(struct share *share)
{
	area_touch(share, PMD);
}

static void timed_dense_touch(struct share *share)
{
	area_touch(share, PAGE);
}

/* Pages anywhere, each with a probable page table of its own at first, later not. */
static void timed_random_touch(struct share *share)
{
	uint64_t random = 1;

	for (unsigned long i = 0; i < share->ops; i++) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		*(volatile unsigned char *)(share->area + (random >> 33) % (RANDOM_AREA / PAGE) * PAGE) = 1;
	}
}

static void wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		fail("a child");
}

static void timed_fork_exit(struct share *share)
{
	for (unsigned long i = 0; i < share->ops; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		if (pid < 0)
			fail("fork");
		wait_for(pid);
	}
}

/* Tables of a process that exits do not come back: new ones have to be made. */
static void timed_sparse_exit(struct share *share)
{
	for (unsigned long i = 0; i < share->ops; i += PMDS_PER_GIB) {
		pid_t pid = fork();

		if (!pid) {
			area_map(share, PMDS_PER_GIB * PMD);
			area_touch(share, PMD);
			_exit(0);
		}
		if (pid < 0)
			fail("fork");
		wait_for(pid);
	}
}

/* Apart from its loop: nothing of a caller's may change between vfork and exec. */
__attribute__((noinline)) static void vfork_exec(char *const *args)
{
	pid_t pid = vfork();

	if (!pid) {
		execv("/proc/self/exe", args);
		_exit(1);
	}
	if (pid < 0)
		fail("vfork");
	wait_for(pid);
}

static void timed_vfork_exec(struct share *share)
{
	char *const args[] = { "mmbench", "--exit", NULL };

	for (unsigned long i = 0; i < share->ops; i++)
		vfork_exec(args);
}

static void timed_mmap_munmap_1g(struct share *share)
{
	for (unsigned long i = 0; i < share->ops; i++) {
		area_map(share, PMDS_PER_GIB * PMD);
		area_touch(share, PMD);
		area_unmap(share);
	}
}

static const struct bench benches[] = {
	{ "fork_exit", prepare_nothing, timed_fork_exit },
	{ "fork_exit_8m", prepare_fork, timed_fork_exit },
	{ "vfork_exec", prepare_nothing, timed_vfork_exec },
	{ "sparse_touch", prepare_sparse, timed_sparse_touch },
	{ "sparse_munmap", prepare_sparse_touched, area_unmap },
	{ "sparse_exit", prepare_nothing, timed_sparse_exit },
	{ "dense_touch", prepare_dense, timed_dense_touch },
	{ "dense_munmap", prepare_dense_touched, area_unmap },
	{ "random_touch", prepare_random, timed_random_touch },
	{ "mmap_munmap_1g", prepare_nothing, timed_mmap_munmap_1g },
};

/* --- running them */

static pthread_barrier_t prepared, begun, done;
static const struct bench *bench;

/* Two threads that happen to share a CPU take twice as long: that is not what is measured. */
static void stay_on(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	errno = pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	if (errno)
		fail("a CPU for a thread");
}

static void *thread_main(void *arg)
{
	struct share *share = arg;

	stay_on(share->cpu);
	bench->prepare(share);
	pthread_barrier_wait(&prepared);
	pthread_barrier_wait(&begun);
	bench->timed(share);
	pthread_barrier_wait(&done);
	return NULL;
}

/* The end is there for who looks at something else that happened meanwhile. */
static void result_print(unsigned long ops, unsigned long long begin, unsigned long long end)
{
	printf("%lu %llu %llu\n", ops, end - begin, end);
}

/* With one thread nothing is timed but the work: no barrier, no other thread. */
static void run_alone(unsigned long ops)
{
	struct share share = { .ops = ops };
	unsigned long long begin, end;

	bench->prepare(&share);
	begin = __rdtsc();
	bench->timed(&share);
	end = __rdtsc();
	result_print(ops, begin, end);
}

static void run_threads(unsigned long ops, unsigned int threads)
{
	struct share shares[THREADS_MAX];
	pthread_t ids[THREADS_MAX];
	unsigned long long begin, end;

	pthread_barrier_init(&prepared, NULL, threads + 1);
	pthread_barrier_init(&begun, NULL, threads + 1);
	pthread_barrier_init(&done, NULL, threads + 1);
	for (unsigned int i = 0; i < threads; i++) {
		shares[i] = (struct share){ .cpu = i % (unsigned int)get_nprocs(), .ops = ops / threads };
		errno = pthread_create(&ids[i], NULL, thread_main, &shares[i]);
		if (errno)
			fail("pthread_create");
	}
	pthread_barrier_wait(&prepared);
	begin = __rdtsc();
	pthread_barrier_wait(&begun);
	pthread_barrier_wait(&done);
	end = __rdtsc();
	for (unsigned int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	result_print(ops, begin, end);
}

static int run_command(unsigned long ops, char *const *args)
{
	unsigned long long begin;
	pid_t pid;

	begin = __rdtsc();
	pid = vfork();
	if (!pid) {
		dup2(STDERR_FILENO, STDOUT_FILENO); /* stdout carries our result */
		execvp(args[0], args);
		_exit(127);
	}
	if (pid < 0)
		fail("vfork");
	wait_for(pid);
	result_print(ops, begin, __rdtsc());
	return 0;
}

static void usage(FILE *to)
{
	fputs("usage: mmbench [--threads N] NAME OPS\n"
	      "       mmbench --run OPS COMMAND [ARG]...\n"
	      "\n"
	      "Prints the operations made, the cycles they took in all, and the time stamp at\n"
	      "their end. --run times a command, said to be OPS operations. With N threads (1),\n"
	      "each on a CPU of its own, an operation is still one operation.\n"
	      "\n"
	      "NAME, and one operation of it:\n"
	      "  fork_exit       fork, _exit and wait; this program is small\n"
	      "  fork_exit_8m    the same, with 8 MiB written before the first, not between\n"
	      "  vfork_exec      vfork, exec of a program that exits, wait\n"
	      "  sparse_touch    the first touch of a page that needs a page table of its own,\n"
	      "                  after as many tables were used and unmapped\n"
	      "  sparse_munmap   unmapping such a page, all in one munmap\n"
	      "  sparse_exit     the same touch in processes that touch 512 such pages and exit\n"
	      "  dense_touch     the first touch of the next page\n"
	      "  dense_munmap    unmapping such a page, all in one munmap\n"
	      "  random_touch    touching a page anywhere in 1 GiB\n"
	      "  mmap_munmap_1g  mmap of 1 GiB, a touch every 2 MiB, munmap\n",
	      to);
}

static unsigned long number_parse(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 0);

	if (*end || end == text || !value) {
		fprintf(stderr, "mmbench: '%s' is not a number above 0\n", text);
		exit(2);
	}
	return value;
}

static void bench_find(const char *name)
{
	for (unsigned int i = 0; i < sizeof(benches) / sizeof(*benches); i++)
		if (!strcmp(benches[i].name, name))
			bench = &benches[i];
	if (!bench) {
		fprintf(stderr, "mmbench: no benchmark '%s'; see --help\n", name);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{ "threads", required_argument, NULL, 't' },
		{ "run", required_argument, NULL, 'r' },
		{ "exit", no_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	unsigned long threads = 1, run_ops = 0, ops;
	int option;

	while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1) {
		if (option == 'e')
			_exit(0);
		else if (option == 't')
			threads = number_parse(optarg);
		else if (option == 'r')
			run_ops = number_parse(optarg);
		else
			usage(option == 'h' ? stdout : stderr);
		if (option == 'h' || option == '?')
			return option == 'h' ? 0 : 2;
	}
	if (run_ops && optind < argc)
		return run_command(run_ops, argv + optind);
	if (optind + 2 != argc || run_ops || threads > THREADS_MAX) {
		usage(stderr);
		return 2;
	}
	bench_find(argv[optind]);
	ops = number_parse(argv[optind + 1]) / threads * threads;
	if (threads > 1)
		run_threads(ops, threads);
	else
		run_alone(ops);
	return 0;
}
