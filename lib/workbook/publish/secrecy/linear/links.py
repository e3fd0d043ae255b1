"""Which cells add up to which: totals, nested levels and tables that share a margin, found from the numbers.

A table says what its rows are about by their labels, not how it was made. That one sum is another's part is seen
where the sums over the labels that two tables do not share are equal, for every label that they do share.
A coincidence can only make the attacker stronger than he is, never weaker: the true values satisfy it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise, product

import numpy as np
import pandas as pd

# A column that says which level of a classification a row is on, when one column holds several.
LEVEL = "level"
Relation = tuple[np.ndarray, np.ndarray]
Labels = dict[str, np.ndarray]


@dataclass(frozen=True)
class Table:
    """Numbers of one measure: the labels of each row as words, its variable, its value.

    ``members``, where they are known, are the units behind each row: then only what rests on the same units is equal.
    """

    labels: Labels
    variable: np.ndarray
    value: np.ndarray
    members: list[frozenset[str]] | None = None

    @classmethod
    def of(
        cls,
        labels: pd.DataFrame,
        variable: np.ndarray,
        value: np.ndarray,
        members: list[frozenset[str]] | None = None,
    ) -> Table:
        """A table with labels as the columns of a frame of text."""
        words = {str(c): labels[c].to_numpy(dtype=str) for c in labels}
        return cls(words, variable, value, members)

    def take(self, rows: np.ndarray) -> Table:
        """Some of its rows (a mask)."""
        members = None if self.members is None else [self.members[i] for i in np.flatnonzero(rows)]
        labels = {name: words[rows] for name, words in self.labels.items()}
        return Table(labels, self.variable[rows], self.value[rows], members)

    @cached_property
    def levels(self) -> dict[str, frozenset[str]]:
        """Levels of each label."""
        return {name: frozenset(np.unique(words).tolist()) for name, words in self.labels.items()}

    @cached_property
    def coded(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Levels of each label, and which of them each row has."""
        return {name: np.unique(words, return_inverse=True) for name, words in self.labels.items()}

    def behind(self, rows: np.ndarray) -> frozenset[str] | None:
        """Units behind some rows."""
        return None if self.members is None else frozenset().union(*(self.members[i] for i in rows))


def relations(
    tables: Sequence[Table], unit: str | None = None, at_stake: Sequence[bool] | None = None
) -> list[Relation]:
    """Sums that are equal.

    Parameters
    ----------
    tables : sequence of Table
        Tables of one measure.
    unit : str, optional
        Label that names units: then every relation is one unit's own.
    at_stake : sequence of bool, optional
        Tables that hold something to hide: then only what hangs together with them is looked for.

    Returns
    -------
    list of (array, array)
        Variables on the one side and on the other; their values' sums agree.
    """
    found: list[Relation] = []
    readings: list[list[Table]] = []
    queue: list[int] = []
    for no, whole in enumerate(tables):
        for table in _by_level(whole):
            inner, base = _within(table, unit)
            found += inner
            if at_stake is None or at_stake[no]:
                queue.append(len(readings))
            # What looks like a total may be a coincidence: other tables are compared with and without it.
            readings.append([table] if len(base.value) == len(table.value) else [table, base])
    near: list[int] = []
    left = [i for i in range(len(readings)) if i not in queue]
    while queue:
        one = queue.pop()
        found += [pair for other in near for pair in _between(readings[one], readings[other], unit)]
        near.append(one)
        linked = [other for other in left if _between(readings[one], readings[other], unit)]
        queue += linked
        left = [other for other in left if other not in linked]
    return found


def _between(one: list[Table], other: list[Table], unit: str | None) -> list[Relation]:
    """Relations of two tables, however each is read; without what seems to be a total, all sums must agree."""
    found = _across(one[0], other[0], unit, False)
    for a, b in [*product(one[:1], other[1:]), *product(one[1:], other)]:
        found += _across(a, b, unit, True)
    return found


def _by_level(table: Table) -> Iterator[Table]:
    if LEVEL not in table.labels:
        yield table
        return
    for level in np.unique(table.labels[LEVEL]):
        part = table.take(table.labels[LEVEL] == level)
        yield replace(part, labels={k: v for k, v in part.labels.items() if k != LEVEL})


