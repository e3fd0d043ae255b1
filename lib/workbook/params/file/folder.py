"""Tables of a folder that a study names as its source, or that a command is given."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

# Endings of files that the readers read (a test holds them to it).
ENDINGS = (
    ".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".parquet", ".dta", ".sav", ".zsav", ".por",
    ".sas7bdat", ".xpt", ".sql",
)  # fmt: skip
ADAPTERS = (".yaml", ".yml")  # studies and adapters beside their data: no data, and no news


class Folder(NamedTuple):
    """What stands in a folder.

    Attributes
    ----------
    tables : list of pathlib.Path
        Files with an ending that the readers know, in the order of their names, whatever the system or the locale.
    others : list of str
        Names of what is passed over: other files, folders (with a stroke behind), files that have another part.
    """

    tables: list[Path]
    others: list[str]


def is_many(place: Path) -> bool:
    """Whether a place is a folder of tables; a folder that holds Parquet files, itself or deeper, is one table."""
    return os.path.isdir(place) and not parts(place)  # which says no of a name that no file can have


def parts(folder: Path) -> list[Path]:
    """Parquet files of a folder and the folders in it, in the order of their names; hidden ones are left out."""
    return sorted(
        f for f in folder.rglob("*.parquet")
        if f.is_file() and not any(p.startswith((".", "_")) for p in f.relative_to(folder).parts)
    )  # fmt: skip


def looked(place: Path, but: Collection[Path] = ()) -> Folder:
    """What stands in a folder itself; deeper folders are not entered.

    Parameters
    ----------
    place : pathlib.Path
        The folder, taken literally: no sign in its name is a pattern.
    but : collection of pathlib.Path
        Resolved places of files that are something else: pilots, corrections, the adapter.

    Returns
    -------
    Folder
        Hidden files, and those that Excel leaves beside an open workbook (``~$``), are in neither list.
    """
    seen = sorted(f for f in place.iterdir() if not f.name.startswith((".", "~$")))
    tables = [f for f in seen if f.is_file() and f.suffix.lower() in ENDINGS and f.resolve() not in but]
    others = [f.name + "/" * f.is_dir() for f in seen if f not in tables and f.suffix.lower() not in ADAPTERS]
    return Folder(tables, others)
