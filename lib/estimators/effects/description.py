"""Who is treated, since when, and how the treated differ before they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from estimators.effects.power import is_binary
from estimators.errors import EffectsError
from estimators.language import said


def ever_treated(
    rows: pd.DataFrame, treatments: Sequence[str], start: str | None = None, unit: str = "firm_id"
) -> pd.Series:
    """Whether a row's unit is ever treated.

    Parameters
    ----------
    rows : DataFrame
        Estimation sample.
    treatments : sequence of str
        Treatment columns, which tell where there is no start column and all of them are 0 or 1.
    start : str, optional
        Column with the first treated year, empty for the never treated.

    Returns
    -------
    Series of boolean
        Aligned with rows; all missing where neither tells (a continuous treatment has no untreated units).
    """
    if start:
        return rows[start].notna().astype("boolean")
    if not treatments or not all(is_binary(rows[name]) for name in treatments):
        return pd.Series(pd.NA, index=rows.index, dtype="boolean")
    active = rows[list(treatments)].astype(float).max(axis=1)
    return (active.groupby(rows[unit]).transform("max") > 0).astype("boolean")


def own_start(
    rows: pd.DataFrame, treatments: Sequence[str], start: str | None, time: str = "year"
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The rows, without start years in which the first treatment does not begin: an event study would be of another.

    Parameters
    ----------
    rows : DataFrame
        Unit, year, `treatments`, `start`.
    treatments : sequence of str
        The first is what the answer is of. It begins in its start year if it is zero in all years before (in all years, where
        there is none) and, where it is 0/1, one in that year. It may end. Without treatments nothing contradicts.
    start : str or None
        Column with the first treated year, empty for the never treated.

    Returns
    -------
    rows, apart : DataFrame, dict
        ``treatment``: the first; ``early``: its rows that are not zero before the start year or without one; ``late``: rows of
        a start year in which it is zero. Empty where the two agree.
    """
    if not treatments or not start or start not in rows:
        return rows, {}
    treated, begins = rows[treatments[0]].astype(float), rows[start].astype(float)
    early = int((treated.ne(0) & treated.notna() & ~(rows[time] >= begins)).sum())
    late = int((treated.eq(0) & rows[time].eq(begins)).sum()) if is_binary(rows[treatments[0]]) else 0
    if not early + late:
        return rows, {}
    return rows.drop(columns=start), {"treatment": treatments[0], "early": early, "late": late}


def year_before(
    rows: pd.DataFrame, treatments: Sequence[str], start: str | None = None, time: str = "year"
) -> int | None:
    """The last period before any unit of a sample is treated; None where nothing says when that is."""
    active = rows[list(treatments)].astype(float).max(axis=1) > 0
    first = rows[start].min() if start else rows.loc[active, time].min()
    return None if pd.isna(first) else int(first) - 1


def comparison_groups(
    panel: pd.DataFrame,
    sample: pd.DataFrame,
    start: str | None = None,
    score: str = "integration",
    unit: str = "firm_id",
    time: str = "year",
) -> pd.Series:
    """Groups of rows that are set side by side: treated and comparable ones, or thirds of a score's mean.

    Who starts treatment has stayed until then: years before the start are years in which nobody could have left. Rows from
    the start on are therefore set beside those of never-treated units in the same years, seen for as long as the
    treated had been (median) when they started.

    Parameters
    ----------
    panel : DataFrame
        Rows to be put into groups.
    sample : DataFrame
        Rows with the score, from whose means the thirds are cut.
    start : str, optional
        Column of start years; where the panel lacks it the score decides.

    Returns
    -------
    Series of str
        Aligned with panel: after, comparable; or low, middle, high; missing for other rows, and where there is neither.
    """
    if start and start in panel:
        began = panel.groupby(unit)[start].transform("max").astype(float)
        tenure = panel[time] - panel.groupby(unit)[time].transform("min")
        long = tenure[panel[time] == began].median()
        after = began.notna() & (panel[time] >= began)
        comparable = began.isna() & (panel[time] >= began.min()) & (tenure >= long)
        return pd.Series(np.select([after, comparable], ["after", "comparable"], ""), panel.index).replace(
            "", None
        )
    if score in sample:
        mean = sample.groupby(unit)[score].mean().rank(method="first")
        return panel[unit].map(pd.qcut(mean, 3, labels=["low", "middle", "high"]).astype(str))
    return pd.Series(None, index=panel.index, dtype=object)


