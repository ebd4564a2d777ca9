# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the figures were measured with. Needs OUT, TOP, KERNEL, STARTED, KINDS, PURGE,
# WHAT, STAND_IN.

# A wall time means little when others use the CPUs.
warn_if_busy() {
	local load
	read -r load _ </proc/loadavg
	LOAD_AT_START=$load
	if [ "${load%.*}" -ge 1 ]; then
		say "warning: this machine is busy (load $load); cycles will be off, instructions will not"
	fi
}

xen_version() {
	LC_ALL=C sed -nE 's/^.*Xen version ([^ ]+).*/\1/p' "$OUT"/logs/xen-*/console.log 2>/dev/null | head -n 1
}

commit() {
	local id
	id=$(git -C "$TOP" describe --always --dirty --abbrev=12 2>/dev/null) || id=unknown
	echo "$id"
}

cpu_model() {
	sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1
}

environment() {
	jq -n --arg date "$(date -u +%Y-%m-%dT%H:%MZ)" \
		--arg kernel "$KERNEL" \
		--arg xen "$(xen_version)" \
		--arg qemu "$(qemu-system-x86_64 --version | sed -n 's/.*version \([^ ]*\).*/\1/p')" \
		--arg commit "$(commit)" \
		--arg cpu "$(cpu_model)" \
		--argjson cpus "$(nproc)" \
		--arg load_at_start "$LOAD_AT_START" \
		--arg load_at_end "$(cut -d' ' -f1 /proc/loadavg)" \
		--argjson quick "$([ -n "$QUICK" ] && echo true || echo false)" \
		--argjson seconds "$((($(now_ms) - STARTED) / 1000))" \
		--argjson purge "$PURGE" \
		--arg guests "${KINDS[*]}" \
		--arg what "${WHAT[*]}" \
		--argjson stand_in "$([ -n "$STAND_IN" ] && echo true || echo false)" \
		'$ARGS.named'
}
