"""Imputation from sums: by hand, against diff-diff, and the same in any unit of measurement."""

from __future__ import annotations

import warnings

import diff_diff as dd
import numpy as np
import pandas as pd
import pytest

from estimators.effects.imputation import bands, fit, inference, leads, model, tables
from estimators.errors import EffectsError

NAMES = {"outcome": "y", "unit": "unit", "time": "year", "start": "start"}
KEYS = {"outcome": "y", "unit": "unit", "time": "year", "first_treat": "start"}


@pytest.fixture(scope="module")
def small() -> pd.DataFrame:
    """A starts in year 3, B in 4, C never."""
    values = {"A": [4, 5, 9, 12], "B": [2, 3, 6, 9], "C": [1, 2, 4, 5]}
    starts = {"A": 3, "B": 4, "C": 0}
    return pd.DataFrame(
        [
            {"unit": u, "year": t + 1, "y": float(y), "start": starts[u]}
            for u, listed in values.items()
            for t, y in enumerate(listed)
        ]
    )


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    """300 units, 10 years, 15 per cent of rows missing, three paths, a slope; effects grow."""
    rng = np.random.default_rng(5)
    unit, year = np.repeat(np.arange(300), 10), np.tile(np.arange(2010, 2020), 300)
    start = rng.choice([0, 2013, 2015, 2017], 300, p=[0.6, 0.15, 0.15, 0.1])[unit]
    path = rng.integers(0, 3, 300)[unit]
    x = rng.normal(size=3000) + 0.01 * unit
    after = (start > 0) & (year >= start)
    y = (
        rng.normal(size=300)[unit]
        + 0.1 * (year - 2010) * (1 + path)
        + 0.5 * x
        + after * (0.2 + 0.05 * (year - start))
    )
    data = pd.DataFrame({"unit": unit, "year": year, "start": start, "path": path, "x": x})
    data["y"] = y + rng.normal(0, 0.3, 3000)
    data["group"] = unit // 12
    return data[rng.random(3000) > 0.15].reset_index(drop=True)


def theirs(estimator: object, data: pd.DataFrame, **more: object) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(data, **KEYS, **more)  # type: ignore[attr-defined]


def test_by_hand(small: pd.DataFrame) -> None:
    """Worked with fractions: effects, covariance with cohort means, event time 0 and overall."""
    found = fit(small, **NAMES, centre="cohort")
    atoms = found.atoms.set_index(["start", "event_time"])["estimate"]
    assert atoms.to_dict() == pytest.approx({(3, 0): 3 / 2, (3, 1): 23 / 6, (4, 0): 8 / 3}, abs=1e-12)
    by_hand = np.array([[1 / 8, 1 / 24, 0], [1 / 24, 1 / 72, 0], [0, 0, 0]])
    np.testing.assert_allclose(found.covariance, by_hand, atol=1e-14)
    overall = found.overall()
    assert overall.estimate == pytest.approx(8 / 3) and overall.std_error == pytest.approx(np.sqrt(2 / 81))
    study = found.event_study().set_index("event_time")
    assert study.loc[0, "estimate"] == pytest.approx(25 / 12)
    assert study.loc[0, "std_error"] == pytest.approx(np.sqrt(1 / 32))
    weights = found.implied(inference._overall(found))
    v = pd.Series(weights[:, 0], index=found.data.loc[found.untreated, "unit"])
    assert v["A"].tolist() == pytest.approx([-1 / 3, -1 / 3])
    assert v["B"].tolist() == pytest.approx([0, 0, -1 / 3])
    assert v["C"].tolist() == pytest.approx([1 / 3, 1 / 3, 0, -2 / 3])


def test_without_never_treated_units_the_last_years_have_no_counterfactual(small: pd.DataFrame) -> None:
    found = fit(small[small["unit"] != "C"], **NAMES)
    assert found.lost[["year", "start", "reason", "rows"]].to_numpy().tolist() == [
        [4, 3, "nobody_untreated", 1],
        [4, 4, "nobody_untreated", 1],
    ]
    assert found.atoms["event_time"].tolist() == [0] and np.isnan(
        found.overall().std_error
    )  # one treated cluster


