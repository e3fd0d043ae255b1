"""The rows of a column, its effects, and the regressors that they leave; the same for every engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from estimators.effects.sample import effect_columns, singletons
from estimators.errors import EffectsError
from estimators.language import listed, said

UNIT, YEAR, CONSTANT = "firm_id", "year", "const"
# A regressor of which less than this share of its variation is left is taken up by what stands before it.
LEFT = 1e-10


@dataclass(frozen=True)
class Rows:
    """What a column is estimated on.

    Attributes
    ----------
    data : DataFrame
        Complete rows in their order, index = row of the whole table.
    effects : DataFrame
        One categorical column for each effect.
    outcome : str
    regressors : list of str
        Those that are left, a constant among them where nothing else takes its place.
    endogenous, instruments : list of str
    clusters : DataFrame
        One column of codes for each way.
    weights : ndarray
        Mean one.
    dropped : int
        Singletons left out.
    omitted : list of str
        Regressors that effects or others take up.
    """

    data: pd.DataFrame
    effects: pd.DataFrame
    outcome: str
    regressors: list[str]
    endogenous: list[str] = field(default_factory=list)
    instruments: list[str] = field(default_factory=list)
    clusters: pd.DataFrame = field(default_factory=pd.DataFrame)
    weights: np.ndarray = field(default_factory=lambda: np.ones(0))
    dropped: int = 0
    omitted: list[str] = field(default_factory=list)

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.data)

    def values(self, names: Sequence[str]) -> np.ndarray:
        """Columns as numbers, shape (n, columns)."""
        return self.data[list(names)].to_numpy(float)


def of(column: Mapping[str, Any], table: pd.DataFrame, samples: Mapping[str, np.ndarray]) -> Rows:
    """The rows of a column.

    Parameters
    ----------
    column : mapping
        A specification with all its keys.
    table : DataFrame
        All rows.
    samples : mapping of str to array of bool
        Where each sample or condition holds.

    Raises
    ------
    EffectsError
        When no row, or no regressor, is left.
    """
    terms = list(dict.fromkeys([*column["treatments"], *column["controls"]]))
    stages = column["iv"] or {}
    instruments = list(dict.fromkeys(z for of in stages.values() for z in of))
    clusters = list(column["cluster"] or []) if column["errors"] == "clustered" else []
    parts = list(dict.fromkeys(p for effect in column["fixed_effects"] or [] for p in effect.split("*")))
    needed = [column["outcome"], *terms, *stages, *instruments, *parts, *clusters]
    needed += [column["weights"]] if column["weights"] else []
    if isinstance(column["errors"], dict):
        needed += [column["errors"]["conley"][name] for name in ("lat", "lon")]
    needed = list(dict.fromkeys(needed))
    absent = [name for name in needed if name not in table]
    if absent:
        raise EffectsError(said("tables.absent", names=listed(absent)))
    kept = _complete(table[needed])
    for name in column["sample"] or []:
        kept &= samples[name]
    data = table.loc[kept, list(dict.fromkeys([UNIT, YEAR, *needed]))]
    data, effects, dropped = _alone(data, column)
    if data.empty:
        raise EffectsError(said("tables.empty", outcome=column["outcome"]))
    numbers = [column["outcome"], *terms, *stages, *instruments]
    data = data.assign(**{name: data[name].astype(float) for name in dict.fromkeys(numbers)})
    weights = data[column["weights"]].to_numpy(float) if column["weights"] else np.ones(len(data))
    if (weights < 0).any() or not weights.sum():
        raise EffectsError(said("tables.weights", name=column["weights"]))
    # A row that weighs nothing is no row (Stata's aweights).
    heavy = weights > 0
    data, effects, weights = data[heavy], effects[heavy], weights[heavy]
    weights = weights / weights.mean()
    if effects.empty or not len(effects.columns):
        data = data.assign(**{CONSTANT: 1.0})
        terms = [*terms, CONSTANT]
    exogenous = [name for name in terms if name not in stages]
    kept_terms = _independent(data, exogenous, effects, weights)
    kept_instruments = _independent(data, [*kept_terms, *instruments], effects, weights)[len(kept_terms) :]
    endogenous = list(stages)
    lost = [name for name in exogenous if name not in kept_terms and name != CONSTANT]
    codes = pd.DataFrame({n: pd.factorize(data[n])[0] for n in clusters}, index=data.index)
    for name in clusters:
        if codes[name].nunique() < 2:
            raise EffectsError(said("engines.cluster", cluster=name, groups=codes[name].nunique()))
    return Rows(
        data,
        effects,
        column["outcome"],
        kept_terms,
        endogenous,
        kept_instruments,
        codes,
        weights,
        dropped,
        lost,
    )


def within(values: np.ndarray, effects: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
    """Columns less what effects explain, by weighted least squares on their dummies (LSMR).

    Parameters
    ----------
    values : ndarray, shape (n, k)
    effects : DataFrame, shape (n, S)
        Categories.
    weights : ndarray, shape (n,)
    """
    if not len(effects.columns):
        return values
    from scipy import sparse
    from scipy.sparse.linalg import lsmr

    n, root = len(values), np.sqrt(weights)
    codes = [pd.factorize(effects[name])[0] for name in effects]
    if len(codes) == 1:  # one effect needs no iteration
        total = np.bincount(codes[0], weights)
        means = [np.bincount(codes[0], weights * column) / total for column in values.T]
        return values - np.column_stack([mean[codes[0]] for mean in means]) if means else values
    dummies = sparse.hstack(
        [sparse.csr_matrix((root, (np.arange(n), code)), shape=(n, code.max() + 1)) for code in codes]
    ).tocsr()
    # Columns of length one: the iteration then does not depend on how large the groups are.
    scale = sparse.diags(1 / np.sqrt(dummies.power(2).sum(0).A1))
    dummies = dummies @ scale
    left = []
    for column in values.T:
        size = np.abs(column).max() or 1.0
        found = lsmr(dummies, root * column / size, atol=1e-15, btol=1e-15, conlim=0, maxiter=20_000)[0]
        left.append(column - size * (dummies @ found) / root)
    return np.column_stack(left) if left else values


def _complete(table: pd.DataFrame) -> np.ndarray:
    missing = table.isna().to_numpy().any(axis=1)
    texts = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    for name in texts:
        missing |= (table[name].astype(object) == "").to_numpy()
    return ~missing


def _alone(data: pd.DataFrame, column: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Effects, and rows without those that are alone in one."""
    effects = effect_columns(data, column["fixed_effects"] or [])
    if not len(effects.columns) or column["singletons"] == "keep":
        return data, effects, 0
    alone = singletons(effects)
    return data[~alone], effects[~alone], int(alone.sum())


def _independent(
    data: pd.DataFrame, names: Sequence[str], effects: pd.DataFrame, weights: np.ndarray
) -> list[str]:
    """Those of some regressors that neither effects nor those before them take up."""
    if not names:
        return []
    values = data[list(names)].to_numpy(float)
    root = np.sqrt(weights)[:, None]
    left = within(values, effects, weights) * root
    centre = 0.0 if CONSTANT in names else np.average(values, axis=0, weights=weights)
    size = (((values - centre) * root) ** 2).sum(0)
    basis: list[np.ndarray] = []
    kept = []
    for name, column, whole in zip(names, left.T, size, strict=True):
        for _ in range(2):  # twice is enough
            for direction in basis:
                column = column - direction * (direction @ column)
        length = float(column @ column)
        if length > LEFT * whole and whole > 0:
            basis.append(column / np.sqrt(length))
            kept.append(name)
    return kept
