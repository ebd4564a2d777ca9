// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest of QEMU's, looked at through its memory: a shared mapping of the file
 * that backs it, found among QEMU's open files. Nothing is written, and no hole
 * of the file is touched: a read fault would fill it, and an audit would make
 * all of a guest's memory real.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "audit_kvm.h"
#include "audit_walk.h"

#define PVMEM_CR4_LA57 (1ull << 12)
#define PVMEM_CR3_FRAME 0x000ffffffffff000ull

static int pvmem_refuse(char *reason, int err, const char *what)
{
	snprintf(reason, PVMEM_AUDIT_REASON, "%s", what);
	return err;
}

/* "CR3=000000000260a000", at a word's start. */
static bool pvmem_register(const char *text, const char *name, uint64_t *value)
{
	const char *at = text;
	char *end;

	while ((at = strstr(at, name))) {
		if (at == text || isspace((unsigned char)at[-1])) {
			*value = strtoull(at + strlen(name), &end, 16);
			return end != at + strlen(name);
		}
		at++;
	}
	return false;
}

/**
 * pvmem_kvm_registers() - the paging mode, from QEMU's monitor
 * @text: its answer to "info registers".
 * @root: set to the top-level table's frame.
 * @levels: set to 4 or 5.
 *
 * Return: whether it was there.
 */
bool pvmem_kvm_registers(const char *text, uint64_t *root, int *levels)
{
	uint64_t cr3, cr4;

	if (!pvmem_register(text, "CR3=", &cr3) || !pvmem_register(text, "CR4=", &cr4))
		return false;
	*root = (cr3 & PVMEM_CR3_FRAME) >> PVMEM_PAGE_SHIFT;
	*levels = cr4 & PVMEM_CR4_LA57 ? 5 : 4;
	return true;
}

/*
 * "  0000000100000000-000000013fffffff (prio 0, ram): pc.ram @00000000c0000000 KVM"
 * is memory; roms that are shadowed in it are of the same name.
 */
static bool pvmem_range_line(const char *line, struct pvmem_kvm_range *range, char name[64])
{
	uint64_t last;
	char kind[16];

	range->offset = 0;
	if (sscanf(line, " %" SCNx64 "-%" SCNx64 " (prio %*d, %15[a-z]): %63s @%" SCNx64, &range->base, &last, kind,
		   name, &range->offset) < 4)
		return false;
	if ((strcmp(kind, "ram") && strcmp(kind, "rom")) || last < range->base)
		return false;
	range->bytes = last - range->base + 1;
	return !((range->base | range->bytes | range->offset) % PVMEM_PAGE_SIZE);
}

/**
 * pvmem_kvm_ranges() - where in its file the guest's memory is
 * @mtree: the monitor's answer to "info mtree -f".
 * @layout: filled with the memory of the view that is called "memory", as far as
 *	it is of the object that has address 0.
 *
 * Return: whether there was any.
 */
bool pvmem_kvm_ranges(const char *mtree, struct pvmem_kvm_layout *layout)
{
	char line[256], name[64], first[64] = "";
	struct pvmem_kvm_range range;
	bool ours = false;
	const char *end;

	memset(layout, 0, sizeof(*layout));
	for (; *mtree; mtree = *end ? end + 1 : end) {
		end = mtree + strcspn(mtree, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)(end - mtree), mtree);
		if (!strncmp(line, "FlatView", 8) && layout->nr)
			break;
		if (!strncmp(line, "FlatView", 8))
			ours = false;
		ours |= !!strstr(line, "AS \"memory\"");
		if (!ours || layout->nr == PVMEM_KVM_RANGES || !pvmem_range_line(line, &range, name))
			continue;
		if (!*first && range.base == 0)
			strcpy(first, name);
		if (strcmp(name, first))
			continue;
		layout->range[layout->nr++] = range;
		if (range.base + range.bytes > layout->end)
			layout->end = range.base + range.bytes;
		if (range.offset + range.bytes > layout->file_bytes)
			layout->file_bytes = range.offset + range.bytes;
	}
	return layout->nr;
}

static const struct pvmem_kvm_range *pvmem_kvm_range(const struct pvmem_kvm_layout *layout, uint64_t addr)
{
	size_t i;

	for (i = 0; i < layout->nr; i++)
		if (addr - layout->range[i].base < layout->range[i].bytes)
			return &layout->range[i];
	return NULL;
}

