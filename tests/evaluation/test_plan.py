"""Plans of pilot units: shares by hand, every conclusion, tables that are refused, the report in Word."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fusion.evaluation import pilots, plan
from fusion.evaluation.errors import EvaluationError
from fusion.papers import official
from workbook import paths
from workbook.exhibits.sheets import sheet

BASE = {"scheme": "试点", "batch": "1", "kind": "enterprise", "start": "2020", "verified": "no"}
HEAD = ",".join(plan.COLUMNS)
UNITS = pilots.typed(
    pd.DataFrame(
        [dict.fromkeys(pilots.COLUMNS, "") | BASE | {"unit": u, "end": e}
         for u, e in (("F1", "2021"), ("F2", "2023"))]
    )
)  # fmt: skip
PANEL = pd.DataFrame({"firm_id": ["F1", "F1", "F2"], "year": [2020, 2021, 2021], "A1": [10.0, 20.0, 5.0]})


def item(name: str, weight: float, **more: str) -> str:
    cells = {
        "scheme": "试点",
        "batch": "1",
        "unit": "F1",
        "item": name,
        "kind": "goal",
        "goal": "40",
        "weight": f"{weight:g}",
    }
    cells |= {"due": "2021"} | more
    return ",".join(cells.get(c, "") for c in plan.COLUMNS)


def write(folder: Path, *lines: str) -> Path:
    file = folder / "plan.csv"
    file.write_text("\n".join([HEAD, *lines]) + "\n", "utf-8")
    return file


def judged(folder: Path, *lines: str, as_of: int = 2021) -> tuple[pd.DataFrame, pd.DataFrame]:
    units = pilots.matched(UNITS, PANEL, as_of)
    items = plan.achieved(plan.load(write(folder, *lines), units), units, PANEL, as_of, plan.Rules(), "size")
    scores = units.assign(
        gap=np.nan,
        gap_low=np.nan,
        index_before=1.0,
        index_after=2.0,
        grade="A",
        largest="",
        largest_share=np.nan,
        silent=[60.0, 0.0],
    )
    return items, plan.conclusions(scores, items, plan.Rules()).set_index("unit")


def test_the_template_is_the_contract() -> None:
    head = (paths.DATA / "evaluation" / "plan_template.csv").read_text("utf-8").strip().split(",")
    assert sorted(head) == sorted(plan.COLUMNS)


def test_shares_by_hand(tmp_path: Path) -> None:
    items, scores = judged(
        tmp_path,
        item("a", 40, indicator="A1"),  # 20 of 40
        item("b", 20, indicator="A1", base="10", goal="30"),  # half of the way
        item("c", 20, kind="task", goal="100", reported="100"),
        item("d", 10, kind="project", goal="500", reported="900"),  # no more than whole
        item("e", 10, direction="down", goal="4", reported="8"),
    )
    assert items["share"].tolist() == [50, 50, 100, 100, 50]
    assert items["by"].tolist() == ["data", "data", "report", "report", "report"]
    found = scores.loc["F1"]
    assert found["reached"] == pytest.approx(0.4 * 50 + 0.2 * 50 + 0.2 * 100 + 0.1 * 100 + 0.1 * 50) == 65
    assert (found["conclusion"], found["by_report"], found["judged"]) == ("extend", 40, 100)
    assert scores.loc["F2", ["conclusion", "items"]].tolist() == ["no goals", 0]


@pytest.mark.parametrize(
    ("reported", "conclusion"),
    [("32", "pass"), ("31.9", "extend"), ("24", "extend"), ("23.9", "withdraw"), ("", "cannot be concluded")],
)  # fmt: skip
def test_conclusions_follow_the_rules(tmp_path: Path, reported: str, conclusion: str) -> None:
    assert judged(tmp_path, item("a", 100, reported=reported))[1].loc["F1", "conclusion"] == conclusion


def test_data_decide_and_a_report_that_differs_stops_a_pass(tmp_path: Path) -> None:
    items, scores = judged(tmp_path, item("a", 100, indicator="A1", goal="20", reported="30"))
    assert items["differs"].tolist() == [True] and items["share"].tolist() == [100]
    assert scores.loc["F1", ["conclusion", "ground"]].tolist() == ["extend", "differs"]
    assert (
        judged(tmp_path, item("a", 100, indicator="A1", goal="20", reported="21"))[1].loc["F1", "conclusion"]
        == "pass"
    )


def test_before_the_end_time_is_the_measure(tmp_path: Path) -> None:
    two = item("a", 100, unit="F2", due="2023", reported="20")
    assert judged(tmp_path, two)[1].loc["F2", ["stage", "expected", "conclusion"]].tolist() == [
        "mid-term",
        50,
        "on track",
    ]
    assert judged(tmp_path, two.replace(",20,", ",19,"))[1].loc["F2", "conclusion"] == "behind"


def test_an_index_that_fell_behind_the_peers_stops_a_pass() -> None:
    unit = {"scheme": "s", "batch": "b", "unit": "u"}
    item = pd.DataFrame(
        [{**unit, "share": 90.0, "expected": 100.0, "weight": 100.0, "by": "data", "differs": False}]
    )
    found = []
    for gap in (-3.0, -1.0, np.nan):
        scores = pd.DataFrame([{**unit, "stage": "final", "gap": gap, "gap_low": -2.0}])
        found.append(plan.conclusions(scores, item, plan.Rules()).loc[0, ["conclusion", "ground"]].tolist())
    assert found == [["extend", "index"], ["pass", "plan"], ["pass", "plan"]]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([item("a", 60), item("b", 30)], "the weights of unit 'F1' add up to 90, not 100"),
        ([item("a", 100, unit="F9")], "unit 'F9' is no pilot"),
        ([item("a", 50), item("a", 50)], "item 'a' is there twice"),
        ([item("a", 100, goal="")], "goal = ''; allowed: a number"),
        ([item("a", 100, kind="hope")], "kind = 'hope'; allowed: goal, task, project"),
        ([item("a", 100, due="")], "due = ''; allowed: a year"),
        ([item("a", 100, reported="much")], "reported = 'much'"),
        ([item("a", 100, goal="inf")], "goal = 'inf'; allowed: a number"),
        ([item("a", 110), item("b", -10)], "weight = '-10'; allowed: a number from 0 to 100"),
        ([item("a", 100, kind="task", goal="140")], "goal = '140'; allowed: a number from 0 to 100"),
        ([item("a", 100, reported_year="2021-13")], "reported_year = '2021-13'; allowed: a year"),
        ([item("a", 100, due="2019")], "due 2019 is before the unit's start, 2020"),
        ([item("a", 100, indicator="C11")], "indicator 'C11' is neither a column of the panel nor an"),
        ([item("a", 100, indicator="firm_name")], "indicator 'firm_name' is a column of texts or codes"),
    ],
)
def test_bad_plans(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(EvaluationError, match=re.escape(message)):
        plan.load(write(tmp_path, *lines), UNITS, {"A1": "?", "C1": "?", "firm_name": "text"})


def test_the_report_has_every_unit_and_its_open_sentence(tmp_path: Path) -> None:
    from docx import Document

    found, scores = judged(tmp_path, item("收入", 100, indicator="A1", goal="20", reported="30"))
    told = official.rows(scores.reset_index(), found, None)
    counted = official.counts(told)
    assert counted["count"] == 2 and counted["extended"] == 1 and counted["unasked"] == 1
    assert counted["count"] == sum(counted[name] for name in official.ENDS)
    assert {end for ends in official.ENDS.values() for end in ends} == set(plan.CONCLUSIONS)
    axes = {name: text.zh or "" for name, text in sheet("09_evaluation").exhibits["report"].axes.items()}
    made = Document(io.BytesIO(official.report(told, axes)))
    text = "\n".join(p.text for p in made.paragraphs)
    assert "F1“收入”：数据为 20.0，自评为 30.0" in text and "有 2 个单位未在通知中核实" in text
    assert "F1：60% 的企业—年度观测" in text and "F2：" not in text, (
        "who half does not tell is to be looked into"
    )
    assert text.count("评估组补充说明") == 2 and "<" not in text
    table = made.tables[0]
    assert [row.cells[0].text for row in table.rows] == ["单位", "F1", "F2"] and table.rows[1].cells[
        2
    ].text == "2020–2021"
    cells = {cell.text for t in made.tables for row in t.rows for cell in row.cells}
    assert "nan" not in cells and len(made.tables) == 4
    assert made.sections[0].top_margin.mm == pytest.approx(37, abs=0.1)


def test_a_scheme_without_goals_is_shown_and_not_concluded(tmp_path: Path) -> None:
    """No plan at all, and a unit of which nothing was asked beside one of which something was."""
    units = pilots.matched(UNITS, PANEL, 2021)
    none = plan.achieved(plan.load(None, units), units, PANEL, 2021, plan.Rules(), "size")
    scores = units.assign(gap=np.nan, gap_low=np.nan, grade="A")
    found = plan.conclusions(scores, none, plan.Rules())
    assert none.empty and len(found) == len(units) and found["items"].eq(0).all()
    other = judged(tmp_path, item("a", 100, reported="100"))[1]
    left = [(one["conclusion"], one["ground"]) for one in found.to_dict("records")]
    assert set(left) == {tuple(other.loc["F2", ["conclusion", "ground"]])}
    assert not {"pass", "extend", "withdraw"} & {conclusion for conclusion, _ in left}
