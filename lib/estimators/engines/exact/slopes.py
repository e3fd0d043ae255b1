"""Slopes from cross products: which regressors are left, and ordinary or two-stage least squares."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from estimators.engines.exact.formula import Design
from estimators.errors import EffectsError
from estimators.language import listed, said, word

Array = NDArray[np.float64]

# Shares of a column's sum of squares below which nothing is left of it. Demeaning by unit in floating point leaves
# some 1e-32 of a constant; for the others, 1e-10 is a correlation of 1 − 5e-11.
ABSORBED_BY_UNIT = 1e-20
ABSORBED = 1e-10
COLLINEAR = 1e-10


class Slopes(NamedTuple):
    """Coefficients and what standard errors need of them.

    names : regressors kept; beta : shape (k,)
    bread : (X̂′X̂)⁻¹, shape (k, k)
    score_columns : positions of the columns whose products with the residual are the scores, shape (m,)
    project : Π, shape (m, k): X̂ = W Π (the identity for OLS)
    residual : shape (K,): the residual as a combination of all columns
    dropped : regressors left out, with the reason
    """

    names: list[str]
    beta: Array
    bread: Array
    score_columns: NDArray[np.int64]
    project: Array
    residual: Array
    dropped: dict[str, str]


def fit(design: Design, s: Array, f: Array, total: Array) -> Slopes:
    """Slopes from S (all effects out), F (unit out) and T (the mean out), each K × K in the order of the columns."""
    columns = list(design.columns)
    dropped: dict[str, str] = {}
    exogenous = _positions(columns, design.exogenous)
    endogenous = _positions(columns, design.endogenous)
    instruments = _positions(columns, design.instruments)
    for name, why in _absorbed(design, s, f, total).items():
        dropped[name] = why
    gone = {columns.index(name) for name in dropped}
    exogenous = _independent(columns, s, [i for i in exogenous if i not in gone], dropped)
    if not endogenous:
        regressors, instrumented = exogenous, exogenous
    else:
        endogenous = [i for i in endogenous if i not in gone]
        instruments = [i for i in instruments if i not in gone]
        instrumented = _independent(columns, s, [*exogenous, *instruments], dropped)
        regressors = _independent(columns, s, [*exogenous, *endogenous], dropped)
        _identified(design, columns, regressors, instrumented)
    if not regressors:
        raise EffectsError(
            said(
                "engines.no_regressor",
                formula=design.formula,
                dropped="; ".join(
                    said("engines.dropped", name=name, why=why_dropped(why)) for name, why in dropped.items()
                ),
            )
        )
    return _solve(columns, s, regressors, instrumented, dropped)


def why_dropped(reason: str) -> str:
    """Why a regressor was dropped, as results name it in English, in the language of this process."""
    collinear = re.fullmatch("collinear with (?P<others>.+)", reason)
    return said("engines.collinear", **collinear.groupdict()) if collinear else word("engines.why", reason)


def _positions(columns: list[str], names: tuple[str, ...]) -> list[int]:
    return [columns.index(name) for name in names]


def _absorbed(design: Design, s: Array, f: Array, total: Array) -> dict[str, str]:
    found = {}
    for i, name in enumerate(design.columns):
        if i == 0:
            continue
        if f[i, i] <= ABSORBED_BY_UNIT * total[i, i] or total[i, i] <= 0:
            found[name] = "constant within the unit effect"
        elif s[i, i] <= ABSORBED * f[i, i]:
            found[name] = "absorbed by the effects"
    return found


def _independent(columns: list[str], s: Array, candidates: list[int], dropped: dict[str, str]) -> list[int]:
    """Keep, in order, what the columns kept before do not explain (Cholesky without exchange of columns)."""
    kept: list[int] = []
    for i in candidates:
        left = s[i, i]
        if kept:
            left -= s[i, kept] @ np.linalg.solve(s[np.ix_(kept, kept)], s[kept, i])
        if left <= COLLINEAR * s[i, i]:
            dropped[columns[i]] = f"collinear with {', '.join(columns[j] for j in kept)}"
        else:
            kept.append(i)
    return kept


def _identified(design: Design, columns: list[str], regressors: list[int], instrumented: list[int]) -> None:
    excluded = [columns[i] for i in instrumented if columns[i] in design.instruments]
    needed = [columns[i] for i in regressors if columns[i] in design.endogenous]
    if len(excluded) < len(needed):
        raise EffectsError(
            said(
                "engines.few_instruments",
                formula=design.formula,
                endogenous=len(needed),
                instruments=len(excluded),
                names=listed(excluded) or said("engines.none"),
            )
        )


def _solve(
    columns: list[str], s: Array, regressors: list[int], instrumented: list[int], dropped: dict[str, str]
) -> Slopes:
    if instrumented == regressors:
        project: Array = np.eye(len(regressors))
    else:
        inner = s[np.ix_(instrumented, instrumented)]
        project = np.asarray(np.linalg.solve(inner, s[np.ix_(instrumented, regressors)]), np.float64)
    fitted = project.T @ s[np.ix_(instrumented, regressors)]
    bread = np.asarray(np.linalg.inv((fitted + fitted.T) / 2), float)
    beta = bread @ (project.T @ s[instrumented, 0])
    residual = np.zeros(len(columns))
    residual[0], residual[regressors] = 1.0, -beta
    names = [columns[i] for i in regressors]
    return Slopes(names, beta, bread, np.array(instrumented), project, residual, dropped)
