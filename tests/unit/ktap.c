// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
#include "ktap.h"

#define TIMEOUT_S 240

static bool wanted(const struct ktap_test *test, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], test->name))
			return true;
	return argc < 2;
}

static bool passes(const struct ktap_test *test)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		alarm(TIMEOUT_S);
		test->run();
		fflush(stdout);
		exit(0);
	}
	waitpid(pid, &status, 0);
	return !status;
}

int ktap_main(const struct ktap_test *tests, unsigned int nr, int argc, char **argv)
{
	bool stop = argc > 1 && !strcmp(argv[1], "--stop");
	unsigned int i, run = 0, failed = 0;

	argc -= stop;
	argv += stop;
	for (i = 0; i < nr; i++)
		run += wanted(&tests[i], argc, argv);
	printf("KTAP version 1\n1..%u\n", run);
	for (i = 0, run = 0; i < nr && !(stop && failed); i++) {
		bool ok;

		if (!wanted(&tests[i], argc, argv))
			continue;
		ok = passes(&tests[i]);
		failed += !ok;
		printf("%s %u %s\n", ok ? "ok" : "not ok", ++run, tests[i].name);
		fflush(stdout);
	}
	return failed || !run;
}
