"""Policy levers as intensities of the year before: an amount over the size of the firm, so that it does not measure size."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

REVENUE, PEOPLE = "operating_revenue", "employees_avg"
# What a lever's amount is taken over: money over revenue; land, people and data over employees.
SIZE = {
    **dict.fromkeys(("grants", "tax", "procurement", "loans", "guarantees", "pledges"), REVENUE),
    **dict.fromkeys(("land", "talent", "data"), PEOPLE),
}


def intensities(panel: pd.DataFrame, levers: Mapping[str, str]) -> pd.DataFrame:
    """Each lever over revenue (money) or employees (people, land, counts), both of the year before, times 100.

    The logarithm of an amount of money grows with the firm, and so moves with whatever else does. An amount of this year over
    the size of another moves with growth, and the size of this year is part of the outcome: both are of the year before.

    Parameters
    ----------
    panel : pandas.DataFrame
        firm_id, year, the columns of the levers, operating_revenue and employees_avg.
    levers : mapping
        Lever (of ``SIZE``): its column; those that the panel lacks, or that do not vary, are left out.

    Returns
    -------
    pandas.DataFrame
        firm_id, year, a column a lever; missing where the year before, its amount or a size above zero is.
    """
    keys = ["firm_id", "year"]
    sizes = [c for c in (REVENUE, PEOPLE) if c in panel.columns]
    held = {lever: c for lever, c in levers.items() if c in panel.columns and panel[c].std() > 0}
    before = panel[[*keys, *dict.fromkeys([*sizes, *held.values()])]].assign(year=panel["year"] + 1)
    joined = panel[keys].merge(before, on=keys, how="left")
    out = joined[keys].copy()
    for lever, column in held.items():
        if SIZE[lever] in sizes:
            size = joined[SIZE[lever]]
            out[lever] = 100 * joined[column].clip(lower=0) / size.where(size > 0)
    return out


def per_yuan(
    rows: pd.DataFrame,
    start: str | None,
    amount: str | None,
    grants: str | None,
    effect: Mapping[str, float] | None,
    unit: str = "ln",
) -> pd.DataFrame:
    """What treatment is worth over what it cost: Σ amount·(1 − e^−τ) / Σ grants, over treated firm-years.

    Parameters
    ----------
    rows : pandas.DataFrame
        firm_id, year, the start year (missing: never), the amount whose logarithm the effect is on, and grants (one unit of
        money). Rows that lack either amount are left out.
    start, amount, grants : str or None
        Columns.
    effect : mapping, optional
        estimate, ci_low, ci_high: τ in log points, and its interval.
    unit : str
        Of the outcome: of one that is no logarithm there is no such worth.

    Returns
    -------
    pandas.DataFrame
        cost (``all``: grants of treated years; ``additional``: those above the firm's mean before its start, of firms seen
        then), estimate, ci_low, ci_high (yuan for a yuan; the grants are taken as they are), units. Empty where a column
        lacks or a cost is not above zero.
    """
    columns = ["cost", "estimate", "ci_low", "ci_high", "units"]
    if effect is None or not unit.startswith("ln") or not start or not {amount, grants} <= set(rows):
        return pd.DataFrame(columns=columns)
    known = rows.dropna(subset=[amount, grants])
    on = known["year"] >= known[start]
    usual = known[known["year"] < known[start]].groupby("firm_id")[grants].mean()
    treated = known[on].assign(usual=known.loc[on, "firm_id"].map(usual))
    seen = treated.dropna(subset=["usual"])
    costs = {
        "all": (treated, treated[grants].sum()),
        "additional": (seen, (seen[grants] - seen["usual"]).sum()),
    }
    table = [
        (
            name,
            *(part[amount].sum() * -np.expm1(-effect[k]) / cost for k in ("estimate", "ci_low", "ci_high")),
            part["firm_id"].nunique(),
        )
        for name, (part, cost) in costs.items()
        if cost > 0
    ]
    return pd.DataFrame(table, columns=columns)
