"""What the reader of .xls, .xlsb and .ods does not tell: how far cells lie apart, and which numbers are shown in percent.

It makes a table of all cells between the first and the last, so that two cells of a small file may ask for more memory than
there is; and it gives 45 % as .45. Both are looked up here in the records of the file, before it reads them.
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from fusion import archives
from fusion.language import said

LARGE, SPARSE = (
    10_000_000,
    10,
)  # cells of a table, once it is large: how many may stand for one that is written
OLD, BINARY, OPEN = ".xls", ".xlsb", ".ods"
# What a percent sign is not: quoted, escaped, or a width that is left free or filled.
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.')
_BUILT_IN = {9: 100.0, 10: 100.0}  # 0% and 0.00%
_FREE = 0xFFFFFFFC  # numbers of sectors from here on are marks


class Cells:
    """Extent of a sheet's cells, and by row and column what makes a number the one that is shown with a percent sign."""

    def __init__(self) -> None:
        self.percents: dict[int, dict[int, float]] = defaultdict(dict)
        self._held, self._rows, self._columns = 0, 0, 0

    def add(self, row: int, column: int, factor: float, down: int = 1, right: int = 1) -> None:
        """A cell, or one that is repeated; ``factor`` is 0 where no percent sign is shown."""
        self._held += 1
        self._rows, self._columns = max(self._rows, row + down), max(self._columns, column + right)
        size = self._rows * self._columns
        if size > LARGE and size > SPARSE * self._held:
            raise archives.ArchiveError(said("fusion.archive_apart", cells=size, held=self._held, most=LARGE))
        if factor:
            for at in range(row, row + down):
                self.percents[at].update(dict.fromkeys(range(column, column + right), factor))


def cells(path: Path, sheet: str) -> Cells:
    """Look through a sheet.

    Raises
    ------
    ArchiveError
        When its cells lie so far apart that their table would hold much more than is written.
    Exception
        Whatever a damaged file makes Python say.
    """
    found = Cells()
    for cell in {OLD: _old, BINARY: _binary, OPEN: _open}[path.suffix.lower()](path, sheet):
        found.add(*cell)
    return found


def percent(shown: str) -> float:
    """By what a number is multiplied before a format puts a percent sign after it; 0 where it puts none.

    Examples
    --------
    >>> percent("0.0%"), percent('0"%"'), percent("0.0")
    (100.0, 1.0, 0.0)
    """
    if "%" not in shown:
        return 0.0
    return 100.0 if "%" in _LITERAL.sub("", shown) else 1.0


# -- .xls: records of BIFF in a compound file ----------------------------------------------------------
def _old(path: Path, sheet: str) -> Iterator[tuple[Any, ...]]:
    stream = _stream(path.read_bytes())
    formats, styles, sheets, wide = dict(_BUILT_IN), [], {}, True
    for kind, at, _ in _records(stream, 0):
        if kind == 0x809:
            wide = struct.unpack_from("<H", stream, at)[0] >= 0x600
        elif kind == 0x41E:
            number, text = struct.unpack_from("<H", stream, at)[0], _string(stream, at + 2, wide, "<H")
            formats[number] = percent(text)
        elif kind == 0xE0:
            styles.append(struct.unpack_from("<H", stream, at + 2)[0])
        elif kind == 0x85:
            sheets[_string(stream, at + 6, wide, "<B")] = struct.unpack_from("<I", stream, at)[0]
        elif kind == 10:
            break
    factors = [formats.get(number, 0.0) for number in styles]
    for kind, at, size in _records(stream, sheets.get(sheet, len(stream))):
        if kind == 10:
            return
        yield from _biff_cells(stream, kind, at, size, factors)


