"""The brief of two pages and the tables as bureaus print them: pages, merged heads, print areas, and what is hidden."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sheets_of_paper as look
from docx import Document
from openpyxl import load_workbook

from fusion.evaluation import bureau
from fusion.papers import brief, tables

MEASURES = ["operating_revenue", "service_revenue", "value_added"]
CODEBOOK = pd.DataFrame(
    [
        (MEASURES[0], "营业收入", "Operating revenue", "万元"),
        (MEASURES[1], "服务收入", "Service revenue", "万元"),
        (MEASURES[2], "增加值", "Value added", "万元"),
    ],
    columns=["column", "label_zh", "label_en", "unit"],
)
GOAL = {
    "name_zh": "生产性服务业重点领域主要经营指标年均增长",
    "name_en": "Growth of main indicators of key fields",
}
TOLD = {"judged": 6, "met": 2, "rows": 2400, "kept": 2300, "doubts": 3, "reported": 23.4, "expected": 6.6}


def panel() -> pd.DataFrame:
    """Firms of six paths in two years; those of P1 double."""
    rows = []
    for i in range(60):
        path, size = f"P{1 + i % 6}", 20_000.0 + 100 * i
        for year in (2020, 2021):
            money = size * (2 if path == "P1" and year == 2021 else 1.05 ** (year - 2020))
            rows.append((f"F{i}", year, path, money, 0.2 * money, 0.3 * money))
    return pd.DataFrame(rows, columns=["firm_id", "year", "path", *MEASURES])


def totals(measures: int = 3) -> pd.DataFrame:
    return bureau.growth_table(panel(), "path", MEASURES[:measures], 2021).reset_index()


def briefed(frame: pd.DataFrame, language: str, **told: Any) -> dict[str, bytes]:
    rules = told.pop("rules", False)
    words, axes = look.spoken("brief", frame, language, {"goal": GOAL, "year": 2021}, CODEBOOK)
    return brief.brief(words, axes, 2021, TOLD | told, rules)


def official(frame: pd.DataFrame, language: str) -> dict[str, bytes]:
    words, axes = look.spoken("bureau_tables", frame, language, {"year": 2021}, CODEBOOK)
    return tables.official(words, axes, 2021)


@pytest.mark.parametrize("language", look.LANGUAGES)
@pytest.mark.parametrize("measures", [1, 3])
def test_a_brief_has_two_pages(language: str, measures: int, tmp_path: Path) -> None:
    # The longest that it can be: what doubts do to each total stands there, too.
    found = briefed(totals(measures).assign(growth_three=lambda f: f["growth"] - 5), language)
    file = tmp_path / "brief.html"
    file.write_bytes(found[".htm"])
    pages, free = look.printed_pages(file)
    assert pages == len(free) == 2 and min(free) >= 0, free
    word = Document(io.BytesIO(found[".docx"]))
    taken = look.heights(word)
    assert len(taken) == 2 and max(taken) <= 297 - sum(brief.MARGINS[side] for side in ("top", "bottom")), (
        taken
    )
    assert len(word.inline_shapes) == 1 and len(word.tables[0].columns) == 3  # one chart, three figures


def test_a_brief_says_what_happened_and_what_is_uncertain() -> None:
    frame = totals()
    text = look.texts(Document(io.BytesIO(briefed(frame, "zh")[".docx"])))
    whole = frame[(frame["group"] == "total") & (frame["measure"] == MEASURES[0])].iloc[0]
    assert (
        f"2021 年营业收入合计 {whole['amount']:.1f} 亿元" in text and f"同比 {whole['growth']:+.1f}%" in text
    )
    assert "同比最高的是电子信息（+100.0%）" in text and "达到或大致达到的有 2 种" in text
    assert "全部单位增速为 +23.4%；存疑数值按预测值计算则为 +6.6%" in text and "其中 100 行未纳入" in text
    quiet = look.texts(Document(io.BytesIO(briefed(frame, "zh", rules=True)[".docx"])))
    assert "+6.6%" not in quiet and "3 个数值存疑" in quiet
    assert "没有存疑数值" in look.texts(Document(io.BytesIO(briefed(frame, "zh", doubts=0)[".docx"])))
    assert "无法评判增长目标" in look.texts(Document(io.BytesIO(briefed(frame, "zh", judged=0)[".docx"])))


def test_what_doubts_do_to_each_total_stands_in_the_brief_and_below_the_tables() -> None:
    frame = totals().assign(growth_three=lambda f: f["growth"].mask(f["measure"] == MEASURES[0], 1.25))
    rate = frame.loc[(frame["group"] == "total") & (frame["measure"] == MEASURES[0]), "growth"].iloc[0]
    made = look.texts(Document(io.BytesIO(briefed(frame, "zh")[".docx"])))
    assert f"营业收入合计可比口径同比 {rate:+.1f}%；两年中影响最大的三处疑点订正后为 +1.2%" in made
    assert "服务收入合计可比口径" not in made, "no doubt moves it"
    book = load_workbook(io.BytesIO(official(frame, "zh")[".xlsx"]))
    told = [[str(cell.value) for row in sheet.iter_rows() for cell in row] for sheet in book]
    assert f"疑点（三处最大疑点订正前后的合计同比）：营业收入 {rate:+.1f}% → +1.2%。" in told[0]
    assert all(sheet.print_area.endswith(f"${sheet.max_row}") for sheet in book), "all notes are printed"


def test_what_secrecy_hides_is_in_no_form() -> None:
    frame = totals()
    mark = (frame["group"] == "P1") & (frame["measure"] == MEASURES[0])
    amount = f"{frame.loc[mark, 'amount'].iloc[0]:,.1f}"
    hidden = frame.assign(
        **{c: frame[c].mask(mark) for c in ("amount", "before", "growth", "share", "nominal")}
    )
    made = briefed(hidden, "zh") | {f"t{k}": v for k, v in official(hidden, "zh").items()}
    text = look.texts(Document(io.BytesIO(made[".docx"]))) + look.texts(Document(io.BytesIO(made["t.docx"])))
    assert amount not in text + made[".htm"].decode("utf-8") and "+100.0" not in text
    values = [
        c.value for row in load_workbook(io.BytesIO(made["t.xlsx"])).worksheets[0].iter_rows() for c in row
    ]
    assert not np.isclose(
        [v for v in values if isinstance(v, float)], frame.loc[mark, "amount"].iloc[0]
    ).any()


@pytest.mark.parametrize("language", look.LANGUAGES)
def test_no_column_and_no_other_language_in_a_brief_or_a_table(language: str) -> None:
    made = briefed(totals(), language) | {f"t{k}": v for k, v in official(totals(), language).items()}
    page = re.sub(r"<style>.*?</style>|<[^>]*>", " ", made[".htm"].decode("utf-8"), flags=re.S)
    book = load_workbook(io.BytesIO(made["t.xlsx"]))
    cells = [
        str(c.value) for sheet in book for row in sheet.iter_rows() for c in row if isinstance(c.value, str)
    ]
    words = [look.texts(Document(io.BytesIO(made[form]))) for form in (".docx", "t.docx")]
    for text in (page, *words, "\n".join([*cells, *book.sheetnames])):
        assert "nan" not in text.lower().split()
        assert not (look.LATIN.findall(text) if language == "zh" else re.findall(r"[\u3400-\u9fff]", text))


def test_tables_in_excel_print_on_a4_with_merged_heads_and_full_numbers() -> None:
    frame = totals()
    book = load_workbook(io.BytesIO(official(frame, "zh")[".xlsx"]))
    one, two = book.worksheets
    assert [c.value for c in one[3]][:6] == ["路径", "营业收入", None, None, None, "服务收入"]
    assert [c.value for c in one[4]][1:5] == ["本年", "上年", "同比（%）", "占比（%）"]
    merged = {str(r) for r in one.merged_cells.ranges}
    assert {"A3:A4", "B3:E3", "F3:I3", "J3:M3", "A1:M1", "A2:M2"} <= merged
    assert one["A1"].value == "表1　2021 年分路径主要指标" and one["A2"].value == "计量单位：亿元、%"
    assert one.page_setup.paperSize == 9 and one.page_setup.orientation == "landscape"
    assert one.page_setup.fitToWidth == 1 and one.print_title_rows == "$1:$4"
    assert one.print_area.endswith(f"$A$1:$M${one.max_row}") and one["A13"].value.startswith("资料来源")
    row = frame[(frame["group"] == "P1") & (frame["measure"] == MEASURES[0])].iloc[0]
    assert (
        one["A5"].value == "电子信息"
        and one["B5"].value == row["amount"]
        and one["B5"].number_format == "#,##0.0"
    )
    assert one["D5"].value == pytest.approx(100) and two["B5"].value == row["units"]
    assert two["B5"].number_format == "#,##0" and [c.value for c in two[4]][1:3] == ["单位数", "可比单位数"]


def test_constant_prices_stand_beside_growth_where_there_are_any() -> None:
    """Prices of all rise by 2 %: growth of 5 % is (1.05 / 1.02 − 1)."""
    priced = panel().assign(deflator=lambda f: f["year"].map({2020: 1.0, 2021: 1.02}))
    frame = bureau.growth_table(priced, "path", MEASURES, 2021).reset_index()
    two = load_workbook(io.BytesIO(official(frame, "zh")[".xlsx"])).worksheets[1]
    assert [c.value for c in two[4]][1:6] == [
        "单位数",
        "可比单位数",
        "同比（%）",
        "同比，不变价（%）",
        "全部单位增速（%）",
    ]
    row = frame[(frame["group"] == "P2") & (frame["measure"] == MEASURES[0])].iloc[0]
    at = next(
        r
        for r in two.iter_rows(min_row=5)
        if r[0].value
        == look.spoken("bureau_tables", frame, "zh", {"year": 2021}, CODEBOOK)[0].loc[row.name, "group"]
    )
    assert at[4].value == pytest.approx(100 * (1.05 / 1.02 - 1))
    word = Document(io.BytesIO(official(frame, "en")[".docx"])).tables[1]
    assert word.cell(1, 4).text == "Growth, constant prices (%)"


def test_tables_in_word_lie_and_repeat_their_heads() -> None:
    word = Document(io.BytesIO(official(totals(), "zh")[".docx"]))
    sheet, first = word.sections[0], word.tables[0]
    assert sheet.page_width > sheet.page_height and len(word.tables) == 2
    assert first.cell(0, 0)._tc is first.cell(1, 0)._tc and first.cell(0, 1)._tc is first.cell(0, 4)._tc
    assert len(first._tbl.xpath(".//w:tblHeader")) == 2 and first.cell(1, 2).text == "上年"


def test_text_is_never_a_formula() -> None:
    words, axes = look.spoken("bureau_tables", totals(), "zh", {"year": 2021}, CODEBOOK)
    made = tables.official(words, axes | {"scope": "=1+1"}, 2021)[".xlsx"]
    assert all(
        c.data_type != "f"
        for sheet in load_workbook(io.BytesIO(made))
        for row in sheet.iter_rows()
        for c in row
    )


def test_growth_as_expected_takes_the_doubts_of_both_years() -> None:
    data = panel()
    before, now = (data.loc[data["year"] == y, MEASURES[0]].sum() for y in (2020, 2021))
    queue = pd.DataFrame(
        [
            ("F0", 2021, MEASURES[0], 5_000.0),
            ("F1", 2020, MEASURES[0], -1_000.0),
            ("F1", 2020, MEASURES[1], 9.0),
            ("gone", 2021, MEASURES[0], 7.0),
        ],
        columns=["unit", "year", "item", "expected_change"],
    )
    found = bureau.doubted(data, queue, MEASURES[0], 2021)
    assert found["doubts"] == 2 and found["reported"] == pytest.approx(100 * (now / before - 1))
    assert found["expected"] == pytest.approx(100 * ((now - 5_000) / (before + 1_000) - 1))
    assert bureau.doubted(data, queue, MEASURES[0], 2020)["reported"] is None


@pytest.mark.parametrize(
    ("text", "most", "told"),
    [
        ("integration of services, synthetic Shanghai panel", 42, "integration of services, synthetic…"),
        ("as it is", 8, "as it is"),
        ("a" * 50, 20, "a" * 19 + "…"),
        ("上海合成企业面板", 9, "上海合…"),
    ],
)
def test_what_must_be_cut_ends_with_a_whole_word(text: str, most: int, told: str) -> None:
    from fusion.papers import paper

    assert paper.short(text, most) == told
