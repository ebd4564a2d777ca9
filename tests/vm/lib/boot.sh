# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Starting QEMU, following it, cleaning up, and the final word.

QEMU_PID=''

# What the guest may take to power off after the program's end, in seconds.
POWEROFF_LIMIT=60

say() {
	[ -n "$QUIET" ] || printf '[%ss] %s: %s\n' "$(seconds_since "$STARTED")" "$ON" "$*" >&2
}

make_directories() {
	STARTED=$(now_ms)
	mkdir -p "$BUILD/vm"
	WORK=$(mktemp -d "$BUILD/vm/boot.XXXXXX")
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	KEEP_OUT=$OUT
	[ -n "$OUT" ] || OUT=$(mktemp -d "$BUILD/vm/$ON.XXXXXX")
	mkdir -p "$OUT"
	OUT=$(cd "$OUT" && pwd)
	rm -f "$OUT/console.log" "$OUT/result.log" "$OUT/status"
	: >"$OUT/console.log"
	: >"$WORK/result"
}

# Ends QEMU if it still runs: by its id, and only ours.
clean_up() {
	local status=$?
	trap '' INT TERM HUP
	stop_qemu
	rm -rf "$WORK"
	exit "$status"
}

stop_qemu() {
	[ -n "$QEMU_PID" ] || return 0
	kill -TERM "$QEMU_PID" 2>/dev/null || true
	wait "$QEMU_PID" 2>/dev/null || true
	QEMU_PID=
}

# timeout passes our TERM on; setpriv sends it one if we are killed outright.
boot() {
	say "booting $KERNEL, $SMP vCPU, $MEM MiB"
	printf '%q ' "${QEMU[@]}" >"$OUT/qemu.cmd"
	setpriv --pdeathsig TERM timeout --kill-after=5 "$TIMEOUT" \
		"${QEMU[@]}" </dev/null >"$OUT/qemu.log" 2>&1 &
	QEMU_PID=$!
	wait_for_end
	result_log
}

# mark REGEX: whether that line is in the result port's stream.
mark() {
	LC_ALL=C grep -aqE "$1" "$WORK/result"
}

END_MARK='# pvmem-end [0-9]+'$'\r''?$'

wait_for_end() {
	local begun='' ended_at=''
	while kill -0 "$QEMU_PID" 2>/dev/null; do
		sleep 0.1
		if [ -z "$begun" ] && mark '^# pvmem-begin'; then
			begun=1
			say "guest up, running program"
		fi
		if [ -z "$ended_at" ] && mark "$END_MARK"; then
			ended_at=$SECONDS
			say "program done"
		fi
		if [ -n "$ended_at" ] && ((SECONDS - ended_at > POWEROFF_LIMIT)); then
			NOT_OFF=1
			stop_qemu
			return
		fi
	done
	QEMU_STATUS=0
	wait "$QEMU_PID" || QEMU_STATUS=$?
	QEMU_PID=
}

# The stream without its marks.
result_log() {
	LC_ALL=C sed -E -e '0,/^# pvmem-begin/d' -e "s/$END_MARK//" \
		-e '/^# pvmem-dom0-cmd /d' "$WORK/result" |
		LC_ALL=C awk 'NR > 1 { print held } { held = $0 } END { if (held != "") print held }' \
		>"$OUT/result.log"
}

end_status() {
	LC_ALL=C sed -nE "s/^.*# pvmem-end ([0-9]+)\r?$/\1/p" "$WORK/result" | tail -n 1
}

# How the machine ended, as far as it is a reason to fail.
machine_reasons() {
	if [ -n "${NOT_OFF:-}" ]; then
		echo "the guest did not power off within $POWEROFF_LIMIT s of the program's end"
	elif [ "$QEMU_STATUS" = 124 ] || [ "$QEMU_STATUS" = 137 ]; then
		echo "timeout: still running after $TIMEOUT s"
	elif [ "$QEMU_STATUS" != 0 ]; then
		echo "QEMU exited with status $QEMU_STATUS: $(tail -n 1 "$OUT/qemu.log")"
	fi
	LC_ALL=C sed -n 's/^# pvmem-dom0-cmd \([^0].*\)/the command in dom0 failed: \1/p' "$WORK/result"
	if ! mark '^# pvmem-begin'; then
		echo "the guest did not come up: the program never started"
	elif ! mark "$END_MARK"; then
		echo "no end mark: the program did not end"
	fi
}

# Prints results and verdict, leaves them in OUT and exits accordingly.
judge() {
	local reasons status
	status=$(end_status)
	reasons=$(
		machine_reasons | sed 's/^/machine: /'
		verdict "$OUT/result.log" "$OUT/console.log" "${status:-0}" ${EXPECT[@]+"${EXPECT[@]}"}
	)
	[ -n "$QUIET" ] || cat "$OUT/result.log"
	if [ -z "$reasons" ]; then
		echo pass >"$OUT/status"
		say "pass"
		[ -n "$KEEP_OUT" ] || rm -rf "$OUT"
		exit 0
	fi
	printf 'fail\n%s\n' "$reasons" >"$OUT/status"
	printf '%s\n' "$reasons" | sed "s/^/$ON: FAIL: /" >&2
	echo "$ON: logs in $OUT" >&2
	exit 1
}
