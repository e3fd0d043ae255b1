"""Wooldridge (2009, Economics Letters 104): the two stages as two linear equations with instruments of their own.

    y_t = β l_t + c(k_t, m_t) + ε_t                           instruments  l_t, c_t
    y_t = β l_t + γ k_t + d(k_{t−1}, m_{t−1}) + ξ_t + ε_t      instruments  l_{t−1}, k_t, d_{t−1}

c and d are polynomials; d stands for g(ω_{t−1}). "second" estimates the second equation alone by instrumental
variables; "both" the system by two-step GMM with weights clustered by firm. With gross output, m_t enters the second
equation and m_{t−2} is its instrument, since m_{t−1} is in d.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from estimators.language import said
from estimators.production.choices import Choices, Estimator, Fit
from estimators.production.errors import TooFewError
from estimators.production.methods.algebra import cross, monomials, orthonormal, standardise, times
from estimators.production.methods.direct import all_inputs, centred
from estimators.production.sample import Bools, Floats, Ints, Sample


@dataclass(frozen=True)
class _Stack:
    """Rows of the equations: outcome (m,), regressors (m, p), instruments (m, q); the first columns are the inputs'."""

    y: Floats
    x: Floats
    z: Floats
    row: Ints  # of the sample


def wooldridge(sample: Sample, choices: Choices) -> Estimator:
    """Estimator by linear instrumental variables."""
    rows = sample.has_proxy
    if not rows.any():
        raise TooFewError(said("production.no_proxy"))
    made = orthonormal(
        monomials(np.hstack([sample.state, sample.proxy, sample.demand])[rows], choices.degree)
    )
    basis = np.full((len(sample.y), made.shape[1]), np.nan)
    basis[rows] = made
    second = _second(sample, choices, basis)
    stack = _both(sample, second, basis, rows) if choices.equations == "both" else second
    inputs = all_inputs(sample, choices).shape[1]
    used = np.zeros(len(sample.y), dtype=bool)
    used[second.row] = True

    def fit(weight: Floats, start: Floats | None) -> Fit:
        beta, objective = _gmm(stack, weight[stack.row], sample.firm[stack.row])
        return Fit(beta[:inputs], None, None, math.nan, math.nan, objective, True, used)

    return fit


def _second(sample: Sample, choices: Choices, basis: Floats) -> _Stack:
    inputs = centred(all_inputs(sample, choices))
    free, given = sample.free.shape[1], sample.free.shape[1] + sample.state.shape[1]
    known = inputs.copy()
    known[:, :free] = _back(sample, inputs[:, :free], 1)
    known[:, given:] = _back(sample, inputs[:, given:], 2)
    past = _back(sample, basis, 1)
    ok = ~np.isnan(np.hstack([inputs, known, past])).any(axis=1)
    row = np.flatnonzero(ok)
    p = inputs.shape[1] + sample.controls.shape[1] + basis.shape[1]
    if len(row) < p + 20:
        raise TooFewError(said("production.few_lags", count=len(row), least=p + 20))
    rest = np.hstack([standardise(sample.controls[row]), past[row]])
    return _Stack(sample.y[row], np.hstack([inputs[row], rest]), np.hstack([known[row], rest]), row)


def _both(sample: Sample, second: _Stack, basis: Floats, rows: Bools) -> _Stack:
    """Both equations, the free inputs' coefficients shared; columns of the first stand last."""
    row = np.flatnonzero(rows)
    rest = np.hstack([standardise(sample.controls[row]), basis[row]])
    free = sample.free.shape[1]
    upper = np.zeros((len(row), second.x.shape[1]))
    upper[:, :free] = centred(sample.free)[row]
    x = np.vstack([np.hstack([second.x, np.zeros((len(second.y), rest.shape[1]))]), np.hstack([upper, rest])])
    own = np.hstack([centred(sample.free)[row], rest])
    z = np.zeros((len(x), second.z.shape[1] + own.shape[1]))
    z[: len(second.y), : second.z.shape[1]] = second.z
    z[len(second.y) :, second.z.shape[1] :] = own
    return _Stack(np.concatenate([second.y, sample.y[row]]), x, z, np.concatenate([second.row, row]))


def _gmm(stack: _Stack, weight: Floats, firm: Ints) -> tuple[Floats, float]:
    """Coefficients and Hansen's statistic (0 where exactly identified)."""
    wz = stack.z * weight[:, None]
    zx, zy, zz = cross(wz, stack.x), cross(wz, stack.y), cross(wz, stack.z)
    beta = _solve(zx, zy, zz)
    if stack.z.shape[1] == stack.x.shape[1]:
        return beta, 0.0
    scores = np.zeros((int(firm.max()) + 1, stack.z.shape[1]))
    np.add.at(scores, firm, stack.z * (stack.y - times(stack.x, beta))[:, None])
    count = np.zeros(len(scores))
    count[firm] = weight  # one weight a firm
    spread = cross(scores * count[:, None], scores)
    beta = _solve(zx, zy, spread)
    moment = zy - zx @ beta
    return beta, float(moment @ np.linalg.pinv(spread, rcond=1e-12, hermitian=True) @ moment)


def _solve(zx: Floats, zy: Floats, spread: Floats) -> Floats:
    inverse = np.linalg.pinv(spread, rcond=1e-12, hermitian=True)
    return np.asarray(np.linalg.lstsq(zx.T @ inverse @ zx, zx.T @ inverse @ zy, rcond=1e-13)[0], dtype=float)


def _back(sample: Sample, x: Floats, years: int) -> Floats:
    """Values some years earlier, NaN where a year between is missing."""
    for _ in range(years):
        x = np.where(sample.lag[:, None] >= 0, x[np.maximum(sample.lag, 0)], np.nan)
    return x
