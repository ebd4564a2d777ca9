// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Works a guest's address spaces hard and checks every page it gets back:
 * faults of several threads in the same page tables, madvise, munmap, mremap,
 * mprotect, fork, exec, kill, signals on fresh stacks, and file reads. See
 * usage() below, arena.h for how pages are checked, mmchildren.h and mmfiles.h
 * for work on processes and files; other work is here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "arena.h"
#include "mmchildren.h"
#include "mmfiles.h"
#include "mmwork.h"

#define THREADS_MAX 16
#define PROCESSES_MAX 16
#define ALTSTACK_SIZE (16 * PAGE)
#define ALARM_US 10000

static const char *const op_names[NR_OPS] = { "touch", "discard", "remap", "move",  "protect",
					      "fork",  "exec",	  "kill",  "stack", "read" };
static const unsigned int op_weights[NR_OPS] = { 60, 7, 7, 7, 5, 5, 2, 2, 3, 6 };

static struct {
	unsigned int seconds, threads, processes;
	uint64_t seed;
	bool plant;
} options = { .seconds = 10, .threads = 4, .processes = 2, .seed = 1 };

static struct report *reports; /* shared, one a process */
static struct timespec deadline;
static pthread_barrier_t all_made; /* every thread of this process has its stacks */
static volatile sig_atomic_t alarms;
static __thread unsigned char *volatile fault_expected;
static __thread volatile sig_atomic_t stack_checked;

static bool time_left(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec < deadline.tv_sec || (now.tv_sec == deadline.tv_sec && now.tv_nsec < deadline.tv_nsec);
}

/* --- operations */

static void do_touch(struct thread *thread)
{
	unsigned int unit = below(thread, UNITS), nr = 1 + below(thread, 24);
	unsigned long page = unit * UNIT_PAGES + thread->number;

	pthread_rwlock_rdlock(&locks[unit]);
	while (nr--)
		page_renew(thread, page + below(thread, UNIT_PAGES / options.threads) * options.threads, "touch");
	pthread_rwlock_unlock(&locks[unit]);
}

static void do_discard(struct thread *thread)
{
	unsigned int nr, first = span_choose(thread, &nr);
	unsigned long page = first * UNIT_PAGES + below(thread, nr * UNIT_PAGES);
	unsigned long count = 1 + below(thread, (first + nr) * UNIT_PAGES - page);

	must(!madvise(page_address(page), count * PAGE, MADV_DONTNEED), "madvise(MADV_DONTNEED)");
	memset(tags + page, 0, count * sizeof(*tags));
	for (unsigned int i = 0; i < 4; i++)
		page_renew(thread, page + below(thread, count), "discard");
	span_unlock(first, nr);
}

static void do_remap(struct thread *thread)
{
	unsigned int nr, first = span_choose(thread, &nr);

	must(!munmap(arena + first * UNIT_SIZE, nr * UNIT_SIZE), "munmap");
	map_fresh(first, nr);
	page_renew(thread, first * UNIT_PAGES + below(thread, nr * UNIT_PAGES), "remap");
	span_unlock(first, nr);
}

/*
 * One unit's pages over another's. The kernel moves page tables where it can.
 * It refuses a unit that consists of several mappings, when the other is
 * unmapped already.
 */
static void unit_move(unsigned int from, unsigned int to)
{
	unsigned char *want = arena + to * UNIT_SIZE;
	unsigned char *got = mremap(arena + from * UNIT_SIZE, UNIT_SIZE, UNIT_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
				    want);

	if (got == MAP_FAILED && errno == EFAULT) {
		map_fresh(to, 1);
		return;
	}
	must(got == want, "mremap");
	memcpy(tags + to * UNIT_PAGES, tags + from * UNIT_PAGES, UNIT_PAGES * sizeof(*tags));
	map_fresh(from, 1);
}

static void do_move(struct thread *thread)
{
	unsigned int nr = 1 + below(thread, SPAN_MAX);
	unsigned int low = below(thread, UNITS - 2 * nr + 1);
	unsigned int high = low + nr + below(thread, UNITS - low - 2 * nr + 1);
	bool up = below(thread, 2);

	span_lock(low, nr);
	span_lock(high, nr);
	for (unsigned int i = 0; i < nr; i++)
		unit_move((up ? low : high) + i, (up ? high : low) + i);
	span_check(up ? high : low, nr, "move");
	span_unlock(high, nr);
	span_unlock(low, nr);
	thread->report.pages_checked += nr * UNIT_PAGES;
}

