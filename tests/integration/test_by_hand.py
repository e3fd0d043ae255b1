"""Sixteen firms whose integration was worked out by hand, with the prior as relatedness."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from handmade import Measure, panel, sells

from fusion.integration import firms, relatedness

POINTS: dict[str, tuple[dict[str, Any], float]] = {
    "1 pure factory": (sells("3421", {}), 0.0),
    "2 pure consultancy": (sells("7243", {"7243": 100}, biz_activity_codes="7243"), 0.0),
    "3 machine tools, repair, R&D": (sells("3421", {"4330": 20, "7320": 5}), 0.43),
    "4 steel and flats": (sells("3130", {"7040": 10}), 0.0),
    "5 steel, design and flats": (sells("3130", {"7484": 10, "7040": 10}), 0.18),
    "6 fabless chips of its own brand": (sells("6520", {"6520": 80}, goods_rev_by_class={"3973": 20}), 0.36),
    "7 contract developer with own drugs": (
        sells("7340", {"7340": 60}, goods_rev_by_class={"2710": 40}),
        0.72,
    ),
    "8 cars and food, finance and design": (
        sells("3611", {"6634": 10, "7491": 10}, goods_rev_by_class={"3611": 50, "1411": 30}),
        0.36,
    ),
    "9 pumps and repair, half and half": (sells("3441", {"4330": 50}), 0.90),
    "10 instruments and some design": (sells("4011", {"7491": 5}), 0.07),
    "11 its mirror": (sells("7491", {"7491": 95}, goods_rev_by_class={"4011": 5}), 0.07),
    "14 factory alone": (sells("3421", {}, operating_revenue=80.0), 0.0),
    "14 its repair subsidiary": (
        sells("4330", {"4330": 20}, operating_revenue=20.0, biz_activity_codes="4330"),
        0.0,
    ),
    "14 both as one": (sells("3421", {"4330": 20}), 0.36),
}


@pytest.mark.parametrize("firm", POINTS)
def test_firms_that_tell_their_classes(firm: str, measure: Measure) -> None:
    row, expected = POINTS[firm]
    found = measure(row).iloc[0]
    assert found["point"] == pytest.approx(expected)
    assert found["low"] == pytest.approx(expected)
    # A services firm that names no goods may still have revenue that is neither: none here, all is told.
    assert found["high"] == pytest.approx(expected)


def test_contracts(measure: Measure) -> None:
    """12: goods 30, repair 10, a contract of 60 for goods and services together."""
    whole = sells("3421", {"4330": 10}, contract_revenue=60.0)
    found = measure(whole, {**whole, "contract_goods": 20.0})
    assert found.loc["F0", ["low", "high"]].tolist() == pytest.approx([0.18, 0.98])
    assert np.isnan(found.loc["F0", "point"])
    assert found.loc["F1", ["low", "point", "high"]].tolist() == pytest.approx([0.98] * 3)


def test_engines_by_the_hour(measure: Measure) -> None:
    """13: all revenue is service, and engines of 40 were placed at customers in the year."""
    sold = sells("3412", {"4330": 100})
    found = measure(sold, {**sold, "goods_placed": 40.0})
    assert found.loc["F0", ["low", "high"]].tolist() == pytest.approx([0, 0.9])
    assert np.isnan(found.loc["F0", "point"])
    assert found.loc["F1", "point"] == pytest.approx(2 * 40 / 140 * 0.9)


def test_services_without_classes(measure: Measure) -> None:
    """15: a maker of the fourth path tells services of 25; its path's mean relatedness is .72."""
    found = measure({"ind4": "3421", "service_revenue": 25.0}, unknown=0.72).iloc[0]
    assert found[["low", "point", "high"]].tolist() == pytest.approx([0, 0.36, 0.45])
    assert found["tier"] == 1


def test_a_firm_that_tells_nothing(measure: Measure) -> None:
    """16: from nothing to most, and no point."""
    found = measure({"ind4": "3421"}).iloc[0]
    assert found[["low", "high"]].tolist() == pytest.approx([0, 0.9])
    assert np.isnan(found["point"]) and found["tier"] == 0


