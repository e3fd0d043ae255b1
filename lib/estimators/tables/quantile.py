"""Regression quantiles by two engines: an interior point (pyfixest) and the simplex of their linear programme (HiGHS).

min over b of Σ ρ_q(y − x b), ρ_q(u) = u (q − 1[u < 0]) (Koenker and Bassett 1978, Econometrica 46, 33–50). With
ψ_i = H⁻¹ x_i (q − 1[u_i < 0]) the covariance is

- robust: q (1 − q) H⁻¹ X′X H⁻¹, H = Σ f_i x_i x_i′ and f_i = 2h / x_i′(b(q + h) − b(q − h)) (Hendricks and Koenker 1992; R's
  ``nid``), h of Hall and Sheather;
- clustered: Σ of clusters' ψ ψ′ with H = Σ 1[|u_i| ≤ δ] x_i x_i′ / 2δ (Parente and Santos Silva 2016, Journal of Econometric
  Methods 5, 1–15), δ the median absolute deviation of residuals times Φ⁻¹(q + h) − Φ⁻¹(q − h).

With few values, or groups in which q of the rows is a whole number, several coefficients have the least loss: that of the
simplex stands, as one engine's alone, where the interior point's is within half an error, and none where it is not.

Effects are dummies; nothing is corrected for small samples, and t has n − K degrees of freedom, as in R and Stata.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from estimators.engines.agreement import agree
from estimators.errors import EffectsError
from estimators.language import said
from estimators.tables import linear
from estimators.tables.covariance import covariance
from estimators.tables.linear import ITERATIVE, Estimate
from estimators.tables.rows import Rows

ALIKE = 1e-8  # relative difference of two minima of one loss
SAME, MANY = 1e-3, 0.5  # errors by which coefficients of one loss differ: they are one, they are too many
TOLERANCES = (1e-12, 1e-9, 1e-6)  # of the interior point; the least ones may end in a singular matrix


def estimate(rows: Rows, q: float, errors: str, options: Mapping[str, Any]) -> Estimate:
    """A regression quantile.

    Parameters
    ----------
    rows : Rows
        Without effects that are absorbed.
    q : float
        Between 0 and 1.
    errors : {"robust", "clustered"}
    options : mapping
        As of `linear.estimate`.

    Raises
    ------
    EffectsError
        When several coefficients have the least loss.
    EnginesDisagree
    """
    return linear.in_even_units(rows, lambda moved: _estimate(moved, q, errors, options))


def _estimate(rows: Rows, q: float, errors: str, options: Mapping[str, Any]) -> Estimate:
    x, y = rows.values(rows.regressors), rows.data[rows.outcome].to_numpy(float)
    b = simplex(x, y, q)
    u = y - x @ b
    h = _bandwidth(q, len(y))
    if errors == "robust":
        spread = x @ (simplex(x, y, q + h) - simplex(x, y, q - h))
        density = np.maximum(0.0, 2 * h / (spread - np.sqrt(np.finfo(float).eps)))
    else:
        delta = np.median(np.abs(u - np.median(u))) * (stats.norm.ppf(q + h) - stats.norm.ppf(q - h))
        density = (np.abs(u) <= delta) / (2 * delta)
    bread = np.linalg.inv(x.T @ (x * density[:, None]))
    # Rows through which the plane goes lie on neither side, up to the last bit.
    below = u < -1e-9 * np.abs(y).max()
    psi = (x * (q - below)[:, None]) @ bread
    v = (
        q * (1 - q) * bread @ (x.T @ x) @ bread
        if errors == "robust"
        else covariance(psi, rows, errors, options)
    )
    other, theirs = _interior(rows, x, y, q, errors)
    own = loss(u, q)
    if abs(loss(y - x @ other, q) - own) > ALIKE * own:
        agree(_side(rows, b, v), _side(rows, other, v), ("HiGHS", "pyfixest"), ITERATIVE, np.inf)
    apart = float((np.abs(other - b) / np.sqrt(np.diag(v))).max())
    if apart > MANY:
        raise EffectsError(said("tables.quantile_many", outcome=rows.outcome, q=q))
    near = np.allclose(np.sqrt(np.diag(theirs)), np.sqrt(np.diag(v)), rtol=1e-4, atol=0)
    engines: tuple[str, ...] = ("HiGHS", "pyfixest")
    one = "" if near else "errors"
    if apart > SAME:
        engines, one = ("HiGHS",), "all"
    null = loss(y - np.quantile(y, q, method="inverted_cdf"), q)
    return Estimate(list(rows.regressors), b, psi, v, u, engines, one, {"r2": 1 - own / null})


def loss(u: np.ndarray, q: float) -> float:
    """Σ ρ_q(u)."""
    return float((u * (q - (u < 0))).sum())


def simplex(x: np.ndarray, y: np.ndarray, q: float) -> np.ndarray:
    """Coefficients from the dual programme: max y′a with x′a = (1 − q) x′1, 0 ≤ a ≤ 1."""
    from scipy.optimize import linprog

    found = linprog(-y, A_eq=x.T, b_eq=(1 - q) * x.sum(axis=0), bounds=(0, 1), method="highs-ds")
    if found.status:
        raise EffectsError(said("tables.quantile_none", q=q, told=found.message))
    return np.asarray(-found.eqlin.marginals, float)


def _bandwidth(q: float, n: int) -> float:
    """Hall and Sheather's (1988), for intervals of 95 %; never beyond the quantiles that there are."""
    at = stats.norm.ppf(q)
    h = n ** (-1 / 3) * stats.norm.ppf(0.975) ** (2 / 3)
    h *= (1.5 * stats.norm.pdf(at) ** 2 / (2 * at**2 + 1)) ** (1 / 3)
    return float(min(h, 0.99 * q, 0.99 * (1 - q)))


def _interior(
    rows: Rows, x: np.ndarray, y: np.ndarray, q: float, errors: str
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and covariance of pyfixest, without its correction."""
    import pyfixest as pf

    terms = [f"x{i}" for i in range(x.shape[1])]
    data = pd.DataFrame(x, columns=terms).assign(y=y)
    vcov: Any = "nid"
    if errors == "clustered":
        data["c"] = rows.clusters.iloc[:, 0].to_numpy()
        vcov = {"CRV1": "c"}
    how: dict[str, Any] = {"quantile": q, "vcov": vcov, "drop_intercept": True}
    how["ssc"] = pf.ssc(k_adj=False, k_fixef="none", G_adj=False)
    for tolerance in TOLERANCES:
        with warnings.catch_warnings(), contextlib.suppress(np.linalg.LinAlgError):
            warnings.simplefilter("ignore")
            found = pf.quantreg(f"y ~ {' + '.join(terms)}", data, tol=tolerance, **how)
            return found.coef()[terms].to_numpy(), np.asarray(found._vcov, float)
    raise EffectsError(said("tables.quantile_none", q=q, told="singular"))


def _side(rows: Rows, b: np.ndarray, v: np.ndarray) -> pd.DataFrame:
    index = pd.MultiIndex.from_product([[rows.outcome], rows.regressors], names=["spec", "term"])
    return pd.DataFrame(
        {"estimate": b, "std_error": np.sqrt(np.diag(v)), "n": rows.n, "clusters": 0}, index=index
    )
