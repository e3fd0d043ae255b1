"""One column: estimated, corrected, with what stands at its foot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from estimators.engines.telling import of_none, telling
from estimators.tables import correction, levels, linear, quantile, smooth
from estimators.tables import rows as rooms
from estimators.tables.correction import Correction
from estimators.tables.linear import Estimate
from estimators.tables.rows import CONSTANT, UNIT, Rows

GENERALISED = ("poisson", "logit", "probit")
OTHER_FIT = (*GENERALISED, "quantile")  # R² is one of likelihood or loss, which no degrees of freedom adjust


@dataclass(frozen=True)
class Fit:
    """A column that was estimated.

    Attributes
    ----------
    column : dict
        Its specification.
    rows : Rows
    estimate : Estimate
        Before the correction.
    corrected : Correction
    first_stage : dict of str to Fit
        First stages by endogenous regressor.
    """

    column: Mapping[str, Any]
    rows: Rows
    estimate: Estimate
    corrected: Correction
    first_stage: Mapping[str, Fit]

    @property
    def terms(self) -> list[str]:
        """Terms, treatments before controls, the constant last; without dummies for effects."""
        own = [] if self.column["estimator"] in ("re", "quantile") else self.estimate.terms
        asked = [*self.column["treatments"], *self.column["controls"], *own]
        found = [name for name in dict.fromkeys(asked) if name in self.estimate.terms and name != CONSTANT]
        return [*found, *([CONSTANT] if CONSTANT in self.estimate.terms else [])]

    @property
    def v(self) -> np.ndarray:
        """Covariance as corrected."""
        return self.corrected.factor * self.estimate.v

    def table(self, size: float = 0.05) -> pd.DataFrame:
        """By term: estimate, std_error, statistic, p_value, ci_low, ci_high."""
        b, error = self.estimate.coefficients, np.sqrt(np.diag(self.v))
        freedom = self.corrected.freedom
        t = b / error
        half = stats.t.ppf(1 - size / 2, freedom) * error
        found = {
            "estimate": b,
            "std_error": error,
            "statistic": t,
            "p_value": 2 * stats.t.sf(np.abs(t), freedom),
        }
        found |= {"ci_low": b - half, "ci_high": b + half}
        return pd.DataFrame(found, index=self.estimate.terms).loc[self.terms].rename_axis("term")

    def told(self) -> pd.Series:
        """Units that tell each term, by term; of a level no more than tell the base that it is compared with."""
        own = [name for name in self.terms if name != CONSTANT]
        rows, found = self.rows, pd.Series(dtype=int)
        if own:
            found = telling(rows.data, own, UNIT, rows.effects)
        for group in levels.together(own):
            found[group] = found[group].clip(upper=of_none(rows.data, group, UNIT))
        if CONSTANT in self.terms:
            binary = [name for name in own if rows.data[name].isin((0.0, 1.0)).all()]
            found[CONSTANT] = of_none(rows.data, binary, UNIT)
        return found

    def foot(self) -> dict[str, float | None]:
        """``n units clusters clusters_2 r2 r2_within r2_adj first_stage_f quantile`` (None: there is none)."""
        rows, found = self.rows, self.estimate
        groups = [rows.clusters[name].nunique() for name in rows.clusters]
        n, counted = rows.n, len(found.terms) + correction.levels(rows)
        r2 = found.r2.get("r2")
        centred = 0 if CONSTANT not in found.terms and not rows.absorbs else 1
        linear_one = self.column["estimator"] not in OTHER_FIT
        adjusted = (
            None
            if r2 is None or n <= counted or not linear_one
            else 1 - (1 - r2) * (n - centred) / (n - counted)
        )
        weakest = min((f_statistic(fit, rows.instruments) for fit in self.first_stage.values()), default=None)
        return {
            "n": n,
            "units": rows.data[UNIT].nunique(),
            "clusters": groups[0] if groups else None,
            "clusters_2": groups[1] if len(groups) > 1 else None,
            "r2": r2,
            "r2_within": found.r2.get("r2_within") if rows.absorbs else None,
            "r2_adj": adjusted,
            "first_stage_f": weakest,
            "quantile": self.column["quantile"] if self.column["estimator"] == "quantile" else None,
        }


def fit(column: Mapping[str, Any], table: pd.DataFrame, samples: Mapping[str, np.ndarray]) -> Fit:
    """Estimate a column.

    Parameters
    ----------
    column : mapping
        A specification with all its keys (``docs/tables.md``).
    table : DataFrame
        All rows of the study.
    samples : mapping of str to array of bool
        Where each sample or condition that it names holds.

    Raises
    ------
    EffectsError
        When there is nothing to estimate, or engines disagree.
    """
    own, wider = levels.written_out(column, table, samples)
    return _fit(own, rooms.of(own, wider, samples))


def _fit(column: Mapping[str, Any], rows: Rows) -> Fit:
    given = column["errors"]
    errors, options = ("conley", given) if isinstance(given, dict) else (given, {"lags": column["lags"]})
    how = column["estimator"]
    if how in GENERALISED:
        found = smooth.estimate(rows, how, errors, options)
        corrected = correction.likelihood(rows, len(found.terms), column["like"], errors)
    elif how == "quantile":
        found = quantile.estimate(rows, column["quantile"], errors, options)
        corrected = Correction(1.0, len(found.terms), rows.n - len(found.terms))
    else:
        found = (smooth.random_effects if how == "re" else linear.estimate)(rows, errors, options)
        corrected = correction.of(rows, len(found.terms), column["like"], errors)
    stages = {name: _fit(*_stage(column, rows, name)) for name in rows.endogenous}
    return Fit(column, rows, found, corrected, stages)


def _stage(column: Mapping[str, Any], rows: Rows, endogenous: str) -> tuple[dict[str, Any], Rows]:
    """The first stage of an endogenous regressor, on the column's rows."""
    own = {"outcome": endogenous, "treatments": rows.instruments, "iv": {}, "estimator": "ols"}
    controls = [name for name in column["controls"] if name in rows.regressors]
    others = {"endogenous": [], "instruments": [], "outcome": endogenous}
    regressors = [*rows.regressors, *rows.instruments]
    return {**column, **own, "controls": controls}, Rows(**{**vars(rows), **others, "regressors": regressors})


def f_statistic(fitted: Fit, terms: list[str]) -> float:
    """Wald's statistic that some coefficients are zero, over their number."""
    at = [fitted.estimate.terms.index(name) for name in terms]
    b, v = fitted.estimate.coefficients[at], fitted.v[np.ix_(at, at)]
    return float(b @ np.linalg.solve(v, b)) / len(at)
