"""What the panel itself says of relatedness: services that makers sell together with goods, and tied shares reported."""

from __future__ import annotations

import ibis
import pandas as pd

from fusion.classification.editions import NATIONAL, successors
from fusion.integration import engine
from fusion.integration.relatedness import NOTHING, together

_VOTES = """
SELECT firm_id, year, class_version AS edition, substr(ind4, 1, 2) AS division, service_revenue, service_revenue_tied,
  unnest(CASE WHEN len(amounts_told(service_rev_by_class)) = 0 THEN [NULL] ELSE amounts_told(service_rev_by_class) END) AS line
FROM _asked WHERE is_goods(ind4) AND service_rev_by_class IS NOT NULL AND {before}
"""


def observed(panel: ibis.Table, start: str | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Co-occurrence before the first unit was treated, and tied shares.

    Parameters
    ----------
    panel : ibis.Table
        On DuckDB.
    start : str, optional
        Column of start years: firm-years from the first of them on have no vote.

    Returns
    -------
    met : pandas.DataFrame
        division, service, n, expected; a firm has one vote. Classes of 2011 with several successors have none.
    reported : pandas.DataFrame
        division, service, m (firms that report a tied share and sell the class), tied (its mean).
    """
    con = panel.get_backend()
    first = panel[start].min().execute() if start and start in panel.columns else None
    con.create_table("_asked", engine.asked(panel), temp=True, overwrite=True)  # type: ignore[attr-defined]
    for macro in engine.MACROS:
        con.raw_sql(macro)  # type: ignore[attr-defined]
    before = "true" if first is None or pd.isna(first) else f"year < {int(first)}"
    query = "SELECT * EXCLUDE (line), line.key AS code, line.value AS amount FROM ({})"
    votes = con.raw_sql(query.format(_VOTES.format(before=before))).df()  # type: ignore[attr-defined]
    told = con.raw_sql(query.format(_VOTES.format(before="service_revenue_tied IS NOT NULL"))).df()  # type: ignore[attr-defined]
    if not len(votes) and not len(told):
        return NOTHING, pd.DataFrame(columns=["division", "service", "m", "tied"])
    sellers = _of_2017(votes[votes["amount"] > 0])
    tied = _of_2017(told[told["amount"] > 0])
    tied = tied.assign(tied=(tied["service_revenue_tied"] / tied["service_revenue"]).clip(0, 1))
    own = tied.groupby(["division", "service", "firm_id"])["tied"].mean().groupby(level=[0, 1])
    reported = own.agg(m="size", tied="mean").reset_index()
    return together(sellers, votes), reported


def _of_2017(lines: pd.DataFrame) -> pd.DataFrame:
    one = [successors(e).query("mapping_status == 'matched'").assign(edition=e) for e in NATIONAL]
    known = pd.concat(one)[["edition", "code", "code_2017"]].rename(columns={"code_2017": "service"})
    return lines.merge(known, on=["edition", "code"])
