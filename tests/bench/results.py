# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading results.json: what table, check-targets and report share."""
import json
import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEFAULT = os.path.join(TOP, "build", "bench", "results.json")

GUEST = {"bare": "no hypervisor", "xen-pv": "Xen PV (dom0)", "xen-domu": "Xen PV (domU)", "kvm": "KVM"}

# Of the bench "process": name, and one operation of it.
PROCESS = [
    ("fork_exit", "fork, exit and wait"),
    ("fork_exit_8m", "the same with 8 MiB in use"),
    ("vfork_exec", "vfork, exec, exit and wait"),
    ("sparse_touch", "touch a page, new page table"),
    ("sparse_munmap", "unmap a page and its page table"),
    ("sparse_exit", "touch sparsely, then exit"),
    ("dense_touch", "touch the next page"),
    ("dense_munmap", "unmap the next page"),
    ("random_touch", "touch a page anywhere in 1 GiB"),
    ("mmap_munmap_1g", "map 1 GiB, touch sparsely, unmap"),
    ("erofs_read", "read a page from cold erofs, LZ4"),
    ("script_storm", "a storm of shell scripts"),
    ("build_job", "compile a small C project"),
    ("stress_ng_fork", "stress-ng --fork"),
    ("stress_ng_vfork", "stress-ng --vfork"),
    ("stress_ng_mmap", "stress-ng --mmap"),
    ("stress_ng_fault", "stress-ng --fault"),
    ("stress_ng_vm", "stress-ng --vm"),
]
PROCESS_LABEL = dict(PROCESS)
# Said by the policy of rows for which nothing was taken over.
STAND_IN = "stand-in"


def load(path=DEFAULT):
    try:
        with open(path, encoding="utf-8") as stream:
            return json.load(stream)
    except OSError as error:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {error.strerror}: {path}; run 'make bench' first")


def environment(path=DEFAULT):
    try:
        with open(os.path.join(os.path.dirname(path), "environment.json"), encoding="utf-8") as stream:
            return json.load(stream)
    except OSError:
        return {}


def select(rows, **want):
    """Rows whose fields are as wanted."""
    return [row for row in rows if all(row.get(key) == value for key, value in want.items())]


def process(rows, **want):
    """Rows of programs, in PROCESS's order; those with the takeover disabled are stock
    unless `against` says otherwise."""
    order = list(PROCESS_LABEL)
    chosen = [row for row in select(rows, **{"against": "stock"} | want) if row["name"] in PROCESS_LABEL]
    return sorted(chosen, key=lambda row: (row["threads"], order.index(row["name"])))


def first(rows, **want):
    found = select(rows, **want)
    return found[0] if found else None


def default_policy(guest):
    """What pvmem chooses by itself there."""
    return "hold" if guest.startswith("xen") else "track"


# Above this the middle half of the runs lies so far apart that a figure says little.
UNSURE = 0.5


def doubt(row):
    """What is to be said behind a row's ratio, if its runs do not agree."""
    if row["middle_spread"] > UNSURE:
        return "  (runs differ a lot)"
    if 1 / (1 + row["middle_spread"]) < row["ratio"] < 1 + row["middle_spread"]:
        return "  (less than runs differ)"
    return ""


def number(value):
    """Three or four figures."""
    if value is None:
        return "-"
    if value and abs(value) < 0.0005:
        return "<0.001"
    if abs(value) >= 1e6:
        return f"{value / 1e6:,.1f} M"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def command_line(doc):
    """The one argument all the tools take: results.json, or nothing."""
    if len(sys.argv) > 2 or (len(sys.argv) == 2 and sys.argv[1].startswith("-")):
        sys.exit(doc)
    return sys.argv[1] if len(sys.argv) == 2 else DEFAULT