# -- inside one table --------------------------------------------------------------------------


def _within(table: Table, unit: str | None) -> tuple[list[Relation], Table]:
    """Relations of totals and nested codes with their parts, and the table without what seem to be totals."""
    found: list[Relation] = []
    for column in [c for c in table.labels if c != unit]:
        for total, certain in totals_of(table, column).items():
            is_total = table.labels[column] == total
            parts, whole = table.take(~is_total), table.take(is_total)
            others = [c for c in table.labels if c != column]
            found += _equal(parts, whole, _picked(parts, others), _picked(whole, others), unit)
            table = parts if certain else table
        lengths = np.char.str_len(table.labels[column])
        nested = nested_in(table, column)
        for short, long in nested:
            parts, whole = table.take(lengths == long), table.take(lengths == short)
            cut = parts.labels | {column: parts.labels[column].astype(f"U{short}")}
            found += _equal(parts, whole, list(cut.values()), list(whole.labels.values()), unit)
        if nested:
            table = table.take(lengths == nested[-1][1])
    return found, table


def totals_of(table: Table, column: str) -> dict[str, bool]:
    """The level of a column that is the sum of all its others wherever it stands, if there is one.

    It is certain where it is the sum of two others or more; two equal rows may be a coincidence.
    """
    names, level = np.unique(table.labels[column], return_inverse=True)
    if len(names) < 2:
        return {}
    place, _ = _codes(_picked(table, [c for c in table.labels if c != column]), [], len(table.value))
    size = np.bincount(place)[place]
    rest = np.bincount(place, table.value)[place] - table.value
    same = np.isclose(table.value, rest, rtol=1e-9, atol=0) & (size > 1)
    n = len(names)
    stands = np.bincount(level, size > 1, n)
    share = np.bincount(level, same, n) / np.maximum(stands, 1)
    many = np.bincount(level, same & (size > 2), n)
    best = max(np.flatnonzero(share >= 0.5), key=lambda i: (many[i], share[i]), default=None)
    return {} if best is None else {str(names[best]): bool(many[best])}


def nested_in(table: Table, column: str) -> list[tuple[int, int]]:
    """Lengths of codes, shorter and longer, where the short ones begin the long ones."""
    codes = np.unique(table.labels[column])
    lengths = np.char.str_len(codes)
    found = []
    for short, long in pairwise(np.unique(lengths)):
        heads = set(codes[lengths == long].astype(f"U{short}")) if short else {""}
        if short and heads <= set(codes[lengths == short]):
            found.append((int(short), int(long)))
    return found


# -- between tables ----------------------------------------------------------------------------


def _across(one: Table, other: Table, unit: str | None, strict: bool) -> list[Relation]:
    """Relations of two tables, summed over what only one of them has; strict: several sums, and all of them."""
    names, left, right = _aligned(one, other)
    if unit is not None and len(left) == len(one.labels) == len(other.labels):
        return []  # cell by cell: equal values of a unit are one variable already
    found = _equal(one, other, left, right, unit, strict)
    if unit is None:
        found += _slices(one, other, left, right, [c for c in one.labels if c not in names[0]])
        back = _slices(other, one, right, left, [c for c in other.labels if c not in names[1]])
        found += [(y, x) for x, y in back]
    return found


def _aligned(a: Table, b: Table) -> tuple[tuple[list[str], list[str]], list[np.ndarray], list[np.ndarray]]:
    """Labels that two tables share; a code is cut to the other's length where the one is the other's head."""
    names: tuple[list[str], list[str]] = ([], [])
    left: list[np.ndarray] = []
    right: list[np.ndarray] = []
    for name in a.labels:
        for partner in [name] if name in b.labels else [c for c in b.labels if c not in a.labels]:
            pair = _pair(a, name, b, partner)
            if pair is not None:
                names[0].append(name)
                names[1].append(partner)
                left.append(pair[0])
                right.append(pair[1])
                break
    return names, left, right


