"""What a user meets: tables, gaps, industries, markups, messages; and the synthetic panel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from estimators.production import ProductionError, by_industry, estimate, logs, markups
from evidence.montecarlo.designs import simulate
from fusion.panel.synthetic import Settings, generate


@pytest.fixture(scope="module")
def firms() -> pd.DataFrame:
    return simulate("planned", 120, 6, 4).assign(sector=lambda t: np.where(t["firm_id"] < 70, "A", "B"))


def test_logs_leave_out_what_has_none_and_count_it() -> None:
    frame = logs(pd.DataFrame({"va": [1.0, 0.0, -2.0, None]}), {"y": "va"})
    assert frame["y"].iloc[0] == 0 and frame["y"].iloc[1:].isna().all()
    assert frame.attrs["not_positive"] == {"y": 2}


def test_rows_keep_their_place(firms: pd.DataFrame) -> None:
    mixed = firms.sample(frac=1, random_state=0).set_index(pd.Index(range(1000, 1000 + len(firms))))
    mixed.loc[mixed.index[5], "l"] = np.nan
    a, b = estimate(firms, "lp"), estimate(mixed, "lp")
    assert b.tfp.index.equals(mixed.index) and b.tfp.isna().sum() == 1 and np.isnan(b.tfp.iloc[5])
    one = mixed.iloc[7]  # noqa: F841  (read by query)
    # One row less moves the coefficients a little.
    same = firms.query("firm_id == @one.firm_id and year == @one.year").index[0]
    assert b.tfp.iloc[7] == pytest.approx(a.tfp[same], abs=0.05)
    assert a.n == len(firms) and b.n == len(firms) - 1 and a.firms == 120 and a.pairs == 600


def test_a_gap_in_the_years_is_no_lag(firms: pd.DataFrame) -> None:
    gap = firms[firms["year"] != 2003]
    assert estimate(gap, "lp").pairs == 120 * 3  # 2001, 2002 and 2005 follow a year that is there


def test_missing_proxies_cost_pairs_only(firms: pd.DataFrame) -> None:
    some = firms.assign(m=firms["m"].where(firms["year"] != 2005))
    found = estimate(some, "lp")
    assert found.n == len(firms) and found.tfp.notna().all()
    assert found.omega.isna().sum() == 120 and found.pairs == 480


def test_tidy_table(firms: pd.DataFrame) -> None:
    found = estimate(firms, "ols", draws=25)
    table = found.tidy()
    assert list(table) == [
        "method",
        "form",
        "term",
        "estimate",
        "std_error",
        "ci_low",
        "ci_high",
        "n",
        "firms",
    ]
    assert list(table["term"]) == ["l", "k", "returns to scale"]
    assert table["estimate"].iloc[2] == pytest.approx(table["estimate"].iloc[:2].sum())
    assert (table["ci_low"] < table["estimate"]).all() and (table["estimate"] < table["ci_high"]).all()
    alone = estimate(firms, "ols")
    assert alone.draws.shape == (0, 3) and alone.tidy()["std_error"].isna().all(), "nothing is drawn unasked"
    assert alone.objective == 0 and alone.converged, "least squares have no second stage"
    assert found.draws.shape == (25, 3) and found.failed == 0


def test_twenty_firms_are_enough_and_nineteen_are_not(firms: pd.DataFrame) -> None:
    assert estimate(firms[firms["firm_id"] < 20], "ols").n == 120
    with pytest.raises(ProductionError, match="19"):
        estimate(firms[firms["firm_id"] < 19], "ols")


def test_industries_are_estimated_each_on_its_own(firms: pd.DataFrame) -> None:
    found = by_industry(firms, "sector", "ols", fewest_firms=60)
    alone = estimate(firms[firms["sector"] == "A"], "ols")
    assert found.functions["A"].theta == pytest.approx(alone.theta) and list(found.functions) == ["A"]
    assert found.left_out["industry"].tolist() == ["B"] and found.left_out["firms"].tolist() == [50]
    assert found.tfp.index.equals(firms.index) and found.tfp.isna().sum() == 50 * 6
    assert found.tidy()["industry"].unique().tolist() == ["A"] and found.omega.isna().all()
    with pytest.raises(ProductionError, match="no industry in column 'sector'"):
        by_industry(firms, "sector", "ols", fewest_firms=500)
    with pytest.raises(ProductionError, match="column 'branch' is not in the table"):
        by_industry(firms, "branch")
    with pytest.raises(ProductionError, match="index has doubles"):
        by_industry(firms.set_axis(np.zeros(len(firms)), axis=0), "sector")


def test_markup_is_elasticity_over_the_share_a_firm_planned(firms: pd.DataFrame) -> None:
    found = estimate(firms, "lp", year_effects=False)
    revenue = np.exp(firms["y"])
    planned = revenue / np.exp(found.years["epsilon"])
    # A firm that sets the labour share to θ/1.25 has a markup of 1.25.
    spent = planned * found.theta[0] / 1.25
    table = markups(found, spent, revenue, "l")
    assert table["markup"].to_numpy() == pytest.approx(1.25)
    plain = markups(found, spent, revenue, "l", corrected=False)
    assert plain["share"].to_numpy() == pytest.approx((spent / revenue).to_numpy())
    table = markups(found, spent.where(spent.index > 0, 0.0), revenue, "l")
    assert np.isnan(table["markup"].iloc[0]) and table["markup"].notna().sum() == len(firms) - 1


def test_markups_say_what_is_wrong(firms: pd.DataFrame) -> None:
    found, one = estimate(firms, "ols"), pd.Series(1.0, index=firms.index)
    with pytest.raises(ProductionError, match="input 'm' has no elasticity; allowed: l, k"):
        markups(found, one, one, "m")
    with pytest.raises(ProductionError, match="no first stage"):
        markups(found, one, one, "l")
    with pytest.raises(ProductionError, match="revenue has an index of its own"):
        markups(found, one, one.iloc[1:], "l", corrected=False)


@pytest.mark.parametrize(
    ("change", "method", "options", "message"),
    [
        ({}, "gmm", {}, "method 'gmm'; allowed: ols, fe, op"),
        ({}, "acf", {"form": "ces"}, "form 'ces'; allowed: cobb_douglas, translog"),
        ({}, "lp", {"form": "translog"}, "allowed with: ols, fe, acf"),
        ({}, "op", {"gross_output": True}, "Put materials into free"),
        ({}, "wooldridge", {"exit_correction": True}, "allowed with: op, lp, acf"),
        ({}, "acf", {"degree": 0}, "allowed: 1 to 5"),
        ({}, "acf", {"proxy": []}, "needs a proxy"),
        ({}, "acf", {"state": []}, "needs a state input"),
        ({}, "ols", {"policy": "d"}, "policy with method 'ols'"),
        ({}, "acf", {"start": [0.5]}, "one number for each of l, k"),
        ({}, "acf", {"draws": -1, "start": [0.6, 0.4]}, "draws = -1"),
        ({}, "op", {"proxy": ["i"], "exit_correction": True}, "no firm leaves before the last year"),
        ({}, "acf", {"free": ["labour"]}, "columns 'labour' are not in the table, which has: firm_id"),
        ({"l": "many"}, "acf", {}, "column 'l' has type"),
        ({"l": -np.inf}, "acf", {}, "column 'l' is infinite in 720 rows"),
        ({"year": 2001}, "acf", {}, "has year 2001 twice"),
        ({"year": 2001.5}, "acf", {}, "column 'year' holds"),
        ({"l": np.nan}, "acf", {}, "0 firms have y, l, k in one year"),
        ({"m": np.nan}, "wooldridge", {}, "allowed:"),
        ({"m": np.nan}, "acf", {}, "0 firm-years have a known proxy"),
    ],
)
def test_messages(
    firms: pd.DataFrame, change: dict[str, Any], method: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ProductionError, match=message):
        estimate(firms.assign(**change), method, **options)


def test_returns_to_scale_on_the_synthetic_panel() -> None:
    panel, _ = generate(Settings(firms=1200), 11)
    columns = {"y": "value_added", "l": "employees_avg", "k": "fixed_assets_net", "m": "intermediate_input"}
    frame = logs(panel.drop_duplicates(["firm_id", "year"]).reset_index(drop=True), columns)
    frame["division"] = frame["ind4"].str[:2]
    # Labour is chosen before this year's productivity is known in that panel, so it instruments itself.
    found = by_industry(
        frame[frame["division"].isin(["26", "34"])], "division", "acf", free_instrument="current"
    )
    table = found.tidy().set_index(["industry", "term"])["estimate"].unstack()
    assert len(table) == 2 and table["returns to scale"].between(0.7, 1.3).all()
    # Truth .60 and .35; 130 firms an industry, and capital that remembers older productivity.
    assert table["l"].between(0.4, 0.8).all() and table["k"].between(0.15, 0.55).all()
    # Materials depend on labour there: the first stage of Levinsohn-Petrin cannot tell labour's coefficient.
    assert estimate(frame[frame["division"] == "34"], "lp").theta[0] < 0.3


def test_the_bootstrap_error_divides_by_the_draws_less_one(firms: pd.DataFrame) -> None:
    found = estimate(firms, "ols", draws=4)
    table = found.tidy().set_index("term")
    for k, term in enumerate(found.terms):
        draws = found.draws[:, k]
        by_hand = np.sqrt(((draws - draws.mean()) ** 2).sum() / 3)
        assert table.loc[term, "std_error"] == pytest.approx(by_hand, rel=1e-12)
