"""Units in the page's language."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from workbook import paths
from workbook.exhibits import words

HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize(
    ("unit", "english"),
    [
        ("ln 万元/人", "ln 10,000 yuan/person"),
        ("亿元", "100 million yuan"),
        ("基年 = 1", "base year = 1"),
    ],
)
def test_a_unit_in_both_languages(unit: str, english: str) -> None:
    assert words.unit_shown(unit, "en") == english
    assert words.unit_shown(unit, "zh") == unit


def test_every_unit_of_the_contract_has_english_words() -> None:
    found = pd.read_csv(paths.ROOT / "data" / "contract" / "panel.csv")["unit"].dropna().unique()
    assert [unit for unit in found if HAN.search(words.unit_shown(unit, "en"))] == []


@pytest.mark.parametrize(
    ("unit", "shown"),
    [
        ("美元", "USD"),
        ("万美元/人", "10,000 USD/person"),
        ("ln(1+件/百人)", "ln(1+number/100 persons)"),
        ("日元", "日元"),
    ],
)
def test_a_unit_is_translated_whole_or_left(unit: str, shown: str) -> None:
    """美元 was told as "美yuan"."""
    assert words.unit_shown(unit, "en") == shown and words.unit_shown(unit, "zh") == unit
