# SPDX-License-Identifier: GPL-2.0-or-later
"""zswap in the table, the report and the targets: rows in, text or HTML out."""
import page
import plot
import results

STOCK = ("zsmalloc", "zbud", "z3fold")
COLOUR = {"zbud": "#e69f00", "z3fold": "#cc79a7", "zsmalloc": "#000000", "pvmem": "#0072b2"}
COMPRESSORS = ("lzo", "lz4", "zstd")
DATA = ("text", "binary", "mixed", "spread")
NOT_BUILT = "zpool pvmem not built"

BYTES = [("zswap_bytes_per_page", "bytes of pool for each page in it"),
         ("zswap_bytes_half_freed", "the same, after half of the pages were freed at random and caches dropped"),
         ("zswap_all_bytes_per_page", "the same as the first, with slab, per-CPU and vmalloc memory")]
TIMES = [("zswap_store", "a page on its way to zswap"), ("zswap_load", "a page on its way back")]
FULL = [("limit_hit", "limit hit"), ("written_back", "pages written back"), ("failed_reclaims", "failed reclaims"),
        ("oom_kills", "OOM kills"), ("stored", "pages in zswap at the end")]


def of_zpools(rows, **want):
    """{zpool: value} of what was measured, pvmem among them; and a row of it."""
    found = {against: results.first(rows, against=against, **want) for against in STOCK}
    found = {against: row for against, row in found.items() if row}
    values = {against: row["stock"] for against, row in found.items()}
    row = next(iter(found.values()), None)
    if row and row["pvmem"] is not None:
        values["pvmem"] = row["pvmem"]
    return values, row


def cases(rows, name, guest, unit):
    """(data, compressor) in their order."""
    found = {(row["data"], row["compressor"]) for row in results.select(rows, name=name, guest=guest, unit=unit)}
    return sorted(found, key=lambda case: (COMPRESSORS.index(case[1]), DATA.index(case[0])))


def lines(rows, name, guest, unit):
    """A list of cells for each case: what, each zpool, the least possible, stock zsmalloc / pvmem."""
    for data, compressor in cases(rows, name, guest, unit):
        values, row = of_zpools(rows, name=name, guest=guest, unit=unit, data=data, compressor=compressor)
        ratio = values["zsmalloc"] / values["pvmem"] if values.get("pvmem") and values.get("zsmalloc") else None
        yield ([f"{data}, {compressor}"] + [results.number(values.get(zpool)) for zpool in (*STOCK, "pvmem")] +
               [results.number(row.get("compressed")), "-" if ratio is None else f"{ratio:.3f}"])


def blocks():
    """(title, name, guest, unit) of every table."""
    for guest in results.GUEST:
        for name, what in BYTES:
            yield f"{results.GUEST[guest]}: {what}", name, guest, "bytes"
        for unit in ("instructions", "cycles"):
            for name, what in TIMES:
                yield f"{results.GUEST[guest]}: {unit}, {what}", name, guest, unit


def full_lines(rows, guest):
    for name, what in FULL:
        values, _ = of_zpools(rows, name="zswap_full_" + name, guest=guest)
        if values:
            yield [what] + [results.number(values.get(zpool)) for zpool in (*STOCK, "pvmem")]


# --- text

def print_table(title, head, body):
    if not body:
        return
    print(f"\n{title}\n{'-' * len(title)}")
    for line in [head] + body:
        print(f"{line[0]:>26}" + "".join(f"{cell:>11}" for cell in line[1:]))


def table(rows):
    head = ["", *STOCK, "pvmem", "least", "ratio"]
    for title, name, guest, unit in blocks():
        print_table("zswap: " + title, head, list(lines(rows, name, guest, unit)))
    for guest in results.GUEST:
        print_table(f"zswap: {results.GUEST[guest]}: a full pool (5 % of memory)", ["", *STOCK, "pvmem"],
                    list(full_lines(rows, guest)))


SUMMARY = [("a page of text in zswap (zstd)", "zswap_bytes_per_page", "bytes", "text", "zstd"),
           ("a page of binaries (zstd)", "zswap_bytes_per_page", "bytes", "binary", "zstd"),
           ("reclaim a page into zswap (lzo)", "zswap_store", "instructions", "text", "lzo"),
           ("fault it back", "zswap_load", "instructions", "text", "lzo"),
           ("a full pool: pages written back", "zswap_full_written_back", "pages", "mixed", "lzo"),
           ("a full pool: failed reclaims", "zswap_full_failed_reclaims", "pages", "mixed", "lzo")]


def summary(rows):
    for guest in results.GUEST:
        title = f"zswap, {results.GUEST[guest]} (stock is zsmalloc)"
        for what, name, unit, data, compressor in SUMMARY:
            row = results.first(rows, name=name, guest=guest, unit=unit, data=data, compressor=compressor,
                                against="zsmalloc")
            if row is None:
                continue
            if title:
                print(title)
                title = None
            ratio = f"{row['ratio']:5.2f} x" if row["ratio"] and unit != "pages" else ""
            ours = NOT_BUILT if row["pvmem"] is None else f"{results.number(row['pvmem']):>11}  {unit:13}{ratio}"
            print(f"  {what:34}{results.number(row['stock']):>11}{ours if row['pvmem'] is not None else '  ' + ours}")


# --- targets

# zpool, guests' data, the least saving of pool bytes in percent.
SAVINGS = [("zsmalloc", 3.0), ("zbud", 30.0)]
NO_DEARER = [("zswap_store", "instructions"), ("zswap_load", "instructions")]


def verdict(good, what, said):
    print(f"{'not measured' if good is None else 'pass' if good else 'FALLS SHORT':12}  {what}: {said}")
    return good


