"""Which services a firm sells: codes of any edition of GB/T 4754, counted and summed by meaning.

A code means nothing without its edition (6520 is system integration in 2011 and integrated circuits in 2017),
so that prefixes of 2017 are never held against codes of others. A code of an older edition is judged by the classes of 2017
that it may be; where these disagree, nothing is said and the indicator is missing.
"""

from __future__ import annotations

import re
from functools import lru_cache

import ibis
import pandas as pd

# A declared sum over classes: revenue_in('73|748') = revenue by class of codes under 73 or 748 (edition 2017).
REVENUE = re.compile(r"revenue_in\('([0-9|]+)'\)")
KINDS_STANDARD = "modern_services_2023"
_TEXTS = ("class_version", "biz_activity_codes", "service_rev_by_class")
_SQL = """
WITH named AS (
  SELECT row, class_version AS edition, unnest(codes_of(biz_activity_codes)) AS code, 0.0 AS amount, true AS kept
  FROM prepared
), sold AS (
  SELECT row, class_version AS edition, entry.key AS code, coalesce(entry.value, 0) AS amount,
    coalesce(entry.value, 0) > 0 AS kept
  FROM (SELECT row, class_version, unnest(entries_of(service_rev_by_class)) AS entry FROM prepared)
), lines AS (
  SELECT row, amount, kept, meaning.* EXCLUDE (edition, code)
  FROM (SELECT * FROM named UNION ALL SELECT * FROM sold) AS given
  LEFT JOIN meaning ON given.edition = meaning.edition AND given.code = meaning.code
)
SELECT row, {columns} FROM lines GROUP BY row
"""
_KINDS = (
    "CASE WHEN bool_or(kept AND kind IS NULL) THEN NULL "
    "ELSE count(DISTINCT CASE WHEN kept AND kind <> '' THEN kind END) END AS service_types"
)
_SUM = (
    "CASE WHEN bool_or(amount <> 0 AND {0} IS NULL) THEN NULL "
    "ELSE sum(CASE WHEN {0} THEN amount ELSE 0 END) END AS {0}"
)


def column(prefixes: str) -> str:
    """Name of the column that holds the revenue of classes, e.g. ``revenue_73_748`` for ``73|748``."""
    return "revenue_" + prefixes.replace("|", "_")


def with_services(panel: ibis.Table, formulas: list[str]) -> ibis.Table:
    """Add what formulas say of services: ``service_types`` and the revenue of the classes they name.

    Parameters
    ----------
    panel : ibis.Table
        On DuckDB, with the macros of ``functions.sql``; class_version, biz_activity_codes and
        service_rev_by_class where the panel has them.
    formulas : list of str
        Declared formulas, in which ``revenue_in('…')`` names classes by prefixes of GB/T 4754-2017.

    Returns
    -------
    ibis.Table
        The panel with ``service_types``: number of 大类 of 现代服务业统计分类(2023) among the codes of the main
        activities and of the revenue by class above zero, NULL where neither is reported or a code cannot be
        placed; and for each group of classes its revenue (万元), NULL where no revenue by class is reported or
        a code with revenue cannot be placed.
    """
    groups = {column(found): found for formula in formulas for found in REVENUE.findall(formula)}
    absent = {name: ibis.null("string") for name in _TEXTS if name not in panel.columns}
    prepared = panel.mutate(row=ibis.row_number(), **absent).cache()
    backend = panel.get_backend()
    backend.create_table("meaning", _meaning(tuple(groups.items())), overwrite=True, temp=True)  # type: ignore[attr-defined]
    columns = ", ".join([_KINDS, *(_SUM.format(name) for name in groups)])
    found = prepared.alias("prepared").sql(_SQL.format(columns=columns)).cache()
    joined = prepared.left_join(found, "row", rname="{name}_found").drop("row_found")
    reported = joined["service_rev_by_class"].notnull()  # noqa: PD004 (Ibis)
    # A reported object without entries sells nothing: its sums are zero, not missing.
    nothing = joined["service_rev_by_class"].cast("string") == "{}"
    sums = {
        name: ibis.cases((nothing, 0.0), (reported, joined[name]), else_=ibis.null("float64"))
        for name in groups
    }
    return joined.mutate(**sums).drop("row", *absent)


@lru_cache
def _meaning(groups: tuple[tuple[str, str], ...]) -> pd.DataFrame:
    """What each code of each edition says where all classes of 2017 that it may be agree.

    Returns
    -------
    pandas.DataFrame
        edition, code (as it may be written: C131, 0131, and 113 for 0113); kind (大类 of the standard, empty for none,
        missing where classes disagree); for each group whether the code is in it (missing where classes disagree).
    """
    from fusion.classification.codes import readings
    from fusion.classification.enterprises import in_question
    from fusion.classification.tables import EDITIONS

    classes = in_question()[["edition", "code", "code_2017"]]
    classes = classes.assign(kind=classes["code_2017"].map(_kinds()).fillna(""))
    for name, prefixes in groups:
        classes[name] = classes["code_2017"].str.match(f"(?:{prefixes})").astype(object)
    said = ["kind", *(name for name, _ in groups)]
    grouped = classes.groupby(["edition", "code"])[said]
    table = grouped.first().where(grouped.nunique(dropna=False).eq(1)).reset_index()
    cells = [(e, letter + digits, code) for e in EDITIONS for letter, digits, code in readings(e) if code]
    written = pd.DataFrame(cells, columns=["edition", "written", "code"])
    table = (
        written.merge(table, on=["edition", "code"]).drop(columns="code").rename(columns={"written": "code"})
    )
    return table.astype({name: "boolean" for name, _ in groups} | {"kind": "string"})


def _kinds() -> dict[str, str]:
    """大类 (first two digits of the standard's class) of each four-digit code of GB/T 4754-2017.

    A class marked * counts whole. No code of the standard stands in two 大类; the tests hold it to this.
    """
    from fusion.classification import load

    listed = load(KINDS_STANDARD).query("gbt_code != ''")
    codes = load("gbt4754_2017").query("level == '4'")["code"]
    kinds: dict[str, str] = {}
    for row in listed.itertuples():  # a standard may list a division or a group: all its classes belong
        kinds |= dict.fromkeys(codes[codes.str.startswith(row.gbt_code)], row.class_code[:2])
    return kinds
