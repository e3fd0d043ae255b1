"""Policy levers as intensities of the year before: an amount over the size of the firm, so that it does not measure size."""

from __future__ import annotations

from collections.abc import Mapping

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
