"""Small files may unpack to what no memory holds: Excel, Parquet, Stata. Looked at before anything is unpacked."""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from fusion import encodings, engine
from fusion.language import said

if TYPE_CHECKING:
    import pandas as pd

# Bytes of all parts together, of which a panel of 100,000 rows and 50 columns has a third; how much smaller a part may be
# packed (tables of numbers: 10 to 30 times); parts of one file.
MOST, PACKED, PARTS = 600_000_000, 300, 5_000
LOOKED_AT = 4_096  # bytes of a part in which a document type is declared, if one is
# Cells of a Parquet file that a byte may stand for, once there are many: panels have 1 to 50, and identifiers in each row.
CELLS, THIN = 20_000_000, 1_000
# The same of files of SPSS and SAS, which name no texts by reference.
DENSE = 50
WEIGHED = 50_000_000  # bytes of a Parquet file up to which its texts are measured before they are read
PART = 200_000  # rows of a Stata file that are read at a time
LAST_WITHOUT = 117  # format of Stata files up to which these do not say in which encoding their texts are
SMALL = 1_000_000  # below this a part may be packed as it likes


class ArchiveError(ValueError):
    """The file is not one that a program for tables writes; says why, in words of its format."""


def bounded(path: Path) -> None:
    """Refuse an Excel file that unpacks to too much, or whose XML defines entities, which no table needs.

    Raises
    ------
    ArchiveError
        With what was found and what is allowed.
    zipfile.BadZipFile
        When it is no archive at all.
    """
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        size = sum(part.file_size for part in parts)
        if size > MOST or len(parts) > PARTS:
            raise ArchiveError(
                said(
                    "fusion.archive_large", size=size / 1e6, most=MOST / 1e6, parts=len(parts), allowed=PARTS
                )
            )
        for part in parts:
            if part.file_size > SMALL and part.file_size > PACKED * max(part.compress_size, 1):
                raise ArchiveError(said("fusion.archive_packed", part=part.filename[:60], most=PACKED))
            if part.filename.endswith((".xml", ".rels")):
                _no_entities(archive, part)


