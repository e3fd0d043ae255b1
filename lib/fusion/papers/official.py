"""The report on one scheme in the style of an official paper: summary, rules, table of all units, one card each.

Layout as GB/T 9704-2012 has it (A4, margins 37, 35, 28 and 26 mm, body of size 三号 in 仿宋, headings in 黑体 and 楷体).
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pandas as pd

from fusion.evaluation.scorecard import named
from fusion.papers.paper import BODY, HEADING, LATIN, MISSING, SECOND, TITLE

SIZES = {"title": 22, "body": 16, "table": 9}  # points: 二号, 三号, 小五
MARGINS = {"top": 37, "bottom": 35, "left": 28, "right": 26}  # millimetres
UNIT = ["name", "kind", "span", "stage", "reached", "expected", "index", "gap", "grade", "conclusion"]
FACTS = [*UNIT[:-1], "silent", "conclusion"]
# Share of a table's width that its first column has, by its columns: names are longer than numbers.
FIRST = {len(UNIT): 0.22, 7: 0.28, 2: 0.4}
# Units by what is proposed for them, as the summary counts them.
ENDS = {
    "passed": ("pass",),
    "extended": ("extend",),
    "withdrawn": ("withdraw",),
    "running": ("on track", "behind"),
    "ahead": ("not begun",),
    "unasked": ("no goals",),
    "revoked": ("revoked",),
    "open": ("cannot be concluded",),
}
ITEM = ["item_name", "item_kind", "goal", "due", "value", "reported", "share"]


def report(frame: pd.DataFrame, axes: Mapping[str, str]) -> bytes:
    """The report as a Word file.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of `plan.conclusions` joined to those of `plan.achieved` (as ``rows`` makes them), of one scheme; codes may be
        words.
    axes : mapping
        Words: title, draft, the sections (one, two, three, four, five) with their sentences (summary, conclusions, rules,
        units, checks, cards), heads of ``FACTS`` and ``ITEM``, sentence (to be completed), unverified, differs,
        concentrated, quiet, none, source.
    """
    made = _page()
    _say(made, axes["title"], TITLE, SIZES["title"], bold=True, centred=True)
    _say(made, axes["draft"], SECOND, SIZES["body"], centred=True)
    units = frame.drop_duplicates(["batch", "unit"])
    for section, texts in (("one", ["summary"]), ("two", ["conclusions", "rules"]), ("three", ["units"])):
        _section(made, axes[section], [axes[t] for t in texts])
    _table(made, [axes[c] for c in UNIT], [_unit(row) for row in units.to_dict("records")])
    _section(made, axes["four"], _checks(frame, units, axes) or [axes["none"]])
    _section(made, axes["five"], [axes["cards"]])
    for own in _by_unit(frame):
        _card(made, own, axes)
    _section(made, axes["six"], [axes["source"]])
    stream = io.BytesIO()
    made.document.core_properties.title, made.document.core_properties.author = axes["title"], ""
    made.document.save(stream)
    return stream.getvalue()


def rows(scores: pd.DataFrame, items: pd.DataFrame, scheme: str | None) -> pd.DataFrame:
    """What `report` takes: units of a scheme (by default the one with most units) beside their items.

    Parameters
    ----------
    scores, items : pandas.DataFrame
        As `plan.conclusions` and `plan.achieved` give them.
    scheme : str, optional
        Name of the scheme.
    """
    if "conclusion" not in scores:
        return pd.DataFrame()
    scheme = scheme or scores["scheme"].mode().iloc[0]
    keys = ["scheme", "batch", "unit"]
    own = scores[scores["scheme"] == scheme].drop(columns="items")
    kept = ["item_name", "item_kind", "goal", "due", "value", "reported", "share", "differs"]
    return named(own).merge(items[[*keys, *kept]], on=keys, how="left")


def counts(frame: pd.DataFrame) -> dict[str, Any]:
    """What the report's sentences say of a scheme: its name, units and how many of each conclusion, means."""
    if frame.empty:
        return dict.fromkeys(("scheme", "count", "verified", "found", *ENDS, "before", "since"))
    units = frame.drop_duplicates(["batch", "unit"])
    return {
        "scheme": units["scheme"].iloc[0],
        "count": len(units),
        "verified": int(units["verified"].sum()),
        "found": int(units["found"].sum()),
        **{name: int(units["conclusion"].isin(ends).sum()) for name, ends in ENDS.items()},
        "before": units["index_before"].mean(),
        "since": units["index_after"].mean(),
    }


