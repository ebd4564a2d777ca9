#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# probe.sh INCLUDE: compiler flags for what a kernel's headers have (probes.def).
# Nothing is said of a header that is not there.
grep -v '^#' "${0%/*}/probes.def" | while read -r name header _ regex; do
	[ -z "$name" ] || ! grep -qsE "$regex" "$1/$header" || printf ' -DPVMEM_HAVE_%s' "$name"
done
