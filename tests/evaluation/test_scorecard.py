"""Scorecards on a panel with known truth: a pilot that gained ten points, one that gained nothing, one not there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fusion.evaluation import pilots as pilot_units
from fusion.evaluation import plan, scorecard
from fusion.evaluation.errors import EvaluationError

CHAINS = ("chain_industry", "chain_value")
CHOICES = scorecard.Choices("fi", CHAINS, ("fi", "size"), peers=20, draws=200, concentration=50.0, seed=3)


def panel() -> pd.DataFrame:
    """60 firms of two paths in six districts, 2014–2023; F0 gains ten points from 2019 on, F1 nothing."""
    draw = np.random.default_rng(11)
    rows = []
    for i in range(60):
        level, size = draw.uniform(20, 60), draw.normal(5, 1)
        for year in range(2014, 2024):
            score = level + draw.normal(0, 1) + (10 if i == 0 and year >= 2019 else 0)
            rows.append(
                (f"F{i}", year, f"D{i % 6}", "P1" if i % 2 == 0 else "P2", score, score + 5, score - 5, size)
            )
    names = ["firm_id", "year", "district", "path", "fi", *CHAINS, "size"]
    return pd.DataFrame(rows, columns=names)


def table(*units: tuple[str, str], **more: str) -> pd.DataFrame:
    """(kind, unit) from 2019 on."""
    blank = dict.fromkeys(pilot_units.COLUMNS, "")
    rows = [
        blank | {"scheme": "s", "level": "municipal", "batch": "1", "kind": kind, "unit": unit, "start": "2019"}
        | {"verified": "no"} | more
        for kind, unit in units
    ]  # fmt: skip
    return pilot_units.typed(pd.DataFrame(rows))


def scored(*units: tuple[str, str], **more: str) -> pd.DataFrame:
    data = panel()
    return scorecard.scorecard(pilot_units.matched(table(*units, **more), data), data, CHOICES)


def no_items(scores: pd.DataFrame) -> pd.DataFrame:
    return plan.achieved(plan.load(None, scores), scores, panel(), 2023, plan.Rules(), "size")


def test_what_was_put_in_is_found() -> None:
    found = scored(("enterprise", "F0"), ("enterprise", "F1"), ("enterprise", "F99")).set_index("unit")
    # Noise of a mean over five years against twenty peers: about 0.65; ten points stand out, nothing does not.
    assert found.loc["F0", "gap"] == pytest.approx(10, abs=2.5) and found.loc["F0", "gap_p"] < 0.06
    assert abs(found.loc["F1", "gap"]) < 2.5
    assert found.loc["F0", "gap"] > found.loc["F0", "gap_high"]
    assert found.loc["F0", "grade"] == "A" and found.loc["F99", "grade"] == "C"
    assert np.isnan(found.loc["F99", "gap"]) and not found.loc["F99", "found"]
    assert found.loc["F0", "obstacle"] == "chain_value", "it scores ten points below the other chain"
    assert (found.loc[["F0", "F1"], "rank_low"] <= found.loc[["F0", "F1"], "rank_high"]).all()


def test_a_unit_that_is_silent_after_its_start_has_no_percentile() -> None:
    """Its peers have levels; that none lies below what is not known puts it at no place, least of all the lowest."""
    data = panel()
    data.loc[(data["firm_id"] == "F0") & (data["year"] >= 2019), "fi"] = np.nan
    units = pilot_units.matched(table(("enterprise", "F0"), ("enterprise", "F1")), data)
    found = scorecard.scorecard(units, data, CHOICES).set_index("unit")
    assert found.loc["F0", ["index_after", "percentile"]].isna().all() and found.loc["F0", "index_before"] > 0
    assert 0 <= found.loc["F1", "percentile"] <= 100


def test_kinds_are_kept_apart() -> None:
    found = scored(("enterprise", "F0"), ("region", "D0")).set_index("unit")
    assert found.loc["F0", "ranked"] == 60 and found.loc["D0", "ranked"] == 6
    assert found.loc["D0", "peers"] == 5, "a district's peers are the other districts"
    # F0 is one of ten firms of D0: its ten points are one point there.
    assert found.loc["D0", "gap"] == pytest.approx(1, abs=1)
    summed = scorecard.summary(found.reset_index())
    assert summed["kind"].tolist() == ["enterprise", "region"] and summed["units"].tolist() == [1, 1]


def test_units_of_several_firms_are_weighted_and_the_largest_is_named() -> None:
    data = panel().assign(operating_revenue=lambda p: np.where(p["firm_id"] == "F0", 900.0, 100 / 9))
    units = pilot_units.matched(table(("region", "D0")), data)
    found = scorecard.scorecard(units, data, CHOICES).iloc[0]
    # Nine tenths of the weight are F0's, so the district gains nine of its ten points.
    assert found["gap"] == pytest.approx(9, abs=1.5) and found["largest"] == "F0"
    assert found["largest_share"] == pytest.approx(90) and found["both"] == 10
    assert scorecard.concentrated(scorecard.scorecard(units, data, CHOICES))["name"].tolist() == ["D0"]


def test_changes_are_on_comparable_scope() -> None:
    data = panel()
    late = data[data["firm_id"] == "F6"].assign(firm_id="NEW", fi=1000.0)
    both = pd.concat([data, late[late["year"] >= 2019]])
    units = pilot_units.matched(table(("region", "D0")), both)
    found = scorecard.scorecard(units, both, CHOICES).iloc[0]
    assert found["both"] == 10 and found["gap"] == pytest.approx(1, abs=1), (
        "an entrant is no change of the others"
    )


def test_years_after_the_term_do_not_count() -> None:
    data = panel()
    jump = data.assign(fi=data["fi"] + np.where((data["firm_id"] == "F0") & (data["year"] > 2020), 100, 0))
    units = pilot_units.matched(table(("enterprise", "F0"), end="2020"), jump)
    found = scorecard.scorecard(units, jump, CHOICES).iloc[0]
    assert found["gap"] == pytest.approx(10, abs=3) and found["grade"] == "A", "two years are its whole term"
    early = CHOICES.__class__(**{**CHOICES.__dict__, "as_of": 2018})
    assert np.isnan(
        scorecard.scorecard(pilot_units.matched(table(("enterprise", "F0")), data, 2018), data, early)[
            "gap"
        ].iloc[0]
    )


def test_a_platform_is_judged_by_the_firms_it_serves() -> None:
    found = scored(("platform", "F1"), serves="F0;F1").iloc[0]
    assert found["gap"] == pytest.approx(10, abs=1.5) and np.isnan(found["gap_low"])
    assert found["firms"] == 2 and found["index_after"] > found["index_before"] + 8


def test_a_kind_without_its_column_is_not_found() -> None:
    found = scored(("park", "K1"), ("enterprise", "F0")).set_index("unit")
    assert (
        found.loc["K1", "grade"] == "C" and not found.loc["K1", "found"] and found.loc["F0", "grade"] == "A"
    )


def test_pilots_are_nobodys_peers() -> None:
    alone = scored(*[("enterprise", f"F{i}") for i in range(0, 60, 2)])
    assert (alone["peers"] == 0).all(), "every firm of the path is a pilot, so nobody is left to compare with"


def test_missing_columns_are_named() -> None:
    data = panel().drop(columns="size")
    with pytest.raises(EvaluationError, match="lacks the columns size"):
        scorecard.scorecard(pilot_units.matched(table(("enterprise", "F0")), data), data, CHOICES)


def test_nothing_scored_gives_empty_tables() -> None:
    units = pilot_units.matched(pilot_units.declared(None, panel(), None), panel())
    assert scorecard.summary(units).empty and scorecard.gaps(units).empty
    assert scorecard.histories(panel(), scorecard.best_documented(units, 3), CHAINS, "size").empty


def test_the_best_documented_come_first() -> None:
    found = pd.DataFrame({"kind": ["enterprise"] * 3, "unit": ["a", "b", "c"], "grade": ["C", "A", "B"]})
    found = found.assign(name="", obstacle="chain_value")
    assert scorecard.best_documented(found, 2)["unit"].tolist() == ["b", "c"]


def test_a_card_carries_the_share_that_did_not_tell() -> None:
    data = panel()
    data.loc[(data["firm_id"] == "F0") & (data["year"] < 2016), "fi"] = np.nan
    units = table(("enterprise", "F0"), ("enterprise", "F1"), ("region", "D0"))
    found = scorecard.scorecard(pilot_units.matched(units, data), data, replace(CHOICES, weight="size"))
    silent = found.set_index("unit")["silent"]
    # Of a firm two years of ten; of a district by the size of its firms.
    own = data[data["district"] == "D0"]
    by_size = 100 * own.loc[own["fi"].isna(), "size"].sum() / own["size"].sum()
    assert silent["F0"] == pytest.approx(20) and silent["F1"] == 0 and silent["D0"] == pytest.approx(by_size)
    assert scorecard.summary(found).set_index("kind").loc["enterprise", "silent"] == pytest.approx(10)