def _biff_cells(
    stream: bytes, kind: int, at: int, size: int, factors: list[float]
) -> Iterator[tuple[int, int, float]]:
    """Cells that one record holds: a number, a formula, a text, a truth; or several numbers of a row."""
    if kind in (0x6, 0x203, 0x27E, 0x204, 0xFD, 0x205, 0xD6):
        row, column, style = struct.unpack_from("<HHH", stream, at)
        number = kind in (0x6, 0x203, 0x27E)
        yield row, column, _of(factors, style) if number else 0.0
    elif kind == 0xBD:
        row, column = struct.unpack_from("<HH", stream, at)
        for i in range((size - 6) // 6):
            yield row, column + i, _of(factors, struct.unpack_from("<H", stream, at + 4 + 6 * i)[0])


def _of(factors: list[float], style: int) -> float:
    return factors[style] if style < len(factors) else 0.0


def _records(stream: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Kind, place and size of each record from a place on."""
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        yield kind, at + 4, size
        at += 4 + size


def _string(stream: bytes, at: int, wide: bool, head: str) -> str:
    """A text after its length; before Excel 97 a byte a letter, since then after a mark how many bytes a letter has."""
    if not wide:
        return stream[at + 1 : at + 1 + stream[at]].decode("latin-1")
    count, at = struct.unpack_from(head, stream, at)[0], at + struct.calcsize(head)
    double = stream[at] & 1
    return stream[at + 1 : at + 1 + count * (1 + double)].decode(
        "utf-16-le" if double else "latin-1", "replace"
    )


def _stream(raw: bytes) -> bytes:
    """The workbook's stream of a compound file; empty where there is none, for the reader to say so."""
    if raw[:4] != b"\xd0\xcf\x11\xe0":
        return b""
    shift, small = struct.unpack_from("<HH", raw, 30)
    first, cutoff, first_small = (struct.unpack_from("<I", raw, at)[0] for at in (48, 56, 60))
    size = 1 << shift

    def sector(number: int) -> bytes:
        return raw[(number + 1) * size : (number + 2) * size]

    table = b"".join(map(sector, _tables(raw, sector)))
    sectors = struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4])
    folder = b"".join(map(sector, _chain(first, sectors)))
    root = small_table = b""
    for at in range(0, len(folder) - 127, 128):
        length = struct.unpack_from("<H", folder, at + 64)[0]
        name = folder[at : at + max(length - 2, 0)].decode("utf-16-le", "replace").lower()
        start, bytes_ = struct.unpack_from("<II", folder, at + 116)
        if folder[at + 66] == 5:
            root = b"".join(map(sector, _chain(start, sectors)))
        elif name in ("workbook", "book"):
            if bytes_ >= cutoff:
                return b"".join(map(sector, _chain(start, sectors)))[:bytes_]
            small_table = b"".join(map(sector, _chain(first_small, sectors)))
            minis = struct.unpack(f"<{len(small_table) // 4}I", small_table)
            return b"".join(root[n << small : (n + 1) << small] for n in _chain(start, minis))[:bytes_]
    return b""


