"""Recompute the published tables from data that the dependencies ship.

Each function returns {(estimator, statistic): value}; estimators are called by name with every choice spelt out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from linearmodels.panel import BetweenOLS, FirstDifferenceOLS, PanelOLS, PooledOLS, RandomEffects

Values = dict[tuple[str, str], float]


def jobtraining() -> Values:
    """Training grants and log scrap in 54 Michigan firms, 1987–1989 (Wooldridge, examples 10.4 to 10.6).

    The sample is the firms whose scrap rate is known in all three years.
    """
    from linearmodels.datasets import jobtraining as shipped

    data = shipped.load()
    complete = data["lscrap"].notna().groupby(data["fcode"]).transform("all")
    panel = data[complete].assign(const=1.0).set_index(["fcode", "year"])
    regressors = ["d88", "d89", "grant", "grant_1"]
    y = panel["lscrap"]

    fixed = PanelOLS(y, panel[regressors], entity_effects=True)
    plain = fixed.fit(cov_type="unadjusted", debiased=True)
    # As printed: neither the regressors nor the firm effects, which are nested in the clusters, are counted.
    clustered = fixed.fit(
        cov_type="clustered",
        cluster_entity=True,
        auto_df=False,
        count_effects=False,
        group_debias=False,
        debiased=False,
    )
    values = _coefficients("fixed effects", plain)
    values |= {
        ("fixed effects", "R2 within"): plain.rsquared_within,
        ("fixed effects", "n"): float(plain.nobs),
        ("fixed effects", "df"): float(plain.df_resid),
    }
    for name in ("grant", "grant_1"):
        values["fixed effects", f"clustered se {name}"] = float(clustered.std_errors[name])
    random = RandomEffects(y, panel[["const", "d88", "d89", "union", "grant", "grant_1"]])
    values |= _coefficients("random effects", random.fit(cov_type="unadjusted", debiased=True))
    return values | _first_differences(panel)


def innovation() -> Values:
    """Citations of 803 US firms by Poisson with industries and years, as the study's own table has them.

    Raises
    ------
    FileNotFoundError
        When the extra that ships the data is not installed.
    """
    from estimators import tables as printed
    from fusion.panel import published
    from workbook.params.load import load

    try:
        rows = published.innovation()
    except published.PanelError as error:
        raise FileNotFoundError(str(error)) from None
    rows = rows.assign(ln_kl=np.log(rows["capital"] / rows["employment"]), ln_sales=np.log(rows["sales"]))
    column = load("innovation").flat["tables"]["ownership"]["panels"][0]["columns"][2]
    made = printed.fit(column, rows, {}).table()
    return {
        ("Poisson, clustered", f"{which}{name}"): float(made.loc[name, key])
        for name in ("institutions", "ln_kl", "ln_sales")
        for which, key in (("", "estimate"), ("se ", "std_error"))
    }


def grunfeld() -> Values:
    """Investment of ten US firms, 1935–1954 (Baltagi, table 2.1 and section 4.2)."""
    from statsmodels.datasets import grunfeld as shipped

    data = shipped.load_pandas().data
    data = data[data["firm"] != "American Steel"].astype({"year": int}).assign(const=1.0)
    return _three_estimators(data.set_index(["firm", "year"]), "invest", ["value", "capital"], between=True)


def munnell() -> Values:
    """Public capital and output of 48 US states, 1970–1986 (Baltagi's version of Munnell 1990)."""
    from linearmodels.datasets import munnell as shipped

    data = shipped.load()
    logs = {"lgsp": "GSP", "lpcap": "P_CAP", "lpc": "PC", "lemp": "EMP"}
    data = data.assign(
        **{name: np.log(data[column]) for name, column in logs.items()}, unemp=data["UNEMP"], const=1.0
    )
    return _three_estimators(
        data.set_index(["ST_ABB", "YR"]), "lgsp", ["lpcap", "lpc", "lemp", "unemp"], between=False
    )


def _three_estimators(panel: pd.DataFrame, outcome: str, names: list[str], between: bool) -> Values:
    """Pooled, within and random effects (and between), unadjusted errors with degrees of freedom counted."""
    y, level = panel[outcome], panel[["const", *names]]
    options: dict[str, Any] = {"cov_type": "unadjusted", "debiased": True}
    within = PanelOLS(y, panel[names], entity_effects=True).fit(**options)
    values = _coefficients("pooled OLS", PooledOLS(y, level).fit(**options))
    values |= _coefficients("within", within)
    values["within", "F of no unit effects"] = float(within.f_pooled.stat)
    values |= _coefficients("random effects (Swamy-Arora)", RandomEffects(y, level).fit(**options))
    if between:
        values |= _coefficients("between", BetweenOLS(y, level).fit(**options))
    return values


def _first_differences(panel: pd.DataFrame) -> Values:
    """Example 10.6 has a constant and d89 in the differenced equation: the levels of a trend and of a step at 1989."""
    year = panel.index.get_level_values("year")
    x = panel[["grant", "grant_1"]].assign(const=year - 1987.0, d89=(year == 1989).astype(float))
    fit = FirstDifferenceOLS(panel["lscrap"], x[["const", "d89", "grant", "grant_1"]]).fit(
        cov_type="unadjusted", debiased=True
    )
    differences = panel["lscrap"].groupby(level=0).diff().dropna()
    # Centred, since the differenced equation has a constant that the estimator does not know of.
    r2 = 1 - fit.resid_ss / ((differences - differences.mean()) ** 2).sum()
    return _coefficients("first differences", fit) | {("first differences", "R2"): float(r2)}


def _coefficients(estimator: str, fit: Any) -> Values:
    values: Values = {}
    for name in fit.params.index:
        values[estimator, str(name)] = float(fit.params[name])
        values[estimator, f"se {name}"] = float(fit.std_errors[name])
    return values
