"""Files as they are handed in: whether they are there and whole, and which sheet is meant."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from fusion import archives, engine
from fusion.language import listed, said
from fusion.panel.errors import PanelError, nearest

PLACE = (
    "source_row_file"  # the file of a row, of a folder of Parquet; ``filename`` may be a column of the user's
)
COUNTED = "file_row_number"  # the engine's own, whose name can't be chosen


class ReaderError(RuntimeError):
    """A reader could not work, whatever the file."""


def present(path: Path, mend: str) -> Path:
    """The file, which is there and not empty; ``mend`` says where to correct its name."""
    if os.path.isdir(path) and parts(path):
        return path
    if os.path.isdir(path):
        raise PanelError(said("panel.directory", path=path))
    if not os.path.isfile(path):
        there = [p.name for p in path.parent.iterdir()] if os.path.isdir(path.parent) else []
        hint = nearest(path.name, there) if there else said("panel.no_folder", parent=path.parent)
        raise PanelError(said("panel.no_such_file", path=path, hint=hint, mend=mend))
    if path.stat().st_size == 0:
        raise PanelError(said("panel.empty_file", path=path))
    return path


def no_memory(error: duckdb.Error, source: object) -> str:
    """What to say of an engine whose memory ran out while a source was read, no fault of the source; empty for others."""
    if not isinstance(error, duckdb.OutOfMemoryException):
        return ""
    return said("panel.no_memory", source=source, reason=str(error).splitlines()[0])


@contextmanager
def whole(path: Path, kind: str, mend: str) -> Iterator[None]:
    """Say of a library's error that the file is damaged."""
    try:
        yield
    except ReaderError:  # no fault of the file
        raise
    except duckdb.OutOfMemoryException as error:  # nor is this
        raise PanelError(no_memory(error, path)) from None
    except archives.ArchiveError as error:  # whole, but more than any table is
        raise PanelError(said("panel.refused", path=path, kind=kind, found=error)) from None
    except Exception as error:
        found = str(error).partition("\n")[0]
        raise PanelError(said("panel.damaged", path=path, kind=kind, found=found, mend=mend)) from None


def apart(program: str, *words: str) -> Any:
    """What a reader of this room finds that is a process of its own, for what a damaged file claims may end it.

    Raises
    ------
    ValueError
        With the reader's own words, or where a signal ended it.
    ReaderError
        Where it could not work, whatever the file.
    """
    asked = [sys.executable, "-I", str(Path(__file__).with_name(program)), *words]
    done = subprocess.run(
        asked, capture_output=True, check=False, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    )
    if done.returncode > 0:
        raise ReaderError(f"{program}: {done.stderr.decode(errors='replace').strip()[-200:]}")
    found = said("panel.reader_ended") if done.returncode else pickle.loads(done.stdout)
    if isinstance(found, str):
        raise ValueError(found)
    return found


def kind(path: Path) -> str:
    """The ending that says a file's format; ``.parquet`` for a folder of Parquet files."""
    return ".parquet" if os.path.isdir(path) and parts(path) else path.suffix.lower()


def parts(folder: Path) -> list[Path]:
    """Parquet files of a folder and the folders in it, in the order of their names; hidden ones are left out."""
    return sorted(
        f for f in folder.rglob("*.parquet")
        if f.is_file() and not any(p.startswith((".", "_")) for p in f.relative_to(folder).parts)
    )  # fmt: skip


def parquet(path: Path) -> str:
    """SQL that reads a Parquet file, or a folder of them with the columns that its folders name (``year=2020``).

    ``file_row_number`` counts from 0 through all files; `parquet_headers` refuses a file with such a column.
    """
    if not os.path.isdir(path):
        return f"read_parquet({engine.literal(path)}, {COUNTED}=true)"
    return (
        f"(SELECT * EXCLUDE ({PLACE}, {COUNTED}), row_number() OVER (ORDER BY {PLACE}, {COUNTED}) - 1 AS {COUNTED} "
        f"FROM read_parquet({_parts(path)}, filename='{PLACE}', {COUNTED}=true))"
    )


def _parts(folder: Path) -> str:
    return f"[{', '.join(map(engine.literal, parts(folder)))}], union_by_name=true, hive_partitioning=true"


def parquet_headers(path: Path) -> list[str]:
    """Names of the columns of a Parquet file, or of a folder of them.

    Raises
    ------
    PanelError
        When a file is damaged or more than any table is, or has a column called as the engine counts rows.
    """
    with whole(path, "Parquet", said("panel.mend_parquet")):
        for part in parts(path) if os.path.isdir(path) else [path]:
            archives.parquet(part)
        asked = _parts(path) if os.path.isdir(path) else engine.literal(path)
        con = engine.connected(path.parent, memory="800MB")
        headers = [h[0] for h in con.execute(f"SELECT * FROM read_parquet({asked}) LIMIT 0").description]
    for name in headers:
        if name.lower() in (COUNTED, PLACE):
            raise PanelError(said("panel.header_reserved", where=path, row=name))
    return headers


def sheet(path: Path, names: Sequence[str], wanted: str | None) -> str:
    """The sheet that is meant, of those in an Excel file."""
    if wanted is None and len(names) > 1:
        raise PanelError(said("panel.several_sheets", path=path, count=len(names), names=listed(names)))
    if wanted is not None and wanted not in names:
        raise PanelError(
            said("panel.no_sheet", path=path, wanted=wanted, hint=nearest(wanted, names), names=listed(names))
        )
    return wanted or names[0]
