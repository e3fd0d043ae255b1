"""One run at a time for a study."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from workbook.language import said


class LockedError(RuntimeError):
    """Another run has the study, and this one was told not to wait."""


@contextmanager
def lock(folder: Path, study: str, wait: bool) -> Iterator[None]:
    """Hold a study's folder until the block ends.

    The system frees the lock when its process ends, however that happens: there is nothing to clean up by hand.

    Parameters
    ----------
    folder : Path
        The study's folder in the build.
    study : str
        Its name, for messages.
    wait : bool
        Wait for another run to end; otherwise raise.

    Raises
    ------
    LockedError
        When another run has it and ``wait`` is false.
    """
    with (folder / ".lock").open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            pid, _, since = stream.read().strip().partition(" ")
            who = said("run.running", pid=pid, study=study, since=since)
            if not wait:
                raise LockedError(said("run.locked", who=who)) from None
            print(said("run.waiting", who=who), flush=True)
            fcntl.flock(stream, fcntl.LOCK_EX)
        with suppress(OSError):  # who holds it is a courtesy; a full disk must not stop here
            stream.seek(0)
            stream.truncate()
            stream.write(f"{os.getpid()} {datetime.now():%Y-%m-%d %H:%M:%S}")
            stream.flush()
        yield
