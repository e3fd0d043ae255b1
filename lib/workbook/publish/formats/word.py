"""Exhibits in Word: tables with three rules (三线表), as Chinese journals ask for, figures with their captions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from workbook.exhibits.rendering import below, caption_of, withheld
from workbook.inert import title_of_file, word
from workbook.publish import spoken
from workbook.publish.built import Built
from workbook.publish.papers import title_of

# Widths of the rules in eighths of a point: outer ones 1.5 pt, the one below the header 0.75 pt.
OUTER, INNER = 12, 6
TABLE_POINTS, WIDTH_CM = 9, 16.0
SHOWN = ("table", "figure", "withheld")
ESCAPED = re.compile(r"\\([^\w\s])")  # a sign that Markdown would take for its own
LATIN, CHINESE = "Times New Roman", "SimSun"
SYNTHETIC = {"en": "Synthetic data: no real firm.", "zh": "合成数据：不涉及真实企业。"}


def write(study: Built, target: Path, methods: str = "") -> None:
    """Write a study's methods and all its exhibits, under a heading for each notebook, into one Word file.

    Parameters
    ----------
    study : Built
        The study.
    target : Path
        File to write.
    methods : str
        The methods section, in Markdown; empty for none.
    """
    from docx import Document

    document = Document()
    _fonts(document)
    document.core_properties.title = title_of_file(study.title)
    document.core_properties.author = ""
    document.add_heading(word(study.title), level=1)
    if study.synthetic:
        document.add_paragraph(SYNTHETIC[study.language]).runs[0].bold = True
    _methods(document, methods)
    within = ""
    for row in study.exhibits:
        if row["notebook"] != within and row["kind"] in SHOWN:
            within = row["notebook"]
            document.add_heading(word(title_of(within, study.language)), level=2)
        if row["kind"] == "table":
            cells = spoken.table(study.root, row["notebook"], row["id"], study.language)
            turned = cells.get("grid", {}).get("landscape", False)
            with _turned(document) if turned else nullcontext():
                _table(document, row, cells, study.language)
        elif row["kind"] == "withheld":
            document.add_paragraph(word(withheld(row, study.language)))
        elif row["kind"] == "figure":
            _figure(document, study.forms(row["notebook"], row["id"])[".png"], row, study.language)
    document.save(str(target))


# -- inside ------------------------------------------------------------------------------------


def _methods(document: Any, text: str) -> None:
    """Headings, paragraphs and references of a methods section."""
    for part in text.split("\n\n"):
        plain = part.strip()
        if plain.startswith("#"):
            document.add_heading(word(_unmarked(plain.lstrip("# "))), level=min(3, plain.index(" ") + 1))
            continue
        for line in plain.splitlines():
            style = "List Bullet" if line.startswith("- ") else None
            document.add_paragraph(word(_unmarked(line.removeprefix("- "))), style=style)


def _unmarked(text: str) -> str:
    """A sentence of Markdown as it is read: no signs of emphasis and code, nothing escaped."""
    return ESCAPED.sub(r"\1", re.sub(r"\*\*|`", "", text))


def _fonts(document: Any) -> None:
    """Latin and Chinese letters by the fonts that journals' templates use, whatever Word's own default is."""
    from docx.oxml.ns import qn
    from docx.shared import Pt

    for name in ("Normal", "Heading 1", "Heading 2", "Heading 3"):
        style = document.styles[name]
        style.font.name = LATIN
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), CHINESE)
    document.styles["Normal"].font.size = Pt(10.5)


def _table(document: Any, row: dict[str, Any], cells: dict[str, Any], language: str) -> None:
    from docx.shared import Pt

    caption = document.add_paragraph()
    caption.paragraph_format.keep_with_next = True
    caption.paragraph_format.space_before = Pt(12)
    caption.add_run(word(caption_of(row, language))).bold = True
    grid = cells.get("grid")
    heads = [[["", 1], *head] for head in grid["heads"]] if grid else [[[text, 1] for text in cells["head"]]]
    rows = [[text for text, span in head for text in [text, *[""] * (span - 1)]] for head in heads]
    rows += cells["text"]
    shape = document.add_table(rows=len(rows), cols=len(cells["head"]))
    texts = ((r, c, text) for r, line in enumerate(rows) for c, text in enumerate(line))
    for empty, (r, c, text) in zip(shape._tbl.xpath(".//w:p"), texts, strict=True):
        empty.getparent().replace(empty, _cell(text, cells["numeric"][c], bold=r < len(heads)))
    _rules(shape, len(heads))
    if grid:
        _grouped(shape, heads, grid)
    for text in below(row, language):
        document.add_paragraph().add_run(word(text)).font.size = Pt(TABLE_POINTS)


def _cell(text: str, numeric: bool, bold: bool) -> Any:
    """The paragraph of a cell, copied from a pattern: python-docx looks up the place of every property anew."""
    paragraph = deepcopy(_pattern(numeric, bold))
    for position, part in enumerate(re.split(r"([\t\r\n])", word(text))):
        if position % 2:
            paragraph.r_lst[0].add_tab() if part == "\t" else paragraph.r_lst[0].add_br()
        elif part:
            paragraph.r_lst[0].add_t(part)
    return paragraph


@cache
def _pattern(numeric: bool, bold: bool) -> Any:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.shared import Pt
    from docx.text.paragraph import Paragraph

    paragraph = Paragraph(OxmlElement("w:p"), None)  # type: ignore[arg-type]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if numeric else WD_ALIGN_PARAGRAPH.LEFT
    run = paragraph.add_run()
    run.font.size, run.bold = Pt(TABLE_POINTS), bold
    return paragraph._p


@contextmanager
def _turned(document: Any) -> Iterator[None]:
    """A page of its own that is turned; what comes after stands upright again."""
    from docx.enum.section import WD_ORIENT, WD_SECTION

    for orientation in (WD_ORIENT.LANDSCAPE, WD_ORIENT.PORTRAIT):
        section = document.add_section(WD_SECTION.NEW_PAGE)
        sides = section.page_width, section.page_height
        long, short = max(sides), min(sides)
        turned = orientation == WD_ORIENT.LANDSCAPE
        section.orientation = orientation
        section.page_width, section.page_height = (long, short) if turned else (short, long)
        if turned:
            yield


def _grouped(shape: Any, heads: Sequence[Sequence[Sequence[Any]]], grid: dict[str, Any]) -> None:
    """Heads over several columns as one cell with a rule below; lines that name a panel; rules before the foot."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    for r, head in enumerate(heads):
        at = 0
        for text, span in head:
            whole = _whole(shape, r, at, span)
            if at:
                whole.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.CENTER
            if span > 1 and text:
                whole._tc.get_or_add_tcPr().append(_borders("w:tcBorders", {"bottom": INNER}, ()))
            at += span
    for r, (kind, ruled) in enumerate(zip(grid["kinds"], grid["ruled"], strict=True), len(heads)):
        if kind == "panel":
            _whole(shape, r, 0, len(shape.columns)).paragraphs[0].runs[0].italic = True
        if ruled:
            for cell in shape.rows[r].cells:
                cell._tc.get_or_add_tcPr().append(_borders("w:tcBorders", {"top": INNER}, ()))


