"""The sample flow counts what each filter drops, and the filters drop what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusion.panel import PanelError, checks, clean, readers


def sample(con: Any, frame: pd.DataFrame, **choices: Any) -> clean.SampleFlow:
    raw = readers.take(con, frame)
    kept: dict[str, Any] = {"first_year": 2000, "last_year": 2030}
    return clean.sample(raw.table, checks.check(raw, "set_aside"), **{**kept, **choices})


def test_each_step_adds_up(con: Any, good: pd.DataFrame) -> None:
    frame = good.copy()
    frame.loc[0:3, "employees_avg"] = 5.0
    frame.loc[4, "service_revenue"] = frame.loc[4, "operating_revenue"] + 1
    frame.loc[8, "operating_revenue"] = 0.0
    frame.loc[8, ["service_revenue"]] = 0.0
    frame.loc[9, "operating_revenue"] = np.nan
    flow = sample(
        con, frame, first_year=2015, last_year=2017, min_employees=8, positive_revenue=True
    ).to_frame()
    assert flow["rows"].tolist() == [24, 23, 17, 14, 12]
    assert flow["firms"].tolist() == [6, 6, 6, 5, 5]
    assert (flow["rows"] + flow["rows_dropped"]).iloc[1:].tolist() == flow["rows"].iloc[:-1].tolist()
    assert flow["firms_dropped"].tolist() == [0, 0, 0, 1, 0]
    assert flow["step"].tolist() == [0, 1, 2, 3, 4]
    assert list(flow.columns) == clean.FLOW


def test_kinds_of_listed_firms_are_left_out_and_counted(con: Any, good: pd.DataFrame) -> None:
    """ST and PT by the name of the year, B shares by their codes, finance by its section; who does not say stays."""
    frame = good.copy()
    names = ["*ST东方", "ST华泰", "SST中科", "PT金城", "东方", "STAR科技股份", None, "A-ST"]
    frame.loc[0:7, "firm_name"] = names
    frame.loc[8:9, "firm_id"] = ["200012", "900901.SH"]
    frame.loc[10, "ind4"] = "6621"
    flow = sample(con, frame, leave_out_listed=["st", "pt", "b_shares", "finance"]).to_frame()
    assert flow["rows_dropped"].tolist()[-4:] == [3, 1, 2, 1]
    assert flow["reason_zh"].tolist()[-1] == "金融业（GB/T 4754 门类 J）"


def test_missing_employees_are_kept(con: Any, good: pd.DataFrame) -> None:
    good.loc[0:1, "employees_avg"] = [np.nan, 7.9]
    assert sample(con, good, min_employees=8).table.count().execute() == 23


@pytest.mark.parametrize(
    ("wanted", "rows"), [(["C"], 20), (["K"], 4), (["C", "70"], 24), (["35"], 20), (["356"], 20), (["01"], 0)]
)
def test_industries_by_section_and_prefix(con: Any, good: pd.DataFrame, wanted: list[str], rows: int) -> None:
    good.loc[good["firm_id"] == "F001", "ind4"] = "7010"
    if rows == 0:
        with pytest.raises(PanelError, match=r"no row is left after step 2 .*outside industries 01"):
            sample(con, good, keep_industries=wanted)
    else:
        assert sample(con, good, keep_industries=wanted).table.count().execute() == rows


def test_rows_without_a_code_are_dropped_by_an_industry_filter(con: Any, good: pd.DataFrame) -> None:
    good.loc[0, "ind4"] = None
    assert sample(con, good, keep_industries=["C"]).table.count().execute() == 23


def test_filters_need_their_columns(con: Any) -> None:
    frame = pd.DataFrame({"firm_id": ["a"], "year": [2015]})
    raw = readers.take(con, frame, contract="minimal")
    ask: dict[str, Any] = {"first_year": 2000, "last_year": 2030}
    for parameter, value, column in [
        ("keep_industries", ["C"], "ind4"),
        ("min_employees", 8, "employees_avg"),
        ("positive_revenue", True, "operating_revenue"),
    ]:
        with pytest.raises(PanelError, match=f"{parameter}: the panel has no column '{column}'"):
            clean.sample(raw.table, checks.check(raw), **ask, **{parameter: value})


def test_an_unknown_section(con: Any, good: pd.DataFrame) -> None:
    with pytest.raises(PanelError, match="no section Z in GB/T 4754"):
        sample(con, good, keep_industries=["Z"])


def test_a_filter_of_ones_own(con: Any, good: pd.DataFrame) -> None:
    flow = clean.SampleFlow(readers.take(con, good).table)
    flow.keep(lambda t: t.firm_id != "F000", "one firm less", "少一家").keep(
        flow.table.year > 2015, "later", "以后"
    )
    assert flow.to_frame()["rows"].tolist() == [24, 20, 15]


def test_a_standard_is_a_filter_certain_or_possible(con: Any, good: pd.DataFrame, tmp_path: Path) -> None:
    from fusion.classification import own

    (tmp_path / "mine.csv").write_text("class_code,gbt_code,partial\n1,7010,0\n2,356,1\n", "utf-8")
    own.install({"mine": {"file": "mine.csv"}}, tmp_path)
    good = good.assign(ind4="3562", class_version="2017")
    good.loc[good["firm_id"] == "F001", "ind4"] = "7010"
    for wanted, rows in (
        (["mine"], 4),
        (["mine?"], 24),
        (["mine:2?", "7010"], 24),
        (["mine", "hightech_manufacturing_2017"], 24),
    ):
        assert sample(con, good, keep_industries=wanted).table.count().execute() == rows, wanted
    own.install({}, tmp_path)
