# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs: raw lines of tests/bench/guest/bench-process to results, beside those that
timed runs come to anyway.

pvmem is the takeover. Stock runs were made in the same boot with the takeover disabled;
rows against "untouched" compare with the one run made before anything was loaded.
Policy "stand-in" says that nothing was taken over: both are the stock kernel.

  stress_ng_...   unit bogo-ops/s, stress-ng's own count
  hypercalls, requests, trapped
                  units, by Xen's own trace: its calls about page tables for an operation, the
                  changes they ask for, and stores to page tables that trapped
  tlb_flushes     for an operation, of all CPUs, as the emulator counts them
"""
import re
from collections import defaultdict
from statistics import median


def key(line, unit, against):
    return {"name": line["bench"], "guest": line["guest"], "n": line["n"], "threads": line["threads"],
            "policy": line["policy"], "unit": unit, "against": against}


def by_impl_and_pair(lines):
    """(bench, guest, clock, threads) -> impl -> pair -> line."""
    groups = defaultdict(lambda: defaultdict(dict))
    for line in lines:
        groups[line["bench"], line["guest"], line["clock"], line["threads"]][line["impl"]][line["pair"]] = line
    return groups.values()


def rate_rows(lines, result):
    for by_impl in by_impl_and_pair(line for line in lines if "per_second" in line):
        ours = by_impl["pvmem"]
        for against in set(by_impl) - {"pvmem"}:
            pairs = [(by_impl[against][pair]["per_second"], line["per_second"]) for pair, line in ours.items()
                     if pair in by_impl[against]]
            if not pairs:
                continue
            paired = median(b / a for a, b in pairs) if all(a for a, _ in pairs) else None
            yield result(key(next(iter(ours.values())), "bogo-ops/s", against), [a for a, _ in pairs],
                         [b for _, b in pairs], paired)


def count_rows(lines, result):
    for by_impl in by_impl_and_pair(line for line in lines if "counts" in line):
        for ours, stock in zip(by_impl["pvmem"].values(), by_impl["stock"].values()):
            for unit in ("hypercalls", "requests", "trapped"):
                yield result(key(ours, unit, "stock"), [stock["counts"][unit] / stock["ops"]],
                             [ours["counts"][unit] / ours["ops"]])


def flush_rows(lines, result):
    idle = {line["guest"]: line["flushes"] for line in lines if line["bench"] == "tlb" and not line["pages"]}
    found = defaultdict(dict)  # (guest, name) -> impl -> flushes
    for line in lines:
        work = re.search(r"^(\w+) (stock|pvmem)$", line.get("work", ""))
        if work:
            more = max(line["flushes"] - idle.get(line["guest"], 0), 0)
            found[line["guest"], work.group(1)][work.group(2)] = more / line["pages"]
    for (guest, name), per in found.items():
        line = {"bench": name, "guest": guest, "n": 1, "threads": 1, "policy": None}
        yield result(key(line, "tlb_flushes", "stock"), [per["stock"]], [per["pvmem"]])


def rows(lines, result):
    """`result` makes a row of a key and two lists of values."""
    return [row for make in (rate_rows, count_rows, flush_rows) for row in make(lines, result)]
