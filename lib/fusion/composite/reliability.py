"""How far scores repeat: across a chain's indicators (alpha, omega), and of one unit across years or raters (ICC)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares

from fusion.composite.pca import correlation

Floats = NDArray[np.float64]


def alpha(z: ArrayLike) -> float:
    """Standardised Cronbach's alpha k r̄/(1 + (k − 1) r̄), r̄ the mean correlation of pairs.

    NaN for one column, where a column does not vary, and where columns cancel out: their sum has no variance to share.
    """
    r = correlation(z)
    k = len(r)
    # The sum of all correlations is the variance of the sum of standardised scores; rounding leaves some 1e-16 of it.
    if k < 2 or not r.sum() > 1e-12 * k**2:
        return float("nan")
    mean = (r.sum() - k) / (k * (k - 1))
    return float(k * mean / (1 + (k - 1) * mean))


def loadings(r: Floats) -> Floats:
    """Loadings of one factor by unweighted least squares on the correlations of pairs.

    Two indicators have one correlation for two loadings, which are taken to be equal.

    Parameters
    ----------
    r : ndarray, shape (k, k)
        Correlations.

    Returns
    -------
    ndarray, shape (k,)
        In [−1, 1], their sum not negative; NaN for one indicator, and where a pair correlates below zero.
    """
    k = len(r)
    if k < 2 or not np.isfinite(r).all() or (k == 2 and r[0, 1] < 0):
        return np.full(k, np.nan)
    if k == 2:
        return np.full(2, np.sqrt(r[0, 1]))
    i, j = np.triu_indices(k, 1)
    values, vectors = np.linalg.eigh(r)
    start = np.clip(vectors[:, -1] * np.sqrt(values[-1]), -0.99, 0.99)
    found = least_squares(lambda x: x[i] * x[j] - r[i, j], start, bounds=(-1, 1), xtol=1e-12, ftol=1e-12).x
    return np.asarray(found * (1 if found.sum() >= 0 else -1), float)


def omega(z: ArrayLike, weights: ArrayLike | None = None) -> float:
    """McDonald's ω of a weighted sum: (Σwλ)²/((Σwλ)² + Σw²(1 − λ²)), λ the loadings of one factor.

    Unlike alpha it lets indicators load unequally, and with the weights of the index it is of the score that is made.
    (McDonald 1999; Raykov 1997 for the weights.)

    Parameters
    ----------
    z : array_like, shape (n, k)
        Scores, larger better.
    weights : array_like, shape (k,), optional
        Of standardised indicators; equal without.

    Returns
    -------
    float
        NaN where there are no loadings, and where the weighted sum has no variance.
    """
    r = correlation(z)
    w = np.ones(len(r)) if weights is None else np.asarray(weights, float)
    if not w @ r @ w > 1e-12 * len(r) * (w @ w):
        return float("nan")
    own = loadings(r)
    common = float(w @ own) ** 2
    return common / (common + float(w**2 @ (1 - own**2)))


def icc(values: ArrayLike, unit: ArrayLike) -> float:
    """Intraclass correlation ICC(1): share of variance between units, for a single year or rater.

    One-way analysis of variance, (MSB − MSW)/(MSB + (n₀ − 1) MSW), with n₀ the usual mean group size where units have
    unequally many values (Shrout & Fleiss 1979). A shift common to all in some years counts against it.

    Parameters
    ----------
    values, unit : array_like, shape (n,)
        Missing values are left out; so are units with one value.

    Returns
    -------
    float
        In [−1/(n₀ − 1), 1]; NaN where fewer than two units have two values.
    """
    table = pd.DataFrame({"x": np.asarray(values, float), "unit": np.asarray(unit)}).dropna()
    table = table[table.groupby("unit")["x"].transform("size") > 1]
    groups = table.groupby("unit")["x"]
    size, mean = groups.size().to_numpy(float), groups.mean().to_numpy()
    units, rows = len(size), float(size.sum())
    if units < 2:
        return float("nan")
    between = float(size @ (mean - table["x"].mean()) ** 2) / (units - 1)
    within = float(((table["x"] - groups.transform("mean")) ** 2).sum()) / (rows - units)
    usual = (rows - float((size**2).sum()) / rows) / (units - 1)
    spread = between + (usual - 1) * within
    return (between - within) / spread if spread > 0 else float("nan")
