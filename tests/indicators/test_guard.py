"""No regression contains what it explains: judged by a study's parameters, before there are data."""

from __future__ import annotations

import itertools

import pytest

from fusion.indicators import guard, system
from fusion.indicators.guard import Regressions

LP = {"ln_lp": ({"value_added"}, {"employees_avg"}), "ln_sales": ({"service_revenue"}, set())}
CORE = ["A1", "B1", "B2", "C1", "C2", "D4"]
# Parts of integration, and the numbers that are integration by another definition or side.
PARTS = [
    "A1",
    "A2",
    "A3",
    "A4",
    "A5",
    "A6",
    "B6",
    "D4",
    "integration_inputs",
    "service_share",
    "ln_sales",
    "service_revenue",
]


def study(**asked: object) -> Regressions:
    settings = {"indicators": CORE, "outcome": "ln_lp", "treatments": ["pilot"], "derived": LP}
    return Regressions(**settings | asked)  # type: ignore[arg-type]


def test_an_outcome_in_the_index_stops_the_study() -> None:
    """B2 is value added per head: an index that holds it may not explain value added per head."""
    (told,) = guard.refusals(study(treatments=["composite"]))
    assert "effects.outcome: 'composite'" in told and "B2 (" in told and "measure value_added" in told
    assert not guard.refusals(study(treatments=["conditions"]))
    assert "results" in guard.refusals(study(controls=["results"]))[0]


def test_an_index_that_is_no_regressor_is_left_alone() -> None:
    assert not guard.refusals(study(controls=["ln_employees"]))
    assert not guard.refusals(study(outcome=None, treatments=["composite"]))


@pytest.mark.parametrize("outcome", ["tfp_acf", "ln_tfp", "markup", "B1", "B2"])
def test_estimated_productivity_is_seen_through(outcome: str) -> None:
    assert guard.refusals(study(outcome=outcome, treatments=["composite"]))


def test_the_score_of_a_chain_is_held_against_outcomes() -> None:
    assert "chain_value" in guard.refusals(study(treatments=["chain_value"]))[0]
    assert not guard.refusals(study(treatments=["chain_innovation"]))


@pytest.mark.parametrize("part", PARTS)
def test_integration_neither_explains_nor_stands_beside_its_parts(part: str) -> None:
    beside = guard.judged(study(treatments=["integration"], controls=[part]))
    assert set(beside.query("how != 'scale'")["against"]) == {part}
    if part not in (
        "A6",
        "D4",
        "integration_inputs",
    ):  # of other columns: the input side may well be asked about
        assert guard.refusals(study(outcome=part, treatments=["integration"]))
    assert not guard.refusals(study(controls=[part])), "beside a pilot it says nothing of integration"


@pytest.mark.parametrize("result", ["results", "B1", "B2", "B3", "C3", "C5", "E7"])
def test_results_are_no_controls_of_integration(result: str) -> None:
    assert guard.refusals(study(outcome="exit", treatments=["integration"], controls=[result]))


def test_the_input_side_is_a_second_dose_where_it_is_declared_as_one() -> None:
    assert not guard.refusals(study(treatments=["integration", "integration_inputs"]))
    assert guard.refusals(study(treatments=["integration"], controls=["integration_inputs"]))


def test_every_family_of_regressions_is_looked_at() -> None:
    """What is asked of robustness and mechanisms is held against the outcome and the controls, too."""
    cases = {
        "effects.other_outcomes": {"treatments": ["integration"], "other_outcomes": ["A1"]},
        "robustness.placebo_outcomes": {
            "treatments": ["integration"],
            "placebo_outcomes": ["service_revenue"],
        },
        "robustness.alternative_outcomes": {
            "treatments": ["composite"],
            "outcome": "exit",
            "alternative_outcomes": ["B2"],
        },
        "robustness.alternative_measures": {"alternative_measures": ["integration", "composite"]},
        "robustness.nonlinear_regressor": {"nonlinear_outcome": "ln_sales", "nonlinear_regressor": "A1"},
        "heterogeneity.mechanism_outcomes": {"treatments": ["integration"], "mechanism_outcomes": ["A1"]},
        "heterogeneity.mediators": {"mediators": ["B1"]},
    }
    for parameter, asked in cases.items():
        told = guard.refusals(study(**asked))
        assert len(told) == 1 and told[0].startswith(parameter), (parameter, told)


def test_a_shared_scale_is_told_and_no_error() -> None:
    asked = study(
        outcome="roa", treatments=["integration"], derived={"roa": ({"total_profit"}, {"operating_revenue"})}
    )
    (row,) = guard.judged(asked).to_dict("records")
    assert (row["part"], row["columns"], row["how"]) == ("integration", "operating_revenue", "scale")
    assert not guard.refusals(asked)


def test_components_are_the_panels_columns() -> None:
    made = guard.components(study(treatments=["composite"], controls=["ln_sales"])).set_index("column")
    assert made.loc["composite", "measures"] == [
        "ps_input",
        "rd_expense",
        "rd_staff",
        "service_revenue",
        "value_added",
    ]
    assert made.loc["ln_lp", ["measures", "relates_to"]].tolist() == [["value_added"], ["employees_avg"]]


def test_no_two_indicators_of_one_column_explain_each_other() -> None:
    """Brute force: every pair of declared indicators that measure a column in common is refused, both ways."""
    declared = system.system()
    for x, y in itertools.permutations(declared.index, 2):
        common = set(declared.loc[x, "measures"].split(";")) & set(declared.loc[y, "measures"].split(";"))
        found = guard.refusals(Regressions([], y, treatments=[x]))
        assert bool(found) == bool(common), (x, y, common)
