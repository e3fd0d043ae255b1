"""A curve's estimates equal single fits; permutation tests hold their size and see effects."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators import effects
from estimators.engines.exact.randomise import permuted_treatments, randomisation_test
from estimators.engines.within import feols
from estimators.robustness.speccurve import (
    Specification,
    curve,
    joint_test,
    permuted_estimates,
    specifications,
)

# Two exact methods with different sums: rounding is left.
SAME = {"rtol": 1e-9, "atol": 1e-12}


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    data = pd.DataFrame([(f, t) for f in range(150) for t in range(2012, 2020)], columns=["firm", "year"])
    data = data[rng.random(len(data)) < 0.8].reset_index(drop=True)
    n = len(data)
    data["industry"] = np.where(rng.random(n) < 0.03, 2, data["firm"] % 5)
    data["district"] = [f"D{f % 12}" for f in data["firm"]]
    data["path"] = (data["firm"] % 3).astype(str)
    start = np.where(np.arange(150) % 3 == 0, np.nan, 2014 + np.arange(150) % 4)
    data["start"] = start[data["firm"]]
    data["pilot"] = (data["year"] >= data["start"]).astype(float)
    data["dose"] = data["pilot"] * rng.random(n)
    for name in ("a", "b", "c"):
        data[name] = rng.normal(size=n) + data["firm"] % 7
    data["twin"] = 2 * data["a"] - data["b"]
    data.loc[rng.random(n) < 0.05, "c"] = np.nan
    data["y"] = 0.4 * data["pilot"] + 0.3 * data["a"] + data["firm"] % 9 + rng.normal(size=n)
    data["log_y"] = data["y"] ** 3 / 100
    return data


def all_specs() -> list[Specification]:
    return specifications(
        ["y", "log_y"],
        ["pilot", "dose"],
        [(), ("a",), ("a", "b", "twin"), ("a", "c")],
        [("firm",), ("firm", "year"), ("firm", "industry^year")],
        ["firm", "district"],
        ["all", "early"],
    )


@pytest.mark.parametrize("k_fixef", ["nonnested", "full", "rank"])
def test_every_specification_equals_a_single_fit(panel: pd.DataFrame, k_fixef: str) -> None:
    early = (panel["year"] < 2018).to_numpy()
    specs = all_specs()
    table = curve(panel, specs, {"early": early}, {"k_fixef": k_fixef})
    assert len(table) == len(specs) == 192
    for i in range(0, len(specs), 29 if k_fixef == "nonnested" else 71):
        spec = specs[i]
        rows = panel[early] if spec.sample == "early" else panel
        single = feols(spec.design, rows, {"CRV1": spec.cluster}, ssc={"k_fixef": k_fixef})
        row = table.iloc[i]
        np.testing.assert_allclose(row["estimate"], single.coef().iloc[0], **SAME)
        np.testing.assert_allclose(row["std_error"], single.se().iloc[0], **SAME)
        np.testing.assert_allclose(row["p_value"], single.pvalue().iloc[0], rtol=1e-8)
        np.testing.assert_allclose(row[["ci_low", "ci_high"]].astype(float), single.confint().iloc[0], **SAME)
        assert (row["n"], row["parameters"]) == (single.n, single.parameters)
        assert ("twin is collinear" in row["dropped"]) == ("twin" in single.dropped)


def test_an_absorbed_treatment_is_missing_not_wrong(panel: pd.DataFrame) -> None:
    data = panel.assign(era=(panel["year"] > 2015).astype(float))
    table = curve(data, specifications(["y"], ["era"], [(), ("a",)], [("firm",), ("firm", "year")], ["firm"]))
    assert table["estimate"].isna().tolist() == [False, True, False, True]
    assert table["dropped"].str.contains("era is absorbed").tolist() == [False, True, False, True]


def test_permuted_estimates_equal_single_fits(panel: pd.DataFrame) -> None:
    draws = permuted_treatments(panel, "firm", "year", "start", 5, ["path"], seed=2)
    specs = all_specs()[::37]
    early = (panel["year"] < 2018).to_numpy()
    got = permuted_estimates(panel, specs, draws, {"early": early})
    for i, spec in enumerate(specs):
        data = panel.assign(**{spec.treatment: draws[:, 3]})
        rows = data[early] if spec.sample == "early" else data
        np.testing.assert_allclose(got[i, 3], feols(spec.design, rows).coef().iloc[0], **SAME)


def test_permutations_keep_cohorts_and_paths(panel: pd.DataFrame) -> None:
    draws = permuted_treatments(panel, "firm", "year", "start", 20, ["path"], seed=1)
    assert draws.shape == (len(panel), 20) and set(np.unique(draws)) == {0.0, 1.0}
    # Firms of path "0" are never treated, so that no draw treats them; some other firm's dates change in each draw.
    assert not draws[(panel["path"] == "0").to_numpy()].any()
    assert (draws != panel[["pilot"]].to_numpy()).any(axis=0).all()
    last = panel["year"] == 2019
    full = panel.groupby("firm")["year"].transform("max") == 2019
    assert full[last].all()
    balanced = pd.DataFrame([(f, t) for f in range(150) for t in range(2012, 2020)], columns=["firm", "year"])
    balanced["start"] = balanced["firm"].map(panel.groupby("firm")["start"].first())
    balanced["path"] = (balanced["firm"] % 3).astype(str)
    many = permuted_treatments(balanced, "firm", "year", "start", 7, ["path"])
    by_year = pd.DataFrame(many).groupby([balanced["path"], balanced["year"]]).sum()
    assert by_year.eq(by_year[0], axis=0).all(
        axis=None
    )  # as many treated in each path and year, whatever the draw


def test_treatments_that_end(panel: pd.DataFrame) -> None:
    data = panel.assign(stop=panel["start"] + 1)
    draws = permuted_treatments(data, "firm", "year", "start", 3, end="stop")
    assert pd.DataFrame(draws).groupby(data["firm"].to_numpy()).sum().to_numpy().max() == 2


def test_randomisation_test_sees_an_effect_and_only_then(panel: pd.DataFrame) -> None:
    draws = permuted_treatments(panel, "firm", "year", "start", 199, ["path"], seed=3)
    given = ("pilot", ["a"], ["firm", "year"], "firm", draws)
    found = randomisation_test(panel, "y", *given)
    want = feols("y ~ pilot + a | firm + year", panel, ssc={"k_adj": False, "G_adj": False})
    np.testing.assert_allclose([found.estimate, found.t], [want.coef().iloc[0], want.tstat().iloc[0]], **SAME)
    one = feols(
        "y ~ pilot + a | firm + year", panel.assign(pilot=draws[:, 7]), ssc={"k_adj": False, "G_adj": False}
    )
    np.testing.assert_allclose(found.values[7], one.tstat().iloc[0], **SAME)
    assert found.p_value == 1 / 200  # 0.4 with a standard error near 0.08: none of 199 comes near
    none = randomisation_test(
        panel.assign(y=panel["y"] - 0.4 * panel["pilot"]), "y", *given, statistic="estimate"
    )
    assert none.p_value > 0.05


def test_joint_test(panel: pd.DataFrame) -> None:
    specs = specifications(["y"], ["pilot"], [(), ("a",), ("b",)], [("firm", "year")], ["firm"])
    draws = permuted_treatments(panel, "firm", "year", "start", 99, ["path"])
    permuted = permuted_estimates(panel, specs, draws)
    table = curve(panel, specs)
    found = joint_test(table["estimate"].to_numpy(), permuted)
    assert found.median == pytest.approx(table["estimate"].median()) and found.median_p == 0.01
    assert found.same_sign == 1.0
    # A draw of the permutations themselves is not unusual among them: its rank is uniform, here fixed by the seed.
    assert joint_test(permuted[:, 0], permuted[:, 1:]).median_p > 0.01


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outcomes": ["nothing"]}, "no column nothing"),
        ({"outcomes": ["district"]}, "needs a number"),
        ({"samples": ["late"]}, "no sample late; there are: all"),
        ({"clusters": ["one"]}, "'one' has one cluster"),
        ({"outcomes": []}, "no specification"),
    ],
)
def test_errors_say_what_is_wrong(panel: pd.DataFrame, change: dict[str, list[str]], message: str) -> None:
    given = {
        "outcomes": ["y"],
        "treatments": ["pilot"],
        "controls": [()],
        "effects": [("firm",)],
        "clusters": ["firm"],
    }
    with pytest.raises(effects.EffectsError, match=message):
        curve(panel.assign(one=1), specifications(**{**given, **change}))


def test_masks_and_draws_must_fit_the_rows(panel: pd.DataFrame) -> None:
    specs = specifications(["y"], ["pilot"], [()], [("firm",)], ["firm"])
    with pytest.raises(effects.EffectsError, match="sample 'odd' is int64 of shape"):
        curve(panel, specs, {"odd": np.arange(3)})
    with pytest.raises(effects.EffectsError, match="treatments have 3 rows"):
        permuted_estimates(panel, specs, np.ones((3, 2)))
    with pytest.raises(effects.EffectsError, match="'pilot' varies within 'firm'"):
        permuted_treatments(panel, "firm", "year", "pilot", 2)
