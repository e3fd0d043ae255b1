"""Tables in one Excel workbook: full precision, a sheet each, with title, note and source; a list in front."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbook.exhibits.rendering import caption_text
from workbook.publish.built import Built

LIST = {"en": "Exhibits", "zh": "目录"}
HEADS = {"en": ["Exhibit", "Title", "Sheet"], "zh": ["编号", "标题", "工作表"]}
NOTES = {"en": ("Note: ", "Source: "), "zh": ("注：", "来源：")}
WIDEST = 60


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
    front.append([study.title])
    front.append(HEADS[language])
    for row in study.exhibits:
        if row["kind"] == "table" and row["file"]:
            sheet = book.create_sheet(f"{row['number']} {row['id']}"[:31])
            _sheet(sheet, study, row)
            front.append([row["number"], row[f"title_{language}"], sheet.title])
            place = f"C{front.max_row}"
            front[place].hyperlink = Hyperlink(ref=place, location=f"'{sheet.title}'!A1")
    _bold(front, (1, 2))
    for letter, width in zip("ABC", (10, 90, 30), strict=True):
        front.column_dimensions[letter].width = width
    book.save(target)


# -- inside ------------------------------------------------------------------------------------


def _sheet(sheet: Any, study: Built, row: dict[str, str]) -> None:
    from openpyxl.utils import get_column_letter

    language = study.language
    sheet.append([caption_text(row, language)])
    lines = list(_lines(study.root / row["file"]))
    for line in lines:
        sheet.append(line)
    sheet.append([])
    for part, word in zip(("note", "source"), NOTES[language], strict=True):
        if row[f"{part}_{language}"]:
            sheet.append([word + row[f"{part}_{language}"]])
    _bold(sheet, (1, 2))
    sheet.freeze_panes = "A3"
    for column in range(len(lines[0]) if lines else 0):
        # A Chinese character is as wide as two Latin ones.
        longest = max(
            sum(1 + (ord(c) > 0x2E80) for c in str(line[column])) for line in lines if column < len(line)
        )
        sheet.column_dimensions[get_column_letter(column + 1)].width = min(WIDEST, longest + 2)


def _lines(file: Path) -> Iterator[list[Any]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream)
        yield list(next(reader, []))
        for row in reader:
            yield [_value(cell) for cell in row]


def _value(text: str) -> Any:
    """A number where the text is one as written; 0111 is a code, and '=1+1' is text, never a formula."""
    if text in ("", "0"):
        return 0 if text else None
    leads = text.lstrip("-")
    if leads[:1] == "0" and not leads.startswith("0."):
        return text
    try:
        number = float(text)
    except ValueError:
        return f"'{text}" if text[:1] in "=+@" else text
    if number != number or number in (float("inf"), float("-inf")):
        return text
    return int(number) if number.is_integer() and "." not in text and "e" not in text.lower() else number


def _bold(sheet: Any, rows: tuple[int, ...]) -> None:
    from openpyxl.styles import Font

    for row in rows:
        for cell in sheet[row]:
            cell.font = Font(bold=True)
