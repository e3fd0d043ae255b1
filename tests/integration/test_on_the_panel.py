"""Figures of the measure on the synthetic panel, whose true shares are known: what it does, not what Shanghai is.

Tolerances: the figures rest on some 1,200 sellers a year and a prior of four levels; a hundredth of F (one point) is the
rounding of the design's own figures and a few per cent of the error that the model states.
"""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

from fusion.classification.editions import successors
from fusion.classification.policy import paths
from fusion.integration import draws, firms, relatedness, sums
from fusion.panel.synthetic import Settings, generate

FIRMS = 3000


def with_paths(panel: pd.DataFrame) -> pd.DataFrame:
    main = paths().set_index("code")["path"]
    known = pd.concat([successors(e).assign(edition=e) for e in ("2011", "2017")])
    first = known.groupby(["edition", "code"])["code_2017"].first().map(main)
    keys = pd.MultiIndex.from_frame(panel[["class_version", "ind4"]])
    return panel.assign(path=first.reindex(keys).to_numpy())


@pytest.fixture(scope="module")
def measured() -> pd.DataFrame:
    """Firm-years as told, with the F that they would have had all been told."""
    related, con = relatedness.relatedness(), ibis.duckdb.connect()
    told = with_paths(generate(Settings(firms=FIRMS), seed=20260101)[0])
    whole = with_paths(generate(Settings(firms=FIRMS, missingness=0), seed=20260101)[0])
    found = {}
    for name, panel in {"told": told, "true": whole}.items():
        table = con.create_table(name, panel, overwrite=True)
        found[name] = firms.integration(table, related).to_pandas()
    common = firms.integration(con.table("told"), related, firms.Settings(common=True)).to_pandas()
    keys = ["firm_id", "year"]
    traits = told[[*keys, "path", "ind4", "employees_avg", "biz_activity_codes"]]
    rows = found["told"].merge(found["true"][[*keys, "point"]], on=keys, suffixes=("", "_true"))
    return rows.merge(common[[*keys, "point"]], on=keys, suffixes=("", "_common")).merge(traits, on=keys)


@pytest.fixture(scope="module")
def makers(measured: pd.DataFrame) -> pd.DataFrame:
    return measured[measured["ind4"].str[:2].between("13", "42")].reset_index(drop=True)


def test_bounds_hold_the_truth_in_every_row(measured: pd.DataFrame) -> None:
    assert len(measured) == 24_504
    assert (measured["low"] <= measured["point_true"] + 1e-9).all()
    assert (measured["point_true"] <= measured["high"] + 1e-9).all()


def test_services_firms_alone_are_not_integrated(measured: pd.DataFrame) -> None:
    """Those with services above 97 % of revenue, where told: none but with goods that they tell; and little at most."""
    served = measured[
        (measured["services"] > 0.97 * measured["volume"]) & ~measured["ind4"].str[:2].between("13", "42")
    ]
    assert len(served) > 200
    makes = served["goods"] > 0
    assert 10 < makes.sum() < 0.5 * len(served)
    assert served.loc[~makes, "point"].dropna().eq(0).all()
    assert served.loc[makes, "point"].dropna().between(0, 0.06, inclusive="neither").all()
    assert served["high"].max() <= 0.06


def test_the_city_and_its_identified_set(makers: pd.DataFrame) -> None:
    last = makers[makers["year"] == 2023]
    weight = last["volume"] / last["volume"].sum()
    assert 100 * (weight * last["point_true"]).sum() == pytest.approx(12.7, abs=0.1)
    assert 100 * (weight * last["low"]).sum() == pytest.approx(2.9, abs=0.3)
    # The most related service of each class of goods bounds it here, which is a little tighter than one bound for all.
    assert 100 * (weight * last["high"]).sum() == pytest.approx(36.6, abs=2)
    assert 100 * weight[last["point"].isna()].sum() == pytest.approx(25, abs=1)


