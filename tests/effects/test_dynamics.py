"""Event studies: one panel, weights and tables, each against an independent computation."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import diff_diff as dd
import numpy as np
import pandas as pd
import pytest

from estimators.effects import dynamics, honest, spillover
from estimators.effects.imputation import tables
from estimators.effects.staggered import averages, weights
from estimators.errors import EffectsError

KEYS = {"outcome": "y", "unit": "unit", "time": "year", "first_treat": "start"}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """120 firms, 8 years, starts in 2015 and 2017, an outcome that depends on x, some rows missing."""
    rng = np.random.default_rng(3)
    firm, year = np.repeat(np.arange(120), 8), np.tile(np.arange(2012, 2020), 120)
    start = np.where(np.arange(120) < 20, 2015.0, np.where(np.arange(120) < 50, 2017.0, np.nan))[firm]
    x = rng.normal(size=len(firm)) + 0.05 * firm
    after = (year >= start).astype(float)
    y = 0.3 * x + rng.normal(size=120)[firm] + 0.1 * year + 0.2 * after * (year - np.nan_to_num(start) + 1)
    data = pd.DataFrame({"firm_id": [f"f{i:03}" for i in firm], "year": year, "first": start, "x": x})
    data["ln_y"] = y + rng.normal(0, 0.3, len(firm))
    data["group"] = np.where(firm % 2, "a", "b")
    return data[rng.random(len(data)) > 0.1].reset_index(drop=True)


@pytest.fixture(scope="module")
def panel(rows: pd.DataFrame) -> dynamics.CohortPanel:
    return dynamics.cohort_panel(rows, "first", "ln_y", ["x"], keep=["group"])


def fitted(estimator: object, data: pd.DataFrame, **keys: object) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(data, **(keys or KEYS))  # type: ignore[attr-defined]


def test_controls_are_taken_out_as_imputation_does(rows: pd.DataFrame, panel: dynamics.CohortPanel) -> None:
    """Imputation with the control inside equals imputation of the adjusted outcome: the same least squares twice."""
    inside = rows.assign(y=rows["ln_y"], unit=rows["firm_id"].astype("category").cat.codes)
    inside["start"] = inside["first"].fillna(0).astype(int)
    a = fitted(dd.ImputationDiD(), inside, **KEYS, covariates=["x"])
    b = fitted(dd.ImputationDiD(), panel.data)
    # Both solve the same normal equations in double precision.
    assert b.overall_att == pytest.approx(a.overall_att, abs=1e-8)  # type: ignore[attr-defined]
    # What the adjustment leaves out of the standard error is small with many untreated rows: 1 % here.
    assert b.overall_se == pytest.approx(a.overall_se, rel=0.01)  # type: ignore[attr-defined]
    assert panel.slopes["x"] == pytest.approx(0.3, abs=0.05)  # four standard errors (0.3/√700 each)


def test_weights_are_de_chaisemartins(panel: dynamics.CohortPanel) -> None:
    ours = weights.twfe_weights(panel.data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = dd.twowayfeweights(panel.data, outcome="y", unit="unit", time="year", treatment="treated")
    listed = theirs.weights.set_index(
        [c for c in theirs.weights.columns if c in ("unit", "group", "time", "year")]
    )
    match = ours.set_index(["unit", "year"])["weight"]
    assert match.sum() == pytest.approx(1, abs=1e-10)
    weight = listed["weight"].reindex(match.index)
    np.testing.assert_allclose(match, weight, atol=1e-8)  # two exact algorithms, double precision
    assert (match < 0).mean() == pytest.approx(theirs.fraction_negative, abs=1e-12)
    by = weights.by_event_time(ours)
    assert by["weight"].sum() == pytest.approx(1, abs=1e-10) and by["rows"].sum() == len(ours)
    assert by["negative"].sum() == (ours["weight"] < 0).sum() and by["share"].sum() == pytest.approx(1)
    seen = dynamics.starters(panel.data)
    assert by.set_index("event_time")["units"].equals(
        seen[seen.index >= 0].rename("units").rename_axis("event_time")
    )


def test_comparisons_add_up_to_two_way_fixed_effects(rows: pd.DataFrame) -> None:
    full = rows.groupby("firm_id")["year"].transform("size") == 8
    data = dynamics.cohort_panel(rows[full], "first", "ln_y", ["x"]).data
    fit = fitted(dd.BaconDecomposition(weights="exact"), data)
    listed = weights.comparisons({"bacon": fit}, data)
    assert set(listed["comparison"]) == {"treated_vs_never", "earlier_vs_later", "later_vs_earlier"}
    total = (listed["weight"] * listed["estimate"]).sum()
    assert total == pytest.approx(fit.twfe_estimate, abs=1e-9)  # type: ignore[attr-defined]
    starts = data.drop_duplicates("unit")["start"]
    units = listed.set_index("comparison")["units"]
    assert units["treated_vs_never"] == len(starts) and units["later_vs_earlier"] == (starts > 0).sum()


def test_callaway_santanna_by_hand(panel: dynamics.CohortPanel) -> None:
    """ATT(g,t) without covariates is a difference of two mean long differences."""
    result = fitted(dd.CallawaySantAnna(control_group="not_yet_treated", base_period="universal"), panel.data)
    wide = panel.data.pivot(index="unit", columns="year", values="y")
    start = panel.data.drop_duplicates("unit").set_index("unit")["start"]
    for (g, t), cell in result.group_time_effects.items():  # type: ignore[attr-defined]
        if t == g - 1:
            continue
        change = (wide[t] - wide[g - 1]).dropna()
        own = start[change.index]
        control = (own == 0) | (own > max(t, g))
        by_hand = change[own == g].mean() - change[control & (own != g)].mean()
        assert cell["effect"] == pytest.approx(by_hand, abs=1e-9), (g, t)


def test_the_average_weighs_treated_rows(panel: dynamics.CohortPanel) -> None:
    """The notebook's target; diff-diff 3.13 changes to cohort sizes when the unit is named as cluster."""
    data = panel.data
    result = fitted(dd.CallawaySantAnna(control_group="not_yet_treated"), data)
    named = fitted(dd.CallawaySantAnna(control_group="not_yet_treated", cluster="unit"), data)
    cells = {k: v["effect"] for k, v in result.group_time_effects.items() if k[1] >= k[0]}  # type: ignore[attr-defined]
    both = data.groupby("unit")["year"].agg(set)
    start = data.drop_duplicates("unit").set_index("unit")["start"]
    # Rows count where the firm is seen in the cell's year and in the year before its start.
    rows = [sum({g - 1, t} <= both[u] for u in start.index[start == g]) for g, t in cells]
    by_rows = np.average(list(cells.values()), weights=rows)
    by_size = np.average(list(cells.values()), weights=[(start == g).sum() for g, _ in cells])
    assert result.overall_att == pytest.approx(by_rows, abs=1e-9)  # type: ignore[attr-defined]
    assert named.overall_att == pytest.approx(by_size, abs=1e-9)  # type: ignore[attr-defined]


