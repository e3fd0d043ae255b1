"""Weights: what each indicator counts for.

Each function takes scores of shape (n, k), missing values left out, and returns k weights ≥ 0 with sum 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fusion.composite import pca
from fusion.composite.errors import CompositeError
from fusion.language import listed, said

Floats = NDArray[np.float64]


def equal(z: ArrayLike) -> Floats:
    """1/k each."""
    k = pca.enough(z, rows=0).shape[1]
    return np.full(k, 1 / k)


def given(weights: Mapping[str, float], columns: Sequence[str]) -> Floats:
    """Declared weights of columns, rescaled to sum 1.

    Raises
    ------
    CompositeError
        When a column has none, one is negative, or all are zero.
    """
    lacking = [c for c in columns if c not in weights]
    if lacking:
        raise CompositeError(said("composite.weights.none", lacking=listed(lacking)))
    w = np.array([float(weights[c]) for c in columns])
    if (w < 0).any() or w.sum() <= 0:
        raise CompositeError(said("composite.weights.positive", found=dict(zip(columns, w, strict=True))))
    return w / w.sum()


def entropy(z: ArrayLike, shift: float = 0.0) -> Floats:
    """Entropy of each column of non-negative scores.

    p = z/Σz over all rows, e = −Σ p ln p / ln n, with 0·ln 0 = 0 and n the column's non-missing rows
    (n = N·T in a panel, not T). Nothing is added to zeros by default: a shift moves the weights.

    Parameters
    ----------
    z : array_like, shape (n, k)
        Missing values are left out.
    shift : float
        Added to every score. Only to show what the habit does.

    Returns
    -------
    ndarray, shape (k,)
        In [0, 1]; smaller means more different units.
    """
    scores = pca.enough(z, rows=0) + shift
    if np.nanmin(scores, initial=0) < 0:
        raise CompositeError(said("composite.weights.entropy_negative"))
    totals = np.nansum(scores, axis=0)
    counts = np.sum(~np.isnan(scores), axis=0)
    if np.any(totals <= 0) or np.any(counts < 2):
        raise CompositeError(said("composite.weights.entropy_empty"))
    # −Σ p ln p = ln S − Σ z ln z / S: one pass, no array of shares.
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(scores > 0, scores * np.log(scores), 0.0)
    return np.asarray((np.log(totals) - terms.sum(axis=0) / totals) / np.log(counts))


def entropy_weights(z: ArrayLike, shift: float = 0.0) -> Floats:
    """Entropy weights w = (1 − e)/Σ(1 − e); equal when no column differs between units."""
    return _share(np.clip(1 - entropy(z, shift), 0, None))


def critic(z: ArrayLike) -> Floats:
    """CRITIC (Diakoulaki et al. 1995): w ∝ σ_j Σ_k (1 − r_jk), Pearson r, of min–max scores."""
    scores = pca.enough(z)
    low, high = np.nanmin(scores, axis=0), np.nanmax(scores, axis=0)
    if np.any(high <= low):
        raise CompositeError(said("composite.weights.critic", columns=np.flatnonzero(high <= low).tolist()))
    unit = (scores - low) / (high - low)
    return _share(np.nanstd(unit, axis=0, ddof=1) * np.nansum(1 - pca.correlation(unit), axis=0))


def standard_deviation(z: ArrayLike) -> Floats:
    """w ∝ standard deviation of the scores (divisor n − 1)."""
    return _share(np.nanstd(pca.enough(z), axis=0, ddof=1))


def variation(z: ArrayLike) -> Floats:
    """w ∝ coefficient of variation sd/mean of the scores (divisor n − 1)."""
    scores = pca.enough(z)
    mean = np.nanmean(scores, axis=0)
    if np.any(mean <= 0):
        raise CompositeError(said("composite.weights.variation"))
    return _share(np.nanstd(scores, axis=0, ddof=1) / mean)


def combined(
    parts: Sequence[ArrayLike], how: str = "multiplicative", shares: ArrayLike | None = None
) -> Floats:
    """Combine weightings.

    Parameters
    ----------
    parts : sequence of array_like, each of shape (k,)
    how : {"multiplicative", "additive"}
        Geometric mean Π w^α, or mean Σ α w, rescaled to sum 1.
    shares : array_like, optional
        α of each weighting; equal by default.
    """
    w = np.array([np.asarray(p, dtype=float) for p in parts])
    alpha = np.full(len(w), 1 / len(w)) if shares is None else np.asarray(shares, dtype=float)
    if how == "multiplicative":
        return _share(np.prod(w ** alpha[:, None], axis=0))
    if how == "additive":
        return _share(alpha @ w)
    raise CompositeError(said("composite.weights.combined", how=how))


def optimised(z: ArrayLike, targets: ArrayLike | None = None) -> Floats:
    """Weights under which the columns' correlations with the index have declared proportions.

    Solves corr(z_j, Σ w z) ∝ target_j by least squares over log-weights, from the covariances alone. Importance
    as a correlation follows Paruolo, Saisana and Saltelli (2013) and the R package COINr (`get_opt_weights`).

    Parameters
    ----------
    z : array_like, shape (n, k)
    targets : array_like, optional
        Relative importance; equal by default.

    Raises
    ------
    CompositeError
        When no positive weights reach the targets within 1 %, e.g. when a column is opposed to the others.
    """
    from scipy.optimize import least_squares

    cov = _covariance(pca.enough(z, rows=2))
    k = len(cov)
    target = np.full(k, 1 / k) if targets is None else np.asarray(targets, dtype=float)
    target = target / target.sum()
    sd = np.sqrt(np.diag(cov))

    def gap(log_w: Floats) -> Floats:
        w = np.exp(log_w - log_w.max())
        r = cov @ (w / w.sum()) / sd
        return np.append(r / np.abs(r).sum() - target, 1e-6 * log_w.sum())

    found = least_squares(gap, np.zeros(k), xtol=1e-14, ftol=1e-14, gtol=1e-14)
    worst = float(np.max(np.abs(found.fun[:-1])) * k)
    if worst > 0.01:
        raise CompositeError(said("composite.weights.optimised", worst=worst))
    w = np.exp(found.x - found.x.max())
    return np.asarray(w / w.sum())


def _covariance(z: Floats) -> Floats:
    return pd.DataFrame(z).cov().to_numpy() if np.isnan(z).any() else np.atleast_2d(np.cov(z, rowvar=False))


def _share(raw: Floats) -> Floats:
    total = raw.sum()
    return np.asarray(raw / total) if total > 0 else np.full(raw.size, 1 / raw.size)


# Weights that data give; `given` and AHP need more than scores.
FROM_DATA: dict[str, Callable[[ArrayLike], Floats]] = {
    "equal": equal,
    "entropy": entropy_weights,
    "critic": critic,
    "standard_deviation": standard_deviation,
    "variation": variation,
    "pca": pca.weights,
    "optimised": optimised,
    "entropy_critic": lambda z: combined([entropy_weights(z), critic(z)]),
}


def from_data(z: ArrayLike, how: str) -> Floats:
    """Weights by name.

    Raises
    ------
    CompositeError
        For an unknown name.
    """
    if how not in FROM_DATA:
        raise CompositeError(said("composite.weights.how", how=how, known=listed(FROM_DATA)))
    if np.asarray(z).shape[1] == 1:
        return np.ones(1)
    return FROM_DATA[how](z)
