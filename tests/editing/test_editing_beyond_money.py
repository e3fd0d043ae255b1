"""Slips of persons, per cent and tons on 260 planted: what is named is right, and most are named."""

from __future__ import annotations

import pytest

from evidence.returns import beyond_money


@pytest.mark.parametrize("rough", [False, True])
def test_planted_slips_beyond_money_are_named(rough: bool) -> None:
    planted = beyond_money.plant(1000, 2, 300, 100, rough)
    assert len(planted.slips) >= 200 and len(planted.jumps) > 50
    found = beyond_money.judged(planted)
    assert set(found.index) == {"persons", "per cent", "tons", "all"}
    assert found.loc["all", "precision"] >= 0.95 and found.loc["all", "recall"] >= 0.93
    assert found["recall"].min() >= 0.85 and found.loc["all", "right"] >= 0.9
    # A quarter to twelve times, from some year on: no slip of persons or tons, and of no share.
    assert found.loc["all", "jumps"] <= 2
