"""Size classes by the rule of 2017 (统计上大中小微型企业划分办法): large, medium, small, micro.

A class needs the lower limits of all the conditions of its industry, else the next lower one is looked at; one condition
below the limit of small makes micro. So the class is that of the lowest condition. A condition that cannot be judged
leaves an interval: whatever it were, the class is not above the lowest of the others.
"""

from __future__ import annotations

from functools import lru_cache

import ibis
import pandas as pd

from fusion.classification.enterprises import candidates
from fusion.classification.tables import rows as table_rows

CLASSES = ("micro", "S", "M", "L")  # from below
MEASURES = ("employees", "operating_revenue", "total_assets")
LIMITS = ("small", "medium", "large")
NEEDED = {
    "employees_end": "float64",
    "employees_avg": "float64",
    "operating_revenue": "float64",
    "total_assets": "float64",
    "size_class": "string",
}
# What is counted: a class, or why there is none.
KINDS = (*reversed(CLASSES), "between", "not_covered", "no_code")


def sizes(rows: ibis.Table) -> ibis.Table:
    """Size class of each row, or the interval in which it lies.

    Parameters
    ----------
    rows : ibis.Table
        firm_id, year; edition and code_own as `classify` gives them, or code_2017 alone; and of ``NEEDED`` what there is
        (persons, 万元). Staff at the year's end count; where they are not reported the yearly average.

    Returns
    -------
    ibis.Table
        firm_id, year; size_low and size_high (``micro``, ``S``, ``M``, ``L``; empty where the rule does not reach);
        size (their common value, else empty); size_why (``no_code``, ``not_covered``, ``several_industries``, or the
        measures that are not reported, comma-joined; empty where the class is certain); staff_from (``end``,
        ``average``, empty); size_reported (the return's own).
    """
    told = rows.mutate(
        **{c: rows[c].cast(k) if c in rows.columns else ibis.null(k) for c, k in NEEDED.items()}
    )
    own = {"edition", "code_own"} <= set(rows.columns)
    told = told.select(
        "firm_id",
        "year",
        *NEEDED,
        edition_=told["edition"] if own else ibis.literal("2017"),
        code_=told["code_own"] if own else told["code_2017"],
    )
    joined = told.cache().alias("fusion_told").sql(_query("fusion_limits", told, _limits()))
    return joined


def _query(name: str, told: ibis.Table, limits: pd.DataFrame) -> str:
    """SQL: grades of all conditions of all industries that a row's code may be in, and what they leave open."""
    con = told.get_backend()
    con.create_table(name, limits, temp=True, overwrite=True)
    value = {"employees": "coalesce(employees_end, employees_avg)"}
    low, high, lacking = [], [], []
    for measure in MEASURES:
        x = value.get(measure, measure)
        cuts = [f"({x} >= {measure}_{limit})::INT" for limit in LIMITS]
        needed = f"{measure}_small IS NOT NULL"
        grade = " + ".join(cuts)
        low.append(f"CASE WHEN {needed} THEN coalesce({grade}, 0) ELSE 3 END")
        high.append(f"CASE WHEN {needed} THEN coalesce({grade}, 3) ELSE 3 END")
        lacking.append(f"CASE WHEN {needed} AND {x} IS NULL THEN '{measure}' END")
    words = "['" + "', '".join(CLASSES) + "']"
    return f"""
    WITH graded AS (
      SELECT t.*, l.industry, l.code IS NOT NULL AS known, coalesce(l.industry, '') != '' AS covered,
        least({", ".join(low)}) AS low, least({", ".join(high)}) AS high, concat_ws(',', {", ".join(lacking)}) AS lacks
      FROM fusion_told t LEFT JOIN {name} l ON t.edition_ = l.edition AND t.code_ = l.code),
    whole AS (
      SELECT firm_id, year, bool_and(known) AS known, bool_and(covered) AS all_covered, bool_or(covered) AS any_covered,
        min(low) AS low, max(high) AS high, max(lacks) AS lacks, any_value(size_class) AS size_reported,
        any_value(CASE WHEN employees_end IS NOT NULL THEN 'end' WHEN employees_avg IS NOT NULL THEN 'average' ELSE '' END)
          AS staff_from
      FROM graded GROUP BY firm_id, year)
    SELECT firm_id, year,
      CASE WHEN all_covered THEN {words}[low + 1] ELSE '' END AS size_low,
      CASE WHEN all_covered THEN {words}[high + 1] ELSE '' END AS size_high,
      CASE WHEN all_covered AND low = high THEN {words}[low + 1] ELSE '' END AS size,
      CASE WHEN NOT known THEN 'no_code' WHEN NOT any_covered THEN 'not_covered' WHEN NOT all_covered THEN 'several_industries'
        WHEN low = high THEN '' WHEN lacks != '' THEN lacks ELSE 'several_industries' END AS size_why,
      staff_from, size_reported
    FROM whole"""


