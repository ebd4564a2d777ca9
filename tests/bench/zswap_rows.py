# SPDX-License-Identifier: GPL-2.0-or-later
"""zswap: raw lines of tests/bench/guest/bench-zswap to results.

  name            zswap_bytes_per_page      the zpool's bytes for each page it holds
                  zswap_bytes_half_freed    the same after half of the pages were freed
                                            at random, and caches dropped: compaction
                  zswap_all_bytes_per_page  with all slab, per-CPU and vmalloc memory
                                            that came with it
                  zswap_store, zswap_load   a page's way out (reclaim, compression) and
                                            back (fault, decompression)
                  zswap_full_...            counts with a pool that is full, all drivers in one boot
  data, compressor  what the pages held, and how it was compressed
  compressed      bytes for each page without any allocator: the least possible
  stock_pages, pvmem_pages   how many pages each held

n is the number of pages, stock the zpool driver in `against`.
"""
from collections import defaultdict

STOCK = ("zsmalloc", "zbud", "z3fold")
UNIT = {"icount": "instructions", "wall": "cycles"}
KEY = ("guest", "clock", "mode", "compressor", "data", "n", "percent")
COUNTS = {"limit_hit": "pool_limit_hit", "written_back": "written_back_pages",
          "failed_reclaims": "reject_reclaim_fail", "oom_kills": "oom_kill"}


class Series:
    """The lines of one swapdata: steps by name, in order."""

    def __init__(self, lines):
        self.steps = defaultdict(list)
        for line in lines:
            self.steps[line["step"]].append(line)

    def per_page(self, step):
        line = self.steps[step][0] if self.steps[step] else None
        return line["cycles"] / line["pages"] if line and line["pages"] else None

    def after(self, step):
        return self.steps[step][-1] if self.steps[step] else None


def held(line):
    """Pages the zpool holds: those of one value never get there."""
    return line["stored_pages"] - line["same_filled_pages"]


def bytes_per_page(line):
    # A few pages that slipped in say nothing about a set that does not compress.
    return line["pool_total_size"] / held(line) if line and held(line) > line["n"] / 100 else None


def all_bytes_per_page(series):
    line, start = series.after("pageout"), series.after("start")
    if not bytes_per_page(line):
        return None
    more = sum(line[field] - start[field] for field in ("SUnreclaim", "Percpu", "VmallocUsed"))
    return (line["pool_total_size"] + more) / held(line)


def half_freed(series):
    return bytes_per_page(series.after("drop"))


def grown(series, field):
    """By how much while pages came, and until evictions were over."""
    first, later = series.steps["start"]
    return later[field] - first[field]


def measures(key):
    """(name, unit, function of a series) of all that this kind of boot shows."""
    _, clock, mode, *_ = key
    if mode == "full":
        yield "zswap_full_stored", "pages", lambda series: series.steps["start"][1]["stored_pages"]
        for name, field in COUNTS.items():
            yield "zswap_full_" + name, "pages", lambda series, field=field: grown(series, field)
        return
    yield "zswap_store", UNIT[clock], lambda series: series.per_page("pageout")
    yield "zswap_load", UNIT[clock], lambda series: series.per_page("verify")
    if clock == "wall":
        yield "zswap_bytes_per_page", "bytes", lambda series: bytes_per_page(series.after("pageout"))
        yield "zswap_bytes_half_freed", "bytes", half_freed
        yield "zswap_all_bytes_per_page", "bytes", all_bytes_per_page


def compressed(by_zpool):
    """Of a pool that took no room for anything else."""
    for all_series in by_zpool.values():
        for series in all_series:
            line = series.after("pageout")
            if held(line) > line["n"] / 100 and line["compressed_bytes"]:
                return round(line["compressed_bytes"] / held(line), 1)
    return None


def pages_held(by_zpool, zpool):
    """Drivers refuse objects of different sizes, so that they hold different sets."""
    return held(by_zpool[zpool][0].after("pageout")) if zpool in by_zpool else None


def grouped(lines):
    """key -> zpool -> list of series, one for each run."""
    runs = defaultdict(list)
    for line in lines:
        if line["bench"] == "zswap":
            runs[tuple(line[field] for field in KEY), line["zpool"], line["pair"]].append(line)
    groups = defaultdict(lambda: defaultdict(list))
    for (key, zpool, _), of_run in runs.items():
        groups[key][zpool].append(Series(of_run))
    return groups


def rows(lines, result):
    """`result` is aggregate's: it makes a row of a key and two lists of values."""
    for key, by_zpool in grouped(lines).items():
        fields = dict(zip(KEY, key))
        for name, unit, value in measures(key):
            values = {zpool: [v for v in map(value, of_zpool) if v is not None] for zpool, of_zpool in by_zpool.items()}
            for against in STOCK:
                if not values.get(against):
                    continue
                where = {"name": name, "guest": fields["guest"], "n": fields["n"], "threads": 1, "policy": None,
                         "unit": unit, "against": against, "data": fields["data"], "compressor": fields["compressor"]}
                more = {}
                if unit == "bytes":
                    more = {"compressed": compressed(by_zpool), "stock_pages": pages_held(by_zpool, against),
                            "pvmem_pages": pages_held(by_zpool, "pvmem")}
                yield result(where, values[against], values.get("pvmem"), **more)
