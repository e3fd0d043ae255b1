"""Nobody's value can be had from what is published: hand-worked cases whose answer is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbook.exhibits import sheets
from workbook.exhibits.record import Record, kept
from workbook.exhibits.sheets import LANGUAGES
from workbook.exhibits.words import Words
from workbook.params.load import load
from workbook.publish import secrecy, site, spoken
from workbook.publish.built import Built
from workbook.publish.secrecy import (
    Exhibit,
    Rules,
    SecrecyClass,
    SecrecyError,
    Verdict,
    releases,
    study,
    verdicts,
)
from workbook.publish.secrecy import study as study_gate
from workbook.publish.secrecy.words import Finding, Suggestion

BUREAU = Rules.named("bureau")
ROLES = {
    "path": "label", "district": "label", "year": "year", "code": "label", "units": "units", "rows": "rows",
    "revenue": "amount", "share": "share", "growth": "growth", "profit": "amount", "mean": "mean",
}  # fmt: skip


def amounts(
    name: str, cells: dict[Any, dict[str, float]], by: list[str], column: str = "revenue", **more: Any
) -> Exhibit:
    """A table of sums: key of a cell -> amount of each unit."""
    rows, given = [], []
    for key, units in cells.items():
        labels = dict(zip(by, key if isinstance(key, tuple) else (key,), strict=True))
        rows.append(labels | {"units": len(units), column: sum(units.values())})
        given += [labels | {"unit": u, column: v} for u, v in units.items()]
    frame = pd.DataFrame(rows)
    return Exhibit(
        name, "table", frame, {c: ROLES[c] for c in frame}, SecrecyClass("amounts", "units"), pd.DataFrame(given), **more
    )  # fmt: skip


def even(prefix: str, n: int, each: float = 10.0) -> dict[str, float]:
    return {f"{prefix}{i}": each for i in range(n)}


def hidden(verdict: Verdict, column: str) -> list[int]:
    return np.flatnonzero(verdict.hidden[column]).tolist()


def rules_of(verdict: Verdict) -> set[str]:
    return {f.rule for f in verdict.findings}


# -- primary rules -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([5, 5], "frequency"),  # two units
        ([90, 5, 5], "dominance"),  # 90 % > 80 %
        ([70, 28, 2], "p_percent"),  # the second knows that 30 is left but its own 28: 2 < 10 % of 70
        ([70, 28, 8], ""),  # 8 ≥ 7
        ([-90, 5, 5], "dominance"),  # a large loss gives away as much as a large gain
        ([0, 0, 0], ""),
        ([], ""),
    ],
)
def test_rules_of_an_amount_by_hand(values: list[float], reason: str) -> None:
    assert BUREAU.of_amount(values) == reason


def test_rule_sets_have_the_numbers_of_their_sources_and_ones_own_come_first() -> None:
    strict = Rules.named("strict")
    assert (strict.min_units, strict.min_df, strict.count_base, strict.extremes) == (10, 10, 5, False)
    assert (strict.dominance_units, strict.dominance_share, strict.p_percent) == (2, 0.9, 10)
    # Zeros disclose by ACRO's defaults: what all ten have nothing of is known of each.
    assert strict.of_amount([0] * 10) == "zeros"
    assert (BUREAU.min_units, BUREAU.dominance_units, BUREAU.dominance_share) == (3, 1, 0.8)
    own = Rules.named("bureau", min_units=5, p_percent=None)
    assert (own.min_units, own.p_percent) == (5, 10)
    with pytest.raises(SecrecyError, match="no rule set 'lax'; there are: strict, bureau"):
        Rules.named("lax")
    with pytest.raises(SecrecyError, match="p_percent"):
        Rules(p_percent=100)


def test_a_firm_with_twelve_years_is_one_unit() -> None:
    """Thirty-six rows of three firms pass; twelve rows of one do not, however many rows there are."""
    frame = pd.DataFrame({"path": ["P1", "P2"], "units": [3, 1], "rows": [36, 12], "estimate": [0.5, 0.7]})
    roles = {"path": "label", "units": "units", "rows": "rows", "estimate": "estimate"}
    found = verdicts([Exhibit("a", "table", frame, roles, SecrecyClass("statistics", "units"))], BUREAU)["a"]
    assert found.hidden.to_numpy().tolist() == [[False, False, False, False], [False, True, True, True]]
    assert found.protected_frame["rows"].isna().tolist() == [False, True]
    assert found.findings[0].said("en") == "a, row path P2: fewer than 3 units"
    assert found.findings[0].said("zh") == "a，行 path P2：少于 3 个单位"


@pytest.mark.parametrize(
    ("column", "units", "gone"),
    [("min", 500, True), ("max", 500, True), ("p10", 29, True), ("p10", 30, False), ("median", 5, True),
     ("median", 6, False), ("q1", 12, False), ("q1", 11, True), ("spread", 500, True)],
)  # fmt: skip
def test_percentiles_rest_on_the_units_beyond_them(column: str, units: int, gone: bool) -> None:
    frame = pd.DataFrame({"path": ["P1"], "units": [units], column: [1.5], "estimate": [2.0]})
    roles = {"path": "label", "units": "units", column: "quantile", "estimate": "estimate"}
    found = verdicts([Exhibit("a", "table", frame, roles, SecrecyClass("statistics", "units"))], BUREAU)["a"]
    assert bool(found.hidden[column].iloc[0]) is gone


def test_a_model_needs_degrees_of_freedom_under_strict_rules() -> None:
    frame = pd.DataFrame({"path": ["P1", "P2"], "units": [10, 11], "estimate": [1.5, 2.0]})
    roles = {"path": "label", "units": "units", "estimate": "estimate"}
    found = verdicts([Exhibit("a", "table", frame, roles, SecrecyClass("estimates"))], Rules.named("strict"))[
        "a"
    ]
    assert hidden(found, "estimate") == [0] and "df" in rules_of(found)


def test_terms_that_are_estimated_together_cost_degrees_of_freedom() -> None:
    """Twelve units and three terms leave nine; a check that shows one term of the study's three leaves as many."""
    roles = {"term": "label", "spec": "label", "units": "units", "estimate": "estimate"}
    frame = pd.DataFrame({"term": [*"abc", "a"], "spec": [*"1112"], "units": 12, "estimate": 1.5})
    exhibit = Exhibit("a", "table", frame, roles, SecrecyClass("estimates", "units"))
    assert hidden(verdicts([exhibit], Rules.named("strict"))["a"], "estimate") == [0, 1, 2]
    assert hidden(verdicts([exhibit], Rules.named("strict"), regressors=3)["a"], "estimate") == [0, 1, 2, 3]
    enough = Exhibit("a", "table", frame.assign(units=13), roles, SecrecyClass("estimates", "units"))
    assert hidden(verdicts([enough], Rules.named("strict"), regressors=3)["a"], "estimate") == []


