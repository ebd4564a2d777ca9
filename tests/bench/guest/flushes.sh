# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# For guests whose TLB flushes tests/bench/count-flushes counts.

# sample PAGES WHAT COMMAND...: runs it between two marks on the console, at
# which the emulator is asked; the pauses give it the time.
sample() {
	echo "# sample: begin $1 $2" >/dev/console
	sleep 1
	pages=$1 what=$2
	shift 2
	"$@" >/dev/null || fail "'$what' failed"
	echo "# sample: end $pages $what" >/dev/console
	sleep 1
}
