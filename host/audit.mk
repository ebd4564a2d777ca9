# SPDX-License-Identifier: GPL-2.0-or-later
# Audit and policy, apart from the daemon: their tests, and a program that needs
# neither GLib nor libvirt, so that it runs in a small dom0. Included by host/Makefile.

audit_PKGS := xencontrol xenforeignmemory xenguest
AUDIT_OBJECTS := $(patsubst %.c,$(O)/%.o,$(wildcard host/audit*.c))

# What looks from outside sees host/'s own headers.
tests_CFLAGS += -Ihost

$(O)/audit_guest: $(O)/tests/host/audit_guest.o $(AUDIT_OBJECTS)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg_libs,$(audit_PKGS))

$(O)/test_audit $(O)/test_audit_pv $(O)/test_audit_hostile $(O)/test_audit_kvm: $(O)/test_%: $(O)/tests/host/test_%.o $(O)/tests/host/audit_world.o $(AUDIT_OBJECTS)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg_libs,$(audit_PKGS) cmocka)

$(O)/test_policy: $(O)/tests/host/test_policy.o $(O)/tests/host/policy_sim.o $(O)/host/policy.o
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pkg_libs,cmocka)

$(O)/fuzz_audit: $(O)/tests/host/fuzz_audit.o $(O)/tests/host/audit_world.o $(AUDIT_OBJECTS)
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(call pkg_libs,$(audit_PKGS))
