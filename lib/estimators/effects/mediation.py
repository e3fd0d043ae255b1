"""Mediation under its assumptions, and how wrong they may be before the indirect effect is gone.

Imai, K., Keele, L., & Yamamoto, T. (2010). Identification, inference and sensitivity analysis for causal mediation
effects. Statistical Science 25(1): 51–71, theorem 4 and section 5 (linear structural equations).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from estimators.engines import units
from estimators.engines.within import two_way_residuals
from estimators.errors import EffectsError
from estimators.finite import refuse_infinite
from estimators.language import said

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Mediation:
    """Indirect effect at no confounding, its bootstrap interval, and its course in ρ.

    Attributes
    ----------
    indirect, ci_low, ci_high : float
        Effect of the treatment on the outcome through the mediator, if nothing else moves both.
    total, share : float
        Total effect and indirect / total.
    rho_zero : float
        Correlation of the two errors at which the indirect effect is zero: the smaller, the weaker the finding.
    path : pandas.DataFrame
        ``rho``, ``indirect``.
    n, clusters : int
    """

    indirect: float
    ci_low: float
    ci_high: float
    total: float
    share: float
    rho_zero: float
    path: pd.DataFrame
    n: int
    clusters: int


def mediation(
    sample: pd.DataFrame,
    outcome: str,
    treatment: str,
    mediator: str,
    controls: Sequence[str] = (),
    *,
    unit: str = "firm_id",
    cluster: str = "firm_id",
    draws: int = 499,
    seed: int = 1,
    size: float = 0.05,
) -> Mediation:
    """Linear mediation after unit and year effects, with the sensitivity of its conclusion.

    With ε₁ the residual of the outcome on treatment and controls, ε₂ that of the mediator, ρ̃ = corr(ε₁, ε₂) and β₂ the
    treatment's effect on the mediator, the indirect effect under corr(error of outcome given mediator, ε₂) = ρ is
    δ(ρ) = β₂ (σ₁/σ₂) {ρ̃ − ρ √((1 − ρ̃²)/(1 − ρ²))}. At ρ = 0 it is the product of coefficients, which needs sequential
    ignorability: nothing that moves the mediator beside treatment may move the outcome too. Nobody can test that.

    Parameters
    ----------
    sample : pandas.DataFrame
        Rows; those without the mediator are left out.
    outcome, treatment, mediator : str
        Columns.
    controls : sequence of str
        Columns.
    unit, cluster : str
        Columns; the bootstrap draws clusters, with the effects taken out once (exact for unit effects).
    draws, seed, size
        Of the percentile bootstrap.

    Returns
    -------
    Mediation
    """
    rows = sample.dropna(subset=[mediator])
    columns = [outcome, mediator, treatment, *controls]
    refuse_infinite(rows, columns, missing=True)
    within = two_way_residuals(rows[columns].to_numpy(float), rows[unit], rows["year"])
    codes, labels = pd.factorize(rows[cluster])
    if (within.std(axis=0) <= 1e-12 * rows[columns].abs().max().to_numpy(float))[:3].any():
        raise EffectsError(
            said("effects.no_variation", outcome=outcome, mediator=mediator, treatment=treatment)
        )
    # In even units: money in fen beside a treatment of 0 and 1 leaves no digit of the treatment in a cut-off by rank.
    sizes = np.array([units.size(pd.Series(column)) for column in within.T])
    within, own = within / sizes, sizes[0] / sizes[2]
    # All that is needed are cross products, and those of a bootstrap sample are sums of clusters' own.
    products = np.zeros((len(labels), len(columns), len(columns)))
    np.add.at(products, codes, within[:, :, None] * within[:, None, :])
    point = _parts(products.sum(axis=0))
    weights = np.random.default_rng(seed).multinomial(len(labels), [1 / len(labels)] * len(labels), draws)
    drawn = np.einsum("bc,cij->bij", weights.astype(float), products)
    sampled = [_delta(_parts(cross), 0.0) for cross in drawn]
    low, high = own * np.quantile(sampled, [size / 2, 1 - size / 2])
    grid = np.round(np.linspace(-0.9, 0.9, 37), 3)
    path = pd.DataFrame({"rho": grid, "indirect": [own * _delta(point, r) for r in grid]})
    indirect, total = own * _delta(point, 0.0), own * point["total"]
    share = indirect / total if total else np.nan
    return Mediation(
        indirect, float(low), float(high), total, share, point["rho"], path, len(rows), len(labels)
    )


def _parts(cross: Array) -> dict[str, float]:
    """σ₁, σ₂, ρ̃, the effect on the mediator and the total effect, from cross products of (y, m, d, x)."""
    right, left = cross[2:, 2:], cross[2:, :2]
    slopes = np.linalg.lstsq(right, left, rcond=None)[0]
    residual = cross[:2, :2] - left.T @ slopes
    first, second = np.sqrt(np.diag(residual))
    return {
        "total": float(slopes[0, 0]),
        "on_mediator": float(slopes[0, 1]),
        "ratio": float(first / second),
        "rho": float(residual[0, 1] / (first * second)),
    }


def _delta(parts: dict[str, float], rho: float) -> float:
    tilde = parts["rho"]
    return parts["on_mediator"] * parts["ratio"] * (tilde - rho * np.sqrt((1 - tilde**2) / (1 - rho**2)))
