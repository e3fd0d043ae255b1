"""What stands beside F: the input side N, other definitions, marks of validity, by hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from handmade import panel, sells

from fusion.integration import firms, inputs, presets, relatedness, validity
from fusion.integration.relatedness import FOLDER

RHO = pd.read_csv(FOLDER / "inputs.csv").set_index("inputs")["rho"]


def bought(**row: Any) -> pd.Series:
    table = inputs.bought(panel({"ind4": "3421", "intermediate_input": 100.0, **row}))
    return table.set_index("firm_id").loc["F0"]


# -- N, the input side -------------------------------------------------------------------------
def test_purchases_by_class_are_exact() -> None:
    """20 of research (.7) and 30 of freight (.25) in 100 of inputs: 2(.14 + .075)."""
    found = bought(ps_input=50.0, ps_input_by_class=json.dumps({"7320": 20, "5431": 30}))
    assert found[["low", "point", "high"]].tolist() == pytest.approx([0.43] * 3)


def test_trade_is_no_integration_and_more_than_half_counts_as_half() -> None:
    assert bought(ps_input=50.0, ps_input_by_class=json.dumps({"5171": 50}))["point"] == 0
    assert bought(ps_input=95.0, ps_input_by_class=json.dumps({"7320": 95}))["point"] == 1


def test_a_sum_alone_leaves_an_interval() -> None:
    """From nothing to the largest ρ, with the division's mix between."""
    found = bought(ps_input=10.0)
    assert found["low"] == 0 and found["high"] == pytest.approx(2 * 0.1 * RHO.max())
    assert 0 < found["point"] < found["high"]


def test_services_firms_and_the_silent_have_no_input_side() -> None:
    services = panel({"ind4": "6513", "intermediate_input": 100.0, "ps_input": 10.0})
    silent = panel({"ind4": "3421", "intermediate_input": 100.0})
    assert inputs.bought(services).empty and inputs.bought(silent).empty
    assert inputs.bought(panel({"ind4": "3421"})).empty


def test_the_input_side_never_enters_integration(prior: relatedness.Relatedness) -> None:
    alone = sells("3421", {"4330": 20})
    both = {**alone, "intermediate_input": 60.0, "ps_input": 30.0}
    one, other = (firms.integration(panel(row), prior).to_pandas()["point"].iloc[0] for row in (alone, both))
    assert one == other == pytest.approx(0.36)


# -- Presets -----------------------------------------------------------------------------------
def measured(made: relatedness.Relatedness, *rows: dict[str, Any]) -> pd.DataFrame:
    return presets.measures(panel(*rows), made).set_index("firm_id")


def test_presets_by_hand(prior: relatedness.Relatedness) -> None:
    """Machine tools 75, repair 20 (.9), research 5 (.7); steel 90 and flats 10 (0); a consultancy; a silent factory."""
    found = measured(
        prior,
        sells("3421", {"4330": 20, "7320": 5}),
        sells("3130", {"7040": 10}),
        sells("7320", {"7320": 100}),
        {"ind4": "3421"},
    )
    tools = found.loc["F0"]
    assert tools["service_share"] == pytest.approx(25)
    assert tools["above_20"] == 100 and tools["above_30"] == 0
    assert tools["cross_mass"] == pytest.approx(400 * 0.75 * (0.2 * 0.9 + 0.05 * 0.7))
    assert tools["related_variety"] == pytest.approx(-(0.8 * np.log(0.8) + 0.2 * np.log(0.2)))
    flats = found.loc["F1"]
    assert flats[["service_share", "cross_mass", "related_variety"]].tolist() == pytest.approx([10, 0, 0])
    # A share of services is highest where nothing is made: it is defined for makers alone.
    assert found.loc["F2", ["service_share", "above_20", "above_30"]].isna().all()
    assert found.loc["F3", presets.COLUMNS].isna().all()


def test_a_threshold_is_met_at_its_value(prior: relatedness.Relatedness) -> None:
    found = measured(prior, sells("3421", {"4330": 30}), sells("3421", {"4330": 29.9}))
    assert found["above_30"].tolist() == [100, 0] and found["above_20"].tolist() == [100, 100]


