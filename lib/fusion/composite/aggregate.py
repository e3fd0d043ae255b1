"""Aggregation: from weighted scores to one number a unit.

Weights are rescaled over the columns that a row has; a row with less than a declared share of them gets none.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fusion.composite.errors import CompositeError
from fusion.language import listed, said, word

Floats = NDArray[np.float64]


def power_mean(z: ArrayLike, weights: ArrayLike, power: float = 1.0, min_share: float = 0.0) -> Floats:
    """Weighted generalised mean (Σ w z^p / Σ w)^(1/p): 1 arithmetic, 0 geometric, −1 harmonic.

    Parameters
    ----------
    z : array_like, shape (n, k)
    weights : array_like, shape (k,)
    power : float
        The smaller, the less a high score makes up for a low one.
    min_share : float
        Smallest share of the k columns that a row must have, 0 … 1.

    Returns
    -------
    ndarray, shape (n,)

    Raises
    ------
    CompositeError
        When power < 1 and a score is not above zero (negative, for 0 < power < 1).
    """
    scores, w = np.asarray(z, dtype=float), np.asarray(weights, dtype=float)
    if power != 1:
        _refuse_low(scores, power)
    there = ~np.isnan(scores)
    filled = np.where(there, scores, 1.0)
    bent = np.log(filled) if power == 0 else filled**power
    total = there @ w
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(there, bent, 0.0) @ w / total
        mean = np.exp(mean) if power == 0 else mean ** (1 / power) if power != 1 else mean
    return np.where(enough(there, min_share) & (total > 0), mean, np.nan)


def weighted_mean(z: ArrayLike, weights: ArrayLike, min_share: float = 0.0) -> Floats:
    """Weighted mean of the columns that a row has; missing when it has less than a share of them."""
    return power_mean(z, weights, 1.0, min_share)


def topsis(z: ArrayLike, weights: ArrayLike, min_share: float = 0.0) -> Floats:
    """TOPSIS (Hwang and Yoon 1981): d⁻/(d⁺ + d⁻), distances of w·z from the best and worst value of each column.

    A missing column leaves both distances.
    """
    v = np.asarray(z, dtype=float) * np.asarray(weights, dtype=float)
    best, worst = np.nanmax(v, axis=0), np.nanmin(v, axis=0)
    far, near = (np.sqrt(np.nansum((v - end) ** 2, axis=1)) for end in (worst, best))
    with np.errstate(invalid="ignore"):
        score = far / (far + near)
    return np.where(enough(~np.isnan(v), min_share), score, np.nan)


def grey(z: ArrayLike, weights: ArrayLike, min_share: float = 0.0, rho: float = 0.5) -> Floats:
    """Grey relational grade (Deng 1982): Σ w ξ, ξ = (Δmin + ρ Δmax)/(Δ + ρ Δmax), Δ the gap to the column's best."""
    scores = np.asarray(z, dtype=float)
    gap = np.nanmax(scores, axis=0) - scores
    low, high = np.nanmin(gap), np.nanmax(gap)
    if high == 0:
        raise CompositeError(said("composite.grey_alike"))
    return weighted_mean((low + rho * high) / (gap + rho * high), weights, min_share)


def copeland(z: ArrayLike, weights: ArrayLike, min_share: float = 0.0, block: int = 256) -> Floats:
    """Copeland score: units beaten by weight of columns, minus units that beat, from −(n − 1) to n − 1.

    i beats j when the columns in which it is better weigh more than half of those that both have, ties counted
    half. Needs n² comparisons: a few thousand units.
    """
    scores, w = np.asarray(z, dtype=float), np.asarray(weights, dtype=float)
    net = np.empty(len(scores))
    for start in range(0, len(scores), block):
        rows = scores[start : start + block, None, :]
        won = (rows > scores) @ w - (rows < scores) @ w
        net[start : start + block] = np.sign(np.where(np.abs(won) < 1e-12, 0, won)).sum(axis=1)
    return np.where(enough(~np.isnan(scores), min_share), net, np.nan)


def enough(there: NDArray[np.bool_], min_share: float) -> NDArray[np.bool_]:
    """Whether a row has the declared share of columns."""
    # The small allowance keeps 3 of 5 at a share of 0.6 although 0.6·5 is not exactly 3 in binary.
    return np.asarray(there.mean(axis=1) >= min_share - 1e-12)


def _refuse_low(scores: Floats, power: float) -> None:
    low = np.nanmin(scores, axis=0, initial=np.inf)
    bad = np.flatnonzero(low < 0 if power > 0 else low <= 0)
    if bad.size:
        known = {0.0: "geometric", -1.0: "harmonic"}.get(power)
        name = word("composite.mean", known) if known else said("composite.generalised", power=power)
        raise CompositeError(
            said("composite.mean_positive", name=name, columns=bad.tolist(), least=low[bad].min())
        )


def _dea(z: ArrayLike, weights: ArrayLike, min_share: float = 0.0) -> Floats:
    from fusion.composite.dea import benefit_of_doubt

    scores = np.asarray(z, dtype=float)
    # Benefit of the doubt chooses the weights itself.
    result = np.full(len(scores), np.nan)
    full = ~np.isnan(scores).any(axis=1)
    result[full] = benefit_of_doubt(scores[full]).scores
    return result


METHODS: dict[str, Callable[..., Floats]] = {
    "arithmetic": weighted_mean,
    "geometric": lambda z, w, share=0.0: power_mean(z, w, 0.0, share),
    "harmonic": lambda z, w, share=0.0: power_mean(z, w, -1.0, share),
    "topsis": topsis,
    "grey": grey,
    "copeland": copeland,
    "benefit_of_doubt": _dea,
}
# Means that compensate less than fully need scores above zero.
NEED_POSITIVE = ("geometric", "harmonic")


def aggregate(
    z: ArrayLike, weights: ArrayLike, how: str = "arithmetic", min_share: float = 0.0, floor: float = 0.0
) -> Floats:
    """Aggregate by name.

    Parameters
    ----------
    z : array_like, shape (n, k)
    weights : array_like, shape (k,)
    how : str
        arithmetic, geometric, harmonic, topsis, grey, copeland, benefit_of_doubt.
    min_share : float
        Smallest share of the columns that a row must have.
    floor : float
        For geometric and harmonic means of scores in [0, 1]: scores are brought to [floor, 1] first.

    Raises
    ------
    CompositeError
        For an unknown name.
    """
    if how not in METHODS:
        raise CompositeError(said("composite.aggregation", how=how, methods=listed(METHODS)))
    scores = np.asarray(z, dtype=float)
    if how in NEED_POSITIVE and floor > 0:
        scores = floor + (1 - floor) * scores
    return METHODS[how](scores, weights, min_share)
