# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Purges with as many vCPUs as CPUs, and with more. Needs BENCH, OUT, QUICK, boot.sh,
# plan.sh and tests/vm/lib/again.sh.

# CPUs of the machine in which the guest's vCPUs run.
PURGE_CPUS=2

# In emulation a purge takes some fifty times what it takes on a processor, but the
# host's scheduler lets a vCPU run for as long as on one. With slices longer by
# as much, a vCPU is preempted during as small a part of the purges as it would be there.
PURGE_LONG_SLICE_MS=200

# purge_situations KIND: vCPUs for each CPU, and the host's slice (0: its own choice); a boot each.
purge_situations() {
	case $1 in
	kvm) printf '%s\n' "1 0" "2 0" "2 $PURGE_LONG_SLICE_MS" "4 0" ;;
	xen-pv) printf '%s\n' "1 0" "2 0" ;;
	*) echo "1 0" ;;
	esac
}

# purge_vm_args KIND VCPUS SLICE: the machine, for tests/vm/run. dom0 may have more vCPUs than the machine CPUs.
purge_vm_args() {
	case $1 in
	kvm)
		printf '%s\n' --smp "$2"
		[ "$3" = 0 ] || printf '%s\n' --host-slice "$3"
		;;
	xen-pv) printf '%s\n' --smp "$PURGE_CPUS" --xen-append "dom0_max_vcpus=$2" ;;
	*) printf '%s\n' --smp "$PURGE_CPUS" ;;
	esac
}

# short_boots KIND OVERCOMMIT: whether the emulated machine would lose its guest
# after a minute or two (tests/vm/lib/again.sh).
short_boots() {
	[ "$1" = kvm ] && [ "$2" -gt 1 ]
}

# purge_plan KIND OVERCOMMIT SLICE: pairs of runs in all and in one boot, purges in each (a
# 99th percentile needs some hundreds), and the boot's seconds: a short one ends
# before a guest reports that it stands still. A broadcast takes a slice or two.
purge_plan() {
	local runs=7 ops=400
	[ -z "$QUICK" ] || runs=3 ops=200
	if short_boots "$1" "$2"; then
		echo $runs 1 $ops $((140 + $3 * ops * 3 / 2000))
	else
		# Where nobody is preempted a run ends soon, and differs from the next by more than is looked for.
		[ "$2" -gt 1 ] || runs=$((runs * 4))
		echo $runs $runs $ops "$(limit_of "$1" wall)"
	fi
}

# How often a boot is made.
PURGE_TRIES=3

# purge_load SLICE: what is measured, for bench-purge. With long slices, where each
# broadcast takes long, only what is needed.
purge_load() {
	[ "$1" = 0 ] || printf '%s\n' "slice=$1" "sizes=1" "idle=" "stock=broadcast"
}

# measure_purge KIND: all boots of it; the status is the number that failed.
measure_purge() {
	local kind=$1 overcommit slice vcpus args load first runs per_boot ops limit name failed=0
	while read -r overcommit slice <&3; do
		vcpus=$((overcommit * PURGE_CPUS))
		mapfile -t args < <(purge_vm_args "$kind" "$vcpus" "$slice")
		mapfile -t load < <(purge_load "$slice")
		read -r runs per_boot ops limit < <(purge_plan "$kind" "$overcommit" "$slice")
		for ((first = 1; first <= runs; first += per_boot)); do
			name=$kind-purge-$overcommit-$slice-$first
			again $PURGE_TRIES "$OUT/logs/$name" measured "$name" "$kind, purges, $vcpus vCPUs" \
				--on "$kind" "${args[@]}" \
				--timeout "$limit" --module pvmem --module pvmem_bench --file "$BENCH/guest/bench-purge" \
				-- bench-purge "guest=$kind" "cpus=$PURGE_CPUS" "first=$first" "runs=$per_boot" "ops=$ops" \
				${load[@]+"${load[@]}"} || failed=$((failed + 1))
		done
	done 3< <(purge_situations "$kind")
	return $failed
}
