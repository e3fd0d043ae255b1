"""Rows in memory and the exact projection off all effects, for methods that need residuals row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from estimators.engines.exact.formula import Effect
from estimators.engines.exact.passes.source import Source, ident
from estimators.engines.exact.schur import Factors
from estimators.errors import EffectsError
from estimators.language import listed, said

Array = NDArray[np.float64]
Codes = NDArray[np.int64]


def load(data: Any, columns: Sequence[str], keys: Sequence[str]) -> pd.DataFrame:
    """The named columns of any table as a frame (memory for rows).

    Raises
    ------
    EffectsError
        When a column is missing, or a numeric column holds text.
    """
    names = list(dict.fromkeys([*columns, *keys]))
    if not isinstance(data, pd.DataFrame):
        with Source(data, names, keys) as source:
            chosen = ", ".join(f"s.{ident(name)}" for name in names)
            data = source.arrow(f"SELECT {chosen} FROM {source.name} s").to_pandas()
    missing = [name for name in names if name not in data]
    if missing:
        raise EffectsError(said("engines.no_column", missing=listed(missing), known=listed(data.columns)))
    for name in columns:
        if not pd.api.types.is_numeric_dtype(data[name]):
            raise EffectsError(said("engines.not_a_number", name=name, dtype=data[name].dtype))
    return data[names]


def number(frame: pd.DataFrame, effect: Effect) -> Codes:
    """Levels of an effect from 0, by row."""
    codes = _numbered(frame[effect.parts[0]])
    for part in effect.parts[1:]:
        own = _numbered(frame[part])
        codes = _numbered(pd.Series(codes * (own.max(initial=0) + 1) + own))
    return codes


def _numbered(column: pd.Series) -> Codes:
    """Numbers of a column's values in their order, whatever the order of rows; integers that span little are counted."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu" and len(column):
        values = column.to_numpy()
        low, high = int(values.min()), int(values.max())
        if high - low < 4 * len(values):
            return compact(values.astype(np.int64) - low)
    return pd.factorize(column, sort=True)[0].astype(np.int64)


def complete(frame: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.bool_]:
    """Rows with a finite or non-missing value in every column.

    Raises
    ------
    EffectsError
        When none is left.
    """
    kept = np.ones(len(frame), bool)
    for name in dict.fromkeys(columns):
        kept &= frame[name].notna().to_numpy()
    if not kept.any():
        raise EffectsError(said("engines.no_row", count=len(frame), columns=listed(columns)))
    return kept


def not_single(effects: Sequence[Codes]) -> NDArray[np.bool_]:
    """Rows that are not alone in a level, after leaving out those that are, generation after generation."""
    alive = np.ones(len(effects[0]), bool)
    while True:
        before = alive.sum()
        for codes in effects:
            counts = np.bincount(codes if alive.all() else codes[alive], minlength=codes.max(initial=0) + 1)
            if (counts == 1).any():
                alive &= counts[codes] > 1
        if alive.sum() == before:
            return alive


