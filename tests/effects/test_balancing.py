"""Weights that make groups alike: the moments they must meet, and the neighbours they must find."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators.errors import EffectsError
from estimators.robustness.balancing import (
    balance_table,
    entropy_balance,
    entropy_weights,
    matched,
    stacked_panel,
    stacks,
)


@pytest.fixture(scope="module")
def groups() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(0.7, 0.8, (80, 3)) * [1, 10, 1000], rng.normal(0, 1, (900, 3)) * [1, 10, 1000]


@pytest.mark.parametrize("moments", [1, 2, 3])
def test_moments_are_met(groups: tuple[np.ndarray, np.ndarray], moments: int) -> None:
    treated, controls = groups
    w = entropy_weights(treated, controls, moments)
    assert w.min() > 0 and w.sum() == pytest.approx(1, abs=1e-12)
    scaled = [(x - treated.mean(axis=0)) / treated.std(axis=0) for x in (treated, controls)]
    for power in range(1, moments + 1):
        # The promise is 1e-8 standard deviations (the solver stops at 1e-9).
        assert np.abs((scaled[0] ** power).mean(axis=0) - w @ scaled[1] ** power).max() < 1e-8


def test_weights_are_the_nearest_to_equal_ones(groups: tuple[np.ndarray, np.ndarray]) -> None:
    # At the optimum ln w is linear in the moments: the condition that no other feasible weights have more entropy.
    treated, controls = groups
    w = entropy_weights(treated, controls, 1)
    design = np.column_stack([np.ones(len(controls)), controls])
    fitted = design @ np.linalg.lstsq(design, np.log(w), rcond=None)[0]
    assert np.abs(np.log(w) - fitted).max() < 1e-9


def test_impossible_balance_is_refused() -> None:
    with pytest.raises(EffectsError, match="no weights of 20 controls"):
        entropy_weights(np.full((5, 1), 3.0) + np.arange(5)[:, None], np.linspace(0, 1, 20)[:, None])
    with pytest.raises(EffectsError, match="balance_moments = 4"):
        entropy_weights(np.ones((2, 1)), np.ones((2, 1)), 4)


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    units, years = 600, np.arange(2010, 2018)
    size, path = rng.normal(size=units), rng.choice(["p", "q"], units)
    treat = rng.random(units) < 1 / (1 + np.exp(2 - size))
    start = np.where(treat, rng.choice([2013, 2015], units), np.nan)
    table = pd.DataFrame({"firm_id": np.repeat(np.arange(units), 8), "year": np.tile(years, units)})
    table = table.assign(
        **{k: np.repeat(v, 8) for k, v in {"size": size, "path": path, "start": start}.items()}
    )
    # Large firms grow faster, so that unweighted comparisons are biased up by 0.05 a year and unit of size.
    growth = 0.05 * table["size"] * (table["year"] - 2010)
    table["y"] = growth + 0.3 * (table["year"] >= table["start"]) + rng.normal(0, 0.1, len(table))
    return table


def test_stacks_hold_the_year_before(panel: pd.DataFrame) -> None:
    units = stacks(panel, "start", ["size", "y"], ["path"])
    assert set(units["stack"]) == {2013, 2015}
    never = panel.loc[panel["start"].isna(), "firm_id"].nunique()
    assert (units[~units["treated"]].groupby("stack").size() == never).all()
    row = units[units["stack"] == 2015].iloc[0]
    before = panel[(panel["firm_id"] == row["firm_id"]) & (panel["year"] == 2014)]
    assert before["y"].iloc[0] == row["y"]
    with pytest.raises(EffectsError, match="nothing to balance"):
        stacks(panel.assign(start=2010.0), "start", ["size"])


@pytest.mark.parametrize("way", ["entropy", "matching"])
def test_balancing_takes_the_bias_away(panel: pd.DataFrame, way: str) -> None:
    units = stacks(panel, "start", ["size"], ["path"])
    found = (
        entropy_balance(units, ["size"], 2)
        if way == "entropy"
        else matched(units, ["size"], ["path"], 3, 0.1)
    )
    table = balance_table(units, ["size"], {"before": np.ones(len(units)), "after": found.weights}).set_index(
        "weighting"
    )
    assert table.loc["before", "smd"] > 0.5
    # Entropy weights balance exactly; neighbours within 0.1 standard deviations of the log odds.
    assert abs(table.loc["after", "smd"]) < (1e-8 if way == "entropy" else 0.05)
    estimates = []
    for weights in (np.ones(len(units)), found.weights):
        long = stacked_panel(panel, units, weights, "start")
        after = long[long["on"].eq(1) | (~long["treated"] & (long["year"] >= long["stack"]))]
        before = long.drop(after.index)
        means = [
            (g["y"] * g["weight"]).sum() / g["weight"].sum()
            for part in (after, before)
            for g in (part[part["treated"]], part[~part["treated"]])
        ]
        estimates.append(means[0] - means[1] - means[2] + means[3])
    assert abs(estimates[0] - 0.3) > 0.08
    assert abs(estimates[1] - 0.3) < 0.05


def test_matching_by_hand() -> None:
    units = pd.DataFrame(
        {
            "firm_id": range(8),
            "stack": 2015,
            "treated": [True] * 2 + [False] * 6,
            "x": [1.0, 5.0, 0.9, 1.2, 4.0, 2.0, 5.0, 0.0],
            "path": list("abaaaaab"),
        }
    )
    found = matched(units, ["x"], ["path"], neighbours=2, caliper=0.3)
    # Unit 0 (path a, x = 1): nearest of its path 0.9 and 1.2, half each. Unit 1 (path b, x = 5): only x = 0, too far.
    assert found.weights.tolist() == [1, 0, 0.5, 0.5, 0, 0, 0, 0]
    assert found.unmatched == 1 and found.effective == pytest.approx(2)


def test_separated_groups_are_refused() -> None:
    units = pd.DataFrame(
        {"stack": 1, "treated": [True] * 5 + [False] * 5, "x": [9.0, 8, 9, 8, 9, 1, 2, 1, 2, 1]}
    )
    with pytest.raises(EffectsError, match="separate"):
        matched(units, ["x"])


def test_ties_do_not_hang_on_the_last_digits() -> None:
    """Controls come in pairs that are alike: which of a pair is taken is decided by their order, not by rounding."""
    rng = np.random.default_rng(4)
    x = np.concatenate([rng.normal(0.5, 1, 60), np.repeat(rng.normal(0, 1, 150), 2)])
    units = pd.DataFrame({"stack": 2015, "treated": np.arange(360) < 60, "x": x, "z": np.cos(x)})
    noisy = units.assign(x=x * (1 + rng.uniform(-1e-14, 1e-14, 360)))
    ways = [matched(one, ["x", "z"], neighbours=1, caliper=0.5).weights for one in (units, noisy)]
    assert ways[0][:60].sum() > 40
    np.testing.assert_array_equal(*ways)
