"""How much a ranking owes to choices: Monte Carlo over named choices, and Sobol indices of each.

A choice is a factor with named levels (normalisation: minmax, rank, …). A build is a point that takes a level of
each; what is costly (treatment, normalisation, weights) is computed once a combination, so that a build is two
small matrix products. After Saisana, Saltelli and Tarantola (2005) and the R package COINr (`get_sensitivity`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fusion.composite import scale, treat
from fusion.composite import weights as weighting
from fusion.composite.errors import CompositeError
from fusion.language import listed, said

Floats = NDArray[np.float64]
FACTORS = ("treatment", "normalise", "weights", "chain_weights", "aggregation", "leave_out", "noise")
POWERS = {"arithmetic": 1.0, "geometric": 0.0, "harmonic": -1.0}


@dataclass(frozen=True)
class Choices:
    """Named choices; the first level of each is the scheme that the others are compared with.

    Attributes
    ----------
    treatment : mapping
        Name: arguments of `treat.fit`.
    normalise, weights, chain_weights : sequence of str
        Names of `scale.METHODS` and of `weights.FROM_DATA`.
    aggregation : sequence of str
        Of arithmetic, geometric and harmonic, on both levels.
    leave_out : bool
        Also leave out one indicator at a time.
    concentration : float
        Weights vary as Dirichlet(concentration · w), sd √(w(1 − w)/(concentration + 1)); 0: no noise.
    min_share, floor : float
        As in `index.build`; the floor lifts scores for geometric and harmonic means.
    """

    treatment: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"none": {"how": "none"}})
    normalise: Sequence[str] = ("minmax",)
    weights: Sequence[str] = ("entropy",)
    chain_weights: Sequence[str] = ("equal",)
    aggregation: Sequence[str] = ("arithmetic",)
    leave_out: bool = False
    concentration: float = 0.0
    min_share: float = 0.6
    floor: float = 0.01

    def levels(self, codes: Sequence[str]) -> dict[str, list[Any]]:
        """Levels of each factor that has more than one."""
        named: dict[str, list[Any]] = {
            "treatment": list(self.treatment),
            "normalise": list(self.normalise),
            "weights": list(self.weights),
            "chain_weights": list(self.chain_weights),
            "aggregation": list(self.aggregation),
            "leave_out": ["", *codes] if self.leave_out and len(codes) > 1 else [""],
            "noise": list(range(1001)) if self.concentration > 0 else [0],
        }
        return {name: values for name, values in named.items() if len(values) > 1}


@dataclass(frozen=True)
class Draws:
    """Monte Carlo draws.

    Attributes
    ----------
    plan : pandas.DataFrame
        The level of each factor in each draw.
    scores, ranks : ndarray, shape (draws, units)
        Index 0–100, and rank (1 best, mean of ties), of the ranked units; missing where a unit has no score.
    baseline, baseline_ranks : ndarray, shape (units,)
        By the first level of each choice.
    """

    plan: pd.DataFrame
    scores: Floats
    ranks: Floats
    baseline: Floats
    baseline_ranks: Floats


class Builder:
    """Builds an index by any combination of choices; keeps what combinations share.

    Parameters
    ----------
    values : pandas.DataFrame, shape (n, k)
    directions, chains : mapping
        Of each column.
    choices : Choices
    rows : array_like of bool, optional
        The rows to rank; scales and weights are made from all.
    years : pandas.Series, optional
        Scale within years.
    seed : int
        Of the weights' noise.
    """

    def __init__(
        self,
        values: pd.DataFrame,
        directions: Mapping[str, str],
        chains: Mapping[str, str],
        choices: Choices,
        *,
        rows: Any = None,
        years: pd.Series | None = None,
        seed: int = 1,
    ) -> None:
        unknown = [a for a in choices.aggregation if a not in POWERS]
        if unknown:
            raise CompositeError(
                said("composite.choices.aggregation", unknown=listed(unknown), powers=listed(POWERS))
            )
        self.values, self.directions, self.choices, self.years, self.seed = (
            values,
            directions,
            choices,
            years,
            seed,
        )
        self.codes = [str(c) for c in values]
        self.names = list(dict.fromkeys(chains[c] for c in self.codes))
        self.member = np.array([[chains[c] == name for name in self.names] for c in self.codes], dtype=float)
        self.rows = np.ones(len(values), dtype=bool) if rows is None else np.asarray(rows, dtype=bool)
        self._kept: dict[tuple[Any, ...], Any] = {}

    def defaults(self) -> dict[str, Any]:
        """First level of each factor."""
        c = self.choices
        first = {
            name: getattr(c, name)[0] for name in ("normalise", "weights", "chain_weights", "aggregation")
        }
        return {"treatment": next(iter(c.treatment)), **first, "leave_out": "", "noise": 0}

    def build(self, pick: Mapping[str, Any]) -> Floats:
        """Index (0–100) of the ranked rows under one combination of levels."""
        p = {**self.defaults(), **pick}
        power = POWERS[p["aggregation"]]
        bent, there = self._bent(p["treatment"], p["normalise"], power)
        inside = self.member.copy()
        if p["leave_out"]:
            inside[self.codes.index(p["leave_out"])] = 0
        chains = self._mean(bent, there, self._within(p), inside, power)
        has = ~np.isnan(chains)
        up = np.where(has, _bend(chains, power), 0.0)
        whole = inside.any(axis=0).astype(float)[:, None]  # a chain goes with its only indicator
        return np.asarray(100 * self._mean(up, has.astype(float), self._across(p), whole, power)[0])

    def _mean(self, bent: Floats, there: Floats, w: Floats, member: Floats, power: float) -> Floats:
        """Means of groups of columns; arrays are columns × units, so that a column is contiguous."""
        total, share = _sums(there, w, member), _sums(there, np.ones(len(w)), member)
        size = member.sum(axis=0)[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = _unbend(_sums(bent, w, member) / total, power)
            enough = share >= self.choices.min_share * size - 1e-9
        return np.where(enough & (total > 0), mean, np.nan)

    def _normalised(self, treatment: str, how: str) -> pd.DataFrame:
        def make() -> pd.DataFrame:
            table = treat.fit(self.values, **self.choices.treatment[treatment])
            return scale.normalise(treat.apply(self.values, table), self.directions, how, self.years)

        return self._keep(("z", treatment, how), make)

    def _bent(self, treatment: str, how: str, power: float) -> tuple[Floats, Floats]:
        def make() -> tuple[Floats, Floats]:
            z = np.ascontiguousarray(self._normalised(treatment, how).to_numpy(float)[self.rows].T)
            there = ~np.isnan(z)
            lifted = z if power == 1 else self.choices.floor + (1 - self.choices.floor) * z
            if power != 1 and np.nanmin(lifted) <= 0:
                raise CompositeError(said("composite.choices.positive", how=how, power=power))
            return np.where(there, _bend(np.where(there, lifted, 1.0), power), 0.0), there.astype(float)

        return self._keep(("bent", treatment, how, power), make)

    def _within(self, p: Mapping[str, Any]) -> Floats:
        def make() -> Floats:
            z = self._normalised(p["treatment"], p["normalise"])
            w = np.zeros(len(self.codes))
            for column in range(len(self.names)):
                own = self.member[:, column] > 0
                w[own] = weighting.from_data(z.loc[:, own], p["weights"])
            return w

        w = self._keep(("w", p["treatment"], p["normalise"], p["weights"]), make)
        if not p["noise"]:
            return np.asarray(w)
        noisy = w.copy()
        for column in range(len(self.names)):
            own = self.member[:, column] > 0
            noisy[own] = self._noise(w[own], p["noise"], column)
        return np.asarray(noisy)

    def _across(self, p: Mapping[str, Any]) -> Floats:
        def make() -> Floats:
            z = self._normalised(p["treatment"], p["normalise"]).to_numpy(float).T
            there, within = ~np.isnan(z), self._within({**p, "noise": 0})
            chains = self._mean(np.where(there, z, 0.0), there.astype(float), within, self.member, 1.0)
            return weighting.from_data(chains.T, p["chain_weights"])

        key = ("a", p["treatment"], p["normalise"], p["weights"], p["chain_weights"])
        w = (
            np.full(len(self.names), 1 / len(self.names))
            if p["chain_weights"] == "equal"
            else self._keep(key, make)
        )
        return np.asarray(self._noise(w, p["noise"], len(self.names)) if p["noise"] else w)

    def _noise(self, w: Floats, level: int, part: int) -> Floats:
        """The level's draw of Dirichlet weights around w, the same whenever the level is asked for."""
        if len(w) == 1:
            return w
        drawn = np.random.default_rng([self.seed, level, part]).standard_gamma(self.choices.concentration * w)
        return np.asarray(drawn / drawn.sum()) if drawn.sum() > 0 else w

    def _keep(self, key: tuple[Any, ...], make: Any) -> Any:
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]


