"""Sums that do not add up: the smallest set of cells to change, by hand."""

from __future__ import annotations

import ibis
import pandas as pd

from fusion.editing import review
from fusion.panel import checks
from fusion.panel.contract import contract
from fusion.panel.readers import Raw


def raw(frame: pd.DataFrame) -> Raw:
    table = ibis.duckdb.connect().create_table("returns", frame)
    known = {c.column: c for c in contract()}
    quality = pd.DataFrame(columns=["rule", "severity", "row", "field", "value", "message_en", "message_zh"])
    return Raw(table, quality, {c: known[c] for c in frame if c != "source_row"}, "made", len(frame))


BALANCE = [
    "total_assets",
    "current_assets",
    "fixed_assets_net",
    "intangible_assets",
    "inventory",
    "accounts_receivable",
]


def sheets(*wrong: tuple[int, str, float]) -> Raw:
    """Three years of one unit: 1200 = 600 + 300 + 200 and 100 of others; current assets hold 150 + 250."""
    lines = [("U1", y, 1200.0, 600.0, 300.0, 200.0, 150.0, 250.0) for y in (2018, 2019, 2020)]
    frame = pd.DataFrame(lines, columns=["firm_id", "year", *BALANCE])
    for year, column, value in wrong:
        frame.loc[frame["year"] == year, column] = value
    frame.insert(0, "source_row", range(1, len(frame) + 1))
    return raw(frame)


def asked(given: Raw) -> list[list[object]]:
    found = review.mendings(given, checks.check(given, "set_aside"))
    return found[["year", "item", "suggested"]].to_numpy().tolist()


def test_a_part_that_breaks_a_sum_and_no_single_rule_is_the_one_cell_to_change() -> None:
    """Fixed assets of 900 are below the whole of 1200, but 600 + 900 + 200 are not: years beside say 300."""
    (line,) = asked(sheets((2019, "fixed_assets_net", 900.0)))
    assert line[:2] == [2019, "fixed_assets_net"] and line[2] <= 400.0 + 0.3


def test_a_slip_of_ten_in_a_part_is_divided_and_nothing_else_is_touched() -> None:
    assert asked(sheets((2019, "intangible_assets", 2000.0))) == [[2019, "intangible_assets", 200.0]]
    assert asked(sheets((2020, "inventory", 1500.0))) == [[2020, "inventory", 150.0]]


def test_a_whole_that_is_too_small_for_all_its_parts_is_the_cell_to_change() -> None:
    (line,) = asked(sheets((2019, "total_assets", 120.0)))
    assert line == [2019, "total_assets", 1200.0]


def test_sums_that_hold_are_not_asked_for() -> None:
    assert asked(sheets()) == []
