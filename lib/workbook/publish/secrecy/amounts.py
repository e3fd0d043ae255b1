"""Amounts, and means, shares and growth rates as the amounts that they are made of: the units' values as unknowns.

A unit's value in one measure and year is one variable wherever it is used: contributions of one unit with the same
value are the same. A reader is taken to know who contributes to which cell, the sign of every value and its size
within a factor of two; a contributor knows his own values besides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from workbook.publish.secrecy.exhibit import Sums
from workbook.publish.secrecy.judge import Judged, whole_is_common
from workbook.publish.secrecy.linear.links import Table, relations
from workbook.publish.secrecy.linear.system import Cell, Forms, Knowledge, System, Targets, distinct, stacked
from workbook.publish.secrecy.releases import Release, near_marks, unit_mark
from workbook.publish.secrecy.rules import Rules, rounding_room

# Size that a reader grants a unit of a cell that is zero for all: a share of the column's median unit.
OF_ZERO = 0.01


@dataclass
class Atoms:
    """Units' values: (atoms,) unit and size; ``base`` (atoms, atoms) writes sums of a unit as what they add up."""

    unit: np.ndarray
    value: np.ndarray
    size: np.ndarray
    base: sparse.csr_matrix
    facts: sparse.csr_matrix


@dataclass
class _Piece:
    """One part of one column of one exhibit, with the atoms behind each contribution."""

    place: int
    judged: Judged
    sums: Sums
    atom: np.ndarray


def system(judged: Sequence[Judged], rules: Rules, earlier: Sequence[Release] = ()) -> System | None:
    """The linear system of everything that is made of units' amounts.

    Parameters
    ----------
    judged : sequence of Judged
        Exhibits that would be published (others hold no sums).
    rules : Rules
        Rules.
    earlier : sequence of Release
        What was published before: it cannot be hidden any more.

    Returns
    -------
    System or None
        None where no exhibit holds amounts, or those that do have none.
    """
    pieces = [
        _Piece(place, one, part, np.empty(0, int))
        for place, one in enumerate(judged)
        if one.taken
        for parts in one.sums.values()
        for part in parts
    ]
    if not any(
        len(piece.sums.value) for piece in pieces
    ):  # nothing adds up: no exhibit holds amounts, or none has rows
        return None
    units, atoms = _atoms(pieces)
    forms, targets = Forms(), Targets()
    for place, one in enumerate(judged):
        for column in one.sums if one.taken else ():
            mine = [p for p in pieces if p.place == place and p.sums.column == column]
            _column(forms, targets, mine, rules)
    atoms = _earlier(forms, atoms, units, earlier)
    return _grouped(forms, targets, atoms, rules)


# -- units' values -----------------------------------------------------------------------------


def _atoms(pieces: list[_Piece]) -> tuple[np.ndarray, Atoms]:
    """One variable for each value of a unit, wherever it is used."""
    lengths = [len(p.sums.value) for p in pieces]
    units, unit = np.unique(np.concatenate([p.sums.unit for p in pieces]), return_inverse=True)
    value = np.concatenate([p.sums.value for p in pieces])
    order = np.lexsort((value, unit))
    u, v = unit[order], value[order]
    near = np.abs(np.diff(v)) <= 1e-9 * np.maximum(np.abs(v[1:]), np.abs(v[:-1]))
    new = np.concatenate([[True], ~(near & (np.diff(u) == 0))])
    atom = np.empty(len(value), int)
    atom[order] = np.cumsum(new) - 1
    first = order[new]
    for piece, own in zip(pieces, np.split(atom, np.cumsum(lengths)[:-1]), strict=True):
        piece.atom = own
    base, facts = _sums_of_atoms(pieces, value[first])
    return units, Atoms(unit[first], value[first], np.abs(value[first]), base, facts)


