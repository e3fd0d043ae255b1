"""The policy's four kinds of actor, by declared rules that are read before treatment.

``data/classification/actors.csv`` holds the rules as SQL over an enterprise's features in one year; the first that
holds, by priority, decides. An official list (the panel's ``actor_type``) comes before every rule.
"""

from __future__ import annotations

from typing import Any

import ibis
import pandas as pd

from fusion.classification import sizes
from fusion.classification.tables import ClassificationError, load
from fusion.language import listed, said

# Features of which rules are made, beside the columns of the row and its size class (size_low to size_high: as reported,
# else by the rule of 2017).
FEATURES = {
    "group_firms": "count(*) OVER g",
    "revenue_rank": "percent_rank() OVER (PARTITION BY group3 ORDER BY operating_revenue)",
    "path_rank": "percent_rank() OVER (PARTITION BY path ORDER BY operating_revenue)",
    "rd_intensity": "coalesce(rd_expense, 0) / nullif(operating_revenue, 0)",
    "group_rd": "median(coalesce(rd_expense, 0) / nullif(operating_revenue, 0)) OVER g",
}
NEEDED = {
    "rd_expense": "float64",
    "platform_users": "float64",
    **sizes.NEEDED,
    "actor_type": "string",
}


def actors(rows: ibis.Table, year: int | None = None, on_lists: pd.Series | None = None) -> ibis.Table:
    """The kind of actor of each enterprise, fixed over time.

    Parameters
    ----------
    rows : ibis.Table
        firm_id, year, code_2017, group3, path as `classify` gives them, and of ``NEEDED`` what there is.
    year : int, optional
        Features are those of this year, or of the enterprise's first later one; by default of its first year at all.
        Choose a year before treatment begins: what an enterprise becomes by treatment is no ground to sort it by.
    on_lists : pandas.Series, optional
        Kinds by official lists (`official.actors`), by firm_id: they stand in the place of the panel's ``actor_type``.

    Returns
    -------
    ibis.Table
        firm_id, actor (empty where no rule holds), actor_from (``list``, ``rule`` or empty), actor_year.

    Raises
    ------
    ClassificationError
        When the rows lack the classification.
    """
    lacking = [c for c in ("firm_id", "year", "code_2017", "group3", "path") if c not in rows.columns]
    if lacking:
        raise ClassificationError(said("classification.actors_need", lacking=listed(lacking)))
    absent: dict[str, Any] = {c: ibis.null(kind) for c, kind in NEEDED.items() if c not in rows.columns}
    held = sizes.sizes(rows).select("firm_id", "year", "size_low", "size_high")
    kept = rows.mutate(**absent).select("firm_id", "year", "code_2017", "group3", "path", *NEEDED)
    kept = kept.left_join(held, ["firm_id", "year"]).drop("firm_id_right", "year_right")
    reported = kept["size_class"].nullif("")  # the return's own class comes first
    kept = kept.mutate(
        **{name: ibis.coalesce(reported, kept[name].nullif("")) for name in ("size_low", "size_high")}
    )
    if on_lists is not None and len(on_lists):
        by_list = ibis.memtable(pd.DataFrame({"firm_id": on_lists.index, "listed": on_lists.to_numpy()}))
        kept = kept.left_join(by_list, "firm_id").drop("firm_id_right")
        kept = kept.mutate(actor_type=ibis.coalesce(kept["listed"], kept["actor_type"])).drop("listed")
    first = kept if year is None else kept.filter(kept["year"] >= year)
    features = ", ".join(f"{sql} AS {name}" for name, sql in FEATURES.items())
    cases = " ".join(f"WHEN {r['expression']} THEN '{r['actor']}'" for r in rules())
    query = f"""
    WITH base AS (SELECT * FROM told QUALIFY row_number() OVER (PARTITION BY firm_id ORDER BY year) = 1),
    made AS (SELECT *, {features} FROM base WINDOW g AS (PARTITION BY group3))
    SELECT firm_id, coalesce(nullif(actor_type, ''), CASE {cases} ELSE '' END) AS actor,
      CASE WHEN nullif(actor_type, '') IS NOT NULL THEN 'list' WHEN CASE {cases} END IS NOT NULL THEN 'rule' ELSE '' END
        AS actor_from, year AS actor_year
    FROM made ORDER BY firm_id"""
    return first.cache().alias("told").sql(query)


def counts(kinds: ibis.Table) -> pd.DataFrame:
    """Enterprises of each kind, in the order of the rules.

    Parameters
    ----------
    kinds : ibis.Table
        As `actors` gives them.

    Returns
    -------
    pandas.DataFrame
        actor, rule_en, rule_zh, firms, listed (of these by an official list).
    """
    by_list = kinds["actor_from"] == "list"
    held = kinds.group_by("actor").aggregate(firms=kinds.count(), listed=by_list.sum()).to_pandas()
    lines = pd.DataFrame(rules())[["actor", "rule_en", "rule_zh"]].merge(held, on="actor", how="left")
    return lines.fillna({"firms": 0, "listed": 0}).astype({"firms": int, "listed": int})


def rules() -> list[dict[str, str]]:
    """The rules in the order of their priority."""
    return sorted(load("actors").to_dict("records"), key=lambda r: int(r["priority"]))
