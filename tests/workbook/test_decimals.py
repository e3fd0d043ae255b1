"""Decimals of tables: three for what is small, fewer for amounts, as many as a sheet asks for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbook import digits
from workbook.exhibits import printed, sheets
from workbook.exhibits.record import Record
from workbook.exhibits.words import Filler, Words


def test_a_narrow_interval_has_the_decimals_that_part_its_ends() -> None:
    """An outcome with hardly any noise: "0.077 (95% interval 0.077)" says nothing of what is known."""
    wording = sheets.Text(
        en="{size.estimate:+.3f} ({size.ci_low:.3f} to {size.ci_high:.3f})",
        zh="{size.estimate:+.3f}（{size.ci_low:.3f} 至 {size.ci_high:.3f}）",
    )

    def told(*size: float) -> str:
        named = dict(zip(digits.TOGETHER, size, strict=True))
        return Filler(Words("en", pd.DataFrame()), {"size": named}, {}, None).all(wording)

    assert told(0.076644, 0.076612, 0.076676) == "+0.07664 (0.07661 to 0.07668)"
    assert told(0.069, 0.05, 0.088) == "+0.069 (0.050 to 0.088)"
    assert told(0.5, 0.5, 0.5) == "+0.500 (0.500)"


@pytest.mark.parametrize(
    ("cells", "declared", "expected"),
    [
        ([0.05, 610.155], 3, 3),  # the small one would be nil
        ([610.155, -368.9], 3, 1),
        ([61015.5, np.nan, 0.0, -1851.4], 3, 0),
        ([61015.5], 2, 2),  # the sheet's own choice
        ([99.9, 5000.0], 3, 3),
        (pd.Series([12, 5000]), 3, 3),  # counts have none anyway
        (pd.Series(["a", None, 2500.5], dtype=object), 3, 0),
        ([], 3, 3),
        (1234.5, 3, 0),
    ],
)
def test_amounts_have_fewer_decimals(cells: object, declared: int, expected: int) -> None:
    assert printed.decimals(cells, declared) == expected


def test_an_estimate_and_its_interval_have_the_same() -> None:
    row = pd.Series({"estimate": 610.155, "ci_low": 36.905, "ci_high": 1851.406})
    assert printed._estimate(row, 3) == ["610", "[37, 1,851]"]
    row = pd.Series({"estimate": 0.061, "ci_low": -0.01, "ci_high": 0.131})
    assert printed._estimate(row, 3) == ["0.061", "[−0.010, 0.131]"]


SMALL = {"estimate": 0.0004, "ci_low": -0.0018, "ci_high": 0.0012}


@pytest.mark.parametrize(
    ("values", "text", "told"),
    [
        (SMALL, "{top.estimate:+.3f} ({top.ci_low:.3f} to {top.ci_high:.3f})", "+0.0004 (−0.0018 to 0.0012)"),
        (SMALL, "{top.estimate:+.3f}", "+0.0004"),  # its interval stands elsewhere: the decimals are the same
        (SMALL, "{top.estimate:+.2f} ({top.ci_low:.2f} to {top.ci_high:.2f})", "+0.0004 (−0.0018 to 0.0012)"),
        (
            {"estimate": 0.0002, "ci_low": -0.5, "ci_high": 0.5},
            "{top.estimate:.3f} ({top.ci_low:.3f})",
            "0.0002 (−0.500)",
        ),
        (
            {"estimate": 1e-16, "ci_low": -0.5, "ci_high": 0.5},
            "{top.estimate:.3f}",
            "0.000",
        ),  # rounding of nil
        ({"estimate": 0.0, "ci_low": None, "ci_high": None}, "{top.estimate:.3f}", "0.000"),
        ({"estimate": 0.069, "ci_low": 0.021, "ci_high": 0.115}, "{top.estimate:+.3f}", "+0.069"),
        ({"estimate": 3e-7, "ci_low": 1e-7, "ci_high": 5e-7}, "{top.ci_low:.3f}", "0.00000010"),
        ({"estimate": 610.2, "ci_low": 30.1, "ci_high": 1190.3}, "{top.estimate:.3f}", "610"),
        ({"estimate": 0.0004}, "{top.estimate:.1f}%", "0.0%"),  # a sheet's own choice
    ],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_small_estimate_is_not_told_as_nil(
    language: str, values: dict[str, float | None], text: str, told: str
) -> None:
    filler = Filler(Words(language), {"top": values}, {})
    assert filler.one(sheets.Text(en=text, zh=text)) == told


def test_a_row_of_the_frame_is_an_estimate_with_its_interval_too() -> None:
    frame = pd.DataFrame([{"estimate": 0.7, "ci_low": 0.6, "ci_high": 0.8}, SMALL])
    filler = Filler(Words("en"), {}, {}, frame)
    assert filler.vformat("{frame.estimate.last:+.3f}", (), {}) == "+0.0004"
    assert filler.vformat("{frame.estimate.first:+.3f}", (), {}) == "+0.700"
    # Read together with what is larger the last has a digit of its own.
    asked = "{frame.estimate.min:.3f} to {frame.estimate.max:.3f}"
    assert filler.vformat(asked, (), {}) == "0.0004 to 0.700"


def test_rows_of_a_table_keep_two_digits_that_count() -> None:
    columns = ["estimate", "ci_low", "ci_high"]
    assert (
        digits.of_rows(pd.DataFrame([SMALL, {"estimate": 0.7, "ci_low": 0.6, "ci_high": 0.8}]), columns) == 4
    )
    assert (
        digits.of_rows(pd.DataFrame([{"estimate": 0.0, "ci_low": np.nan, "ci_high": np.nan}]), columns) == 3
    )
    assert digits.of_rows(pd.DataFrame({"estimate": [0.5, 1e-15]}), ["estimate"]) == 3
    # Without an error beside it only what would be nil has more.
    assert digits.of_rows(pd.DataFrame({"estimate": [0.5, 0.0012]}), ["estimate"]) == 3
    assert digits.of_rows(pd.DataFrame({"estimate": [0.5, 0.0002]}), ["estimate"]) == 4
    assert digits.of_rows(pd.DataFrame({"estimate": []}), ["estimate"]) == 3


def test_lines_of_a_regression_table_too() -> None:
    assert printed._estimate(pd.Series(SMALL), 3) == ["0.0004", "[−0.0018, 0.0012]"]
    assert printed._estimate(pd.Series(SMALL), 2) == ["0.0004", "[−0.0018, 0.0012]"]  # two would be nil
    assert printed._estimate(pd.Series({"estimate": 0.04, "ci_low": 0.02, "ci_high": 0.06}), 2)[0] == "0.04"


def test_a_caption_with_an_empty_value_is_the_exhibits_name() -> None:
    exhibit = sheets.sheet("07_robustness").exhibit("balance")
    record = Record("07_robustness", "balance", "table", "7.3", {"worst": {"none": None}}, "", "")
    entry = printed.entry(record, sheets.sheet("07_robustness"), Words("en"), {"treated": 3, "refused": []})
    assert entry["title"] == exhibit.name.en


@pytest.mark.parametrize(
    ("worst", "told"),
    [
        (
            {"none": 1.276, "matching": 0.2, "entropy": 0.01},
            "not weighted 1.28, matched 0.20, entropy weights 0.01",
        ),
        ({"none": 1.276, "matching": None, "entropy": 0.01}, "not weighted 1.28, entropy weights 0.01"),
        ({"none": 1.276, "matching": 0.2, "entropy": None}, "not weighted 1.28, matched 0.20"),
        (
            {"none": 1.276, "matching": None, "entropy": None},
            "1.28; neither matching nor entropy weights are possible with these data",
        ),
    ],
)
def test_balance_speaks_of_the_weights_that_there_are(worst: dict[str, float | None], told: str) -> None:
    values = {"worst": worst, "treated": 3, "refused": []}
    record = Record("07_robustness", "balance", "table", "7.3", values, "", "")
    parameters = {"match_strata": ""}
    title = printed.entry(record, sheets.sheet("07_robustness"), Words("en"), parameters)["title"]
    assert title == f"Largest standardised difference: {told}"
