"""Least squares on unit effects, effects of few levels and slopes, from sums by unit and by level.

The model of untreated outcomes is y = α_unit + Σ λ_level + x′β + ε with weights. Unit effects are taken out by sums, so
that what is solved has one row for each level (a year, or a year of a cell) and each slope, and never one for a unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
# Eigenvalues of the scaled system are between 0 and the number of sets of effects: what is below is a direction that the
# rows do not determine. Scaled, so that no unit of measurement matters.
NULL = 1e-10
# A row has a counterfactual if its combination of effects has nothing in those directions.
INSIDE = 1e-7


@dataclass(frozen=True)
class Rows:
    """Rows of a panel.

    Attributes
    ----------
    unit : ndarray of int, shape (n,)
        Codes 0 … units − 1.
    levels : sparse array, shape (n, G)
        One 1 in each set of effects.
    x : ndarray, shape (n, p)
        Regressors with slopes.
    y, w : ndarray, shape (n,)
    """

    unit: Codes
    levels: sparse.csr_array
    x: Array
    y: Array
    w: Array

    def take(self, mask: NDArray[np.bool_]) -> Rows:
        """Those rows where the mask holds; units and levels keep their codes."""
        return Rows(self.unit[mask], self.levels[mask], self.x[mask], self.y[mask], self.w[mask])


@dataclass(frozen=True)
class Solved:
    """The model fitted to some rows.

    Attributes
    ----------
    weight : ndarray, shape (units,)
        Sum of weights by unit; 0: the unit has none of these rows.
    shares : sparse array, shape (units, G)
        Share of a unit's weight at each level.
    means : ndarray, shape (units, p + 1)
        Of x and y by unit.
    inverse : ndarray, shape (G + p, G + p)
        A generalised inverse of the normal equations without unit effects.
    null : ndarray, shape (G + p, k)
        Directions that the rows leave open, scaled.
    coefficients : ndarray, shape (G + p,)
    residual : ndarray, shape (n,)
    """

    weight: Array
    shares: sparse.csr_array
    means: Array
    inverse: Array
    null: Array
    coefficients: Array
    residual: Array

    def parts(self, rows: Rows) -> tuple[sparse.csr_array, Array]:
        """Levels and x of rows, less the unit's own mean."""
        return rows.levels - self.shares[rows.unit], rows.x - self.means[rows.unit, :-1]

    def predict(self, rows: Rows) -> Array:
        """Untreated outcome of rows of units that were fitted, shape (n,)."""
        levels, x = self.parts(rows)
        count = levels.shape[1]
        return self.means[rows.unit, -1] + levels @ self.coefficients[:count] + x @ self.coefficients[count:]

    def identified(self, rows: Rows) -> NDArray[np.bool_]:
        """Whether each row's untreated outcome follows from the rows that were fitted."""
        levels, x = self.parts(rows)
        count = levels.shape[1]
        open_ = levels @ self.null[:count] + x @ self.null[count:]
        return (self.weight[rows.unit] > 0) & (np.abs(open_).max(axis=1, initial=0) < INSIDE)


def directions(solved: Solved, treated: Rows, shares: sparse.csr_array) -> Array:
    """μ of weighted sums of treated rows: what untreated rows' residuals count in them, shape (G + p, columns)."""
    levels, x = solved.parts(treated)
    right = np.vstack([(levels.T @ shares).toarray(), np.asarray(shares.T @ x).T])
    return solved.inverse @ right


def residual_sums(solved: Solved, base: Rows, columns: Array) -> Array:
    """Σ w ε̂ (level and x parts) of columns by unit, shape (units, columns): untreated rows' part of influence."""
    count = base.levels.shape[1]
    scores = base.w * solved.residual
    units = len(solved.weight)
    adder = sparse.csr_array((scores, (base.unit, np.arange(len(scores)))), (units, len(scores)))
    return np.asarray((adder @ base.levels) @ columns[:count] + (adder @ base.x) @ columns[count:])


def treated_part(
    effect: Array, atom: Codes, event: Codes, cluster: Codes, clusters: int, centre: str
) -> Array:
    """Treated rows' part of influence by cluster and atom: Σ q (τ̂ − τ̃).

    Parameters
    ----------
    effect, atom, cluster : ndarray, shape (treated rows,)
    event : ndarray of int, shape (atoms,)
        Atoms with the same code are pooled where an atom's own mean without a cluster does not exist.
    """
    k = len(event)
    count = sparse.csr_array((np.ones(len(atom)), (cluster, atom)), (clusters, k)).toarray()
    total = sparse.csr_array((effect, (cluster, atom)), (clusters, k)).toarray()
    size = count.sum(axis=0)
    if centre != "leave_one_out":
        labels = {"cohort": np.arange(k), "overall": np.zeros(k, int)}.get(centre, event)
        means = _sum_by(total.sum(axis=0)[None], labels)[0] / _sum_by(size[None], labels)[0]
        return (total - count * means[labels]) / size
    around = np.full((clusters, k), np.nan)
    for labels in (np.arange(k), event, np.zeros(k, int)):
        held, summed = _sum_by(count, labels), _sum_by(total, labels)
        others = held.sum(axis=0) - held
        rest = np.divide(
            summed.sum(axis=0) - summed, others, out=np.full_like(others, np.nan), where=others > 0
        )
        around = np.where(np.isnan(around), rest[:, labels], around)
    return (total - count * np.nan_to_num(around)) / size


