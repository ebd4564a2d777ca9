# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# For the .test files and the bench, in guests: zswap over a swap disk.

ZSWAP=/sys/module/zswap/parameters
ZSWAP_CGROUP=/tmp/cgroup/zswap # known to swapdata as well
ZPOOL_PVMEM=/lib/pvmem/pvmem_zpool.ko
ZSWAP_COUNTERS=/sys/kernel/debug/zswap

# zswap_start: the driver pvmem, swap on the disk, zswap on, each fault reading one page only. All
# further programs belong to a cgroup, for its count of compressed bytes.
zswap_start() {
	if ! insmod $ZPOOL_PVMEM; then
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

# checks_itself: is this a kernel of scripts/build-debug-kernel's?
checks_itself() {
	uname -r | grep -qE -- '-(debug|kasan|kcsan)$'
}

# zpools_find: sets ZPOOLS to those there are, with a result for each that this
# kernel has not: Debian's 6.12 has no z3fold any more. On kernels that check themselves
# z3fold is left out: it leaves handles behind, which is a BUG there when its cache goes ("Objects remaining").
zpools_find() {
	ZPOOLS=
	for zpool in zsmalloc zbud z3fold pvmem; do
		if [ $zpool = z3fold ] && checks_itself; then
			result 0 "$zpool # SKIP it leaves objects behind, which this kernel checks"
		elif echo $zpool 2>/dev/null >$ZSWAP/zpool; then
			ZPOOLS="$ZPOOLS $zpool"
		else
			result 0 "$zpool # SKIP this kernel has no zpool $zpool"
		fi
	done
}

# zswap_use ZPOOL COMPRESSOR [PERCENT]: from now on; the pool may take so much
# of memory. Swap goes off and on, so that nothing is left in the pool before.
# A pool that hits its limit again before its shrinker has begun is lost to 6.1:
# zswap_pool_last_get() leaks a reference to it. It is never destroyed, every later
# eviction is from it, and its driver's module stays. So hit the limit with one
# zpool in a boot, or by swapdata's "trickle".
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

# of_pools NAME: that counter of pvmem's, of all pools there are.
of_pools() {
	awk -v name="$1" '$1 == name { sum += $2 } END { print sum + 0 }' /sys/kernel/debug/pvmem_zs/pools
}
