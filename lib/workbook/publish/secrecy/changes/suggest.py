"""The smallest change of an exhibit that would pass: which levels to merge, which column to drop, how to round."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from workbook.publish.secrecy.changes.merged import TOGETHER, merged
from workbook.publish.secrecy.changes.trial import Trial
from workbook.publish.secrecy.exhibit import KEYS, Exhibit, Sums
from workbook.publish.secrecy.judge import Judged, position_of
from workbook.publish.secrecy.linear.links import Table, nested_in, totals_of
from workbook.publish.secrecy.rules import Rules
from workbook.publish.secrecy.words import Suggestion

MERGES = 3
# Of a longer list of levels not all pairs are tried.
LEVELS = 40
# First mergers from which a way is sought for each label, and changes of a kind that are tried on all that is published.
STARTS, TRIES = 3, 4
# Labels that say what is measured: their levels are no groups of units.
KINDS = ("measure", "indicator", "term", "outcome", "variable", "spec", "statistic", "unit")
TOTALS = ("all", "total", "", "全部", "合计", "总计")


def suggest(place: int, hidden: pd.DataFrame, trial: Trial) -> Suggestion | None:
    """The smallest change of an exhibit after which no cell of it is left out, by the numbers lost.

    Cells that are left out for other cells' sake are back once their columns are not shown; mergers and roundings are sought
    where a rule forbids cells of the exhibit itself, and tried on all exhibits that hang together with it.

    Parameters
    ----------
    place : int
        Position of the exhibit.
    hidden : pandas.DataFrame of bool
        Its cells that are left out.
    trial : Trial
        What would be published, for changes to be tried on.

    Returns
    -------
    Suggestion or None
        None where the exhibit was taken out for another reason than its cells; kind ``"none"`` where no change helps.
    """
    one = trial.judged[place]
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
        ways += [
            _first(_mergers(one, trial.rules), place, trial),
            _first(_roundings(one, trial.rules), place, trial),
        ]
    found = [s for s in ways if s is not None]
    if not found:
        return Suggestion("none")
    best, *others = sorted(found, key=lambda s: s.lost)
    return replace(best, others=tuple(others))


@dataclass(frozen=True)
class _Way:
    """A change with what would be published and by which rules."""

    said: Suggestion
    exhibit: Exhibit | None = None
    rules: Rules | None = None


def _first(ways: Iterable[_Way], place: int, trial: Trial) -> Suggestion | None:
    """The least of some changes that passes with everything that is published beside it."""
    for way in sorted(ways, key=lambda w: w.said.lost)[:TRIES]:
        if trial.passes(place, way.exhibit, way.rules):
            return way.said if trial.whole(place) else replace(way.said, alone=True)
    return None


def _drop(one: Judged, lost: pd.Series) -> Suggestion | None:
    """The columns that lost something, if others are left."""
    columns = tuple(lost.index[lost])
    data = [c for c in one.exhibit.frame if one.exhibit.roles[c] not in KEYS]
    if len(columns) == len(data):
        return None
    return Suggestion("drop", {"fields": columns}, len(columns) / len(data))


def _roundings(one: Judged, rules: Rules) -> list[_Way]:
    """Bases that amounts could be rounded to, where amounts alone are forbidden."""
    needs, sizes = [], []
    for column in one.exhibit.frame.columns:
        reasons = one.reasons[column]
        if not (reasons != "").any():
            continue
        if not set(reasons) <= {"", "dominance", "p_percent"} or one.exhibit.roles[column] != "amount":
            return []
        shown = np.abs(pd.to_numeric(one.exhibit.frame[column], errors="coerce").to_numpy(float))
        parts = one.sums[column][0].of_rows(len(reasons))
        # Bases are in the frame's unit of measurement, ranges in the contributions'.
        units = {i: shown[i] / abs(v.sum()) for i, v in enumerate(parts) if len(v) and v.sum()}
        needs += [2 * units.get(i, 1.0) * rules.range_of(parts[i]) for i in np.flatnonzero(reasons != "")]
        sizes += [float(v) for v in shown[np.isfinite(shown)]]
    bases = [_round_number(max(needs, default=0.0))]
    bases += [_round_number(factor * bases[0]) for factor in (2, 4)]
    # A base that swallows the usual cell leaves nothing to read.
    usual = float(np.median(sizes)) if sizes else 0.0
    return [
        _Way(Suggestion("round", {"base": f"{b:,.10g}"}, b / 2 / usual), rules=replace(rules, amount_base=b))
        for b in dict.fromkeys(bases)
        if 0 < b <= usual and b > rules.amount_base
    ]


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
        if column in one.counted:
            sides = (one.counted[column].some, one.counted[column].rest)
            return any(bool(rules.of_count(float(side[list(rows)].sum()))) for side in sides)
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


def _mergers(one: Judged, rules: Rules) -> list[_Way]:
    """Levels of one label to merge, at most a few, until nothing of the exhibit itself is forbidden."""
    found = []
    rows = _Rows(one, rules)
    for label in (c for c in one.exhibit.of_role("label") if c not in KINDS):
        for groups in _merged(one, label, rows):
            kept = {level: i for i, group in enumerate(groups) for level in group}
            keys = one.exhibit.keys.assign(
                **{label: one.exhibit.keys[label].map(lambda v, k=kept: k.get(v, v))}
            )
            levels = tuple(TOGETHER.join(group) for group in groups)
            said = Suggestion("merge", {"field": label, "levels": levels}, float(keys.duplicated().mean()))
            found.append(_Way(said, merged(one, label, groups)))
    return found


def _merged(one: Judged, label: str, rows: _Rows) -> list[list[tuple[str, ...]]]:
    """Groups of levels after whose mergers nothing is forbidden, from the best first mergers; none if a few do not do."""
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
    found = []
    for pair in _best(groups, bad, count)[:STARTS]:
        made = _on(_joined(groups, pair), count)
        if made and made not in found:
            found.append(made)
    return found


def _on(groups: list[tuple[str, ...]], count: Callable[[tuple[str, ...]], int]) -> list[tuple[str, ...]]:
    """Groups merged further until nothing is forbidden; empty if a few mergers do not do."""
    for left in reversed(range(MERGES)):
        bad = {group: count(group) for group in groups}
        if not any(bad.values()):
            return sorted(tuple(sorted(g)) for g in groups if len(g) > 1)
        pairs = _best(groups, bad, count) if left else []
        if not pairs:
            return []
        groups = _joined(groups, pairs[0])
    return []


def _best(
    groups: list[tuple[str, ...]],
    bad: dict[tuple[str, ...], int],
    count: Callable[[tuple[str, ...]], int],
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Pairs with a forbidden one in them: those that leave least forbidden first."""
    pairs = [(a, b) for a, b in combinations(groups, 2) if bad[a] or bad[b]]
    return sorted(pairs, key=lambda p: (count(p[0] + p[1]) - bad[p[0]] - bad[p[1]], p))


def _joined(
    groups: list[tuple[str, ...]], pair: tuple[tuple[str, ...], tuple[str, ...]]
) -> list[tuple[str, ...]]:
    return [g for g in groups if g not in pair] + [pair[0] + pair[1]]


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
