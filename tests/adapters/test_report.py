"""The report of `fusion check` and the adapter that it writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import exports
import pandas as pd
import pytest

from fusion.adapters import able, model, panel, report
from fusion.language import speaking
from fusion.panel.errors import PanelError


def test_the_layout_is_recognised(made: pd.DataFrame, tmp_path: Path) -> None:
    bureau = exports.bureau(made[made["year"] >= 2017], tmp_path)
    assert report.check(bureau).adapter.adapter == "bureau"
    assert report.check(exports.csmar(made, tmp_path)).adapter.adapter == "csmar"
    assert report.check([exports.wind(made, tmp_path)]).adapter.adapter == "wind"


def test_what_is_open_is_listed_with_candidates(made: pd.DataFrame, tmp_path: Path) -> None:
    found = report.check(
        exports.bureau(made[made["year"] == 2015], tmp_path), needs={"ln_lp": ["value_added", "vat"]}
    )
    text = "\n".join(report.lines(found))
    assert "unmatched: 应收账款［年末］;年末  nearest: accounts_receivable" in text
    assert "required columns are missing (2): " in text and "service_revenue" in text
    assert "1 total" in text and "1 note below the table" in text
    assert "A1: The data lack Service revenue (service_revenue)." in text and "B1" in found.can
    assert "the study's ln_lp: can be computed" in text
    json.dumps(report.as_json(found), default=str)


def test_the_draft_can_be_corrected_and_used(made: pd.DataFrame, tmp_path: Path) -> None:
    """It works as it is, and a column whose header is given there is read."""
    files = exports.bureau(made[made["year"] == 2015], tmp_path)
    draft = report.draft(report.check(files), "mine")
    mended = draft.replace("  # accounts_receivable: {", "  accounts_receivable: {")
    assert mended != draft
    file = tmp_path / "mine.yaml"
    for text in (draft, mended.replace("accounts_receivable, ", "")):
        file.write_text(text, encoding="utf-8")
        adapter = model.load(str(file))
        layouts = panel.look_all(files, adapter, panel.choices())
        assert panel.problems(layouts, adapter, panel.choices()) == []
    assert "accounts_receivable" in layouts[0].mapping.single


def test_values_without_a_meaning_are_listed(made: pd.DataFrame, tmp_path: Path) -> None:
    files = exports.bureau(made[made["year"] == 2017], tmp_path)
    text = files[0].read_text("gb18030").replace("国有控股", "110")
    files[0].write_bytes(text.encode("gb18030"))
    found = report.check(files)
    assert set(found.values) == {"control_type"} and set(found.values["control_type"]) == {"110"}
    assert '"110": ?' in report.draft(found, "mine")


def test_an_ambiguous_header_is_not_chosen(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("统一社会信用代码,年份,存货,存货\n1,2020,2,3\n", encoding="utf-8")
    found = report.check([file], "bureau")
    assert "AMBIGUOUS inventory" in "\n".join(report.lines(found)) and found.source is None
    assert "several headers mean inventory" in "\n".join(found.problems)


def test_the_command_writes_nothing_over(made: pd.DataFrame, tmp_path: Path) -> None:
    file = exports.wind(made.head(20), tmp_path)
    there = tmp_path / "mine.yaml"
    there.write_text("mine", encoding="utf-8")
    command = [sys.executable, "-m", "workbook.cli", "check", str(file)]
    refused = subprocess.run([*command, "--write", str(there)], capture_output=True, text=True, check=False)
    assert (
        refused.returncode == 2
        and "would be overwritten" in refused.stderr
        and "Traceback" not in refused.stderr
    )
    assert there.read_text(encoding="utf-8") == "mine"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (
        tmp_path / "wind.adapter.yaml"
    ).is_file() and "营业收入（亿元） -> operating_revenue  [亿元: its header]" in done.stdout


def test_a_column_that_is_declared_absent_or_holds_nothing_is_absent_for_all(tmp_path: Path) -> None:
    """Also where a header of that name is in the file: `check` and the reader say the same."""
    file, own = tmp_path / "panel.csv", tmp_path / "own.yaml"
    file.write_text(
        "firm_id,year,operating_revenue,operating_cost,rd_expense\na,2020,5,3,\na,2021,6,4,\n",
        encoding="utf-8",
    )
    own.write_text("adapter: own\nmoney_unit: 万元\nabsent: [operating_cost, inventory]\n", encoding="utf-8")
    found = report.check([file], str(own))
    assert (
        found.columns
        == {"firm_id", "year", "operating_revenue"}
        == able.held(able.read(str(file), str(own), tmp_path, contract="minimal"))
    )
    assert {"operating_cost", "rd_expense"} <= found.lacking and {"B3", "C1"} <= set(found.cannot)
    assert found.source is not None
    table = found.source.raw.table.to_pandas()
    assert (
        table["operating_cost"].isna().all()
        and "inventory" in table
        and table["operating_revenue"].sum() == 11
    )
    assert "unmatched: operating_cost" in "\n".join(report.lines(found))


def test_a_file_that_is_not_there_is_told_in_one_language(tmp_path: Path) -> None:
    for spoken, wrong in (("zh", "correct"), ("en", "请")):
        with speaking(spoken), pytest.raises(PanelError) as refused:
            report.check([tmp_path / "年报.csv"])
        assert wrong not in str(refused.value) and "年报.csv" in str(refused.value)
