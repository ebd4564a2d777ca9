// SPDX-License-Identifier: GPL-2.0-or-later
/* Ourselves as QEMU: what is found of its memory, and what of it is touched. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "audit_common.h"
#include "audit_world.h"

#define FRAMES 8192
#define GIB (1ull << 30)

static const uint64_t direct[] = { [4] = 0xffff888000000000, [5] = 0xff11000000000000 };
static const uint64_t vmalloc[] = { [4] = 0xffffc90000000000, [5] = 0xffa0000000000000 };

static void memory_goes_around_the_hole(void **state)
{
	struct pvmem_kvm_layout layout;

	pvmem_kvm_layout(&layout, 3 * GIB, false);
	assert_int_equal(pvmem_kvm_offset(&layout, 3 * GIB - 1), 3 * GIB - 1);
	assert_int_equal(pvmem_kvm_offset(&layout, 3 * GIB), UINT64_MAX);
	assert_int_equal(pvmem_kvm_offset(&layout, 4 * GIB), UINT64_MAX);
	pvmem_kvm_layout(&layout, 4 * GIB, false);
	assert_int_equal(pvmem_kvm_offset(&layout, 3 * GIB), UINT64_MAX);
	assert_int_equal(pvmem_kvm_offset(&layout, 4 * GIB), 3 * GIB);
	assert_int_equal(pvmem_kvm_offset(&layout, 5 * GIB - 1), 4 * GIB - 1);
	assert_int_equal(pvmem_kvm_offset(&layout, 5 * GIB), UINT64_MAX);
	assert_int_equal(pvmem_kvm_offset(&layout, UINT64_MAX), UINT64_MAX);
	pvmem_kvm_layout(&layout, 3 * GIB, true);
	assert_int_equal(pvmem_kvm_offset(&layout, 2 * GIB), UINT64_MAX);
	assert_int_equal(pvmem_kvm_offset(&layout, 4 * GIB), 2 * GIB);
	pvmem_kvm_layout(&layout, 2 * GIB, true);
	assert_int_equal(pvmem_kvm_offset(&layout, 2 * GIB - 1), 2 * GIB - 1);
}

/* A kernel with an image, a direct map, a frame that is mapped twice, and an isolated process. */
static struct world *kernel_new(int levels)
{
	struct world *world = world_new(FRAMES, levels);
	uint64_t frame, user;

	for (frame = 0; frame < FRAMES; frame += 512)
		world_map(world, direct[levels] + (frame << 12), frame, WORLD_2M, WORLD_WRITABLE);
	for (frame = 0; frame < 8 * 512; frame += 512)
		world_map(world, 0xffffffff81000000 + (frame << 12), frame, WORLD_2M, WORLD_WRITABLE);
	world_map(world, vmalloc[levels], 30, WORLD_4K, WORLD_WRITABLE);
	world_map(world, vmalloc[levels] + 0x1000, 30, WORLD_4K, WORLD_WRITABLE);
	user = world_table(world);
	world->ram[user][511] = world->ram[FRAMES - 1][511];
	return world;
}

/* A memfd with what is not zero, the rest holes. */
static int memory_new(const struct world *world, unsigned int seals)
{
	int fd = memfd_create("memory-backend-memfd", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	uint64_t frame;

	assert_int_equal(ftruncate(fd, FRAMES << 12), 0);
	for (frame = world->next; frame < FRAMES; frame++)
		assert_int_equal(pwrite(fd, world->ram[frame], 4096, frame << 12), 4096);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void a_kernel_is_found(void **state)
{
	struct pvmem_audit_claim claim = { 0 };
	char error[PVMEM_AUDIT_ERROR];
	struct stat before, after;
	struct pvmem_audit audit;
	struct world *world;
	int levels, fd;

	for (levels = 4; levels <= 5; levels++) {
		world = kernel_new(levels);
		fd = memory_new(world, F_SEAL_SHRINK);
		fstat(fd, &before);
		assert_int_equal(pvmem_audit_kvm(getpid(), &claim, &audit, error), 0);
		fstat(fd, &after);
		assert_int_equal(before.st_blocks, after.st_blocks);
		assert_int_equal(audit.direct_base, direct[levels]);
		assert_int_equal(pvmem_audit_total(&audit), 1);
		assert_int_equal(audit.findings[0].frame, 30);
		assert_int_equal(audit.findings[0].other, vmalloc[levels] + 0x1000);
		close(fd);
		world_free(world);
	}
}

static void refused(const char *why)
{
	struct pvmem_audit_claim claim = { 0 };
	struct pvmem_audit audit = { .nr_tables = 77 };
	char error[PVMEM_AUDIT_ERROR] = "";

	assert_int_not_equal(pvmem_audit_kvm(getpid(), &claim, &audit, error), 0);
	assert_non_null(strstr(error, why));
	assert_int_equal(audit.nr_tables, 77);
}

static void what_cannot_be_looked_at_is_refused(void **state)
{
	struct world *world = kernel_new(4);
	int fd;

	refused("no memfd");
	fd = memory_new(world, 0);
	refused("sealed");
	close(fd);
	/* Without an image there is no kernel. */
	*world_entry(world, FRAMES - 1, 0xffffffff81000000, 3) = 0;
	fd = memory_new(world, F_SEAL_SHRINK);
	refused("no kernel");
	close(fd);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_goes_around_the_hole),
		cmocka_unit_test(a_kernel_is_found),
		cmocka_unit_test(what_cannot_be_looked_at_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
