// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads a module over and over, each time with another allocation refused by the
 * kernel's fault injection (/proc/thread-self/fail-nth), the last that a load makes
 * first: those are the module's own, the earlier ones the module loader's. Each load
 * must succeed or fail for want of memory, and a module that is loaded must go
 * again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* More than any load asks for. */
#define PLENTY 1000000L

static const char *name, *unload;
static int module_file, nth_file;

/* From now on; nothing but the load may allocate until it is 0 again. */
static void set_nth(long nth)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%ld", nth);

	if (pwrite(nth_file, text, len, 0) != len) {
		perror("fail-nth");
		exit(2);
	}
}

static long get_nth(void)
{
	char text[24] = "";

	if (pread(nth_file, text, sizeof(text) - 1, 0) <= 0)
		return -1;
	return strtol(text, NULL, 10);
}

/* Loads it; @left: what the load left of @nth. */
static int load(long nth, long *left)
{
	int err;

	set_nth(nth);
	err = syscall(SYS_finit_module, module_file, "", 0) ? errno : 0;
	*left = get_nth();
	set_nth(0);
	return err;
}

static int remove_module(void)
{
	if (unload && system(unload))
		return EBUSY;
	for (int tries = 0; tries < 100; tries++) {
		if (!syscall(SYS_delete_module, name, O_NONBLOCK))
			return 0;
		usleep(100000);
	}
	return errno;
}

/* A load with nothing refused; @left: what it left of PLENTY. */
static int count(long *left)
{
	return load(PLENTY, left) || remove_module();
}

/* Of a device's name the driver core says EINVAL; of these modules only pvmem has a device. */
static bool no_memory(int err)
{
	return err == ENOMEM || (err == EINVAL && !strcmp(name, "pvmem"));
}

/* One load with the @nth allocation refused. */
static int try(long nth, unsigned long *refused)
{
	long left;
	int err = load(nth, &left);

	if (err && !no_memory(err)) {
		printf("# allocation %ld refused: %s\n", nth, strerror(err));
		return -1;
	}
	*refused += err != 0;
	err = err ? 0 : remove_module();
	if (err)
		printf("# allocation %ld refused: loaded, and not removed: %s\n", nth, strerror(err));
	return err ? -1 : 0;
}

int main(int argc, char **argv)
{
	unsigned long refused = 0;
	long left = 0, all, nth, end, step;

	if (argc < 5) {
		fputs("usage: loadfault ALLOCATIONS STEP FILE NAME [COMMAND-BEFORE-REMOVAL]\n", stderr);
		return 2;
	}
	step = atoi(argv[2]);
	name = argv[4];
	unload = argv[5];
	module_file = open(argv[3], O_RDONLY | O_CLOEXEC);
	nth_file = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	/* Twice: the first asks for what stays. */
	if (module_file < 0 || nth_file < 0 || count(&left) || count(&left)) {
		perror(argv[3]);
		return 2;
	}
	all = PLENTY - left;
	end = all - atoi(argv[1]);
	for (nth = all; nth > 0 && nth > end; nth -= step)
		if (try(nth, &refused))
			return 1;
	printf("# of %ld allocations the last %ld were refused, one in %ld; %lu loads failed\n", all, all - nth, step,
	       refused);
	return !refused;
}
