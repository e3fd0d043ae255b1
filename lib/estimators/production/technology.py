"""The production function: log output as a polynomial of log inputs, and its elasticities.

    Cobb–Douglas   f(x) = Σ β_j x_j
    translog       f(x) = Σ β_j x_j + Σ_{j ≤ k} β_jk x_j x_k       (Christensen, Jorgenson & Lau 1973)

The inputs of a translog are deviations from their sample means, so that β_j is the elasticity at the mean.
"""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np

from estimators.language import listed, said
from estimators.production.errors import ProductionError
from estimators.production.sample import Floats

FORMS = ("cobb_douglas", "translog")


def check_form(form: str) -> None:
    """Refuse a form that is not known."""
    if form not in FORMS:
        raise ProductionError(said("production.form", form=form, forms=listed(FORMS)))


def regressors(x: Floats, form: str) -> Floats:
    """Columns whose coefficients are the parameters, (n, p), of log inputs x (n, inputs)."""
    if form == "cobb_douglas":
        return x
    return np.column_stack([x, *(x[:, j] * x[:, k] for j, k in _pairs(x.shape[1]))])


def terms(inputs: list[str], form: str) -> list[str]:
    """Names of the parameters."""
    if form == "cobb_douglas":
        return list(inputs)
    return [*inputs, *(f"{inputs[j]}*{inputs[k]}" for j, k in _pairs(len(inputs)))]


def elasticities(x: Floats, theta: Floats, form: str) -> Floats:
    """∂f/∂x_j at each row, (n, inputs)."""
    n, inputs = x.shape
    found = np.tile(theta[:inputs], (n, 1))
    if form == "translog":
        for beta, (j, k) in zip(theta[inputs:], _pairs(inputs), strict=True):
            found[:, j] += beta * x[:, k]
            found[:, k] += beta * x[:, j]
    return found


def _pairs(inputs: int) -> list[tuple[int, int]]:
    return list(combinations_with_replacement(range(inputs), 2))
