# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# One boot: progress, and the raw measurements. Needs OUT, BENCH and STARTED.

VM_PID=''
trap 'end_vm' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say() {
	printf '[%ss] %s\n' "$(seconds_since "$STARTED")" "$*" >&2
}

end_vm() {
	[ -z "$VM_PID" ] || kill -TERM "$VM_PID" 2>/dev/null || true
}

# boot_and_measure KIND CLOCK: leaves OUT/raw/KIND-CLOCK.jsonl.
boot_and_measure() {
	local kind=$1 clock=$2 logs=$OUT/logs/$1-$2 args status=0
	mapfile -t args < <(guest_args "$kind" "$clock")
	say "$kind, $clock: booting"
	rm -rf "$logs"
	mkdir -p "$logs"
	# shellcheck disable=SC2046 # words
	"$TOP/tests/vm/run" --on "$kind" $(vm_args "$kind" "$clock") --quiet \
		--timeout "$(limit_of "$kind" "$clock")" --out "$logs" \
		--module pvmem --module pvmem_bench --file "$BENCH/guest/bench-maps" \
		-- bench-maps "${args[@]}" &
	VM_PID=$!
	follow "$kind, $clock" "$logs/console.log"
	wait "$VM_PID" || status=$?
	VM_PID=''
	if [ "$status" != 0 ]; then
		say "$kind, $clock: FAILED"
		return 1
	fi
	grep '^{' "$logs/result.log" >"$OUT/raw/$kind-$clock.jsonl"
	say "$kind, $clock: $(wc -l <"$OUT/raw/$kind-$clock.jsonl") measurements"
}

# follow NAME CONSOLE: the guest's progress while it runs.
follow() {
	local last='' line
	while kill -0 "$VM_PID" 2>/dev/null; do
		line=$(LC_ALL=C sed -nE 's/^.*# bench: ([^\r]*).*/\1/p' "$2" 2>/dev/null | tail -n 1)
		if [ "$line" != "$last" ]; then
			say "$1: $line"
			last=$line
		fi
		sleep 1
	done
}
