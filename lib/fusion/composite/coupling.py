"""Coupling and coordination of n systems.

C is the coupling degree, T = Σ α U the level, D = √(C·T) the coupling coordination degree. With equal weights
the standard D is (ΠU)^(1/2n), the root of the geometric mean: C then says nothing that the U do not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fusion.composite.errors import CompositeError
from fusion.language import listed, said

Floats = NDArray[np.float64]

# Ten grades of D and four stages of C, with right-closed cut-offs: 地理学报 76(4):781, table 1.
EDGES = np.arange(1, 10) / 10


def coupling(u: ArrayLike, form: str = "standard") -> Floats:
    """Coupling degree C of n systems.

    standard: (ΠU)^(1/n) / (ΣU/n), 0 where all levels are zero. wang (王淑佳 et al. 2021, 自然资源学报 36(3):793):
    √{[1 − Σ_{i>j}|U_i − U_j| / (n(n−1)/2)] · [Π_i U_i/max U]^(1/(n−1))}. fan (樊杰): 1 − 2√{[nΣU² − (ΣU)²]/n²},
    not below 0.

    Parameters
    ----------
    u : array_like, shape (..., n)
        Levels in [0, 1], n ≥ 2.
    form : {"standard", "wang", "fan"}

    Returns
    -------
    ndarray, shape (...)
        In [0, 1].
    """
    levels = _levels(u)
    forms = {"standard": _standard, "wang": _wang, "fan": _fan}
    if form not in forms:
        raise CompositeError(said("composite.coupling.form", form=form, forms=listed(forms)))
    return forms[form](levels)


def level(u: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Comprehensive level T = Σ α U; equal weights by default.

    Raises
    ------
    CompositeError
        When weights are negative, do not sum to one, or are not as many as the systems.
    """
    levels = _levels(u)
    n = levels.shape[-1]
    alpha = np.full(n, 1 / n) if weights is None else np.asarray(weights, dtype=float)
    if alpha.shape != (n,) or np.any(alpha < 0) or abs(alpha.sum() - 1) > 1e-9:
        raise CompositeError(said("composite.coupling.weights", n=n, weights=alpha.tolist()))
    return levels @ alpha


def coordination(u: ArrayLike, form: str = "standard", weights: ArrayLike | None = None) -> Floats:
    """Coupling coordination degree D = √(C·T), shape (...)."""
    return np.sqrt(coupling(u, form) * level(u, weights))


def identity(u: ArrayLike) -> Floats:
    """What the standard D is when weights are equal: (ΠU)^(1/2n), the root of the geometric mean; shape (...)."""
    levels = _levels(u)
    return np.asarray(np.prod(levels, axis=-1) ** (0.5 / levels.shape[-1]))


def grade(d: ArrayLike, edges: ArrayLike = EDGES, side: str = "right") -> Floats:
    """Grade of D, 1 the lowest; by default ten grades of width 0.1.

    Parameters
    ----------
    d : array_like
    edges : array_like
        Inner cut-offs, rising; m cut-offs make m + 1 grades. They are conventions, not tests.
    side : {"right", "left"}
        Which end of a grade belongs to it: ``right`` (0.4, 0.5] as in 地理学报 76(4):781, table 1, or ``left``
        [0.4, 0.5) as much circulating code has it.

    Returns
    -------
    ndarray of float
        1 … m + 1; missing where D is missing.
    """
    if side not in ("right", "left"):
        raise CompositeError(said("composite.coupling.side", side=side))
    values = np.asarray(d, dtype=float)
    # A value that is a cut-off but for rounding counts as the cut-off.
    found = 1.0 + np.searchsorted(
        np.asarray(edges), np.round(values, 12), side="left" if side == "right" else "right"
    )
    return np.where(np.isnan(values), np.nan, found)


def lag(u: ArrayLike, within: float = 0.1) -> Floats:
    """Position (from 0) of the system that lags, or −1 where all are within ``within`` of the best.

    Parameters
    ----------
    u : array_like, shape (..., n)
    within : float
        Difference of levels that counts as none.
    """
    levels = _levels(u)
    filled = np.where(np.isnan(levels), np.inf, levels)
    gap = levels.max(axis=-1) - levels.min(axis=-1)
    lowest = np.where(gap > within + 1e-12, np.argmin(filled, axis=-1), -1).astype(float)
    return np.where(np.isnan(gap), np.nan, lowest)


