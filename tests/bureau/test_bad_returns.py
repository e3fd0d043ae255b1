"""What a bureau sends that cannot be read as it is: each is told in words, nothing is read as something else."""

from __future__ import annotations

import re
from pathlib import Path

import made_forms
import pytest
from typer.testing import CliRunner

from fusion import adapters, engine
from fusion.adapters import AdapterError, report
from fusion.panel import checks
from workbook import cli, paths

HEAD = "统一社会信用代码,单位详细名称,行业代码,资产总计,营业收入"
A, B = (made_forms.credit(n, "310115") for n in (1, 2))
MINIMAL = {"contract": "minimal", "extra_columns": {}}


def text(folder: Path, name: str, content: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(content, encoding="utf-8")
    return file


def read(*files: Path, root: Path | None = None) -> adapters.Source:
    con = engine.opened(*{file.parent for file in files})
    return adapters.read(con, [str(f) for f in files], "bureau", root=root or files[0].parent, **MINIMAL)


def form(folder: Path, name: str, *rows: str, title: str = "") -> Path:
    return text(folder, name, "\n".join([*([title] if title else []), HEAD, *rows]) + "\n")


def test_two_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    """Districts send the same form under the same name: both are read, and counted apart."""
    one = form(tmp_path / "浦东", "605-1_2018.csv", f"{A},甲,3911,90,70")
    two = form(tmp_path / "闵行", "605-1_2018.csv", f"{B},乙,3911,80,60")
    source = read(one, two, root=tmp_path)
    assert source.raw.rows == 2 and [file.kept for file in source.files] == [1, 1]
    told = source.rows()
    assert told["file"].nunique() == 2, told


def test_a_year_twice_is_named_with_its_files_also_where_they_are_called_the_same(tmp_path: Path) -> None:
    one = form(tmp_path / "浦东", "605-1_2018.csv", f"{A},甲,3911,90,70")
    two = form(tmp_path / "闵行", "605-1_2018.csv", f"{A},甲,3911,91,70")
    quality = read(one, two, root=tmp_path).raw.quality.set_index("rule")
    told = quality.loc["year_twice", "message_zh"]
    assert "浦东" in told and "闵行" in told, told


def test_a_form_of_2011_is_read_in_the_edition_of_its_year(tmp_path: Path) -> None:
    """Code 3911 of the edition of 2002 (computers: 4041) is none of 2017: the edition goes with the year, or is asked for."""
    file = form(
        tmp_path, "B603_2011.csv", f"{A},甲,4041,90,70", f"{B},乙,3610,80,60", title="2011年财务状况,,,,千元"
    )
    source = read(file)
    table = source.raw.table.to_pandas()
    assert set(table["year"]) == {2011} and set(table["class_version"]) == {"2002"}, table.T


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("海关_2018.csv", "报关单号,商品编码,总价\n1,2,3\n", "no header means firm_id"),
        ("无头_2018.csv", "甲,乙,丙\n丁,戊,己\n", "no header means firm_id"),
        ("空_2018.csv", "", "empty"),
        ("两单位_2018.csv", f"单位：万元,,单位：千元\n{HEAD}\n{A},甲,3911,90,70\n", "several units"),
    ],
)
def test_what_is_no_form_is_told_and_the_others_are_read(
    tmp_path: Path, name: str, content: str, told: str
) -> None:
    good = form(tmp_path, "605-1_2017.csv", f"{A},甲,3911,90,70")
    bad = text(tmp_path, name, content)
    found = report.check([good, bad], "bureau")
    assert any(name in line and told in line for line in found.problems), found.problems
    assert found.source is not None and found.source.raw.rows == 1
    with pytest.raises((AdapterError, checks.PanelError), match=re.escape(name)):
        read(good, bad)


@pytest.mark.parametrize("command", ["validate", "run"])
def test_pilots_that_do_not_say_whether_they_were_read_stop_before_the_chain(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text(
        tmp_path,
        "pilots.csv",
        "scheme,level,batch,kind,unit,name,notice,start,end,revoked,source,verified,serves\n"
        f"试点,municipal,1,enterprise,{A},甲,沪发改〔2020〕1号,2020,2022,,https://example.org,,\n",
    )
    own = (paths.PARAMS / "smoke.yaml").read_text("utf-8")
    study = text(tmp_path, "mine.yaml", f"{own}evaluation:\n  pilots: {tmp_path / 'pilots.csv'}\n")
    monkeypatch.setenv("FUSION_BUILD", str(tmp_path / "build"))
    done = CliRunner().invoke(cli.app, [command, str(study)])
    assert done.exit_code == 2 and "verified" in done.output and "pilots.csv" in done.output, done.output
    assert not list(tmp_path.glob("build/*/01_panel*"))
