# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for those who source it
# Builds guest/pvmem's allocators for userspace. Source it after scripts/lib.sh.

UNIT_BUILD=$BUILD/unit
# Another tree's guest/pvmem can be tested, with its include/ two levels up.
GUEST_DIR=${GUEST_DIR:-$TOP/guest/pvmem}
SHIM_WARNINGS='-Wall -Wextra -Wno-unknown-pragmas -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers'

# unit_guest_sources DIR: what does not need a real kernel or hypervisor.
unit_guest_sources() {
	local file
	for file in "$1"/*.c; do
		case ${file##*/} in
		main.c | api.c | sysfs.c | shrinker.c | backend_*.c | xen_pv*.c | zs_main.c | zs_system.c | zs_debugfs.c | zs_pair*.c | zpool.c) ;;
		*) printf '%s\n' "$file" ;;
		esac
	done
}

# unit_sources DIR: the guest's files in DIR, and what they need to run.
unit_sources() {
	unit_guest_sources "$1"
	printf '%s\n' "$TOP"/tests/shim/*.c "$TOP"/tests/model/*.c "$TOP/tests/unit/fake_backend.c" \
		"$BUILD/linux-source/lib/rbtree.c"
}

# unit_flags DIR SANITIZERS: how they are compiled.
unit_flags() {
	local name
	printf '%s\n' -std=gnu11 -g -O1 -fno-omit-frame-pointer -pthread "-fsanitize=$2" -fno-sanitize-recover=all
	# shellcheck disable=SC2086 # one word a warning
	printf '%s\n' $SHIM_WARNINGS
	case $2 in *thread*) echo -DSHIM_TSAN ;; esac
	for name in tests/shim build/linux-source/include tests/model tests/unit; do
		printf '%s\n' "-I$TOP/$name"
	done
	printf '%s\n' "-I$1" "-I$1/../../include"
}

# unit_compile OUT COMPILER DIR SANITIZERS FILE...: a program from FILE... and the
# guest's files in DIR; quiet when it is newer than everything it is made of.
unit_compile() {
	local out=$1 compiler=$2 dir=$3 sanitizers=$4 flags sources
	shift 4
	mapfile -t flags < <(unit_flags "$dir" "$sanitizers")
	mapfile -t sources < <(unit_sources "$dir")
	if [ -e "$out" ] && [ -z "$(find "$TOP"/tests/{shim,model,unit,fuzz} "$dir" "$dir/../../include" \
		-name '*.[ch]' -newer "$out" -print -quit)" ]; then
		return
	fi
	mkdir -p "${out%/*}"
	nice "$compiler" "${flags[@]}" "${sources[@]}" "$@" -o "$out.$$"
	mv "$out.$$" "$out"
}

# unit_tests: every test program's file but the ones shared with others.
unit_tests() {
	printf '%s\n' "$TOP"/tests/unit/{main,ktap}.c "$TOP"/tests/unit/test_*.c
}

# unit_stress_tests: the names in STRESS_TESTS.
unit_stress_tests() {
	sed -n '/define STRESS_TESTS/,/^$/s/.*\tT(\([a-z_]*\)).*/\1/p' "$TOP/tests/unit/tests.h"
}
