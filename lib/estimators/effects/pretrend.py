"""The joint test of leads and what it could have found.

A test that does not reject says little unless it had power (Roth 2022, American Economic Review: Insights 4). With
leads b ~ N(δ, V), W = b′V⁻¹b is χ² with k degrees of freedom and noncentrality δ′V⁻¹δ; for a linear differential trend
of slope s, δ_e = s·(e − base).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from estimators.errors import EffectsError
from estimators.language import said


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
    trend = leads.to_numpy(float) - base
    unit = float(trend @ np.linalg.solve(v, trend))
    after = estimate.index[estimate.index > base].to_numpy(float)
    held = np.ones(len(after)) if weights is None else weights.reindex(after, fill_value=0.0).to_numpy(float)
    detectable = slope_with_power(unit, len(leads), size, power)
    return Pretrend(
        statistic=statistic,
        df=len(leads),
        p_value=float(chi2.sf(statistic, len(leads))),
        slope=slope,
        power=power_of(unit * slope**2, len(leads), size),
        detectable=detectable,
        implied_bias=detectable * float(np.average(after - base, weights=held))
        if held.any()
        else float("nan"),
    )


def power_of(noncentrality: float, df: int, size: float) -> float:
    """Chance that a χ² test of that size rejects at this noncentrality."""
    from scipy.stats import chi2, ncx2

    return float(ncx2.sf(chi2.isf(size, df), df, noncentrality)) if noncentrality > 0 else size


def slope_with_power(unit: float, df: int, size: float, power: float) -> float:
    """Slope at which the test rejects with this power; `unit` is the noncentrality of slope one."""
    from scipy.optimize import brentq

    root = brentq(lambda nc: power_of(nc, df, size) - power, 1e-9, 1e4)
    return float(np.sqrt(root / unit))
