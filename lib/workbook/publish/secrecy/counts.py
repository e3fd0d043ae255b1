"""Counts, and means that only rest on counts: cells as unknowns.

A reader is taken to know that a listed cell is not empty; a member of a cell knows no more of its count than that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from workbook.publish.secrecy.exhibit import COUNTS
from workbook.publish.secrecy.judge import Judged, of_counts, of_one_total
from workbook.publish.secrecy.linear.links import Relation, Table, relations
from workbook.publish.secrecy.linear.system import Cell, Forms, Knowledge, System, Targets, distinct, stacked
from workbook.publish.secrecy.releases import Release
from workbook.publish.secrecy.rules import Rules, rounding_room

# How far, in multiples of the least number of units, a reader thinks a count may be off upwards.
FAR = 10
ROWS = 1_000_000
# Label of the two kinds that a share of units tells apart.
SHARED_OUT = "shared out"


def system(judged: Sequence[Judged], rules: Rules, earlier: Sequence[Release] = ()) -> System | None:
    """The linear system of all cells that count.

    Parameters
    ----------
    judged : sequence of Judged
        Exhibits that would be published.
    rules : Rules
        Rules.
    earlier : sequence of Release
        Counts that were published before cannot be hidden any more.

    Returns
    -------
    System or None
        None where nothing has to be hidden.
    """
    before = {
        (c.exhibit, tuple(sorted(c.key.items())), c.column): c.value
        for release in earlier
        for c in release.counts
        if c.value is not None
    }
    tables: dict[str, list[Table]] = {}
    forms, targets = Forms(), Targets()
    values: list[float] = []
    for place, one in enumerate(judged):
        for column in one.exhibit.of_role(*COUNTS) if one.taken else ():
            role = one.exhibit.roles[column]
            numbers = pd.to_numeric(one.exhibit.frame[column], errors="coerce").to_numpy(float)
            rows = np.flatnonzero(np.isfinite(numbers))
            table = _table(one, rows, len(values), numbers)
            tables.setdefault(column if role == "count" else role, []).append(table)
            for at, row in zip(table.variable, rows, strict=True):
                _cell(forms, targets, one, (place, int(row), column), int(at), rules, before)
            values += list(numbers[rows])
    for place, one in enumerate(judged):
        for column in shares(one) if one.taken else ():
            _share(forms, one, place, column, rules)
    for place, one in enumerate(judged):
        for column in one.counted if one.taken else ():
            values += _shared_out(forms, targets, tables, (one, place, column, len(values)), rules, before)
    if not targets.cells:
        return None
    # Listed cells are not empty.
    low = -np.maximum(np.array(values) - 1, 0)
    return _system(forms, targets, tables, low, np.full(len(values), float(FAR * rules.min_units)), True)


def _cell(
    forms: Forms,
    targets: Targets,
    one: Judged,
    cell: Cell,
    variable: int,
    rules: Rules,
    before: Mapping[tuple[str, tuple[tuple[str, str], ...], str], float | None],
) -> None:
    """One count; all counts of a row are left out together, for each says something of the others."""
    place, row, column = cell
    value = float(one.exhibit.frame[column].iloc[row])
    forced = bool(one.reasons[column].iloc[row])
    known = before.get((one.exhibit.name, tuple(sorted(one.exhibit.key(row).items())), column)) == value
    slack = float(np.floor(rounding_room(value, rules.count_base)))
    bundle = place * ROWS + row
    forms.add(
        cell, np.array([variable]), np.ones(1),
        units=value, forced=forced, fixed=known, slack=slack, bundle=bundle,
    )  # fmt: skip
    if forced:
        targets.add(cell, np.array([variable]), np.ones(1), max(1.0, rules.min_units - value))


def _shared_out(
    forms: Forms,
    targets: Targets,
    tables: dict[str, list[Table]],
    at: tuple[Judged, int, str, int],
    rules: Rules,
    before: Mapping[tuple[str, tuple[tuple[str, str], ...], str], float | None],
) -> list[float]:
    """A share of units is two counts, those with and those without; either follows from it and the other.

    Parameters
    ----------
    forms, targets, tables
        What is published, what must stay open, and tables by what they count: all are added to.
    at : tuple
        The exhibit, its place, the column, and the number of variables so far.
    rules : Rules
        Rules.
    before : mapping
        Counts that were published before.

    Returns
    -------
    list of float
        Values of the new variables: rows with what is shared out, then rows without.
    """
    one, place, column, start = at
    units = one.counted[column]
    rows = np.flatnonzero(one.exhibit.frame[column].notna().to_numpy())
    both = np.concatenate([units.part[rows], units.other[rows]])
    some, rest = (np.arange(start + i * len(rows), start + (i + 1) * len(rows)) for i in (0, 1))
    for row, *pair in zip(rows, some, rest, strict=True):
        cell, numbers = (place, int(row), column), np.array([units.part[row], units.other[row]])
        key = (one.exhibit.name, tuple(sorted(one.exhibit.key(int(row)).items())), column)
        forced, known = bool(one.reasons[column].iloc[row]), before.get(key) == numbers[0]
        # With a share of s, s times those without are 1 − s times those with: one count gives the other away.
        weight = numbers[::-1] * (1.0, -1.0) / max(np.gcd(*numbers.astype(int)), 1)
        forms.add(cell, np.array(pair), weight, units=numbers.sum(), forced=forced, fixed=known)
        for variable, few in zip(pair, (units.some[row], units.rest[row]), strict=True):
            if forced and rules.of_count(few):
                targets.add(cell, np.array([variable]), np.ones(1), rules.min_units - few)
    names = one.exhibit.of_role("label", "word", "year")
    labels = one.exhibit.keys[names].iloc[[*rows, *rows]].reset_index(drop=True)
    kinds = np.repeat([column, f"not {column}"], len(rows))
    variables = np.concatenate([some, rest])
    counts = tables.setdefault("units" if units.once else "rows", [])
    counts.append(Table.of(labels.assign(**{SHARED_OUT: kinds}), variables, both))
    # Tables of those with it alone, and of those without, may stand elsewhere.
    for kind in np.unique(kinds):
        counts.append(Table.of(labels[kinds == kind], variables[kinds == kind], both[kinds == kind]))
    return both.tolist()


def shares(one: Judged) -> list[str]:
    """Columns that are shares of counts: what they are shares of is counted beside them."""
    return [c for c in one.exhibit.of_role("share") if c not in one.sums and of_counts(one.exhibit, c)]


def _share(forms: Forms, one: Judged, place: int, column: str, rules: Rules) -> None:
    """A share of a count says the count, for its total is had from any other row; shares of one total add to one."""
    share = pd.to_numeric(one.exhibit.frame[column], errors="coerce").to_numpy(float)
    at = {cell[1:]: i for i, cell in enumerate(forms.cells) if cell is not None and cell[0] == place}
    for counted in one.exhibit.of_role(*COUNTS):
        number = pd.to_numeric(one.exhibit.frame[counted], errors="coerce").to_numpy(float)
        group = of_one_total(one.exhibit, number, share)
        if group is None:
            continue
        for row in np.flatnonzero(np.isfinite(share) & (number > 0)):
            variable = forms.entries[at[int(row), counted]][1]
            forced = bool(one.reasons[column].iloc[row])
            forms.add((place, int(row), column), variable, np.ones(1), units=number[row], forced=forced)
        for no in np.unique(group[group >= 0]):
            rows = np.flatnonzero((group == no) & (number > 0))
            whole = share[rows].sum()
            if len(rows) > 1 and (np.isclose(whole, 1) or np.isclose(whole, 100)):
                inside = [forms.entries[at[int(row), counted]][1] for row in rows]
                forms.add(
                    None, np.concatenate(inside), np.ones(len(inside)), units=number[rows].sum(), fixed=True
                )
        return


def means(judged: Sequence[Judged], rules: Rules) -> System | None:
    """The linear system of means whose unit amounts are not given: each times the count that it rests on.

    Parameters
    ----------
    judged : sequence of Judged
        Exhibits that would be published.
    rules : Rules
        Rules.

    Returns
    -------
    System or None
        None where nothing has to be hidden.
    """
    tables: dict[str, list[Table]] = {}
    forms, targets = Forms(), Targets()
    values: list[float] = []
    for place, one in enumerate(judged):
        columns = [c for c in one.exhibit.of_role("mean") if c not in one.sums] if one.taken else []
        for column in columns:
            shown = pd.to_numeric(one.exhibit.frame[column], errors="coerce").to_numpy(float)
            totals = shown * one.units
            rows = np.flatnonzero(np.isfinite(totals))
            start = len(values)
            for at, row in enumerate(rows, start=start):
                forced = bool(one.reasons[column].iloc[row])
                cell = (place, int(row), column)
                forms.add(cell, np.array([at]), np.ones(1), units=one.units[row], forced=forced)
                if forced:
                    targets.add(cell, np.array([at]), np.ones(1), rules.p * abs(totals[row]))
            values += list(totals[rows])
            tables.setdefault(column, []).append(_table(one, rows, start, totals))
    if not targets.cells:
        return None
    ranges = np.abs(np.array(values))
    return _system(forms, targets, tables, -ranges, ranges, False)


def _table(one: Judged, rows: np.ndarray, start: int, numbers: np.ndarray) -> Table:
    names = one.exhibit.of_role("label", "word", "year")
    labels = one.exhibit.keys[names].iloc[rows].reset_index(drop=True)
    members = _members(one)
    behind = None if members is None else [members[row] for row in rows]
    return Table.of(labels, np.arange(start, start + len(rows)), numbers[rows], behind)


def _members(one: Judged) -> list[frozenset[str]] | None:
    """Units behind each row, where the contributions name all that the row counts."""
    given = one.exhibit.contributions
    if given is None:
        return None
    held: list[set[str]] = [set() for _ in one.units]
    for row, unit in zip(one.exhibit.row_of, given["unit"].astype(str), strict=True):
        if row >= 0:
            held[row].add(unit)
    return [frozenset(h) for h in held] if [len(h) for h in held] == one.units.tolist() else None


def _system(
    forms: Forms,
    targets: Targets,
    tables: dict[str, list[Table]],
    low: np.ndarray,
    high: np.ndarray,
    integer: bool,
) -> System:
    asked = np.concatenate([variable for _, variable, _ in targets.entries])
    pairs = []
    for group in tables.values():
        pairs += relations(group, at_stake=[bool(np.isin(table.variable, asked).any()) for table in group])
    one = _one_of(pairs, len(low))
    for entries in (forms.entries, targets.entries):
        entries[:] = [(row, one[variable], weight) for row, variable, weight in entries]
    _once(targets)
    sides = [
        (np.full(len(side), i), one[side], np.full(len(side), sign))
        for i, pair in enumerate(pairs)
        for side, sign in zip(pair, (1.0, -1.0), strict=True)
    ]
    facts = distinct(stacked(sides, len(pairs), len(low)))
    nobody = Knowledge(np.empty(0, int), np.empty(0, int), np.empty(0))
    return System(forms, targets, facts, low, high, nobody, integer)


def _one_of(pairs: list[Relation], variables: int) -> np.ndarray:
    """The variable that stands for each: cells of several tables that are equal are one."""
    equal = [(int(a[0]), int(b[0])) for a, b in pairs if len(a) == len(b) == 1]
    rows, columns = np.array(equal, int).reshape(-1, 2).T
    graph = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(variables, variables))
    _, label = connected_components(graph, directed=False)
    first = np.unique(label, return_index=True)[1]
    return first[label]


def _once(targets: Targets) -> None:
    """Each target once."""
    keep = np.unique([int(variable[0]) for _, variable, _ in targets.entries], return_index=True)[1]
    targets.cells = [targets.cells[i] for i in keep]
    targets.need = [targets.need[i] for i in keep]
    entries = [targets.entries[i] for i in keep]
    targets.entries = [(np.full(len(v), i), v, w) for i, (_, v, w) in enumerate(entries)]
