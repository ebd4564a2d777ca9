# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
# For what runs in guests: the takeover in turns with the stock kernel. A
# livepatch that was disabled is gone for good: it is loaded anew each time.
# $takeover is "module", or "stand-in": then nothing changes, and what is
# measured is how alike two turns of the stock kernel are.
pvmem=/sys/kernel/pvmem
patch=/sys/kernel/livepatch/pvmem_takeover
impl=untouched

fail() {
	echo "${0##*/}: $*" >&2
	exit 1
}

# within_a_minute COMMAND...: until it succeeds.
within_a_minute() {
	tries=600
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "waited a minute in vain: $*"
		sleep 0.1
	done
}

settled() {
	[ "$(cat $patch/transition)" = 0 ]
}

gone() {
	[ ! -e $patch ]
}

takeover_on() {
	impl=pvmem
	[ "$takeover" = module ] || return 0
	insmod /lib/pvmem/pvmem_takeover.ko || fail "no pvmem_takeover.ko: $(dmesg | tail -n 1)"
	within_a_minute settled
	sleep 0.5 # the pool's worker has filled it
}

takeover_off() {
	impl=stock
	[ "$takeover" = module ] && [ -e $patch ] || return 0
	echo 0 >$patch/enabled || fail "the takeover cannot be disabled"
	within_a_minute gone
	rmmod pvmem_takeover || fail "the takeover cannot be unloaded"
}
