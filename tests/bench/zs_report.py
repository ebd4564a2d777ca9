# SPDX-License-Identifier: GPL-2.0-or-later
"""Compressed objects in the table, the report and the targets: rows in, text or
HTML out. An object across two pages is reached in one of three ways: copied to a
buffer, mapped as a pair of pages, or copied straight from its two pieces."""
import page
import results

WAYS = ("copy", "pair", "pieces")
UNITS = ("instructions", "cycles", "bytes")
WHERE = {None: "", 0: ", in a page", 1: ", across"}
MODE = {"ro": "read", "wo": "write"}
HEAD = ["", "zsmalloc", *WAYS, "times"]
# What rows are in, of those that do not depend on the way.
NAME = {"zs_malloc_free": "make and free", "zs_parallel_free": "free one by one", "zs_free_bulk": "free 256 at once",
        "zs_expand": "expand a page", "zs_bytes_grown": "a pool that only grew",
        "zs_bytes_churned": "the same, all replaced twice"}
# Nothing may cost more instructions than zsmalloc; threads that free at once are so many times as fast.
NO_DEARER = ("zs_malloc_free", "zs_map")
PARALLEL_FREE = 1.5


def label(row):
    size = "a mix" if row["n"] is None else f"{row['n']} bytes"
    if row["name"] == "zs_map":
        return f"{MODE[row['mode']]} {size}{WHERE[row['across']]}"
    threads = f", {row['threads']} threads" if row["threads"] > 1 else ""
    return f"{NAME[row['name']]}{', ' + size if row['name'] == 'zs_malloc_free' else ''}{threads}"


def lines(rows, guest, unit):
    """A list of cells for each thing measured: what, zsmalloc, pvmem each way, zsmalloc / pvmem's default."""
    found = {}
    for row in results.select(rows, guest=guest, unit=unit, against="zsmalloc"):
        if row["name"].startswith("zs_"):
            found.setdefault(label(row), {})[row["policy"]] = row
    for what, by_way in found.items():
        first = by_way.get("copy") or next(iter(by_way.values()))
        ours = [by_way[way]["pvmem"] if way in by_way else None for way in WAYS]
        if None in by_way:
            ours[0] = first["pvmem"]
        yield ([what, results.number(first["stock"])] + [results.number(value) for value in ours] +
               ["-" if first["ratio"] is None else f"{first['ratio']:.2f}"])


def blocks(rows):
    """(title, lines) of every guest and unit."""
    for guest in results.GUEST:
        for unit in UNITS:
            found = list(lines(rows, guest, unit))
            if found:
                yield f"{results.GUEST[guest]}: compressed objects, {unit}", found


def table(rows):
    for title, found in blocks(rows):
        print(f"\n{title}\n{'-' * len(title)}")
        for line in [HEAD] + found:
            print(f"{line[0]:>30}" + "".join(f"{cell:>10}" for cell in line[1:]))


INTRODUCTION = """The allocator itself, against the kernel's zsmalloc in the same boot. Objects are made and freed,
copied out and in, and expanded with LZO; the columns say how pvmem reached an object that lies across two pages:
copied to a buffer, mapped as a pair of pages, or copied straight from its two pieces, from the end of the page it
expands to. The last column compares zsmalloc with the first of these."""


def section(rows):
    found = [line for title, block in blocks(rows) for line in [title, *block]]
    if not found:
        return []
    return [page.heading("Compressed objects"), page.paragraph(INTRODUCTION), page.table(HEAD, found)]


def targets(rows, line):
    """Each by `line`."""
    outcome = []
    for row in results.select(rows, unit="instructions", policy="copy", against="zsmalloc"):
        if row["name"] in NO_DEARER:
            outcome.append(line(f"{row['guest']}, compressed objects, {label(row)}, instructions", 1.0, row))
    for row in results.select(rows, name="zs_parallel_free", unit="cycles", policy="copy", threads=2):
        outcome.append(line(f"{row['guest']}, compressed objects, {label(row)}, cycles", PARALLEL_FREE, row))
    return outcome