def flip(draws: ArrayLike, point: ArrayLike, level: float = 0.95, side: str = "right") -> pd.DataFrame:
    """Intervals of D over resamples and the probability that its grade would be another.

    Parameters
    ----------
    draws : array_like, shape (draws, m)
        D of the resamples.
    point : array_like, shape (m,)
        D.
    level : float
        Of the intervals.
    side : {"right", "left"}
        Which end of a grade belongs to it.

    Returns
    -------
    pandas.DataFrame
        low, high (quantiles), grade, flip (share of resamples with another grade).
    """
    d, p = np.asarray(draws, dtype=float), np.asarray(point, dtype=float)
    tail = (1 - level) / 2
    there = ~np.isnan(p)
    low, high, change = (np.full(len(p), np.nan) for _ in range(3))
    graded = grade(p, side=side)
    if there.any():
        low[there], high[there] = np.nanquantile(d[:, there], [tail, 1 - tail], axis=0)
        change[there] = np.mean(grade(d[:, there], side=side) != graded[there], axis=0)
    return pd.DataFrame({"low": low, "high": high, "grade": graded, "flip": change})


def degrees(
    levels: ArrayLike, draws: ArrayLike, systems: Sequence[str], form: str = "standard", side: str = "right"
) -> pd.DataFrame:
    """Levels, coordination and grade of each group, with intervals over resamples.

    Parameters
    ----------
    levels : array_like, shape (m, n)
        Levels of the n systems of m groups.
    draws : array_like, shape (draws, m, n)
        The same of resamples.
    systems : sequence of str
        Names of the systems.
    form : {"standard", "wang", "fan"}
        As in `coupling`.
    side : {"right", "left"}
        As in `grade`.

    Returns
    -------
    pandas.DataFrame
        A column for each system; level (T), degree (D), identity, behind (name of the system that lags, or
        neither), and low, high, grade, flip as in `flip`.
    """
    degree = coordination(levels, form)
    table = pd.DataFrame(_levels(levels), columns=list(systems))
    table = table.assign(level=level(levels), degree=degree, identity=identity(levels))
    names: dict[float, str] = {-1.0: "neither"} | {float(i): name for i, name in enumerate(systems)}
    behind = pd.Series(lag(levels)).map(names)
    return table.assign(behind=behind).join(flip(coordination(draws, form), degree, side=side))


def _levels(u: ArrayLike) -> Floats:
    levels = np.asarray(u, dtype=float)
    if levels.ndim == 0 or levels.shape[-1] < 2:
        raise CompositeError(said("composite.coupling.systems"))
    if np.nanmin(levels, initial=0) < 0 or np.nanmax(levels, initial=1) > 1:
        raise CompositeError(said("composite.coupling.levels"))
    return levels


def _standard(u: Floats) -> Floats:
    mean = u.mean(axis=-1)
    geometric = np.prod(u, axis=-1) ** (1 / u.shape[-1])
    return np.divide(geometric, mean, out=np.where(np.isnan(mean), np.nan, 0.0), where=mean > 0)


def _wang(u: Floats) -> Floats:
    n = u.shape[-1]
    # Σ_{i>j}|U_i − U_j| from the sorted levels: the k-th smallest enters with 2k − n − 1.
    gaps = np.sort(u, axis=-1) @ (2 * np.arange(1, n + 1) - n - 1)
    largest = u.max(axis=-1, keepdims=True)
    ratio = np.divide(u, largest, out=np.zeros_like(u), where=largest > 0)
    closeness = np.prod(ratio, axis=-1) ** (1 / (n - 1))
    return np.sqrt((1 - gaps / (n * (n - 1) / 2)) * closeness)


def _fan(u: Floats) -> Floats:
    n = u.shape[-1]
    spread = n * np.sum(u**2, axis=-1) - np.sum(u, axis=-1) ** 2
    return np.maximum(1 - 2 * np.sqrt(np.maximum(spread, 0) / n**2), 0)
