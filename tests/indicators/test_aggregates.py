"""Levels of the two systems by group: by hand, against a second way, with intervals that cover."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fusion.composite import coupling, mistakes
from fusion.indicators import aggregates
from fusion.indicators.system import IndicatorError
from fusion.panel.contract import contract


def panel(firms: int = 60, seed: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = firms * 6
    table = pd.DataFrame(
        {"district": np.repeat(["a", "b", "c"], firms * 2), "year": np.tile([2019, 2020], firms * 3)}
    )
    for name in ("value_added", "employees_avg", "total_profit", "operating_revenue", "service_revenue"):
        table[name] = rng.gamma(2.0, 10, n) * (1 + (table["district"] == "b"))
    table["kind"] = np.where(rng.random(n) < 0.5, "manufacturing", "services")
    return table.drop(columns="service_revenue")


def test_declared_parts_are_columns_of_the_contract() -> None:
    table = aggregates.declared()
    assert set(table["numerator"]) | set(table["denominator"]) <= {c.column for c in contract()}
    assert set(table["system"]) == set(aggregates.SYSTEMS) and set(table["direction"]) <= {"+", "-"}


def test_ratios_are_of_sums_over_the_firms_of_each_industry_that_report_both() -> None:
    data = panel()
    data.loc[0, "value_added"] = np.nan
    found = aggregates.aggregates(data, ["district", "year"], draws=5, min_share=0.1)
    told = data.dropna(subset=["value_added"])
    for code, kind in (("M1", "manufacturing"), ("S1", "services")):
        sums = (
            told[told["kind"] == kind].groupby(["district", "year"])[["value_added", "employees_avg"]].sum()
        )
        # The same sums added up in another order.
        np.testing.assert_allclose(
            found.ratios[code], sums["value_added"] / sums["employees_avg"], rtol=1e-12
        )
    both = found.groups[["makers", "servers"]]
    assert (both.sum(axis=1) == 60).all() and (both.min(axis=1) == found.groups["firms"]).all()
    assert "M3" in found.lacking
    z = (found.ratios[["S1", "S2"]] - found.ratios[["S1", "S2"]].min()) / np.ptp(
        found.ratios[["S1", "S2"]], axis=0
    )
    np.testing.assert_allclose(found.levels[:, 1], z.mean(axis=1), rtol=1e-12)


def test_what_factories_do_moves_the_level_of_making_alone() -> None:
    data = panel()
    makes = data["kind"] == "manufacturing"
    found = aggregates.aggregates(data, ["district", "year"], draws=3, min_share=0.1)
    richer = data.assign(value_added=data["value_added"].mask(makes, data["value_added"] ** 2))
    again = aggregates.aggregates(richer, ["district", "year"], draws=3, min_share=0.1)
    np.testing.assert_array_equal(found.levels[:, 1], again.levels[:, 1])
    assert not np.allclose(found.levels[:, 0], again.levels[:, 0])


def test_a_ratio_that_few_report_is_missing() -> None:
    data = panel()
    serves = data["kind"] == "services"
    data.loc[(data["district"] == "a") & serves, ["value_added", "total_profit"]] = np.nan
    found = aggregates.aggregates(data, ["district", "year"], draws=3, min_share=0.1)
    assert np.isnan(found.levels[:2, 1]).all() and not np.isnan(found.levels[2:, 1]).any()
    assert np.isnan(found.draws[:, :2, 1]).all() and not np.isnan(found.levels[:, 0]).any()


def test_ten_firms_make_a_ratio_and_nine_do_not() -> None:
    data = panel(20).query("kind == 'manufacturing'").groupby(["district", "year"]).head(10)
    made = pd.concat([data, data]).groupby(["district", "year"]).head(10)
    serves = made.assign(kind="services")
    asked = {"draws": 3, "min_share": 0.1}
    found = aggregates.aggregates(pd.concat([made, serves]), ["district", "year"], **asked)
    assert (found.groups["firms"] == 10).all() and found.ratios.notna().all(axis=None)
    fewer = pd.concat([made.reset_index(drop=True).drop(index=0), serves])
    again = aggregates.aggregates(fewer, ["district", "year"], **asked)
    assert again.ratios["M1"].isna().sum() == 1 and again.ratios["S1"].notna().all()


def test_resamples_vary_as_the_delta_method_says() -> None:
    data = panel(400)[["district", "year", "kind", "value_added", "employees_avg"]]
    found = aggregates.aggregates(data, ["district"], draws=2000, min_share=0.1)
    for k, district in enumerate("abc"):
        own = data[(data["district"] == district) & (data["kind"] == "services")]
        r = own["value_added"].sum() / own["employees_avg"].sum()
        left = own["value_added"] - r * own["employees_avg"]
        se = np.sqrt((left**2).sum()) / own["employees_avg"].sum()
        width = np.ptp(found.ratios["S1"])
        # Levels in the middle of the range are not cut off; those at its ends are.
        if 0.05 < found.levels[k, 1] < 0.95:
            assert found.draws[:, k, 1].std() * width == pytest.approx(se, rel=0.5)
    assert ((found.levels[:, 1] > 0.05) & (found.levels[:, 1] < 0.95)).any()


def test_what_cannot_be_done_is_said() -> None:
    with pytest.raises(IndicatorError, match="no column park_id"):
        aggregates.aggregates(panel(), ["park_id"])
    with pytest.raises(IndicatorError, match="no ratio of the system 'services'"):
        aggregates.aggregates(panel().query("kind == 'manufacturing'"), ["district"])


def test_mistakes_do_what_they_are_known_for() -> None:
    u = np.array([[0.64, 0.36], [0.5, 0.5], [0.9, 0.1], [0.2, 0.3]])
    d = mistakes.coordination(u)
    # Hand-worked: C = .96, T = .5.
    assert d["right"][0] == pytest.approx(np.sqrt(0.48), rel=1e-12)
    assert d["lost_coefficient"][0] == pytest.approx(np.sqrt(0.24), rel=1e-12)
    assert d["no_root"][0] == pytest.approx(0.48, rel=1e-12)
    np.testing.assert_allclose(d["right"], coupling.identity(u), rtol=1e-12)
    # Rescaled: who is shown decides. Taking the last unit away changes the first's D.
    assert mistakes.coordination(u[:3])["rescaled"][0] != d["rescaled"][0]
    assert mistakes.coordination(u[:3])["right"][0] == d["right"][0]
    table = mistakes.compare(d).set_index("error")
    assert table.loc["right", ["spearman", "mean_shift", "regraded"]].tolist() == [1, 0, 0]
    assert table.loc["no_root", "regraded"] > 0 and table.loc["no_root", "spearman"] == pytest.approx(1)


def test_entropy_mistakes() -> None:
    rng = np.random.default_rng(3)
    z = rng.random((300, 3)) ** [1, 3, 9]
    w = mistakes.entropy_weights(z, 10)
    assert w["right"].argmax() == 2 and w["ln_T"].argmax() == 0  # ln T turns the order round
    # Adding one flattens differences: weights come nearer to each other.
    assert np.ptp(w["shift_1"]) != pytest.approx(np.ptp(w["right"]))
    for found in w.values():
        assert found.sum() == pytest.approx(1)


def test_flips_by_hand() -> None:
    draws = np.array([[0.49, 0.7], [0.51, 0.7], [0.52, 0.7], [0.48, np.nan]])
    table = coupling.flip(draws[:, :1], [0.495])
    assert table["grade"].item() == 5 and table["flip"].item() == 0.5
    assert np.isnan(coupling.flip(draws[:, 1:], [np.nan])["flip"].item())


def test_points_of_chains_add_up_to_the_mean_index() -> None:
    from fusion.indicators import measure

    rng = np.random.default_rng(4)
    values = pd.DataFrame(rng.random((24, 3)), columns=["A1", "B1", "E1"])
    values = values.assign(firm_id=range(24), year=2020)
    how = {
        "treatment": "none",
        "winsor_tail": 0.0,
        "normalise": "minmax",
        "bounds": "pooled",
        "weights": "equal",
    }
    how |= {
        "chain_weights": "equal",
        "aggregation": "arithmetic",
        "aggregation_floor": 0.01,
        "min_chain_share": 0.6,
    }
    state, _ = measure.fusion_index(values, ["A1", "B1", "E1"], measure.steps(**how))
    groups = pd.Series(["P1"] * 15 + ["P2"] * 9)
    points = measure.chain_points(state, pd.Series(True, index=values.index), groups)
    assert set(points["path"]) == {"P1"} and (points["units"] == 15).all(), "nine firms are too few"
    assert points["points"].sum() == pytest.approx(state.index.scores["index"][:15].mean(), rel=1e-12)


def test_coupling_of_the_last_year_and_errors_of_all() -> None:
    data = panel().assign(firm_id=lambda f: f.index.astype(str))
    found = aggregates.coupled(data, "district", "standard", "right", draws=20, seed=1)
    assert set(found.latest["year"]) == {2020} and found.latest["degree"].is_monotonic_decreasing
    assert found.lacking and (found.wrong["units"] == len(data)).all()
    makers = data[data["kind"] == "manufacturing"]
    for rows, by in ((makers, "district"), (data, "park_id")):
        assert aggregates.coupled(rows, by, "standard", "right", draws=2, seed=1) == aggregates.NO_COUPLING
