# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# For the .test files and the bench, in guests: zswap over a swap disk.

ZSWAP=/sys/module/zswap/parameters
ZSWAP_CGROUP=/tmp/cgroup/zswap # known to swapdata as well
ZPOOL_PVMEM=/lib/pvmem/pvmem_zpool.ko
ZSWAP_COUNTERS=/sys/kernel/debug/zswap

# zswap_start: the driver pvmem if it is there, swap on the disk, zswap on, each fault reading one page only. All
# further programs belong to a cgroup, for its count of compressed bytes.
zswap_start() {
	if zpool_pvmem_built && ! insmod $ZPOOL_PVMEM; then
		echo "Bail out! pvmem_zpool.ko cannot be loaded"
		exit 1
	fi
	if ! { mkswap "$DISK" >/dev/null && swapon "$DISK"; }; then
		echo "Bail out! no swap on '$DISK'"
		exit 1
	fi
	mkdir -p /tmp/cgroup
	mount -t cgroup2 cgroup /tmp/cgroup
	mkdir $ZSWAP_CGROUP
	echo +memory >/tmp/cgroup/cgroup.subtree_control
	echo $$ >$ZSWAP_CGROUP/cgroup.procs
	echo 0 >/proc/sys/vm/page-cluster
	echo 1 >$ZSWAP/enabled
}

# zswap_stop: gives up all pools, so that their drivers can be removed: a worker
# does it, after an RCU grace period.
zswap_stop() {
	swapoff "$DISK"
	echo zbud >$ZSWAP/zpool
	echo 0 >$ZSWAP/enabled
	sleep 1
}

# zpools: those there are.
zpools() {
	for zpool in zsmalloc zbud z3fold; do
		! zpool_known $zpool || echo $zpool
	done
	! zpool_pvmem_built || echo pvmem
}

# zpool_known NAME: Debian's 6.12 has no z3fold any more.
zpool_known() {
	echo "$1" >$ZSWAP/zpool 2>/dev/null
}

# zpools_absent: a result for each that this kernel has not.
zpools_absent() {
	for zpool in zsmalloc zbud z3fold; do
		zpool_known $zpool || result 0 "$zpool # SKIP this kernel has no zpool $zpool"
	done
}

zpool_pvmem_built() {
	[ -e $ZPOOL_PVMEM ]
}

# zpool_under_test: pvmem, or one of the kernel's that can evict.
zpool_under_test() {
	if zpool_pvmem_built; then echo pvmem; else echo zbud; fi
}

# zswap_use ZPOOL COMPRESSOR [PERCENT]: from now on; the pool may take so much
# of memory. Swap goes off and on, so that nothing is left in the pool before.
# Hit its limit with one zpool in a boot: 6.1 then never destroys that pool
# (zswap_pool_last_get() leaks a reference to it when it is being shrunk
# already), evicts from the oldest pool, and keeps the zpool driver's module.
zswap_use() {
	swapoff "$DISK"
	echo "${3:-90}" >$ZSWAP/max_pool_percent
	echo "$2" >$ZSWAP/compressor 2>/dev/null
	echo "$1" >$ZSWAP/zpool 2>/dev/null
	swapon "$DISK"
	[ "$(cat $ZSWAP/zpool) $(cat $ZSWAP/compressor)" = "$1 $2" ]
}

# zswap_mark: remembers the counters, for zswap_since.
zswap_mark() {
	marked=$(cd $ZSWAP_COUNTERS && grep . ./*)
}

# zswap_since NAME: by how much that counter has grown.
zswap_since() {
	echo $(($(cat $ZSWAP_COUNTERS/"$1") - $(echo "$marked" | sed -n "s|^\./$1:||p")))
}

# pvmem_removed: a result: nothing of it is in use any more.
pvmem_removed() {
	if zpool_pvmem_built; then
		check "pvmem's driver can be removed" rmmod pvmem_zpool
	else
		result 0 "pvmem # SKIP zpool pvmem not built"
	fi
}
