"""Panel thresholds: does a slope change where another variable passes a level, and where is that level?

Hansen (1999, Journal of Econometrics 93(2), 345–368):

    y_it = α_i + δ_t + β₁ d_it 1[q_it ≤ γ] + β₂ d_it 1[q_it > γ] + x_it'θ + ε_it.

γ minimises the sum of squares S₁(γ); F = (S₀ − S₁)/σ̂², S₀ without a threshold, has no standard distribution under
β₁ = β₂, since γ is then not identified, and is bootstrapped. Hansen draws units' residuals, which needs a balanced
panel; here residuals keep their unit and period, and change sign by unit, which any panel allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from estimators.engines.within import demean
from estimators.errors import EffectsError
from estimators.finite import refuse_infinite
from estimators.language import listed, said

Array = NDArray[np.float64]
# A column whose variation left after the projection is below this share of its own is absorbed.
ABSORBED = 1e-9


class Threshold(NamedTuple):
    """One threshold, given those found before it."""

    gamma: float
    low: float  # interval of levels that the likelihood ratio does not reject
    high: float
    f: float
    p_value: float
    draws: int
    grid: Array  # candidate levels
    ratio: Array  # likelihood ratio at each of them


class Regimes(NamedTuple):
    """Thresholds in the order in which they were found, and the slopes between them.

    ``slopes``: one row for each regime, from low to high: label, above, up_to, estimate, std_error, ci_low, ci_high,
    p_value, rows, units. Intervals take thresholds as known (Hansen 1999, section 5), errors clustered, t with clusters − 1.
    """

    thresholds: list[Threshold]
    slopes: pd.DataFrame
    n: int
    units: int

    def table(self) -> pd.DataFrame:
        """The tests: threshold (its number), f, p_value, gamma, low, high, draws, n, units."""
        names = ["f", "p_value", "gamma", "low", "high", "draws"]
        rows = [{name: getattr(t, name) for name in names} for t in self.thresholds]
        table = pd.DataFrame(rows, columns=names).assign(n=self.n, units=self.units)
        table.insert(0, "threshold", range(1, len(rows) + 1))
        return table

    def profile(self) -> pd.DataFrame:
        """The first threshold: level (candidate), ratio (there), gamma, low, high, units (of the smallest regime)."""
        tables = [
            pd.DataFrame({"level": t.grid, "ratio": t.ratio}).assign(gamma=t.gamma, low=t.low, high=t.high)
            for t in self.thresholds[:1]
        ]
        return pd.concat(tables).assign(units=self.slopes["units"].min()) if tables else pd.DataFrame()


NOTHING = Regimes([], pd.DataFrame(), 0, 0)


def thresholds(
    rows: pd.DataFrame,
    outcome: str,
    treatment: str,
    by: str,
    controls: Sequence[str] = (),
    *,
    unit: str = "firm_id",
    time: str = "year",
    cluster: str | None = None,
    most: int = 1,
    trim: float = 0.05,
    candidates: int = 200,
    draws: int = 199,
    seed: int = 0,
    size: float = 0.05,
) -> Regimes:
    """Estimate and test thresholds one after the other.

    Each further threshold is searched for given those before it; its test is of one more against those before it. The
    search stops at `most`; whether the last is significant is for the reader of its p-value.
    Memory holds rows × candidates numbers a few times over.

    Parameters
    ----------
    rows : DataFrame
        Complete rows; unit and time effects are taken out.
    outcome, treatment, by : str
        y; the regressor whose slope switches (may be `by` itself); the variable whose level switches it.
    controls : sequence of str
        Regressors with one slope.
    cluster : str, optional
        Clusters of the slopes' errors and of the bootstrap's signs; the unit if not given.
    most : int
        Thresholds, 1 to 3.
    trim : float
        Share of rows that each regime must have, above 0 and below 1/(most + 1).
    candidates : int
        Levels tried: quantiles of `by`, or its values where they are fewer.
    draws, seed : int
        Bootstrap.
    size : float
        Intervals are 1 − size.

    Raises
    ------
    EffectsError
        When a column is missing, has holes or does not vary, or no level leaves enough rows on both sides.
    """
    cluster = cluster or unit
    _check(rows, [outcome, treatment, by, *controls, unit, time, cluster], most, trim)
    unit_code = np.unique(rows[unit], return_inverse=True)[1]
    cluster_code = np.unique(rows[cluster], return_inverse=True)[1]
    d, q = rows[treatment].to_numpy(float), rows[by].to_numpy(float)
    periods = pd.get_dummies(rows[time]).to_numpy(float)[:, 1:]
    fixed = demean(np.column_stack([periods, rows[list(controls)].to_numpy(float), d]), unit_code)
    y = demean(rows[[outcome]].to_numpy(float), unit_code)[:, 0]
    space = _Space(_basis(fixed), y, unit_code, cluster_code)
    found: list[Threshold] = []
    for number in range(most):
        grid = _candidates(q, candidates, trim, [t.gamma for t in found])
        one = _search(space, grid, d, q, (trim, size), draws, seed + number)
        found.append(one)
        space = space.with_column(d * (q <= one.gamma))
    slopes = _slopes(rows, (outcome, treatment, by), controls, found, (unit, time, cluster), size)
    return Regimes(found, slopes, len(rows), int(unit_code.max()) + 1)


class _Space(NamedTuple):
    """What is taken out of everything: an orthonormal basis of demeaned regressors; and the demeaned outcome."""

    basis: Array
    y: Array
    unit: NDArray[np.int64]
    cluster: NDArray[np.int64]

    def residuals(self, columns: Array) -> Array:
        """Columns less unit means and less their projection on the basis."""
        inside = demean(columns, self.unit)
        return inside - self.basis @ (self.basis.T @ inside)

    def with_column(self, column: Array) -> _Space:
        """The space with one more regressor."""
        new = self.residuals(column[:, None])
        return self._replace(basis=np.column_stack([self.basis, new / np.linalg.norm(new)]))


def _search(
    space: _Space, grid: Array, d: Array, q: Array, shares: tuple[float, float], draws: int, seed: int
) -> Threshold:
    """The level with the least sum of squares, its interval, and its bootstrapped test."""
    _, size = shares
    residual = space.y - space.basis @ (space.basis.T @ space.y)
    raw = d[:, None] * (q[:, None] <= grid)
    split = space.residuals(raw)
    length = np.linalg.norm(split, axis=0)
    good = length > ABSORBED * np.maximum(np.linalg.norm(demean(raw, space.unit), axis=0), 1e-300)
    if not good.any():
        raise EffectsError(said("robustness.split_absorbed"))
    grid, split = grid[good], split[:, good] / length[good]
    free = len(space.y) - (int(space.unit.max()) + 1) - space.basis.shape[1] - 1
    gains = (split.T @ residual) ** 2
    best = int(np.argmax(gains))
    s1 = residual @ residual - gains
    ratio = (s1 - s1[best]) / (s1[best] / free)
    inside = grid[ratio <= -2 * np.log(1 - np.sqrt(1 - size))]  # Hansen (1999), eq. 18
    f = float(gains[best] / (s1[best] / free))
    drawn = _bootstrap(space, split, residual, free, draws, seed)
    p = (1 + np.sum(drawn >= f)) / (1 + draws)
    return Threshold(
        float(grid[best]), float(inside.min()), float(inside.max()), f, float(p), draws, grid, ratio
    )


def _bootstrap(space: _Space, split: Array, residual: Array, free: int, draws: int, seed: int) -> Array:
    """F with residuals' signs drawn by cluster; sums by cluster stand in for rows.

    A draw is v∘ê with mean zero in each unit; what the basis explains of it is taken off, and the splits, which are
    orthogonal to the basis, need only their products with it.
    """
    clusters = int(space.cluster.max()) + 1
    signs = np.random.default_rng(seed).integers(0, 2, (draws, clusters)) * 2.0 - 1
    by_cluster = [_sums(block * residual[:, None], space.cluster, clusters) for block in (split, space.basis)]
    gains = ((signs @ by_cluster[0]) ** 2).max(axis=1)
    s0 = residual @ residual - ((signs @ by_cluster[1]) ** 2).sum(axis=1)
    out: Array = gains / ((s0 - gains) / free)
    return out


def _sums(columns: Array, code: NDArray[np.int64], count: int) -> Array:
    return np.column_stack([np.bincount(code, column, count) for column in columns.T])


def _basis(columns: Array) -> Array:
    """Orthonormal columns that span the given ones."""
    scale = np.linalg.norm(columns, axis=0)
    kept = columns[:, scale > 0] / scale[scale > 0]
    left, values, _ = np.linalg.svd(kept, full_matrices=False)
    out: Array = left[:, values > ABSORBED * values.max(initial=1.0)]
    return out


def _candidates(q: Array, count: int, trim: float, before: Sequence[float]) -> Array:
    """Levels that leave the share `trim` of rows in each regime, also beside thresholds found before."""
    shares = np.linspace(trim, 1 - trim, count)
    values = np.unique(np.quantile(q, shares, method="lower"))
    order = np.sort(q)
    at = np.searchsorted(order, values, side="right") / len(q)
    good = (at >= trim) & (at <= 1 - trim)
    for level in before:
        good &= np.abs(at - np.searchsorted(order, level, side="right") / len(q)) >= trim
    if not good.any():
        raise EffectsError(said("robustness.no_level", trim=trim, count=len(np.unique(q))))
    out: Array = values[good]
    return out


def _slopes(
    rows: pd.DataFrame,
    names: tuple[str, str, str],
    controls: Sequence[str],
    found: Sequence[Threshold],
    keys: tuple[str, str, str],
    size: float,
) -> pd.DataFrame:
    """Slopes by regime, estimated at the thresholds found."""
    from scipy import stats

    from estimators.engines.exact.estimate import feols
    from estimators.engines.exact.formula import design

    outcome, treatment, by = names
    unit, time, cluster = keys
    cuts = [-np.inf, *sorted(t.gamma for t in found), np.inf]
    wanted = dict.fromkeys([outcome, *controls, *keys])
    data = rows[list(wanted)].reset_index(drop=True)
    q, d = rows[by].to_numpy(float), rows[treatment].to_numpy(float)
    inside = [(q > low) & (q <= high) for low, high in pairwise(cuts)]
    terms = [f"regime_{i}" for i in range(len(inside))]
    for name, mask in zip(terms, inside, strict=True):
        data[name] = np.where(mask, d, 0.0)
    fit = feols(design(outcome, [*terms, *controls], [unit, time]), data, {"CRV1": cluster}, fixef_rm="none")
    estimate, error = fit.coef().reindex(terms), fit.se().reindex(terms)
    free = data[cluster].nunique() - 1
    half = stats.t.ppf(1 - size / 2, free) * error
    table = {
        "label": [_written(above, up_to) for above, up_to in pairwise(cuts)],
        "above": cuts[:-1],
        "up_to": cuts[1:],
        "estimate": estimate.to_numpy(),
        "std_error": error.to_numpy(),
        "ci_low": (estimate - half).to_numpy(),
        "ci_high": (estimate + half).to_numpy(),
        "p_value": 2 * stats.t.sf((estimate / error).abs(), free),
        "rows": [int(mask.sum()) for mask in inside],
        "units": [int(data.loc[mask, unit].nunique()) for mask in inside],
    }
    return pd.DataFrame(table)


def _written(above: float, up_to: float) -> str:
    """A regime as it is written, to three digits."""
    end = f"{up_to:.3g}]" if np.isfinite(up_to) else "∞)"
    return f"({above:.3g}, {end}".replace("-inf", "−∞").replace("-", "−")


def _check(rows: pd.DataFrame, columns: Sequence[str], most: int, trim: float) -> None:
    missing = [c for c in columns if c not in rows]
    if missing:
        raise EffectsError(said("robustness.no_column", missing=listed(missing), known=listed(rows.columns)))
    holes = [c for c in columns if rows[c].isna().any()]
    if holes:
        raise EffectsError(said("robustness.holes", holes=listed(holes)))
    refuse_infinite(rows, columns)
    if most not in (1, 2, 3):
        raise EffectsError(said("robustness.most", most=most))
    if not 0 < trim < 1 / (most + 1):
        raise EffectsError(said("robustness.trim", trim=trim, most=most, limit=1 / (most + 1)))