@pytest.mark.parametrize("cluster", [None, "group"])
def test_equals_the_package(panel: pd.DataFrame, cluster: str | None) -> None:
    """Estimates and errors of diff-diff's imputation (cohort means) and two-stage; two solutions in double precision."""
    ours = fit(panel, **NAMES, cluster=cluster, centre="cohort")
    package = theirs(dd.ImputationDiD(cluster=cluster or "unit"), panel, aggregate="event_study")
    overall = ours.overall()
    assert overall.estimate == pytest.approx(package.overall_att, abs=1e-9)  # type: ignore[attr-defined]
    assert overall.std_error == pytest.approx(package.overall_se, rel=1e-8)  # type: ignore[attr-defined]
    listed = {k: v for k, v in package.event_study_effects.items() if k >= 0}  # type: ignore[attr-defined]
    study = ours.event_study().set_index("event_time")
    for when, one in listed.items():
        assert study.loc[when, "estimate"] == pytest.approx(one["effect"], abs=1e-9)
        assert study.loc[when, "std_error"] == pytest.approx(one["se"], rel=1e-8)
    other = theirs(dd.TwoStageDiD(cluster=cluster or "unit"), panel)
    assert model.two_stage(ours)["overall"].std_error == pytest.approx(other.overall_se, rel=1e-6)  # type: ignore[attr-defined]


def dense(data: pd.DataFrame, columns: list[np.ndarray], slopes: np.ndarray) -> np.ndarray:
    """Implied weights of the overall effect from one dense least squares: the same by brute force."""
    on = ((data["start"] > 0) & (data["year"] >= data["start"])).to_numpy()
    blocks = [pd.get_dummies(c).to_numpy(float) for c in columns]
    z = np.column_stack([*blocks, slopes])
    q = on / on.sum()
    v = q.copy()
    v[~on] = -np.linalg.pinv(z[~on]).T @ (z[on].T @ q[on])
    return v


@pytest.mark.parametrize("cells", [[], ["path"]])
def test_effects_of_cells_and_slopes_equal_dense_least_squares(panel: pd.DataFrame, cells: list[str]) -> None:
    data = panel[panel["unit"] < 120].reset_index(drop=True)
    ours = fit(data, **NAMES, cells=cells, slopes=["x"], centre="overall")
    # Rows of units without an untreated row have no counterfactual in either.
    kept = ours.treated | ours.untreated
    data = data[kept].reset_index(drop=True)
    ours = fit(data, **NAMES, cells=cells, slopes=["x"], centre="overall")
    level = data["year"].astype(str) + ("" if not cells else "/" + data["path"].astype(str))
    v = dense(data, [data["unit"].to_numpy(), level.to_numpy()], data[["x"]].to_numpy())
    assert ours.overall().estimate == pytest.approx(float(v @ data["y"]), abs=1e-10)
    residual = np.empty(len(data))
    residual[ours.untreated] = ours.solved.residual
    residual[ours.treated] = ours.effect - ours.effect.mean()
    psi = pd.Series(v * residual).groupby(data["unit"]).sum()
    assert ours.overall().std_error == pytest.approx(float(np.sqrt((psi**2).sum())), rel=1e-9)
    np.testing.assert_allclose(ours.implied(inference._overall(ours))[:, 0], v[ours.untreated], atol=1e-12)


def test_leave_one_out_by_brute_force(panel: pd.DataFrame) -> None:
    """τ̃ of a unit is the mean of the other units' effects in its atom."""
    ours = fit(panel, **NAMES, cells=["path"])
    held = ours.data[ours.treated].assign(effect=ours.effect, atom=ours.atom)
    total = 0.0
    base = -ours.residual_sums(ours.directions(inference._overall(ours)))[:, 0]
    for unit in range(len(ours.cluster)):
        own = held[ours.rows.unit[ours.treated] == unit]
        part = base[unit]
        for row in own.itertuples():
            others = held[(held["atom"] == row.atom) & (held["unit"] != row.unit)]["effect"]
            part += (row.effect - others.mean()) / len(held)
        total += part**2
    assert (ours.atoms["clusters"] > 1).all()
    assert ours.overall().std_error == pytest.approx(np.sqrt(total), rel=1e-10)