def test_a_coefficient_that_few_units_tell_is_left_out() -> None:
    """Two of forty firms are of another kind: their difference from the others is their own number."""
    roles = {"term": "label", "units": "units", "estimate": "estimate", "std_error": "error"}
    frame = pd.DataFrame({"term": ["kind = b", "size"], "units": 40, "estimate": 1.5, "std_error": 0.1})
    exhibit = Exhibit("a", "table", frame, roles, SecrecyClass("estimates", "units"), told=[2, 40])
    found = verdicts([exhibit], BUREAU)["a"]
    assert hidden(found, "estimate") == hidden(found, "std_error") == [0] and "told" in rules_of(found)
    assert hidden(found, "units") == [], "that forty were compared says nothing of the two"
    enough = replace(exhibit, told=[3, np.nan])
    assert not verdicts([enough], BUREAU)["a"].hidden.any(axis=None)
    with pytest.raises(SecrecyError, match="other rows"):
        replace(exhibit, told=[2])


def test_what_a_study_s_ladder_says_of_its_terms_goes_for_all_its_estimates() -> None:
    telling = study.Telling({"05.ladder": {"pilot": 2.0, "size": 40.0}}, ["pilot"])
    by_term = pd.DataFrame({"term": ["size", "pilot", "else"], "estimate": 1.0})
    assert telling.rows("05.ladder", by_term) == [40.0, 2.0, pytest.approx(np.nan, nan_ok=True)]
    assert telling.rows("05.ladder", pd.DataFrame({"event_time": [0, 1]})) == [2.0, 2.0]
    assert telling.rows("05.ladder", by_term.assign(telling_units=[7, None, None]))[:2] == [7.0, 2.0]  # type: ignore[index]
    assert telling.rows(None, by_term) is None


# -- shares and growth rates are amounts in disguise -------------------------------------------


def test_growth_rests_on_the_year_before() -> None:
    """Amount and growth beside each other, one firm the year before: 100 and +30 % give 76.9."""
    now = {"A": 30.0, "B": 35.0, "C": 35.0}
    frame = pd.DataFrame({"path": ["P1"], "units": [3], "revenue": [100.0], "growth": [30.0]})
    given = pd.DataFrame({"path": "P1", "unit": list(now), "revenue": list(now.values())})
    given["growth_now"], given["growth_before"] = given["revenue"], [100 / 1.3, np.nan, np.nan]
    found = verdicts([Exhibit("a", "table", frame, ROLES, SecrecyClass("amounts", "units"), given)], BUREAU)[
        "a"
    ]
    assert hidden(found, "growth") == [0] and hidden(found, "revenue") == []


def test_a_share_of_a_dominated_cell_is_the_giants_own() -> None:
    """Four fifths of a cell are one firm's: its share is the cell's."""
    whole = {"A": 90.0, "B": 5.0, "C": 5.0}
    # Its own column `unit` is a unit of measurement, the contributions' is the firm.
    frame = pd.DataFrame({"path": ["P1"], "unit": ["%"], "units": [3], "share": [32.0]})
    given = pd.DataFrame({"path": "P1", "unit": list(whole), "share_whole": list(whole.values())})
    given["share_part"] = [30.0, 1.0, 1.0]
    roles = ROLES | {"unit": "word"}
    exhibit = Exhibit("a", "table", frame, roles, SecrecyClass("amounts", "units"), given)
    found = verdicts([exhibit], BUREAU)["a"]
    assert hidden(found, "share") == [0] and "dominance" in rules_of(found)


def test_shares_of_one_total_add_to_a_hundred() -> None:
    """One hidden share alone is what is left to a hundred; another must go with it."""
    cells = {"P1": even("a", 5), "P2": even("b", 1), "P3": even("c", 6), "P4": even("d", 8)}
    units = {u: p for p, held in cells.items() for u in held}
    rows = [
        {"path": p, "unit": u, "share_part": 10.0 * (units[u] == p), "share_whole": 10.0}
        for p in cells
        for u in units
    ]
    frame = pd.DataFrame({"path": list(cells), "units": [5, 1, 6, 8], "share": [25.0, 5.0, 30.0, 40.0]})
    exhibit = Exhibit("a", "figure", frame, ROLES, SecrecyClass("amounts", "units"), pd.DataFrame(rows))
    found = verdicts([exhibit], BUREAU)["a"]
    assert 1 in hidden(found, "share") and len(hidden(found, "share")) == 2


def test_shares_of_one_total_are_a_system_when_firms_move_between_cells() -> None:
    """Over two years a firm is in P1 and P3: the total is still the sum of the paths'."""
    own = (
        {("P1", f"a{i}"): 20.0 for i in range(5)}
        | {("P2", "b0"): 7.0}
        | {("P3", f"c{i}"): 20.0 for i in range(5)}
    )
    own |= {("P1", "m"): 11.0, ("P3", "m"): 12.0}
    units = sorted({u for _, u in own})
    whole = {u: sum(v for (_, w), v in own.items() if w == u) for u in units}
    paths = ["P1", "P2", "P3"]
    given = pd.DataFrame([(p, u, own.get((p, u), 0.0), whole[u]) for p in paths for u in units])
    given.columns = ["path", "unit", "share_part", "share_whole"]
    total = sum(whole.values())
    shares = [sum(v for (q, _), v in own.items() if q == p) / total for p in paths]
    frame = pd.DataFrame({"path": paths, "units": [6, 1, 6], "share": shares})
    found = verdicts([Exhibit("a", "table", frame, ROLES, SecrecyClass("counts", "units"), given)], BUREAU)[
        "a"
    ]
    assert found.hidden["share"].tolist()[1] and found.hidden["share"].sum() == 2


