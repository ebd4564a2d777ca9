# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
# What the runner assumes when not told.

# Memory Xen takes for itself, its heap and its frame table, in MiB.
XEN_MIB=192

# A dom0 that runs xl: with 256 MiB xl is killed now and then.
DOM0_DEFAULT_MIB=384

choose_defaults() {
	MEM=$((${MEM:-$(default_mem)} + $(kernel_mem)))
	APPEND="$APPEND $(kernel_args)"
	SMP=${SMP:-$(default_smp)}
	DOM0_MEM=${DOM0_MEM:-$DOM0_DEFAULT_MIB}
	TIMEOUT=${TIMEOUT:-$(default_timeout)}
	TIMEOUT=$((TIMEOUT * ${PVMEM_SLOW:-1}))
	if [ "$ON" = bare ] && [ -n "$ICOUNT" ] && [ "$SMP" != 1 ]; then
		wrong "--icount on bare needs --smp 1: with more it hangs at boot"
	fi
	[ "$ON" != kvm ] || ONE_THREAD=''
	[ "$ON" != kvm ] || [ -z "$ICOUNT" ] ||
		wrong "--icount cannot be exact for a guest within a guest (kvm)"
}

default_mem() {
	case $ON in
	bare | xen-pv) echo 1024 ;;
	xen-domu) echo 256 ;;
	kvm) echo 512 ;;
	esac
}

# kernel_mem: what this kernel takes for itself beyond what Debian's does.
kernel_mem() {
	cat "$KERNEL_DIR/extra-mib" 2>/dev/null || echo 0
}

# kernel_args: what it is to be told besides.
kernel_args() {
	cat "$KERNEL_DIR/extra-args" 2>/dev/null || true
}

default_smp() {
	if [ "$ON" = bare ] && [ -n "$ICOUNT" ]; then echo 1; else echo 2; fi
}

default_timeout() {
	case $ON in
	bare) echo 120 ;;
	xen-pv) echo 180 ;;
	*) echo 420 ;;
	esac
}
