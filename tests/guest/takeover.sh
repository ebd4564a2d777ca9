# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# For tests of pvmem_takeover.ko; after lib.sh, whose $LIB it uses.
# shellcheck disable=SC2154

TAKEOVER=/sys/kernel/pvmem_takeover
LIVEPATCH=/sys/kernel/livepatch/pvmem_takeover

# settled: waits until every task runs the patched, or the stock, functions.
settled() {
	tries=0
	while [ "$(cat $LIVEPATCH/transition 2>/dev/null || echo 0)" = 1 ]; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || return 1
		sleep 0.1
	done
}

# take_over [PARAMETER=VALUE...]: loads it and waits.
take_over() {
	insmod "$LIB/pvmem_takeover.ko" "$@" && settled
}

# revert: back to stock functions, while whoever likes goes on.
revert() {
	echo 0 >$LIVEPATCH/enabled || return 1
	tries=0
	while [ -d $LIVEPATCH ]; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || return 1
		sleep 0.1
	done
}

# let_go: reverts and unloads.
let_go() {
	revert && rmmod pvmem_takeover
}

# gone: unloads it once what was mapped before the revert is unmapped.
gone() {
	tries=0
	until rmmod pvmem_takeover 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || return 1
		sleep 0.1
	done
}

tstat() {
	cat $TAKEOVER/stats/"$1"
}

# counted NAME MIN [MAX]: a counter of the takeover's is in that range.
counted() {
	value=$(tstat "$1")
	[ "$value" -ge "$2" ] && [ "$value" -le "${3:-$value}" ] && return
	echo "# $1 is $value, should be $2 to ${3:-any}"
	false
}

# nested COMMAND...: its KTAP results as results of this test's.
nested() {
	"$@" >/tmp/nested
	status=$?
	sed 's/^/    /' /tmp/nested
	return $status
}
