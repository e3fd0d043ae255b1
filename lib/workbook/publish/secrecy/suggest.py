"""The smallest change of an exhibit that would pass: which levels to merge, which column to drop, how to round."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd

from workbook.publish.secrecy.exhibit import KEYS, Sums
from workbook.publish.secrecy.judge import Judged, position_of
from workbook.publish.secrecy.linear.links import Table, nested_in, totals_of
from workbook.publish.secrecy.rules import Rules
from workbook.publish.secrecy.words import Suggestion

MERGES = 3
# Of a longer list of levels not all pairs are tried.
LEVELS = 40
# Labels that say what is measured: their levels are no groups of units.
KINDS = ("measure", "indicator", "term", "outcome", "variable", "spec", "statistic", "unit")
TOTALS = ("all", "total", "", "全部", "合计", "总计")


def suggest(one: Judged, hidden: pd.DataFrame, rules: Rules) -> Suggestion | None:
    """The smallest change of an exhibit after which no cell of it is left out, by the numbers lost.

    Cells that are left out for other cells' sake are back once their columns are not shown; mergers and roundings are sought
    where a rule forbids cells of the exhibit itself.

    Parameters
    ----------
    one : Judged
        The exhibit as the primary rules see it.
    hidden : pandas.DataFrame of bool
        Its cells that are left out.
    rules : Rules
        Rules.

    Returns
    -------
    Suggestion or None
        None where the exhibit was taken out for another reason than its cells; kind ``"none"`` where no change helps.
    """
    forbidden = one.reasons != ""
    blocked = [f for f in one.refused if f.rule != "nothing_left"]
    if any(f.column is None for f in blocked):
        return None  # asked for, or its source is not published: no change of its own helps
    if blocked:
        refused = forbidden.columns.isin([f.column for f in blocked])
        return _drop(one, refused | forbidden.any()) or Suggestion("none")
    # Without the columns that lost a cell nothing is lost, whatever other exhibits show.
    ways = [_drop(one, hidden.any())]
    if forbidden.any(axis=None):
        ways += [_merge(one, rules), _round(one, rules)]
    found = [s for s in ways if s is not None]
    if not found:
        return Suggestion("none")
    best, *others = sorted(found, key=lambda s: s.lost)
    return replace(best, others=tuple(others))


def _drop(one: Judged, lost: pd.Series) -> Suggestion | None:
    """The columns that lost something, if others are left."""
    columns = tuple(lost.index[lost])
    data = [c for c in one.exhibit.frame if one.exhibit.roles[c] not in KEYS]
    if len(columns) == len(data):
        return None
    return Suggestion("drop", {"fields": columns}, len(columns) / len(data))


def _round(one: Judged, rules: Rules) -> Suggestion | None:
    """The base that amounts would have to be rounded to, where amounts alone are forbidden."""
    needs, sizes = [], []
    for column in one.exhibit.frame.columns:
        reasons = one.reasons[column]
        if not (reasons != "").any():
            continue
        if one.exhibit.roles[column] != "amount" or (reasons == "frequency").any() or column not in one.sums:
            return None
        parts = one.sums[column][0].of_rows(len(reasons))
        needs += [2 * rules.range_of(parts[i]) for i in np.flatnonzero(reasons != "")]
        sizes += [float(np.abs(v).sum()) for v in parts if len(v)]
    base = _round_number(max(needs, default=0.0))
    # A base that swallows the usual cell leaves nothing to read.
    if not needs or base == 0 or base > np.median(sizes):
        return None
    return Suggestion("round", {"base": f"{base:,.10g}"}, float(base / 2 / np.median(sizes)))


def _round_number(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50 …"""
    if value <= 0:
        return 0.0
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(m * power for m in (1, 2, 5, 10) if m * power >= value * (1 - 1e-9)))


# -- merging levels ----------------------------------------------------------------------------


