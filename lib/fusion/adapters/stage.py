"""Files as they lie: encoding, delimiter, where the header is, and every row as text in DuckDB.

A file is first looked at (:func:`peek`), then staged (:func:`stage`). A regular CSV goes straight through
DuckDB's reader. A CSV whose rows differ in width, and a sheet, are first written as a regular CSV, row by
row; rows that do not fit the header are listed with their line, never dropped silently. Memory stays
bounded in both ways: rows are streamed, and tables beyond the limit go to disk.
"""

from __future__ import annotations

import csv
import itertools
import shutil
import tempfile
import weakref
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from fusion import engine
from fusion.adapters.errors import AdapterError
from fusion.language import said
from fusion.panel import files, labelled, queries, sheets, text
from fusion.panel.errors import PanelError

LOOKED_AT = 40  # rows at the top in which a header is looked for
CSV_KINDS = (".csv", ".tsv", ".txt")
DELIMITERS = (",", "\t", ";", "|")
KINDS = (*CSV_KINDS, *sheets.KINDS, ".parquet", *labelled.KINDS, queries.KIND)
FORMATS = ", ".join(KINDS)
ROW = "row"
HEADERS = {".parquet": files.parquet_headers, **dict.fromkeys(labelled.KINDS, labelled.headers)}
# A row longer than this is a quotation mark that was never closed, not a row.
LONGEST = 16 << 20
csv.field_size_limit(LONGEST)


@dataclass(frozen=True)
class Peek:
    """A file that was looked at.

    Attributes
    ----------
    rows : tuple of tuple of str
        The first rows as written, blank ones as empty tuples.
    encoding : str
        Of a text file, else empty.
    delimiter : str
        Of a text file, else empty.
    sheet : str
        Of a workbook, else empty.
    others : tuple of str
        Sheets of the workbook that are not this one.
    words : mapping of str to mapping of str to str
        By header, the words that a labelled file has for its codes.
    """

    path: Path
    kind: str
    rows: tuple[tuple[str, ...], ...]
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    others: tuple[str, ...] = ()
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Staged:
    """Rows of a file in DuckDB: table ``name`` with ``row`` (from 1, after the header) and ``c0``, ``c1``, ….

    Attributes
    ----------
    rows : int
        Rows after the header, blank ones not counted: those in the table and those set aside.
    misfits : pandas.DataFrame
        ``row, cells, text``: rows that do not fit the header's width.
    """

    name: str
    rows: int
    misfits: pd.DataFrame = field(default_factory=lambda: _misfits([]))


def beside(con: Any) -> Path:
    """A folder on disk, which goes with the connection."""
    folder = Path(tempfile.mkdtemp(prefix="fusion_", dir=engine.temporary(con)))
    weakref.finalize(con.con, shutil.rmtree, folder, ignore_errors=True)
    return folder


def peek(path: Path, encoding: str = "auto", sheet: str | None = None) -> Peek:
    """Look at the top of a file.

    Parameters
    ----------
    path : pathlib.Path
    encoding : {"auto", "utf-8", "gb18030", "windows-1252"}
        Of a text file; UTF-16 is known by its mark.
    sheet : str or None
        Of a workbook; the first one by default.

    Raises
    ------
    AdapterError
        No file, an empty one, a format that is not read, a damaged one, a sheet that is not there.
    """
    try:
        files.present(path, said("adapters.mend_name"))
        held = path.stat()
        return _peeked(path, encoding, sheet, (held.st_mtime_ns, held.st_size))
    except AdapterError:
        raise
    except PanelError as error:
        raise AdapterError(str(error)) from None


def noted(path: Path) -> list[tuple[str, str, str, str, str]]:
    """Missings of a labelled file that say why, as `labelled.notes` has them.

    Raises
    ------
    AdapterError
        A file whose rows cannot be read with these.
    """
    try:
        return labelled.notes(path)
    except PanelError as error:
        raise AdapterError(str(error)) from None


@lru_cache(maxsize=512)
def _peeked(path: Path, encoding: str, sheet: str | None, stamp: tuple[int, int]) -> Peek:
    """The top of a file, looked at once for all adapters; ``stamp`` is its time and size."""
    del stamp
    kind = files.kind(path)
    if kind in CSV_KINDS:
        return _peek_text(path, encoding)
    if kind in sheets.KINDS:
        return _peek_sheet(path, kind, sheet)
    if kind in HEADERS:
        words = labelled.labels(path) if kind in labelled.KINDS else {}
        return Peek(path, kind, (tuple(HEADERS[kind](path)),), words=words)
    if kind == queries.KIND:
        return Peek(path, kind, (tuple(queries.rows(path).columns),))
    raise AdapterError(
        said("adapters.not_a_format", path=path, kind=kind or said("adapters.no_ending"), formats=FORMATS)
    )