@pytest.mark.parametrize(("y_scale", "x_scale"), [(1e4, 1e-6), (1e-4, 1e8)])
def test_no_unit_of_measurement_matters(panel: pd.DataFrame, y_scale: float, x_scale: float) -> None:
    first = fit(panel, **NAMES, cells=["path"], slopes=["x"])
    moved = panel.assign(y=panel["y"] * y_scale + 1e3 * y_scale, x=panel["x"] * x_scale + 50 * x_scale)
    second = fit(moved.sample(frac=1, random_state=2), **NAMES, cells=["path"], slopes=["x"])
    a, b = first.overall(), second.overall()
    assert b.estimate == pytest.approx(a.estimate * y_scale, rel=1e-9)
    assert b.std_error == pytest.approx(a.std_error * y_scale, rel=1e-9)
    assert b.rows == a.rows and len(second.lost) == len(first.lost)


def test_a_slope_that_only_treated_rows_know_is_not_identified(panel: pd.DataFrame) -> None:
    on = (panel["start"] > 0) & (panel["year"] >= panel["start"])
    with pytest.raises(EffectsError, match="counterfactual"):
        fit(panel.assign(z=on * 1e-6), **NAMES, slopes=["z"])


def test_dose_is_the_slope_of_effects(panel: pd.DataFrame) -> None:
    found = fit(panel, **NAMES)
    dose = panel["year"] - panel["start"].where(panel["start"] > 0)
    slope = found.dose(dose.fillna(0).to_numpy(float))
    x = np.column_stack([np.ones(found.treated.sum()), dose[found.treated]])
    assert slope.estimate == pytest.approx(np.linalg.lstsq(x, found.effect, rcond=None)[0][1], abs=1e-12)
    assert slope.estimate == pytest.approx(0.05, abs=4 * slope.std_error)


def test_signs_by_brute_force(panel: pd.DataFrame) -> None:
    """Each end of the interval is where the share of sign vectors that are as large falls to the size."""
    data = panel.assign(area=panel["unit"] % 7)
    found = fit(data, **NAMES)
    tested = inference.by_signs(found, data["area"].to_numpy(), 0.05)
    parts, shares = inference._group_parts(found, data["area"].to_numpy())
    assert parts.sum() == pytest.approx(
        found.overall().estimate, abs=1e-12
    ) and shares.sum() == pytest.approx(1)
    bits = (np.arange(2**7)[:, None] >> np.arange(7)) & 1
    signs = np.where(bits, -1.0, 1.0)

    def p_value(tau: float) -> float:
        own = parts - tau * shares
        return float((np.abs(signs @ own) >= abs(own.sum()) - 1e-12).mean())

    assert tested.p_value == pytest.approx(p_value(0.0)) and tested.least == pytest.approx(2 / 2**7)
    width = tested.ci_high - tested.ci_low
    for inside, outside in (
        (tested.ci_low + 1e-6 * width, tested.ci_low - 1e-6 * width),
        (tested.ci_high - 1e-6 * width, tested.ci_high + 1e-6 * width),
    ):
        assert p_value(inside) > 0.05 >= p_value(outside)
    few = inference.by_signs(found, (data["unit"] % 4).to_numpy(), 0.05)  # least attainable p is 1/8
    assert few.least == 1 / 8 and np.isinf(few.ci_low) and np.isinf(few.ci_high)


def test_bands_hold_the_whole_path() -> None:
    """Independent estimates: the quantile of the largest of k normals, known in closed form."""
    from scipy.stats import norm

    for k in (1, 4, 10):
        exact = norm.ppf((1 + 0.95 ** (1 / k)) / 2)
        assert bands.simultaneous(np.eye(k)) == pytest.approx(exact, abs=0.02)  # error of 100,000 draws: .008
    assert bands.simultaneous(np.ones((3, 3))) == pytest.approx(1.96, abs=0.02)


