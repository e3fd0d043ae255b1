"""Columns, lists, samples and rows in a study's file: short forms, older forms, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from workbook.params import load
from workbook.params.checks.refusals import StudyError
from workbook.params.file.core import yaml
from workbook.params.file.forms import translated
from workbook.params.file.headers import headers
from workbook.params.panel import labels

HEADERS = ["firm_id", "year", "GDP", "pop", "group3", "营业收入(元)", "opened"]


@pytest.fixture(autouse=True)
def source(tmp_path: Path) -> None:
    row = ["a", "2020", "1.5", "3", "u", "2", ""]
    text = ",".join(HEADERS) + "\n" + ",".join(row) + "\n"
    (tmp_path / "mine.csv").write_text(text, "utf-8")


def study(tmp_path: Path, text: str) -> load.Study:
    file = tmp_path / "own.yaml"
    file.write_text(f"panel: {{source: mine.csv, contract: minimal}}\n{text}", "utf-8")
    return load.load(str(file))


def error(tmp_path: Path, text: str) -> str:
    with pytest.raises(StudyError) as caught:
        study(tmp_path, text)
    return str(caught.value)


def test_a_study_states_columns_rows_and_samples_at_the_top(tmp_path: Path) -> None:
    text = """
columns:
  ln_gdp: {is: log(GDP / pop), name: "GDP per head | 人均产值 [ln 元]"}
  pilot: since(opened)
  $_w: {each: [GDP, pop], is: "winsor($, 0.01)"}
  income: header("营业收入(元)") * 2
lists: {some: [u, v]}
samples: {first: group3 in some}
where: [year > 2000, "pop > 0"]
effects: {outcome: ln_gdp, treatments: pilot, controls: [log(pop), lag(GDP_w)]}
"""
    found = study(
        tmp_path, text.replace('income: header("营业收入(元)") * 2', "income: 'header(\"营业收入(元)\") * 2'")
    )
    panel, effects = found.parameters.panel, found.parameters.effects
    assert list(panel.columns)[:5] == ["ln_gdp", "pilot", "GDP_w", "pop_w", "income"]
    spec = panel.columns["ln_gdp"]
    assert (spec.label_en, spec.label_zh, spec.unit) == ("GDP per head", "人均产值", "ln 元")
    assert panel.columns["pop_w"].expression == panel.columns["pop_w"].label_en == "winsor(pop, 0.01)"
    assert panel.where == {"year > 2000": "year > 2000", "pop > 0": "pop > 0"}
    # Terms that are expressions are columns with names that nothing else has.
    assert effects.treatments == ["pilot"] and effects.outcome == "ln_gdp"
    assert [panel.columns[c].expression for c in effects.controls] == ["log(pop)", "lag(GDP_w)"]
    # What the study uses of its source is read although nobody declared it; what it does not use is not.
    assert {n: c.type for n, c in panel.extra_columns.items()} == dict.fromkeys(
        ["GDP", "pop", "opened", "营业收入(元)", "group3"], "auto"
    )
    assert found.flat["value_lists"] == {"some": ["u", "v"]}
    # The workbook has a column of that name itself, so that the study's is kept under another.
    assert [line for line in found.told if "own_group3" not in line] == []


def test_older_forms_are_read_and_the_new_line_is_said(tmp_path: Path) -> None:
    text = """
