"""Several outcomes by imputation, adjusted together, and effects in years of a common shock."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators.effects.imputation import fit, outcomes
from estimators.robustness import multiplicity


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    """240 firms, 2014–2023; pilots from 2017 or 2019 on gain .3 in ``moved``, nothing in ``still``, and lose nothing in 2020."""
    rng = np.random.default_rng(3)
    firm, year = np.repeat(np.arange(240), 10), np.tile(np.arange(2014, 2024), 240)
    start = rng.choice([np.nan, 2017, 2019], 240, p=[0.6, 0.2, 0.2])[firm]
    on = year >= start
    level = rng.normal(size=240)[firm] + 0.05 * (year - 2014)
    spared = np.where((year == 2020) & ~(on & (start < 2020)), -0.5, 0.0)
    return pd.DataFrame(
        {
            "firm_id": [f"f{i}" for i in firm],
            "year": year,
            "start": start,
            "moved": level + 0.3 * on + rng.normal(0, 0.2, 2400),
            "still": level + rng.normal(0, 0.2, 2400),
            "shocked": level + spared + rng.normal(0, 0.2, 2400),
        }
    )


def test_each_outcome_is_its_own_imputation(panel: pd.DataFrame) -> None:
    found, refused = outcomes.on_outcomes(panel, {"moved": [], "still": []}, "start")
    assert not refused
    for name, own in found.items():
        alone = fit(panel, outcome=name, unit="firm_id", time="year", start="start").overall()
        row = own.table.loc["effect"]
        assert row["estimate"] == pytest.approx(alone.estimate, rel=1e-12)
        assert row["std_error"] == pytest.approx(alone.std_error, rel=1e-9)
        assert row["units"] == alone.units
    table = multiplicity.family(found, "romano_wolf", 999, 1).set_index("regression")
    assert table.loc["moved", "adjusted"] < 0.01 < table.loc["still", "adjusted"]
    assert (table["adjusted"] >= table["p_value"] - 0.02).all()


def test_a_shock_is_the_change_of_the_effect_from_the_year_before(panel: pd.DataFrame) -> None:
    found, _ = outcomes.on_outcomes(panel, {"shocked": [], "still": []}, "start", shocks=[2020, 2013])
    assert list(found["shocked"].table.index) == ["effect", "2020"]  # nobody had started before 2013
    assert found["shocked"].table.loc["2020", "estimate"] == pytest.approx(0.5, abs=0.06)
    assert abs(found["still"].table.loc["2020", "statistic"]) < 3
    model = fit(panel, outcome="shocked", unit="firm_id", time="year", start="start")
    weights = outcomes.through(model, 2020)
    assert (
        weights is not None
        and weights.sum() == pytest.approx(0)
        and weights.clip(min=0).sum() == pytest.approx(1)
    )
    when = (model.atoms["start"] + model.atoms["event_time"]).to_numpy()
    assert set(when[weights > 0]) == {2020} and set(when[weights < 0]) == {2019}
    assert (model.atoms["start"].to_numpy()[weights != 0] < 2020).all()


def test_what_cannot_be_estimated_is_said(panel: pd.DataFrame) -> None:
    rows = panel.assign(late=panel["still"].where(panel["year"] >= panel["start"]), few=panel["still"])
    rows.loc[rows["start"].notna() & (rows["firm_id"] > "f11"), "few"] = np.nan
    found, refused = outcomes.on_outcomes(rows, {"late": [], "few": []}, "start")
    assert list(refused) == ["late"] and "few" not in found
    assert outcomes.on_outcomes(rows, {"still": []}, None) == ({}, {})


def test_the_graph_of_what_is_held_constant(panel: pd.DataFrame) -> None:
    """Treatment to outcome, each control to outcome, and a dashed arrow from treatment to those alone that it moves."""
    from matplotlib import pyplot
    from matplotlib.text import Annotation

    from estimators.plots import held

    # As notebook 13 has them: what the start does to each control; one by hand without noise, 3 points in every treated year.
    exact = panel.assign(up=panel["year"] + 3.0 * (panel["year"] >= panel["start"]))
    found, _ = outcomes.on_outcomes(exact, {"up": [], "still": [], "moved": []}, "start")
    lines = {name: one.table.loc["effect"] for name, one in found.items()}
    assert lines["up"]["estimate"] == pytest.approx(3)
    moves = [bool(line["ci_low"] > 0 or line["ci_high"] < 0) for line in lines.values()]
    assert moves == [True, False, True]
    words = {"held": "held", "may_move": "moved", "treatment": "Pilot", "outcome": "Output"}
    figure = held.graph(pd.DataFrame({"column": list(lines), "moves": moves}), words)
    drawn = figure.axes[0].texts
    arrows = [t for t in drawn if isinstance(t, Annotation)]
    dashed = [t for t in arrows if t.arrow_patch.get_linestyle() in ("--", "dashed")]
    places = {t.get_text(): t.get_position() for t in drawn if t.get_text()}
    assert len(arrows) == 1 + 3 + 2 and {"up", "still", "moved", "Pilot", "Output"} <= set(places)
    # An arrow's head is where it points to, its own place where it starts.
    assert {t.xy for t in dashed} == {places["up"], places["moved"]}
    assert {t.get_position() for t in dashed} == {places["Pilot"]}
    assert all(t.xy == places["Output"] for t in arrows if t not in dashed)
    pyplot.close(figure)


def test_controls_that_the_start_moves(panel: pd.DataFrame) -> None:
    """One control by hand without noise: 3 points in every treated year, and one that follows its firm and year."""
    exact = panel.assign(
        up=panel["year"] + 3.0 * (panel["year"] >= panel["start"]),
        same=panel["year"] * 2.0 + panel["firm_id"].str.len(),
    )
    found = outcomes.moved(exact, ["up", "moved", "still"], "start").set_index("column")
    assert found.loc["up", "estimate"] == pytest.approx(3) and found["moves"].tolist() == [True, True, False]
    assert found.loc["still", "ci_low"] < 0 < found.loc["still", "ci_high"]
    assert outcomes.moved(exact, ["up"], None).empty and outcomes.moved(exact, [], "start").empty
    treated = exact.loc[exact["start"].notna(), "firm_id"].nunique()
    assert (found["units"] == treated).all()
