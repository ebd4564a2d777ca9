# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2153
# The piece of initramfs that differs from run to run: init, the program, and
# the modules and files it was given.

# quoted ARG...: the arguments as a shell would take them in again.
quoted() {
	local arg
	for arg; do
		printf "'%s' " "$(printf '%s' "$arg" | sed "s/'/'\\\\''/g")"
	done
}

# find_module NAME: the file, or what `make modules` built of that name.
find_module() {
	local name=${1%.ko} found
	[ ! -f "$1" ] || { echo "$1"; return; }
	found=$(find "$BUILD/modules/$KERNEL" -name "$name.ko" 2>/dev/null | head -n 1)
	[ -n "$found" ] || die "no module '$1' for kernel $KERNEL: run 'make modules KERNEL=$KERNEL'"
	echo "$found"
}

# program_piece RESULT_PORT PROGRAM...: writes $WORK/program.cpio.
program_piece() {
	local root=$WORK/program port=$1 program=$2 module file
	shift 2
	put "$TOP/tests/vm/init/guest" "$root/init"
	put "$TOP/tests/vm/init/send-xenstore" "$root/pvmem/send-xenstore"
	if [[ $program == */* && -f $program ]]; then
		put_program "$program" "$root" "/pvmem/bin/${program##*/}"
		program=/pvmem/bin/${program##*/}
	fi
	{
		echo "RESULT=$port"
		echo "KIND=$ON"
		echo "DISK=$DISK_DEVICE"
		echo "COMMAND=$(quoted "$(quoted "$program" "$@")")"
	} >"$root/pvmem/config"
	for module in ${MODULES[@]+"${MODULES[@]}"}; do
		if [ "$module" != "${module%\?}" ]; then
			module=${module%\?}
			(find_module "$module") >/dev/null 2>&1 || continue
		fi
		module=$(find_module "$module")
		put "$module" "$root/lib/pvmem/${module##*/}"
	done
	for file in ${FILES[@]+"${FILES[@]}"}; do
		put_extra "$file" "$root"
	done
	put_stock "$root"
	pack "$root" >"$WORK/program.cpio"
	add_archives >>"$WORK/program.cpio"
}

add_archives() {
	local archive
	for archive in ${ARCHIVES[@]+"${ARCHIVES[@]}"}; do
		[ -e "$archive" ] || die "no file '$archive' (--archive): run 'make programs'"
		cat "$archive"
	done
}

# put_extra HOST[:GUEST] ROOT [LIBRARY_DIR]
put_extra() {
	local from=${1%%:*} to=/pvmem/bin/
	[[ $1 != *:* ]] || to=${1#*:}
	[ -e "$from" ] || die "no file '$from' (--file)"
	[[ $to != */ ]] || to=$to${from##*/}
	if [ -d "$from" ]; then
		mkdir -p "$2$to" && cp -RL "$from/." "$2$to"
	elif [ -x "$from" ]; then
		put_program "$from" "$2" "$to" "${3-}"
	else
		put "$from" "$2$to"
	fi
}

put_stock() {
	local files
	[ ${#STOCK[@]} -gt 0 ] || return 0
	mapfile -t files < <(stock_module_files "${STOCK[@]}")
	stock_modules "$1" ${files[@]+"${files[@]}"}
}
