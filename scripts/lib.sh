# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What every script of the project shares. Source it with TOP set:
#
#	TOP=$(cd "$(dirname "$0")/.." && pwd)
#	. "$TOP/scripts/lib.sh"

BUILD=$TOP/build

# die MESSAGE...: says what went wrong, and what to do about it, and stops.
die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# now_ms: milliseconds on a clock good for differences.
now_ms() {
	local now=${EPOCHREALTIME/./}
	echo "${now%???}"
}

# seconds_since MS: "  3.1", the time since now_ms said MS.
seconds_since() {
	local ms=$(($(now_ms) - $1))
	printf '%3d.%d' $((ms / 1000)) $((ms % 1000 / 100))
}

# default_kernel: the version the last setup fetched, or nothing.
default_kernel() {
	cat "$BUILD/kernel/default" 2>/dev/null || true
}

# full_version KERNEL: a series, such as 6.12, stands for the version of it that
# was fetched last, debug for the one that was built.
full_version() {
	readlink "$BUILD/kernel/$1" || echo "$1"
}
[ -z "${KERNEL-}" ] || KERNEL=$(full_version "$KERNEL")
