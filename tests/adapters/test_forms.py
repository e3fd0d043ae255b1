"""Which form gives which indicator; the supplementary form, filled in and read back."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import ibis
import pandas as pd
import pytest
from openpyxl import load_workbook

from fusion.adapters import forms, model, panel
from fusion.indicators import system

UNIT = ["913100001000000000", "甲公司", 2023]
# Lines of the form: revenue 1,000, of which 300 services in three classes.
FILLED = {
    "01": 1000, "02": 300, "03": 240, "04": 120, "05": 30, "06": 200, "07": 0, "08": 0, "09": 12, "12": 150, "17": 100, "19": 50,
    "31": 80, "32": 400, "33": 40, "34": 10, "35": 25, "41": 200, "42": 60, "43": 0,
}  # fmt: skip


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    file = tmp_path / "form.xlsx"
    forms.write(tmp_path, "zh")[0].rename(file)
    book = load_workbook(file)
    sheet = book[forms.FILE]
    for column, value in enumerate(UNIT, 1):
        sheet.cell(2, column, value)
    at = {str(cell.value).split(" ")[0]: cell.column for cell in sheet[1]}
    for line, value in FILLED.items():
        sheet.cell(2, at[line], value)
    book.save(file)
    return file


def test_the_form_filled_in_is_a_panel(filled: Path, read: Callable[..., panel.Source]) -> None:
    source = read([filled], "supplementary", contract="minimal")
    row = source.raw.table.to_pandas().query("firm_id == @UNIT[0]").iloc[0]
    assert float(row["service_revenue"]) == 300 and float(row["ps_input"]) == 80 and int(row["year"]) == 2023
    assert json.loads(row["service_rev_by_class"]) == {"7491": 150, "4330": 100, "6631": 50}
    values = {
        c: row[c]
        for c in (
            "operating_revenue",
            "service_revenue",
            "service_revenue_external",
            "service_staff",
            "employees_avg",
        )
    }
    table = ibis.memtable(
        pd.DataFrame([{"firm_id": "a", "year": 2023, **{k: float(v) for k, v in values.items()}}])
    )
    found = system.compute(table, ["A1", "D1", "D5"]).table.to_pandas().iloc[0]
    assert found[["A1", "D1", "D5"]].tolist() == pytest.approx([30, 80, 30])


def test_the_adapter_knows_every_line() -> None:
    used = model.load("supplementary")
    known = {h for rule in used.columns.values() for h in (*rule.aliases, *rule.by_class)}
    lines = forms.lines().to_dict("records")
    assert {f"{line['line']} {line['name_zh']}" for line in lines} <= known and set(forms.HEADS) <= known
    classes = {f"{line['line']} {line['name_zh']}": line["code"] for line in lines if line["code"]}
    assert used.rule("service_rev_by_class").by_class == classes and len(set(classes.values())) == len(
        classes
    )


def test_annual_forms_give_neither_services_sold_nor_service_posts() -> None:
    table = forms.matrix().set_index("code")
    assert (
        not table.loc[["A1", "A4", "D1", "D5", "E5"], "annual"].any()
        and table.loc[["C1", "B3", "E1"], "annual"].all()
    )
    assert table.loc[["A1", "A3", "A4", "D1", "D2", "D3", "D5", "D6", "D7", "E5"], "supplementary"].all()
    assert table.loc["C6", "torch"] and table.loc["E6", "listed"] and not table.loc["A2", "listed"]
    assert not table.loc["C4", list(forms.FAMILIES)].any() and table.loc["C4", "who_en"] == "patent office"
    assert (table.loc[~table["annual"], "who_zh"] != "").all(), "who can fill it in, or that no form asks"


def test_years_of_the_data_are_those_with_all_columns() -> None:
    held = pd.DataFrame(
        [(c, y) for y in (2020, 2022) for c in ("service_revenue", "operating_revenue")] + [("operating_revenue", 2019)],
        columns=["column", "year"],
    )  # fmt: skip
    table = forms.matrix(held).set_index("code")
    assert table.loc["A1", "in_data"] == "2020–2022" and table.loc["B3", "in_data"] == ""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_word_has_every_line_its_explanation_and_the_checks(language: str) -> None:
    from docx import Document

    made = Document(io.BytesIO(forms.document(language)))
    lines = forms.lines()
    assert [row.cells[2].text for row in made.tables[0].rows[1:]] == lines["line"].tolist()
    text = "\n".join(p.text for p in made.paragraphs)
    assert all(t in text for t in lines[f"explain_{language}"]) and len(forms.checks(language)) == 14
    assert all(check in text for check in forms.checks(language))


def test_the_form_of_a_language_has_its_units() -> None:
    """And no name breaks into two lines: with the explanations the whole is two pages of A4 (printed once by hand)."""
    from docx import Document

    for language, unit in (("en", "10,000 yuan"), ("zh", "万元")):
        rows = Document(io.BytesIO(forms.document(language))).tables[0].rows
        assert rows[1].cells[1].text == unit
        assert len(rows) <= 50
        assert all(len(row.cells[0].text.encode("gb18030")) <= 60 for row in rows)
        assert sum(cell.width.mm for cell in rows[1].cells) == pytest.approx(180, abs=0.1)
    assert not forms.lines()["unit_en"].str.contains("[一-鿿]").any()


def test_a_row_that_breaks_a_check_is_red() -> None:
    sheet = load_workbook(io.BytesIO(forms.workbook("en")))[forms.FILE]
    formulas = {str(held.sqref): str(held.rules[0].formula[0]) for held in sheet.conditional_formatting}
    letter = {str(cell.value).split(" ")[0]: f"${cell.column_letter}2" for cell in sheet[1]}
    parts = {
        "02": "01",
        "03": "02",
        "04": "02",
        "05": "02",
        "06": "02",
        "08": "07",
        "31": "32",
        "34": "33",
        "42": "41",
        "51": "01",
    }
    parts |= {"53": "02", "57": "02", "60": "02"}
    text = "\n".join(formulas.values())
    assert all(f"{letter[a]}>{letter[b]}+0.1" in text for a, b in parts.items())
    assert f"SUM({letter['11']}:{letter['26']})-{letter['02']}" in text
    assert len(formulas) == len(parts) + 1
    assert all(of.startswith("A2:C2001 ") and len(formula) < 255 for of, formula in formulas.items())


def test_the_form_stands_beside_a_bureau_form(
    filled: Path, tmp_path: Path, read: Callable[..., panel.Source]
) -> None:
    annual = tmp_path / "603.csv"
    heads = "统一社会信用代码,单位详细名称,年份,行业小类代码,营业收入,营业成本,应收账款"
    annual.write_text(
        f"{heads}\n{UNIT[0]},甲公司,2023,3611,10000,6000,100\nB,乙公司,2023,3612,5000,1,1\n", "utf-8"
    )
    table = (
        read([annual, filled], "supplementary", contract="minimal").raw.table.to_pandas().set_index("firm_id")
    )
    own = table.loc[UNIT[0]]
    # The annual form is in 千元, the form itself in 万元.
    assert (own["operating_revenue"], own["operating_cost"], own["service_revenue"]) == (1000, 600, 300)
    assert own["ind4"] == "3611" and pd.isna(table.loc["B", "service_revenue"]), (
        "who did not answer is not zero"
    )
