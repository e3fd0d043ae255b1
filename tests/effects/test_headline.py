"""The declared answer: weights, a second implementation, intervals, variants that keep the target, and its design error."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators import effects
from estimators.effects import dynamics, imputation, spillover
from estimators.effects.imputation import headline, leads, literal, tables
from estimators.effects.power import imputed_error, learn_errors
from estimators.effects.staggered import averages

KEYS = {"outcome": "y", "unit": "unit", "time": "year", "start": "start"}
YEARS, FIRMS = 9, 240


def panel(seed: int = 3, noise: float = 0.3, shock: float = 0.02) -> pd.DataFrame:
    """Staggered starts, effects that grow, two controls of very different size, a sixth of all rows missing."""
    rng = np.random.default_rng(seed)
    unit, year = np.repeat(np.arange(FIRMS), YEARS), np.tile(np.arange(YEARS), FIRMS) + 2012
    start = rng.choice([0, 0, 2015, 2016, 2018], FIRMS).astype(float)[unit]
    path = rng.integers(0, 8, FIRMS)[unit]
    data = pd.DataFrame({"unit": unit, "year": year, "start": start, "path": path.astype(str)})
    data["district"] = (unit % 30).astype(str)
    data["x1"], data["x2"] = rng.normal(size=len(data)) * 1e5 + unit, rng.normal(size=len(data))
    data["effect"] = np.where((start > 0) & (year >= start), 0.3 + 0.1 * (year - start), 0.0)
    data["y"] = unit * 0.01 + year * 0.1 + data["x1"] * 1e-6 + data["effect"] + path * (year - 2012) * shock
    data["y"] += rng.normal(size=len(data)) * noise
    return data[rng.random(len(data)) > 1 / 6].reset_index(drop=True)


@pytest.mark.parametrize("target", ["all", "common", "first"])
@pytest.mark.parametrize("estimator", ["imputation", "two_stage"])
@pytest.mark.parametrize(
    "options",
    [
        {"slopes": ["x1", "x2"]},
        {"cells": ["path"], "slopes": ["x1"], "anticipation": 1},
        {"cells": ["path"], "cluster": "district"},
    ],
    ids=["slopes", "cells", "clusters"],
)
def test_two_implementations_agree(estimator: str, target: str, options: dict[str, object]) -> None:
    """Sums by unit against one sparse design solved by iteration: 1e-9 is what LSMR's stopping rule leaves at most."""
    data = panel()
    model = imputation.fit(data, **KEYS, **options)  # type: ignore[arg-type]
    found = headline.declared(model, estimator, target, 2)  # type: ignore[arg-type]
    row = headline.beside({"it": found}, data, **KEYS, **options).iloc[0]
    assert row["difference"] < 1e-9 and row["ratio_less_1"] < 1e-9
    assert found.weights.sum() == pytest.approx(1)


def test_the_worked_example() -> None:
    """Three firms by hand: effects 3/2, 23/6, 8/3; their mean 8/3, that of the first year 25/12."""
    rows = [("A", 3, [4, 5, 9, 12]), ("B", 4, [2, 3, 6, 9]), ("C", 0, [1, 2, 4, 5])]
    data = pd.DataFrame(
        [(u, t + 1, s, float(y)) for u, s, values in rows for t, y in enumerate(values)],
        columns=["unit", "year", "start", "y"],
    )
    weights = pd.DataFrame({"start": [3, 3, 4], "event_time": [0, 1, 0], "weight": 1 / 3})
    # LSMR stops where another step changes nothing in 14 digits.
    assert literal.effect(data, **KEYS, weights=weights, centre="overall")[0] == pytest.approx(
        8 / 3, abs=1e-10
    )
    first = weights[weights["event_time"] == 0].assign(weight=0.5)
    assert literal.effect(data, **KEYS, weights=first, centre="overall")[0] == pytest.approx(
        25 / 12, abs=1e-10
    )
    model = imputation.fit(data, **KEYS, centre="cohort")
    assert headline.declared(model, "imputation", "first", 0).estimate.estimate == pytest.approx(25 / 12)


