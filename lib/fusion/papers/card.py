"""Cards of pilot units: each on one sheet of A4, in HTML and in Word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import pandas as pd

from fusion.evaluation.profile import CARD, GOAL, KEYS, SCORE, SIZE
from fusion.papers import paper
from fusion.papers.paper import filled, known, number
from fusion.plots import pilots as plots

GOALS, GOAL_NAME, NAME, FACT = 4, 44, 80, 72  # how many goals a card has room for; how wide its texts may be
CONCENTRATED = 50.0  # a unit of which one firm is half or more is that firm
SIZES = ["measure", "before_start", "prior", "now", "growth"]
SCORES = ["score", "before", "since", "latest", "rank", "range"]
MARGINS = {"top": 14, "bottom": 12, "left": 18, "right": 18}


@dataclass
class Card:
    """What one card says, in the order in which it says it."""

    name: str
    under: str
    warning: str
    facts: list[tuple[str, str]]
    goals: list[str]
    sizes: list[list[str]]
    scores: list[list[str]]
    compared: list[str]
    remarks: list[str]
    picture: bytes | None = field(default=None, repr=False)


def cards(frame: pd.DataFrame, axes: Mapping[str, str]) -> dict[str, bytes]:
    """Cards of evaluated units as a Word file and as HTML, a sheet of A4 each.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `profile.profiles` gives it; codes may be words.
    axes : mapping
        Words of the card: heads, facts and sentences, in which <1>, <2> … are filled.

    Returns
    -------
    dict
        Content by suffix: ``.docx``, ``.htm``.
    """
    made = [_card(own, axes) for _, own in frame.groupby(KEYS, sort=False)]
    return {
        ".docx": _word(made, axes),
        ".htm": paper.sheets(axes["title"], [_sheet(card, axes) for card in made]),
    }


# -- what is said ------------------------------------------------------------------------------
def _card(own: pd.DataFrame, axes: Mapping[str, str]) -> Card:
    parts = {part: own[own["part"] == part] for part in (CARD, SIZE, SCORE, GOAL)}
    card = parts[CARD].iloc[0].to_dict()
    return Card(
        paper.short(card["name"], NAME),
        " · ".join(paper.short(t, NAME // 2) for t in _under(card)),
        "" if card["verified"] else axes["unverified"],
        _facts(card, axes),
        _goals(card, parts[GOAL], axes),
        [_size(row) for row in parts[SIZE].to_dict("records")],
        [_score(row) for row in parts[SCORE].to_dict("records")],
        _compared(card, axes),
        _remarks(card, axes),
        paper.picture(plots.card(parts[SCORE], card, axes)),
    )


def _under(card: Mapping[str, Any]) -> list[Any]:
    """What stands below the name: the identifier, where the name is another, kind and level."""
    return [t for t in (card["unit"], card["kind"], card["level"]) if known(t) and t != card["name"]]


def _facts(card: Mapping[str, Any], axes: Mapping[str, str]) -> list[tuple[str, str]]:
    end = number(card["end"], ".0f")
    told = {
        "scheme": f"{card['scheme']}{axes['of_batch'].replace('<1>', str(card['batch'])) if known(card['batch']) else ''}",
        "term": f"{card['start']:.0f}–{end} ({card['stage']})",
        "district": card["district"],
        "path": card["path"],
        "notice": card["notice"],
        "place": card["source"],
        "firms": f"{card['firms']:.0f}",
        "grade": f"{card['grade']}",
    }
    return [
        (
            axes[name],
            paper.short(text, FACT // 2 if name == "place" else FACT) if known(text) else paper.MISSING,
        )
        for name, text in told.items()
    ]


def _goals(card: Mapping[str, Any], goals: pd.DataFrame, axes: Mapping[str, str]) -> list[str]:
    """Goals and progress in sentences."""
    if goals.empty:
        return [axes["no_goals"]]
    lines = []
    for row in goals.head(GOALS).to_dict("records"):
        values = [
            paper.short(row["item_name"], GOAL_NAME),
            number(row["goal"], ",g"),
            number(row["due"], ".0f"),
            number(row["value_year"], ".0f"),
            number(row["value"], ",.1f"),
            number(row["reported"], ",g"),
        ]
        how = (
            "goal_data"
            if known(row["value"])
            else "goal_report"
            if known(row["reported"])
            else "goal_nothing"
        )
        lines.append(filled(axes[how], *values, number(row["share"], ".0f")))
    if len(goals) > GOALS:
        lines.append(filled(axes["more_goals"], len(goals) - GOALS))
    told = number(card["reached"], ".0f"), number(card["expected"], ".0f"), card["conclusion"]
    return [*lines, filled(axes["whole"], *told)]


def _size(row: Mapping[str, Any]) -> list[str]:
    form = ",.1f" if row["is_share"] else ",.0f"
    change = float("nan")  # where there was nothing the year before, nothing grows
    if row["is_share"]:
        change = row["latest"] - row["prior"]
    elif row["prior"] > 0:
        change = 100 * (row["latest"] / row["prior"] - 1)
    return [
        str(row["item"]),
        *(number(row[c], form) for c in ("before", "prior", "latest")),
        number(change, "+.1f"),
    ]


def _score(row: Mapping[str, Any]) -> list[str]:
    name = row["chain"] if row["is_chain"] else row["item"]
    rank = (
        f"{number(row['rank'], '.0f')} / {number(row['ranked'], '.0f')}"
        if known(row["rank"])
        else paper.MISSING
    )
    span = (
        f"{number(row['rank_low'], '.0f')}–{number(row['rank_high'], '.0f')}"
        if known(row["rank"])
        else paper.MISSING
    )
    return [str(name), *(number(row[c], ".1f") for c in ("before", "since", "latest")), rank, span]


def _compared(card: Mapping[str, Any], axes: Mapping[str, str]) -> list[str]:
    """Before and after against the matched peers, beside what chance gives."""
    lines = []
    if known(card["rank"]):
        told = [number(card[c], ".0f") for c in ("ranked", "rank", "rank_low", "rank_high")]
        lines.append(filled(axes["ranked"], *told))
    if not known(card["index_before"]) or not known(card["index_after"]):
        return [*lines, axes["one_side"]]
    change = card["index_after"] - card["index_before"]
    levels = number(card["index_before"], ".1f"), number(card["index_after"], ".1f"), number(change, "+.1f")
    lines.append(filled(axes["before_after"], *levels))
    if not known(card["gap"]) or not known(card["gap_low"]):
        return [*lines, axes["no_peers"]]
    outside = not card["gap_low"] <= card["gap"] <= card["gap_high"]
    told = [f"{card['peers']:.0f}", *(number(card[c], "+.1f") for c in ("gap", "gap_low", "gap_high"))]
    verdict = axes["outside" if outside else "inside"]
    return [*lines, filled(axes["against"], *told) + filled(verdict, number(card["gap_p"], ".2f"))]


def _remarks(card: Mapping[str, Any], axes: Mapping[str, str]) -> list[str]:
    told = axes["silent" if card["silent"] > 0 else "all_tell"] if known(card["silent"]) else ""
    lines = [filled(axes[f"grade_{card['grade']}"], filled(told, number(card["silent"], ".0f")))]
    if known(card["obstacle"]):
        lines.append(filled(axes["obstacle"], card["obstacle"], number(100 * card["obstacle_share"], ".0f")))
    if known(card["largest_share"]) and card["largest_share"] >= CONCENTRATED:
        largest = paper.short(card["largest"], NAME)
        lines.append(filled(axes["concentrated"], largest, number(card["largest_share"], ".0f")))
    return [*lines, axes["note"]]


# -- HTML --------------------------------------------------------------------------------------
def _sheet(card: Card, axes: Mapping[str, str]) -> ElementTree.Element:
    made = ElementTree.Element("section")
    paper.add(made, "h1", card.name)
    paper.add(made, "p", card.under, cls="under")
    if card.warning:
        paper.add(made, "p", card.warning, cls="warn small")
    _head(made, axes["one"])
    facts = paper.add(paper.add(made, "table", cls="facts"), "tbody")
    for pair in zip(card.facts[::2], card.facts[1::2], strict=True):
        row = paper.add(facts, "tr")
        for name, text in pair:
            paper.add(row, "th", name, scope="row")
            paper.add(row, "td", text)
    _head(made, axes["two"])
    for text in card.goals:
        paper.add(made, "p", text, cls="small")
    _head(made, axes["three"])
    paper.html_table(made, [axes[name] for name in SIZES], card.sizes)
    _head(made, axes["four"])
    paper.html_table(made, [axes[name] for name in SCORES], card.scores)
    _head(made, axes["five"])
    for text in card.compared:
        paper.add(made, "p", text, cls="small")
    if card.picture:
        paper.html_picture(made, card.picture, axes["alt"])
    _head(made, axes["six"])
    for text in [*card.remarks, axes["opinion"]]:
        paper.add(made, "p", text, cls="small")
    paper.add(made, "footer", paper.short(axes["source"], 2 * NAME))
    return made


def _head(made: ElementTree.Element, text: str) -> None:
    paper.add(made, "h2", text)


# -- Word --------------------------------------------------------------------------------------
def _word(cards: Sequence[Card], axes: Mapping[str, str]) -> bytes:
    from docx.enum.text import WD_BREAK

    made = paper.page(axes["title"], MARGINS)
    for position, card in enumerate(cards):
        _page(made, card, axes)
        if position + 1 < len(cards):
            made.paragraphs[-1].add_run().add_break(WD_BREAK.PAGE)
    return paper.bytes_of(made)


def _page(made: Any, card: Card, axes: Mapping[str, str]) -> None:
    def texts(name: str, lines: Sequence[str]) -> None:
        paper.say(made, axes[name], paper.HEADING, 11, spacing=18).paragraph_format.first_line_indent = 0
        for text in lines:
            paper.say(made, text, paper.BODY, 9, spacing=13)

    paper.say(made, card.name, paper.TITLE, 16, bold=True, centred=True, spacing=22)
    paper.say(made, card.under, paper.BODY, 9, centred=True, spacing=13)
    if card.warning:
        paper.say(made, card.warning, paper.SECOND, 9, bold=True, spacing=13)
    texts("one", [])
    pairs = [[*a, *b] for a, b in zip(card.facts[::2], card.facts[1::2], strict=True)]
    paper.table(made, [""] * 4, pairs, 8.5, widths=(26, 61, 26, 61))
    texts("two", card.goals)
    texts("three", [])
    paper.table(made, [axes[name] for name in SIZES], card.sizes, 8.5, 1, (54, 30, 30, 30, 30))
    texts("four", [])
    paper.table(made, [axes[name] for name in SCORES], card.scores, 8.5, 1, (44, 26, 26, 26, 26, 26))
    texts("five", card.compared)
    if card.picture:
        paper.word_picture(made, card.picture, 160)
    texts("six", [*card.remarks, axes["opinion"], paper.short(axes["source"], 2 * NAME)])
