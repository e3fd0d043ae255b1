"""What is told of an index, by hand and where there is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fusion.indicators import describe, measure, servitization
from fusion.indicators.system import out_of_range, system

CODES = ["A1", "A2", "B1", "B2"]


def values() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    table = pd.DataFrame({"firm_id": [f"F{i // 2}" for i in range(80)], "year": [2020, 2021] * 40})
    scores = pd.DataFrame(rng.random((80, 4)) * 50, columns=CODES)
    scores.loc[[0, 1, 2], "A1"] = np.nan  # both years of F0, one of F1
    return table.join(scores)


def made(table: pd.DataFrame) -> measure.Made:
    steps = measure.steps(
        treatment="none", winsor_tail=0.01, normalise="minmax", bounds="pooled", weights="entropy",
        chain_weights="equal", aggregation="arithmetic", aggregation_floor=0.01, min_chain_share=0.5,
    )  # fmt: skip
    return {
        "composite": measure.fusion_index(table, CODES, steps),
        "conditions": measure.fusion_index(table, ["A1"], steps),
    }


def test_counts_of_firms_and_what_they_leave_out() -> None:
    found = describe.summary(values(), CODES).set_index("code")
    assert found["units"].tolist() == [39, 40, 40, 40] and found.loc["A1", "n"] == 77
    gaps = describe.gaps(values(), CODES)
    part, whole = gaps.groupby("code")[["missing_part", "missing_whole"]].sum().T.to_numpy()
    np.testing.assert_allclose(100 * part / whole, found["missing"])


def test_tables_of_an_index() -> None:
    table = values()
    built = made(table)
    wide = describe.weights_wide(describe.weights(built), table).set_index("code")
    assert (
        wide["equal"].tolist() == [0.25] * 4
        and wide["weight_conditions"].notna().tolist() == [True] + [False] * 3
    )
    assert abs(wide["weight"].sum() - 1) < 1e-12
    chains = describe.chains(measure.scores(table, built))
    assert chains["chain"].tolist() == ["industry", "value"] and chains.loc[0, "with_industry"] == 1
    pair = describe.closest(chains)
    assert {pair["first"], pair["second"]} == {"industry", "value"}
    records = describe.records(built)
    assert records["arguments"].iloc[0] == ["how = none"] and len(records) == 6
    assert describe.hangs_together(built)["units"].tolist() == [40, 40]
    assert set(describe.opposed(built)) <= set(CODES)


def test_quantiles_of_chains_by_hand() -> None:
    """Scores 0 … 100: the q-quantile of 101 even steps is 100 q. The second chain is told by one firm alone."""
    scored = pd.DataFrame({"firm_id": [f"F{i // 2}" for i in range(101)], "chain_industry": np.arange(101.0)})
    scored["chain_value"] = scored["chain_industry"].where(scored["firm_id"] == "F3")
    found = describe.chains(scored)
    assert list(found)[:7] == ["chain", "units", "p5", "p25", "p50", "p75", "p95"]
    assert found.iloc[0, 1:7].tolist() == [51, 5, 25, 50, 75, 95] and found["units"].tolist() == [51, 1]
    assert describe.chains(scored[["firm_id", "chain_value"]]).empty


def test_no_index_gives_empty_tables() -> None:
    table = values()[["firm_id", "year"]]
    wide = describe.weights_wide(describe.weights({}), table)
    empty = [describe.summary(table, []), describe.gaps(table, []), wide, describe.records({})]
    empty += [describe.chains(table), describe.hangs_together({}), measure.by_path(table)]
    assert all(part.empty for part in empty) and describe.opposed({}) == []
    assert describe.base_file({}) is None and measure.scores(table, {}).equals(table)
    assert measure.io_change(table).empty and measure.io_series(table).empty


def test_what_industries_buy_in_the_first_and_the_last_year() -> None:
    """Shares are percent; the second buys most in the last year, the third is there in the last alone; 2018 is passed over."""
    lines = [
        ("x", 2017, 0.1),
        ("x", 2018, 0.9),
        ("x", 2020, 0.2),
        ("y", 2017, 0.3),
        ("y", 2020, 0.4),
        ("z", 2020, 0.1),
    ]
    table = pd.DataFrame(lines, columns=["firm_name", "year", "d_ps"])
    table = table.assign(
        firm_name_zh=table["firm_name"] + "业", c_ps=2 * table["d_ps"], ps_share_intermediate=0.05
    )
    found = measure.io_change(table)
    assert found["industry_en"].tolist() == ["y", "x", "z"] and found["industry_zh"].tolist() == [
        "y业",
        "x业",
        "z业",
    ]
    assert list(found)[2:] == [f"{c}_{end}" for c in measure.PURCHASES for end in ("first", "last")]
    np.testing.assert_allclose(found["d_ps_first"], [30, 10, np.nan])
    np.testing.assert_allclose(found["d_ps_last"], [40, 20, 10])
    np.testing.assert_allclose(found["c_ps_last"], [80, 40, 20])


def test_what_firms_add_to_the_three_sides() -> None:
    columns = {
        "firm_id": ["a", "b", "c"],
        "year": 2020,
        "sold": [0.0, 10.0, np.nan],
        "bought": [5.0, 7.0, 9.0],
    }
    rows = pd.DataFrame(columns | {"bought_from_io": [True, False, False], "made": np.nan})
    sides = servitization.by_year(rows).set_index("side")
    told = servitization.told(rows).groupby("side")
    np.testing.assert_allclose(told["mean"].mean(), sides["mean"].sort_index().dropna())
    share = 100 * told["active_part"].sum() / told["active_whole"].sum()
    np.testing.assert_allclose(share, sides["active"].sort_index())
    assert told["filled_part"].sum()["bought"] == 1 and told["filled_whole"].sum()["bought"] == 3


def test_what_is_not_known_is_neither_highest_nor_closest() -> None:
    """A path that nobody told of in the last year, and chains whose correlation nobody knows or is one."""
    lines = pd.DataFrame({"path": ["P1", "P2", "P3"], "year": 2020, "mean": [2.0, np.nan, 1.0]})
    assert describe.highest(lines)["path"] == "P1" and describe.lowest(lines)["path"] == "P3"
    assert describe.highest(lines.assign(mean=np.nan))["path"] in ("P1", "P2", "P3")
    chains = pd.DataFrame({"chain": ["a", "b"], "with_a": [1.0, 1.0], "with_b": [1.0, 1.0]})
    assert describe.closest(chains) == {"first": "a", "second": "b", "correlation": 1.0}
    unknown = describe.closest(chains.assign(with_a=[1.0, np.nan], with_b=[np.nan, 1.0]))
    assert (unknown["first"], unknown["second"]) == ("a", "b") and np.isnan(unknown["correlation"])


def test_districts_of_the_first_year_that_the_last_lacks_are_not_drawn() -> None:
    from fusion.plots.index import group_means

    rows = {"district": ["a", "b"], "year": [2018, 2023], "mean": 1.0, "low": 0.5, "high": 1.5}
    axes = group_means(pd.DataFrame(rows), {"x": "x", "y": "y"}).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b"]


def test_values_at_the_ends_of_the_expected_range_are_in_it() -> None:
    """A1 is expected in [0, 100]: two values of six lie outside."""
    declared = system(["A1"]).loc["A1", ["expected_min", "expected_max"]]
    assert declared.tolist() == [0, 100]
    given = pd.DataFrame({"A1": [0, 100, -1e-9, 100.01, 50, np.nan]})
    assert out_of_range(given, ["A1"]).tolist() == [2]


def test_indicators_never_observed_together_are_not_read_as_a_list() -> None:
    """One of them is asked in even years, one in odd: no correlation, so nothing is told of the chain."""
    table = values()
    table["B1"], table["B2"] = (
        table["B1"].where(table["year"] == 2020),
        table["B2"].where(table["year"] == 2021),
    )
    built = made(table)
    read = describe.hangs_together(built).set_index("chain")
    assert read.loc["value", "reading"] == "unknown" and read.loc["industry", "reading"] != "unknown"


def test_the_closest_chains_may_move_against_each_other() -> None:
    """Of −.9, .5 and .2 the first is the strongest."""
    r = {"with_a": [1, -0.9, 0.5], "with_b": [-0.9, 1, 0.2], "with_c": [0.5, 0.2, 1]}
    chains = pd.DataFrame({"chain": ["a", "b", "c"], **r})
    assert describe.closest(chains) == {"first": "a", "second": "b", "correlation": -0.9}


def test_a_chain_is_a_dimension_from_seven_tenths_on() -> None:
    """Two indicators with r: alpha 2r/(1 + r) is .75 at r = .6 and .667 at r = .5; both agree more than with the other chain."""
    turn = 2 * np.pi * np.arange(80) / 80
    base, rest = np.sqrt(2) * np.cos(turn), np.sqrt(2) * np.sin(turn)  # mean 0, variance 1, uncorrelated
    table = values()
    for r, reading in ((0.6, "dimension"), (0.5, "weak")):
        pair = {"A1": 50 + 5 * base, "A2": 50 + 5 * (r * base + np.sqrt(1 - r**2) * rest)}
        read = describe.hangs_together(made(table.assign(**pair))).set_index("chain")
        assert read.loc["industry", "alpha"] == pytest.approx(2 * r / (1 + r))
        assert read.loc["industry", "reading"] == reading