# -- inside ------------------------------------------------------------------------------------


@dataclass
class _Paper:
    """The document, and its tables by number of columns: five hundred cards are copies, which python-docx builds slowly."""

    document: Any
    tables: dict[int, Any] = field(default_factory=dict)


def _page() -> _Paper:
    from docx import Document
    from docx.shared import Mm

    made = Document()
    page = made.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    for side, width in MARGINS.items():
        setattr(page, f"{side}_margin", Mm(width))
    return _Paper(made)


def _say(
    made: _Paper, text: str, font: str, size: float, *, bold: bool = False, centred: bool = False
) -> None:
    """A paragraph; body text is indented by two characters."""
    paragraph = deepcopy(_paragraph(size, centred, bold))
    paragraph.append(_run(text, font, size, bold))
    made.document.element.body._insert_p(paragraph)


@cache
def _paragraph(size: float, centred: bool, heading: bool) -> Any:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.shared import Pt
    from docx.text.paragraph import Paragraph

    paragraph = Paragraph(OxmlElement("w:p"), None)  # type: ignore[arg-type]
    paragraph.paragraph_format.line_spacing = Pt(28)
    paragraph.paragraph_format.space_after = Pt(0)
    paragraph.paragraph_format.keep_with_next = heading
    if centred:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    else:
        paragraph.paragraph_format.first_line_indent = Pt(2 * size)
    return paragraph._p


def _run(text: str, font: str, size: float, bold: bool = False) -> Any:
    run = deepcopy(_formatted(font, size, bold))
    for position, line in enumerate(re.split(r"([\t\r\n])", text)):
        if position % 2:
            run.add_tab() if line == "\t" else run.add_br()
        elif line:
            run.add_t(line)
    return run


@cache
def _formatted(font: str, size: float, bold: bool) -> Any:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Pt
    from docx.text.run import Run

    run = Run(OxmlElement("w:r"), None)  # type: ignore[arg-type]
    run.font.name, run.font.size, run.bold = LATIN, Pt(size), bold
    run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)
    return run._r


def _section(made: _Paper, title: str, texts: Sequence[str]) -> None:
    _say(made, title, HEADING, SIZES["body"])
    for text in texts:
        _say(made, text, BODY, SIZES["body"])


