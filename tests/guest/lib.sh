# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# For the .test files, which run in guests: KTAP, and how to load pvmem.

SYS=/sys/kernel/pvmem
CASES=/sys/kernel/debug/pvmem_test
LIB=/lib/pvmem
nr=0
failed=0

# result STATUS TEXT: one KTAP result.
result() {
	nr=$((nr + 1))
	if [ "$1" = 0 ]; then
		echo "ok $nr - $2"
	else
		echo "not ok $nr - $2"
		failed=$((failed + 1))
	fi
}

# check TEXT COMMAND...: passes if the command does.
check() {
	text=$1
	shift
	"$@"
	result $? "$text"
}

# finish: the plan, and the end of the test.
finish() {
	echo "1..$nr"
	[ $failed = 0 ]
	exit
}

# kcase NAME [KEY=VALUE...]: one case of pvmem_test.ko, its results nested.
kcase() {
	if echo "$*" >$CASES; then
		sed 's/^/    /' $CASES
		! grep -q '^not ok' $CASES
	else
		echo "# case $1 could not be run"
		false
	fi
	result $? "$*"
}

# kcase_start NAME [KEY=VALUE...]: in the background; kcase_end waits for it.
kcase_start() {
	running=$*
	echo "$*" >$CASES &
	running_pid=$!
}

kcase_end() {
	wait "$running_pid" && sed 's/^/    /' $CASES && ! grep -q '^not ok' $CASES
	result $? "$running"
}

# load [PARAMETER=VALUE...]: pvmem with these parameters, and its tests.
load() {
	if insmod $LIB/pvmem.ko "$@" && insmod $LIB/pvmem_test.ko; then
		return
	fi
	echo "Bail out! cannot load modules"
	exit 1
}

# unload [refused=1]: removes both; pvmem must go without leaving anything
# behind. Say refused=1 where the test had Xen refuse something.
unload() {
	kcase idle "$@"
	rmmod pvmem_test
	dmesg -c >/dev/null
	check "pvmem can be removed" rmmod pvmem
	check "it says so, and that nothing is in use" said 'pvmem: unloaded$'
	check "no address space of its own is left" no_areas
}

# said REGEX: the kernel log since the last dmesg -c.
said() {
	dmesg | grep -qE "$1"
}

# no_areas: whose caller is not known was a module's that is gone.
no_areas() {
	! awk '$3 ~ /^0x/ || /pvmem/' /proc/vmallocinfo | grep .
}

stat() {
	cat $SYS/stats/"$1"
}

# messages: what pvmem said since then, each once: busybox tries to load twice.
messages() {
	dmesg | sed -n 's/^\[[^]]*\] *\(pvmem: .*\)/\1/p' | sort -u
}

is_xen() {
	[ "$(cat /sys/hypervisor/type 2>/dev/null)" = xen ]
}

# mount_erofs IMAGE DIR: from a RAM disk, so that every read goes through the block layer.
mount_erofs() {
	dd if="$1" of=/dev/ram0 bs=64k 2>/dev/null && mount -t erofs -o ro /dev/ram0 "$2"
}
