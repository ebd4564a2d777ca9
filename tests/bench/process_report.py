# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that know nothing of pvmem, without the takeover and with it, in the table,
the report and the targets: rows in, text or HTML out."""
import page
import plot
import results

# As short as a graph's axis needs.
SHORT = {
    "fork_exit": "fork", "fork_exit_8m": "fork\n8 MiB", "vfork_exec": "vfork,\nexec", "sparse_touch": "sparse\ntouch",
    "sparse_munmap": "sparse\nunmap", "sparse_exit": "sparse,\nexit", "dense_touch": "dense\ntouch", "dense_munmap": "dense\nunmap",
    "random_touch": "random\ntouch", "mmap_munmap_1g": "1 GiB", "erofs_read": "cold\nerofs", "script_storm": "shell\nscripts",
    "build_job": "gcc,\nmake", "stress_ng_fork": "stress-ng\nfork", "stress_ng_vfork": "stress-ng\nvfork",
    "stress_ng_mmap": "stress-ng\nmmap", "stress_ng_fault": "stress-ng\nfault", "stress_ng_vm": "stress-ng\nvm",
}
MICRO = ["fork_exit", "fork_exit_8m", "vfork_exec", "sparse_touch", "sparse_munmap", "sparse_exit", "dense_touch",
         "dense_munmap", "random_touch", "mmap_munmap_1g"]
WORK = [name for name in SHORT if name not in MICRO]
INSTRUCTIONS, WALL, WALL_DOMU = "#0072b2", "#e69f00", "#009e73"
SERIES = [
    ("dom0, instructions", INSTRUCTIONS, "xen-pv", ("instructions",)),
    ("dom0, time on 2 CPUs", WALL, "xen-pv", ("cycles", "bogo-ops/s")),
    ("domU, time on 2 CPUs", WALL_DOMU, "xen-domu", ("cycles", "bogo-ops/s")),
]
# One page table each: what is counted is for page tables.
TABLES = {"sparse_touch": "page tables made by faults", "sparse_munmap": "page tables freed by munmap"}
EACH = {"fork_exit": "processes forked and gone", "fork_exit_8m": "processes of 8 MiB forked and gone",
        "vfork_exec": "programs executed and gone"}
UNIT = {"instructions": "instructions, exact", "cycles": "wall-clock cycles, 2 CPUs",
        "bogo-ops/s": "operations a second; more is better"}


def ratio(rows, guest, units, name):
    """The row of one thread; of what uses both CPUs anyway, the only one."""
    for unit in units:
        found = results.process(rows, guest=guest, unit=unit, name=name)
        if found and found[0]["ratio"]:
            return found[0]["ratio"]
    return None


def ratio_bars(rows, key, caption, names):
    names = [name for name in names if any(ratio(rows, guest, units, name) for _, _, guest, units in SERIES)]
    series = [(label, colour, [ratio(rows, guest, units, name) for name in names]) for label, colour, guest, units in SERIES]
    series = [entry for entry in series if any(entry[2])]
    if not names or not series:
        return []
    return [page.figure(plot.bars(key, caption, "times better", [SHORT[name] for name in names], series,
                                  mark=(1, "no difference"), places=2))]


def cells(row):
    verdict = "-"
    if row["ratio"] is not None:
        verdict = (f"{row['ratio']:.2f} ×", "good" if row["ratio"] >= 1.03 else "bad" if row["ratio"] < 0.97 else "dim")
    return [results.number(row["stock"]), results.number(row["pvmem"]), verdict,
            (f"{row['middle_spread'] * 100:.0f} %", "dim")]


def label(row):
    return results.PROCESS_LABEL[row["name"]] + (", 2 threads" if row["threads"] > 1 and row["name"] in MICRO else "")


def figures(rows):
    lines = []
    for guest in results.GUEST:
        for unit, what in UNIT.items():
            found = results.process(rows, guest=guest, unit=unit)
            if found:
                lines.append(f"{results.GUEST[guest]}: {what}")
                lines += [[label(row)] + cells(row) for row in found]
    return page.table(["one operation", "stock kernel", "with takeover", "times better", "spread"], lines)


def events(rows):
    """Calls into Xen and TLB flushes, for a thousand."""
    lines = []
    for guest in results.GUEST:
        for unit, what in (("hypercalls", "hypercalls"), ("requests", "changes asked for by them"),
                           ("trapped", "stores that trapped"), ("tlb_flushes", "TLB flushes")):
            for name, each in (TABLES | EACH | {"sparse_touch_munmap": "page tables made and freed"}).items():
                row = results.first(rows, guest=guest, unit=unit, name=name, against="stock")
                if row:
                    lines.append([f"{results.GUEST[guest]}: {what} for 1,000 {each}"] +
                                 [results.number(row[side] * 1000) for side in ("stock", "pvmem")])
    if not lines:
        return []
    return [page.heading("What programs ask of Xen"), page.table(["", "stock kernel", "with takeover"], lines),
            page.paragraph("Hypercalls about page tables, the changes they ask for (one call may carry many) and stores to page "
                           "tables that trapped are counted by Xen's own trace, while the work was timed. TLB flushes are "
                           "those of all emulated CPUs, Xen's own included, as the emulator counts them.", "dim")]


def before_anything(rows):
    """How far the stock runs are from a kernel into which nothing was ever loaded."""
    gaps = []
    for row in results.process(rows, unit="instructions"):
        other = results.first(rows, name=row["name"], guest=row["guest"], unit=row["unit"], threads=row["threads"],
                              against="untouched")
        if other and other["stock"]:
            gaps.append((abs(row["stock"] / other["stock"] - 1), row["name"]))
    if not gaps:
        return ""
    gap, name = max(gaps)
    return (f" Measured before anything was loaded, the same took at most {gap * 100:.1f} % more or fewer instructions "
            f"({results.PROCESS_LABEL[name]}).")


def section(rows):
    chosen = results.process(rows)
    if not chosen:
        return []
    lead = ("Nothing here knows of pvmem: ordinary programs on the distribution's kernel, once as it is and once with "
            "<code>pvmem_takeover.ko</code>, which puts the kernel's page tables and short-lived maps on pvmem. Both took turns "
            "in the same boot; the module was loaded and reverted in between." + before_anything(rows))
    if any(row["policy"] == results.STAND_IN for row in chosen):
        lead = ("<b>A run of the harness against itself: nothing was taken over.</b> Both columns are the stock kernel, and "
                "how far a ratio is from 1 is what this bench cannot tell apart." + before_anything(rows))
    parts = [page.heading("Programs, as they are"), page.paragraph(lead)]
    parts += ratio_bars(rows, "programs", "How many times better with the takeover: fork, exec, faults, unmapping", MICRO)
    parts += ratio_bars(rows, "work", "… and real work", WORK)
    return parts + [figures(rows)] + events(rows)


# --- as text

# Unit and name of the programs in it; time with what other programs do meanwhile.
SUMMARY_PROCESS = [
    ("instructions", "sparse_touch"), ("cycles", "sparse_touch"), ("instructions", "sparse_munmap"),
    ("cycles", "sparse_munmap"), ("instructions", "dense_touch"), ("cycles", "fork_exit"), ("cycles", "vfork_exec"),
    ("cycles", "script_storm"), ("bogo-ops/s", "stress_ng_fork"), ("instructions", "erofs_read"),
]


def summary(rows):
    """Programs: ratios as small as these need two places."""
    for guest in results.GUEST:
        found = [row for unit, name in SUMMARY_PROCESS
                 for row in results.process(rows, guest=guest, unit=unit, name=name)[:1] if row["ratio"]]
        if not found:
            continue
        stand_in = any(row["policy"] == results.STAND_IN for row in found)
        print(f"{results.GUEST[guest]}: programs as they are" + (" (nothing taken over: stock twice)" if stand_in else ""))
        for row in found:
            print(f"  {results.PROCESS_LABEL[row['name']]:34}{results.number(row['stock']):>11}"
                  f"{results.number(row['pvmem']):>11}  {row['unit']:13}{row['ratio']:6.2f} x{results.doubt(row)}")


def print_heading(text):
    print(f"\n{text}\n{'-' * len(text)}")


def table_of(rows, guest):
    """Programs, without the takeover and with it."""
    for unit, what in (("instructions", "instructions"), ("cycles", "cycles"), ("bogo-ops/s", "bogo-ops a second: more is better"),
                       ("hypercalls", "hypercalls about page tables"), ("requests", "changes asked for by hypercalls"),
                       ("trapped", "stores to page tables that trapped"), ("tlb_flushes", "TLB flushes as the emulator counts them")):
        chosen = results.process(rows, guest=guest, unit=unit)
        if not chosen:
            continue
        print_heading(f"{results.GUEST[guest]}: programs, {what}")
        print(f"{'':38}threads{'stock':>12}{'takeover':>12}{'ratio':>8}  spread  runs")
        for row in chosen:
            ratio = "-" if row["ratio"] is None else f"{row['ratio']:.2f}"
            print(f"{results.PROCESS_LABEL[row['name']]:38}{row['threads']:7}{results.number(row['stock']):>12}"
                  f"{results.number(row['pvmem']):>12}{ratio:>8}  {row['middle_spread'] * 100:5.1f}%  {row['runs']:4}")
        if any(row["policy"] == results.STAND_IN for row in chosen):
            print("(a stand-in: nothing was taken over, both columns are the stock kernel)")


def table(rows):
    for guest in results.GUEST:
        table_of(rows, guest)


# --- targets

# What was aimed at: guest, unit, name, least ratio.
TARGETS = [
    ("xen-pv", "cycles", "sparse_touch", 3.5),
    ("xen-pv", "instructions", "sparse_touch", 2.6),
    ("xen-pv", "cycles", "sparse_munmap", 1.8),
    ("xen-pv", "instructions", "sparse_munmap", 2.0),
    ("xen-pv", "cycles", "fork_exit", 1.2),
    ("xen-pv", "cycles", "vfork_exec", 1.12),
    ("xen-pv", "bogo-ops/s", "stress_ng_fork", 1.15),
    ("xen-pv", "instructions", "erofs_read", 1.3),
]
# Nothing that programs do may become slower than this.
TARGET_LEAST = 0.97


def targets(rows, line):
    """The targets, and whatever became slower, each by `line`. None without such rows."""
    if not results.process(rows):
        return []
    outcome = []
    for guest, unit, name, want in TARGETS:
        found = results.process(rows, guest=guest, unit=unit, name=name)
        outcome.append(line(f"{guest}, {unit}, {name}", want, found[0] if found else None))
    for row in results.process(rows):
        if row["unit"] in UNIT and row["ratio"] and row["ratio"] < TARGET_LEAST:
            outcome.append(line(f"{row['guest']}, {row['unit']}, {row['name']}, threads: {row['threads']}",
                                TARGET_LEAST, row))
    return outcome
