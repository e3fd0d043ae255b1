"""Tables of items below one another (``unit, year, item, value``): each item becomes a column, each unit and year a row.

An adapter declares it (``spread``). Items are the headers that the table would have had: what means which column is said of them
as of any header, with the unit that stands beside them (``产值(亿元)``). Rows that name no item (notes, blank ones) stay as they
are. Columns that are neither are kept where they say one thing of a unit and year, and else passed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fusion import engine
from fusion.adapters import expressions as sql
from fusion.adapters import stage
from fusion.adapters.errors import AdapterError
from fusion.adapters.headers import parse
from fusion.adapters.match import Lookup
from fusion.adapters.model import Adapter
from fusion.language import said

MOST = 500  # items of one table
BESIDE = "beside another item of its unit and year"
GONE = {
    "last": "an earlier row of its unit, year and item",
    "first": "a later row of its unit, year and item",
}


@dataclass(frozen=True)
class Spreading:
    """How one table is spread; columns by their places in the file's own header.

    Attributes
    ----------
    width : int
        Columns of the file.
    kept : tuple of int
        Columns that stay, in the file's order, those of ``by`` among them.
    items : tuple of str
        Headers of the columns that are made.
    take : {"last", "first", "sum"}
        What becomes of several values of one unit, year and item.
    words : mapping of str to str
        What a labelled file calls its items, by code.
    pairs, twice, differ : int
        Values of one unit, year and item; rows beyond them; those of the values whose rows differ.
    passed : tuple of str
        Headers of columns that differ within a unit and year.
    """

    width: int
    by: tuple[int, ...]
    item: int
    value: int
    unit: int | None
    kept: tuple[int, ...]
    items: tuple[str, ...]
    take: str
    words: Mapping[str, str]
    pairs: int
    twice: int
    differ: int
    passed: tuple[str, ...]

    def texts(self, own: Sequence[str]) -> tuple[str, ...]:
        """The header after spreading, of the file's own."""
        return (*(own[i] for i in self.kept), *self.items)

    @property
    def places(self) -> tuple[int, ...]:
        """Places of the items in the header after spreading."""
        return tuple(range(len(self.kept), len(self.kept) + len(self.items)))


def look(looked: stage.Peek, header_at: int, texts: Sequence[str], adapter: Adapter) -> Spreading | None:
    """How a table is spread by an adapter; None where it declares nothing, or the table lacks the headers that it names.

    Raises
    ------
    AdapterError
        When it names more items than a table can have.
    """
    rule = adapter.spread
    if rule is None:
        return None
    lookup = Lookup(parse(texts, adapter.suffixes), adapter)
    named = {name: lookup.find(name) for name in (*rule.by, rule.item, rule.value)}
    if not all(named.values()):
        return None
    at = {name: found[0].position for name, found in named.items()}
    unit = next((h.position for h in lookup.find(rule.unit)), None) if rule.unit else None
    by, item, value = tuple(at[name] for name in rule.by), at[rule.item], at[rule.value]
    con = engine.opened(looked.path.parent)
    stage.stage(con, looked, header_at, len(texts), "spread_looked", stage.beside(con))
    words = looked.words.get(texts[item], {})
    listed(con, "spread_looked", "spread_items", by, item, value, unit, words)
    items = tuple(
        name for (name,) in con.con.execute(
            "SELECT item FROM spread_items WHERE item IS NOT NULL GROUP BY item ORDER BY min(row)"
        ).fetchall()
    )  # fmt: skip
    if len(items) > MOST:
        raise AdapterError(
            said("adapters.many_items", path=looked.path, item=rule.item, count=len(items), most=MOST)
        )
    rest = [i for i, text in enumerate(texts) if text and i not in (*by, item, value, unit)]
    varies = {i: _varies(con, i) for i in rest}
    kept = tuple(sorted([*by, *(i for i in rest if not varies[i])]))
    pairs, rows, differ = con.con.execute(
        "SELECT count(*), sum(n), count(*) FILTER (kinds > 1) FROM (SELECT count(*) AS n, count(DISTINCT value) AS kinds "
        "FROM spread_items WHERE item IS NOT NULL GROUP BY key, item)"
    ).fetchone()
    passed = tuple(texts[i] for i in rest if varies[i])
    con.disconnect()
    twice = int((rows or 0) - pairs)
    return Spreading(
        len(texts), by, item, value, unit, kept, items, rule.take, words, pairs, twice, differ, passed
    )


