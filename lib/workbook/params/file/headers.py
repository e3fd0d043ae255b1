"""Headers of a source, without its rows: what a study may name beside the contract's columns."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

# What its reader refuses: bytes of all parts of a book; parts that are larger, and packed more times.
MOST, SMALL, PACKED = 600_000_000, 1_000_000, 300


def headers(file: Path, sheet: str | None = None) -> list[str]:
    """Headers of a file's first row; none where the file cannot be read so (its reader will say why).

    Parameters
    ----------
    file : pathlib.Path
        CSV, TSV, Parquet, Stata or Excel.
    sheet : str, optional
        Of an Excel file; the first by default.
    """
    try:
        return _READ[file.suffix.lower()](file, sheet)
    except Exception:  # whatever is wrong with the file is said by the reader that reads all of it
        return []


def _text(file: Path, sheet: str | None) -> list[str]:
    with file.open("rb") as stream:
        line = stream.readline(1_000_000)
    for encoding in ("utf-8-sig", "gb18030", "windows-1252"):
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError:
            continue
        delimiter = "\t" if file.suffix.lower() == ".tsv" else ","
        return [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter), [])]
    return []


def _parquet(file: Path, sheet: str | None) -> list[str]:
    import pyarrow.parquet as pq

    return list(pq.read_schema(file).names)


def _stata(file: Path, sheet: str | None) -> list[str]:
    import pandas as pd

    with pd.read_stata(file, iterator=True) as reader:
        return list(reader.variable_labels())


def _excel(file: Path, sheet: str | None) -> list[str]:
    import openpyxl

    with zipfile.ZipFile(file) as archive:  # texts of the whole book are read for its first row
        parts = archive.infolist()
    if sum(p.file_size for p in parts) > MOST or any(
        p.file_size > max(SMALL, PACKED * p.compress_size) for p in parts
    ):
        return []
    book = openpyxl.load_workbook(file, read_only=True)
    rows = (book[sheet] if sheet else book.worksheets[0]).iter_rows(max_row=1, values_only=True)
    return [str(cell).strip() for cell in next(rows, ()) if cell is not None]


_READ = {".csv": _text, ".tsv": _text, ".parquet": _parquet, ".dta": _stata, ".xlsx": _excel}
