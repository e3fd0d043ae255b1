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


def test_a_group_that_is_gone_is_made_of_its_units_of_the_year_before() -> None:
    rows = panel()[lambda p: ~((p["path"] == "x") & (p["year"] == 2021))]
    totals = bureau.growth_table(rows, "path", ["revenue"], 2021)
    assert totals.loc[("revenue", "x"), "before"] * 10_000 == 400
    parts = bureau.contributions(rows, "path", ["revenue"], 2021)
    summed = parts.groupby(KEYS)[bureau.CONTRIBUTED].sum().loc[totals.index]
    np.testing.assert_allclose(summed["before"], totals["before"].fillna(0) * 10_000)


def test_nothing_to_add_up_is_an_empty_table() -> None:
    assert bureau.growth_table(panel(), "path", [], 2021).empty
    assert bureau.contributions(panel(), "path", [], 2021).empty
    assert bureau.means(panel(), ["path", "year"], "fi").empty


def test_means_say_how_many_units_they_rest_on() -> None:
    found = bureau.means(panel(), ["path", "year"], "revenue").set_index(["path", "year"])
    assert found.loc[("y", 2021)].tolist() == [125, 2] and found.loc[("x", 2020), "units"] == 2


def test_what_codes_leave_open_in_totals_by_path() -> None:
    """By hand: B's code leaves P1 or P4 open in both years, so that it goes with all its amounts to the one or the other."""
    told = {"A": ("P1", "P1", 10.0, 12.0), "B": ("", "P1,P4", 4.0, 8.0), "C": ("P4", "P4", 6.0, 3.0)}
    rows = [
        (firm, year, path or "unmapped", may, "2011", firm, amount * bureau.WAN_PER_YI)
        for firm, (path, may, *amounts) in told.items()
        for year, amount in zip((2015, 2016), amounts, strict=True)
    ]
    names = ["firm_id", "year", "path", "paths_possible", "edition", "code_own", "revenue"]
    panel = pd.DataFrame(rows, columns=names)
    plain = bureau.growth_table(panel, "path", ["revenue"], 2016).reset_index()
    ends = bureau.with_ends(plain, panel, 2016).set_index("group")
    assert ends.loc["P1", ["amount", "amount_high"]].tolist() == [12.0, 20.0]
    assert ends.loc["P4", ["amount", "amount_high"]].tolist() == [3.0, 11.0]
    assert ends.loc["P1", "share_high"] == pytest.approx(100 * 20 / 23)
    assert ends.loc["P1", ["growth_low", "growth_high"]].tolist() == pytest.approx(
        [20.0, 100 * (20 / 14 - 1)]
    )
    assert ends.loc["P4", ["nominal_low", "nominal_high"]].tolist() == pytest.approx([-50.0, 10.0])
    parts = bureau.contributions(panel, "path", ["revenue"], 2016)
    parts = bureau.with_open_parts(parts, panel, ["revenue"], 2016).query("group == 'P4'")
    sides = parts[["nominal_high_now", "nominal_high_before"]].sum() / bureau.WAN_PER_YI
    assert sides.tolist() == [11.0, 10.0]
    shut = panel.assign(paths_possible=panel["path"].replace("unmapped", ""))
    assert bureau.with_ends(plain, shut, 2016).equals(plain)


def test_the_largest_group_is_there_where_no_share_is_known() -> None:
    totals = pd.DataFrame({"measure": "m", "group": ["total", "P1", "P2"], "share": [100.0, 20.0, 80.0]})
    assert bureau.largest(totals)["group"] == "P2"
    assert bureau.largest(totals.assign(share=float("nan")))["group"] == "P1"
