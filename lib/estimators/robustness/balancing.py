"""Treated units and controls alike before treatment: matching, entropy balancing, and tables that show it.

Where starts are staggered, each start year has a stack of its own: units that start then, and units never treated, with
their covariates of the year before. Weights are made within stacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from estimators.errors import EffectsError
from estimators.finite import refuse_infinite
from estimators.language import said

Array = NDArray[np.float64]
# Largest difference of a balanced moment, in standard deviations of the treated.
TOLERANCE = 1e-9
# Of log odds: Newton's last step leaves some 1e-12 that hangs on the order of sums.
ODDS_DIGITS = 9


# Where no unit starts, or no covariate is known.
NO_STACKS = pd.DataFrame({"firm_id": [], "stack": [], "treated": np.array([], bool)})


class Balanced(NamedTuple):
    """Weights by row (treated 1, controls so that they sum to the treated), and what could not be used."""

    weights: Array
    unmatched: int  # treated units left out
    effective: float  # controls that would be as precise without weights: (Σw)²/Σw²


def stacks(
    rows: pd.DataFrame,
    start: str,
    covariates: Sequence[str],
    strata: Sequence[str] = (),
    unit: str = "firm_id",
    time: str = "year",
) -> pd.DataFrame:
    """One row for each unit of each start year's stack, with covariates of the year before the start.

    Parameters
    ----------
    rows : DataFrame
        Long panel; `start` is missing for the never treated.

    Returns
    -------
    DataFrame
        unit, stack (start year), treated (bool), covariates and strata as of stack − 1; complete rows only. A unit never
        treated stands in every stack in which it was observed the year before.

    Raises
    ------
    EffectsError
        When no unit that starts was observed the year before.
    """
    refuse_infinite(rows, covariates)
    found = []
    for year in sorted(rows[start].dropna().unique()):
        before = rows[(rows[time] == year - 1) & (rows[start].isna() | (rows[start] == year))]
        one = before[[unit, *covariates, *strata]].assign(stack=int(year), treated=before[start].notna())
        found.append(one.dropna(subset=[*covariates, *strata]))
    table = pd.concat(found, ignore_index=True) if found else pd.DataFrame({"treated": []})
    if not table["treated"].any():
        raise EffectsError(said("robustness.nothing_to_balance", start=start))
    usable = table.groupby("stack")["treated"].transform(lambda s: s.any() and not s.all())
    return table[usable].reset_index(drop=True)


def stacked_panel(
    rows: pd.DataFrame,
    units: pd.DataFrame,
    weights: Array,
    start: str,
    unit: str = "firm_id",
    time: str = "year",
) -> pd.DataFrame:
    """The long panel of stacks with weights: all years of treated units and of controls with a positive weight.

    Adds stack, weight, ``on`` (1 for treated units from the stack's year on) and ``unit_stack``, ``time_stack`` for effects.
    """
    kept = units.assign(weight=weights).loc[weights > 0, [unit, "stack", "treated", "weight"]]
    long = rows.merge(kept, on=unit, how="inner")
    on = (long["treated"] & (long[time] >= long["stack"])).astype(float)
    return long.assign(
        on=on,
        unit_stack=long.groupby([unit, "stack"]).ngroup(),
        time_stack=long.groupby([time, "stack"]).ngroup(),
    )


def unweighted(units: pd.DataFrame) -> Balanced:
    """All units as they are."""
    return Balanced(np.ones(len(units)), 0, float((~units["treated"]).sum()))


def entropy_weights(treated: Array, controls: Array, moments: int = 1, tolerance: float = TOLERANCE) -> Array:
    """Weights of controls nearest to equal ones for which their moments are those of the treated.

    Hainmueller (2012, Political Analysis 20(1), 25–46): min Σ w ln w subject to Σ w c(x) = mean of c(x) over the treated and
    Σ w = 1. The dual, min over λ of ln Σ exp(−λ'(c(x_j) − m)), is convex and solved by Newton's method with halved steps.

    Parameters
    ----------
    treated, controls : ndarray, shape (n₁, k), (n₀, k)
    moments : int
        1 means; 2 also variances; 3 also third moments (powers of standardised covariates).
    tolerance : float
        Largest difference of a moment, in standard deviations.

    Returns
    -------
    ndarray, shape (n₀,)
        Positive, sum one.

    Raises
    ------
    EffectsError
        When no weights can do it: the treated lie outside what controls span.
    """
    if moments not in (1, 2, 3):
        raise EffectsError(said("robustness.moments", moments=moments))
    centre, scale = treated.mean(axis=0), np.where(treated.std(axis=0) > 0, treated.std(axis=0), 1.0)
    powers = range(1, moments + 1)
    one, zero = (np.hstack([((x - centre) / scale) ** p for p in powers]) for x in (treated, controls))
    gap = _independent(zero - one.mean(axis=0))
    dual = np.zeros(gap.shape[1])
    value, w = _tilt(gap, dual)
    for _ in range(200):
        gradient = -(w @ gap)
        if np.abs(w @ (zero - one.mean(axis=0))).max() <= tolerance:
            return w
        curvature = (gap * w[:, None]).T @ gap - np.outer(gradient, gradient)
        step = -np.linalg.lstsq(curvature, gradient, rcond=1e-14)[0]
        length = 1.0
        while length > 1e-10:
            trial, tilted = _tilt(gap, dual + length * step)
            if trial <= value + 1e-4 * length * (gradient @ step):
                break
            length /= 2
        else:
            break
        dual, value, w = dual + length * step, trial, tilted
    worst = np.abs(w @ (zero - one.mean(axis=0))).max()
    raise EffectsError(
        said(
            "robustness.no_weights",
            controls=len(controls),
            moments=moments,
            treated=len(treated),
            worst=worst,
        )
    )


def _tilt(gap: Array, dual: Array) -> tuple[float, Array]:
    """ln Σ exp(−λ'gap) and the weights it implies, without overflow."""
    exponent = -(gap @ dual)
    top = exponent.max()
    raw = np.exp(exponent - top)
    return float(top + np.log(raw.sum())), raw / raw.sum()


def _independent(columns: Array) -> Array:
    """Columns without those that never differ from zero."""
    return columns[:, np.abs(columns).max(axis=0) > 0]


def entropy_balance(units: pd.DataFrame, covariates: Sequence[str], moments: int = 1) -> Balanced:
    """Entropy weights within each stack: controls stand for as many units as are treated there."""
    weights = np.where(units["treated"], 1.0, 0.0)
    for _, group in units.groupby("stack"):
        inside = group["treated"].to_numpy(bool)
        x = group[list(covariates)].to_numpy(float)
        weights[group.index[~inside]] = inside.sum() * entropy_weights(x[inside], x[~inside], moments)
    return _balanced(units, weights)


def propensity(treated: NDArray[np.bool_], covariates: Array) -> Array:
    """Log odds of treatment, by logit with a constant on standardised covariates.

    Raises
    ------
    EffectsError
        When covariates separate the treated from the controls.
    """
    import warnings

    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.tools.sm_exceptions import (
        ConvergenceWarning,
        PerfectSeparationError,
        PerfectSeparationWarning,
    )

    spread = covariates.std(axis=0)
    x = (covariates - covariates.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    x = np.column_stack([np.ones(len(x)), x])
    with warnings.catch_warnings():
        for kind in (PerfectSeparationWarning, ConvergenceWarning):
            warnings.simplefilter("error", kind)
        try:
            fit = Logit(treated.astype(float), x).fit(disp=0, method="newton", maxiter=100)
        except (
            PerfectSeparationError,
            PerfectSeparationWarning,
            ConvergenceWarning,
            np.linalg.LinAlgError,
        ) as problem:
            raise EffectsError(
                said("robustness.separated", treated=treated.sum(), controls=(~treated).sum())
            ) from problem
    # Units that are alike have the same odds but for the last digits of the fit; whom a tie goes to must not hang on those.
    out: Array = np.round(x @ np.asarray(fit.params), ODDS_DIGITS)
    return out


def matched(
    units: pd.DataFrame,
    covariates: Sequence[str],
    strata: Sequence[str] = (),
    neighbours: int = 3,
    caliper: float = 0.2,
) -> Balanced:
    """Nearest neighbours by propensity score, with replacement, within stack and strata.

    Each treated unit takes its `neighbours` nearest controls by log odds within the same stratum, at most `caliper` standard
    deviations (of the log odds) away; it is left out where there is none. A control's weight is the sum of the shares
    that treated units give it.

    Parameters
    ----------
    units : DataFrame
        From `stacks`.
    strata : sequence of str
        Columns that must be equal (path, size class).
    """
    weights = np.zeros(len(units))
    for _, group in units.groupby("stack"):
        odds = propensity(group["treated"].to_numpy(bool), group[list(covariates)].to_numpy(float))
        reach = caliper * odds.std()
        cells = group.groupby(list(strata)).ngroup().to_numpy() if strata else np.zeros(len(group), int)
        for cell in np.unique(cells):
            at = np.flatnonzero(cells == cell)
            inside = group["treated"].to_numpy(bool)[at]
            share = _nearest(odds[at][inside], odds[at][~inside], neighbours, reach)
            weights[group.index[at[inside]]] = (share > 0).any(axis=1)
            weights[group.index[at[~inside]]] = share.sum(axis=0)
    return _balanced(units, weights)


def _nearest(ones: Array, zeros: Array, count: int, reach: float) -> Array:
    """Share of each control (column) in each treated unit's (row) comparison."""
    share = np.zeros((len(ones), len(zeros)))
    if not len(ones) or not len(zeros):
        return share
    distance = np.abs(ones[:, None] - zeros)
    order = np.argsort(distance, axis=1, kind="stable")[:, :count]
    near = np.take_along_axis(distance, order, axis=1) <= reach
    rows = np.repeat(np.arange(len(ones)), order.shape[1]).reshape(order.shape)
    share[rows[near], order[near]] = (1 / np.maximum(near.sum(axis=1), 1))[rows[near]]
    return share


def _balanced(units: pd.DataFrame, weights: Array) -> Balanced:
    inside = units["treated"].to_numpy(bool)
    own = weights[~inside]
    effective = float(own.sum() ** 2 / (own**2).sum()) if own.any() else 0.0
    return Balanced(weights, int((inside & (weights == 0)).sum()), effective)


def balance_table(units: pd.DataFrame, covariates: Sequence[str], weights: dict[str, Array]) -> pd.DataFrame:
    """Standardised mean differences and variance ratios under each set of weights.

    SMD = (mean₁ − mean₀)/s₁, s₁ the treated units' standard deviation before weighting, the same in all columns, so that a
    smaller SMD means nearer means and not more spread.

    Returns
    -------
    DataFrame
        column, weighting, mean_treated, mean_control, smd, variance_ratio, treated, controls (with a positive weight).
    """
    inside = units["treated"].to_numpy(bool)
    records = []
    for name in covariates if len(units) else ():
        x = units[name].to_numpy(float)
        spread = x[inside].std(ddof=1)
        for label, w in weights.items():
            (m1, v1), (m0, v0) = (_moments(x[mask], w[mask]) for mask in (inside, ~inside))
            smd = (m1 - m0) / spread if spread > 0 else np.nan
            ratio = v1 / v0 if v0 > 0 else np.nan
            records.append(
                (name, label, m1, m0, smd, ratio, int((w[inside] > 0).sum()), int((w[~inside] > 0).sum()))
            )
    names = [
        "column",
        "weighting",
        "mean_treated",
        "mean_control",
        "smd",
        "variance_ratio",
        "treated",
        "controls",
    ]
    return pd.DataFrame(records, columns=names)


def _moments(x: Array, w: Array) -> tuple[float, float]:
    mean = float(np.average(x, weights=w))
    return mean, float(np.average((x - mean) ** 2, weights=w))