def test_few_treated_units(panel: pd.DataFrame) -> None:
    """Four treated units of independent rows: Conley–Taber's width is that of the effects' own spread."""
    some = panel[
        (panel["start"] == 0) | panel["unit"].isin(panel.loc[panel["start"] == 2015, "unit"].unique()[:4])
    ]
    found = fit(some, **NAMES, cells=["path"])
    tested = inference.from_controls(found, draws=4_999)
    assert tested.groups == 4 and tested.least == 1 / 5000 and tested.p_value < 0.05
    width = (tested.ci_high - tested.ci_low) / (2 * 1.96)
    assert width == pytest.approx(found.overall().std_error, rel=0.5)
    flat = some.assign(
        y=some["y"] - ((some["start"] > 0) & (some["year"] >= some["start"])) * found.overall().estimate
    )
    assert inference.from_controls(fit(flat, **NAMES, cells=["path"]), draws=4_999).p_value > 0.9
    with pytest.raises(EffectsError, match="20"):
        inference.from_controls(fit(some[(some["start"] > 0) | (some["unit"] < 15)], **NAMES), draws=99)


def test_bad_input_is_named(panel: pd.DataFrame) -> None:
    for changed, word in (
        (panel.assign(y=panel["y"].where(panel.index != 5)), "'y'"),
        (panel.assign(x=np.where(panel.index == 3, np.inf, 1.0)), "'x'"),
        (pd.concat([panel, panel.iloc[:1]]), "repeat"),
        (
            panel.assign(
                start=np.where(panel.index == panel.index[panel["start"] > 0][0], 2011, panel["start"])
            ),
            "'start'",
        ),
        (panel.assign(start=0), "treated"),
    ):
        with pytest.raises(EffectsError, match=word):
            fit(changed, **NAMES, slopes=["x"])


def test_leads_are_the_packages_and_a_path_starts_from_one_year(panel: pd.DataFrame) -> None:
    found = fit(panel, **NAMES, centre="cohort")
    path = leads.rebased(found, first=-9)
    package = theirs(dd.ImputationDiD(pretrends=True), panel, aggregate="event_study")
    listed = {k: v["effect"] for k, v in package.event_study_effects.items() if k < -1}  # type: ignore[attr-defined]
    for when, effect in listed.items():
        assert path.estimate[when] == pytest.approx(effect, abs=1e-8), when
    # What is added to starters at an event time moves that lead or effect, and no other.
    event = (panel["year"] - panel["start"]).where(panel["start"] > 0)
    for when in (-3, 0, 2):
        moved = leads.rebased(
            fit(panel.assign(y=panel["y"] + (event == when)), **NAMES, centre="cohort"), first=-9
        )
        change = moved.estimate - path.estimate
        assert change[when] == pytest.approx(1, abs=1e-9)
        assert change.drop(when).abs().max() < 1e-9
    base = leads.rebased(fit(panel.assign(y=panel["y"] + (event == -1)), **NAMES, centre="cohort"), first=-9)
    assert (base.estimate - path.estimate).to_numpy() == pytest.approx(-1, abs=1e-9)
    assert (np.linalg.eigvalsh(path.covariance.to_numpy()) > -1e-12).all()


def test_the_paths_errors_are_those_of_many_panels() -> None:
    """120 panels of 60 units: standard deviations of leads and effects within 25 % of the mean error (error of an SD: 6.5 %)."""
    unit, year = np.repeat(np.arange(60), 7), np.tile(np.arange(7), 60)
    start = np.where(np.arange(60) < 15, 3, np.where(np.arange(60) < 30, 4, 0))[unit]
    data = pd.DataFrame({"unit": unit, "year": year, "start": start})
    rng = np.random.default_rng(8)
    drawn, errors = [], []
    for _ in range(120):
        one = leads.rebased(
            fit(data.assign(y=rng.normal(size=len(data))), **NAMES, centre="leave_one_out"), first=-9
        )
        drawn.append(one.estimate)
        errors.append(np.sqrt(np.diag(one.covariance)))
    ratio = pd.DataFrame(drawn).std() / np.mean(errors, axis=0)
    assert ratio.between(0.75, 1.25).all(), ratio