def cohorts(rows: pd.DataFrame, start: str | None, unit: str = "firm_id", time: str = "year") -> pd.DataFrame:
    """Timing of treatment: firms and firm-years by start year.

    Parameters
    ----------
    rows : DataFrame
        Estimation sample.
    start : str, optional
        Column with the first treated year, empty for the never treated.

    Returns
    -------
    DataFrame
        Columns start (year as text, or never), firms, firm_years, treated_firm_years, first_year, last_year;
        cohorts by year, then the never treated. Empty without a column of start years.

    Raises
    ------
    EffectsError
        When a unit has more than one start year.
    """
    if not start:
        return pd.DataFrame(columns=["start", "firms"])
    starts = rows[[unit, start]].drop_duplicates()
    several = starts[unit].value_counts() > 1
    if several.any():
        unit_id = several.index[several][0]
        found = rows.loc[rows[unit] == unit_id, start].unique().tolist()
        raise EffectsError(
            said(
                "effects.several_starts",
                start=start,
                unit=unit,
                several=several.sum(),
                unit_id=unit_id,
                found=found,
            )
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
    table = table.reset_index().sort_values("start", na_position="last", ignore_index=True)
    return table.assign(start=table["start"].astype("string").fillna("never"))


def cohort_means(
    rows: pd.DataFrame, outcome: str | None, start: str | None, unit: str = "firm_id", time: str = "year"
) -> pd.DataFrame:
    """Mean outcome of each cohort in each period.

    Returns
    -------
    DataFrame
        Columns cohort (start year as text, or never), year, mean, units; empty without outcome or start years.
    """
    if not (outcome and start):
        return pd.DataFrame()
    began = rows[start].astype("Int64").astype("string").fillna("never").rename("cohort")
    grouped = rows.groupby([began, time])
    return grouped.agg(mean=(outcome, "mean"), units=(unit, "nunique")).reset_index()


def summary(
    rows: pd.DataFrame, columns: Sequence[str], by: pd.Series | None = None, unit: str = "firm_id"
) -> pd.DataFrame:
    """Mean, standard deviation, deciles and count of columns, for all rows and by group.

    Parameters
    ----------
    rows : DataFrame
        Rows to be described; missing values are left out of each column.
    columns : sequence of str
        Numeric columns.
    by : Series, optional
        Group of each row; rows without one count among all.

    Returns
    -------
    DataFrame
        Columns column, group (``all`` first), mean, sd, p10, p50, p90, n and units (that have a value).
    """
    groups = [("all", rows)]
    if by is not None:
        groups += [(str(name), group) for name, group in rows.groupby(by, observed=True)]
    records = []
    for column in columns:
        for name, group in groups:
            values = group[column].dropna().astype(float)
            p10, p50, p90 = values.quantile([0.1, 0.5, 0.9])
            units = group.loc[values.index, unit].nunique()
            records.append((column, name, values.mean(), values.std(), p10, p50, p90, len(values), units))
    names = ["column", "group", "mean", "sd", "p10", "p50", "p90", "n", "units"]
    return pd.DataFrame(records, columns=names)


def balance(rows: pd.DataFrame, columns: Sequence[str], treated: pd.Series) -> pd.DataFrame:
    """Standardised mean differences between treated and never treated.

    SMD = (mean_1 − mean_0) / √((s_1² + s_0²)/2), which, unlike a test statistic, does not grow with the sample.

    Parameters
    ----------
    rows : DataFrame
        One row per unit, before treatment.
    treated : Series of bool
        Aligned with rows; missing: in neither group.

    Returns
    -------
    DataFrame
        Columns column, mean_treated, mean_never, smd, n_treated, n_never; SMD in standard deviations, NaN where
        neither group varies. Empty without units of both kinds.
    """
    names = ["column", "mean_treated", "mean_never", "smd", "n_treated", "n_never"]
    if treated.nunique() < 2:
        return pd.DataFrame(columns=names)
    known = treated.notna()
    rows, treated = rows[known], treated[known].astype(bool)
    records = []
    for column in columns:
        one, zero = (rows.loc[mask, column].dropna().astype(float) for mask in (treated, ~treated))
        spread = np.sqrt((one.var() + zero.var()) / 2)
        smd = (one.mean() - zero.mean()) / spread if spread > 0 else np.nan
        records.append((column, one.mean(), zero.mean(), smd, len(one), len(zero)))
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
        rows after the first period), gaps (rows followed by a period without, and seen again later), units.
        The last line, ``all``, is of all rows. Empty where no row has a group.
    """
    if group.isna().all():
        return _left(rows, group.fillna("all"), unit, time, size).iloc[:0]
    whole = _left(rows, pd.Series("all", rows.index), unit, time, size)
    return pd.concat([_left(rows, group, unit, time, size), whole], ignore_index=True)


def _left(rows: pd.DataFrame, group: pd.Series, unit: str, time: str, size: float) -> pd.DataFrame:
    """The lines of `attrition` for the groups that are there."""
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
    table["units"] = table["group"].map(rows[unit].groupby(group).nunique()).astype(int)
    z, n = norm.ppf(1 - size / 2), table["at_risk"].where(table["at_risk"] > 0)
    p = table["left"] / n
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    entry = table["entered"] / table["later"].where(table["later"] > 0)
    table = table.assign(exit_rate=p, low=middle - half, high=middle + half, entry_rate=entry)
    told = ["group", "at_risk", "left", "exit_rate", "low", "high", "entered", "entry_rate", "gaps", "units"]
    return table[told]
