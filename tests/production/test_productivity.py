"""Productivity of a panel by method and industry, as the notebook asks for it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators.production import ProductionError
from estimators.production.productivity import productivity, returns
from fusion.panel.synthetic import Settings, generate


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    table = generate(Settings(firms=700), 3)[0].drop_duplicates(["firm_id", "year"])
    return table.assign(sector=np.where(table["ind4"].str[:2] < "34", "a", "b")).reset_index(drop=True)


def test_residuals_are_those_of_the_coefficients(panel: pd.DataFrame) -> None:
    found = productivity(panel, ["ols"], "sector")
    b = found.coefficients.set_index(["industry", "term"])["estimate"]
    own = panel[panel["sector"] == "a"].dropna(subset=["value_added", "employees_avg", "fixed_assets_net"])
    own = own[(own[["value_added", "employees_avg", "fixed_assets_net"]] > 0).all(axis=1)]
    y, low, k = (np.log(own[c]) for c in ("value_added", "employees_avg", "fixed_assets_net"))
    by_hand = y - b["a", "l"] * low - b["a", "k"] * k
    tfp = found.columns.loc[own.index, "tfp_ols"]
    # The method takes year effects among its controls; what is left differs by a constant a year at most.
    gap = (tfp - by_hand).groupby(own["year"]).std()
    assert gap.max() < 1e-9


def test_methods_industries_and_markups(panel: pd.DataFrame) -> None:
    found = productivity(panel, ["ols", "acf"], "sector", labour="current")
    scale = found.coefficients.query("term == 'returns to scale'").set_index(["method", "industry"])[
        "estimate"
    ]
    assert len(scale) == 4 and scale["acf"].between(0.7, 1.3).all()
    medians = returns(found.coefficients)
    assert list(medians.index) == ["ols", "acf"] and medians["acf"] == pytest.approx(scale["acf"].mean())
    assert {"firm_id", "year", "tfp_ols", "tfp_acf", "markup"} == set(found.columns)
    assert found.columns["markup"].median() > 0 and len(found.columns) == len(panel)
    assert found.columns["tfp_ols"].corr(found.columns["tfp_acf"]) > 0.5


def test_a_deflator_is_used(panel: pd.DataFrame) -> None:
    plain = productivity(panel, ["fe"], "sector").columns["tfp_fe"]
    price = pd.Series(np.where(panel["sector"] == "a", 2.0, 1.0), index=panel.index)
    real = productivity(panel.assign(deflator=price), ["fe"], "sector").columns["tfp_fe"]
    gap = (plain - real)[panel["sector"] == "a"].dropna()
    assert gap.std() < 1e-9 and abs(gap.mean()) > 0.1
    other = (plain - real)[panel["sector"] == "b"].dropna()
    assert other.abs().max() < 1e-9


def test_what_is_missing_is_said(panel: pd.DataFrame) -> None:
    with pytest.raises(ProductionError, match="the panel lacks fixed_assets_net"):
        productivity(panel.drop(columns="fixed_assets_net"), ["ols"], "sector")
    few = productivity(panel, ["ols"], "district", fewest_firms=60)
    assert few.failed["reason"].str.contains("fewer than 60 firms").any()
    none = productivity(panel, ["ols"], "firm_id")
    assert none.coefficients.empty and "no industry" in none.failed["reason"].iloc[0]


def test_a_policy_within_the_process(panel: pd.DataFrame) -> None:
    """The pilots' average effect on productivity is found with its sign and size; OLS has no process for it."""
    start = panel["pilot_start_year"].astype(float)
    piloted = panel.assign(pilot=(panel["year"] >= start).astype(int))
    found = productivity(piloted, ["ols", "acf"], "sector", labour="current", policy="pilot")
    effect = found.coefficients.query("term == 'policy effect'")
    assert set(effect["method"]) == {"acf"}
    # True average about 0.06; its standard error in 700 firms in two sectors is some 0.03.
    assert effect["estimate"].mean() == pytest.approx(0.06, abs=0.06)
    with pytest.raises(ProductionError, match="lacks pilot"):
        productivity(panel.drop(columns="pilot", errors="ignore"), ["acf"], "sector", policy="pilot")
