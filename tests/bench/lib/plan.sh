# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What is measured in which guest. Needs QUICK, CLOCK and PURGE.

# clocks_of KIND: the boots it gets.
clocks_of() {
	case $1 in
	bare | xen-pv) echo icount wall ;;
	xen-domu) echo "${CLOCK:-wall}" ;; # counting, it takes minutes to boot
	kvm) echo wall ;; # counted instructions are not exact in a guest's guest
	*) return 1 ;;
	esac
}

# counts_flushes KIND: whether it gets another boot, to count TLB flushes.
counts_flushes() {
	[ "$1" = xen-pv ] && [ -z "$QUICK" ] && [ "$CLOCK" != icount ]
}

# vm_args KIND CLOCK: the machine, for tests/vm/run.
vm_args() {
	case $1-$2 in
	bare-icount) echo --smp 1 --icount ;;
	xen-domu-icount) echo --smp 2 --mem 512 --icount ;;
	xen-domu-*) echo --smp 2 --mem 512 ;;
	*-icount) echo --smp 2 --icount ;;
	*) echo --smp 2 ;;
	esac
}

# guest_args KIND CLOCK: what tests/bench/guest/bench-maps is told. Counted
# instructions hardly vary, so they need few runs; on one clock only is enough
# for what is counted rather than timed.
guest_args() {
	printf '%s\n' "guest=$1" "clock=$2" "purge=$PURGE"
	case $1-$2 in
	bare-icount) printf '%s\n' "threads=1" "counts=1" ;; # one CPU
	*-icount) printf '%s\n' "threads=1 2" "counts=1" ;;
	*) printf '%s\n' "threads=1 2" ;;
	esac
	# Page-table pages need preparing on Xen only.
	case $1 in
	bare | kvm) echo "batches=" ;;
	esac
	[ -z "$QUICK" ] || { quick_args "$2"; return; }
	# A small guest cannot spare the memory that many live mappings take.
	case $1-$2 in
	bare-wall | xen-pv-wall) echo "live_pages=262144" ;;
	esac
	case $2 in
	icount) echo "runs=3" ;;
	wall) echo "runs=9" ;;
	esac
}

# guest_args_zs KIND CLOCK: what tests/bench/guest/bench-zs is told.
guest_args_zs() {
	printf '%s\n' "guest=$1" "clock=$2"
	case $1-$2 in
	bare-icount) printf '%s\n' "threads=1" "runs=3" ;; # one CPU
	*-icount) printf '%s\n' "threads=2" "runs=2" ;;
	*) printf '%s\n' "threads=2" "runs=9" ;;
	esac
}

# quick_args CLOCK
quick_args() {
	printf '%s\n' "sizes=1 16 64 512 fs" "policies=default"
	case $1 in
	icount) echo "runs=2" ;;
	wall) echo "runs=5" ;;
	esac
}

# limit_of KIND CLOCK: seconds, several times what an idle machine takes.
limit_of() {
	case $1 in
	bare) echo 600 ;;
	*) echo 1500 ;;
	esac
}
