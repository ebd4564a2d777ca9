# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What a result stream and a console say about a run. Needs VM_LIB.

# patterns FILE: its regular expressions, without comments.
patterns() {
	grep -v -e '^#' -e '^$' "$1" || true
}

# complaints CONSOLE EXPECT...: prints the console's complaints that are
# neither harmless nor expected. What follows an expected line in the same
# splat (the call trace) is expected as well.
complaints() {
	local console=$1 harmless
	shift
	mapfile -t harmless < <(patterns "$VM_LIB/harmless.txt")
	console_without_expected "$console" ${harmless[@]+"${harmless[@]}"} "$@" |
		grep -aE -f <(patterns "$VM_LIB/complaints.txt") | sed 's/\r$//' || true
}

console_without_expected() {
	local console=$1 expected
	shift
	[ $# -gt 0 ] || { cat "$console"; return; }
	expected=$(printf '%s\n' "$@" | paste -sd '|')
	EXPECTED=$expected LC_ALL=C awk '
		$0 ~ ENVIRON["EXPECTED"] { splat = 80; next }
		/---\[ end trace/ { splat = 0 }
		splat > 0 && splat-- && /Call Trace|WARNING:|Oops/ { next }
		{ print }' "$console"
}

# missing_expected CONSOLE EXPECT...: the expectations nothing met.
missing_expected() {
	local console=$1 expect
	shift
	for expect; do
		grep -aqE -e "$expect" "$console" ||
			echo "expected on the console, but absent: $expect"
	done
}

# tally RESULT: ktap.awk's findings.
tally() {
	LC_ALL=C awk -f "$VM_LIB/ktap.awk" "$1"
}

# verdict RESULT CONSOLE STATUS EXPECT...: prints every reason to fail, a
# line each; nothing means pass.
verdict() {
	local result=$1 console=$2 status=$3
	shift 3
	[ "$status" = 0 ] || echo "the program exited with status $status"
	tally "$result" | sed -n 's/^problem /result stream: /p; s/^fail /not ok: /p'
	missing_expected "$console" "$@"
	complaints "$console" "$@" | head -n 20 | sed 's/^/console: /'
}
