# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Several tests in one boot of one guest, each judged by its own part of the
# results and of the console. Needs TESTS_DIR, CHECK, and plan.sh, report.sh
# and the runner's verdict.sh.

# run_batch KIND OPTIONS NAMES: boots as often as it takes: a test that takes
# the guest down fails, and those after it get another boot.
run_batch() {
	local kind=$1 options=$2 left=$3 number=0 dir done_now
	while [ -n "$left" ]; do
		number=$((number + 1))
		dir=$CHECK/$kind-$JOB_NUMBER.$number
		mkdir -p "$dir"
		progress "boot $kind${options:+ ($options)}: $left"
		# shellcheck disable=SC2086 # a list of names
		boot_batch "$kind" "$options" "$dir" $left
		done_now=$(judge_batch "$kind" "$dir" "$left")
		# shellcheck disable=SC2086 # lists of names
		left=$(without "$done_now" $left)
	done
}

# without LIST NAME...: the names that are not in the list.
without() {
	local list=" $1 " name left=''
	shift
	for name; do
		[[ $list == *" $name "* ]] || left="$left $name"
	done
	echo "${left# }"
}

# boot_batch KIND OPTIONS DIR NAME...: one boot, logs in DIR.
boot_batch() {
	local kind=$1 options dir=$3 name args=() seconds total=180
	mapfile -t options < <([ -z "$2" ] || printf '%s' "$2" | xargs -n 1 printf '%s\n')
	shift 3
	mkdir -p "$dir/tests"
	cp "$TESTS_DIR"/*.sh "$dir/tests" 2>/dev/null || true
	for name; do
		cp "$TESTS_DIR/$name.test" "$dir/tests"
		seconds=$(test_seconds "$name")
		args+=("$name:$seconds")
		total=$((total + seconds))
	done
	(cd "$TOP" && exec "$TOP/tests/vm/run" --on "$kind" --out "$dir" --quiet \
		--timeout "$total" --file "$dir/tests:/pvmem/tests" \
		${options[@]+"${options[@]}"} -- \
		tests/vm/init/batch "${args[@]}") >"$dir/runner.log" 2>&1 &
	BOOT_PID=$!
	wait "$BOOT_PID" || true
	BOOT_PID=
}

# part FILE NAME: FILE's lines between the marks of that test; with an empty
# NAME those outside all marks.
part() {
	[ -e "$1" ] || return 0
	NAME=$2 LC_ALL=C awk '
		BEGIN { wanted = ENVIRON["NAME"] }
		/pvmem-test:? begin [^ ]/ { name = $0; sub(/.*begin /, "", name); sub(/[ \r].*/, "", name); next }
		/pvmem-test:? end [^ ]/ { name = ""; next }
		name == wanted' "$1"
}

# judge_batch KIND DIR NAMES: records each test that began, and prints what
# is settled (progress goes to 4); a guest in which none began settles all.
judge_batch() {
	local kind=$1 dir=$2 names=$3 name settled='' own
	for name in $names; do
		grep -aqs "^# pvmem-test begin $name\$" "$dir/result.log" || continue
		settled="$settled $name"
		own=$dir/$name
		mkdir -p "$own"
		part "$dir/result.log" "$name" >"$own/result.log"
		part "$dir/console.log" "$name" >"$own/console.log"
		judge_test "$kind" "$dir" "$name" >&4
	done
	judge_boot "$kind" "$dir" "$settled" >&4
	if [ -z "$settled" ]; then echo "$names"; else echo "$settled"; fi
}

# judge_test KIND DIR NAME: one test that began.
judge_test() {
	local own=$2/$3 status expect
	status=$(sed -n "s/^# pvmem-test end $3 \([0-9]*\).*/\1/p" "$2/result.log" | tail -n 1)
	if [ -z "$status" ]; then
		record_failure "$1/$3" "$own" "$(
			echo "the guest went down, or hung, in this test"
			sed -n 's/^machine: //p' "$2/status"
			complaints "$own/console.log" | head -n 5
		)"
		return
	fi
	mapfile -t expect < <(header "$3" expect)
	record "$1/$3" "$own" 0 "$own/result.log" "$own/console.log" "$status" \
		${expect[@]+"${expect[@]}"}
}

# judge_boot KIND DIR SETTLED: what no test is to blame for.
judge_boot() {
	local unfinished reasons
	[ -s "$2/status" ] || {
		record_failure "$1/boot" "$2" "$(cat "$2/runner.log")"
		return
	}
	unfinished=$(grep -ac '^# pvmem-test begin' "$2/result.log") || true
	unfinished=$((unfinished - $(grep -ac '^# pvmem-test end' "$2/result.log")))
	part "$2/console.log" "" >"$2/boot-console.log"
	reasons=$(
		[ "$unfinished" != 0 ] || sed -n 's/^machine: //p' "$2/status"
		complaints "$2/boot-console.log" | head -n 5
	)
	[ -z "$reasons" ] || record_failure "$1/boot" "$2" "$reasons"
}
