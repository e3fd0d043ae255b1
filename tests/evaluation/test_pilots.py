"""Pilot units: the table, the peers, the gap, the ranks; by hand and with known truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fusion.evaluation import bureau, cards, pilots
from fusion.evaluation.errors import EvaluationError
from workbook import paths

TEMPLATE = paths.DATA / "evaluation" / "pilots_template.csv"
GOOD = "试点,municipal,1,enterprise,F1,甲公司,沪发改〔x〕1号,2020,2022,,https://example.org,yes,"


def write(folder: Path, *lines: str) -> Path:
    file = folder / "pilots.csv"
    file.write_text(TEMPLATE.read_text("utf-8") + "\n".join(lines) + "\n", "utf-8")
    return file


def test_the_template_is_the_contract(tmp_path: Path) -> None:
    assert TEMPLATE.read_text("utf-8").strip().split(",") == list(pilots.COLUMNS)
    assert len(pilots.load(write(tmp_path))) == 0, "there is no built-in list"
    table = pilots.load(write(tmp_path, GOOD))
    assert table.loc[0, "start"] == 2020 and table.loc[0, "verified"] and pd.isna(table.loc[0, "revoked"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("municipal", "city", "line 2, level = 'city'; allowed: national"),
        ("enterprise", "firm", "line 2, kind = 'firm'; allowed: region, enterprise, park, platform"),
        ("2020,2022", "2020,2019", "end 2019 is before start 2020"),
        ("2020,2022", ",2022", "line 2, start = ''; allowed: a year"),
        ("沪发改〔x〕1号", "", "verified = yes needs a notice and a source"),
        (",F1,", ",,", "line 2: unit is empty"),
        ("yes,", "yes,distrct:310101", "serves 'distrct:310101': .*(nearest: 'district')"),
    ],
)
def test_bad_tables(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(EvaluationError, match=message.replace("(", r"\(").replace(")", r"\)")):
        pilots.load(write(tmp_path, GOOD.replace(old, new)))
    with pytest.raises(EvaluationError, match="in this batch twice"):
        pilots.load(write(tmp_path, GOOD, GOOD))


def panel() -> pd.DataFrame:
    rows = [(f"F{i}", y, "D1" if i < 5 else "D2") for i in range(10) for y in range(2016, 2024)]
    return pd.DataFrame(rows, columns=["firm_id", "year", "district"])


def test_units_are_found_in_the_panel_or_named(tmp_path: Path) -> None:
    region = GOOD.replace("enterprise,F1", "region,D2")
    absent = GOOD.replace("F1", "F99")
    table = pilots.matched(pilots.load(write(tmp_path, GOOD, region, absent)), panel())
    assert list(table["firms"]) == [1, 5, 0] and list(table["found"]) == [True, True, False]
    assert list(table["years_before"]) == [4, 4, 0]
    assert list(table["years_after"]) == [3, 3, 0], "the term ends in 2022, the panel in 2023"


def test_since_ends_with_the_term_the_revocation_or_the_evaluation(tmp_path: Path) -> None:
    lines = [
        GOOD,
        GOOD.replace("F1", "F2").replace("2020,2022,,", "2020,2022,2021,"),
        GOOD.replace("F1", "F3").replace("2020,2022,,", "2020,,,"),
        GOOD.replace("F1", "F4").replace("2020,2022,,", "2023,2024,,"),
    ]
    units = pilots.load(write(tmp_path, *lines))
    assert list(pilots.dated(units, 2021)["last"]) == [2021, 2020, 2021, 2021]
    assert list(pilots.dated(units, 2021)["stage"]) == ["mid-term", "revoked", "open", "not begun"]
    assert list(pilots.dated(units, 2023)["last"]) == [2022, 2020, 2023, 2023]
    assert list(pilots.dated(units, 2023)["stage"]) == ["final", "revoked", "open", "mid-term"]


def test_what_nobody_read_is_not_verified(tmp_path: Path) -> None:
    """A table without the column has units that nobody read; a cell that does not say so is asked for."""
    file = write(tmp_path, GOOD.replace("yes", "否"), GOOD.replace("F1", "F2"))
    assert pilots.load(file)["verified"].tolist() == [False, True]
    with pytest.raises(EvaluationError, match="line 2, verified = ''"):
        pilots.load(write(tmp_path, GOOD.replace("yes", "")))
    many = write(tmp_path, *[GOOD.replace("yes", "").replace("F1", f"F{n}") for n in range(9)])
    with pytest.raises(EvaluationError) as told:
        pilots.load(many)
    assert str(told.value).count("verified = ''") == 1, "one cause is said once"
    assert "line 2, 3, 4, 5, 6 and others (9 in all)" in str(told.value)
    file = write(tmp_path, GOOD.replace("yes", "否"), GOOD.replace("F1", "F2"))
    rows = [line.split(",") for line in file.read_text("utf-8").splitlines()]
    at = rows[0].index("verified")
    file.write_text("\n".join(",".join(c for k, c in enumerate(row) if k != at) for row in rows), "utf-8")
    assert not pilots.load(file)["verified"].any()


def test_a_platform_is_what_it_serves() -> None:
    table = panel().assign(path="P4", park_id=lambda p: np.where(p["firm_id"] == "F1", "K", None))

    def firms(serves: str, kind: str = "platform") -> set[str]:
        return set(table.loc[pilots.rows_of(table, kind, "F9", serves), "firm_id"])

    assert firms("") == {"F9"} and firms("F1; F2；F3") == {"F1", "F2", "F3"}
    assert firms("district:D1;F9") == {"F0", "F1", "F2", "F3", "F4", "F9"} and firms("park:K") == {"F1"}
    assert len(firms("path:P4")) == 10


def test_pilots_of_the_panel_itself_are_unverified() -> None:
    table = panel().assign(start=lambda p: np.where(p["firm_id"] == "F3", 2019.0, np.nan), stop=2021.0)
    found = pilots.from_panel(table, "start", "stop", "synthetic")
    assert list(found["unit"]) == ["F3"] and list(found["start"]) == [2019] and list(found["end"]) == [2021]
    assert not found["verified"].any()


def test_peers_are_the_nearest_in_standard_units() -> None:
    # b is 1 s.d. away in x, c 2 s.d. in y, d far; scaling a column must not change the order.
    pool = pd.DataFrame({"x": [1, 0, 9, -9.0], "y": [0, 2, 9, -9.0]}, index=list("bcde"))
    own = np.zeros(2)
    assert cards.nearest(own, pool, 2) == cards.nearest(own, pool * [1000, 1], 2)
    assert cards.nearest(own, pool, 1) == ["b"]
    assert cards.nearest(np.array([np.nan, 0]), pool, 2) == []


def test_gap_by_hand() -> None:
    outcome = pd.DataFrame(
        {2018: [10, 10, 20, 30, 5.0], 2019: [12, 12, 22, 32, np.nan], 2020: [21, 13, 24, 35, 9.0]},
        index=["t", "p1", "p2", "p3", "p4"],
    )
    found = cards.gap(outcome, "t", ["p1", "p2", "p3", "p4"], 2020)
    # Changes: t 21 − 11 = 10; peers 2, 3, 4, 4; mean 3.25.
    assert found.gap == pytest.approx(6.75) and found.peers == 4
    placebo = [2 - 11 / 3, 3 - 10 / 3, 4 - 9 / 3, 4 - 9 / 3]
    assert (found.low, found.high) == pytest.approx((min(placebo), max(placebo))), (
        "few peers: from the smallest to the largest"
    )
    assert found.p_value == pytest.approx(1 / 5), "only the unit itself is that far"
    assert np.isnan(cards.gap(outcome, "t", ["p1", "p2"], 2020).gap), "two peers are no band"
    assert np.isnan(cards.gap(outcome, "t", ["p1", "p2", "p3"], 2018).gap), "nothing before"


def test_placebo_p_values_are_uniform_without_an_effect() -> None:
    """Of units like their peers, 20 percent have p ≤ .2: between 12 and 28 of 100 with probability > .95."""
    draw = np.random.default_rng(5)
    names = [f"u{i}" for i in range(20)]
    hits = 0
    for _ in range(100):
        outcome = pd.DataFrame(draw.normal(size=(20, 6)), index=names, columns=range(2015, 2021))
        hits += cards.gap(outcome, "u0", names[1:], 2018).p_value <= 0.2
    assert 10 <= hits <= 30


def test_rank_intervals_hold_the_rank_and_shrink_with_certainty() -> None:
    scores = pd.DataFrame(np.random.default_rng(1).uniform(0, 100, (30, 5)))
    scores.iloc[0] = 100.0
    scores.iloc[1, 2] = np.nan
    loose = cards.rank_interval(scores, [0.2] * 5, draws=400, concentration=10, seed=1)
    tight = cards.rank_interval(scores, [0.2] * 5, draws=400, concentration=1000, seed=1)
    assert tuple(loose.loc[0]) == (1, 1, 1), "first on every chain is first by all weights"
    assert ((loose["low"] <= loose["rank"]) & (loose["rank"] <= loose["high"])).mean() > 0.9
    assert (tight["high"] - tight["low"]).mean() < (loose["high"] - loose["low"]).mean()
    assert loose.equals(cards.rank_interval(scores, [0.2] * 5, draws=400, concentration=10, seed=1))
    with pytest.raises(EvaluationError, match="sum to 1"):
        cards.rank_interval(scores, [0.5] * 5, draws=4, concentration=10, seed=1)


def test_obstacles_by_hand() -> None:
    scores = pd.DataFrame({"a": [50.0, 100.0], "b": [75.0, 0.0]})
    found = cards.obstacles(scores, [0.5, 0.5])
    assert found.loc[0].tolist() == pytest.approx([2 / 3, 1 / 3]) and found.loc[1].tolist() == [0.0, 1.0]


def test_a_pilot_of_two_years_can_reach_the_best_grade() -> None:
    assert (
        cards.grade(3, 2, 1.0, 2) == "A"
        and cards.grade(3, 1, 1.0, 2) == "C"
        and cards.grade(3, 1, 1.0, 1) == "A"
    )
    assert cards.grade(3, 2, 1.0) == cards.grade(3, 2, 1.0, 5) == "B" and cards.grade(1, 2, 1.0, 2) == "C"


def test_a_gap_counts_the_years_of_the_term_and_of_the_unit() -> None:
    years = {
        2018: [10, 10, 20, 30.0],
        2019: [np.nan, 90, 90, 90.0],
        2020: [21, 13, 24, 35.0],
        2021: [99, 13, 24, 35.0],
    }
    outcome = pd.DataFrame(years, index=["t", "p1", "p2", "p3"])
    # Changes 2018–2020: 11; 3, 4, 5. The year 2019, which the unit lacks, and 2021, after its term, do not count.
    assert cards.gap(outcome, "t", ["p1", "p2", "p3"], 2020, 2020).gap == pytest.approx(11 - 4)


@pytest.mark.parametrize(
    ("before", "after", "complete", "expected"),
    [(3, 3, 0.9, "A"), (3, 3, 0.89, "B"), (2, 5, 1, "B"), (1, 9, 1, "C"), (5, 5, 0.5, "C")],
)
def test_grades(before: int, after: int, complete: float, expected: str) -> None:
    assert cards.grade(before, after, complete) == expected


def test_bureau_table_by_hand() -> None:
    table = pd.DataFrame(
        {"firm_id": list("abab"), "year": [2020, 2020, 2021, 2021], "path": ["P1", "P2"] * 2,
         "operating_revenue": [10_000.0, 30_000.0, 12_000.0, 28_000.0]}
    )  # fmt: skip
    found = bureau.growth_table(table, "path", ["operating_revenue"], 2021).loc["operating_revenue"]
    assert found["amount"].tolist() == [1.2, 2.8, 4.0]
    assert found["growth"].tolist() == pytest.approx([20, -100 / 15, 0])
    assert found["share"].tolist() == pytest.approx([30, 70, 100]) and found["units"].tolist() == [1, 1, 2]
    assert bureau.growth_table(table, "path", ["operating_revenue"], 2020)["growth"].isna().all()
    with pytest.raises(EvaluationError, match="no year 2030; it has 2020–2021"):
        bureau.growth_table(table, "path", ["operating_revenue"], 2030)


def test_revisions() -> None:
    old = pd.DataFrame({"path": ["P1", "P2", "P3"], "fi": [10.0, 20.0, 30.0]})
    new = pd.DataFrame({"path": ["P1", "P2", "P4"], "fi": [10.0 + 1e-12, 22.0, 5.0]})
    found = bureau.revisions(old, new, ["path"], "fi").set_index("path")
    assert found["state"].to_dict() == {"P1": "same", "P2": "revised", "P3": "withdrawn", "P4": "new"}
    assert found.loc["P2", "revision"] == 2 and found.loc["P2", "relative"] == pytest.approx(10)
    with pytest.raises(EvaluationError, match="cells twice"):
        bureau.revisions(pd.concat([old, old]), new, ["path"], "fi")
    with pytest.raises(EvaluationError, match="old vintage: the columns fi are lacking"):
        bureau.revisions(old.drop(columns="fi"), new, ["path"], "fi")
