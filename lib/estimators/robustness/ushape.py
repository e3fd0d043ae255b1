"""Is there a U, or an inverted one? A square's sign is not enough: the slope must change sign within the data.

Lind and Mehlum (2010, Oxford Bulletin of Economics and Statistics 72(1), 109–118), after Sasabuchi (1980): with
y = β x + γ x² + …, a U on [l, h] means β + 2γl < 0 < β + 2γh. Its absence, β + 2γl ≥ 0 or β + 2γh ≤ 0, is rejected
where both one-sided t tests reject, so that the p-value is the larger of theirs. The turning point −β/2γ has Fieller's
(1954) interval.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from estimators.errors import EffectsError
from estimators.language import said

Shape = Literal["u", "inverse_u"]


class UTest(NamedTuple):
    """Test of a U (or inverted U) on [low, high]; ``turn_low``, ``turn_high`` may be infinite (no bounded interval)."""

    shape: Shape
    low: float
    high: float
    slope_low: float
    slope_high: float
    t_low: float
    t_high: float
    p_value: float
    turn: float
    turn_low: float
    turn_high: float
    left_share: float  # of the observations, on the near side of the turning point; NaN where x was not given


def of_fit(fit: Any, names: list[str], x: pd.Series, size: float = 0.05) -> UTest:
    """`u_test` of a fit of `exact.feols`: ``names`` are what `robustness.with_square` makes of ``x``, which gives the range."""
    (linear, quadratic), covariance = fit.coef()[names], fit.vcov().loc[names, names]
    low, high = x.agg(["min", "max"])
    return u_test(linear, quadratic, covariance, low, high, fit.freedom, size, x, along=True)


def u_test(
    linear: float,
    quadratic: float,
    covariance: ArrayLike,
    low: float,
    high: float,
    freedom: float,
    size: float = 0.05,
    x: ArrayLike | None = None,
    *,
    along: bool = False,
) -> UTest:
    """Test for a U between `low` and `high`; the shape tested is the one that the square's sign suggests.

    Parameters
    ----------
    linear, quadratic : float
        β and γ, the coefficients of x and x².
    covariance : array_like, shape (2, 2)
        Of (β, γ).
    low, high : float
        Range of x in which the slope must change sign; the data's own range, as a rule.
    freedom : float
        Degrees of freedom of t (clusters − 1); infinity for the normal.
    size : float
        The turning point's interval is 1 − size.
    x : array_like, optional
        Observations, for the share left of the turning point.
    along : bool
        Whether β, γ and their covariance are of x moved to the range from −1 (`low`) to 1 (`high`), and of its square
        (:func:`robustness.with_square`). What is returned is in x's own units either way.

    Raises
    ------
    EffectsError
        When the range is empty or the covariance is not one.
    """
    from scipy import stats

    v = np.asarray(covariance, float)
    if v.shape != (2, 2) or not np.isfinite(v).all() or (np.diag(v) <= 0).any():
        raise EffectsError(said("robustness.covariance", found=v.tolist()))
    if not low < high:
        raise EffectsError(said("robustness.low_high", low=low, high=high))
    shape: Shape = "u" if quadratic > 0 else "inverse_u"
    middle, half = ((low + high) / 2, (high - low) / 2) if along else (0.0, 1.0)
    ends = (-1.0, 1.0) if along else (low, high)
    slopes = [linear + 2 * quadratic * at for at in ends]
    gradient = np.array([[1.0, 2 * at] for at in ends])
    t = np.array(slopes) / np.sqrt(np.einsum("ij,jk,ik->i", gradient, v, gradient))
    sign = 1.0 if shape == "u" else -1.0
    # For a U the lower slope must be below zero and the upper one above.
    p = max(float(stats.t.cdf(sign * t[0], freedom)), float(stats.t.sf(sign * t[1], freedom)))
    turn = middle + half * (-linear / (2 * quadratic) if quadratic else np.nan)
    first, last = fieller(linear, quadratic, v, float(stats.t.ppf(1 - size / 2, freedom)))
    bounds = middle + half * first, middle + half * last
    slopes = [slope / half for slope in slopes]
    left = float(np.mean(np.asarray(x, float) < turn)) if x is not None else np.nan
    return UTest(shape, low, high, slopes[0], slopes[1], float(t[0]), float(t[1]), p, turn, *bounds, left)


def fieller(
    linear: float, quadratic: float, covariance: NDArray[np.float64], critical: float
) -> tuple[float, float]:
    """Interval of −β/2γ: all m for which β + 2γm is not told from zero.

    (β + 2γm)² ≤ c² (v₁₁ + 4m v₁₂ + 4m² v₂₂) is a quadratic inequality in m. It is bounded only where γ itself is told
    from zero, γ² > c² v₂₂; otherwise (−∞, ∞) is returned, also where the set is two half-lines.
    """
    c2 = critical**2
    a = 4 * (quadratic**2 - c2 * covariance[1, 1])
    b = 4 * (linear * quadratic - c2 * covariance[0, 1])
    c = linear**2 - c2 * covariance[0, 0]
    if a <= 0:
        return (-np.inf, np.inf)
    root = np.sqrt(max(b * b - 4 * a * c, 0.0))
    return (float((-b - root) / (2 * a)), float((-b + root) / (2 * a)))
