// SPDX-License-Identifier: GPL-2.0-or-later
/* What QEMU's monitor says, and memory that is shared. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "audit_kvm.h"
#include "audit_world.h"

#define FRAMES 4096
#define DIRECT 0xffff888000000000ull
#define VMALLOC 0xffffc90000000000ull

static const char registers[] = "\r\nCPU#0\r\nRAX=0000000000000000 CR3=x\nES =0000\n"
				"CR0=80050033 CR2=00007f0000000000 CR3=%s CR4=%s\nDR0=0\n";

static void registers_are_read(void **state)
{
	char text[512];
	uint64_t root;
	int levels;

	snprintf(text, sizeof(text), "CR0=80050033 CR2=00007f0000000000 CR3=8000000001a0b801 CR4=00751ef0\n");
	assert_true(pvmem_kvm_registers(text, &root, &levels));
	assert_int_equal(root, 0x1a0b);
	assert_int_equal(levels, 5);
	snprintf(text, sizeof(text), "XCR3=1 CR3=000000000260a000 CR4=000006f0");
	assert_true(pvmem_kvm_registers(text, &root, &levels));
	assert_int_equal(root, 0x260a);
	assert_int_equal(levels, 4);
	snprintf(text, sizeof(text), registers, "", "");
	assert_false(pvmem_kvm_registers(text, &root, &levels));
	assert_false(pvmem_kvm_registers("", &root, &levels));
	assert_false(pvmem_kvm_registers("CR3=", &root, &levels));
}

/* As QEMU 7.2 prints it for a machine with 4 GiB, shortened. */
static const char mtree[] = "info mtree -f\r\n"
			    "FlatView #0\n AS \"I/O\", root: io\n Root memory region: io\n"
			    "  0000000000000000-0000000000000007 (prio 0, i/o): dma-chan\n\n"
			    "FlatView #1\n AS \"memory\", root: system\n AS \"cpu-memory-0\", root: system\n"
			    " Root memory region: system\n"
			    "  0000000000000000-000000000009ffff (prio 0, ram): pc.ram\n"
			    "  00000000000a0000-00000000000bffff (prio 1, i/o): vga-lowmem\n"
			    "  00000000000c0000-00000000000dffff (prio 1, rom): pc.rom\n"
			    "  00000000000e0000-00000000000fffff (prio 1, rom): pc.bios @0000000000020000\n"
			    "  0000000000100000-00000000bfffffff (prio 0, ram): pc.ram @0000000000100000\n"
			    "  00000000fd000000-00000000fdffffff (prio 1, ram): vga.vram\n"
			    "  0000000100000000-000000013fffffff (prio 0, ram): pc.ram @00000000c0000000 KVM\n\n"
			    "FlatView #2\n AS \"memory\", root: other\n"
			    "  0000000000000000-00000000ffffffff (prio 0, ram): pc.ram\n";

static void memory_is_laid_out(void **state)
{
	struct pvmem_kvm_layout layout;

	assert_true(pvmem_kvm_ranges(mtree, &layout));
	assert_int_equal(layout.nr, 3);
	assert_int_equal(layout.range[1].base, 0x100000);
	assert_int_equal(layout.range[2].base, 0x100000000);
	assert_int_equal(layout.range[2].offset, 0xc0000000);
	assert_int_equal(layout.end, 0x140000000);
	assert_int_equal(layout.file_bytes, 0x100000000);
	assert_false(pvmem_kvm_ranges("", &layout));
	assert_false(
		pvmem_kvm_ranges("FlatView #0\n  0000000000000000-000000000009ffff (prio 0, ram): pc.ram\n", &layout));
}

/* Ourselves as QEMU: a sparse memfd with a kernel in it. */
static void own_memory_is_read(void **state)
{
	static const char text[] = "FlatView #0\n AS \"memory\", root: system\n"
				   "  0000000000000000-0000000000ffffff (prio 0, ram): pc.ram\n";
	struct pvmem_audit_claim claim = { 0 };
	struct world *world = world_new(FRAMES, 4);
	char reason[PVMEM_AUDIT_REASON], cpu[128];
	struct pvmem_audit_kvm kvm = { .pid = getpid(), .registers = cpu, .mtree = text };
	int fd = memfd_create("memory-backend-memfd", 0);
	struct pvmem_audit audit;
	struct stat before, after;
	uint64_t frame;

	for (frame = 0; frame < FRAMES; frame += 512)
		world_map(world, DIRECT + (frame << 12), frame, WORLD_2M, WORLD_WRITABLE);
	world_map(world, VMALLOC, 30, WORLD_4K, WORLD_WRITABLE);
	world_map(world, VMALLOC + 0x1000, 30, WORLD_4K, WORLD_WRITABLE);
	assert_int_equal(ftruncate(fd, FRAMES << 12), 0);
	for (frame = world->next; frame < FRAMES; frame++)
		assert_int_equal(pwrite(fd, world->ram[frame], 4096, frame << 12), 4096);
	fstat(fd, &before);
	snprintf(cpu, sizeof(cpu), "CR3=%llx CR4=6f0", (FRAMES - 1ull) << 12);
	assert_int_equal(pvmem_audit_kvm(&kvm, &claim, &audit, reason), 0);
	assert_int_equal(pvmem_audit_total(&audit), 1);
	assert_int_equal(audit.findings[0].frame, 30);
	assert_int_equal(audit.findings[0].other, VMALLOC + 0x1000);
	fstat(fd, &after);
	assert_int_equal(before.st_blocks, after.st_blocks);
	close(fd);
	assert_int_equal(pvmem_audit_kvm(&kvm, &claim, &audit, reason), -ENOENT);
	assert_non_null(strstr(reason, "memfd"));
	world_free(world);
}

static void own_process_is_found(void **state)
{
	assert_int_equal(pvmem_audit_kvm_pid("no such uuid"), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_are_read),
		cmocka_unit_test(memory_is_laid_out),
		cmocka_unit_test(own_memory_is_read),
		cmocka_unit_test(own_process_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
