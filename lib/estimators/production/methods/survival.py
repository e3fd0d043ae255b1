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
    beta = np.zeros(x.shape[1])
    for _ in range(limit):
        score, information = _slopes(times(x, beta), y)
        step = np.linalg.lstsq(
            cross(x * (weight * information)[:, None], x), cross(x, weight * score), rcond=1e-12
        )[0]
        beta = beta + step
        if np.max(np.abs(step)) < 1e-8:
            break
    return beta


def _slopes(index: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Score of ln Φ(±index) and its information φ²/(Φ(index) Φ(−index)), by logs: both hold however far out a firm lies."""
    from scipy.special import log_ndtr

    density = -(index**2) / 2 - np.log(2 * np.pi) / 2
    stays, leaves = log_ndtr(index), log_ndtr(-index)
    score = np.where(y > 0, np.exp(density - stays), -np.exp(density - leaves))
    return score, np.exp(2 * density - stays - leaves)
