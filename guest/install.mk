# SPDX-License-Identifier: GPL-2.0-or-later
# `make install-dkms`: the modules' source, for DKMS to build them for each kernel.
# Then: dkms install pvmem/$(VERSION).

prefix ?= /usr/local
datadir ?= $(prefix)/share
docdir ?= $(datadir)/doc/pvmem-dkms
mandir ?= $(datadir)/man
sysconfdir ?= /etc
# DKMS looks nowhere else.
srcdir ?= /usr/src
VERSION ?= $(shell sed -n 's/^\#define PVMEM_VERSION "\(.*\)"/\1/p' include/pvmem/names.h)
TREE = $(DESTDIR)$(srcdir)/pvmem-$(VERSION)

.PHONY: install-dkms
install-dkms:
	install -d $(TREE)/guest
	cp -R --no-preserve=ownership Kbuild include $(TREE)
	cp -R --no-preserve=ownership guest/pvmem guest/takeover $(TREE)/guest
	sed 's/#MODULE_VERSION#/$(VERSION)/' guest/dkms.conf >$(TREE)/dkms.conf
	install -D -m 0644 guest/modprobe.conf $(DESTDIR)$(sysconfdir)/modprobe.d/pvmem.conf
	scripts/abi-text | install -D -m 0644 /dev/stdin $(DESTDIR)$(docdir)/sysfs-abi.txt
	install -D -m 0644 docs/man/pvmem.4 $(DESTDIR)$(mandir)/man4/pvmem.4
