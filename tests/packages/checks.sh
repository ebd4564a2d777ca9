# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The checks of tests/packages/run, in the order in which it makes them. Each runs under
# set -e; what it prints is shown when it fails.

MODULES='pvmem pvmem_zpool pvmem_takeover'

# fail MESSAGE...
fail() {
	echo "$*"
	return 1
}

# gone FIND-ARG...: nothing is found.
gone() {
	local found
	found=$(find "$@" 2>/dev/null || true)
	[ -z "$found" ] || fail "still there: $found"
}

# version DIR: of the packages in there.
version() {
	dpkg-deb -f "$(debs "$1" | head -n 1)" Version
}

lintian_is_content() {
	local changes=()
	mapfile -t changes < <(find "$NOW" -maxdepth 1 -name '*.changes')
	lintian --allow-root --tag-display-limit 0 --display-info --info --fail-on error,warning,info "${changes[@]}"
}

# Nothing that is built is in it, and nothing that git knows is missing.
the_source_package_is_whole() {
	local tree=$WORK/source
	rm -rf "$tree"
	dpkg-source --no-check -x "$(find "$NOW" -maxdepth 1 -name '*.dsc')" "$tree"
	gone "$tree" -name '*.o' -o -name '*.ko' -o -path "$tree/build"
	# Packages from elsewhere need not be of this tree.
	[ -z "$PACKAGES" ] && git -C "$TOP" rev-parse --git-dir >/dev/null 2>&1 || return 0
	diff <(cd "$tree" && find . -type f -printf '%P\n' | LC_ALL=C sort) \
		<(cd "$TOP" && git ls-files --cached --others --exclude-standard | while read -r file; do
			[ ! -f "$file" ] || echo "$file"; done | LC_ALL=C sort)
}

# Without packages: `make install` of what is built, below a prefix of one's own.
make_installs_elsewhere() {
	local to=$WORK/elsewhere
	rm -rf "$to"
	make -s -C "$NOW/source" install install-dkms DESTDIR="$to" prefix=/opt/pvmem
	gone "$to" -type f ! -path "$to/opt/pvmem/*" ! -path "$to/etc/*" ! -path "$to/usr/src/*"
	grep '^ExecStart=/opt/pvmem/sbin/pvmemd' "$to/opt/pvmem/lib/systemd/system/pvmemd.service"
	! grep -rE '/usr/s?bin/pvmem' "$to/etc" "$to/opt/pvmem/lib" || fail "that is elsewhere"
}

# All that the packages need is there before the snapshot that the end is compared with:
# what is new after it is theirs.
a_clean_system_is_there() {
	local kernel wanted debs
	root_cached
	root_unpack
	root_mount
	rm -f "$REPO"/*
	mapfile -t debs < <(debs "$NOW"; for kernel in "${READY[@]}"; do header_debs "$kernel"; done | sort -u)
	repo_add "${debs[@]}"
	# shellcheck disable=SC2046,SC2086 # lists of names
	wanted=$(needed $(names))
	! has dkms || for kernel in "${READY[@]}"; do wanted+=" linux-headers-$kernel"; done
	# shellcheck disable=SC2086
	root_with $wanted
	! has dkms || for kernel in "${READY[@]}"; do inside depmod "$kernel"; done
	snapshot >"$WORK/before"
}

# documented COMMAND: the examples of README that begin with it, without their comments.
documented() {
	sed -nE "s/^    ($1 .*[^ ]) +#.*/\1/p" "$NOW/source/README.md" | grep . || fail "README has no $1"
}

