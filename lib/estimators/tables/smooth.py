"""Poisson, logit and probit by two engines; random effects by their quasi-demeaned rows.

Each engine maximises the likelihood itself. The sandwich is computed here from scores at the first engine's estimate: rows
weighted by the variance of the outcome, effects taken out with the same weights (Frisch–Waugh–Lovell for weighted rows), so
that neither engine's covariance is taken on trust.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from estimators.engines import rounding
from estimators.engines.agreement import agree
from estimators.errors import EffectsError
from estimators.language import said
from estimators.tables import linear
from estimators.tables.covariance import covariance
from estimators.tables.linear import ITERATIVE, Estimate
from estimators.tables.rows import UNIT, YEAR, Rows, within

# With more levels than these, effects are too many for dummies.
DUMMIES = 200
COUNTED = "poisson"


def estimate(rows: Rows, how: str, errors: str, options: Mapping[str, Any]) -> Estimate:
    """A generalised linear model.

    Parameters
    ----------
    rows : Rows
    how : {"poisson", "logit", "probit"}
    errors, options
        As of `linear.estimate`.

    Raises
    ------
    EffectsError
        When the outcome is no count, or neither 0 nor 1.
    """
    y = rows.data[rows.outcome].to_numpy(float)
    wrong = (y < 0).any() if how == COUNTED else not np.isin(y, (0, 1)).all()
    if wrong:
        raise EffectsError(said("tables.outcome", how=how, outcome=rows.outcome))
    return linear.in_even_units(rows, lambda moved: _estimate(moved, how, errors, options), outcome=False)


def _estimate(rows: Rows, how: str, errors: str, options: Mapping[str, Any]) -> Estimate:
    y = rows.data[rows.outcome].to_numpy(float)
    levels = sum(rows.effects[name].nunique() for name in rows.effects)
    b, mean, slope, weight, first = (
        _by_pyfixest(rows, how, y) if how == COUNTED else _by_statsmodels(rows, how, y)
    )
    engines: tuple[str, ...] = (first,)
    one = "all"
    x = rows.values(rows.regressors)
    if levels <= DUMMIES:
        other = _glm(rows, how, y)
        name = "statsmodels" if how == COUNTED else "statsmodels GLM"
        agree(_side(rows, b), _side(rows, other), (first, name), ITERATIVE, np.inf)
        engines, one = (first, name), ""
    left = within(x, rows.effects, weight)
    bread = np.linalg.inv(left.T @ (left * weight[:, None]))
    psi = (left * (slope * (y - mean))[:, None]) @ bread
    v = bread if errors == "iid" else covariance(psi, rows, errors, options)
    null = float(np.average(y, weights=rows.weights))
    r2 = {"r2": 1 - _likelihood(how, y, mean) / _likelihood(how, y, np.full_like(y, null))}
    return Estimate(list(rows.regressors), b, psi, v, y - mean, engines, one, r2)


def random_effects(rows: Rows, errors: str, options: Mapping[str, Any]) -> Estimate:
    """Swamy and Arora's random effects: linearmodels' share of the unit mean, then two engines on what is left."""
    from linearmodels.panel import RandomEffects

    names = [rows.outcome, *rows.regressors]
    data = rows.data.set_index([UNIT, YEAR])
    model = RandomEffects(data[rows.outcome], data[rows.regressors]).fit()
    theta = rows.data[UNIT].map(model.theta["theta"]).to_numpy(float)
    means = rows.data.groupby(UNIT, observed=True)[names].transform("mean").to_numpy(float)
    values = rows.values(names) - theta[:, None] * means
    moved = replace(rows, data=rows.data.assign(**dict(zip(names, values.T, strict=True))))
    found = linear.estimate(moved, errors, options)
    theirs = model.params[rows.regressors].to_numpy()
    order = [found.terms.index(name) for name in rows.regressors]
    mine = _side(rows, found.coefficients[order])
    x, weight = values[:, 1:], rows.weights
    bread = np.linalg.pinv((x * weight[:, None]).T @ x)
    raw = rows.values(names)
    lost = rounding.lost(raw[:, 0], raw[:, 1:], mine["estimate"].to_numpy(), found.residuals, bread, weight)
    more = pd.DataFrame({"coefficient": lost.coefficients, "std_error": 0.0}, mine.index)
    agree(mine, _side(rows, theirs), ("quasi-demeaned", "linearmodels"), 1e-8, np.inf, more)
    return replace(found, one="all", engines=("linearmodels",))


def _side(rows: Rows, b: np.ndarray) -> pd.DataFrame:
    index = pd.MultiIndex.from_product([[rows.outcome], rows.regressors], names=["spec", "term"])
    return pd.DataFrame(
        {"estimate": b, "std_error": np.abs(b) + 1e-6, "n": rows.n, "clusters": 0}, index=index
    )


def _by_pyfixest(rows: Rows, how: str, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, Any, np.ndarray, str]:
    import pyfixest as pf

    data = pd.DataFrame({f"x{i}": rows.data[name].to_numpy(float) for i, name in enumerate(rows.regressors)})
    data["y"] = y
    for i, name in enumerate(rows.effects):
        data[f"f{i}"] = pd.factorize(rows.effects[name])[0]
    effects = " + ".join(f"f{i}" for i in range(rows.effects.shape[1]))
    terms = [f"x{i}" for i in range(len(rows.regressors))]
    formula = f"y ~ {' + '.join(terms)}" + (f" | {effects}" if effects else "")
    found = pf.fepois(
        formula, data, vcov="iid", fixef_rm="none", drop_intercept=True, iwls_tol=1e-12, iwls_maxiter=200
    )
    b = found.coef()[terms].to_numpy()
    mean = np.asarray(found._Y_hat_response, float).ravel()
    return b, mean, 1.0, mean, "pyfixest"


def _by_statsmodels(
    rows: Rows, how: str, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray, Any, np.ndarray, str]:
    import statsmodels.api as sm

    x = _with_dummies(rows)
    model = sm.Logit(y, x) if how == "logit" else sm.Probit(y, x)
    found = model.fit(disp=0, method="newton", maxiter=200, tol=1e-14)
    line = x @ found.params
    if how == "logit":
        mean = special.expit(line)
        slope, weight = 1.0, mean * (1 - mean)
    else:
        mean, density = stats.norm.cdf(line), stats.norm.pdf(line)
        slope = density / (mean * (1 - mean))
        weight = density * slope
    return found.params[: len(rows.regressors)], mean, slope, weight, "statsmodels"


def _glm(rows: Rows, how: str, y: np.ndarray) -> np.ndarray:
    """By iterated weighted least squares with dummies."""
    import statsmodels.api as sm

    links = {"poisson": sm.families.Poisson(), "logit": sm.families.Binomial()}
    family = links.get(how) or sm.families.Binomial(sm.families.links.Probit())
    found = sm.GLM(y, _with_dummies(rows), family=family).fit(tol=1e-10, maxiter=100, tol_criterion="params")
    return np.asarray(found.params[: len(rows.regressors)])


def _with_dummies(rows: Rows) -> np.ndarray:
    """Regressors and a dummy for each level, of later effects without their first."""
    x = rows.values(rows.regressors)
    levels = sum(rows.effects[name].nunique() for name in rows.effects)
    if levels > DUMMIES:
        raise EffectsError(said("tables.dummies", count=levels, most=DUMMIES))
    parts = [
        pd.get_dummies(pd.factorize(rows.effects[name])[0], dtype=float).to_numpy() for name in rows.effects
    ]
    return np.hstack([x, *(part[:, int(i > 0) :] for i, part in enumerate(parts))])


def _likelihood(how: str, y: np.ndarray, mean: np.ndarray) -> float:
    if how == COUNTED:
        return float((special.xlogy(y, mean) - mean - special.gammaln(y + 1)).sum())
    return float((special.xlogy(y, mean) + special.xlogy(1 - y, 1 - mean)).sum())
