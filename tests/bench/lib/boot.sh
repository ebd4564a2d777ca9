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
	local kind=$1 clock=$2 args
	mapfile -t args < <(guest_args "$kind" "$clock")
	# shellcheck disable=SC2046 # words
	measured "$kind-$clock" "$kind, $clock" --on "$kind" $(vm_args "$kind" "$clock") \
		--timeout "$(limit_of "$kind" "$clock")" \
		--module pvmem --module pvmem_bench --file "$BENCH/guest/bench-maps" \
		-- bench-maps "${args[@]}"
}

# measured NAME TITLE ARG...: boots with these arguments of tests/vm/run, and
# leaves what the guest measured in OUT/raw/NAME.jsonl.
measured() {
	local name=$1 title=$2 logs=$OUT/logs/$1 status=0
	shift 2
	say "$title: booting"
	rm -rf "$logs"
	mkdir -p "$logs"
	"$TOP/tests/vm/run" --quiet --out "$logs" "$@" &
	VM_PID=$!
	follow "$title" "$logs/console.log"
	wait "$VM_PID" || status=$?
	VM_PID=''
	if [ "$status" != 0 ]; then
		say "$title: FAILED"
		return 1
	fi
	grep '^{' "$logs/result.log" >"$OUT/raw/$name.jsonl"
	say "$title: $(wc -l <"$OUT/raw/$name.jsonl") measurements"
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
