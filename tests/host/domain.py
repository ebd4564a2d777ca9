# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest with the agent under an ordinary user's libvirtd, and the daemon beside it."""

import os
import signal
import subprocess

from harness import Console, Failed, Host, within

URI = "https://pvmem.example/domain/1"
LIMIT = 2.0  # seconds from a change (virsh has returned) to the guest's kernel running it

CONFIG = """
[daemon]
drivers=libvirt
report-ms=500
[libvirt]
uri=qemu:///session
"""

DOMAIN = """
<domain type='qemu'>
  <name>g1</name>
  <uuid>7d2b5e0a-5a53-4f0e-9d7c-0a2a2f7d1a01</uuid>
  <memory unit='MiB'>192</memory>
  <vcpu>1</vcpu>
  <metadata>%(metadata)s</metadata>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>%(dir)s/vmlinux</kernel>
    <initrd>%(dir)s/initrd</initrd>
    <cmdline>console=ttyS0 quiet panic=-1</cmdline>
  </os>
  <features><acpi/></features>
  <cpu mode='maximum'><feature policy='disable' name='la57'/></cpu>
  <on_reboot>restart</on_reboot>
  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <serial type='file'><source path='%(dir)s/console.log'/></serial>
    <serial type='pipe'><source path='%(dir)s/shell'/><target port='1'/></serial>
    <channel type='unix'><target type='virtio' name='org.pvmem.agent.0'/></channel>
    <controller type='usb' model='none'/>
    %(devices)s
  </devices>
</domain>
"""

NO_BALLOON = "<memballoon model='none'/>"


class Libvirt(Host):
    """One domain, g1."""

    def __init__(self, directory, config=CONFIG, devices=NO_BALLOON):
        super().__init__(directory, config)
        self.shell = Console(self.path("shell"))
        self.devices = devices

    def define(self, metadata=""):
        with open(self.path("g1.xml"), "w", encoding="utf-8") as file:
            file.write(DOMAIN % {"dir": self.directory, "metadata": metadata, "devices": self.devices})
        self.virsh("define", self.path("g1.xml"))

    def set_metadata(self, element, *scopes):
        """With virsh, as an administrator would."""
        self.virsh("metadata", "g1", "--uri", URI, "--key", "pvmem", "--set", element, *scopes)

    def libvirtd(self):
        """The session's libvirtd."""
        with open(self.path("run/libvirt/libvirtd.pid"), encoding="ascii") as file:
            return int(file.read())

    def guest_value(self, name):
        return self.shell.run(f"cat /sys/module/zswap/parameters/{name}")

    def guest_follows(self, name, value, limit=LIMIT):
        return within(limit, f"the guest's {name} to be {value}", lambda: self.guest_value(name) == value)

    def agent_speaks(self, seconds=20):
        return within(seconds, "the agent", lambda: (self.row("g1") or {}).get("state") == "ok")

    def clean_up(self):
        if self.daemon:
            self.daemon.kill()
        try:
            self.virsh("destroy", "g1", check=False)
            os.kill(self.libvirtd(), signal.SIGTERM)
        except (OSError, Failed, subprocess.SubprocessError):
            pass
