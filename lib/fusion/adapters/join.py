"""Typed tables of several files, put below one another or side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusion.adapters.errors import AdapterError
from fusion.language import said
from fusion.panel.contract import KEYS, ROW, Column


@dataclass(frozen=True)
class Part:
    """A typed table of one file, or of several with the same columns."""

    name: str
    columns: dict[str, Column]
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Joined:
    """A table joined to the first one: rows that found a partner there, and rows that had none and are kept."""

    files: tuple[Path, ...]
    matched: int
    alone: int
    disagreeing: int


def files_of(part: Part) -> str:
    """Names of its files, each once."""
    return ", ".join(dict.fromkeys(f.name for f in part.files))


def stack(con: Any, parts: Sequence[Part], name: str = "fusion_stacked") -> Part:
    """Parts below each other, by the names of their columns."""
    columns = {c: column for part in parts for c, column in part.columns.items()}
    each = " UNION ALL BY NAME ".join(f"FROM {part.name}" for part in parts)
    con.con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {each}")
    return Part(name, columns, tuple(f for part in parts for f in part.files))


def join(con: Any, parts: Sequence[Part]) -> tuple[Part, tuple[Joined, ...]]:
    """Tables with the same columns follow each other; different ones stand side by side, all rows kept."""
    groups: dict[frozenset[str], list[Part]] = {}
    for part in parts:
        groups.setdefault(frozenset(part.columns), []).append(part)
    tables = [stack(con, group, f"fusion_group{i}") for i, group in enumerate(groups.values())]
    left = next((t for t in tables if "year" in t.columns), tables[0])
    if "year" not in left.columns:
        raise AdapterError(said("adapters.no_year", files=files_of(left)))
    joined = []
    for i, right in enumerate(t for t in tables if t is not left):
        left, fate = _beside(con, left, right, f"fusion_joined{i}")
        joined.append(fate)
    return left, tuple(joined)


def _beside(con: Any, left: Part, right: Part, name: str) -> tuple[Part, Joined]:
    """A full join by firm and year (a left one for a table by firm); values of the left table come first."""
    keys = [key for key in KEYS if key in right.columns]
    _refuse_repeats(con, right, keys)
    on = " AND ".join(f"l.{key} = r.{key}" for key in keys)
    both = [c for c in right.columns if c in left.columns and c not in KEYS]
    cells = [f"coalesce(l.{key}, r.{key}) AS {key}" if key in right.columns else f"l.{key}" for key in KEYS]
    cells += [f'coalesce(l."{c}", r."{c}") AS "{c}"' for c in both]
    cells += [f'l."{c}"' for c in left.columns if c not in KEYS and c not in both]
    cells += [f'r."{c}"' for c in right.columns if c not in KEYS and c not in both]
    # A row without a key cannot be joined; a full join keeps it as it is.
    kind = "FULL JOIN" if "year" in keys else "LEFT JOIN"
    con.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT coalesce(l.{ROW}, r.{ROW}) AS {ROW}, {', '.join(cells)} "
        f"FROM {left.name} l {kind} {right.name} r ON {on}"
    )
    differs = " OR ".join(f'l."{c}" <> r."{c}"' for c in both) or "false"
    matched, disagreeing = con.con.execute(
        f"SELECT count(DISTINCT r.{ROW}), count(*) FILTER ({differs}) FROM {left.name} l JOIN {right.name} r ON {on}"
    ).fetchone()
    rows = con.con.execute(f"SELECT count(*) FROM {right.name}").fetchone()[0]
    columns = {**left.columns, **{c: col for c, col in right.columns.items() if c not in left.columns}}
    return Part(name, columns, left.files), Joined(right.files, matched, rows - matched, disagreeing)


def _refuse_repeats(con: Any, part: Part, keys: Sequence[str]) -> None:
    """A key that occurs twice in a table that is joined would multiply rows."""
    names = ", ".join(keys)
    whole = " AND ".join(f"{key} IS NOT NULL" for key in keys)
    twice = con.con.execute(
        f"SELECT {names}, count(*) FROM {part.name} WHERE {whole} GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 5"
    ).fetchall()
    if twice:
        keys_of = [(" ".join(map(str, row[:-1])), row[-1]) for row in twice]
        shown = "; ".join(said("adapters.repeated", key=key, count=count) for key, count in keys_of)
        raise AdapterError(said("adapters.key_repeats", files=files_of(part), names=names, shown=shown))