def test_a_share_of_units_says_their_number() -> None:
    """Ninety firms: what is left to one hundred per cent is the one firm of P2, with the counts hidden or not."""
    frame = pd.DataFrame({"path": ["P1", "P2", "P3"], "units": [50, 1, 39]})
    frame["share"] = frame["units"] / 90
    found = verdicts([Exhibit("a", "figure", frame, ROLES, SecrecyClass("counts", "units"))], BUREAU)["a"]
    assert found.hidden["share"].tolist() == [False, True, True] == found.hidden["units"].tolist()


# -- protected together, to the end ------------------------------------------------------------


def square() -> dict[Any, dict[str, float]]:
    """Two by two with margins: one cell of one unit, the others large."""
    inner = {
        ("a", "x"): even("ax", 1),
        ("a", "y"): even("ay", 5),
        ("b", "x"): even("bx", 5),
        ("b", "y"): even("by", 8),
    }
    margin = {
        ("a", "all"): inner["a", "x"] | inner["a", "y"], ("b", "all"): inner["b", "x"] | inner["b", "y"],
        ("all", "x"): inner["a", "x"] | inner["b", "x"], ("all", "y"): inner["a", "y"] | inner["b", "y"],
    }  # fmt: skip
    return inner | margin | {("all", "all"): margin["a", "all"] | margin["b", "all"]}


def test_one_hidden_cell_alone_is_had_by_subtraction_and_a_rectangle_prevents_it() -> None:
    found = verdicts([amounts("a", square(), ["path", "district"])], BUREAU)["a"]
    assert hidden(found, "revenue") == [0, 1, 2, 3] == hidden(found, "units")
    assert {"frequency", "complement"} == rules_of(found)


def test_tables_that_share_a_margin_are_one_system() -> None:
    """Path by year hides P2; path by district must not add up to it."""
    first = {("P1", "2020"): even("a", 6), ("P2", "2020"): even("b", 1), ("P3", "2020"): even("c", 4)}
    second = {("D1", "2020"): even("a", 6) | even("b", 1), ("D2", "2020"): even("c", 4)}
    alone = verdicts([amounts("b", second, ["district", "year"])], BUREAU)["b"]
    assert not alone.hidden.any(axis=None)
    both = verdicts(
        [amounts("a", first, ["path", "year"]), amounts("b", second, ["district", "year"])], BUREAU
    )
    shown = ~both["a"].hidden["revenue"], ~both["b"].hidden["revenue"]
    # D1 less P1 is the one firm of P2: they are not shown both.
    assert not (shown[0][0] and shown[1][0])
    assert not shown[0][1]


def test_no_cell_is_small_but_a_difference_is() -> None:
    """All firms, and all but one: nothing breaks a rule by itself, together they give the one away."""
    every = {"P1": even("a", 6) | {"Z": 12.0}}
    but_one = {"P1": even("a", 6)}
    found = verdicts([amounts("a", every, ["path"]), amounts("b", but_one, ["path"])], BUREAU)
    assert found["a"].hidden["revenue"].any() != found["b"].hidden["revenue"].any()
    assert "complement" in rules_of(found["a"]) | rules_of(found["b"])


def test_two_cells_of_one_unit_do_not_protect_each_other() -> None:
    """A contributor knows his own: of two lone firms' sum he has the other's."""
    cells = {
        "P1": {"A": 10.0},
        "P2": {"B": 12.0},
        "P3": even("c", 5),
        "all": {"A": 10.0, "B": 12.0} | even("c", 5),
    }
    found = verdicts([amounts("a", cells, ["path"])], BUREAU)["a"]
    assert len(hidden(found, "revenue")) == 3


def test_a_sum_over_years_is_the_sum_of_its_years() -> None:
    years = {("P1", str(t)): {f"a{i}": 10.0 + t - 2020 + i for i in range(5)} for t in (2020, 2021)}
    years |= {("P2", "2020"): even("b", 1), ("P2", "2021"): even("b", 5, 11)}
    both = {"P2": {"b0": 21.0} | {f"b{i}": 11.0 for i in range(1, 5)}}
    found = verdicts([amounts("a", years, ["path", "year"]), amounts("b", both, ["path"])], BUREAU)
    # P2 over both years less P2 in 2021 is the lone firm of 2020.
    assert found["b"].hidden["revenue"][0] or found["a"].hidden["revenue"][3]


def test_nested_levels_are_one_system() -> None:
    cells = {"3511": even("a", 6), "3512": even("b", 1), "3611": even("c", 5), "3612": even("d", 5)}
    cells |= {"351": even("a", 6) | even("b", 1), "361": even("c", 5) | even("d", 5)}
    found = verdicts([amounts("a", cells, ["code"])], BUREAU)["a"]
    rows = hidden(found, "revenue")
    assert 1 in rows and (0 in rows or 4 in rows)


def test_negative_amounts_count_by_size() -> None:
    cells = {"P1": {"A": -90.0, "B": 5.0, "C": 5.0}, "P2": {f"d{i}": (-1) ** i * 9.0 for i in range(8)}}
    found = verdicts([amounts("a", cells, ["path"], "profit")], BUREAU)["a"]
    assert hidden(found, "profit") == [0] and "dominance" in rules_of(found)


def test_hidden_counts_stay_open_to_one_who_knows_that_listed_cells_are_not_empty() -> None:
    """1 and 2 hidden with their sum of 3 shown: neither can be three. A third must go."""
    frame = pd.DataFrame({"path": ["P1", "P2", "P3", "P4", "all"], "units": [1, 2, 6, 9, 18]})
    found = verdicts([Exhibit("a", "table", frame, ROLES, SecrecyClass("counts"))], BUREAU)["a"]
    assert hidden(found, "units") == [0, 1, 2]


def test_counts_of_one_year_are_found_in_a_table_of_all_years() -> None:
    first = pd.DataFrame(
        {"path": ["P1", "P2", "P1", "P2"], "year": [2020, 2020, 2021, 2021], "units": [9, 1, 12, 7]}
    )
    second = pd.DataFrame({"district": ["D1", "D2"], "units": [6, 4]})
    exhibits = [
        Exhibit(n, "table", f, ROLES, SecrecyClass("counts")) for n, f in (("a", first), ("b", second))
    ]
    found = verdicts(exhibits, BUREAU)
    # 6 + 4 less 9 is the one of P2 in 2020.
    assert found["a"].hidden["units"][1]
    assert found["a"].hidden["units"][0] or found["b"].hidden["units"].any()