def counts(found: ibis.Table) -> pd.DataFrame:
    """Rows by what the rule says of them, beside what was reported.

    Returns
    -------
    pandas.DataFrame
        size (``KINDS``), firm_years, firms, firm_years_share, same (rows whose reported class is this one), other (whose
        reported class is another; for an interval: lies outside it), unreported, average (rows judged by the yearly
        average of staff).
    """
    kind = ibis.cases(
        (found["size"] != "", found["size"]),
        (found["size_why"].isin(["no_code", "not_covered"]), found["size_why"]),
        else_="between",
    )
    order = {name: ibis.literal(n) for n, name in enumerate(CLASSES)}

    def rank(column: ibis.expr.types.StringColumn) -> ibis.expr.types.Value:
        return ibis.cases(*[(column == name, n) for name, n in order.items()], else_=ibis.null("int8"))

    told = rank(found["size_reported"].fill_null(""))
    inside = told.between(rank(found["size_low"]), rank(found["size_high"])).fill_null(False)
    marked = found.mutate(size=kind, told=told.notnull(), inside=inside)  # noqa: PD004 (Ibis)
    judged = ~marked["size"].isin(["no_code", "not_covered"])
    out = marked.group_by("size").aggregate(
        firm_years=marked.count(),
        firms=marked["firm_id"].nunique(),
        same=(marked["told"] & marked["inside"]).sum(),
        other=(marked["told"] & ~marked["inside"] & judged).sum(),
        unreported=(~marked["told"]).sum(),
        average=(marked["staff_from"] == "average").sum(),
    )
    frame = out.to_pandas().set_index("size").reindex(list(KINDS)).dropna(how="all").astype(int).reset_index()
    frame.insert(3, "firm_years_share", frame["firm_years"] / max(frame["firm_years"].sum(), 1))
    return frame


@lru_cache
def _limits() -> pd.DataFrame:
    """Each code of each edition beside each industry of the rule that it may be in, with the limits of its conditions."""
    wide: dict[str, dict[str, object]] = {}
    prefixes: dict[str, str] = {}
    for row in table_rows("size_classes"):
        limits = wide.setdefault(row["industry"], {})
        limits |= {f"{row['measure']}_{limit}": float(row[limit]) for limit in LIMITS}
        prefixes |= dict.fromkeys(row["codes"].split(), row["industry"])
    pairs = candidates()
    pairs = pairs.assign(
        industry=[
            _industry(c, s, prefixes) for c, s in zip(pairs["code_2017"], pairs["section"], strict=True)
        ]
    )
    known = pairs[["edition", "code", "industry"]].drop_duplicates()
    columns = [f"{measure}_{limit}" for measure in MEASURES for limit in LIMITS]
    table = pd.DataFrame.from_dict(wide, orient="index").reindex(columns=columns).astype("float64")
    return known.merge(table.rename_axis("industry").reset_index(), on="industry", how="left")


def _industry(code: str, section: str, prefixes: dict[str, str]) -> str:
    """The rule's industry of a class of 2017; empty where it names none (finance, education, railways …)."""
    return next((prefixes[p] for p in (code, code[:3], code[:2], section) if p in prefixes), "")
