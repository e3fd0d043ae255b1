"""Tables that are no regressions, against what pandas, statsmodels and pyfixest make of the same rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyfixest as pf
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.outliers_influence import variance_inflation_factor

from estimators import tables
from estimators.errors import EffectsError

SPEC: dict[str, Any] = {
    "outcome": "y", "treatments": ["d"], "controls": ["x", "z"], "fixed_effects": [], "cluster": ["firm_id"],
    "errors": "clustered", "lags": None, "weights": None, "sample": [], "estimator": "ols", "quantile": 0.5,
    "like": "fixest", "singletons": "drop", "iv": {}, "mark": {}, "split": None, "first_stage": False,
}  # fmt: skip
NOBODY: dict[str, np.ndarray] = {}


def table(of: list[str] | None = None, **changes: Any) -> dict[str, Any]:
    return {"of": of or [], "panels": [{"panel": "", "head": None, "columns": [SPEC | changes]}]}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    firm, year = np.repeat(np.arange(60), 6), np.tile(np.arange(2010, 2016), 60)
    data = pd.DataFrame({"firm_id": [f"f{i}" for i in firm], "year": year, "group": firm % 3})
    data["d"] = ((firm % 2 == 0) & (year > 2012)).astype(float)
    data["x"] = rng.normal(size=len(firm)) + 0.6 * data["d"]
    data["z"] = 0.5 * data["x"] + rng.normal(size=len(firm))
    data["y"] = 0.3 * data["d"] + data["x"] - 0.4 * data["z"] + rng.normal(size=len(firm))
    data["w"] = rng.uniform(0.5, 2, len(firm))
    data.loc[5:20, "z"] = np.nan
    return data


def test_numbers_of_variables_are_pandas(rows: pd.DataFrame) -> None:
    found, units = tables.summaries(table(["y", "z"]), rows, NOBODY)
    wanted = rows[["y", "z"]].describe()
    assert found["n"].tolist() == [360, 344]
    ours = found[["mean", "sd", "least", "p25", "p50", "p75", "most"]].to_numpy()
    assert np.allclose(ours, wanted.drop("count").T.to_numpy(), rtol=1e-13)
    known = rows.dropna(subset="z")
    assert found["units"].tolist() == [60, known["firm_id"].nunique()]
    assert units.groupby("variable")["mean"].mean().tolist() == pytest.approx(found["mean"].tolist())


def test_panels_have_their_samples(rows: pd.DataFrame) -> None:
    made = table(["y"])
    made["panels"] = [
        {"panel": "A", "head": None, "columns": [SPEC]},
        {"panel": "B", "head": None, "columns": [SPEC | {"sample": ["late"]}]},
    ]
    late = (rows["year"] > 2012).to_numpy()
    found, units = tables.summaries(made, rows, {"late": late})
    assert found["panel"].tolist() == ["A", "B"] and set(units["panel"]) == {"A", "B"}
    assert found["mean"].tolist() == pytest.approx([rows["y"].mean(), rows.loc[late, "y"].mean()])


def test_correlations_are_pandas_below_and_ranks_above(rows: pd.DataFrame) -> None:
    found = tables.correlated(table(["y", "x", "z"]), rows, NOBODY)
    whole = rows.dropna(subset="z")[["y", "x", "z"]]
    assert found["n"].tolist() == [344] * 3
    both = found[["with_1", "with_2", "with_3"]].to_numpy()
    assert both[2, 0] == pytest.approx(np.corrcoef(whole["y"], whole["z"])[0, 1], rel=1e-12)
    assert both[0, 2] == pytest.approx(stats.spearmanr(whole["y"], whole["z"]).statistic, rel=1e-12)
    assert np.diag(both).tolist() == [1, 1, 1]


def test_factors_are_statsmodels(rows: pd.DataFrame) -> None:
    found = tables.collinear(table(["d", "x", "z"]), rows, NOBODY).set_index("term")
    design = sm.add_constant(rows.dropna(subset="z")[["d", "x", "z"]]).to_numpy()
    for k, name in enumerate(["d", "x", "z"], 1):
        assert found.loc[name, "vif"] == pytest.approx(variance_inflation_factor(design, k), rel=1e-10)
    assert found["vif_within"].isna().all()


def test_factors_after_effects_are_those_of_dummies(rows: pd.DataFrame) -> None:
    effects = {"fixed_effects": ["firm_id", "year"]}
    found = tables.collinear(table(["d", "x", "z", "group"], **effects), rows, NOBODY).set_index("term")
    whole = rows.dropna(subset="z")
    dummies = pd.get_dummies(whole[["firm_id", "year"]].astype(str), drop_first=True, dtype=float)
    design = sm.add_constant(pd.concat([whole[["x", "d", "z"]], dummies], axis=1))
    others, alone = design.drop(columns="x"), design.drop(columns=["x", "d", "z"])
    left = [sm.OLS(design["x"], part).fit().ssr for part in (alone, others)]
    assert found.loc["x", "vif_within"] == pytest.approx(left[0] / left[1], rel=1e-8)
    # What effects take up has no factor, and tells nothing of the others.
    assert np.isnan(found.loc["group", "vif_within"])
    assert np.isfinite(found.loc["group", "vif"])


def test_a_column_that_others_are_has_no_factor(rows: pd.DataFrame) -> None:
    found = tables.collinear(table(["x", "twice"]), rows.assign(twice=2 * rows["x"]), NOBODY)
    assert found["vif"].isna().all() and found["r2"].tolist() == pytest.approx([1, 1])


def test_two_groups_as_a_regression_has_them(rows: pd.DataFrame) -> None:
    found, units = tables.balance(table(["x", "z"]), rows, NOBODY, 0.05)
    line = found.set_index("variable").loc["z"]
    known = rows.dropna(subset="z")
    made = pf.feols("z ~ d", known, vcov={"CRV1": "firm_id"}).tidy().loc["d"]
    assert line["difference"] == pytest.approx(made["Estimate"], rel=1e-10)
    assert line["std_error"] == pytest.approx(made["Std. Error"], rel=1e-8)
    a, b = (known.loc[known["d"] == v, "z"] for v in (1, 0))
    assert line["standardised"] == pytest.approx((a.mean() - b.mean()) / np.sqrt((a.var() + b.var()) / 2))
    own = units[units["variable"] == "z"]
    assert [own["mean_treated"].mean(), own["mean_others"].mean()] == pytest.approx([a.mean(), b.mean()])
    assert (line["units_treated"], line["n"]) == (known.loc[known["d"] == 1, "firm_id"].nunique(), len(known))


def test_weights_and_effects_of_two_groups(rows: pd.DataFrame) -> None:
    found, _ = tables.balance(table(["x"], weights="w", fixed_effects=["year"]), rows, NOBODY, 0.05)
    made = pf.feols("x ~ d | year", rows, vcov={"CRV1": "firm_id"}, weights="w").tidy().loc["d"]
    assert found["difference"][0] == pytest.approx(made["Estimate"], rel=1e-8)
    treated = rows[rows["d"] == 1]
    assert found["mean_treated"][0] == pytest.approx(np.average(treated["x"], weights=treated["w"]))


def test_groups_that_are_none_are_refused(rows: pd.DataFrame) -> None:
    with pytest.raises(EffectsError, match="group does not part"):
        tables.balance(table(["x"], treatments=["group"]), rows, NOBODY, 0.05)
    with pytest.raises(EffectsError, match="does not part"):
        tables.balance(
            table(["x"], sample=["early"]), rows, {"early": (rows["year"] < 2012).to_numpy()}, 0.05
        )


def test_parts_add_up_and_are_pyfixests(rows: pd.DataFrame) -> None:
    found = tables.decomposed(table(fixed_effects=["group"]), rows, NOBODY, 0.05)
    part = found.set_index(["part", "term"])["estimate"]
    known = rows.dropna(subset="z")
    short = pf.feols("y ~ d | group", known).coef()["d"]
    whole = pf.feols("y ~ d + x + z | group", known).coef()["d"]
    assert part["without", ""] == pytest.approx(short, rel=1e-9)
    assert part["with", ""] == pytest.approx(whole, rel=1e-9)
    assert part["control"].sum() == pytest.approx(short - whole, rel=1e-9)
    assert part["total", ""] == pytest.approx(short - whole, rel=1e-9)
    made = pf.feols("y ~ d + x + z", known)
    theirs = made.decompose(decomp_var="d", only_coef=True).results.absolute
    ours = tables.decomposed(table(), rows, NOBODY, 0.05).set_index(["part", "term"])["estimate"]
    for name in ("x", "z"):
        assert ours["control", name] == pytest.approx(theirs[name], rel=1e-8)


def test_parts_are_told_by_who_has_the_treatment(rows: pd.DataFrame) -> None:
    two = rows["firm_id"].unique()[-2:]
    found = tables.decomposed(table(), rows.assign(d=rows["firm_id"].isin(two).astype(float)), NOBODY, 0.05)
    assert found["telling_units"].eq(2).all() and found["units"].gt(2).all()


def test_errors_of_parts_hold_by_drawing(rows: pd.DataFrame) -> None:
    found = tables.decomposed(table(), rows, NOBODY, 0.05).set_index(["part", "term"])
    whole = pf.feols("y ~ d + x + z", rows.dropna(subset="z"), vcov={"CRV1": "firm_id"}).tidy()
    assert found.loc[("with", ""), "std_error"] == pytest.approx(whole.loc["d", "Std. Error"], rel=1e-8)
    by = dict(list(rows.dropna(subset="z").groupby("firm_id")))
    rng, drawn = np.random.default_rng(1), []
    for _ in range(400):
        some = pd.concat([by[name] for name in rng.choice(list(by), len(by))])
        full = np.linalg.lstsq(
            np.column_stack([np.ones(len(some)), some[["d", "x", "z"]]]), some["y"], rcond=None
        )[0]
        aux = np.linalg.lstsq(np.column_stack([np.ones(len(some)), some["d"]]), some[["x", "z"]], rcond=None)[
            0
        ]
        drawn.append(aux[1] * full[2:])
    # 400 draws know a standard error to some 4 %; a linearisation on 60 firms misses a few more.
    assert found.loc["control"]["std_error"].to_numpy() == pytest.approx(np.std(drawn, axis=0), rel=0.2)


def test_nothing_that_moves_is_refused(rows: pd.DataFrame) -> None:
    with pytest.raises(EffectsError, match="nothing moves"):
        tables.decomposed(table(controls=["group"], fixed_effects=["firm_id"]), rows, NOBODY, 0.05)


def test_production_functions_are_those_of_their_room(rows: pd.DataFrame) -> None:
    asked = {"free": ["x"], "state": ["z"], "proxy": [], "methods": ["ols", "fe"], "draws": 20}
    found, few = tables.functions(table() | {"production": asked}, rows, NOBODY, 0.05, 1)
    assert few == []
    known = rows.dropna(subset="z")
    ols = pf.feols("y ~ x + z | year", known).coef()
    fe = pf.feols("y ~ x + z | firm_id + year", known).coef()
    shown = found.set_index(["method", "term"])["estimate"]
    assert [shown["ols", "x"], shown["fe", "z"]] == pytest.approx([ols["x"], fe["z"]], rel=1e-8)
    assert shown["ols", "returns_to_scale"] == pytest.approx(ols.sum(), rel=1e-8)
    assert found["std_error"].gt(0).all() and found["n"].eq(len(known)).all()


def test_methods_with_too_few_firms_are_named_and_the_others_go_on(rows: pd.DataFrame) -> None:
    """The proxy is known in one year of each firm: no lag of it; of fifteen firms nothing can be estimated at all."""
    once = rows.assign(proxy=rows["x"].where(rows["year"] == rows["year"].min()))
    asked = {"free": ["x"], "state": ["z"], "proxy": ["proxy"], "methods": ["lp", "ols"], "draws": 20}
    found, few = tables.functions(table() | {"production": asked}, once, NOBODY, 0.05, 1)
    assert few == ["lp"] and set(found["method"]) == {"ols"}
    some = once[once["firm_id"].isin(once["firm_id"].unique()[:15])]
    found, few = tables.functions(table() | {"production": asked}, some, NOBODY, 0.05, 1)
    assert found.empty and few == ["lp", "ols"]


def test_what_is_not_there_is_named(rows: pd.DataFrame) -> None:
    with pytest.raises(EffectsError, match="no column nowhere"):
        tables.summaries(table(["nowhere"]), rows, NOBODY)
    with pytest.raises(EffectsError, match="2 rows of the sample"):
        tables.correlated(table(["x", "z"]), rows.head(2), NOBODY)
    with pytest.raises(EffectsError, match="a value of empty"):
        tables.summaries(table(["empty"]), rows.assign(empty=np.nan), NOBODY)


def test_counts_stay_whole_below_a_table_of_no_columns() -> None:
    """The two are set one below the other; counts were printed as 438.00000."""
    made = pd.DataFrame(
        {"panel": [""], "column": [1], "one": [""], "n": [438], "units": [51], "singletons": [0]}
    )
    whole = pd.concat([tables.NO_COLUMN, made])
    assert whole[["n", "units", "singletons"]].dtypes.eq("int64").all()
