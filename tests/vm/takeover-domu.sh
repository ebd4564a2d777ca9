# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The guest's side of takeover-domu: works until it has seen all that dom0 does.
# shellcheck source=/dev/null
. /pvmem/bin/lib.sh
# shellcheck source=/dev/null
. /pvmem/bin/takeover.sh

CPU1=/sys/devices/system/cpu/cpu1

cpus() {
	grep -c ^processor /proc/cpuinfo
}

kib_total() {
	sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo
}

# works_until COMMAND...: programs run, none finds a wrong page, until that is true.
works_until() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 60 ] && pagetables >/tmp/work || return 1
	done
}

restored() {
	dmesg | grep -q 'Restarting tasks\|xen:.*resume\|PM: suspend exit\|Restarting'
}

# watch: notes the least memory and the fewest CPUs there ever were.
watch() {
	least=$before fewest=2
	while [ ! -e /tmp/seen.stop ]; do
		[ "$(kib_total)" -ge "$least" ] || least=$(kib_total)
		[ "$(cpus)" -ge "$fewest" ] || fewest=$(cpus)
		echo "$least $fewest" >/tmp/seen.new
		mv /tmp/seen.new /tmp/seen
		sleep 0.3
	done
}

memory_came_back() {
	read -r least fewest </tmp/seen
	[ "$least" -lt $((before - 50000)) ] && [ "$(kib_total)" -ge $((before - 4096)) ]
}

# The kernel leaves it to user space to start a CPU that was plugged in; udev is not here.
cpu_came_back() {
	read -r least fewest </tmp/seen
	[ "$fewest" = 1 ] || return 1
	[ ! -e $CPU1/online ] || echo 1 >$CPU1/online
	[ "$(cpus)" = 2 ]
}

before=$(kib_total)
insmod "$LIB/pvmem.ko" || exit 1
check "the takeover loads" take_over
watch &
echo "# dom0 may begin"
check "saved and restored" works_until restored
check "lost memory and got it back" works_until memory_came_back
check "lost a CPU and got it back" works_until cpu_came_back
touch /tmp/seen.stop
check "programs run" nested pagetables
check "page tables came from the pool" counted tables_pooled 500
check "Xen refused nothing" counted hypercall_failed 0 0
check "nothing was left to the stock path" counted trees_stock 0 0
check "unloaded" let_go
check "no page of the pool was dirty" [ "$(stat ptpool_dirty)" = 0 ]
check "pvmem can be removed" rmmod pvmem
dmesg | grep -iE 'restart|resume|suspend|freez' | sed 's/^/# /' | head -8
finish