def first_sheet(path: Path) -> list[list[Any]]:
    """Rows of a workbook's first sheet as stored; a number in percent as its text."""
    return list(sheets.cells(path, sheets.names(path)[0]))


def sheet_names(path: Path) -> list[str]:
    """Names of a workbook's sheets."""
    return sheets.names(path)


def stage(con: Any, looked: Peek, header_at: int, width: int, name: str, folder: Path) -> Staged:
    """Load the rows after the header (row ``header_at`` of the peek, from 0) into table ``name``.

    Parameters
    ----------
    con : ibis DuckDB backend
    looked : Peek
    header_at : int
        Index of the last row of the header.
    width : int
        Columns of the header.
    name : str
        Of the table that is made.
    folder : pathlib.Path
        For files that are written on the way.
    """
    try:
        return _staged(con, looked, header_at, width, name, folder)
    except PanelError as error:  # what is damaged far below shows only now
        raise AdapterError(str(error)) from None


def _staged(con: Any, looked: Peek, header_at: int, width: int, name: str, folder: Path) -> Staged:
    if looked.kind == ".parquet":
        held = (
            f"SELECT * EXCLUDE (file_row_number) FROM {files.parquet(looked.path)} ORDER BY file_row_number"
        )
        return _typed(con, f"({held})", name)
    if looked.kind in labelled.KINDS or looked.kind == queries.KIND:
        read = queries.rows if looked.kind == queries.KIND else labelled.rows
        try:
            table = pa.Table.from_pandas(read(looked.path), preserve_index=False)
        except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
            if isinstance(error, PanelError):
                raise
            reason = str(error).partition("\n")[0][:300]
            raise AdapterError(said("adapters.unreadable", source=looked.path.name, reason=reason)) from None
        con.con.register("fusion_table", table)
        made = _typed(con, "fusion_table", name)
        con.con.unregister("fusion_table")
        return made
    if looked.kind in sheets.KINDS:
        rows = sheets.rows(looked.path, looked.sheet)
        return _rewritten(con, looked, rows, header_at, width, name, folder)
    file = _utf8(looked, folder)
    lines = _lines_before(file, looked.delimiter, header_at)
    try:
        return _straight(con, file, looked.delimiter, lines, width, name)
    except duckdb.Error:
        rows = _csv_rows(file, "utf-8-sig", looked.delimiter)
        return _rewritten(con, looked, rows, header_at, width, name, folder)
    except csv.Error as error:
        raise AdapterError(said("adapters.not_text", path=looked.path, error=error)) from None


def places(looked: Peek, header_at: int, rows: Collection[int]) -> dict[int, int]:
    """Where rows of a file lie, as a spreadsheet counts them.

    Parameters
    ----------
    looked : Peek
    header_at : int
        Index of the last row of the header.
    rows : collection of int
        Numbers of rows after the header, from 1, blank ones not counted.

    Returns
    -------
    dict
        Row: its number in the file or sheet, from 1, header and blank rows among them. Files without rows of text have
        their rows alone.
    """
    if looked.kind in CSV_KINDS:
        lines = _csv_rows(looked.path, _python(looked.encoding), looked.delimiter)
    elif looked.kind in sheets.KINDS:
        lines = sheets.rows(looked.path, looked.sheet)
    else:
        return {row: row for row in rows}
    below = itertools.islice(_below(lines, header_at), max(rows, default=0))
    return {row: place for row, (place, _) in enumerate(below, 1) if row in rows}


# -- text --------------------------------------------------------------------------------------
def _peek_text(path: Path, encoding: str) -> Peek:
    with path.open("rb") as stream:
        marked = stream.read(2) in text.WIDE_MARKS
    used = "utf-16" if marked else text.find_encoding(path, encoding)
    if marked and (failure := text.first_failure(path, "utf-16")):
        raise AdapterError(said("adapters.not_utf16", path=path, failure=failure))
    best: tuple[int, str, tuple[tuple[str, ...], ...]] = (0, ",", ())
    for delimiter in ("\t",) if path.suffix.lower() == ".tsv" else DELIMITERS:
        try:
            rows = tuple(map(tuple, itertools.islice(_csv_rows(path, _python(used), delimiter), LOOKED_AT)))
        except csv.Error as error:
            raise AdapterError(said("adapters.not_csv", path=path, error=error)) from None
        widest = max((len(row) for row in rows), default=0)
        if widest > best[0]:
            best = (widest, delimiter, rows)
    if best[0] == 0:
        raise AdapterError(said("adapters.blank_lines", path=path))
    return Peek(path, ".csv", best[2], used, best[1])


