# SPDX-License-Identifier: GPL-2.0-or-later
"""Graphs for the report, drawn by gnuplot as SVG text."""
import math
import subprocess
import sys

# Okabe and Ito's colours, which colour-blind readers tell apart; and a dash and
# a mark for each, for everybody on paper.
STYLES = {
    "stock vm_map_ram": ("#000000", 1, 7),
    "stock vmap": ("#7f7f7f", 2, 6),
    "pvmem hold": ("#0072b2", 1, 5),
    "pvmem track": ("#009e73", 4, 9),
    "pvmem eager": ("#d55e00", 3, 13),
}
OTHER = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"]

FONT = "Helvetica"
INK = "#333333"
GRID = "#dddddd"
# Two labels nearer than this, as a share of the height, would overlap.
LABEL_GAP = 0.066


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def run(script):
    try:
        done = subprocess.run(["gnuplot"], input=script, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        sys.exit("report: gnuplot is missing: run 'make setup'")
    if done.returncode or "<svg" not in done.stdout:
        sys.exit("report: gnuplot failed:\n" + done.stderr)
    return done.stdout[done.stdout.index("<svg"):]


def frame(name, width, height, right):
    return [
        f'set terminal svg size {width},{height} dynamic enhanced font "{FONT},13" name "{name}" background "#ffffff"',
        f'set border 3 linecolor rgb "{INK}"',
        "set tics nomirror out scale 0.5",
        f'set grid ytics linetype 1 linecolor rgb "{GRID}"',
        "set lmargin 9",
        f"set rmargin {right}",
        "set bmargin 4",
        "unset key",
    ]


def decades(values):
    """A range of a logarithmic axis that holds the values, and its ticks: 1, 2, 5."""
    low, high = min(values), max(values)
    ticks = [digit * 10.0 ** power
             for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1) for digit in (1, 2, 5)]
    bottom = max([tick for tick in ticks if tick <= low] or [low])
    top = min([tick for tick in ticks if tick >= high] or [high])
    return bottom, top, [tick for tick in ticks if bottom <= tick <= top]


def short(value):
    """12k, 1.5M."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def spread_labels(heights):
    """Move labels apart that would overlap; the order stays."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    placed = dict(zip(order, [heights[i] for i in order]))
    for _ in range(50):
        for lower, upper in zip(order, order[1:]):
            lack = LABEL_GAP - (placed[upper] - placed[lower])
            if lack > 1e-6:
                placed[lower] -= lack / 2
                placed[upper] += lack / 2
    return [placed[i] for i in range(len(heights))]


def from_zero(values):
    """The same for an even axis that begins at 0."""
    step = next(digit * 10.0 ** power for power in range(-3, 12) for digit in (1, 2, 5)
                if 6 * digit * 10.0 ** power >= max(values))
    count = math.ceil(max(values) / step)
    return 0.0, count * step, [i * step for i in range(count + 1)]


def lines(name, caption, xlabel, ylabel, series, even=False):
    """`series` is [(label, [(x, y)])]; axes logarithmic but for an `even` y, labels at
    the lines' ends. Returns (caption, SVG)."""
    values = [y for _, points in series for _, y in points]
    bottom, top, ticks = from_zero(values) if even else decades(values)
    height = (lambda y: y / top) if even else (lambda y: math.log(y / bottom) / math.log(top / bottom))
    xs = sorted({x for _, points in series for x, _ in points})
    share = spread_labels([height(points[-1][1]) for _, points in series])
    script = frame(name, 540, 350, right=19)
    script += [
        "set logscale x 2",
        "" if even else "set logscale y 10",
        f"set xrange [{xs[0] * 0.999}:{xs[-1] * 1.001}]",
        f"set yrange [{bottom}:{top}]",
        "set xtics (" + ", ".join(f'"{x}" {x}' for x in xs) + ")",
        "set ytics (" + ", ".join(f'"{short(tick)}" {tick}' for tick in ticks) + ")",
        f"set xlabel {quote(xlabel)} noenhanced",
        f"set ylabel {quote(ylabel)} noenhanced",
    ]
    plots, data = [], []
    for index, (label, points) in enumerate(series):
        colour, dash, mark = STYLES.get(label, (OTHER[index % len(OTHER)], 1, 7))
        script.append(f"set label {quote(label)} at graph 1.02, graph {share[index]:.4f} left noenhanced "
                      f'font "{FONT},12" textcolor rgb "{colour}"')
        plots.append(f"'-' with linespoints linewidth 2 dashtype {dash} pointtype {mark} pointsize 0.6 "
                     f'linecolor rgb "{colour}"')
        data.append("\n".join(f"{x} {y}" for x, y in points) + "\ne")
    return caption, run("\n".join(script + ["plot " + ", ".join(plots)] + data) + "\n")


def bars(name, caption, ylabel, groups, series, mark=None, places=1):
    """`series` is [(label, colour, [a value for each group])]; None leaves a gap.
    `mark` is (value, text) of a line across; values are shown with so many decimal
    places. Returns (caption, SVG)."""
    values = [value for _, _, row in series for value in row if value is not None]
    top = max(values + ([mark[0]] if mark else [])) * 1.15
    script = frame(name, 740, 340, right=14 if mark else 2)
    wide = 0.8 / len(series)
    script += [
        f"set yrange [0:{top}]",
        f"set xrange [-0.6:{len(groups) - 0.4}]",
        "set xtics (" + ", ".join(f"{quote(group)} {i}" for i, group in enumerate(groups)) + ") scale 0 noenhanced",
        f"set ylabel {quote(ylabel)} noenhanced",
        f"set boxwidth {wide * 0.92}",
        "set style fill solid noborder",
        f'set key outside top left horizontal reverse Left samplen 1.5 noenhanced font "{FONT},12" textcolor rgb "{INK}"',
    ]
    if mark:
        script.append(f"set arrow from graph 0, first {mark[0]} to graph 1, first {mark[0]} nohead front "
                      f'linewidth 1.5 dashtype 2 linecolor rgb "{INK}"')
        script.append(f"set label {quote(mark[1])} at graph 1.01, first {mark[0]} left front noenhanced "
                      f'font "{FONT},11" textcolor rgb "{INK}"')
    plots, data = [], []
    for index, (label, colour, row) in enumerate(series):
        at = (index - (len(series) - 1) / 2) * wide
        plots.append(f"'-' with boxes linecolor rgb \"{colour}\" title {quote(label)}")
        data.append("\n".join(f"{i + at:.4f} {value}" for i, value in enumerate(row) if value is not None) + "\ne")
        for i, value in enumerate(row):
            if value is not None:
                script.append(f"set label {quote(format_bar(value, places))} at first {i + at:.4f}, "
                              f"first {value + top * 0.025} center front noenhanced "
                              f'font "{FONT},10" textcolor rgb "{INK}"')
    return caption, run("\n".join(script + ["plot " + ", ".join(plots)] + data) + "\n")


def format_bar(value, places):
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.{places}f}" if value >= 0.05 or value == 0 else "<0.1"
