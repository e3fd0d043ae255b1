"""Who is treated, since when, and how the treated differ before they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from estimators.errors import EffectsError


def cohorts(rows: pd.DataFrame, start: str, unit: str = "firm_id", time: str = "year") -> pd.DataFrame:
    """Timing of treatment: firms and firm-years by start year.

    Parameters
    ----------
    rows : DataFrame
        Estimation sample; ``start`` holds the first treated year, empty for the never treated.

    Returns
    -------
    DataFrame
        Columns start (Int64, empty = never), firms, firm_years, treated_firm_years, first_year, last_year;
        cohorts by year, then the never treated.

    Raises
    ------
    EffectsError
        When a unit has more than one start year.
    """
    starts = rows[[unit, start]].drop_duplicates()
    several = starts[unit].value_counts() > 1
    if several.any():
        unit_id = several.index[several][0]
        found = rows.loc[rows[unit] == unit_id, start].unique().tolist()
        raise EffectsError(
            f"description.start_column: '{start}' must be one year for each {unit}; {several.sum()} have several, "
            f"the first is {unit_id}: {found}"
        )
    treated = rows[time] >= rows[start]
    table = (
        rows.assign(treated=treated.fillna(False).astype(int), start=rows[start].astype("Int64"))
        .groupby("start", dropna=False, observed=True)
        .agg(
            firms=(unit, "nunique"),
            firm_years=(unit, "size"),
            treated_firm_years=("treated", "sum"),
            first_year=(time, "min"),
            last_year=(time, "max"),
        )
    )
    return table.reset_index().sort_values("start", na_position="last", ignore_index=True)


def summary(rows: pd.DataFrame, columns: Sequence[str], by: pd.Series | None = None) -> pd.DataFrame:
    """Mean, standard deviation, deciles and count of columns, for all rows or by group.

    Returns
    -------
    DataFrame
        Columns column, group, mean, sd, p10, p50, p90, n; missing values are left out of each column.
    """
    groups = [("all", rows)] if by is None else [(str(k), g) for k, g in rows.groupby(by, observed=True)]
    records = []
    for column in columns:
        for name, group in groups:
            values = group[column].dropna().astype(float)
            p10, p50, p90 = values.quantile([0.1, 0.5, 0.9])
            records.append((column, name, values.mean(), values.std(), p10, p50, p90, len(values)))
    return pd.DataFrame(records, columns=["column", "group", "mean", "sd", "p10", "p50", "p90", "n"])


def balance(rows: pd.DataFrame, columns: Sequence[str], treated: pd.Series) -> pd.DataFrame:
    """Standardised mean differences between treated and never treated.

    SMD = (mean_1 − mean_0) / √((s_1² + s_0²)/2), which, unlike a test statistic, does not grow with the sample.

    Parameters
    ----------
    rows : DataFrame
        One row per unit, before treatment.
    treated : Series of bool
        Aligned with rows.

    Returns
    -------
    DataFrame
        Columns column, mean_treated, mean_never, smd, n_treated, n_never; SMD in standard deviations, NaN where
        neither group varies.
    """
    records = []
    for column in columns:
        one, zero = (rows.loc[mask, column].dropna().astype(float) for mask in (treated, ~treated))
        spread = np.sqrt((one.var() + zero.var()) / 2)
        smd = (one.mean() - zero.mean()) / spread if spread > 0 else np.nan
        records.append((column, one.mean(), zero.mean(), smd, len(one), len(zero)))
    names = ["column", "mean_treated", "mean_never", "smd", "n_treated", "n_never"]
    return pd.DataFrame(records, columns=names)


def attrition(
    rows: pd.DataFrame, group: pd.Series, unit: str = "firm_id", time: str = "year", size: float = 0.05
) -> pd.DataFrame:
    """Entry into and exit from a panel, by group: who leaves is not random, and who stays is what is estimated on.

    Parameters
    ----------
    rows : DataFrame
        One row a unit and period.
    group : Series
        Group of each row (its unit's), the same index; empty for none.
    size : float
        Intervals are 1 − size.

    Returns
    -------
    DataFrame
        group, at_risk (rows before the last period), left (of these, units that are never seen again), exit_rate a
        period, low, high (Wilson interval), entered (rows after the first period whose unit is new), entry_rate (of
        rows after the first period), gaps (rows followed by a period without, and seen again later).
    """
    from scipy.stats import norm

    first, last = rows[time].min(), rows[time].max()
    own = rows.groupby(unit)[time]
    ends, starts = own.transform("max"), own.transform("min")
    after = rows.sort_values([unit, time]).groupby(unit)[time].shift(-1).reindex(rows.index)
    held = pd.DataFrame(
        {
            "group": group,
            "at_risk": rows[time] < last,
            "left": (rows[time] == ends) & (rows[time] < last),
            "later": rows[time] > first,
            "entered": (rows[time] == starts) & (rows[time] > first),
            "gaps": after > rows[time] + 1,
        }
    ).dropna(subset=["group"])
    table = held.groupby("group", observed=True).sum().astype(int).reset_index()
    z, n = norm.ppf(1 - size / 2), table["at_risk"].where(table["at_risk"] > 0)
    p = table["left"] / n
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    entry = table["entered"] / table["later"].where(table["later"] > 0)
    table = table.assign(exit_rate=p, low=middle - half, high=middle + half, entry_rate=entry)
    return table[["group", "at_risk", "left", "exit_rate", "low", "high", "entered", "entry_rate", "gaps"]]
