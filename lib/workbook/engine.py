"""DuckDB, opened in one way: it reaches the folders that are named, and no other file, network or extension.

A text that became SQL although it should not could then read nothing that the study did not name. What is closed here
stays closed: DuckDB opens neither external access nor further folders while it runs.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

MEMORY = (
    "FUSION_MEMORY"  # e.g. 4GB; `fusion run --memory` sets it, and processes that a run starts inherit it
)


def opened(*folders: Path | str) -> Any:
    """An Ibis backend on a DuckDB of its own, in memory.

    Parameters
    ----------
    *folders
        Folders that it may read and write, with all in them, beside the one for temporary files. Links and ``..`` are
        resolved.
    """
    import duckdb
    import ibis

    con = duckdb.connect()
    spill = Path(tempfile.mkdtemp(prefix="fusion_spill_"))
    weakref.finalize(con, shutil.rmtree, spill, ignore_errors=True)
    con.execute(f"SET temp_directory = {_text(spill)}")
    if os.environ.get(MEMORY):
        con.execute(f"SET memory_limit = {_text(os.environ[MEMORY])}")
    places = [Path(tempfile.gettempdir()), *(Path(folder) for folder in folders)]
    known = dict.fromkeys(str(form) for place in places for form in (place.absolute(), place.resolve()))
    con.execute(f"SET allowed_directories = [{', '.join(map(_text, known))}]")
    con.execute("SET enable_external_access = false")
    return ibis.duckdb.from_connection(con)


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
