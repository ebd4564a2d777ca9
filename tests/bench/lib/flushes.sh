# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A boot whose emulator is asked for its count of TLB flushes: the only way to
# see those that Xen makes by itself. Needs OUT, BENCH, TOP and lib/boot.sh.

# emulator_with_monitor DIR: a qemu in DIR, for the PATH, that is the real one
# with a monitor at DIR/monitor.
emulator_with_monitor() {
	local real
	real=$(command -v qemu-system-x86_64)
	cat >"$1/qemu-system-x86_64" <<-EOT
		#!/bin/sh
		exec '$real' "\$@" -monitor 'unix:$1/monitor,server=on,wait=off'
	EOT
	chmod +x "$1/qemu-system-x86_64"
}

# boot_and_count KIND: leaves OUT/raw/KIND-flushes.jsonl.
boot_and_count() {
	flushes_counted "$1-flushes" "$1" --timeout "$(limit_of "$1" wall)" --module pvmem --module pvmem_bench \
		--file "$BENCH/guest/flushes-maps" -- flushes-maps
}

# flushes_counted NAME KIND ARG...: boots with these arguments of tests/vm/run,
# and leaves the flushes between the guest's marks in OUT/raw/NAME.jsonl.
flushes_counted() {
	local name=$1 kind=$2 logs=$OUT/logs/$1 title="$2, counting TLB flushes" dir status=0 counter
	shift 2
	say "$title: booting"
	rm -rf "$logs"
	mkdir -p "$logs"
	dir=$(mktemp -d) # a socket's path must be short
	emulator_with_monitor "$dir"
	PATH=$dir:$PATH "$TOP/tests/vm/run" --on "$kind" --smp 2 --quiet --out "$logs" \
		--file "$BENCH/guest/flushes.sh" "$@" &
	VM_PID=$!
	"$BENCH/count-flushes" "$kind" "$logs/console.log" "$dir/monitor" >"$logs/flushes.jsonl" &
	counter=$!
	wait "$VM_PID" || status=$?
	VM_PID=''
	kill "$counter" 2>/dev/null || true
	wait "$counter" 2>/dev/null || true
	rm -rf "$dir"
	if [ "$status" != 0 ]; then
		say "$title: FAILED"
		return 1
	fi
	cp "$logs/flushes.jsonl" "$OUT/raw/$name.jsonl"
	say "$title: $(wc -l <"$OUT/raw/$name.jsonl") measurements"
}
