"""Least squares and instruments by two engines, which must agree before anything is corrected.

pyfixest absorbs effects itself. linearmodels gets columns from which effects were taken by LSMR (`rows.within`), so that
the two share neither the absorbing nor the solving. A third, the sandwich of `covariance` from scores, must agree with both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from estimators.engines import rounding, units
from estimators.engines.agreement import agree, no_error
from estimators.tables.covariance import covariance
from estimators.tables.rows import Rows, within

MOST_SLOPES = 200
ITERATIVE = 1e-6  # of estimates that are found by iteration


@dataclass(frozen=True)
class Estimate:
    """Coefficients before any correction.

    Attributes
    ----------
    terms : list of str
    coefficients : ndarray, shape (k,)
    psi : ndarray, shape (n, k)
        Influence of each row.
    v : ndarray, shape (k, k)
        Uncorrected covariance.
    residuals : ndarray, shape (n,)
    engines : tuple of str
        Those that agree on coefficients.
    one : str
        What only one of them has: ``""``, ``"errors"``, ``"all"``.
    r2 : dict of str to float
    """

    terms: list[str]
    coefficients: np.ndarray
    psi: np.ndarray
    v: np.ndarray
    residuals: np.ndarray
    engines: tuple[str, ...]
    one: str = ""
    r2: dict[str, float] = field(default_factory=dict)


def estimate(rows: Rows, errors: str, options: Mapping[str, Any]) -> Estimate:
    """Least squares, or two stages where there are instruments.

    Parameters
    ----------
    rows : Rows
    errors : {"iid", "robust", "clustered", "driscoll_kraay", "conley"}
    options : mapping
        As of `covariance`.

    Raises
    ------
    EnginesDisagree
    """
    return in_even_units(rows, lambda moved: _estimate(moved, errors, options))


def in_even_units(rows: Rows, made: Callable[[Rows], Estimate], outcome: bool = True) -> Estimate:
    """An estimate made on columns divided by a power of two near their largest value, told in their own units.

    Dividing so keeps every digit; no engine's tolerance then meets numbers that are all large, or all small.

    Parameters
    ----------
    rows : Rows
    made : callable
        The estimate of such rows.
    outcome : bool
        Whether the outcome is divided, too: a count or a probability is not.
    """
    sizes = {
        name: units.size(rows.data[name]) for name in (*rows.regressors, *rows.endogenous, *rows.instruments)
    }
    own = sizes.get(rows.outcome) or units.size(rows.data[rows.outcome]) if outcome else 1.0
    sizes |= {rows.outcome: own}
    found = made(
        replace(rows, data=rows.data.assign(**{name: rows.data[name] / size for name, size in sizes.items()}))
    )
    up = np.array([own / sizes[name] for name in found.terms])
    return replace(
        found,
        coefficients=found.coefficients * up,
        psi=found.psi * up,
        v=found.v * np.outer(up, up),
        residuals=found.residuals * own,
    )


def _estimate(rows: Rows, errors: str, options: Mapping[str, Any]) -> Estimate:
    own = _own(rows)
    terms, y, residuals, psi, bread = own.terms, own.y, own.residuals, own.psi, own.bread
    n = rows.n
    variance = float(rows.weights @ residuals**2) / n
    v = variance * bread if errors == "iid" else covariance(psi, rows, errors, options)
    kind = errors if errors in ("iid", "robust", "clustered") else "robust"
    mine = v if kind == errors else covariance(psi, rows, "robust", options)
    tables = {"sandwich": _table(own.terms, own.b, mine, rows)}
    tables["linearmodels"] = _linearmodels(rows, own, kind)
    # pyfixest takes one endogenous regressor; slopes are dummies times a column to it.
    if len(rows.endogenous) < 2 and sum(one.codes.max() + 1 for one in rows.slopes.values()) <= MOST_SLOPES:
        tables = {"pyfixest": _pyfixest(rows, kind), **tables}
    first, *others = tables
    raw = rows.values([rows.outcome, *terms])
    lost = rounding.lost(raw[:, 0], raw[:, 1:], own.b, residuals, bread, rows.weights)
    more = pd.DataFrame(
        {"coefficient": lost.coefficients, "std_error": lost.std_errors, "least": lost.least},
        tables["sandwich"].index,
    )
    for other in others:
        agree(tables[first], tables[other].reindex(tables[first].index), (first, other), lost=more)
    size = np.sqrt(np.abs(np.diag(v)))
    nothing = no_error(own.b, size) | (size <= lost.least) | lost.everything
    v = np.where(nothing[:, None] | nothing[None, :], np.nan, v)
    engines = tuple(name for name in tables if name != "sandwich")
    total = y - np.average(y, weights=rows.weights)
    whole = rows.data[rows.outcome].to_numpy(float)
    overall = whole - np.average(whole, weights=rows.weights)
    rest = float(rows.weights @ residuals**2)
    r2 = {
        "r2": 1 - rest / float(rows.weights @ overall**2),
        "r2_within": 1 - rest / float(rows.weights @ total**2),
    }
    one = "all" if len(engines) < 2 else "errors" if kind != errors else ""
    return Estimate(terms, own.b, psi, v, residuals, engines, one, r2)


@dataclass(frozen=True)
class _Own:
    terms: list[str]
    y: np.ndarray
    x: np.ndarray
    z: np.ndarray
    b: np.ndarray
    residuals: np.ndarray
    psi: np.ndarray
    bread: np.ndarray


def _own(rows: Rows) -> _Own:
    """By Frisch–Waugh–Lovell and QR, with scores."""
    terms = [*rows.regressors, *rows.endogenous]
    names = [rows.outcome, *terms, *rows.instruments]
    taken = within(rows.values(names), rows.effects, rows.weights, rows.slopes)
    y, x = taken[:, 0], taken[:, 1 : 1 + len(terms)]
    z = np.hstack([x[:, : len(rows.regressors)], taken[:, 1 + len(terms) :]])
    root = np.sqrt(rows.weights)[:, None]
    fitted = x if not rows.endogenous else z @ np.linalg.lstsq(root * z, root * x, rcond=None)[0]
    b = np.linalg.lstsq(root * fitted, root[:, 0] * y, rcond=None)[0]
    residuals = y - x @ b
    r = np.linalg.qr(root * fitted, mode="r")
    inverse = np.linalg.inv(r)
    bread = inverse @ inverse.T
    return _Own(terms, y, x, z, b, residuals, (fitted * (rows.weights * residuals)[:, None]) @ bread, bread)


def _table(terms: list[str], b: np.ndarray, v: np.ndarray, rows: Rows) -> pd.DataFrame:
    clusters = min((rows.clusters[c].nunique() for c in rows.clusters), default=0)
    index = pd.MultiIndex.from_product([[rows.outcome], terms], names=["spec", "term"])
    error = np.sqrt(np.diag(v))
    return pd.DataFrame({"estimate": b, "std_error": error, "n": rows.n, "clusters": clusters}, index=index)


def _linearmodels(rows: Rows, own: _Own, kind: str) -> pd.DataFrame:
    from linearmodels.iv import IV2SLS

    count = len(rows.regressors)
    exogenous = own.x[:, :count] if count else None
    parts = (own.x[:, count:], own.z[:, count:]) if rows.endogenous else (None, None)
    model = IV2SLS(own.y, exogenous, *parts, weights=rows.weights)
    how: dict[str, Any] = {"cov_type": "unadjusted" if kind == "iid" else kind, "debiased": False}
    if kind == "clustered":
        how["clusters"] = rows.clusters.to_numpy()
    found = model.fit(**how)
    return _table(own.terms, found.params.to_numpy(), found.cov.to_numpy(), rows)


def _pyfixest(rows: Rows, kind: str) -> pd.DataFrame:
    import pyfixest as pf
    from pyfixest.demeaners import LsmrDemeaner

    # Names of one kind: a formula would read signs and words of the study's own.
    terms = [*rows.regressors, *rows.endogenous]
    named = {name: f"x{i}" for i, name in enumerate(terms)} | {
        name: f"z{i}" for i, name in enumerate(rows.instruments)
    }
    columns = {short: rows.data[name].to_numpy(float) for name, short in named.items()}
    data = pd.DataFrame({"y": rows.data[rows.outcome].to_numpy(float), **columns, "w": rows.weights})
    for i, name in enumerate(rows.effects):
        data[f"f{i}"] = pd.factorize(rows.effects[name])[0]
    for i, name in enumerate(rows.clusters):
        data[f"c{i}"] = rows.clusters[name].to_numpy()
    effects = " + ".join(f"f{i}" for i in range(rows.effects.shape[1])) or "0"
    slopes = _dummies_times(rows)
    data = pd.concat([data, slopes], axis=1)
    regressors = [*(named[name] for name in rows.regressors), *slopes]
    formula = f"y ~ {' + '.join(regressors) or '1'} | {effects}"
    if rows.endogenous:
        formula += f" | {named[rows.endogenous[0]]} ~ {' + '.join(named[z] for z in rows.instruments)}"
    formula = formula.replace(" | 0 |", " |") if effects == "0" and rows.endogenous else formula
    formula = formula.removesuffix(" | 0")
    vcov: Any = {"iid": "iid", "robust": "hetero"}.get(kind) or {
        "CRV1": "+".join(f"c{i}" for i in range(rows.clusters.shape[1]))
    }
    # The constant is a column of its own.
    found = pf.feols(
        formula,
        data,
        vcov=vcov,
        weights="w",
        ssc=pf.ssc(k_adj=False, k_fixef="none", G_adj=False),
        fixef_rm="none",
        drop_intercept=True,
        demeaner=LsmrDemeaner(fixef_atol=1e-13, fixef_btol=1e-13),
    )
    b, v = found.coef(), pd.DataFrame(found._vcov, found.coef().index, found.coef().index)
    order = [named[name] for name in terms]
    n = rows.n
    # Its variance of iid errors is over n − 1.
    scale = (n - 1) / n if kind == "iid" else 1.0
    return _table(terms, b[order].to_numpy(), scale * v.loc[order, order].to_numpy(), rows)


def _dummies_times(rows: Rows) -> pd.DataFrame:
    """A column for each level of each slope, but those that are zero; of length one, so that none counts as nothing."""
    found = {}
    for number, one in enumerate(rows.slopes.values()):
        for level in range(one.codes.max() + 1):
            column = np.where(one.codes == level, one.values, 0.0)
            if (length := float(np.linalg.norm(column))) > 0:
                found[f"x{number}_{level}"] = column / length
    return pd.DataFrame(found, index=range(rows.n))
