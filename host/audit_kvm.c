// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest of QEMU's, looked at through its memory: a memfd, found among QEMU's
 * open files. QEMU's monitor is not asked, which would taint a domain of
 * libvirt's: the kernel's top-level table is found by what it looks like.
 *
 * The memfd is mapped, so it must be sealed against shrinking: else a QEMU that is
 * not itself any more could kill us with SIGBUS. Nothing is written, and no hole of
 * it is touched: a read fault would fill it, and an audit would make all of a
 * guest's memory real.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "audit_common.h"
#include "audit_walk.h"

#define PVMEM_MEMFD "/memfd:"
#define PVMEM_GIB (1ull << 30)

#define PVMEM_PRESENT 1ull
#define PVMEM_LARGE (1ull << 7)
#define PVMEM_FRAME_BITS 0x000ffffffffff000ull

/* The kernel's image is more than that many large pages in a row. */
#define PVMEM_IMAGE_PAGES 4

/**
 * pvmem_kvm_layout() - where memory is that does not fit below the PCI hole
 * @layout: filled.
 * @bytes: memory the guest has.
 * @q35: QEMU's machine is q35, else pc.
 *
 * QEMU leaves 3 GiB (pc) or 2 GiB (q35) below the hole when there is more
 * memory than could be there (3.5 and 2.75 GiB).
 */
void pvmem_kvm_layout(struct pvmem_kvm_layout *layout, uint64_t bytes, bool q35)
{
	layout->bytes = bytes;
	layout->low = bytes;
	if (bytes >= (q35 ? 0xb0000000 : 0xe0000000))
		layout->low = q35 ? 2 * PVMEM_GIB : 3 * PVMEM_GIB;
}

/**
 * pvmem_kvm_offset() - where an address is in the file
 * @layout: the layout.
 * @addr: guest-physical.
 *
 * Return: the offset, or UINT64_MAX when it is no memory.
 */
uint64_t pvmem_kvm_offset(const struct pvmem_kvm_layout *layout, uint64_t addr)
{
	if (addr < layout->low)
		return addr;
	if (addr < 4 * PVMEM_GIB || addr - 4 * PVMEM_GIB >= layout->bytes - layout->low)
		return UINT64_MAX;
	return addr - 4 * PVMEM_GIB + layout->low;
}

/**
 * struct pvmem_kvm - a guest's memory, mapped
 * @layout: where it is in the file.
 * @file: the file, mapped.
 * @filled: a bit for each page of it that is not a hole.
 */
struct pvmem_kvm {
	struct pvmem_kvm_layout layout;
	const char *file;
	uint8_t *filled;
};

static const uint64_t *pvmem_kvm_page(void *data, uint64_t frame)
{
	static const uint64_t zero[PVMEM_TABLE_ENTRIES];
	const struct pvmem_kvm *kvm = data;
	uint64_t offset = pvmem_kvm_offset(&kvm->layout, frame << PVMEM_PAGE_SHIFT), page = offset / PVMEM_PAGE_SIZE;

	if (offset == UINT64_MAX)
		return NULL;
	if (!(kvm->filled[page / 8] & (1u << (page % 8))))
		return zero;
	return (const uint64_t *)(kvm->file + offset);
}

static uint64_t pvmem_kvm_frame_of(void *data, uint64_t entry_frame)
{
	const struct pvmem_kvm *kvm = data;

	if (pvmem_kvm_offset(&kvm->layout, entry_frame << PVMEM_PAGE_SHIFT) == UINT64_MAX)
		return PVMEM_AUDIT_NO_FRAME;
	return entry_frame;
}

/* Which pages are not holes. */
static int pvmem_kvm_fill(struct pvmem_kvm *kvm, int fd)
{
	uint64_t bytes = kvm->layout.bytes, page, last;
	off_t data = 0, hole;

	kvm->filled = calloc(bytes / PVMEM_PAGE_SIZE / 8 + 1, 1);
	if (!kvm->filled)
		return -ENOMEM;
	while ((data = lseek(fd, data, SEEK_DATA)) >= 0 && (uint64_t)data < bytes) {
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole <= data)
			break;
		last = ((uint64_t)hole < bytes ? (uint64_t)hole : bytes) / PVMEM_PAGE_SIZE;
		for (page = (uint64_t)data / PVMEM_PAGE_SIZE; page < last; page++)
			kvm->filled[page / 8] |= 1u << (page % 8);
		data = hole;
	}
	return 0;
}