def test_activities_stand_in_for_classes(measure: Measure) -> None:
    """The mean of the named services' relatedness, as a point; the bounds stay those of any service."""
    named = {"ind4": "3421", "service_revenue": 10.0, "biz_activity_codes": "3421|4330|7320"}
    found = measure(named).iloc[0]
    assert found["point"] == pytest.approx(2 * 0.1 * (0.9 + 0.7) / 2)
    assert found[["low", "high"]].tolist() == pytest.approx([0, 2 * 0.1 * 0.9])


def test_a_services_firm_whose_goods_are_open(measure: Measure) -> None:
    """It names goods but not how much: revenue beside services may be theirs, or not."""
    firm = sells("7320", {"7320": 90}, biz_activity_codes="7320|3421")
    found = measure(firm, {**firm, "biz_activity_codes": "7320"})
    assert np.isnan(found.loc["F0", "point"]) and found.loc["F0", "low"] == 0
    assert found.loc["F0", "high"] == pytest.approx(found.loc["F1", "high"]) and found.loc["F0", "high"] > 0
    assert found.loc["F1", "point"] == 0


def test_a_reported_tied_share_beats_classes(measure: Measure) -> None:
    found = measure(sells("3421", {"4330": 20}, service_revenue_tied=15.0)).iloc[0]
    assert found[["low", "point", "high"]].tolist() == pytest.approx([0.3] * 3)
    assert found["tier"] == 4


def test_split_codes_give_intervals(measure: Measure) -> None:
    """6520 of 2011 was split into 6531 and 6540 (partners of this path) and 6532 (close); 73 is many classes."""
    found = measure(sells("3421", {"73": 10}), sells("3421", {"6520": 10}, class_version="2011"))
    assert found.loc["F0", "low"] < found.loc["F0", "point"] < found.loc["F0", "high"]
    assert found.loc["F1", ["low", "point", "high"]].tolist() == pytest.approx(
        [0.14, 0.2 * (0.7 + 0.9 + 0.9) / 3, 0.18]
    )


def test_zero_reported_is_zero(measure: Measure) -> None:
    found = measure({"ind4": "3421", "service_revenue": 0.0}).iloc[0]
    assert found[["low", "point", "high"]].tolist() == [0, 0, 0]


def test_revenue_of_nothing_has_no_row(measure: Measure) -> None:
    assert measure(
        {"ind4": "3421", "operating_revenue": 0.0}, {"ind4": "3421", "operating_revenue": None}
    ).empty


def test_codes_that_no_edition_has(measure: Measure) -> None:
    """Between unrelated and most related; the point is the declared one."""
    found = measure(sells("3421", {"9999": 10}), unknown=0.5).iloc[0]
    assert found[["low", "point", "high"]].tolist() == pytest.approx([0, 0.1, 0.18])


def test_full_mix_below_half(measure: Measure) -> None:
    """With m = .2 a firm of a fifth services is fully mixed."""
    found = measure(sells("3421", {"4330": 20}), sells("3421", {"4330": 10}), mix=0.2)
    assert found["point"].tolist() == pytest.approx([0.9, 0.45])


def test_in_yuan(measure: Measure) -> None:
    found: pd.DataFrame = measure(sells("3421", {"4330": 200, "7040": 50}, operating_revenue=1000.0))
    assert (found["point"] * found["volume"]).tolist() == pytest.approx([2 * 200 * 0.9])


def test_stages_add_up_to_integration(prior: relatedness.Relatedness) -> None:
    """Repair 20 (.9) and R&D 5 (.7) beside machine tools: 36 and 7 points; flats are of no stage; who is silent has no row."""
    rows = [POINTS["3 machine tools, repair, R&D"][0], sells("3130", {"7040": 10}), sells("3421", None)]
    table, settings = panel(*rows), firms.Settings()
    found = firms.integration(table, prior, settings).to_pandas()
    parts = firms.by_stage(table, prior, settings, found).set_index("firm_id").drop(columns="year")
    assert parts.loc["F0"].to_dict() == pytest.approx({"integration_by_back": 36, "integration_by_front": 7})
    assert parts.loc["F1"].eq(0).all() and list(parts.index) == ["F0", "F1"]
    half = firms.Settings(mix=0.2)
    found = firms.integration(table, prior, half).to_pandas()
    parts = firms.by_stage(table, prior, half, found).drop(columns=["firm_id", "year"])
    assert parts.sum(axis=1).tolist() == pytest.approx((100 * found["point"].dropna()).tolist())