def test_a_mean_that_rests_on_counts_alone_is_not_had_from_the_others() -> None:
    frame = pd.DataFrame(
        {"path": ["P1", "P2", "P3", "all"], "units": [5, 1, 4, 10], "mean": [2.0, 9.0, 3.0, 3.1]}
    )
    found = verdicts([Exhibit("a", "table", frame, ROLES, SecrecyClass("statistics", "units"))], BUREAU)["a"]
    assert hidden(found, "mean")[0] != 1 or len(hidden(found, "mean")) == 2
    assert found.hidden["mean"][1] and found.hidden["mean"].sum() == 2


# -- what cannot be judged is refused ----------------------------------------------------------


def test_an_exhibit_without_roles_cannot_be_made() -> None:
    frame = pd.DataFrame({"path": ["P1"], "units": [5]})
    with pytest.raises(SecrecyError, match="no role for units; a role is one of label, word"):
        Exhibit("a", "table", frame, {"path": "label"}, SecrecyClass("counts"))
    with pytest.raises(SecrecyError, match="no role for units"):
        Exhibit("a", "table", frame, {"path": "label", "units": "firms"}, SecrecyClass("counts"))
    with pytest.raises(SecrecyError, match="needs its unit"):
        Exhibit("a", "table", frame, ROLES, SecrecyClass("counts"), pd.DataFrame({"path": ["P1"]}))
    with pytest.raises(SecrecyError, match="secrecy class 'secret'"):
        SecrecyClass("secret")


@pytest.mark.parametrize(
    ("roles", "holds", "rule"),
    [
        ({"x": "estimate"}, "estimates", "no_count"),
        ({"x": "amount", "units": "units"}, "amounts", "no_contributions"),
        ({"x": "identifier", "units": "units"}, "statistics", "identifier"),
        ({"x": "statistic"}, "words", "words_hold_data"),
    ],
)
def test_what_cannot_be_judged_is_left_out(roles: dict[str, str], holds: str, rule: str) -> None:
    frame = pd.DataFrame({"path": ["P1"], **{c: [50.0] for c in roles}})
    found = verdicts([Exhibit("a", "table", frame, {"path": "label"} | roles, SecrecyClass(holds))], BUREAU)[
        "a"
    ]
    assert (found.verdict, found.protected_frame.empty) == ("leave_out", True) and rule in rules_of(found)


def test_contributions_must_make_what_is_shown() -> None:
    exhibit = amounts("a", {"P1": even("a", 5), "P2": even("b", 6)}, ["path"])
    wrong = Exhibit(
        "a",
        "table",
        exhibit.frame.assign(revenue=[50.0, 61.0]),
        exhibit.roles,
        exhibit.secrecy,
        exhibit.contributions,
    )
    assert rules_of(verdicts([wrong], BUREAU)["a"]) == {"not_adding_up"}
    in_thousands = Exhibit(
        "a",
        "table",
        exhibit.frame.assign(revenue=[0.05, 0.06]),
        exhibit.roles,
        exhibit.secrecy,
        exhibit.contributions,
    )
    assert verdicts([in_thousands], BUREAU)["a"].findings == []


def test_single_units_stay_inside_and_names_take_exhibits_out() -> None:
    frame = pd.DataFrame({"path": ["P1"], "units": [5]})
    cards = Exhibit("09.cards", "table", frame, ROLES, SecrecyClass("units"))
    table = Exhibit("02.paths", "table", frame, ROLES, SecrecyClass("counts"))
    drawn = Exhibit(
        "02.figure", "figure", frame[["path"]], ROLES, SecrecyClass("drawn_from", drawn_from="02.paths")
    )
    found = verdicts([cards, table, drawn], BUREAU, leave_out=["02.paths"])
    assert [found[n].verdict for n in ("09.cards", "02.paths", "02.figure")] == [
        "internal",
        "leave_out",
        "leave_out",
    ]
    assert secrecy.left_out(found) == ["02.paths", "02.figure"]


def test_a_figure_shows_no_more_than_the_table_that_it_is_drawn_from() -> None:
    table = amounts("a", {"P1": even("a", 5), "P2": even("b", 1), "P3": even("c", 4)}, ["path"])
    drawn = Exhibit(
        "b", "figure", table.frame[["path", "revenue"]], ROLES, SecrecyClass("drawn_from", drawn_from="a")
    )
    found = verdicts([table, drawn], BUREAU)
    assert hidden(found["b"], "revenue") == hidden(found["a"], "revenue") == [1]


def test_a_title_that_would_show_a_hidden_number_gets_a_mark() -> None:
    cells = {"P1": even("a", 5), "P2": even("b", 1, 77.7), "P3": even("c", 4)}
    texts = {"largest": 77.7, "total": 167.7, "firms": 5, "path": "P2"}
    found = verdicts([amounts("a", cells, ["path"], texts=texts)], BUREAU)["a"]
    assert f"{found.texts['largest']:.1f}" == "[c]" == f"{found.texts['total']:,.0f}"
    assert (found.texts["firms"], found.texts["path"]) == (5, "P2") and "text" in rules_of(found)


def test_a_hidden_number_is_no_less_hidden_where_another_cell_shows_it_too() -> None:
    frame = pd.DataFrame({"path": ["P1", "P2", "P3", "P4"], "units": [40, 2, 7, 7]})
    roles = {"path": "label", "units": "units"}
    texts = {"smallest": 2, "sevens": 7}
    found = verdicts([Exhibit("a", "table", frame, roles, SecrecyClass("counts"), texts=texts)], BUREAU)["a"]
    assert str(found.texts["smallest"]) == "[c]"
    assert hidden(found, "units") == [1] and found.texts["sevens"] == 7


def test_a_link_is_one_however_small_its_number() -> None:
    """Seven firms of 2020 in one table are the five and two of another: two is what is left, and seven must go too."""
    roles = {"path": "label", "year": "year", "units": "units"}
    cells = pd.DataFrame({"path": ["P1", "P2", "P1", "P2"], "year": [2020, 2020, 2021, 2021]})
    parts = Exhibit("a", "table", cells.assign(units=[5, 2, 30, 40]), roles, SecrecyClass("counts"))
    whole = Exhibit("b", "table", pd.DataFrame({"units": [7]}), {"units": "units"}, SecrecyClass("counts"))
    found = verdicts([parts, whole], BUREAU)
    assert hidden(found["b"], "units") == [0] or len(hidden(found["a"], "units")) > 1


