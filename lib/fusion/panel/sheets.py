"""Workbooks of spreadsheets, cell by cell as text, one reader for all: .xlsx, .xlsm, .xls, .xlsb and .ods.

openpyxl reads .xlsx and .xlsm, for it alone knows which formula has no value; calamine reads the others. A number that is
shown in percent is read as it is shown, by the format of its cell (45% is stored as .45). Numbers are written in full, dates
as 2016-12-31, blank rows as empty lists.
"""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fusion import archives
from fusion.language import said
from fusion.panel import files, records

OPENED = (".xlsx", ".xlsm")
KINDS = (*OPENED, ".xls", ".xlsb", ".ods")
PACKED = (*OPENED, ".xlsb", ".ods")  # archives
DIGITS = 1e15  # Excel keeps fifteen digits of a number
FEW = 5
PIECE = 1 << 20


def names(path: Path) -> list[str]:
    """Names of a workbook's sheets, in order; at least one.

    Raises
    ------
    PanelError
        For a damaged workbook, one without a sheet, or one that unpacks to too much.
    """
    with files.whole(path, "Excel", said("panel.mend_excel")):
        found = _names(path)
        if not found:
            raise ValueError(said("panel.sheetless"))
        return found


def rows(path: Path, sheet: str) -> Iterator[list[str]]:
    """Rows of a sheet as text, one at a time, without empty cells at their ends."""
    for row in cells(path, sheet):
        told = [text(value) for value in row]
        while told and not told[-1]:
            told.pop()
        yield told


def cells(path: Path, sheet: str) -> Iterator[list[Any]]:
    """Rows of a sheet as stored, one at a time; a number that is shown in percent is its text (``45%``).

    Raises
    ------
    PanelError
        Where the workbook turns out damaged.
    """
    with files.whole(path, "Excel", said("panel.mend_excel")):
        yield from _opened(path, sheet) if path.suffix.lower() in OPENED else _calamine(path, sheet)


def without_value(path: Path, sheet: str) -> tuple[int, list[str]]:
    """Formulas whose result no program has stored: how many, and the first cells (``B2``)."""
    if path.suffix.lower() not in OPENED or not _has_formula(path, sheet):
        return 0, []
    import openpyxl

    stored, written = (openpyxl.load_workbook(path, read_only=True, data_only=kind) for kind in (True, False))
    count = 0
    first: list[str] = []
    try:
        pairs = zip(_lying(stored[sheet]), _lying(written[sheet]), strict=False)
        for values, formulas in pairs:
            for value, formula in zip(values, formulas, strict=False):
                if value.value is None and str(formula.value or "").startswith("="):
                    count += 1
                    first += [formula.coordinate] if len(first) < FEW else []
    finally:
        stored.close()
        written.close()
    return count, first


def text(value: Any) -> str:
    """A cell as text."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ")
    if isinstance(value, float | int) and not isinstance(value, bool):
        if float(value).is_integer() and abs(value) < DIGITS:
            return str(int(value))
        return repr(float(value)) if abs(value) >= DIGITS else str(value)
    return str(value).strip()


# -- inside ------------------------------------------------------------------------------------
def _lying(sheet: Any) -> Iterator[tuple[Any, ...]]:
    sheet.reset_dimensions()
    return iter(sheet.iter_rows())


def _shown(value: Any, factor: float) -> Any:
    """A number as its format shows it, where that has a percent sign."""
    number = isinstance(value, float | int) and not isinstance(value, bool)
    return f"{value * factor:.12g}%" if factor and number else value


def _opened(path: Path, sheet: str) -> Iterator[list[Any]]:
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        for row in _lying(book[sheet]):
            yield [_shown(cell.value, records.percent(str(cell.number_format))) for cell in row]
    finally:
        book.close()


def _calamine(path: Path, sheet: str) -> Iterator[list[Any]]:
    percents = records.cells(path, sheet).percents
    left, lines = files.apart("calamine.py", str(path), sheet)
    for at, row in enumerate(lines):  # from the sheet's first row on, from the first column that is used
        cells = [None] * left + [None if value == "" else value for value in row]
        for column, factor in percents.get(at, {}).items():
            if column < len(cells):
                cells[column] = _shown(cells[column], factor)
        yield cells


def _names(path: Path) -> list[str]:
    if path.suffix.lower() in PACKED:
        archives.bounded(path)
    if path.suffix.lower() not in OPENED:
        return list(files.apart("calamine.py", str(path)))
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True)
    found = [str(sheet.title) for sheet in book.worksheets]
    book.close()
    return found


def _has_formula(path: Path, sheet: str) -> bool:
    """Whether the sheet's XML has a formula at all, without parsing it."""
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True)
    part = book[sheet]._worksheet_path
    book.close()
    with zipfile.ZipFile(path) as archive, archive.open(part) as stream:
        before = b""
        while piece := stream.read(PIECE):
            if b"<f>" in before + piece or b"<f " in before + piece:
                return True
            before = piece[-3:]
    return False
