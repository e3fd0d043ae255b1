"""Word and Excel files hold what the pages show; figures exist in three forms."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import zipfile
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
import pytest

matplotlib.use("Agg")

from workbook import paths
from workbook.exhibits import record
from workbook.exhibits.pictures import saved
from workbook.publish import formats, spoken
from workbook.publish.built import Built

TABLE = pd.DataFrame(
    {"code": ["0111", "3544"], "firms": [1234, 56], "share": [1 / 3, None], "how": ["=1+1", "[0.1, 0.2]"]}
)
ROLES = {"code": "label", "firms": "units", "share": "share", "how": "word"}
HEADS = ["行业代码", "企业数", "份额", "式"]
EXHIBIT = {
    "kind": "table",
    "name": {"en": "Codes", "zh": "代码"},
    "title": {"en": "Codes", "zh": "代码与份额"},
    "note": {"en": "N", "zh": "注解"},
    "secrecy": "counts",
    "show": list(TABLE),
    "columns": {
        name: {"role": role, "head": {"en": name, "zh": head}}
        for (name, role), head in zip(ROLES.items(), HEADS, strict=True)
    },
}


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Built:
    """A study whose one notebook left one table; it speaks Chinese."""
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path / "notebooks")
    sheet = tmp_path / "notebooks" / "exhibits" / "02_x.yaml"
    sheet.parent.mkdir(parents=True)
    sheet.write_text(json.dumps({"notebook": "02_x", "exhibits": {"t": EXHIBIT}}), encoding="utf-8")
    root = tmp_path / "s"
    (root / "02_x").mkdir(parents=True)
    record.kept(root / "02_x", "t", TABLE)
    one = record.Record("02_x", "t", "table", "2.1")
    done = {"notebook": "02_x", "exhibits": [one.entry()]}
    (root / "02_x" / "done.json").write_text(json.dumps(done), encoding="utf-8")
    (root / "02_x.ipynb").write_text(json.dumps({"cells": []}), encoding="utf-8")
    parameters = {"title_zh": "研究", "synthetic": True, "data": ""}
    manifest = {
        "study": "s",
        "language": "zh",
        "parameters": parameters,
        "notebooks": {"02_x": {"status": "done"}},
    }
    (root / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    spoken.speak(root, ["02_x"], parameters)
    return Built("s", root, manifest)


def test_rows_go_out_under_the_fields_names_and_tables_in_both_languages(study: Built) -> None:
    forms = study.forms("02_x", "t")
    back = pd.read_csv(forms[".csv"], dtype={"code": str})
    # Text that a spreadsheet would run has one apostrophe in front, in CSV alone.
    assert back["how"].tolist() == ["'=1+1", "[0.1, 0.2]"]
    pd.testing.assert_frame_equal(back.assign(how=back["how"].str.removeprefix("'")), TABLE)
    assert "代码与份额" in forms[".tex"].read_text("utf-8")
    assert "Codes" in study.spoken("en").forms("02_x", "t")[".tex"].read_text("utf-8")
    cells = spoken.table(study.root, "02_x", "t", "zh")
    assert cells["head"] == HEADS
    assert cells["text"] == [["0111", "1,234", "0.333", "=1+1"], ["3544", "56", "–", "[0.1, 0.2]"]]


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
    page = document.sections[0]
    assert (round(page.page_width.cm, 1), round(page.page_height.cm, 1)) == (21.0, 29.7)
    assert 'TOC \\o "1-2"' in xml and "SEQ Table_2" in xml and document.paragraphs[-4].style.name != "Caption"
    assert [p.text for p in document.paragraphs if p.style.name == "Caption"] == ["表 2.1　代码与份额"]
    widths = [int(w) for w in re.findall(r'<w:gridCol w:w="(\d+)"', xml)]
    assert sum(widths) / 20 <= 16 / 2.54 * 72 + 1, "no wider than the page, and by content"
    assert len(set(widths)) > 1 and 'w:tblLayout w:type="fixed"' in xml and xml.count("<w:cantSplit/>") == 3


def test_a_table_too_wide_for_the_page_is_turned_and_set_smaller() -> None:
    from workbook.publish.formats import word

    def fitted(columns: int) -> Any:
        row = [f"text of {i} words" for i in range(columns)]
        return word._fitted({"head": row, "text": [row] * 3, "numeric": [False] * columns})

    assert not fitted(3).turned and fitted(13).turned
    for columns in (3, 8, 13, 30):
        made = fitted(columns)
        assert sum(made.widths) + 8 * columns <= word.ROOM[made.turned] + 0.1


def test_intervals_take_two_cells() -> None:
    from workbook.publish.formats import excel

    cells = {
        "head": ["", "(1)"],
        "text": [["x", "0.171"], ["", "[−0.02, 1,200.5]"], ["n", "22,750"], ["y", "[0.1, ∞]"]],
    }
    made = excel._parted(cells | {"value": cells["text"]})
    assert made["head"] == ["", "(1)", ""]
    assert made["value"] == [["x", 0.171, None], ["", -0.02, 1200.5], ["n", 22750, None], ["y", 0.1, "∞"]]


def test_excel_keeps_digits_codes_and_no_formula(study: Built) -> None:
    from openpyxl import load_workbook

    _, book, *_ = formats.write(study)
    sheet = load_workbook(book)["2.1 代码"]
    assert [cell.value for cell in sheet[3]][:3] == ["0111", 1234, 1 / 3]
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row), "a cell would be computed"
    assert sheet["A1"].value.endswith("代码与份额") and sheet["A6"].value == "注：注解"
    assert sheet["A7"].value == "资料来源：合成数据，不涉及真实企业"
    assert load_workbook(book)["目录"]["C3"].hyperlink.location == "'2.1 代码'!A1"


def test_files_are_made_again_only_for_new_results(study: Built) -> None:
    before = [file.stat().st_mtime_ns for file in formats.write(study)]
    assert [file.stat().st_mtime_ns for file in formats.write(study)] == before


def test_a_document_that_was_cut_is_made_again_although_its_time_is_later(study: Built) -> None:
    word, *_ = formats.write(study)
    whole = word.read_bytes()
    word.write_bytes(whole[:1000])
    os.utime(word, (4e9, 4e9))  # of a clock that was ahead
    formats.write(study)
    assert word.read_bytes() == whole


def test_new_results_make_new_documents_although_the_clock_went_back(study: Built) -> None:
    word, *_ = formats.write(study)
    os.utime(word, (4e9, 4e9))
    before = word.stat().st_mtime_ns
    (study.root / "manifest.json").write_text(json.dumps(study.manifest | {"seed": 5}), encoding="utf-8")
    formats.write(study)
    assert word.stat().st_mtime_ns != before


def test_words_that_were_altered_are_made_again(study: Built) -> None:
    place = study.root / spoken.FOLDER / "02_x" / "t.csv"
    good = place.read_bytes()
    place.write_bytes(good.replace(b"1234", b"1235"))
    spoken.speak(study.root, ["02_x"], study.parameters)
    assert place.read_bytes() == good


def _mortal(name: str) -> str:
    """Dies in a process that shares the work, and does it where it is alone."""
    if multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return name


def test_a_worker_that_is_killed_is_done_without() -> None:
    assert spoken.each(_mortal, [("a",), ("b",), ("c",)], jobs=2) == ["a", "b", "c"]


def test_a_figure_has_three_forms_the_same_bytes_each_time(tmp_path: Path) -> None:
    from matplotlib import pyplot as plt

    seen = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        figure, axes = plt.subplots()
        axes.plot([1, 2, 3])
        saved.save_figure(folder, "f", figure)
        seen.append({file.suffix: file.read_bytes() for file in folder.iterdir()})
    assert set(seen[0]) == {".svg", ".png", ".pdf"} and seen[0] == seen[1]


def test_a_methods_section_is_read_without_its_marks() -> None:
    """Headings, sentences and references; escaped signs and emphasis are as a reader sees them."""
    import docx

    from workbook.publish.formats import word

    document = docx.Document()
    word._methods(
        document, "# Methods\n\nA share in \\%, `code`, **much**.\n\n## References\n\n- One\n- Two\n"
    )
    told = [(p.style.name, p.text) for p in document.paragraphs]
    assert told == [
        ("Heading 2", "Methods"),
        ("Normal", "A share in %, code, much."),
        ("Heading 3", "References"),
        ("List Bullet", "One"),
        ("List Bullet", "Two"),
    ]


def test_each_table_is_a_file_of_its_own(study: Built) -> None:
    """Opened again it is the table with caption and note alone, on A4; a table that is gone takes its files away."""
    from docx import Document
    from openpyxl import load_workbook

    formats.write(study)
    forms = study.forms("02_x", "t")
    document = Document(str(forms[".docx"]))
    (table,) = document.tables
    assert [cell.text for cell in table.rows[1].cells] == ["0111", "1,234", "0.333", "=1+1"]
    texts = [p.text for p in document.paragraphs]
    assert texts[0] == "表 2.1　代码与份额" and "注解" in texts[1] and len(texts) < 5
    assert "fldChar" not in document.element.xml, "a field would number it as the first of its file"
    assert document.paragraphs[0].style.name == "Caption" and forms[".docx"].stat().st_size < 15_000
    assert round(document.sections[0].page_width.cm, 1) == 21.0
    sheet = load_workbook(forms[".xlsx"]).active
    assert (sheet["A3"].value, sheet["C3"].value, sheet["D3"].data_type) == ("0111", 1 / 3, "s")
    assert study.place({"notebook": "02_x", "id": "t"}, ".docx") in study.files()
    before = {form: forms[form].read_bytes() for form in (".docx", ".xlsx")}
    forms[".docx"].unlink()
    (forms[".xlsx"].parent / "gone.xlsx").write_bytes(b"")
    formats.write(study)
    assert {form: forms[form].read_bytes() for form in before} == before
    assert not (forms[".xlsx"].parent / "gone.xlsx").exists()


def test_a_wide_table_of_its_own_lies_on_a_turned_page() -> None:
    from docx import Document

    from workbook.publish.formats import word

    row = {"id": "t", "kind": "table", "number": "1.1", "title": "T", "note": "", "source": ""}
    line = [f"text of {i} words" for i in range(13)]
    for columns, turned in ((3, False), (13, True)):
        document = Document()
        word.prepare(document)
        cells = {"head": line[:columns], "text": [line[:columns]] * 2, "numeric": [False] * columns}
        word.one_table(document, row, cells, "en")
        (section,) = document.sections
        assert (section.page_width > section.page_height) == turned
