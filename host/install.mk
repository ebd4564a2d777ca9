# SPDX-License-Identifier: GPL-2.0-or-later
# `make install`: daemon, command line and agent below $(DESTDIR)$(prefix).

prefix ?= /usr/local
bindir ?= $(prefix)/bin
sbindir ?= $(prefix)/sbin
datadir ?= $(prefix)/share
mandir ?= $(datadir)/man
# The daemon and libvirt look nowhere else.
sysconfdir ?= /etc
unitdir ?= $(prefix)/lib/systemd/system

INSTALL_DATA := install -D -m 0644
INSTALL_PROGRAM := install -D -m 0755

# Files that name our programs' places: made for this prefix when they are installed.
PLACES = sed -e 's|/usr/sbin/|$(sbindir)/|' -e 's|/usr/bin/pvmem|$(bindir)/pvmem|'

.PHONY: install install-host install-agent
install: install-host install-agent

install-host: $(O)/pvmemd $(O)/pvmemctl $(MADE)
	$(INSTALL_PROGRAM) $(O)/pvmemd $(DESTDIR)$(sbindir)/pvmemd
	$(INSTALL_PROGRAM) $(O)/pvmemctl $(DESTDIR)$(bindir)/pvmemctl
	$(INSTALL_DATA) host/data/pvmem-domain.rng $(DESTDIR)$(datadir)/pvmem/pvmem-domain.rng
	$(INSTALL_DATA) host/data/pvmemd.conf $(DESTDIR)$(sysconfdir)/pvmem/pvmemd.conf
	$(PLACES) host/data/libvirt-hook | $(INSTALL_PROGRAM) /dev/stdin $(DESTDIR)$(sysconfdir)/libvirt/hooks/qemu.d/pvmem
	$(PLACES) systemd/pvmemd.service | $(INSTALL_DATA) /dev/stdin $(DESTDIR)$(unitdir)/pvmemd.service
	$(INSTALL_DATA) $(O)/pvmemctl.bash $(DESTDIR)$(datadir)/bash-completion/completions/pvmemctl
	$(INSTALL_DATA) $(O)/pvmemctl.1 $(DESTDIR)$(mandir)/man1/pvmemctl.1
	$(INSTALL_DATA) docs/man/pvmemd.8 $(DESTDIR)$(mandir)/man8/pvmemd.8
	$(INSTALL_DATA) docs/man/pvmemd.conf.5 $(DESTDIR)$(mandir)/man5/pvmemd.conf.5

install-agent: $(O)/pvmem-agent
	$(INSTALL_PROGRAM) $(O)/pvmem-agent $(DESTDIR)$(sbindir)/pvmem-agent
	$(PLACES) systemd/pvmem-agent.service | $(INSTALL_DATA) /dev/stdin $(DESTDIR)$(unitdir)/pvmem-agent.service
	$(INSTALL_DATA) docs/man/pvmem-agent.8 $(DESTDIR)$(mandir)/man8/pvmem-agent.8
