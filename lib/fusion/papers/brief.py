"""A brief (简报) of two sheets of A4: what happened, three figures, one chart; what is uncertain, and the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import pandas as pd

from fusion.papers import paper
from fusion.papers.paper import filled, known, number
from fusion.plots import paths as plots

MARGINS = {"top": 20, "bottom": 18, "left": 22, "right": 22}
COLUMNS = ["group", "amount", "before", "growth", "share", "units"]
MOST = 3  # measures that are told of, and figures that are shown
TITLE = 110  # two lines of its letters
LONG = 150


@dataclass
class Brief:
    """What a brief says, in order."""

    under: str
    happened: list[str]
    figures: list[tuple[str, str, str]]
    chart: bytes
    unsure: list[str]
    table: list[list[str]]


def brief(
    frame: pd.DataFrame, axes: Mapping[str, str], year: int, told: Mapping[str, Any], rules: bool
) -> dict[str, bytes]:
    """A brief as a Word file and as HTML, two sheets of A4.

    Parameters
    ----------
    frame : pandas.DataFrame
        measure, group (words; ``total`` of the axes is all of them), amount, before, growth, matched, nominal, share, units.
    axes : mapping
        Words: heads and sentences, in which <1>, <2> … are filled.
    year : int
        The year that is told of.
    told : mapping
        judged, met; rows, kept; doubts, reported, expected (growth as reported and with doubts as
        expected, or None).
    rules : bool
        Whether units were promised secrecy: what doubts do to a total, which few units make, is not told then.

    Returns
    -------
    dict
        Content by suffix: ``.docx``, ``.htm``.
    """
    first = frame[frame["measure"] == frame["measure"].iloc[0]]
    parts, whole = first[first["group"] != axes["total"]], frame[frame["group"] == axes["total"]]
    made = Brief(
        filled(axes["under"], year),
        [
            *_totals(whole, axes, year),
            *paper.in_doubt(whole.head(MOST), axes),
            *_groups(parts, axes),
            _target(told, axes),
        ],
        _figures(whole, parts, axes),
        paper.picture(plots.growth(parts, {"x": filled(axes["chart"], first["measure"].iloc[0])})),
        _unsure(whole.iloc[0], told if not rules else {**told, "expected": None}, axes),
        [[str(row["group"]), *(_cell(row, c) for c in COLUMNS[1:])] for row in first.to_dict("records")],
    )
    caption = filled(axes["table"], year, first["measure"].iloc[0])
    return {".docx": _word(made, axes, caption), ".htm": _html(made, axes, caption)}


# -- what is said ------------------------------------------------------------------------------
def _totals(whole: pd.DataFrame, axes: Mapping[str, str], year: int) -> list[str]:
    """A sentence a measure."""
    lines = []
    for row in whole.head(MOST).to_dict("records"):
        told = (
            row["measure"],
            *(number(row[c], ",.1f") for c in ("amount", "before")),
            number(row["growth"], "+.1f"),
        )
        lines.append(filled(axes["total_line"], year, *told, number(row["matched"], ",.0f")))
    return lines


def _groups(parts: pd.DataFrame, axes: Mapping[str, str]) -> list[str]:
    """The largest group, the one that grew most and the one that grew least; nothing of what is not there."""
    shares, rates = parts.dropna(subset=["share"]), parts.dropna(subset=["growth"])
    if len(shares) < 2 or len(rates) < 2:
        return [axes["few_groups"]]
    top = shares.loc[shares["share"].idxmax()]
    most, least = rates.loc[rates["growth"].idxmax()], rates.loc[rates["growth"].idxmin()]
    told = top["group"], number(top["share"], ".1f"), most["group"], number(most["growth"], "+.1f")
    return [filled(axes["groups"], *told, least["group"], number(least["growth"], "+.1f"))]


def _target(told: Mapping[str, Any], axes: Mapping[str, str]) -> str:
    if not told["judged"]:
        return axes["no_target"]
    return filled(axes["target"], paper.short(axes["goal_name"], LONG), told["judged"], told["met"])


def _figures(whole: pd.DataFrame, parts: pd.DataFrame, axes: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Three numbers: totals of up to three measures; where there are fewer, the largest group's share."""
    found = [
        (number(row["amount"], ",.1f"), filled(axes["figure"], row["measure"]), number(row["growth"], "+.1f"))
        for row in whole.head(MOST).to_dict("records")
    ]
    boxes = [(big, name, filled(axes["figure_growth"], growth)) for big, name, growth in found]
    shares = parts.dropna(subset=["share"]).sort_values("share", ascending=False)
    for row in shares.head(MOST - len(boxes)).to_dict("records"):
        boxes.append((f"{number(row['share'], '.1f')}%", filled(axes["figure_share"], row["group"]), ""))
    return boxes


