"""On the command line in Chinese: what is refused and reported has no English words but names, keys and codes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest
from chinese import english

from estimators.effects import dynamics, sample
from estimators.errors import EffectsError
from fusion import language
from fusion.adapters import model, panel, report
from fusion.classification import command
from fusion.evaluation import pilots
from fusion.evaluation.errors import EvaluationError
from fusion.panel import PanelError, checks, clean, readers
from fusion.panel.contract import contract
from fusion.panel.synthetic import Settings
from workbook.params import load
from workbook.params.checks.refusals import StudyError


@pytest.fixture(autouse=True)
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSION_LANGUAGE", "zh")


def is_chinese(text: str, *known: str) -> bool:
    left = english(text, *known)
    assert left == [], f"{left} in: {text}"
    return any("一" <= c <= "鿿" for c in text)


@pytest.mark.parametrize(
    "text",
    [
        "study: {synthetic: true}\nindicators:\n  wieghts: equal\n",
        "study: {synthetic: true}\npanel:\n  weights: equal\n",
        "study: {synthetic: true}\neffects:\n  singletons: maybe\n",
        "study: {synthetic: true}\npanel:\n  keep_industries: [[0111]]\n",
        "study: {synthetic: maybe}\n",
        "study: {synthetic: true}\npanel: {first_year: 1500, min_employees: -1, sheet: 3, rename: [a]}\n",
        "study: {synthetic: true}\npanel: {first_year: 2020, last_year: 2012}\n",
        "study: {synthetic: false}\npanel: {source: synthetic}\n",
        "study: {synthetic: false}\npanel: {source: none.csv}\n",
        "study: {synthetic: false}\npanel: {source: nobody:load}\n",
        "study: {synthetic: false}\npanel: {source: [a.csv, b.csv]}\n",
        "study: {synthetic: true}\nclassification: {coefficients_file: none.csv}\n",
        "study: {synthetic: true}\ndynamics: {first_event: -1}\nrobustness: {winsor_tails: [0.01, 0.01]}\n",
        "study: {synthetic: true}\nseed: 1\nseed: 2\n",
        "study: {synthetic: true\n",
        "study:\n\tsynthetic: true\n",
        "a: b: c\n",
        "- 1\n",
        "study: [1]\n",
        "study: {synthetic: true}\neffects: {treatments: []}\nsynthetic: {treated_share: 2.5, firms: 1.5}\n",
    ],
)
def test_study_files(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        load.load(str(file))
    told = str(caught.value).replace(str(tmp_path), "")
    # Values of choices, and Python's and YAML's words for kinds of values.
    known = ("list", "str", "int", "keep", "drop", "bureau", "csmar", "wind", "mine", "expected")
    assert is_chinese(told, *known)


def csv(folder: Path, text: str | bytes) -> str:
    (folder / "p.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return "p.csv"


@pytest.mark.parametrize(
    ("content", "choices"),
    [
        ("", {}),
        ("firm_id,year\n", {}),
        ("\nfirm_id,year\n", {}),
        ("firm_id,year,,\na,2020,1,2\n", {}),
        ("firm_id,year,year\na,2020,1\n", {}),
        ("firm_id,year\na,2020\n", {"contract": "large"}),
        ("firm_id,yeer\na,2020\n", {}),
        ("firm_id,year\na,2020,3\n", {}),
        ("firm_id;year\na;2020\n", {}),
        ("firm_id,year\na,2020\n", {"contract": "enterprise"}),
        ("firm_id,year,operating_revenue\na,2020,1\n", {}),
        ("firm_id,year,operating_revenue\na,2020,1\n", {"money_unit": "美元"}),
        ("firm_id,year\na,2020\n", {"rename": {"nothing": "year"}}),
        ("firm_id,year\na,2020\n", {"rename": {"year": "when"}}),
        ("firm_id,year,企业\n企业,2020,1\n".encode("gb18030"), {"encoding": "utf-8"}),
        (b"firm_id,year\n\xff\xff,2020\n", {}),
        ("firm_id,year\n企业,2020\n".encode("utf-16"), {}),
    ],
)
def test_data_that_cannot_be_read(tmp_path: Path, content: str | bytes, choices: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"root": tmp_path, "contract": "minimal"} | choices
    with pytest.raises(PanelError) as caught:
        readers.read(ibis.duckdb.connect(), csv(tmp_path, content), **asked)
    told = str(caught.value).replace(str(tmp_path), "")
    known = ("large", "yeer", "nothing", "when")
    if "有未加引号的逗号" in told:
        told = told.partition("（")[0]  # the database's own words say where
    assert is_chinese(told, *known)


@pytest.mark.parametrize(
    "source", ["none.csv", ".", "p.doc", "nobody:load", "json:nothing", "json:decoder", "os:getcwd"]
)
def test_sources_that_are_none(tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(readers.ALLOWED, "all")
    (tmp_path / "p.doc").write_text("x")
    with pytest.raises(PanelError) as caught:
        readers.read(ibis.duckdb.connect(), source, root=tmp_path, contract="minimal")
    assert is_chinese(
        str(caught.value).replace(str(tmp_path), "").replace("No module named 'nobody'", ""), "str"
    )


def broken() -> pd.DataFrame:
    table = pd.DataFrame({"firm_id": ["a", "a", "b", "b", None], "year": [2020, 2020, 2020, 2020, 2021]})
    table["class_version"], table["ind4"] = "2017", ["3562", "3563", "356", "0000", "3562"]
    table["employees_avg"], table["control_type"] = [1.0, 2.0, -3.0, 4.0, 5.0], "yes"
    return table


def test_rules_that_rows_break(tmp_path: Path) -> None:
    raw = readers.read(
        ibis.duckdb.connect(), csv(tmp_path, broken().to_csv(index=False)), root=tmp_path, contract="minimal"
    )
    with pytest.raises(PanelError) as caught:
        checks.check(raw)
    rules = {line.split("，")[0].removeprefix("- ") for line in str(caught.value).splitlines()[1:-1]}
    allowed = {value for column in contract() for value in column.allowed}
    assert len(rules) >= 4 and is_chinese(str(caught.value), "a", "b", *allowed)


def test_filters_and_settings(tmp_path: Path) -> None:
    con = ibis.duckdb.connect()
    raw = readers.read(con, csv(tmp_path, "firm_id,year\na,2020\n"), root=tmp_path, contract="minimal")
    years = {"first_year": 2012, "last_year": 2020}
    calls: list[Callable[[], Any]] = [
        lambda: clean.sample(
            raw.table, raw.quality.assign(set_aside=False, emptied=False), **years, keep_industries=["C"]
        ),
        lambda: Settings(firms=1),
        lambda: Settings(firms=2.5),  # type: ignore[arg-type]
    ]
    for call in calls:
        with pytest.raises(PanelError) as caught:
            call()
        assert is_chinese(str(caught.value), "firms")


EXPORT = (
    "单位：万元\n统一社会信用代码,年份,行业代码,企业规模,从业人员平均人数,营业收入,存货,存货,应收账款［年末］,不认识\n"
    "1,2020,3562,大型,10,5,1,2,3,4\n合计,,,,,5,,,,\n制表人：某某,,,,,,,,,\n"
)


def test_the_report_of_check(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(EXPORT, encoding="utf-8")
    names = ("bureau", "csmar", "wind", "csv")
    found = report.check([file], needs={"ln_lp": ["value_added"]})
    assert found.problems and is_chinese("\n".join(report.lines(found)), *names)
    file.write_text(EXPORT.replace("存货,存货", "存货,别的").replace("单位：万元\n", ""), encoding="utf-8")
    found = report.check([file], "bureau", needs={"ln_lp": ["value_added"], "ln_k": ["year"]})
    assert found.source is not None
    text = "\n".join(report.lines(found))
    assert "1 行为合计行" in text and is_chinese(text, *names)
    comments = [line.partition("#")[2] for line in report.draft(found, "mine").splitlines()]
    assert is_chinese("\n".join(comments))


@pytest.mark.parametrize(
    "text",
    [
        "adapter: x\ncolumns: {nothing: {}}\n",
        "adapter: x\nwhat: 1\n",
        "adapter: x\nlabel_rows: -1\nheader_rows: many\nkeep: [a]\n",
        "adapter: x\nunits: {人: 里}\n",
        "adapter: x\nbased_on: x\n",
        "- 1\n",
        "a: b: c\n",
    ],
)
def test_adapters_that_cannot_be(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PanelError) as caught:
        model.load(str(file))
    told = str(caught.value).replace(str(tmp_path), "")
    if "YAML" in told:
        told = told.partition("读入")[0]  # YAML's own words follow
    assert is_chinese(told, "x", "what", "nothing")


def test_a_code_and_a_file_are_classified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "codes.csv"
    rows = [
        "行业代码,年份",
        "6550,2015",
        "C1311,2018",
        "131,2019",
        "9999,2019",
        "A3911,2019",
        "x,2019",
        "3911,",
    ]
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    for what in (["6550"], ["6550", "--edition", "2011"], ["C131"], [str(file)]):
        assert command.main(what) == 0
        assert is_chinese(
            capsys.readouterr().out.replace(str(tmp_path), ""), "x", "other", "high", "medium", "low"
        )


@pytest.mark.parametrize(
    "arguments",
    [
        ["9999"], ["C99"], ["C0111"], ["x"], ["12345"], ["1", "--edition", "2002"], ["6550", "--edition", "2012"],
        ["6550", "--out", "x.csv"], ["none.csv"], ["x.csv", "--edition", "2002"], ["x.csv", "--out", "x.doc"],
        ["x.csv", "--code-column", "nothing"], ["x.csv"], ["x.csv", "--code-column", "a"],
    ],
)  # fmt: skip
def test_codes_and_files_that_cannot_be(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert command.main(arguments) == 2
    assert is_chinese(capsys.readouterr().err, "a", "b", "x", "nothing")


def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    stated = {k: v for k, v in os.environ.items() if k != "FUSION_LANGUAGE"} | environment
    command = [sys.executable, "-m", "workbook.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=stated)


@pytest.mark.parametrize(
    ("arguments", "environment", "language"),
    [
        (["--language", "zh", "classify", "9999"], {"LANG": "C"}, "zh"),
        (["classify", "9999", "--language=zh"], {"LANG": "C"}, "zh"),
        (["validate", "none", "--language", "zh"], {"LANG": "C"}, "zh"),
        (["--language=en", "validate", "none"], {"LANG": "zh_CN.UTF-8", "FUSION_LANGUAGE": "zh"}, "en"),
        (["validate", "none"], {"LANG": "zh_CN.UTF-8"}, "zh"),
    ],
)
def test_the_option_stands_anywhere(arguments: list[str], environment: dict[str, str], language: str) -> None:
    done = call(*arguments, **{"LC_ALL": "", "LC_MESSAGES": ""} | environment)
    assert done.returncode == 2 and ("没有" in done.stderr) == (language == "zh"), done.stderr


def test_what_programs_read_knows_no_language(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(EXPORT, encoding="utf-8")
    for asked in (["check", str(file), "--json"], ["classify", "6550", "--json"]):
        both = [call("--language", language, *asked).stdout for language in ("en", "zh")]
        assert both[0] == both[1] != ""


def test_pilot_units_that_cannot_be(tmp_path: Path) -> None:
    file = tmp_path / "pilots.csv"
    good = dict.fromkeys(pilots.COLUMNS, "") | {
        "level": pilots.LEVELS[0], "kind": pilots.KINDS[0], "verified": "no", "start": "2020", "unit": "甲"
    }  # fmt: skip
    for change in ({"kind": "odd", "end": "late"}, {"unit": ""}, {"end": "2010", "verified": "yes"}):
        pd.DataFrame([good | change] * 2).to_csv(file, index=False)
        with pytest.raises(EvaluationError) as caught:
            pilots.load(file)
        assert is_chinese(str(caught.value), *pilots.COLUMNS, *pilots.LEVELS, *pilots.KINDS)


def test_regressions_that_cannot_be() -> None:
    rows = pd.DataFrame({"firm_id": ["a", "a", "b"], "year": [2019, 2020, 2020], "pilot": 1.0})
    calls: dict[str, Callable[[], Any]] = {
        "varies": lambda: sample.check_varies(rows, ["pilot"]),
        "number": lambda: sample.check_varies(rows, ["firm_id"]),
        "rung": lambda: sample.rung(rows.assign(firm_id=range(3)), ["firm_id"], True),
        "column": lambda: sample.estimation_sample({"panel": rows}, {"effects.treatments": ["pilott"]}),
    }
    for name, call in calls.items():
        with pytest.raises(EffectsError) as caught:
            call()
        assert is_chinese(str(caught.value), "pilot", "pilott", "panel", "str"), name
    assert all(told.isascii() for told in dynamics.fit_all(calls)[1].values()), "kept, so in English"


def test_what_is_stored_knows_no_language(tmp_path: Path) -> None:
    """Tables of headers, rows and quality are read by notebooks, whoever runs them."""
    file = tmp_path / "a.csv"
    file.write_text(EXPORT.replace("存货,存货", "存货,别的").replace("单位：万元\n", ""), encoding="utf-8")
    plain = csv(tmp_path, "firm_id,year,operating_revenu\n企业,2020,1\n".encode("gb18030"))
    found: dict[str, list[pd.DataFrame]] = {}
    for said in ("en", "zh"):
        with language.speaking(said):
            read = panel.convert(
                ibis.duckdb.connect(), [file], model.load("bureau"), panel.choices("minimal")
            )
            raw = readers.read(ibis.duckdb.connect(), plain, root=tmp_path, contract="minimal")
            found[said] = [read.headers(), read.rows(), read.raw.quality, raw.quality]
    for one, other in zip(found["en"], found["zh"], strict=True):
        pd.testing.assert_frame_equal(one, other)