def test_local_projections_and_switchers_equal_callaway_santanna(rows: pd.DataFrame) -> None:
    """Where treatment stays on, equally weighted local projections and DID_l are CS with not-yet-treated controls."""
    full = rows.groupby("firm_id")["year"].transform("size") == 8
    data = dynamics.cohort_panel(rows[full], "first", "ln_y", ["x"]).data
    cs = fitted(dd.CallawaySantAnna(control_group="not_yet_treated", base_period="universal"), data)
    switch = {"outcome": "y", "unit": "unit", "time": "year", "treatment": "treated"}
    lp = fitted(dd.LPDiD(pre_window=2, post_window=2, reweight=True), data, **switch)
    dcdh = fitted(dd.ChaisemartinDHaultfoeuille(twfe_diagnostic=False), data, **switch, L_max=3)
    tables = [
        dynamics.event_study(name, result, first=0, last=2).set_index("event_time")["estimate"]
        for name, result in (("cs", cs), ("lp", lp), ("dcdh", dcdh))
    ]
    np.testing.assert_allclose(tables[1], tables[0], atol=1e-9)  # the same means, in another order
    np.testing.assert_allclose(tables[2], tables[0], atol=1e-9)


def test_event_studies_share_columns(panel: dynamics.CohortPanel) -> None:
    results = {
        "cs": dd.CallawaySantAnna(base_period="universal"),
        "imputation": dd.ImputationDiD(pretrends=True),
        "extended": dd.WooldridgeDiD(),
        "stacked": dd.StackedDiD(kappa_pre=2, kappa_post=2),
        "sun": dd.SunAbraham(),
    }
    tables = [dynamics.event_study(n, fitted(e, panel.data), first=-2, last=2) for n, e in results.items()]
    for table in tables:
        assert list(table) == dynamics.EVENT_COLUMNS
        assert {0, 1, 2} <= set(table["event_time"]) <= {-2, -1, 0, 1, 2}
        shown = table[table["std_error"].notna()]
        np.testing.assert_allclose(
            shown["ci_high"] - shown["ci_low"], 2 * 1.959963985 * shown["std_error"], rtol=1e-8
        )