def monte_carlo(builder: Builder, draws: int = 1000, seed: int = 1) -> Draws:
    """Draw combinations of levels at random, each level of a factor as likely, and rank the units by each.

    Parameters
    ----------
    builder : Builder
    draws : int
    seed : int
        The same seed gives the same draws.

    Raises
    ------
    CompositeError
        When no factor has more than one level.
    """
    levels = _levels(builder)
    uniform = np.random.default_rng(seed).random((draws, len(levels)))
    plan, scores = _evaluate(builder, levels, uniform)
    baseline = builder.build({})
    ranks = np.array([rank(s) for s in scores])
    return Draws(plan, scores, ranks, baseline, rank(baseline))


def intervals(draws: Draws, level: float = 0.9) -> pd.DataFrame:
    """Each unit's rank by the first level of all choices, and its median and interval over the draws.

    Returns
    -------
    pandas.DataFrame
        score, rank, median, low, high (quantiles of the ranks), width; a row per unit, in the order of the rows.
    """
    tail = (1 - level) / 2
    low, median, high = _quantiles(draws.ranks, (tail, 0.5, 1 - tail))
    table = pd.DataFrame({"score": draws.baseline, "rank": draws.baseline_ranks, "median": median})
    return table.assign(low=low, high=high, width=high - low)


