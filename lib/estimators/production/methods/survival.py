"""Probability that a firm is still in the panel next year (Olley & Pakes 1996, their equation 24)."""

from __future__ import annotations

import numpy as np

from estimators.language import said
from estimators.production.errors import ProductionError
from estimators.production.methods.algebra import cross, times
from estimators.production.sample import Bools, Floats, Sample


def survival(basis: Floats, rows: Bools, sample: Sample, weight: Floats) -> Floats:
    """Probit of staying on a basis that spans a constant, (n,) with NaN outside the rows.

    Parameters
    ----------
    basis : (rows, b)
        Polynomial of the state and the proxy in the rows that have both.
    rows : (n,) bool
    weight : (n,)

    Raises
    ------
    ProductionError
        If nobody leaves before the last year.
    """
    known = sample.year[rows] < sample.year.max()
    stays = (~sample.exits[rows]).astype(float)
    if stays[known].all():
        raise ProductionError(said("production.no_exit"))
    beta = probit(basis[known], stays[known], weight[rows][known])
    from scipy.special import ndtr

    found = np.full(len(sample.y), np.nan)
    found[rows] = ndtr(times(basis, beta))
    return found


def probit(x: Floats, y: Floats, weight: Floats, limit: int = 50) -> Floats:
    """Maximum likelihood by Fisher scoring: coefficients (b,) of y ∈ {0, 1} on x (m, b) with weights (m,)."""
    from scipy.special import ndtr

    beta = np.zeros(x.shape[1])
    for _ in range(limit):
        # Beyond 8 the densities vanish: a firm that is sure to stay says nothing more.
        index = np.clip(times(x, beta), -8, 8)
        p = np.clip(ndtr(index), 1e-15, 1 - 1e-15)
        density = np.exp(-(index**2) / 2) / np.sqrt(2 * np.pi)
        information = weight * density**2 / (p * (1 - p))
        score = weight * density * (y - p) / (p * (1 - p))
        step = np.linalg.lstsq(cross(x * information[:, None], x), cross(x, score), rcond=1e-12)[0]
        beta = beta + step
        if np.max(np.abs(step)) < 1e-8:
            break
    return beta