def saving(row, least, compressor, data):
    what = f"{row['guest']}, zswap, {data}, {compressor}: bytes below {row['against']}"
    if row["pvmem"] is None:
        return verdict(None, what, NOT_BUILT)
    saved = (1 - row["pvmem"] / row["stock"]) * 100
    possible = (1 - row["compressed"] / row["stock"]) * 100
    return verdict(saved >= least, what, f"{saved:.1f} %, wanted at least {least:.0f} % "
                   f"({possible:.1f} % if no byte were wasted)")


def targets(rows):
    outcome = []
    for row in results.select(rows, name="zswap_bytes_per_page"):
        for against, least in SAVINGS:
            if row["against"] == against and row["data"] in ("text", "binary"):
                outcome.append(saving(row, least, row["compressor"], row["data"]))
            elif row["against"] == against == "zsmalloc":
                outcome.append(saving(row, 0, row["compressor"], row["data"]))
    for name, unit in NO_DEARER:
        for row in results.select(rows, name=name, unit=unit, against="zsmalloc"):
            what = f"{row['guest']}, {name}, {row['data']}, {row['compressor']}, {unit}: at most zsmalloc's"
            ratio = row["ratio"]
            outcome.append(verdict(None if ratio is None else ratio >= 1, what,
                                   NOT_BUILT if ratio is None else f"{1 / ratio:.3f} of it"))
    for guest in results.GUEST:
        outcome += full_targets(rows, guest)
    return outcome


def full_targets(rows, guest):
    found = {name: of_zpools(rows, name="zswap_full_" + name, guest=guest)[0] for name, _ in FULL}
    if not found["written_back"]:
        return []
    what = f"{guest}, zswap, full pool"
    if "pvmem" not in found["written_back"]:
        return [verdict(None, what, NOT_BUILT)]
    said = ", ".join(f"{results.number(found[name]['pvmem'])} {words} "
                     f"(zsmalloc {results.number(found[name].get('zsmalloc'))})" for name, words in FULL)
    bad = found["failed_reclaims"]["pvmem"] + found["oom_kills"]["pvmem"]
    good = found["written_back"]["pvmem"] > 0 and bad == 0
    return [verdict(good, what, said)]


# --- the report

def density_plots(rows):
    """One for each compressor, from the first guest that was measured: they hardly differ."""
    guest = next((row["guest"] for row in results.select(rows, name="zswap_bytes_per_page")), None)
    found = cases(rows, "zswap_bytes_per_page", guest, "bytes")
    for compressor in COMPRESSORS:
        groups = [data for data, by in found if by == compressor]
        if groups:
            yield density_plot(rows, guest, compressor, groups)


def density_plot(rows, guest, compressor, groups):
    of_case = [of_zpools(rows, name="zswap_bytes_per_page", guest=guest, data=data, compressor=compressor)
               for data in groups]
    series = [(zpool, COLOUR[zpool], [values.get(zpool) for values, _ in of_case])
              for zpool in ("zbud", "z3fold", "zsmalloc", "pvmem") if any(zpool in values for values, _ in of_case)]
    series.append(("compressed data alone", "#bbbbbb", [row.get("compressed") for _, row in of_case]))
    caption = f"{compressor}: bytes of pool for each page of 4,096 ({results.GUEST[guest]})"
    return plot.bars(f"zswap_{compressor}", caption, "bytes", groups, series)


def lost(rows):
    """Rows in which pvmem needs more than zsmalloc."""
    return [row for row in results.select(rows, against="zsmalloc")
            if row["unit"] != "pages" and row["ratio"] is not None and row["ratio"] < 1]


INTRODUCTION = """Real pages were reclaimed into the kernel's own zswap over a swap disk, read back
and compared bit for bit, with each zpool driver in turn. Text is the kernel's headers, binary its
modules and QEMU; mixed also has zero, random and partly random pages; spread is partly random pages
of every compressed size. The least possible is what the compressor left, as the kernel's memory
cgroup counts it."""

FULL_POOL = """With a pool of 5 % of memory and 64 MiB of pages, reclaimed one at a time; all drivers in
one boot. zsmalloc of 6.1 cannot evict. zbud and z3fold free one page for each attempt, after which
zswap refuses pages, and tries no more, until the pool is below 90 % of its limit. pvmem gives back more
than a tenth at once."""


def by_group(groups):
    """Rows of a table: a line for each group's title before its lines."""
    return [line for title, block in groups if block for line in [title, *block]]


def losses(rows):
    if all(row["pvmem"] is None for row in rows):
        return f"<b>{NOT_BUILT}.</b>"
    worse = [f"{results.GUEST[row['guest']]}: {row['name']} ({row['data']}, {row['compressor']}, {row['unit']})"
             for row in lost(rows)]
    return f"pvmem needs more than zsmalloc in {len(worse)} of these cases{': ' if worse else ''}{'; '.join(worse)}."


def section(rows):
    found = [row for row in rows if row["name"].startswith("zswap_")]
    if not found:
        return []
    parts = [page.heading("zswap: compressed pages"), page.paragraph(INTRODUCTION)]
    parts += map(page.figure, density_plots(found))
    parts.append(page.table(["", *STOCK, "pvmem", "least", "zsmalloc / pvmem"], by_group(
        (title, list(lines(found, name, guest, unit))) for title, name, guest, unit in blocks())))
    full = by_group((results.GUEST[guest], list(full_lines(found, guest))) for guest in results.GUEST)
    if full:
        parts += [page.paragraph(FULL_POOL), page.table(["", *STOCK, "pvmem"], full)]
    return parts + [page.paragraph(losses(found))]
