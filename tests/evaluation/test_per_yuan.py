"""Benefit per yuan of grants, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fusion.evaluation import levers

EFFECT = {"estimate": np.log(1.25), "ci_low": 0.0, "ci_high": np.log(2)}


def test_by_hand() -> None:
    """A fifth of 300 is owed to the effect; grants are 40, of which 20 above what the firm had before."""
    rows = pd.DataFrame(
        {
            "firm_id": ["a", "a", "a", "b", "b"],
            "year": [1, 2, 3, 1, 2],
            "start": [2.0, 2.0, 2.0, np.nan, np.nan],
            "va": [80.0, 100, 200, 900, 900],
            "grants": [10.0, 15, 25, 70, 70],
        }
    )
    found = levers.per_yuan(rows, "start", "va", "grants", EFFECT).set_index("cost")
    assert found.loc["all", "estimate"] == pytest.approx(60 / 40)
    assert found.loc["additional", ["estimate", "ci_low", "ci_high"]].tolist() == pytest.approx(
        [3.0, 0.0, 7.5]
    )
    assert found["units"].tolist() == [1, 1]
    lower = rows.assign(
        grants=rows["grants"].where(rows["year"] == 1, 1.0)
    )  # less than before: no additional cost
    assert levers.per_yuan(lower, "start", "va", "grants", EFFECT)["cost"].tolist() == ["all"]
    assert levers.per_yuan(lower, "start", "va", "grants", None).empty, "nothing was estimated"
    assert levers.per_yuan(lower, "start", "va", "grants", EFFECT, "万元").empty, "no logarithm"


def test_without_a_column_there_is_none() -> None:
    assert levers.per_yuan(pd.DataFrame({"firm_id": []}), "start", "va", None, EFFECT).empty
    assert levers.per_yuan(pd.DataFrame({"firm_id": []}), None, "va", "g", EFFECT).empty
