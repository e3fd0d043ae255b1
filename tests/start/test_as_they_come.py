"""Files of services and programs as they come: statements of two kinds and four quarters, labelled codes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from fusion import engine
from fusion.adapters.model import load
from fusion.adapters.panel import choices, convert
from fusion.start import command, preview
from workbook.params.load import load as study

NAMES = ["Stkcd", "ShortName", "Accper", "Typrep", "A001000000", "A001212000", "A001100000", "A002000000"]
LABELS = [
    "证券代码",
    "证券简称",
    "统计截止日期",
    "报表类型",
    "资产总计",
    "固定资产净额",
    "流动资产合计",
    "负债合计",
]


def statements(folder: Path) -> tuple[Path, Path]:
    """Balance sheets and income statements: consolidated and of the parent, half-year and year."""
    balance: list[list[object]] = [LABELS, ["没有单位"] * 4 + ["元"] * 4]
    income: list[list[object]] = [
        ["证券代码", "统计截止日期", "报表类型", "营业收入", "营业成本"],
        ["没有单位"] * 3 + ["元"] * 2,
    ]
    for i in range(30):
        for year in range(2015, 2019):
            for day, share in (("06-30", 0.5), ("12-31", 1.0)):
                for kind, part in (("A", 1.0), ("B", 0.6)):
                    x = (
                        (1e8 + 1e7 * i + 1e6 * (year - 2015) * (i % 5))
                        * share
                        * part
                        * (1000 if i == 29 else 1)
                    )
                    key = [f"{i + 1:06d}", f"{year}-{day}", kind]
                    balance.append([key[0], f"甲{i}", *key[1:], x, x / 4, x / 2, x / 3])
                    income.append([*key, x / 5, x / 8])
    first, second = folder / "FS_Combas.xlsx", folder / "FS_Comins.xlsx"
    pd.DataFrame(balance, columns=NAMES).to_excel(first, index=False)
    pd.DataFrame(income, columns=["Stkcd", "Accper", "Typrep", "B001101000", "B001201000"]).to_excel(
        second, index=False
    )
    return first, second


def test_statements_of_two_kinds_and_half_years_are_chosen_as_the_adapter_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    files = statements(tmp_path)
    made = study(str(tmp_path / command.new(files, "mine", "", "")))
    told = capsys.readouterr().out
    assert "120 rows, 30 enterprises" in told
    assert (
        "120 of 482 rows are read, as the adapter csmar says; not: Typrep = B: 240, not a whole year: 120"
        in told
    )
    assert "Outcome: B001101000 (营业收入)" in told and "A001100000 (流动资产合计)" in told
    # Columns that the contract has are called as it calls them, in both languages.
    assert "Log current assets | 流动资产合计（对数）" in (tmp_path / "mine.yaml").read_text("utf-8")
    adapter = load("mine.adapter.yaml", tmp_path)
    source = convert(engine.opened(tmp_path), files, adapter, choices("minimal"))
    got = source.raw.table.to_pandas().set_index(["firm_id", "year"])
    assert len(got) == 120 and got.loc[("000003", 2016), "total_assets"] == pytest.approx(
        (1e8 + 2e7 + 2e6) / 1e4
    )
    assert made.parameters.panel.first_year == 2015


def test_codes_of_labelled_files_are_numbers_where_the_study_computes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A treatment labelled No and Yes stays 0 and 1; a code of kinds is no quantity."""
    rows = [
        (i, y, int(i % 2 and y >= 2012 + i % 3), 1 + i % 3, 50.0 + i % 7 + y % 5, 20.0 + (i * y) % 11)
        for i in range(30)
        for y in range(2009, 2016)
    ]
    frame = pd.DataFrame(rows, columns=["schid", "wave", "reform", "stype", "score", "pupils"])
    frame["shift"] = 1 + (frame["wave"] + frame["schid"]) % 2
    pyreadstat.write_sav(
        frame,
        tmp_path / "schools.sav",
        column_labels={"schid": "School ID", "wave": "Survey year"},
        variable_value_labels={
            "reform": {0: "No", 1: "Yes"},
            "stype": {1: "Primary", 2: "Middle", 3: "High"},
            "shift": {1: "One", 2: "Two"},
        },
    )
    monkeypatch.chdir(tmp_path)
    made = study(str(tmp_path / command.new([tmp_path / "schools.sav"], "mine", "score", "")))
    assert made.flat["treatments"] == ["reform"] and made.flat["controls"] == ["pupils"]
    raw = preview.read(made.flat, tmp_path)
    assert raw is not None
    got = raw.table.to_pandas()
    assert sorted(got["reform"].unique()) == [0, 1] and got["reform"].sum() == frame["reform"].sum()


def test_words_that_an_adapter_names_are_read_as_words(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": [1, 2], "year": [2015, 2015], "state": [1, 2]})
    pyreadstat.write_sav(frame, tmp_path / "a.sav", variable_value_labels={"state": {1: "off", 2: "on"}})
    (tmp_path / "own.yaml").write_text(
        'adapter: own\ncolumns: {firm_id: {aliases: [id]}, state: {aliases: [state], values: {"on": "1", "off": "0"}}}\n'
    )
    extra = {"state": {"label_en": "s", "label_zh": "s", "type": "int"}}
    chosen = choices("minimal", extra_columns=extra)
    got = convert(engine.opened(tmp_path), [tmp_path / "a.sav"], load("own.yaml", tmp_path, extra), chosen)
    assert got.raw.table.to_pandas()["state"].tolist() == [0, 1]
