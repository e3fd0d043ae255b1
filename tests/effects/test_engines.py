"""Two engines give one answer, and a difference stops the run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyfixest as pf
import pytest
from linearmodels.iv.absorbing import AbsorbingLS
from linearmodels.panel import PanelOLS
from pyfixest.demeaners import LsmrDemeaner

from estimators import effects
from estimators.engines import agreement, rounding
from estimators.engines.agreement import intervals, nested, no_error

LADDER = [
    ["firm_id"],
    ["firm_id", "year"],
    ["firm_id", "division*year"],
    ["firm_id", "division*year", "district*year"],
]
# Both solvers iterate to a relative residual of 1e-12 or less; what is left after a sandwich is far below this.
EXACT = {"rtol": 1e-9}


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    """Unbalanced, with firms that change division and district, and a few rows alone in their effects."""
    rng = np.random.default_rng(7)
    firms, years = 150, 8
    firm, year = np.repeat(np.arange(firms), years), np.tile(np.arange(2012, 2012 + years), firms)
    division = np.where(rng.random(len(firm)) < 0.05, rng.integers(0, 6, len(firm)), (firm % 6))
    data = pd.DataFrame(
        {
            "firm_id": [f"f{i:03}" for i in firm],
            "year": year,
            "division": division.astype(str),
            "district": (firm // 3 % 4).astype(str),
            "pilot": ((year >= 2015) & (firm % 3 == 0)).astype(float),
            "size": rng.normal(size=len(firm)) + firm % 5,
        }
    )
    data["y"] = (
        0.1 * data["pilot"] + 0.3 * data["size"] + firm % 7 + rng.normal(size=len(firm)).cumsum() * 0.05
    )
    return data[rng.random(len(firm)) > 0.3].reset_index(drop=True)


def fit_pyfixest(rung: effects.Rung, regressors: list[str], **ssc: object) -> pf.estimation.FixestMulti:
    return pf.feols(
        f"y ~ {' + '.join(regressors)} | {' + '.join(rung.effects)}",
        data=rung.data,
        vcov={"CRV1": "firm_id"},
        ssc=pf.ssc(**(ssc or {"k_adj": True, "k_fixef": "none", "G_adj": True, "G_df": "min"})),
        fixef_rm="none",
        demeaner=LsmrDemeaner(fixef_atol=1e-12, fixef_btol=1e-12),
    )


def fit_linearmodels(rung: effects.Rung, regressors: list[str]) -> AbsorbingLS:
    return AbsorbingLS(
        rung.data["y"], rung.data[regressors], absorb=rung.data[rung.effects], drop_absorbed=True
    ).fit(
        cov_type="clustered",
        clusters=pd.factorize(rung.data["firm_id"])[0],
        debiased=True,
        method="lsmr",
        absorb_options={"atol": 1e-14, "btol": 1e-14, "maxiter": 10_000},
    )


def both(panel: pd.DataFrame, step: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    rung = effects.rung(panel, step, drop_singletons=True)
    a, b = fit_pyfixest(rung, ["pilot", "size"]), fit_linearmodels(rung, ["pilot", "size"])
    counted = effects.counted_by_linearmodels(2, rung.data[rung.effects], rung.data["firm_id"])
    tables = (
        effects.stated_rows(rung, "firm_id", "pyfixest", a.coef(), a.se(), 2),
        effects.stated_rows(rung, "firm_id", "linearmodels", b.params, b.std_errors, counted),
    )
    first, second = (table.set_index(["spec", "term"]) for table in tables)
    return first, second


@pytest.mark.parametrize("step", LADDER, ids=" + ".join)
def test_engines_agree_on_every_rung(panel: pd.DataFrame, step: list[str]) -> None:
    table = effects.agree(*both(panel, step))
    assert table["agree"].all() and len(table) == 2


@pytest.mark.parametrize("step", LADDER, ids=" + ".join)
def test_the_exact_estimator_is_a_third_engine(panel: pd.DataFrame, step: list[str]) -> None:
    first, second = both(panel, step)
    rung = effects.rung(panel, step, drop_singletons=True)
    third = effects.exact_rows(rung, "y", ["pilot", "size"], "firm_id").set_index(["spec", "term"])
    for engine, rows in (("pyfixest", first), ("linearmodels", second)):
        assert len(effects.agree(rows, third, (engine, "exact"))) == 2
    assert (third["parameters"] == first["parameters"]).all()
    third["estimate"] *= 1 + 1e-6
    with pytest.raises(effects.EnginesDisagree, match="pyfixest and exact part in 2 of 2"):
        effects.agree(first, third, ("pyfixest", "exact"))


def test_full_count_is_what_both_packages_report(panel: pd.DataFrame) -> None:
    """pyfixest "full" and linearmodels count alike, so the restatement is checked against a third number."""
    rung = effects.rung(panel, LADDER[2], drop_singletons=True)
    full = fit_pyfixest(rung, ["pilot"], k_adj=True, k_fixef="full", G_adj=True, G_df="min").se()
    none = fit_pyfixest(rung, ["pilot"]).se()
    counted = effects.counted_parameters(1, rung.data[rung.effects])
    np.testing.assert_allclose(effects.restate(none, len(rung.data), 1, counted), full, **EXACT)
    np.testing.assert_allclose(fit_linearmodels(rung, ["pilot"]).std_errors, full, **EXACT)


def test_stated_correction_against_dummies(panel: pd.DataFrame) -> None:
    """The stated standard error from scratch: dummies, sandwich, G/(G−1)·(n−1)/(n−K)."""
    rung = effects.rung(panel, LADDER[1], drop_singletons=True)
    data = rung.data
    dummies = pd.get_dummies(data[["firm_id", "year"]], dtype=float).to_numpy()
    x = data[["pilot", "size"]].to_numpy()
    x = x - dummies @ np.linalg.lstsq(dummies, x, rcond=None)[0]
    b = np.linalg.lstsq(x, data["y"].to_numpy(), rcond=None)[0]
    y = data["y"].to_numpy()
    u = y - dummies @ np.linalg.lstsq(dummies, y, rcond=None)[0] - x @ b
    scores = pd.DataFrame(x * u[:, None]).groupby(data["firm_id"].to_numpy()).sum().to_numpy()
    bread = np.linalg.inv(x.T @ x)
    n, groups = len(data), data["firm_id"].nunique()
    k = 2 + 1 + (data["year"].nunique() - 1)  # slopes, one for the nested firm effects, years
    v = bread @ scores.T @ scores @ bread * groups / (groups - 1) * (n - 1) / (n - k)
    first, _ = both(panel, LADDER[1])
    np.testing.assert_allclose(first["std_error"], np.sqrt(np.diag(v)), **EXACT)


def test_panel_ols_counts_as_its_notes_say(panel: pd.DataFrame) -> None:
    rung = effects.rung(panel, LADDER[1], drop_singletons=True)
    indexed = panel.loc[:, ["firm_id", "year", "y", "pilot", "size"]].set_index(["firm_id", "year"])
    kept = indexed.loc[pd.MultiIndex.from_arrays([rung.data["firm_id"], rung.data["year"].astype(int)])]
    fit = PanelOLS(kept["y"], kept[["pilot", "size"]], entity_effects=True, time_effects=True).fit(
        cov_type="clustered", cluster_entity=True, group_debias=True, debiased=True
    )
    np.testing.assert_allclose(fit.std_errors, fit_linearmodels(rung, ["pilot", "size"]).std_errors, **EXACT)


@pytest.mark.parametrize(
    ("column", "nudge"), [("estimate", 1e-6), ("std_error", 1e-7), ("n", 1), ("clusters", 1)]
)
def test_a_difference_stops_and_is_shown(panel: pd.DataFrame, column: str, nudge: float) -> None:
    first, second = both(panel, LADDER[1])
    second = second.astype({column: type(second[column].iloc[0])})
    second.loc[("firm_id + year", "size"), column] *= 1 if nudge == 1 else 1 + nudge
    second.loc[("firm_id + year", "size"), column] += 1 if nudge == 1 else 0
    with pytest.raises(effects.EnginesDisagree, match=r"part in 1 of 2 .*\n(.|\n)*size"):
        effects.agree(first, second)


def test_a_term_that_one_engine_dropped_is_named(panel: pd.DataFrame) -> None:
    first, second = both(panel, LADDER[0])
    with pytest.raises(effects.EnginesDisagree, match=r"'size'.* only in pyfixest"):
        effects.agree(first, second.drop(index=[("firm_id", "size")]))


def test_collinear_regressors_are_dropped_by_both(panel: pd.DataFrame) -> None:
    rung = effects.rung(panel.assign(constant=panel["firm_id"].str[1:].astype(float)), LADDER[1], True)
    a = fit_pyfixest(rung, ["pilot", "constant"])
    with pytest.warns(match="absorbed"):
        b = fit_linearmodels(rung, ["pilot", "constant"])
    assert list(a.coef().index) == list(b.params.index) == ["pilot"]


def test_nested_effects() -> None:
    effect = pd.Series(["a", "a", "b", "c"])
    assert nested(effect, pd.Series([1, 1, 1, 2]))
    assert not nested(effect, pd.Series([1, 2, 1, 2]))
    frame = pd.DataFrame({"effect": effect, "year": [1, 2, 1, 2]})
    # 2 slopes + 3 + 2 levels − 1 redundant; nested: less 3 − 1.
    assert effects.counted_parameters(2, frame) == 6
    assert effects.counted_parameters(2, frame, pd.Series([1, 1, 1, 2])) == 4


def test_no_degrees_of_freedom_is_an_error() -> None:
    with pytest.raises(effects.EffectsError, match="no degrees of freedom"):
        effects.restate(pd.Series([1.0]), 10, 2, 10)


def test_one_cluster_is_an_error(panel: pd.DataFrame) -> None:
    rung = effects.rung(panel.assign(all="x"), LADDER[0], True)
    with pytest.raises(effects.EffectsError, match=r"effects\.cluster.*'all' has 1"):
        effects.stated_rows(rung, "all", "pyfixest", pd.Series([1.0]), pd.Series([1.0]), 1)


def test_noise_of_rounding_is_no_difference(panel: pd.DataFrame) -> None:
    """In one build of a library it is 8e-16, in another 1e-15: neither is kept."""
    first, _ = both(panel, ["firm_id", "year"])
    noisy = first.assign(estimate=first["estimate"] * (1 + 1e-15), std_error=first["std_error"] * (1 - 1e-15))
    apart = first.assign(estimate=first["estimate"] * (1 + 1e-10))
    columns = ["coefficient_difference", "std_error_ratio_less_1"]
    assert (effects.agree(first, noisy)[columns] == 0).all(axis=None)
    assert (effects.agree(first, apart)["coefficient_difference"] != 0).all()


def test_a_step_that_rows_do_not_allow_is_left_out(panel: pd.DataFrame) -> None:
    """Each row alone in its effect, or a regressor that effects take up: no step, where the ladder stops."""
    alone = panel.drop_duplicates("firm_id")
    assert effects.possible(alone, [["firm_id", "year"]], ["size"], True) == []
    assert effects.possible(panel, [["firm_id"]], ["size"], True) != []
    with pytest.raises(effects.EffectsError):
        effects.ladder(alone, [["firm_id", "year"]], ["size"], True)


def test_an_error_that_rounding_left_of_zero_is_none() -> None:
    """With as many terms as clusters the sandwich is zero; what is left of it is no precision."""
    estimate, error = pd.Series({"a": 0.7, "b": 0.7}), pd.Series({"a": 3e-16, "b": 0.1})
    assert no_error(estimate, error).tolist() == [True, False]
    table = intervals(estimate, error, 1)
    assert (
        table.loc["a", ["std_error", "ci_low", "ci_high", "p_value"]].isna().all()
        and table.loc["b"].notna().all()
    )
    first = table.assign(n=16, clusters=2, std_error=error)
    second = first.assign(std_error=[5e-16, 0.1])
    assert effects.agree(first, second)["agree"].all()
    with pytest.raises(effects.EnginesDisagree):
        effects.agree(first, first.assign(std_error=[0.2, 0.1]))


def nearly_a_control(size: float) -> pd.DataFrame:
    """An outcome that is a control but for a pilot's effect and noise of the given size."""
    rng = np.random.default_rng(3)
    firm, year = np.repeat(np.arange(100), 8), np.tile(np.arange(2010, 2018), 100)
    data = pd.DataFrame({"firm_id": firm.astype(str), "year": year})
    data["size"] = rng.normal(size=800) + 3 * rng.normal(size=100)[firm] + 8
    data["pilot"] = ((year >= 2012 + firm % 5) & (firm % 2 == 0)).astype(float)
    return data.assign(y=data["size"] + size * (data["pilot"] + rng.normal(size=800)))