def test_pyfixest_agrees_on_sun_abraham(rows: pd.DataFrame) -> None:
    """Two packages, the cohort × event-time effects of a balanced panel (pyfixest raises on an unbalanced one)."""
    import pyfixest as pf

    full = rows.groupby("firm_id")["year"].transform("size") == 8
    data = dynamics.cohort_panel(rows[full], "first", "ln_y", ["x"]).data
    ours = fitted(dd.SunAbraham(), data)
    data = data.assign(
        rel=np.where(data["start"] > 0, data["year"] - data["start"], -1), cohort=data["start"]
    )
    dummies = {
        f"c{g}_{'m' if e < 0 else 'p'}{abs(e)}": ((data["cohort"] == g) & (data["rel"] == e)).astype(float)
        for g in (2015, 2017)
        for e in sorted(set(data.loc[data["cohort"] == g, "rel"]) - {-1})
    }
    fit = pf.feols(f"y ~ {' + '.join(dummies)} | unit + year", data=data.assign(**dummies))
    for (g, e), cell in ours.cohort_effects.items():  # type: ignore[attr-defined]
        term = f"c{g}_{'m' if e < 0 else 'p'}{abs(e)}"
        # pyfixest demeans iteratively to 1e-6 of the outcome's scale.
        assert fit.coef()[term] == pytest.approx(cell["effect"], abs=1e-5)


def test_always_treated_firms_are_left_out(rows: pd.DataFrame) -> None:
    late = rows[~((rows["firm_id"] == "f000") & (rows["year"] < 2016))]
    panel = dynamics.cohort_panel(late, "first", "ln_y")
    assert panel.always == 1 and "f000" not in set(panel.data["firm_id"])
    after = rows.assign(first=rows["first"].replace(2017.0, 2030.0))
    assert dynamics.cohort_panel(after, "first", "ln_y").later == 30


def test_bad_panels_are_named(rows: pd.DataFrame) -> None:
    with pytest.raises(EffectsError, match="rows repeat a firm and year, first f000"):
        dynamics.cohort_panel(pd.concat([rows, rows.iloc[[0]]]), "first", "ln_y")
    moved = rows.copy()
    moved.loc[0, "first"] = 2016.0
    with pytest.raises(EffectsError, match="1 firms have more than one value, first f000"):
        dynamics.cohort_panel(moved, "first", "ln_y")
    with pytest.raises(EffectsError, match="firms untreated throughout; found 20 and 0"):
        dynamics.cohort_panel(rows[rows["first"] == 2015], "first", "ln_y")


def test_true_averages() -> None:
    truth = pd.DataFrame(
        {
            "dimension": ["overall", *["event_time"] * 3],
            "level": ["all", "0", "1", "2"],
            "effect": [5.0, 1, 2, 9],
        }
    )
    assert averages.true_average(truth) == 5
    assert averages.true_average(truth, last=1) == 1.5
    assert averages.true_path(truth, 1) == {0: 1.0, 1: 2.0} and averages.true_path(None, 1) == {}
    lines = pd.DataFrame({"target": ["all", "common", "variance"]})
    known = averages.with_truth(lines, truth, 1)["truth"]
    assert known.tolist()[:2] == [5, 1.5] and known.isna().tolist() == [False, False, True]
    assert averages.with_truth(lines, None, 1) is lines


