"""Inference where normal errors by unit do not hold: simultaneous bands, shocks shared by groups, few treated units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse, stats

from estimators.effects.imputation import sums
from estimators.errors import EffectsError
from estimators.language import said

if TYPE_CHECKING:
    from estimators.effects.imputation.model import Imputation
Array = sums.Array
# With more groups than this their signs are drawn instead of all being tried.
MOST_SIGNS = 16
DRAWN_SIGNS = 99_999
FEWEST_CONTROLS = 20
# Below so many treated units, normal errors reject too often and residuals of controls give the interval.
FEW_TREATED = 40


@dataclass(frozen=True)
class Tested:
    """A test of one average effect.

    Attributes
    ----------
    estimate, p_value, ci_low, ci_high : float
    groups : int
        Groups, units or deals that it rests on.
    least : float
        The smallest p-value that it can give.
    """

    estimate: float
    p_value: float
    ci_low: float
    ci_high: float
    groups: int
    least: float


def normal(model: Imputation, size: float = 0.05) -> Tested:
    """The overall effect with errors clustered as the model says, by the normal distribution."""
    found = model.overall()
    half = stats.norm.ppf(1 - size / 2) * found.std_error
    p_value = (
        float(2 * stats.norm.sf(abs(found.estimate) / found.std_error))
        if found.std_error > 0
        else float("nan")
    )
    clusters = len(np.unique(model.cluster))
    return Tested(found.estimate, p_value, found.estimate - half, found.estimate + half, clusters, 0.0)


def by_signs(
    model: Imputation,
    groups: Sequence[Any],
    size: float = 0.05,
    seed: int = 1,
    share: Array | None = None,
) -> Tested:
    """Wild score test of an average effect with one sign for each group: what holds where shocks are shared in groups.

    P_c(τ) = Σ over the group of q(τ̂ − τ) less the untreated rows' part; Σ_c P_c(τ) is the estimate less τ. The p-value of τ
    is the share of sign vectors whose sum is as large. All sign vectors are tried; beyond 16 groups 99,999 are drawn.

    Parameters
    ----------
    model : Imputation
    groups : sequence, shape (rows of model.data,)
        Group of each row, constant within units (a path, a district).
    size : float
        The interval holds every τ whose p-value is above it; infinite where no p-value can be as small.
    share : ndarray, shape (treated rows,), optional
        Weight of each treated row in the average, adding up to 1; none: all alike.

    Notes
    -----
    (Σ ηP(τ))² ≥ (Σ P(τ))² holds for τ between (a − a_η)/(1 − b_η) and (a + a_η)/(1 + b_η), with a = Σ P(0), a_η = Σ ηP(0) and
    b_η = Σ η s, s the groups' shares of the target. Each holds the estimate, so the interval is read off sorted ends.
    """
    parts, shares = _group_parts(model, groups, share)
    total = parts.sum()
    signs = _signs(len(parts), seed)
    a, b = signs @ parts, signs @ shares
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.stack([(total - a) / (1 - b), (total + a) / (1 + b)])
    ends[0, b >= 1 - 1e-12], ends[1, b <= -1 + 1e-12] = -np.inf, np.inf
    low, high = _ends(ends)
    tie = 1e-12 * np.abs(parts).sum()
    p_value = float((np.abs(a) >= abs(total) - tie).mean())
    count = len(low)
    reach = int(np.floor(size * count))
    least = 2.0 ** (1 - len(parts)) if len(parts) <= MOST_SIGNS else 1 / (1 + DRAWN_SIGNS)
    return Tested(
        float(total),
        p_value,
        float(np.sort(low)[reach]),
        float(np.sort(-high)[reach] * -1),
        len(parts),
        least,
    )


def few(treated: int) -> int | None:
    """Their number where treated units are too few for normal errors (`FEW_TREATED`)."""
    return treated if treated < FEW_TREATED else None


def by_group_means(model: Imputation, groups: Sequence[Any], size: float = 0.05) -> Tested:
    """Ibragimov & Müller (2010): a t test of the groups' own averages, equal weights, groups − 1 degrees of freedom."""
    labels, count = _groups(model, groups)
    own = labels[model.rows.unit[model.treated]]
    held = np.bincount(own, minlength=count)
    means = np.bincount(own, model.effect, minlength=count)[held > 0] / held[held > 0]
    if len(means) < 2:
        raise EffectsError(said("effects.few_groups", count=len(means), smallest=2))
    error = means.std(ddof=1) / np.sqrt(len(means))
    half = stats.t.ppf(1 - size / 2, len(means) - 1) * error
    p_value = float(2 * stats.t.sf(abs(means.mean() / error), len(means) - 1))
    return Tested(
        float(means.mean()), p_value, float(means.mean() - half), float(means.mean() + half), len(means), 0.0
    )


