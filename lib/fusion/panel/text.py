"""CSV files: encoding, header, and every cell as text.

Nothing is typed here, so that codes keep leading zeros and ``NA`` stays what it is; types follow from
the contract (:mod:`fusion.panel.cast`).
"""

from __future__ import annotations

import codecs
import csv
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb

from fusion import encodings, engine
from fusion.encodings import WESTERN
from fusion.language import listed, said
from fusion.panel.contract import ROW
from fusion.panel.errors import PanelError
from fusion.panel.files import no_memory

CHUNK = 1 << 22
UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")  # control characters, which no name has
WIDE_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


@dataclass(frozen=True)
class Failure:
    """Where a decoder stopped: byte offset (from 0), line (from 1), and the byte."""

    offset: int
    line: int
    byte: int

    def __str__(self) -> str:
        return said("panel.bad_byte", byte=self.byte, offset=self.offset, line=self.line)


MOST, NAMED = 5_000, 20  # columns of a file; repeated ones that a message names


def read_csv(con: Any, path: Path, encoding: str, name: str) -> tuple[str, bool]:
    """Load a CSV into table ``name`` with every column as text, in the file's order.

    DuckDB reads one kind of line ends; where rows end in several kinds, they are written anew with one.

    Parameters
    ----------
    con : ibis DuckDB backend
        Where the table is made.
    encoding : {"auto", "utf-8", "gb18030", "windows-1252"}
        ``auto``: UTF-8 if the whole file decodes, else Windows-1252 if its bytes beyond ASCII are single letters among
        others (``Förderung``), else GB18030 if it decodes.

    Returns
    -------
    str
        The encoding that was used.
    bool
        Whether rows end in several ways.

    Raises
    ------
    PanelError
        Wrong encoding, no header, duplicate or empty headers, header only, rows of another length.
    """
    used = find_encoding(path, encoding)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    headers = _headers(path, used, delimiter)
    with tempfile.TemporaryDirectory(prefix="fusion_", dir=engine.temporary(con)) as folder:
        utf8 = path if used == "utf-8" else transcode(path, used, Path(folder) / "utf8.csv")
        several = False
        if _may_mix(utf8):
            utf8, several = _regular(utf8, Path(folder) / "regular.csv", delimiter, len(headers), path)
        _load(con, utf8, headers, delimiter, name, path)
    return used, several


def find_encoding(path: Path, encoding: str) -> str:
    """Decide the encoding by decoding the whole file; the first byte that fails is named."""
    with path.open("rb") as stream:
        mark = stream.read(2)
    if mark in WIDE_MARKS:
        raise PanelError(said("panel.wide_encoding", path=path, encoding=WIDE_MARKS[mark]))
    utf8 = first_failure(path, "utf-8")
    if encoding == "utf-8" and utf8:
        raise PanelError(_wrong(path, "utf-8", utf8, first_failure(path, "gb18030"), "gb18030"))
    if encoding == "gb18030":
        if utf8 is None and not _ascii(path):
            raise PanelError(said("panel.utf8_after_all", path=path))
        failure = first_failure(path, "gb18030")
        if failure:
            raise PanelError(_wrong(path, "gb18030", failure, utf8, "utf-8"))
    if encoding == WESTERN and (failure := first_failure(path, WESTERN)):
        raise PanelError(_wrong(path, WESTERN, failure, utf8, "utf-8"))
    if encoding == "auto" and utf8:
        if encodings.western(_pieces(path)) and first_failure(path, WESTERN) is None:
            return WESTERN
        failure = first_failure(path, "gb18030")
        if failure:
            raise PanelError(said("panel.neither_encoding", path=path, utf8=utf8, failure=failure))
        return "gb18030"
    return "utf-8" if encoding == "auto" or _ascii(path) else encoding


def first_failure(path: Path, encoding: str) -> Failure | None:
    """The first byte that ``encoding`` cannot decode, or None; reads in pieces."""
    decoder = codecs.getincrementaldecoder(encoding)()
    before, lines = 0, 1
    for piece in _pieces(path):
        kept = len(decoder.getstate()[0])
        try:
            decoder.decode(piece)
        except UnicodeDecodeError as error:
            # error.object holds the bytes kept from the last piece, then this one.
            at = error.start
            line = lines + error.object[kept:at].count(b"\n")
            return Failure(before - kept + at, line, error.object[at])
        before, lines = before + len(piece), lines + piece.count(b"\n")
    left = decoder.getstate()[0]
    return Failure(before - len(left), lines, left[0]) if left else None


def transcode(path: Path, encoding: str, target: Path) -> Path:
    """The file in UTF-8, written to ``target`` piece by piece."""
    decoder = codecs.getincrementaldecoder(encoding)()
    with target.open("w", encoding="utf-8", newline="") as out:
        for piece in _pieces(path):
            out.write(decoder.decode(piece))
        out.write(decoder.decode(b"", final=True))
    return target


# -- inside ------------------------------------------------------------------------------------
def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(CHUNK):
            yield piece


def _may_mix(path: Path) -> bool:
    """Whether a file has line ends of several kinds, be they between rows or within quoted cells."""
    counts = [0, 0, 0]
    for piece in _pieces(path):
        both = piece.count(b"\r\n")
        for i, count in enumerate((both, piece.count(b"\n") - both, piece.count(b"\r") - both)):
            counts[i] += count
    return sum(count > 0 for count in counts) > 1


