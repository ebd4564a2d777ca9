# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A clean, minimal Debian 12 below build/, and what happens in it. Needs TOP, BUILD,
# WORK (of this run) and scripts/lib.sh; root_enter's namespace holds the mounts, so that
# none is left when the test is killed.

ROOT=$WORK/root
REPO=$WORK/repo
CACHE=$BUILD/debian # kept: the system as debootstrap made it, with what packages need, and what apt downloaded
MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
SECURITY=${DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security}

# What the checks themselves run in there. What the packages need is for apt to find.
TOOLS=man-db,systemd

# root_cached: makes the system once.
root_cached() {
	local made=$CACHE/made
	[ ! -e "$CACHE/root.tar" ] || return 0
	rm -rf --one-file-system "$made" && mkdir -p "$made" "$CACHE/archives/partial"
	debootstrap --variant=minbase --include="$TOOLS" bookworm "$made" "$MIRROR" || return 1
	rm -f "$made"/var/cache/apt/archives/*.deb
	cat >"$made/etc/apt/sources.list" <<-EOT
	deb [trusted=yes] file:/mnt ./
	deb $MIRROR bookworm main
	deb $MIRROR bookworm-updates main
	deb $SECURITY bookworm-security main
	EOT
	cat >"$made/etc/apt/apt.conf.d/90test" <<-EOT
	APT::Sandbox::User "root";
	APT::Install-Recommends "false";
	Dpkg::Use-Pty "0";
	EOT
	echo force-unsafe-io >"$made/etc/dpkg/dpkg.cfg.d/90test"
	tar -cf "$CACHE/root.tar.part" -C "$made" . && mv "$CACHE/root.tar.part" "$CACHE/root.tar"
	rm -rf --one-file-system "$made"
}

# root_unpack: a fresh one.
root_unpack() {
	rm -rf --one-file-system "$ROOT" && mkdir -p "$ROOT" "$REPO"
	tar -xf "$CACHE/root.tar" -C "$ROOT"
	cp -L /etc/resolv.conf "$ROOT/etc/resolv.conf" 2>/dev/null || true
}

# root_mount: what programs expect of a running system, and no more of this machine.
root_mount() {
	local node
	mount -t proc proc "$ROOT/proc"
	mount -t tmpfs tmpfs "$ROOT/dev"
	for node in null zero full random urandom tty; do
		: >"$ROOT/dev/$node"
		mount --bind "/dev/$node" "$ROOT/dev/$node"
	done
	ln -s /proc/self/fd "$ROOT/dev/fd"
	ln -s /proc/self/fd/0 "$ROOT/dev/stdin"
	ln -s /proc/self/fd/1 "$ROOT/dev/stdout"
	mount --bind "$CACHE/archives" "$ROOT/var/cache/apt/archives"
	mkdir -p "$CACHE/lists/partial"
	mount --bind "$CACHE/lists" "$ROOT/var/lib/apt/lists"
	mount --bind "$REPO" "$ROOT/mnt"
}

# inside COMMAND...: in the root, in an environment of its own.
inside() {
	# A kernel that comes with its headers needs no initramfs.
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive INITRD=No \
		chroot "$ROOT" "$@"
}

apt() {
	inside apt-get -qq -y "$@"
}

# root_with PACKAGE...: installs them in the fresh root. The result is kept, and taken while
# apt would install the same.
root_with() {
	local plan kept
	plan=$(apt -s install "$@") || return 1
	kept=$CACHE/with-$(sed -n '/^Inst /p' <<<"$plan" | cat - <(stat -c %Y "$CACHE/root.tar") | sha1sum | cut -c 1-16).tar.zst
	if [ -e "$kept" ]; then
		tar -xf "$kept" -C "$ROOT"
		return
	fi
	apt install "$@"
	find "$CACHE" -name 'with-*' -mtime +7 -delete
	tar --zstd -cf "$kept.part" -C "$ROOT" --exclude=./dev --exclude=./proc --exclude=./mnt --exclude=./var/cache/apt \
		--exclude=./var/lib/apt/lists .
	mv "$kept.part" "$kept"
}

# repo_add DEB...: packages that apt can find from now on.
repo_add() {
	[ $# = 0 ] || cp -l "$@" "$REPO" 2>/dev/null || cp "$@" "$REPO"
	(cd "$REPO" && dpkg-scanpackages --multiversion . >Packages 2>"$WORK/scan.log")
	# Without the net what is in the cache will do.
	apt update || apt update -o Dir::Etc::SourceList=/dev/null || true
}

# header_debs KERNEL: its headers and what they name of what setup fetched, or nothing.
header_debs() {
	local headers name
	headers=$(find "$BUILD/deb" -name "linux-headers-$1_*.deb" | sort -V | tail -n 1)
	[ -n "$headers" ] || return 0
	echo "$headers"
	dpkg-deb -f "$headers" Depends | grep -o 'linux-[^ ,]*' | while read -r name; do
		find "$BUILD/deb" -name "${name}_*.deb"
	done
}

# needed PACKAGE...: what apt would install along with them.
needed() {
	local names
	names=$(apt -s install "$@") || return 1
	sed -n 's/^Inst \([^ ]*\).*/\1/p' <<<"$names" | grep -vxF "$(printf '%s\n' "$@")" || true
}

# snapshot: every file of the root with kind, mode, owner, and target or checksum; without
# the books and caches of dpkg, apt, man-db and systemd.
snapshot() {
	local skip=(-path ./var/lib/dpkg -o -path ./var/lib/apt -o -path ./var/cache -o -path ./var/log -o -path ./tmp
		-o -path ./mnt -o -path ./proc -o -path ./dev -o -path ./run/systemd)
	(
		cd "$ROOT" || exit
		find . \( "${skip[@]}" \) -prune -o -printf '%p %y %m %u:%g %l\n'
		find . \( "${skip[@]}" \) -prune -o -type f -print0 | xargs -0 sha1sum | sed -E 's/^(\S+)  (.*)/\2 \1/'
	) | LC_ALL=C sort
}
