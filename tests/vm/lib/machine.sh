# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The machines: for each kind of guest, machine_KIND fills QEMU with the
# command line, after prepare_KIND has written the initramfs the guest needs.
# Needs the runner's variables: SMP MEM ICOUNT APPEND WORK OUT KERNEL_DIR.
#
# All boot the uncompressed vmlinux: it spares an emulated CPU the unpacking.
#
# Every machine has two serial ports: the first is the console, the second
# carries the program's results and nothing else.

# GUEST_ARGS: for every guest's kernel. Warnings reach the console; an oops
# or a panic ends the run at once; an emulated CPU may be slow without harm.
GUEST_ARGS="panic=-1 sysctl.kernel.panic_on_oops=1 loglevel=5 \
rcupdate.rcu_cpu_stall_timeout=60 watchdog_thresh=30"

# emulator MEM SMP [ARG...]: the start of every QEMU command line.
emulator() {
	QEMU=(qemu-system-x86_64 -accel tcg -nodefaults -no-user-config
		-display none -no-reboot -m "$1" -smp "$2"
		-serial "file:$OUT/console.log" -serial "file:$WORK/result")
	shift 2
	QEMU+=("$@")
}

# --- bare: a plain machine, no hypervisor the kernel knows of

prepare_bare() {
	program_piece /dev/ttyS1 "$@"
	cat "$(userland_piece)" "$WORK/program.cpio" >"$WORK/initrd"
}

machine_bare() {
	emulator "$MEM" "$SMP" -cpu max
	[ -z "$ICOUNT" ] || QEMU+=(-icount "shift=0,sleep=off")
	QEMU+=(-kernel "$KERNEL_DIR/vmlinux" -initrd "$WORK/initrd"
		-append "console=ttyS0 $GUEST_ARGS $APPEND")
}

# --- xen-pv: dom0, which is a PV guest like any other

prepare_xen-pv() {
	prepare_bare "$@"
}

# xen_machine MACHINE_MEM SMP DOM0_OPTIONS DOM0_ARGS: Xen with this dom0.
# Xen 4.17's PV dom0 dies early if the CPU has SMAP, SMEP or PKU.
xen_machine() {
	emulator "$1" "$2" -cpu max,-smap,-smep,-pku
	[ -z "$ICOUNT" ] || QEMU+=(-icount shift=0)
	QEMU+=(-kernel "$BUILD/xen/xen.elf"
		-initrd "$KERNEL_DIR/vmlinux console=hvc0 $GUEST_ARGS $4,$WORK/initrd"
		-append "console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all noreboot=0 $3")
}

machine_xen-pv() {
	case $APPEND in *,*) die "--append for xen-pv cannot hold a comma (QEMU splits modules there): $APPEND" ;; esac
	xen_machine $((MEM + XEN_MIB)) "$SMP" \
		"dom0=pv dom0_mem=${MEM}M,max:${MEM}M dom0_max_vcpus=$SMP $XEN_APPEND" "$APPEND"
}
