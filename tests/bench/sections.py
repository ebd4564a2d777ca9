# SPDX-License-Identifier: GPL-2.0-or-later
"""What the report says: a function a section, rows in, HTML parts out. Every
figure in the text comes from the rows. A section without data is empty."""
import page
import plot
import results

POLICIES = ("hold", "track", "eager")
CLOCK = {"instructions": "instructions", "cycles": "wall-clock cycles"}
MAPS = {"name": "vmap", "against": "vm_map_ram"}


def times(ratio):
    return "-" if ratio is None else f"{ratio:.1f}"


def row_of(rows, guest, unit, n, **more):
    want = {"name": "vmap", "against": "vm_map_ram", "threads": 1, "policy": results.default_policy(guest)} | more
    return results.first(rows, guest=guest, unit=unit, n=n, **want)


def guests(rows):
    present = {row["guest"] for row in rows}
    return [guest for guest in ("xen-pv", "xen-domu", "bare", "kvm") if guest in present]


# --- the summary

SUMMARY = [
    ("Map, touch and unmap 1 page", {"n": 1}),
    ("… 16 pages", {"n": 16}),
    ("… 64 pages", {"n": 64}),
    ("… 512 pages", {"n": 512}),
    ("… a file system's mix of sizes", {"n": None, "name": "vmap_fs_mix"}),
]


def ratio_cell(ratio):
    if ratio is None:
        return "-"
    return (f"{ratio:.1f} ×", "good" if ratio >= 1.05 else "bad" if ratio < 0.95 else "dim")


def summary_line(rows, guest, unit, threads, label, want):
    want = dict(want)
    row = row_of(rows, guest, unit, want.pop("n"), threads=threads, **want)
    if row is None:
        return None
    return [label, results.number(row["stock"]), results.number(row["pvmem"]), ratio_cell(row["ratio"]),
            (f"{row['middle_spread'] * 100:.0f} %", "dim")]


def summary_rows(rows):
    out = []
    for guest in guests(rows):
        for unit, threads in (("instructions", 1), ("instructions", 2), ("cycles", 1), ("cycles", 2)):
            found = [summary_line(rows, guest, unit, threads, *line) for line in SUMMARY]
            found = [line for line in found if line]
            if found:
                who = ", 1 thread" if threads == 1 else ", 2 threads at once"
                out.append(f"{results.GUEST[guest]}: {CLOCK[unit]}{who}")
                out += found
    row = results.first(rows, name="ptpool_fill", guest="xen-pv", unit="cycles", n=32)
    if row:
        out.append("Xen PV (dom0): wall-clock cycles, 2 CPUs")
        out.append(["Prepare a page-table page, 32 at a time", results.number(row["stock"]),
                    results.number(row["pvmem"]), ratio_cell(row["ratio"]), (f"{row['middle_spread'] * 100:.0f} %", "dim")])
    return out


def summary(rows):
    lines = summary_rows(rows)
    if not lines:
        return []
    return [
        page.paragraph("Kernel code often maps a few pages, uses them and unmaps them again. Under Xen's "
                       "paravirtualisation each of those steps asks the hypervisor. pvmem asks for many at a time. "
                       "The stock kernel and pvmem ran in the same boot, turn by turn; less is better, and the last "
                       "column but one says how many times less pvmem needs."),
        page.table(["", "stock kernel", "pvmem", "times better", "spread"], lines),
        page.paragraph("Stock is <code>vm_map_ram()</code>, the kernel's fast way for short-lived maps; pvmem runs "
                       "with the policy it chooses by itself (hold on Xen, track elsewhere). Instructions are exact "
                       "counts, the hypervisor's included; cycles are wall-clock time. Medians; spread is how far "
                       "apart the middle half of the runs lies, in percent of the median: figures with a large one "
                       "say little.", "dim"),
    ]


# --- cost against n

def curve(rows, guest, unit, threads, label, field, **want):
    chosen = results.select(rows, name="vmap", guest=guest, unit=unit, threads=threads, **want)
    points = sorted((row["n"], row[field]) for row in chosen if row[field])
    return (label, points) if len(points) > 1 else None


def cost_plot(rows, guest, unit, threads):
    policies = [policy for policy in POLICIES if results.select(rows, guest=guest, unit=unit, threads=threads,
                                                                policy=policy, **MAPS)]
    if not policies:
        return None
    usual = results.default_policy(guest)
    against = usual if usual in policies else policies[0]
    curves = [curve(rows, guest, unit, threads, "stock " + way, "stock", policy=against, against=way)
              for way in ("vm_map_ram", "vmap")]
    curves += [curve(rows, guest, unit, threads, "pvmem " + policy, "pvmem", policy=policy, against="vm_map_ram")
               for policy in policies]
    curves = [(label, [(n, cost / n) for n, cost in points]) for label, points in filter(None, curves)]
    if len(curves) < 2:
        return None
    who = ", 2 threads" if threads == 2 else ", 1 thread"
    return plot.lines(f"{guest.replace('-', '_')}_{unit}_{threads}", f"{results.GUEST[guest]}: {CLOCK[unit]} per page{who}",
                      "pages in one operation", CLOCK[unit] + " per page", curves)


