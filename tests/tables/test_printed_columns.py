"""Columns of tables: engines that agree, corrections by hand formula and by the programs that are here, published numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyfixest as pf
import pytest
import statsmodels.api as sm
from linearmodels.datasets import jobtraining
from linearmodels.panel import PanelOLS

from estimators import tables
from estimators.errors import EffectsError, EnginesDisagree
from estimators.tables import compared, correction, covariance
from estimators.tables import rows as rooms

BASE: dict[str, Any] = {
    "outcome": "y",
    "treatments": ["d"],
    "controls": ["x"],
    "fixed_effects": ["firm_id", "year"],
    "cluster": ["firm_id"],
    "errors": "clustered",
    "lags": None,
    "weights": None,
    "sample": [],
    "estimator": "ols",
    "quantile": 0.5,
    "like": "fixest",
    "singletons": "drop",
    "iv": {},
    "mark": {},
}


def column(**changes: Any) -> dict[str, Any]:
    return BASE | changes


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    """Unbalanced; firms in towns, some of which move between sectors; two groups that never meet."""
    rng = np.random.default_rng(11)
    firm, year = np.repeat(np.arange(90), 7), np.tile(np.arange(2010, 2017), 90)
    data = pd.DataFrame(
        {"firm_id": firm, "year": year, "town": firm // 9, "lat": 30 + firm // 9, "lon": 120.0}
    )
    data["sector"] = np.where(
        rng.random(len(firm)) < 0.1, firm % 6 // 3 * 3 + rng.integers(0, 3, len(firm)), firm % 6
    )
    data["d"] = ((year >= 2012 + firm % 3) & (firm % 2 == 0)).astype(float)
    data["x"] = rng.normal(size=len(firm)) + firm % 5
    data["z"], data["z2"] = rng.normal(size=len(firm)), rng.normal(size=len(firm))
    data["e"] = data["z"] + 0.5 * data["z2"] + rng.normal(size=len(firm))
    noise = rng.normal(size=90)[firm] + rng.normal(size=7)[year - 2010] + rng.normal(size=len(firm))
    data["y"] = 0.4 * data["d"] + 0.2 * data["x"] + 0.7 * data["e"] + noise
    data["w"] = rng.uniform(0.5, 2, len(firm))
    return data[rng.random(len(firm)) > 0.2].reset_index(drop=True)


ERRORS = [
    "iid",
    "robust",
    "clustered",
    "driscoll_kraay",
    {"conley": {"km": 200.0, "lat": "lat", "lon": "lon"}},
]


@pytest.mark.parametrize("errors", ERRORS, ids=str)
@pytest.mark.parametrize("effects", [[], ["firm_id"], ["firm_id", "sector*year"]], ids=str)
@pytest.mark.parametrize("weights", [None, "w"])
def test_engines_agree(panel: pd.DataFrame, errors: Any, effects: list[str], weights: str | None) -> None:
    found = tables.fit(column(errors=errors, fixed_effects=effects, weights=weights), panel, {})
    assert found.estimate.engines == ("pyfixest", "linearmodels")
    assert found.table().notna().all(axis=None)
    assert found.estimate.one == ("" if errors in ("iid", "robust", "clustered") else "errors")


def test_two_ways_of_clusters_are_three_sandwiches(panel: pd.DataFrame) -> None:
    both = tables.fit(column(cluster=["firm_id", "year"]), panel, {})
    one, other = (tables.fit(column(cluster=[name]), panel, {}).estimate.v for name in ("firm_id", "year"))
    rows = tables.fit(column(errors="robust"), panel, {}).estimate.v  # a firm's year is one row
    assert both.estimate.v == pytest.approx(one + other - rows, rel=1e-9)


def test_a_disagreement_stops_the_column(panel: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    real = rooms.within
    monkeypatch.setattr("estimators.tables.linear.within", lambda v, *rest: real(v, *rest) + 1e-3 * v)
    with pytest.raises(EnginesDisagree):
        tables.fit(column(), panel, {})


def test_an_outcome_that_is_nearly_a_control_is_no_disagreement(panel: pd.DataFrame) -> None:
    """Of what is left of it after the control the last digits are rounding; of what is no more than that there are no errors."""
    noise = panel["d"] + panel["z"]
    for size in (1e-8, 1e-11):
        found = tables.fit(column(outcome="near"), panel.assign(near=panel["x"] + size * noise), {}).table()
        own = tables.fit(column(outcome="far"), panel.assign(far=noise), {}).table()
        assert found.loc["d", "estimate"] == pytest.approx(size * own.loc["d", "estimate"], rel=1e-14 / size)
        assert found.loc["d", "std_error"] == pytest.approx(
            size * own.loc["d", "std_error"], rel=1e-14 / size
        )
    same = tables.fit(column(outcome="same"), panel.assign(same=panel["x"]), {}).table()
    assert same["std_error"].isna().all() and same.loc["x", "estimate"] == pytest.approx(1)


# -- small samples ------------------------------------------------------------------------------------
def counts(found: tables.Fit) -> dict[str, int]:
    rows = found.rows
    return {
        "n": rows.n,
        "firms": rows.data["firm_id"].nunique(),
        "years": rows.data["year"].nunique(),
        "k": len(found.estimate.terms),
    }


@pytest.mark.parametrize("like", ["fixest", "reghdfe", "ivreghdfe", "areg", "xtreg"])
def test_corrections_by_hand(panel: pd.DataFrame, like: str) -> None:
    found = tables.fit(column(like=like), panel, {})
    c = counts(found)
    # Firms are the clusters: fixest, reghdfe and xtreg count slopes, years and one constant; areg every firm too.
    counted = c["k"] + c["years"] + (c["firms"] - 1 if like == "areg" else 0)
    by_hand = c["firms"] / (c["firms"] - 1) * (c["n"] - 1) / (c["n"] - counted)
    assert found.corrected == correction.Correction(pytest.approx(by_hand), counted, c["firms"] - 1)


def test_fixest_by_its_own_package(panel: pd.DataFrame) -> None:
    data = panel[~panel["firm_id"].isin(panel["firm_id"].value_counts().loc[lambda n: n < 2].index)]
    theirs = pf.feols("y ~ d + x | firm_id", data, vcov={"CRV1": "firm_id"}, ssc=pf.ssc(k_fixef="nonnested"))
    ours = tables.fit(column(fixed_effects=["firm_id"]), data, {}).table()
    assert ours["std_error"].to_numpy() == pytest.approx(theirs.se()[["d", "x"]].to_numpy(), rel=1e-9)


@pytest.mark.parametrize("effects", [["firm_id"], ["firm_id", "year"]])
@pytest.mark.parametrize("errors", ["iid", "robust", "clustered"])
def test_linearmodels_by_its_own_package(panel: pd.DataFrame, effects: list[str], errors: str) -> None:
    ours = tables.fit(column(like="linearmodels", errors=errors, fixed_effects=effects), panel, {})
    data = ours.rows.data.set_index(["firm_id", "year"])
    model = PanelOLS(data["y"], data[["d", "x"]], entity_effects=True, time_effects="year" in effects)
    kind = {"iid": "unadjusted", "robust": "robust", "clustered": "clustered"}[errors]
    # With `cluster_entity=True` it would count the effects within clusters, with `clusters` it does not.
    groups = {"clusters": data.reset_index("firm_id").set_index(data.index)[["firm_id"]]}
    theirs = model.fit(cov_type=kind, **(groups if errors == "clustered" else {}))
    assert ours.table()["std_error"].to_numpy() == pytest.approx(theirs.std_errors.to_numpy(), rel=1e-8)
    assert ours.table()["p_value"].to_numpy() == pytest.approx(theirs.pvalues.to_numpy(), rel=1e-6)


def test_reghdfe_finds_levels_that_two_effects_share(panel: pd.DataFrame) -> None:
    """Sectors 0–2 and 3–5 never meet: two groups, so that one more level is redundant than fixest takes away."""
    by = {
        like: tables.fit(column(fixed_effects=["firm_id", "sector"], like=like, errors="robust"), panel, {})
        for like in ("fixest", "reghdfe")
    }
    rows = by["reghdfe"].rows
    assert correction.connected(rows.effects["firm_id"], rows.effects["sector"]) == 2
    assert by["fixest"].corrected.parameters - by["reghdfe"].corrected.parameters == 1
    dummies = pd.get_dummies(rows.effects.astype(str), dtype=float)
    assert by["reghdfe"].corrected.parameters == 2 + np.linalg.matrix_rank(dummies.to_numpy())


def test_one_cluster_is_refused(panel: pd.DataFrame) -> None:
    with pytest.raises(EffectsError, match="cluster"):
        tables.fit(column(cluster=["lon"]), panel, {})


# -- instruments ----------------------------------------------------------------------------------------
def test_two_stages_and_the_first(panel: pd.DataFrame) -> None:
    found = tables.fit(column(treatments=["e"], iv={"e": ["z", "z2"]}, estimator="iv"), panel, {})
    assert found.estimate.engines == ("pyfixest", "linearmodels")
    assert found.table().loc["e", "estimate"] == pytest.approx(0.7, abs=0.2)
    stage = found.first_stage["e"]
    b, v = stage.estimate.coefficients[1:], stage.v[1:, 1:]
    assert found.foot()["first_stage_f"] == pytest.approx(b @ np.linalg.inv(v) @ b / 2)


def test_two_endogenous_regressors_have_one_engine(panel: pd.DataFrame) -> None:
    found = tables.fit(
        column(treatments=["e", "x"], controls=[], iv={"e": ["z"], "x": ["z2"]}, estimator="iv"), panel, {}
    )
    assert (found.estimate.engines, found.estimate.one) == (("linearmodels",), "all")


# -- what effects leave -----------------------------------------------------------------------------------
def test_what_effects_take_up_is_named(panel: pd.DataFrame) -> None:
    found = tables.fit(
        column(treatments=["d", "town"], controls=["x", "twice"]), panel.assign(twice=2 * panel["x"]), {}
    )
    assert (found.rows.omitted, found.estimate.terms) == (["town", "twice"], ["d", "x"])


def test_samples_missing_values_and_singletons(panel: pd.DataFrame) -> None:
    data = panel.copy()
    data.loc[:9, "x"] = np.nan
    late = (data["year"] >= 2012).to_numpy()
    found = tables.fit(column(sample=["late"]), data, {"late": late})
    rows = found.rows.data
    assert rows["year"].min() == 2012 and rows["x"].notna().all()
    assert (rows["firm_id"].value_counts() > 1).all()
    assert found.rows.dropped == (late & data["x"].notna()).sum() - len(rows)


# -- covariances by hand ---------------------------------------------------------------------------------
def test_driscoll_kraay_by_hand() -> None:
    psi, years = np.array([[1.0], [2.0], [3.0], [-1.0]]), np.array([2000, 2000, 2001, 2002])
    # Sums 3, 3, −1; one lag with weight ½: 9 + 9 + 1 + 2·½·(9 − 3).
    assert covariance.driscoll_kraay(psi, years, 1) == pytest.approx(np.array([[25.0]]))


def test_conley_counts_pairs_within_the_distance() -> None:
    psi, lat = np.array([[1.0], [2.0], [4.0]]), np.array([0.0, 1.0, 5.0])
    # One degree is 111 km: the first two are neighbours, (1 + 2)² + 4².
    assert covariance.conley(psi, lat, np.zeros(3), 120.0) == pytest.approx(np.array([[25.0]]))
    assert covariance.conley(psi, lat, np.zeros(3), 100.0) == pytest.approx(np.array([[21.0]]))


# -- tests between columns -----------------------------------------------------------------------------
def test_a_column_against_itself_and_against_the_stacked_regression(panel: pd.DataFrame) -> None:
    a, b = (
        tables.fit(column(sample=[s], fixed_effects=["firm_id"]), panel, {"odd": odd, "even": ~odd})
        for odd in [(panel["town"] % 2 == 1).to_numpy()]
        for s in ("odd", "even")
    )
    assert compared.equal(a, a, "d") == (0.0, 1.0)
    # No firm is in both samples: the two are independent.
    difference = a.table().loc["x", "estimate"] - b.table().loc["x", "estimate"]
    variance = a.table().loc["x", "std_error"] ** 2 + b.table().loc["x", "std_error"] ** 2
    assert compared.equal(a, b, "x")[0] == pytest.approx(difference**2 / variance)


# -- published -------------------------------------------------------------------------------------------
def test_training_grants_as_printed() -> None:
    """Wooldridge (2010), Econometric Analysis, example 10.5: fixed effects, errors usual and robust to correlation."""
    data = jobtraining.load().rename(columns={"fcode": "firm_id"})
    base = column(
        outcome="lscrap", treatments=["grant", "grant_1"], controls=["d88", "d89"], fixed_effects=["firm_id"]
    )
    usual = tables.fit(base | {"errors": "iid", "like": "xtreg"}, data, {}).table()
    assert usual.loc[["grant", "grant_1"], "estimate"].round(3).tolist() == [-0.252, -0.422]
    assert usual.loc[["grant", "grant_1"], "std_error"].round(3).tolist() == [0.151, 0.210]
    # Printed without a small-sample correction; xtreg's is 54/53 · 161/(162 − 5).
    robust = tables.fit(base | {"like": "xtreg"}, data, {})
    bare = pd.Series(np.diag(robust.estimate.v) ** 0.5, robust.estimate.terms)
    assert bare[["grant", "grant_1"]].round(3).tolist() == [0.140, 0.276]
    by_hand = bare * np.sqrt(54 / 53 * 161 / (162 - 5))
    assert robust.table()["std_error"].to_numpy() == pytest.approx(by_hand[robust.terms].to_numpy())
    assert robust.foot()["r2_within"] == pytest.approx(0.201, abs=5e-4)


# -- other estimators ------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def counts_panel(panel: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    line = 0.3 * panel["d"] + 0.2 * panel["x"] - 0.5
    return panel.assign(
        count=rng.poisson(np.exp(line)), yes=(line + rng.logistic(size=len(panel)) > 0).astype(float)
    )


@pytest.mark.parametrize("effects", [[], ["sector"], ["firm_id", "year"]], ids=str)
def test_poisson_by_two_engines(counts_panel: pd.DataFrame, effects: list[str]) -> None:
    found = tables.fit(column(outcome="count", estimator="poisson", fixed_effects=effects), counts_panel, {})
    assert found.estimate.engines == ("pyfixest", "statsmodels") and found.corrected.freedom == np.inf
    # First-order conditions: scores add up to nothing.
    assert np.abs(found.estimate.psi.sum(0)).max() < 1e-6
    data = found.rows.data
    if not effects:
        import statsmodels.api as sm

        x = data[found.estimate.terms].to_numpy()
        theirs = sm.Poisson(data["count"].to_numpy(), x).fit(
            disp=0,
            cov_type="cluster",
            cov_kwds={"groups": data["firm_id"].to_numpy(), "use_correction": False},
        )
        assert np.diag(found.estimate.v) ** 0.5 == pytest.approx(theirs.bse, rel=1e-5)


@pytest.mark.parametrize("how", ["logit", "probit"])
@pytest.mark.parametrize("errors", ["iid", "robust"])
def test_binary_outcomes(counts_panel: pd.DataFrame, how: str, errors: str) -> None:
    import statsmodels.api as sm

    asked = column(outcome="yes", estimator=how, fixed_effects=[], errors=errors, like="linearmodels")
    found = tables.fit(asked, counts_panel, {})
    x = found.rows.data[found.estimate.terms].to_numpy()
    kind = {"iid": {}, "robust": {"cov_type": "HC0"}}[errors]
    theirs = {"logit": sm.Logit, "probit": sm.Probit}[how](found.rows.data["yes"].to_numpy(), x).fit(
        disp=0, **kind
    )
    # statsmodels takes the observed information, here it is the expected one: the same for logit.
    assert found.estimate.coefficients == pytest.approx(theirs.params, rel=1e-6)
    assert np.diag(found.v) ** 0.5 == pytest.approx(theirs.bse, rel=1e-6 if how == "logit" else 0.05)
    assert found.foot()["r2"] == pytest.approx(theirs.prsquared)


def test_an_outcome_that_is_no_count_is_refused(panel: pd.DataFrame) -> None:
    with pytest.raises(EffectsError, match="poisson"):
        tables.fit(column(estimator="poisson", fixed_effects=[]), panel, {})


def test_differences_of_neighbouring_years_alone(panel: pd.DataFrame) -> None:
    found = tables.fit(
        column(estimator="fd", treatments=["x"], controls=[], fixed_effects=["firm_id"]), panel, {}
    )
    before = panel.assign(year=panel["year"] + 1)[["firm_id", "year", "y", "x"]]
    both = panel.merge(before, on=["firm_id", "year"], suffixes=("", "_before"))
    dy, dx = both["y"] - both["y_before"], both["x"] - both["x_before"]
    assert found.rows.n == len(both)
    assert found.estimate.coefficients == pytest.approx([(dx @ dy) / (dx @ dx)])


def test_random_effects_as_printed() -> None:
    """Wooldridge (2010), example 10.4: random effects for scrap rates."""
    data = jobtraining.load().rename(columns={"fcode": "firm_id"})
    asked = column(
        outcome="lscrap",
        treatments=["grant", "grant_1"],
        controls=["d88", "d89", "union"],
        estimator="re",
        errors="iid",
        fixed_effects=["firm_id"],
        like="regress",
    )
    found = tables.fit(asked, data, {}).table()
    assert found.loc[["const", "d88", "d89", "union"], "estimate"].round(3).tolist() == [
        0.415,
        -0.093,
        -0.270,
        0.548,
    ]
    assert found.loc[["const", "d88", "d89"], "std_error"].round(3).tolist() == [0.243, 0.109, 0.132]


# -- Hausman ---------------------------------------------------------------------------------------------
def test_hausman_of_a_printed_page() -> None:
    """Grunfeld's ten firms: χ² (2) = 2.3304, p = .3119 (phtest in the vignette of R's plm)."""
    data = sm.datasets.grunfeld.load_pandas().data
    data = data[data["firm"] != "American Steel"].rename(columns={"firm": "firm_id"})
    one = column(
        outcome="invest",
        treatments=["value", "capital"],
        controls=[],
        fixed_effects=["firm_id"],
        errors="iid",
    )
    fits = [tables.fit(one | {"estimator": how}, data, {}) for how in ("ols", "re")]
    test = {"equal": None, "zero": None, "hausman": True, "of": [1, 2]}
    (row,) = compared.tested([test], "", fits)
    assert row["statistic"].item() == pytest.approx(2.3304, abs=5e-5)
    assert row["p_value"].item() == pytest.approx(0.3119, abs=5e-5)
    assert row["term"].item() == "hausman:value*capital:1,2"
    # The other way round the difference has no covariance: said, not printed.
    with pytest.raises(EffectsError, match="not positive definite"):
        list(compared.tested([test], "", fits[::-1]))


def test_the_generalised_test_of_one_slope_is_that_of_equal_slopes(panel: pd.DataFrame) -> None:
    a, b = (
        tables.fit(column(controls=[], estimator=how, fixed_effects=["firm_id"]), panel, {})
        for how in ("ols", "re")
    )
    assert compared.hausman(a, b, ["d"]) == pytest.approx(compared.equal(a, b, "d"))
    two = [tables.fit(column(estimator=how, fixed_effects=["firm_id"]), panel, {}) for how in ("ols", "re")]
    statistic = compared.hausman(*two, ["d", "x"])[0]
    # In other units of a regressor it is the same.
    scaled = panel.assign(x=panel["x"] * 1e6)
    again = [
        tables.fit(column(estimator=how, fixed_effects=["firm_id"]), scaled, {}) for how in ("ols", "re")
    ]
    assert compared.hausman(*again, ["d", "x"])[0] == pytest.approx(statistic, rel=1e-6)


@pytest.mark.parametrize("errors", ["iid", "robust", "clustered"])
@pytest.mark.parametrize("unit", [1e-8, 1e8, 1e12])
def test_units_of_columns_change_nothing(panel: pd.DataFrame, errors: str, unit: float) -> None:
    """An outcome or a regressor in fen or in hundred millions: t is the same, and no engine gives up."""
    found = tables.fit(column(errors=errors), panel, {}).table()
    for name, change in (("y", {"d": unit, "x": unit}), ("x", {"d": 1.0, "x": 1 / unit})):
        other = tables.fit(column(errors=errors), panel.assign(**{name: panel[name] * unit}), {}).table()
        assert other["statistic"].to_numpy() == pytest.approx(found["statistic"].to_numpy(), rel=1e-9)
        ratio = (other["estimate"] / found["estimate"]).to_dict()
        assert ratio == pytest.approx(change, rel=1e-9)


@pytest.mark.parametrize("unit", [1e-8, 1e12])
@pytest.mark.parametrize(
    "how",
    [
        {"outcome": "count", "estimator": "poisson"},
        {"outcome": "yes", "estimator": "logit", "fixed_effects": ["sector"]},
        {"outcome": "yes", "estimator": "probit", "fixed_effects": []},
        {"estimator": "re", "fixed_effects": ["firm_id"]},
        {"estimator": "quantile", "quantile": 0.7, "fixed_effects": []},
        {"estimator": "fd", "fixed_effects": ["year"]},
        {"estimator": "iv", "treatments": ["e"], "iv": {"e": ["z", "z2"]}},
    ],
    ids=lambda how: how["estimator"],
)
def test_no_estimator_depends_on_the_unit_of_a_regressor(
    counts_panel: pd.DataFrame, how: dict[str, Any], unit: float
) -> None:
    found = tables.fit(column(**how), counts_panel, {}).table()["statistic"]
    other = tables.fit(column(**how), counts_panel.assign(x=counts_panel["x"] * unit), {}).table()[
        "statistic"
    ]
    assert other.to_numpy() == pytest.approx(found.to_numpy(), rel=1e-6)


def test_dummies_of_effects_are_no_terms(panel: pd.DataFrame) -> None:
    found = tables.fit(column(estimator="re"), panel, {})
    assert found.terms == ["d", "x", "const"] and len(found.estimate.terms) == 3 + 6
    assert [*found.table().index] == found.terms


def test_quantiles_of_engel_are_those_of_koenker() -> None:
    """235 households of Koenker and Bassett; coefficients and errors as R is remembered to print them (``nid``).

    R was not run, and no document was read: that the two engines agree is what is verified.
    """
    from statsmodels.datasets import engel

    data = engel.load_pandas().data.rename(columns={"foodexp": "y", "income": "x"})
    data = data.assign(firm_id=range(len(data)), year=2000, town=[i // 5 for i in range(len(data))])
    how = {"estimator": "quantile", "treatments": ["x"], "controls": [], "fixed_effects": []}
    found = tables.fit(column(**how, errors="robust"), data, {})
    assert found.estimate.engines == ("HiGHS", "pyfixest") and found.estimate.one == ""
    table = found.table()
    assert table.loc["const", "estimate"] == pytest.approx(81.48225, abs=1e-5)
    assert table.loc["x", "estimate"] == pytest.approx(0.56018, abs=1e-5)
    assert table.loc["const", "std_error"] == pytest.approx(19.25066, abs=1e-3)
    assert table.loc["x", "std_error"] == pytest.approx(0.02828, abs=1e-5)
    assert found.foot()["quantile"] == 0.5 and found.foot()["r2_adj"] is None
    upper = tables.fit(column(**how, quantile=0.75, errors="clustered", cluster=["town"]), data, {})
    assert upper.table().loc["x", "estimate"] == pytest.approx(0.6440141, abs=1e-6)
    assert upper.estimate.one == "errors", "rows on the line lie on other sides of it in the two engines"
    theirs = pf.quantreg("y ~ x", data, quantile=0.75, vcov={"CRV1": "town"}).se()["x"]
    assert upper.table().loc["x", "std_error"] == pytest.approx(theirs, rel=0.03)


def test_a_quantile_that_many_lines_meet_is_refused(panel: pd.DataFrame) -> None:
    number = np.arange(200)
    few = pd.DataFrame({"firm_id": number, "year": 2000, "d": number // 2 % 2, "y": number % 2})
    with pytest.raises(EffectsError, match="least loss"):
        tables.fit(column(estimator="quantile", errors="robust", controls=[], fixed_effects=[]), few, {})


# -- slopes of levels, and levels as regressors ---------------------------------------------------------
@pytest.mark.parametrize(
    "effects",
    [["town", "year", "town~z2"], ["town~z2"], ["sector*town", "firm_id~year", "firm_id", "year"]],
    ids=str,
)
@pytest.mark.parametrize("weights", [None, "w"])
def test_slopes_are_dummies_times_a_column(
    panel: pd.DataFrame, effects: list[str], weights: str | None
) -> None:
    found = tables.fit(column(fixed_effects=effects, errors="iid", cluster=[], weights=weights), panel, {})
    data = found.rows.data
    parts = []
    for effect in effects:
        group, _, of = effect.partition("~")
        codes = data[group.split("*")].astype(str).agg("|".join, axis=1)
        dummies = pd.get_dummies(codes).to_numpy(float)
        parts.append(dummies * (data[[of]].to_numpy() - 2013 * (of == "year")) if of else dummies)
    x = np.column_stack(
        [data[["d", "x"]], *([] if found.rows.effects.shape[1] else [np.ones(len(data))]), *parts]
    )
    root = np.sqrt(found.rows.weights)
    b, _, rank, _ = np.linalg.lstsq(root[:, None] * x, root * data["y"].to_numpy(), rcond=1e-11)
    np.testing.assert_allclose(found.table().loc[["d", "x"], "estimate"], b[:2], rtol=1e-8)
    rest = root * (data["y"].to_numpy() - x @ b)
    assert found.foot()["r2"] == pytest.approx(
        1
        - rest
        @ rest
        / np.sum(found.rows.weights * (data["y"] - np.average(data["y"], weights=found.rows.weights)) ** 2),
        rel=1e-9,
    )
    # What is redundant beside other effects programs count all the same.
    assert found.corrected.parameters >= rank
    assert found.estimate.engines == ("pyfixest", "linearmodels")


def test_slopes_beyond_what_dummies_allow_are_marked(
    panel: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = column(fixed_effects=["firm_id", "firm_id~year"])
    both = tables.fit(asked, panel, {})
    monkeypatch.setattr("estimators.tables.linear.MOST_SLOPES", 5)
    one = tables.fit(asked, panel, {})
    assert (both.estimate.one, one.estimate.one, one.estimate.engines) == ("", "all", ("linearmodels",))
    np.testing.assert_allclose(one.table()["estimate"], both.table()["estimate"], rtol=1e-8)


def test_slopes_cost_one_parameter_a_level(panel: pd.DataFrame) -> None:
    """reghdfe: levels nested in clusters cost nothing, their slopes do; one in which the column stands still does not."""
    still = panel.assign(t=panel["year"].where(panel["firm_id"] != 4, 2011))
    firms = still["firm_id"].nunique()
    for like, counted in (("fixest", firms + 2 + 1), ("reghdfe", firms - 1 + 2 + 1)):
        found = tables.fit(column(fixed_effects=["firm_id", "firm_id~t"], like=like), still, {})
        assert found.rows.dropped == 0 and found.corrected.parameters == counted


def test_levels_are_dummies(panel: pd.DataFrame) -> None:
    data = panel.assign(**{f"s{k}": (panel["sector"] == k).astype(float) for k in range(6)})
    by_hand = tables.fit(
        column(fixed_effects=["year"], controls=["x", "s0", "s1", "s3", "s4", "s5"]), data, {}
    )
    found = tables.fit(column(fixed_effects=["year"], controls=["x", "levels(sector, base=2)"]), panel, {})
    assert found.terms == ["d", "x", *(f"sector = {k}" for k in (0, 1, 3, 4, 5))]
    np.testing.assert_allclose(found.table().to_numpy(), by_hand.table().to_numpy(), rtol=1e-9)
    frame = tables.long(
        {"panels": [{"panel": ""}], "tests": [{"equal": None, "zero": ["levels(sector)"], "hausman": False, "of": [1]}]},
        [[found]], 0.05,
    )  # fmt: skip
    test = frame[frame["kind"] == "test"].iloc[0]
    assert test["term"] == "zero:levels(sector):1"
    assert test["statistic"] == pytest.approx(
        compared.zero(by_hand, ["s0", "s1", "s3", "s4", "s5"])[0], rel=1e-9
    )


def test_levels_of_texts_samples_and_bases(panel: pd.DataFrame) -> None:
    named = panel.assign(kind=panel["sector"].map({0: "a: b", 1: "c*d", 2: "", 3: None}).fillna("e f"))
    named.loc[panel["sector"] == 3, "kind"] = None
    kept = {"s": (named["sector"] != 1).to_numpy()}
    found = tables.fit(
        column(fixed_effects=["year"], controls=['levels(kind, base="e f")'], sample=["s"]), named, kept
    )
    assert found.terms == ["d", "kind = a: b"]  # nobody of c*d is in the sample
    assert not named.loc[found.rows.data.index, "sector"].isin([1, 2, 3]).any()
    with pytest.raises(EffectsError, match="base '9' is no value in the sample; there are: 0, 1, 2"):
        tables.fit(column(controls=["levels(sector, base=9)"]), panel, {})
    with pytest.raises(EffectsError, match=r"levels\(firm_id\): 90 values in the sample; 2 to 60"):
        tables.fit(column(controls=["levels(firm_id)"]), panel, {})
