"""Tables as bureaus print them: this year, the year before, growth and share under one head a measure; Word and Excel."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from fusion.papers import paper
from fusion.papers.paper import filled, number

FIRST = ["amount", "before", "growth", "share"]
SECOND = ["units", "matched", "growth", "real", "nominal"]  # real: where there are prices
FORMS = {"amount": "#,##0.0", "before": "#,##0.0", "units": "#,##0", "matched": "#,##0"}  # others: 0.0
MARGINS = {"top": 20, "bottom": 18, "left": 18, "right": 18}
WIDTH = {"first": 18, "other": 11}  # of Excel's columns, in characters


def official(frame: pd.DataFrame, axes: Mapping[str, str], year: int) -> dict[str, bytes]:
    """Totals by group as two printed tables: amounts with growth and share; units with both kinds of growth.

    Parameters
    ----------
    frame : pandas.DataFrame
        measure, group (words), amount, before, growth, matched, nominal, share, units, and with prices real, as
        `bureau.growth_table` gives them.
    axes : mapping
        Words: title, group, the columns, first, second (captions, in which <1> is the year), unit, unit_second, scope, source.
    year : int
        The year of the tables.

    Returns
    -------
    dict
        Content by suffix: ``.docx``, ``.xlsx``.
    """
    captions = [paper.filled(axes[name], year) for name in ("first", "second")]
    second = [column for column in SECOND if column != "real" or "real" in frame]
    parts = list(zip(captions, ([*FIRST], second), (axes["unit"], axes["unit_second"]), strict=True))
    return {".docx": _word(frame, axes, parts), ".xlsx": _excel(frame, axes, parts)}


Part = tuple[str, list[str], str]


def _measures(frame: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(frame["measure"]))


def _notes(frame: pd.DataFrame, axes: Mapping[str, str], columns: Sequence[str]) -> list[str]:
    """What stands below a table: its scope, below the first what doubts do to its totals, its source."""
    doubts = paper.in_doubt(frame, axes) if columns == FIRST else []
    whole = [filled(axes["in_doubt"], axes["comma"].join(doubts))] if doubts else []
    return [axes["scope"], *whole, axes["source"]]


def _rows(frame: pd.DataFrame, columns: Sequence[str]) -> list[list[Any]]:
    """A line a group: its name, and the columns of each measure in turn."""
    wide = {measure: own.set_index("group") for measure, own in frame.groupby("measure", sort=False)}
    groups = list(dict.fromkeys(frame["group"]))
    lines = []
    for group in groups:
        cells = [
            own.loc[group, column] if group in own.index else float("nan")
            for own in wide.values()
            for column in columns
        ]
        lines.append([group, *cells])
    return lines


# -- Word --------------------------------------------------------------------------------------
def _word(frame: pd.DataFrame, axes: Mapping[str, str], parts: Sequence[Part]) -> bytes:
    from docx.enum.section import WD_ORIENT
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    made = paper.page(axes["title"], MARGINS)
    sheet = made.sections[0]
    sheet.orientation = WD_ORIENT.LANDSCAPE
    sheet.page_width, sheet.page_height = sheet.page_height, sheet.page_width
    for caption, columns, unit in parts:
        paper.say(made, caption, paper.HEADING, 14, centred=True, spacing=24)
        paper.say(made, unit, paper.BODY, 9, spacing=14).alignment = WD_ALIGN_PARAGRAPH.RIGHT
        _word_table(made, frame, axes, columns)
        for text in _notes(frame, axes, columns):
            paper.say(made, text, paper.BODY, 9, spacing=14)
        paper.say(made, "", paper.BODY, 9, spacing=14)
    return paper.bytes_of(made)


def _word_table(made: Any, frame: pd.DataFrame, axes: Mapping[str, str], columns: Sequence[str]) -> None:
    """Two lines of heads, the upper one a merged cell a measure; heads repeat on each page."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement

    measures, wide = _measures(frame), len(columns)
    upper = [axes["group"], *(text for measure in measures for text in [measure, *[""] * (wide - 1)])]
    lower = ["", *(axes[column] for _ in measures for column in columns)]
    lines = [
        [str(name), *(number(v, _form(columns[k % wide])) for k, v in enumerate(values))]
        for name, *values in _rows(frame, columns)
    ]
    shape = paper.table(made, upper, [lower, *lines], 9, 1)
    shape.cell(0, 0).merge(shape.cell(1, 0))
    for k in range(len(measures)):
        whole = shape.cell(0, 1 + k * wide).merge(shape.cell(0, (k + 1) * wide))
        for empty in whole.paragraphs[1:]:
            empty._p.getparent().remove(empty._p)
        whole.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.CENTER
    for row in list(shape.rows)[:2]:
        row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _form(column: str) -> str:
    return ",.0f" if column in ("units", "matched") else ",.1f"


