"""Other definitions of integration, for comparison: each reads the same revenue by class.

service_share: 服务化率, services in revenue; the thresholds of 20 and 30 per cent that lists of pilots use; 4·Σp·q·r, the
mass of pairs drawn at random (after Rao and Stirling); related variety: entropy of services with r above a quarter (after
Frenken et al.); mode_share: sales of service modes (goods within them) in revenue, which calls for pilots count. The documents
behind the thresholds and the modes were not read whole: they are named by what they count.
"""

from __future__ import annotations

import ibis
import pandas as pd

from fusion.integration.firms import Settings, integration
from fusion.integration.relatedness import Relatedness

THRESHOLDS = (20, 30)
COLUMNS = ["service_share", "above_20", "above_30", "cross_mass", "related_variety", "mode_share"]
# What each of them reads beside revenue; A2 (kinds of services, after Neely) is an indicator.
READS = {
    "service_share": "service_revenue",
    "above_20": "service_revenue",
    "above_30": "service_revenue",
    "cross_mass": "service_revenue",
    "related_variety": "service_rev_by_class",
    "mode_share": "mode_sales",
    "A2": "biz_activity_codes",
}
_QUERY = """
WITH sold AS (
  SELECT row, sum(amount * r) AS related, sum(amount) FILTER (r > 0.25 AND code <> '') AS near FROM _lines GROUP BY row
), varied AS (
  SELECT row, -sum(amount / near * ln(amount / near)) AS variety
  FROM _lines JOIN sold USING (row) WHERE r > 0.25 AND code <> '' AND near > 0 GROUP BY row
)
SELECT firm_id, year, maker, CASE WHEN maker THEN 100 * services / volume END AS service_share,
  CASE WHEN services IS NOT NULL THEN 400 * goods_low * coalesce(related, 0) / volume / volume END AS cross_mass,
  CASE WHEN classes_asked OR services = 0 THEN coalesce(variety, 0) END AS related_variety
FROM _rows LEFT JOIN sold USING (row) LEFT JOIN varied USING (row) ORDER BY firm_id, year
"""


def measures(panel: ibis.Table, made: Relatedness, settings: Settings | None = None) -> pd.DataFrame:
    """Every preset of every firm-year.

    Returns
    -------
    pandas.DataFrame
        firm_id, year, service_share (%, makers of goods alone), above_20, above_30 (0 or 100, so that means are shares),
        cross_mass (%), related_variety (nat), mode_share (%, makers of goods alone). Missing where services, their classes, or
        sales of service modes are not told.
    """
    integration(panel, made, settings)
    table = panel.get_backend().raw_sql(_QUERY).df()  # type: ignore[attr-defined]
    for limit in THRESHOLDS:
        above = 100.0 * (table["service_share"] >= limit)
        table[f"above_{limit}"] = above.where(table["service_share"].notna())
    table = table.merge(_modes(panel), on=["firm_id", "year"], how="left")
    table["mode_share"] = table["mode_share"].where(table["maker"])
    return table[["firm_id", "year", *COLUMNS]]


def _modes(panel: ibis.Table) -> pd.DataFrame:
    """Sales of service modes in revenue, %; missing throughout where no form asks for them."""
    if "mode_sales" not in panel.columns:
        return pd.DataFrame({"firm_id": pd.Series(dtype=str), "year": pd.Series(dtype=int), "mode_share": []})
    share = 100 * panel["mode_sales"].cast("float64") / panel["operating_revenue"].cast("float64").nullif(0)
    return panel.select("firm_id", "year", mode_share=share).to_pandas()


def lacking(scored: pd.DataFrame) -> dict[str, list[str]]:
    """Presets that these data cannot give, and the columns that would be needed: definitions, columns."""
    gone = [name for name in READS if name not in scored or scored[name].isna().all()]
    return {"definitions": gone, "columns": list(dict.fromkeys(READS[name] for name in gone))}


def compare(scored: pd.DataFrame, own: str, names: list[str], year: int) -> pd.DataFrame:
    """Presets of one year beside the study's own measure.

    Parameters
    ----------
    scored : pandas.DataFrame
        firm_id, year, path and the measures.
    own : str
        The study's measure.
    names : list of str
        The others.

    Returns
    -------
    pandas.DataFrame
        definition, units (firms that have it), mean, firms (Spearman correlation with the own measure over firms that have
        both), paths (the same of means by path), highest (path with the highest mean).
    """
    last = scored[scored["year"] == year]
    measures = list(dict.fromkeys([own, *names]))
    means = last.groupby("path")[measures].mean()
    rows = []
    for name in measures:
        both = last[[own, name]].dropna() if name != own else last[[own]].dropna()
        if not len(both) or both[name].nunique() < 2:
            continue
        rows.append(
            {
                "definition": name,
                "units": int(last[name].notna().sum()),
                "mean": last[name].mean(),
                "firms": both[own].corr(both[name], method="spearman"),
                "paths": means[own].corr(means[name], method="spearman"),
                "highest": means[name].idxmax() if means[name].notna().any() else None,
            }
        )
    return pd.DataFrame(rows, columns=["definition", "units", "mean", "firms", "paths", "highest"])
