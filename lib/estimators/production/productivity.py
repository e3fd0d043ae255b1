"""Productivity and markups of a panel's firm-years, by several methods and industry by industry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from estimators.language import listed, said, speaking
from estimators.production.errors import ProductionError
from estimators.production.industries import by_industry
from estimators.production.markups import markups
from estimators.production.sample import logs

COEFFICIENTS = ["method", "industry", "term", "estimate", "n", "firms"]
FAILED = ["method", "industry", "rows", "firms", "reason"]
NEEDED = ("value_added", "employees_avg", "fixed_assets_net")


@dataclass(frozen=True)
class Productivity:
    """Productivity by method.

    Attributes
    ----------
    coefficients : pandas.DataFrame
        method, industry, term (l, k, returns to scale), estimate, n, firms.
    columns : pandas.DataFrame
        firm_id, year, ``tfp_<method>`` (log), and ``markup`` where payroll is there and acf or lp was asked for.
    failed : pandas.DataFrame
        method, industry, rows, firms, reason: what could not be estimated.
    """

    coefficients: pd.DataFrame
    columns: pd.DataFrame
    failed: pd.DataFrame


def productivity(
    panel: pd.DataFrame,
    methods: Sequence[str],
    industry: str,
    *,
    proxy: str = "intermediate_input",
    labour: str = "lagged",
    fewest_firms: int = 50,
    policy: str | None = None,
) -> Productivity:
    """Value-added productivity of firm-years.

    Parameters
    ----------
    panel : pandas.DataFrame
        firm_id, year, value_added, employees_avg, fixed_assets_net, the proxy, the industry's column; one row a firm and
        year. With ``deflator`` (base year = 1) amounts are divided by it; the proxy by ``deflator_input`` and fixed
        assets by ``deflator_capital`` where these are there (value added by the price of output: it is not deflated twice).
    methods : sequence of str
        Of ols, fe, lp, acf, wooldridge, op (the last with ``investment`` as the proxy). None: no productivity.
    industry : str
        Each of its values has a function of its own; productivity compares within one only.
    proxy : str
    labour : {"lagged", "current"}
        acf: whether labour is chosen knowing this year's productivity (its lag is the instrument) or before.
    fewest_firms : int
        Industries with fewer firms are left out.
    policy : str, optional
        0/1 column within the process of productivity of op, lp and acf (De Loecker 2013, American Economic Journal:
        Microeconomics 5): productivity that ignores a treatment hides part of its effect in the inputs' elasticities.

    Raises
    ------
    ProductionError
        When columns are missing. What cannot be estimated is in ``failed``; ``coefficients`` may be empty.
    """
    if not methods:
        return Productivity(
            pd.DataFrame(columns=COEFFICIENTS), panel[["firm_id", "year"]], pd.DataFrame(columns=FAILED)
        )
    absent = [c for c in (*NEEDED, industry, *([policy] if policy else [])) if c not in panel]
    if absent:
        raise ProductionError(said("production.panel_lacks", absent=listed(absent)))
    frame = panel.reset_index(drop=True)
    own = {"value_added": "deflator", "fixed_assets_net": "deflator_capital", proxy: _price_of(proxy)}
    price = frame.get("deflator", 1.0)
    real = frame.assign(**{c: frame[c] / frame.get(index, price) for c, index in own.items() if c in frame})
    names = {"y": "value_added", "l": "employees_avg", "k": "fixed_assets_net"}
    made = logs(real, names | ({"m": proxy} if proxy in frame else {}))
    columns = frame[["firm_id", "year"]].copy()
    tables, failed = [], []
    for method in methods:
        options: dict[str, Any] = {"free_instrument": labour} if method == "acf" else {}
        options |= {"policy": policy} if method in ("op", "lp", "acf") else {}
        try:
            with speaking("en"):  # what is kept knows no language of the terminal
                found = by_industry(made, industry, method, fewest_firms=fewest_firms, **options)
        except ProductionError as error:
            failed.append(
                pd.DataFrame(
                    [{"industry": "", "rows": len(made), "firms": np.nan, "reason": str(error)}]
                ).assign(method=method)
            )
            continue
        columns[f"tfp_{method}"] = found.tfp
        tables.append(found.tidy().assign(method=method)[COEFFICIENTS])
        failed.append(found.left_out.assign(method=method))
        if method in ("lp", "acf") and "payroll" in frame:
            columns["markup"] = _markup(found, frame)
    if not tables:
        tables = [pd.DataFrame(columns=COEFFICIENTS)]
    return Productivity(
        pd.concat(tables, ignore_index=True), columns, pd.concat(failed, ignore_index=True)[FAILED]
    )


def _price_of(proxy: str) -> str:
    """Investment is bought at the prices of capital, materials and energy at those of inputs."""
    return "deflator_capital" if proxy == "investment" else "deflator_input"


def quartiles(coefficients: pd.DataFrame) -> pd.DataFrame:
    """Coefficients over industries.

    Parameters
    ----------
    coefficients : pandas.DataFrame
        As in `Productivity`.

    Returns
    -------
    pandas.DataFrame
        method, industries, term, p25, median, p75, firms (of all its industries).
    """
    if coefficients.empty:
        return pd.DataFrame()
    grouped = coefficients.groupby(["method", "term"], sort=False)["estimate"]
    table = (
        grouped.quantile([0.25, 0.5, 0.75]).unstack().set_axis(["p25", "median", "p75"], axis=1).reset_index()
    )
    count = coefficients.groupby("method")["industry"].nunique()
    table.insert(1, "industries", table["method"].map(count))
    firms = coefficients.drop_duplicates(["method", "industry"]).groupby("method")["firms"].sum()
    return table.assign(firms=table["method"].map(firms))


def returns(coefficients: pd.DataFrame) -> pd.Series:
    """Median returns to scale over industries, by method in their order."""
    scale = coefficients[coefficients["term"] == "returns to scale"]
    return scale.groupby("method", sort=False)["estimate"].median()


def _markup(found: Any, frame: pd.DataFrame) -> pd.Series:
    """Labour's elasticity over its share in value added, noise taken out (De Loecker & Warzynski 2012)."""
    out = pd.Series(np.nan, index=frame.index)
    for function in found.functions.values():
        own = function.years.index
        part = markups(function, frame["payroll"].loc[own], frame["value_added"].loc[own], "l")
        out.loc[own] = part["markup"]
    return out
