"""What the variants of a study are, and that what is wrong with them is said before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbook import paths
from workbook.language import speaking
from workbook.params.checks.refusals import StudyError
from workbook.params.load import Study, load
from workbook.variants import command
from workbook.variants.found import Asked
from workbook.variants.plan import MOST, Spread, changed, spread

SMOKE = (paths.PARAMS / "smoke.yaml").read_text("utf-8").replace("$schema=schema.json", "")


def stated(folder: Path, grid: str) -> tuple[Study, Spread]:
    file = folder / "mine.yaml"
    file.write_text(SMOKE + "grid:\n" + grid, encoding="utf-8")
    study = load(str(file))
    return study, spread(study)


def test_every_combination_once_and_the_study_as_it_stands(tmp_path: Path) -> None:
    _, made = stated(
        tmp_path,
        "  vary:\n"
        "    effects.controls: {both: [ln_employees, ln_capital_labour], none: []}\n"
        "    panel.min_employees: [8, 20, 50]\n"
        "  called: {effects.controls: Controls | 控制变量}\n",
    )
    assert [v.number for v in made.variants] == [1, 2, 3, 4, 5, 6]
    assert [v.number for v in made.variants if v.stated] == [1] == [made.reference]
    last = made.variants[-1].study.parameters
    assert last.effects.controls == [] and last.panel.min_employees == 50
    assert made.variants[-1].label(made.called, "zh") == "控制变量：none；panel.min_employees：50"


def test_a_study_that_no_combination_is_comes_first(tmp_path: Path) -> None:
    _, made = stated(tmp_path, "  vary: {panel.min_employees: [20, 50]}\n")
    assert [v.number for v in made.variants] == [0, 1, 2]
    assert made.variants[0].stated and made.reference == 1


def test_designs_and_what_is_left_out(tmp_path: Path) -> None:
    vary = "  vary: {panel.min_employees: [8, 20, 50], study.seed: [1, 2, 3, 4]}\n"
    _, one = stated(tmp_path, vary + "  design: one_at_a_time\n")
    assert (
        len(one.variants) == 1 + 1 + 2 + 3
    )  # as stated (its seed is none of these), the first, and one off it each
    _, some = stated(tmp_path, vary + "  design: sample\n  draws: 5\n")
    assert len([v for v in some.variants if v.number]) == 5
    _, again = stated(tmp_path, vary + "  design: sample\n  draws: 5\n")
    assert [v.levels for v in some.variants] == [v.levels for v in again.variants]
    _, fewer = stated(tmp_path, vary + '  without: [\'panel_min_employees == "50" and study_seed != "1"\']\n')
    assert len([v for v in fewer.variants if v.number]) == 12 - 3


def test_a_place_in_a_list_and_null(tmp_path: Path) -> None:
    study, made = stated(
        tmp_path,
        "  vary:\n    tables.main.columns.6.cluster: {one: [firm_id], two: null}\n    where: {all: null, late: year > 2015}\n",
    )
    tables = [
        v.study.flat["tables"]["main"]["panels"][0]["columns"][5]["cluster"]
        for v in made.variants
        if v.number
    ]
    assert tables == [["firm_id"], ["firm_id"], ["firm_id"], ["firm_id"]]
    assert [bool(v.study.parameters.panel.where) for v in made.variants if v.number] == [
        False,
        True,
        False,
        True,
    ]
    values = {"a": {"b": [1, {"c": 2}]}}
    assert changed(values, "a.b.2.c", 3) == {"a": {"b": [1, {"c": 3}]}} and values["a"]["b"][1] == {"c": 2}
    assert Asked(study).table == "main"


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ("  vary: {panel.frist_year: [2014]}\n", "Did you mean 'panel.first_year'"),
        ("  vary: {first_year: [2014]}\n", "write panel.first_year"),
        ("  vary: {columns.ln_lpp: ['log(assets)']}\n", "Did you mean 'ln_lp'"),
        ("  vary: {columns: [a, b]}\n", "columns.NAME"),
        ("  vary: {publish.min_units: [3, 4]}\n", "changes no number"),
        ("  vary: {panel.min_employees: []}\n", "no values"),
        ("  vary: {panel.min_employees: [8, 8]}\n", "two values are called '8'"),
        ("  vary: {panel.min_employees: [8, many]}\n", "value 'many' is refused"),
        ("  vary: {columns.ln_lp: [{is: log(1)}]}\n", "needs a name"),
        ("  vary: {columns.ln_lp.is: [log(valu_added)]}\n", "valu_added"),
        ("  vary: {tables.main.columns.9.controls: [[]]}\n", "nothing at '9'"),
        ("  vary: {panel.first_year: [2012, 2020], panel.last_year: [2018, 2023]}\n", "first_year = 2020"),
        (f"  vary: {{study.seed: {list(range(MOST + 1))}}}\n", f"at most {MOST}"),
        ("  vary: {study.seed: [1, 2]}\n  without: ['study_sed == \"1\"']\n", "study_sed"),
        ("  vary: {study.seed: [1]}\n  without: ['study_seed == \"1\"']\n", "leave no combination"),
        ("  vary: {study.seed: [1]}\n  called: {panel.where: x}\n", "does not vary"),
        ("  design: full\n", "states no variants"),
    ],
)
def test_what_is_wrong_is_said_in_both_languages(tmp_path: Path, grid: str, said: str) -> None:
    with pytest.raises(StudyError) as problem:
        stated(tmp_path, grid)
    assert said in str(problem.value) and "mine.yaml" in str(problem.value)
    with speaking("zh"), pytest.raises(StudyError) as problem:
        stated(tmp_path, grid)
    assert any("\u4e00" <= sign <= "\u9fff" for sign in str(problem.value))


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(StudyError) as problem:
        stated(tmp_path, "  vary: {panel.frist_year: [1], panel.min_employees: [], study.seed: [1, 1]}\n")
    assert len(problem.value.lines) == 3


@pytest.mark.parametrize("result", ["{table: mian}", "{table: none_such}"])
def test_a_number_that_there_is_not(tmp_path: Path, result: str) -> None:
    study, _ = stated(tmp_path, f"  vary: {{study.seed: [1, 2]}}\n  result: {result}\n")
    with pytest.raises(StudyError, match="Tables: main"):
        Asked(study)


def test_a_variant_as_a_study_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSION_BUILD", str(tmp_path / "build"))
    study, made = stated(
        tmp_path, "  vary:\n    where: {all: null, late: year > 2015}\n    study.seed: [1, 20260101]\n"
    )
    one = command.one(study, made, "where: late; study.seed: 1")
    assert one.name == "mine-3" and one.parameters.panel.where and not one.parameters.grid.vary
    assert one.flat["tables"] == made.variants[2].study.flat["tables"]
    with pytest.raises(StudyError, match="there are 4"):
        command.one(study, made, "17")


def test_a_base_keeps_its_variants_to_itself(tmp_path: Path) -> None:
    stated(tmp_path, "  vary: {study.seed: [1, 2]}\n")
    (tmp_path / "upon.yaml").write_text("base: mine.yaml\nstudy: {seed: 7}\n", encoding="utf-8")
    assert load(str(tmp_path / "upon.yaml")).parameters.grid.vary == {}