# apt has nothing more to fetch, README's own words install, and every package is configured.
they_are_installed() {
	local wanted commands command name
	mapfile -t wanted < <(names)
	[ -z "$(needed "${wanted[@]}")" ] || fail "more is needed: $(needed "${wanted[@]}")"
	mkdir -p "$ROOT/tmp/build/packages"
	cp "$NOW"/*.deb "$ROOT/tmp/build/packages"
	commands=$(documented 'apt install')
	for name in dkms agent host; do
		has "$name" || commands=${commands//" ./build/packages/pvmem-${name}_*.deb"/}
	done
	while read -r command; do
		[ "$command" = 'apt install' ] || inside sh -c "cd /tmp && $command -y" </dev/null
	done <<<"$commands"
	rm -r "$ROOT/tmp/build"
	all_are_installed
}

all_are_installed() {
	local name
	for name in $(names); do
		# shellcheck disable=SC2016 # dpkg-query's
		[ "$(inside dpkg-query -W -f '${db:Status-Status}' "$name")" = installed ] || fail "$name is not installed"
	done
	[ -z "$(inside dpkg --audit)" ] || fail "$(inside dpkg --audit)"
}

# modules_are_built KERNEL VERSION: by DKMS, from this version and no other, for that kernel.
modules_are_built() {
	local name file
	inside dkms status
	[ "$(inside dkms status -k "$1" | grep -c '^pvmem/')" = 1 ]
	inside dkms status "pvmem/$2" -k "$1" | grep -q 'installed$'
	for name in $MODULES; do
		file=$(inside modinfo -k "$1" -F filename "$name")
		[[ $file == "/lib/modules/$1/updates/dkms/"* ]] || fail "$name is at $file"
		inside modinfo -k "$1" -F vermagic "$name" | grep -q "^$1 "
	done
	inside modinfo -k "$1" -F depends pvmem_takeover | grep -qx pvmem
}

# modules_load KERNEL: into that kernel, in a machine of its own, with what README says and
# the parameters that the package has.
modules_load() {
	local command to=$WORK/guest
	command=$(documented modprobe)
	rm -rf "$to" && mkdir -p "$to/etc" "$to/lib/modules/$1"
	cp -a "$ROOT/etc/modprobe.d" "$to/etc"
	cp -a "$ROOT/lib/modules/$1"/{modules.*,updates} "$to/lib/modules/$1"
	(cd "$to" && find . -mindepth 1 | cpio -o -H newc --quiet -R 0:0) >"$to.cpio"
	"$TOP/tests/vm/run" --on bare --kernel "$1" --archive "$to.cpio" --out "$WORK/vm" -- sh -c \
		"$command && modprobe pvmem_zpool &&
		cat /sys/kernel/pvmem/backend /sys/kernel/livepatch/pvmem_takeover/enabled"
	[ "$(tr -d '\r' <"$WORK/vm/result.log" | tr '\n' ' ')" = 'bare 1 ' ]
}

# The headers of a kernel that comes later: their own hook has DKMS build for it.
modules_come_with_headers() {
	inside dkms unbuild "pvmem/$VERSION" -k "$1"
	gone "$ROOT/lib/modules/$1/" -name '*pvmem*'
	apt install --reinstall "linux-headers-$1"
	modules_are_built "$1" "$VERSION"
}

# Each file that the modules make in sysfs, each counter and each parameter.
the_interface_is_documented() {
	local text=$WORK/sysfs-abi.txt name
	zcat -f "$ROOT"/usr/share/doc/pvmem-dkms/sysfs-abi.txt* >"$text"
	while read -r name; do
		grep -q "^  $name  *[A-Za-z]* *\(counter\|state\)  *[a-z]" "$text" || fail "the counter $name is not in it"
	done < <(sed -nE 's/^(PVMEM|TAKEOVER)_(STAT|GAUGE)\(([a-z_]+),.*/\3/p' \
		"$TOP/include/pvmem/stats.def" "$TOP/guest/takeover/stats.def")
	while read -r name; do
		grep -q "^What:.*/$name\(/NAME\)\?$" "$text" || fail "the file $name is not in it"
	done < <(sed -nE 's/__ATTR_(RO|RW|WO|RO_MODE)\(([a-z_]+)/\n=\2\n/g; s/\.name = "([a-z_]+)"/\n=\1\n/g; p' \
		"$TOP/guest/pvmem/sysfs.c" "$TOP/guest/takeover/stats.c" | sed -n 's/^=//p')
	while read -r name; do
		zgrep -q "^\.B[IR] $name" "$ROOT/usr/share/man/man4/pvmem.4.gz" || fail "the manual has no $name"
	done < <(grep -o '[a-z_]*=' "$TOP/guest/modprobe.conf")
}