def test_targets_weigh_what_they_say() -> None:
    model = imputation.fit(panel(), **KEYS)
    common = headline.declared(model, "imputation", "common", 2).by_event_time
    np.testing.assert_allclose(common[common > 0], 1 / 3)
    assert common[common > 0].index.tolist() == [0, 1, 2]
    every = headline.declared(model, "imputation", "all", 2)
    assert every.estimate.estimate == pytest.approx(model.effect.mean(), rel=1e-12)
    assert every.share @ model.effect == pytest.approx(every.estimate.estimate, rel=1e-12)
    assert headline.declared(model, "imputation", "first", 2).by_event_time.iloc[0] == pytest.approx(1)


def test_the_wider_interval_stands_first() -> None:
    data = panel()
    model = imputation.fit(data, **KEYS, cells=["path"])
    found = {"it": headline.declared(model, "imputation", "all", 2)}
    groups = tables.first_seen(data, "path")
    table, refused = headline.answer(found, groups, 0.05, 1)
    assert refused == {} and set(table["inference"]) == {"unit", "signs"}
    width = table["ci_high"] - table["ci_low"]
    assert width.iloc[0] > width.iloc[1] and headline.apart(table) is True
    few = headline.answer(found, groups.replace({str(k): "0" for k in range(4)}), 0.05, 1)[0]
    assert few["inference"].tolist() == ["unit"], "five groups cannot reject at five per cent"
    assert headline.apart(table.assign(ci_low=-1.0)) is False and headline.apart(table.iloc[:0]) is None


def test_signs_of_groups_hold_for_any_target() -> None:
    """With one group for each unit and two-stage errors the sum of squared parts is the variance of that target."""
    data = panel()
    found = headline.declared(imputation.fit(data, **KEYS), "imputation", "first", 2)
    parts = headline.inference._group_parts(found.model, data["unit"].to_numpy(str), found.share)[0]
    assert parts.sum() == pytest.approx(found.estimate.estimate, rel=1e-9)


def test_variants_keep_the_target() -> None:
    """A dip of 1 in the year before the start, no noise: years in which an effect is allowed for are no part of the average."""
    data = panel(noise=0.0, shock=0.0)
    data["y"] -= (data["year"] == data["start"] - 1).astype(float)
    made = dynamics.cohort_panel(data.rename(columns={"unit": "firm_id"}), "start", "y", ["x1"], keep=["x1"])
    tried = headline.changes(made, (), (), 0)
    assert list(tried) == ["as_above", "one_year_more", "two_years_more", "no_controls"]
    truth = data.loc[data["effect"] > 0, "effect"].mean()
    own = {"slopes": ["x1"]}
    found = {
        name: headline.declared(imputation.fit(d, **KEYS, **own | o), "imputation", "all", 2)
        for name, (d, o) in tried.items()
        if name != "no_controls"
    }
    table = headline.choices(found, 0.05, -5).set_index("choice")
    assert table.loc["as_above", "estimate"] > truth + 0.1, "the dip is taken for a normal year"
    # Rows whose unit loses its last untreated year to anticipation leave the average, hence not to the last digit.
    assert table.loc["one_year_more", "estimate"] == pytest.approx(truth, abs=0.02)
    assert table.loc["as_above", "lead_2"] == pytest.approx(1, abs=1e-8), (
        "two years before lies one above the dip"
    )


def test_bounds_take_the_answers_weights() -> None:
    found = headline.declared(imputation.fit(panel(), **KEYS), "imputation", "all", 2)
    path = leads.rebased(found.model)
    weights = headline.event_weights({"it": found})
    assert weights is not None and set(weights.index) <= set(path.estimate.index)
    estimate, covariance, scores = leads.window({"it": path})
    # What clusters add without leads in the model adds up to the leads.
    np.testing.assert_allclose(scores.sum(), path.estimate[scores.columns], atol=1e-12)
    assert estimate is path.estimate and covariance is path.covariance and leads.window({})[0].empty


