"""The estimation sample: what is kept, and errors that say what is wrong."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from estimators import effects


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    panel = pd.DataFrame(
        {
            "firm_id": ["a", "a", "b", "b", "c", "c"],
            "year": [2012, 2013] * 3,
            "ln_lp": [1.0, 2, 3, np.nan, 5, 6],
            "pilot": [0, 1, 0, 0, 0, 0],
            "pilot_start_year": pd.array([2013, 2013, None, None, None, None], "Int64"),
        }
    )
    classified = panel[["firm_id", "year"]].assign(division=["13", "13", "14", "14", "", "15"])
    return {"panel": panel, "classified": classified}


def sample(tables: dict[str, pd.DataFrame], **changes: list[str]) -> effects.Sample:
    complete = {
        "effects.outcome": ["ln_lp"],
        "effects.treatments": ["pilot"],
        "effects.fixed_effects": ["division"],
    }
    return effects.estimation_sample(
        tables,
        complete | changes,
        present={"description.start_column": ["pilot_start_year"]},
        wanted=["path"],
    )


def test_rows_and_flow(tables: dict[str, pd.DataFrame]) -> None:
    rows, flow = sample(tables)
    assert list(zip(rows["firm_id"], rows["year"], strict=True)) == [
        ("a", 2012),
        ("a", 2013),
        ("b", 2012),
        ("c", 2013),
    ]
    assert list(rows) == ["firm_id", "year", "ln_lp", "pilot", "division", "pilot_start_year"]
    assert flow["rows"].tolist() == [6, 5, 5, 4] and flow["rows_dropped"].tolist() == [0, 1, 0, 1]
    assert flow["column"].tolist() == ["", "ln_lp", "pilot", "division"]


def test_a_column_that_holds_nothing_is_absent(tables: dict[str, pd.DataFrame]) -> None:
    """Units without industry codes have no path: its years must not count as effects of anything."""
    computed = tables["classified"].assign(path="")
    assert "path" not in sample({"panel": tables["panel"], "classified": computed}).rows
    computed.loc[0, "path"] = "P1"
    assert "path" in sample({"panel": tables["panel"], "classified": computed}).rows


def test_a_column_of_the_data_keeps_its_values_beside_one_that_is_computed(
    tables: dict[str, pd.DataFrame],
) -> None:
    """A panel may bring a column that is called as one of the workbook's: what the study names is the panel's."""
    own = tables["panel"].assign(path=list("uvwxyz"), division=["1"] * 6)
    computed = tables["classified"].assign(path="services")
    rows = sample({"panel": own, "classified": computed}).rows
    assert set(rows["path"]) <= set("uvwxyz") and set(rows["division"]) == {"1"}


def test_an_unknown_column_names_parameter_and_neighbours(tables: dict[str, pd.DataFrame]) -> None:
    with pytest.raises(effects.EffectsError) as error:
        sample(tables, **{"effects.treatments": ["pilott"]})
    text = str(error.value)
    assert "effects.treatments" in text and "'pilott'" in text and "Did you mean: pilot" in text
    assert "division" in text, "what exists is listed"


def test_no_complete_row(tables: dict[str, pd.DataFrame]) -> None:
    tables["panel"]["ln_lp"] = np.nan
    with pytest.raises(effects.EffectsError, match=r"effects\.outcome: no row is left .* 'ln_lp'"):
        sample(tables)


def test_repeated_keys(tables: dict[str, pd.DataFrame]) -> None:
    tables["classified"] = pd.concat([tables["classified"]] * 2)
    with pytest.raises(effects.EffectsError, match="table 'classified': 6 rows repeat"):
        sample(tables)


def test_a_treatment_that_never_varies(tables: dict[str, pd.DataFrame]) -> None:
    rows = sample(tables).rows
    with pytest.raises(
        effects.EffectsError, match="'pilot' never varies in the estimation sample: all 4 rows are 0"
    ):
        effects.check_varies(rows.assign(pilot=0), ["pilot"])
    between = rows.assign(pilot=(rows["firm_id"] == "a").astype(int))
    with pytest.raises(effects.EffectsError, match="'pilot' never varies within any firm_id"):
        effects.check_varies(between, ["pilot"])
    with pytest.raises(effects.EffectsError, match="must be a number"):
        effects.check_varies(rows, ["division"])
    effects.check_varies(rows, ["pilot"])


def test_singletons_are_found_repeatedly() -> None:
    # Row 3 is alone in its firm; without it, row 2 is alone in its year; without that, row 1 in its firm, then row 0.
    frame = pd.DataFrame({"firm": [1, 1, 2, 3, 4, 4], "year": [1, 2, 2, 3, 9, 9]})
    assert effects.singletons(frame.iloc[:4]).tolist() == [True] * 4
    assert effects.singletons(frame).tolist() == [True] * 4 + [False] * 2


def test_rung_drops_or_keeps_singletons_and_counts_them() -> None:
    rows = pd.DataFrame({"firm_id": ["a", "a", "b"], "year": [1, 2, 1], "division": ["13"] * 3})
    dropped = effects.rung(rows, ["firm_id", "division*year"], drop_singletons=False)
    assert (
        dropped.effects == ["firm_id", "division_by_year"] and dropped.dropped == 0 and len(dropped.data) == 3
    )
    assert effects.rung(rows, ["firm_id"], drop_singletons=True).dropped == 1
    with pytest.raises(effects.EffectsError, match="every row is a singleton"):
        effects.rung(rows, ["firm_id*year"], drop_singletons=True)


def test_a_ladder_says_what_its_effects_absorb() -> None:
    rows = pd.DataFrame({"firm_id": list("aaabbb"), "year": [1, 2, 3] * 2})
    rows["late"], rows["size"] = rows["year"] > 2, [1.0, 4.0, 2.0, 5.0, 3.0, 9.0]
    steps = [["firm_id"], ["firm_id", "year"]]
    made = effects.ladder(rows, steps, ["late", "size"], drop_singletons=True)
    assert [one.absorbed for one in made] == [(), ("late",)]
    assert made[1].formula("y", ["late", "size"]) == "y ~ late + size | firm_id + year"
    assert [len(one.absorbed) for one in effects.ladder(rows, steps, ["late"], drop_singletons=True)] == [
        0,
        1,
    ]
    with pytest.raises(effects.EffectsError, match="each step absorbs late, so that nothing is left"):
        effects.ladder(rows, steps[1:], ["late"], drop_singletons=True)


def test_cohorts(tables: dict[str, pd.DataFrame]) -> None:
    rows = sample(tables).rows
    table = effects.cohorts(rows, "pilot_start_year")
    assert table["start"].tolist() == ["2013", "never"] and effects.cohorts(rows, None).empty
    assert table["firms"].tolist() == [1, 2] and table["treated_firm_years"].tolist() == [1, 0]
    rows.loc[0, "pilot_start_year"] = 2012
    with pytest.raises(
        effects.EffectsError, match=r"start_column.*one year for each firm_id.*a: \[2012, 2013\]"
    ):
        effects.cohorts(rows, "pilot_start_year")


def test_who_is_ever_treated_and_since_when() -> None:
    rows = pd.DataFrame(
        {"firm_id": list("aabb"), "year": [1, 2, 1, 2], "d": [0, 1, 0, 0], "dose": [0.5, 2, 0, 0]}
    )
    rows["start"] = [2.0, 2, np.nan, np.nan]
    for how in ({"treatments": ["d"]}, {"treatments": ["dose"], "start": "start"}):
        assert effects.ever_treated(rows, **how).tolist() == [True, True, False, False]
        assert effects.year_before(rows, **how) == 1
    assert effects.ever_treated(rows, ["dose"]).isna().all(), "a dose has no untreated units"
    assert effects.year_before(rows, []) is None
    sides = effects.comparison_groups(rows, rows, "start")
    assert sides.fillna("").tolist() == ["", "after", "", "comparable"]
    assert effects.comparison_groups(rows, rows).isna().all()
    scored = pd.DataFrame({"firm_id": list("abc"), "integration": [3.0, 1, 2]})
    assert effects.comparison_groups(scored, scored).tolist() == ["high", "low", "middle"]


def test_means_by_group_and_cohort_by_hand() -> None:
    rows = pd.DataFrame({"firm_id": list("aabc"), "year": [1, 2, 1, 1], "y": [1.0, 3, 5, np.nan]})
    table = effects.summary(rows, ["y"], by=pd.Series(["x", "x", "z", None])).set_index("group")
    assert table["mean"].tolist() == [3, 2, 5] and table["units"].tolist() == [2, 1, 1]
    rows["start"] = [2.0, 2, np.nan, np.nan]
    means = effects.cohort_means(rows, "y", "start")
    assert means["cohort"].tolist() == ["2", "2", "never"] and means["mean"].tolist() == [1, 3, 5]
    assert means["units"].tolist() == [1, 1, 2] and effects.cohort_means(rows, "y", None).empty


def test_balance_by_hand() -> None:
    rows = pd.DataFrame({"x": [1.0, 3.0, 0.0, 1.0, 2.0], "flat": 1.0})
    treated = pd.Series([True, True, False, False, False])
    table = effects.balance(rows, ["x", "flat"], treated)
    # Means 2 and 1, variances 2 and 1: (2 − 1)/√1.5.
    assert table["smd"].iloc[0] == pytest.approx(1 / np.sqrt(1.5)) and np.isnan(table["smd"].iloc[1])
    assert effects.balance(rows, ["x"], treated.where(treated).astype("boolean")).empty


def test_magnitudes_of_a_log_of_money() -> None:
    assert effects.money_of_log("ln 万元/人") == (10_000.0, "人")
    assert effects.money_of_log("ln 人") is None
    rows = pd.DataFrame({"y": np.log([10.0, 30.0])})
    estimates = pd.DataFrame(
        {"estimate": [np.log(1.1)], "ci_low": [0.0], "ci_high": [np.log(1.2)]}, index=["pilot"]
    )
    table = effects.magnitudes(estimates, rows, "y", "ln 万元/人", {"pilot": 1.0}).set_index("measure")
    assert table.loc["percent", "estimate"] == pytest.approx(10)
    # The mean level is 20 万元: ten per cent of it is 20,000 yuan.
    assert table.loc["元/人", ["estimate", "ci_low", "ci_high"]].tolist() == pytest.approx(
        [20_000, 0, 40_000]
    )


def test_two_way_residuals_equal_dummies() -> None:
    rng = np.random.default_rng(1)
    unit, time = rng.integers(0, 12, 80), rng.integers(0, 5, 80)
    values = rng.normal(size=(80, 2))
    dummies = np.hstack([np.eye(12)[unit], np.eye(5)[time]])
    expected = values - dummies @ np.linalg.lstsq(dummies, values, rcond=None)[0]
    np.testing.assert_allclose(effects.two_way_residuals(values, unit, time), expected, atol=1e-10)


def test_what_each_step_left_out_and_years_as_dummies() -> None:
    rows = pd.DataFrame({"firm_id": list("aaabbbc"), "year": [1, 2, 3, 1, 2, 3, 2]})
    rows["late"], rows["size"] = rows["year"] > 2, [1.0, 4.0, 2.0, 5.0, 3.0, 9.0, 1.0]
    steps = effects.ladder(rows, [["firm_id"], ["firm_id", "year"]], ["late", "size"], drop_singletons=True)
    found = effects.dropped(steps).set_index("spec")
    assert found.loc["firm_id", ["rows", "units", "singletons"]].tolist() == [6, 2, 1]
    assert found.loc["firm_id", "absorbed"] is None and found.loc["firm_id + year", "absorbed"] == ["late"]
    rows = pd.DataFrame({"firm_id": ["a", "a", "b"], "year": [2019, 2020, 2020]})
    index = pd.MultiIndex.from_frame(rows[["firm_id", "year"]])
    assert effects.year_dummies(index).to_dict("list") == {"year_2020": [0.0, 1.0, 1.0]}
    assert effects.year_dummies(index, wanted=False).shape == (3, 0)


def test_outcomes_of_a_family_have_their_size() -> None:
    rows = pd.DataFrame({"y": [1.0, 3.0], "z": [0.0, 4.0]})
    table = pd.DataFrame({"regression": ["z", "y"], "estimate": [1.0, 1.0]})
    fits = {"y": SimpleNamespace(n=7), "z": SimpleNamespace(n=9)}
    found = effects.sized(table, fits, rows)
    assert found["n"].tolist() == [9, 7]
    assert found["per_sd"].tolist() == [1 / rows["z"].std(), 1 / rows["y"].std()]
    assert effects.sized(table.iloc[:0], fits, rows).columns.tolist() == [
        "regression",
        "estimate",
        "n",
        "per_sd",
    ]
