"""Files that are either whole or not there, and disk errors in words."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import io
import os
import re
import shutil
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbook import paths
from workbook.language import said, word

if TYPE_CHECKING:
    import pandas as pd

_MOMENT = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(</dcterms)")
FULL = (errno.ENOSPC, errno.EDQUOT)
_FULL_TEXT = re.compile(rf"No space left on device|Disk quota exceeded|\[Errno ({FULL[0]}|{FULL[1]})\]")


def write_atomic(file: Path, text: str) -> None:
    """Write a text file so that a reader sees the old one or the new one, never a part."""
    draft = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        with draft.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    except BaseException:  # also a signal, or memory that is used up
        with contextlib.suppress(OSError):  # the share that failed may still be gone
            draft.unlink(missing_ok=True)
        raise


def table(file: Path, columns: list[str] | None = None) -> Any:
    """Rows of one Parquet file as an Arrow table, read by the thread that asks.

    Readers of whole folders, which pandas uses too, hand the work to threads, and wait for ever when the system starts
    none since memory is used up. This one says so. It also takes no ``a=b`` in a folder's name for a column.
    """
    from pyarrow import parquet

    with parquet.ParquetFile(file) as source:
        return source.read(columns=columns, use_threads=False)


def frame(file: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """The same as a pandas frame; truths of which some are missing are 1, 0 and missing, so that they are numbers."""
    import pyarrow as pa

    held = table(file, columns)
    for place, field in enumerate(held.schema):
        if pa.types.is_boolean(field.type) and held.column(place).null_count:
            held = held.set_column(place, field.name, held.column(place).cast(pa.int8()).cast(pa.float64()))
    return held.to_pandas(use_threads=False)


def undated(content: bytes) -> bytes:
    """A Word or Excel file that says nothing of when it was made, so that the same content has the same bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "docProps/core.xml":
                part = _MOMENT.sub(rb"\g<1>1980-01-01T00:00:00Z\g<2>", part)
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            new.writestr(entry, part)
    return made.getvalue()


def tree(*folders: Path, without: str = "") -> str:
    """Hash of every file below some folders, by its place and its content, but for those of one name."""
    whole = hashlib.sha256()
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            if file.name != without and file.is_file():
                with file.open("rb") as stream:
                    content = hashlib.file_digest(stream, "sha256").hexdigest()
                whole.update(f"{file.relative_to(folder).as_posix()}\0{content}\n".encode())
    return whole.hexdigest()


def end_with(parent: int, last: Callable[[], None] = lambda: None) -> None:
    """In a process that was started for another: end when that is gone, so that nothing outlives a killed command.

    Parameters
    ----------
    parent : int
        Its process.
    last : callable
        What is done before, as taking half-made files away.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        try:
            last()
        finally:
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[None]:
    """One process at a time; another waits. The system frees the lock with the process, however that ends."""
    with lock.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def sweep(folder: Path, *, below: bool = False) -> None:
    """Remove drafts of :func:`write_atomic` whose writers are gone, in a folder, or also below it."""
    for draft in folder.rglob("*.part") if below else folder.glob("*.part"):
        pid = draft.name.split(".")[-2]
        if pid.isdigit() and not _runs(int(pid)):
            draft.unlink(missing_ok=True)


def _runs(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_full(problem: str | OSError) -> bool:
    """Whether an error, or the text of one, means that the disk (or the quota) is full."""
    if isinstance(problem, OSError):
        return problem.errno in FULL
    return bool(_FULL_TEXT.search(problem))


def shown(path: Path) -> str:
    """A path for messages: relative to the project where it is inside."""
    path = path.absolute()
    return str(path.relative_to(paths.ROOT)) if path.is_relative_to(paths.ROOT) else str(path)


def free_space(folder: Path) -> str:
    """Free space where a folder is, or would be, e.g. ``"12 MB"``."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    for size, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if free >= size:
            return f"{free / size:.0f} {unit}"
    return f"{free} B"


def explain(problem: OSError, folder: Path) -> str:
    """One line for a disk error: what, where, how to mend it."""
    if is_full(problem):
        return full(folder)
    reason = problem.strerror or str(problem)
    if problem.errno == errno.ENAMETOOLONG:
        return said("workbook.name_long", name=Path(str(problem.filename)).name[:60])
    place = shown(Path(str(problem.filename))) if problem.filename else shown(folder)
    return said("workbook.not_written", place=place, reason=word("workbook.reason", reason))


def full(folder: Path) -> str:
    """One line for a full disk."""
    return said("workbook.disk_full", folder=shown(folder), free=free_space(folder))


def scrub(text: str) -> str:
    """Text without paths of this machine."""
    places = {str(paths.build().absolute()): "build", str(paths.ROOT): ".", str(Path.home()): "~"}
    for place, name in places.items():
        if len(place) > 1:
            text = text.replace(place, name)
    return text
