"""Worked cases of slips, scores, balances and growth, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fusion.editing import chains, growth, scores
from fusion.editing.balances import Balance, Sheet, mend
from fusion.editing.settings import SLIPS, States


def _two(k: int, share: float = 0.005) -> States:
    """The states 0 and k alone; all slips together have .01."""
    return States(np.array([0.0, k]), np.zeros(2, bool), np.array([0.99, share]))


def _last(
    change: list[float], level: list[float], k: int, beside: float = 0.0, share: float = 0.005
) -> np.ndarray:
    """P(k) of each year; ρ .3, σ .08, σp .2, ε .003, b .35."""
    years = len(level)
    values = np.array([[np.nan, *change]])
    staff = np.full((1, years), beside)
    series = chains.Series(values, np.full((1, years), 0.08), np.array([level]), staff)
    steps, heights = chains.Steps(0.003, 0.35), chains.Level(0.2)
    return chains.posterior(series, _two(k, share), steps, heights, 0.3)[0][0, :, 1]


def test_a_middle_year_of_ten_times_is_named() -> None:
    up = _last([1.03, -0.98], [np.nan, 1.1, np.nan], 1)[1]
    down = _last([-1.02, 1.05], [np.nan, -0.95, np.nan], -1)[1]
    assert up == pytest.approx(0.99998, abs=2e-5)
    assert down == pytest.approx(0.99998, abs=2e-5)


def test_a_last_year_of_ten_times_is_named() -> None:
    # By hand: h0 = .993·f(1.02)·e(1.05), h1 = .0035·f(.02)·e(.05), each e to the power 1/2.
    assert _last([1.02], [np.nan, 1.05], 1)[1] == pytest.approx(0.987, abs=5e-3)


def test_a_merger_and_a_growing_firm_are_not() -> None:
    assert _last([1.00], [np.nan, 0.05], 1, beside=0.95)[1] < 0.002
    assert _last([0.48], [np.nan, 0.5], 1)[1] < 0.01


@pytest.mark.parametrize(("level", "k", "share", "right"), [(3.1, 3, 0.002, 0.770), (1.05, 1, 0.005, 0.254)])
def test_the_only_year_of_a_unit(level: float, k: int, share: float, right: float) -> None:
    assert _last([], [level], k, share=share)[0] == pytest.approx(right, abs=5e-3)


def test_probabilities_equal_those_of_all_paths_written_out() -> None:
    """Forward and backward against the sum over all sequences of states."""
    rng = np.random.default_rng(3)
    states = States.start(0.02, 0.02)
    series = chains.Series(rng.normal(0, 0.6, (1, 3)), np.full((1, 3), 0.1), rng.normal(0, 0.8, (1, 3)))
    steps, level = chains.Steps(0.01, 0.35), chains.Level(0.25)
    got = chains.posterior(series, states, steps, level, 0.3)[0][0]
    count = len(states.values)
    move = 0.3 * np.eye(count) + 0.7 * states.share
    total = np.zeros((3, count))
    for path in np.ndindex(count, count, count):
        weight = states.share[path[0]]
        for t, s in enumerate(path):
            weight *= level.density(np.array(series.level[0, t] - states.values[s])) ** (1 / 3)
            if t:
                i = path[t - 1]
                loose = states.other[i] or states.other[s]
                scale = np.hypot(0.1, 0.12 * loose)
                x = np.array(series.change[0, t] - (states.values[s] - states.values[i]))
                ordinary = chains.student(x, scale)
                weight *= move[i, s] * (0.99 * ordinary + 0.01 * chains.laplace(x, 0.35))
        for t, s in enumerate(path):
            total[t, s] += weight
    np.testing.assert_allclose(got, total / total.sum(1, keepdims=True), rtol=1e-9)


def test_states_sum_to_one_and_are_no_one_sided() -> None:
    states = States.start(0.01, 0.02)
    assert states.share.sum() == pytest.approx(1.0)
    assert sorted(states.values[states.slips]) == sorted(SLIPS)
    assert states.values[states.other].sum() == pytest.approx(0.0)


def test_what_a_doubt_is_worth() -> None:
    """50,000 of which P(+1) = .9, in a total of 2,000,000 after 1,900,000: 2.07 % of the total, 2.13 points."""
    lines = pd.DataFrame(
        {
            "unit": ["a"],
            "year": [2020],
            "item": ["x"],
            "value": [50_000.0],
            "predicted": [50_000 * (0.1 + 0.9 / 10)],
        }
    )
    assert lines["value"][0] - lines["predicted"][0] == pytest.approx(40_500)
    sums = pd.DataFrame(
        {
            "kind": "total",
            "cell": "total",
            "year": [2019, 2020],
            "item": "x",
            "expected": [1_900_000.0, 1_959_500.0],
        }
    )
    ranked = scores.ranked(lines, sums, scores.Publication(["x"], {}))
    assert ranked["of_total"][0] == pytest.approx(0.0207, abs=5e-5)
    assert ranked["of_growth"][0] == pytest.approx(0.0213, abs=5e-5)
    assert ranked["score"][0] == pytest.approx(0.0213, abs=5e-5)


SUM = Balance({"A": 1, "L": -1, "E": -1})


def test_a_slip_mends_a_balance_more_cheaply_than_a_free_value() -> None:
    found = mend(Sheet({"A": 1000, "L": 6000, "E": 400}, levels={"A": "total"}), [SUM])
    assert found is not None
    assert (found.values, found.factors, found.cost) == ({"L": 600.0}, {"L": 1}, pytest.approx(0.5))
    assert found.ambiguous == ()


def test_a_block_of_a_balance_sheet() -> None:
    inside = Balance({"L": 1, "CL": -1}, 0.0, np.inf)
    sheet = Sheet(
        {"A": 1000, "L": 6000, "E": 4000, "CL": 4500},
        levels={"A": "total"},
        expected={"A": 1000},
        blocks=[["L", "E", "CL"]],
    )
    found = mend(sheet, [SUM, inside])
    assert found is not None
    assert found.values == {"L": 600.0, "E": 400.0, "CL": 450.0}
    assert found.cost == pytest.approx(0.8)


def test_what_cannot_be_told_is_asked_for() -> None:
    found = mend(Sheet({"A": 1000, "L": 600, "E": 490}, levels={"A": "total"}), [SUM])
    assert found is not None
    cells = {frozenset(found.values), *found.ambiguous}
    assert {frozenset({"L"}), frozenset({"E"})} <= cells
    assert frozenset({"A"}) not in cells  # a total costs half as much again
    assert set(found.values.values()) <= {510.0, 400.0}


def test_a_balance_that_holds_needs_no_mending() -> None:
    assert mend(Sheet({"A": 1000, "L": 601, "E": 400}), [SUM]) is None  # three terms, rounded to one each


def test_planted_slips_in_balances_are_found() -> None:
    """Assets are liabilities and equity, with parts; one item off by a power of ten; history known."""
    rng = np.random.default_rng(7)
    right = 0
    for _ in range(40):
        share, inner = rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.8)
        a = float(rng.integers(2_000, 90_000))
        true = {"A": a, "L": round(a * share), "E": a - round(a * share), "CL": round(a * share * inner)}
        item = str(rng.choice(["L", "E"]))
        k = int(rng.choice([1, -1, 3]))
        past = {name: value * float(rng.uniform(0.9, 1.1)) for name, value in true.items()}
        sheet = Sheet(true | {item: true[item] * 10.0**k}, levels={"A": "total"}, expected=past)
        found = mend(sheet, [SUM, Balance({"L": 1, "CL": -1}, 0.0, np.inf)])
        right += found is not None and found.factors == {item: k} and set(found.values) == {item}
    assert right >= 38  # of 40; .99 in simulations of 250


def test_growth_is_the_sum_of_its_parts() -> None:
    nan = np.nan
    pairs = pd.DataFrame(
        [
            ["matched", 900, 990, nan, nan],
            ["matched", 45, 50, nan, 500],
            ["entering", nan, 60, nan, nan],
            ["leaving", 40, nan, nan, nan],
            ["set aside", nan, 55, nan, nan],
            ["missing", 10, nan, nan, nan],
        ],
        columns=["kind", "before", "after", "raw_before", "raw_after"],
    ).astype({"before": float, "after": float, "raw_before": float, "raw_after": float})
    got = growth.decompose(pairs).set_index("kind")["points"]
    right = {"matched": 54.77, "corrected": -45.23, "entering": 6.03, "leaving": -4.02, "set aside": 5.53}
    for kind, points in (right | {"missing": -1.01, "total": 16.08}).items():
        assert got[kind] == pytest.approx(points, abs=0.006)
    assert got.drop("total").sum() == pytest.approx(got["total"])
    assert growth.comparable(pairs) == pytest.approx(0.1005, abs=5e-5)
    with pytest.raises(ValueError, match="unknown classes"):
        growth.decompose(pairs.assign(kind="gone"))
