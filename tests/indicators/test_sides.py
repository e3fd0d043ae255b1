"""The guard against outcomes in an index, servitization from three sides."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

from fusion.indicators import guard, servitization
from fusion.indicators.system import IndicatorError

LP = {"ln_lp": ({"value_added"}, {"employees_avg"})}


def test_an_outcome_in_the_index_stops_the_study() -> None:
    """B2 is value added per head: an index that holds it may not explain value added per head."""
    with pytest.raises(IndicatorError, match=r"B\d \(.*\) and ln_lp both measure value_added") as error:
        guard.check({"fi": ["A1", "B1", "B2"]}, ["fi"], ["ln_lp"], LP)
    assert "index_exclude" in str(error.value)
    assert len(guard.check({"fi": ["A1", "B2"], "fi_input": ["A1"]}, ["fi_input"], ["ln_lp"], LP)) == 0


def test_estimated_productivity_is_seen_through() -> None:
    with pytest.raises(IndicatorError, match="tfp_acf"):
        guard.check({"fi": ["B1"]}, ["fi"], ["tfp_acf"])


def test_an_index_that_is_no_regressor_is_left_alone() -> None:
    assert guard.check({"fi": ["B1"]}, ["pilot"], ["ln_lp"], LP).empty
    with pytest.raises(IndicatorError):
        guard.check({"fi": ["B1"]}, ["pilot"], ["ln_lp"], LP, always=["fi"])


def test_the_score_of_a_chain_is_held_against_outcomes() -> None:
    with pytest.raises(IndicatorError, match="chain_value"):
        guard.check({"fi": ["A1", "B1"]}, ["chain_value"], ["ln_lp"], LP)


def test_a_shared_scale_is_told_and_no_error() -> None:
    told = guard.check(
        {"fi": ["A1"]},
        ["fi"],
        ["roa"],
        {"roa": ({"total_profit"}, {"operating_revenue"})},
    )
    assert told.to_dict("records") == [
        {"index": "fi", "code": "A1", "outcome": "roa", "columns": "operating_revenue"}
    ]


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
