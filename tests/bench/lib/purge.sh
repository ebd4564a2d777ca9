# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Purges with as many vCPUs as CPUs, and with more. Needs BENCH, OUT, QUICK, boot.sh,
# plan.sh and tests/vm/lib/again.sh.

# CPUs of the machine in which the guest's vCPUs run.
PURGE_CPUS=2

# purge_overcommits KIND: vCPUs for each CPU, a boot each.
purge_overcommits() {
	case $1 in
	kvm) echo 1 2 4 ;;
	xen-pv) echo 1 2 ;;
	*) echo 1 ;;
	esac
}

# purge_vm_args KIND VCPUS: the machine, for tests/vm/run. dom0 may have more vCPUs than the machine CPUs.
purge_vm_args() {
	case $1 in
	kvm) printf '%s\n' --smp "$2" ;;
	xen-pv) printf '%s\n' --smp "$PURGE_CPUS" --xen-append "dom0_max_vcpus=$2" ;;
	*) printf '%s\n' --smp "$PURGE_CPUS" ;;
	esac
}

# short_boots KIND OVERCOMMIT: whether the emulated machine would lose its guest
# after a minute or two (tests/vm/lib/again.sh).
short_boots() {
	[ "$1" = kvm ] && [ "$2" -gt 1 ]
}

# purge_plan KIND OVERCOMMIT: pairs of runs in all and in one boot, purges in each (a
# 99th percentile needs some hundreds), and the boot's seconds: a short one ends
# before a guest reports that it stands still.
purge_plan() {
	local runs=7 ops=400
	[ -z "$QUICK" ] || runs=3 ops=200
	if short_boots "$@"; then
		echo $runs 1 $ops 140
	else
		echo $runs $runs $ops "$(limit_of "$1" wall)"
	fi
}

# How often a boot is made.
PURGE_TRIES=3

# measure_purge KIND: all boots of it; the status is the number that failed.
measure_purge() {
	local kind=$1 overcommit vcpus args first runs per_boot ops limit name failed=0
	for overcommit in $(purge_overcommits "$kind"); do
		vcpus=$((overcommit * PURGE_CPUS))
		mapfile -t args < <(purge_vm_args "$kind" "$vcpus")
		read -r runs per_boot ops limit < <(purge_plan "$kind" "$overcommit")
		for ((first = 1; first <= runs; first += per_boot)); do
			name=$kind-purge-$overcommit-$first
			again $PURGE_TRIES "$OUT/logs/$name" measured "$name" "$kind, purges, $vcpus vCPUs" \
				--on "$kind" "${args[@]}" \
				--timeout "$limit" --module pvmem --module pvmem_bench --file "$BENCH/guest/bench-purge" \
				-- bench-purge "guest=$kind" "cpus=$PURGE_CPUS" "first=$first" "runs=$per_boot" "ops=$ops" ||
				failed=$((failed + 1))
		done
	done
	return $failed
}
