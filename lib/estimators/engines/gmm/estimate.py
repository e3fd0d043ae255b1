"""Difference GMM (Arellano & Bond 1991) and system GMM (Blundell & Bond 1998), in one and two steps.

With Q = Σ Z_i'X_i and q = Σ Z_i'y_i,

    b1 = (Q'A1 Q)⁻¹ Q'A1 q,  A1 = (Σ Z_i'H Z_i)⁻¹;   b2 the same with A2 = (Σ Z_i'û_i û_i'Z_i)⁻¹, û of b1.

Two-step standard errors are corrected for the estimated A2 (Windmeijer 2005, eq. 2.24 in its notation for linear models).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from estimators.engines.gmm.equations import Equations, equations
from estimators.engines.gmm.grid import Array, Grid, term
from estimators.engines.gmm.instruments import Instruments, Lags, Where, instruments
from estimators.engines.gmm.result import Gmm, Test
from estimators.errors import EffectsError
from estimators.language import listed, said

H = Literal["full", "blocks", "identity"]
ArForm = Literal["corrected", "corrected_throughout", "uncorrected"]


def dynamic_panel(
    data: pd.DataFrame,
    outcome: str,
    regressors: Sequence[str],
    gmm: Mapping[str, Lags],
    iv: Sequence[str] = (),
    unit: str = "firm_id",
    time: str = "year",
    system: bool = False,
    steps: Literal[1, 2] = 2,
    collapse: bool = False,
    time_effects: bool = True,
    h: H = "full",
    iv_where: Where = "both",
    time_where: Where = "level",
    ar_vcov: ArForm = "corrected",
    orders: Sequence[int] = (1, 2),
) -> Gmm:
    """Estimate a dynamic panel.

    Parameters
    ----------
    data : DataFrame
        Long panel, gaps and unequal spans allowed.
    outcome : str
    regressors : sequence of str
        Terms such as ``"L1.n"`` (the outcome a period before), ``"w"``, ``"L2.k"``.
    gmm : mapping of str to (first, last)
        Column: lags that are instruments; (2, None) for a predetermined outcome's, (1, None) for predetermined
        regressors.
    iv : sequence of str
        Terms that are their own instruments.
    unit, time : str
        Keys; the time key counts in whole numbers.
    system : bool
        Add the equations in levels, with a constant.
    steps : {1, 2}
    collapse : bool
        One instrument for each lag, not for each period and lag.
    time_effects : bool
        Effects of periods, which are their own instruments.
    h : {"full", "blocks", "identity"}
        H of step one. Differences have DD' (2 on the diagonal, −1 beside it) but for "identity". Between differences
        and levels of a system "full" puts D and D' (xtabond2's h(3), plm's "full"), "blocks" zeros (xtabond2's h(2),
        plm's "GI").
    iv_where, time_where : {"both", "separate", "difference", "level"}
        Equations of a system in which ordinary instruments and time effects stand. One instrument over both is the
        default of xtabond2's iv(); plm puts time effects into levels and makes ordinary instruments "separate".
    ar_vcov : {"corrected", "corrected_throughout", "uncorrected"}
        Where the test for serial correlation after two steps uses Windmeijer's covariance: in its last term (xtabond2,
        pydynpd), also in its middle term (printed by plm), or nowhere (Arellano & Bond 1991).
    orders : sequence of int
        Orders of serial correlation to test.

    Returns
    -------
    Gmm

    Raises
    ------
    EffectsError
        For unknown columns, repeated keys, no usable equation, fewer instruments than parameters, or collinear
        regressors.
    """
    terms, own = [term(r) for r in regressors], [term(r) for r in iv]
    columns = [outcome, *(t.column for t in [*terms, *own]), *gmm]
    grid = Grid(data, columns, unit, time)
    eq = equations(grid, term(outcome), terms, system, time_effects)
    z = instruments(grid, eq, gmm, own, collapse, iv_where, time_where)
    fit = _fit(eq, z, h)
    return _result(eq, z, fit, steps, system, ar_vcov, orders)


class _Step(NamedTuple):
    b: Array
    root: Array  # of the weights, (L, rank): a = root root'
    a: Array  # weights
    bread: Array  # (Q'AQ)⁻¹
    u: Array  # residuals, (N, R)
    m: Array  # Z_i'u_i, (N, L)
    vcov: Array  # robust; corrected in two steps


class _Fit(NamedTuple):
    one: _Step
    two: _Step
    q: Array
    sigma2: float
    singular: bool


def _fit(eq: Equations, z: Instruments, h: H) -> _Fit:
    k, count = eq.x.shape[2], len(z.names)
    if count < k:
        raise EffectsError(said("engines.gmm.few_instruments", count=count, k=k))
    both = z.with_rows(np.concatenate([eq.x, eq.y[:, :, None]], axis=2))
    q, qy = both[:, :k], both[:, k]
    root1 = _root(z.cross(_first_weights(eq, h)))
    one = _step(eq, z, q, qy, root1)
    omega = one.m.T @ one.m
    one = one._replace(vcov=_sandwich(one, q, omega))
    root2 = _root(omega)
    two = _step(eq, z, q, qy, root2)
    two = two._replace(vcov=_windmeijer(eq, z, q, one, two))
    change = one.u[:, ~eq.level]
    # DD' has 2 on its diagonal, so that the differenced residuals have twice the variance of the errors.
    sigma2 = float((change**2).sum() / (2 if h != "identity" else 1) / (eq.used[:, ~eq.level].sum() - k))
    return _Fit(one, two, q, sigma2, min(root1.shape[1], root2.shape[1]) < count)


def _first_weights(eq: Equations, h: H) -> Array:
    """H over the stacked rows."""
    if h == "identity":
        return np.eye(len(eq.period))
    last = int(eq.period.max())
    levels = np.eye(last + 1)
    changes = levels - np.eye(last + 1, k=-1)
    rows = np.where(eq.level[:, None], levels[eq.period], changes[eq.period])
    out: Array = rows @ rows.T
    if h == "blocks":
        out[eq.level[:, None] != eq.level] = 0.0
    return out


def _root(matrix: Array) -> Array:
    """R with R R' the inverse, or where the matrix is singular a generalised one; shape (L, rank).

    The matrix is scaled to a unit diagonal first, so that its rank does not depend on units.
    """
    scale = np.sqrt(np.diag(matrix))
    scale = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
    good = values > values.max() * 1e-12
    out: Array = vectors[:, good] / np.sqrt(values[good]) / scale[:, None]
    return out


def _step(eq: Equations, z: Instruments, q: Array, qy: Array, root: Array) -> _Step:
    """Least squares of R'qy on R'q, by singular values of the columns and not their squares: a large mean is no collinearity."""
    tall = root.T @ q
    size = np.sqrt((tall**2).sum(axis=0))
    u, s, v = np.linalg.svd(tall / np.where(size > 0, size, 1.0), full_matrices=False)
    if len(s) < q.shape[1] or s[-1] <= 1e-9 * s[0]:
        raise EffectsError(said("engines.gmm.collinear", names=listed(eq.names)))
    back = v.T / s / size[:, None]
    b = back @ (u.T @ (root.T @ qy))
    residual = eq.y - eq.x @ b
    bread = back @ back.T
    return _Step(b, root, root @ root.T, bread, residual, z.moments(residual), bread)


def _sandwich(step: _Step, q: Array, omega: Array) -> Array:
    left = step.bread @ q.T @ step.a
    out: Array = left @ omega @ left.T
    return out


def _windmeijer(eq: Equations, z: Instruments, q: Array, one: _Step, two: _Step) -> Array:
    """V = V2 + D V2 + V2 D' + D V1 D', column k of D being −V2 Q'A2 (∂Ω/∂b_k) A2 Σ Z_i'û_i."""
    right = two.a @ two.m.sum(axis=0)
    # ∂Ω/∂b_k = −Σ (Z_i'x_ik û_i'Z_i + Z_i'û_i x_ik'Z_i), applied to the vector `right` for all k at once
    first = z.with_rows(eq.x * (one.m @ right)[:, None, None])
    second = one.m.T @ np.einsum("ir,irk->ik", z.on_rows(right, eq.x.shape[1]), eq.x)
    d = two.bread @ q.T @ two.a @ (first + second)
    v2 = two.bread
    out: Array = v2 + d @ v2 + v2 @ d.T + d @ one.vcov @ d.T
    return out


def _result(
    eq: Equations,
    z: Instruments,
    fit: _Fit,
    steps: Literal[1, 2],
    system: bool,
    ar_vcov: ArForm,
    orders: Sequence[int],
) -> Gmm:
    step = fit.one if steps == 1 else fit.two
    plain = fit.sigma2 * step.bread if steps == 1 else step.bread
    middle = step.vcov if steps == 2 and ar_vcov == "corrected_throughout" else step.bread
    last = step.bread if steps == 2 and ar_vcov == "uncorrected" else step.vcov
    free = fit.one.root.shape[1] - len(step.b)
    g1, g2 = fit.one.m.sum(axis=0), fit.two.m.sum(axis=0)
    return Gmm(
        names=eq.names,
        estimate=step.b,
        std_error=np.sqrt(np.diag(step.vcov)),
        std_error_plain=np.sqrt(np.diag(plain)),
        vcov=step.vcov,
        steps=steps,
        system=system,
        n=int(eq.used[:, eq.level].sum() if system else eq.used.sum()),
        units=int(eq.used.any(axis=1).sum()),
        instruments=len(z.names),
        singular_weights=fit.singular,
        ar={order: _serial(eq, fit.q, step, (middle, last), order) for order in orders},
        sargan=_chi2(float(g1 @ fit.one.a @ g1) / fit.sigma2, free),
        hansen=_chi2(float(g2 @ fit.two.a @ g2), free),
    )


def _serial(eq: Equations, q: Array, step: _Step, vcov: tuple[Array, Array], order: int) -> Test:
    """Arellano & Bond (1991, eq. 8): m = Σ s_i / √(Σ s_i² − 2 e'B Q'A Σ Z_i'û_i s_i + e'V e)."""
    from scipy.stats import norm

    rows = np.flatnonzero(~eq.level)
    place = {int(eq.period[r]): r for r in rows}
    pairs = [(r, place[t - order]) for t, r in place.items() if t - order in place]
    if not pairs:
        return Test(float("nan"), 0, float("nan"))
    now, before = (np.array(side) for side in zip(*pairs, strict=True))
    s = (step.u[:, now] * step.u[:, before]).sum(axis=1)
    e = np.einsum("ir,irk->k", step.u[:, before], eq.x[:, now])
    cross = e @ vcov[0] @ q.T @ step.a @ (step.m.T @ s)
    variance = s @ s - 2 * cross + e @ vcov[1] @ e
    value = float(s.sum() / np.sqrt(variance)) if variance > 0 else float("nan")
    return Test(value, 0, float(2 * norm.sf(abs(value))))


def _chi2(statistic: float, freedom: int) -> Test:
    from scipy.stats import chi2

    return Test(statistic, freedom, float(chi2.sf(statistic, freedom)) if freedom > 0 else float("nan"))
