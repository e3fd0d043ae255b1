"""What a column is called that nobody named: by its expression in words, and effects by the study's word for its units."""

from __future__ import annotations

import pandas as pd
import pytest

from workbook.exhibits.words import Words

ROWS = [
    ("output", "Operating revenue", "营业收入", "万元", "amount"),
    ("staff", "Employees", "用工人数", "人", "amount"),
    ("x_1", "log(output)", "log(output)", "", "derived"),
    ("x_2", "log(output + 1) / staff", "log(output + 1) / staff", "", "derived"),
    ("x_3", "lag(x_1)", "lag(x_1)", "", "derived"),
    ("x_4", "Revenue (total)", "Revenue (total)", "", "derived"),
    ("x_5", "output (all)", "output (all)", "", "derived"),
    ("staff2", "log(staff2)", "log(staff2)", "", "derived"),
]


def words(language: str, unit: str | None = None) -> Words:
    return Words(
        language, pd.DataFrame(ROWS, columns=["column", "label_en", "label_zh", "unit", "role"]), unit
    )


@pytest.mark.parametrize(
    ("column", "en", "zh"),
    [
        ("x_1", "Log operating revenue", "营业收入（对数）"),
        ("x_2", "log(Operating revenue + 1) / Employees", "log(营业收入 + 1) / 用工人数"),
        ("x_3", "Log operating revenue, year before", "营业收入（对数）（上年）"),
        ("x_4", "Revenue (total)", "Revenue (total)"),
        ("x_5", "output (all)", "output (all)"),
        ("staff2", "log(staff2)", "log(staff2)"),
    ],
)
def test_expressions_are_said_in_labels(column: str, en: str, zh: str) -> None:
    assert [words("en").label(column), words("zh").label(column)] == [en, zh]


def test_effects_of_units_have_their_word() -> None:
    assert words("en", "state | 州").of("effects", "firm_id + year") == "state + year"
    assert words("zh", "state | 州").of("effects", "firm_id + year") == "州 + 年份"
    assert words("en").of("effects", "firm_id") == "unit"