def test_a_title_gets_no_sum_that_gives_a_hidden_count_away() -> None:
    """Ever treated: all cohorts but `never`. Less those that are shown it is the two firms of 2018."""
    frame = pd.DataFrame({"start": ["2017", "2018", "2019", "never"], "units": [60, 2, 45, 300]})
    roles = {"start": "label", "units": "units"}
    exhibit = Exhibit(
        "a", "table", frame, roles, SecrecyClass("counts"), texts={"ever": 107, "all": {"n": [407, 405]}}
    )
    found = verdicts([exhibit], BUREAU)["a"]
    assert hidden(found, "units") == [1]
    assert str(found.texts["ever"]) == "[c]" == str(found.texts["all"]["n"][0])
    assert found.texts["all"]["n"][1] == 405  # what is shown, added up


def test_strict_counts_are_rounded_in_the_frame_and_in_titles() -> None:
    frame = pd.DataFrame({"path": ["P1", "P2"], "units": [23, 48]})
    exhibit = Exhibit("a", "table", frame, ROLES, SecrecyClass("counts"), texts={"n": 48})
    found = verdicts([exhibit], Rules.named("strict"))["a"]
    assert found.protected_frame["units"].tolist() == [25, 50] and found.texts["n"] == 50


# -- shares of units ---------------------------------------------------------------------------


def silence(name: str, groups: dict[str, tuple[int, int]], by: str = "path") -> Exhibit:
    """A table of those that tell, and the share that does not: group -> (tell, silent)."""
    rows, given = [], []
    for group, (tell, quiet) in groups.items():
        rows.append({by: group, "units": tell, "silent": 100 * quiet / (tell + quiet)})
        each = [float(i < quiet) for i in range(tell + quiet)]
        units = {"unit": [f"{group}{i}" for i in range(len(each))], "silent_part": each, "silent_whole": 1.0}
        given.append(pd.DataFrame(units).assign(**{by: group}))
    roles = {by: "label", "units": "units", "silent": "unit_share"}
    return Exhibit(
        name, "table", pd.DataFrame(rows), roles, SecrecyClass("statistics", "units"), pd.concat(given)
    )


GROUPS = {"P1": (20, 2), "P2": (30, 10), "P3": (25, 5), "P4": (40, 0)}


def test_a_share_of_units_is_two_counts_of_units() -> None:
    """Two of 22 are silent: 9.1 % beside 20 that tell says so. The 20 may stand alone; nobody silent gives nobody away."""
    found = verdicts([silence("a", GROUPS)], BUREAU)["a"]
    assert hidden(found, "silent") == [0] and hidden(found, "units") == []
    assert found.findings[0].said("en") == "a, row path P1, column silent: fewer than 3 units"
    # Two that tell of thirty: the share of the silent says how few they are.
    found = verdicts([silence("a", {"P1": (2, 28), "P2": (30, 10)})], BUREAU)["a"]
    assert hidden(found, "silent") == [0] == hidden(found, "units")


def test_those_that_tell_and_all_units_give_the_silent_away() -> None:
    totals = pd.DataFrame({"path": list(GROUPS), "units": [sum(n) for n in GROUPS.values()]})
    every = Exhibit("b", "table", totals, ROLES, SecrecyClass("counts"))
    found = verdicts([silence("a", GROUPS), every], BUREAU)
    gone = hidden(found["a"], "units") + hidden(found["b"], "units")
    assert gone == [0] and hidden(found["a"], "silent") == [0]


def test_shares_of_units_in_two_tables_are_protected_together() -> None:
    """Seventeen of all are silent, and the paths' add up to them: one hidden path is had from the others."""
    whole = silence("b", {"all": (115, 17)}, by="year")
    whole = replace(whole, frame=whole.frame.drop(columns="year"), contributions=whole.contributions)
    found = verdicts([silence("a", GROUPS), whole], BUREAU)
    gone = hidden(found["a"], "silent")
    assert 0 in gone and (len(gone) > 1 or hidden(found["b"], "silent") == [0])


def test_a_share_of_units_without_contributions_is_of_the_units_beside_it() -> None:
    frame = pd.DataFrame({"path": ["P1", "P2"], "units": [40, 50], "told": [0.95, 0.5]})
    roles = {"path": "label", "units": "units", "told": "unit_share"}
    exhibit = Exhibit("a", "table", frame, roles, SecrecyClass("estimates", "units"))
    assert hidden(verdicts([exhibit], BUREAU)["a"], "told") == [0]
    percent = replace(exhibit, frame=frame.assign(told=100 * frame["told"]))
    assert hidden(verdicts([percent], BUREAU)["a"], "told") == [0]
    odd = verdicts([replace(exhibit, frame=frame.assign(told=[0.951, 0.5]))], BUREAU)["a"]
    assert odd.verdict == "leave_out" and "no_contributions" in rules_of(odd), "no number of units makes it"


def test_a_unit_with_several_years_is_one_of_those_without() -> None:
    """Five of a hundred firm-years are missing, all of one firm."""
    frame = pd.DataFrame({"path": ["P1"], "units": [10], "missing": [5.0]})
    given = pd.DataFrame({"path": "P1", "unit": [f"a{i}" for i in range(10)], "missing_whole": 10.0})
    given["missing_part"] = [5.0] + [0.0] * 9
    roles = {"path": "label", "units": "units", "missing": "unit_share"}
    exhibit = Exhibit("a", "table", frame, roles, SecrecyClass("statistics", "units"), given)
    assert hidden(verdicts([exhibit], BUREAU)["a"], "missing") == [0]
    many = given.assign(missing_part=[1.0] * 5 + [0.0] * 5)
    assert not verdicts([replace(exhibit, contributions=many)], BUREAU)["a"].findings
    wrong = verdicts([replace(exhibit, contributions=given.assign(missing_part=11.0))], BUREAU)["a"]
    assert wrong.verdict == "leave_out" and "unmatched" in rules_of(wrong)


def test_a_share_of_units_that_was_published_is_remembered() -> None:
    before = [silence("a", GROUPS | {"P1": (20, 3)})]
    record = secrecy.release_of("2026-01", before, verdicts(before, BUREAU), BUREAU)
    assert [c.value for c in record.counts if c.column == "silent"] == [3, 10, 5, 0]


