"""A folder as a study's source: its tables in the order of their names, literally, and what is passed over said."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from fusion.adapters import stage
from workbook import cli, usage
from workbook.language import speaking
from workbook.params import load
from workbook.params.checks.refusals import StudyError
from workbook.params.file import folder
from workbook.publish import package
from workbook.review.compare import reproduce

STUDY = """panel: {{source: {source}, adapter: bureau}}
evaluation: {{pilots: "forms [a]/pilots.csv"}}
publish: {{secrecy: public}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder whose name would be a pattern, with three forms, what is none, a list of pilots, and a link out."""
    forms = tmp_path / "home" / "forms [a]"
    (forms / "older").mkdir(parents=True)
    (tmp_path / "home" / "forms a").mkdir()  # what the pattern would mean
    outside = tmp_path / "elsewhere.csv"
    for file in (forms / "b.csv", forms / "B.csv", forms / "a.xlsx", outside, forms / "pilots.csv"):
        file.write_text("firm_id,year\n1,2020\n", encoding="utf-8")
    for name in ("truth.json", ".hidden.csv", "~$a.xlsx", "mine.adapter.yaml", "older/c.csv"):
        (forms / name).touch()
    (forms / "late.csv").symlink_to(outside)
    (forms.parent / "mine.yaml").write_text(STUDY.format(source='"forms [a]"'), encoding="utf-8")
    return forms


def test_the_endings_are_those_that_the_readers_read() -> None:
    assert sorted(folder.ENDINGS) == sorted(stage.KINDS)


@pytest.mark.parametrize("source", ['"forms [a]"', '["forms [a]"]'])
def test_tables_of_a_folder_are_read_in_the_order_of_their_names(home: Path, source: str) -> None:
    file = home.parent / "mine.yaml"
    file.write_text(STUDY.format(source=source), encoding="utf-8")
    study = load.load(str(file))
    names = [Path(one).name for one in study.flat["source"]]
    assert names == ["B.csv", "a.xlsx", "b.csv", "elsewhere.csv"], (
        "a link is named by where it leads, as a file is"
    )
    told = "\n".join(study.told)
    assert "holds 4 tables" in told and "B.csv, a.xlsx, b.csv, late.csv" in told
    assert "passed over in 'forms [a]': older/, pilots.csv, truth.json" in told
    assert "outside the study's folder" in told and "elsewhere.csv" in told


def test_a_form_more_is_another_source(home: Path) -> None:
    file = str(home.parent / "mine.yaml")
    before = load.load(file).flat["source"]
    (home / "c.ods").touch()
    assert len(load.load(file).flat["source"]) == len(before) + 1


def test_a_folder_of_one_table_is_that_table(home: Path) -> None:
    (home.parent / "one").mkdir()
    (home.parent / "one" / "a.csv").write_text("firm_id,year,x\n1,2020,2\n", encoding="utf-8")
    file = home.parent / "mine.yaml"
    file.write_text("panel: {source: one, contract: minimal}\neffects: {outcome: x}\n", encoding="utf-8")
    study = load.load(str(file))
    assert str(study.flat["source"]).endswith("one/a.csv") and "x" in study.flat["extra_columns"]


@pytest.mark.parametrize(
    ("source", "says"),
    [("older", "is a folder without a table"), ("forms [a]", "several files need an adapter")],
)
def test_what_no_study_can_read_stops_it(home: Path, source: str, says: str) -> None:
    (home.parent / "older").mkdir()
    file = home.parent / "mine.yaml"
    file.write_text(f'panel: {{source: "{source}"}}\n', encoding="utf-8")
    with pytest.raises(StudyError, match=says):
        load.load(str(file))


def test_it_is_packed_and_read_again_in_another_order(home: Path, tmp_path: Path) -> None:
    """What goes with a package, and what the second run of `reproduce` reads, are its tables and not the pilots."""
    (home / "a.xlsx").unlink()
    file = home.parent / "mine.yaml"
    placed = reproduce._placed(file, tmp_path / "again", shuffled=True)
    read = load.load(str(placed)).flat["source"]
    assert placed != file and [Path(one).name for one in read] == ["B.csv", "b.csv", "elsewhere.csv"]
    (tmp_path / "root").mkdir()
    built: Any = SimpleNamespace(
        name="mine", root=tmp_path / "root", parameters={"secrecy": "public"}, manifest={}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(package, "_placed", lambda study: file)
        packed = dict(package._own(built))
    unpacked = tmp_path / "unpacked"
    for place, content in packed.items():
        (unpacked / place).parent.mkdir(parents=True, exist_ok=True)
        (unpacked / place).write_bytes(content)
    again = load.load(str(unpacked / "params" / "mine.yaml")).flat
    assert [Path(one).name for one in again["source"]] == ["B.csv", "b.csv", "late.csv"]
    assert Path(again["pilots"]).is_relative_to(unpacked)


def test_check_of_a_folder_says_in_one_line_what_a_study_can(home: Path) -> None:
    (home / "a.xlsx").unlink()
    done = CliRunner().invoke(cli.app, ["check", str(home)])
    assert "passed over: older/, truth.json" in done.output
    assert done.output.count("fusion validate STUDY") == 1 and "wild_bootstrap" not in done.output
    asked = CliRunner().invoke(cli.app, ["check", str(home), "--study", "shanghai"])
    assert "wild_bootstrap" in asked.output


@pytest.mark.parametrize(
    ("line", "english", "chinese"),
    [
        ("qeue", "no command is called 'qeue'. Did you mean queue?", "没有命令“qeue”。是否指 queue？"),
        (
            "run --jbos 2",
            "this command has no option --jbos. Did you mean --jobs?",
            "此命令没有选项 --jbos。是否指 --jobs？",
        ),
        ("run a b c", "one argument too many, or several: b c", "多出的参数：b c"),
        ("queue", "STUDY is missing", "缺少 STUDY"),
        ("queue a b --most 0", "--most: at least 1 is allowed", "--most：不得小于 1"),
        ("queue a b --by", "--by needs a value behind it", "--by 后面要写一个值"),
        ("run --jobs x", "--jobs: a whole number is needed", "--jobs：须为整数"),
        ("run --memory x", "memory", "内存"),
    ],
)
def test_the_command_line_refuses_in_the_readers_language(line: str, english: str, chinese: str) -> None:
    for language, says in (("en", english), ("zh", chinese)):
        with speaking(language), pytest.raises(cli.USAGE) as refused:
            cli.app(["--language", language, *line.split()], standalone_mode=False)
        with speaking(language):
            told = usage.refusal(refused.value)
        assert says in told and "--help" in told.splitlines()[-1]


def test_a_site_is_built_of_studies_by_name_or_place(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbook.publish import site

    built: list[Any] = []
    monkeypatch.setattr(site, "build", lambda studies, asked: built.append((studies, list(asked))))
    for names in ([], ["smoke", str(home.parent / "mine.yaml")]):
        assert CliRunner().invoke(cli.app, ["site", *names]).exit_code == 0
    assert built == [(None, []), (["smoke", "mine"], [])]
