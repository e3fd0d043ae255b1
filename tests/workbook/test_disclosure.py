"""Nobody's value can be had from what is published, by looking, by subtraction, or across tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbook.publish.disclosure import TOTAL, DisclosureError, Rules, intervals, protect, tabulate

RULES = Rules(min_units=3, dominance_units=1, dominance_share=0.8, p_percent=10)


@pytest.mark.parametrize(
    ("amounts", "reason"),
    [
        ([5, 5], "frequency"),  # two units
        ([90, 5, 5], "dominance"),  # 90 % > 80 %
        ([70, 28, 2], "p %"),  # the second knows 30 is left but its own 28: 2 < 10 % of 70
        ([70, 28, 8], ""),  # 8 ≥ 7
        ([-90, 5, 5], "dominance"),  # a large loss gives away as much as a large gain
        ([0, 0, 0], ""),
        ([], ""),
    ],
)
def test_primary_rules_by_hand(amounts: list[float], reason: str) -> None:
    assert RULES.reason(amounts, len(amounts)) == reason


def micro(seed: int = 1, firms: int = 60) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "firm": [f"F{i}" for i in range(firms)],
            "path": draw.choice(["P1", "P2", "P3"], firms, p=[0.6, 0.35, 0.05]),
            "district": draw.choice(["A", "B", "C", "D"], firms),
            "sales": draw.lognormal(3, 1.5, firms).round(1),
        }
    )


def test_totals_are_sums() -> None:
    table = micro()
    cells = tabulate(table, [("path", "district")], "firm", RULES, "sales")
    grand = cells[(cells["path"] == TOTAL) & (cells["district"] == TOTAL)].iloc[0]
    assert grand["value"] == pytest.approx(table["sales"].sum()) and grand["units"] == 60
    inner = cells[(cells["path"] != TOTAL) & (cells["district"] != TOTAL)]
    assert inner["value"].sum() == pytest.approx(grand["value"])


def test_one_hidden_cell_alone_is_had_by_subtraction_and_three_more_prevent_it() -> None:
    # Two by two, all large but one: hiding it alone gives it away; the rectangle must go.
    cells = pd.DataFrame(
        [(r, c, v, n, reason) for r, c, v, n, reason in [
            ("a", "x", 10.0, 1, "frequency"), ("a", "y", 50.0, 9, ""), ("b", "x", 60.0, 9, ""), ("b", "y", 80.0, 9, ""),
            ("a", TOTAL, 60.0, 10, ""), ("b", TOTAL, 140.0, 18, ""), (TOTAL, "x", 70.0, 10, ""),
            (TOTAL, "y", 130.0, 18, ""), (TOTAL, TOTAL, 200.0, 28, "")]],
        columns=["row", "column", "value", "units", "reason"],
    )  # fmt: skip
    alone = intervals(cells, ["row", "column"], cells["reason"] != "")
    assert alone.loc[0, "low"] == pytest.approx(10) == alone.loc[0, "high"], (
        "the attack must work to mean something"
    )
    safe = protect(cells, ["row", "column"], RULES)
    hidden = safe["status"] != "published"
    after = intervals(safe, ["row", "column"], hidden).loc[0]
    assert after["low"] <= 9 and after["high"] >= 11
    assert hidden.sum() < len(cells), "something is left to publish"


def check(
    table: pd.DataFrame, tables: list[tuple[str, ...]], dimensions: list[str], value: str | None
) -> int:
    cells = tabulate(table, tables, "firm", RULES, value)
    safe = protect(cells, dimensions, RULES, counts=value is None)
    hidden = (safe["status"] != "published").to_numpy()
    primary = np.flatnonzero(safe["status"] == "primary")
    known = intervals(safe, dimensions, hidden, list(primary))
    for i, row in known.iterrows():
        true = safe["value"].iloc[i]
        assert row["low"] <= true + 1e-6 <= row["high"] + 2e-6, "the truth is among what is possible"
        if value is None:
            assert row["high"] >= RULES.min_units and row["high"] - row["low"] >= 1
        else:
            assert row["high"] >= 1.1 * true - 1e-4 and row["low"] <= 0.9 * true + 1e-4
    return len(primary)


@pytest.mark.parametrize("value", ["sales", None])
def test_linked_tables_give_nothing_away(value: str | None) -> None:
    """Path × district and path × year share the path margin: each alone is safe, together they may not be."""
    table = micro()
    table["year"] = np.where(np.arange(60) % 2, "2020", "2021")
    tables = [("path", "district"), ("path", "year")]
    assert check(table, tables, ["path", "district", "year"], value) > 0, "nothing was at stake"


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), firms=st.integers(12, 80))
def test_no_table_of_chance_gives_anything_away(seed: int, firms: int) -> None:
    try:
        check(micro(seed, firms), [("path", "district")], ["path", "district"], "sales")
    except DisclosureError as error:  # so few firms that nothing may be published
        assert "do not publish" in str(error)


def test_what_cannot_be_protected_is_refused() -> None:
    table = pd.DataFrame({"firm": ["F1", "F2"], "path": ["P1", "P1"], "sales": [1.0, 2.0]})
    cells = tabulate(table, [("path",)], "firm", RULES, "sales")
    safe = protect(cells, ["path"], RULES)
    assert (safe["status"] == "primary").all(), "a table of two firms has nothing to publish"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"path": ["P1", None, "P2"]}, "'path' has missing values"),
        ({"path": ["P1", TOTAL, "P2"]}, "marks totals"),
        ({"firm": ["F1", None, "F2"]}, "every row needs the unit"),
    ],
)
def test_bad_input(change: dict[str, list[str]], message: str) -> None:
    table = pd.DataFrame({"firm": ["F1", "F2", "F3"], "path": ["P1", "P1", "P2"]} | change)
    with pytest.raises(DisclosureError, match=message):
        tabulate(table, [("path",)], "firm", RULES)
    with pytest.raises(DisclosureError, match="not in the table: sales"):
        tabulate(table, [("path",)], "firm", RULES, "sales")


def test_rules_have_ranges() -> None:
    with pytest.raises(DisclosureError, match="p_percent"):
        Rules(p_percent=100)
