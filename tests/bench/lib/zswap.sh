# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# zswap: which guests measure what. Needs QUICK, CLOCK, TOP, BENCH and boot.sh.

# zswap_measured NAME TITLE KIND VM_OPTIONS -- ARGUMENT...: one boot.
zswap_measured() {
	local name=$1 title=$2 kind=$3 options=$4
	shift 5
	# shellcheck disable=SC2086 # words
	measured "$name" "$title" --on "$kind" $options --timeout $((2400 * ${PVMEM_SLOW:-1})) --disk 1024 --dom0-mem 512 --module pvmem_zpool \
		--stock zsmalloc --stock z3fold --stock lz4 --stock zstd \
		--file "$BUILD/guest/swapdata" --file "$BUILD/corpus:/pvmem/corpus" \
		--file "$TOP/tests/guest/zswap.sh" --file "$BENCH/guest/bench-zswap" \
		-- bench-zswap "guest=$kind" "$@"
}

# measure_zswap KIND: the status is the number of boots that failed.
measure_zswap() {
	local kind=$1 failed=0 clock args
	for clock in $(clocks_of "$kind"); do
		[ -z "$CLOCK" ] || [ "$CLOCK" = "$clock" ] || continue
		mapfile -t args < <(zswap_args "$kind" "$clock")
		zswap_measured "$kind-zswap-$clock" "$kind, zswap, $clock" "$kind" \
			"$(vm_args "$kind" "$clock") --mem 512" -- "clock=$clock" "${args[@]}" || failed=$((failed + 1))
	done
	[ "$CLOCK" != icount ] || return "$failed"
	zswap_measured "$kind-zswap-full" "$kind, zswap with a full pool" "$kind" "--smp 2 --mem 256" -- \
		mode=full "zpools=$(zswap_full_zpools)" percent=5 compressors=lzo data=mixed || failed=$((failed + 1))
	return $failed
}

zswap_full_zpools() {
	if [ -n "$QUICK" ]; then echo zsmalloc pvmem; else echo zsmalloc zbud z3fold pvmem; fi
}

# zswap_args KIND CLOCK: instructions need few pages, the pool's size many: its
# classes of sizes each have a page or two that are not full.
zswap_args() {
	case $2-$QUICK in
	icount-1) printf '%s\n' "runs=1" "pages=1024" "data=text" "compressors=lzo" "zpools=zsmalloc pvmem" ;;
	icount-) printf '%s\n' "runs=3" "pages=2048" "data=text binary" "compressors=lzo zstd" ;;
	wall-1) printf '%s\n' "pages=8192" "data=text binary" "compressors=zstd" "zpools=zsmalloc zbud pvmem" ;;
	wall-)
		case $1 in
		kvm | xen-domu) printf '%s\n' "data=text binary mixed" "compressors=lzo zstd" ;;
		esac
		;;
	esac
}
