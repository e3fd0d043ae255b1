"""Entry and exit by group, by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from estimators import effects


def test_entry_and_exit_by_hand() -> None:
    spans = {"a": [1, 2, 3, 4], "b": [1, 2], "c": [2, 3, 4], "d": [1, 3, 4]}
    rows = pd.DataFrame([(f, y) for f, years in spans.items() for y in years], columns=["firm_id", "year"])
    group = rows["firm_id"].map({"a": "x", "b": "x", "c": "y", "d": "y"})
    found = effects.attrition(rows, group).set_index("group")
    assert list(found.index) == ["x", "y", "all"] and found.loc["all", "at_risk"] == 9
    # x: a is at risk in 1, 2, 3, b in 1 and 2, and leaves. y: c at risk in 2, 3, enters in 2; d in 1, 3, has a gap.
    assert found.loc["x", ["at_risk", "left", "entered", "gaps"]].tolist() == [5, 1, 0, 0]
    assert found.loc["y", ["at_risk", "left", "entered", "gaps"]].tolist() == [4, 0, 1, 1]
    assert found.loc["x", "exit_rate"] == pytest.approx(0.2)
    # Wilson's interval for 1 of 5 at 95 %, from statsmodels.
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(1, 5, 0.05, "wilson")
    assert found.loc["x", ["low", "high"]].tolist() == pytest.approx([low, high], rel=1e-12)


def test_years_before_the_start_are_not_years_in_which_the_treated_could_have_left() -> None:
    """a starts in 3 and leaves after 4; b never, seen from 1; c never, seen from 3: too short to be compared."""
    spans = {"a": [1, 2, 3, 4], "b": [1, 2, 3, 4, 5], "c": [3, 4, 5], "d": [1, 2]}
    rows = pd.DataFrame([(f, y) for f, years in spans.items() for y in years], columns=["firm_id", "year"])
    rows["start"] = rows["firm_id"].map({"a": 3.0})
    sides = effects.comparison_groups(rows, rows, "start")
    named = rows.assign(side=sides).dropna(subset=["side"]).groupby("side")
    assert {k: list(zip(g["firm_id"], g["year"], strict=True)) for k, g in named} == {
        "after": [("a", 3), ("a", 4)],
        "comparable": [("b", 3), ("b", 4), ("b", 5), ("c", 5)],
    }
    found = effects.attrition(rows, sides).set_index("group")
    assert found.loc["after", ["at_risk", "left"]].tolist() == [2, 1]
    assert found.loc["comparable", ["at_risk", "left"]].tolist() == [2, 0]
    assert found.loc["all", ["at_risk", "left"]].tolist() == [12, 2] and list(found.index)[-1] == "all"
