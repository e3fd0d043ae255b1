"""Tables in a bureau's form: amounts in 亿元, growth on the year before (同比), shares (占比); revisions by vintage."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from fusion.evaluation.errors import EvaluationError

WAN_PER_YI = 10_000  # 万元 in 亿元


def growth_table(panel: pd.DataFrame, by: str, measures: Sequence[str], year: int) -> pd.DataFrame:
    """Totals of a year by group, with growth on the year before and share of all.

    Parameters
    ----------
    panel : pandas.DataFrame
        year, the grouping column and the measures, in 万元.
    by : str
        Column of groups.
    measures : sequence of str
        Money columns; missing values are left out, and how many units report is shown.
    year : int
        The year; growth compares with the year before, all reporting units in both (so entry and exit are part of it).

    Returns
    -------
    pandas.DataFrame
        Index: (measure, group), groups sorted and then ``total``; columns ``amount`` (亿元), ``growth`` (%),
        ``share`` (%), ``units`` (units that report).

    Raises
    ------
    EvaluationError
        If the panel lacks the year.
    """
    if year not in set(panel["year"]):
        raise EvaluationError(
            f"the panel has no year {year}; it has {panel['year'].min()}–{panel['year'].max()}"
        )
    parts = []
    for measure in measures:
        now, then = (_totals(panel[panel["year"] == y], by, measure) for y in (year, year - 1))
        table = pd.DataFrame(
            {
                "amount": now["sum"] / WAN_PER_YI,
                "growth": 100 * (now["sum"] / then["sum"].where(then["sum"] > 0) - 1),
                "share": 100 * now["sum"] / now.loc["total", "sum"],
                "units": now["count"],
            }
        )
        parts.append(pd.concat({measure: table}, names=["measure", "group"]))
    return pd.concat(parts)


def revisions(old: pd.DataFrame, new: pd.DataFrame, keys: Sequence[str], value: str) -> pd.DataFrame:
    """What a new vintage says of cells that an old one had already published.

    Parameters
    ----------
    old, new : pandas.DataFrame
        Vintages of one table.
    keys : sequence of str
        Columns that name a cell.
    value : str
        The published number.

    Returns
    -------
    pandas.DataFrame
        keys, ``old``, ``new``, ``revision`` (new − old), ``relative`` (%), ``state`` (same, revised, new, withdrawn).
    """
    for name, table in (("old", old), ("new", new)):
        lacking = [c for c in [*keys, value] if c not in table.columns]
        if lacking:
            raise EvaluationError(f"the {name} vintage lacks the columns {', '.join(lacking)}")
        if table.duplicated(list(keys)).any():
            raise EvaluationError(f"the {name} vintage has cells twice; {', '.join(keys)} must name a cell")
    both = old[[*keys, value]].merge(
        new[[*keys, value]], on=list(keys), how="outer", suffixes=("_old", "_new")
    )
    both = both.rename(columns={f"{value}_old": "old", f"{value}_new": "new"})
    both["revision"] = both["new"] - both["old"]
    both["relative"] = 100 * both["revision"] / both["old"].abs().where(both["old"] != 0)
    # Differences in the last bits are of arithmetic, not of data.
    same = both["revision"].abs() <= 1e-9 * both[["old", "new"]].abs().max(axis=1)
    both["state"] = "revised"
    both.loc[same, "state"] = "same"
    both.loc[both["old"].isna() & both["new"].notna(), "state"] = "new"
    both.loc[both["old"].notna() & both["new"].isna(), "state"] = "withdrawn"
    both.loc[both["old"].isna() & both["new"].isna(), "state"] = "same"
    return both


# -- inside ------------------------------------------------------------------------------------


def _totals(rows: pd.DataFrame, by: str, measure: str) -> pd.DataFrame:
    grouped = rows.groupby(by)[measure].agg(["sum", "count"])
    grouped.loc["total"] = [rows[measure].sum(), rows[measure].count()]
    return grouped
