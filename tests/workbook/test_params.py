"""Study files: what is allowed, and what the errors say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from workbook import paths
from workbook.exhibits import sheets
from workbook.params import Parameters, generate, load
from workbook.params.checks.refusals import StudyError
from workbook.review.notebooks import CHINESE


def study(tmp_path: Path, text: str, name: str = "mine.yaml") -> load.Study:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return load.load(str(file))


def error(tmp_path: Path, text: str) -> str:
    with pytest.raises(StudyError) as caught:
        study(tmp_path, text)
    return str(caught.value)


def test_generated_files_follow_the_model() -> None:
    assert generate.drifted() == []


def test_base_file_is_the_model_defaults() -> None:
    base = load.parse(
        (paths.PARAMS / "base.yaml")
        .read_text("utf-8")
        .replace("source: synthetic", "source: synthetic", 1)
        .replace("synthetic: false", "synthetic: true", 1),
        paths.PARAMS / "base.yaml",
    )
    expected = Parameters.model_validate({"study": {"synthetic": True}})
    assert base == expected


def test_field_names_are_unique_over_sections() -> None:
    names = [name for field in Parameters.model_fields.values() for name in field.annotation.model_fields]  # type: ignore[union-attr]
    assert len(names) == len(set(names))
    assert "study" not in names  # the injected name of the study


@pytest.mark.parametrize("name", load.studies())
def test_every_study_of_the_project_is_allowed(name: str) -> None:
    assert load.load(name).flat["study"] == name


def test_an_outside_file_works(tmp_path: Path) -> None:
    assert study(tmp_path, "study: {synthetic: true}").name == "mine"


def test_unknown_key_names_line_and_nearest(tmp_path: Path) -> None:
    text = error(tmp_path, "study: {synthetic: true}\nindicators:\n  wieghts: equal\n")
    assert "mine.yaml:3" in text and "'indicators.wieghts'" in text and "Did you mean 'weights'?" in text


def test_key_in_the_wrong_section_names_the_right_one(tmp_path: Path) -> None:
    assert "It belongs under 'indicators'." in error(
        tmp_path, "study: {synthetic: true}\npanel:\n  weights: equal\n"
    )


def test_wrong_type_names_value_and_allowed(tmp_path: Path) -> None:
    text = error(tmp_path, "study: {synthetic: true}\neffects:\n  singletons: maybe\n")
    assert "mine.yaml:3: effects.singletons = 'maybe'" in text and "'keep' or 'drop'" in text


def test_an_unquoted_code_is_refused(tmp_path: Path) -> None:
    text = error(tmp_path, "study: {synthetic: true}\npanel:\n  keep_industries: [26]\n")
    assert "keep_industries.1" in text and "Quote it: codes are text." in text
    # One that begins with 0 is no number of YAML's core, and stays what was written.
    kept = study(tmp_path, "study: {synthetic: true}\npanel:\n  keep_industries: [0111, C]\n")
    assert kept.parameters.panel.keep_industries == ["0111", "C"]


def test_indicators_that_defaults_name_need_not_be_among_those_of_a_study(tmp_path: Path) -> None:
    """A study of two indicators is no fault of other parameters' defaults; what it names itself is asked for."""
    two = "study: {synthetic: true}\nindicators: {indicators: [A1, A3]}\n"
    assert "A2" in study(tmp_path, two).flat["alternative_measures"]
    assert "'A2'" in error(tmp_path, two + "robustness: {alternative_measures: [A2]}\n")


def test_years_the_wrong_way_round(tmp_path: Path) -> None:
    text = error(tmp_path, "study: {synthetic: true}\npanel:\n  first_year: 2020\n  last_year: 2012\n")
    assert "mine.yaml:2" in text and "first_year = 2020 is after last_year = 2012" in text


def test_synthetic_must_be_said(tmp_path: Path) -> None:
    assert "study.synthetic = false" in error(tmp_path, "panel: {source: synthetic}\n")


def test_several_errors_come_at_once(tmp_path: Path) -> None:
    text = error(tmp_path, "study: {synthetic: true, nme: x}\npanel:\n  min_employees: many\n")
    assert "study.nme" in text and "panel.min_employees = 'many'" in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("study: {synthetic: true\n", "not readable as YAML"),
        ("study: {synthetic: true}\nstudy: {synthetic: true}\n", "duplicate key"),
        ("- study\n", "expected sections"),
        ("panel: {source: nowhere.csv}\n", "no such file"),
        ("panel: {source: nopackage_x:load}\n", "no package 'nopackage_x' is installed"),
        ("panel: {source: .}\n", "is a folder without a table"),
    ],
)
def test_other_errors(tmp_path: Path, text: str, says: str) -> None:
    assert says in error(tmp_path, text)