class _Rows:
    """How many forbidden cells a merger of some rows of an exhibit would have."""

    def __init__(self, one: Judged, rules: Rules) -> None:
        self.one, self.rules = one, rules
        rows = len(one.units)
        self.parts = {
            column: [(part, part.places(rows)) for part in parts] for column, parts in one.sums.items()
        }
        self.shown = one.exhibit.frame.notna().to_numpy()
        self.known: dict[tuple[int, ...], int] = {}

    def forbidden(self, rows: tuple[int, ...]) -> int:
        """Forbidden cells of the row that these rows would become."""
        if rows not in self.known:
            columns = enumerate(self.one.exhibit.frame.columns)
            self.known[rows] = sum(
                self._is(rows, column) for i, column in columns if self.shown[list(rows), i].any()
            )
        return self.known[rows]

    def _is(self, rows: tuple[int, ...], column: str) -> bool:
        one, rules = self.one, self.rules
        if len(rows) == 1:
            return bool(one.reasons[column].iloc[rows[0]])
        role = one.exhibit.roles[column]
        if role in KEYS:
            return False
        if role == "units":
            own = pd.to_numeric(one.exhibit.frame[column].iloc[list(rows)], errors="coerce").sum()
            return bool(rules.of_count(own))
        units = float(np.nansum(one.units[list(rows)]))
        if column in self.parts:
            return any(bool(rules.of_amount(self._amounts(p, at, rows))) for p, at in self.parts[column])
        return bool(rules.of_count(units)) or (role == "quantile" and not self._deep(column, units))

    def _amounts(self, part: Sums, places: list[np.ndarray], rows: tuple[int, ...]) -> np.ndarray:
        at = np.concatenate([places[row] for row in rows])
        _, unit = np.unique(part.unit[at], return_inverse=True)
        return np.bincount(unit, part.value[at]) if len(at) else np.empty(0)

    def _deep(self, column: str, units: float) -> bool:
        position = position_of(column)
        return units * min(position, 1 - position) >= self.rules.min_units


def _merge(one: Judged, rules: Rules) -> Suggestion | None:
    """Levels of one label to merge, at most a few, until nothing is forbidden; the label that loses fewest rows."""
    found = []
    rows = _Rows(one, rules)
    for label in (c for c in one.exhibit.of_role("label") if c not in KINDS):
        groups = _merged(one, label, rows)
        if groups:
            kept = {level: i for i, group in enumerate(groups) for level in group}
            keys = one.exhibit.keys.assign(
                **{label: one.exhibit.keys[label].map(lambda v, k=kept: k.get(v, v))}
            )
            levels = tuple(" + ".join(group) for group in groups)
            found.append(
                Suggestion("merge", {"field": label, "levels": levels}, float(keys.duplicated().mean()))
            )
    return min(found, key=lambda s: s.lost, default=None)


def _merged(one: Judged, label: str, rows: _Rows) -> list[tuple[str, ...]]:
    """Groups of levels after whose mergers nothing is forbidden; empty if a few mergers do not do."""
    keys = one.exhibit.keys
    others = [c for c in keys if c != label]
    where = pd.factorize(pd.MultiIndex.from_frame(keys[others]))[0] if others else np.zeros(len(keys), int)
    slices: list[dict[str, list[int]]] = [{} for _ in range(int(where.max(initial=0)) + 1)]
    for row, (place, level) in enumerate(zip(where, keys[label], strict=True)):
        slices[place].setdefault(level, []).append(row)

    def count(group: tuple[str, ...]) -> int:
        held = [tuple(r for level in group for r in part.get(level, [])) for part in slices]
        return sum(rows.forbidden(h) for h in held if h)

    groups: list[tuple[str, ...]] = [(level,) for level in _mergeable(one, label)]
    bad = {group: count(group) for group in groups}
    if sum(bad.values()) < (one.reasons != "").to_numpy().sum():
        return []  # a total or a level that must stay is forbidden itself
    for _ in range(MERGES):
        if not any(bad.values()):
            break
        pairs = [(a, b) for a, b in combinations(groups, 2) if bad[a] or bad[b]]
        # Few levels before many, then those that leave least forbidden.
        best = min(pairs, key=lambda p: (count(p[0] + p[1]) - bad[p[0]] - bad[p[1]], p), default=None)
        if best is None:
            break
        groups = [g for g in groups if g not in best] + [best[0] + best[1]]
        bad = {group: count(group) for group in groups}
    return [] if any(bad.values()) else [tuple(sorted(g)) for g in groups if len(g) > 1]


def _mergeable(one: Judged, label: str) -> list[str]:
    """Levels that are no total of the others, of the deepest level where codes nest."""
    keys = one.exhibit.keys
    names = one.exhibit.of_role("label", "word", "year")
    numbers = Table.of(keys[names], np.arange(len(keys)), np.nan_to_num(one.units))
    totals = set(TOTALS) | {level for level, certain in totals_of(numbers, label).items() if certain}
    levels = [level for level in keys[label].unique() if level not in totals]
    deepest = max((len(level) for level in levels), default=0)
    nested = bool(nested_in(numbers, label))
    return sorted(level for level in levels if not nested or len(level) == deepest)[:LEVELS]
