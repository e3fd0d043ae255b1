"""A query on a database, kept in a file: its first line says which database, the rest is one SELECT.

``-- sqlite: firms.db`` names a file of SQLite (relative to the query's folder); ``-- postgresql: host=… dbname=…`` a server's
database. Both are opened for reading alone. Secrets do not belong into the file: PostgreSQL's own places (``PGPASSWORD``,
``~/.pgpass``, a service) are used.
"""

from __future__ import annotations

import math
import os
import re
import sqlite3
import time
from pathlib import Path
from typing import Any

import pandas as pd

from fusion.language import said
from fusion.panel.errors import PanelError

KIND = ".sql"
ALLOWED = "FUSION_ALLOW_CODE"  # as for loaders: names of files that may run, by comma, or all
_FIRST = re.compile(r"^\s*--\s*(sqlite|postgresql)\s*:\s*(\S.*?)\s*$", re.IGNORECASE)
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
LARGEST = 100_000  # characters of a query
# What a query on a file may take: seconds, and one more for each so many bytes of the file; bytes of what it gives, or so
# many times those of the file; bytes of one value.
SECONDS, A_SECOND, GIVEN, TIMES, VALUE = 3.0, 1_000_000, 100_000_000, 20, 10_000_000
_STEPS = 20_000  # of the database's machine between two looks at the clock


def rows(path: Path) -> pd.DataFrame:
    """What the query gives.

    Raises
    ------
    PanelError
        When the first line names no database, the database is not there, or the query fails, does more than read, takes
        too long or gives too much.
    """
    try:
        written = path.read_text("utf-8-sig")[:LARGEST]
    except UnicodeDecodeError as error:
        raise PanelError(said("panel.query_not_text", path=path, start=error.start)) from None
    first, _, query = written.partition("\n")
    found = _FIRST.match(first)
    if found is None or not query.strip():
        raise PanelError(said("panel.query_database", path=path))
    kind, place = found.group(1).lower(), found.group(2)
    try:
        if kind == "sqlite":
            return _sqlite(path, _beside(path, place), query)
        if not allowed(path):
            raise PanelError(said("panel.query_not_allowed", path=path, name=path.name))
        return _postgresql(place, query)
    except PanelError:
        raise
    except Exception as error:
        reason = str(error).strip().partition("\n")[0][:300]
        raise PanelError(said("panel.query_failed", path=path, reason=reason)) from None


def allowed(path: Path) -> bool:
    """Whether the user lets this query reach a server: a study's file alone must not."""
    named = [name.strip() for name in os.environ.get(ALLOWED, "").split(",")]
    return "all" in named or path.name in named


# -- inside ------------------------------------------------------------------------------------
def _beside(path: Path, place: str) -> Path:
    """The file of a database, in the query's folder or below: a query reaches no other place."""
    try:
        database = (path.parent / place).resolve()
        there = database.is_file()
    except (OSError, ValueError):  # too long a name, or no name at all
        there = False
    if not there or not database.is_relative_to(path.parent.resolve()):
        raise PanelError(said("panel.query_no_file", path=path, database=place))
    return database


def _sqlite(path: Path, database: Path, query: str) -> pd.DataFrame:
    size = database.stat().st_size
    seconds = SECONDS + size / A_SECOND
    con = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)
    try:
        # A query that attaches another file, or writes, is refused before it runs.
        con.set_authorizer(lambda what, *_: sqlite3.SQLITE_OK if what in _ALLOWED else sqlite3.SQLITE_DENY)
        con.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(VALUE, size))
        end = time.process_time() + seconds
        con.set_progress_handler(lambda: time.process_time() > end, _STEPS)
        return _frame(con.execute(query), path, max(GIVEN, TIMES * size))
    except sqlite3.OperationalError as error:
        if str(error) != "interrupted":
            raise
        raise PanelError(said("panel.query_long", path=path, seconds=seconds)) from None
    finally:
        con.close()


def _postgresql(place: str, query: str) -> pd.DataFrame:
    import psycopg

    with psycopg.connect(place, options="-c default_transaction_read_only=on") as con:
        con.read_only = True
        return _frame(con.execute(query.encode()))


def _frame(cursor: Any, path: Path | None = None, most: float = math.inf) -> pd.DataFrame:
    names = [column[0] for column in cursor.description or ()]
    held, size = [], 0
    for row in cursor if names else ():
        held.append(row)
        size += 8 * len(row) + sum(len(cell) for cell in row if isinstance(cell, str | bytes))
        if size > most:
            raise PanelError(said("panel.query_much", path=path, rows=len(held), most=most / 1e6))
    return pd.DataFrame(held, columns=pd.Index(names, dtype=object)).infer_objects()
