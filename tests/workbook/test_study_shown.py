"""`fusion show`: a study and its bases as one file, each line with where it stands."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML
from typer.testing import CliRunner

from workbook.cli import app
from workbook.params.load import stated

BASE = """study: {title: "Base | 基础"}
panel:
  source: rows.csv
  contract: minimal
columns:
  size: {is: log(staff), name: "Size | 规模"}
publish: {secrecy: public}
"""
MINE = """base: first.yaml
panel:
  first_year: 2011
columns:
  size: log(assets)
effects: {outcome: size, treatments: [staff], controls: []}
names: {"staff": "Staff: people, 人 | 用工"}
publish: null
"""


def test_the_whole_is_shown_with_its_origins(tmp_path: Path) -> None:
    (tmp_path / "first.yaml").write_text(BASE, "utf-8")
    (tmp_path / "rows.csv").write_text(
        "firm_id,year,staff,assets\na,2011,1,2\na,2012,2,4\nb,2011,3,1\n", "utf-8"
    )
    file = tmp_path / "mine.yaml"
    file.write_text(MINE, "utf-8")
    made = CliRunner().invoke(app, ["show", str(file)])
    assert made.exit_code == 0, made.output
    lines = [line.rstrip() for line in made.output.splitlines() if line.strip()]
    where = {line.split(":")[0].strip(): line.rpartition(" # ")[2] for line in lines if " # " in line}
    assert where["first_year"] == "mine.yaml:3" and where["source"] == "first.yaml:3"
    assert where["size"] == "mine.yaml:5" and where["title_en"] == "first.yaml:1"
    # Read again it is the study with its bases merged into it.
    assert YAML(typ="safe").load(made.output) == stated(file)[0]
    assert not [line for line in lines if "secrecy" in line]


def test_what_is_wrong_is_told_as_before_a_run(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("panel: {sorce: x.csv}\n", "utf-8")
    made = CliRunner().invoke(app, ["show", str(file)])
    assert made.exit_code != 0 and "base:" not in made.output