def from_controls(
    model: Imputation,
    size: float = 0.05,
    draws: int = 9_999,
    seed: int = 1,
    scale: Sequence[float] | None = None,
    seen: float = 0.75,
    share: Array | None = None,
) -> Tested:
    """Conley & Taber (2011): what residuals of never-treated units give where treated units are few.

    Each treated unit's weights over its years are applied to the residuals of a never-treated unit drawn for it; to that
    comes the error of the untreated model, normal.

    Parameters
    ----------
    scale : sequence of float, optional
        Standard deviation of each unit's weighted residual (shape (units,), in the order of the units' codes), as Ferman &
        Pinto (2019) take it where units differ in size; None: all alike.
    seen : float
        Share of a treated unit's weights, before and after, in years in which a control must be seen.
    share : ndarray, shape (treated rows,), optional
        Weight of each treated row in the target, sum 1; all alike without.

    Raises
    ------
    EffectsError
        When a treated unit has fewer than 20 usable controls.
    """
    q = _overall(model).toarray()[:, 0] if share is None else np.asarray(share, float)
    weights, residual = _by_year(model, q)
    treated = np.unique(model.rows.unit[model.treated][q > 0])
    never = np.setdiff1d(
        np.unique(model.rows.unit), np.unique(model.rows.unit[model.data["event_time"].notna()])
    )
    rng = np.random.default_rng(seed)
    drawn = np.zeros(draws)
    for one in treated:
        values = _applied(weights[one], residual[never], seen)
        usable = np.flatnonzero(np.isfinite(values))
        if len(usable) < FEWEST_CONTROLS:
            raise EffectsError(said("effects.few_controls", count=len(usable), smallest=FEWEST_CONTROLS))
        values = values[usable]
        if scale is not None:
            sizes = np.asarray(scale, float)
            values = values * sizes[one] / sizes[never[usable]]
        drawn += rng.choice(values - values.mean(), draws)
    psi = model.residual_sums(model.directions(sparse.csr_array(q[:, None])))[:, 0]
    drawn += rng.standard_normal(draws) * np.sqrt((psi[never] ** 2).sum())
    estimate = float(q @ model.effect)
    low, high = np.quantile(drawn, [size / 2, 1 - size / 2])
    p_value = (1 + int((np.abs(drawn) >= abs(estimate)).sum())) / (1 + draws)
    return Tested(
        estimate, p_value, estimate - float(high), estimate - float(low), len(treated), 1 / (1 + draws)
    )


# -- inside ------------------------------------------------------------------------------------
def _overall(model: Imputation) -> sparse.csr_array:
    n = len(model.effect)
    return sparse.csr_array(np.full((n, 1), 1 / n))


def _groups(model: Imputation, groups: Sequence[Any]) -> tuple[sums.Codes, int]:
    """Codes of groups by unit."""
    code, count = sums.codes(np.asarray(groups, dtype=str))
    by_unit = np.zeros(len(model.cluster), np.int64)
    by_unit[model.rows.unit] = code
    if (by_unit[model.rows.unit] != code).any():
        raise EffectsError(said("effects.group_varies"))
    return by_unit, count


def _group_parts(model: Imputation, groups: Sequence[Any], share: Array | None = None) -> tuple[Array, Array]:
    """P_c(0) and the groups' shares of the target; groups without any treated row count through their controls."""
    labels, count = _groups(model, groups)
    q = np.full(len(model.effect), 1 / len(model.effect)) if share is None else np.asarray(share, float)
    unit = model.rows.unit[model.treated]
    treated = sums.by_unit((model.effect * q)[:, None], unit, len(model.cluster))
    psi = treated - model.residual_sums(model.directions(sparse.csr_array(q[:, None])))
    parts = sums.by_unit(psi, labels, count)[:, 0]
    shares = np.bincount(labels[unit], q, minlength=count)
    there = (shares > 0) | (np.abs(parts) > 1e-12 * np.abs(parts).max())
    if there.sum() < 2:
        raise EffectsError(said("effects.few_groups", count=int(there.sum()), smallest=2))
    return parts[there], shares[there]