def sobol(builder: Builder, base_draws: int = 128, seed: int = 1) -> pd.DataFrame:
    """First-order and total Sobol indices of each choice for the mean absolute shift of ranks.

    The output is mean |rank − baseline rank| over units. N(d + 2) builds, N a power of two.

    Returns
    -------
    pandas.DataFrame
        factor, first, first_interval, total, total_interval (half-widths of 95 % bootstrap intervals).
    """
    from SALib.analyze import sobol as analysis
    from SALib.sample import sobol as sample

    levels = _levels(builder)
    problem = {"num_vars": len(levels), "names": list(levels), "bounds": [[0, 1]] * len(levels)}
    uniform = sample.sample(problem, base_draws, calc_second_order=False, seed=seed)
    _, scores = _evaluate(builder, levels, uniform)
    start = rank(builder.build({}))
    shift = np.array([np.nanmean(np.abs(rank(s) - start)) for s in scores])
    found = analysis.analyze(problem, shift, calc_second_order=False, seed=seed)
    columns = {"first": "S1", "first_interval": "S1_conf", "total": "ST", "total_interval": "ST_conf"}
    return pd.DataFrame({"factor": list(levels)} | {name: found[key] for name, key in columns.items()})


def rank(scores: Floats) -> Floats:
    """Ranks, 1 the largest, mean of ties; missing stays missing.  Shape (n,)."""
    result = np.full(len(scores), np.nan)
    there = np.flatnonzero(~np.isnan(scores))
    # What is equal but for rounding is a tie.
    s = np.round(scores[there], 10)
    order = np.argsort(-s, kind="stable")
    ordered = s[order]
    start = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    size = np.diff(np.append(start, len(s)))
    result[there[order]] = np.repeat(start + (size + 1) / 2, size)
    return result


def shifts(baseline: Floats, other: Floats) -> dict[str, float]:
    """How far one ranking is from another.

    Parameters
    ----------
    baseline, other : ndarray, shape (n,)
        Scores; units with both count.

    Returns
    -------
    dict
        n, spearman, kendall, mean_shift, max_shift (absolute ranks), top_decile_kept (share of the baseline's
        best tenth that is in the other's).
    """
    from scipy.stats import kendalltau

    both = ~(np.isnan(baseline) | np.isnan(other))
    a, b = rank(baseline[both]), rank(other[both])
    top = max(round(0.1 * len(a)), 1)
    kept = np.intersect1d(np.argsort(a, kind="stable")[:top], np.argsort(b, kind="stable")[:top]).size / top
    moved = np.abs(a - b)
    return {
        "n": float(len(a)),
        "spearman": float(np.corrcoef(a, b)[0, 1]),
        "kendall": float(kendalltau(a, b).statistic),
        "mean_shift": float(moved.mean()),
        "max_shift": float(moved.max()),
        "top_decile_kept": float(kept),
    }