def _python(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _csv_rows(path: Path, encoding: str, delimiter: str) -> Iterator[list[str]]:
    """Rows of a text file; blank lines are empty lists. A NUL is no text, so it is read as a blank."""
    with path.open(encoding=encoding, newline="") as stream:
        for row in csv.reader((line.replace("\0", " ") for line in stream), delimiter=delimiter):
            yield [cell.strip() for cell in row]


def _lines_before(file: Path, delimiter: str, header_at: int) -> int:
    """Physical lines up to the end of the header."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader((line.replace("\0", " ") for line in stream), delimiter=delimiter)
        for _ in range(header_at + 1):
            next(reader, None)
        return reader.line_num


def _utf8(looked: Peek, folder: Path) -> Path:
    if looked.encoding == "utf-8":
        return looked.path
    return text.transcode(looked.path, looked.encoding, folder / f"{looked.path.stem}.utf8.csv")


def _straight(con: Any, file: Path, delimiter: str, lines: int, width: int, name: str) -> Staged:
    """A regular CSV through DuckDB's reader, in the file's order."""
    con.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {name}_text AS SELECT * FROM {_reader(file, delimiter, lines, width)}"
    )
    con.con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT rowid + 1 AS {ROW}, * FROM {name}_text")
    return Staged(name, con.con.execute(f"SELECT count(*) FROM {name}_text").fetchone()[0])


def _reader(file: Path, delimiter: str, lines: int, width: int, first: str = "") -> str:
    numbered = [f"'{first}': 'BIGINT'"] if first else []
    columns = ", ".join([*numbered, *(f"'c{i}': 'VARCHAR'" for i in range(width))])
    return (
        f"read_csv({engine.literal(file)}, auto_detect=false, header=false, skip={lines}, delim='{delimiter}', "
        f"quote='\"', escape='\"', columns={{{columns}}}, max_line_size={LONGEST})"
    )


def _rewritten(
    con: Any, looked: Peek, rows: Iterator[list[str]], header_at: int, width: int, name: str, folder: Path
) -> Staged:
    """Rows written as a regular CSV with their numbers, then read; those that do not fit are listed."""
    target = folder / f"{name}.regular.csv"
    count, odd = 0, []
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL)
        try:
            for _, cells in _below(rows, header_at):
                count += 1
                fitted = _fitted(cells, width, short=looked.kind in sheets.KINDS)
                if fitted is None:
                    odd.append((count, len(cells), " | ".join(cells)[:200]))
                else:
                    writer.writerow([count, *fitted])
        except csv.Error as error:
            raise AdapterError(
                said("adapters.bad_row", path=looked.path, row=count + 1, error=error)
            ) from None
    con.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM {_reader(target, ',', 0, width, ROW)}"
    )
    target.unlink()
    return Staged(name, count, _misfits(odd))


def _below(rows: Iterator[list[str]], header_at: int) -> Iterator[tuple[int, list[str]]]:
    """Rows below the header that are not blank, each with its number among all rows of the file, from 1."""
    for number, cells in itertools.islice(enumerate(rows, 1), header_at + 1, None):
        if cells and cells != [""]:
            yield number, cells


def _fitted(cells: list[str], width: int, short: bool) -> list[str] | None:
    """A row as wide as the header, or None where it does not fit: empty cells beyond the header go.

    A row of one cell is kept, for it may be a note below the table, which is told apart later. Sheets do
    not store empty cells at a row's end, so that ``short`` rows of theirs are filled up.
    """
    while len(cells) > width and not cells[-1]:
        cells = cells[:-1]
    if len(cells) > width or (1 < len(cells) < width and not short):
        return None
    return cells + [""] * (width - len(cells))


def _misfits(rows: list[tuple[int, int, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["row", "cells", "text"])


# -- sheets and typed files --------------------------------------------------------------------
def _peek_sheet(path: Path, kind: str, sheet: str | None) -> Peek:
    names = sheets.names(path)
    name = files.sheet(path, names, sheet) if sheet is not None else names[0]
    with files.whole(path, "Excel", said("panel.mend_excel")):
        rows = tuple(map(tuple, itertools.islice(sheets.rows(path, name), LOOKED_AT)))
    return Peek(path, kind, rows, sheet=name, others=tuple(n for n in names if n != name))


def _typed(con: Any, source: str, name: str) -> Staged:
    found = con.con.execute(f"SELECT * FROM {source} LIMIT 0").description
    as_is = ", ".join(f'"{h[0].replace(chr(34), chr(34) * 2)}" AS c{i}' for i, h in enumerate(found))
    con.con.execute(f"CREATE OR REPLACE TEMP TABLE {name}_text AS SELECT {as_is} FROM {source}")
    con.con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT rowid + 1 AS {ROW}, * FROM {name}_text")
    return Staged(name, con.con.execute(f"SELECT count(*) FROM {name}_text").fetchone()[0])