class Projection:
    """Residuals on all effects, without iteration.

    Parameters
    ----------
    effects : sequence of ndarray of int, shape (n,)
        Levels from 0; the effect with the most levels is taken out by means, the others by the Schur complement.
    weights : ndarray, shape (n,), optional
        Positive.

    Attributes
    ----------
    unit : position of the effect that is taken out by means
    factors : factors of the normal equations of the others
    place : positions of the others' levels, one array for each
    """

    def __init__(self, effects: Sequence[Codes], weights: Array | None = None) -> None:
        sizes = [int(codes.max(initial=-1)) + 1 for codes in effects]
        self.unit = int(np.argmax(sizes))
        self.codes = effects[self.unit]
        self.units = sizes[self.unit]
        self.weights = weights
        self.unit_weight = np.bincount(self.codes, weights, self.units).astype(float)
        others = [i for i in range(len(effects)) if i != self.unit]
        starts = np.concatenate([[0], np.cumsum([sizes[i] for i in others])]).astype(int)
        self.total = int(starts[-1])
        self.place = [effects[i] + start for i, start in zip(others, starts[:-1], strict=True)]
        self.others = others
        if self.total:
            self._factor()

    def _factor(self) -> None:
        n, w = len(self.codes), self.weights
        size = self.by_level(np.ones(n) if w is None else w)
        values = np.ones(n) if w is None else w
        a = sparse.diags(size, format="csr")
        for i, left in enumerate(self.place):
            for right in self.place[i + 1 :]:
                cross = _table(left, right, values, (self.total, self.total))
                a = a + cross + cross.T
        shape = (self.units, self.total)
        d = sparse.csr_matrix(shape)
        for place in self.place:
            d = d + _table(self.codes, place, values, shape)
        self.factors = Factors((a - d.T @ sparse.diags(1 / self.unit_weight) @ d).tocsr(), size)

    def by_level(self, values: Array) -> Array:
        """Sums by level of the other effects, shape (G,)."""
        total = np.zeros(self.total)
        for place in self.place:
            total += np.bincount(place, values, self.total)
        return total

    def demean(self, column: Array) -> Array:
        """A column less its unit's (weighted) means."""
        values = column if self.weights is None else column * self.weights
        return column - (np.bincount(self.codes, values, self.units) / self.unit_weight)[self.codes]

    def residuals(self, columns: Array) -> Array:
        """Residuals of columns, shape (n, k), in Fortran order."""
        return self.residuals_and_squares(columns)[0]

    def residuals_and_squares(self, columns: Array) -> tuple[Array, Array]:
        """Residuals, and each column's sum of squares when only the unit effect is out."""
        table = np.asarray(columns, float).reshape(len(self.codes), -1)
        out = np.empty(table.shape, order="F")
        sums, squares = np.empty((self.total, table.shape[1])), np.empty(table.shape[1])
        for k in range(table.shape[1]):
            out[:, k] = self.demean(table[:, k])
            squares[k] = np.einsum("i,i", out[:, k], out[:, k])  # BLAS would start threads for it
            if self.total:
                sums[:, k] = self.by_level(out[:, k] if self.weights is None else out[:, k] * self.weights)
        if not self.total:
            return out, squares
        gamma = self.factors.solve(sums)
        for k in range(table.shape[1]):
            fitted = np.zeros(len(self.codes))
            for place in self.place:
                fitted += gamma[:, k][place]
            out[:, k] -= self.demean(fitted)
        return out, squares


def _table(left: Codes, right: Codes, values: Array, shape: tuple[int, int]) -> sparse.csr_matrix:
    """Sums of values by pairs of levels."""
    return sparse.coo_matrix((values, (left, right)), shape=shape).tocsr()


def squares_about_mean(values: Array) -> Array:
    """Each column's sum of squared deviations from its mean, shape (k,); column by column, as frames hold them."""
    centred = (column - column.mean() for column in values.T)
    return np.array([np.einsum("i,i", column, column) for column in centred], float)


def nested(inner: Codes, outer: Codes) -> bool:
    """Whether each level of one effect lies in one level of the other."""
    first = np.empty(int(inner.max(initial=-1)) + 1, np.int64)
    first[inner] = outer
    return bool((first[inner] == outer).all())


def levels_and_nested(
    names: Sequence[str], effects: Sequence[Codes], cluster: Codes | None
) -> tuple[dict[str, int], dict[str, bool]]:
    """Levels of each effect, and whether it is nested in the clusters."""
    levels = {name: int(codes.max()) + 1 for name, codes in zip(names, effects, strict=True)}
    if cluster is None:
        return levels, {}
    return levels, {name: nested(codes, cluster) for name, codes in zip(names, effects, strict=True)}


def compact(codes: Codes) -> Codes:
    """Codes without gaps, in order."""
    seen = np.zeros(int(codes.max(initial=-1)) + 1, np.int64)
    seen[codes] = 1
    return (np.cumsum(seen) - 1)[codes]