def _pair(a: Table, name: str, b: Table, partner: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Two columns of labels as they can be compared; None where they are about different things."""
    x, y, one, other = a.labels[name], b.labels[partner], a.levels[name], b.levels[partner]
    if name == partner and one & other:
        return x, y
    if cut := _heads(one, other):
        return x.astype(f"U{cut}"), y
    if cut := _heads(other, one):
        return x, y.astype(f"U{cut}")
    return None


def _heads(long: frozenset[str], short: frozenset[str]) -> int:
    """Length of the short codes if they begin the long ones, else 0."""
    sizes = {len(code) for code in short}
    if len(sizes) != 1 or not (size := sizes.pop()) or min(map(len, long), default=0) <= size:
        return 0
    heads = {code[:size] for code in long}
    return size if len(heads & short) * 2 >= len(heads) else 0


def _slices(
    one: Table,
    other: Table,
    left: list[np.ndarray],
    right: list[np.ndarray],
    extra: list[str],
) -> list[Relation]:
    """Relations of one level of a table (a year, say) with another that does not name it: all sums must agree.

    One sum alone is enough, however small: the total of a table of one year is a year's of another.
    """
    found: list[Relation] = []
    codes = _codes(left, right, len(one.value), len(other.value))
    n = int(max(codes[0].max(initial=0), codes[1].max(initial=0))) + 1
    wanted = np.bincount(codes[1], other.value, n)
    present = np.bincount(codes[1], minlength=n) > 0
    for column in extra:
        names, level = one.coded[column]
        if len(names) < 2:
            continue
        at, size = level * n + codes[0], n * len(names)
        sums = np.bincount(at, one.value, size).reshape(-1, n)
        both = (np.bincount(at, minlength=size).reshape(-1, n) > 0) & present
        same = np.isclose(sums, wanted, rtol=1e-9, atol=0) & both
        alike = (same == both).all(axis=1)
        alike &= (np.abs(sums) * same).max(axis=1) > 0
        for chosen in np.flatnonzero(alike):
            rows = np.flatnonzero(level == chosen)
            inside = [rows[i] for i in _members(codes[0][rows], same[chosen])]
            found += _of_same_units(one, other, inside, _members(codes[1], same[chosen]))
    return found


def _equal(
    one: Table,
    other: Table,
    left: list[np.ndarray],
    right: list[np.ndarray],
    unit: str | None,
    strict: bool = False,
) -> list[Relation]:
    """Sums by the shared labels that agree, as variables on either side."""
    if not len(one.variable) or not len(other.variable):
        return []
    codes = _codes(left, right, len(one.value), len(other.value))
    n = int(max(codes[0].max(), codes[1].max())) + 1
    sums = [np.bincount(c, t.value, n) for c, t in zip(codes, (one, other), strict=True)]
    counts = [np.bincount(c, minlength=n) for c in codes]
    both = (counts[0] > 0) & (counts[1] > 0)
    same = both & np.isclose(sums[0], sums[1], rtol=1e-9, atol=0) & (sums[0] != 0)
    if unit is not None:
        same &= counts[0] + counts[1] > 2
    elif same.sum() * 2 < both.sum() or (strict and (same.sum() < 2 or (same != both).any())):
        return []
    if not same.any():
        return []
    return _of_same_units(one, other, _members(codes[0], same), _members(codes[1], same))


def _of_same_units(
    one: Table, other: Table, left: list[np.ndarray], right: list[np.ndarray]
) -> list[Relation]:
    """Equal sums, without those that are known to rest on other units."""
    found = []
    for x, y in zip(left, right, strict=True):
        units = one.behind(x), other.behind(y)
        if None in units or units[0] == units[1]:
            found.append((one.variable[x], other.variable[y]))
    return found


def _picked(table: Table, names: list[str]) -> list[np.ndarray]:
    return [table.labels[name] for name in names]


def _codes(
    a: list[np.ndarray], b: list[np.ndarray], rows: int, more: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """One number for each combination of labels, the same in both tables."""
    code = np.zeros(rows + more, int)
    for i, column in enumerate(a):
        level, names = pd.factorize(
            np.concatenate([column, b[i]]).astype(object) if more else column.astype(object)
        )
        code = code * len(names) + level
        if i:
            code = pd.factorize(code)[0]
    return code[:rows], code[rows:]


def _members(code: np.ndarray, wanted: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(code, kind="stable")
    edges = np.searchsorted(code[order], np.arange(len(wanted) + 1))
    return [order[edges[i] : edges[i + 1]] for i in np.flatnonzero(wanted)]
