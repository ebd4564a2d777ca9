# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Initramfs pieces: cpio archives, which the kernel takes one after another.
# What seldom changes is cached below build/vm/cache under a name that says
# what it was made from. Needs BUILD, KERNEL, KERNEL_DIR and WORK.

CACHE=$BUILD/vm/cache

# pack DIR: the directory as a cpio archive. Not compressed: unpacking costs
# an emulated guest more than reading.
pack() {
	(cd "$1" && find . -mindepth 1 -print0 | sort -z |
		cpio -o -0 -H newc --quiet -R 0:0)
}

# put FILE DIR/PATH: copies a file, with its directories.
put() {
	mkdir -p "${2%/*}"
	cp -L "$1" "$2"
}

# put_program FILE ROOT PATH [LIBRARY_DIR]: a program and, when it is linked
# dynamically, its libraries at their own paths.
put_program() {
	local file=$1 root=$2 path=$3 library
	put "$file" "$root$path"
	chmod +x "$root$path"
	is_dynamic "$file" || return 0
	LD_LIBRARY_PATH=${4:-} ldd "$file" |
		sed -n 's/^.*=> \(\/[^ ]*\) .*/\1/p; s/^\t\(\/[^ ]*\) .*/\1/p' |
		while read -r library; do
			put_library "$library" "$root"
		done
	# glibc opens it when a thread is cancelled: ldd does not know.
	put_library /lib/x86_64-linux-gnu/libgcc_s.so.1 "$root"
}

put_library() {
	local to=/lib/x86_64-linux-gnu/${1##*/}
	case $1 in */ld-linux*) to=/lib64/${1##*/} ;; esac
	[ -e "$2$to" ] || put "$1" "$2$to"
}

is_dynamic() {
	LC_ALL=C head -c 4096 "$1" | grep -aq '/ld-linux'
}

# cached NAME FUNCTION INPUT...: prints the path of the archive of what
# FUNCTION DIR INPUT... puts into DIR, made only when an INPUT or this
# library has changed.
cached() {
	local name=$1 function=$2 key archive dir
	shift 2
	key=$(stat -Lc '%n %s %Y' "$@" "$VM_LIB/initramfs.sh" |
		sha256sum | cut -c 1-16)
	archive=$CACHE/$name-$key.cpio
	if [ ! -e "$archive" ]; then
		dir=$(mktemp -d "$WORK/piece.XXXXXX")
		"$function" "$dir" "$@"
		mkdir -p "$CACHE"
		pack "$dir" >"$archive.$$"
		mv "$archive.$$" "$archive"
		rm -rf "$dir"
		find "$CACHE" -name "$name-*" -mtime +7 -delete
	fi
	echo "$archive"
}

# The userland: busybox under each of its names.
userland() {
	local root=$1 busybox=$2 name
	put "$busybox" "$root/bin/busybox"
	"$busybox" --list | while read -r name; do
		[ "$name" = busybox ] || ln -s busybox "$root/bin/$name"
	done
	mkdir -p "$root"/{dev,etc,lib/pvmem,mnt,proc,root,run,sbin,sys,tmp,var}
	ln -s ../bin/busybox "$root/sbin/modprobe"
	# The kernel runs it when a hypervisor asks for a shutdown.
	printf '#!/bin/sh\nexec busybox poweroff -f\n' >"$root/sbin/poweroff"
	chmod +x "$root/sbin/poweroff"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
}

# Stock modules as /lib/stock/NN-NAME.ko, to be loaded in that order.
stock_modules() {
	local root=$1 file number=10
	shift
	for file; do
		put_module "$file" "$root/lib/stock/$number-${file##*/}"
		number=$((number + 1))
	done
}

# put_module FILE DIR/PATH: a module, uncompressed.
put_module() {
	case $1 in
	*.xz) mkdir -p "${2%/*}" && xz -dc "$1" >"${2%.xz}" ;;
	*) put "$1" "$2" ;;
	esac
}

# stock_module_files NAME...: the paths of modules and all they need, in the
# order to load them; built-in ones need nothing.
stock_module_files() {
	local name
	for name; do
		modprobe -d "$KERNEL_DIR" -S "$KERNEL" --show-depends "$name" |
			sed -n 's/^insmod \([^ ]*\).*/\1/p'
	done | awk '!seen[$0]++'
}

# built_in NAME...: are all of these modules in the kernel itself?
built_in() {
	local name
	for name; do
		modprobe -d "$KERNEL_DIR" -S "$KERNEL" --show-depends "$name" | grep -q '^builtin' || return 1
	done
}

# userland_piece; stock_modules_piece NAME...: the cached archives; one of nothing, if all
# are built in.
userland_piece() {
	cached userland userland /bin/busybox
}

stock_modules_piece() {
	local files
	mapfile -t files < <(stock_module_files "$@")
	[ ${#files[@]} -gt 0 ] || built_in "$@" || die "kernel $KERNEL has no module of: $*"
	cached modules stock_modules "${files[@]}"
}
