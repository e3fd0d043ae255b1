"""Weights from pairwise judgements: the analytic hierarchy process, with its consistency ratio."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fusion.composite.errors import CompositeError

Floats = NDArray[np.float64]

# Random index by size 1 … 15, Saaty's values as the R package AHPWR 0.1.0 has them (function CR).
RANDOM_INDEX = (0, 0, 0.58, 0.9, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51, 1.48, 1.56, 1.57, 1.59)


@dataclass(frozen=True)
class Judgement:
    """Weights (sum 1), largest eigenvalue, consistency index (λ − n)/(n − 1) and ratio CI/RI of judgements."""

    weights: Floats
    largest: float
    index: float
    ratio: float


def ahp(matrix: ArrayLike, limit: float = 0.1) -> Judgement:
    """Weights of a pairwise comparison matrix by its principal eigenvector.

    Parameters
    ----------
    matrix : array_like, shape (n, n)
        a_ij says how many times i is more important than j; a_ji = 1/a_ij.
    limit : float
        Largest consistency ratio that is accepted, by convention 0.1; ``inf`` accepts all.

    Raises
    ------
    CompositeError
        When the matrix is not positive and reciprocal, larger than 15, or its judgements contradict each other.
    """
    a = np.asarray(matrix, dtype=float)
    n = a.shape[0]
    if a.shape != (n, n) or n > len(RANDOM_INDEX):
        raise CompositeError(f"ahp: the matrix is {a.shape}; allowed: square, at most {len(RANDOM_INDEX)}")
    # A reciprocal printed to three decimals (0.333) is meant.
    if np.any(a <= 0) or not np.allclose(a * a.T, 1, atol=5e-3):
        i, j = np.unravel_index(np.argmax(np.abs(a * a.T - 1)), a.shape)
        raise CompositeError(
            f"ahp: a[{i},{j}]·a[{j},{i}] = {a[i, j] * a[j, i]:.3f}; judgements need a_ji = 1/a_ij > 0"
        )
    values, vectors = np.linalg.eig(a)
    top = int(np.argmax(values.real))
    w = np.abs(vectors[:, top].real)
    largest = float(values[top].real)
    index = (largest - n) / (n - 1) if n > 1 else 0.0
    ratio = index / RANDOM_INDEX[n - 1] if n > 2 else 0.0
    if ratio > limit:
        raise CompositeError(
            f"ahp: consistency ratio {ratio:.3f} is above {limit}; the judgements contradict each other, revise them"
        )
    return Judgement(w / w.sum(), largest, index, ratio)