def shift_table(scores: pd.DataFrame, first: str, groups: pd.Series | None = None) -> pd.DataFrame:
    """What moves between one scheme and others: `shifts` of each column from the first scheme's.

    Parameters
    ----------
    scores : pandas.DataFrame, shape (n, schemes)
        Scores of the same units by each scheme.
    first : str
        The column that the others are held against.
    groups : pandas.Series, optional
        Group of each unit: how many groups change their place by their mean is then told too.

    Returns
    -------
    pandas.DataFrame
        scheme, n, spearman, kendall, mean_shift, max_shift, top_decile_kept, and groups_moved with groups. Empty
        where no scheme has scores.

    Raises
    ------
    CompositeError
        When there is no such column.
    """
    if scores.empty:
        return pd.DataFrame(columns=["scheme", "mean_shift"])
    if first not in scores:
        raise CompositeError(said("composite.choices.no_scheme", first=first, schemes=listed(scores)))
    rows: list[dict[str, Any]] = []
    for scheme in scores.columns.drop(first):
        both = scores[[first, scheme]].dropna()
        row: dict[str, Any] = {
            "scheme": scheme,
            **shifts(scores[first].to_numpy(float), scores[scheme].to_numpy(float)),
        }
        if groups is not None:
            places = both.groupby(groups.loc[both.index]).mean().rank(ascending=False)
            row["groups_moved"] = int((places[first] != places[scheme]).sum())
        rows.append(row)
    return pd.DataFrame(rows)


def one_at_a_time(builder: Builder) -> pd.DataFrame:
    """What moves when one choice alone is changed: factor, level, and `shifts` from the first levels of all.

    The noise of weights is left out, since its levels have no names.
    """
    start = builder.build({})
    rows = []
    for factor, levels in _levels(builder).items():
        for level in levels[1:] if factor != "noise" else []:
            rows.append(
                {"factor": factor, "level": str(level), **shifts(start, builder.build({factor: level}))}
            )
    return pd.DataFrame(rows)


def _levels(builder: Builder) -> dict[str, list[Any]]:
    levels = builder.choices.levels(builder.codes)
    if not levels:
        raise CompositeError(said("composite.choices.no_factor", factors=listed(FACTORS)))
    return levels


def _evaluate(
    builder: Builder, levels: Mapping[str, list[Any]], uniform: Floats
) -> tuple[pd.DataFrame, Floats]:
    picks = {
        name: [values[min(int(u * len(values)), len(values) - 1)] for u in uniform[:, j]]
        for j, (name, values) in enumerate(levels.items())
    }
    plan = pd.DataFrame(picks)
    return plan, np.array([builder.build(dict(row)) for row in plan.to_dict("records")])  # type: ignore[arg-type]


def _quantiles(ranks: Floats, levels: Sequence[float]) -> Floats:
    if not np.isnan(ranks).any():
        return np.quantile(ranks, levels, axis=0)
    result = np.full((len(levels), ranks.shape[1]), np.nan)
    there = ~np.isnan(ranks).all(axis=0)
    result[:, there] = np.nanquantile(ranks[:, there], levels, axis=0)
    return result


def _sums(columns: Floats, w: Floats, member: Floats) -> Floats:
    """Weighted sums of columns by group, shape (groups, n).

    Written out by columns: at this size a threaded matrix product spends its time waking threads.
    """
    result = np.zeros((member.shape[1], columns.shape[1]))
    for j, g in np.argwhere(member):
        if w[j]:
            result[g] += w[j] * columns[j]
    return result


def _bend(z: Floats, power: float) -> Floats:
    return z if power == 1 else np.log(z) if power == 0 else z**power


def _unbend(mean: Floats, power: float) -> Floats:
    return mean if power == 1 else np.exp(mean) if power == 0 else mean ** (1 / power)
