# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Which tests there are and what they ask for. Needs TOP, TESTS_DIR, ALL, ONLY,
# DEBUG.
#
# A guest test is a file tests/guest/NAME.test: a script for the guest's sh
# with header comments before its first command:
#	# on: KIND...        kinds of guests to run on
#	# on-all: KIND...    more kinds, with --all only
#	# in: check|check-all|check-debug   the second: with --all only, the
#	              third: with --debug, --kasan or --kcsan only (default: check)
#	# vm: OPTION...      for tests/vm/run; several lines add up
#	# expect: REGEX      a console complaint that must appear; repeatable
#	# leaves: MODULE...  modules that cannot be removed after it
#	# timeout: SECONDS   for this test alone (default: 120)
# Tests with the same kind and options share a boot.

TEST_SECONDS=120

# header NAME KEY: the values of that header, a line each.
header() {
	sed -n -e '/^[^#]/q' -e "s/^# $2: *//p" "$TESTS_DIR/$1.test"
}

# one_line: several lines as one.
one_line() {
	tr '\n' ' ' | sed 's/ *$//'
}

# kinds NAME: the kinds of guests this test is to run on now.
kinds() {
	case $(header "$1" in) in
	check-all) [ -n "$ALL" ] || return 0 ;;
	check-debug) [ -n "$DEBUG" ] || return 0 ;;
	esac
	{
		header "$1" on
		[ -z "$ALL" ] || header "$1" on-all
	} | tr ' ' '\n' | debug_kinds
}

# debug_kinds: of these kinds, those the kernel that checks itself is for.
debug_kinds() {
	case $DEBUG in
	'') cat ;;
	kasan) grep -x bare || true ;;
	*) grep -xE 'bare|xen-pv' || true ;;
	esac
}

test_seconds() {
	local seconds
	seconds=$(header "$1" timeout)
	echo $((${seconds:-$TEST_SECONDS} * ${PVMEM_SLOW:-1}))
}

selected() {
	[ -z "$ONLY" ] || [[ $1 =~ $ONLY ]]
}

# guest_tests: "KIND<tab>OPTIONS<tab>NAME" for every test to run, sorted so
# that those which share a boot are together.
guest_tests() {
	local file name kind
	for file in "$TESTS_DIR"/*.test; do
		[ -e "$file" ] || continue
		name=$(basename "$file" .test)
		for kind in $(kinds "$name"); do
			selected "$kind/$name" || continue
			printf '%s\t%s\t%s\n' "$kind" \
				"$(header "$name" vm | one_line)" "$name"
		done
	done | LC_ALL=C sort
}

# boots: "KIND<tab>OPTIONS<tab>NAME..." for every boot needed.
boots() {
	guest_tests | awk -F '\t' '
		{ key = $1 "\t" $2 }
		key != last { if (NR > 1) print line; line = key "\t" $3; last = key; next }
		{ line = line " " $3 }
		END { if (NR) print line }'
}

# for_host IN: whether host tests with that first word are to run now.
for_host() {
	case $1 in
	check) [ -z "$DEBUG" ] ;;
	check-all) [ -z "$DEBUG" ] && [ -n "$ALL" ] ;;
	check-debug | check-kasan | check-kcsan) [ "$DEBUG" = "${1#check-}" ] ;;
	*) false ;;
	esac
}

# host_tests: the command of every host test to run.
host_tests() {
	local in command
	while read -r in command; do
		for_host "$in" || continue
		selected "$command" && echo "$command"
	done <"$HOST_LIST"
	return 0
}