def _signs(groups: int, seed: int) -> Array:
    """Sign vectors up to a common sign, the actual one (all +) first."""
    if groups > MOST_SIGNS:
        rng = np.random.default_rng(seed)
        drawn = np.where(rng.random((DRAWN_SIGNS, groups)) < 0.5, -1.0, 1.0)
        return np.vstack([np.ones(groups), drawn])
    bits = np.arange(2 ** (groups - 1))[:, None] >> np.arange(groups)[None, :]
    return np.where(bits & 1, -1.0, 1.0)


def _ends(ends: Array) -> tuple[Array, Array]:
    whole = ~np.isfinite(ends)
    low, high = np.minimum(*ends), np.maximum(*ends)
    # All signs alike: the sum is as large for every τ.
    every = whole.any(axis=0)
    return np.where(every, -np.inf, low), np.where(every, np.inf, high)


def _by_year(model: Imputation, q: Array) -> tuple[Array, Array]:
    """Weights f of units that start, and residuals of all, by unit and year, shape (units, years); NaN: not seen.

    Treated rows have weights q.
    """
    time = sums.codes(model.data.iloc[:, 1])[0]
    units, years = len(model.cluster), int(time.max()) + 1
    weights = np.full((units, years), np.nan)
    residual = np.full((units, years), np.nan)
    base, unit = model.untreated, model.rows.unit
    held = np.bincount(unit[model.treated], q, minlength=units)
    safe = np.where(model.solved.weight > 0, model.solved.weight, 1)
    weights[unit[base], time[base]] = -held[unit[base]] * model.rows.w[base] / safe[unit[base]]
    weights[unit[model.treated], time[model.treated]] = q
    residual[unit[base], time[base]] = model.solved.residual
    return weights, residual


def _applied(weight: Array, residual: Array, seen: float) -> Array:
    """A treated unit's weights on controls' residuals, made to sum to what they were in the years that a control has."""
    out = np.zeros(len(residual))
    for side in (weight > 0, weight < 0):
        there = np.isfinite(residual) & side
        part = np.where(there, weight, 0.0)
        share = part.sum(axis=1) / weight[side].sum()
        value = np.divide(
            np.nansum(part * np.nan_to_num(residual), axis=1),
            share,
            out=np.full(len(out), np.nan),
            where=share >= seen,
        )
        out += value
    return out


def by_deals(
    data: pd.DataFrame,
    *,
    outcome: str,
    unit: str,
    time: str,
    start: str,
    cells: Sequence[str] = (),
    slopes: Sequence[str] = (),
    strata: Sequence[str] = (),
    cluster: str | None = None,
    deals: int = 499,
    seed: int = 1,
) -> tuple[Tested, tuple[float, Array]]:
    """Starts dealt anew within strata: the share of deals whose effect, over its error, is as large as the actual one.

    A start year is dealt only to units seen in it and in the year before, as many in each stratum as really start then. Slopes
    are learned from all rows, so that they do not change with the deal (the hypothesis is that no unit has an effect).

    Returns
    -------
    Tested
        Without an interval.
    tuple of float and ndarray, shape (deals,)
        The actual statistic, and those of the deals.
    """
    from estimators.effects.dynamics import untreated_slopes

    rest = [outcome, start, *cells, *slopes, *strata, *([cluster] if cluster else [])]
    own = data[[c for c in dict.fromkeys(rest) if c not in ("firm_id", "year")]].reset_index(drop=True)
    own = own.assign(firm_id=data[unit].to_numpy(), year=data[time].to_numpy())
    own[start] = own[start].fillna(0)
    if slopes:
        beta = untreated_slopes(own, outcome, slopes)
        own[outcome] = own[outcome] - own[list(slopes)].astype(float) @ beta
    labels = {unit: "firm_id", time: "year"}.get(cluster or unit, cluster)
    dealing = _Dealing.of(own, outcome, start, cells, labels)
    estimate, observed = dealing.statistic(own[start].to_numpy(float))
    eligible = _eligible(own, start, strata)
    rng = np.random.default_rng(seed)
    place = pd.factorize(own["firm_id"])[0]
    # One deal at a time, by numbers of units: all at once would be a table of rows by deals.
    dealt = (_deal(eligible, int(place.max()) + 1, rng)[place] for _ in range(deals))
    drawn = np.array([dealing.statistic(starts)[1] for starts in dealt])
    drawn = drawn[np.isfinite(drawn)]
    p_value = (1 + int((np.abs(drawn) >= abs(observed) * (1 - 1e-12)).sum())) / (1 + len(drawn))
    blank = float("nan")
    return Tested(estimate, p_value, blank, blank, len(drawn), 1 / (1 + len(drawn))), (observed, drawn)


