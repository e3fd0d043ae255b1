"""The rows of a column, its effects, and the regressors that they leave; the same for every engine."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from estimators.effects.sample import effect_columns, singletons
from estimators.errors import EffectsError
from estimators.finite import refuse_infinite
from estimators.language import listed, said

UNIT, YEAR, CONSTANT = "firm_id", "year", "const"
# A regressor of which less than this share of its variation is left is taken up by what stands before it.
LEFT = 1e-10
SLOPE = "~"
FLAT = 1e-12  # what a column leaves of itself, in its own size, by rounding alone


@dataclass(frozen=True)
class Slope:
    """A slope of a column for each level of another.

    Attributes
    ----------
    codes : ndarray of int, shape (n,)
        Levels, from 0.
    values : ndarray, shape (n,)
        The column; less its mean in each level where the levels are effects too, which leaves the same space.
    empty : int
        Levels in which nothing is left of it.
    """

    codes: np.ndarray
    values: np.ndarray
    empty: int


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
    slopes : dict of str to Slope
        By ``a~t``: a slope of t for each level of a.
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
    slopes: dict[str, Slope] = field(default_factory=dict)

    @property
    def absorbs(self) -> bool:
        """Whether there are effects, or slopes of their levels."""
        return bool(len(self.effects.columns) or self.slopes)

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
    numbers = list(dict.fromkeys([column["outcome"], *terms, *stages, *instruments]))
    data = _chosen(column, table, samples, [*numbers, *clusters])
    data = data.assign(**{name: data[name].astype(float) for name in numbers})
    refuse_infinite(data, numbers)
    if column["estimator"] == "fd":
        data = differenced(data, numbers)
    data, effects, dropped = _alone(data, column)
    if data.empty:
        raise EffectsError(said("tables.empty", outcome=column["outcome"]))
    if column["estimator"] in ("re", "quantile"):
        data, added = _dummies(data, effects)
        terms, effects = [*terms, *added], effects.iloc[:, :0]
    data, effects, weights = _weighted(data, effects, column["weights"])
    if not len(effects.columns) and column["estimator"] != "fd":
        data = data.assign(**{CONSTANT: 1.0})
        terms = [*terms, CONSTANT]
    exogenous = [name for name in terms if name not in stages]
    slopes = sloped(data, effects, column["fixed_effects"] or [], weights)
    kept = _independent(data, exogenous, effects, weights, slopes)
    excluded = _independent(data, [*kept, *instruments], effects, weights, slopes)[len(kept) :]
    lost = [name for name in exogenous if name not in kept and name != CONSTANT]
    codes = _codes(data, clusters)
    return Rows(
        data, effects, column["outcome"], kept, list(stages), excluded, codes, weights, dropped, lost, slopes
    )


def sloped(
    data: pd.DataFrame, effects: pd.DataFrame, asked: Sequence[str], weights: np.ndarray
) -> dict[str, Slope]:
    """Slopes among some fixed effects: ``a~t`` is one of t for each level of a, ``a*b~t`` for each pair."""
    found = {}
    for effect in asked:
        group, sign, name = effect.partition(SLOPE)
        if not sign:
            continue
        levels = effect_columns(data, [group])
        codes = pd.factorize(levels.iloc[:, 0])[0]
        values = data[name].to_numpy(float)
        size = np.abs(values).max(initial=0.0)
        if levels.columns[0] in effects:
            means = np.bincount(codes, weights * values) / np.bincount(codes, weights)
            values = values - means[codes]
        most = pd.Series(np.abs(values)).groupby(codes).max().to_numpy()
        found[effect] = Slope(codes, values, int((most <= FLAT * size).sum()))
    return found


def parts_of(effect: str) -> list[str]:
    """Columns of a fixed effect: those of ``a*b`` and ``a~t``."""
    return re.split(r"[*~]", effect)


def absorbed(data: pd.DataFrame, asked: Sequence[str]) -> tuple[pd.DataFrame, dict[str, Slope]]:
    """Effects and slopes of some fixed effects on complete rows, all of which weigh the same."""
    effects = effect_columns(data, [e for e in asked if SLOPE not in e])
    return effects, sloped(data, effects, asked, np.ones(len(data)))


def whole(table: pd.DataFrame) -> np.ndarray:
    """Rows in which every column has a value; an empty text is none."""
    missing = table.isna().to_numpy().any(axis=1)
    texts = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    for name in texts:
        missing |= (table[name].astype(object) == "").to_numpy()
    return ~missing


def _chosen(
    column: Mapping[str, Any], table: pd.DataFrame, samples: Mapping[str, np.ndarray], named: Sequence[str]
) -> pd.DataFrame:
    """Rows that are complete in all that a column names, and belong to its sample."""
    parts = [part for effect in column["fixed_effects"] or [] for part in parts_of(effect)]
    needed = [*named, *parts, *([column["weights"]] if column["weights"] else [])]
    if isinstance(column["errors"], dict):
        needed += [column["errors"]["conley"][name] for name in ("lat", "lon")]
    absent = [name for name in needed if name not in table]
    if absent:
        raise EffectsError(said("tables.absent", names=listed(dict.fromkeys(absent))))
    kept = whole(table[list(dict.fromkeys(needed))])
    for name in column["sample"] or []:
        kept &= samples[name]
    return table.loc[kept, list(dict.fromkeys([UNIT, YEAR, *needed]))]


def _weighted(
    data: pd.DataFrame, effects: pd.DataFrame, name: str | None
) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Weights of mean one; a row that weighs nothing is no row (Stata's aweights)."""
    weights = data[name].to_numpy(float) if name else np.ones(len(data))
    if (weights < 0).any() or not weights.sum():
        raise EffectsError(said("tables.weights", name=name))
    heavy = weights > 0
    return data[heavy], effects[heavy], weights[heavy] / weights[heavy].mean()


