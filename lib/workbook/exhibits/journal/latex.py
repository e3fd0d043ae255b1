"""A table as LaTeX that stays on the paper: wrapped columns, numbers aligned at their points, long ones over pages."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbook.exhibits.journal import fitting
from workbook.inert import tex

# Text of a page of `article` and `ctexart`, upright and turned, in points; the narrower of the two.
UPRIGHT, TURNED = 345.0, 550.0
SIZES = {1.0: "normalsize", 0.9: "small", 0.8: "footnotesize", 0.7: "scriptsize"}
PAGES = (
    (1.0, False, UPRIGHT),
    (0.9, False, UPRIGHT),
    (0.8, False, UPRIGHT),
    (0.9, True, TURNED),
    (0.8, True, TURNED),
    (0.7, True, TURNED),
)
# A table of more lines than a page holds runs over pages.
LINES = 38
PACKAGES = "% needs {booktabs,array,longtable,threeparttable,siunitx,pdflscape}; Chinese: ctexart, compiled with XeLaTeX"
_NUMBER = re.compile(r"[−+-]?(\d{1,3}(?:,\d{3})*|\d+)?(?:\.(\d+))?$")


def table_tex(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Sequence[bool],
    caption: str,
    label: str,
    notes: Sequence[str],
) -> str:
    """A table's source, in parts of some columns each where all of them fit on no page.

    Parameters
    ----------
    heads, rows : sequences of str
        What is printed.
    numeric : sequence of bool
        Which columns hold numbers.
    caption, label : str
        What stands above, and the label without ``tab:``.
    notes : sequence of str
        What stands below.
    """
    if not heads:
        heads, rows, numeric = [""], [], [False]
    found = fitting.fit(heads, rows, numeric, PAGES)
    if found is not None or len(heads) < 3:
        made = found or _widest(heads, rows, numeric)
        return "\n".join([PACKAGES, *_set(heads, rows, numeric, made, tex(caption), label, notes)]) + "\n"
    lines = [PACKAGES]
    for count, columns in enumerate(_parts(heads, rows, numeric), 1):
        chosen = [[row[c] for c in columns] for row in rows]
        named, numbers = [heads[c] for c in columns], [numeric[c] for c in columns]
        made = fitting.fit(named, chosen, numbers, PAGES) or _widest(named, chosen, numbers)
        title, place = f"{tex(caption)} ({count})", label if count == 1 else f"{label}-{count}"
        lines += _set(named, chosen, numbers, made, title, place, notes)
    return "\n".join(lines) + "\n"


def _widest(heads: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool]) -> fitting.Fit:
    """As wide as it is, in small type on a turned page: a word that no page holds stands over its edge."""
    for kinds in (numeric, [False] * len(heads)):
        for width in (1e4, 1e6):
            if found := fitting.fit(heads, rows, kinds, [(0.7, True, width)]):
                return found
    return fitting.Fit(0.7, True, [1e3] * len(heads), [True] * len(heads))


def _parts(heads: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool]) -> list[list[int]]:
    """The fewest parts that fit."""
    for most in range(len(heads) - 2, 1, -1):
        parts = fitting.parts(heads, most)
        fits = (
            fitting.fit(
                [heads[c] for c in p], [[r[c] for c in p] for r in rows], [numeric[c] for c in p], PAGES
            )
            for p in parts
        )
        if all(one is not None for one in fits):
            return parts
    return fitting.parts(heads, 1)


def _set(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Sequence[bool],
    made: fitting.Fit,
    caption: str,
    label: str,
    notes: Sequence[str],
) -> list[str]:
    """One table or part of one."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(heads)
    formats = [_decimal(column) if number else "" for column, number in zip(columns, numeric, strict=True)]
    kinds = [_kind(made.widths[i], made.wrapped[i], numeric[i], formats[i]) for i in range(len(heads))]
    spec = "@{}" + "".join(kinds) + "@{}"
    top = " & ".join(
        _head(head, width, number, first=not i)
        for i, (head, width, number) in enumerate(zip(heads, made.widths, numeric, strict=True))
    )
    body = [_row(row, formats) for row in rows]
    lines = len(rows) if not any(made.wrapped) else sum(_height(row, made) for row in rows)
    named = [rf"\caption{{{caption}}}", rf"\label{{tab:{label}}}"]
    told = [rf"\item {tex(note)}" for note in notes]
    size = [rf"\{SIZES[made.size]}", rf"\setlength{{\tabcolsep}}{{{fitting.GAP / 2:g}pt}}"]
    rule = [r"\toprule", top + r" \\", r"\midrule"]
    if lines > LINES:
        again = [*rule, r"\endhead", r"\bottomrule", r"\endfoot"]
        inside = [
            rf"\begin{{longtable}}{{{spec}}}",
            rf"{named[0]}{named[1]} \\",
            *again,
            *body,
            r"\end{longtable}",
        ]
        below = (
            [rf"\noindent{{\footnotesize\raggedright {' '.join(tex(n) for n in notes)}\par}}"]
            if notes
            else []
        )
        shown = ["{", *size, *inside, "}", *below]
    else:
        table = [rf"\begin{{tabular}}{{{spec}}}", *rule, *body, r"\bottomrule", r"\end{tabular}"]
        below = (
            [r"\begin{tablenotes}[flushleft]\footnotesize\raggedright", *told, r"\end{tablenotes}"]
            if told
            else []
        )
        inside = [r"\begin{threeparttable}", *named, *table, *below, r"\end{threeparttable}"]
        shown = [r"\begin{table}[htbp]", r"\centering", *size, *inside, r"\end{table}"]
    return [r"\begin{landscape}", *shown, r"\end{landscape}"] if made.turned else shown