def _unsure(whole: Mapping[str, Any], told: Mapping[str, Any], axes: Mapping[str, str]) -> list[str]:
    """What may move these numbers, each in a sentence with its size where it is known."""
    growth = [number(whole[name], "+.1f") for name in ("growth", "nominal")]
    lines = [filled(axes["scope"], *growth)]
    if told["doubts"] and known(told["expected"]):
        rates = (number(told[name], "+.1f") for name in ("reported", "expected"))
        lines.append(filled(axes["doubts"], told["doubts"], *rates))
    else:
        lines.append(filled(axes["doubts_alone" if told["doubts"] else "no_doubts"], told["doubts"]))
    lines.append(filled(axes["rows"], f"{told['rows']:,}", f"{told['rows'] - told['kept']:,}"))
    if known(whole.get("amount_high")):
        lines.append(axes["open"])
    return [*lines, axes["frame"], axes["codes"], axes["hidden"]]


def _cell(row: Mapping[str, Any], column: str) -> str:
    forms = {"units": ",.0f", "growth": "+.1f"}
    return number(row[column], forms.get(column, ",.1f"))


# -- HTML --------------------------------------------------------------------------------------
def _html(made: Brief, axes: Mapping[str, str], caption: str) -> bytes:
    one, two = (ElementTree.Element("section", {"class": "large"}) for _ in range(2))
    paper.add(one, "h1", paper.short(axes["title"], TITLE))
    paper.add(one, "p", made.under, cls="under")
    paper.add(one, "h2", axes["one"])
    for text in made.happened:
        paper.add(one, "p", text, cls="indent")
    boxes = paper.add(one, "div", cls="figures")
    for big, name, growth in made.figures:
        box = paper.add(boxes, "div")
        paper.add(box, "b", big)
        paper.add(box, "span", f"{name}　{growth}" if growth else name, cls="small")
    paper.html_picture(one, made.chart, axes["alt"])
    paper.add(two, "h2", axes["two"])
    for text in made.unsure:
        paper.add(two, "p", text, cls="indent")
    paper.add(two, "h2", caption)
    paper.html_table(two, [axes[c] for c in COLUMNS], made.table)
    for sheet in (one, two):
        paper.add(sheet, "footer", paper.short(axes["source"], LONG))
    return paper.sheets(axes["title"], [one, two])


# -- Word --------------------------------------------------------------------------------------
def _word(made: Brief, axes: Mapping[str, str], caption: str) -> bytes:
    from docx.enum.text import WD_BREAK

    document = paper.page(axes["title"], MARGINS)

    def said(text: str, font: str = paper.BODY, size: float = 12) -> Any:
        return paper.say(document, text, font, size, spacing=20)

    paper.say(
        document, paper.short(axes["title"], TITLE), paper.TITLE, 18, bold=True, centred=True, spacing=26
    )
    paper.say(document, made.under, paper.SECOND, 11, centred=True, spacing=18)
    said(axes["one"], paper.HEADING)
    for text in made.happened:
        said(text)
    boxes = [[box[0] for box in made.figures], [" ".join(filter(None, box[1:])) for box in made.figures]]
    paper.table(document, [""] * len(made.figures), boxes, 11)
    paper.word_picture(document, made.chart, 150)
    document.paragraphs[-1].add_run().add_break(WD_BREAK.PAGE)
    said(axes["two"], paper.HEADING)
    for text in made.unsure:
        said(text)
    said(caption, paper.HEADING, 11)
    paper.table(document, [axes[c] for c in COLUMNS], made.table, 9.5, 1)
    said(paper.short(axes["source"], LONG), paper.BODY, 9)
    return paper.bytes_of(document)
