# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The packages under test and the version after them: NOW and NEXT are directories
# with the packages and, as source/, the tree that they were built in.

NOW=${PACKAGES:-$WORK/now}
NEXT=$WORK/next

# debs DIR: the packages in there that are tested.
debs() {
	local name
	for name in $(names); do find "$1" -maxdepth 1 -name "${name}_*.deb"; done
}

# tree_unpack DIR FROM: the source package of FROM as a tree at DIR, with FROM's objects,
# so that little is compiled again.
tree_unpack() {
	local dsc
	dsc=$(find "$2" -maxdepth 1 -name '*.dsc')
	rm -rf "$1" && mkdir -p "${1%/*}"
	dpkg-source --no-check -x "$dsc" "$1"
	mkdir -p "$1/build" && cp -a "$2/source/build/host" "$1/build/"
}

# packages_make DIR: builds the tree at DIR/source into DIR.
packages_make() {
	"$TOP/scripts/build-packages" --tree "$1/source" --out "$1"
}

# packages_make_clean DIR: the same of a clean copy of what is checked out.
packages_make_clean() {
	"$TOP/scripts/build-packages" --out "$1"
	rm -rf "$1/source" && mv "$1"/work/pvmem-* "$1/source"
}

# version_raise TREE: makes it the version after the one it is.
version_raise() {
	local old new
	old=$(dpkg-parsechangelog -l "$1/debian/changelog" -S Version)
	new=$old.1
	sed -i "1s/(.*)/($new)/" "$1/debian/changelog"
	sed -i "s/\(define PVMEM_VERSION\) .*/\1 \"$new\"/" "$1/include/pvmem/names.h"
}

packages_are_built() {
	[ -n "$PACKAGES" ] || packages_make_clean "$NOW"
	[ "$(debs "$NOW" | wc -l)" = "$(names | wc -l)" ]
}

# version_after: makes NEXT.
version_after() {
	tree_unpack "$NEXT/source" "$NOW"
	version_raise "$NEXT/source"
	packages_make "$NEXT"
}