programs_run() {
	local file
	for file in $(has host && echo /usr/sbin/pvmemd /usr/bin/pvmemctl; has agent && echo /usr/sbin/pvmem-agent); do
		inside "$file" --help | grep -qi usage || fail "$file --help"
		! inside ldd "$file" | grep 'not found' || fail "$file lacks libraries"
	done
	! has host || inside pvmemd --check
}

# versions_agree VERSION: the programs' with the packages'.
versions_agree() {
	local name
	for name in $(has host && echo pvmemd pvmemctl; has agent && echo pvmem-agent); do
		[ "$(inside "$name" --version)" = "$name $1" ] || fail "$(inside "$name" --version), not $1"
	done
}

manuals_are_read() {
	local pages page wanted
	# shellcheck disable=SC2046 # a list of names
	mapfile -t pages < <(inside dpkg -L $(names) | grep '/man/man./.*gz$')
	# pvmemctl(1), pvmemd(8), pvmemd.conf(5); pvmem-agent(8); pvmem(4)
	wanted=$(($(has host && echo 3 || echo 0) + $(has agent && echo 1 || echo 0) + $(has dkms && echo 1 || echo 0)))
	[ "${#pages[@]}" = "$wanted" ] || fail "there are ${#pages[@]} manuals, not $wanted: ${pages[*]}"
	for page in "${pages[@]}"; do
		inside man --warnings -l "$page" >"$WORK/page" 2>"$WORK/warnings"
		! grep . "$WORK/warnings" || fail "$page"
		grep -q '^NAME' "$WORK/page" || fail "$page has no NAME"
	done
}

# They name programs that are there, manuals that are there, and start with the system.
units_are_valid() {
	local unit
	for unit in $(has host && echo pvmemd; has agent && echo pvmem-agent); do
		inside systemd-analyze verify "/lib/systemd/system/$unit.service" 2>&1 | tee "$WORK/units"
		! grep "$unit" "$WORK/units" || fail "$unit.service"
		[ -L "$ROOT/etc/systemd/system/multi-user.target.wants/$unit.service" ] || fail "$unit is not enabled"
	done
}

