"""Integration on the input side, N: services that a maker buys and that enter its product. Beside F, never in it.

N = 2·min(½, Σ ρ b), b a purchase over intermediate inputs, ρ how much of a yuan of it counts (judgement:
``data/integration/inputs.csv``). Where only the sum is told, a point by the division's mix in the national table, and an
interval from nothing to the largest ρ. Services firms buy goods that no form asks: no N.
"""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd

from fusion.integration.engine import MACROS
from fusion.integration.relatedness import DATA, FOLDER, IO_YEAR, levels

_QUERY = """
SELECT firm_id, year, substr(ind4, 1, 2) AS division, intermediate_input AS inputs, ps_input AS bought,
  service.key AS code, service.value AS amount
FROM (SELECT *, unnest(CASE WHEN ps_input_by_class IS NULL THEN [NULL] ELSE amounts_told(ps_input_by_class) END) AS service
  FROM _bought) WHERE is_goods(ind4) AND intermediate_input > 0 AND (ps_input IS NOT NULL OR ps_input_by_class IS NOT NULL)
"""


def bought(panel: ibis.Table) -> pd.DataFrame:
    """N of makers of goods that tell what they buy.

    Returns
    -------
    pandas.DataFrame
        firm_id, year, low, point, high (N, 0 to 1). Empty where the panel lacks the columns.
    """
    kinds = {
        "ind4": "string",
        "intermediate_input": "float64",
        "ps_input": "float64",
        "ps_input_by_class": "string",
    }
    if not {"ind4", "intermediate_input"} <= set(panel.columns):
        return pd.DataFrame(columns=["firm_id", "year", "low", "point", "high"])
    con = panel.get_backend()
    for macro in MACROS:
        con.raw_sql(macro)  # type: ignore[attr-defined]
    asked = {n: panel[n].cast(k) if n in panel.columns else ibis.null(k) for n, k in kinds.items()}
    con.create_table("_bought", panel.select("firm_id", "year", **asked), temp=True, overwrite=True)  # type: ignore[attr-defined]
    lines = con.raw_sql(_QUERY).df()  # type: ignore[attr-defined]
    if not len(lines):  # services firms alone, or nobody tells
        return pd.DataFrame(columns=["firm_id", "year", "low", "point", "high"], dtype=float)
    rho = pd.read_csv(FOLDER / "inputs.csv").set_index("inputs")["rho"]
    group = levels().set_index("code")["inputs"]
    digits = lines["code"].astype("str")
    # A coarse code counts as the first class under it.
    under = {code[:n]: name for n in (2, 3, 4) for code, name in group[::-1].items()}
    weight = digits.map(under).map(rho).fillna(0.0)
    most = float(rho.max())
    told = lines["code"].notna()
    whole = lines["bought"] / lines["inputs"]
    each = (lines["amount"] / lines["inputs"]).where(told, whole)
    point = (each * weight).where(told, whole * lines["division"].map(_mix(rho)))
    table = lines[["firm_id", "year"]].assign(
        low=point.where(told, 0.0), point=point, high=point.where(told, whole * most)
    )
    sums = table.groupby(["firm_id", "year"])[["low", "point", "high"]].sum(min_count=1)
    return (2 * np.minimum(sums, 0.5)).reset_index()


def _mix(rho: pd.Series) -> pd.Series:
    """Mean ρ of a division's purchases in the national table."""
    table = pd.read_csv(DATA / "io" / "producer_services_nbs.csv", dtype={"code": str})
    table = table[(table["year"] == IO_YEAR) & (table["table_sectors"] == 42)].set_index("code")
    parts = table[[f"d_{name}" for name in rho.index]]
    mean = (parts * rho.to_numpy()).sum(axis=1) / parts.sum(axis=1)
    links = pd.read_csv(DATA / "io" / "gbt_to_io42.csv", dtype=str)
    return links[links["tables"].str.contains(str(IO_YEAR))].set_index("division")["io42_code"].map(mean)
