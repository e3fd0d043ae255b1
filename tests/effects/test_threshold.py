"""Hansen's panel threshold against simulations with a known truth and against brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from estimators.errors import EffectsError
from estimators.robustness.threshold import NOTHING, Regimes, Threshold, thresholds


def panel(
    seed: int, units: int = 120, periods: int = 8, below: float = 0.2, above: float = 1.0, gamma: float = 0.3
):
    rng = np.random.default_rng(seed)
    i, t = np.repeat(np.arange(units), periods), np.tile(np.arange(periods), units)
    q, d, z = rng.uniform(0, 1, len(i)), rng.normal(size=len(i)), rng.normal(size=len(i))
    y = rng.normal(size=units)[i] + rng.normal(size=periods)[t] + 0.5 * z
    y = y + np.where(q <= gamma, below, above) * d + rng.normal(size=len(i))
    return pd.DataFrame({"firm_id": i, "year": 2000 + t, "q": q, "d": d, "z": z, "y": y})


def sum_of_squares(rows: pd.DataFrame, cuts: list[float]) -> float:
    """By dummies and least squares: nothing shared with the module."""
    edges = [-np.inf, *sorted(cuts), np.inf]
    slopes = [
        np.where((rows["q"] > a) & (rows["q"] <= b), rows["d"], 0.0) for a, b in itertools.pairwise(edges)
    ]
    dummies = pd.get_dummies(rows[["firm_id", "year"]].astype(str)).to_numpy(float)
    x = np.column_stack([*slopes, rows["z"], dummies])
    residual = rows["y"] - x @ np.linalg.lstsq(x, rows["y"], rcond=None)[0]
    return float(residual @ residual)


def test_equals_brute_force_on_an_unbalanced_panel() -> None:
    rows = panel(1, units=30, periods=6).sample(frac=0.9, random_state=1)
    found = thresholds(rows, "y", "d", "q", ["z"], candidates=25, draws=9, trim=0.1)
    one = found.thresholds[0]
    squares = np.array([sum_of_squares(rows, [g]) for g in one.grid])
    assert one.gamma == one.grid[squares.argmin()]
    free = len(rows) - 30 - (5 + 1 + 2)
    # Two ways to the same sums of squares part by rounding alone.
    assert one.f == pytest.approx(
        (sum_of_squares(rows, []) - squares.min()) / (squares.min() / free), rel=1e-9
    )
    assert np.allclose(one.ratio, (squares - squares.min()) / (squares.min() / free), atol=1e-8)


def test_finds_a_known_threshold_and_slopes() -> None:
    found = thresholds(panel(2, units=300), "y", "d", "q", ["z"], draws=99)
    one = found.thresholds[0]
    # 2,400 rows, a jump of 0.8: levels near the truth hold few rows, a grid step is 0.0045.
    assert abs(one.gamma - 0.3) < 0.02
    assert one.low <= 0.3 <= one.high
    assert one.p_value == pytest.approx(0.01)  # 1/(1 + 99): no draw comes near
    # Four standard errors of about 1/sqrt(rows of the regime).
    assert found.slopes["estimate"].tolist() == pytest.approx([0.2, 1.0], abs=4 * 0.04)
    assert found.slopes["rows"].sum() == found.n == 2400
    assert found.slopes["up_to"].iloc[0] == one.gamma == found.slopes["above"].iloc[1]


def test_two_thresholds_in_turn() -> None:
    rows = panel(3, units=300, below=0.0, above=0.0)
    rows["y"] += np.select([rows["q"] <= 0.3, rows["q"] <= 0.7], [0.0, 0.8], 2.0) * rows["d"]
    found = thresholds(rows, "y", "d", "q", ["z"], most=3, draws=99)
    levels = sorted(t.gamma for t in found.thresholds[:2])
    assert levels == pytest.approx([0.3, 0.7], abs=0.02)
    assert [t.p_value <= 0.05 for t in found.thresholds] == [True, True, False]
    assert len(found.slopes) == 4


def test_size_without_a_threshold() -> None:
    p = [
        thresholds(
            panel(s, units=60, periods=5, below=0.5, above=0.5),
            "y",
            "d",
            "q",
            candidates=30,
            draws=99,
            seed=s,
        )
        .thresholds[0]
        .p_value
        for s in range(50)
    ]
    # 5 % nominal over 50 draws: binomial standard error 3.1 points, so that 14 % is three of them away.
    assert np.mean(np.array(p) <= 0.05) <= 0.14
    assert 0.34 < np.mean(p) < 0.66  # uniform: 0.5, standard error 0.04


def test_says_what_is_wrong() -> None:
    rows = panel(4, units=20)
    with pytest.raises(EffectsError, match="no column nothing"):
        thresholds(rows, "y", "d", "nothing")
    with pytest.raises(EffectsError, match="missing values"):
        thresholds(rows.assign(q=rows["q"].where(rows["q"] > 0.1)), "y", "d", "q")
    with pytest.raises(EffectsError, match="most = 4"):
        thresholds(rows, "y", "d", "q", most=4)
    with pytest.raises(EffectsError, match=r"trim = 0\.5"):
        thresholds(rows, "y", "d", "q", trim=0.5)
    with pytest.raises(EffectsError, match="1 values"):
        thresholds(rows.assign(q=1.0), "y", "d", "q")


def test_tables_of_what_was_found_and_of_nothing() -> None:
    made = Regimes(
        [Threshold(1.0, 0.5, 2.0, 9.0, 0.02, 99, np.array([0.5, 1.0, 3.0]), np.array([4.0, 0.0, 8.0]))],
        pd.DataFrame({"units": [30, 12]}),
        200,
        40,
    )
    assert made.table().loc[0, ["threshold", "gamma", "n", "units"]].tolist() == [1, 1.0, 200, 40]
    profile = made.profile()
    assert profile["level"].tolist() == [0.5, 1.0, 3.0] and profile["units"].unique().tolist() == [12]
    assert NOTHING.table().empty and NOTHING.profile().empty