def test_unknown_study_names_the_nearest() -> None:
    with pytest.raises(StudyError, match="Did you mean 'shanghai'"):
        load.load("shangai")


def test_a_file_named_like_a_project_study_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shanghai.yaml").write_text("study: {synthetic: true}", encoding="utf-8")
    with pytest.raises(StudyError, match="the project has a study 'shanghai' too"):
        load.load(str(tmp_path / "shanghai.yaml"))


def test_not_utf8(tmp_path: Path) -> None:
    file = tmp_path / "gb.yaml"
    file.write_bytes("study: {title_zh: 融合}".encode("gb18030"))
    with pytest.raises(StudyError, match="not UTF-8 at byte"):
        load.load(str(file))


def test_source_beside_the_study_file(tmp_path: Path) -> None:
    (tmp_path / "firms.csv").write_text("firm_id,year\n", encoding="utf-8")
    found = study(tmp_path, "panel: {source: firms.csv}\n").flat["source"]
    assert found == str(tmp_path.resolve() / "firms.csv")


@pytest.mark.parametrize("source", ["a = b", "a = f(1)", "a = 1\nb = a - 3", "import os", "a, b = 1, 2"])
def test_parameters_cells_hold_literals_alone(source: str) -> None:
    with pytest.raises(ValueError, match="holds literals alone"):
        generate.literals({"source": [source]})


def _meanings() -> dict[str, dict[str, str]]:
    """English and Chinese meanings of all parameters by name."""
    english = {
        name: inner.description or ""
        for field in Parameters.model_fields.values()
        for name, inner in field.annotation.model_fields.items()  # type: ignore[union-attr]
    }
    return {"en": english, "zh": sheets.read(Path(generate.__file__).with_name("help.zh.yaml"))}


def test_every_parameter_has_a_meaning_in_both_languages_and_no_other_has() -> None:
    meanings = _meanings()
    assert {name for name, text in meanings["en"].items() if not text} == set()
    assert set(meanings["zh"]) == set(meanings["en"])


def test_meanings_are_in_their_language() -> None:
    """No Chinese in English; no English sentence in Chinese: words next to one another that are no codes or names."""
    meanings = _meanings()
    assert [name for name, text in meanings["en"].items() if CHINESE.search(text)] == []
    sentence = re.compile(r"(?<![\w./*])[a-z]{2,}(?: [a-z]{2,}\b)+(?![_./*])")
    allowed = {"year in", "fusion check"}  # a condition, a command
    found = {n: set(sentence.findall(t)) - allowed for n, t in meanings["zh"].items()}
    assert {n: f for n, f in found.items() if f} == {}
    assert [n for n, text in meanings["zh"].items() if not CHINESE.search(text)] == []


OWN = "classification: {{services_standard: {named}, standards: {{mine: {file}}}}}\n"


