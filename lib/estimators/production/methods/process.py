"""The second stage: parameters at which the innovation of productivity is unrelated to what was known before it.

    ω_t = g(ω_{t−1}, P̂_t, D_{t−1}) + ξ_t,      E[z_t ξ_t] = 0

g is a polynomial of total degree d in ω_{t−1} and, with an exit correction, in the survival probability P̂ (Olley &
Pakes 1996); with a policy, D·ω^j for j < d are added (De Loecker 2013), so that a change in productivity which
follows the policy is not taken for an innovation. For trial parameters θ, ω = φ − Xθ; g is concentrated out by least
squares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estimators.production.methods.algebra import Root, cross, least_squares, minimise, solve_small, times
from estimators.production.sample import Floats


@dataclass(frozen=True)
class Process:
    """Firm-years with a year before them (m rows).

    Attributes
    ----------
    now, before : (m,) φ, output net of noise and of what the first stage has estimated, this year and last
    observed : (m,) the same with the noise, this year
    x, x_before : (m, p) regressors of the parameters
    z : (m, q) instruments, q ≥ p
    survival, policy : (m,) or None
    weight : (m,) how often a row's firm was drawn
    degree : of the polynomial g
    """

    now: Floats
    before: Floats
    observed: Floats
    x: Floats
    x_before: Floats
    z: Floats
    survival: Floats | None
    policy: Floats | None
    weight: Floats
    degree: int

    def bases(self) -> list[tuple[int, Floats, bool]]:
        """Columns of g as (power of ω, factor, whether the policy is in it)."""
        one = np.ones(len(self.now))
        made = [(a, one, False) for a in range(self.degree + 1)]
        if self.survival is not None:
            made += [
                (a, self.survival**b, False)
                for b in range(1, self.degree + 1)
                for a in range(self.degree + 1 - b)
            ]
        if self.policy is not None:
            made += [(a, self.policy, True) for a in range(self.degree)]
        return made


@dataclass(frozen=True)
class Innovation:
    """g and ξ at given parameters: columns (m, c) of g, their slopes in ω, coefficients (c,), ξ (m,)."""

    columns: Floats
    slopes: Floats
    coefficients: Floats
    xi: Floats


def innovation(process: Process, theta: Floats) -> Innovation:
    """Concentrate g out at given parameters."""
    omega = process.now - times(process.x, theta)
    before = process.before - times(process.x_before, theta)
    # Centring and scaling leave the space that the columns span, and so ξ, as they are.
    centre = np.average(before, weights=process.weight)
    scale = np.sqrt(np.average((before - centre) ** 2, weights=process.weight)) or 1.0
    v = (before - centre) / scale
    powers = [np.ones_like(v)]
    for _ in range(process.degree):
        powers.append(powers[-1] * v)
    bases = process.bases()
    columns = np.column_stack([powers[a] * factor for a, factor, _ in bases])
    slopes = np.column_stack([a * powers[max(a - 1, 0)] * factor / scale for a, factor, _ in bases])
    coefficients = least_squares(columns, omega, process.weight)
    return Innovation(columns, slopes, coefficients, omega - times(columns, coefficients))


def moments(process: Process, theta: Floats, root: Floats) -> tuple[Floats, Floats]:
    """Moments rootᵀ Zᵀ ξ (q,) and their exact derivatives (q, p).

    With M the projection off the columns G of g and c their coefficients, ξ = Mω and
    dξ = M (dω − dG c) − G (GᵀG)⁻¹ dGᵀ ξ.
    """
    at = innovation(process, theta)
    w = process.weight
    wz = process.z * w[:, None]
    wg = at.columns * w[:, None]
    gram = cross(wg, at.columns)
    projected = solve_small(gram, cross(wg, process.z))  # (c, q)
    z_free = (process.z - times(at.columns, projected)) * w[:, None]
    # ω falls by x, the argument of g by x_before, for each unit of the parameter.
    along = -process.x + times(at.slopes, at.coefficients)[:, None] * process.x_before
    turn = cross(at.slopes * (w * at.xi)[:, None], process.x_before)  # −dGᵀ W ξ, (c, p)
    derivative = cross(z_free, along) + projected.T @ turn
    return root.T @ cross(wz, at.xi), root.T @ derivative


def solve(process: Process, start: Floats, limit: int = 200, tolerance: float = 1e-8) -> Root:
    """Minimise ξᵀZ (ZᵀZ)⁻¹ Zᵀξ / Σw; zero at a solution where instruments are as many as parameters."""
    total = process.weight.sum()
    gram = cross(process.z * process.weight[:, None], process.z)
    root = _inverse_root(gram) / np.sqrt(total)
    return minimise(lambda theta: moments(process, theta, root), start, limit, tolerance)


def residuals(process: Process, theta: Floats) -> tuple[Floats, Floats]:
    """Output less inputs and expected productivity (m,), weighted, and its exact derivatives (m, p).

    e = y − Xθ − G c with c the coefficients of ω = φ − Xθ on G, as in Petrin, Poi & Levinsohn (2004, Stata Journal 4).
    """
    at, w = innovation(process, theta), process.weight
    along = -process.x + times(at.slopes, at.coefficients)[:, None] * process.x_before
    turn = -cross(at.slopes * (w * at.xi)[:, None], process.x_before)
    wg = at.columns * w[:, None]
    bend = solve_small(cross(wg, at.columns), turn + cross(wg, along))
    e = process.observed - times(process.x, theta) - times(at.columns, at.coefficients)
    root = np.sqrt(w)
    return root * e, root[:, None] * (along - times(at.columns, bend))


def solve_by_least_squares(process: Process, start: Floats) -> Root:
    """Minimise the mean square of `residuals`: all parameters belong to inputs that the innovation cannot move."""
    total = np.sqrt(process.weight.sum())

    def scaled(theta: Floats) -> tuple[Floats, Floats]:
        e, slopes = residuals(process, theta)
        return e / total, slopes / total

    return minimise(scaled, start)


def _inverse_root(gram: Floats) -> Floats:
    """Matrix whose product with its transpose is the inverse; directions without variance are left out."""
    scale = np.sqrt(np.diag(gram))
    scale[scale == 0] = 1.0
    values, vectors = np.linalg.eigh(gram / np.outer(scale, scale))
    kept = values > 1e-12 * values[-1]
    found: Floats = (vectors[:, kept] / np.sqrt(values[kept])) / scale[:, None]
    return found
