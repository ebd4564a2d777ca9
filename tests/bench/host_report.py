# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's part of `make demo` in the table and the report: host.json in, text or HTML out."""
import json
import os

import page

MIB = 1 << 20


def load(results_path):
    """What tests/host/demo left beside the results; None: nothing."""
    try:
        with open(os.path.join(os.path.dirname(results_path), "host.json"), encoding="utf-8") as stream:
            return json.load(stream)
    except (OSError, ValueError):
        return None


def head(host):
    return [row["mode"] if row["mode"] == "off" else f"on, {row['mode']}" for row in host["modes"]]


def saved(row):
    return max(row["available_after"] - row["available_before"], 0)


def lines(host):
    """A list of cells for each: what, and a value for each mode."""
    modes = host["modes"]
    size = host["pages"] * 4096 // MIB
    yield ["from virsh to the guest's kernel"] + [f"{row['follow_s']:.2f} s" for row in modes]
    yield [f"{size} MiB of idle text: pages kept in memory"] + [f"{row['stored_pages']:,}" for row in modes]
    yield ["... pages written to the disk"] + [f"{row['disk_pages']:,}" for row in modes]
    yield ["... memory its compressed pages take"] + [f"{row['pool_bytes'] / MIB:.1f} MiB" for row in modes]
    yield ["... memory that became available"] + [f"{saved(row) / MIB:.0f} MiB" for row in modes]


def audit_words(host):
    audit = host["audit"]
    return (f"the audit from outside: {audit['tables']:,} page tables and {audit['mapped']:,} writable pages in "
            f"{audit['us'] / 1000:,.0f} ms, {audit['findings']} findings")


# --- text

def summary(host):
    if not host:
        return
    print(f"Host: libvirt, memory-compression set with virsh\n{'':46}" + "".join(f"{cell:>14}" for cell in head(host)))
    for line in lines(host):
        print(f"  {line[0]:44}" + "".join(f"{cell:>14}" for cell in line[1:]))
    print("  " + audit_words(host))


# --- the report

INTRODUCTION = """An ordinary user's libvirt started a guest of 192 MiB. Its memory-compression option was set
with <code>virsh metadata</code>; <code>pvmemd</code> saw it and had the guest's kernel follow. Then a program's
text, which nobody used, was reclaimed. Without the option it goes to the swap disk, all of it has to be read from
there when it is used again; with it, it stays in memory, compressed. Available memory is the kernel's MemAvailable and
SwapCached. All counts are the guest's kernel's; every page was read back and compared."""


def section(host):
    if not host:
        return []
    said = audit_words(host)
    return [page.heading("The host: an option of libvirt's, followed by the guest"), page.paragraph(INTRODUCTION),
            page.table([f"{host['compressor']}, in a guest of libvirt's"] + head(host), list(lines(host))),
            page.paragraph(said[0].upper() + said[1:] + ".")]
