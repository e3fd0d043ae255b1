"""How papers are looked at: words of a sheet in a language, pages that Chromium prints, lines that a page of Word takes."""

from __future__ import annotations

import re
from math import ceil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from workbook.exhibits import printed, sheets, style
from workbook.exhibits.words import Filler, Words
from workbook.publish import browser

LANGUAGES = ("zh", "en")
POINT = 25.4 / 72  # millimetres
KNOWN = {"judged_on": "integration", "data_zh": "一套表，2017—2021 年", "data_en": "Annual forms, 2017–2021"}
PARAMETERS = KNOWN | {
    "title_zh": "两业融合监测",
    "title_en": "Monitoring integration",
    "doubts": "as_reported",
}
LATIN = re.compile(r"[A-Za-z]{2,}")


def spoken(
    id: str, frame: pd.DataFrame, language: str, values: dict[str, Any] | None = None, codebook: Any = None
) -> tuple[pd.DataFrame, dict[str, str]]:
    """A frame in words and the words of a paper, as the workbook hands them to what writes it."""
    exhibit = sheets.sheet("09_evaluation").exhibit(id)
    filler = Filler(Words(language, codebook), values or {}, PARAMETERS, frame)
    style.use(language)
    return printed.in_words(frame, exhibit, filler), printed.axes(exhibit, filler)


def printed_pages(file: Path) -> tuple[int, list[float]]:
    """Pages that Chromium prints of a file, and how far above the foot each last text stands (pixels); a telephone shows all."""
    if (program := browser.executable()) is None:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    free = """() => [...document.querySelectorAll('section')].map(s => {
      const foot = s.querySelector('footer'), own = [...s.children].filter(e => e !== foot);
      return (foot ?? s).getBoundingClientRect()[foot ? 'top' : 'bottom'] - own.at(-1).getBoundingClientRect().bottom })"""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=browser.FLAGS)
        view = opened.new_page()
        view.goto(file.as_uri())
        found = view.evaluate(free), view.pdf(prefer_css_page_size=True)
        view.set_viewport_size({"width": 390, "height": 800})
        assert view.evaluate("document.documentElement.scrollWidth") <= 390, "wider than a telephone"
        opened.close()
    return len(re.findall(rb"/Type\s*/Page\b", found[1])), found[0]


def heights(made: Any) -> list[float]:
    """Millimetres that each page of a Word file takes, its pages parted by breaks; a bold guess, rather too high."""
    sheet = made.sections[0]
    pages, wide = [0.0], (sheet.page_width - sheet.left_margin - sheet.right_margin) / 36000
    for part in made.iter_inner_content():
        if part.__class__.__name__ == "Paragraph":
            drawn = part._p.xpath(".//wp:extent/@cy")
            size = part.runs[0].font.size.pt if part.runs and part.runs[0].font.size else 10.5
            spacing = part.paragraph_format.line_spacing
            line = spacing.mm if hasattr(spacing, "mm") else 1.35 * size * POINT
            pages[-1] += int(drawn[0]) / 36000 if drawn else line * _lines(part.text, size, wide)
            if part._p.xpath(".//w:br[@w:type='page']"):
                pages.append(0.0)
        else:
            for row in part.rows:
                pages[-1] += max(_row(cell, wide / len(part.columns)) for cell in row.cells)
    return pages


def _row(cell: Any, wide: float) -> float:
    size = cell.paragraphs[0].runs[0].font.size.pt if cell.paragraphs[0].runs else 10.5
    own = cell.width.mm if cell.width else wide
    return 1.35 * size * POINT * _lines(cell.text, size, own - 3.8) + 0.2


def _lines(text: str, size: float, wide: float) -> int:
    signs = sum(1.0 if ord(sign) > 0x2E80 else 0.52 for sign in text)
    return max(1, ceil(signs * size * POINT / wide))


def texts(made: Any) -> str:
    """All that a Word file says."""
    cells = [cell.text for table in made.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(p.text for p in made.paragraphs), *cells])
