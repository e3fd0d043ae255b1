"""`fusion new` and a study's first look name the cause of what is wrong in files, not its effect."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

from fusion.adapters import AdapterError, PanelError, able
from fusion.panel import checks, clean
from fusion.start import look, roles
from workbook import cli, paths


def panel() -> pd.DataFrame:
    keys = [(f"F{i:03d}", year) for i in range(20) for year in range(2010, 2016)]
    data = pd.DataFrame(keys, columns=["firm_id", "year"])
    return data.assign(sales=np.arange(len(data)) % 17 + 100.5, staff=np.arange(len(data)) % 13 + 5)


def notes(data: pd.DataFrame, place: Path) -> dict[str, dict[str, object]]:
    data.to_csv(place / "data.csv", index=False)
    return dict(roles.assign(look.look([place / "data.csv"])).notes)


@pytest.mark.parametrize("write", ["¥{}", "{}万", "{}人", "{} kg", "US${}", "￥{:,.2f}"])
def test_numbers_with_signs_around_them_are_named(tmp_path: Path, write: str) -> None:
    found = notes(panel().assign(sales=lambda d: d["sales"].map(write.format)), tmp_path)
    assert found["around"] == {"header": "sales", "value": write.format(100.5)}


@pytest.mark.parametrize("write", ["{}", "A{}-{}", "Room {}", "{}:30"])
def test_other_texts_are_not(tmp_path: Path, write: str) -> None:
    assert "around" not in notes(
        panel().assign(sales=lambda d: [write.format(v, v) for v in d["sales"]]), tmp_path
    )


def test_what_holds_nothing_is_named(tmp_path: Path) -> None:
    assert notes(panel().assign(margin=np.nan), tmp_path)["empty"] == {"headers": "margin"}


def test_identifiers_that_became_one_are_the_cause(tmp_path: Path) -> None:
    numbers = 310115000 + np.repeat(np.arange(20), 6)
    data = panel().assign(firm_id=numbers.astype("float32"))
    data.to_stata(tmp_path / "lost.dta", write_index=False)
    with pytest.raises(
        AdapterError,
        match=r"do not name one row each: 120 rows .*digits were lost.*store identifiers as text",
    ):
        roles.assign(look.look([tmp_path / "lost.dta"]))


def test_the_rule_that_leaves_no_row_is_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["firm_id", "year"])
    for number, year in enumerate((2012, 2013)):
        book.active.append([913101157030500000 + 1000 * number, year])
    book.save(tmp_path / "lost.xlsx")
    raw = able.read(str(tmp_path / "lost.xlsx"), None, paths.ROOT, contract="minimal")
    assert raw is not None
    with pytest.raises(
        PanelError, match=r"no row is left: 2 are set aside because of firm_id: .*digits are lost.*first: row"
    ):
        clean.sample(raw.table, checks.check(raw, "set_aside"), first_year=2010, last_year=2015)


def test_a_file_without_rows_is_no_file_without_years(tmp_path: Path) -> None:
    (tmp_path / "head.csv").write_text("firm_id,year,sales\n", "utf-8")
    with pytest.raises(AdapterError, match=r"head\.csv: .*header"):
        roles.assign(look.look([tmp_path / "head.csv"]))


def test_a_page_that_is_called_a_workbook_is_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "data.xls"
    file.write_text("<table><tr><td>1</td></tr></table>", "utf-8")
    done = CliRunner().invoke(cli.app, ["--language", "en", "new", str(file), "--name", "mine"])
    assert done.exit_code == 2 and not isinstance(done.exception, PanelError)
    assert "data.xls: not a whole Excel file" in done.output