def lost_of(panel: pd.DataFrame) -> pd.DataFrame:
    rung = effects.rung(panel, LADDER[1], drop_singletons=True)
    return effects.lost([rung.even("y", ["pilot", "size"])])


@pytest.mark.parametrize("size", [1e-8, 1e-10, 1e-12])
def test_an_outcome_that_is_nearly_a_control_is_judged_by_what_rounding_leaves(size: float) -> None:
    panel = nearly_a_control(size)
    first, second = both(panel, LADDER[1])
    with pytest.raises(effects.EnginesDisagree):
        effects.agree(first, second)
    assert effects.agree(first, second, lost=lost_of(panel))["agree"].all()


@pytest.mark.parametrize(("column", "nudge"), [("estimate", 1e-3), ("std_error", 1e-3), ("n", 1)])
def test_a_true_difference_is_found_there_too(column: str, nudge: float) -> None:
    """Of an outcome of which one part in 10⁸ is left, a thousandth is still seen."""
    panel = nearly_a_control(1e-8)
    first, second = both(panel, LADDER[1])
    at = ("firm_id + year", "pilot")
    second.loc[at, column] += nudge if nudge == 1 else nudge * second.loc[at, column]
    with pytest.raises(effects.EnginesDisagree, match="part in 1 of 2"):
        effects.agree(first, second, lost=lost_of(panel))


