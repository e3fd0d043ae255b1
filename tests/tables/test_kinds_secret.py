"""What of tables that are no regressions gives a unit away: panels made by hand, judged cell by cell."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from estimators import tables
from workbook.publish.secrecy import Rules, Verdict, verdicts
from workbook.publish.secrecy.study import exhibit_of

BUREAU = Rules.named("bureau")
SPEC: dict[str, Any] = {
    "outcome": "y", "treatments": ["d"], "controls": ["x"], "fixed_effects": [], "cluster": ["firm_id"],
    "errors": "clustered", "lags": None, "weights": None, "sample": [], "estimator": "ols", "quantile": 0.5,
    "like": "fixest", "singletons": "drop", "iv": {}, "mark": {}, "split": None, "first_stage": False,
}  # fmt: skip


def table(of: list[str], *samples: str, **changes: Any) -> dict[str, Any]:
    """A table of some variables; a panel for each sample, or one of all rows."""
    named = [("", [])] if not samples else [(name, [] if name == "all" else [name]) for name in samples]
    panels = [{"panel": n, "head": None, "columns": [SPEC | changes | {"sample": s}]} for n, s in named]
    return {"of": of, "panels": panels}


@pytest.fixture(scope="module")
def firms() -> pd.DataFrame:
    """Forty firms in one year.

    ``x`` is even; ``big`` is nine tenths one firm's; ``two`` and ``three`` are 1 of two and of three firms; ``d`` of half.
    """
    rng = np.random.default_rng(8)
    data = pd.DataFrame({"firm_id": [f"f{i}" for i in range(40)], "year": 2020})
    data["x"] = 10 + rng.normal(size=40)
    data["z"] = 5 + rng.normal(size=40) + 0.3 * data["x"]
    data["big"] = np.where(np.arange(40) == 0, 900.0, 1 + rng.uniform(0, 3, 40))
    data["two"], data["three"] = (np.arange(40) < 2) * 1.0, (np.arange(40) < 3) * 1.0
    data["d"] = (np.arange(40) % 2 == 0) * 1.0
    data["y"] = data["x"] + data["d"] + 3 * data["two"] + rng.normal(size=40)
    return data


def judged(
    kind: str, frame: pd.DataFrame, units: pd.DataFrame | None = None, rules: Rules = BUREAU
) -> Verdict:
    """What becomes of a table, alone, with the roles of its sheet."""
    record: Any = SimpleNamespace(
        notebook="11_tables", id=kind, frame=frame, contributions=units, values={}, kind="table"
    )
    exhibit = exhibit_of(record)
    return verdicts([exhibit], rules)[exhibit.name]


def left_out(verdict: Verdict, row: int) -> set[str]:
    hidden = verdict.hidden.iloc[row]
    return set(hidden.index[hidden])


def samples(firms: pd.DataFrame) -> dict[str, np.ndarray]:
    number = np.arange(len(firms))
    return {
        "few": number < 2,
        "three": number < 3,
        "four": number < 4,
        "but_two": number >= 2,
        "eleven": number < 11,
        "twelve": number < 12,
    }


# -- numbers of variables -------------------------------------------------------------------------
ENDS = {"least", "most"}
NUMBERS = {"n", "units", "mean", "sd", "least", "p25", "p50", "p75", "most"}


def described(firms: pd.DataFrame, of: list[str], *panels: str) -> Verdict:
    return judged("describe", *tables.summaries(table(of, *panels), firms, samples(firms)))


def test_even_variables_lose_their_ends_alone(firms: pd.DataFrame) -> None:
    assert left_out(described(firms, ["x"]), 0) == ENDS


def test_a_unit_that_has_nearly_all_takes_mean_and_spread_along(firms: pd.DataFrame) -> None:
    """Its amount is the mean times the units, and the spread times their root; quantiles are others' values."""
    assert firms["big"].max() / firms["big"].sum() > 0.8
    told = firms["big"].std() * np.sqrt(40)
    assert told == pytest.approx(900, rel=0.02)  # so near is the spread alone
    assert left_out(described(firms, ["x", "big"]), 1) == ENDS | {"mean", "sd"}


def test_a_share_of_two_units_has_no_spread_either(firms: pd.DataFrame) -> None:
    share = firms["two"].mean()
    assert firms["two"].std() == pytest.approx(np.sqrt(share * (1 - share) * 40 / 39))
    assert left_out(described(firms, ["two"]), 0) == ENDS | {"mean", "sd"}
    assert left_out(described(firms, ["three"]), 0) == ENDS


