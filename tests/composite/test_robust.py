"""What an index owes to choices, its record, its base file, coherence and obstacles."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fusion.composite import base, coherence, index, prepare, record, reliability, scale, treat, uncertainty
from fusion.composite.errors import CompositeError

CHAINS = {"a1": "A", "a2": "A", "b1": "B", "b2": "B", "b3": "B"}
SIGNS = {"a1": "+", "a2": "-", "b1": "+", "b2": "+", "b3": "+"}


@pytest.fixture(scope="module")
def values() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    common = rng.normal(size=(200, 1))
    table = pd.DataFrame(np.exp(0.6 * common + rng.normal(size=(200, 5))), columns=list(CHAINS))
    table.loc[:9, "b1"] = np.nan
    return table


@pytest.fixture(scope="module")
def builder(values: pd.DataFrame) -> uncertainty.Builder:
    choices = uncertainty.Choices(
        treatment={"none": {"how": "none"}, "winsorise": {"how": "winsorise", "tail": 0.05}},
        normalise=("minmax", "rank"),
        weights=("entropy", "equal", "critic"),
        aggregation=("arithmetic", "geometric"),
        leave_out=True,
        concentration=50,
    )
    return uncertainty.Builder(values, SIGNS, CHAINS, choices)


def test_a_fast_build_is_the_index(values: pd.DataFrame, builder: uncertainty.Builder) -> None:
    for treatment in ("none", "winsorise"):
        for how in ("minmax", "rank"):
            for weights in ("entropy", "equal", "critic"):
                cuts = treat.fit(values, **builder.choices.treatment[treatment])
                z = scale.normalise(treat.apply(values, cuts), SIGNS, how)
                slow = index.build(z, CHAINS, weights=weights).scores["index"]
                fast = builder.build({"treatment": treatment, "normalise": how, "weights": weights})
                # The same sums in another order: rounding.
                np.testing.assert_allclose(fast, slow, rtol=1e-12)


def test_geometric_builds_are_those_of_the_index(values: pd.DataFrame, builder: uncertainty.Builder) -> None:
    z = scale.normalise(values, SIGNS, "minmax")
    slow = index.build(z, CHAINS, aggregation="geometric", chain_aggregation="geometric", floor=0.01)
    fast = builder.build({"aggregation": "geometric"})
    np.testing.assert_allclose(fast, slow.scores["index"], rtol=1e-12)


def test_draws_are_the_builds_of_their_plan(builder: uncertainty.Builder) -> None:
    draws = uncertainty.monte_carlo(builder, 60, seed=3)
    for k in (0, 17, 59):
        again = builder.build(draws.plan.iloc[k].to_dict())
        np.testing.assert_array_equal(draws.scores[k], again)
    same = uncertainty.monte_carlo(builder, 60, seed=3)
    np.testing.assert_array_equal(draws.scores, same.scores)
    table = uncertainty.intervals(draws, 0.9)
    assert (table["low"] <= table["median"]).all() and (table["median"] <= table["high"]).all()
    own = draws.ranks[:, 7]
    assert table["median"].iloc[7] == np.nanmedian(own)


def test_without_choices_there_is_no_width(values: pd.DataFrame) -> None:
    with pytest.raises(CompositeError, match="no factor has more than one level"):
        uncertainty.monte_carlo(uncertainty.Builder(values, SIGNS, CHAINS, uncertainty.Choices()))
    noisy = uncertainty.Builder(values, SIGNS, CHAINS, uncertainty.Choices(concentration=1e9))
    table = uncertainty.intervals(uncertainty.monte_carlo(noisy, 20))
    # Weights with a standard deviation of 1e-5 change ranks of near neighbours at most.
    assert table["width"].max() <= 2


def test_dirichlet_noise_has_the_stated_spread(values: pd.DataFrame) -> None:
    noisy = uncertainty.Builder(
        values, SIGNS, CHAINS, uncertainty.Choices(weights=("equal",), concentration=40)
    )
    drawn = np.array([noisy._noise(np.full(3, 1 / 3), level, 0) for level in range(1, 3001)])
    wanted = np.sqrt(1 / 3 * 2 / 3 / 41)
    # 3,000 draws: the standard error of a standard deviation is 1.3 % of it; four of them.
    np.testing.assert_allclose(drawn.std(axis=0), wanted, rtol=0.052)
    np.testing.assert_allclose(drawn.sum(axis=1), 1)


def test_sobol_finds_the_choice_that_matters(values: pd.DataFrame) -> None:
    # Levels of `weights` that are one and the same cannot move a rank; ranks against min-max do.
    choices = uncertainty.Choices(
        weights=("equal", "equal"), normalise=("minmax", "rank"), chain_weights=("equal",)
    )
    found = uncertainty.sobol(uncertainty.Builder(values, SIGNS, CHAINS, choices), 64).set_index("factor")
    assert abs(found.loc["weights", "total"]) < 1e-12
    # The output depends on one factor alone: all of its variance, up to the error of the estimator.
    assert found.loc["normalise", "first"] == pytest.approx(1, abs=0.15)
    assert found.loc["normalise", "total"] == pytest.approx(1, abs=0.15)


def test_ranks_and_shifts_by_hand() -> None:
    np.testing.assert_array_equal(uncertainty.rank(np.array([3.0, 1.0, 3.0, np.nan])), [1.5, 3, 1.5, np.nan])
    moved = uncertainty.shifts(np.array([4.0, 3, 2, 1]), np.array([3.0, 4, 2, 1]))
    assert moved["mean_shift"] == 0.5 and moved["max_shift"] == 1 and moved["spearman"] == pytest.approx(0.8)
    # Six pairs, one of them turned round: (5 − 1)/6.
    assert moved["kendall"] == pytest.approx(4 / 6) and moved["top_decile_kept"] == 0


def test_a_record_replays_to_the_same_digits(values: pd.DataFrame, tmp_path: Path) -> None:
    context = pd.DataFrame({"year": np.repeat([2019, 2020], 100), "unit": np.tile(np.arange(100), 2)})
    state = record.State(values, SIGNS, CHAINS, context)
    steps = [
        {"step": "impute", "arguments": {"how": "group_median", "group": ["year"]}},
        {"step": "treat", "arguments": {"how": "winsorise", "tail": 0.02}},
        {"step": "normalise", "arguments": {"how": "minmax"}},
        {"step": "aggregate", "arguments": {"weights": "entropy"}},
    ]
    built, told = record.run(state, steps)
    assert built.index is not None and built.tables["imputed"]["b1"].sum() == 10
    read = json.loads(json.dumps(told))
    again = record.replay(state, read)
    assert again.index is not None
    pd.testing.assert_frame_equal(again.index.scores, built.index.scores, check_exact=True)
    other = record.State(values * 1.0000001, SIGNS, CHAINS, context)
    with pytest.raises(CompositeError, match="the input is not the record's"):
        record.replay(other, read)


def test_a_base_keeps_scores_when_the_sample_changes(values: pd.DataFrame, tmp_path: Path) -> None:
    context = pd.DataFrame({"year": 2020}, index=values.index)
    steps = [
        {"step": "treat", "arguments": {"how": "winsorise"}},
        {"step": "normalise"},
        {"step": "aggregate"},
    ]
    built, _ = record.run(record.State(values, SIGNS, CHAINS, context), steps)
    (tmp_path / "base.json").write_text(base.dumps({"fi": built.freeze(study="x")}), encoding="utf-8")
    kept = base.read(tmp_path / "base.json")["fi"]
    part = values.iloc[:50]
    scored, _ = record.run(record.State(part, SIGNS, CHAINS, context.iloc[:50], base=kept), steps)
    assert scored.index is not None and built.index is not None
    # Means over other rows are taken in the same order: equal but for rounding.
    pd.testing.assert_frame_equal(scored.index.scores, built.index.scores.iloc[:50], rtol=1e-12)
    free, _ = record.run(record.State(part, SIGNS, CHAINS, context.iloc[:50]), steps)
    assert free.index is not None
    assert (free.index.scores["index"] - scored.index.scores["index"]).abs().max() > 0.1
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    with pytest.raises(CompositeError, match="is not JSON"):
        base.read(tmp_path / "broken.json")


def test_alpha_by_hand() -> None:
    rng = np.random.default_rng(0)
    z = pd.DataFrame(rng.normal(size=(50, 3)) + rng.normal(size=(50, 1)), columns=["a", "b", "c"])
    r = z.corr().to_numpy()
    mean = r[np.triu_indices(3, 1)].mean()
    assert reliability.alpha(z) == pytest.approx(3 * mean / (1 + 2 * mean), rel=1e-12)
    assert np.isnan(reliability.alpha(z[["a"]]))
    table = coherence.pairs(
        pd.DataFrame({"a": z["a"], "b": -z["a"], "c": z["a"] + 1e-9}), dict.fromkeys("abc", "X")
    )
    assert table["flag"].tolist() == ["opposed", "redundant", "opposed"]


def test_screening_names_its_reason() -> None:
    x = np.arange(10.0)
    table = pd.DataFrame(
        {"a": x, "twin": 2 * x + 1, "flat": 1.0, "empty": [np.nan] * 8 + [1, 2], "zero": [0.0] * 9 + [1]}
    )
    found = prepare.screen(table, max_zero=0.8).set_index("indicator")
    assert found["reason"].to_dict() == {
        "a": "", "twin": "collinear", "flat": "constant", "empty": "missing, collinear", "zero": "zero",
    }  # fmt: skip
    assert found.loc["twin", "collinear_with"] == "a"


def test_imputing_is_flagged_and_stays_within_years() -> None:
    table = pd.DataFrame({"x": [1.0, np.nan, 3.0, np.nan, 5.0, np.nan]})
    unit, year = pd.Series([1, 1, 1, 1, 2, 2]), pd.Series([2015, 2016, 2017, 2018, 2015, 2019])
    filled, flags = prepare.impute(table, "linear", unit=unit, year=year)
    assert filled["x"].tolist()[:3] == [1, 2, 3] and filled["x"].isna().tolist()[3:] == [True, False, True]
    assert flags["x"].tolist() == [False, True, False, False, False, False]
    carried, _ = prepare.impute(table, "carry_forward", unit=unit, year=year, limit=1)
    assert carried["x"].tolist()[:4] == [1, 1, 3, 3] and np.isnan(carried["x"][5])
    with pytest.raises(CompositeError, match="needs the unit and the year"):
        prepare.impute(table, "linear")


def test_a_chain_goes_with_its_only_indicator(values: pd.DataFrame) -> None:
    """Left out, it leaves the index of the other chains; an index of one indicator leaves nothing out."""
    chains = CHAINS | {"b2": "B", "a1": "A"}
    few = values[["a1", "b1", "b2"]]
    choices = uncertainty.Choices(leave_out=True, weights=("equal", "entropy"))
    builder = uncertainty.Builder(few, SIGNS, chains, choices)
    without = builder.build({"leave_out": "a1"})
    z = scale.normalise(few[["b1", "b2"]], SIGNS, "minmax")
    rest = index.build(z, {"b1": "B", "b2": "B"}, weights="equal").scores["index"]
    np.testing.assert_allclose(without, rest, rtol=1e-12)
    assert uncertainty.one_at_a_time(builder)["n"].min() > 100
    assert "leave_out" not in choices.levels(["a1"])
    uncertainty.one_at_a_time(uncertainty.Builder(values[["a1"]], SIGNS, chains, choices))
