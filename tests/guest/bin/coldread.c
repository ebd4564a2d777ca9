// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads the files of a directory, as its manifest lists them, and checks what
 * came. See usage() below.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <x86intrin.h>
#include "blocksum.h"

#define PAGE 4096

static unsigned char buffer[BLOCKSUM_BLOCK];

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "coldread: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_file(const char *name)
{
	int fd = open(name, O_RDONLY);

	if (fd < 0)
		fail(name);
	return fd;
}

/* Block @number into the buffer; 0 beyond the end. */
static size_t read_block(int fd, const char *name, unsigned long number)
{
	ssize_t size = pread(fd, buffer, sizeof(buffer), number * BLOCKSUM_BLOCK);

	if (size < 0)
		fail(name);
	return size;
}

static void manifest_add(const char *name)
{
	int fd = open_file(name);
	size_t size;

	for (unsigned long number = 0; (size = read_block(fd, name, number)); number++)
		printf("%s %lu %016lx\n", name, number, (unsigned long)blocksum(buffer, size));
	close(fd);
}

static int regular(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strcmp(entry->d_name, "manifest");
}

static void manifest_print(void)
{
	struct dirent **entries;
	int nr = scandir(".", &entries, regular, alphasort);

	if (nr < 0)
		fail("the directory");
	for (int i = 0; i < nr; i++)
		manifest_add(entries[i]->d_name);
}

/* For each block in the manifest, in its order. @check, or just read it. */
static size_t read_all(bool check)
{
	FILE *manifest = fopen("manifest", "r");
	char name[64], open_name[64] = "";
	unsigned long number, sum;
	size_t bytes = 0;
	int fd = -1;

	if (!manifest)
		fail("manifest");
	while (fscanf(manifest, "%63s %lu %lx", name, &number, &sum) == 3) {
		size_t size;

		if (strcmp(name, open_name)) {
			if (fd >= 0)
				close(fd);
			fd = open_file(name);
			strcpy(open_name, name);
		}
		size = read_block(fd, name, number);
		if (check && blocksum(buffer, size) != sum) {
			fprintf(stderr, "coldread: block %lu of %s is wrong\n", number, name);
			exit(1);
		}
		bytes += size;
	}
	if (!bytes)
		fail("manifest lists nothing");
	fclose(manifest);
	return bytes;
}

static int usage(FILE *to)
{
	fputs("usage: coldread DIR             reads the files, prints pages and cycles, then\n"
	      "                                checks what was read\n"
	      "       coldread --manifest DIR  prints the manifest to be put there\n",
	      to);
	return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	unsigned long long begin, cycles;
	size_t bytes;

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return usage(stdout);
	if (argc < 2 || argc > 3 || (argc == 3) != !strcmp(argv[1], "--manifest"))
		return usage(stderr);
	if (chdir(argv[argc - 1]))
		fail(argv[argc - 1]);
	if (argc == 3) {
		manifest_print();
		return 0;
	}
	begin = __rdtsc();
	bytes = read_all(false);
	cycles = __rdtsc() - begin;
	read_all(true);
	printf("%zu %llu\n", bytes / PAGE, cycles);
	return 0;
}
