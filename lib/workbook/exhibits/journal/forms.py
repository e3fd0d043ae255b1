"""A table of columns as HTML and LaTeX, and as other programs take it."""

from __future__ import annotations

from typing import Any

from workbook.exhibits.journal import fitting, latex
from workbook.exhibits.journal.cells import Grid, Line
from workbook.inert import html, tex

# A table of more lines runs over pages.
LONG = 45


def body_html(grid: Grid) -> str:
    """Head and body of the table."""
    heads = [
        f'<tr><td class="text"></td>{"".join(_head_html(*head) for head in row)}</tr>' for row in grid.heads
    ]
    lines = "\n".join(_line_html(line, before, grid.columns) for line, before in _pairs(grid))
    return f"<thead>{''.join(heads)}</thead>\n<tbody>\n{lines}\n</tbody>"


def _head_html(text: str, span: int) -> str:
    if not text:
        return f'<td colspan="{span}"></td>'
    kind, scope = ("num span", "colgroup") if span > 1 else ("num", "col")
    return f'<th scope="{scope}" colspan="{span}" class="{kind}">{html(text)}</th>'


def _line_html(line: Line, before: str, columns: int) -> str:
    if line.kind == "panel":
        return f'<tr class="panel"><th scope="rowgroup" colspan="{columns + 1}" class="text">{html(line.cells[0])}</th></tr>'
    kind = ' class="rule"' if _ruled(line, before) else ""
    first = (
        f'<th scope="row" class="text">{html(line.cells[0])}</th>'
        if line.cells[0]
        else '<td class="text"></td>'
    )
    rest = "".join(f'<td class="num">{html(cell)}</td>' for cell in line.cells[1:])
    return f"<tr{kind}>{first}{rest}</tr>"


def table_tex(grid: Grid, caption: str, label: str, notes: list[str]) -> str:
    """LaTeX with booktabs: heads over groups, turned pages (pdflscape), long tables over pages (longtable).

    Columns are as wide as what is in them; where that is more than the page, words are broken and type is smaller.
    """
    over = len(grid.lines) > LONG
    made = _fitted(grid)
    turned = grid.landscape or made.turned
    kinds = zip(made.widths, made.wrapped, ["left", *["right"] * grid.columns], strict=True)
    columns = "".join(
        rf">{{\ragged{'right' if side == 'left' else 'left'}\arraybackslash}}p{{{width:.1f}pt}}"
        if wrapped
        else side[0]
        for width, wrapped, side in kinds
    )
    # Widths are those with this gap: with LaTeX's own, which is wider, a table that fits would stand over the page.
    size = [rf"\{latex.SIZES[made.size]}", rf"\setlength{{\tabcolsep}}{{{fitting.GAP / 2:g}pt}}"]
    heads = [row for head in grid.heads for row in _head_tex(head, made)]
    lines = [row for line, before in _pairs(grid) for row in _line_tex(line, before, grid.columns)]
    told = [rf"\par {{\footnotesize\raggedright {tex(note)}\par}}" for note in notes]
    packages = [
        "booktabs",
        *(["longtable"] if over else []),
        *(["pdflscape"] if turned else []),
        *(["array"] if any(made.wrapped) or any(r"\arraybackslash" in row for row in heads) else []),
    ]
    needs = "".join(rf"\usepackage{{{name}}}" for name in packages)
    start = [f"% {needs}; for Chinese also \\usepackage{{ctex}}, compiled with XeLaTeX"]
    named = [rf"\caption{{{tex(caption)}}}", rf"\label{{tab:{label}}}"]
    if over:
        top = [r"\toprule", *heads, r"\midrule"]
        body = [
            *size,
            rf"\begin{{longtable}}{{{columns}}}",
            *named,
            r"\\",
            *top,
            r"\endfirsthead",
            *top,
            r"\endhead",
            r"\bottomrule",
            r"\endlastfoot",
            *lines,
            r"\end{longtable}",
            *told,
        ]
    else:
        body = [
            r"\begin{table}[htbp]",
            r"\centering",
            *size,
            *named,
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
        ]
        body += [*heads, r"\midrule", *lines, r"\bottomrule", r"\end{tabular}", *told, r"\end{table}"]
    whole = [r"\begin{landscape}", *body, r"\end{landscape}"] if turned else body
    return "\n".join([*start, *whole]) + "\n"


def _fitted(grid: Grid) -> fitting.Fit:
    """Widths of columns; those over which a head stands alone have room for its words."""
    rows = [line.cells for line in grid.lines if line.kind != "panel"]
    heads = [""] * (grid.columns + 1)
    for row in grid.heads:
        at = 1
        for text, span in row:
            if span == 1 and fitting.longest_word(text) > fitting.longest_word(heads[at]):
                heads[at] = text
            at += span
    pages = [page for page in latex.PAGES if page[1] or not grid.landscape]
    made = fitting.fit(heads, rows, [False] * len(heads), pages)
    if made is not None:
        return made
    even = latex.TURNED / len(heads) - fitting.GAP
    return fitting.Fit(0.7, True, [even] * len(heads), [True] * len(heads))


def _head_tex(head: list[tuple[str, int]], made: fitting.Fit) -> list[str]:
    """A line of heads; one that is wider than its columns is broken at its words."""
    cells, rules, at = [], [], 2
    for text, span in head:
        width = sum(made.widths[at - 1 : at - 1 + span]) + fitting.GAP * (span - 1)
        wide = fitting.units(text) * fitting.CHARACTER * made.size > width
        kind = rf">{{\centering\arraybackslash}}b{{{width:.1f}pt}}" if wide else "c"
        cells.append(rf"\multicolumn{{{span}}}{{{kind}}}{{{tex(text)}}}")
        if span > 1:
            rules.append(rf"\cmidrule(lr){{{at}-{at + span - 1}}}")
        at += span
    return [" & ".join(["", *cells]) + r" \\", *(["".join(rules)] if rules else [])]


def _line_tex(line: Line, before: str, columns: int) -> list[str]:
    if line.kind == "panel":
        rule = [r"\midrule"] if before else []
        return [*rule, rf"\multicolumn{{{columns + 1}}}{{l}}{{\textit{{{tex(line.cells[0])}}}}} \\"]
    row = " & ".join(tex(cell) for cell in line.cells) + r" \\"
    row = "{}" + row if row[0] in "[*" else row
    return [r"\midrule", row] if _ruled(line, before) else [row]


def plain(grid: Grid) -> dict[str, Any]:
    """What Word and Excel need beside text: lines of heads with their spans, kinds of lines, formats of numbers."""
    return {
        "heads": [[[text, span] for text, span in row] for row in grid.heads],
        "kinds": [line.kind for line in grid.lines],
        "ruled": [_ruled(line, before) for line, before in _pairs(grid)],
        "values": [line.values or [None] * len(line.cells) for line in grid.lines],
        "formats": [line.formats or [""] * len(line.cells) for line in grid.lines],
        "landscape": grid.landscape,
    }


def _pairs(grid: Grid) -> list[tuple[Line, str]]:
    """Each line with the kind of the one before it."""
    return list(zip(grid.lines, ["", *(line.kind for line in grid.lines[:-1])], strict=True))


def _ruled(line: Line, before: str) -> bool:
    """A rule stands between coefficients and foot, and over a common foot."""
    return line.kind in ("foot", "test") and before in ("under", "coef")