def _table(made: _Paper, heads: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    from docx.oxml.ns import qn

    width = len(heads)
    if width not in made.tables:
        made.tables[width] = _empty(made, width)
    table = deepcopy(made.tables[width])
    head, empty = table.tr_lst
    table.remove(head)
    table.remove(empty)
    for number, texts in enumerate([heads, *lines]):
        line = deepcopy(empty if number else head)
        for place, text in zip(line.iter(qn("w:p")), texts, strict=True):
            place.append(_run(text, BODY, SIZES["table"]))
        table.append(line)
    made.document.element.body._insert_tbl(table)


def _empty(made: _Paper, columns: int) -> Any:
    """A table of a head, which each page repeats, and a line, which no page parts; its first column has the names."""
    from docx.oxml import OxmlElement
    from docx.shared import Mm

    table = made.document.add_table(rows=2, cols=columns, style="Table Grid")
    table.autofit = False
    room = 210 - MARGINS["left"] - MARGINS["right"]
    first = FIRST.get(columns, 1 / columns)
    for place, column in enumerate(table.columns):
        column.width = Mm(room * (first if place == 0 else (1 - first) / (columns - 1)))
        for one in column.cells:
            one.width = column.width
    for number, row in enumerate(table.rows):
        for name in ("cantSplit", "tblHeader")[: 2 - number]:
            row._tr.get_or_add_trPr().append(OxmlElement(f"w:{name}"))
    made.document.element.body.remove(table._tbl)
    return table._tbl


def _filled(text: str, *values: object) -> str:
    """A sentence with values in the place of <1>, <2> …"""
    for number, value in enumerate(values, 1):
        text = text.replace(f"<{number}>", str(value))
    return text


def _number(value: Any, form: str) -> str:
    return MISSING if pd.isna(value) else format(float(value), form)


def _unit(row: Mapping[str, Any]) -> list[str]:
    """A unit's line, in the order of ``UNIT``."""
    return [
        str(row["name"]), str(row["kind"]), f"{row['start']:.0f}–{_number(row['end'], '.0f')}", str(row["stage"]),
        _number(row["reached"], ".0f"), _number(row["expected"], ".0f"),
        f"{_number(row['index_before'], '.1f')} → {_number(row['index_after'], '.1f')}", _number(row["gap"], "+.1f"),
        str(row["grade"]), str(row["conclusion"]),
    ]  # fmt: skip


def _checks(frame: pd.DataFrame, units: pd.DataFrame, axes: Mapping[str, str]) -> list[str]:
    """Sentences on what must be looked into: reports that differ, concentrated units, units nobody verified."""
    differ = frame[frame["differs"].eq(True)]
    lines = []
    for row in differ.to_dict("records"):
        told = [_number(row[name], ".1f") for name in ("value", "reported")]
        lines.append(_filled(axes["differs"], row["name"], row["item_name"], *told))
    heavy = units[units["largest_share"] >= CONCENTRATED]
    lines += [
        _filled(
            axes["concentrated"],
            r["name"],
            r["largest"],
            _number(r["largest_share"], ".0f"),
        )
        for r in heavy.to_dict("records")
    ]
    quiet = units[units["silent"] >= SILENT]
    lines += [
        _filled(axes["quiet"], r["name"], _number(r["silent"], ".0f")) for r in quiet.to_dict("records")
    ]
    unread = units.loc[~units["verified"].astype(bool), "name"]
    return lines + ([_filled(axes["unverified"], len(unread))] if len(unread) else [])


CONCENTRATED = 50.0  # a unit of which one firm is half or more is that firm
SILENT = 50.0  # a unit of which half or more does not tell is scored by the rest


def _by_unit(frame: pd.DataFrame) -> list[list[dict[str, Any]]]:
    """Lines of each unit, units in their order."""
    numbers = frame.groupby(["batch", "unit"], sort=False).ngroup()
    found: dict[int, list[Any]] = {}
    for number, row in zip(numbers, frame.to_dict("records"), strict=True):
        found.setdefault(number, []).append(row)
    return [rows for number, rows in found.items() if number >= 0]  # -1: without a unit


def _card(made: _Paper, own: Sequence[Mapping[str, Any]], axes: Mapping[str, str]) -> None:
    """One unit: its line as facts, its items, and the sentence to be completed."""
    row = own[0]
    _say(made, str(row["name"]), SECOND, SIZES["body"], bold=True)
    told = [*_unit(row)[:-1], _number(row["silent"], ".0f"), str(row["conclusion"])]
    _table(made, [axes["fact"], axes["finding"]], list(zip([axes[c] for c in FACTS], told, strict=True)))
    if items := [line for line in own if pd.notna(line["item_name"])]:
        _table(made, [axes[c] for c in ITEM], [_item(line) for line in items])
    _say(
        made,
        _filled(axes["sentence"], row["name"], row["conclusion"], row["ground"]),
        BODY,
        SIZES["body"],
    )


def _item(row: Mapping[str, Any]) -> list[str]:
    """An item's line, in the order of ``ITEM``."""
    return [
        str(row["item_name"]), str(row["item_kind"]), _number(row["goal"], "g"), _number(row["due"], ".0f"),
        _number(row["value"], ".1f"), _number(row["reported"], "g"), _number(row["share"], ".0f"),
    ]  # fmt: skip
