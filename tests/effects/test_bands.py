"""Bands of event studies: known cases, what packages keep, and coverage of whole paths."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import SimpleNamespace

import diff_diff as dd
import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from scipy.stats import t as t_law

from estimators.effects import dynamics
from estimators.effects.imputation import bands, fit, leads, tables
from estimators.effects.staggered import averages
from evidence.montecarlo import draw, summary

KEYS = {"outcome": "y", "unit": "unit", "time": "year", "first_treat": "start"}
NAMES = {"outcome": "y", "unit": "unit", "time": "year", "start": "start"}


def drawn(rng: np.random.Generator, units: int = 150) -> pd.DataFrame:
    """Three cohorts and as many that never start, eight years, no effect, errors that last."""
    start = np.repeat([0, 0, 0, 2014, 2015, 2016], units // 6)
    error = rng.normal(size=(units, 8)).cumsum(axis=1) * 0.5 + rng.normal(size=(units, 8))
    data = pd.DataFrame(
        {"unit": np.repeat(np.arange(units), 8), "year": np.tile(np.arange(2010, 2018), units)}
    )
    return data.assign(start=start[data["unit"]], y=error.ravel())


def test_sidak_is_the_band_of_independent_estimates() -> None:
    for count in (1, 5, 12):
        assert (2 * norm.cdf(bands.sidak(count, 0.1)) - 1) ** count == pytest.approx(0.9)
        assert bands.simultaneous(np.eye(count), 0.1) == pytest.approx(bands.sidak(count, 0.1), abs=0.02)


def test_a_covariance_of_other_errors_is_not_used() -> None:
    study = pd.DataFrame(
        {
            "estimator": "a",
            "event_time": [-2, -1, 0, 1],
            "estimate": [0.5, 0, 1, 2],
            "std_error": [1, np.nan, 1, 2],
        }
    )
    half = norm.ppf(0.975) * study["std_error"]
    study = study.assign(ci_low=study["estimate"] - half, ci_high=study["estimate"] + half)
    own = SimpleNamespace(
        event_study_vcov=np.ones((3, 3)) * np.outer([1, 1, 2], [1, 1, 2]), event_study_vcov_index=[-2, 0, 1]
    )
    alike = bands.beside(study, {"a": own})
    # Perfectly correlated: one interval holds all.
    assert alike["joint"].all() and alike["multiplier"].iloc[0] == pytest.approx(1.96, abs=0.02)
    assert alike["band_high"].isna().tolist() == [False, True, False, False]
    own.event_study_vcov = own.event_study_vcov * 1.1
    for results in ({"a": own}, {"a": object()}, {}):
        told = bands.beside(study, results)
        assert not told["joint"].any() and told["multiplier"].iloc[0] == pytest.approx(bands.sidak(3))
    line = bands.apart(told.assign(ci_low=[1, np.nan, 1, -1], band_low=[-1, np.nan, 1, -1])).iloc[0]
    assert line[["leads", "leads_apart", "effects", "effects_alone", "effects_apart"]].tolist() == [
        1,
        0,
        2,
        1,
        1,
    ]
    assert bands.beside(study.iloc[:0], {}).empty and bands.apart(told.iloc[:0]).empty


def test_packages_and_ours_keep_their_covariance() -> None:
    data = drawn(np.random.default_rng(1))
    model = fit(data, **NAMES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = {
            "cs": dd.CallawaySantAnna(base_period="universal").fit(data, **KEYS),
            "sun": dd.SunAbraham(cluster="unit").fit(data, **KEYS),
            "stacked": dd.StackedDiD(kappa_pre=2, kappa_post=1).fit(data, **KEYS),
            "extended": dd.WooldridgeDiD(cluster="unit").fit(data, **KEYS),
            "imputation": tables.imputed(model),
            "two_stage": tables.in_two_stages(model),
        }
    found = bands.beside(dynamics.event_studies(results, 0.05, -4, 3), results)
    joint = found.groupby("estimator")["joint"].first()
    assert joint.to_dict() == {n: n != "extended" for n in results}
    told = found[found["std_error"].gt(0)]
    wide = told.groupby("estimator").agg(multiplier=("multiplier", "first"), rows=("multiplier", "size"))
    assert (wide["multiplier"] > 1.96).all()
    # Šidák's inequality, but for the error of 100,000 draws.
    assert (wide["multiplier"] < wide["rows"].map(bands.sidak) + 0.02).all()
    path = leads.rebased(model, -4)
    np.testing.assert_allclose(path.influence.T @ path.influence, path.covariance, rtol=1e-12)


def test_a_path_from_one_year_has_intervals_and_a_band() -> None:
    times = pd.Index([-2, 0, 1], name="event_time")
    path = pd.Series([0.5, 1.0, 2.0], times)
    error = np.array([1.0, 1.0, 2.0])
    alike = pd.DataFrame(np.outer(error, error), times, times)
    table = bands.of_path(path, alike, 0.1)
    assert table["event_time"].tolist() == [-2, 0, 1] and table["estimate"].tolist() == [0.5, 1, 2]
    np.testing.assert_allclose(table["ci_high"] - table["estimate"], norm.ppf(0.95) * error)
    # Perfectly correlated: the band is the interval, but for the error of 100,000 draws.
    np.testing.assert_allclose(table["band_low"], table["ci_low"], atol=0.05)
    apart = bands.of_path(path, pd.DataFrame(np.diag(error**2), times, times), 0.1)
    np.testing.assert_allclose(apart["band_high"] - apart["estimate"], bands.sidak(3, 0.1) * error, rtol=0.02)
    none = bands.of_path(*leads.window({})[:2])
    assert none.empty and {"event_time", "ci_low", "band_high"} <= set(none)
    assert averages.ends(path) == {"first": 1.0, "late": 2.0} and averages.ends(path.iloc[:0]) == {}
    assert averages.ends(path.iloc[:1]) == {"late": 0.5}


def test_few_treated_clusters_take_students_quantile() -> None:
    """Of 95 %: 12.706 with two treated clusters, 2.7764 with five, the normal's where nobody knows how many."""
    found = bands.critical(norm.ppf(0.975), [2, 5, 1e9, np.nan])
    np.testing.assert_allclose(found, [12.7062, 2.77645, 1.95996, 1.95996], rtol=1e-5)
    times = pd.Index([-2, 0, 1], name="event_time")
    error = np.array([1.0, 1.0, 2.0])
    args = pd.Series([0.5, 1.0, 2.0], times), pd.DataFrame(np.diag(error**2), times, times)
    behind = pd.Series({-2: 5, 0: 1_000_000, 7: 3})
    table = bands.of_path(*args, clusters=behind)
    np.testing.assert_allclose(
        table["ci_high"] - table["estimate"], [2.77645, 1.95996, 2 * 1.95996], rtol=1e-5
    )
    # Three apart: the normal band is Šidák's, 2.3877; what lies beyond it has as much room at four degrees of freedom.
    wide = (table["band_high"] - table["estimate"]) / error
    np.testing.assert_allclose(wide, [t_law.isf(norm.sf(2.3877), 4), 2.3877, 2.3877], rtol=0.01)
    study = table.assign(estimator="a").drop(columns=["band_low", "band_high"])
    told = bands.beside(study, {}, clusters=behind)
    np.testing.assert_allclose(told["multiplier"], bands.critical(bands.sidak(3), [5, 1e6, np.nan]))
    assert bands.apart(told)["multiplier"].iloc[0] == told["multiplier"].max() > 3.5
    starts = pd.DataFrame(
        {"unit": [1, 1, 2, 2, 3], "year": [1, 2, 1, 2, 2], "start": [2, 2, 2, 2, 0], "group": "g"}
    )
    assert dynamics.starters(starts).to_dict() == {-1: 2, 0: 2}
    assert dynamics.starters(starts, "group").to_dict() == {-1: 1, 0: 1}


