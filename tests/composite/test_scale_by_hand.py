"""Normalisations of four values by hand: 1, 2, 3, 6 have mean 3, variance 14/4 with divisor n, median 2.5."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fusion.composite import scale
from fusion.composite.scale import normalise

VALUES = pd.DataFrame({"x": [1.0, 2.0, 3.0, 6.0]})
SD = np.sqrt(14 / 4)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("minmax", [0, 0.2, 0.4, 1]),
        ("zscore", [-2 / SD, -1 / SD, 0, 3 / SD]),
        ("reference", [0, 1 / 1.5, 2 / 1.5, 5 / 1.5]),
        ("scaled", [1 / SD, 2 / SD, 3 / SD, 6 / SD]),
        ("share_of_max", [1 / 6, 2 / 6, 3 / 6, 1]),
        ("rank", [1 / 8, 3 / 8, 5 / 8, 7 / 8]),
    ],
)
def test_by_hand(how: str, expected: list[float]) -> None:
    found = normalise(VALUES, {"x": "+"}, how)["x"]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("how", ["minmax", "zscore", "normal", "rank", "percentile"])
def test_a_firm_alone_in_a_year_has_no_score_and_takes_none_from_others(how: str) -> None:
    values = pd.DataFrame({"a": [1.0, 2.0, 3.0, 7.0], "b": [3.0, 1.0, 2.0, 7.0]})
    years = pd.Series([2020, 2020, 2020, 2021])
    ways = {"a": "+", "b": "-"}
    alone = scale.normalise(values, ways, how, years)
    others = scale.normalise(values.iloc[:3], ways, how, years.iloc[:3])
    assert alone.iloc[3].isna().all() and np.allclose(alone.iloc[:3], others)
    assert scale.constant(values, years) == []
    same = pd.concat([values, values.tail(1)], ignore_index=True)
    assert scale.constant(same, pd.Series([2020, 2020, 2020, 2021, 2021])) == ["a", "b"]
