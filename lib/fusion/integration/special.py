"""Rows with several classes of goods, or with contracts for goods and services together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fusion.integration.pairing import fill, pairs
from fusion.integration.relatedness import Relatedness

Floats = NDArray[np.float64]


def solve(con: Any, made: Relatedness, mix: float, ranked: bool = False) -> None:
    """Replace low, point and high of the special rows of ``_scored``; a maker's contract never lowers a rank."""
    rows = con.raw_sql("SELECT * FROM _rows WHERE special AND services IS NOT NULL AND tied IS NULL").df()
    if not len(rows):
        return
    goods = con.raw_sql(_GOODS).df()
    lines = con.raw_sql(_LINES).df()
    several = _several(rows, goods, lines, mix)
    bundled = rows["contract"] > 0
    found = several.where(~bundled, _contracts(rows, lines, mix, ranked)) if bundled.any() else several
    found["row"] = rows["row"].to_numpy()
    found.loc[rows["placed_open"].to_numpy(), "point"] = np.nan
    con.create_table("_solved", found, temp=True, overwrite=True)
    con.raw_sql(
        "UPDATE _scored SET low = s.low, point = s.point, high = s.high FROM _solved AS s WHERE _scored.row = s.row"
    )


# Goods of each special row by type, the main code's with what is left over; of who has a contract also where nothing is, since
# the contract's goods are of that type.
_GOODS = """
SELECT row, type, sum(amount) AS amount FROM (
  SELECT row, g.type, amount, false AS bundled FROM _told JOIN _rows AS r USING (row)
  JOIN _goods AS g ON g.edition = r.edition AND g.code = _told.code
  WHERE special AND makes
  UNION ALL
  SELECT row, g.type, residual + coalesce(placed, 0), contract > 0 FROM _rows
  JOIN _goods AS g ON g.edition = _rows.edition AND g.code = main
  WHERE special AND maker
) WHERE amount > 0 OR bundled GROUP BY row, type"""
# Services of each special row, with relatedness to each of its types of goods.
_LINES = f"""
WITH goods AS ({_GOODS}), lines AS (
  SELECT l.row, l.code, l.amount, l.r AS mean FROM _lines AS l JOIN _rows USING (row) WHERE special)
SELECT row, l.code, l.amount, g.type, coalesce(c.low, 0) AS low, coalesce(c.r, l.mean) AS r, coalesce(c.high, t.top) AS high
FROM lines AS l JOIN goods AS g USING (row)
JOIN (SELECT type, max(top) AS top FROM _goods GROUP BY type) AS t USING (type)
LEFT JOIN _cells AS c ON c.type = g.type AND c.code = l.code"""


def _several(rows: pd.DataFrame, goods: pd.DataFrame, lines: pd.DataFrame, mix: float) -> pd.DataFrame:
    """Transport problems of all rows, three times: with smallest, mean and largest relatedness."""
    by_goods, by_line = dict(list(goods.groupby("row"))), dict(list(lines.groupby("row")))
    found = pd.DataFrame(0.0, rows.index, ["low", "point", "high"])
    units = [
        (i, row, v)
        for i, row, v in zip(rows.index, rows["row"], rows["volume"], strict=True)
        if row in by_line
    ]
    shares: list[Floats] = []
    services: list[Floats] = []
    tied: dict[str, list[Floats]] = {"low": [], "r": [], "high": []}
    for _, row, volume in units:
        own, sold = by_goods[row].set_index("type")["amount"], by_line[row]
        wide = {name: sold.pivot_table(index="type", columns="code", values=name) for name in tied}
        codes = wide["r"].columns
        shares.append(own.reindex(wide["r"].index).to_numpy() / volume / (2 * (1 - mix)))
        services.append(
            sold.drop_duplicates("code").set_index("code")["amount"][codes].to_numpy() / volume / (2 * mix)
        )
        for name in tied:
            tied[name].append(wide[name].to_numpy())
    for name, column in (("low", "low"), ("r", "point"), ("high", "high")):
        best = pairs(shares, services, tied[name])
        values = [2 * float((pi * r).sum()) for pi, r in zip(best, tied[name], strict=True)]
        found.loc[[i for i, _, _ in units], column] = values
    return found


def _contracts(rows: pd.DataFrame, lines: pd.DataFrame, mix: float, ranked: bool) -> pd.DataFrame:
    """A contract is goods a and service 1 − a, related by 1; where a is not told, F is a range over it.

    A maker that did not tell of the contract would have it among its goods: ranks take that where it is more.
    """
    best = lines.groupby(["row", "code"])[["amount", "low", "r", "high"]].max().reset_index()
    by_row = dict(list(best.groupby("row")))
    found = pd.DataFrame(np.nan, rows.index, ["low", "point", "high"])
    for i, row in rows[rows["contract"] > 0].iterrows():
        own = by_row.get(row["row"], best.iloc[:0])
        ends = {
            name: _contract(row, own["amount"].to_numpy(), own[name].to_numpy(), mix)
            for name in ("low", "r", "high")
        }
        point = ends["r"][0] if pd.notna(row["contract_goods"]) else np.nan
        if ranked and row["maker"]:
            untold = row.copy()
            untold["contract_goods"] = row["contract"]
            point = max(point, _contract(untold, own["amount"].to_numpy(), own["r"].to_numpy(), mix)[0])
        found.loc[i] = [ends["low"][0], point, ends["high"][1]]
    return found


def _contract(row: pd.Series, amounts: Floats, r: Floats, mix: float) -> tuple[float, float]:
    """Smallest and largest F over the goods in a contract; equal where they are told.

    F is concave and piecewise linear in them, so that its ends and its kinks are enough.
    """
    held, goods, volume = row["contract"], row["goods_low"], row["volume"]
    if pd.notna(row["contract_goods"]):
        tried = np.array([float(row["contract_goods"])])
    else:
        need = np.r_[0.0, np.cumsum(amounts[np.argsort(-r)])]
        # Goods that just reach the first services in the order of relatedness, the contract's own first.
        kinks = (held + need - goods * mix / (1 - mix)) / (1 + mix / (1 - mix))
        tried = np.unique(np.clip(np.r_[0.0, held, kinks], 0, held))
    units = np.arange(len(tried))
    lines = np.vstack([held - tried, np.tile(amounts[:, None], len(tried))])
    tied = np.vstack([np.ones(len(tried)), np.tile(r[:, None], len(tried))])
    room = (goods + tried) * mix / (1 - mix)
    unit = np.tile(units, len(lines))
    paired = fill(room, unit, lines.ravel(), tied.ravel()) * tied.ravel()
    values = np.bincount(unit, paired, minlength=len(tried)) / mix / volume
    return float(values.min()), float(values.max())
