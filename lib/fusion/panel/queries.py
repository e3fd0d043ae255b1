"""A query on a database, kept in a file: its first line says which database, the rest is one SELECT.

``-- sqlite: firms.db`` names a file of SQLite (relative to the query's folder); ``-- postgresql: host=… dbname=…`` a server's
database. Both are opened for reading alone. Secrets do not belong into the file: PostgreSQL's own places (``PGPASSWORD``,
``~/.pgpass``, a service) are used.
"""

from __future__ import annotations

import os
import re
import sqlite3
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


def rows(path: Path) -> pd.DataFrame:
    """What the query gives.

    Raises
    ------
    PanelError
        When the first line names no database, the database is not there, or the query fails or does more than read.
    """
    written = path.read_text("utf-8-sig")[:LARGEST]
    first, _, query = written.partition("\n")
    found = _FIRST.match(first)
    if found is None or not query.strip():
        raise PanelError(said("panel.query_database", path=path))
    kind, place = found.group(1).lower(), found.group(2)
    try:
        if kind == "sqlite":
            return _sqlite(_beside(path, place), query)
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
    database = (path.parent / place).resolve()
    if not os.path.isfile(database) or not database.is_relative_to(path.parent.resolve()):
        raise PanelError(said("panel.query_no_file", database=path.parent / place))
    return database


def _sqlite(database: Path, query: str) -> pd.DataFrame:
    con = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)
    try:
        # A query that attaches another file, or writes, is refused before it runs.
        con.set_authorizer(lambda what, *_: sqlite3.SQLITE_OK if what in _ALLOWED else sqlite3.SQLITE_DENY)
        return _frame(con.execute(query))
    finally:
        con.close()


def _postgresql(place: str, query: str) -> pd.DataFrame:
    import psycopg

    with psycopg.connect(place, options="-c default_transaction_read_only=on") as con:
        con.read_only = True
        return _frame(con.execute(query.encode()))


def _frame(cursor: Any) -> pd.DataFrame:
    names = [column[0] for column in cursor.description or ()]
    held = cursor.fetchall() if names else []
    return pd.DataFrame(held, columns=names).infer_objects()
