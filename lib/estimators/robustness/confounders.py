"""How strong would something unobserved have to be, next to what is observed, to change what an estimate says?

Cinelli & Hazlett (2020, Journal of the Royal Statistical Society B 82(1), 39–67). With t the t statistic of the treatment and
df the residual degrees of freedom, R²_YD|X = t²/(t² + df), f² = R²/(1 − R²); what confounds is described by the partial R² that
it has with the treatment (R²_D) and, given the treatment, with the outcome (R²_Y):

    |bias| = se √df · √(R²_Y R²_D/(1 − R²_D)),   RV_q = ½ (√(f_q⁴ + 4 f_q²) − f_q²),   f_q = q |f|.

RV_q is the partial R² with both that would take away the share q of the estimate. Benchmarks say what k times a control would be.
Classical errors enter the formulas, as in the paper: bounds on the estimate do not depend on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from estimators.effects.dynamics import fit_all
from estimators.errors import EffectsError
from estimators.language import said

Array = NDArray[np.float64]
TIMES = (1.0, 2.0, 3.0)


class Robustness(NamedTuple):
    """What an estimate stands."""

    estimate: float
    std_error: float
    df: int
    partial_r2: (
        float  # of the treatment with the outcome: what a confounder that explains all the rest would need
    )
    value: float  # RV_1: partial R² with both that leaves nothing of the estimate
    value_t: float  # the same, that leaves it not told from zero


def robustness(
    y: ArrayLike, x: ArrayLike, controls: ArrayLike, absorbed: int = 0, size: float = 0.05
) -> Robustness:
    """Robustness values of a treatment's coefficient.

    Parameters
    ----------
    y, x : array_like, shape (n,)
        Outcome and treatment, less fixed effects.
    controls : array_like, shape (n, k)
        Less fixed effects.
    absorbed : int
        Degrees of freedom of the fixed effects.
    size : float
        Of the test of ``value_t``.

    Raises
    ------
    EffectsError
        When the controls absorb the treatment, or nothing is left to estimate the variance with.
    """
    beta, error, df = _fitted(
        np.asarray(y, float), np.asarray(x, float), np.asarray(controls, float), absorbed
    )
    from scipy.special import stdtrit

    f = abs(beta / error) / np.sqrt(df)
    # Without the confounder's own degree of freedom.
    critical = abs(float(stdtrit(df - 1, size / 2))) / np.sqrt(df - 1)
    return Robustness(beta, error, df, float(f**2 / (1 + f**2)), _value(f), _value_t(f, critical))


def benchmarks(
    y: ArrayLike,
    x: ArrayLike,
    controls: ArrayLike,
    names: Sequence[str],
    absorbed: int = 0,
    times: Sequence[float] = TIMES,
) -> pd.DataFrame:
    """The estimate if there were a confounder as strong as a control, or several times as strong.

    Returns
    -------
    DataFrame
        control, times, r2_treatment, r2_outcome (partial R² of the confounder), adjusted (the estimate, drawn towards zero and
        beyond), adjusted_error. Left out where no confounder could be so strong.
    """
    d, out, xs = np.asarray(x, float), np.asarray(y, float), np.asarray(controls, float)
    beta, error, df = _fitted(out, d, xs, absorbed)
    rows = []
    for j, name in enumerate(names):
        rest = np.delete(xs, j, axis=1)
        with_d = _partial(d, xs[:, j], rest)
        with_y = _partial(out, xs[:, j], np.column_stack([d, rest]))
        for k in times:
            r2_d = k * with_d / (1 - with_d)
            if r2_d >= 1:
                continue
            eta = (np.sqrt(k) + np.sqrt(r2_d)) / np.sqrt(1 - r2_d)
            r2_y = min(eta**2 * with_y / (1 - with_y), 1.0)
            bias = error * np.sqrt(df) * np.sqrt(r2_y * r2_d / (1 - r2_d))
            left = error * np.sqrt((1 - r2_y) / (1 - r2_d) * df / (df - 1))
            rows.append((name, k, r2_d, r2_y, float(np.sign(beta) * (abs(beta) - bias)), float(left)))
    columns = ["control", "times", "r2_treatment", "r2_outcome", "adjusted", "adjusted_error"]
    return pd.DataFrame(rows, columns=columns)


def listed(
    inside: pd.DataFrame,
    outcome: str,
    treatments: Sequence[str],
    controls: Sequence[str],
    absorbed: int,
    size: float = 0.05,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`robustness` and `benchmarks` of each treatment, the others among what is controlled for.

    Parameters
    ----------
    inside : DataFrame
        Columns less fixed effects.
    outcome, treatments, controls
        Columns.
    absorbed, size
        As above.
    """
    calls = {}
    for name in treatments:
        others = [c for c in [*controls, *treatments] if c != name]
        calls[name] = partial(
            _both, inside[outcome], inside[name], inside[others], len(controls), absorbed, size
        )
    found, _ = fit_all(calls)
    values = [{"treatment": name, **one._asdict()} for name, (one, _) in found.items()]
    strengths = [table.assign(treatment=name) for name, (_, table) in found.items()]
    return pd.DataFrame(values), pd.concat(strengths, ignore_index=True) if strengths else pd.DataFrame()


# -- inside ------------------------------------------------------------------------------------
def _both(
    y: pd.Series, x: pd.Series, others: pd.DataFrame, controls: int, absorbed: int, size: float
) -> tuple[Robustness, pd.DataFrame]:
    one = robustness(y, x, others, absorbed, size)
    return one, benchmarks(y, x, others, list(others)[:controls], absorbed)


def _value(f: float) -> float:
    return float((np.sqrt(f**4 + 4 * f**2) - f**2) / 2)


def _value_t(f: float, critical: float) -> float:
    """Robustness value for a t statistic at its critical value: 0 where it is there already."""
    left = f - critical
    if left <= 0:
        return 0.0
    # Beyond this the confounder's best is to explain more of the treatment than of the outcome.
    if f > 1 / critical:
        return float((f**2 - critical**2) / (1 + f**2))
    return _value(left)


def _fitted(y: Array, x: Array, controls: Array, absorbed: int) -> tuple[float, float, int]:
    own, left = _without(x, controls), _without(y, controls)
    df = len(y) - 1 - controls.shape[1] - absorbed
    if own @ own <= 1e-12 * (x @ x):
        raise EffectsError(said("robustness.controls_absorb"))
    if df < 2:
        raise EffectsError(said("robustness.no_freedom", count=df))
    beta = float(own @ left / (own @ own))
    residual = left - beta * own
    return beta, float(np.sqrt(residual @ residual / df / (own @ own))), df


def _partial(y: Array, z: Array, rest: Array) -> float:
    """Partial R² of z with y given the rest."""
    own, left = _without(z, rest), _without(y, rest)
    bottom = float((own @ own) * (left @ left))
    return float((own @ left) ** 2 / bottom) if bottom > 0 else 0.0


def _without(y: Array, controls: Array) -> Array:
    if not controls.shape[1]:
        return y
    scale = np.sqrt((controls**2).sum(axis=0))
    basis = controls / np.where(scale > 0, scale, 1)
    return y - basis @ np.linalg.lstsq(basis, y, rcond=1e-12)[0]
