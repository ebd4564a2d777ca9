#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# In the domU, for tests/host/audit-xen.
# shellcheck source=/dev/null
. /pvmem/tests/lib.sh

# tell NAME FILE: the file for dom0; commas for newlines.
tell() {
	xenstore-write "data/audit/$1" "$(tr '\n' ',' <"$2")"
}

# look: what dom0 finds now, in $found. xenstore takes 2,048 bytes a value.
step=0
look() {
	cat "$SYS/windows" >/run/windows
	sed -e 's/^0*//' "$SYS/ptpool_frames" >/run/pool
	for name in map_pages unmap_pages purge_pages ptpool_pages ptpool_out; do
		echo "$name $(stat $name)"
	done >/run/before
	for file in windows pool before; do tell $file /run/$file; done
	step=$((step + 1))
	xenstore-write data/audit/step $step
	until [ "$(xenstore-read data/audit/done 2>/dev/null)" = $step ]; do sleep 0.2; done
	found=$(xenstore-read data/audit/found | tr ',' '\n')
}

sum() {
	echo "$found" | sed -n "s/^ *\([0-9]*\) $1\$/\1/p"
}

# findings: "KIND FRAME" of each.
findings() {
	echo "$found" | sed -n 's/^\([a-z-]*\): frame \(0x[0-9a-f]*\) .*/\1 \2/p'
}

# nothing WHEN: no finding, and the audit could look.
nothing() {
	look
	check "nothing is found $1" [ "$(echo "$found" | tail -n 1)" = "status 0" ]
	[ "$(echo "$found" | tail -n 1)" = "status 0" ] || echo "$found" | sed 's/^/# /'
}

# planted WHAT KIND: dom0 finds one of that and nothing else, and nothing once it is gone.
planted() {
	check "$1 is planted" insmod "$LIB/pvmem_plant.ko" what="$1"
	look
	check "$1 is found: $2" [ "$(findings | sed 's/ .*//')" = "$2" ]
	[ "$(findings | sed 's/ .*//')" = "$2" ] || echo "$found" | sed 's/^/# /'
	echo "# $(findings)"
	check "$1 is removed" rmmod pvmem_plant
	nothing "after $1 is gone"
}

load ptpool_high=48 ptpool_low=16
until [ "$(stat ptpool_pages)" -ge 48 ]; do sleep 0.1; done
nothing "at first"
echo "# $(echo "$found" | sed -n 's/^ *\([0-9][0-9]* [a-z-]*\)$/\1,/p' | tr '\n' ' ')"
check "each page of the pool is pinned, and in no page table" [ "$(sum pooled)" -ge 48 ]
check "and no other page is" [ "$(sum idle)" = "$(sum pooled)" ]
planted twice alias
planted pin orphaned-pin
planted pool false-pool
echo 1 >"$SYS/ptpool_drain"
nothing "after a drain"
unload refused=1
finish