def test_definitions_are_compared_over_firms_that_have_both() -> None:
    scored = pd.DataFrame(
        {
            "firm_id": list("abcd"),
            "year": 2020,
            "path": ["P1", "P1", "P2", "P2"],
            "integration": [1.0, 2, 3, 4],
            "other": [4.0, 3, 2, np.nan],
            "constant": 1.0,
        }
    )
    table = presets.compare(scored, "integration", ["other", "constant"], 2020).set_index("definition")
    assert list(table.index) == ["integration", "other"]  # what never varies ranks nobody
    assert table.loc["other", ["units", "firms", "paths"]].tolist() == pytest.approx([3, -1, -1])
    assert table["highest"].tolist() == ["P2", "P1"]


# -- Validity ----------------------------------------------------------------------------------
def sellers(n: int = 200, seed: int = 4) -> pd.DataFrame:
    """Makers that sell services over two years: staff of services follows integration, research does not."""
    rng = np.random.default_rng(seed)
    f = rng.uniform(1, 60, n)
    rows = pd.concat(
        pd.DataFrame(
            {
                "firm_id": [f"f{i}" for i in range(n)],
                "year": year,
                "ind4": "3421",
                "integration": f + rng.normal(0, 1, n),
                "D5": f + rng.normal(0, 5, n),
                "C1": rng.normal(size=n),
                "A1": f / 2,
            }
        )
        for year in (2020, 2021)
    )
    factory = pd.DataFrame({"firm_id": ["x"], "year": 2021, "ind4": "3421", "integration": 0.0, "A1": 0.0})
    return pd.concat([rows, factory], ignore_index=True)


def test_marks_pass_where_they_should() -> None:
    found = validity.marks(sellers(), np.tile(np.arange(50.0)[:, None], 20)).set_index("test")
    assert found.loc["D5", ["kind", "passed"]].tolist() == ["convergent", 1]
    assert (
        found.loc["C1", ["kind", "passed"]].tolist() == ["discriminant", 1] and found.loc["C1", "value"] < 0.2
    )
    assert found.loc["pure_factory", "value"] == 0 and found.loc["pure_factory", "passed"] == 1
    assert found.loc["year_to_year", "value"] > 0.9 and found.loc["draws", "value"] == pytest.approx(1)
    assert "C6" not in found.index  # a test whose column is not there is left out


def test_within_firms_levels_do_not_count() -> None:
    """Staff that differs between firms alone: no correlation within; what moves with a firm: all."""
    rows = sellers()
    own = rows.groupby("firm_id")["integration"].transform("mean")
    rows = rows.assign(D5=own, A6=rows["integration"] - 0.5 * own)
    found = validity.marks(rows).set_index("test")["within"]
    assert pd.isna(found["D5"]) and found["A6"] == pytest.approx(1)
    assert pd.isna(found["year_to_year"]) and abs(found["C1"]) < 0.2  # two years of 200 firms of noise


def test_what_a_study_brings_is_a_convergent_measure() -> None:
    """Counts of words, segment revenue: those that follow integration pass, noise fails, what is not there is no test."""
    rows = sellers()
    rng = np.random.default_rng(1)
    rows = rows.assign(
        words=rows["integration"] + rng.normal(0, 20, len(rows)), noise=rng.normal(size=len(rows))
    )
    found = validity.marks(rows, None, ["words", "noise", "segments"]).set_index("test")
    assert found.loc["words", ["kind", "passed"]].tolist() == ["convergent", 1]
    assert found.loc["noise", "passed"] == 0 and "segments" not in found.index
    assert not {"words", "noise"} & set(validity.marks(rows)["test"])


def test_a_measure_of_something_else_fails() -> None:
    """One that is research itself is not told from it, whatever its sign, and does not converge with staff of services."""
    rows = sellers()
    research = rows.assign(integration=60 - rows["C1"].rank(pct=True) * 50)
    found = validity.marks(research).set_index("test")
    assert found.loc["C1", "passed"] == 0 and found.loc["C1", "value"] > 0.9
    assert found.loc["D5", "passed"] == 0 and found.loc["year_to_year", "passed"] == 0
