"""A range of one number is said as that number."""

from __future__ import annotations

import pytest

from workbook.exhibits.words import narrowed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("From year to year 0.0% to 0.0% leave", "From year to year 0.0% leave"),
        ("the groups hold 140 to 140 hospitals.", "the groups hold 140 hospitals."),
        ("Integration by district: from 6.9 to 6.9", "Integration by district: 6.9"),
        ("estimates between −0.010 and −0.010", "estimates −0.010"),
        ("估计介于 0.036 与 0.036", "估计为 0.036"),
        ("2022 年各区介于 0.0 与 0.0 之间", "2022 年各区为 0.0"),
        ("districts lie between 0.0 and 0.0 in 2022", "districts lie at 0.0 in 2022"),
        ("Integration lies between 0.0% and 0.0% of revenue", "Integration lies at 0.0% of revenue"),
        ("各区介于 0.0 与 1.0 之间", "各区介于 0.0 与 1.0 之间"),
        ("各组每年退出 0.0% 至 0.0%", "各组每年退出 0.0%"),
        # Two numbers, and what is no range.
        ("from 6.9 to 6.95", "from 6.9 to 6.95"),
        ("from 1.5 to 15", "from 1.5 to 15"),
        ("+0.1 to 0.1", "+0.1 to 0.1"),
        ("12 to 12,000", "12 to 12,000"),
        ("3 to 3%", "3 to 3%"),
        ("2.1 to 1", "2.1 to 1"),
    ],
)
def test_ranges_of_one_number(text: str, expected: str) -> None:
    assert narrowed(text) == expected
