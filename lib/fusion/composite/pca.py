"""Weights from principal components, and whether the columns have anything in common (KMO, Bartlett)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fusion.composite.errors import CompositeError
from fusion.language import said

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Components:
    """Principal components of a correlation matrix.

    Attributes
    ----------
    eigenvalues : ndarray, shape (k,)
        From the largest on; their sum is k.
    vectors : ndarray, shape (k, k)
        One column a component, its sign such that its elements sum to a number ≥ 0.
    kmo : float
        Kaiser–Meyer–Olkin measure: Σr²/(Σr² + Σ partial r²) over pairs.
    bartlett, df, p : float
        Bartlett's test that nothing is correlated: −(n − 1 − (2k + 5)/6) ln|R|, χ² with k(k − 1)/2 degrees.
    """

    eigenvalues: Floats
    vectors: Floats
    kmo: float
    bartlett: float
    df: float
    p: float


def enough(z: ArrayLike, rows: int = 1) -> Floats:
    """Scores of at least so many rows and one column; fewer say nothing of weights.

    Raises
    ------
    CompositeError
        With what there is.
    """
    scores = np.asarray(z, dtype=float)
    n, k = scores.shape
    if n < rows or not k:
        raise CompositeError(said("composite.weights.too_few", rows=n, columns=k, least=max(rows, 1)))
    return scores


def correlation(z: ArrayLike) -> Floats:
    """Pearson correlations of columns, by pairs of values that are both there; shape (k, k)."""
    scores = np.asarray(z, dtype=float)
    if np.isnan(scores).any():
        return pd.DataFrame(scores).corr().to_numpy()
    return np.atleast_2d(np.corrcoef(scores, rowvar=False))


def components(z: ArrayLike) -> Components:
    """Principal components of the columns' correlations, with KMO and Bartlett's test.

    Raises
    ------
    CompositeError
        When a column is constant or the correlation matrix is singular, for which KMO is not defined.
    """
    from scipy.stats import chi2

    scores = enough(z, rows=2)
    n, k = int((~np.isnan(scores)).all(axis=1).sum()), scores.shape[1]
    r = correlation(scores)
    if np.isnan(r).any():
        raise CompositeError(said("composite.pca.constant"))
    if np.linalg.eigvalsh(r)[0] < 1e-10:
        raise CompositeError(said("composite.pca.collinear"))
    values, vectors = np.linalg.eigh(r)
    values, vectors = values[::-1], vectors[:, ::-1]
    vectors = vectors * np.where(vectors.sum(axis=0) < 0, -1.0, 1.0)
    statistic = float(-(n - 1 - (2 * k + 5) / 6) * np.linalg.slogdet(r)[1])
    df = k * (k - 1) / 2
    return Components(values, vectors, _kmo(r), statistic, df, float(chi2.sf(statistic, df)))


def weights(z: ArrayLike, *, how: str = "kaiser", allow_negative: bool = False) -> Floats:
    """Weights from principal components.

    Parameters
    ----------
    z : array_like, shape (n, k)
    how : {"kaiser", "first"}
        ``kaiser``: elements of all components with eigenvalue > 1, weighted by their share of the variance that
        those explain; ``first``: of the first component.
    allow_negative : bool
        Keep negative weights. A negative weight says that the index would punish what its indicator's direction
        declares good; refused by default.

    Returns
    -------
    ndarray, shape (k,)
        Sum 1.
    """
    if how not in ("kaiser", "first"):
        raise CompositeError(said("composite.pca.how", how=how))
    found = components(z)
    kept = max(int((found.eigenvalues > 1).sum()), 1) if how == "kaiser" else 1
    share = found.eigenvalues[:kept] / found.eigenvalues[:kept].sum()
    raw = found.vectors[:, :kept] @ share
    if (raw < 0).any() and not allow_negative:
        raise CompositeError(said("composite.pca.negative", columns=np.flatnonzero(raw < 0).tolist()))
    return np.asarray(raw / raw.sum())


def _kmo(r: Floats) -> float:
    inverse = np.linalg.inv(r)
    scale = np.sqrt(np.diag(inverse))
    partial = inverse / np.outer(scale, scale)
    off = ~np.eye(len(r), dtype=bool)
    plain, part = (r[off] ** 2).sum(), (partial[off] ** 2).sum()
    return float(plain / (plain + part)) if plain + part > 0 else 0.0
