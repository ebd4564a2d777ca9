# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the host's tests share. Source it after scripts/lib.sh.

# host_make DIR ARG...: builds into build/DIR, quiet unless it fails.
host_make() {
	local dir=$BUILD/$1 log
	shift
	mkdir -p "$dir"
	log=$dir/make.log
	nice make -C "$TOP" -f host/Makefile -j 2 "O=${dir#"$TOP/"}" "$@" >"$log" 2>&1 || {
		tail -n 40 "$log" | sed 's/^/# /'
		return 1
	}
}
