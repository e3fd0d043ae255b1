"""How far parallel trends may fail before the conclusion does (Rambachan & Roth 2023, Review of Economic Studies 90).

Event-study coefficients estimate τ + δ: the effect plus the difference in trends, δ zero at the base period. Under
*relative magnitudes* no change of δ after the start exceeds M times the largest change before it; confidence sets are
the conditional–least-favourable hybrid for moment inequalities (Andrews, Roth & Pakes 2023, Review of Economic
Studies 90). Under *smoothness* the slope of δ changes by at most M a year; intervals are the shortest of fixed length.
diff-diff 3.13 has no such sets for the first (it takes the largest change before the start as known); for the second it
finds the same intervals, from results of its own estimators alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from estimators.errors import EffectsError
from estimators.language import said

Floats = NDArray[np.floating[Any]]
GRID = 201
# Draws for the least-favourable critical value: the reference implementation takes 1000 as well.
DRAWS = 1000


@dataclass(frozen=True)
class _Moments:
    """E[Y − θ a − X ν] ≤ 0, reduced to the vertices of the dual: rows of ``vertices`` are γ ≥ 0, X′γ = 0, σ′γ = 1."""

    y: Floats
    a: Floats
    sigma: Floats
    vertices: Floats
    least_favourable: float


def relative_magnitudes(
    estimate: pd.Series,
    covariance: pd.DataFrame,
    grid: Sequence[float],
    base: int = -1,
    size: float = 0.05,
    seed: int = 0,
    weights: pd.Series | None = None,
) -> pd.DataFrame:
    """Confidence sets for a weighted mean of the effects at the event times after the base, for each M.

    Parameters
    ----------
    estimate, covariance : Series, DataFrame
        Coefficients by event time against one base, which is left out, without gaps; their joint covariance.
    grid : sequence of float
        Values of M, multiples of the largest change before the start.
    size, seed : float, int
        1 − size is the coverage; seed of the least-favourable critical value.
    weights : Series, index event_time, optional
        Of the effects in the mean, adding up to 1; none: equal. Event times that it lacks count 0.

    Returns
    -------
    DataFrame
        m, ci_low, ci_high; infinite where the set reaches past 20 standard errors beyond what violations can add up to.

    Raises
    ------
    EffectsError
        When event times have gaps, or there are no leads or no lags.
    """
    before, after = _checked(estimate, base)
    b, v = estimate.to_numpy(float), covariance.to_numpy(float)
    mean = _mean(estimate, before, weights)
    # What the largest change seen before the start would add up to: as far as a set may reach without any noise.
    largest = np.abs(np.diff(np.r_[b[:before], 0.0])).max()
    far = float(largest * (mean @ (estimate.index[before:].to_numpy(float) - base)))
    noise = np.random.default_rng(seed).multivariate_normal(np.zeros(len(b)), v, DRAWS)
    rows = []
    for m in grid:
        parts = (_moments(b, v, mean, a, noise, size) for a in _classes(before, after, m))
        sets = [_interval(part, float(mean @ b[before:]), size, m * far) for part in parts]
        found = [s for s in sets if s is not None]
        low, high = (min(s[0] for s in found), max(s[1] for s in found)) if found else (np.nan, np.nan)
        rows.append({"m": float(m), "ci_low": low, "ci_high": high})
    return pd.DataFrame(rows)


def smoothness(
    estimate: pd.Series,
    covariance: pd.DataFrame,
    grid: Sequence[float],
    base: int = -1,
    size: float = 0.05,
    weights: pd.Series | None = None,
) -> pd.DataFrame:
    """Shortest fixed-length intervals for a weighted mean of the effects after the base, for each M.

    The estimator is a′b with a the mean's weights on the event times after the base and weights chosen on the leads. With κ_t the
    change of slope at t, δ = s(t − base) + Σ_t κ_t B_t; the bias is finite only if a′(t − base) = 0, and then at most
    M Σ_t |a′B_t|. Half the length is cv(bias/sd)·sd, cv(x) the 1 − size quantile of |N(x, 1)|; it is convex in a.

    Parameters and errors as in `relative_magnitudes`; M in outcome units a year.

    Returns
    -------
    DataFrame
        m, ci_low, ci_high.
    """
    before, _ = _checked(estimate, base)
    b, v = estimate.to_numpy(float), covariance.to_numpy(float)
    distance = estimate.index.to_numpy(float) - base
    mean = _mean(estimate, before, weights)
    rows = []
    for m in grid:
        a = np.r_[_lead_weights(v, distance, mean, float(m), size), mean]
        bias = float(m) * np.abs(_bends(distance, before) @ a).sum()
        half = _half_length(bias, float(np.sqrt(a @ v @ a)), size)
        rows.append({"m": float(m), "ci_low": float(a @ b - half), "ci_high": float(a @ b + half)})
    return pd.DataFrame(rows)


def _bends(distance: Floats, before: int) -> Floats:
    """δ for a unit change of slope at each inner event time, (inner times, coefficients); δ is flat near the base."""
    leads = [np.maximum(at - distance, 0) * (distance < 0) for at in distance[1:before]]
    lags = [np.maximum(distance - at, 0) for at in (0.0, *distance[before:-1])]
    return np.array([*leads, *lags])


def _mean(estimate: pd.Series, before: int, weights: pd.Series | None) -> Floats:
    """Weights of the event times after the base."""
    times = estimate.index[before:]
    if weights is None:
        return np.full(len(times), 1 / len(times))
    found = weights.reindex(times, fill_value=0.0).to_numpy(float)
    if not np.isclose(found.sum(), 1):
        raise EffectsError(said("effects.weights_beyond", total=f"{found.sum():.3f}", last=int(times[-1])))
    return found


def _lead_weights(v: Floats, distance: Floats, lags: Floats, m: float, size: float) -> Floats:
    """Weights on the leads that make the interval shortest; epigraph form, so that the problem is smooth."""
    from scipy.optimize import minimize

    before = len(distance) - len(lags)
    bends = _bends(distance, before)
    k, rest = len(bends), bends[:, before:] @ lags
    scale = float(np.sqrt(lags @ v[before:, before:] @ lags))

    def length(x: Floats) -> float:
        a = np.r_[x[:before], lags]
        return _half_length(m * x[before:].sum() / scale, float(np.sqrt(a @ v @ a)) / scale, size)

    line = np.r_[distance[:before], np.zeros(k)]
    up = np.hstack([bends[:, :before], np.eye(k)])
    down = np.hstack([-bends[:, :before], np.eye(k)])
    rules = [
        {"type": "eq", "fun": lambda x: line @ x + distance[before:] @ lags, "jac": lambda x: line},
        {"type": "ineq", "fun": lambda x: up @ x + rest, "jac": lambda x: up},
        {"type": "ineq", "fun": lambda x: down @ x - rest, "jac": lambda x: down},
    ]
    found = []
    for start in _starts(v, distance, before, lags):
        x = np.r_[start, np.abs(bends @ np.r_[start, lags])]
        found.append(
            minimize(length, x, constraints=rules, method="SLSQP", options={"maxiter": 300, "ftol": 1e-11})
        )
    weights = min(found, key=lambda f: f.fun).x[:before]
    # Round-off of the solver is taken back onto the line, without which the bias has no bound.
    gap = distance[:before] @ weights + distance[before:] @ lags
    return weights - gap * distance[:before] / (distance[:before] @ distance[:before])


def _starts(v: Floats, distance: Floats, before: int, lags: Floats) -> list[Floats]:
    """Two feasible weights: least variance (best at M = 0) and the last lead alone (least bias)."""
    d, need = distance[:before], -float(distance[before:] @ lags)
    inner = np.linalg.solve(v[:before, :before], np.column_stack([v[:before, before:] @ lags, d]))
    least = -inner[:, 0] + inner[:, 1] * (need + d @ inner[:, 0]) / (d @ inner[:, 1])
    last = np.zeros(before)
    last[-1] = need / d[-1]
    return [least, last]


def _half_length(bias: float, sd: float, size: float) -> float:
    """cv(bias/sd)·sd; the quantile of |N(x, 1)| by Newton steps from above, where the distribution is concave."""
    from scipy.special import ndtr, ndtri

    x = abs(bias) / sd
    c = x - ndtri(size / 2)
    for _ in range(20):
        density = np.exp(-((c - x) ** 2) / 2) + np.exp(-((c + x) ** 2) / 2)
        step = (ndtr(c - x) - ndtr(-c - x) - 1 + size) / (density / np.sqrt(2 * np.pi))
        c -= step
        if abs(step) < 1e-12:
            break
    return float(c * sd)


def breakdown(table: pd.DataFrame) -> float:
    """Smallest M at which the interval reaches zero, on the line between grid values; inf: beyond the grid.

    Parameters
    ----------
    table : DataFrame
        One restriction's ``m``, ``ci_low``, ``ci_high``, m rising.
    """
    low, high = table["ci_low"].to_numpy(float), table["ci_high"].to_numpy(float)
    edge = np.where(low[0] > 0, low, -high)  # positive while zero is outside
    m = table["m"].to_numpy(float)
    if not edge[0] > 0:
        return 0.0 if m[0] == 0 else float("nan")
    inside = np.flatnonzero(~(edge > 0))
    if len(inside) == 0:
        return float("inf")
    k = inside[0]
    if not np.isfinite(edge[k]):
        return float(m[k])
    return float(m[k - 1] + (m[k] - m[k - 1]) * edge[k - 1] / (edge[k - 1] - edge[k]))


def listed(bounds: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Confidence sets of several restrictions, one below the other, each with its breakdown value.

    Returns
    -------
    DataFrame
        m, ci_low, ci_high, restriction, breakdown; what lies beyond the grid is missing. Empty without any.
    """
    tables = [t.assign(restriction=name, breakdown=breakdown(t)) for name, t in bounds.items()]
    columns = ["m", "ci_low", "ci_high", "restriction", "breakdown"]
    return pd.concat(tables or [pd.DataFrame(columns=columns)]).replace([np.inf, -np.inf], np.nan)


