"""Typed tables of several files, put below one another or side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fusion.adapters.errors import AdapterError
from fusion.language import listed, said
from fusion.panel.contract import KEYS, ROW, Column


@dataclass(frozen=True)
class Part:
    """A typed table of one file, or of several with the same columns; ``on``: columns by which it is joined, if no keys."""

    name: str
    columns: dict[str, Column]
    files: tuple[Path, ...]
    on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Joined:
    """A table joined to those before it.

    Attributes
    ----------
    matched : int
        Its rows that found a partner.
    alone : int
        Its rows that had none; with a year they are kept.
    lacking : int
        Rows of the tables before that found no partner in it.
    disagreeing : int
        Rows in which a column that both have differs by more than rounding; the value of the table before is kept.
    conflicts : dict of str to (int, str)
        Column: rows that differ, and the first one.
    """

    files: tuple[Path, ...]
    matched: int
    alone: int
    lacking: int
    disagreeing: int
    conflicts: dict[str, tuple[int, str]] = field(default_factory=dict)


def files_of(part: Part) -> str:
    """Names of its files, each once."""
    return ", ".join(dict.fromkeys(f.name for f in part.files))


def stack(con: Any, parts: Sequence[Part], name: str = "fusion_stacked") -> Part:
    """Parts below each other, by the names of their columns."""
    columns = {c: column for part in parts for c, column in part.columns.items()}
    each = " UNION ALL BY NAME ".join(f"FROM {part.name}" for part in parts)
    con.con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {each}")
    return Part(name, columns, tuple(f for part in parts for f in part.files))


def together(
    con: Any, parts: Sequence[Part], beside: Sequence[Part], how: str
) -> tuple[Part, tuple[Joined, ...]]:
    """Tables as one: those of one form follow each other, different ones stand side by side, all rows kept.

    Parameters
    ----------
    con : ibis DuckDB backend
    parts : sequence of Part
        Tables by firm, or firm and year.
    beside : sequence of Part
        Tables by other columns (a city, an industry and year), whose values every row with them takes over.
    how : {"stack", "join", "forms"}
        ``join``: tables with the same columns are one form; ``forms``: those that share most of what they count, for
        forms change from year to year.

    Raises
    ------
    AdapterError
        When no table has a year, keys are not unique, or nothing matches.
    """
    if how == "stack":
        tables = [stack(con, parts)]
    else:
        tables = [stack(con, group, f"fusion_group{i}") for i, group in enumerate(_forms(parts, how))]
    left = next((t for t in tables if "year" in t.columns), tables[0])
    if "year" not in left.columns:
        raise AdapterError(said("adapters.no_year", files=files_of(left)))
    joined = []
    for i, right in enumerate([*(t for t in tables if t is not left), *beside]):
        left, fate = _beside(con, left, right, f"fusion_joined{i}")
        joined.append(fate)
    return left, tuple(joined)


# What describes a unit and stands in every form; it does not tell forms apart.
DESCRIBING = frozenset(
    {*KEYS, "firm_name", "ind4", "class_version", "biz_activity_codes", "district", "park_id", "reg_type", "control_type",
     "est_year", "size_class", "status"}
)  # fmt: skip
SHARED = 0.5  # of what two files count together
ROUNDING = 1e-9  # relative: below it two numbers are one


def _forms(parts: Sequence[Part], how: str) -> list[list[Part]]:
    groups: list[list[Part]] = []
    for part in parts:
        near = next((g for g in groups if any(_one_form(part, other, how) for other in g)), None)
        if near is None:
            groups.append([part])
        else:
            near.append(part)
    return groups


def _one_form(one: Part, other: Part, how: str) -> bool:
    a, b = set(one.columns), set(other.columns)
    if how == "join":
        return a == b
    a, b = (held - DESCRIBING or held for held in (a, b))
    return len(a & b) >= SHARED * len(a | b)


def _beside(con: Any, left: Part, right: Part, name: str) -> tuple[Part, Joined]:
    """A full join by firm and year (a left one by firm, or by other columns); values of the left table come first."""
    keys = list(right.on) or [key for key in KEYS if key in right.columns]
    if absent := [key for key in keys if key not in left.columns]:
        raise AdapterError(said("adapters.no_join_key", files=files_of(right), absent=listed(absent)))
    _refuse_repeats(con, right, keys)
    on = " AND ".join(_meets(con, key, right) for key in keys)
    both = [c for c in right.columns if c in left.columns and c not in (*KEYS, *keys)]
    whole = not right.on and "year" in keys
    cells = [f"coalesce(l.{key}, r.{key}) AS {key}" if whole else f"l.{key}" for key in KEYS]
    cells += [f'coalesce(l."{c}", r."{c}") AS "{c}"' for c in both]
    cells += [f'l."{c}"' for c in left.columns if c not in KEYS and c not in both]
    cells += [f'r."{c}"' for c in right.columns if c not in (*KEYS, *keys) and c not in both]
    fate = _fate(con, left, right, on, both)
    # A row without a key cannot be joined; a full join keeps it as it is.
    kind = "FULL JOIN" if whole else "LEFT JOIN"
    con.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT coalesce(l.{ROW}, r.{ROW}) AS {ROW}, {', '.join(cells)} "
        f"FROM {left.name} l {kind} {right.name} r ON {on}"
    )
    columns = {**left.columns, **{c: col for c, col in right.columns.items() if c not in left.columns}}
    return Part(name, columns, (*left.files, *right.files)), fate


def _meets(con: Any, key: str, right: Part) -> str:
    """When a row meets one of the right table; an industry is met by all that begin with its digits."""
    if key != "ind4":
        return f'l."{key}" = r."{key}"'
    own, code = (f"regexp_replace({side}.ind4, '^[A-Z]', '')" for side in "lr")
    widths = con.con.execute(
        f"SELECT DISTINCT length({code}) FROM {right.name} r WHERE ind4 IS NOT NULL"
    ).fetchall()
    if len(widths) > 1:
        raise AdapterError(said("adapters.industries_of_levels", files=files_of(right)))
    return f"left({own}, {widths[0][0] if widths else 4}) = {code}"


def _fate(con: Any, left: Part, right: Part, on: str, both: Sequence[str]) -> Joined:
    """Counts of both sides of a join, and where they contradict each other."""
    differs = {c: _differ(f'l."{c}"', f'r."{c}"', right.columns[c]) for c in both}
    counted = ", ".join(["", *(f"count(*) FILTER ({where})" for where in differs.values())])
    any_differs = " OR ".join(differs.values()) or "false"
    matched, found, disagreeing, *counts = con.con.execute(
        f"SELECT count(DISTINCT r.{ROW}), count(DISTINCT l.{ROW}), count(*) FILTER ({any_differs}){counted} "
        f"FROM {left.name} l JOIN {right.name} r ON {on}"
    ).fetchone()
    rows, before = (con.con.execute(f"SELECT count(*) FROM {t.name}").fetchone()[0] for t in (right, left))
    if matched == 0 and rows and before and _may_meet(con, left, right):
        raise AdapterError(_nothing_matches(con, left, right))
    conflicts = {}
    for (column, where), count in zip(differs.items(), counts, strict=True):
        if count:
            firm, year, a, b = con.con.execute(
                f'SELECT l.firm_id, l.year, l."{column}", r."{column}" FROM {left.name} l JOIN {right.name} r ON {on} '
                f"WHERE {where} ORDER BY l.{ROW} LIMIT 1"
            ).fetchone()
            conflicts[column] = (count, f"{firm} {year}: {a} / {b}")
    return Joined(right.files, matched, rows - matched, before - found, disagreeing, conflicts)


def _differ(a: str, b: str, column: Column) -> str:
    if column.is_number:
        return f"abs({a} - {b}) > {ROUNDING} * greatest(abs({a}), abs({b}))"
    if column.is_code:
        a, b = (f"regexp_replace({cell}, '^[A-Za-z]', '')" for cell in (a, b))
    return f"{a} <> {b}"


def _may_meet(con: Any, left: Part, right: Part) -> bool:
    """Whether the tables have a year in common: forms of different years follow each other."""
    if right.on or "year" not in right.columns:
        return True
    common = f"SELECT count(*) FROM (SELECT year FROM {left.name} INTERSECT SELECT year FROM {right.name})"
    return bool(con.con.execute(common).fetchone()[0])


def _nothing_matches(con: Any, left: Part, right: Part) -> str:
    key = next((k for k in (*right.on, "firm_id") if k != "year" and k in left.columns), "firm_id")
    own, their = (
        ", ".join(
            str(row[0]) for row in con.con.execute(
                f'SELECT DISTINCT "{key}" FROM {t.name} WHERE "{key}" IS NOT NULL ORDER BY 1 LIMIT 3'
            ).fetchall()
        )
        for t in (right, left)
    )  # fmt: skip
    return said(
        "adapters.nothing_matches",
        files=files_of(right),
        others=files_of(left),
        key=key,
        own=own,
        their=their,
    )


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