def listed(
    con: Any,
    table: str,
    view: str,
    by: Sequence[int],
    item: int,
    value: int,
    unit: int | None,
    words: Mapping[str, str],
) -> None:
    """A view of a staged table with the ``key``, ``item`` and ``value`` of each row; a row without a key names no item."""
    cell = sql.worded(f"c{item}", words) if words else sql.narrow(f"c{item}")
    if unit is not None:
        of = sql.text(f"c{unit}")
        cell = f"CASE WHEN {of} IS NULL OR ends_with({cell}, {of} || ')') OR ends_with({cell}, {of} || '）') THEN {cell} "
        cell += f"ELSE {sql.narrow(f'c{item}') if not words else sql.worded(f'c{item}', words)} || '(' || {of} || ')' END"
    keys = [sql.narrow(f"c{i}") for i in by]
    whole = " AND ".join(f"{key} IS NOT NULL" for key in keys)
    con.con.execute(
        f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT *, CASE WHEN {whole} THEN [{', '.join(keys)}] END AS key, "
        f"CASE WHEN {whole} THEN {cell} END AS item, {sql.text(f'c{value}')} AS value FROM {table}"
    )


def spread(con: Any, staged: stage.Staged, how: Spreading, target: str) -> dict[str, int]:
    """Make a table that is spread of a staged one; how many rows went into others, by reason.

    The table has a row for each unit and year, with the number of its first row, and the rows that name no item.
    Where values are added up, several values of one unit, year and item are rows of their own, to be added when they are numbers.
    """
    name = staged.name
    listed(con, name, f"{name}_items", how.by, how.item, how.value, how.unit, how.words)
    down = "DESC" if how.take == "last" else "ASC"
    con.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {name}_ranked AS SELECT *, row_number() OVER (PARTITION BY key, item "
        f"ORDER BY value IS NULL, row {down}) AS place FROM {name}_items"
    )
    group = "key, place" if how.take == "sum" else "key"
    chosen = "true" if how.take == "sum" else "place = 1"
    old = [f"first(c{i} ORDER BY row) AS c{at}" for at, i in enumerate(how.kept)]
    new = [
        f"first(c{how.value} ORDER BY row) FILTER (item = {sql.literal(text)}) AS c{at}"
        for at, text in zip(how.places, how.items, strict=True)
    ]
    notes = [f"c{i} AS c{at}" for at, i in enumerate(how.kept)] + [f"NULL AS c{at}" for at in how.places]
    con.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {target} AS SELECT min(row) AS row, {', '.join(old + new)} FROM {name}_ranked "
        f"WHERE item IS NOT NULL AND {chosen} GROUP BY {group} UNION ALL BY NAME "
        f"SELECT row, {', '.join(notes)} FROM {name}_ranked WHERE item IS NULL ORDER BY row"
    )
    counts = con.con.execute(
        f"SELECT count(*), count(*) FILTER ({chosen}) FROM {name}_ranked WHERE item IS NOT NULL"
    ).fetchone()
    made = con.con.execute(f"SELECT count(*) FROM {target}").fetchone()[0]
    noted = con.con.execute(f"SELECT count(*) FROM {name}_ranked WHERE item IS NULL").fetchone()[0]
    aside = {BESIDE: counts[1] - (made - noted)}
    if how.take in GONE:
        aside[GONE[how.take]] = counts[0] - counts[1]
    con.con.execute(f"DROP TABLE {name}_ranked")
    con.con.execute(f"DROP VIEW {name}_items")
    return {why: count for why, count in aside.items() if count}


def _varies(con: Any, place: int) -> bool:
    """Whether a column says several things of one unit and year."""
    most = con.con.execute(
        f"SELECT max(n) FROM (SELECT count(DISTINCT c{place}) AS n FROM spread_items WHERE item IS NOT NULL GROUP BY key)"
    ).fetchone()[0]
    return bool(most and most > 1)