def test_a_share_of_counts_follows_its_counts_in_any_class() -> None:
    """Rows by year since the start, and their share of all: what hides a count hides its share."""
    frame = pd.DataFrame({"event_time": ["0", "1", "2"], "units": [9, 8, 2], "rows": [9, 8, 3]})
    frame["share"] = frame["rows"] / 20
    roles = {"event_time": "label", "units": "units", "rows": "rows", "share": "share"}
    exhibit = Exhibit("a", "table", frame, roles, SecrecyClass("estimates", "units"))
    found = verdicts([exhibit], BUREAU)["a"]
    assert 2 in hidden(found, "share") and len(hidden(found, "share")) == 2


# -- what would pass ---------------------------------------------------------------------------


def test_the_smallest_merger_is_named_and_passes() -> None:
    cells = {"P1": even("a", 9), "P2": even("b", 1), "P3": even("c", 3), "P4": even("d", 7)}
    found = verdicts([amounts("a", cells, ["path"])], BUREAU)["a"]
    assert found.suggestion is not None and found.suggestion.kind == "merge"
    pair = found.suggestion.values["levels"][0].split(" + ")
    merged = {k: v for k, v in cells.items() if k not in pair} | {"merged": cells[pair[0]] | cells[pair[1]]}
    assert "P2" in pair and not verdicts([amounts("a", merged, ["path"])], BUREAU)["a"].findings
    assert found.suggestion.said("zh").startswith("合并 path 的类别：")


def test_a_column_or_a_base_is_named_where_that_is_less() -> None:
    cells = {"P1": {"A": 900.0, "B": 50.0, "C": 60.0}, "P2": even("d", 9, 100.0)}
    found = verdicts([amounts("a", cells, ["path"])], BUREAU)["a"].suggestion
    assert found is not None
    kinds = {s.kind: s for s in (found, *found.others)}
    assert kinds["drop"].values["fields"] == ("revenue",)
    base = float(kinds["round"].values["base"].replace(",", ""))
    # The giant's 900 of 1,010 must be had no closer than 10 %, and a total of 900 / .8 must be possible.
    assert base == 500
    rounded = verdicts([amounts("a", cells, ["path"])], Rules.named("bureau", amount_base=base))["a"]
    # 1,010 as 1,000 leaves 240 on either side, more than the 115 that are needed: it is shown.
    assert rounded.protected_frame["revenue"].tolist() == [1000, 1000] and not rounded.findings


PATHS = {"P1": even("a", 9), "P2": even("b", 1), "P3": even("c", 3), "P4": even("d", 7)}


def of_change(exhibit: Exhibit, pair: Sequence[str], cells: dict[str, dict[str, float]]) -> Exhibit:
    """A table of sums with two paths as one."""
    rest = {k: v for k, v in cells.items() if k not in pair}
    return amounts(exhibit.name, rest | {" + ".join(pair): cells[pair[0]] | cells[pair[1]]}, ["path"])


def test_a_merger_that_another_table_undoes_is_not_named() -> None:
    """By itself P2 would be merged with P1; but another table shows P1 alone, and P1 + P2 less P1 is the one unit of P2."""
    table = amounts("a", PATHS, ["path"])
    alone = verdicts([table], BUREAU)["a"].suggestion
    assert alone is not None and alone.values["levels"] == ("P1 + P2",)
    other = amounts("b", {"P1": PATHS["P1"], "P3": PATHS["P3"]}, ["path"])
    undone = verdicts([of_change(table, ("P1", "P2"), PATHS), other], BUREAU)
    assert undone["a"].findings or undone["b"].findings
    change = verdicts([table, other], BUREAU)["a"].suggestion
    assert change is not None
    named = {s.kind: s for s in (change, *change.others)}
    assert named["merge"].values["levels"] == ("P2 + P4",) and not named["merge"].alone
    after = verdicts([of_change(table, ("P2", "P4"), PATHS), other], BUREAU)
    assert not after["a"].findings and not after["b"].findings


def test_a_base_that_another_table_undoes_is_not_named() -> None:
    """2,200 as 2,000 can be off by 50 on one side, P1 must by 125. It has room all the same, for P2 can be off; but not where
    another table has P2's mean, which nothing rounds. As multiples of 1,000 all have room."""
    cells = {"P1": {"A": 980.0, "B": 60.0, "C": 60.0}, "P2": even("d", 10, 110.0)}
    table = amounts("a", cells | {"all": cells["P1"] | cells["P2"]}, ["path"])
    means = amounts("b", {"P2": cells["P2"]}, ["path"], column="mean")
    means = replace(means, frame=means.frame.assign(mean=110.0), secrecy=SecrecyClass("statistics", "units"))
    found = [verdicts(tables, BUREAU)["a"] for tables in ([table], [table, means])]
    bases = [next(s.values["base"] for s in _ways(one) if s.kind == "round") for one in found]
    assert bases == ["500", "1,000"]
    for tables, base, passes in (
        ([table], 500, True),
        ([table, means], 500, False),
        ([table, means], 1000, True),
    ):
        after = verdicts(tables, Rules.named("bureau", amount_base=base))
        assert any(v.findings for v in after.values()) is not passes


def _ways(verdict: Verdict) -> list[Suggestion]:
    first = verdict.suggestion
    return [first, *first.others] if first is not None else []


@pytest.mark.parametrize("seed", range(3))
def test_every_change_that_is_named_passes(seed: int) -> None:
    """Random tables of two years and of one, with small paths: what is named is done, and nothing is left out any more."""
    draw = np.random.default_rng(seed)
    size = {f"P{i}": int(n) for i, n in enumerate(draw.integers(1, 7, 5))}
    cells = {
        (path, year): {f"{path}{i}": float(draw.lognormal(3, 0.3)) for i in range(n)}
        for path, n in size.items()
        for year in (2020, 2021)
    }
    both = amounts("a", cells, ["path", "year"])
    last = amounts("b", {p: v for (p, year), v in cells.items() if year == 2021}, ["path"])
    found = verdicts([both, last], BUREAU)
    tried = 0
    for way in [w for w in _ways(found["a"]) if w.kind == "merge"]:
        for group in (level.split(" + ") for level in way.values["levels"]):
            for year in (2020, 2021):
                parts = [cells.pop((p, year)) for p in group]
                cells[" + ".join(group), year] = {u: v for part in parts for u, v in part.items()}
        after = verdicts([amounts("a", cells, ["path", "year"]), last], BUREAU)
        assert not after["a"].findings
        tried += 1
    assert tried or "merge" not in {w.kind for w in _ways(found["a"])}