/**
 * struct pvmem_kvm_memory - a guest's memory, mapped
 * @layout: where it is in the file.
 * @file: the file, mapped.
 * @filled: a bit for each page of it that is not a hole.
 */
struct pvmem_kvm_memory {
	struct pvmem_kvm_layout layout;
	const uint8_t *file;
	uint8_t *filled;
};

static const uint64_t *pvmem_kvm_page(void *data, uint64_t frame)
{
	static const uint64_t zero[PVMEM_TABLE_ENTRIES];
	const struct pvmem_kvm_memory *memory = data;
	uint64_t addr = frame << PVMEM_PAGE_SHIFT, at;
	const struct pvmem_kvm_range *range = pvmem_kvm_range(&memory->layout, addr);

	if (!range)
		return NULL;
	at = addr - range->base + range->offset;
	if (!(memory->filled[at / PVMEM_PAGE_SIZE / 8] & (1u << (at / PVMEM_PAGE_SIZE % 8))))
		return zero;
	return (const uint64_t *)(memory->file + at);
}

static uint64_t pvmem_kvm_frame_of(void *data, uint64_t entry_frame)
{
	const struct pvmem_kvm_memory *memory = data;

	return pvmem_kvm_range(&memory->layout, entry_frame << PVMEM_PAGE_SHIFT) ? entry_frame : PVMEM_AUDIT_NO_FRAME;
}

/* Which pages are not holes. A file system that cannot tell has none. */
static int pvmem_kvm_fill(struct pvmem_kvm_memory *memory, int fd, uint64_t bytes)
{
	uint64_t page, last;
	off_t data = 0, hole;

	memory->filled = calloc(bytes / PVMEM_PAGE_SIZE / 8 + 1, 1);
	if (!memory->filled)
		return -ENOMEM;
	while ((data = lseek(fd, data, SEEK_DATA)) >= 0 && (uint64_t)data < bytes) {
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole <= data)
			break;
		last = ((uint64_t)hole < bytes ? (uint64_t)hole : bytes) / PVMEM_PAGE_SIZE;
		for (page = (uint64_t)data / PVMEM_PAGE_SIZE; page < last; page++)
			memory->filled[page / 8] |= 1u << (page % 8);
		data = hole;
	}
	return 0;
}

/* QEMU's open file of the right size, in memory: a memfd, or below /dev/shm or a hugetlbfs. */
static int pvmem_kvm_open(int pid, uint64_t bytes)
{
	char path[64], to[PATH_MAX];
	struct dirent *entry;
	struct stat stat;
	int fd = -ENOENT;
	ssize_t len;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (fd < 0 && (entry = readdir(dir))) {
		len = readlinkat(dirfd(dir), entry->d_name, to, sizeof(to) - 1);
		if (len <= 0)
			continue;
		to[len] = 0;
		if (to[0] != '/' || fstatat(dirfd(dir), entry->d_name, &stat, 0) || !S_ISREG(stat.st_mode) ||
		    (uint64_t)stat.st_size != bytes)
			continue;
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
	}
	closedir(dir);
	return fd;
}

static int pvmem_kvm_map(struct pvmem_kvm_memory *memory, int pid, char *reason)
{
	uint64_t bytes = memory->layout.file_bytes;
	int fd = pvmem_kvm_open(pid, bytes), err;
	void *file;

	if (fd == -EACCES || fd == -EPERM)
		return pvmem_refuse(reason, fd, "may not look at QEMU's open files: run as its user");
	if (fd < 0)
		return pvmem_refuse(reason, -ENOENT,
				    "the guest's memory is not shared: its domain needs <memoryBacking> with "
				    "<source type='memfd'/> and <access mode='shared'/>");
	err = pvmem_kvm_fill(memory, fd, bytes);
	file = err ? MAP_FAILED : mmap(NULL, bytes, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd, 0);
	close(fd);
	if (file == MAP_FAILED) {
		free(memory->filled);
		return pvmem_refuse(reason, -ENOMEM, "cannot map the guest's memory");
	}
	memory->file = file;
	return 0;
}

