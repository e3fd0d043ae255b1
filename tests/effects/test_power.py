"""The minimum detectable effect holds what it promises."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from estimators import effects
from estimators.effects.power import design_error, learn_errors

COLUMNS = effects.Columns("y", ("pilot",))
FIRMS, YEARS, RHO = 200, 8, 0.7


def errors(rng: np.random.Generator, rows: pd.DataFrame) -> np.ndarray:
    """Firm effects and stationary AR(1) errors with standard deviation 1, on the rows of an unbalanced panel."""
    e = np.empty((FIRMS, YEARS))
    e[:, 0] = rng.normal(size=FIRMS)
    for t in range(1, YEARS):
        e[:, t] = RHO * e[:, t - 1] + np.sqrt(1 - RHO**2) * rng.normal(size=FIRMS)
    return (e + 2 * rng.normal(size=(FIRMS, 1)))[rows["firm"], rows["year"] - 2012]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    firm, year = np.repeat(np.arange(FIRMS), YEARS), np.tile(np.arange(2012, 2012 + YEARS), FIRMS)
    start = np.where(np.arange(FIRMS) < 60, rng.choice([2014.0, 2016.0], FIRMS), np.nan)
    data = pd.DataFrame(
        {"firm": firm, "firm_id": [f"f{i:03}" for i in firm], "year": year, "start": start[firm]}
    )
    data["pilot"] = (data["year"] >= data["start"]).astype(int)
    data = data[rng.random(len(data)) > 0.25].reset_index(drop=True)
    return data.assign(y=errors(rng, data))


def test_design_error_and_power_against_simulation(rows: pd.DataFrame) -> None:
    """400 draws: the sd of an estimate's sd is 1/√800 = 3.5 %, of a rejection rate of .8 is .02."""
    draws = 400
    mde = effects.designs(rows, COLUMNS, start="start", treated_sizes=()).iloc[0]
    rng = np.random.default_rng(12)
    d = effects.two_way_residuals(rows["pilot"], rows["firm_id"], rows["year"])
    y = np.column_stack([errors(rng, rows) for _ in range(draws)])
    y = effects.two_way_residuals(y, rows["firm_id"], rows["year"])
    estimates = d @ y / (d @ d)
    # Learned from one sample of 200 firms, so its own error (some 5 %) is added to the simulation's: 3 sd = 18 %.
    assert mde["std_error"] == pytest.approx(estimates.std(), rel=0.18)
    # With the expected standard error set to the simulated one, the promise of 80 % power holds within 3 sd.
    exact = effects.minimum_detectable(estimates.std(), FIRMS)
    scores = d[:, None] * (y - np.outer(d, estimates))
    clustered = np.sqrt(np.square(pd.DataFrame(scores).groupby(rows["firm_id"].to_numpy()).sum()).sum()) / (
        d @ d
    )
    rejected = np.abs(estimates + exact) / clustered > stats.t.ppf(0.975, FIRMS - 1)
    assert rejected.mean() == pytest.approx(0.8, abs=0.06)


def test_unequal_windows_do_not_bias_the_error_covariance(rows: pd.DataFrame) -> None:
    """Differences cancel firm effects: V_ts = 2(1 − ρ^|t−s|) for AR(1), however short a firm's window is."""
    never = rows[rows["start"].isna()]
    big = pd.concat([never.assign(firm_id=never["firm_id"] + f"_{k}") for k in range(10)])
    rng = np.random.default_rng(13)
    big["y"] = np.concatenate([errors(rng, never) for _ in range(10)])
    found = learn_errors(big, COLUMNS).own
    lag = np.abs(np.subtract.outer(np.arange(YEARS), np.arange(YEARS)))
    # About 800 firms see each pair of years: the sd of a variance is √(2/800) = 5 %; the largest of 28 within 4 sd.
    np.testing.assert_allclose(found, 2 * (1 - RHO**lag), rtol=0.2, atol=1e-12)


def test_fewer_treated_find_less(rows: pd.DataFrame) -> None:
    table = effects.designs(rows, COLUMNS, start="start", treated_sizes=(30, 12, 500))
    assert table["n_treated"].tolist() == [60, 30, 12] and table["design"].tolist() == [
        "observed",
        "fewer",
        "fewer",
    ]
    assert table["mde"].is_monotonic_increasing
    # With a share that is small, SE goes as 1/√(treated); the covariates of who is left move it a little.
    assert table["mde"].iloc[2] / table["mde"].iloc[0] == pytest.approx(np.sqrt(60 / 12), rel=0.2)


def test_coarser_clusters_with_common_shocks_cost_power(rows: pd.DataFrame) -> None:
    rng = np.random.default_rng(14)
    district = rows["firm"] % 20
    shock = rng.normal(size=(20, YEARS)).cumsum(axis=1)
    rows = rows.assign(district=district.astype(str), y=rows["y"] + shock[district, rows["year"] - 2012])
    rows["pilot"] = ((district < 6) & (rows["year"] >= 2015)).astype(int)
    by_firm = effects.designs(rows, COLUMNS, treated_sizes=())["std_error"].iloc[0]
    clustered = effects.Columns("y", ("pilot",), cluster="district")
    table = effects.designs(rows, clustered, treated_sizes=())
    assert table["clusters"].iloc[0] == 20 and table["std_error"].iloc[0] > 1.5 * by_firm


def test_formula_is_close_to_the_noncentral_t() -> None:
    """statsmodels solves the exact power of a t test; the sum of two quantiles differs from it by little."""
    for clusters in (17, 54, 1000):
        exact = TTestPower().solve_power(nobs=clusters, alpha=0.05, power=0.8) * np.sqrt(clusters)
        # The approximation is known to be a little off at few degrees of freedom: 1 % at 16, .01 % at 999.
        assert effects.minimum_detectable(1.0, clusters) == pytest.approx(exact, rel=0.015)


def test_a_continuous_treatment_is_measured_in_its_own_standard_deviations(rows: pd.DataFrame) -> None:
    rng = np.random.default_rng(15)
    dose = rows.assign(pilot=rng.normal(size=len(rows)))
    table = effects.designs(dose, COLUMNS)
    assert table["kind"].tolist() == ["continuous"]
    assert table["mde_one_sd"].iloc[0] == pytest.approx(table["mde"].iloc[0] * table["treatment_sd"].iloc[0])
    scaled = effects.designs(dose.assign(pilot=100 * dose["pilot"]), COLUMNS)
    np.testing.assert_allclose(scaled["mde_one_sd"], table["mde_one_sd"], rtol=1e-9)


def test_a_treatment_without_own_variation_is_an_error(rows: pd.DataFrame) -> None:
    learned = learn_errors(rows, COLUMNS)
    by_year = rows.assign(pilot=(rows["year"] > 2014).astype(int))
    with pytest.raises(effects.EffectsError, match="'pilot' has no variation left"):
        design_error(by_year, "pilot", COLUMNS, learned)


def test_too_little_untreated_data_is_an_error(rows: pd.DataFrame) -> None:
    with pytest.raises(effects.EffectsError, match="needs two of each"):
        effects.designs(
            rows[rows["firm"] == 0].assign(pilot=[0, *[1] * ((rows["firm"] == 0).sum() - 1)]), COLUMNS
        )
