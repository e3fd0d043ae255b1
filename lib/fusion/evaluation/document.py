"""One-page cards of pilot units in one Word file."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LATIN, CHINESE = "Times New Roman", "SimSun"
MISSING = "–"


@dataclass
class Page:
    """What one card shows."""

    title: str
    warning: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    figure: Figure | None = None
    notes: Sequence[str] = ()


def document(title: str, pages: Sequence[Page]) -> bytes:
    """A Word file with one page for each card.

    Parameters
    ----------
    title : str
        Title of the document.
    pages : sequence of Page
        The cards, in order.

    Returns
    -------
    bytes
        The file's content.
    """
    from docx import Document
    from docx.oxml.ns import qn

    made = Document()
    made.core_properties.title, made.core_properties.author = title, ""
    for name in ("Normal", "Heading 1"):
        style = made.styles[name]
        style.font.name = LATIN
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), CHINESE)
    for position, page in enumerate(pages):
        if position:
            made.add_page_break()
        _page(made, page)
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def _page(made: Any, page: Page) -> None:
    from docx.shared import Cm, Pt

    made.add_heading(page.title, level=1)
    if page.warning:
        made.add_paragraph().add_run(page.warning).bold = True
    table = made.add_table(rows=len(page.facts), cols=2, style="Light List")
    for row, (name, value) in zip(table.rows, page.facts, strict=True):
        row.cells[0].text, row.cells[1].text = name, value
    if page.figure is not None:
        picture = io.BytesIO()
        page.figure.savefig(picture, format="png", dpi=150, bbox_inches="tight")
        made.add_picture(picture, width=Cm(15))
    for note in page.notes:
        made.add_paragraph().add_run(note).font.size = Pt(9)


def cards(frame: pd.DataFrame, axes: Mapping[str, str]) -> bytes:
    """Cards of evaluated units as a Word file, one page each.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of ``scorecard.best_documented``; kinds, levels, schemes and chains may be words.
    axes : mapping
        Words: title (of the file), unverified, note, source, and of the facts those that `_facts` names.
    """
    pages = [
        Page(
            card["name"],
            "" if card["verified"] else axes["unverified"],
            [(axes[name], text.replace("nan", MISSING)) for name, text in _facts(card).items()],
            notes=[axes["note"], axes["source"]],
        )
        for card in frame.to_dict("records")
    ]
    return document(axes["title"], pages)


def _facts(card: Mapping[str, Any]) -> dict[str, str]:
    """What a card says, by the name of the fact."""
    end = "" if pd.isna(card["end"]) else f"{card['end']:.0f}"
    firms = f" ({card['both']:.0f})" if card["both"] > 1 else ""
    band = f"[{card['gap_low']:+.1f}, {card['gap_high']:+.1f}]"
    interval = f"[{card['rank_low']:.0f}, {card['rank_high']:.0f}]"
    return {
        "scheme": f"{card['scheme']}, {card['batch']}",
        "kind": f"{card['kind']}, {card['level']}",
        "span": f"{card['start']:.0f} – {end}",
        "index": f"{card['index_before']:.1f} → {card['index_after']:.1f}",
        "percentile": f"{card['percentile']:.0f} ({card['peers']:.0f})",
        "gap": f"{card['gap']:+.1f} {band}, p = {card['gap_p']:.2f}{firms}",
        "rank": f"{card['rank']:.0f} / {card['ranked']:.0f} {interval}",
        "obstacle": f"{card['obstacle']} ({card['obstacle_share']:.0%})",
        "goal": f"{card['reached']:.0f}% ({card['items']:.0f}), {card['conclusion']}",
        "grade": card["grade"],
    }
