"""Whole files in a wrong unit: one cause that is said once, and not once for each of their forms.

Where most units' money moves by one power of ten from one file to another, one of the two files is in another unit than it
says. Which one is told by the others: the unit in which most rows agree is right. Two files that stand against each other
alone do not tell which is wrong. Files that have no unit in common are not compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import ibis
import numpy as np
import pandas as pd

from fusion.editing.blocks import items
from fusion.editing.settings import SLIPS
from fusion.panel.contract import ROW

FEWEST, LEAST_ITEMS = 10, 3  # units in both files; items that move together
NEAR = 0.15  # how near a power of ten the median change lies (log10)
COLUMNS = ["file", "first", "last", "factor", "judged", "certain", "units", "items"]
_MOST_ITEMS = 8


class Span(NamedTuple):
    """Rows of a file: ``source_row`` from ``first`` to ``last``."""

    file: str
    first: int
    last: int


def find(table: ibis.Table, spans: Sequence[Span]) -> pd.DataFrame:
    """Files whose money is in another unit than they say.

    Parameters
    ----------
    table : ibis.Table
        Returns in one unit: ``firm_id``, ``year``, ``source_row`` and money items.
    spans : sequence of Span
        Rows of each file.

    Returns
    -------
    pandas.DataFrame
        ``file, first, last``; ``factor``: reported = right × 10^factor; ``judged``: the power by which its money is divided
        before its forms are judged, so that none is doubted for its file (0 for one of two that differ); ``certain``: False
        where the file and its only counterpart may each be the wrong one (both are listed); ``units`` compared; ``items``
        that moved.
    """
    columns = [c for c in items() if c in table.columns and not items()[c].difference]
    if len(spans) < 2 or len(columns) < LEAST_ITEMS:
        return pd.DataFrame(columns=COLUMNS)
    moved = _moves(table, spans, columns)
    edges = {pair: k for pair, part in moved.items() if (k := _power(part)) is not None}
    found, open_ = _factors(edges, spans)
    apart = {i: judged for i, (_, judged) in found.items()}
    lines = []
    for i, (k, judged) in sorted(found.items()):
        span = spans[i]
        beside = {pair: part for pair, part in moved.items() if i in pair}
        known = max((int(part["n"].max()) for part in beside.values()), default=0)
        own = [c for c in columns if _moves_with(c, beside, apart, i)]
        lines.append((span.file, span.first, span.last, k, judged, i not in open_, known, tuple(own)))
    return pd.DataFrame(lines, columns=COLUMNS)


def righted(table: ibis.Table, found: pd.DataFrame) -> ibis.Table:
    """The returns with all files in one unit, as their forms are judged."""
    new = {}
    for name in {c for one in found["items"] for c in one}:
        value = table[name].cast("float64")
        for line in found.loc[found["judged"] != 0].itertuples():
            if name in line.items:
                inside = table[ROW].between(int(line.first), int(line.last))
                value = inside.ifelse(value * 10.0 ** -int(line.judged), value)
        new[name] = value
    return table.mutate(**new) if new else table


# -- inside ------------------------------------------------------------------------------------
def _moves(
    table: ibis.Table, spans: Sequence[Span], columns: Sequence[str]
) -> dict[tuple[int, int], pd.DataFrame]:
    """By pair of files: of each item the median change (log10) of units from one to the other, and how many units."""
    cases = [(table[ROW].between(s.first, s.last), i) for i, s in enumerate(spans)]
    logs = {
        c: (table[c].cast("float64") > 0).ifelse(table[c].cast("float64").log10(), ibis.null("float64"))
        for c in columns
    }
    named = table.select("firm_id", "year", ROW, file=ibis.cases(*cases, else_=ibis.null("int64")), **logs)
    named = named.filter(named["file"].notnull(), named["firm_id"].notnull(), named["year"].notnull())  # noqa: PD004
    window = ibis.window(group_by="firm_id", order_by=["year", ROW])
    steps = named.select(
        "file",
        before=named["file"].lag().over(window),
        **{c: named[c] - named[c].lag().over(window) for c in columns},
    )
    steps = steps.filter(steps["before"].notnull(), steps["before"] != steps["file"]).cache()  # noqa: PD004
    found: dict[tuple[int, int], list[pd.DataFrame]] = {}
    for start in range(0, len(columns), _MOST_ITEMS):  # a median holds its values: some columns at a time
        some = columns[start : start + _MOST_ITEMS]
        ask = {f"m_{c}": steps[c].median() for c in some} | {f"n_{c}": steps[c].count() for c in some}
        wide = steps.group_by(["before", "file"]).aggregate(**ask).to_pandas()
        for row in wide.to_dict("records"):
            part = pd.DataFrame(
                {"item": some, "change": [row[f"m_{c}"] for c in some], "n": [row[f"n_{c}"] for c in some]}
            )
            found.setdefault((int(row["before"]), int(row["file"])), []).append(part[part["n"] >= FEWEST])
    return {pair: pd.concat(parts, ignore_index=True) for pair, parts in found.items()}


def _power(part: pd.DataFrame) -> int | None:
    """The power of ten between two files, 0 for none, None where too little is known or it lies between."""
    if len(part) < LEAST_ITEMS:
        return None
    middle = float(np.median(part["change"].to_numpy(float)))
    near = [k for k in SLIPS if abs(middle - k) <= NEAR]
    return near[0] if near else 0 if abs(middle) < 0.5 else None


def _factors(
    edges: Mapping[tuple[int, int], int], spans: Sequence[Span]
) -> tuple[dict[int, tuple[int, int]], frozenset[int]]:
    """Powers of files that are off and by which they are judged, and those of them that may be right instead of another."""
    factors: dict[int, tuple[int, int]] = {}
    doubtful: set[int] = set()
    seen: set[int] = set()
    for start in sorted({i for pair in edges for i in pair}):
        level = {} if start in seen else _levels(edges, start)
        seen |= set(level)
        # Files that contradict each other are left to their forms.
        if all(level[b] - level[a] == k for (a, b), k in edges.items() if a in level and b in level):
            own, tied = _off(level, spans)
            factors |= own
            doubtful |= set(own) if tied else set()
    return factors, frozenset(doubtful)


def _levels(edges: Mapping[tuple[int, int], int], start: int) -> dict[int, int]:
    """Powers of the files that are linked with one, against it."""
    own, queue = {start: 0}, [start]
    while queue:
        at = queue.pop()
        near = [(b, k) for (a, b), k in edges.items() if a == at]
        near += [(a, -k) for (a, b), k in edges.items() if b == at]
        for there, step in near:
            if there not in own:
                own[there] = own[at] + step
                queue.append(there)
    return own


def _off(level: Mapping[int, int], spans: Sequence[Span]) -> tuple[dict[int, tuple[int, int]], bool]:
    """Files that are not at the power at which most files, and of as many most rows, are; whether as many are at each."""
    files: Counter[int] = Counter(level.values())
    rows: Counter[int] = Counter()
    for i, height in level.items():
        rows[height] += spans[i].last - spans[i].first + 1
    ordered = sorted(files, key=lambda height: (files[height], rows[height]), reverse=True)
    if len(ordered) < 2:
        return {}, False
    right, other = ordered[:2]
    tied = len(ordered) == 2 and files[right] == files[other]
    off = {i: (height - right, height - right) for i, height in level.items() if height != right}
    if tied:
        off |= {i: (right - other, 0) for i, height in level.items() if height == right}
    return off, tied


def _moves_with(
    item: str, beside: Mapping[tuple[int, int], pd.DataFrame], factors: Mapping[int, int], i: int
) -> bool:
    """Whether an item moves into and out of a file as the file does."""
    told = []
    for (a, b), part in beside.items():
        change = part.loc[part["item"] == item, "change"]
        if len(change) and factors.get(a, 0) != factors.get(b, 0):
            told.append(abs(float(change.iloc[0]) - (factors.get(b, 0) - factors.get(a, 0))) <= 2 * NEAR)
    return bool(told) and all(told)