@dataclass(frozen=True)
class _Dealing:
    """Rows whose start years are dealt again and again."""

    rows: sums.Rows
    time: Array
    cluster: sums.Codes

    @classmethod
    def of(
        cls, data: pd.DataFrame, outcome: str, start: str, cells: Sequence[str], cluster: str | None
    ) -> _Dealing:
        if (data[start] == 0).all():
            raise EffectsError(said("effects.imputation_needs", start=start, treated=0, untreated=len(data)))
        sets = [data.groupby([cell, "year"], sort=True).ngroup().to_numpy(np.int64) for cell in cells]
        levels = sums.dummies(sets or [sums.codes(data["year"])[0]])
        n = len(data)
        unit = sums.codes(data["firm_id"])[0]
        rows = sums.Rows(unit, levels, np.empty((n, 0)), data[outcome].to_numpy(float), np.ones(n))
        own = np.zeros(int(unit.max()) + 1, np.int64)
        own[unit] = sums.codes(data[cluster].astype(str))[0]
        return cls(rows, data["year"].to_numpy(float), own)

    def statistic(self, starts: Array) -> tuple[float, float]:
        """The overall effect, and the same over its standard error."""
        event = self.time - starts
        on = (starts > 0) & (event >= 0)
        base, treated = self.rows.take(~on), self.rows.take(on)
        solved = sums.solve(base, len(self.cluster))
        clear = solved.identified(treated)
        treated, begins, event = treated.take(clear), starts[on][clear], event[on][clear]
        n = len(begins)
        if not n:
            return float("nan"), float("nan")
        effect = treated.y - solved.predict(treated)
        pairs, atom = np.unique(np.column_stack([event, begins]), axis=0, return_inverse=True)
        cluster = self.cluster[treated.unit]
        clusters = int(self.cluster.max()) + 1
        part = sums.treated_part(effect, atom, sums.codes(pairs[:, 0])[0], cluster, clusters, "leave_one_out")
        mu = sums.directions(solved, treated, sparse.csr_array(np.full((n, 1), 1 / n)))
        untreated = sums.by_unit(sums.residual_sums(solved, base, mu), self.cluster, clusters)[:, 0]
        psi = part @ (np.bincount(atom) / n) - untreated
        estimate, error = float(effect.mean()), float(np.sqrt(psi @ psi))
        return estimate, estimate / error if error > 0 else float("nan")


def _eligible(data: pd.DataFrame, start: str, strata: Sequence[str]) -> list[tuple[float, int, Array]]:
    """(start year, how many start then, numbers of units that could have), by stratum, fewest choices first.

    Units are numbered in the order in which they are first seen.
    """
    units = data.drop_duplicates("firm_id").set_index("firm_id")
    key = units[list(strata)].astype(str).agg("/".join, axis=1) if strata else pd.Series("", units.index)
    years = data.groupby("firm_id")["year"].agg(set)
    found = []
    for stratum, part in units.groupby(key):
        for year, size in part.loc[part[start] > 0, start].value_counts().items():
            seen = years[part.index].map(lambda have, g=year: {g - 1, g} <= have)
            able = part.index[seen.to_numpy() & (key[part.index] == stratum).to_numpy()]
            found.append((float(year), min(int(size), len(able)), units.index.get_indexer(able)))
    return sorted(found, key=lambda one: len(one[2]))


def _deal(eligible: list[tuple[float, int, Array]], units: int, rng: np.random.Generator) -> Array:
    """A start year for each unit, 0 for those that have none."""
    dealt = np.zeros(units)
    for year, size, able in eligible:
        free = able[dealt[able] == 0]
        dealt[rng.choice(free, min(size, len(free)), replace=False)] = year
    return dealt
