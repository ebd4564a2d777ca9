# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Purges with as many vCPUs as CPUs, and with more. Needs BENCH, QUICK and lib/boot.sh.

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

# purge_runs: pairs of runs, and purges in each: a 99th percentile needs some hundreds.
purge_runs() {
	if [ -n "$QUICK" ]; then echo runs=3 ops=200; else echo runs=7 ops=400; fi
}

# measure_purge KIND: all boots of it; the status is the number that failed.
measure_purge() {
	local kind=$1 overcommit vcpus args failed=0
	for overcommit in $(purge_overcommits "$kind"); do
		vcpus=$((overcommit * PURGE_CPUS))
		mapfile -t args < <(purge_vm_args "$kind" "$vcpus")
		# shellcheck disable=SC2046 # words
		measured "$kind-purge-$overcommit" "$kind, purges, $vcpus vCPUs" --on "$kind" "${args[@]}" \
			--timeout "$(limit_of "$kind" wall)" --module pvmem --module pvmem_bench \
			--file "$BENCH/guest/bench-purge" \
			-- bench-purge "guest=$kind" "cpus=$PURGE_CPUS" $(purge_runs) || failed=$((failed + 1))
	done
	return $failed
}
