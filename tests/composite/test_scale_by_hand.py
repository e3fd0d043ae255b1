"""Normalisations of four values by hand: 1, 2, 3, 6 have mean 3, variance 14/4 with divisor n, median 2.5."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

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
