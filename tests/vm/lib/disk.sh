# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2153
# A blank disk for the guest: a sparse file of the host's, a virtio disk of
# the machine's. A guest within the machine gets the machine's: a KVM guest
# through its QEMU, a domU through blkback and blkfront.
# Needs ON, DISK (its size in MiB, or nothing) and WORK.

DISK_DRIVERS=(virtio_pci virtio_blk)

# prepare_disk: what the guest needs for it; sets DISK_DEVICE.
prepare_disk() {
	DISK_DEVICE=''
	[ -n "$DISK" ] || return 0
	truncate -s "${DISK}M" "$WORK/disk"
	case $ON in
	xen-domu)
		DISK_DEVICE=/dev/xvda
		STOCK+=(xen-blkfront)
		XL_LINES="$XL_LINES"'disk = ["format=raw, vdev=xvda, access=rw, backendtype=phy,'
		XL_LINES="$XL_LINES"' script=/pvmem/block-script, target=/dev/vda"]'$'\n'
		;;
	*)
		DISK_DEVICE=/dev/vda
		STOCK+=("${DISK_DRIVERS[@]}")
		;;
	esac
}

# host_modules NAME...: those, and what the machine around a guest needs for
# its disk.
host_modules() {
	[ -z "$DISK" ] || set -- "$@" "${DISK_DRIVERS[@]}"
	[ -z "$DISK" ] || [ "$ON" != xen-domu ] || set -- "$@" xen-blkback
	stock_modules_piece "$@"
}

# disk_args FILE: QEMU's arguments; it may forget what the guest flushed, for
# nothing survives the run.
disk_args() {
	[ -z "$DISK" ] || printf '%s\n' -drive "file=$1,if=none,id=disk,format=raw,cache=unsafe" \
		-device virtio-blk-pci,drive=disk
}
