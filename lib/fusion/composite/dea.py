"""Benefit of the doubt: each unit gets the weights that suit it best (data envelopment analysis)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fusion.composite.errors import CompositeError
from fusion.language import said

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Doubt:
    """Scores in [0, 1], shape (n,), and each unit's own weights, shape (n, k)."""

    scores: Floats
    weights: Floats


def benefit_of_doubt(z: ArrayLike, shares: tuple[float, float] | None = None) -> Doubt:
    """Benefit-of-the-doubt scores (Melyn and Moesen 1991; Cherchye et al. 2007).

    For each unit i: max_w Σ_j w_j z_ij subject to Σ_j w_j z_lj ≤ 1 for all units l, w ≥ 0. With ``shares`` each
    part w_j z_ij must be between those shares of the unit's score.

    Parameters
    ----------
    z : array_like, shape (n, k)
        Scores ≥ 0, none missing.
    shares : (float, float), optional
        Smallest and largest share of a part, e.g. (0.05, 0.5).

    Returns
    -------
    Doubt

    Raises
    ------
    CompositeError
        When a score is negative or missing, or no weights satisfy the shares.
    """
    from scipy.optimize import linprog

    scores = np.asarray(z, dtype=float)
    if np.isnan(scores).any() or (scores < 0).any():
        raise CompositeError(said("composite.dea.scores"))
    # Only units that no other one dominates can bind, which shortens the programmes.
    frontier = scores[undominated(scores)]
    weights, best = np.zeros_like(scores), np.zeros(len(scores))
    for i, own in enumerate(scores):
        a, b = frontier, np.ones(len(frontier))
        if shares is not None:
            part = np.diag(own)
            bound = np.vstack([shares[0] * own - part, part - shares[1] * own])
            a, b = np.vstack([a, bound]), np.append(b, np.zeros(len(bound)))
        found = linprog(-own, A_ub=a, b_ub=b, bounds=(0, None), method="highs")
        if not found.success:
            raise CompositeError(said("composite.dea.infeasible", row=i, shares=shares))
        weights[i], best[i] = found.x, -found.fun
    return Doubt(best, weights)


def undominated(z: ArrayLike) -> NDArray[np.intp]:
    """Rows that no other row equals or exceeds in all columns; of equal rows the first.

    Returns
    -------
    ndarray of int
        Positions, in the order of falling sums.
    """
    scores = np.asarray(z, dtype=float)
    order = np.argsort(-scores.sum(axis=1), kind="stable")
    kept: list[int] = []
    front = scores[:0]
    for i in order:
        if not (front >= scores[i]).all(axis=1).any():
            kept.append(int(i))
            front = scores[kept]
    return np.array(kept, dtype=np.intp)