def _regular(utf8: Path, target: Path, delimiter: str, width: int, path: Path) -> tuple[Path, bool]:
    """A file written anew with one kind of line ends, and whether its rows end in several; rows as wide as the header."""
    ends, last = set[str](), ""

    def lines(stream: Iterable[str]) -> Iterator[str]:
        nonlocal last
        for line in stream:
            last = line[len(line.rstrip("\r\n")) :]
            yield line

    with (
        utf8.open(encoding="utf-8-sig", newline="") as stream,
        target.open("w", encoding="utf-8", newline="") as out,
    ):
        reader, writer = (
            csv.reader(lines(stream), delimiter=delimiter),
            csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL),
        )
        try:
            for row in reader:
                ends |= {last} - {""}
                if row and len(row) != width:
                    what = said("panel.cells_found", count=len(row))
                    raise PanelError(_bad_row(path, f"Line: {reader.line_num}\n{what}", width, what))
                if row:
                    writer.writerow(row)
        except csv.Error as error:
            raise PanelError(_bad_row(path, f"Line: {reader.line_num}\n{error}", width, str(error))) from None
    return target, len(ends) > 1


def _ascii(path: Path) -> bool:
    return all(piece.isascii() for piece in _pieces(path))


def _wrong(path: Path, encoding: str, failure: Failure, other_failure: Failure | None, other: str) -> str:
    mend = (
        said("panel.decodes_as", other=other)
        if other_failure is None
        else (said("panel.decodes_as_neither", other=other, other_failure=other_failure))
    )
    return said("panel.wrong_encoding", path=path, encoding=encoding, failure=failure, mend=mend)


def _headers(path: Path, encoding: str, delimiter: str) -> list[str]:
    """Names of the first line; they must be there, differ, and be followed by a row."""
    with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as stream:
        lines = list(islice(csv.reader(stream, delimiter=delimiter), 2))
    if not lines:
        raise PanelError(said("panel.empty_text", path=path))
    if not lines[0]:
        raise PanelError(said("panel.first_line_empty", path=path))
    headers = [header.strip() for header in lines[0]]
    check_headers(path, headers)
    if len(headers) == 1 and re.search(r"[;\t|]", headers[0]):
        raise PanelError(said("panel.one_header", path=path, header=headers[0][:60]))
    if len(lines) == 1:
        raise PanelError(said("panel.header_only", path=path))
    return headers


def check_headers(where: object, headers: list[str]) -> None:
    """Refuse empty headers, headers that occur twice, and the one name that the reader needs."""
    if len(headers) > MOST:
        raise PanelError(said("panel.too_many_columns", where=where, count=len(headers), most=MOST))
    own = next((h for h in headers if h.lower() == ROW), None)  # the engine tells no capitals
    if own is not None:
        raise PanelError(said("panel.header_reserved", where=where, row=own))
    unseen = next((h for h in headers if UNSEEN.search(h)), None)
    if unseen is not None:
        raise PanelError(said("panel.header_sign", where=where, header=repr(unseen[:60])))
    empty = [i + 1 for i, header in enumerate(headers) if not header]
    if empty:
        raise PanelError(said("panel.header_empty", where=where, columns=_first(empty)))
    twice = sorted(header for header, count in Counter(headers).items() if count > 1)[:NAMED]
    if twice:
        places = "; ".join(
            said(
                "panel.header_in",
                name=name[:80],
                columns=_first([i for i, h in enumerate(headers, 1) if h == name]),
            )
            for name in twice
        )
        raise PanelError(said("panel.headers_twice", where=where, places=places))


def _first(columns: list[int]) -> str:
    """The first of some columns: a sheet may have hundreds without a header."""
    return listed([*columns[:NAMED], *(["…"] if len(columns) > NAMED else [])])


def apart(headers: Iterable[str]) -> list[str]:
    """Headers that differ in capitals alone as the engine tells them apart in other kinds of files: Sales, sales_1."""
    found: dict[str, str] = {}
    for header in headers:
        name, count = header, 0
        while name.lower() in found:
            count += 1
            name = f"{header}_{count}"
        found[name.lower()] = name
    return [*found.values()]


def _load(con: Any, utf8: Path, headers: list[str], delimiter: str, name: str, path: Path) -> None:
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(headers)))
    named = ", ".join(f'"{_quoted(header)}"' for header in apart(headers))
    sql = (
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM read_csv({engine.literal(utf8)}, auto_detect=false, header=true, "
        f"delim='{delimiter}', quote='\"', escape='\"', columns={{{columns}}}, max_line_size=16777216) "
        f"AS t({named})"
    )
    try:
        con.con.execute(sql)
    except duckdb.OutOfMemoryException as error:  # no row is at fault
        raise PanelError(no_memory(error, path)) from None
    except duckdb.Error as error:
        raise PanelError(_bad_row(path, str(error), len(headers))) from None


def _quoted(header: str) -> str:
    return header.replace('"', '""')


def _bad_row(path: Path, error: str, width: int, what: str = "") -> str:
    line = re.search(r"Line:\s*(\d+)", error)
    what = what or next(
        (
            text
            for text in error.splitlines()
            if re.search(r"(?i)expected|unterminated|quote|too many|utf", text)
        ),
        "",
    )
    where = said("panel.line", number=line.group(1)) if line else said("panel.a_row")
    return said(
        "panel.bad_row", path=path, where=where, width=width, what=what.strip() or error.splitlines()[0]
    )