def test_paths_by_their_means(makers: pd.DataFrame) -> None:
    means = 100 * makers[makers["year"] == 2023].groupby("path")["point_true"].mean()
    told = {"P1": 11.8, "P2": 9.8, "P3": 11.8, "P4": 11.7, "P5": 7.2, "P6": 7.6, "other": 7.7}
    assert means[list(told)].tolist() == pytest.approx(list(told.values()), abs=0.15)


def test_the_model_for_the_silent(makers: pd.DataFrame) -> None:
    drawn = sums.impute(makers, sums.Model())
    assert drawn is not None
    silent = makers["point"].isna().to_numpy()
    truth = makers.loc[silent, "point_true"]
    assert drawn[:, silent].mean() == pytest.approx(truth.mean(), abs=0.002)
    low, high = np.quantile(drawn[:, silent], [0.05, 0.95], axis=0)
    assert ((truth >= low - 1e-9) & (truth <= high + 1e-9)).mean() == pytest.approx(0.92, abs=0.03)
    by_path = sums.totals(makers, drawn, ["path", "year"])
    own = (
        makers.assign(i=makers["point_true"] * makers["volume"])
        .groupby(["path", "year"])[["i", "volume"]]
        .sum()
    )
    error = by_path["value"].to_numpy() - (100 * own["i"] / own["volume"]).to_numpy()
    assert np.abs(error / by_path["error"]).mean() < 1.2
    assert (by_path["low"] <= by_path["value"]).all() and (by_path["value"] <= by_path["high"]).all()


def test_one_tier_stands_for_the_next(makers: pd.DataFrame) -> None:
    """Named activities instead of classes: slope one, ranks .99, error below a point."""
    both = makers[(makers["point_common"] > 0) & (makers["point_true"] > 0)]
    x, y = both["point_common"], both["point_true"]
    assert (x * y).sum() / (x * x).sum() == pytest.approx(1, abs=0.02)
    assert x.corr(y, method="spearman") > 0.985 and 100 * (x - y).abs().mean() < 1


def test_falling_silent_moves_nobody_up(makers: pd.DataFrame) -> None:
    """Ranked at the least: a firm that tells nothing is at zero, whatever it had."""
    silent = makers[makers["point"].isna()]
    assert silent["low"].eq(0).all() and (silent["point_true"] >= silent["low"]).all()


def test_sums_are_exact_over_any_groups(makers: pd.DataFrame) -> None:
    whole = makers.assign(point=makers["point_true"], path=makers["path"].fillna("other"))
    drawn = np.tile(whole["point"].to_numpy(), (2, 1))
    parts = sums.totals(whole, drawn, ["path", "year"])
    total = sums.totals(whole.assign(path="all"), drawn, ["path", "year"]).set_index("year")
    np.testing.assert_allclose(parts.groupby("year")["yuan"].sum(), total["yuan"], rtol=1e-12)
    assert (total["error"] < 1e-9).all() and (total["silent"] == 0).all()


def test_a_change_is_the_sum_of_its_parts(makers: pd.DataFrame) -> None:
    moves = sums.change(makers, "path", 2018, 2023)
    parts = moves[["before", "within", "shift", "entry", "exit"]].sum(axis=1)
    np.testing.assert_allclose(parts, moves["after"], atol=1e-9)


def test_ranks_under_draws() -> None:
    point = pd.Series([0.3, 0.1, 0.2], ["a", "b", "c"])
    spread = np.array([[0.3, 0.3], [0.1, 0.25], [0.2, 0.2]])
    found = draws.intervals(point, spread)
    assert found["rank"].tolist() == [1, 3, 2] and found.loc["a", "width"] == 0
    assert found.loc["b", "low"] < found.loc["b", "high"]


def test_too_few_that_tell() -> None:
    rows = pd.DataFrame(
        {"firm_id": ["a", "b"], "year": 2020, "point": [0.1, np.nan], "high": 0.9, "low": 0.0, "volume": 1.0}
    )
    assert sums.impute(rows, sums.Model()) is None
    total = sums.totals(rows.assign(path="P1"), None, ["path", "year"])
    assert total["value"].isna().all() and total["high"].tolist() == [90.0]
