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
WORDS: dict[str, dict[str, Any]] = {
    "en": {
        "facts": [
            "Scheme, batch",
            "Kind, level",
            "Start – end",
            "Fusion index, before → since",
            "Percentile among matched peers (their number)",
            "Gap to peers, placebo band (90%)",
            "Rank in the last year (90% interval over weights)",
            "Chain that holds it back most (obstacle degree)",
            "Own goal: latest / goal",
            "Grade of the data",
        ],
        "unverified": "Not verified: nobody has read this unit in a notice.",
        "note": "A gap describes one unit; p is the share of placebo gaps among its peers that are as large.",
    },
    "zh": {
        "facts": [
            "名称、批次",
            "类型、级别",
            "起止年份",
            "融合指数：试点前 → 试点以来",
            "匹配同类中的百分位（同类数）",
            "与同类的差距及安慰剂带（90%）",
            "末年位次（权重不确定下 90% 区间）",
            "主要障碍链（障碍度）",
            "自身目标：最新值 / 目标值",
            "数据等级",
        ],
        "unverified": "未核实：尚未在通知中查证该单位。",
        "note": "差距仅描述单个单位；p 为同类单位安慰剂差距不小于该差距的比例。",
    },
}


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


def pages(chosen: pd.DataFrame, chains: Mapping[str, str], language: str, source: str) -> list[Page]:
    """Cards of evaluated units.

    Parameters
    ----------
    chosen : pandas.DataFrame
        Rows of ``scorecard.scorecard``.
    chains : mapping
        Column of a chain: its printed name.
    language : {"en", "zh"}
        Language of the cards.
    source : str
        Where the data come from; stands on every card.
    """
    words = WORDS[language]
    found = []
    for card in chosen.itertuples():
        end = "" if pd.isna(card.end) else str(card.end)
        goal = (
            f"{card.goal_indicator}: {card.goal_latest:.1f} / {card.goal_value:g}"
            if card.goal_indicator
            else "–"
        )
        band = f"[{card.gap_low:+.1f}, {card.gap_high:+.1f}]"
        values = [
            f"{card.scheme}, {card.batch}",
            f"{card.kind}, {card.level}",
            f"{card.start} – {end}",
            f"{card.index_before:.1f} → {card.index_after:.1f}",
            f"{card.percentile:.0f} ({card.peers:.0f})",
            f"{card.gap:+.1f} {band}, p = {card.gap_p:.2f}",
            f"{card.rank:.0f} / {card.ranked:.0f} [{card.rank_low:.0f}, {card.rank_high:.0f}]",
            f"{chains.get(card.obstacle, '–')} ({card.obstacle_share:.0%})",
            goal,
            card.grade,
        ]
        facts = [
            (name, value.replace("nan", "–")) for name, value in zip(words["facts"], values, strict=True)
        ]
        warning = "" if card.verified else words["unverified"]
        found.append(Page(card.name or card.unit, warning, facts, notes=[words["note"], source]))
    return found
