"""Effects by group against pyfixest, joint tests by simulation, mediation with known truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from estimators.effects import heterogeneity, mediation
from estimators.errors import EffectsError
from estimators.robustness import multiplicity


def panel(seed: int = 1, firms: int = 200, effects: tuple[float, float] = (0.5, 0.1)) -> pd.DataFrame:
    """Firms of two groups with different effects and different courses of years, unbalanced; d starts at 5."""
    draw = np.random.default_rng(seed)
    rows = []
    for i in range(firms):
        group, start = "ab"[i % 2], 5 if draw.random() < 0.4 else 99
        level, z = draw.normal(), draw.normal()
        for year in range(10):
            if draw.random() < 0.1:
                continue
            d, x = float(year >= start), draw.normal()
            y = (
                level
                + 0.1 * year * (group == "b")
                + effects[group == "b"] * d
                + 0.3 * x
                + draw.normal(0, 0.5)
            )
            rows.append((f"F{i}", year, group, start if start < 99 else np.nan, d, x, y, z))
    return pd.DataFrame(rows, columns=["firm_id", "year", "group", "start", "d", "x", "y", "z"])


def test_by_group_equals_pyfixest() -> None:
    """Same regression, same correction: to rounding (1e-9 relative)."""
    import pyfixest as pf

    data = panel()
    found = heterogeneity.by_group(data, "y", "d", data["group"], ["x"])
    wide = data.assign(a=data["d"] * (data["group"] == "a"), b=data["d"] * (data["group"] == "b"))
    wide["course"] = wide["group"] + wide["year"].astype(str)
    fit = pf.feols("y ~ a + b + x | firm_id + course", wide, vcov={"CRV1": "firm_id"}, fixef_rm="none")
    assert found.table["estimate"].to_numpy() == pytest.approx(fit.coef()[["a", "b"]].to_numpy(), rel=1e-9)
    # Their correction differs by the parameters it counts: restate by the ratio of the factors, which is one number.
    ratio = found.table["std_error"].to_numpy() / fit.se()[["a", "b"]].to_numpy()
    assert ratio[0] == pytest.approx(ratio[1], rel=1e-9) and ratio[0] == pytest.approx(1, abs=0.02)


def test_the_difference_is_tested_and_has_its_size() -> None:
    """Different effects are found; equal ones rejected in 5 percent: 200 draws give 2 to 19 with probability > .99."""
    data = panel()
    assert heterogeneity.by_group(data, "y", "d", data["group"], ["x"]).equal()[1] < 0.001
    rejected = 0
    for seed in range(200):
        data = panel(seed, firms=80, effects=(0.3, 0.3))
        rejected += heterogeneity.by_group(data, "y", "d", data["group"], ["x"]).equal()[1] < 0.05
    assert 2 <= rejected <= 22


def test_wald_by_hand() -> None:
    # One difference of 2 with variance 1 + 1: F = 4 / 2.
    statistic, p = heterogeneity.wald_equal(np.array([1.0, 3.0]), np.eye(2), 1000)
    assert statistic == pytest.approx(2.0) and p == pytest.approx(0.1576, abs=2e-4)
    assert np.isnan(heterogeneity.wald_equal(np.array([1.0]), np.eye(1), 10)[0])


def test_a_group_is_read_before_treatment() -> None:
    table = pd.DataFrame(
        {"firm_id": ["a"] * 3 + ["b"] * 2 + ["c"], "year": [1, 2, 3, 1, 2, 5], "start": [3.0] * 3 + [np.nan] * 2 + [4.0],
         "own": ["state", "private", "foreign", "x", "y", "late"]}
    )  # fmt: skip
    found = heterogeneity.freeze(table, "own", "firm_id", "start")
    # a: last before 3; b: never treated, its first; c: nothing before 4, its first.
    assert found.tolist() == ["private"] * 3 + ["x"] * 2 + ["late"]


def test_small_groups_are_left_out_and_named() -> None:
    data = panel()
    groups = data["group"].where(data["firm_id"] != "F0", "tiny")
    found = heterogeneity.by_group(data, "y", "d", groups, ["x"])
    assert list(found.table.index) == ["a", "b"] and found.dropped == ("tiny",)
    with pytest.raises(EffectsError, match="has 1000 units whose treatment changes"):
        heterogeneity.by_group(data, "y", "d", groups, smallest=1000)


def test_splits_are_estimated_and_what_is_too_small_is_named() -> None:
    data = panel().assign(lone="all")
    tiny = data["group"].where(data["firm_id"] != "F0", "tiny")
    splits = {"own": tiny, "lone": data["lone"], "rare": tiny.where(tiny == "tiny")}
    found, small = heterogeneity.by_split(data, "y", "d", splits, ["x"], smallest=10)
    assert list(found) == ["own"] and small == ["own = tiny", "rare = tiny"]
    treated = data[(data["d"] == 1) & (tiny != "tiny")].groupby("group")["firm_id"].nunique()
    assert found["own"].table["units"].tolist() == treated.tolist()
    family = multiplicity.family(found, "benjamini_hochberg", 99, 1)
    assert family["regression"].tolist() == ["own", "own"] and (family["adjusted"] >= family["p_value"]).all()
    assert set(multiplicity.family({}, "romano_wolf", 99, 1)) <= set(family)
    still = next(iter(found.values()))
    still = replace(still, influence=still.influence * 0)  # an outcome that nothing moves stopped a notebook
    assert multiplicity.family({"still": still} | found, "benjamini_hochberg", 99, 1).equals(family)


def test_tags_make_a_group_each() -> None:
    table = pd.DataFrame(
        {"firm_id": list("aabc"), "year": [1, 2, 1, 1], "start": [2.0, 2.0, np.nan, np.nan],
         "fields": ["F1", "F1,F2", None, "F2"]}
    )  # fmt: skip
    found = heterogeneity.tagged(table, "fields", "firm_id", "start")
    assert {k: v.tolist() for k, v in found.items()} == {
        "F1": ["in", "in", "outside", "outside"],
        "F2": ["outside", "outside", "outside", "in"],
    }
    assert (
        heterogeneity.tagged(table, None, "firm_id") == {} == heterogeneity.tagged(table, "none", "firm_id")
    )


def test_a_treatment_that_is_no_switch_has_no_groups() -> None:
    data = panel()
    assert len(heterogeneity.on_off(data, "d")) == len(data)
    for other in (data["d"] * 2, data["x"], data["d"] * 0):
        assert heterogeneity.on_off(data.assign(d=other), "d").empty


def test_a_moderator_is_found() -> None:
    """An effect of .3 + .2 z: within three standard errors (about .03 each)."""
    data = panel(3, effects=(0.3, 0.3))
    data["y"] += 0.2 * data["z"] * data["d"]
    found = heterogeneity.moderated(data, "y", "d", data["z"], ["x"]).table
    spread = data["z"].std(ddof=0)
    for term, truth in (("effect", 0.3 + 0.2 * data["z"].mean()), ("per_sd", 0.2 * spread)):
        assert abs(found.loc[term, "estimate"] - truth) < 3 * found.loc[term, "std_error"]
    with pytest.raises(EffectsError, match="the same for all"):
        heterogeneity.moderated(data, "y", "d", pd.Series(1.0, index=data.index, name="m"))


def test_absorbed_terms_are_named() -> None:
    data = panel().assign(flat=1.0)
    found = heterogeneity.by_group(data, "y", "d", data["group"], ["x", "flat"])
    assert len(found.table) == 2
    with pytest.raises(EffectsError, match="absorb every regressor"):
        heterogeneity.by_group(data.assign(d=1.0), "y", "d", data["group"], smallest=0)


def test_a_group_counts_units_whose_treatment_changes() -> None:
    """Units treated in all their rows say nothing of an effect within units: one that changes is one, not eleven."""
    data = panel()
    on = data.groupby("firm_id")["d"].transform("max") > 0
    one = data.loc[on & (data["group"] == "a"), "firm_id"].unique()[0]
    d = data["d"].where((data["group"] == "b") | ~on | (data["firm_id"] == one), 1.0)
    with pytest.raises(EffectsError, match="units whose treatment changes"):
        heterogeneity.by_group(data.assign(d=d), "y", "d", data["group"].where(data["group"] == "a"), ["x"])
    found = heterogeneity.by_group(data.assign(d=d), "y", "d", data["group"], ["x"], smallest=1)
    assert found.table.loc["a", "units"] == 1 and found.table.loc["a", "n"] == (data["group"] == "a").sum()


@pytest.mark.parametrize("unit", [1e8, 1e-8])
def test_no_group_effect_depends_on_units(unit: float) -> None:
    data = panel()
    one = heterogeneity.by_group(data, "y", "d", data["group"], ["x"])
    other = heterogeneity.by_group(
        data.assign(y=data["y"] * unit, d=data["d"] / unit, x=data["x"] * unit),
        "y",
        "d",
        data["group"],
        ["x"],
    )
    np.testing.assert_allclose(other.table["estimate"] / unit**2, one.table["estimate"], rtol=1e-8)
    np.testing.assert_allclose(other.table["p_value"], one.table["p_value"], rtol=1e-6)


def test_romano_wolf_by_hand() -> None:
    star = np.array([[0.5, 2.5], [3.5, 0.1], [1.0, 1.0], [0.2, 2.1]])
    # Largest statistic 3 (second): draws with max ≥ 3: one of four, (1 + 1) / 5. Then 2 (first) against its own draws:
    # one of four, (1 + 1) / 5, kept monotone.
    assert multiplicity.romano_wolf([2.0, -3.0], star).tolist() == [0.4, 0.4]
    assert multiplicity.romano_wolf([0.3, 3.0], star).tolist() == [0.8, 0.4]


def test_romano_wolf_keeps_the_family_wise_error() -> None:
    """Six true nulls: at least one rejected at 5 percent in about 5 percent of 200 families (2 to 20)."""
    wrong = 0
    for seed in range(200):
        psi = np.random.default_rng(seed).normal(size=(100, 6)) + np.random.default_rng(seed).normal(
            size=(100, 1)
        )
        t = psi.sum(axis=0) / np.sqrt((psi**2).sum(axis=0))
        wrong += multiplicity.romano_wolf(t, multiplicity.multiplier_draws(psi, 199, seed)).min() <= 0.05
    assert 2 <= wrong <= 20


def test_joint_draws_keep_dependence() -> None:
    data = panel()
    effects = heterogeneity.on_outcomes(data.assign(y2=data["y"] * 2), ["y", "y2"], "d", ["x"])
    table, influence = heterogeneity.joined(effects)
    draws = multiplicity.multiplier_draws(influence, 50, 1)
    assert np.abs(draws[:, 0] - draws[:, 1]).max() < 1e-9, "the same outcome in other units is the same test"
    p = multiplicity.romano_wolf(table["statistic"], draws)
    assert p[0] == p[1], "and costs nothing"
    with pytest.raises(EffectsError, match="some influence"):
        multiplicity.multiplier_draws(np.zeros((3, 2)), 5, 1)


def test_mediation_finds_the_truth_and_its_limit() -> None:
    """Effect .5 on the mediator, .4 from it: .2 indirect; with a confounder ρ is where the zero lies."""
    draw = np.random.default_rng(2)
    data = panel(4, firms=400, effects=(0.3, 0.3))
    data["m"] = 0.5 * data["d"] + draw.normal(0, 0.5, len(data))
    data["y"] += 0.4 * data["m"]
    found = mediation.mediation(data, "y", "d", "m", ["x"], draws=200, seed=1)
    assert found.ci_low < 0.2 < found.ci_high and found.indirect == pytest.approx(0.2, abs=0.05)
    assert found.total == pytest.approx(0.5, abs=0.1) and found.share == found.indirect / found.total
    near = found.path.iloc[(found.path["rho"] - found.rho_zero).abs().argmin()]
    assert abs(near["indirect"]) < 0.05, (
        "the indirect effect is gone where rho is the errors' own correlation"
    )
    again = mediation.mediation(data, "y", "d", "m", ["x"], draws=200, seed=1)
    assert (again.ci_low, again.ci_high) == (found.ci_low, found.ci_high)


def test_mediation_equals_the_product_of_coefficients() -> None:
    """At rho = 0: β₂ · γ, with γ from the regression of the outcome on treatment and mediator (pyfixest), to 1e-9."""
    import pyfixest as pf

    data = panel(5)
    data["m"] = 0.5 * data["d"] + np.random.default_rng(3).normal(0, 0.5, len(data))
    found = mediation.mediation(data, "y", "d", "m", ["x"], draws=10)
    options = {"fixef_rm": "none", "fixef_tol": 1e-12}
    first = pf.feols("m ~ d + x | firm_id + year", data, **options).coef()["d"]
    second = pf.feols("y ~ d + m + x | firm_id + year", data, **options).coef()["m"]
    assert found.indirect == pytest.approx(first * second, rel=1e-9)