the_shell_completes() {
	# shellcheck disable=SC2016 # for the shell in there
	[ "$(inside bash -c '. /usr/share/bash-completion/completions/pvmemctl && COMP_WORDS=(pvmemctl memory-c) COMP_CWORD=1 &&
		_pvmemctl && echo "${COMPREPLY[@]}"')" = memory-compression ]
}

the_schema_is_valid() {
	local uri=https://pvmem.example/domain/1
	xmllint --noout --relaxng "$ROOT/usr/share/pvmem/pvmem-domain.rng" - <<<"<memory-compression xmlns='$uri' max-pool='25'/>"
	! xmllint --noout --relaxng "$ROOT/usr/share/pvmem/pvmem-domain.rng" - <<<"<memory-compression xmlns='$uri' max-pool='400'/>"
}

# The daemon with libvirt's test driver, which has a domain called "test", and with the
# administrator's own configuration: an upgrade must not lose it.
the_daemon_serves() {
	printf '[daemon]\ndrivers=libvirt;directory\n[libvirt]\nuri=test:///default\n' >>"$ROOT/etc/pvmem/pvmemd.conf"
	inside pvmemd --check
	daemon_start
	[ "$(inside pvmemctl list --names)" = test ]
	inside pvmemctl self-test
	daemon_kill
	# What systemd makes for it, and the daemon in there for xl's domains.
	mkdir -p "$ROOT/var/lib/pvmem/xen"
	echo '{}' >"$ROOT/var/lib/pvmem/xen/g1.json"
}

daemon_start() {
	local i
	# Debug messages say that the hook was heard.
	(exec env -i PATH=/usr/sbin:/usr/bin G_MESSAGES_DEBUG=all chroot "$ROOT" /usr/sbin/pvmemd) >"$WORK/pvmemd.log" 2>&1 &
	echo $! >"$WORK/pvmemd.pid"
	for ((i = 0; i < 100 * ${PVMEM_SLOW:-1}; i++)); do
		! inside pvmemctl self-test >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	cat "$WORK/pvmemd.log"
	fail "pvmemd does not answer"
}

# Not stopped but killed: its socket stays, and is for the package to remove.
daemon_kill() {
	kill -KILL "$(cat "$WORK/pvmemd.pid")"
	[ -e "$ROOT/run/pvmem/control" ]
}

# libvirt waits for the hook, fails domains with it and takes its output for XML.
the_hook_only_pokes() {
	local i
	daemon_start
	hook_is_harmless
	for ((i = 0; i < 50 * ${PVMEM_SLOW:-1}; i++)); do
		! grep -q 'look at every domain again' "$WORK/pvmemd.log" || break
		sleep 0.1
	done
	grep 'look at every domain again' "$WORK/pvmemd.log" || fail "the daemon was not told"
	# A daemon that hangs must not hang libvirt.
	kill -STOP "$(cat "$WORK/pvmemd.pid")"
	hook_is_harmless
	daemon_kill
	hook_is_harmless
}

hook_is_harmless() {
	local hook=/etc/libvirt/hooks/qemu.d/pvmem begun output
	begun=$(now_ms)
	output=$(inside "$hook" test started begin - <<<'<domain/>' 2>&1)
	[ -z "$output" ] || fail "the hook says: $output"
	[ $(($(now_ms) - begun)) -lt $((1000 * ${PVMEM_SLOW:-1})) ] || fail "the hook takes $(($(now_ms) - begun)) ms"
	output=$(inside "$hook" test migrate begin - <<<'<domain/>' 2>&1)
	[ -z "$output" ] || fail "the hook says: $output"
}

# all_modules_are_built VERSION: for the newest kernel by the package's own doing, for the
# others as docs/packages.md says.
all_modules_are_built() {
	local kernel newest
	newest=$(printf '%s\n' "${READY[@]}" | sort -V | tail -n 1)
	[ -z "$newest" ] || modules_are_built "$newest" "$1"
	for kernel in "${READY[@]}"; do
		inside dkms autoinstall -k "$kernel"
		modules_are_built "$kernel" "$1"
	done
}

# version_is VERSION: that one, wholly, with what the administrator and the daemon had written.
version_is() {
	all_are_installed
	versions_agree "$1"
	! has dkms || all_modules_are_built "$1"
	! has dkms || [ "$(find "$ROOT/usr/src" -maxdepth 1 -name 'pvmem-*' -printf '%f\n')" = "pvmem-$1" ]
	! has host || grep -q test:///default "$ROOT/etc/pvmem/pvmemd.conf" || fail "the configuration was replaced"
	! has host || [ -e "$ROOT/var/lib/pvmem/xen/g1.json" ] || fail "options of domains were lost"
}

they_are_upgraded() {
	local debs
	version_after
	mapfile -t debs < <(debs "$NEXT")
	repo_add "${debs[@]}"
	# shellcheck disable=SC2046 # a list of names
	apt install --only-upgrade $(names)
	version_is "$(version "$NEXT")"
}

they_are_taken_back() {
	# shellcheck disable=SC2046 # a list of names
	apt install --allow-downgrades $(names | sed "s/$/=$VERSION/")
	version_is "$VERSION"
}

# Programs, modules, source and sockets are gone; what an administrator wrote is kept.
they_are_removed() {
	# shellcheck disable=SC2046
	apt remove $(names)
	gone "$ROOT/usr" "$ROOT/var/lib/dkms" "$ROOT/run" -name '*pvmem*'
	! has host || [ -e "$ROOT/var/lib/pvmem/xen/g1.json" ] || fail "options of domains were lost"
	! has host || grep -q test:///default "$ROOT/etc/pvmem/pvmemd.conf" || fail "the configuration was removed"
	! has host || hook_is_harmless
}

# In README's words.
they_are_purged() {
	inside sh -c "$(documented 'apt purge') -y" </dev/null
	gone "$ROOT/var/lib/dpkg/info" -name 'pvmem*'
	! inside dpkg-query -W 'pvmem*' || fail "dpkg still knows them"
}

# Of files, kernels' module indexes, users, and systemd's links: as it was before.
nothing_is_left() {
	snapshot >"$WORK/after"
	diff "$WORK/before" "$WORK/after"
}