def _whole(shape: Any, row: int, first: int, span: int) -> Any:
    """Cells of a line as one, with the first one's text alone."""
    cell = shape.cell(row, first)
    whole = cell.merge(shape.cell(row, first + span - 1)) if span > 1 else cell
    for empty in whole.paragraphs[1:]:
        empty._p.getparent().remove(empty._p)
    return whole


def _rules(shape: Any, heads: int = 1) -> None:
    """A rule above, one below the header, one at the end, and no others; the header repeats on each page."""
    from docx.oxml import OxmlElement

    borders = _borders(
        "w:tblBorders", {"top": OUTER, "bottom": OUTER}, ("left", "right", "insideH", "insideV")
    )
    shape._tbl.tblPr.append(borders)
    for cell in shape.rows[heads - 1].cells:
        cell._tc.get_or_add_tcPr().append(_borders("w:tcBorders", {"bottom": INNER}, ()))
    for row in list(shape.rows)[:heads]:
        row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _borders(name: str, drawn: dict[str, int], absent: Sequence[str]) -> Any:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    borders = OxmlElement(name)
    # The order of sides is fixed by the format.
    for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
        if side in drawn or side in absent:
            line = OxmlElement(f"w:{side}")
            line.set(qn("w:val"), "single" if side in drawn else "nil")
            if side in drawn:
                line.set(qn("w:sz"), str(drawn[side]))
                line.set(qn("w:color"), "000000")
            borders.append(line)
    return borders


def _figure(document: Any, file: Path, row: dict[str, Any], language: str) -> None:
    from docx.shared import Cm, Pt

    document.add_picture(str(file), width=Cm(WIDTH_CM))
    document.paragraphs[-1].paragraph_format.keep_with_next = True
    document.add_paragraph().add_run(word(caption_of(row, language))).bold = True
    for text in below(row, language):
        document.add_paragraph().add_run(word(text)).font.size = Pt(TABLE_POINTS)