def test_a_standard_of_the_study_is_a_file_and_can_be_chosen(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("gbt_code,partial\n6511,0\n", "utf-8")
    for written in ("list.csv", "{file: list.csv, edition: '2017', counts: 9/40}"):
        found = study(
            tmp_path, "study: {synthetic: true}\n" + OWN.format(named="'mine:01'", file=written)
        ).flat
        assert found["standards"]["mine"]["file"] == str(tmp_path / "list.csv")
        assert found["services_standard"] == "mine:01"
    told = error(tmp_path, OWN.format(named="min", file="list.csv"))
    assert "services_standard: no standard 'min'. Did you mean 'mine'?" in told and "culture_2018" in told
    kept = "panel: {keep_industries: [C, '39', mine?, minne]}\n" + OWN.format(named="mine", file="list.csv")
    assert "panel.keep_industries: no standard 'minne'. Did you mean 'mine'?" in error(
        tmp_path, "study: {synthetic: true}\n" + kept
    )
    told = error(tmp_path, "study: {synthetic: true}\n" + OWN.format(named="mine", file="lost.csv"))
    assert "classification.standards.mine = 'lost.csv': no such file" in told
    assert "counts" in error(tmp_path, OWN.format(named="mine", file="{file: list.csv, counts: many}"))


def test_a_standard_that_cannot_be_used_stops_before_a_kernel(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("gbt_code,partial\n9999,0\n", "utf-8")
    (tmp_path / "bad.yaml").write_text(
        "study: {synthetic: true}\n" + OWN.format(named="mine", file="list.csv"), "utf-8"
    )
    from typer.testing import CliRunner

    from workbook import cli

    for command in ("validate", "run"):
        done = CliRunner().invoke(cli.app, ["--language", "en", command, str(tmp_path / "bad.yaml")])
        assert done.exit_code == 2
        assert "list.csv, row 2, column 'gbt_code': '9999' is no code" in done.output


def test_files_in_a_mapping_are_data_that_a_run_depends_on(tmp_path: Path) -> None:
    from workbook.run import fingerprint

    file = tmp_path / "list.csv"
    file.write_text("x", "utf-8")
    given = {"standards": {"mine": {"file": str(file), "edition": None}}}
    assert dict(fingerprint.named_files(given)) == {"standards: list.csv": file}
    assert fingerprint.public(given)["standards"]["mine"]["file"] == "list.csv"


def test_lists_of_units_are_read_before_a_notebook_runs(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from workbook import cli

    units, study = tmp_path / "units.csv", tmp_path / "mine.yaml"
    units.write_text("kind,date,name,verified\nsmart_factory,soon,Works,no\n", encoding="utf-8")
    text = (paths.PARAMS / "smoke.yaml").read_text("utf-8")
    study.write_text(f"{text}\nclassification:\n  lists: [{units}]\n", encoding="utf-8")
    done = CliRunner().invoke(cli.app, ["--language", "en", "validate", str(study)])
    assert done.exit_code == 2 and "line 2" in done.stderr and "date = 'soon'" in done.stderr, done.output


FAULTS = {
    "pilots": ("scheme,level,batch,kind,unit,name,start", "试点,municipal,1,enterprise,F1,甲,2018"),
    "plan": (
        "scheme,batch,unit,item,kind,goal,weight,due,indicator",
        "试点,1,F1,a,goal,40,100,2022,C11",
    ),
    "targets": (
        "target,name_en,name_zh,kind,goal,unit,measure,population,base_year,horizon,verified",
        "a,A,甲,growth,10,%,operating_revenu,producer_service,2018,2022,no",
    ),
}
WRONG = {
    "en": [
        "plan.csv, line 2: indicator 'C11' .*nearest: 'C1'",
        "targets.csv, line 2: measure 'operating_revenu' .*nearest: 'operating_revenue'",
        "targets.csv, line 2: population 'producer_service' .*nearest: 'producer_services'",
        "report_scheme '式点' is no scheme of the pilots .nearest: '试点'",
        "as_of 2010 is before the panel's first year",
        "units.csv, line 2, date = '2021-13'",
    ],
    "zh": [
        "plan.csv，第 2 行：`indicator` 的“C11”.*最接近：“C1”",
        "targets.csv，第 2 行：`measure` 的“operating_revenu”.*最接近：“operating_revenue”",
        "targets.csv，第 2 行：`population` 的“producer_service”.*最接近：“producer_services”",
        "`report_scheme` 的“式点”不是试点名单中的方案（最接近：“试点”）",
        "`as_of` 的 2010 早于面板的首年",
        "units.csv，第 2 行，date = '2021-13'",
    ],
}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_tables_of_evaluation_name_and_is_not_there_is_told_before_a_run(
    tmp_path: Path, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from workbook import cli

    for name, lines in FAULTS.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")
    (tmp_path / "units.csv").write_text("kind,date,name\nsmart_factory,2021-13,Works\n", "utf-8")
    study = tmp_path / "mine.yaml"
    named = "{pilots: pilots.csv, plan: plan.csv, targets: targets.csv, report_scheme: 式点, as_of: 2010}"
    study.write_text(
        f"study: {{synthetic: true}}\nevaluation: {named}\nclassification: {{lists: [units.csv]}}\n", "utf-8"
    )
    monkeypatch.setenv("FUSION_LANGUAGE", language)
    done = CliRunner().invoke(cli.app, ["validate", str(study)])
    assert done.exit_code == 2
    for line in WRONG[language]:
        assert re.search(line, done.stderr), f"{line}\n{done.stderr}"


def test_indicators_and_amounts_that_are_none_are_refused(tmp_path: Path) -> None:
    told = error(
        tmp_path,
        "study: {synthetic: true}\nindicators: {indicators: [A1, C11]}\n"
        "evaluation: {unit_weight: firm_name, bureau_measures: [district], judged_on: integratoin}",
    )
    for part in (
        "mine.yaml:2",
        "no indicator 'C11'. Did you mean 'C1'?",
        "mine.yaml:3: evaluation.unit_weight names 'firm_name', a column of texts",
        "evaluation.bureau_measures names 'district'",
        "evaluation.judged_on names 'integratoin', .* Did you mean 'integration'",
    ):
        assert re.search(part.replace("?", r"\?"), told), told
    twice = "study: {synthetic: true}\nindicators: {indicators: [A1, A1]}\n"
    assert "indicators: A1 more than once" in error(tmp_path, twice)
    lines = "study: {synthetic: true}\nevaluation: {pass_share: 50, extend_share: 70}"
    assert "extend_share = 70 is above pass_share = 50" in error(tmp_path, lines)