def test_without_start_years_everything_is_empty(rows: pd.DataFrame) -> None:
    """The notebook calls all of it whatever the study is; nothing may fail, and nothing may be estimated."""
    panel = dynamics.cohort_panel(rows, None, "ln_y", ["x"], keep=["group"])
    data = panel.data
    assert data.empty and {"unit", "year", "y", "start", "treated", "group"} <= set(data)
    found, refused = dynamics.fit_all({"never": lambda: 1 / 0}, on=data)
    assert (found, refused) == ({}, {})
    assert dynamics.fit_all({"never": lambda: 1}, on=None) == ({}, {})
    assert dynamics.fit_all({"always": lambda: 1}) == ({"always": 1}, {})
    assert dynamics.reach(data, -5, 6, 1) == dynamics.Reach(base=-2, common=0, longest=0, leads=2)
    assert dynamics.event_studies({}, 0.05, -5, 6).empty and dynamics.balanced(data).empty
    assert weights.by_event_time(weights.twfe_weights(data)).empty and weights.comparisons({}, data).empty
    att = averages.with_truth(averages.table({}, data, dynamics.seen_first(data)), None, 0)
    assert att.empty and list(att)[:-1] == averages.COLUMNS
    assert dynamics.window(None, -5, 6)[0].empty and honest.listed({}).groupby("restriction").ngroups == 0
    assert spillover.far_controls(data, ["group"]).empty


def test_what_the_panel_reaches(panel: dynamics.CohortPanel) -> None:
    assert dynamics.reach(panel.data, -5, 6) == dynamics.Reach(base=-1, common=2, longest=4, leads=3)
    assert dynamics.reach(panel.data, -2, 3, 1) == dynamics.Reach(base=-2, common=2, longest=3, leads=2)
    seen = dynamics.starters(panel.data)
    own = panel.data[panel.data["start"] == 2015]
    assert seen[4] == own.loc[own["year"] == 2019, "unit"].nunique()  # the later cohort does not reach it


def test_a_coarser_cluster_reaches_all_estimators(rows: pd.DataFrame) -> None:
    """Named as the notebook names it, it moves every standard error and no estimate but Callaway–Sant'Anna's."""
    places = rows.assign(place=rows["firm_id"].str[1:].astype(int) % 17)
    data = dynamics.cohort_panel(places, "first", "ln_y", ["x"], keep=["place"]).data
    early, reach = dynamics.seen_first(data), dynamics.reach(data, -2, 2)
    switch = {"outcome": "y", "unit": "unit", "time": "year", "treatment": "treated"}

    def all_of(coarser: str | None) -> pd.DataFrame:
        level, design = coarser or "unit", coarser and dd.SurveyDesign(psu=coarser)
        stack = dd.StackedDiD(kappa_pre=2, kappa_post=reach.common)
        calls = {
            "cs": lambda: dd.CallawaySantAnna(cluster=coarser).fit(data, **KEYS),
            "sun_abraham": lambda: dd.SunAbraham(cluster=level).fit(data, **KEYS),
            "imputation": lambda: dd.ImputationDiD(cluster=level).fit(data, **KEYS),
            "two_stage": lambda: dd.TwoStageDiD(cluster=level).fit(data, **KEYS),
            "extended_twfe": lambda: dd.WooldridgeDiD(cluster=level).fit(data, **KEYS),
            "stacked": lambda: stack.fit(data, survey_design=design, **KEYS),
            "local_projections": lambda: dd.LPDiD(
                pre_window=2, post_window=2, reweight=True, cluster=level
            ).fit(data, post_pooled=(0, 2), **switch),
            "switchers": lambda: dd.ChaisemartinDHaultfoeuille(twfe_diagnostic=False).fit(
                early, L_max=3, survey_design=design, **switch
            ),
        }
        found, refused = dynamics.fit_all(calls)
        assert refused == {}
        return averages.table(found, data, early).set_index("estimator")

    by_unit, by_place = all_of(None), all_of("place")
    apart = (by_place["std_error"] / by_unit["std_error"] - 1).abs()
    assert (apart > 1e-3).all(), apart
    moved = (by_place["estimate"] - by_unit["estimate"]).abs()
    assert moved["cs"] > 1e-6 and moved.drop("cs").max() < 1e-10  # weights: sizes of cohorts, not rows