def _codes(data: pd.DataFrame, clusters: Sequence[str]) -> pd.DataFrame:
    codes = pd.DataFrame({name: pd.factorize(data[name])[0] for name in clusters}, index=data.index)
    for name in clusters:
        if codes[name].nunique() < 2:
            raise EffectsError(said("engines.cluster", cluster=name, groups=codes[name].nunique()))
    return codes


def within(
    values: np.ndarray, effects: pd.DataFrame, weights: np.ndarray, slopes: Mapping[str, Slope] | None = None
) -> np.ndarray:
    """Columns less what effects explain, by weighted least squares on their dummies (LSMR).

    Parameters
    ----------
    values : ndarray, shape (n, k)
    effects : DataFrame, shape (n, S)
        Categories.
    weights : ndarray, shape (n,)
    slopes : dict of str to Slope, optional
        Columns that have a slope in each level.
    """
    slopes = slopes or {}
    if not len(effects.columns) and not slopes:
        return values
    from scipy import sparse
    from scipy.sparse.linalg import lsmr

    n, root = len(values), np.sqrt(weights)
    codes = [pd.factorize(effects[name])[0] for name in effects]
    if len(codes) == 1 and not slopes:  # one effect needs no iteration
        total = np.bincount(codes[0], weights)
        means = [np.bincount(codes[0], weights * column) / total for column in values.T]
        return values - np.column_stack([mean[codes[0]] for mean in means]) if means else values
    parts = [(root, code) for code in codes] + [(root * one.values, one.codes) for one in slopes.values()]
    dummies = sparse.hstack(
        [sparse.csr_matrix((part, (np.arange(n), code)), shape=(n, code.max() + 1)) for part, code in parts]
    ).tocsr()
    # Columns of length one: the iteration then does not depend on how large the groups are, nor on units of slopes.
    length = np.sqrt(dummies.power(2).sum(0).A1)
    scale = sparse.diags(1 / np.where(length > 0, length, 1.0))
    dummies = dummies @ scale
    left = []
    for column in values.T:
        size = np.abs(column).max() or 1.0
        found = lsmr(dummies, root * column / size, atol=1e-15, btol=1e-15, conlim=0, maxiter=20_000)[0]
        left.append(column - size * (dummies @ found) / root)
    return np.column_stack(left) if left else values


def differenced(data: pd.DataFrame, numbers: Sequence[str]) -> pd.DataFrame:
    """Columns less their values of the year before; rows whose unit lacks that year are left out."""
    ordered = data.sort_values([UNIT, YEAR], kind="stable")
    before = ordered.groupby(UNIT, observed=True)
    next_to = before[YEAR].diff() == 1
    changes = ordered[list(numbers)] - before[list(numbers)].shift()
    return ordered.assign(**{name: changes[name] for name in numbers})[next_to]


def _varied(
    data: pd.DataFrame, effects: pd.DataFrame, outcome: str, dropped: int
) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Counts without the levels of effects in which all are zero: they have no finite effect and say nothing of slopes."""
    while True:
        kept = np.ones(len(data), bool)
        for name in effects:
            kept &= (data[outcome].groupby(effects[name], observed=True).transform("sum") > 0).to_numpy()
        if kept.all():
            return data, effects, dropped
        data, effects, dropped = data[kept], effects[kept], dropped + int((~kept).sum())


def _dummies(data: pd.DataFrame, effects: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """A column for each level but the first of each effect."""
    added = [pd.get_dummies(effects[name], prefix=name, drop_first=True, dtype=float) for name in effects]
    whole = pd.concat([data, *added], axis=1)
    return whole, [name for part in added for name in part]


def _alone(data: pd.DataFrame, column: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Effects, and rows without those that are alone in one."""
    # Differences and random effects deal with the unit themselves.
    own = column["estimator"] in ("fd", "re")
    asked = [e for e in column["fixed_effects"] or [] if not (own and e == UNIT)]
    effects = effect_columns(data, [e for e in asked if SLOPE not in e])
    # A row that is alone in its slope is met exactly, too.
    groups = effect_columns(data, list(dict.fromkeys(e.partition(SLOPE)[0] for e in asked)))
    dropped = 0
    if len(groups.columns) and column["singletons"] != "keep":
        alone = singletons(groups)
        data, effects, dropped = data[~alone], effects[~alone], int(alone.sum())
    if column["estimator"] == "poisson":
        return _varied(data, effects, column["outcome"], dropped)
    return data, effects, dropped


def _independent(
    data: pd.DataFrame,
    names: Sequence[str],
    effects: pd.DataFrame,
    weights: np.ndarray,
    slopes: Mapping[str, Slope],
) -> list[str]:
    """Those of some regressors that neither effects nor those before them take up."""
    if not names:
        return []
    values = data[list(names)].to_numpy(float)
    root = np.sqrt(weights)[:, None]
    left = within(values, effects, weights, slopes) * root
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
