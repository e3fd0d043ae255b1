"""The policy's four kinds of actor, by declared rules that are read before treatment.

``data/classification/actors.csv`` holds the rules as SQL over an enterprise's features in one year; the first that
holds, by priority, decides. An official list (the panel's ``actor_type``) comes before every rule.
"""

from __future__ import annotations

from typing import Any

import ibis
import pandas as pd

from fusion.classification import sizes
from fusion.classification.actor_bounds import kinds
from fusion.classification.tables import ClassificationError, load
from fusion.language import listed, said

# Features of which rules are made, beside the columns of the row and its size class (size_low to size_high: as reported,
# else by the rule of 2017).
# Enterprises whose code leaves the industry or the path open are no industry or path of their own, and those without
# revenue have no rank.
RANK = "CASE WHEN {of} != '' AND operating_revenue IS NOT NULL THEN percent_rank() OVER (PARTITION BY {of}, operating_revenue IS NULL ORDER BY operating_revenue) END"  # noqa: E501 (SQL)
FEATURES = {
    "group_firms": "CASE WHEN group3 != '' THEN count(*) OVER g END",
    "revenue_rank": RANK.format(of="group3"),
    "path_rank": RANK.format(of="path"),
    "rd_intensity": "coalesce(rd_expense, 0) / nullif(operating_revenue, 0)",
    "group_rd": "median(coalesce(rd_expense, 0) / nullif(operating_revenue, 0)) OVER g",
}
NONE = "none"  # of a kind that may be none
CODED = ("edition", "code_own")
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
        firm_id, actor (empty where no rule holds for certain), actor_from (``list``, ``rule`` or empty), actor_year,
        actor_possible (comma-joined kinds that it may be, ``none`` for no kind: several where codes are open).

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
    absent |= {c: ibis.literal("") for c in CODED if c not in rows.columns}
    kept = rows.mutate(**absent).select("firm_id", "year", *CODED, "code_2017", "group3", "path", *NEEDED)
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
    SELECT *, coalesce(nullif(actor_type, ''), CASE {cases} ELSE '' END) AS actor FROM made ORDER BY firm_id"""
    made = first.cache().alias("told").sql(query).cache()
    return _told(made)


def _told(made: ibis.Table) -> ibis.Table:
    """Kinds of actor, certain and possible."""
    on_list = made["actor_type"].fill_null("") != ""
    mine = ibis.ifelse(made["actor"] == "", NONE, made["actor"])
    held = made.mutate(may=mine)
    if made.filter((made["code_2017"] == "") & (made["code_own"] != "")).count().to_pandas():
        base = made.to_pandas().astype({"operating_revenue": float})
        by_rule = kinds(base, rules(), made.get_backend())
        may = [",".join(kind or NONE for kind in sorted(held_)) for held_ in by_rule]
        known = ibis.memtable(pd.DataFrame({"firm_id": by_rule.index, "by_rule": may}))
        held = held.left_join(known, "firm_id").drop("firm_id_right")
        held = held.mutate(
            may=ibis.ifelse(ibis._["actor_type"].fill_null("") != "", ibis._["may"], ibis._["by_rule"])
        )
    alone = ~held["may"].contains(",")
    inside = ("," + held["may"] + ",").contains("," + mine + ",")
    actor = ibis.cases((alone, held["may"].replace(NONE, "")), (inside, held["actor"]), else_="")
    held = held.mutate(actor=actor, on_list=on_list)
    origin = ibis.cases((held["on_list"], "list"), (held["actor"] != "", "rule"), else_="")
    held = held.mutate(actor_from=origin, actor_possible=held["may"])
    return held.select("firm_id", "actor", "actor_from", "actor_possible", actor_year="year").order_by(
        "firm_id"
    )


def counts(found: ibis.Table, told: pd.DataFrame | None = None) -> pd.DataFrame:
    """Enterprises of each kind, in the order of the rules.

    Parameters
    ----------
    found : ibis.Table
        As `actors` gives them.
    told : pandas.DataFrame, optional
        firm_id and service_revenue of firm-years.

    Returns
    -------
    pandas.DataFrame
        actor, rule_en, rule_zh, firms, listed (of these by an official list), with ``told`` silent (share of their firm-years
        that do not tell their service revenue, %); where codes leave kinds open firms_low
        (enterprises that are of no other kind) and firms_high (that may be of this one).
    """
    by_list = found["actor_from"] == "list"
    held = found.group_by("actor").aggregate(firms=found.count(), listed=by_list.sum()).to_pandas()
    lines = pd.DataFrame(rules())[["actor", "rule_en", "rule_zh"]].merge(held, on="actor", how="left")
    lines = lines.fillna({"firms": 0, "listed": 0}).astype({"firms": int, "listed": int})
    if told is not None:
        kind = found.select("firm_id", "actor").to_pandas().set_index("firm_id")["actor"]
        quiet = told["service_revenue"].isna().groupby(told["firm_id"].map(kind)).mean()
        lines["silent"] = 100 * lines["actor"].map(quiet)
    may = found.group_by("actor_possible").aggregate(n=found.count()).to_pandas()
    if not may["actor_possible"].str.contains(",").any():
        return lines
    sets = may["actor_possible"].str.split(",")
    low = [int(may.loc[may["actor_possible"] == actor, "n"].sum()) for actor in lines["actor"]]
    high = [int(may.loc[[actor in s for s in sets], "n"].sum()) for actor in lines["actor"]]
    return lines.assign(firms_low=low, firms_high=high)


def rules() -> list[dict[str, str]]:
    """The rules in the order of their priority."""
    return sorted(load("actors").to_dict("records"), key=lambda r: int(r["priority"]))
