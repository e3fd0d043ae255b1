"""Servitization from three sides, which one index would hide: services sold, services bought, services firms that make."""

from __future__ import annotations

import ibis
import pandas as pd

from fusion.indicators import system

# Divisions of GB/T 4754 bound the two groups alike in 2011 and 2017, where 43 is repair, a service of old; in 2002 it is
# recycling, which makes. A letter before the digits is no part of the division; S90 of the regulator is neither.
_DIVISION = "TRY_CAST(left(ltrim(ind4, 'ABCDEFGHIJKLMNOPQRST'), 2) AS integer)"
_OLD = "coalesce(class_version, '') = '2002'"
_MAKES = f"({_DIVISION} BETWEEN 13 AND 42 OR ({_DIVISION} = 43 AND {_OLD}))"
_SERVES = f"(ind4 <> 'S90' AND ({_DIVISION} BETWEEN 51 AND 96 OR ({_DIVISION} = 43 AND NOT {_OLD})))"
_NAMES_MAKING = (
    "len(list_filter(codes_of(biz_activity_codes), "
    "c -> TRY_CAST(left(ltrim(c, 'ABCDEFGHIJKLMNOPQRST'), 2) AS integer) BETWEEN 13 AND 42)) > 0"
)
SIDES = ("sold", "bought", "made")


def sides(panel: ibis.Table) -> ibis.Table:
    """The three sides of each firm-year.

    Parameters
    ----------
    panel : ibis.Table
        firm_id, year, ind4, class_version and, for each side, the columns that it needs (A1, D4; biz_activity_codes,
        service_revenue, operating_revenue); a side whose columns lack is missing throughout.

    Returns
    -------
    ibis.Table
        firm_id, year; kind (``manufacturing``, ``services``, missing for others);
        sold (%): services in the revenue of a manufacturing firm (A1);
        bought (%): producer services in its intermediate inputs (D4), and bought_from_io where the figure is its
        division's in the national table;
        made (%): for a services firm, revenue that is not from services where it names a manufacturing activity,
        0 where it names none, missing where activities are not reported. It is an upper bound: a services firm
        may have other revenue.
    """
    text = {"ind4", "class_version", "biz_activity_codes"}
    wanted = [*sorted(text), "service_revenue", "operating_revenue"]
    absent = {c: ibis.null("string" if c in text else "float64") for c in wanted if c not in panel.columns}
    found = system.compute(panel, ["A1", "D4"])
    kept = panel.mutate(**absent).select("firm_id", "year", *wanted)
    joined = kept.left_join(found.table, ["firm_id", "year"]).drop("firm_id_right", "year_right")
    blank = {c: ibis.null("float64") for c in ("A1", "D4") if c not in joined.columns}
    if "d4_from_io" not in joined.columns:
        blank["d4_from_io"] = ibis.null("boolean")
    query = f"""
    SELECT firm_id, year,
      CASE WHEN {_MAKES} THEN 'manufacturing' WHEN {_SERVES} THEN 'services' END AS kind,
      CASE WHEN {_MAKES} THEN A1 END AS sold,
      CASE WHEN {_MAKES} THEN D4 END AS bought,
      CASE WHEN {_MAKES} AND D4 IS NOT NULL THEN d4_from_io END AS bought_from_io,
      CASE WHEN {_SERVES} AND NOT {_NAMES_MAKING} THEN 0
           WHEN {_SERVES} AND {_NAMES_MAKING}
           THEN 100 * (operating_revenue - service_revenue) / nullif(operating_revenue, 0) END AS made
    FROM told ORDER BY firm_id, year"""
    return joined.mutate(**blank).cache().alias("told").sql(query)


def by_year(rows: pd.DataFrame) -> pd.DataFrame:
    """Each side over the years: how many firms tell, how many are above zero, and by how much.

    Parameters
    ----------
    rows : pandas.DataFrame
        As `sides` returns.

    Returns
    -------
    pandas.DataFrame
        side, year, n (firms that tell), active (% above zero), mean, median (% of revenue or inputs), filled (%
        of figures taken from the national table; bought alone). Years in which nobody tells have no row.
    """
    parts = []
    for side in SIDES:
        told = rows.dropna(subset=[side]).astype({side: float})
        grouped = told.groupby("year")[side]
        table = pd.DataFrame(
            {
                "n": grouped.size(),
                "active": 100 * grouped.agg(lambda x: (x > 0).mean()),
                "mean": grouped.mean(),
                "median": grouped.median(),
            }
        )
        if side == "bought":
            table["filled"] = 100 * told["bought_from_io"].astype(float).groupby(told["year"]).mean()
        parts.append(table.reset_index().assign(side=side))
    columns = ["side", "year", "n", "active", "mean", "median", "filled"]
    return pd.concat(parts, ignore_index=True).reindex(columns=columns)


def ends(table: pd.DataFrame) -> pd.DataFrame:
    """Its first and its last year."""
    return table[table["year"].isin([table["year"].min(), table["year"].max()])]


def told(rows: pd.DataFrame) -> pd.DataFrame:
    """What each firm adds to the cells of `by_year`.

    Returns
    -------
    pandas.DataFrame
        side, year, unit, mean (its figure), and the parts of the shares: active_part, active_whole, filled_part,
        filled_whole.
    """
    parts = []
    for side in SIDES:
        own = rows.dropna(subset=[side])
        part = pd.DataFrame({"side": side, "year": own["year"], "unit": own["firm_id"]})
        part = part.assign(
            mean=own[side].astype(float), active_part=own[side].gt(0).astype(int), active_whole=1
        )
        if side == "bought":
            part = part.assign(filled_part=own["bought_from_io"].astype(float), filled_whole=1.0)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
