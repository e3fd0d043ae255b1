"""Intervals of group means and the floors below which nothing is shown, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fusion.indicators.aggregates import _ratio, _resampled
from fusion.indicators.measure import by_path


def scores(firms: int) -> pd.DataFrame:
    return pd.DataFrame({"path": "P1", "year": 2020, "score": np.arange(firms, dtype=float)})


def test_the_interval_of_a_mean_divides_by_the_firms() -> None:
    """0 … 9: mean 4.5, sd √(82.5/9) = 3.0277; half 1.96 · 3.0277/√10."""
    row = by_path(scores(10), "score").iloc[0]
    assert row["n"] == 10 and row["mean"] == 4.5
    assert row["sd"] == pytest.approx(np.sqrt(82.5 / 9), rel=1e-12)
    assert row["high"] - row["mean"] == pytest.approx(1.96 * np.sqrt(82.5 / 9 / 10), rel=1e-12)
    assert row["mean"] - row["low"] == pytest.approx(1.96 * np.sqrt(82.5 / 9 / 10), rel=1e-12)


def test_who_has_no_score_is_counted_among_all() -> None:
    """Three of thirteen firms have none: 100 · 3/13 = 23.08 %; a group without gaps has none."""
    gaps = pd.concat([scores(10), scores(3).assign(score=np.nan), scores(10).assign(path="P2")])
    assert by_path(gaps, "score")["silent"].tolist() == [pytest.approx(300 / 13), 0]


def test_nine_firms_are_not_shown_and_ten_are() -> None:
    assert by_path(scores(9), "score").empty and len(by_path(scores(10), "score")) == 1


def test_a_ratio_needs_its_firms() -> None:
    """Numerator, denominator and count of three groups: 9, 10 and 11 firms where ten are asked for."""
    sums = np.array([[1.0, 1.0, 1.0], [2.0, 2.0, 4.0], [9.0, 10.0, 11.0]])
    np.testing.assert_array_equal(_ratio(sums, 10), [np.nan, 0.5, 0.25])
    assert np.isnan(_ratio(np.array([[1.0], [0.0], [10.0]]), 10)).all()
    parts = np.stack([np.full((10, 2), 1.0), np.full((10, 2), 2.0), np.ones((10, 2))])
    parts[2, 0, 1] = 0
    drawn = _resampled(parts, 5, np.random.default_rng(1), 10)
    assert (drawn[:, 0] == 0.5).all() and np.isnan(drawn[:, 1]).all()