def test_what_rounding_moves_is_what_last_digits_move() -> None:
    """Outcomes whose last digits are changed at random have coefficients and errors within the bound, and not far below."""
    rng, panel = np.random.default_rng(5), nearly_a_control(1e-6)
    x = panel[["pilot", "size"]].to_numpy()
    x = np.column_stack([x, np.ones(800)])
    bread, digits = np.linalg.inv(x.T @ x), 1e-11
    found = []
    for _ in range(50):
        y = panel["y"].to_numpy() * (1 + digits * rng.choice([-1, 1], 800))
        b = np.linalg.lstsq(x, y, rcond=None)[0]
        found.append([*b, np.linalg.norm(y - x @ b)])
    moved = np.std(found, axis=0)
    y = panel["y"].to_numpy()
    b = np.linalg.lstsq(x, y, rcond=None)[0]
    told = rounding.lost(y, x, b, y - x @ b, bread)
    scale = digits / rounding.ROUNDING
    assert (moved[:3] < told.coefficients * scale).all() and (
        moved[:3] > 1e-3 * told.coefficients * scale
    ).all()
    assert moved[3] / np.linalg.norm(y - x @ b) < told.std_errors * scale


def test_an_outcome_that_is_a_control_has_no_errors() -> None:
    panel = nearly_a_control(0.0)
    assert (lost_of(panel)["std_error"] >= 1).all()
    rung = effects.rung(panel, LADDER[1], drop_singletons=True)
    rows = effects.exact_rows(rung, "y", ["pilot", "size"], "firm_id")
    assert rows["std_error"].isna().all() and rows["p_value"].isna().all()
    assert rows["estimate"].tolist() == pytest.approx([0, 1], abs=1e-12)