robustness: {exclusions: {late: "(year > 2019) & ~(pop == 3)", west: "group3 in ['u', 'v']"}}
effects: {outcome: log(GDP), treatments: pop}
"""
    found = study(tmp_path, text)
    assert found.parameters.robustness.exclusions == {
        "late": "(year > 2019) and not (pop == 3)",
        "west": 'group3 in ("u", "v")',
    }
    assert "write: (year > 2019) and not (pop == 3)" in found.told[0]
    file = tmp_path / "older.yaml"
    file.write_text(
        "panel:\n  source: mine.csv\n  contract: minimal\n  derive:\n"
        "    - {name: ratio, of: [gdp, pop], how: log_ratio, label_en: A, label_zh: 某}\n"
        "    - {name: rise, of: [ratio], how: growth, label_en: B, label_zh: 某}\n"
        "  rename: {GDP: gdp}\n  extra_columns: {gdp: {label_en: G, label_zh: 某}}\n",
        "utf-8",
    )
    older = load.load(str(file))
    texts = {n: c.expression for n, c in older.parameters.panel.columns.items()}
    # The workbook makes a column ratio itself, so that the study's has another name from reading on.
    assert texts == {"own_ratio": "log_ratio(gdp, pop)", "rise": "dlog(own_ratio)"}
    assert "columns: ratio: log_ratio(gdp, pop)" in older.told[0]


def test_a_condition_that_is_none_in_any_form_is_left_for_the_error() -> None:
    assert translated("year in (2020, 2022)") is None
    assert translated("x == 'a' | ~y") == 'x == "a" or not y'
    assert translated("@pd.io.common.os.system('touch x') == 1") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("columns:\n  a: 1\n", "columns.a"),
        ("columns:\n  a: log(GPD)\n", "own.yaml:3 columns.a: character 5: no column 'GPD'. Nearest: GDP."),
        ("columns:\n  a: log(GDP\n  b: GDP = 1\n", "own.yaml:3 columns.a: character 8: the expression ends too early"),
        ("columns:\n  b: GDP = 1\n", "own.yaml:3 columns.b: character 5: '=' compares nothing; write '=='."),
        ("columns: {a: b + 1, b: a + 1}\n", "need one another"),
        ("columns: {m: mean(GDP)}\n", "mean needs by="),
        ("samples: {s: group3 in soes}\n", "no list 'soes'"),
        ("columns: {w: {each: [GDP], is: $}}\n", "with each, the name holds $"),
        ("columns: {if: GDP}\n", "a word of expressions"),
        ("columns: {a: GDP}\npanel: {}\n", "own.yaml"),
        ("robustness: {exclusions: {x: \"@pd.eval('1')\"}}\n", "exclusions.x: character 1: '@' cannot stand here"),
        ("effects: {outcome: log(GDP), controls: [log(]}\n", "own.yaml"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, text: str, said: str) -> None:
    told = error(tmp_path, text)
    assert said in told and len(told) < 1500


@pytest.mark.parametrize(
    ("text", "cut", "rest"),
    [
        ("samples: {late: year in (2020, 2022)}\n", "year in (2020", "2022)"),
        ("columns: {m: mean(GDP, by=year)}\n", "mean(GDP", "by=year)"),
        ("columns:\n  m: {is: winsor(GDP, 0.01), name: M}\n", "winsor(GDP", "0.01)"),
        ("where: [year in (2020, 2022), pop > 0]\n", "year in (2020", "2022)"),
        ("effects: {outcome: log(GDP), controls: [lag(pop, 2), pop]}\n", "lag(pop", "2)"),
        ("robustness: {exclusions: {late: year in (2020, 2022)}}\n", "year in (2020", "2022)"),
    ],
)
def test_braces_that_cut_an_expression_are_named(tmp_path: Path, text: str, cut: str, rest: str) -> None:
    assert f"braces cut the expression at its comma: '{cut}' | '{rest}'. Quote it." in error(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "columns: []\n", "columns: 3\n", "columns: {a: }\n", "columns: {1: x}\n", "lists: {a: b}\n",
        "samples: [a]\n", "where: 3\n", "where: {a: 3}\n", "where: [[a]]\n", "columns: {a: {is: [x]}}\n",
        "columns: {$_w: {each: 3, is: $}}\n", "columns: {a: {each: [x], is: $}}\n", "effects: {controls: [[a]]}\n",
        "effects: {controls: {a: b}}\n", "robustness: {exclusions: [a]}\n", "robustness: {exclusions: {a: [b]}}\n",
        "lists: {a: [[1]]}\n", "lists: {a: [true]}\n", "columns: {a: {is: x, maximum: 3}}\n",
    ],
)  # fmt: skip
def test_what_has_another_shape_is_refused_in_words(tmp_path: Path, text: str) -> None:
    assert "own.yaml" in error(tmp_path, text)


@pytest.mark.parametrize(
    "line",
    [
        "3",
        "[a]",
        "{name: a}",
        "{name: a, of: [3], how: ratio}",
        "{name: a, of: [x], how: [log]}",
        "{name: [a], of: [x], how: log}",
    ],
)
def test_older_lines_that_are_none(tmp_path: Path, line: str) -> None:
    file = tmp_path / "older.yaml"
    file.write_text(f"panel: {{source: mine.csv, contract: minimal, derive: [{line}]}}\n", "utf-8")
    with pytest.raises(StudyError, match=r"panel\.derive is read for this version alone"):
        load.load(str(file))


def test_yaml_keeps_codes_and_dates_as_they_are_written() -> None:
    text = "a: [on, no, 0111, 2020-01-01, 1_000, 10:30, 00.5, 12, -3, 0.5, .5, 1e5, 0x1F, true, ~]"
    assert yaml().load(text)["a"] == [
        "on", "no", "0111", "2020-01-01", "1_000", "10:30", "00.5", 12, -3, 0.5, 0.5, 1e5, 31, True, None,
    ]  # fmt: skip


def test_labels() -> None:
    assert labels("Size | 规模 [ln 元]") == ("Size", "规模", "ln 元")
    assert labels("Log 营收 | 营收（对数） [ln]") == ("Log 营收", "营收（对数）", "ln"), (
        "headers are of the user's language"
    )
    assert labels("规模 | Size") == ("Size", "规模", "")
    assert labels("Size") == ("Size", "", "") and labels("[%]") == ("", "", "%")


def test_headers_of_every_format(tmp_path: Path) -> None:
    frame = pd.DataFrame({"firm_id": ["a"], "year": [2020], "gdp": [1.5]})
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    frame.to_stata(tmp_path / "a.dta", write_index=False)
    frame.rename(columns={"gdp": "产值"}).to_csv(tmp_path / "a.csv", index=False, encoding="gb18030")
    assert [headers(tmp_path / f"a.{kind}")[-1] for kind in ("parquet", "xlsx", "dta", "csv")] == [
        "gdp"
    ] * 3 + ["产值"]
    (tmp_path / "bad.xlsx").write_bytes(b"no workbook")
    assert headers(tmp_path / "bad.xlsx") == [] and headers(tmp_path / "none.csv") == []
