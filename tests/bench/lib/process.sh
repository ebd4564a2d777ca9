# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Programs, without the takeover and with it: which guests measure what. Needs
# QUICK, CLOCK, STAND_IN, BUILD, KERNEL, BENCH, boot.sh, plan.sh and flushes.sh.

TAKEOVER=pvmem_takeover

# has_takeover: whether `make modules` has built it.
has_takeover() {
	[ -n "$(find "$BUILD/modules/$KERNEL" -name "$TAKEOVER.ko" -print -quit 2>/dev/null)" ]
}

# can_measure_process: or one line why not.
can_measure_process() {
	[ -n "$STAND_IN" ] || has_takeover ||
		die "no $TAKEOVER.ko for kernel '$KERNEL': run 'make modules', or say --stand-in to measure the stock kernel against itself"
	[ -e "$BUILD/guest/mmbench" ] || die "no build/guest/mmbench: run 'make programs' first"
}

# measure_process KIND: the status is the number of boots that failed.
measure_process() {
	local kind=$1 failed=0 clock options args
	for clock in $(clocks_of "$kind"); do
		[ -z "$CLOCK" ] || [ "$CLOCK" = "$clock" ] || continue
		mapfile -t options < <(process_vm_options "$kind" "$clock")
		mapfile -t args < <(process_args "$kind" "$clock")
		# shellcheck disable=SC2046 # words
		measured "$kind-process-$clock" "$kind, programs, $clock" --on "$kind" $(vm_args "$kind" "$clock") \
			--timeout 3000 "${options[@]}" --file "$BENCH/guest/bench-process" \
			-- bench-process "${args[@]}" || failed=$((failed + 1))
	done
	if counts_flushes "$kind"; then
		mapfile -t options < <(process_vm_options "$kind" icount)
		flushes_counted "$kind-process-flushes" "$kind" --timeout 1500 "${options[@]}" \
			--file "$BENCH/guest/flushes-process" -- flushes-process "$(takeover_word)" ||
			failed=$((failed + 1))
	fi
	return $failed
}

# takeover_word: what the guest is told of it.
takeover_word() {
	if [ -n "$STAND_IN" ]; then echo stand-in; else echo module; fi
}

# stressors_of KIND CLOCK: of stress-ng, which counts by the clock.
stressors_of() {
	case $1-$2 in
	xen-*-wall) if [ -n "$QUICK" ]; then echo fork; else echo fork vfork mmap fault vm; fi ;;
	esac
}

# jobs_of KIND CLOCK
jobs_of() {
	case $1-$2 in
	xen-*-wall) if [ -n "$QUICK" ]; then echo script-storm; else echo script-storm build-job; fi ;;
	xen-*-icount) [ -n "$QUICK" ] || echo script-storm ;;
	esac
}

# process_vm_options KIND CLOCK: for tests/vm/run, one word a line.
process_vm_options() {
	local jobs stressors
	jobs=$(jobs_of "$1" "$2") stressors=$(stressors_of "$1" "$2")
	printf '%s\n' --module pvmem --stock brd --stock erofs --file "$BENCH/guest/takeover.sh" \
		--file "$BUILD/guest/mmbench" --file "$BUILD/guest/coldread" \
		--file "$BUILD/guest/erofs.img:/pvmem/fs/erofs.img"
	[ -n "$STAND_IN" ] || printf '%s\n' --module "$TAKEOVER"
	[ -z "$stressors" ] || printf '%s\n' --archive "$BUILD/guest/stress-ng.cpio"
	[ -z "$jobs" ] || printf '%s\n' --file "$BENCH/guest/script-storm"
	[[ $jobs != *build-job* ]] || printf '%s\n' --archive "$BUILD/guest/cc.cpio" --file "$BENCH/guest/build-job"
	[ "$1" != xen-pv ] || printf '%s\n' --archive "$BUILD/guest/xentrace.cpio" --file "$BUILD/guest/xencount" \
		--stock xen-privcmd --stock xen-evtchn --stock xenfs
	# dom0 holds the domU's initramfs beside its own.
	[ "$1" != xen-domu ] || printf '%s\n' --dom0-mem 640
}

# process_args KIND CLOCK: what tests/bench/guest/bench-process is told. Page
# tables cost nothing to speak of where there is no Xen: there only files.
process_args() {
	printf '%s\n' "guest=$1" "clock=$2" "takeover=$(takeover_word)" \
		"stressors=$(stressors_of "$1" "$2")" "jobs=$(jobs_of "$1" "$2")"
	case $1-$2 in
	bare-* | kvm-*) printf '%s\n' "micro=" ;;
	xen-pv-icount) printf '%s\n' "counts=1" "threads=$(if [ -n "$QUICK" ]; then echo 1; else echo 1 2; fi)" ;;
	*) printf '%s\n' "threads=1 2" ;;
	esac
	case $2-$QUICK in
	icount-1) echo "rounds=1" ;;
	icount-) echo "rounds=2" ;;
	wall-1) echo "rounds=3" ;;
	wall-) echo "rounds=6" ;;
	esac
}
