"""What a study can do is known once: the same answer for checks, the runner and notebooks, with reasons."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest

from fusion.adapters import able as source
from fusion.indicators import system
from fusion.panel import synthetic
from workbook import Book, paths
from workbook.cli import app
from workbook.exhibits import needs, sheets
from workbook.language import speaking
from workbook.params import Parameters
from workbook.params.checks.refusals import StudyError
from workbook.params.load import load, parse
from workbook.review import abilities
from workbook.run import chain

SMOKE = (paths.PARAMS / "smoke.yaml").read_text("utf-8")
NOTEBOOKS = [step.notebook for step in chain.chain()]


def flat(**changes: Any) -> dict[str, Any]:
    return load("smoke").flat | changes


def judged(columns: set[str], /, **changes: Any) -> needs.Able:
    values = flat(source="panel.csv", **changes)
    return abilities.judged(values, columns, source.absent(columns), source.indicators(columns))


EVERY = set(source.every())


@pytest.fixture(scope="module")
def made() -> pd.DataFrame:
    return synthetic.generate(synthetic.Settings(firms=50), 1)[0]


def names(found: dict[str, Any]) -> set[str]:
    return {name for name, why in found.items() if why is not None}


@pytest.mark.parametrize(
    "gone",
    [[], ["ind4"], ["class_version", "rd_expense"], ["operating_revenue", "ps_input"], ["ind4", "ps_input"]],
)
@pytest.mark.parametrize("how", ["absent", "empty"])
def test_what_is_said_of_indicators_is_what_is_computed(
    made: pd.DataFrame, gone: list[str], how: str
) -> None:
    table = made.copy()
    table["division"] = table["ind4"].str[:2]
    if "ind4" in gone:
        table["division"] = pd.Series(None, index=table.index, dtype="string")
    table = table.drop(columns=gone) if how == "absent" else table.assign(**dict.fromkeys(gone))
    con = ibis.duckdb.connect()
    panel = con.create_table("panel", table.astype(dict.fromkeys(set(gone) & set(table), "float64")))
    codes = list(system.system().index)
    computed = system.compute(system.holding(panel), codes)
    told = source.indicators(system.held(panel))
    assert set(computed.missing) == names(told)
    assert bool(computed.missing) == (
        gone not in ([], ["ind4"])
    )  # the industry is needed where purchases are not known
    for code, columns in computed.missing.items():
        assert all(
            f"({column})" in told[code]["en"] and f"（{column}）" in told[code]["zh"] for column in columns
        )


def test_every_column_is_enough_for_all_but_what_the_study_does_not_ask_for() -> None:
    found = judged(EVERY)
    assert not names(found.indicators) and len(found.indicators) == 14
    assert names(found.estimators) == {"iv_shift_share", "mediation"}
    assert "05.ladder" not in names(found.exhibits) and "08.mediation" in names(found.exhibits)


def test_a_column_that_is_not_there_takes_what_is_made_of_it() -> None:
    found = judged(EVERY - {"value_added", "ind4"})
    assert {"B1", "B2"} <= names(source.indicators(EVERY - {"value_added"}))
    # ln_lp, the outcome, is derived from value added.
    assert {"fixed_effects", "gmm", "cs_never", "acf"} <= names(found.estimators)
    assert {"05.ladder", "06.att", "07.curve", "08.groups", "02.mapping", "03.productivity"} <= names(
        found.exhibits
    )
    assert "04.table1" not in names(found.exhibits)


def test_reasons_are_sentences_in_both_languages() -> None:
    told = [
        judged(set(), outcome=None, start_column=None, columns={}),
        judged(EVERY, anticipation=2, controls=[]),
    ]
    for found in told:
        for why in [w for named in found.cannot().values() for w in named.values()]:
            assert re.fullmatch(r"[A-Z].*[a-z)]\.", why["en"]), why
            assert re.fullmatch(r"[^a-zA-Z].*。", why["zh"]) and not re.search(
                r"[{}]", why["en"] + why["zh"]
            ), why
    assert {"local_projections", "switchers", "cs_covariates", "oster"} <= names(told[1].estimators)


def test_methods_are_those_of_the_model() -> None:
    """What a parameter may list is declared, and what is declared may be listed."""
    for section, values in Parameters.model_fields.items():
        for name, field in values.annotation.model_fields.items():  # type: ignore[union-attr]
            declared = {m for m, one in needs.methods().items() if one.asked_by == name}
            if declared:
                schema = Parameters.model_json_schema()["$defs"][section.title()]["properties"][name]
                assert set(schema["items"]["enum"]) == declared, field
    known = {name for values in Parameters.model_fields.values() for name in values.annotation.model_fields}  # type: ignore[union-attr]
    asked = {one.asked_by or one.set_by for one in needs.methods().values()} - {None}
    assert asked <= known and len(asked) == 7


@pytest.mark.parametrize(
    ("gone", "more", "says"),
    [
        (
            "start_column",
            "dynamics: {dynamic_estimators: [cs_never]}",
            ["dynamics.dynamic_estimators", "cs_never"],
        ),
        ("outcome: ", "effects: {other_estimators: [pooled]}", ["effects.other_estimators", "pooled"]),
        ("outcome: ", "heterogeneity: {mediators: [A1]}", ["heterogeneity.mediators", "mediation"]),
        ("outcome: ", "robustness: {exclusions: {late: year > 2020}}", ["robustness.exclusions"]),
        (None, "dynamics: {anticipation: 1, dynamic_estimators: [switchers]}", ["switchers", "anticipation"]),
    ],
)
def test_a_study_that_asks_for_what_it_cannot_have_is_refused(
    gone: str | None, more: str, says: list[str]
) -> None:
    lines = [line for line in SMOKE.splitlines() if gone is None or gone not in line]
    if more.startswith("effects"):
        lines[lines.index("effects:")] = "effects:\n  other_estimators: [pooled]"
    else:
        lines.append(more)
    for language in sheets.LANGUAGES:
        with speaking(language), pytest.raises(StudyError) as caught:
            parse("\n".join(lines), Path("mine.yaml"))
        text = str(caught.value)
        assert all(word in text for word in says) and re.match(r"mine\.yaml:\d+[:：]", text)
        assert ("cannot have" in text) == (language == "en")


@pytest.mark.parametrize(
    ("key", "value", "near"),
    [
        ("controls", "[ln_employes, ln_capital_labour]", "ln_employees"),
        ("outcome", "ln_lpp", "ln_lp"),
        ("fixed_effects", "[[firm_id], [firm_id, divison*year]]", "division"),
    ],
)
def test_a_column_that_no_table_can_have_is_refused(key: str, value: str, near: str) -> None:
    text = re.sub(rf"(?m)^  {key}: .*$", f"  {key}: {value}", SMOKE)
    line = next(i for i, one in enumerate(text.splitlines(), 1) if one.startswith(f"  {key}: "))
    for language in sheets.LANGUAGES:
        with speaking(language), pytest.raises(StudyError) as caught:
            parse(text, Path("mine.yaml"))
        assert str(caught.value).startswith(f"mine.yaml:{line}") and near in str(caught.value)


def left_out(named: str) -> str:
    return SMOKE.replace("publish:\n", f"publish:\n  leave_out: [{named}]\n")


def test_an_exhibit_to_be_left_out_must_be_one() -> None:
    parse(left_out("02.paths, 05.ladder"), Path("mine.yaml"))
    with pytest.raises(StudyError, match=r"'02\.path', which no notebook makes.*'02\.paths'"):
        parse(left_out("02.path"), Path("mine.yaml"))


def test_columns_that_are_made_later_and_those_of_the_study_may_be_named() -> None:
    named = "integration, A1, tfp_acf, chain_value, own"
    text = SMOKE.replace("covariates: [", f"covariates: [{named}, ")
    extra = "  extra_columns: {own: {label_en: Own, label_zh: 自有}}\n  source: synthetic\n"
    # The pattern of names of columns allows small letters alone here.
    parse(text.replace("A1, ", "").replace("  source: synthetic\n", extra), Path("mine.yaml"))
    parse(SMOKE + "heterogeneity: {mechanism_outcomes: [A1, C8]}\n", Path("mine.yaml"))
    with pytest.raises(StudyError, match=r"the indicator 'C9', which this study does not compute"):
        parse(SMOKE + "heterogeneity: {mechanism_outcomes: [A1, C9]}\n", Path("mine.yaml"))


def test_what_is_asked_for_by_default_is_no_fault() -> None:
    """A table of one's own is asked for: without an outcome it is a fault."""
    whole = SMOKE.partition("tables:\n")[0]
    text = "\n".join(
        line for line in whole.splitlines() if "start_column" not in line and "outcome" not in line
    )
    parse(text, Path("mine.yaml"))