def test_few_treated_units_do_not_narrow_the_band() -> None:
    """18 of 36 units start: the normal band holds whole paths too seldom, by two to seven points; Student's as promised."""
    rng = np.random.default_rng(31)
    held = []
    for _ in range(120):
        data = drawn(rng, 36)
        path = leads.rebased(fit(data, **NAMES), -4)
        shown = [
            bands.of_path(path.estimate, path.covariance, draws=4000, clusters=behind)
            for behind in (None, dynamics.starters(data))
        ]
        held.append([((t["band_low"] < 0) & (t["band_high"] > 0)).all() for t in shown])
    normal, student = np.mean(held, axis=0)
    # Three errors of 120 draws are .06.
    assert normal < student and 0.89 < student < 0.995


def test_coverage_of_whole_paths() -> None:
    """150 panels without an effect: leads and effects all hold zero in about 95 %; ten intervals a year do not."""
    rng = np.random.default_rng(20)
    held = []
    for _ in range(150):
        results = {"imputation": tables.imputed(fit(drawn(rng), **NAMES), -5)}
        study = dynamics.event_study("imputation", results["imputation"], 0.05, -5, 3)
        study = bands.beside(study, results, draws=4000)
        told = study[study["std_error"].gt(0)]
        held.append([(told[f"{k}_low"] < 0).all() and (told[f"{k}_high"] > 0).all() for k in ("band", "ci")])
    band, alone = np.mean(held, axis=0)
    # Three errors of 150 draws are .053; 75 starters in clusters by unit cost a point or two (as pointwise).
    assert 0.885 < band < 0.995
    assert alone < 0.85