def _sums_of_atoms(pieces: list[_Piece], value: np.ndarray) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """A unit's sum over years or levels is written as what it adds up; sums that agree otherwise are facts."""
    made: dict[int, np.ndarray] = {}
    equal: list[tuple[np.ndarray, np.ndarray]] = []
    found = relations(_distinct(pieces, value), unit="unit")
    for one, other in sorted(found, key=lambda pair: float(np.abs(value[pair[1]]).max())):
        whole, parts = (one, other) if len(one) == 1 else (other, one)
        known = np.concatenate([made.get(a, np.array([a])) for a in parts])
        if len(whole) == 1 and whole[0] not in made and whole[0] not in known:
            made[int(whole[0])] = known
        else:
            equal.append((whole, parts))
    n = len(value)
    rows = [np.full(len(made.get(a, [a])), a) for a in range(n)]
    columns = [made.get(a, np.array([a])) for a in range(n)]
    base = stacked([(r, c, np.ones(len(c))) for r, c in zip(rows, columns, strict=True)], n, n)
    sides = [
        (np.full(len(side), i), side, np.full(len(side), sign))
        for i, pair in enumerate(equal)
        for side, sign in zip(pair, (1.0, -1.0), strict=True)
    ]
    return base, distinct(sparse.csr_matrix(stacked(sides, len(equal), n) @ base))


def _distinct(pieces: list[_Piece], value: np.ndarray) -> list[Table]:
    """Tables of units' values, each once, zeros left away."""
    seen: dict[bytes, Table] = {}
    for piece in pieces:
        keep = value[piece.atom] != 0
        names = piece.judged.exhibit.of_role("label", "word", "year")
        labels = piece.judged.exhibit.keys[names].iloc[piece.sums.row[keep]].reset_index(drop=True)
        rows = _once(labels.assign(unit=piece.sums.unit[keep], atom=piece.atom[keep]))
        atom = rows.pop("atom").to_numpy(int)
        mark = hashlib.blake2b("|".join(rows.columns).encode(), digest_size=16)
        mark.update(pd.util.hash_pandas_object(rows.assign(atom=atom), index=False).to_numpy().tobytes())
        seen.setdefault(mark.digest(), Table.of(rows, atom, value[atom]))
    return list(seen.values())


