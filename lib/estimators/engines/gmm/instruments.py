"""Instruments, stored as the few numbers of each that are not zero.

An instrument is a sum of *atoms*: a value of each unit that enters one row of the stacked equations. Uncollapsed lags
are one atom each, an ordinary instrument is one for each row. With atoms w (N, A), their rows τ (A,) and the matrix S
(A, L) that adds them up, all that GMM needs is small and dense: Z'HZ = S'(w'w ∘ H[τ, τ])S, Z'x = S' Σ_i w_i x_{i,τ},
and Z_i'u_i = S'(w_i ∘ u_{i,τ}). The block-diagonal matrix Z, mostly zeros, is never made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from estimators.engines.gmm.equations import Equations
from estimators.engines.gmm.grid import Array, Grid, Term
from estimators.errors import EffectsError
from estimators.language import said

Lags = tuple[int, int | None]
Where = Literal["both", "separate", "difference", "level"]


class Instruments(NamedTuple):
    """Atoms ``w`` (N, A), their rows ``row`` (A,), and the instrument ``column`` (A,) that each belongs to."""

    w: Array
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    names: list[str]

    @property
    def single(self) -> bool:
        """Whether each instrument is one atom."""
        return len(self.names) == len(self.column)

    def add(self, atoms: Array) -> Array:
        """Sums over the atoms of each instrument along the last axis, (…, A) to (…, L)."""
        if self.single:
            return atoms
        first = np.flatnonzero(np.diff(self.column, prepend=-1))  # atoms are sorted by instrument
        out: Array = np.add.reduceat(atoms, first, axis=-1)
        return out

    def cross(self, h: Array) -> Array:
        """Σ_i Z_i' H Z_i, shape (L, L)."""
        inner = (self.w.T @ self.w) * h[np.ix_(self.row, self.row)]
        return self.add(self.add(inner).T)

    def with_rows(self, values: Array) -> Array:
        """Σ_i Z_i' x_i, shape (L, K), for values (N, R, K)."""
        out = np.empty((len(self.row), values.shape[2]))
        for r in np.unique(self.row):
            here = self.row == r
            out[here] = self.w[:, here].T @ values[:, r]
        return self.add(out.T).T

    def on_rows(self, weights: Array, rows: int) -> Array:
        """Z_i λ of each unit, shape (N, rows), for weights λ (L,)."""
        out = np.zeros((len(self.w), rows))
        spread = weights[self.column]
        for r in np.unique(self.row):
            here = self.row == r
            out[:, r] = self.w[:, here] @ spread[here]
        return out

    def moments(self, u: Array) -> Array:
        """Z_i' u_i of each unit, shape (N, L), for u (N, R)."""
        return self.add(self.w * u[:, self.row])


class _Collector:
    def __init__(self, equations: Equations) -> None:
        self.eq = equations
        self.atoms: list[Array] = []
        self.rows: list[int] = []
        self.labels: list[str] = []

    def put(self, values: Array, row: int, label: str) -> None:
        """One atom; missing values and rows that a unit lacks count as zero (as in xtabond2 and plm)."""
        self.atoms.append(np.where(self.eq.used[:, row] & np.isfinite(values), values, 0.0))
        self.rows.append(row)
        self.labels.append(label)

    def done(self) -> Instruments:
        w = np.column_stack(self.atoms)
        kept = np.abs(w).sum(axis=0) > 0
        labels = [label for label, k in zip(self.labels, kept, strict=True) if k]
        names = list(dict.fromkeys(labels))
        place = {name: i for i, name in enumerate(names)}
        column = np.array([place[label] for label in labels], dtype=np.int64)
        order = np.argsort(column, kind="stable")
        return Instruments(w[:, kept][:, order], np.array(self.rows)[kept][order], column[order], names)


def instruments(
    grid: Grid,
    eq: Equations,
    gmm: Mapping[str, Lags],
    iv: Sequence[Term],
    collapse: bool,
    iv_where: Where,
    time_where: Where,
) -> Instruments:
    """Lagged levels for differences, lagged differences for levels, ordinary instruments and time effects.

    Parameters
    ----------
    gmm : mapping of str to (first, last)
        Column: lags of its level in the differenced equations, all beyond the first if last is None. In the level
        equations its change `first` − 1 periods before enters.
    iv : sequence of Term
        Differenced in the differenced equations, as they are in those in levels.
    collapse : bool
        One instrument for each lag rather than for each period and lag.
    iv_where, time_where : {"both", "separate", "difference", "level"}
        In a system: one instrument over both kinds of equations, one for each kind, or in one kind only.
    """
    made = _Collector(eq)
    for name, (first, last) in gmm.items():
        if first < 1 or (last is not None and last < first):
            raise EffectsError(said("engines.gmm.lags", name=name, first=first, last=last))
        _lagged(made, grid, name, first, last, collapse)
    for item in iv:
        _ordinary(made, grid.difference(item), grid.level(item), f"iv {item.column} {item.lag}", iv_where)
    for j in range(eq.time.shape[1]):
        where = "level" if np.all(eq.time[~eq.level, j] == 0) else time_where
        _dummy(made, j, where)
    return made.done()


def _lagged(made: _Collector, grid: Grid, name: str, first: int, last: int | None, collapse: bool) -> None:
    level, change = grid.level(Term(name, 0)), grid.difference(Term(name, 0))
    for row, (t, in_level) in enumerate(zip(made.eq.period, made.eq.level, strict=True)):
        if in_level:
            if t - first + 1 >= 1:
                label = f"gmm level {name}" + ("" if collapse else f" {t}")
                made.put(change[:, t - first + 1], row, label)
            continue
        for lag in range(first, min(t, t if last is None else last) + 1):
            label = f"gmm {name} {lag}" + ("" if collapse else f" {t}")
            made.put(level[:, t - lag], row, label)


def _ordinary(made: _Collector, change: Array, level: Array, label: str, where: Where) -> None:
    for row, (t, in_level) in enumerate(zip(made.eq.period, made.eq.level, strict=True)):
        if where in ("both", "separate") or (where == "level") == bool(in_level) or not made.eq.level.any():
            own = f"{label} level" if where == "separate" and in_level else label
            made.put((level if in_level else change)[:, t], row, own)


def _dummy(made: _Collector, j: int, where: Where) -> None:
    ones = np.ones(len(made.eq.used))
    for row, in_level in enumerate(made.eq.level):
        value = made.eq.time[row, j]
        if value and (
            where in ("both", "separate") or (where == "level") == bool(in_level) or not made.eq.level.any()
        ):
            own = f"time {j} level" if where == "separate" and in_level else f"time {j}"
            made.put(value * ones, row, own)
