"""Peers are matched on the last three years before the start: not two, not four, not the start itself."""

from __future__ import annotations

import pandas as pd

from fusion.evaluation.scorecard import _before


def test_three_years_before_a_start() -> None:
    index = pd.MultiIndex.from_product([["a"], range(2015, 2022)], names=["unit", "year"])
    values = pd.DataFrame({"x": [1000.0, 100.0, 1.0, 2.0, 6.0, 500.0, 700.0]}, index=index)
    assert _before(values, ["x"], 2020).loc["a", "x"] == 3.0  # 2017, 2018, 2019
    assert _before(values.iloc[4:], ["x"], 2020).loc["a", "x"] == 6.0, (
        "fewer years are no reason to leave a unit out"
    )
