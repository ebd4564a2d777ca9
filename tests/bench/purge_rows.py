# SPDX-License-Identifier: GPL-2.0-or-later
"""Purges: raw lines of tests/bench/guest/bench-purge to results.

A run is some hundreds of purges; its percentiles are raw lines, and a row is the
median of them over the runs. n is how many pages were unmapped before each purge.

  purge_median, purge_p99   unit ns
  purge_interrupts          function-call interrupts for a purge, of all CPUs
  overcommit                vCPUs for each CPU of the host
  host_slice_ms             how long the host was told to let a vCPU run; null if it chose
  busy                      how many vCPUs computed meanwhile; the one that purges slept between purges
  left, left_late           of purge_interrupts: vCPUs that pvmem left to the host for a purge, at
                            once and after it had interrupted them

Stock is "broadcast", what flush_tlb_kernel_range() does, with nothing to clear; or
"vm_unmap_aliases" after vm_map_ram() of as many pages.
"""
from collections import defaultdict
from statistics import median

AGAINST = {"broadcast": "broadcast", "vm_map_ram": "vm_unmap_aliases"}


def groups(lines):
    """(guest, overcommit, slice, busy) -> (impl, n) -> lines."""
    found = defaultdict(lambda: defaultdict(list))
    for line in lines:
        if line["bench"] == "purge":
            where = line["guest"], line["vcpus"] / line["cpus"], line["slice"] or None, line["busy"]
            found[where][line["impl"], line["n"]].append(line)
    return found


def per_purge(lines, field):
    return [line[field] / line["ops"] for line in lines]


def pair_rows(where, n, against, stock, ours, result):
    guest, overcommit, host_slice, busy = where
    key = {"guest": guest, "n": n, "threads": 1, "policy": None, "against": against,
           "overcommit": overcommit, "host_slice_ms": host_slice, "busy": busy}
    for name, field in (("purge_median", "median_ns"), ("purge_p99", "p99_ns")):
        paired = median(a[field] / b[field] for a, b in zip(stock, ours))
        yield result({"name": name, "unit": "ns"} | key, [line[field] for line in stock],
                     [line[field] for line in ours], paired)
    yield result({"name": "purge_interrupts", "unit": "interrupts"} | key, per_purge(stock, "interrupts"),
                 per_purge(ours, "interrupts"), left=median(per_purge(ours, "flush_left")),
                 left_late=median(per_purge(ours, "flush_left_late")))


def rows(lines, result):
    """`result` makes a row of a key and two lists of values."""
    out = []
    for where, by_impl in groups(lines).items():
        for (impl, n), ours in by_impl.items():
            if impl != "pvmem":
                continue
            for stock_impl, against in AGAINST.items():
                stock = by_impl.get((stock_impl, n)) or by_impl.get((stock_impl, 1))
                if stock:
                    out += pair_rows(where, n, against, stock, ours, result)
    return out