def without(exhibit: Exhibit, columns: Sequence[str]) -> Exhibit:
    """The same with columns dropped."""
    return replace(exhibit, frame=exhibit.frame.drop(columns=list(columns)))


def test_cells_that_are_left_out_for_other_cells_sake_are_told_a_column_whose_loss_passes() -> None:
    """All firms, and all but one: the column of what is hidden can go, and its neighbour stays."""
    every, but_one = {"P1": even("a", 6) | {"Z": 12.0}}, {"P1": even("a", 6)}
    both = [amounts(name, cells, ["path"]) for name, cells in (("a", every), ("b", but_one))]
    both = [replace(e, frame=e.frame.assign(gap=0.3), roles={**e.roles, "gap": "statistic"}) for e in both]
    found = verdicts(both, BUREAU)
    lost = [e for e in both if found[e.name].hidden.any(axis=None)]
    assert lost and {rule for v in found.values() for rule in rules_of(v)} == {"complement"}
    for exhibit in lost:
        change = found[exhibit.name].suggestion
        assert change is not None and change.kind == "drop" and "gap" not in change.values["fields"]
        mended = [without(e, change.values["fields"]) if e is exhibit else e for e in both]
        assert not verdicts(mended, BUREAU)[exhibit.name].findings


def test_a_figure_is_told_the_change_of_the_table_whose_numbers_it_shows() -> None:
    table = amounts("a", {"P1": even("a", 5), "P2": even("b", 1), "P3": even("c", 4)}, ["path"])
    roles, holds = {"path": "label", "revenue": "amount"}, SecrecyClass("drawn_from", drawn_from="a")
    drawn = Exhibit("b", "figure", table.frame[["path", "revenue"]], roles, holds)
    found = verdicts([table, drawn], BUREAU)
    own, source = found["b"].suggestion, found["a"].suggestion
    assert own is not None and source is not None
    assert own.said("en") == f"in a, whose numbers it shows, {source.said('en')}"
    assert verdicts([table, drawn], BUREAU, leave_out=["a"])["b"].suggestion is None, "it was asked for"


def test_a_column_that_cannot_be_judged_is_dropped_with_those_that_are_forbidden() -> None:
    frame = pd.DataFrame({"path": ["P1", "P2"], "units": [2, 9], "pay": [1.0, 2.0], "error": [0.1, 0.2]})
    roles = {"path": "label", "units": "units", "pay": "amount", "error": "error"}
    exhibit = Exhibit("a", "table", frame, roles, SecrecyClass("statistics", "units"))
    found = verdicts([exhibit], BUREAU)["a"]
    assert found.verdict == "leave_out" and found.suggestion == Suggestion("none")
    wide = replace(exhibit, frame=frame.assign(units=[5, 9]))
    change = verdicts([wide], BUREAU)["a"].suggestion
    assert change is not None and change.values["fields"] == ("pay",)
    assert not verdicts([without(wide, ["pay"])], BUREAU)["a"].findings


# -- earlier releases --------------------------------------------------------------------------


def test_what_two_releases_give_away_together_is_told(tmp_path: Path) -> None:
    before = [amounts("a", {"P1": even("a", 6), "P2": even("b", 5)}, ["path"])]
    first = verdicts(before, BUREAU)
    record = secrecy.release_of("2026-01", before, first, BUREAU)
    releases.write(record, tmp_path)
    earlier = releases.read(tmp_path)
    assert earlier == [record] and "10.0" not in (tmp_path / "2026-01.release.json").read_text().replace(
        "60.0", ""
    )
    # One firm joins P1: its amount is today's sum less the one before.
    after = [amounts("a", {"P1": even("a", 6) | {"Z": 12.0}, "P2": even("b", 5)}, ["path"])]
    assert not verdicts(after, BUREAU)["a"].hidden.any(axis=None)
    found = verdicts(after, BUREAU, earlier)
    assert hidden(found["a"], "revenue") == [0]
    assert secrecy.audit_said(found, earlier, "en").startswith(
        "1 earlier releases (2026-01) were taken into account"
    )


def test_what_is_out_already_cannot_be_hidden_and_the_audit_says_so() -> None:
    lax = Rules(min_units=1, dominance_share=1.0, p_percent=0.0, zeros=False)
    exhibit = [amounts("a", {"P1": even("a", 6), "P2": even("b", 1)}, ["path"])]
    record = secrecy.release_of("first", exhibit, verdicts(exhibit, lax), lax)
    found = verdicts(exhibit, BUREAU, [record])
    assert "earlier" in rules_of(found["a"])
    assert "可被推算" in secrecy.audit_said(found, [record], "zh")


def test_a_file_that_is_no_record_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.release.json").write_text("{}")
    with pytest.raises(SecrecyError, match=r"x\.release\.json is not a record of an earlier release"):
        releases.read(tmp_path)


# -- a study that has been run -------------------------------------------------------------------


def built(root: Path, frame: pd.DataFrame, **parameters: Any) -> Built:
    """A study with one exhibit, as a run leaves it."""
    notebook = "04_description"
    (root / notebook).mkdir()
    frame.to_parquet(root / notebook / "cohorts.frame.parquet")
    (root / f"{notebook}.ipynb").write_text('{"cells": []}', encoding="utf-8")
    entry = {
        "id": "cohorts",
        "kind": "table",
        "number": "4.2",
        "sheet": True,
        "values": {},
        "lacks": "",
        "draw": "",
    }
    (root / notebook / "done.json").write_text(json.dumps({"exhibits": [entry]}), encoding="utf-8")
    records = {notebook: {"status": "done", "outputs": {}}}
    return Built(
        "s", root, {"study": "s", "parameters": {"secrecy": "rules", **parameters}, "notebooks": records}
    )


COHORTS = pd.DataFrame(
    {"start": ["2017", "2018", "never"], "firms": [60, 2, 300], "firm_years": [500, 20, 2400]}
)


