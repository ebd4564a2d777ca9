/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work of mmstress that makes processes. A forked child has but one thread and
 * inherits locks that nobody will release: it takes none, and looks only at
 * units its parent held exclusively.
 */
#ifndef MMCHILDREN_H
#define MMCHILDREN_H

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "mmwork.h"

#define SPARSE_TABLES 24 /* page tables a child touches one page of each of */
#define KILL_US_MAX 4000

static void sparse_touch(uint64_t tag)
{
	unsigned char *area = mmap(NULL, SPARSE_TABLES * PMD, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	must(area != MAP_FAILED, "mmap in a child");
	madvise(area, SPARSE_TABLES * PMD, MADV_NOHUGEPAGE);
	for (unsigned int i = 0; i < SPARSE_TABLES; i++)
		page_fill(area + i * PMD + i * PAGE, tag + i);
	for (unsigned int i = 0; i < SPARSE_TABLES; i++)
		page_check(area + i * PMD + i * PAGE, tag + i, "sparse");
	must(!munmap(area, SPARSE_TABLES / 2 * PMD), "munmap in a child");
}

static int child_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		must(errno == EINTR, "waitpid");
	return status;
}

static void child_succeeded(pid_t pid, const char *what)
{
	int status = child_wait(pid);

	if (status)
		complain("%s child %d ended with status %#x", what, pid, status);
}

/* The child's copies are the parent's, and stay its own when it writes. */
__attribute__((noreturn)) static void fork_child(struct thread *thread, unsigned int first, unsigned int nr, int depth)
{
	span_check(first, nr, "child");
	for (unsigned int i = 0; i < 32; i++)
		page_renew(thread, first * UNIT_PAGES + below(thread, nr * UNIT_PAGES), "child");
	if (depth) {
		pid_t pid = fork();

		must(pid >= 0, "fork in a child");
		if (!pid)
			fork_child(thread, first, nr, depth - 1);
		child_succeeded(pid, "a child's");
	}
	must(!munmap(arena + first * UNIT_SIZE, UNIT_SIZE), "munmap in a child");
	sparse_touch(thread->next_tag);
	span_check(first + 1, nr - 1, "child at its end");
	_exit(0);
}

static void do_fork(struct thread *thread)
{
	unsigned int nr, first = span_choose(thread, &nr);
	int depth = below(thread, 4) == 0;
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (!pid)
		fork_child(thread, first, nr, depth);
	/* While the child runs: its pages must not change. */
	for (unsigned int i = 0; i < 16; i++)
		page_renew(thread, first * UNIT_PAGES + below(thread, nr * UNIT_PAGES), "parent");
	child_succeeded(pid, "forked");
	span_check(first, nr, "parent");
	span_unlock(first, nr);
	thread->report.pages_checked += 2 * nr * UNIT_PAGES;
}

/* Not posix_spawn(): it maps a stack, anywhere, also where a span is unmapped just now. */
static void do_exec(struct thread *thread)
{
	char tag[32];
	char *const args[] = { "mmstress", "--child", tag, NULL };
	pid_t pid;

	snprintf(tag, sizeof(tag), "%lu", (unsigned long)tag_new(thread));
	pid = vfork();
	if (!pid) {
		execv("/proc/self/exe", args);
		_exit(127);
	}
	must(pid > 0, "vfork");
	child_succeeded(pid, "executed");
}

/* An address space that goes in the middle of work. */
static void do_kill(struct thread *thread)
{
	useconds_t delay = below(thread, KILL_US_MAX);
	pid_t pid = fork();
	int status;

	must(pid >= 0, "fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (uint64_t tag = thread->next_tag;; tag++)
			sparse_touch(tag);
	}
	usleep(delay);
	must(!kill(pid, SIGKILL), "kill");
	status = child_wait(pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		complain("a killed child ended with status %#x", status);
}

#endif
