"""Placebos keep what they must keep, and find nothing where there is nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators.errors import EffectsError
from estimators.robustness.placebo import early_start, permuted_paths


@pytest.fixture
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"firm_id": np.repeat(np.arange(30), 5), "year": np.tile(np.arange(2010, 2015), 30)})
    table["start"] = np.repeat(np.where(np.arange(30) < 10, 2013.0, np.nan), 5)
    table["path"] = np.repeat(np.where(np.arange(30) % 2, "p", "q"), 5)
    table["d"] = rng.normal(size=150)
    return table


def test_early_start_leaves_out_what_is_treated(rows: pd.DataFrame) -> None:
    made = early_start(rows, "start", 2)
    assert len(made) == 150 - 10 * 2
    assert made.groupby("year")["placebo"].sum().tolist() == [0, 10, 10, 0, 0]
    assert not made.loc[made["start"].isna(), "placebo"].any()


def test_early_start_says_what_is_wrong(rows: pd.DataFrame) -> None:
    with pytest.raises(EffectsError, match="years = 0"):
        early_start(rows, "start", 0)
    with pytest.raises(EffectsError, match="begins too late"):
        early_start(rows.assign(start=2010.0), "start", 1)


def test_paths_are_exchanged_whole_and_within_strata(rows: pd.DataFrame) -> None:
    made = permuted_paths(rows, "d", "firm_id", "year", 20, ["path"], seed=1)
    courses = {tuple(g["d"]): g["path"].iloc[0] for _, g in rows.groupby("firm_id")}
    for draw in made.T:
        drawn = rows.assign(m=draw).groupby("firm_id")
        assert [courses[tuple(g["m"])] for _, g in drawn] == [g["path"].iloc[0] for _, g in drawn]
        assert np.allclose(np.sort(draw), np.sort(rows["d"]), atol=0)
    assert (made != rows[["d"]].to_numpy()).any(axis=0).all()


def test_units_exchange_with_units_seen_in_the_same_years(rows: pd.DataFrame) -> None:
    holes = rows[~((rows["firm_id"] < 4) & (rows["year"] == 2012))].sample(frac=1, random_state=0)
    made = permuted_paths(holes, "d", "firm_id", "year", 10, seed=2)
    assert np.isfinite(made).all()
    few = holes["firm_id"].to_numpy() < 4
    for draw in made.T:
        assert np.allclose(np.sort(draw[few]), np.sort(holes["d"][few]), atol=0)
    with pytest.raises(EffectsError, match="no unit shares"):
        permuted_paths(rows, "d", "firm_id", "year", 1, ["firm_id"])
