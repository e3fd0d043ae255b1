"""Hand-worked cases of every indicator, recomputed by the function that the notebooks use."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from fusion import engine
from fusion.indicators import system
from fusion.indicators.anchors import checked

LAST_YEAR = 2018  # a case of two rows is two years running, which end here
_TYPES = {"int": "Int64", "float": "float64"}


def cases() -> pd.DataFrame:
    """Cases of ``data/indicators/anchors.csv``.

    Returns
    -------
    pandas.DataFrame
        code; given (list of dicts, one a year, last year last); value (NaN: the indicator is missing); working.
    """
    table = pd.read_csv(system.FOLDER / "anchors.csv", dtype=str, keep_default_na=False, encoding="utf-8")
    return table.assign(given=table["given"].map(json.loads), value=pd.to_numeric(table["value"]))


def recompute(table: pd.DataFrame) -> pd.Series:
    """The indicator of each case, computed on a panel in which every case is a firm.

    Parameters
    ----------
    table : pandas.DataFrame
        code and given, as `cases` returns them; a column that a case does not give is missing there.

    Returns
    -------
    pandas.Series
        Value in the case's last year.
    """
    rows: list[dict[str, Any]] = []
    for number, given in enumerate(table["given"]):
        for back, row in enumerate(reversed(given)):
            rows.append({"year": LAST_YEAR - back, **row, "firm_id": str(number), "last": back == 0})
    frame = pd.DataFrame(rows)
    frame = frame.astype({c: kind for c, kind in _kinds().items() if c in frame})
    codes = list(dict.fromkeys(table["code"]))
    con = engine.opened()
    computed = system.compute(con.create_table("panel", frame.drop(columns="last")), codes)
    keys = ["firm_id", "year"]
    values = computed.table.to_pandas().merge(frame.loc[frame["last"], keys], on=keys)
    values = values.set_index("firm_id").reindex([str(n) for n in range(len(table))])
    found = [values[code].iloc[n] if code in values else float("nan") for n, code in enumerate(table["code"])]
    return pd.Series(found, index=table.index, dtype=float)


def rows() -> list[dict[str, Any]]:
    """Cases as rows of the verification table: those with a value, and how many of the others are missing."""
    table = cases()
    table["computed"] = recompute(table)
    known = table[table["value"].notna()]
    out = [
        checked(f"indicator {row.code}", row.working, row.value, row.computed) for row in known.itertuples()
    ]
    absent = table.loc[table["value"].isna(), "computed"]
    return [*out, checked("indicators", "cases that must be missing", len(absent), int(absent.isna().sum()))]


def _kinds() -> dict[str, str]:
    contract = pd.read_csv(system.DATA / "contract" / "panel.csv", dtype=str, keep_default_na=False)
    kinds = contract.set_index("column")["type"].map(lambda kind: _TYPES.get(kind, "string"))
    return {**kinds.to_dict(), "division": "string", "firm_id": "string", "year": "int64"}
