# SPDX-License-Identifier: GPL-2.0-or-later
"""Purges in the table, the report and the targets: rows in, text or HTML out."""
import page
import results

LABEL = {"purge_median": "median", "purge_p99": "99th percentile"}
# guest, overcommit, with long slices?, row, least ratio to a broadcast; one page, every other vCPU busy.
TARGETS = [
    ("kvm", 1, False, "purge_median", 1.0),
    ("kvm", 2, False, "purge_median", 20.0),
    ("kvm", 2, False, "purge_p99", 5.0),
    ("kvm", 2, True, "purge_median", 20.0),
    ("kvm", 2, True, "purge_p99", 5.0),
]


def chosen(rows, name):
    found = results.select(rows, name=name)
    return sorted(found, key=lambda row: (row["guest"], row["overcommit"], row["host_slice_ms"] or 0,
                                             row["busy"], row["against"], row["n"]))


def microseconds(nanoseconds):
    return results.number(nanoseconds / 1000)


def per_cpu(row):
    plural = "s" if row["overcommit"] > 1 else ""
    slices = f", slices of {row['host_slice_ms']} ms" if row["host_slice_ms"] else ""
    return f"{row['overcommit']:g} vCPU{plural} a CPU{slices}"


def situation(row):
    busy = f"{row['busy']} busy" if row["busy"] else "idle"
    return f"{per_cpu(row)}, {busy}"


def cells(row):
    return [results.GUEST[row["guest"]], situation(row), str(row["n"]), row["against"], LABEL[row["name"]],
            microseconds(row["stock"]), microseconds(row["pvmem"]), f"{row['ratio']:.2f}",
            f"{row['middle_spread'] * 100:.0f} %"]


def interrupt_cells(row):
    return [results.GUEST[row["guest"]], situation(row), str(row["n"]), row["against"], f"{row['stock']:.2f}",
            f"{row['pvmem']:.2f}", f"{row['left']:.2f}", f"{row['left_late']:.2f}"]


HEAD = ["guest", "", "pages", "stock", "", "stock, µs", "pvmem, µs", "times", "spread"]
INTERRUPT_HEAD = ["guest", "", "pages", "stock", "interrupts", "pvmem", "left to the host", "of those interrupted"]


def times(rows):
    return [cells(row) for name in LABEL for row in chosen(rows, name)]


def interrupts(rows):
    return [interrupt_cells(row) for row in chosen(rows, "purge_interrupts")]


def text(title, head, lines):
    if not lines:
        return
    print(f"\n{title}\n{'-' * len(title)}")
    widths = [max(len(line[i]) for line in [head] + lines) for i in range(len(head))]
    for line in [head] + lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def table(rows):
    text("How long a purge takes", HEAD, times(rows))
    text("Interrupts for a purge", INTERRUPT_HEAD, interrupts(rows))


def summary(rows):
    for name in LABEL:
        for row in chosen(rows, name):
            if row["guest"] == "kvm" and row["n"] == 1 and row["busy"] and row["against"] == "broadcast":
                what = f"purge, {LABEL[name]}, {per_cpu(row)}"
                print(f"  {what:34}{results.number(row['stock']):>11}{results.number(row['pvmem']):>11}  "
                      f"{'nanoseconds':13}{row['ratio']:5.1f} x")


def section(rows):
    lines = times(rows)
    if not lines:
        return []
    return ([page.heading("Purges"),
             page.paragraph("How long it takes until what was unmapped is gone from every TLB. Stock is a broadcast, "
                            "or vm_unmap_aliases(), in turns in the same boot.")] +
            [page.table(HEAD, lines), page.table(INTERRUPT_HEAD, interrupts(rows))])


def target_row(rows, guest, overcommit, long_slices, name):
    for row in results.select(rows, guest=guest, overcommit=overcommit, name=name, n=1, against="broadcast"):
        if row["busy"] and bool(row["host_slice_ms"]) == long_slices:
            return row
    return None


def targets(rows, line):
    """Each by `line`. None without such rows."""
    outcome = []
    if not results.select(rows, name="purge_median"):
        return outcome
    for guest, overcommit, long_slices, name, want in TARGETS:
        slices = ", long slices" if long_slices else ""
        outcome.append(line(f"{guest}, {LABEL[name]} of a purge, {overcommit} vCPUs a CPU{slices}", want,
                            target_row(rows, guest, overcommit, long_slices, name)))
    return outcome
