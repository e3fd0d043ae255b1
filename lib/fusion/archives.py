"""Excel files are archives of XML: a small one may unpack to what no memory holds. Looked at before anything is unpacked."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from fusion.language import said

# Bytes of all parts together, of which a panel of 100,000 rows and 50 columns has a third; how much smaller a part may be
# packed (tables of numbers: 10 to 30 times); parts of one file.
MOST, PACKED, PARTS = 600_000_000, 300, 5_000
LOOKED_AT = 4_096  # bytes of a part in which a document type is declared, if one is
SMALL = 1_000_000  # below this a part may be packed as it likes


class ArchiveError(ValueError):
    """The archive is not one that a program for tables writes; says why."""


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