def test_shocks_of_groups_are_no_spillover() -> None:
    """Without noise, shocks by path and year move exposed firms more; with years of paths nothing is left."""
    rng = np.random.default_rng(5)
    data = panel(noise=0.0, shock=0.0)
    shocks = {(p, y): rng.normal() for p in data["path"].unique() for y in data["year"].unique()}
    data["y"] = data["unit"] + [shocks[key] for key in zip(data["path"], data["year"], strict=True)]
    cell = ["path", "district"]
    table = spillover.listed(
        {name: spillover.felt(data, cell, groups) for name, groups in tables.cells(["path"]).items()}, "path"
    ).set_index("effects")
    assert abs(table.loc["year", "estimate"]) > 0.01
    assert table.loc["group_year", "estimate"] == pytest.approx(0, abs=1e-9)
    assert set(table["inference"]) <= {"unit", "signs"}
    assert (table["exposed"] > 0).all() and (table["others"] > 0).all()


def test_the_design_error_is_that_of_the_answer() -> None:
    """200 draws: the error of a standard deviation is 5 %, that of the learned covariance about as much; three of both."""
    rows = panel(noise=0.3, shock=0.0).rename(columns={"unit": "firm_id"})
    rows["start"] = rows["start"].where(rows["start"] > 0)
    rows["treated"] = (rows["year"] >= rows["start"]).astype(int)
    columns = effects.Columns("y", ("treated",))
    table = effects.designs(rows, columns, start="start", treated_sizes=())
    assert table["estimator"].tolist() == ["imputation"]
    names = KEYS | {"unit": "firm_id"}
    rng = np.random.default_rng(8)
    drawn = [
        imputation.fit(rows.assign(y=rng.normal(size=len(rows)) * 0.3), **names).effect.mean()
        for _ in range(200)
    ]
    assert table["std_error"].iloc[0] == pytest.approx(np.std(drawn), rel=0.21)
    # A treatment that is not that of the start column is the regression's.
    other = effects.designs(rows.assign(treated=rng.integers(0, 2, len(rows))), columns, start="start")
    assert set(other["estimator"]) == {"twfe"}
    first = effects.designs(rows, columns, start="start", treated_sizes=(), target="first")["std_error"].iloc[
        0
    ]
    starts = [
        headline.declared(
            imputation.fit(rows.assign(y=rng.normal(size=len(rows)) * 0.3), **names), "imputation", "first", 0
        ).estimate.estimate
        for _ in range(200)
    ]
    assert first == pytest.approx(np.std(starts), rel=0.21) and first > table["std_error"].iloc[0] * 1.1
    errors = learn_errors(rows[rows["treated"] == 0], columns, sorted(rows["year"].unique()))
    assert imputed_error(rows, "start", columns, errors) == pytest.approx(
        table["std_error"].iloc[0], rel=1e-9
    )


def test_the_truth_is_that_of_what_is_estimated() -> None:
    """y = 2 x + …: an effect of .5 on y of which 2 · .1 runs through x leaves .3 given x."""
    rng = np.random.default_rng(2)
    rows = pd.DataFrame({"firm_id": np.repeat(np.arange(40), 5), "year": np.tile(np.arange(5), 40)})
    rows["start"], rows["ln_employees"] = np.where(rows["firm_id"] < 5, 3.0, np.nan), rng.normal(size=200)
    rows["ln_lp"] = 2 * rows["ln_employees"] + rows["firm_id"] + rows["year"]
    truth = pd.DataFrame({"dimension": ["overall"], "level": ["all"], "n": [10], "effect": [0.5]})
    truth = truth.assign(effect_ln_employees=0.1, effect_size=0.0)
    given = averages.given(truth, rows, "start", "ln_lp", ["ln_employees"])
    assert given is not None and given["effect"].iloc[0] == pytest.approx(0.3, abs=1e-12)
    free = averages.given(truth, rows, "start", "ln_lp", [])
    assert free is not None and free["effect"].iloc[0] == 0.5
    rows["size"] = rng.normal(size=200)
    unmoved = averages.given(truth, rows, "start", "ln_lp", ["ln_employees", "size"])
    assert unmoved is not None and unmoved["effect"].iloc[0] == pytest.approx(0.3, abs=1e-12)
    assert averages.given(None, rows, None, "y", []) is None
    scored = averages.with_truth(pd.DataFrame({"target": ["all", "early", "variance"]}), free, 1)
    assert scored["truth"].notna().tolist() == [True, False, False]
