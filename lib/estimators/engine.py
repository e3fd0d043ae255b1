"""DuckDB, opened in one way: it reaches the folders that are named, and no other file, network or extension.

A text that became SQL although it should not could then read nothing that the study did not name. What is set here
stays: the configuration is locked, so that no SQL opens access, other folders, memory or threads.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

# Memory of each connection and, after a colon, the folder for what exceeds it: 4GB, 4GB:/scratch. `fusion run --memory`
# sets it, and processes that a run starts inherit it.
MEMORY = "FUSION_MEMORY"


def connected(
    *folders: Path | str,
    memory: str = "",
    threads: int = 0,
    ordered: bool = True,
    wrapped: Callable[[Any], Any] = lambda con: con,
) -> Any:
    """A DuckDB of its own, in memory, whose configuration is locked.

    Parameters
    ----------
    *folders
        Folders that it may read and write, with all in them, beside its own for temporary files. Links and ``..`` are
        resolved.
    memory : str
        A step's own limit, where the user states none.
    threads : int
        0: as many as there are cores that this process may use.
    ordered : bool
        Whether rows keep their order, which costs time.
    wrapped : callable
        What is made of the connection before the lock: a library on top of it may set what it needs.
    """
    import duckdb

    stated, _, scratch = os.environ.get(MEMORY, "").partition(":")
    # DuckDB makes it when it needs it: a command that is killed before leaves nothing.
    spill = Path(scratch or tempfile.gettempdir()) / f"fusion_spill_{secrets.token_hex(8)}"
    limit = {"memory_limit": stated or memory} if stated or memory else {}
    config: dict[str, Any] = limit | {
        "temp_directory": str(spill),
        "preserve_insertion_order": ordered,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    # DuckDB counts the machine's cores, also where this process may use fewer.
    cores = threads or len(getattr(os, "sched_getaffinity", lambda _: ())(0))
    con = duckdb.connect(config=config | ({"threads": cores} if cores else {}))
    weakref.finalize(con, shutil.rmtree, spill, ignore_errors=True)
    places = [spill, *(Path(folder) for folder in folders)]
    known = [str(form) for place in places for form in (place.absolute(), place.resolve())]
    known = list(dict.fromkeys([*known, *map(exact, known)]))
    con.execute(f"SET allowed_directories = [{', '.join(map(_text, known))}]")
    with suppress(duckdb.Error):  # a kernel without widgets has no bar to switch off
        con.execute("SET enable_progress_bar_print = false")
    con.execute("SET enable_external_access = false")
    found = wrapped(con)
    con.execute("SET lock_configuration = true")
    return found


def exact(path: Path | str) -> str:
    """A path of which every character stands for itself: ``*``, ``?`` and ``[`` name no other files."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))


def literal(path: Path | str) -> str:
    """The same as SQL's text."""
    return _text(exact(path))


def pattern(path: Path | str) -> str:
    """A path as SQL's text; in its last name ``*`` stands for any files, its folder stands as it is."""
    place = Path(path)
    return _text(f"{exact(place.parent)}/{place.name}")


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
