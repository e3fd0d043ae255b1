"""Rows in which the first treatment is not what its start years say are counted, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from estimators.effects import description


def test_rows_before_the_start_and_starts_without_treatment_are_counted() -> None:
    """a is treated a year too early, b in two years without a start; c starts in 2020 and is not treated then."""
    lines = [
        ("a", 2019, 1.0, 2020),
        ("a", 2020, 1.0, 2020),
        ("b", 2019, 1.0, np.nan),
        ("b", 2020, 1.0, np.nan),
    ]
    lines += [
        ("c", 2019, 0.0, 2020),
        ("c", 2020, 0.0, 2020),
        ("d", 2019, 0.0, np.nan),
        ("d", 2020, np.nan, np.nan),
    ]
    rows = pd.DataFrame(lines, columns=["firm_id", "year", "t", "begins"])
    kept, apart = description.own_start(rows, ["t"], "begins")
    assert apart == {"treatment": "t", "early": 3, "late": 1} and "begins" not in kept
    right = rows[rows["firm_id"] == "d"]
    assert description.own_start(right, ["t"], "begins")[1] == {} and "begins" in right