def _sum_by(values: Array, labels: Codes) -> Array:
    out = np.zeros((len(values), int(labels.max()) + 1))
    np.add.at(out.T, labels, values.T)
    return out


def codes(values: ArrayLike) -> tuple[Codes, int]:
    """Codes 0 … of values, and how many there are."""
    _, found = np.unique(np.asarray(values), return_inverse=True)
    return found.astype(np.int64), int(found.max(initial=-1)) + 1


def dummies(sets: Sequence[Codes]) -> sparse.csr_array:
    """One column for each level of each set, shape (n, G)."""
    n = len(sets[0])
    parts = [sparse.csr_array((np.ones(n), one, np.arange(n + 1)), (n, int(one.max()) + 1)) for one in sets]
    return sparse.csr_array(sparse.hstack(parts, format="csr"))


def by_unit(values: Array, unit: Codes, units: int) -> Array:
    """Sums of columns by unit, shape (units, k)."""
    adder = sparse.csr_array((np.ones(len(unit)), (unit, np.arange(len(unit)))), (units, len(unit)))
    return np.asarray(adder @ values)


def solve(rows: Rows, units: int) -> Solved:
    """Fit y = α_unit + Σ λ_level + x′β by weighted least squares.

    Parameters
    ----------
    rows : Rows
    units : int
        Number of units, also of those without a row here.

    Notes
    -----
    With D the units' weights by level and W their sums, the equations for (λ, β) are E θ = (B, F), E = [A B_x; B_x′ F_xx],
    A = Z′wZ − D′W⁻¹D, and likewise for x and y less the units' means. The system is scaled to a unit diagonal before it
    is solved by its eigenvectors, so that ranks do not depend on units of measurement.
    """
    weight = by_unit(rows.w[:, None], rows.unit, units)[:, 0]
    safe = np.where(weight > 0, weight, 1)
    values = np.column_stack([rows.x, rows.y])
    centre = np.average(values, axis=0, weights=rows.w)
    means = by_unit(rows.w[:, None] * (values - centre), rows.unit, units) / safe[:, None]
    within = values - centre - means[rows.unit]
    n = len(rows.unit)
    assign = sparse.csr_array((rows.w, (rows.unit, np.arange(n))), (units, n))
    totals = sparse.csr_array(assign @ rows.levels)
    shares = sparse.csr_array(sparse.diags_array(1 / safe) @ totals)
    weighted = sparse.csr_array(sparse.diags_array(rows.w) @ rows.levels)
    levels = (rows.levels.T @ weighted - totals.T @ shares).toarray()
    cross = np.asarray(weighted.T @ within)
    square = within.T @ (rows.w[:, None] * within)
    p = rows.x.shape[1]
    system = np.block([[levels, cross[:, :p]], [cross[:, :p].T, square[:p, :p]]])
    right = np.concatenate([cross[:, p], square[:p, p]])
    seen = np.asarray(weighted.sum(axis=0)).ravel()
    own, whole = _spread(square[:p, :p], rows, centre[:p])
    inverse, null = _inverse(
        system, np.concatenate([seen, own]), np.concatenate([np.zeros_like(seen), whole])
    )
    theta = inverse @ right
    theta += inverse @ (right - system @ theta)  # once more, on what rounding left
    count = rows.levels.shape[1]
    fitted = rows.levels @ theta[:count] - (shares @ theta[:count])[rows.unit] + within[:, :p] @ theta[count:]
    return Solved(weight, shares, means + centre, inverse, null, theta, within[:, p] - fitted)


def _spread(square: Array, rows: Rows, centre: Array) -> tuple[Array, Array]:
    """Squares of x within units, 0 where nothing but rounding is left of them; and mean squares of x."""
    own = np.diag(square).copy()
    whole = (rows.w[:, None] * (rows.x - centre) ** 2).sum(axis=0) + rows.w.sum() * centre**2
    own[own <= 1e-26 * whole] = 0
    return own, whole / rows.w.sum()


def _inverse(system: Array, size: Array, spare: Array) -> tuple[Array, Array]:
    """A generalised inverse of a positive semidefinite system, and the directions of its null space.

    Parameters
    ----------
    system : ndarray, shape (m, m)
    size : ndarray, shape (m,)
        What the diagonal is compared with; 0: no row says anything of this coefficient.
    spare : ndarray, shape (m,)
        Mean square of the regressor, for those of size 0; 0: 1.
    """
    there = size > 0
    scale = np.divide(1, np.sqrt(size), out=np.zeros_like(size), where=there)
    values, vectors = np.linalg.eigh(system * scale[:, None] * scale[None, :])
    keep = values > NULL * max(values.max(initial=0), 1e-300)
    kept = vectors[:, keep] * scale[:, None]
    # Directions are measured for one row of usual size, so that one threshold serves all.
    row = np.sqrt(np.mean(size[there & (spare == 0)]))
    own = np.divide(1, np.sqrt(spare), out=np.ones_like(spare), where=spare > 0)
    return (kept / values[keep]) @ kept.T, vectors[:, ~keep] * np.where(there, scale * row, own)[:, None]