/* The largest memfd that QEMU has open: what it keeps beside the guest's memory is small. */
static int pvmem_kvm_open(int qemu, uint64_t *bytes)
{
	char path[64], target[64];
	struct dirent *entry;
	struct stat status;
	int fd = -ENOENT;
	DIR *dir;

	*bytes = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", qemu);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		memset(target, 0, sizeof(target));
		if (readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1) <= 0 ||
		    strncmp(target, PVMEM_MEMFD, strlen(PVMEM_MEMFD)) ||
		    fstatat(dirfd(dir), entry->d_name, &status, 0) || (uint64_t)status.st_size <= *bytes)
			continue;
		if (fd >= 0)
			close(fd);
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
		*bytes = status.st_size;
	}
	closedir(dir);
	return fd;
}

static bool pvmem_kvm_is_q35(int qemu)
{
	char path[64], *argument = NULL;
	bool named = false, q35 = false;
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", qemu);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!q35 && getdelim(&argument, &size, 0, file) > 0) {
		q35 = named && strstr(argument, "q35");
		named = !strcmp(argument, "-machine") || !strcmp(argument, "-M");
	}
	free(argument);
	fclose(file);
	return q35;
}

static int pvmem_kvm_refuse(char *error, int err, const char *what)
{
	snprintf(error, PVMEM_AUDIT_ERROR, "%s", what);
	return err;
}

static int pvmem_kvm_map(struct pvmem_kvm *kvm, int qemu, char *error)
{
	uint64_t bytes;
	void *file = MAP_FAILED;
	int fd = pvmem_kvm_open(qemu, &bytes), err;

	if (fd == -EACCES || fd == -EPERM)
		return pvmem_kvm_refuse(error, fd, "may not look at QEMU's open files: run as its user");
	if (fd < 0)
		return pvmem_kvm_refuse(error, fd,
					"the guest's memory is no memfd: in libvirt, <memoryBacking> needs "
					"<source type='memfd'/> and <access mode='shared'/>");
	pvmem_kvm_layout(&kvm->layout, bytes, pvmem_kvm_is_q35(qemu));
	err = fcntl(fd, F_GET_SEALS) & F_SEAL_SHRINK ? pvmem_kvm_fill(kvm, fd) : -EPERM;
	if (!err)
		file = mmap(NULL, bytes, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd, 0);
	close(fd);
	if (err == -EPERM)
		return pvmem_kvm_refuse(error, err, "QEMU's memory is not sealed against shrinking");
	if (file == MAP_FAILED)
		return pvmem_kvm_refuse(error, -ENOMEM, "QEMU's memory cannot be mapped");
	kvm->file = file;
	return 0;
}

/* The table an entry points to, or NULL. */
static const uint64_t *pvmem_kvm_next(struct pvmem_kvm *kvm, uint64_t entry)
{
	if (!(entry & PVMEM_PRESENT) || entry & PVMEM_LARGE)
		return NULL;
	return pvmem_kvm_page(kvm, (entry & PVMEM_FRAME_BITS) >> PVMEM_PAGE_SHIFT);
}

/* From the last entry of what may be a top-level table to the kernel's image: large pages in a row? */
static bool pvmem_kvm_has_image(struct pvmem_kvm *kvm, uint64_t last, int levels)
{
	const uint64_t *table = pvmem_kvm_next(kvm, last);
	int i, row = 0;

	if (table && levels == 5)
		table = pvmem_kvm_next(kvm, table[511]);
	if (table)
		table = pvmem_kvm_next(kvm, table[510]);
	for (i = 1; table && i < PVMEM_TABLE_ENTRIES && row < PVMEM_IMAGE_PAGES; i++) {
		if (table[i] & PVMEM_PRESENT && table[i] & PVMEM_LARGE &&
		    (table[i - 1] & PVMEM_FRAME_BITS) + (2 << 20) == (table[i] & PVMEM_FRAME_BITS))
			row++;
		else
			row = 0;
	}
	return row == PVMEM_IMAGE_PAGES;
}

