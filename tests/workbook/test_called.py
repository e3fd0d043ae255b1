"""A study of cities reads of cities: the workbook's word for a unit is the study's."""

from __future__ import annotations

import pytest

from workbook.called import called
from workbook.exhibits.words import Filler, Words

CASES = [
    ("en", "A firm enters; an enterprise leaves.", "A city enters; a city leaves."),
    ("en", "12 firm-years of 3 firms", "12 city-years of 3 cities"),
    ("en", "the firm's own, all firms' sums", "the city's own, all cities' sums"),
    ("en", "Firms left; confirmed", "Cities left; confirmed"),
    ("zh", "每家企业一行；国家标准", "每个城市一行；国家标准"),
    ("zh", " 家企业中 12 家曾受处理", " 个城市中 12 个曾受处理"),
]


@pytest.mark.parametrize(("language", "text", "wanted"), CASES)
def test_words_for_units(language: str, text: str, wanted: str) -> None:
    assert called(text, "city | 城市", language) == wanted
    assert called(text, None, language) == text


def test_vowels_take_an() -> None:
    assert called("A firm and a firm-year", "industry | 行业", "en") == "An industry and an industry-year"


def test_what_is_filled_in_is_not_touched() -> None:
    """A name of the data that holds the word stays what it is."""
    from workbook.exhibits.sheets import Text

    filler = Filler(Words("en", unit="city | 城市"), {"name": "Firm X", "n": 3}, {})
    assert filler.one(Text(en="{n} firms, {name}", zh="")) == "3 cities, Firm X"


def test_keys_are_labelled_by_the_unit() -> None:
    import pandas as pd

    book = pd.DataFrame(
        {
            "column": ["firm_id"],
            "label_en": ["Firm identifier"],
            "label_zh": ["统一社会信用代码"],
            "unit": [""],
        }
    )
    assert Words("en", book, "city | 城市").label("firm_id") == "City identifier"
    assert Words("zh", book, "city | 城市").label("firm_id") == "城市标识"
    assert Words("zh", book).label("firm_id") == "统一社会信用代码"
