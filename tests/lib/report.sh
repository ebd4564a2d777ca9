# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Recording and counting what tests did. Needs CHECK, VERBOSE, STARTED.
# RESULTS has a line for each test, in JSON; appending a line is atomic.

RESULTS=$CHECK/results.jsonl

progress() {
	printf '[%ss] %s\n' "$(seconds_since "$STARTED")" "$*" >&4
}

# record NAME LOG SECONDS RESULT CONSOLE STATUS EXPECT...: judges one test.
record() {
	local name=$1 log=$2 seconds=$3 result=$4 status=$6 reasons passed failed skipped
	shift 3
	if [ "$status" = 4 ] && ! grep -aqE '^(KTAP|TAP|1\.\.)' "$result"; then
		note "$name" "$log" "$seconds" 0 0 1 "" "$(skip_reason "$result")"
		return
	fi
	reasons=$(verdict "$@")
	passed=$(tally "$result" | grep -c '^pass ') || true
	failed=$(tally "$result" | grep -c '^fail ') || true
	skipped=$(tally "$result" | grep -c '^skip ') || true
	if [ -n "$reasons" ]; then
		[ "$failed" != 0 ] || failed=1
	elif [ $((passed + skipped)) = 0 ]; then
		passed=1
	fi
	note "$name" "$log" "$seconds" "$passed" "$failed" "$skipped" \
		"$reasons" "$(tally "$result" | sed -n 's/^skip //p')"
}

# record_failure NAME LOG REASON: a test that cannot be judged by its results.
record_failure() {
	note "$1" "$2" 0 0 1 0 "$3" ""
}

skip_reason() {
	sed -n 's/^# *SKIP *//p' "$1" | tail -n 1 | grep . || echo "exit status 4"
}

# note NAME LOG SECONDS PASSED FAILED SKIPPED REASONS SKIPS: writes it down,
# and prints it.
note() {
	jq -cn --arg name "$1" --arg log "${2#"$TOP/"}" --argjson seconds "$3" \
		--argjson passed "$4" --argjson failed "$5" --argjson skipped "$6" \
		--arg reasons "$7" --arg skips "$8" \
		'{$name, $log, $seconds, $passed, $failed, $skipped,
		  reasons: ($reasons | split("\n")),
		  skips: ($skips | split("\n"))}' >>"$RESULTS"
	{
		local word=ok
		[ "$6" = 0 ] || [ "$4" != 0 ] || word=skip
		[ "$5" = 0 ] || word=FAIL
		printf '[%ss] %-4s %s: %d passed, %d failed, %d skipped\n' \
			"$(seconds_since "$STARTED")" "$word" "$1" "$4" "$5" "$6"
		[ -z "$8" ] || printf '%s\n' "$8" | sed 's/^/         skipped: /'
		[ -z "$7" ] || printf '%s\n' "$7" | sed 's/^/         /'
		[ -z "$7" ] || echo "         logs: ${2#"$TOP/"}"
		[ -z "$VERBOSE" ] || [ ! -e "$2/result.log" ] || sed 's/^/         | /' "$2/result.log"
	} >"$CHECK/note.$BASHPID"
	cat "$CHECK/note.$BASHPID" # in one piece: two jobs print
	rm "$CHECK/note.$BASHPID"
}

# summary: writes summary.json, prints the last line; fails as the run did.
summary() {
	jq -s --argjson seconds "$((($(now_ms) - STARTED) / 1000))" '
		def sum(f): map(f) | add // 0;
		{passed: sum(.passed), failed: sum(.failed), skipped: sum(.skipped),
		 $seconds, tests: .}' "$RESULTS" >"$CHECK/summary.json"
	jq -r '"\(.passed) passed, \(.failed) failed, \(.skipped) skipped"' \
		"$CHECK/summary.json"
	jq -e '.failed == 0 and .passed > 0' "$CHECK/summary.json" >/dev/null
}