def _head(text: str, width: float, number: bool, first: bool) -> str:
    """A head that is broken into lines, over numbers at their side."""
    side = r"\raggedleft" if number else r"\raggedright"
    edge = "@{}" if first else ""
    return rf"\multicolumn{{1}}{{{edge}>{{{side}\arraybackslash}}b{{{width:.1f}pt}}}}{{{tex(text)}}}"


def _kind(width: float, wrapped: bool, number: bool, decimal: str) -> str:
    """A column's kind: numbers aligned at their points, text broken into lines, or as it is."""
    if decimal:
        return f"S[{decimal}]"
    if wrapped:
        return rf">{{\raggedright\arraybackslash}}p{{{width:.1f}pt}}"
    return "r" if number else "l"


def _decimal(cells: Sequence[str]) -> str:
    """The format of numbers that are alike enough to be aligned at their points; empty if a quarter is something else."""
    found = [_NUMBER.match(cell) for cell in cells if cell]
    plain = [one for one in found if one is not None and (one[1] or one[2])]
    if not plain or len(plain) < 0.75 * len(found):
        return ""
    whole = max(len((one[1] or "").replace(",", "")) for one in plain)
    decimals = max(len(one[2] or "") for one in plain)
    sign = "-" if any(one[0][0] in "−+-" for one in plain) else ""
    places = f"{sign}{max(whole, 1)}.{decimals}" if decimals else f"{sign}{max(whole, 1)}"
    # Years have no separators; a column has them where one of its cells does.
    grouped = (
        "group-separator={,},group-minimum-digits=4"
        if any("," in one[0] for one in plain)
        else "group-digits=none"
    )
    return f"table-format={places},{grouped}"


def _row(row: Sequence[str], formats: Sequence[str]) -> str:
    """A line of the body; LaTeX would read ``[`` or ``*`` right after a line's end as that end's argument."""
    line = " & ".join(_cell(cell, kind) for cell, kind in zip(row, formats, strict=True)) + r" \\"
    return "{}" + line if line[0] in "[*" else line


def _cell(cell: str, decimal: str) -> str:
    if not decimal:
        return tex(cell)
    found = _NUMBER.match(cell)
    if found is None or not (found[1] or found[2]):
        return f"{{{tex(cell)}}}"
    return cell.replace("−", "-").replace(",", "")


def _height(row: Sequence[str], made: fitting.Fit) -> int:
    """Lines that a row takes."""
    room = [width / (fitting.CHARACTER * made.size) for width in made.widths]
    return max(
        int(fitting.units(cell) / max(1.0, r)) + 1 if wrapped else 1
        for cell, r, wrapped in zip(row, room, made.wrapped, strict=True)
    )