def broken(breaks: pd.Series) -> dict[str, bool]:
    """Which restrictions break within the grid, ``both``, ``never`` and ``line``.

    ``never``: with parallel trends nothing is apart from zero to begin with. ``line``: with them it is, but not where a straight
    trend may go on after the start, which smoothness allows at M = 0; ``line_within`` and ``line_beyond``: the same, by
    whether relative magnitudes break within the grid.
    """
    found = breaks.notna()
    never = bool(breaks.get("relative", np.nan) <= 0)
    line = bool(breaks.get("smooth", np.nan) <= 0) and not never
    within = {
        "line_within": line and bool(found.get("relative", False)),
        "line_beyond": line and not found.get("relative", False),
    }
    return {**found, "both": found.sum() == 2, "never": never, "line": line, **within}


def _checked(estimate: pd.Series, base: int) -> tuple[int, int]:
    times = estimate.index.to_numpy(int)
    before, after = int((times < base).sum()), int((times > base).sum())
    if before < 1 or after < 1:
        raise EffectsError(said("effects.bounds_need", base=base, before=before, after=after))
    if not np.array_equal(times, np.delete(np.arange(base - before, base + after + 1), before)):
        raise EffectsError(said("effects.gaps", times=times.tolist(), base=base))
    return before, after


def _classes(before: int, after: int, m: float) -> Iterator[Floats]:
    """Matrices A of polyhedra A δ ≤ 0 whose union is the class of δ: the largest change before the start is the
    s-th, up or down; δ leaves the base out.
    """
    change = np.delete(np.diff(np.eye(before + after + 1), axis=0), before, axis=1)
    times = np.r_[np.ones(before), np.full(after, m)][:, None]
    for s in range(before):
        for sign in (1.0, -1.0):
            largest = sign * change[s]
            yield np.vstack([change - times * largest, -change - times * largest])