def ratio_words(rows, guest, unit, threads=1):
    found = [row for row in results.select(rows, guest=guest, unit=unit, threads=threads,
                                           policy=results.default_policy(guest), **MAPS) if row["ratio"]]
    if not found:
        return None
    low, high = min(found, key=lambda row: row["ratio"]), max(found, key=lambda row: row["ratio"])
    return (f"between {times(low['ratio'])} (n = {low['n']}) and {times(high['ratio'])} (n = {high['n']}) times "
            "the stock kernel's speed")


def policy_words(rows, guest, unit):
    """What each policy costs beside `track`, at n = 16."""
    base = row_of(rows, guest, unit, 16, policy="track")
    said = []
    for policy in ("hold", "eager"):
        row = row_of(rows, guest, unit, 16, policy=policy)
        if row and base:
            change = (row["pvmem"] / base["pvmem"] - 1) * 100
            said.append(f"<i>{policy}</i> {abs(change):.0f} % {'more' if change >= 0 else 'less'}")
    return f" At 16 pages {' and '.join(said)} than <i>track</i>." if said else ""


def cost(rows, guest):
    shown = [drawn for drawn in (cost_plot(rows, guest, unit, threads)
                                 for threads in (1, 2) for unit in ("instructions", "cycles")) if drawn]
    if not shown:
        return []
    said = []
    for unit, threads, lead in (("instructions", 1, "Counted in instructions, pvmem runs at"),
                                ("instructions", 2, "with both CPUs mapping at once (and both CPUs' instructions "
                                                    "counted), at"),
                                ("cycles", 1, "In wall-clock time on 2 CPUs, one of them mapping, at"),
                                ("cycles", 2, "and with both mapping at once, at")):
        words = ratio_words(rows, guest, unit, threads)
        if words:
            said.append(f"{lead} {words}")
    unit = "instructions" if row_of(rows, guest, "instructions", 16, policy="track") else "cycles"
    more = policy_words(rows, guest, unit)
    if guest.startswith("xen"):
        more += (" The stock kernel sets each PTE by a hypercall of its own and clears it by a store that traps into "
                 "Xen, so a page costs it nearly the same however many are mapped at once. pvmem sets a map's PTEs by "
                 "one hypercall and clears whole page tables later. Above 128 pages a map has page tables of its own, "
                 "which are filled before Xen sees them.")
    else:
        more += (" Without a hypervisor in the way a PTE is an ordinary store on both sides; what pvmem saves here is "
                 "bookkeeping.")
    figures = page.pair(*shown)
    return [page.heading(f"{results.GUEST[guest]}: what a page costs"), figures,
            page.paragraph("; ".join(said) + "." + more)]


# --- ratios

RATIO_SERIES = [
    ("xen-pv", "instructions", "Xen PV, instructions", "#0072b2"),
    ("xen-pv", "cycles", "Xen PV, cycles", "#56b4e9"),
    ("xen-domu", "cycles", "Xen PV domU, cycles", "#009e73"),
    ("bare", "instructions", "bare, instructions", "#d55e00"),
    ("bare", "cycles", "bare, cycles", "#e69f00"),
    ("kvm", "cycles", "KVM, cycles", "#cc79a7"),
]


def ratios(rows):
    sizes = sorted({row["n"] for row in results.select(rows, **MAPS)})
    series = []
    for guest, unit, label, colour in RATIO_SERIES:
        found = [row_of(rows, guest, unit, n) for n in sizes]
        if any(found):
            series.append((label, colour, [row["ratio"] if row else None for row in found]))
    if not series or not sizes:
        return []
    drawn = plot.bars("ratios", "How many times less pvmem needs (1 thread, default policy)", "stock / pvmem",
                    [f"n = {n}" for n in sizes], series, mark=(1, "no difference"))
    return [page.heading("How many times better"), page.figure(drawn),
            page.paragraph("A bar below the dashed line is a case where pvmem loses. Instructions and cycles differ "
                           "because a TLB flush is hardly any instructions but much time. QEMU's emulated CPU "
                           "exaggerates that: after a flush it has to find and link its translated code again, which "
                           "real hardware does not. Trust instructions for the work saved, and cycles only for their "
                           "direction.")]


