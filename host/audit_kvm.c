// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's memory is a memfd of QEMU's (libvirt: <memoryBacking> with source
 * memfd and access shared). It is read with pread(), which, unlike a mapping,
 * gives no memory to pages the guest has never touched.
 *
 * The kernel's top-level page table is found by what it looks like, so no
 * monitor command, which would taint the domain, is needed: its last entries lead
 * to the kernel's image in large pages, and its upper half is the richest of all
 * that do (a table of a process that is isolated from the kernel has less there).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "audit_kvm.h"

#define PVMEM_MEMFD "/memfd:memory-backend-memfd"

#define PVMEM_PRESENT 1ull
#define PVMEM_LARGE (1ull << 7)
#define PVMEM_FRAME 0x000ffffffffff000ull

/* Frame numbers from 4 GiB on, where memory goes on that a PCI hole displaced. */
#define PVMEM_FRAMES_4G (1ull << 20)

struct pvmem_kvm {
	int fd;
	uint64_t nr_pages;  /* of memory */
	uint64_t low_pages; /* of those, below the PCI hole */
	uint64_t page[512];
};

/* Where a frame is in the file, in pages; ~0: it is no memory. */
static uint64_t pvmem_kvm_offset(const struct pvmem_kvm *kvm, uint64_t frame)
{
	if (frame < kvm->low_pages)
		return frame;
	if (frame < PVMEM_FRAMES_4G)
		return ~0ull;
	frame -= PVMEM_FRAMES_4G - kvm->low_pages;
	return frame < kvm->nr_pages ? frame : ~0ull;
}

static const uint64_t *pvmem_kvm_page(void *data, uint64_t frame)
{
	struct pvmem_kvm *kvm = data;
	uint64_t offset = pvmem_kvm_offset(kvm, frame);

	if (offset == ~0ull || pread(kvm->fd, kvm->page, sizeof(kvm->page), offset << 12) != sizeof(kvm->page))
		return NULL;
	return kvm->page;
}

/* Opens the memory of a process: its file that is a memfd of that name. */
static int pvmem_kvm_open(int qemu)
{
	char directory[64], path[400], target[256];
	struct dirent *entry;
	int found = -ENOENT;
	ssize_t len;
	DIR *dir;

	snprintf(directory, sizeof(directory), "/proc/%d/fd", qemu);
	dir = opendir(directory);
	if (!dir)
		return -errno;
	while (found == -ENOENT && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		len = readlink(path, target, sizeof(target) - 1);
		if (len <= 0)
			continue;
		target[len] = 0;
		if (strncmp(target, PVMEM_MEMFD, strlen(PVMEM_MEMFD)))
			continue;
		found = open(path, O_RDONLY | O_CLOEXEC);
		if (found < 0)
			found = -errno;
	}
	closedir(dir);
	return found;
}

/* The table an entry points to, or NULL. */
static const uint64_t *pvmem_next(struct pvmem_kvm *kvm, uint64_t entry)
{
	if (!(entry & PVMEM_PRESENT) || entry & PVMEM_LARGE)
		return NULL;
	return pvmem_kvm_page(kvm, (entry & PVMEM_FRAME) >> 12);
}

/* From a candidate's last entry down to the image: large pages one after the other? */
static bool pvmem_leads_to_image(struct pvmem_kvm *kvm, uint64_t last, int levels)
{
	const uint64_t *table = pvmem_next(kvm, last);
	int i, runs = 0;

	if (table && levels == 5)
		table = pvmem_next(kvm, table[511]);
	if (table)
		table = pvmem_next(kvm, table[510]);
	for (i = 0; table && i < 511; i++)
		runs += (table[i] & PVMEM_PRESENT) && (table[i] & PVMEM_LARGE) &&
			(table[i] & PVMEM_FRAME) + (2 << 20) == (table[i + 1] & PVMEM_FRAME);
	return runs >= 4;
}

/* Kernel entries of what might be a top-level table; 0 when it cannot be one. */
static int pvmem_rate(const uint64_t *page)
{
	int i, nr = 0;

	if (!(page[511] & PVMEM_PRESENT))
		return 0;
	for (i = 256; i < 512; i++) {
		if (page[i] & PVMEM_PRESENT && page[i] & PVMEM_LARGE)
			return 0;
		nr += page[i] & PVMEM_PRESENT;
	}
	return nr;
}

