# SPDX-License-Identifier: GPL-2.0-or-later
"""The report's frame: HTML and its style. No content."""
from html import escape

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.55 system-ui, "Helvetica Neue", Helvetica, Arial, sans-serif; color: #222; background: #fff;
       margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 62rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.3rem; margin: 3rem 0 .5rem; }
p, ul { max-width: 46rem; }
.lead { font-size: 1.1rem; color: #444; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .9rem .35rem 0; text-align: right; border-bottom: 1px solid #e4e4e4; }
th { font-weight: 600; border-bottom: 2px solid #999; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
tr.group td { font-weight: 600; padding-top: 1.1rem; border-bottom-color: #999; }
td.good { color: #00634a; font-weight: 700; }
td.bad { color: #a63a00; font-weight: 700; }
td.dim, .dim { color: #666; }
figure { margin: 1rem 0; }
figure svg { width: 100%; height: auto; max-width: 46rem; display: block; }
figcaption { font-weight: 600; font-size: .95rem; margin-bottom: .4rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: .5rem 1.5rem; }
.pair figure { margin: .5rem 0; }
.pair figure svg { max-width: 32rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.5rem; }
dt { color: #666; } dd { margin: 0; }
code { font: .92em ui-monospace, "DejaVu Sans Mono", monospace; }
"""


def paragraph(text, kind=None):
    """`text` is HTML."""
    return f'<p class="{kind}">{text}</p>' if kind else f"<p>{text}</p>"


def heading(text):
    return f"<h2>{escape(text)}</h2>"


def figure(drawn):
    """`drawn` is (caption, SVG)."""
    caption, svg = drawn
    return f"<figure><figcaption>{escape(caption)}</figcaption>{svg}</figure>"


def pair(*drawn):
    return '<div class="pair">' + "".join(map(figure, drawn)) + "</div>"


def bullets(items):
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"


def table(head, rows):
    """A row is a list of cells, a cell text or (text, class); a row that is text is a group."""
    out = ["<table><thead><tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr></thead><tbody>"]
    for row in rows:
        if isinstance(row, str):
            out.append(f'<tr class="group"><td colspan="{len(head)}">{escape(row)}</td></tr>')
            continue
        out.append("<tr>" + "".join(cell_html(cell) for cell in row) + "</tr>")
    return "".join(out) + "</tbody></table>"


def cell_html(cell):
    text, kind = cell if isinstance(cell, tuple) else (cell, None)
    return f'<td class="{kind}">{escape(text)}</td>' if kind else f"<td>{escape(text)}</td>"


def definitions(pairs):
    return "<dl>" + "".join(f"<dt>{escape(key)}</dt><dd>{escape(str(value))}</dd>" for key, value in pairs) + "</dl>"


def document(title, parts):
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style></head><body>\n" + "\n".join(parts) +
            "\n</body></html>\n")
