"""Errors of shift-share designs that rest on shocks: units with like shares have like errors.

A regressor z_i = Σ_k s_ik g_k has as many independent draws as there are shocks, however many units share them. With ẑ the
regressor less controls, e the residual and ĝ_k the coefficients of ẑ on the shares, V = Σ_k ĝ_k² (Σ_i s_ik e_i)² / (Σ ẑx)²
(Adão, Kolesár & Morales 2019, Quarterly Journal of Economics 134). The same coefficient comes from a regression with one row
a shock, weighted by Σ_i s_ik (Borusyak, Hull & Jaravel 2022, Review of Economic Studies 89).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from estimators.engines.partial import partial_out
from estimators.errors import EffectsError
from estimators.finite import refuse_infinite
from estimators.language import said
from estimators.robustness import shiftshare

Array = NDArray[np.float64]


class Exposed(NamedTuple):
    """Estimate with the error of Adão, Kolesár & Morales, with their interval under the hypothesis, and the rows of shocks.

    ``null_low`` and ``null_high`` are where the test with residuals under the hypothesis does not reject (AKM0; infinite: shocks
    are too few for an interval that ends); ``effective`` = 1/Σ s̄_k², the number of equal shocks with the same
    concentration.
    """

    estimate: float
    std_error: float
    p_value: float
    null_low: float
    null_high: float
    shocks: int
    effective: float


def exposed(
    y: ArrayLike,
    z: ArrayLike,
    shares: ArrayLike,
    x: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    size: float = 0.05,
) -> Exposed:
    """The effect of a shift-share regressor, or by it as instrument, with errors that are robust to like exposures.

    Parameters
    ----------
    y, z : array_like, shape (n,)
        Outcome and shift-share variable, less controls and effects.
    shares : array_like, shape (n, K)
        Exposure to each shock (a component in a year); not residualised.
    x : array_like, shape (n,), optional
        Regressor that z is the instrument of, less controls; none: z itself.
    cluster : array_like, shape (K,), optional
        Groups of shocks that move together, such as one component in all years.

    Raises
    ------
    EffectsError
        When there are no more units than shocks, or shares do not tell shocks apart.
    """
    y, z = np.asarray(y, float), np.asarray(z, float)
    s = np.asarray(shares, float)
    x = z if x is None else np.asarray(x, float)
    refuse_infinite(
        pd.DataFrame({"y": y, "z": z, "x": x, "shares": s.sum(axis=1)}), ["y", "z", "x", "shares"]
    )
    used = np.abs(s).max(axis=0) > 0
    s = s[:, used]
    n, k = s.shape
    scaled = s / np.sqrt((s**2).sum(axis=0))
    if k < 2 or n <= k or np.linalg.matrix_rank(scaled) < k:
        raise EffectsError(said("designs.few_units", shocks=k, n=n))
    first = float(z @ x)
    estimate = float(z @ y) / first
    g = np.linalg.lstsq(s, z, rcond=None)[0]
    group = np.arange(k) if cluster is None else np.unique(np.asarray(cluster)[used], return_inverse=True)[1]

    def moved(values: Array) -> Array:
        return np.asarray(np.bincount(group, g * (s.T @ values)), dtype=np.float64)

    error = float(np.sqrt((moved(y - estimate * x) ** 2).sum())) / abs(first)
    # Under the hypothesis b: (z(y − bx))² ≤ c Σ (A − bB)², with A, B the shocks' sums of y and x.
    a, b = moved(y), moved(x)
    critical = stats.norm.ppf(1 - size / 2) ** 2
    low, high = _inside(
        first**2 - critical * float(b @ b),
        first * float(z @ y) - critical * float(a @ b),
        float(z @ y) ** 2 - critical * float(a @ a),
    )
    weight = s.sum(axis=0) / s.sum()
    p_value = float(2 * stats.norm.sf(abs(estimate) / error)) if error > 0 else float("nan")
    return Exposed(estimate, error, p_value, low, high, k, float(1 / (weight @ weight)))


def _inside(square: float, half: float, level: float) -> tuple[float, float]:
    """Where square·b² − 2·half·b + level ≤ 0, as an interval: all numbers where shocks are too few for one that ends."""
    root = half**2 - square * level
    if square <= 0 or root < 0:
        return float("-inf"), float("inf")
    return (half - np.sqrt(root)) / square, (half + np.sqrt(root)) / square


def first_shares(values: Array, unit: NDArray[np.int64], time: NDArray[np.int64]) -> Array:
    """Shares of components in each unit's first row, one column for each component in each period, shape (n, K·T).

    Parameters
    ----------
    values : ndarray, shape (n, K)
        Components, not negative, rows in any order.
    unit, time : ndarray of int, shape (n,)
    """
    order = np.lexsort((time, unit))
    begins = order[np.unique(unit[order], return_index=True)[1]]
    share = values[begins] / values[begins].sum(axis=1, keepdims=True)
    own = share[np.unique(unit, return_inverse=True)[1]]
    period = np.unique(time, return_inverse=True)[1]
    out = np.zeros((len(values), values.shape[1] * (int(period.max()) + 1)))
    for k in range(values.shape[1]):
        out[np.arange(len(values)), period * values.shape[1] + k] = own[:, k]
    return out


def by_components(
    rows: pd.DataFrame,
    outcome: str,
    regressor: str,
    components: Sequence[str],
    controls: Sequence[str],
    effects: Sequence[str],
    cluster: str,
    size: float = 0.05,
) -> Exposed:
    """Two-stage least squares by a shift-share instrument (`shiftshare.parts`), with the years of a component as one shock.

    Parameters
    ----------
    rows : DataFrame
        firm_id, year and the columns named.
    components : sequence of str
        Not negative; their sum is what shares are of.
    controls, effects, cluster
        As in `partial_out`, which takes them out of outcome, regressor and instrument.
    """
    names = list(components)
    z = shiftshare.parts(rows, names).sum(axis=1)
    left = partial_out(rows.assign(z_=z), [outcome, regressor, "z_"], controls, effects, cluster).residuals
    own = rows.loc[left.index]
    shares = first_shares(
        own[names].to_numpy(float), own["firm_id"].factorize()[0], own["year"].to_numpy(np.int64)
    )
    group = [k % len(names) for k in range(shares.shape[1])]
    return exposed(left[outcome], left["z_"], shares, left[regressor], group, size)
