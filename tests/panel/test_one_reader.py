"""One reader of codes: a table, a file, the panel and an export give the same answer on the same cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest

from fusion.adapters import panel as adapters
from fusion.classification import ClassificationError, enterprises, files, one_code
from fusion.panel import checks, readers

# cell, edition: the code it writes (None: no code and no fault), or why it is none.
CELLS: dict[tuple[str, str], str | None] = {
    ("3911", "2017"): "3911", ("C3911", "2017"): "3911", ("c3911", "2017"): "3911", ("3911.0", "2017"): "3911",
    ("３９１１", "2017"): "3911", ("Ｃ３９１１", "2017"): "3911", (" 3911　", "2017"): "3911", ("'3911", "2017"): "3911",
    ("391", "2011"): "391", ("391", "2017"): "zero_or_group",  # 0391 is new in 2017
    ("356", "2017"): "356", ("39", "2017"): "39", ("C39", "2017"): "39", ("C", "2017"): "C",
    ("113", "2017"): "0113",  # no group 113, so its zero is lost
    ("A131", "2017"): "0131", ("C131", "2017"): "131", ("0131", "2017"): "0131",
    ("131", "2017"): "zero_or_group", ("I3911", "2017"): "letter_contradicts", ("9999", "2017"): "not_in_edition",
    ("3795", "2017"): "not_in_edition", ("x", "2017"): "not_a_code", ("39112", "2017"): "not_a_code",
    ("NA", "2017"): None, ("n/a", "2017"): None, ("6540", "2011"): "6540", ("I6540", "2011"): "6540",
    ("3911", "2002"): "3911", ("C39", "2002"): "39", ("131", "2002"): "zero_or_group", ("3982", "2002"): "not_in_edition",
    ("C39", "csrc2012"): "39", ("S90", "csrc2012"): "S90", ("R87", "csrc2012"): "87", ("R87", "2017"): "87",
    ("Ｃ３９", "csrc2012"): "39", ("3911", "csrc2012"): "not_in_edition",
    ("制造业-计算机、通信和其他电子设备制造业", "csrc2012"): "39", ("房地产业", "csrc2012"): "70",
    ("综合", "csrc2012"): "S90", ("制造业", "csrc2012"): "C", ("电子元器件", "csrc2012"): "not_a_code",
    ("制造业", "2017"): "not_a_code", ("6431", "2011"): "not_in_edition", ("130", "2011"): "not_in_edition",
}  # fmt: skip
REASONS = {"zero_or_group", "letter_contradicts", "not_in_edition", "not_a_code"}


@pytest.fixture
def cells(good: pd.DataFrame) -> pd.DataFrame:
    row = good.iloc[[0]]
    many = pd.concat([row] * len(CELLS), ignore_index=True)
    text, edition = zip(*CELLS, strict=True)
    year = [{"2002": 2008, "2011": 2015}.get(e, 2018) for e in edition]
    firm = [f"F{n:03d}" for n in range(len(CELLS))]
    return many.assign(firm_id=firm, year=year, ind4=list(text), class_version=list(edition))


def said(code: str | None) -> str:
    """What every reader must give: a code, or empty."""
    return "" if code is None or code in REASONS else code


def test_a_table_reads_them(cells: pd.DataFrame) -> None:
    table = ibis.memtable(cells[["ind4", "class_version"]].set_axis(["written", "version"], axis=1))
    found = enterprises.normalise(table).to_pandas().set_index(["written", "version"])
    for key, code in CELLS.items():
        assert found.loc[key, "code_own"] == said(code), key
        expected = "missing" if code is None else code if code in REASONS else "read"
        assert found.loc[key, "reading"] == expected, key


def test_a_file_reads_them(cells: pd.DataFrame, tmp_path: Path) -> None:
    cells[["ind4", "class_version"]].to_csv(tmp_path / "c.csv", index=False)
    report = files.classify_file(tmp_path / "c.csv")
    made = pd.read_csv(report["out"], dtype=str, keep_default_na=False)
    assert made["code_own"].tolist() == [said(code) for code in CELLS.values()]


def test_a_terminal_reads_them() -> None:
    for (text, edition), code in CELLS.items():
        if said(code):
            assert one_code.answer(text, edition)["code"] == code, (text, edition)
        else:
            with pytest.raises(ClassificationError, match=r"'.*'"):
                one_code.answer(text, edition)


def judged(raw: readers.Raw) -> None:
    """The panel holds each code, or the cell as it was and a finding in it."""
    got = raw.table.order_by("firm_id").to_pandas()["ind4"].tolist()
    quality = checks.check(raw, "set_aside")
    rules = ["code_format", "code_unknown"]
    refused = set(quality.loc[quality["rule"].isin(rules), "unit"])
    coarse = set(quality.loc[quality["rule"] == "code_coarse", "unit"])
    for n, ((text, _), code, cell) in enumerate(zip(CELLS, CELLS.values(), got, strict=True)):
        firm = f"F{n:03d}"
        if code is None:
            assert pd.isna(cell), text
        elif code in REASONS:
            assert cell.strip() == text and firm in refused, text
        else:
            # 131 alone might be 0131: the group keeps its letter.
            assert cell == ("C131" if text == "C131" else code) and firm not in refused, text
            assert (firm in coarse) == (len(code) < 4), text
    assert {"code_read", "missing_word"} <= set(quality["rule"])
    again = raw.table.select(written=raw.table["ind4"].fill_null(""), version="class_version").distinct()
    second = enterprises.normalise(again).to_pandas().set_index(["written", "version"])["code_own"]
    for cell, (_, edition), code in zip(got, CELLS, CELLS.values(), strict=True):
        assert second["" if pd.isna(cell) else cell, edition] == said(code), (
            "classified, the panel says the same"
        )


def test_the_panel_reads_them(con: Any, cells: pd.DataFrame, tmp_path: Path) -> None:
    judged(readers.take(con, cells))
    cells.to_csv(tmp_path / "p.csv", index=False)
    judged(readers.read(con, "p.csv", root=tmp_path, money_unit="万元"))


def test_an_export_reads_them(con: Any, cells: pd.DataFrame, tmp_path: Path) -> None:
    heads = {
        "firm_id": "统一社会信用代码",
        "year": "年份",
        "ind4": "行业小类代码",
        "class_version": "行业分类版本",
    }
    export = cells[list(heads)].rename(columns=heads).assign(**{"营业收入（万元）": 1.0})
    export.to_csv(tmp_path / "bureau.csv", index=False)
    raw = adapters.read(con, "bureau.csv", "bureau", tmp_path, contract="minimal").raw
    judged(raw)
