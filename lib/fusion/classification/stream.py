"""Classify a large file from and to Parquet in DuckDB: texts as enumerations, nothing held but the answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fusion.classification.coefficients import EQUAL, Coefficients
from fusion.classification.enterprises import answers
from fusion.classification.tables import standards as known_standards

ADDED = "fusion_answers"


def write(
    con: Any,
    query: str,
    target: Path,
    *,
    code: str,
    edition: str,
    standards: Sequence[str] | None = None,
    coefficients: Coefficients = EQUAL,
    keep_order: bool = False,
) -> list[str]:
    """Write the rows of a query with all that is said of their codes.

    What the distinct codes mean is worked out once; the rows then meet a small table of enumerations, which
    Parquet stores as they are, so that a row costs a few bytes and no text is ever compared twice.

    Parameters
    ----------
    con : ibis DuckDB backend
    query : str
        SQL of the rows, e.g. ``SELECT * FROM read_parquet('…')``.
    target : Path
        ``.parquet`` or ``.csv``.
    code, edition : str
        SQL expressions, over the query's columns, of the code as written and of its edition (text).
    standards : sequence of str, optional
        Standards with a column ``in_<name>`` each (certain, possible, no; NULL where unmatched); all of them if
        not given.
    keep_order : bool
        Whether rows keep their order, which costs time.

    Returns
    -------
    list of str
        Names of the added columns.
    """
    named = tuple(known_standards() if standards is None else standards)
    raw = con.con
    place = ", row_number() OVER () AS place__" if keep_order else ""
    rows = f"SELECT *, {_text(code)} AS written__, {_text(edition)} AS version__{place} FROM ({query})"
    raw.execute("DROP TABLE IF EXISTS fusion_distinct")
    raw.execute(
        "CREATE TEMP TABLE fusion_distinct AS "
        f"SELECT DISTINCT written__ AS written, version__ AS version FROM ({rows})"
    )
    added = _keep_answers(con, answers(con.table("fusion_distinct"), named, coefficients))
    own = {name for name, *_ in raw.execute(f"DESCRIBE {query}").fetchall()}
    said = ", ".join(f'a."{c}" AS "{c if c not in own else c + "_classified"}"' for c in added)
    helpers = "written__, version__" + (", place__" if keep_order else "")
    order = " ORDER BY place__" if keep_order else ""
    form = "FORMAT csv, HEADER" if target.suffix.lower() == ".csv" else "FORMAT parquet"
    raw.execute(
        f"COPY (SELECT r.* EXCLUDE ({helpers}), {said} FROM ({rows}) r "
        f"JOIN {ADDED} a ON r.written__ = a.written AND r.version__ = a.version{order}) "
        f"TO '{_quoted(target)}' ({form})"
    )
    return [c if c not in own else f"{c}_classified" for c in added]


def _text(expression: str) -> str:
    return f"coalesce(CAST({expression} AS VARCHAR), '')"


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _keep_answers(con: Any, found: Any) -> list[str]:
    """Store what the codes mean, every text but the keys as an enumeration."""
    frame, raw = found.to_pandas(), con.con
    raw.register("fusion_found", frame)
    parts = []
    for name in frame.columns:
        if name in ("written", "version") or frame[name].dtype.kind == "f":
            parts.append(f'"{name}"')
            continue
        words = sorted(frame[name].dropna().unique())
        listed = ", ".join("'" + str(w).replace("'", "''") + "'" for w in words) or "''"
        parts.append(f'CAST("{name}" AS ENUM ({listed})) AS "{name}"')
    raw.execute(f"CREATE OR REPLACE TEMP TABLE {ADDED} AS SELECT {', '.join(parts)} FROM fusion_found")
    raw.unregister("fusion_found")
    return [name for name in frame.columns if name not in ("written", "version")]
