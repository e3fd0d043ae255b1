"""Workbooks and SAS files that no library of the lock writes: .xls, .xlsb, .ods, .sas7bdat, with cells as they are given.

A cell is a number, a text, None, or ``Shown(.45, "0%")``: a number with its format.
"""

from __future__ import annotations

import ctypes
import io
import re
import struct
import zipfile
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, NamedTuple

import pandas as pd

NAME = "s"
OWN = 164  # the first format that a workbook defines itself


class Shown(NamedTuple):
    """A number and how it is shown."""

    value: float
    format: str


Rows = Sequence[Sequence[Any]]


def _formats(rows: Rows) -> list[str]:
    return ["General", *dict.fromkeys(c.format for row in rows for c in row if isinstance(c, Shown))]


def _placed(rows: Rows) -> Iterator[tuple[int, int, Any, int]]:
    """Row, column, value, number of its format."""
    known = _formats(rows)
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            if isinstance(cell, Shown):
                yield i, j, cell.value, known.index(cell.format)
            elif cell is not None:
                yield i, j, cell if isinstance(cell, int | float) else str(cell), 0


# -- .xls: records of BIFF8 in a compound file ---------------------------------------------------------
def _record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _wide(text: str, head: str) -> bytes:
    return struct.pack(head, len(text.encode("utf-16-le")) // 2) + b"\1" + text.encode("utf-16-le")


def biff(rows: Rows) -> bytes:
    """The stream of a workbook with one sheet."""
    begin = [_record(0x809, struct.pack("<HHHHII", 0x600, kind, 0, 1997, 0, 6)) for kind in (5, 16)]
    formats = _formats(rows)
    globals_ = begin[0] + _record(0x42, struct.pack("<H", 1200))
    for i, text in enumerate(formats[1:]):
        globals_ += _record(0x41E, struct.pack("<H", OWN + i) + _wide(text, "<H"))
    for i in range(len(formats)):
        globals_ += _record(0xE0, struct.pack("<HH16x", 0, OWN + i - 1 if i else 0))
    end = _record(10, b"")
    at = len(globals_) + 4 + 6 + len(_wide(NAME, "<B")) + len(end)
    globals_ += _record(0x85, struct.pack("<IBB", at, 0, 0) + _wide(NAME, "<B")) + end
    cells = _record(0x200, struct.pack("<IIHHH", 0, len(rows), 0, max(map(len, rows), default=0), 0))
    for i, j, value, style in _placed(rows):
        place = struct.pack("<HHH", i, j, style)
        if isinstance(value, str):
            cells += _record(0x204, place + _wide(value[:4000], "<H"))
        else:
            cells += _record(0x203, place + struct.pack("<d", value))
    return globals_ + begin[1] + cells + end


def xls(rows: Rows) -> bytes:
    """A workbook of Excel 97 to 2003."""
    return compound(biff(rows))


def compound(stream: bytes) -> bytes:
    """A compound file that holds a workbook's stream."""
    size, free, last = 512, 0xFFFFFFFF, 0xFFFFFFFE
    stream = stream.ljust(4096, b"\0")
    body = stream.ljust(-(-len(stream) // size) * size, b"\0")
    count = len(body) // size
    chains = -(-(count + 1) // 127)  # sectors of the table of sectors, which has itself in it
    table = [0xFFFFFFFD] * chains + [last] + [chains + 2 + i for i in range(count - 1)] + [last]
    table += [free] * (chains * 128 - len(table))
    head = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<IIIIIIIII", 0, chains, chains, 0, 4096, last, 0, last, 0)
    head += struct.pack("<109I", *range(chains), *[free] * (109 - chains))

    def entry(name: str, kind: int, below: int, start: int, length: int) -> bytes:
        text = name.encode("utf-16-le") + b"\0\0"
        links = struct.pack("<HBBIII", len(text), kind, 1, free, free, below)
        return text.ljust(64, b"\0") + links + bytes(36) + struct.pack("<IQ", start, length)

    entries = entry("Root Entry", 5, 1, last, 0) + entry("Workbook", 2, free, chains + 1, len(stream))
    return head + struct.pack(f"<{len(table)}I", *table) + entries.ljust(size, b"\0") + body


# -- .xlsb: the same in another archive ----------------------------------------------------------------
def _part(kind: int, content: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 128 else bytes([kind & 127 | 128, kind >> 7])
    size, length = bytearray(), len(content)
    while True:
        size.append(length & 127 | (128 if length > 127 else 0))
        length >>= 7
        if not length:
            return head + bytes(size) + content


def _text(text: str) -> bytes:
    held = text.encode("utf-16-le")
    return struct.pack("<I", len(held) // 2) + held


_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKED = "http://schemas.openxmlformats.org/package/2006"


def _relations(*pairs: tuple[str, str]) -> str:
    lines = [
        f'<Relationship Id="rId{i}" Type="{_RELATED}/{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(pairs, 1)
    ]
    return f'<?xml version="1.0"?><Relationships xmlns="{_PACKED}/relationships">{"".join(lines)}</Relationships>'


def xlsb(rows: Rows) -> bytes:
    """A binary workbook of Excel."""
    formats = _formats(rows)
    styles = _part(278) + _part(615, struct.pack("<I", len(formats) - 1))
    for i, text in enumerate(formats[1:]):
        styles += _part(44, struct.pack("<H", OWN + i) + _text(text))
    styles += _part(616) + _part(617, struct.pack("<I", len(formats)))
    for i in range(len(formats)):
        styles += _part(47, struct.pack("<HH12x", 0, OWN + i - 1 if i else 0))
    sheet = _part(129) + _part(148, struct.pack("<IIII", 0, max(len(rows) - 1, 0), 0, 20)) + _part(145)
    before = -1
    for i, j, value, style in _placed(rows):
        if i != before:
            sheet += _part(0, struct.pack("<I", i) + bytes(13))
            before = i
        place = struct.pack("<II", j, style)
        sheet += (
            _part(6, place + _text(value))
            if isinstance(value, str)
            else _part(5, place + struct.pack("<d", value))
        )
    sheet += _part(146) + _part(130)
    book = (
        _part(131)
        + _part(143)
        + _part(156, struct.pack("<II", 0, 1) + _text("rId1") + _text(NAME))
        + _part(144)
    )
    types = f'<?xml version="1.0"?><Types xmlns="{_PACKED}/content-types"><Default Extension="bin" ContentType="x"/></Types>'
    return _zipped(
        {
            "[Content_Types].xml": types,
            "_rels/.rels": _relations(("officeDocument", "xl/workbook.bin")),
            "xl/_rels/workbook.bin.rels": _relations(
                ("worksheet", "worksheets/sheet1.bin"), ("styles", "styles.bin")
            ),
            "xl/workbook.bin": book + _part(132),
            "xl/worksheets/sheet1.bin": sheet,
            "xl/styles.bin": styles + _part(618) + _part(279),
        }
    )


# -- .ods ----------------------------------------------------------------------------------------------
def ods(rows: Rows) -> bytes:
    """A workbook of LibreOffice."""
    spaces = {n: f"urn:oasis:names:tc:opendocument:xmlns:{n}:1.0" for n in ("office", "table", "text")}
    declared = " ".join(f'xmlns:{name}="{space}"' for name, space in spaces.items())
    lines = "".join(f"<table:table-row>{''.join(map(_open, row))}</table:table-row>" for row in rows)
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {declared}><office:body><office:spreadsheet>'
        f'<table:table table:name="{NAME}">{lines}</table:table></office:spreadsheet></office:body></office:document-content>'
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    space = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    manifest = (
        f'<?xml version="1.0"?><m:manifest xmlns:m="{space}"><m:file-entry m:full-path="/" m:media-type="{kind}"/>'
        '<m:file-entry m:full-path="content.xml" m:media-type="text/xml"/></m:manifest>'
    )
    return _zipped({"mimetype": kind, "META-INF/manifest.xml": manifest, "content.xml": content})


def _open(cell: Any) -> str:
    if cell is None:
        return "<table:table-cell/>"
    value = cell.value if isinstance(cell, Shown) else cell
    if isinstance(value, str):
        told = "".join(c for c in value if c >= " ")
        return (
            f'<table:table-cell office:value-type="string"><text:p>{escape(told)}</text:p></table:table-cell>'
        )
    kind = "percentage" if isinstance(cell, Shown) and cell.format.endswith("0%") else "float"
    return f'<table:table-cell office:value-type="{kind}" office:value="{value}"/>'


def _zipped(parts: dict[str, str | bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return made.getvalue()


# -- .sas7bdat: the C library below pyreadstat writes it, though pyreadstat itself does not ------------
def _fits(frame: pd.DataFrame) -> None:
    """Refuse what SAS cannot hold: the library trusts its callers."""
    names = [str(name) for name in frame]
    if len(set(names)) < len(names) or not all(
        re.fullmatch(r"[A-Za-z_]\w{0,31}", n, re.ASCII) for n in names
    ):
        raise ValueError("no names of SAS")
    if not len(frame) or any(frame[n].map(lambda cell: len(str(cell)) > 200).any() for n in names):
        raise ValueError("no rows, or texts that no page holds")


def sas7bdat(frame: pd.DataFrame, packed: bool = False) -> bytes:
    """A data set of SAS: columns of numbers as numbers, all others as texts; packed by rows, in which texts may be long."""
    from pyreadstat import _readstat_writer

    if not packed:
        _fits(frame)
    made, lib = bytearray(), ctypes.CDLL(_readstat_writer.__file__)
    for name in ("writer_init", "add_variable"):
        getattr(lib, f"readstat_{name}").restype = ctypes.c_void_p
    written = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)

    def take(data: int, length: int, _: int) -> int:
        made.extend(ctypes.string_at(data, length))
        return length

    kept, writer = written(take), ctypes.c_void_p(lib.readstat_writer_init())
    lib.readstat_set_data_writer(writer, kept)
    texts = {
        name: [str(cell).encode() for cell in frame[name]]
        for name in frame
        if frame[name].dtype.kind not in "iuf"
    }
    columns = {}
    for name in frame:
        width = max(map(len, texts.get(name, [b""])), default=0) or 1
        kind = 0 if name in texts else 5
        columns[name] = ctypes.c_void_p(
            lib.readstat_add_variable(writer, str(name).encode(), kind, ctypes.c_size_t(width))
        )
    lib.readstat_writer_set_compression(writer, int(packed))
    wrong = lib.readstat_begin_writing_sas7bdat(writer, None, ctypes.c_long(len(frame)))
    for i in range(0 if wrong else len(frame)):
        lib.readstat_begin_row(writer)
        for name, column in columns.items():
            if name in texts:
                wrong |= lib.readstat_insert_string_value(writer, column, texts[name][i])
            else:
                wrong |= lib.readstat_insert_double_value(
                    writer, column, ctypes.c_double(frame[name].iloc[i])
                )
        wrong |= lib.readstat_end_row(writer)
    if not wrong:
        wrong = lib.readstat_end_writing(writer)
    lib.readstat_writer_free(writer)
    if wrong:
        raise ValueError(f"no such file can be written: {wrong}")
    return bytes(made)