def _once(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows without labels that make no difference: a total that shares are taken of stands in many cells."""
    for column in [c for c in rows.columns if c not in ("unit", "atom")]:
        rest = [c for c in rows.columns if c not in (column, "atom")]
        found = rows.groupby(rest)["atom"]
        if (found.transform("nunique") == 1).all() and (found.transform("size") > 1).any():
            rows = rows.drop(columns=column).drop_duplicates(ignore_index=True)
    return rows


# -- what is published, and what must stay open ------------------------------------------------


def _column(forms: Forms, targets: Targets, pieces: list[_Piece], rules: Rules) -> None:
    """Forms and targets of one column."""
    first = pieces[0]
    role = first.judged.exhibit.roles[first.sums.column]
    values = pd.to_numeric(first.judged.exhibit.frame[first.sums.column], errors="coerce").to_numpy(float)
    shown = np.isfinite(values)
    parts = [_by_row(piece, len(shown)) for piece in pieces]
    common = role == "share" and whole_is_common([p.sums for p in pieces])
    for row in np.flatnonzero(shown):
        cell = (first.place, int(row), first.sums.column)
        inside = [part[row] for part in parts]
        reason = str(first.judged.reasons[first.sums.column].iloc[row])
        atoms, weight = _form(inside, common)
        slack = 0.0
        if role == "amount" and rules.amount_base and values[row]:
            # The base is in the frame's unit of measurement, sums are in the contributions'.
            slack = rounding_room(values[row], rules.amount_base) * abs(inside[0][1].sum() / values[row])
        units = float(min(len(a) for a, _ in inside))
        forms.add(cell, atoms, weight, units=units, forced=bool(reason), slack=slack)
        # What rounding alone protects must stay open, too.
        if reason or (role == "amount" and rules.amount_base and rules.of_amount(inside[0][1])):
            _aims(targets, cell, inside, rules, role == "share")
    if common:
        _wholes(forms, parts[1], shown, rules)


def _by_row(piece: _Piece, rows: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(piece.atom[i], piece.sums.value[i]) for i in piece.sums.places(rows)]


def _form(inside: list[tuple[np.ndarray, np.ndarray]], common: bool) -> tuple[np.ndarray, np.ndarray]:
    """What a cell says: of a share of a total that may be known, its numerator's sum."""
    inside = inside[:1] if common else inside
    return np.concatenate([atoms for atoms, _ in inside]), weights([values for _, values in inside])


def weights(values: list[np.ndarray]) -> np.ndarray:
    """Weights of the amounts in a published sum: ones, or numerator less ratio times denominator, which is zero."""
    ones = np.ones(len(values[0]))
    if len(values) == 1:
        return ones
    total = values[1].sum()
    return np.concatenate([ones, np.full(len(values[1]), -values[0].sum() / total if total else 0.0)])


def _aims(
    targets: Targets, cell: Cell, inside: list[tuple[np.ndarray, np.ndarray]], rules: Rules, share: bool
) -> None:
    """A forbidden cell: each of its amounts that breaks a rule must stay open, and the ratio itself."""
    breaking = [(atoms, values) for atoms, values in inside if rules.of_amount(values)]
    # A share that no amount forbids is kept by its numerator; a growth rate by both its years.
    for atoms, values in breaking or (inside[:1] if share else inside):
        targets.add(cell, atoms, np.ones(len(atoms)), rules.range_of(values))
    if len(inside) > 1:
        atoms, weight = _form(inside, False)
        targets.add(cell, atoms, weight, rules.p * float(np.abs(inside[0][1]).sum()))


def _wholes(
    forms: Forms, wholes: list[tuple[np.ndarray, np.ndarray]], shown: np.ndarray, rules: Rules
) -> None:
    """A total that shares are taken of may be known from elsewhere, unless it gives a unit away itself."""
    for row in np.flatnonzero(shown):
        atoms, values = wholes[row]
        if len(atoms) and not rules.of_amount(values):
            forms.add(None, atoms, np.ones(len(atoms)), units=float(len(atoms)), fixed=True)


def _earlier(forms: Forms, atoms: Atoms, units: np.ndarray, earlier: Sequence[Release]) -> Atoms:
    """Sums that were published before, over today's values where they have not changed and new unknowns else."""
    if not any(release.sums for release in earlier):
        return atoms
    marks = {m: a for a in range(len(atoms.unit)) for m in near_marks(units[atoms.unit[a]], atoms.value[a])}
    unit, value = list(atoms.unit), list(atoms.value)
    known = {unit_mark(name): i for i, name in enumerate(units)}
    for sums in (s for release in earlier for s in release.sums):
        for name, mark in zip(sums.units, sums.marks, strict=True):
            if mark not in marks:
                marks[mark] = len(unit)
                unit.append(known.setdefault(name, len(known)))
                value.append(np.nan)
        inside, weight = np.array([marks[m] for m in sums.marks]), np.array(sums.weights)
        now = np.array([value[a] for a in inside])
        new = np.isnan(now)
        # What is not known any more is shared out evenly: only its size matters.
        rest = (sums.total - weight[~new] @ now[~new]) / weight[new].sum() if new.any() else 0.0
        for a in inside[new]:
            value[a] = rest
        forms.add(None, inside, weight, fixed=True)
    more = len(unit) - len(atoms.unit)
    base = sparse.block_diag([atoms.base, sparse.identity(more)]).tocsr() if more else atoms.base
    facts = sparse.hstack([atoms.facts, sparse.csr_matrix((atoms.facts.shape[0], more))]).tocsr()
    filled = np.array(value, float)
    return Atoms(np.array(unit), filled, np.abs(filled), base, facts)


# -- unknowns that stand in the same sums are one ----------------------------------------------


def _grouped(forms: Forms, targets: Targets, atoms: Atoms, rules: Rules) -> System:
    """The system over groups of values that stand in the same sums; the two largest apart where they must be.

    Within a group values can change places unseen. Where all but the two largest add up to p % of the largest, no
    value of it can be placed by any contributor, and the group is one unknown. Else the largest two are unknowns and
    targets of their own.
    """
    n = len(atoms.unit)
    size = _sizes(targets, atoms, rules)
    matrix = sparse.csr_matrix(stacked(forms.entries, len(forms.cells), n) @ atoms.base)
    aims = sparse.csr_matrix(stacked(targets.entries, len(targets.cells), n) @ atoms.base)
    whole = sparse.vstack([matrix, atoms.facts, aims]).tocsr()
    held = np.asarray((abs(whole) > 0).sum(axis=0)).ravel() > 0
    draw = np.random.default_rng(3).normal(size=(whole.shape[0], 2))
    group = np.unique(np.round(whole.T @ draw, 10), axis=0, return_inverse=True)[1].ravel()
    used = pd.DataFrame({"group": group, "unit": atoms.unit, "size": size})[held & (size > 0)]
    own = (
        used.groupby(["group", "unit"], as_index=False)["size"]
        .sum()
        .sort_values(["group", "size"], ascending=[1, 0])
    )
    own["rank"] = own.groupby("group").cumcount()
    totals = own.groupby("group")["size"].sum()
    largest = own[own["rank"] == 0].set_index("group")["size"]
    second = own[own["rank"] == 1].set_index("group")["size"].reindex(largest.index, fill_value=0.0)
    apart = (totals - largest - second) < rules.p * largest * (1 - 1e-9)
    own["slot"] = np.where(own["group"].map(apart), own["rank"].clip(upper=2), 2)
    variable, _ = pd.factorize(pd.MultiIndex.from_frame(own[["group", "slot"]]))
    own["variable"] = variable
    count = int(variable.max()) + 1 if len(variable) else 0
    ranges = np.bincount(variable, own["size"], count)
    column = pd.Series(np.flatnonzero(held), index=group[held]).groupby(level=0).first()
    source = own.drop_duplicates("variable").sort_values("variable")["group"].map(column).to_numpy(int)
    for row in own[own["group"].map(apart) & (own["rank"] < 2)].itertuples():
        targets.add(None, np.array([row.variable]), np.ones(1), rules.p * row.size)
    forms.entries = _entries(matrix[:, source])
    kept = len(targets.cells) - aims.shape[0]
    for i in np.flatnonzero(np.asarray(abs(aims).sum(axis=1)).ravel() == 0):
        targets.need[i] = 0.0  # a ratio of one by construction
    targets.entries = _entries(aims[:, source]) + (targets.entries[-kept:] if kept else [])
    knows = Knowledge(own["unit"].to_numpy(int), own["variable"].to_numpy(int), own["size"].to_numpy(float))
    return System(forms, targets, sparse.csr_matrix(atoms.facts[:, source]), -ranges, ranges, knows)


def _sizes(targets: Targets, atoms: Atoms, rules: Rules) -> np.ndarray:
    """How far a reader thinks each value may be off; units of a cell of zeros get a small range."""
    size = atoms.size.copy()
    sizes = size[size > 0]
    little = OF_ZERO * float(np.median(sizes)) if len(sizes) else 1.0
    for i, (_, inside, _) in enumerate(targets.entries):
        if not atoms.size[inside].any():
            # That units have nothing is a secret only where the rules say so.
            size[inside] = little if rules.zeros else 0.0
            targets.need[i] = little * len(inside) * rules.p if rules.zeros else 0.0
    return size


def _entries(matrix: sparse.csr_matrix) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    coo = matrix.tocoo()
    return [(coo.row, coo.col, coo.data)]