# --- events

def events(rows):
    lines = []
    for guest in guests(rows):
        for unit in ("hypercalls", "flushes"):
            for n in (1, 64, 512):
                row = row_of(rows, guest, unit, n)
                if row and (row["stock"] or row["pvmem"]):
                    lines.append([f"{results.GUEST[guest]}, n = {n}: {unit}"] +
                                 [results.number(row[side] * 1000 / n) for side in ("stock", "pvmem")])
    if not lines:
        return []
    return [page.heading("Hypercalls and TLB flushes"), page.table(["for 1,000 pages mapped and unmapped", "stock kernel", "pvmem"], lines),
            page.paragraph("The stock kernel has no counter of hypercalls; its trace events were counted instead "
                           "(every flush of the multicall buffer, and every PTE set outside of one), less what "
                           "counting makes by itself. To these come its trapped stores, one for each PTE it clears: "
                           "they are no hypercalls, enter Xen all the same, and nothing counts them. Flushes are "
                           "kernel-wide ones: the stock kernel's as interrupts to the other CPU, less those of an "
                           "idle loop; pvmem's as it counts them. Flushes that Xen makes by itself when a page "
                           "changes type are in neither figure.")]


# --- the pool

def pool(rows):
    chosen = {unit: sorted(results.select(rows, name="ptpool_fill", guest="xen-pv", unit=unit), key=lambda r: r["n"])
              for unit in ("cycles", "instructions")}
    if not chosen["cycles"]:
        return []
    shown = []
    for unit, found in chosen.items():
        curves = []
        for name, label in (("ptpool_fill", "prepare"), ("ptpool_drain", "give back")):
            points = sorted((row["n"], row["pvmem"]) for row in
                            results.select(rows, name=name, guest="xen-pv", unit=unit))
            if len(points) > 1:
                curves.append((label, points))
        if curves:
            shown.append(plot.lines(f"pool_{unit}", f"A page-table page on Xen PV: {CLOCK[unit]}",
                                    "pages in one batch", CLOCK[unit] + " per page", curves, even=True))
    flushes = flush_plot(rows)
    parts = [page.heading("Page-table pages, prepared ahead of time"), page.pair(*shown)]
    if flushes:
        parts.append(page.figure(flushes))
    return parts + [page.paragraph(pool_words(chosen["cycles"], chosen["instructions"]))]


def flush_plot(rows):
    found = sorted(results.select(rows, name="ptpool_both", guest="xen-pv", unit="tlb_flushes"),
                   key=lambda row: row["n"])
    if len(found) < 2:
        return None
    return plot.bars("pool_flushes", "TLB flushes of all CPUs for 1,000 pages prepared and given back",
                     "flushes per 1,000 pages", [f"{row['n']} at a time" for row in found],
                     [("counted by the emulator", "#0072b2", [row["pvmem"] * 1000 for row in found])])


def pool_words(cycles, instructions):
    said = ["On Xen a page must be made read-only everywhere and pinned before it can be a page table. Every change "
            "of type makes Xen flush TLBs, but in a batch only the first page's does. One at a time (batch 1) is what "
            "the stock kernel does."]
    at32 = next((row for row in cycles if row["n"] == 32), None)
    if at32:
        said.append(f"In batches of 32 a page costs {results.number(at32['pvmem'])} cycles instead of "
                    f"{results.number(at32['stock'])}: {times(at32['ratio'])} times better.")
    gain = next((row["n"] for row in cycles if row["n"] > 1 and row["ratio"] and row["ratio"] > 1), None)
    if gain:
        said.append(f"The smallest batch measured that is cheaper than one at a time is {gain}.")
    at32 = next((row for row in instructions if row["n"] == 32), None)
    if at32:
        said.append(f"In instructions the gain is {times(at32['ratio'])} times only: Xen checks all 512 entries of "
                    "every page, batch or not. A page that comes back empty is kept pinned and costs no hypercall at "
                    "all, which these figures do not show.")
    return " ".join(said)


# --- memory

