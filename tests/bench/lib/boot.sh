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
	local args
	mapfile -t args < <(guest_args "$1" "$2")
	boot_program "$1" "$2" "$1-$2" pvmem pvmem_bench bench-maps "${args[@]}"
}

# boot_and_measure_zs KIND CLOCK: compressed objects; leaves OUT/raw/KIND-CLOCK-zs.jsonl.
boot_and_measure_zs() {
	local args
	mapfile -t args < <(guest_args_zs "$1" "$2")
	boot_program "$1" "$2" "$1-$2-zs" pvmem_zpool pvmem_zs_bench bench-zs "${args[@]}"
}

# boot_program KIND CLOCK NAME MODULE MODULE PROGRAM [ARG...]: leaves OUT/raw/NAME.jsonl.
boot_program() {
	local kind=$1 clock=$2 name=$3 modules=(--module "$4" --module "$5") program=$6 logs=$OUT/logs/$3 status=0
	shift 6
	say "$name: booting"
	rm -rf "$logs"
	mkdir -p "$logs"
	# shellcheck disable=SC2046 # words
	"$TOP/tests/vm/run" --on "$kind" $(vm_args "$kind" "$clock") --quiet \
		--timeout "$(limit_of "$kind" "$clock")" --out "$logs" --stock zsmalloc \
		"${modules[@]}" --file "$BENCH/guest/$program" -- "$program" "$@" &
	VM_PID=$!
	follow "$name" "$logs/console.log"
	wait "$VM_PID" || status=$?
	VM_PID=''
	if [ "$status" != 0 ]; then
		say "$name: FAILED"
		return 1
	fi
	grep '^{' "$logs/result.log" >"$OUT/raw/$name.jsonl"
	say "$name: $(wc -l <"$OUT/raw/$name.jsonl") measurements"
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