def _moments(b: Floats, v: Floats, mean: Floats, a: Floats, noise: Floats, size: float) -> _Moments:
    """Moment inequalities for θ, the weighted mean; only rows that involve effects say anything about it."""
    before = len(b) - len(mean)
    used = np.abs(a[:, before:]).max(axis=1) > 1e-12
    a = a[used]
    sigma = a @ v @ a.T
    vertices = _vertices(a[:, before:], mean, np.sqrt(np.diag(sigma)))
    worst = np.quantile((noise @ a.T @ vertices.T).max(axis=1), 1 - size / 10)
    return _Moments(a @ b, a[:, before:].sum(axis=1), sigma, vertices, float(worst))


def _vertices(lags: Floats, mean: Floats, scale: Floats) -> Floats:
    """Vertices of {γ ≥ 0, N′lags′γ = 0, scale′γ = 1}, N a basis of the effects with mean zero, shape (count, rows).

    ``lags`` is (D; −D) with D the invertible matrix of changes, so that γ = (u, w) enters by δ = u − w alone. N′D′δ = 0 says that
    D′δ is a multiple of the mean's weights: δ lies on one line. So the vertices are its two ends, u and w never both positive,
    and, where δ = 0, one change with itself taken back (u_t = w_t; between the ends if the line moves that change alone).
    """
    half = len(lags) // 2
    line = np.linalg.solve(lags[:half].T, mean)
    line[np.abs(line) < 1e-12 * np.abs(line).max()] = 0
    ends = [np.r_[np.maximum(one, 0), np.maximum(-one, 0)] for one in (line, -line)]
    alone = (line != 0) & (np.count_nonzero(line) == 1)
    back = np.hstack([np.eye(half), np.eye(half)])[~alone]
    found = np.vstack([*ends, back])
    return found / (found @ scale)[:, None]