/* Writes to a page that is read-only: the handler makes it writable again. */
static void do_protect(struct thread *thread)
{
	unsigned int nr, first = span_choose(thread, &nr);
	unsigned long page = first * UNIT_PAGES + below(thread, nr * UNIT_PAGES);
	uint64_t tag = tag_new(thread);

	page_check(page_address(page), tags[page], "protect");
	fault_expected = page_address(page);
	must(!mprotect(fault_expected, PAGE, below(thread, 2) ? PROT_READ : PROT_NONE), "mprotect");
	*(volatile uint64_t *)page_address(page) = page_word(tag, 0);
	if (fault_expected)
		complain("a write to a read-only page at %p went through", (void *)fault_expected);
	tags[page] = tag;
	page_fill(page_address(page), tag);
	page_check(page_address(page), tag, "protect");
	thread->report.pages_checked++;
	span_unlock(first, nr);
}

/* --- signals */

static void on_fault(int signal, siginfo_t *info, void *context)
{
	unsigned char *page = (unsigned char *)((uintptr_t)info->si_addr & ~(PAGE - 1));

	(void)context;
	if (!fault_expected || page != fault_expected)
		complain("signal %d at %p", signal, info->si_addr);
	fault_expected = NULL;
	must(!mprotect(page, PAGE, PROT_READ | PROT_WRITE), "mprotect in a handler");
}

static void on_alarm(int signal)
{
	(void)signal;
	alarms++;
}

/* Runs on pages that were just thrown away. */
static void on_stack(int signal)
{
	unsigned char pages[4 * PAGE];
	unsigned char *page = (unsigned char *)(((uintptr_t)pages + PAGE - 1) & ~(PAGE - 1));

	page_fill(page, signal);
	page_check(page, signal, "signal stack");
	stack_checked = 1;
}

static void *altstack_new(void)
{
	stack_t stack = { .ss_size = ALTSTACK_SIZE };

	stack.ss_sp = mmap(NULL, ALTSTACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(stack.ss_sp != MAP_FAILED, "mmap of a signal stack");
	must(!sigaltstack(&stack, NULL), "sigaltstack");
	return stack.ss_sp;
}

static void do_stack(struct thread *thread, void *altstack)
{
	must(!madvise(altstack, ALTSTACK_SIZE, MADV_DONTNEED), "madvise of a signal stack");
	stack_checked = 0;
	pthread_kill(pthread_self(), SIGUSR1);
	if (!stack_checked)
		complain("a signal to itself was not delivered to thread %u", thread->number);
}

static void handlers_set(void)
{
	struct sigaction fault = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	struct sigaction alarm = { .sa_handler = on_alarm, .sa_flags = SA_RESTART | SA_ONSTACK };
	struct sigaction stack = { .sa_handler = on_stack, .sa_flags = SA_RESTART | SA_ONSTACK };

	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGBUS, &fault, NULL);
	sigaction(SIGALRM, &alarm, NULL);
	sigaction(SIGUSR1, &stack, NULL);
}

/* --- threads and processes */

static enum op op_choose(struct thread *thread)
{
	unsigned int sum = 0, at, op;

	for (op = 0; op < NR_OPS; op++)
		sum += op_weights[op];
	at = below(thread, sum);
	for (op = 0; at >= op_weights[op]; op++)
		at -= op_weights[op];
	return op == READ && !nr_blocks ? TOUCH : op;
}

static void op_run(struct thread *thread, enum op op, void *altstack)
{
	static void (*const run[NR_OPS])(struct thread *) = {
		[TOUCH] = do_touch, [DISCARD] = do_discard, [REMAP] = do_remap,
		[MOVE] = do_move,   [PROTECT] = do_protect, [FORK] = do_fork,
		[EXEC] = do_exec,   [KILL] = do_kill,	    [READ] = do_read,
	};

	if (op == STACK)
		do_stack(thread, altstack);
	else
		run[op](thread);
	thread->report.ops[op]++;
}

static void *thread_main(void *arg)
{
	struct thread *thread = arg;
	void *altstack = altstack_new();

	/* From here on nothing is mapped but where it is said: a span that is unmapped must stay free. */
	pthread_barrier_wait(&all_made);
	while (time_left())
		op_run(thread, op_choose(thread), altstack);
	return NULL;
}

/* A wrong bit that nothing but the checks can find. */
static void plant_error(void)
{
	span_lock(0, UNITS);
	*page_address(UNIT_PAGES) ^= 1;
	span_check(0, UNITS, "planted");
	complain("a planted error was not noticed");
}