def _no_entities(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    try:
        with archive.open(part) as stream:
            begin = stream.read(LOOKED_AT)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise ArchiveError(said("fusion.archive_broken", part=part.filename[:60], reason=error)) from None
    if b"<!DOCTYPE" in begin or b"<!ENTITY" in begin or "<!DOCTYPE".encode("utf-16-le") in begin:
        raise ArchiveError(said("fusion.archive_entities", part=part.filename[:60]))


def parquet(path: Path) -> None:
    """Refuse a Parquet file whose few bytes stand for more than a table holds: rows, pages or texts repeated by reference.

    Parameters
    ----------
    path : pathlib.Path
        Texts of small files are measured, which costs no more than reading them.

    Raises
    ------
    ArchiveError
        With what was found and what is allowed.
    """
    from pyarrow import parquet as arrow

    held = path.stat().st_size
    with _known():
        meta = arrow.read_metadata(path)
    chunks = _chunks(path)
    cells = max(meta.num_rows, sum(max(values, 0) for _, values, _ in chunks))
    size = sum(max(unpacked, 0) for _, _, unpacked in chunks)
    if cells > CELLS and cells > THIN * held:
        raise ArchiveError(said("fusion.too_thin", cells=cells, size=held / 1e6, most=THIN))
    if size > MOST / 2 and size > PACKED * held:
        raise ArchiveError(said("fusion.pages_packed", size=size / 1e6, most=PACKED))
    if held <= WEIGHED:
        # Texts of a column could be long where its pages hold more than texts of panels, in any part of the file.
        long = sorted({column for column, values, unpacked in chunks if unpacked * values > MOST})
        texts = (meta.schema.column(c) for c in long)
        bounded_texts(_text_bytes(path, [text.path for text in texts if text.physical_type == "BYTE_ARRAY"]))


def frame(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Rows of a Parquet file that :func:`parquet` finds bounded, read by the thread that asks.

    Readers that hand the work to threads wait for ever when the system starts none since memory is used up.
    """
    from pyarrow import parquet as arrow

    parquet(path)
    with _known(), arrow.ParquetFile(path) as source:
        held = source.read(columns=columns, use_threads=False)
    try:
        return held.to_pandas(use_threads=False)
    except (TypeError, ValueError, LookupError, AttributeError):
        # What pandas wrote of its own types beside the columns may say anything in a file that is damaged.
        return held.to_pandas(use_threads=False, ignore_metadata=True)


@contextmanager
def _known() -> Iterator[None]:
    """What Arrow cannot read, as what it finds wrong: a damaged file may claim types that do not exist."""
    try:
        yield
    except NotImplementedError as error:
        raise ValueError(str(error).partition("\n")[0]) from None


def _chunks(path: Path) -> list[tuple[int, int, int]]:
    """Of each column in each part of a Parquet file: its number, values and bytes when unpacked.

    By the engine, not by Arrow: Arrow ends the process where the sizes that a damaged file states of a column do not agree.
    """
    import duckdb

    con = engine.connected(path.parent, memory="800MB", threads=1)
    asked = (
        f"SELECT column_id, num_values, total_uncompressed_size FROM parquet_metadata({engine.literal(path)})"
    )
    try:
        return list(con.execute(asked).fetchall())
    except duckdb.Error as error:
        raise ValueError(str(error).partition("\n")[0]) from None


def _text_bytes(path: Path, names: list[str]) -> float:
    """Bytes of texts when each row has its own; those that rows name by reference are held once while they are measured."""
    import pyarrow.compute as compute
    from pyarrow import parquet as arrow

    file, size = arrow.ParquetFile(path, read_dictionary=names), 0.0
    for group in range(file.num_row_groups):
        for name in names:
            for part in file.read_row_group(group, [name], use_threads=False).column(0).chunks:
                if not hasattr(part, "dictionary"):
                    size += part.nbytes
                    continue
                lengths = compute.binary_length(part.dictionary)
                size += compute.sum(compute.take(lengths, part.indices)).as_py() or 0
    return size


def stata(path: Path) -> Iterator[pd.DataFrame]:
    """Rows of a Stata file, a part at a time, with codes instead of their labels and texts in the encoding that they have.

    Raises
    ------
    ArchiveError
        When the file is shorter than its rows, or its long texts, which rows name by reference, add up to too much.
    """
    used, parts = stata_encoding(path), _stata(path)
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnicodeWarning)  # it is known by now in what its texts are
            part = next(parts, None)
        if part is None:
            return
        yield part if used is None else _again(part, used)


def _again(part: pd.DataFrame, encoding: str) -> pd.DataFrame:
    """Rows whose names and texts were read byte by byte, as their encoding has them."""
    for name in part.select_dtypes(["object", "str"]):
        part[name] = part[name].map(lambda t: encodings.again(t, encoding) if isinstance(t, str) else t)
    return part.rename(columns=lambda name: encodings.again(str(name), encoding))


def stata_encoding(path: Path) -> str | None:
    """Encoding of the texts of a Stata file, where its format does not say and they are not read right as they are.

    Stata writes UTF-8 since version 14 (format 118), but for texts of older files that nobody translated; before, the bytes of
    the machine's own code page, without its name.
    """
    held = path.stat()
    return _stata_encoding(path, (held.st_mtime_ns, held.st_size))


@lru_cache(maxsize=64)
def _stata_encoding(path: Path, stamp: tuple[int, int]) -> str | None:
    del stamp
    with path.open("rb") as stream:
        head = stream.read(40)
    release = re.match(rb"<stata_dta><header><release>(\d{3})", head)
    silent = (int(release[1]) if release else head[0] if head else 0) <= LAST_WITHOUT
    with warnings.catch_warnings(
        record=True
    ) as told:  # texts that are no UTF-8 are read byte by byte, and told
        warnings.simplefilter("always")
        texts = _stata_texts(path)
    if not silent and not any(issubclass(one.category, UnicodeWarning) for one in told):
        return None
    return encodings.likely(texts)


def _stata_texts(path: Path) -> list[bytes]:
    """Names, labels and cells beyond ASCII of a Stata file that can have been read byte by byte."""
    import pandas as pd

    with pd.read_stata(path, iterator=True) as reader:
        found = {*reader.variable_labels(), *reader.variable_labels().values()}
        found |= {label for words in reader.value_labels().values() for label in words.values()}
        first = reader.read(1, convert_categoricals=False)
    columns = [str(name) for name in first.select_dtypes(["object", "str"])]
    for part in _stata(path, columns) if columns else ():
        for name in columns:
            found |= {text for text in part[name].unique() if isinstance(text, str)}
    return sorted(t.encode("latin-1") for t in found if not t.isascii() and max(t) <= "\xff")


def _stata(path: Path, columns: list[str] | None = None) -> Iterator[pd.DataFrame]:
    import pandas as pd

    longest, size = _longest(path), 0.0
    if not longest:  # rows hold all that they say
        yield pd.read_stata(path, convert_categoricals=False, columns=columns)
        return
    with pd.read_stata(path, convert_categoricals=False, columns=columns, iterator=True) as reader:
        step = max(1, min(PART, MOST // (4 * longest)))
        while True:
            try:
                part = reader.read(step)
            except StopIteration:
                return
            if part.empty:
                return
            size += sum(part[c].str.len().sum() for c in part.select_dtypes("str"))
            bounded_texts(2.0 * size)  # they are held twice while the parts are put together
            yield part


def weighed(path: Path) -> None:
    """Refuse a Stata file whose long texts add up to too much, before another reader takes them all at once."""
    if _longest(path):
        for _ in _stata(path):
            pass


def _longest(path: Path) -> int:
    """Bytes of the longest text that rows of a Stata file name by reference; 0 if there is none."""
    whole = path.read_bytes()
    at, end, longest = whole.find(b"<strls>") + 7, whole.find(b"</strls>"), 0
    wide = 12 if b"<release>117" not in whole[:80] else 8
    while 6 < at < end and whole[at : at + 3] == b"GSO":
        head = at + 3 + wide
        size = whole[head + 1 : head + 5]
        length = int.from_bytes(size, "little") if b"LSF" in whole[:120] else int.from_bytes(size, "big")
        longest, at = max(longest, length), head + 5 + length
    return longest


def bounded_texts(size: float) -> None:
    """Refuse texts that add up to too much."""
    if size > MOST:
        raise ArchiveError(said("fusion.too_long_texts", size=size / 1e6, most=MOST / 1e6))
