"""Markups from a production function (De Loecker & Warzynski 2012, American Economic Review 102).

    μ = θ_v / α_v,      α_v = P_v V / (P Q / exp(ε))

A cost-minimising firm sets the elasticity θ_v of an input that it adjusts freely equal to μ times that input's share in
revenue. ε, the noise that the first stage took out, is no part of what the firm expected to sell.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from estimators.language import listed, said
from estimators.production.errors import ProductionError
from estimators.production.result import ProductionFunction


def markups(
    function: ProductionFunction,
    expenditure: pd.Series,
    revenue: pd.Series,
    input: str,
    corrected: bool = True,
) -> pd.DataFrame:
    """Markup by firm-year.

    Parameters
    ----------
    function : ProductionFunction
        From a frame with the same index. With a Cobb–Douglas form all variation comes from the share.
    expenditure : Series
        Spending on the input at current prices (payroll for labour), same unit as revenue.
    revenue : Series
        Revenue at current prices where the function's output is gross output, value added where it is value added.
    input : str
        A freely adjusted input of the function.
    corrected : bool
        Take the noise ε out of revenue; needs op, lp or acf.

    Returns
    -------
    DataFrame
        elasticity, share and markup on the frame's index; NaN where expenditure or revenue is missing or not positive,
        or the elasticity is not positive (``attrs["elasticity_not_positive"]`` counts these).

    Raises
    ------
    ProductionError
        An input without elasticity, another index, or a correction that the method cannot give.
    """
    if input not in function.inputs:
        raise ProductionError(said("production.no_elasticity", input=input, inputs=listed(function.inputs)))
    for name, series in (("expenditure", expenditure), ("revenue", revenue)):
        if not series.index.equals(function.years.index):
            raise ProductionError(
                said("production.own_index", name=name, count=len(series), rows=len(function.years))
            )
    noise = function.years["epsilon"].to_numpy()
    if corrected and np.isnan(noise).all():
        raise ProductionError(said("production.no_first_stage", method=function.choices.method))
    spent, earned = (s.to_numpy(dtype=float, na_value=np.nan) for s in (expenditure, revenue))
    spent, earned = np.where(spent > 0, spent, np.nan), np.where(earned > 0, earned, np.nan)
    share = spent / (earned / np.exp(noise) if corrected else earned)
    elasticity = function.elasticities()[input].to_numpy()
    found = pd.DataFrame(
        {
            "elasticity": elasticity,
            "share": share,
            "markup": np.where(elasticity > 0, elasticity, np.nan) / share,
        },
        index=function.years.index,
    )
    found.attrs["elasticity_not_positive"] = int((elasticity <= 0).sum())
    return found