def _tables(raw: bytes, sector: Any) -> Iterator[int]:
    """Sectors that hold the table of sectors: the first 109 are named in the head, the others in sectors of their own."""
    yield from (n for n in struct.unpack_from("<109I", raw, 76) if n < _FREE)
    more = struct.unpack_from("<I", raw, 68)[0]
    for _ in range(len(raw) // 512):
        if more >= _FREE:
            return
        held = sector(more)
        numbers = struct.unpack(f"<{len(held) // 4}I", held)
        yield from (n for n in numbers[:-1] if n < _FREE)
        more = numbers[-1]


def _chain(first: int, sectors: tuple[int, ...]) -> Iterator[int]:
    """Sectors of a stream in order; a chain that is a circle ends."""
    for _ in range(len(sectors)):
        if first >= len(sectors):
            return
        yield first
        first = sectors[first]


# -- .xlsb: records in an archive ----------------------------------------------------------------------
def _binary(path: Path, sheet: str) -> Iterator[tuple[int, int, float]]:
    with zipfile.ZipFile(path) as archive:
        related = ElementTree.fromstring(archive.read("xl/_rels/workbook.bin.rels"))
        parts = {one.get("Id"): (one.get("Type", ""), one.get("Target", "")) for one in related}
        names = {name: place.rpartition("/")[2] for place, name in _bundle(archive.read("xl/workbook.bin"))}
        styles = next((t for kind, t in parts.values() if kind.endswith("/styles")), "")
        factors = list(_styles(archive.read(_inside(styles)))) if styles else []
        content = archive.read(_inside(parts[names[sheet]][1])) if sheet in names else b""
    row = 0
    for kind, at, size in _parts(content):
        if kind == 0:
            row = struct.unpack_from("<I", content, at)[0]
        elif (2 <= kind <= 11 or kind == 62) and size >= 8:
            column, style = struct.unpack_from("<II", content, at)
            number = kind in (2, 5, 9)  # written short, in full, by a formula
            yield row, column, _of(factors, style & 0xFFFFFF) if number else 0.0


def _inside(target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _bundle(content: bytes) -> Iterator[tuple[str, str]]:
    """By which relation each sheet is found, and its name."""
    for kind, at, _ in _parts(content):
        if kind == 156:
            place, end = _wide(content, at + 8)
            yield place, _wide(content, end)[0]


def _styles(content: bytes) -> Iterator[float]:
    """What each style of cells does to a number."""
    formats, inside = dict(_BUILT_IN), False
    for kind, at, _ in _parts(content):
        inside = (inside and kind != 618) or kind == 617
        if kind == 44:
            formats[struct.unpack_from("<H", content, at)[0]] = percent(_wide(content, at + 2)[0])
        elif kind == 47 and inside:
            yield formats.get(struct.unpack_from("<H", content, at + 2)[0], 0.0)


def _wide(content: bytes, at: int) -> tuple[str, int]:
    """A text after its length, and where it ends."""
    end = at + 4 + 2 * struct.unpack_from("<I", content, at)[0]
    return content[at + 4 : end].decode("utf-16-le", "replace"), end


def _parts(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Kind, place and size of each record; both numbers have seven bits a byte."""
    at = 0
    while at < len(content):
        kind, at = _number(content, at, 2)
        size, at = _number(content, at, 4)
        yield kind, at, size
        at += size


def _number(content: bytes, at: int, most: int) -> tuple[int, int]:
    value = 0
    for i in range(most):
        if at >= len(content):
            break
        byte, at = content[at], at + 1
        value |= (byte & 127) << 7 * i
        if byte < 128:
            break
    return value, at


# -- .ods: XML in an archive ---------------------------------------------------------------------------
_OFFICE, _TABLE = (f"{{urn:oasis:names:tc:opendocument:xmlns:{name}:1.0}}" for name in ("office", "table"))


def _open(path: Path, sheet: str) -> Iterator[tuple[int, int, float, int, int]]:
    with zipfile.ZipFile(path) as archive, archive.open("content.xml") as stream:
        mine, row = False, 0
        for event, node in ElementTree.iterparse(stream, ("start", "end")):
            if node.tag == f"{_TABLE}table" and event == "start":
                mine, row = node.get(f"{_TABLE}name") == sheet, 0
            elif node.tag == f"{_TABLE}table-row" and event == "end":
                down = _times(node, "rows")
                if mine:
                    yield from _row(node, row, down)
                row += down
                node.clear()


def _row(node: ElementTree.Element, row: int, down: int) -> Iterator[tuple[int, int, float, int, int]]:
    """Cells of a row that hold something."""
    column = 0
    for cell in node:
        right = _times(cell, "columns")
        kind = cell.get(f"{_OFFICE}value-type")
        if kind is not None or len(cell):
            yield row, column, 100.0 if kind == "percentage" else 0.0, down, right
        column += right


def _times(node: ElementTree.Element, what: str) -> int:
    return max(int(node.get(f"{_TABLE}number-{what}-repeated", "1")), 1)
