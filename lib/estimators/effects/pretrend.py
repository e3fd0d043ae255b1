"""The joint test of leads and what it could have found.

A test that does not reject says little unless it had power (Roth 2022, American Economic Review: Insights 4). With
leads b ~ N(δ, V), W = b′V⁻¹b is χ² with k degrees of freedom and noncentrality δ′V⁻¹δ; for a linear differential trend
of slope s, δ_e = s·(e − base).

Errors from the residuals of a model that has the leads in it are too small where few units start, and χ² then rejects too
often (in simulations .08 with 240 starters, .11 with 40, at 5 %). So p is that of signs, where clusters' scores are given: with
residuals of the model without leads each cluster adds s_c to b = Σ s_c, V = Σ s_c s_c′ does not change with the signs of the
s_c, and W is compared with what random signs give (a wild score bootstrap with the hypothesis imposed: Kline & Santos 2012,
Journal of Econometric Methods 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from estimators.errors import EffectsError
from estimators.language import said

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Pretrend:
    """Joint test of leads: statistic, its degrees of freedom, p; and the power against a linear trend.

    ``slope`` is the stated trend a year and ``power`` the chance to find it; ``detectable`` is the slope that would be
    found with the power asked for; ``implied_bias`` is what a trend of that slope adds, at the mean event time
    after the start, to an effect measured from the base.
    """

    statistic: float
    df: int
    p_value: float
    slope: float
    power: float
    detectable: float
    implied_bias: float


def joint_test(
    estimate: pd.Series,
    covariance: pd.DataFrame,
    base: int = -1,
    slope: float = 0.01,
    size: float = 0.05,
    power: float = 0.8,
    weights: pd.Series | None = None,
    scores: pd.DataFrame | None = None,
    seed: int = 1,
) -> Pretrend:
    """Test that all leads before the base are zero, with its power against a linear trend.

    Parameters
    ----------
    estimate : Series
        Coefficients by event time, all against the one base period.
    covariance : DataFrame
        Their joint covariance, same index.
    base : int
        The event time that the others are compared with.
    slope : float
        Trend a year, outcome units.
    size, power : float
        Size of the test; power at which ``detectable`` is stated.
    weights : Series, index event_time, optional
        Of the effects in the average that ``implied_bias`` is about; none: equal on all event times after the base.
    scores : DataFrame, clusters × leads, optional
        What each cluster adds to the leads when the model has none (`leads.Path`): statistic and p are then those of signs,
        (1 + draws as large)/(1 + draws). None: χ².
    seed : int
        Of the signs.

    Raises
    ------
    EffectsError
        Without leads, or when their covariance has no inverse.
    """
    from scipy.stats import chi2

    leads = estimate.index[estimate.index < base]
    if len(leads) == 0:
        raise EffectsError(said("effects.no_lead", base=base))
    b = estimate[leads].to_numpy(float)
    v = covariance.loc[leads, leads].to_numpy(float)
    if np.linalg.matrix_rank(v, hermitian=True) < len(leads):
        raise EffectsError(said("effects.leads_singular", count=len(leads)))
    statistic = float(b @ np.linalg.solve(v, b))
    p_value = float(chi2.sf(statistic, len(leads)))
    if scores is not None:
        statistic, p_value = by_signs(scores[leads].to_numpy(float), seed)
    trend = leads.to_numpy(float) - base
    unit = float(trend @ np.linalg.solve(v, trend))
    after = estimate.index[estimate.index > base].to_numpy(float)
    held = np.ones(len(after)) if weights is None else weights.reindex(after, fill_value=0.0).to_numpy(float)
    detectable = slope_with_power(unit, len(leads), size, power)
    return Pretrend(
        statistic=statistic,
        df=len(leads),
        p_value=p_value,
        slope=slope,
        power=power_of(unit * slope**2, len(leads), size),
        detectable=detectable,
        implied_bias=detectable * float(np.average(after - base, weights=held))
        if held.any()
        else float("nan"),
    )


def by_signs(scores: Array, seed: int = 1, draws: int = 1999) -> tuple[float, float]:
    """W of Σ s_c with V = Σ s_c s_c′, and the share of sign vectors under which it is as large.

    Parameters
    ----------
    scores : ndarray, shape (clusters, k)
        Those of zeros are left out. With up to 11 others all sign vectors are tried.

    Returns
    -------
    float, float
        Statistic and p; what is drawn counts as (1 + as large)/(1 + draws).
    """
    told = scores[np.abs(scores).max(axis=1) > 0]
    # In the metric of V, W is a squared length, and so it is under all signs.
    values, vectors = np.linalg.eigh(told.T @ told)
    told = told @ (vectors / np.sqrt(values))
    statistic = float((told.sum(axis=0) ** 2).sum())
    most = statistic * (1 - 1e-10)
    if len(told) <= 11:
        signs = np.array(list(product((-1.0, 1.0), repeat=len(told))))
        return statistic, float((((signs @ told) ** 2).sum(axis=1) >= most).mean())
    rng = np.random.default_rng(seed)
    signs = 2.0 * rng.integers(0, 2, (draws, len(told)), dtype=np.int8) - 1
    return statistic, (1 + int((((signs @ told) ** 2).sum(axis=1) >= most).sum())) / (1 + draws)


def power_of(noncentrality: float, df: int, size: float) -> float:
    """Chance that a χ² test of that size rejects at this noncentrality."""
    from scipy.stats import chi2, ncx2

    return float(ncx2.sf(chi2.isf(size, df), df, noncentrality)) if noncentrality > 0 else size


def slope_with_power(unit: float, df: int, size: float, power: float) -> float:
    """Slope at which the test rejects with this power; `unit` is the noncentrality of slope one."""
    from scipy.optimize import brentq

    root = brentq(lambda nc: power_of(nc, df, size) - power, 1e-9, 1e4)
    return float(np.sqrt(root / unit))