def test_what_trials_found_stands_beside_a_band(tmp_path: Path) -> None:
    """In 100 draws a right share errs by √(.05 · .95/100) = .0218: a band is too narrow below .95 − 2 · .0218 = .9064."""
    file = tmp_path / "trials.csv"
    lines = [(300, "a", 0.80, 100), (1500, "a", 0.95, 100), (1500, "b", 0.906, 100), (1500, "c", 0.907, 100)]
    rows = [("null", firms, "band", name, 0.95, draws, rate) for firms, name, rate, draws in lines]
    rows += [("null", 1500, "coverage", "a", 0.95, 400, 0.5), ("parallel", 1500, "band", "c", 0.95, 400, 0.1)]
    pd.DataFrame(rows, columns=summary.KEPT).to_csv(file, index=False)
    table = pd.DataFrame({"estimator": ["a", "b", "c", "d"], "x": 1.0})
    found, told = bands.tried(table, 2000, trials=file)
    np.testing.assert_array_equal(found["held"], [0.95, 0.906, 0.907, np.nan])
    np.testing.assert_array_equal(found["tried"], [1500, 1500, 1500, np.nan])
    assert told == {"short": ["b"], "least": 0.906, "tried": 1500, "draws": 100}
    # Between 300 and 1,500 the middle of logs is √(300 · 1500) = 671; what was tried in one size alone has that.
    assert bands.tried(table, 672, trials=file)[0]["tried"].tolist()[:2] == [1500, 1500]
    few, told = bands.tried(table, 670, trials=file)
    assert few["tried"].tolist()[:2] == [300, 1500] and few["held"].iloc[0] == 0.8
    assert told["short"] == ["a", "b"] and told["tried"] == 300
    assert bands.tried(table, 1500, what="coverage", trials=file)[1]["least"] == 0.5
    # Intervals of another size were not tried, nor was another estimator; a study without estimates has no lines.
    for same, none in ((table, 0.1), (table[["estimator"]].iloc[3:], 0.05), (pd.DataFrame([]), 0.05)):
        untried, told = bands.tried(same, 1500, none, trials=file)
        assert untried.equals(same) and told == {"short": []}


def test_the_kept_trials_say_which_bands_are_too_narrow() -> None:
    kept = pd.read_csv(bands.TRIED)
    assert list(kept) == summary.KEPT and kept["rate"].between(0, 1).all() and (kept["draws"] > 0).all()
    assert not kept.duplicated(summary.KEPT[:5]).any()
    assert set(kept["name"]) == set(draw.ESTIMATORS)
    every = pd.DataFrame({"estimator": list(draw.ESTIMATORS)})
    for firms in (300, 600, 3000):
        assert bands.tried(every, firms)[1] == {"short": []}, "no band is too narrow by two simulation errors"
    # Errors by firm do not see what the firms of a path share.
    assert bands.tried(every, 300, what="coverage")[1]["short"] == ["extended_twfe", "two_stage"]
