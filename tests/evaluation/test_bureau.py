"""Tables in a bureau's form: totals by hand, and what units add to them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fusion.evaluation import bureau

KEYS = ["measure", "group"]


def panel() -> pd.DataFrame:
    """a stays in x, b moves from x to y, c enters y in 2021."""
    rows = [("a", 2020, "x", 100.0), ("a", 2021, "x", 150.0), ("b", 2020, "x", 300.0)]
    rows += [("b", 2021, "y", 200.0), ("c", 2021, "y", 50.0), ("d", 2021, "y", np.nan)]
    return pd.DataFrame(rows, columns=["firm_id", "year", "path", "revenue"])


def test_totals_by_hand_and_contributions_that_make_them() -> None:
    totals = bureau.growth_table(panel(), "path", ["revenue"], 2021)
    assert (totals["amount"] * 10_000).tolist() == [150, 250, 400]
    assert totals.loc[("revenue", "x"), "nominal"] == pytest.approx(100 * (150 / 400 - 1))
    # On comparable scope: a from 100 to 150; b, now in y, from 300 to 200; c is new.
    assert totals["growth"].tolist() == pytest.approx([50, -100 / 3, -12.5])
    assert totals["matched"].tolist() == [1, 1, 2]
    assert totals["units"].tolist() == [1, 2, 3]
    parts = bureau.contributions(panel(), "path", ["revenue"], 2021)
    summed = parts.groupby(KEYS)[bureau.CONTRIBUTED].sum().loc[totals.index]
    np.testing.assert_allclose(summed["amount"], totals["amount"] * 10_000)
    np.testing.assert_allclose(100 * summed["share_part"] / summed["share_whole"], totals["share"])
    assert summed["nominal_before"].tolist() == [400, 0, 400] and summed["growth_before"].tolist() == [
        100,
        300,
        400,
    ]
    assert summed["growth_now"].tolist() == [150, 200, 350] and summed["nominal_now"].tolist() == [
        150,
        250,
        400,
    ]
    assert parts.set_index([*KEYS, "unit"]).loc[("revenue", "x", "c"), "share_whole"] == 50
    assert bureau.largest(totals.reset_index())["group"] == "y"


def test_nothing_to_add_up_is_an_empty_table() -> None:
    assert bureau.growth_table(panel(), "path", [], 2021).empty
    assert bureau.contributions(panel(), "path", [], 2021).empty
    assert bureau.means(panel(), ["path", "year"], "fi").empty


def test_means_say_how_many_units_they_rest_on() -> None:
    found = bureau.means(panel(), ["path", "year"], "revenue").set_index(["path", "year"])
    assert found.loc[("y", 2021)].tolist() == [125, 2] and found.loc[("x", 2020), "units"] == 2
