"""How strongly would what is not observed have to select, next to what is, to explain an estimate away?

Oster (2019, Journal of Business & Economic Statistics 37(2), 187–204). With y = βX + W₁ + W₂ + ε, W₁ the index of the
controls and W₂ orthogonal to it, selection is proportional: δ Cov(W₁,X)/Var(W₁) = Cov(W₂,X)/Var(W₂). From the
regression without controls (β°, R°), with them (β~, R~), and the R² that all of W₂ would give (R_max), with
σ² variances, τ the variance of X given controls, and b = β~ − β:

    δ = b [(R~−R°)σ_y² τ + σ_x² τ (β°−β~)² + 2b τ (β°−β~) σ_x² + b² τ (σ_x² − τ)]
        / {(R_max−R~)σ_y² [(β°−β~)σ_x² + b (σ_x² − τ)] + b² τ [(β°−β~)σ_x² + b (σ_x² − τ)]}.

Fixed effects are taken out of everything beforehand, so that they stand in both regressions and R² is the one within.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.polynomial import Polynomial
from numpy.typing import ArrayLike, NDArray

from estimators.errors import EffectsError
from estimators.language import said

Array = NDArray[np.float64]


class Selection(NamedTuple):
    """Regressions without and with controls, and what they say of selection."""

    beta_short: float
    r2_short: float
    beta_long: float
    r2_long: float
    r2_max: float
    delta: float  # selection for which the effect would be the target
    beta_star: float  # effect if selection on the unobserved equals that on the observed (delta = 1)
    roots: tuple[float, ...]  # all solutions for the effect at delta = 1
    against: bool = False  # δ is negative: selection would have to be the other way than the controls'


class Moments(NamedTuple):
    """Variances and regressions that the formula needs."""

    beta_short: float
    r2_short: float
    beta_long: float
    r2_long: float
    var_y: float
    var_x: float
    var_x_given: float


def selection(
    y: ArrayLike,
    x: ArrayLike,
    controls: ArrayLike,
    r2_max: float | None = None,
    factor: float = 1.3,
    target: float = 0.0,
) -> Selection:
    """δ for a target effect, and the effect at δ = 1.

    Parameters
    ----------
    y, x : array_like, shape (n,)
        Outcome and treatment, less fixed effects.
    controls : array_like, shape (n, k)
        Less fixed effects.
    r2_max : float, optional
        R² with all that is not observed; min(1, factor · R~) if not given (Oster proposes a factor of 1.3).
    target : float
        Effect for which δ is given; zero as a rule.

    Raises
    ------
    EffectsError
        When there is no control, they absorb the treatment, or r2_max is not between R~ and 1.
    """
    m = moments(np.asarray(y, float), np.asarray(x, float), np.asarray(controls, float))
    most = min(1.0, factor * m.r2_long) if r2_max is None else r2_max
    if not m.r2_long < most <= 1:
        raise EffectsError(said("robustness.r2_max", most=most, r2_long=m.r2_long))
    roots = effects_at(m, most, 1.0)
    star = min(roots, key=lambda b: abs(b - m.beta_long)) if roots else np.nan
    value = delta(m, most, target)
    return Selection(
        m.beta_short, m.r2_short, m.beta_long, m.r2_long, most, value, star, tuple(roots), value < 0
    )


def delta(m: Moments, r2_max: float, target: float = 0.0) -> float:
    """δ that makes the effect equal to the target (formula above); infinite where nothing could."""
    own, scale = _standard(m)
    top, bottom = _sides(own, r2_max)
    step = (m.beta_long - target) / scale
    below = float(bottom(step))
    return float(top(step)) / below if below else float("inf")


def along(y: ArrayLike, x: ArrayLike, controls: ArrayLike, most: Sequence[float]) -> pd.DataFrame:
    """δ for no effect, and the effect at δ = 1, for several R²: one bound is a convention, the curve is what follows from it.

    Returns
    -------
    DataFrame
        r2_max (those above the R² with controls), delta, beta_star, against (δ is negative).
    """
    m = moments(np.asarray(y, float), np.asarray(x, float), np.asarray(controls, float))
    rows = []
    for bound in sorted(set(most)):
        roots = effects_at(m, bound, 1.0) if bound > m.r2_long else []
        star = min(roots, key=lambda b: abs(b - m.beta_long)) if roots else np.nan
        rows += [(bound, delta(m, bound), star)] if bound > m.r2_long else []
    made = pd.DataFrame(rows, columns=["r2_max", "delta", "beta_star"])
    return made.assign(against=made["delta"] < 0)


def _standard(m: Moments) -> tuple[Moments, float]:
    """Moments of y and x with unit variance, and the size of a coefficient in their own units: roots know no unit."""
    scale = float(np.sqrt(m.var_y / m.var_x))
    own = m._replace(
        beta_short=m.beta_short / scale,
        beta_long=m.beta_long / scale,
        var_y=1.0,
        var_x=1.0,
        var_x_given=m.var_x_given / m.var_x,
    )
    return own, scale


def effects_at(m: Moments, r2_max: float, selected: float) -> list[float]:
    """Real solutions for the effect at a given δ; δ = 1 gives a quadratic, else a cubic."""
    own, scale = _standard(m)
    top, bottom = _sides(own, r2_max)
    polynomial = top - selected * bottom
    size = np.abs(polynomial.coef).max()
    trimmed = polynomial.trim(1e-12 * size)  # the cubic terms cancel at δ = 1
    roots = np.asarray(trimmed.roots(), complex)
    return sorted(m.beta_long - scale * float(r.real) for r in roots if abs(r.imag) <= 1e-9 * abs(r))


def _sides(m: Moments, r2_max: float) -> tuple[Polynomial, Polynomial]:
    """Numerator and denominator of δ as polynomials in b = β~ − β."""
    step, tau = m.beta_short - m.beta_long, m.var_x_given
    gap = m.var_x - tau
    explained, left = (m.r2_long - m.r2_short) * m.var_y, (r2_max - m.r2_long) * m.var_y
    top = [0.0, tau * (explained + m.var_x * step**2), 2 * tau * step * m.var_x, tau * gap]
    bottom = [left * step * m.var_x, left * gap, tau * step * m.var_x, tau * gap]
    return Polynomial(top), Polynomial(bottom)


def moments(y: Array, x: Array, controls: Array) -> Moments:
    """The two regressions, by least squares on demeaned columns."""
    if controls.ndim != 2 or controls.shape[1] == 0:
        raise EffectsError(said("robustness.no_controls"))
    if not all(np.isfinite(values).all() for values in (y, x, controls)):
        raise EffectsError(said("robustness.not_finite"))
    y, x, w = y - y.mean(), x - x.mean(), controls - controls.mean(axis=0)
    w = w / np.where(w.std(axis=0) > 0, w.std(axis=0), 1.0)
    rest = x - w @ np.linalg.lstsq(w, x, rcond=None)[0]
    if rest @ rest < 1e-10 * (x @ x):
        raise EffectsError(said("robustness.controls_absorb"))
    both = np.column_stack([x, w])
    coefficients = np.linalg.lstsq(both, y, rcond=None)[0]
    residual = y - both @ coefficients
    short = float(x @ y / (x @ x))
    total = float(y @ y)
    r2_long = 1 - float(residual @ residual) / total
    n = len(y)
    return Moments(
        short,
        short**2 * float(x @ x) / total,
        float(coefficients[0]),
        r2_long,
        total / n,
        float(x @ x) / n,
        float(rest @ rest) / n,
    )
