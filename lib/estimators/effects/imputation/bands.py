"""Intervals of each row of a table, and bands that hold all rows together."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from estimators.effects.imputation.sums import Array


def with_intervals(
    table: pd.DataFrame, covariance: Array, size: float, draws: int, seed: int = 1
) -> pd.DataFrame:
    """Adds pointwise normal intervals (ci_low, ci_high) and a band for all rows together (band_low, band_high)."""
    error = table["std_error"].to_numpy(float)
    point = stats.norm.ppf(1 - size / 2)
    wide = simultaneous(covariance, size, draws, seed)
    return table.assign(
        ci_low=table["estimate"] - point * error,
        ci_high=table["estimate"] + point * error,
        band_low=table["estimate"] - wide * error,
        band_high=table["estimate"] + wide * error,
    )


def simultaneous(covariance: Array, size: float = 0.05, draws: int = 100_000, seed: int = 1) -> float:
    """Quantile 1 − size of max|z|, z normal with the correlation of a covariance (Montiel Olea & Plagborg-Møller 2019).

    NaN where the covariance has none.
    """
    error = np.sqrt(np.diag(covariance))
    good = np.isfinite(error) & (error > 0)
    if not good.any():
        return float("nan")
    correlation = covariance[np.ix_(good, good)] / np.outer(error[good], error[good])
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    normal = np.random.default_rng(seed).standard_normal((draws, len(values)))
    return float(np.quantile(np.abs(normal @ root.T).max(axis=1), 1 - size))
