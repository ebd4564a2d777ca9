# SPDX-License-Identifier: GPL-2.0-or-later
# pvmem: one front door. Everything built or fetched goes below build/.

KERNEL ?= $(shell cat build/kernel/default 2>/dev/null)
export KERNEL
V ?= 0
export V

SETUP := build/setup.stamp
CORPORA := build/corpus/text build/corpus/binary
# Kernels of scripts/build-debug-kernel.
DEBUG_KERNELS := debug kasan kcsan
PROGRAMS := $(patsubst tests/guest/bin/%.c,build/guest/%,$(wildcard tests/guest/bin/*.c))
WORKLOADS := $(addprefix build/guest/,erofs.img stress-ng.cpio cc.cpio xentrace.cpio)

HOST := $(MAKE) --no-print-directory -f host/Makefile

.PHONY: help setup modules programs host install install-dkms deb check check-all check-debug bench demo lint clean distclean

help:
	@echo 'make setup       install packages, fetch kernel, Xen and headers (Debian 12)'
	@echo 'make modules     build pvmem.ko and the test modules'
	@echo 'make host        build the host daemon, pvmemctl and the guest agent'
	@echo 'make install     install them below DESTDIR and prefix (/usr/local)'
	@echo 'make install-dkms  the same for the source of the modules, for DKMS'
	@echo 'make deb         Debian packages of all of it, in build/packages'
	@echo 'make check       unit tests, and guests booted on bare metal and Xen PV'
	@echo 'make check-all   the same on every kind of guest, and the long tests'
	@echo 'make check-debug the tests that run in guests, on kernels that check themselves'
	@echo 'make bench       stock kernel against pvmem, in one boot'
	@echo 'make demo        a guided run'
	@echo 'make lint        every checker'
	@echo 'make clean       remove what was built; distclean: also what was fetched'
	@echo
	@echo 'KERNEL=VERSION   another kernel than $(or $(KERNEL),the newest 6.1): 6.12 for the'
	@echo '                 one in backports, debug, kasan or kcsan for one that checks itself'
	@echo 'V=1              say more'

setup:
	scripts/setup

$(SETUP): scripts/packages.txt scripts/setup
	scripts/setup

# The kernel that was asked for; setup itself fetches the default one.
FETCHED := $(if $(KERNEL),build/kernel/$(KERNEL)/.stamp)

build/kernel/%/.stamp: | $(SETUP)
	scripts/setup --kernel $* --fetch-only

$(DEBUG_KERNELS:%=build/kernel/%/.stamp): build/kernel/%/.stamp: \
		scripts/build-debug-kernel scripts/debug-kernel.config scripts/%-kernel.config | $(SETUP)
	scripts/build-debug-kernel $*

modules: $(SETUP) $(FETCHED)
	scripts/build-modules "$(KERNEL)" V=$(V)

# Small programs that run inside guests: static, so they need nothing there.
programs: $(PROGRAMS) $(WORKLOADS) $(CORPORA)

build/guest/%: tests/guest/bin/%.c $(wildcard tests/guest/bin/*.h)
	@mkdir -p $(@D)
	$(CC) -O2 -g -Wall -Wextra -static -pthread -o $@ $<

# What they read, and larger programs, made of packages.
$(WORKLOADS): tests/vm/workload tests/vm/lib/initramfs.sh build/guest/coldread $(SETUP)
	$< $@

# Real data for guests to compress: made from what setup fetches.
$(CORPORA) &: tests/guest/corpus $(SETUP)
	tests/guest/corpus build/kernel/$$(cat build/kernel/default) build/corpus

host: $(SETUP)
	$(HOST)

# Of what `make host` built; DESTDIR= and prefix= say where to. No setup: packages are
# built where nothing may be fetched.
install:
	$(HOST) install

install-dkms:
	$(MAKE) --no-print-directory -f guest/install.mk install-dkms

deb: $(SETUP)
	scripts/build-packages

check: modules programs host
	tests/check $(if $(filter-out 0,$(V)),--verbose)

check-all: modules programs host
	tests/check --all $(if $(filter-out 0,$(V)),--verbose)

# All, also when the first has failures: each ends with its own counts.
check-debug: $(DEBUG_KERNELS:%=build/kernel/%/.stamp) programs
	set -e; for kernel in $(DEBUG_KERNELS); do scripts/build-modules $$kernel V=$(V); done
	status=0; for kernel in $(DEBUG_KERNELS); do \
		tests/check --$$kernel $(if $(filter-out 0,$(V)),--verbose) || status=1; \
	done; exit $$status

bench: modules programs
	tests/bench/run

demo: modules programs host
	scripts/demo

lint: $(SETUP)
	scripts/lint

clean:
	rm -rf build/host* build/modules build/guest build/corpus build/check $(DEBUG_KERNELS:%=build/check-%) build/vm build/unit build/bench build/packages*

distclean:
	rm -rf build