# -- Excel -------------------------------------------------------------------------------------
def _excel(frame: pd.DataFrame, axes: Mapping[str, str], parts: Sequence[Part]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    book.properties.title, book.properties.creator = axes["title"][:255], ""
    for place, (caption, columns, unit) in enumerate(parts, 1):
        _sheet(book.create_sheet(f"{axes['sheet']}{place}"), frame, axes, (caption, columns, unit))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _sheet(sheet: Any, frame: pd.DataFrame, axes: Mapping[str, str], part: Part) -> None:
    caption, columns, unit = part
    measures, wide = _measures(frame), len(columns)
    last = 1 + len(measures) * wide
    _put(sheet, 1, 1, caption, "center", bold=True, size=14)
    _put(sheet, 2, 1, unit, "right")
    _put(sheet, 3, 1, axes["group"], "center", bold=True)
    for k, measure in enumerate(measures):
        _put(sheet, 3, 2 + k * wide, measure, "center", bold=True)
        for j, column in enumerate(columns):
            _put(sheet, 4, 2 + k * wide + j, axes[column], "center", bold=True)
    lines = _rows(frame, columns)
    for r, line in enumerate(lines, 5):
        for c, value in enumerate(line, 1):
            _put(
                sheet,
                r,
                c,
                value,
                "left" if c == 1 else "right",
                form=FORMS.get(columns[(c - 2) % wide], "0.0"),
            )
    end = 4 + len(lines)
    notes = _notes(frame, axes, columns)
    for r, text in enumerate(notes, end + 1):
        _put(sheet, r, 1, text, "left", size=9)
        sheet.merge_cells(start_row=r, end_row=r, start_column=1, end_column=last)
        sheet.row_dimensions[r].height = 13 * (1 + 2 * len(text) // (11 * last + 7))
    for row in (1, 2):
        sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=last)
    sheet.merge_cells(start_row=3, end_row=4, start_column=1, end_column=1)
    for k in range(len(measures)):
        sheet.merge_cells(start_row=3, end_row=3, start_column=2 + k * wide, end_column=1 + (k + 1) * wide)
    _lined(sheet, 3, end, last)
    _printed(sheet, end + len(notes), last)


def _put(
    sheet: Any,
    row: int,
    column: int,
    value: Any,
    side: str,
    *,
    bold: bool = False,
    size: int = 10,
    form: str = "0.0",
) -> None:
    """A cell: numbers keep all their digits and are shown by their format, text is never a formula."""
    from openpyxl.styles import Alignment, Font

    cell = sheet.cell(row, column)
    if isinstance(value, str) or pd.isna(value):
        cell.value = value if isinstance(value, str) else paper.MISSING
        cell.data_type = "s"
    else:
        cell.value, cell.number_format = float(value), form
    cell.alignment = Alignment(horizontal=side, vertical="center", wrap_text=True)
    cell.font = Font(name="SimSun", size=size, bold=bold)


def _lined(sheet: Any, first: int, end: int, last: int) -> None:
    """A thin line round every cell of the table; columns as wide as their numbers."""
    from openpyxl.styles import Border, Side
    from openpyxl.utils import get_column_letter

    thin = Side(style="thin")
    for row in sheet.iter_rows(min_row=first, max_row=end, max_col=last):
        for cell in row:
            cell.border = Border(left=thin, right=thin, top=thin, bottom=thin)
    for column in range(1, last + 1):
        sheet.column_dimensions[get_column_letter(column)].width = WIDTH["first" if column == 1 else "other"]


def _printed(sheet: Any, end: int, last: int) -> None:
    """A4 lying, on one page's width, heads on every page, the page's number below."""
    from openpyxl.utils import get_column_letter

    sheet.page_setup.paperSize, sheet.page_setup.orientation = sheet.PAPERSIZE_A4, "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows, sheet.freeze_panes = "1:4", "B5"
    sheet.print_area = f"A1:{get_column_letter(last)}{end}"
    sheet.oddFooter.center.text = "&P / &N"