/* Looks at every page the guest has touched. Returns the root's frame, or 0. */
static uint64_t pvmem_kvm_root(struct pvmem_kvm *kvm, int levels)
{
	uint64_t best = 0, page[512], last;
	int rate, best_rate = 0;
	off_t at = 0;

	while ((at = lseek(kvm->fd, at, SEEK_DATA)) >= 0 && (uint64_t)at >> 12 < kvm->low_pages) {
		if (pread(kvm->fd, page, sizeof(page), at) != sizeof(page))
			break;
		rate = pvmem_rate(page);
		last = page[511];
		if (rate > best_rate && pvmem_leads_to_image(kvm, last, levels)) {
			best = at >> 12;
			best_rate = rate;
		}
		at += sizeof(page);
	}
	return best;
}

static uint64_t pvmem_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ull + now.tv_nsec / 1000;
}

static int pvmem_kvm_walk(struct pvmem_kvm *kvm, const struct pvmem_audit_window *windows, size_t nr_windows,
			  struct pvmem_audit *audit)
{
	/* Machines pc and q35 leave memory below 3 GiB and 2 GiB when there is more than fits. */
	static const uint64_t holes[] = { 0xc0000000, 0x80000000 };
	struct pvmem_audit_source source = { .page = pvmem_kvm_page, .data = kvm, .nr_windows = nr_windows };
	size_t hole;
	int err = -ENOENT;

	memcpy(source.windows, windows, nr_windows * sizeof(*windows));
	for (hole = 0; hole < 2 && err == -ENOENT; hole++) {
		kvm->low_pages = kvm->nr_pages;
		source.nr_frames = kvm->nr_pages;
		if (kvm->nr_pages > holes[hole] >> 12) {
			kvm->low_pages = holes[hole] >> 12;
			source.nr_frames = kvm->nr_pages - kvm->low_pages + PVMEM_FRAMES_4G;
		}
		for (source.levels = 4; source.levels <= 5 && err == -ENOENT; source.levels++) {
			source.root = pvmem_kvm_root(kvm, source.levels);
			if (source.root)
				err = pvmem_audit_walk(&source, audit);
		}
	}
	return err;
}

/**
 * pvmem_audit_kvm() - audits a running guest of QEMU's
 * @qemu: the process.
 * @windows: pvmem's, as the guest says.
 * @nr_windows: how many, at most PVMEM_AUDIT_WINDOWS.
 * @audit: filled.
 * @error: why not.
 *
 * Context: reads every page the guest has touched once; a thread of its own.
 * Return: 0 or -errno.
 */
int pvmem_audit_kvm(int qemu, const struct pvmem_audit_window *windows, size_t nr_windows, struct pvmem_audit *audit,
		    char error[PVMEM_AUDIT_ERROR])
{
	uint64_t begun = pvmem_now_us();
	struct pvmem_kvm kvm = { .fd = pvmem_kvm_open(qemu) };
	struct stat status;
	int err;

	if (kvm.fd == -ENOENT) {
		snprintf(
			error, PVMEM_AUDIT_ERROR,
			"the guest's memory is no memfd: in libvirt, <memoryBacking> needs <source type='memfd'/> and <access mode='shared'/>");
		return -ENOENT;
	}
	if (kvm.fd < 0 || fstat(kvm.fd, &status)) {
		snprintf(error, PVMEM_AUDIT_ERROR, "QEMU's memory cannot be opened: %s",
			 strerror(kvm.fd < 0 ? -kvm.fd : errno));
		return -EACCES;
	}
	kvm.nr_pages = status.st_size >> 12;
	err = pvmem_kvm_walk(&kvm, windows, nr_windows, audit);
	close(kvm.fd);
	audit->elapsed_us = pvmem_now_us() - begun;
	if (err == -ENOENT)
		snprintf(error, PVMEM_AUDIT_ERROR, "no kernel's page tables were found: is this x86-64 Linux?");
	else if (err)
		snprintf(error, PVMEM_AUDIT_ERROR, "the page tables are not walked to their end: %s", strerror(-err));
	return err;
}