def test_small_panels(firms: pd.DataFrame) -> None:
    """Two units: nothing. Three: no spread, which with the mean and one's own value tells the two others. Quantiles: three
    units beyond them."""
    one = ["x"]
    assert left_out(described(firms, one, "all", "few"), 1) == NUMBERS
    assert left_out(described(firms, one, "all", "three"), 1) == NUMBERS - {"n", "units", "mean"}
    assert left_out(described(firms, one, "all", "four"), 1) == NUMBERS - {"n", "units", "mean", "sd"}
    assert left_out(described(firms, one, "eleven"), 0) == ENDS | {"p25", "p75"}
    assert left_out(described(firms, one, "twelve"), 0) == ENDS


def test_two_of_three_values_follow_from_mean_and_spread(firms: pd.DataFrame) -> None:
    """Why three units have no spread: the third of them solves for the others."""
    own, *others = firms["x"].head(3)
    mean, sd = firms["x"].head(3).mean(), firms["x"].head(3).std()
    rest, squares = 3 * mean - own, 2 * sd**2 + 3 * mean**2 - own**2
    half = np.sqrt(2 * squares - rest**2) / 2
    assert sorted([rest / 2 - half, rest / 2 + half]) == pytest.approx(sorted(others))


def test_panels_that_differ_by_two_units(firms: pd.DataFrame) -> None:
    """The difference of two means, each times its rows, is the amount of two firms: one of the two goes, with its spread."""
    found = described(firms, ["x"], "all", "but_two")
    gone = [{"mean", "sd"} <= left_out(found, row) for row in (0, 1)]
    assert any(gone)


# -- two variables --------------------------------------------------------------------------------
def test_a_correlation_with_what_two_units_have_is_their_mean(firms: pd.DataFrame) -> None:
    n, r = 40, firms["x"].corr(firms["two"])
    apart = r * firms["x"].std() / firms["two"].std()
    theirs = firms["x"].mean() + apart * (n - 2) / n
    assert theirs == pytest.approx(firms["x"].head(2).mean())  # this is what would be told
    found = judged("correlate", tables.correlated(table(["x", "two", "z"]), firms, {}))
    assert left_out(found, 0) == {"with_2"}
    assert left_out(found, 1) == {"with_1", "with_2", "with_3"}
    assert left_out(found, 2) == {"with_2"}
    assert not judged("correlate", tables.correlated(table(["x", "three", "z"]), firms, {})).hidden.any(
        axis=None
    )


def test_what_regressors_share_with_two_units(firms: pd.DataFrame) -> None:
    """Of two regressors the share is the squared correlation, whichever of them it stands beside."""
    found = judged("collinearity", tables.collinear(table(["x", "z"]), firms, {}))
    assert not found.hidden.any(axis=None)
    frame = tables.collinear(table(["x", "two"]), firms, {})
    assert frame["r2"].tolist() == pytest.approx([firms["x"].corr(firms["two"]) ** 2] * 2)
    found = judged("collinearity", frame)
    assert [left_out(found, row) & {"r2", "vif"} for row in (0, 1)] == [{"r2", "vif"}] * 2


# -- two groups -----------------------------------------------------------------------------------
MEANS = {"mean_treated", "mean_others"}
APART = {"difference", "std_error", "p_value", "standardised"}


def balanced(firms: pd.DataFrame, of: list[str], treatment: str = "d") -> Verdict:
    return judged("balance", *tables.balance(table(of, treatments=[treatment]), firms, {}, 0.05))


def test_two_groups_of_many(firms: pd.DataFrame) -> None:
    assert left_out(balanced(firms, ["x"]), 0) == set()


def test_a_group_of_two_has_no_line(firms: pd.DataFrame) -> None:
    found = balanced(firms, ["x", "z"], "two")
    assert found.verdict == "leave_out" or all(
        MEANS | APART | {"n", "units_treated"} <= left_out(found, row) for row in (0, 1)
    )


