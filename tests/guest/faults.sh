# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# For tests that have allocations refused, on a kernel with fault injection; after lib.sh.

FAULTS=/sys/kernel/debug

# each_kind NAME VALUE: for slabs and for pages.
each_kind() {
	for kind in failslab fail_page_alloc; do
		[ ! -e "$FAULTS/$kind/$1" ] || echo "$2" >"$FAULTS/$kind/$1" || return 1
	done
}

# faults_ready: any allocation of a task that is marked may be refused, whatever its size and flags,
# and nothing is said about it; none is yet.
faults_ready() {
	if [ ! -d $FAULTS/failslab ] || [ ! -d $FAULTS/fail_page_alloc ]; then
		echo "Bail out! this kernel has no fault injection"
		exit 1
	fi
	each_kind probability 0 && each_kind task-filter Y && each_kind times -1 && each_kind verbose 0 &&
		each_kind ignore-gfp-wait N && each_kind ignore-gfp-highmem N && each_kind min-order 0
}

# faults_percent N: of the allocations of tasks that are marked.
faults_percent() {
	each_kind probability "$1"
}

# said_less COMMAND...: what is refused to the kernel's own code, that reports at length: warnings
# do not reach the console meanwhile, and those of another kind fail.
said_less() {
	dmesg -c >/dev/null
	dmesg -n 4
	"$@"
	status=$?
	dmesg -n 5
	! dmesg | grep -E '(^|[^A-Z_])BUG( |:)|WARNING:|Oops|corruption|(possible|inconsistent) .*lock|suspicious RCU' && return $status
}

# mark 0|1 PID: that task is, and what it forks from now on.
mark() {
	echo "$1" >"/proc/$2/make-it-fail" 2>/dev/null
}

# mark_workers 0|1: threads that serve work queues which are bound to no CPU, such as pvmem's.
mark_workers() {
	for dir in /proc/[0-9]*; do
		case $(cat "$dir/comm" 2>/dev/null) in
		kworker/u*) mark "$1" "${dir#/proc/}" ;;
		esac
	done
	true
}

# only_slabs PERCENT: of allocations from a few caches, those that the kernel's command
# line names, and of no pages. To whom, marks say.
only_slabs() {
	grep -qsx 1 '/sys/kernel/slab/page->ptl/failslab' /sys/kernel/slab/zswap_entry/failslab && echo Y >$FAULTS/failslab/cache-filter &&
		echo "$1" >$FAULTS/failslab/probability
}

# all_slabs: the end of that.
all_slabs() {
	echo 0 >$FAULTS/failslab/probability
	echo N >$FAULTS/failslab/cache-filter
}
