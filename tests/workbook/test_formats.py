"""Word and Excel files hold what the pages show; figures exist in three forms."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
import pytest

matplotlib.use("Agg")

from workbook.exhibits import rendering
from workbook.exhibits.listing import COLUMNS
from workbook.publish import formats
from workbook.publish.built import Built
from workbook.publish.formats import excel, printed

TABLE = pd.DataFrame(
    {"行业代码": ["0111", "3544"], "企业数": [1234, 56], "份额": [1 / 3, None], "式": ["=1+1", "[0.1, 0.2]"]}
)
ENTRY = {
    "id": "t", "kind": "table", "number": "2.1", "title_en": "Codes", "title_zh": "代码与份额", "note_en": "N",
    "note_zh": "注解", "source_en": "S", "source_zh": "合成数据",
}  # fmt: skip


@pytest.fixture
def study(tmp_path: Path) -> Built:
    """A study whose one notebook shows one table, in Chinese."""
    folder = tmp_path / "02_x"
    folder.mkdir()
    rendering.save_table(folder, "t", TABLE, ENTRY, "zh")
    html = rendering.table_html(TABLE, ENTRY, "zh")
    cell: dict[str, Any] = {
        "cell_type": "code", "metadata": {"tags": ["t"]}, "source": "", "outputs": [{"data": {"text/html": html}}],
    }  # fmt: skip
    (tmp_path / "02_x.ipynb").write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    row = {**dict.fromkeys(COLUMNS, ""), **ENTRY, "file": "02_x/t.csv", "notebook": "02_x", "cell_tag": "t"}
    pd.DataFrame([row]).to_csv(tmp_path / "exhibits.csv", index=False, encoding="utf-8-sig")
    parameters = {"title_zh": "研究", "synthetic": True}
    manifest = {
        "study": "s",
        "language": "zh",
        "parameters": parameters,
        "notebooks": {"02_x": {"status": "done"}},
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return Built("s", tmp_path, manifest)


def test_what_was_printed_is_read_back(study: Built) -> None:
    found = printed.table(study.root / "02_x.ipynb", "t")
    assert found is not None
    assert found.header == list(TABLE.columns)
    assert found.rows == [["0111", "1,234", "0.333", "=1+1"], ["3544", "56", "–", "[0.1, 0.2]"]]
    assert found.caption == "表 2.1 代码与份额" or "代码与份额" in found.caption
    assert len(found.below) == 2
    assert printed.table(study.root / "02_x.ipynb", "other") is None


def test_word_has_three_rules_and_chinese_letters(study: Built) -> None:
    from docx import Document

    word, *_ = formats.write(study)
    document = Document(str(word))
    (table,) = document.tables
    assert [cell.text for cell in table.rows[1].cells] == ["0111", "1,234", "0.333", "=1+1"]
    with zipfile.ZipFile(word) as archive:
        xml = archive.read("word/document.xml").decode("utf-8")
        styles = archive.read("word/styles.xml").decode("utf-8")
    outer = re.search(r"<w:tblBorders>(.*?)</w:tblBorders>", xml, re.S)
    assert outer is not None
    sides = dict(re.findall(r'<w:(\w+) w:val="(\w+)"', outer.group(1)))
    assert sides == {
        "top": "single", "left": "nil", "bottom": "single", "right": "nil", "insideH": "nil", "insideV": "nil",
    }  # fmt: skip
    assert xml.count("<w:tcBorders>") == TABLE.shape[1], "one rule below the header, and no other inside"
    assert 'w:eastAsia="SimSun"' in styles
    assert "合成数据：不涉及真实企业。" in xml


def test_excel_keeps_digits_codes_and_no_formula(study: Built) -> None:
    from openpyxl import load_workbook

    _, book, _ = formats.write(study)
    sheet = load_workbook(book)["2.1 t"]
    assert [cell.value for cell in sheet[3]][:3] == ["0111", 1234, 1 / 3]
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row), "a cell would be computed"
    assert sheet["A1"].value.endswith("代码与份额") and sheet["A6"].value == "注：注解"
    assert load_workbook(book)["目录"]["C3"].hyperlink.location == "'2.1 t'!A1"


@pytest.mark.parametrize(
    ("text", "value"),
    [("0111", "0111"), ("0.5", 0.5), ("-0.5", -0.5), ("7", 7), ("1e-3", 0.001), ("", None), ("0", 0), ("-", "-"),
     ("nan", "nan"), ("inf", "inf"), ("@x", "'@x"), ("00", "00")],
)  # fmt: skip
def test_cells(text: str, value: object) -> None:
    assert excel._value(text) == value


def test_files_are_made_again_only_for_new_results(study: Built) -> None:
    before = [file.stat().st_mtime_ns for file in formats.write(study)]
    assert [file.stat().st_mtime_ns for file in formats.write(study)] == before


def test_a_figure_has_three_forms_the_same_bytes_each_time(tmp_path: Path) -> None:
    from matplotlib import pyplot as plt

    seen = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        figure, axes = plt.subplots()
        axes.plot([1, 2, 3])
        rendering.save_figure(folder, "f", figure)
        seen.append({file.suffix: file.read_bytes() for file in folder.iterdir()})
    assert set(seen[0]) == {".svg", ".png", ".pdf"} and seen[0] == seen[1]
