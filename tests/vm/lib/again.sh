# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Boots of KVM guests with more vCPUs than CPUs. The emulated AMD machine they run
# in loses such a guest after a minute or two of interrupts between its vCPUs:
# it is reset, or a vCPU gets no timer any more (docs/testing.md). So such boots
# are short, and made again. What cannot be told from that is a rare fault of
# pvmem's that takes the guest down without a word: so DIED is told, and looked at.

# machine_died STATUS: of a verdict that tests/vm/run left, was the machine all
# that failed? Then the guest went without a complaint and without a wrong result.
machine_died() {
	grep -qs '^machine: ' "$1" && ! grep -Eqv '^(fail|machine: .*)$' "$1"
}

# again TRIES LOGS COMMAND...: a boot that leaves its verdict in LOGS; made TRIES
# times at most, as long as its machine dies; DIED: how many did.
again() {
	local tries=$1 status=$2/status
	shift 2
	DIED=0
	until "$@"; do
		machine_died "$status" || return 1
		DIED=$((DIED + 1))
		[ $DIED -lt "$tries" ] || return 1
		echo "the emulated machine lost its guest: booting again" >&2
	done
}
