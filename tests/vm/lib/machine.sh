# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The machines: for each kind of guest, machine_KIND fills QEMU with the
# command line, after prepare_KIND has written the initramfs the guest needs.
# Needs the runner's variables: SMP MEM ICOUNT ONE_THREAD HOST_SLICE APPEND WORK OUT KERNEL_DIR.
#
# All boot the uncompressed vmlinux: it spares an emulated CPU the unpacking.
#
# Every machine has two serial ports: the first is the console, the second
# carries the program's results and nothing else.

# GUEST_ARGS: for every guest's kernel. Warnings reach the console; an oops
# or a panic ends the run at once; an emulated CPU may be slow without harm.
GUEST_ARGS="panic=-1 sysctl.kernel.panic_on_oops=1 loglevel=5 \
rcupdate.rcu_cpu_stall_timeout=60 watchdog_thresh=30 no_timer_check"

# emulator MEM SMP [ARG...]: the start of every QEMU command line.
#
# ONE_THREAD: what a vCPU translates while another changes it stays as it was, in QEMU
# 7.2. Linux changes a function's first instruction by way of a breakpoint: three vCPUs
# met one that was gone from memory, for ever, when the takeover was loaded under load.
emulator() {
	local disk
	QEMU=(qemu-system-x86_64 -accel "tcg${ONE_THREAD:+,thread=single}" -nodefaults -no-user-config
		-display none -no-reboot -m "$1" -smp "$2"
		-serial "file:$OUT/console.log" -serial "file:$WORK/result")
	shift 2
	mapfile -t disk < <(disk_args "$WORK/disk")
	QEMU+=(${disk[@]+"${disk[@]}"} "$@")
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
# Xen 4.17's PV dom0 dies early if QEMU's CPU has SMAP, SMEP or PKU. With
# XSAVE, vCPUs that share a CPU lose AVX registers: programs crash at random
# (14 of 800 in a domU beside a busy dom0; none without).
# QEMU splits modules at commas, but not at two of them.
xen_machine() {
	emulator "$1" "$2" -cpu max,-smap,-smep,-pku,-xsave
	[ -z "$ICOUNT" ] || QEMU+=(-icount shift=0)
	QEMU+=(-kernel "$BUILD/xen/xen.elf"
		-initrd "$KERNEL_DIR/vmlinux console=hvc0 $GUEST_ARGS ${4//,/,,},$WORK/initrd"
		-append "console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all noreboot=0 $3")
}

machine_xen-pv() {
	# shellcheck disable=SC2153 # set by defaults.sh
	xen_machine $((MEM + XEN_MIB)) "$SMP" \
		"dom0=pv dom0_mem=${MEM}M,max:${MEM}M dom0_max_vcpus=$SMP $XEN_APPEND" "$APPEND"
}

# --- xen-domu: a PV domU, created by dom0 with xl

prepare_xen-domu() {
	local dom0=$WORK/dom0 client file
	program_piece xenstore "$@"
	client=$(cached xenstore-client xenstore_client "$BUILD"/xen/usr/bin/xenstore-read)
	cat "$(userland_piece)" "$client" "$WORK/program.cpio" >"$WORK/domu-initrd"

	put "$TOP/tests/vm/init/dom0" "$dom0/init"
	put "$WORK/domu-initrd" "$dom0/boot/initrd"
	put "$TOP/tests/vm/init/block-script" "$dom0/pvmem/block-script"
	domu_config >"$dom0/pvmem/guest.cfg"
	[ -z "$DOM0_CMD" ] || printf '%s\n' "$DOM0_CMD" >"$dom0/pvmem/dom0-cmd"
	for file in ${DOM0_FILES[@]+"${DOM0_FILES[@]}"}; do
		put_extra "$file" "$dom0" "$XEN_LIBS"
	done
	pack "$dom0" >"$WORK/dom0.cpio"
	cat "$(userland_piece)" "$client" \
		"$(host_modules xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs)" \
		"$(cached xl xl_tools "$BUILD/xen/.stamp")" \
		"$(cached kernel guest_kernel "$KERNEL_DIR/vmlinux")" \
		"$WORK/dom0.cpio" >"$WORK/initrd"
}

XEN_LIBS=$BUILD/xen/usr/lib/x86_64-linux-gnu

# xenstore_client ROOT XENSTORE_READ: one program under its many names.
xenstore_client() {
	local name
	for name in read write exists list ls rm watch chmod; do
		put_program "${2%read}$name" "$1" "/usr/bin/xenstore-$name" "$XEN_LIBS"
	done
}

xl_tools() {
	local bin=/usr/lib/xen-4.17/bin name
	for name in xl xenstored xenconsoled xen-init-dom0 libxl-save-helper; do
		put_program "$BUILD/xen$bin/$name" "$1" "$bin/$name" "$XEN_LIBS"
	done
	put "$BUILD/xen/etc/xen/xl.conf" "$1/etc/xen/xl.conf"
}

# The kernel a guest within the machine boots. Not compressed: xl took 8 of
# 30 seconds to unpack it.
guest_kernel() {
	put "$2" "$1/boot/vmlinux"
}

domu_config() {
	case $APPEND in *\"*) die "--append for xen-domu cannot hold a quotation mark: $APPEND" ;; esac
	cat <<-EOT
	name = "guest"
	type = "pv"
	kernel = "/boot/vmlinux"
	ramdisk = "/boot/initrd"
	extra = "console=hvc0 $GUEST_ARGS $APPEND"
	memory = $MEM
	vcpus = $SMP
	on_poweroff = "destroy"
	on_reboot = "destroy"
	on_crash = "destroy"
	$XL_LINES
	EOT
}

# One CPU: an emulated second one only slows xl and the domU down.
machine_xen-domu() {
	xen_machine $((DOM0_MEM + MEM + XEN_MIB)) 1 \
		"dom0=pv dom0_mem=${DOM0_MEM}M,max:${DOM0_MEM}M $XEN_APPEND" ""
}

# --- kvm: a KVM guest inside a machine whose emulated CPU has AMD's SVM

prepare_kvm() {
	local host=$WORK/kvm-host disk
	program_piece /dev/ttyS1 "$@"
	put "$TOP/tests/vm/init/kvm-host" "$host/init"
	mkdir -p "$host/pvmem" "$host/boot"
	cat "$(userland_piece)" "$WORK/program.cpio" >"$host/boot/initrd"
	mapfile -t disk < <(disk_args /dev/vda)
	quoted ${disk[@]+"${disk[@]}"} -smp "$SMP" -m "$MEM" -kernel /boot/vmlinux -initrd /boot/initrd \
		-append "console=ttyS0 $GUEST_ARGS $APPEND" >"$host/pvmem/qemu"
	[ -z "$HOST_SLICE" ] || echo "$HOST_SLICE" >"$host/pvmem/slice"
	pack "$host" >"$WORK/kvm-host.cpio"
	cat "$(userland_piece)" "$(host_modules kvm-amd)" \
		"$(cached qemu qemu_files /usr/bin/qemu-system-x86_64)" \
		"$(cached kernel guest_kernel "$KERNEL_DIR/vmlinux")" \
		"$WORK/kvm-host.cpio" >"$WORK/initrd"
}

qemu_files() {
	local rom
	put_program "$2" "$1" /usr/bin/qemu-system-x86_64
	for rom in seabios/bios-256k.bin qemu/pvh.bin qemu/linuxboot_dma.bin qemu/kvmvapic.bin; do
		put "/usr/share/$rom" "$1/usr/share/qemu/${rom##*/}"
	done
}

# Memory of the machine beside the guest's: QEMU, and its initramfs twice.
KVM_HOST_MIB=1024

machine_kvm() {
	emulator $((MEM + KVM_HOST_MIB)) 2 -cpu max -kernel "$KERNEL_DIR/vmlinux" \
		-initrd "$WORK/initrd" -append "console=ttyS0 $GUEST_ARGS"
}
