"""Coupling and coordination of n systems.

C is the coupling degree, T = Σ α U the level, D = √(C·T) the coupling coordination degree. With equal weights
the standard D is (ΠU)^(1/2n), the root of the geometric mean: C then says nothing that the U do not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class CouplingError(ValueError):
    """Levels or weights under which coupling is not defined."""


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
        raise CouplingError(f"form is '{form}'; allowed: {', '.join(forms)}")
    return forms[form](levels)


def level(u: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Comprehensive level T = Σ α U; equal weights by default.

    Raises
    ------
    CouplingError
        When weights are negative, do not sum to one, or are not as many as the systems.
    """
    levels = _levels(u)
    n = levels.shape[-1]
    alpha = np.full(n, 1 / n) if weights is None else np.asarray(weights, dtype=float)
    if alpha.shape != (n,) or np.any(alpha < 0) or abs(alpha.sum() - 1) > 1e-9:
        raise CouplingError(f"weights must be {n} numbers ≥ 0 with sum 1, found {alpha.tolist()}")
    return levels @ alpha


def coordination(u: ArrayLike, form: str = "standard", weights: ArrayLike | None = None) -> Floats:
    """Coupling coordination degree D = √(C·T), shape (...)."""
    return np.sqrt(coupling(u, form) * level(u, weights))


def _levels(u: ArrayLike) -> Floats:
    levels = np.asarray(u, dtype=float)
    if levels.ndim == 0 or levels.shape[-1] < 2:
        raise CouplingError("coupling needs at least two systems, in the last dimension")
    if np.nanmin(levels, initial=0) < 0 or np.nanmax(levels, initial=1) > 1:
        raise CouplingError("levels must lie in [0, 1]; normalise first")
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