static unsigned int pvmem_kernel_entries(const struct pvmem_audit_source *source, uint64_t frame)
{
	const uint64_t *page = source->page(source->data, frame);
	unsigned int i, nr = 0;

	for (i = PVMEM_TABLE_ENTRIES / 2; page && i < PVMEM_TABLE_ENTRIES; i++)
		nr += page[i] & 1;
	return nr;
}

/* With page-table isolation a program runs on a table with little of the kernel; the kernel's is before it. */
static uint64_t pvmem_kvm_root(const struct pvmem_audit_source *source, uint64_t root)
{
	uint64_t before = root & ~1ull;

	return pvmem_kernel_entries(source, before) > pvmem_kernel_entries(source, root) ? before : root;
}

/**
 * pvmem_audit_now_us() - a clock to measure an audit with
 *
 * Return: microseconds, from some time on.
 */
uint64_t pvmem_audit_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/**
 * pvmem_audit_reason() - why a walk was not made, for people
 * @err: from pvmem_audit_walk().
 * @reason: filled.
 *
 * Return: @err.
 */
int pvmem_audit_reason(int err, char reason[PVMEM_AUDIT_REASON])
{
	switch (err) {
	case -EINVAL:
	case -EIO:
		return pvmem_refuse(reason, err, "the guest has no page tables where its CPU says: it may be booting");
	case -ERANGE:
		return pvmem_refuse(reason, err, "the guest names windows that cannot be pvmem's");
	case -ENOMEM:
		return pvmem_refuse(reason, err, "no memory for an audit");
	}
	return err;
}

/**
 * pvmem_audit_kvm() - looks at a guest of QEMU's
 * @kvm: QEMU, and what its monitor said; best of the guest while it is paused.
 * @claim: what the guest says of itself.
 * @audit: set on success; @paused is the caller's.
 * @reason: why not.
 *
 * Blocks for about a second per 100 GiB of guest.
 *
 * Return: 0 or -errno.
 */
int pvmem_audit_kvm(const struct pvmem_audit_kvm *kvm, const struct pvmem_audit_claim *claim, struct pvmem_audit *audit,
		    char reason[PVMEM_AUDIT_REASON])
{
	struct pvmem_kvm_memory memory = { 0 };
	struct pvmem_audit_source source = {
		.page = pvmem_kvm_page,
		.frame_of = pvmem_kvm_frame_of,
		.data = &memory,
	};
	uint64_t begun = pvmem_audit_now_us();
	int err;

	if (!pvmem_kvm_registers(kvm->registers, &source.root, &source.levels))
		return pvmem_refuse(reason, -EPROTO, "QEMU's monitor does not tell CR3 and CR4");
	if (!pvmem_kvm_ranges(kvm->mtree, &memory.layout))
		return pvmem_refuse(reason, -EPROTO, "QEMU's monitor does not tell where the guest's memory is");
	err = pvmem_kvm_map(&memory, kvm->pid, reason);
	if (err)
		return err;
	source.nr_frames = memory.layout.end >> PVMEM_PAGE_SHIFT;
	source.root = pvmem_kvm_root(&source, source.root);
	err = pvmem_audit_reason(pvmem_audit_walk(&source, claim, audit), reason);
	munmap((void *)memory.file, memory.layout.file_bytes);
	free(memory.filled);
	if (!err)
		audit->elapsed_us = pvmem_audit_now_us() - begun;
	return err;
}

static bool pvmem_has_argument(int pid, const char *name, const char *value)
{
	char path[64], *arguments = NULL, *at;
	size_t size = 0;
	bool named = false, found = false;
	ssize_t len;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && (len = getdelim(&arguments, &size, 0, file)) > 0) {
		at = arguments;
		found = named && !strcmp(at, value);
		named = !strcmp(at, name);
	}
	free(arguments);
	fclose(file);
	return found;
}

/**
 * pvmem_audit_kvm_pid() - the QEMU that libvirt started for a domain
 * @uuid: the domain's, in libvirt's writing.
 *
 * Return: its process id, or -ESRCH.
 */
int pvmem_audit_kvm_pid(const char *uuid)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc");
	int pid = -ESRCH;
	char *end;
	long id;

	if (!dir)
		return -errno;
	while (pid < 0 && (entry = readdir(dir))) {
		id = strtol(entry->d_name, &end, 10);
		if (id > 0 && !*end && pvmem_has_argument((int)id, "-uuid", uuid))
			pid = (int)id;
	}
	closedir(dir);
	return pid;
}
