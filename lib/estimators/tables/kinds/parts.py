"""How controls move a coefficient, split exactly over them whatever their order (Gelbach 2016, J. Labor Economics 34)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from estimators.errors import EffectsError
from estimators.language import listed, said
from estimators.tables import levels
from estimators.tables.covariance import covariance
from estimators.tables.fit import Fit, fit
from estimators.tables.kinds.described import panels, parted
from estimators.tables.rows import UNIT

WITHOUT, WITH, TOTAL = "without", "with", "total"


def decomposed(
    table: Mapping[str, Any], data: pd.DataFrame, samples: Mapping[str, np.ndarray], size: float
) -> pd.DataFrame:
    """A treatment's coefficient without and with controls, and what each control moves.

    With b₀ = b + Σ γₖ βₖ: βₖ the coefficient of control k in the regression that has all, γₖ that of the treatment in a
    regression of control k on the treatments and the same effects, on the same rows. Errors are from the influence
    γₖ ψ(βₖ) + βₖ ψ(γₖ) of each row, with the clusters and the correction of the regression that has all.

    Parameters
    ----------
    table : mapping
        A study's table of kind ``decomposition``.
    data : DataFrame
        All rows.
    samples : mapping of str to array of bool
    size : float
        Of intervals, e.g. .05.

    Returns
    -------
    DataFrame
        ``panel treatment part term estimate std_error ci_low ci_high of_move n units``: part ``without``, ``control`` (term: its
        name), ``total`` (the sum of the controls' parts), ``with``; of_move: the part in percent of the total; telling_units:
        the units that tell the line, for the rules of secrecy (`Fit.told`).

    Raises
    ------
    EffectsError
        When nothing can be moved: no control is left beside effects and treatments.
    """
    found = []
    for panel, one in panels(table):
        column, wider = levels.written_out(one, data, samples)
        whole = fit(column, wider, samples)
        treatments = [t for t in column["treatments"] if t in whole.estimate.terms]
        controls = [c for c in column["controls"] if c in whole.estimate.terms and c not in treatments]
        if not treatments or not controls:
            raise EffectsError(said("tables.nothing_moves", names=listed(column["controls"])))
        own = {**column, "treatments": treatments, "controls": [], "sample": []}
        # The rows are those of the whole; nothing is set aside a second time.
        rows = wider.loc[whole.rows.data.index]
        small = {name: fit({**own, "outcome": name, "singletons": "keep"}, rows, {}) for name in controls}
        short = fit({**own, "singletons": "keep"}, rows, {})
        for treatment in treatments:
            found.append(
                _of_one(whole, short, small, treatment, size).assign(panel=panel, treatment=treatment)
            )
    return parted(pd.concat(found, ignore_index=True))


def _of_one(whole: Fit, short: Fit, small: Mapping[str, Fit], treatment: str, size: float) -> pd.DataFrame:
    lines, psi = [], []
    at = whole.estimate.terms.index(treatment)
    for name, one in small.items():
        k, t = whole.estimate.terms.index(name), one.estimate.terms.index(treatment)
        beta, gamma = whole.estimate.coefficients[k], one.estimate.coefficients[t]
        lines.append({"part": "control", "term": name, "estimate": beta * gamma})
        psi.append(gamma * whole.estimate.psi[:, k] + beta * one.estimate.psi[:, t])
    total = sum(line["estimate"] for line in lines)
    ends = {
        WITHOUT: (short.estimate.coefficients[short.estimate.terms.index(treatment)], _psi(short, treatment)),
        TOTAL: (total, np.sum(psi, axis=0)),
        WITH: (whole.estimate.coefficients[at], whole.estimate.psi[:, at]),
    }
    first, last, end = ({"part": k, "term": "", "estimate": ends[k][0]} for k in (WITHOUT, TOTAL, WITH))
    ordered = [first, *lines, last, end]
    influences = np.column_stack([ends[WITHOUT][1], *psi, ends[TOTAL][1], ends[WITH][1]])
    errors = _errors(whole, influences)
    half = stats.t.ppf(1 - size / 2, whole.corrected.freedom) * errors
    made = pd.DataFrame(ordered).assign(std_error=errors)
    moved = made["part"].isin(["control", TOTAL])
    share = (100 * made["estimate"] / total).where(moved) if total else np.nan
    ends_of = {"ci_low": made["estimate"] - half, "ci_high": made["estimate"] + half, "of_move": share}
    made = pd.concat([made, pd.DataFrame(ends_of, index=made.index)], axis=1)
    told = whole.told()
    # Parts add up to the move, and the move is one coefficient less the other: where few tell a part, so do the move and the
    # coefficient without controls. Of one control the move is its part; of several the others' may be known from elsewhere.
    fewest = told[list(small)].min()
    least = pd.Series(np.where(made["part"] == WITH, told[treatment], min(fewest, told[treatment])))
    return made.assign(n=whole.rows.n, units=whole.rows.data[UNIT].nunique(), telling_units=least)


def _psi(one: Fit, term: str) -> np.ndarray:
    return one.estimate.psi[:, one.estimate.terms.index(term)]


def _errors(whole: Fit, psi: np.ndarray) -> np.ndarray:
    """Errors of what has these influences, with the errors that the column asks for."""
    given = whole.column["errors"]
    errors, options = (
        ("conley", given) if isinstance(given, dict) else (given, {"lags": whole.column["lags"]})
    )
    v = covariance(psi, whole.rows, "robust" if errors == "iid" else errors, options)
    return np.sqrt(np.maximum(np.diag(v) * whole.corrected.factor, 0.0))