def _interval(moments: _Moments, centre: float, size: float, far: float) -> tuple[float, float] | None:
    """Hull of the θ that are not rejected, ends by bisection; None where all are."""
    reach = 20 * np.sqrt(np.diag(moments.sigma).max()) + abs(centre) + 1.5 * far
    grid = np.linspace(centre - reach, centre + reach, GRID)
    kept = np.flatnonzero([not _rejects(moments, theta, size) for theta in grid])
    if len(kept) == 0:
        return None
    ends = []
    for inside, step in ((kept[0], -1), (kept[-1], 1)):
        outside = inside + step
        if not 0 <= outside < GRID:
            ends.append(step * np.inf)
            continue
        near, far = grid[inside], grid[outside]
        for _ in range(12):
            middle = (near + far) / 2
            near, far = (near, middle) if _rejects(moments, middle, size) else (middle, far)
        ends.append(near)
    return float(ends[0]), float(ends[1])


def _rejects(moments: _Moments, theta: float, size: float) -> bool:
    """The hybrid test: first stage of size κ = size/10 against the least favourable, then conditional."""
    y = moments.y - theta * moments.a
    values = moments.vertices @ y
    best = int(values.argmax())
    statistic = float(values[best])
    if statistic <= 0:
        return False
    if statistic > moments.least_favourable:
        return True
    gamma = moments.vertices[best]
    along = moments.sigma @ gamma
    variance = float(gamma @ along)
    if variance < 1e-18:
        return True
    direction = moments.vertices @ (along / variance)
    rest = values - direction * statistic
    gap = 1 - direction
    limit = np.full(len(gap), -np.inf)
    np.divide(rest, gap, out=limit, where=gap > 1e-10)
    low = float(limit.max())
    level = (size - size / 10) / (1 - size / 10)
    return statistic > max(0.0, _truncated(1 - level, low, moments.least_favourable, variance**0.5))


def _truncated(p: float, low: float, high: float, sd: float) -> float:
    """Quantile of a normal with mean zero cut to [low, high]; upper tails, which keep their digits far out."""
    from scipy.special import ndtr, ndtri

    a, b = ndtr(-low / sd), ndtr(-high / sd)
    return float(-ndtri(b + (1 - p) * (a - b)) * sd)