def test_a_stack_is_not_moved_by_who_enters_and_leaves() -> None:
    """Levels of firms that never move: some high starters enter late, some leave. All leads and effects are nothing."""
    units = np.arange(60)
    start = np.where(units < 30, 2014 + units % 2, 0)
    data = pd.DataFrame({"unit": np.repeat(units, 8), "year": np.tile(np.arange(2010, 2018), 60)})
    data = data.assign(start=start[data["unit"]], y=(data["unit"] % 7).astype(float))
    late, gone = (
        data["unit"].isin([5, 6]) & (data["year"] < 2013),
        data["unit"].eq(41) & (data["year"] > 2014),
    )
    some = data[~late & ~gone]
    keys = {"outcome": "y", "unit": "unit", "time": "year", "first_treat": "start"}
    stack = dd.StackedDiD(kappa_pre=3, kappa_post=2, control_group="not_yet_treated")
    moved = dynamics.event_study("stacked", stack.fit(some, **keys))["estimate"].dropna()
    assert moved.abs().max() > 0.05
    kept = dynamics.whole(some)
    assert set(kept["unit"]) == set(units) - {5, 6, 41}
    np.testing.assert_allclose(
        dynamics.event_study("stacked", stack.fit(kept, **keys))["estimate"], 0, atol=1e-12
    )
    averaged = averages.table({"stacked": stack.fit(kept, **keys)}, some, some, stayers=kept).iloc[0]
    assert averaged[["n", "units", "target"]].tolist() == [57 * 8, 57, "stayers"]
    truth = pd.DataFrame(
        {"dimension": ["overall", "event_time"], "level": ["all", "0"], "n": 1, "effect": [0.2, 0.1]}
    )
    named = pd.DataFrame({"target": ["all", "common", "stayers"]})
    told = averages.with_truth(named, truth, 0)["truth"]
    np.testing.assert_array_equal(told, [0.2, 0.1, np.nan])
    assert averages.with_truth(named, truth.assign(effect=0.0), 0)["truth"].eq(0).all()
    with pytest.raises(EffectsError, match="0 start and 29 do not"):
        dynamics.whole(some[(some["start"] == 0) | (some["year"] < 2017)])
    with pytest.raises(EffectsError, match="2012"):
        dynamics.whole(some[some["year"] != 2012])


def test_next_year_is_matched_by_unit(rows: pd.DataFrame) -> None:
    ahead = dynamics.with_next(rows, "x")
    value = rows.set_index(["firm_id", "year"])["x"]
    row = ahead.iloc[7]
    assert row["next_year"] == value[(row["firm_id"], row["year"] + 1)]
    assert len(ahead) == sum((f, y + 1) in value.index for f, y in value.index)


def test_coefficients_of_fits_are_listed() -> None:
    terms = pd.Index(["treated", "x"])
    fit = SimpleNamespace(
        params=pd.Series([0.5, 2.0], terms),
        std_errors=pd.Series([0.1, 0.2], terms),
        pvalues=pd.Series([0.01, 0.02], terms),
        nobs=40,
        entity_info=pd.Series({"total": 8}),
    )
    found = dynamics.coefficients({"fit": fit})
    assert found["term"].tolist() == list(terms) and found["estimate"].tolist() == [0.5, 2.0]
    assert (found["n"] == 40).all() and (found["units"] == 8).all()
    assert dynamics.coefficients({}).empty


def test_the_widest_interval_is_named() -> None:
    shocks = pd.DataFrame({"ci_low": [0.0, -1.0, None], "ci_high": [0.5, 2.0, None]}, dtype=object)
    assert tables.widest(shocks).to_dict() == {"ci_low": -1.0, "ci_high": 2.0}
