"""Tables in one Excel workbook: full precision, a sheet each, with title, note and source; a list in front."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbook import inert
from workbook.exhibits.rendering import below, caption_of, withheld
from workbook.publish import spoken
from workbook.publish.built import Built

LIST = {"en": "Exhibits", "zh": "目录"}
HEADS = {"en": ["Exhibit", "Title", "Sheet"], "zh": ["编号", "标题", "工作表"]}
WIDEST = 60
INTERVAL = re.compile(r"\[\s*([−-]?[\d,.]+|[−-]?∞)[,;]\s*([−-]?[\d,.]+|[−-]?∞)\s*\]")
PLAIN = re.compile(r"[−-]?[\d,]+(\.\d+)?")  # a number as it is printed, without a sign of anything else


def write(study: Built, target: Path) -> None:
    """Write all tables of a study into one workbook.

    Numbers are numbers, with all their digits; codes such as 0111 stay text.

    Parameters
    ----------
    study : Built
        The study.
    target : Path
        File to write.
    """
    from openpyxl import Workbook
    from openpyxl.worksheet.hyperlink import Hyperlink

    book, language = Workbook(), study.language
    front = book.active
    front.title = LIST[language]
    _line(front, 1, [study.title])
    _line(front, 2, HEADS[language])
    for row in study.exhibits:
        if row["kind"] == "table":
            sheet = book.create_sheet(name_of(row))
            fill(sheet, study, row)
            _line(front, front.max_row + 1, [row["number"], row["title"], sheet.title])
            place = f"C{front.max_row}"
            quoted = sheet.title.replace("'", "''")
            front[place].hyperlink = Hyperlink(ref=place, location=f"'{quoted}'!A1")
        elif row["kind"] == "withheld":
            _line(front, front.max_row + 1, [row["number"], withheld(row, language)])
    _bold(front, (1, 2))
    for letter, width in zip("ABC", (10, 90, 30), strict=True):
        front.column_dimensions[letter].width = width
    book.save(target)


# -- inside ------------------------------------------------------------------------------------


def fill(sheet: Any, study: Built, row: dict[str, Any]) -> None:
    """Write a table into an empty sheet: caption, heads, rows, note and source, set up for print.

    Parameters
    ----------
    sheet : openpyxl.worksheet.worksheet.Worksheet
        The sheet.
    study : Built
        The study.
    row : dict
        The exhibit.
    """
    from openpyxl.utils import get_column_letter

    language = study.language
    cells = spoken.table(study.root, row["notebook"], row["id"], language)
    grid = cells.get("grid")
    cells = cells if grid else _parted(cells)
    lines = _heads(grid) + _values(cells) if grid else [cells["head"], *cells["value"]]
    told = [[text] for text in below(row, language)]
    for number, line in enumerate([[caption_of(row, language)], *lines, [], *told], 1):
        _line(sheet, number, line)
    heads = len(grid["heads"]) if grid else 1
    _bold(sheet, tuple(range(1, heads + 2)))
    sheet.freeze_panes = f"A{heads + 2}"
    if grid:
        _grouped(sheet, grid)
    if not grid:
        _formats(sheet, cells)
    _printed(sheet, heads + 1, len(lines) + 1, len(cells["head"]))
    for column in range(len(cells["head"])):
        # A Chinese character is as wide as two Latin ones.
        longest = max(sum(1 + (ord(c) > 0x2E80) for c in str(line[column])) for line in lines)
        sheet.column_dimensions[get_column_letter(column + 1)].width = min(WIDEST, longest + 2)


def _parted(cells: dict[str, Any]) -> dict[str, Any]:
    """A table whose cells of text are numbers where they say one; an interval takes two cells, side by side."""
    columns = list(zip(*cells["text"], strict=True)) or [()] * len(cells["head"])
    wide = [any(INTERVAL.fullmatch(cell) for cell in column) for column in columns]
    found: dict[str, Any] = {
        "head": [],
        "value": [[] for _ in cells["text"]],
        "text": [[] for _ in cells["text"]],
    }
    for c, both in enumerate(wide):
        found["head"] += [cells["head"][c], ""] if both else [cells["head"][c]]
        for r, line in enumerate(cells["text"]):
            ends = INTERVAL.fullmatch(line[c]) if both else None
            texts = list(ends.groups()) if ends else [line[c], *[""] * both]
            own = cells["value"][r][c]
            # Where the column has intervals its other cells are numbers that were printed, too; elsewhere text stays.
            values = (
                [_read(text) for text in texts] if both and isinstance(own, str) else [own, *[None] * both]
            )
            found["text"][r] += texts
            found["value"][r] += values
    return found


def _read(text: str) -> Any:
    """The number that a text prints, or the text."""
    plain = text.replace("−", "-").replace(",", "")
    return (float(plain) if "." in plain else int(plain)) if PLAIN.fullmatch(text) else text or None


def _formats(sheet: Any, cells: dict[str, Any]) -> None:
    """Numbers at full precision, shown with the decimals that are printed, thousands separated where they are there."""
    for r, (values, texts) in enumerate(zip(cells["value"], cells["text"], strict=True), 3):
        for c, (value, text) in enumerate(zip(values, texts, strict=True), 1):
            if isinstance(value, int | float) and text.startswith("<"):
                sheet.cell(r, c).number_format = '[<0.0005]"<0.001";0.000'
            elif isinstance(value, int | float) and not isinstance(value, bool) and PLAIN.fullmatch(text):
                whole, decimals = "#,##0" if "," in text else "0", len(text.partition(".")[2])
                sheet.cell(r, c).number_format = f"{whole}.{'0' * decimals}" if decimals else whole


def _printed(sheet: Any, heads: int, last: int, columns: int) -> None:
    """A4 lying, as wide as the page, heads on every page, the number of the page at its foot."""
    from openpyxl.utils import get_column_letter

    sheet.page_setup.paperSize, sheet.page_setup.orientation = sheet.PAPERSIZE_A4, "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = f"1:{heads}"
    # Notes and sources stand below the table and are printed, too.
    sheet.print_area = f"A1:{get_column_letter(columns)}{max(last, sheet.max_row)}"
    sheet.oddFooter.center.text = "&P / &N"


def _heads(grid: dict[str, Any]) -> list[list[Any]]:
    """Lines of heads, each text in the first of the columns that it stands over."""
    return [
        ["", *(part for text, span in head for part in [text, *[""] * (span - 1)])] for head in grid["heads"]
    ]


def _values(cells: dict[str, Any]) -> list[list[Any]]:
    """Numbers at full precision where a cell has one, else what is printed."""
    rows = zip(cells["text"], cells["grid"]["values"], strict=True)
    return [
        [text if value is None else value for text, value in zip(line, values, strict=True)]
        for line, values in rows
    ]


def _grouped(sheet: Any, grid: dict[str, Any]) -> None:
    """Heads over several columns in one cell; numbers shown as they are printed: stars, brackets, decimals."""
    from openpyxl.styles import Alignment

    for r, head in enumerate(grid["heads"], 2):
        at = 2
        for _, span in head:
            if span > 1:
                sheet.merge_cells(start_row=r, end_row=r, start_column=at, end_column=at + span - 1)
            sheet.cell(r, at).alignment = Alignment(horizontal="center")
            at += span
    for r, (values, formats) in enumerate(
        zip(grid["values"], grid["formats"], strict=True), 2 + len(grid["heads"])
    ):
        for c, (value, shown) in enumerate(zip(values, formats, strict=True), 1):
            place = sheet.cell(r, c)
            if value is not None and shown:
                place.number_format = shown
            if c > 1:
                place.alignment = Alignment(horizontal="right")


def name_of(row: dict[str, Any]) -> str:
    r"""A sheet's name: number and what the table is called, within what Excel allows (31 characters, no ``[]:*?/\``)."""
    called = "".join(" " if c in r"[]:*?/\\" else c for c in inert.plain(row["name"]))
    return f"{row['number']} {called}"[:31].strip().strip("'")


def _line(sheet: Any, row: int, values: Sequence[Any]) -> None:
    """A row as it is kept: numbers are numbers, 0111 is a code, and '=1+1' is text, never a formula."""
    for column, value in enumerate(values, 1):
        if value is not None:
            inert.cell(sheet.cell(row, column), value)


def _bold(sheet: Any, rows: tuple[int, ...]) -> None:
    from openpyxl.styles import Font

    for row in rows:
        for cell in sheet[row]:
            cell.font = Font(bold=True)
