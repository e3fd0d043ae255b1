"""Many tests at once: step-down Romano–Wolf p-values from cluster multipliers.

Benjamini–Hochberg is called from statsmodels where it is wanted; Romano–Wolf with the joint distribution of
estimates of several regressions on one panel is what no package gives.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from estimators.effects import heterogeneity
from estimators.errors import EffectsError
from estimators.language import said


def multiplier_draws(influence: ArrayLike, draws: int, seed: int) -> NDArray[np.float64]:
    """Draws of t statistics under the joint null, by Rademacher multipliers of clusters' influence.

    t*_j = Σ_c v_c ψ_cj / √(Σ_c ψ_cj²), v_c = ±1. Hypotheses share the multipliers of a cluster, so that their
    dependence is kept.

    Parameters
    ----------
    influence : array_like, shape (clusters, hypotheses)
        Influence of each cluster on each estimate (zero where it is not in the sample).
    draws : int
        Number of draws.
    seed : int
        Seed.

    Returns
    -------
    ndarray, shape (draws, hypotheses)
    """
    psi = np.asarray(influence, float)
    size = np.sqrt((psi**2).sum(axis=0))
    if psi.ndim != 2 or not (size > 0).all():
        raise EffectsError(said("robustness.influence"))
    signs = np.random.default_rng(seed).integers(0, 2, (draws, len(psi))) * 2.0 - 1.0
    return np.asarray(signs @ psi / size)


def romano_wolf(statistics: ArrayLike, resampled: ArrayLike) -> NDArray[np.float64]:
    """Adjusted two-sided p-values that control the family-wise error rate.

    The largest |t| is held against the distribution of the largest of all resampled |t*|, the next against that of the
    largest of those that are left, and so on; p-values are kept monotone. Romano & Wolf (2005, Econometrica 73: 1237;
    2016, Statistics & Probability Letters 113: 38), with the +1 that keeps the test exact for few draws.

    Parameters
    ----------
    statistics : array_like, shape (hypotheses,)
        t statistics.
    resampled : array_like, shape (draws, hypotheses)
        The same under the null, centred.

    Returns
    -------
    ndarray, shape (hypotheses,)
    """
    t, star = np.abs(np.asarray(statistics, float)), np.abs(np.asarray(resampled, float))
    if star.ndim != 2 or star.shape[1] != len(t):
        raise EffectsError(said("robustness.draws", count=len(t), shape=star.shape))
    order = np.argsort(-t, kind="stable")
    # Running maxima from the smallest statistic up: column j holds the largest of those not yet rejected.
    largest = np.maximum.accumulate(star[:, order[::-1]], axis=1)[:, ::-1]
    p = (1 + (largest >= t[order]).sum(axis=0)) / (len(star) + 1)
    adjusted = np.empty(len(t))
    adjusted[order] = np.maximum.accumulate(p)
    return adjusted


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values that control the false discovery rate (statsmodels' ``fdr_bh``).

    A hypothesis that was not estimated (missing) is not in the family, and stays missing.
    """
    from statsmodels.stats.multitest import multipletests

    p = np.asarray(p_values, float)
    told = np.isfinite(p)
    found = np.full(len(p), np.nan)
    if told.any():
        found[told] = multipletests(p[told], method="fdr_bh")[1]
    return found


def adjusted(table: pd.DataFrame, draws: ArrayLike, method: str) -> NDArray[np.float64]:
    """p-values of a family adjusted as declared.

    Parameters
    ----------
    table : pandas.DataFrame
        ``statistic`` and ``p_value``, a row per hypothesis.
    draws : array_like, shape (draws, hypotheses)
        Resampled statistics, for Romano–Wolf.
    method : {"romano_wolf", "benjamini_hochberg"}
    """
    if method == "romano_wolf":
        return romano_wolf(table["statistic"], draws)
    if method == "benjamini_hochberg":
        return benjamini_hochberg(table["p_value"])
    raise EffectsError(said("robustness.method", method=method))


def family(effects: Mapping[str, heterogeneity.Effects], method: str, draws: int, seed: int) -> pd.DataFrame:
    """Estimates of several regressions, with p-values that are adjusted over all of them.

    Parameters
    ----------
    effects : mapping
        Regression: its estimates.
    method : {"romano_wolf", "benjamini_hochberg"}
        As for `adjusted`.
    draws, seed : int
        Of the multipliers.

    Returns
    -------
    DataFrame
        Columns regression, term, estimate, std_error, statistic, p_value, ci_low, ci_high, units, adjusted; no rows
        without regressions. A regression whose estimate no cluster moves has no test, and is left out.
    """
    effects = {name: found for name, found in effects.items() if (found.influence.abs().sum() > 0).all()}
    if not effects:
        names = [
            "estimate",
            "std_error",
            "statistic",
            "p_value",
            "ci_low",
            "ci_high",
            "units",
            "n",
            "adjusted",
        ]
        return pd.DataFrame(columns=["regression", "term", *names])
    table, influence = heterogeneity.joined(dict(effects))
    table["adjusted"] = adjusted(table, multiplier_draws(influence, draws, seed), method)
    return table.reset_index()
