"""Regressions of several sets of regressors: those that the rows allow, on their own rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from estimators import effects

DRAW = np.random.default_rng(3)
ROWS = pd.DataFrame(
    {
        "firm_id": np.repeat([f"f{i}" for i in range(20)], 5),
        "year": np.tile(range(2015, 2020), 20),
        "path": np.repeat(["P1", "P2"], 50),
        "a": DRAW.normal(size=100),
        "same": 1.0,
        "own": np.repeat(DRAW.normal(size=20), 5),
        "some": np.where(np.arange(100) % 4 == 0, np.nan, DRAW.normal(size=100)),
        "x": DRAW.normal(size=100),
    }
)


def test_sets_that_cannot_be_estimated_are_left_out() -> None:
    """Not there, the same for all, taken up by the firms' effects: each would stop the chain or print nil."""
    sets = {
        "a": ["a"],
        "none": ["z"],
        "same": ["same"],
        "own": ["own"],
        "some": ["some"],
        "two": ["a", "some"],
    }
    found = effects.of_sets(ROWS, sets, [["firm_id", "year"]], ["x"], False)
    assert [(name, len(one.data)) for name, one in found] == [("a", 100), ("some", 75), ("two", 75)]
    assert effects.of_sets(ROWS.iloc[:0], {"a": ["a"]}, [["firm_id"]], [], False) == []


def test_effects_are_the_first_that_all_rows_have() -> None:
    asked = ["path*year", "year"]
    assert effects.first_known(ROWS, asked) == "path*year"
    assert effects.first_known(ROWS.drop(columns="path"), asked) == "year"
    assert effects.first_known(ROWS.assign(path=ROWS["path"].where(ROWS["year"] > 2015)), asked) == "year"
