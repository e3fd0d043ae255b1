"""The checklist decides what it can, and claims nothing that is not there."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from workbook.exhibits import listing
from workbook.review import audit

FACTS = {"estimand": "the ATT", "cannot": ["anything"], "data": "a survey", "licence": "MIT"}
FLOW = pd.DataFrame(
    {
        "step": ["source", "years", "size"],
        "reason_en": ["all", "outside the years", "too small"],
        "reason_zh": ["全部", "年份之外", "过小"],
        "rows": [100, 90, 60],
        "firms": [30, 30, 20],
        "rows_dropped": [0, 10, 30],
        "firms_dropped": [0, 0, 10],
    }
)


def estimates(**more: Any) -> pd.DataFrame:
    rows = [
        {
            "spec": s,
            "fixed_effects": s,
            "engine": e,
            "term": "d",
            "estimate": 0.5,
            "ci_low": 0.1,
            "ci_high": 0.9,
        }
        for s in ("firm_id", "firm_id + division*year")
        for e in ("pyfixest", "linearmodels")
    ]
    return pd.DataFrame(rows).assign(clusters=400, dropped_singletons=3, **more)


def exhibit(id: str, kind: str = "table", notebook: str = "01_panel") -> dict[str, str]:
    return {
        "id": id,
        "kind": kind,
        "number": "1.1",
        "notebook": notebook,
        "note_en": "needs x",
        "note_zh": "缺 x",
    }


MADE = pd.DataFrame({"column": ["ln_lp", "composite"], "stands": ["outcome", "treatment"]})
SHARED = pd.DataFrame({"regressor": ["composite"], "against": ["ln_lp"], "how": ["same"]})


HELD = pd.DataFrame(
    {
        "column": ["a", "b"],
        "label_en": ["Staff", "Capital"],
        "label_zh": ["人员", "资本"],
        "moves": [True, False],
    }
)


def decide(number: int, language: str = "en", **given: Any) -> tuple[str, str]:
    settings = {"tables": {}, "exhibits": [], "facts": FACTS} | given
    table = audit.checklist(audit.Evidence(**settings)).set_index("number")
    return str(table.loc[number, "status"]), str(table.loc[number, f"evidence_{language}"])


def test_points_are_numbered_and_each_has_a_rule() -> None:
    listed = audit.points()
    assert [p.number for p in listed] == list(range(1, 43))
    assert all(p.point_en and p.point_zh for p in listed)


def test_a_study_that_lacks_everything_passes_nothing_but_its_record() -> None:
    table = audit.checklist(audit.Evidence({}, [], {}))
    assert table.loc[table["status"] == "pass", "number"].tolist() == [38]
    assert set(table["status"]) <= set(audit.STATUSES)
    assert len(table) == 42
    assert all(table[f"evidence_{language}"].str.len().gt(0).all() for language in ("en", "zh"))


@pytest.mark.parametrize(
    ("number", "given", "status"),
    [
        (1, {"facts": {}}, "needs a sentence"),
        (1, {}, "pass"),
        (2, {}, "open"),
        (2, {"exhibits": [exhibit("cohorts")]}, "pass"),
        (2, {"exhibits": [exhibit("cohorts", "left_out")]}, "not applicable"),
        (3, {"tables": {"sample_flow": FLOW}}, "pass"),
        (3, {"tables": {"sample_flow": FLOW.assign(rows_dropped=[0, 10, 29])}}, "fail"),
        (6, {}, "needs a sentence"),
        (6, {"statements": {"6": "no prices here"}}, "stated"),
        (7, {"exhibits": [exhibit("coverage", "figure", "02_classification")]}, "open"),
        (7, {"exhibits": [exhibit("coverage", "figure"), exhibit("coverage", notebook="02_x")]}, "pass"),
        (9, {"exhibits": [exhibit("table1")]}, "open"),
        (9, {"exhibits": [exhibit("table1"), exhibit("balance", "left_out")]}, "not applicable"),
        (11, {"tables": {"mde": pd.DataFrame({"mde": [0.1]})}}, "pass"),
        (11, {"tables": {"mde": pd.DataFrame({"mde": [float("nan")]})}}, "fail"),
        (14, {}, "open"),
        (14, {"statements": {"14": "one period only"}}, "stated"),
        (19, {"tables": {"estimates": estimates()}}, "needs a sentence"),
        (19, {"tables": {"estimates": estimates()}, "statements": {"19": "pilots are firms"}}, "pass"),
        (19, {"tables": {"estimates": estimates().assign(clusters=17)}, "statements": {"19": "x"}}, "fail"),
        (
            19,
            {
                "tables": {"estimates": estimates().assign(clusters=17)},
                "exhibits": [exhibit("wild")],
                "statements": {"19": "industries are all there are"},
            },
            "pass",
        ),
        (20, {"tables": {"estimates": estimates()}}, "pass"),
        (20, {"tables": {"estimates": estimates().assign(dropped_singletons=None)}}, "fail"),
        (24, {"tables": {"estimates": estimates()}}, "pass"),
        (24, {"tables": {"estimates": estimates().iloc[:2]}}, "needs a sentence"),
        (24, {"tables": {"estimates": estimates().assign(estimate=[0.5, 0.5, 0.5, 0.5001])}}, "fail"),
        (37, {"tables": {"estimates": estimates()}}, "pass"),
        (37, {"tables": {"estimates": estimates().assign(ci_low=None)}}, "fail"),
        (37, {"tables": {"estimates": estimates().iloc[:0]}}, "not applicable"),
        (39, {"facts": FACTS | {"licence": ""}}, "needs a sentence"),
        (40, {"facts": FACTS | {"cannot": []}}, "needs a sentence"),
        (41, {}, "not applicable"),
        (41, {"tables": {"components": MADE, "shared": SHARED.iloc[:0]}}, "pass"),
        (41, {"tables": {"components": MADE, "shared": SHARED.assign(how="scale")}}, "pass"),
        (41, {"tables": {"components": MADE, "shared": SHARED}}, "fail"),
        (42, {}, "not applicable"),
        (42, {"tables": {"held": HELD.assign(moves=False)}}, "pass"),
        (42, {"tables": {"held": HELD}}, "needs a sentence"),
        (42, {"tables": {"held": HELD}, "statements": {"42": "given inputs, by design"}}, "stated"),
    ],
)
def test_points_are_decided(number: int, given: dict[str, Any], status: str) -> None:
    assert decide(number, **given)[0] == status


def test_evidence_names_the_exhibit_in_both_languages() -> None:
    shown = {"exhibits": [exhibit("cohorts", notebook="04_description")]}
    assert decide(2, **shown)[1] == "Table 1.1"
    assert decide(2, **shown, language="zh")[1] == "表 1.1"


def test_a_statement_for_no_point_is_an_error() -> None:
    with pytest.raises(audit.AuditError, match=r"no point 43; allowed: '1' to '42'"):
        decide(1, statements={"43": "x"})


def test_a_broken_table_of_points_says_where(tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    file.write_text("number,point_en,point_zh,decided_by,exhibit\n1,a,b,magic,\n", encoding="utf-8")
    with pytest.raises(audit.AuditError, match=r"points\.csv:2: decided_by = 'magic'; allowed: access"):
        audit.points(file)
    file.write_text(
        "number,point_en,point_zh,decided_by,exhibit\n1,a,b,open,\n1,a,b,open,\n", encoding="utf-8"
    )
    with pytest.raises(audit.AuditError, match=r"points\.csv:3: point 1 is there twice"):
        audit.points(file)


def test_the_sample_flow_in_a_few_numbers() -> None:
    found = audit.flow(FLOW)
    assert found is not None
    assert [found[k] for k in ("rows", "rows_kept", "units", "units_kept")] == [100, 60, 30, 20]
    assert [reason["en"] for reason in found["reasons"]] == ["too small (30)", "outside the years (10)"]
    assert audit.flow(None) is None


def test_quality_counts_keep_zeros() -> None:
    found = pd.DataFrame(
        {"rule": ["r", "r"], "severity": ["error"] * 2, "unit": ["f1", "f1"], "set_aside": [True, False]}
    )
    counts = audit.quality_counts(found)
    assert counts.to_dict("list") == {
        "severity": ["error", "warning"],
        "rules": [1, 0],
        "findings": [2, 0],
        "units": [1, 0],
        "set_aside": [1, 0],
    }
    assert audit.quality_counts(found.iloc[:0])["findings"].tolist() == [0, 0]


def test_exhibits_are_read_from_finished_notebooks_alone(tmp_path: Path) -> None:
    folder = tmp_path / "01_panel"
    folder.mkdir()
    entry = {"id": "flow", "kind": "table", "number": "1.1", "title_en": "T", "title_zh": "题"}
    record = {"notebook": "01_panel", "exhibits": [entry, entry | {"id": "map", "kind": "figure"}]}
    (folder / "done.json").write_text(json.dumps(record), encoding="utf-8")
    (folder / "flow.frame.parquet").write_text("a", encoding="utf-8")
    (folder / "map.frame.parquet").write_text("a", encoding="utf-8")
    found = audit.made(tmp_path, ["01_panel", "02_missing"])
    assert [e["file"] for e in found] == ["01_panel/flow.frame.parquet", "01_panel/map.frame.parquet"]
    listing.write(tmp_path, ["01_panel"])
    table = pd.read_csv(tmp_path / "exhibits.csv")
    assert table["cell_tag"].tolist() == ["flow", "map"] and table["title_zh"].tolist() == ["题", "题"]


def test_controls_that_treatment_moves_are_named() -> None:
    for language, words in (
        ("en", "1 of 2 controls (Staff)"),
        ("zh", "2 个控制变量中有 1 个受处理影响（人员）"),
    ):
        assert words in decide(42, language, tables={"held": HELD})[1]
        told = decide(42, language, tables={"held": HELD}, statements={"42": "by design"})[1]
        assert words in told and "by design" in told


def test_a_studys_own_words_are_taken_from_its_parameters() -> None:
    names = [f"{name}_{one}" for name in ("estimand", "cannot", "data") for one in ("en", "zh")]
    given = {name: f"its {name}" for name in [*names, "licence"]}
    assert audit.facts(SimpleNamespace(**given, other=1)) == given
    assert audit.Evidence({}, [], given, language="zh").fact("cannot") == "its cannot_zh"
