"""Polynomials and weighted least squares that stay stable when they are repeated for each bootstrap draw."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np

from estimators.production.sample import Floats


def monomials(x: Floats, degree: int) -> Floats:
    """All products of the columns of x with total degree 1 … degree, (n, count), after standardising x.

    With a constant beside them, they span the same space as the products of x itself; standardised they are far less
    collinear.
    """
    x = standardise(x)
    columns = range(x.shape[1])
    made = [
        x[:, list(chosen)].prod(axis=1)
        for d in range(1, degree + 1)
        for chosen in combinations_with_replacement(columns, d)
    ]
    return np.column_stack(made) if made else np.empty((len(x), 0))


def standardise(x: Floats) -> Floats:
    """Columns less their mean, over their standard deviation (over 1 where that is 0)."""
    return (x - x.mean(axis=0)) / spread(x)


def spread(x: Floats) -> Floats:
    """Standard deviation of each column, 1 where it is 0."""
    sd = x.std(axis=0)
    return np.where(sd > 0, sd, 1.0)


def orthonormal(x: Floats) -> Floats:
    """Orthonormal columns, scaled to mean square 1, that span the constant and the columns of x.

    Directions whose singular value is below 1e-10 of the largest are dropped, so that collinear columns do no harm.
    """
    u, s, _ = np.linalg.svd(np.column_stack([np.ones(len(x)), standardise(x)]), full_matrices=False)
    found: Floats = u[:, s > 1e-10 * s[0]] * np.sqrt(len(x))
    return found


# Work of one product that BLAS does on one thread. Threads that wait for each other made a bootstrap on a busy machine
# ten times as slow; tall tables are therefore multiplied block by block.
MATRIX_WORK, VECTOR_WORK = 200_000, 8_000


def cross(a: Floats, b: Floats) -> Floats:
    """aᵀb of tall tables (m, p) and (m, q) or (m,): (p, q) or (p,)."""
    wide = b[:, None] if b.ndim == 1 else b
    if not a.shape[1] or not wide.shape[1]:
        return a.T @ b
    size = _block(a.shape[1], wide.shape[1])
    whole = len(a) // size * size
    parts = a[:whole].reshape(-1, size, a.shape[1]).transpose(0, 2, 1)
    found = (parts @ wide[:whole].reshape(-1, size, wide.shape[1])).sum(axis=0) + a[whole:].T @ wide[whole:]
    return np.asarray(found[:, 0] if b.ndim == 1 else found)


def times(a: Floats, b: Floats) -> Floats:
    """ab of a tall table (m, p) and a small one (p, q) or (p,): (m, q) or (m,)."""
    wide = b[:, None] if b.ndim == 1 else b
    if not a.shape[1] or not wide.shape[1]:
        return a @ b
    size = _block(a.shape[1], wide.shape[1])
    whole = len(a) // size * size
    upper = (a[:whole].reshape(-1, size, a.shape[1]) @ wide).reshape(whole, wide.shape[1])
    found = np.concatenate([upper, a[whole:] @ wide])
    return np.asarray(found[:, 0] if b.ndim == 1 else found)


def square(r: Floats) -> float:
    """Sum of squares, without the threads of a long scalar product."""
    return float(np.einsum("i,i", r, r))


def _block(p: int, q: int) -> int:
    return max(1, (MATRIX_WORK if q > 1 else VECTOR_WORK) // max(p * q, 1))


def solve_small(gram: Floats, right: Floats) -> Floats:
    """Solution of gram·x = right, the shortest where gram (p, p) is singular."""
    return np.asarray(np.linalg.lstsq(gram, right, rcond=1e-13)[0], dtype=float)


def least_squares(x: Floats, y: Floats, weight: Floats | None = None) -> Floats:
    """Coefficients of y (n,) or (n, k) on x (n, p) with weights (n,); the shortest where x is collinear."""
    weighted = x if weight is None else x * weight[:, None]
    return solve_small(cross(weighted, x), cross(weighted, y))


# Elasticities are of the order of 1: a longer step would leap out of the basin of the start into another solution's.
LONGEST_STEP = 0.1


class Root(NamedTuple):
    """Where a minimisation ended."""

    theta: Floats
    objective: float
    converged: bool
    iterations: int


def minimise(
    residuals: Callable[[Floats], tuple[Floats, Floats]],
    start: Floats,
    limit: int = 200,
    tolerance: float = 1e-10,
) -> Root:
    """Least squares of a vector function by Levenberg–Marquardt.

    Parameters
    ----------
    residuals : function
        theta (p,) → residuals (m,) and their derivatives (m, p).
    start : (p,)
    limit : int
        Most evaluations.
    tolerance : float
        A step shorter than this, relative to 1 + |theta|, ends the search.
    """
    theta, damping = np.asarray(start, dtype=float), 1e-4
    r, jacobian = residuals(theta)
    value = square(r)
    for iteration in range(1, limit + 1):
        hessian, slope = cross(jacobian, jacobian), cross(jacobian, r)
        scale = np.diag(hessian).copy()
        scale[scale == 0] = 1.0
        step = -np.linalg.lstsq(hessian + damping * np.diag(scale), slope, rcond=None)[0]
        step *= min(1.0, LONGEST_STEP / max(float(np.max(np.abs(step))), 1e-300))
        new_r, new_jacobian = residuals(theta + step)
        new = square(new_r)
        if np.isfinite(new) and new <= value:
            theta, r, jacobian, value, damping = theta + step, new_r, new_jacobian, new, damping / 10
        else:
            damping *= 10
        if np.max(np.abs(step) / (1 + np.abs(theta))) < tolerance:
            return Root(theta, value, True, iteration)
    return Root(theta, value, False, limit)
