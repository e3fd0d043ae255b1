"""Decimals of tables: three for what is small, fewer for amounts, as many as a sheet asks for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbook.exhibits import printed


@pytest.mark.parametrize(
    ("cells", "declared", "expected"),
    [
        ([0.05, 610.155], 3, 3),  # the small one would be nil
        ([610.155, -368.9], 3, 1),
        ([61015.5, np.nan, 0.0, -1851.4], 3, 0),
        ([61015.5], 2, 2),  # the sheet's own choice
        ([99.9, 5000.0], 3, 3),
        (pd.Series([12, 5000]), 3, 3),  # counts have none anyway
        (pd.Series(["a", None, 2500.5], dtype=object), 3, 0),
        ([], 3, 3),
        (1234.5, 3, 0),
    ],
)
def test_amounts_have_fewer_decimals(cells: object, declared: int, expected: int) -> None:
    assert printed.decimals(cells, declared) == expected


def test_an_estimate_and_its_interval_have_the_same() -> None:
    row = pd.Series({"estimate": 610.155, "ci_low": 36.905, "ci_high": 1851.406})
    assert printed._estimate(row, 3) == ["610", "[37, 1,851]"]
    row = pd.Series({"estimate": 0.061, "ci_low": -0.01, "ci_high": 0.131})
    assert printed._estimate(row, 3) == ["0.061", "[−0.010, 0.131]"]
