"""Exhibits in Word: tables with three rules (三线表), as Chinese journals ask for, figures with their captions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from workbook.exhibits.journal import fitting
from workbook.exhibits.rendering import below, caption_of, withheld
from workbook.inert import title_of_file, word
from workbook.publish import spoken
from workbook.publish.built import Built
from workbook.publish.papers import title_of

# Widths of the rules in eighths of a point: outer ones 1.5 pt, the one below the header 0.75 pt.
OUTER, INNER = 12, 6
TABLE_POINTS = 9
# A4 with margins of 2.5 cm: room for what stands on it, upright and turned, in points.
PAGE_CM, MARGIN_CM = (21.0, 29.7), 2.5
ROOM = {turned: (PAGE_CM[turned] - 2 * MARGIN_CM) / 2.54 * 72 for turned in (False, True)}
# Ways to set a table: type size, whether the page is turned, room.
WAYS = (
    (0.9, False, ROOM[False]),
    (0.8, False, ROOM[False]),
    (0.9, True, ROOM[True]),
    (0.7, True, ROOM[True]),
)
SEQUENCES = {"table": "Table", "figure": "Figure"}
SHOWN = ("table", "figure", "withheld")
ESCAPED = re.compile(r"\\([^\w\s])")  # a sign that Markdown would take for its own
LATIN, CHINESE = "Times New Roman", "SimSun"
CONTENTS = {
    "en": "Contents: select and press F9 to fill in.",
    "zh": "目录：选中后按 F9 生成。",
}
SYNTHETIC = {"en": "Synthetic data: no real firm.", "zh": "合成数据：不涉及真实企业。"}


def write(study: Built, target: Path, methods: str = "", few: bool = False) -> None:
    """Write a study's methods and its exhibits, under a heading for each notebook, into one Word file.

    Parameters
    ----------
    study : Built
        The study.
    target : Path
        File to write.
    methods : str
        The methods section, in Markdown; empty for none.
    few : bool
        Whether to take only the exhibits that say what was found, as a journal prints them, in place of all.
    """
    from docx import Document

    document = Document()
    prepare(document)
    document.core_properties.title = title_of_file(study.title)
    document.core_properties.author = ""
    document.add_heading(word(study.title), level=1)
    if study.synthetic:
        document.add_paragraph(SYNTHETIC[study.language]).runs[0].bold = True
    _contents(document, study.language)
    _methods(document, methods)
    within = ""
    for row in study.headlines if few else study.exhibits:
        if row["notebook"] != within and row["kind"] in SHOWN:
            within = row["notebook"]
            document.add_heading(word(title_of(study, within)), level=2)
        if row["kind"] == "table":
            cells = spoken.table(study.root, row["notebook"], row["id"], study.language)
            made = _fitted(cells)
            turned = cells.get("grid", {}).get("landscape", False) or made.turned
            with _turned(document) if turned else nullcontext():
                _table(document, row, cells, study.language, made)
        elif row["kind"] == "withheld":
            document.add_paragraph(word(withheld(row, study.language)))
        elif row["kind"] == "figure":
            _figure(document, study.forms(row["notebook"], row["id"])[".png"], row, study.language)
    document.save(str(target))


def prepare(document: Any) -> None:
    """Give a new document its letters and its paper."""
    _fonts(document)
    _paper(document)


def one_table(document: Any, row: dict[str, Any], cells: dict[str, Any], language: str) -> None:
    """Put a table that stands alone into an empty document, whose page is turned where the table is wide.

    Parameters
    ----------
    document : docx.document.Document
        Prepared (:func:`prepare`).
    row : dict
        The exhibit.
    cells : dict
        Its cells as they are printed (``spoken.table``).
    language : {"en", "zh"}
        The language.
    """
    from docx.enum.section import WD_ORIENT
    from docx.shared import Cm

    made = _fitted(cells)
    turned = cells.get("grid", {}).get("landscape", False) or made.turned
    section, (short, long) = document.sections[0], (Cm(side) for side in PAGE_CM)
    section.orientation = WD_ORIENT.LANDSCAPE if turned else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = (long, short) if turned else (short, long)
    _table(document, row, cells, language, made, counted=False)


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
    from docx.shared import Pt, RGBColor

    for name in ("Normal", "Heading 1", "Heading 2", "Heading 3", "Caption"):
        style = document.styles[name]
        style.font.name = LATIN
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), CHINESE)
    document.styles["Normal"].font.size = Pt(10.5)
    caption = document.styles["Caption"]
    caption.font.size, caption.font.bold, caption.font.color.rgb = Pt(10), True, RGBColor(0, 0, 0)
    caption.paragraph_format.space_before, caption.paragraph_format.space_after = Pt(12), Pt(3)


def _paper(document: Any) -> None:
    """A4 in all sections."""
    from docx.shared import Cm

    section = document.sections[0]
    section.page_width, section.page_height = (Cm(side) for side in PAGE_CM)
    for side in ("left", "right", "top", "bottom"):
        setattr(section, f"{side}_margin", Cm(MARGIN_CM))


def _contents(document: Any, language: str) -> None:
    """A table of contents, which Word fills in when its fields are updated (F9)."""
    paragraph = document.add_paragraph()
    _field(paragraph, r'TOC \o "1-2" \h \z', CONTENTS[language])


def _field(paragraph: Any, code: str, shown: str) -> None:
    """A field of Word: what it computes, and what stands there until it does."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    for kind in ("begin", code, "separate", shown, "end"):
        run = paragraph.add_run()
        if kind in ("begin", "separate", "end"):
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
            run._r.append(mark)
        elif kind is code:
            told = OxmlElement("w:instrText")
            told.set(qn("xml:space"), "preserve")
            told.text = f" {code} "
            run._r.append(told)
        else:
            run.text = shown