def memory(rows):
    guest = next((guest for guest in guests(rows) if results.select(rows, guest=guest, name="memory")), None)
    if guest is None:
        return []
    found = results.select(rows, guest=guest, name="memory")
    sizes = sorted({row["n"] for row in found})
    series = []
    for label, colour, field, against in (("stock vm_map_ram", "#000000", "stock", "vm_map_ram"),
                                          ("stock vmap", "#7f7f7f", "stock", "vmap"),
                                          ("pvmem", "#0072b2", "pvmem", "vm_map_ram")):
        by_n = {row["n"]: row[field] for row in found if row["against"] == against}
        series.append((label, colour, [by_n.get(n) for n in sizes]))
    drawn = plot.bars("memory", "Memory for bookkeeping, beside page tables", "bytes per mapped page",
                    [f"n = {n}" for n in sizes], series)
    everything = results.first(rows, guest=guest, name="memory_all", n=1)
    fixed = found[0].get("pvmem_fixed_bytes")
    said = "Many maps of n pages were made and kept. "
    if everything:
        said += (f"With page tables, one-page maps took {results.number(everything['stock'])} bytes a page from the "
                 f"stock kernel's vm_map_ram and {results.number(everything['pvmem'])} from pvmem. ")
    if fixed:
        said += (f"pvmem's share includes what it takes at load, {fixed / 1024:,.0f} KiB: a count for every page of "
                 "memory and its first 32 MiB of address space. ")
    said += ("pvmem remembers each mapped page, to release it after the flush and to answer whether it has an alias; "
             "vm_map_ram remembers nothing. That is a price pvmem pays and the stock kernel does not.")
    return [page.heading("Memory"), page.figure(drawn), page.paragraph(said)]


# --- where it loses, how it was measured

def is_loss(row):
    """Slower than the stock kernel with the default policy, or with the takeover."""
    if row["ratio"] is None or row["ratio"] >= 1:
        return False
    if row["name"] in results.PROCESS_LABEL:
        return row["against"] == "stock" and row["unit"] in (*CLOCK, "bogo-ops/s")
    return row["unit"] in CLOCK and row["name"].startswith("vmap") and row["policy"] == results.default_policy(row["guest"])


def losses(rows):
    worse = sorted(filter(is_loss, rows), key=lambda row: (row["name"] in results.PROCESS_LABEL, row["guest"], row["unit"],
                                                           row["threads"], row["against"], row["n"] or 10 ** 9))
    said = (f"With its default policy, or with the takeover, pvmem was slower than the stock kernel in the {len(worse)} "
            "cases below. " if worse else "With its default policy pvmem was in no case slower than the stock kernel. ")
    said += "It always takes more memory than vm_map_ram."
    parts = [page.heading("Where pvmem loses"), page.paragraph(said)]
    if worse:
        parts.append(page.table(
            ["guest", "what", "threads", "against", "unit", "times", "spread"],
            [[results.GUEST[row["guest"]], loss_name(row), str(row["threads"]), row["against"], row["unit"],
              (f"{row['ratio']:.2f} ×", "bad"), (f"{row['middle_spread'] * 100:.0f} %", "dim")] for row in worse]))
    return parts


def loss_name(row):
    if row["name"] in results.PROCESS_LABEL:
        return results.PROCESS_LABEL[row["name"]]
    return "a mix of maps" if row["n"] is None else f"maps of n = {row['n']}"


def method(env):
    purge = int(env.get("purge", 0))
    pages = f"every {purge:,} unmapped pages" if purge else "at its own limit"
    quick = " This was a quick run: fewer sizes, policies and repetitions." if env.get("quick") else ""
    return [page.heading("How it was measured"), page.bullets([
        "One operation maps n pages, reads a word of each, and unmaps them. The pages rotate over 16,384, so that no "
        "mapping left over from before is met again. The words are checked: every mapping led to the right page.",
        f"All unmapping is paid for inside the timed region: pvmem purges {pages} on the CPU that is "
        "timed, the stock kernel at its own, and both once more at the end.",
        "Stock and pvmem take turns within one boot; what is shown are medians over the runs." + quick,
        "Instructions: the emulator runs one instruction a nanosecond, so the time-stamp counter counts instructions, "
        "the hypervisor's and the kernel's together, and those of all CPUs: with two threads an operation "
        "costs about twice as many. Cycles: without that, on 2 emulated CPUs, wall-clock time.",
        "The loop and its accesses cost both sides the same and are included.",
        "The emulated CPU (QEMU TCG) makes TLB flushes, interrupts between CPUs and switches into the hypervisor dearer "
        "than hardware does. Wall-clock ratios on hardware will be smaller where flushes dominate.",
        "Two emulated CPUs need two idle ones. A CPU that waits for the other one's answer waits as long as the host "
        "runs something else there: with other load, two-thread figures measure that.",
    ])]


def environment(env):
    names = [("date", "date"), ("commit", "commit"), ("kernel", "kernel"), ("xen", "Xen"), ("qemu", "QEMU (TCG)"),
             ("cpu", "host CPU"), ("cpus", "host CPUs"), ("load_at_start", "host load at start"),
             ("load_at_end", "host load at end"), ("seconds", "seconds taken")]
    return [page.heading("Environment"),
            page.definitions([(label, env[key]) for key, label in names if env.get(key) not in (None, "")])]