@pytest.fixture
def written(made: pd.DataFrame, tmp_path: Path) -> Path:
    """The smoke study on a file whose column of R&D is empty and that has no industry codes."""
    table = made.drop(columns=["ind4", "class_version"]).assign(rd_expense=None)
    table.to_csv(tmp_path / "panel.csv", index=False)
    source = "  source: panel.csv\n  contract: minimal\n  money_unit: 万元\n"
    text = SMOKE.replace("  source: synthetic\n", source).replace("synthetic: true", "synthetic: false")
    # No row is kept for a code that is not there.
    text = text.replace('keep_industries: ["C"]', "keep_industries: []")
    (tmp_path / "mine.yaml").write_text(text.replace("synthetic:\n  dgp_firms: 300\n", ""), encoding="utf-8")
    columns = {name: {"aliases": [name]} for name in table}
    units = {unit: unit for unit in ("人", "%", "件", "个", "项", "吨标煤")}
    adapter = {"adapter": "own", "columns": columns, "absent": ["ind4", "class_version"], "units": units}
    (tmp_path / "own.yaml").write_text(json.dumps(adapter), encoding="utf-8")
    adapted = (tmp_path / "mine.yaml").read_text("utf-8").replace(source, f"{source}  adapter: own.yaml\n")
    (tmp_path / "adapted.yaml").write_text(adapted, encoding="utf-8")
    return tmp_path


