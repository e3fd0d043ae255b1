"""Servitization from three sides."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd

from fusion.indicators import servitization, system


def test_three_sides() -> None:
    panel = pd.DataFrame(
        {
            "firm_id": ["m", "s", "t", "r"],
            "year": 2018,
            "ind4": ["3911", "6513", "6513", "4311"],
            "class_version": "2017",
            "division": ["39", "65", "65", "43"],
            "biz_activity_codes": ["3911", "6513|3911", "6513", None],
            "service_revenue": [25.0, 60.0, 100.0, 10.0],
            "operating_revenue": [100.0, 100.0, 100.0, 10.0],
            "ps_input": [8.0, 1.0, 1.0, 1.0],
            "intermediate_input": [40.0, 10.0, 10.0, 2.0],
        }
    )
    con = ibis.duckdb.connect()
    rows = servitization.sides(con.create_table("p", panel)).to_pandas().set_index("firm_id")
    assert rows["kind"].to_dict() == {"m": "manufacturing", "r": "services", "s": "services", "t": "services"}
    assert rows.loc["m", ["sold", "bought"]].tolist() == [25, 20] and np.isnan(rows.loc["s", "sold"])
    # Of the services firm that names a manufacturing activity, what is not from services; none where it names none.
    assert rows.loc["s", "made"] == 40 and rows.loc["t", "made"] == 0 and np.isnan(rows.loc["r", "made"])
    years = servitization.by_year(rows.reset_index()).set_index("side")
    assert years["n"].to_dict() == {"sold": 1, "bought": 1, "made": 2} and years.loc["made", "active"] == 50


def test_codes_with_letters_and_of_other_editions_are_known() -> None:
    """A group with its letter, the regulator's S90, and 43, which makes in 2002 and repairs since."""
    codes = {
        "C391": "2017",
        "I651": "2017",
        "4310": "2002",
        "4311": "2011",
        "S90": "csrc2012",
        "65": "csrc2012",
        "C": "2017",
    }
    panel = pd.DataFrame(
        {"firm_id": list(codes), "year": 2018, "ind4": list(codes), "class_version": list(codes.values())}
    )
    panel = panel.assign(biz_activity_codes="C391", service_revenue=5.0, operating_revenue=10.0)
    con = ibis.duckdb.connect()
    kind = servitization.sides(con.create_table("p", panel)).to_pandas().set_index("firm_id")["kind"]
    assert kind.dropna().to_dict() == {
        "C391": "manufacturing", "4310": "manufacturing", "I651": "services", "4311": "services", "65": "services",
    }  # fmt: skip


def test_activities_are_counted_by_what_they_mean_in_their_edition() -> None:
    """A2 counts kinds of services: software and information technology is one, however its codes are written."""
    named = {
        "a": ("6513", "2017"), "b": ("I651", "2017"), "c": ("651|652", "2017"), "d": ("6212|6510", "2011"),
        "e": ("6211", "2002"),
    }  # fmt: skip
    texts, editions = zip(*named.values(), strict=True)
    panel = pd.DataFrame(
        {"firm_id": list(named), "year": 2018, "biz_activity_codes": texts, "class_version": editions}
    )
    con = ibis.duckdb.connect()
    found = system.compute(con.create_table("p", panel), ["A2"]).table.to_pandas().set_index("firm_id")["A2"]
    assert found[["a", "b", "c", "e"]].tolist() == [1, 1, 1, 1]
    assert np.isnan(found["d"])  # 6212 is no code of 2011: nothing is said