def test_ordinary_outcomes_are_allowed_no_more(panel: pd.DataFrame) -> None:
    """A hundredth of the tolerances at most."""
    first, _ = both(panel, LADDER[1])
    lost = lost_of(panel)
    assert (lost["coefficient"] < 1e-10 * first["std_error"]).all() and (lost["std_error"] < 1e-10).all()


def test_effects_are_taken_out_once_a_step(panel: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    """What rounding may move is asked by three engines and by the comparison, and needs a pass over all rows."""
    passes = []
    projected = agreement.Projection.residuals

    def counted(self: agreement.Projection, values: np.ndarray) -> np.ndarray:
        passes.append(len(values))
        return projected(self, values)

    rung = effects.rung(panel, LADDER[1], drop_singletons=True)
    even = rung.even("y", ["pilot", "size"])
    fits = [fit_pyfixest(even, ["pilot", "size"])], [fit_linearmodels(even, ["pilot", "size"])]
    monkeypatch.setattr(agreement.Projection, "residuals", counted)
    monkeypatch.setattr(agreement, "telling", lambda rows, terms, *_: pd.Series(1, index=terms))
    first, second, lost = effects.both_stated([even], *fits, "firm_id")
    third = effects.exact_rows(rung, "y", ["pilot", "size"], "firm_id")
    assert len(passes) == 1
    keyed = [table.set_index(["spec", "term"]) for table in (first, second, third)]
    for other in keyed[1:]:
        assert effects.agree(keyed[0], other, lost=lost)["agree"].all()
    pd.testing.assert_frame_equal(lost, effects.lost([even]))


def test_an_error_of_zero_among_others_is_what_rounding_left_of_it() -> None:
    """Of a constant whose rows have no residual, two programs keep other last digits: neither has an error to tell."""
    index = pd.MultiIndex.from_tuples([("step", "d"), ("step", "const")])
    one = pd.DataFrame(
        {"estimate": [0.1, -2e-18], "std_error": [0.07, 2e-18], "n": 40, "clusters": 40}, index
    )
    other = one.assign(estimate=[0.1, -6e-18], std_error=[0.07, 1e-9])
    y, x = np.r_[1.0, 1.0, np.zeros(38)], np.column_stack([np.arange(40) < 20, np.ones(40)]) * 1.0
    b = np.linalg.lstsq(x, y, rcond=None)[0]
    told = rounding.lost(y, x, b, y - x @ b, np.linalg.inv(x.T @ x))
    more = pd.DataFrame(
        {"coefficient": told.coefficients, "std_error": told.std_errors, "least": told.least}, index
    )
    assert effects.agree(one, other, lost=more)["agree"].all()
    with pytest.raises(effects.EnginesDisagree):
        effects.agree(one, other.assign(std_error=[0.07, 1e-7]), lost=more)
