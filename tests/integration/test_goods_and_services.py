"""What a class can be in a pair, by hand; and the same in Python and in the engine for every class of every edition."""

from __future__ import annotations

import duckdb
import pandas as pd

from fusion.classification.tables import load
from fusion.integration import sides

# Food to recycling; repair, installation, trade, works for industry and power; fields, mines, supply, building, households.
HAND = {
    "goods": ["1310", "3421", "4220", "13"],
    "service": ["4330", "4910", "5110", "6513", "9620", "4840", "4871", "43", "9999"],
    "rest": ["0111", "0610", "4411", "4620", "4720", "4811", "5010", "9700", "", "x"],
}


def test_by_hand() -> None:
    assert {kind: [c for c in codes if sides.side(c) == kind] for kind, codes in HAND.items()} == HAND
    assert sides.makers(pd.Series(["1310", "4220", "4330", None, "0610"])).tolist() == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_the_engine_says_the_same() -> None:
    codes = [c for e in ("2002", "2011", "2017") for c in load(f"gbt4754_{e}").query("level == '4'")["code"]]
    con = duckdb.connect()
    for macro in sides.MACROS:
        con.execute(macro)
    asked = pd.DataFrame({"code": codes})
    con.register("asked", asked)
    told = con.execute(
        "SELECT code, CASE WHEN is_goods(code) THEN 'goods' WHEN is_rest(code) THEN 'rest' ELSE 'service' END FROM asked"
    )
    assert [(c, sides.side(c)) for c in codes] == told.fetchall()