def test_a_mean_does_not_come_back_by_the_difference(firms: pd.DataFrame) -> None:
    """One firm has nearly all of the treated's: their mean is the others' mean and the difference."""
    frame, _ = tables.balance(table(["big"]), firms, {}, 0.05)
    line = frame.iloc[0]
    assert line["mean_others"] + line["difference"] == pytest.approx(line["mean_treated"])
    found = balanced(firms, ["x", "big"])
    assert {"mean_treated"} | APART <= left_out(found, 1) and "mean_others" not in left_out(found, 1)
    assert left_out(found, 0) == set()


# -- what controls move ---------------------------------------------------------------------------
@pytest.mark.parametrize("controls", [["x", "z", "two"], ["x", "two"], ["two"]])
def test_a_part_does_not_come_back_by_the_others(firms: pd.DataFrame, controls: list[str]) -> None:
    """Parts add up to the move, which is the difference of two coefficients: what is left shown tells none of them."""
    frame = tables.decomposed(table([], controls=controls), firms, {}, 0.05)
    parts = frame[frame["part"] == "control"]
    without, total, with_all = (
        frame.loc[frame["part"] == p, "estimate"].item() for p in ("without", "total", "with")
    )
    assert parts["estimate"].sum() == pytest.approx(total) and without - with_all == pytest.approx(total)
    found = judged("decomposition", frame)
    for row, part in enumerate(frame["part"]):
        assert ("estimate" in left_out(found, row)) == (part != "with"), part
    whole = judged("decomposition", tables.decomposed(table([], controls=["x", "z"]), firms, {}, 0.05))
    assert not whole.hidden.any(axis=None)


def test_one_control_of_two_units_would_tell_what_they_have(firms: pd.DataFrame) -> None:
    """The move by a regressor of two units, over the share of them among the treated, is how far they are from the others."""
    data = firms.assign(d=(np.arange(40) < 20) * 1.0)
    frame = tables.decomposed(table([], controls=["two"]), data, {}, 0.05)
    total = frame.loc[frame["part"] == "total", "estimate"].item()
    theirs, like = data["y"].head(2).mean(), data["y"].iloc[2:20].mean()
    assert total / (2 / 20) == pytest.approx(theirs - like)


def columns(*controls: list[str]) -> dict[str, Any]:
    """A printed table: a column for each list of controls."""
    made = [SPEC | {"controls": list(c), "head": None, "group": None} for c in controls]
    return {"panels": [{"panel": "", "head": None, "columns": made}], "tests": []}


def test_a_column_beside_one_without_a_regressor_of_two_units(firms: pd.DataFrame) -> None:
    """The difference of the two coefficients of ``d`` is the coefficient that is left out, times the share of its units."""
    data = firms.assign(d=(np.arange(40) < 20) * 1.0)
    asked = columns([], ["two"])
    frame = tables.long(asked, tables.estimated(asked, data, {}), 0.05)
    b = frame.set_index(["column", "term"])["estimate"]
    assert (b[1, "d"] - b[2, "d"]) / (2 / 20) == pytest.approx(b[2, "two"])
    told = frame.set_index(["column", "term"])["telling_units"]
    assert told[2, "two"] == told[2, "d"] == 2 and told[1, "d"] == 40
    even = columns([], ["x"], ["x", "z"])
    frame = tables.long(even, tables.estimated(even, data, {}), 0.05)
    assert frame.loc[frame["term"] == "d", "telling_units"].min() == 40


# -- production functions -------------------------------------------------------------------------
def test_production_functions_rest_on_many_or_are_not_made() -> None:
    """Elasticities of fewer than twenty firms are not made; under rules of thirty none of twenty-five is shown."""
    rng = np.random.default_rng(2)
    firm = np.repeat(np.arange(25), 8)
    data = pd.DataFrame({"firm_id": firm.astype(str), "year": np.tile(np.arange(2010, 2018), 25)})
    data["l"], data["k"] = rng.normal(size=200), rng.normal(size=200)
    data["y"] = 0.6 * data["l"] + 0.4 * data["k"] + rng.normal(size=200)
    asked = table([], outcome="y") | {
        "production": {"free": ["l"], "state": ["k"], "proxy": [], "methods": ["ols"], "draws": 20}
    }
    frame, few = tables.functions(asked, data, {}, 0.05, 1)
    assert not few and not judged("production", frame).hidden.any(axis=None)
    under = judged("production", frame, rules=Rules.named("bureau", min_units=30))
    assert under.verdict == "leave_out"
    frame, few = tables.functions(asked, data[firm < 19], {}, 0.05, 1)
    assert few == ["ols"] and frame.empty