static unsigned int pvmem_kvm_entries(const uint64_t *page)
{
	unsigned int i, nr = 0;

	for (i = PVMEM_TABLE_ENTRIES / 2; i < PVMEM_TABLE_ENTRIES; i++)
		nr += page[i] & PVMEM_PRESENT;
	return nr;
}

/*
 * The richest kernel half of all tables that lead to the image: that of a process
 * that is isolated from the kernel has less.
 */
static uint64_t pvmem_kvm_root(const struct pvmem_audit_source *source)
{
	uint64_t frame, best = PVMEM_AUDIT_NO_FRAME;
	unsigned int entries, most = 0;
	const uint64_t *page;

	for (frame = 0; frame < source->nr_frames; frame++) {
		page = pvmem_kvm_page(source->data, frame);
		if (!page || !(page[PVMEM_TABLE_ENTRIES - 1] & PVMEM_PRESENT) ||
		    page[PVMEM_TABLE_ENTRIES - 1] & PVMEM_LARGE)
			continue;
		entries = pvmem_kvm_entries(page);
		if (entries <= most ||
		    !pvmem_kvm_has_image(source->data, page[PVMEM_TABLE_ENTRIES - 1], source->levels))
			continue;
		most = entries;
		best = frame;
	}
	return best;
}

/* With five levels a table of the second one looks like a top-level table of four, but has no direct map. */
static int pvmem_kvm_walk(struct pvmem_kvm *kvm, const struct pvmem_audit_claim *claim, struct pvmem_audit *audit)
{
	const struct pvmem_kvm_layout *layout = &kvm->layout;
	struct pvmem_audit_source source = {
		.page = pvmem_kvm_page,
		.frame_of = pvmem_kvm_frame_of,
		.data = kvm,
		.nr_frames = layout->bytes >> PVMEM_PAGE_SHIFT,
	};
	int err = -EIO;

	if (layout->low < layout->bytes)
		source.nr_frames += (4 * PVMEM_GIB - layout->low) >> PVMEM_PAGE_SHIFT;
	for (source.levels = 4; source.levels <= 5; source.levels++) {
		source.root = pvmem_kvm_root(&source);
		err = source.root == PVMEM_AUDIT_NO_FRAME ? -EIO : pvmem_audit_walk(&source, claim, audit);
		if (err == -ERANGE || (!err && audit->direct_base))
			return err;
	}
	return err ? err : -EIO;
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
 * pvmem_audit_explain() - why a walk was not made, for people
 * @err: from pvmem_audit_walk().
 * @error: filled when @err is not 0.
 *
 * Return: @err.
 */
int pvmem_audit_explain(int err, char error[PVMEM_AUDIT_ERROR])
{
	if (err == -ERANGE)
		return pvmem_kvm_refuse(error, err, "the guest names windows that cannot be pvmem's");
	if (err == -ENOMEM)
		return pvmem_kvm_refuse(error, err, "no memory for an audit");
	if (err)
		return pvmem_kvm_refuse(error, err,
					"no kernel's page tables were found: is this x86-64 Linux, and up?");
	return 0;
}

/**
 * pvmem_audit_kvm() - looks at a guest of QEMU's
 * @qemu: the process.
 * @claim: what the guest says of itself.
 * @audit: set on success; @paused is the caller's.
 * @error: why not.
 *
 * Looks at each page of the guest's twice; a thread of its own.
 *
 * Return: 0 or -errno.
 */
int pvmem_audit_kvm(int qemu, const struct pvmem_audit_claim *claim, struct pvmem_audit *audit,
		    char error[PVMEM_AUDIT_ERROR])
{
	uint64_t begun = pvmem_audit_now_us();
	struct pvmem_kvm kvm = { 0 };
	int err = pvmem_kvm_map(&kvm, qemu, error);

	if (!err) {
		err = pvmem_audit_explain(pvmem_kvm_walk(&kvm, claim, audit), error);
		munmap((void *)kvm.file, kvm.layout.bytes);
	}
	free(kvm.filled);
	if (!err)
		audit->elapsed_us = pvmem_audit_now_us() - begun;
	return err;
}