/* What comes after main's fork: ends with status 0 if all was well. */
__attribute__((noreturn)) static void process_main(unsigned int number)
{
	static struct thread threads[THREADS_MAX];
	struct itimerval timer = { { 0, ALARM_US }, { 0, ALARM_US } };
	struct report *report = &reports[number];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	handlers_set();
	arena_make();
	pthread_barrier_init(&all_made, NULL, options.threads);
	setitimer(ITIMER_REAL, &timer, NULL);
	for (unsigned int i = 0; i < options.threads; i++) {
		threads[i].number = i;
		threads[i].random = options.seed * 1000003 + number * 1009 + i * 17 + 1;
		threads[i].next_tag = ((uint64_t)number * THREADS_MAX + i + 1) << 40;
		for (unsigned int warm = 0; warm < 8; warm++)
			random_next(&threads[i].random);
		errno = pthread_create(&threads[i].id, NULL, thread_main, &threads[i]);
		must(!errno, "pthread_create");
	}
	for (unsigned int i = 0; i < options.threads; i++) {
		pthread_join(threads[i].id, NULL);
		for (unsigned int op = 0; op < NR_OPS; op++)
			report->ops[op] += threads[i].report.ops[op];
		report->pages_checked += threads[i].report.pages_checked;
	}
	span_check(0, UNITS, "end");
	report->alarms = alarms;
	if (options.plant)
		plant_error();
	_exit(0);
}

/* One KTAP result a process. */
static bool process_judge(unsigned int number, pid_t pid)
{
	const struct report *report = &reports[number];
	int status = child_wait(pid);

	printf("# process %u:", number);
	for (unsigned int op = 0; op < NR_OPS; op++)
		printf(" %s %lu", op_names[op], report->ops[op]);
	printf(" alarms %lu\n%s %u - process %u, %u threads: %lu pages checked\n", report->alarms,
	       status ? "not ok" : "ok", number + 1, number, options.threads, report->pages_checked);
	return !status;
}

static void usage(FILE *to)
{
	fputs("usage: mmstress [--seconds N] [--seed N] [--threads N] [--processes N] [--files DIR] [--plant]\n"
	      "\n"
	      "Works N seconds (10) with so many processes (2) of so many threads (4) each,\n"
	      "and prints KTAP. A process takes at most 20 MiB, its children half of it.\n"
	      "  --seed N     another sequence of operations (1)\n"
	      "  --files DIR  also reads files of DIR, which has a manifest by `coldread\n"
	      "               --manifest`, and checks them\n"
	      "  --plant      at its end changes a bit behind its own back: must fail\n",
	      to);
}

static unsigned long number(const char *text, unsigned long least, unsigned long most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 0);

	if (*end || end == text || value < least || value > most) {
		fprintf(stderr, "mmstress: '%s' is not a number from %lu to %lu\n", text, least, most);
		exit(2);
	}
	return value;
}

static void options_parse(int argc, char **argv)
{
	static const struct option known[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'r' },
		{ "threads", required_argument, NULL, 't' },
		{ "processes", required_argument, NULL, 'p' },
		{ "files", required_argument, NULL, 'f' },
		{ "plant", no_argument, NULL, 'e' },
		{ "child", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 's':
			options.seconds = number(optarg, 1, 86400);
			break;
		case 'r':
			options.seed = number(optarg, 1, ~0UL);
			break;
		case 't':
			options.threads = number(optarg, 1, THREADS_MAX);
			break;
		case 'p':
			options.processes = number(optarg, 1, PROCESSES_MAX);
			break;
		case 'f':
			files = optarg;
			break;
		case 'e':
			options.plant = true;
			break;
		case 'c':
			sparse_touch(number(optarg, 1, ~0UL));
			exit(0);
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (optind < argc) {
		usage(stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	pid_t pids[PROCESSES_MAX];
	bool good = true;

	options_parse(argc, argv);
	if (files)
		blocks_load();
	reports = mmap(NULL, sizeof(*reports) * PROCESSES_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0);
	must(reports != MAP_FAILED, "mmap of the reports");
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += options.seconds;
	printf("KTAP version 1\n# seed %lu\n1..%u\n", (unsigned long)options.seed, options.processes);
	fflush(stdout);
	for (unsigned int i = 0; i < options.processes; i++) {
		pids[i] = fork();
		must(pids[i] >= 0, "fork");
		if (!pids[i])
			process_main(i);
	}
	for (unsigned int i = 0; i < options.processes; i++)
		good &= process_judge(i, pids[i]);
	return good ? 0 : 1;
}