def test_a_study_is_judged_by_the_roles_of_its_sheets(tmp_path: Path) -> None:
    judged = study.judgement(built(tmp_path, COHORTS))
    found = judged.found["04.cohorts"]
    assert found.verdict == "pass" and found.protected_frame["firms"].isna().tolist() == [False, True, False]
    assert judged.stopped({"on_refusal": "stop"}) == ["04.cohorts"] and judged.stopped({}) == []
    release = judged.release()
    assert release is not None and [c.value for c in release.counts[:3]] == [60, None, 300]


@pytest.mark.parametrize(
    ("parameters", "verdict"),
    [
        ({"min_units": 2}, "pass"),
        ({"leave_out": ["04.cohorts"]}, "leave_out"),
        ({"rule_set": "strict"}, "pass"),
    ],
)
def test_a_study_says_which_rules(tmp_path: Path, parameters: dict[str, Any], verdict: str) -> None:
    judged = study.judgement(built(tmp_path, COHORTS, **parameters))
    assert judged.found["04.cohorts"].verdict == verdict
    assert judged.found["04.cohorts"].hidden["firms"].sum() == (0 if "rule_set" not in parameters else 1)


def test_a_study_in_chinese_is_judged_as_one_in_english(tmp_path: Path) -> None:
    found = []
    for language in LANGUAGES:
        (tmp_path / language).mkdir()
        one = study.judgement(built(tmp_path / language, COHORTS, language=language)).found["04.cohorts"]
        found.append((one.verdict, one.findings, one.suggestion, one.hidden.to_numpy().tolist()))
    assert found[0] == found[1] and found[0][1], "cells are left out, the same ones"


def test_public_rows_are_not_judged(tmp_path: Path) -> None:
    judged = study.judgement(built(tmp_path, COHORTS, secrecy="public"))
    assert (judged.rules, judged.found, judged.release()) == (None, {}, None)


# -- words -------------------------------------------------------------------------------------


def test_every_sentence_has_both_languages_with_the_same_values() -> None:
    from string import Formatter

    from workbook.publish.secrecy import words

    for key, row in words._sentences().items():
        fields = [{name for _, name, _, _ in Formatter().parse(row[lang]) if name} for lang in ("en", "zh")]
        assert fields[0] == fields[1], key
        assert row["en"] and row["zh"], key


@pytest.mark.parametrize(
    ("hides", "n", "said"),
    [("nothing", 100, True), ("cell", 100, False), ("exhibit", 100, False), ("nothing", 2, False)],
)
def test_a_paragraph_holds_no_number_that_an_exhibit_hides(
    tmp_path: Path, hides: str, n: int, said: bool
) -> None:
    """The estimate of a withheld row, in a sentence beside the table; and counts of too few units."""
    frame = pd.DataFrame({"label": ["tails:0", "tails:0.01"], "estimate": [0.1234567, 0.5], "units": [2, 90]})
    folder = tmp_path / "07_robustness"
    folder.mkdir()
    one = Record("07_robustness", "forms", "table", "7.1", folder=folder)
    kept(folder, "forms", frame)
    first = {"estimate": 0.1234567, "ci_low": 0.01, "ci_high": 0.2, "n": n, "clusters": 50}
    told = [{"id": "base", "values": {"first": first}}]
    (folder / "done.json").write_text(json.dumps({"exhibits": [one.entry()], "told": told}), "utf-8")
    mask = pd.DataFrame(False, frame.index, frame.columns)
    mask.loc[0, "estimate"] = hides == "cell"
    verdict = spoken.Kept(withheld={"en": "x", "zh": "x"}) if hides == "exhibit" else spoken.Kept(frame, mask)
    verdicts = {"07.forms": verdict}
    secrets = np.concatenate(
        [[], *spoken._secrets(tmp_path, "07_robustness", sheets.sheet("07_robustness"), verdicts)]
    )
    words = {one: Words(one) for one in LANGUAGES}
    paragraph = spoken._told(told[0], sheets.sheet("07_robustness"), words, load("smoke").flat, 3, secrets)
    assert all(("123" in paragraph[one]) == said == bool(paragraph[one]) for one in LANGUAGES)


def test_exhibits_of_amounts_without_any_hide_nothing() -> None:
    """A study whose tables of amounts have no rows, as one of cities, has no system of sums."""
    from types import SimpleNamespace

    from workbook.publish.secrecy import amounts

    nothing = SimpleNamespace(value=np.empty(0), unit=np.empty(0, object), column="revenue")
    judged: Any = [SimpleNamespace(taken=True, sums={"revenue": [nothing]})]
    rules: Any = None
    assert amounts.system(judged, rules) is None


def test_a_study_that_stops_does_not_stop_the_site_of_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    studies = []
    for name, parameters in (
        ("stops", {"on_refusal": "stop"}),
        ("leaves", {}),
        ("open", {"secrecy": "public"}),
    ):
        (tmp_path / name).mkdir()
        more = [c for c in sheets.sheet("04_description").exhibit("cohorts").show if c not in COHORTS]
        frame = COHORTS.assign(**dict.fromkeys(more, 2018))
        one = built(tmp_path / name, frame, title_en=name, **parameters)
        file = one.root / "04_description" / "done.json"
        file.write_text(file.read_text().replace('"values": {}', '"values": {"ever": 362, "starts": 3}'))
        studies.append(replace(one, name=name))
    ready = site._release(studies)
    assert [one.name for one in ready] == ["leaves", "open"]
    said = capsys.readouterr().err
    assert "stops" in said and "04.cohorts, row Cohort 2018" in said
    assert not (tmp_path / "stops" / "release.json").exists(), "nothing of it goes out"
    with pytest.raises(site.SiteError, match=r"04\.cohorts"):
        site._release(studies[:1])
    assert json.loads((tmp_path / "leaves" / "release.json").read_text())["left_out"].keys() == {"04.cohorts"}


def test_a_refusal_calls_columns_as_the_page_does() -> None:
    label = study_gate.heads("01.coverage", ["01_panel"])
    assert [label("year", one) for one in ("en", "zh")] == ["Year", "年份"]
    assert label("column", "zh") == "列" and label("of no sheet", "zh") == "of no sheet"
    cell = Finding("01.coverage", "few", {"year": "2018", "column": "ind4"}, "missing", {"n": 3})
    assert "year" not in cell.where("zh", label) and "缺失" in cell.where("zh", label)
    assert study_gate.heads("09.none", [])("x", "en") == "x"