def _caption(document: Any, row: dict[str, Any], language: str, counted: bool = True) -> Any:
    """A caption in its style, numbered by a field: who puts a table in between has the others renumbered.

    A table that stands alone keeps its number (``counted`` false): a field would make it the first.
    """
    paragraph = document.add_paragraph(style="Caption")
    if not counted:
        paragraph.add_run(word(caption_of(row, language)))
        return paragraph
    before, number, after = word(caption_of(row, language)).partition(str(row["number"]))
    chapter, _, count = number.rpartition(".")
    paragraph.add_run(word(f"{before}{chapter}."))
    _field(paragraph, rf"SEQ {SEQUENCES[row['kind']]}_{chapter} \* ARABIC", count)
    paragraph.add_run(word(after))
    return paragraph


def _fitted(cells: dict[str, Any]) -> fitting.Fit:
    """Widths of columns by content, smaller type and a turned page where they are needed."""
    heads, rows, numeric = cells["head"], cells["text"], cells["numeric"]
    if cells.get("grid"):
        heads = [""] * len(heads)
    made = fitting.fit(heads, rows, numeric, WAYS)
    if made is None:  # wider than any page: columns share what there is, and cells are broken
        size, turned, room = WAYS[-1]
        even = room / max(1, len(heads)) - fitting.GAP
        return fitting.Fit(size, turned, [even] * len(heads), [True] * len(heads))
    return made


def _table(
    document: Any,
    row: dict[str, Any],
    cells: dict[str, Any],
    language: str,
    made: fitting.Fit,
    counted: bool = True,
) -> None:
    from docx.shared import Pt

    _caption(document, row, language, counted).paragraph_format.keep_with_next = True
    grid = cells.get("grid")
    heads = [[["", 1], *head] for head in grid["heads"]] if grid else [[[text, 1] for text in cells["head"]]]
    rows = [[text for text, span in head for text in [text, *[""] * (span - 1)]] for head in heads]
    rows += cells["text"]
    shape = document.add_table(rows=len(rows), cols=len(cells["head"]))
    texts = ((r, c, text) for r, line in enumerate(rows) for c, text in enumerate(line))
    for empty, (r, c, text) in zip(shape._tbl.xpath(".//w:p"), texts, strict=True):
        empty.getparent().replace(empty, _cell(text, cells["numeric"][c], r < len(heads), 10 * made.size))
    _widths(shape, made)
    _rules(shape, len(heads))
    if grid:
        _grouped(shape, heads, grid)
    for text in below(row, language):
        document.add_paragraph().add_run(word(text)).font.size = Pt(TABLE_POINTS)


def _widths(shape: Any, made: fitting.Fit) -> None:
    """Widths by content, fixed: Word would share out the page evenly; a line is never broken over two pages."""
    from docx.enum.table import WD_TABLE_ALIGNMENT
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Pt

    shape.autofit, shape.alignment = False, WD_TABLE_ALIGNMENT.CENTER
    sides = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), str(round(10 * fitting.GAP)))
        margin.set(qn("w:type"), "dxa")
        sides.append(margin)
    shape._tbl.tblPr.insert_element_before(sides, "w:tblLook", "w:tblCaption")
    widths = [Pt(width + fitting.GAP) for width in made.widths]
    for column, width in zip(shape._tbl.tblGrid.gridCol_lst, widths, strict=True):
        column.w = width
    for line in shape._tbl.tr_lst:
        line.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
    for place, cell in enumerate(shape._tbl.xpath(".//w:tcW")):  # the public way looks each cell up anew
        cell.width = widths[place % len(widths)]


def _cell(text: str, numeric: bool, bold: bool, points: float) -> Any:
    """The paragraph of a cell, copied from a pattern: python-docx looks up the place of every property anew."""
    paragraph = deepcopy(_pattern(numeric, bold, points))
    for position, part in enumerate(re.split(r"([\t\r\n])", word(text))):
        if position % 2:
            paragraph.r_lst[0].add_tab() if part == "\t" else paragraph.r_lst[0].add_br()
        elif part:
            paragraph.r_lst[0].add_t(part)
    return paragraph


@cache
def _pattern(numeric: bool, bold: bool, points: float) -> Any:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.shared import Pt
    from docx.text.paragraph import Paragraph

    paragraph = Paragraph(OxmlElement("w:p"), None)  # type: ignore[arg-type]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if numeric else WD_ALIGN_PARAGRAPH.LEFT
    # The style's space between paragraphs would make every line of a table two.
    paragraph.paragraph_format.space_after, paragraph.paragraph_format.line_spacing = Pt(0), 1.0
    run = paragraph.add_run()
    run.font.size, run.bold = Pt(points), bold
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
    after = ("w:shd", "w:tblLayout", "w:tblCellMar", "w:tblLook")
    shape._tbl.tblPr.insert_element_before(borders, *after)
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

    shape = document.add_picture(str(file), width=Cm(PAGE_CM[0] - 2 * MARGIN_CM))
    shape._inline.docPr.set("descr", word(row.get("alt") or row["title"]))
    document.paragraphs[-1].paragraph_format.keep_with_next = True
    _caption(document, row, language)
    for text in below(row, language):
        document.add_paragraph().add_run(word(text)).font.size = Pt(TABLE_POINTS)