def test_deals_are_uniform_where_nothing_happens() -> None:
    """60 panels without effect and with few treated: the p-value is below .1 about as often as it should be."""
    unit, year = np.repeat(np.arange(40), 5), np.tile(np.arange(5), 40)
    start = np.where(np.arange(40) < 4, 2, np.where(np.arange(40) < 6, 3, 0))[unit]
    data = pd.DataFrame({"unit": unit, "year": year, "start": start, "side": unit % 2})
    rng = np.random.default_rng(9)
    found = []
    for _ in range(60):
        y = rng.normal(size=len(data)) + rng.normal(size=40)[unit]
        found.append(
            inference.by_deals(data.assign(y=y), **NAMES, strata=["side"], deals=19, seed=1)[0].p_value
        )
    small = np.mean(np.array(found) <= 0.1)
    assert small <= 0.22  # binomial(60, .1): three standard errors above
    assert min(found) >= 1 / 20 and np.mean(found) == pytest.approx(0.525, abs=0.15)
    fast, _ = inference.by_deals(data.assign(y=y), **NAMES, strata=["side"], deals=3)
    slow = fit(data.assign(y=y), **NAMES).overall()
    dealing = inference._Dealing.of(data.assign(y=y, firm_id=data["unit"]), "y", "start", [], "firm_id")
    assert fast.estimate == pytest.approx(slow.estimate, abs=1e-12)
    assert dealing.statistic(data["start"].to_numpy(float))[1] == pytest.approx(
        slow.estimate / slow.std_error, rel=1e-9
    )
    strong = data.assign(
        y=rng.normal(size=len(data)) + 5 * ((data["start"] > 0) & (data["year"] >= data["start"]))
    )
    assert inference.by_deals(strong, **NAMES, deals=99, slopes=["side"][:0])[0].p_value == 0.01


def test_deals_keep_how_many_start_in_each_stratum(panel: pd.DataFrame) -> None:
    own = panel.rename(columns={"unit": "firm_id"})
    eligible = inference._eligible(own, "start", ["path"])
    names = own["firm_id"].drop_duplicates().to_numpy()
    dealt = pd.Series(inference._deal(eligible, len(names), np.random.default_rng(2)), names, name="dealt")
    dealt = dealt[dealt > 0]
    seen = own.groupby("firm_id")["year"].agg(set)
    assert all({year - 1, year} <= seen[firm] for firm, year in dealt.items())
    paths = own.drop_duplicates("firm_id").set_index("firm_id")["path"]
    starts = own.drop_duplicates("firm_id").set_index("firm_id")["start"]
    real = starts[starts > 0].groupby([paths, starts]).size()
    assert dealt.groupby([paths.reindex(dealt.index), dealt]).size().tolist() == real.tolist()
    assert (dealt.reindex(starts.index).fillna(0) != starts).any()


def test_tables_of_a_notebook(panel: pd.DataFrame) -> None:
    models = {name: fit(panel, **NAMES, cells=cells) for name, cells in tables.cells(["path"]).items()}
    groups = tables.first_seen(panel.assign(area=panel["unit"] % 8), "area")
    assert groups is not None and tables.first_seen(panel, "nothing") is None
    deals, found = inference.by_deals(panel, **NAMES, deals=9)
    table, refused = tables.under_shocks(models, groups, {"year": deals}, 0.05, 1)
    assert table["inference"].tolist() == [
        "unit",
        "signs",
        "group_means",
        "deals",
        "unit",
        "signs",
        "group_means",
    ]
    assert refused == {} and table["groups"].tolist() == [300, 8, 8, 9, 300, 8, 8]
    line = tables.among_deals({"year": (deals, found)}, 5)
    assert line["p_value"].tolist() == [deals.p_value] and line["ratio"][0] == pytest.approx(found[0])
    few = panel[
        (panel["start"] == 0) | panel["unit"].isin(panel.loc[panel["start"] > 0, "unit"].unique()[:3])
    ]
    few = few[(few["start"] > 0) | (few["unit"] < 15)]
    table, refused = tables.under_shocks({"year": fit(few, **NAMES)}, None, {}, 0.05, 1)
    assert table["inference"].tolist() == ["unit"] and "20" in refused["controls"]
    summary = tables.imputed(models["year"], -3)
    assert summary.event_study["event_time"].tolist()[:3] == [-3, -2, -1]
    assert tables.beside({}, {}).empty and tables.among_deals({}, 0).empty
    package = theirs(dd.ImputationDiD(), panel, aggregate="event_study")
    beside = tables.beside({"year": fit(panel, **NAMES, centre="cohort")}, {"imputation": package})
    assert beside["difference"].max() < 1e-9 and beside["ratio_less_1"].max() < 1e-8 and len(beside) > 5