def test_validate_and_check_say_the_same(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study, panel, own = (str(written / name) for name in ("mine.yaml", "panel.csv", "own.yaml"))
    told = {}
    for name, arguments in {
        "plain": ["validate", study],
        "adapted": ["validate", str(written / "adapted.yaml")],
        "check": ["check", panel, "--adapter", own, "--money-unit", "万元", "--study", study],
    }.items():
        with speaking("en"):
            assert app(arguments, standalone_mode=False) in (0, None)
        lines = capsys.readouterr().out.splitlines()
        first = next(i for i, line in enumerate(lines) if line.startswith("Indicators asked for"))
        # The last one of validate has the study's name.
        told[name] = lines[first:] if name == "check" else lines[first:-1]
        assert name == "check" or "parameters are allowed" in lines[-1]
    said = "\n".join(told["plain"])
    assert "C1: The data lack R&D" in said and "(rd_expense)." in said
    assert "The panel has no industry codes." in said
    apart = [line for line in told["plain"] if line not in told["adapted"]]
    assert all("adapter" in line or line.startswith("Exhibits") for line in apart), apart
    assert told["check"][: len(told["adapted"])] == told["adapted"]
    with speaking("zh"):
        app(["validate", study], standalone_mode=False)
    assert "C1：数据缺少" in capsys.readouterr().out


@pytest.mark.parametrize(("language", "says"), [("en", "holds nothing"), ("zh", "没有任何值")])
def test_an_outcome_that_is_empty_in_the_data_stops_before_anything_runs(
    written: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    language: str,
    says: str,
) -> None:
    """Empty itself, or made of what is empty."""
    monkeypatch.setenv("FUSION_BUILD", str(written / "build"))
    table = pd.read_csv(written / "panel.csv", dtype=str)
    table.assign(value_added=None, y="").to_csv(written / "panel.csv", index=False)
    text = (written / "mine.yaml").read_text("utf-8")
    own = text.replace("outcome: ln_lp", "outcome: y").replace(
        "  contract: minimal\n",
        "  contract: minimal\n  extra_columns: {y: {type: float, label_en: Y, label_zh: 某}}\n",
    )
    (written / "own_outcome.yaml").write_text(own, encoding="utf-8")
    for study, column in (("mine", "ln_lp"), ("own_outcome", "y")):
        with speaking(language):
            assert app(["run", str(written / f"{study}.yaml")], standalone_mode=False) == 2
        told = capsys.readouterr()
        assert told.out == "" and "effects.outcome" in told.err and column in told.err and says in told.err
    assert not (written / "build").exists()


def test_a_source_that_cannot_be_read_is_no_fault_of_the_file(
    written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (written / "panel.csv").write_text("firm_id,year\n", encoding="utf-8")
    with speaking("en"):
        app(["validate", str(written / "mine.yaml")], standalone_mode=False)
    text = capsys.readouterr().out
    assert "not known before the run" in text and "panel.csv" in text


def test_a_book_asks_for_methods_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = {"folder": str(tmp_path / "work"), "values": flat(study="x", anticipation=1, controls=[])}
    (tmp_path / "job.json").write_text(json.dumps(job), encoding="utf-8")
    monkeypatch.setenv("FUSION_JOB", str(tmp_path / "job.json"))
    monkeypatch.setenv("FUSION_BUILD", str(tmp_path / "build"))
    book, _ = Book.open("06_dynamics", {"study": "x"})
    assert book.can("imputation") and not book.can("switchers") and book.can("att")
    told = book.cannot(["imputation", "switchers", "cs_covariates"], "cohort_estimator")
    assert told is not None and "anticipation" in told["en"] and told["zh"].count("。") == 2
    assert book.cannot(["imputation"], "cohort_estimator") is None


def test_the_answer_after_a_run_is_that_of_its_artefacts(tmp_path: Path) -> None:
    place = tmp_path / "04_description"
    place.mkdir(parents=True)
    rows = pd.DataFrame(
        {"ln_lp": [1.0], "pilot": [0.0], "pilot_start_year": pd.Series([None], dtype="float")}
    )
    rows.to_parquet(place / "estimation_sample.parquet")
    facts = needs.facts(tmp_path, "06_dynamics", flat())
    found = needs.able(facts, NOTEBOOKS)
    assert "cs_never" in names(found.estimators) and "fixed_effects" not in names(found.estimators)
