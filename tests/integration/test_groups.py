"""Groups of enterprises beside their legal units: services that were spun off, sales within the group, who is silent."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest
from handmade import PRIOR, panel, sells

from fusion.integration import firms, groups, presets, relatedness

MADE = relatedness.relatedness(PRIOR)
MAKER = {"ind4": "3421", "service_revenue": 0.0, "group_id": "G"}


def unit(main: str, services: dict[str, float], **more: Any) -> dict[str, Any]:
    return sells(main, services, group_id="G", **more)


def of(*rows: dict[str, Any]) -> pd.Series:
    table, _ = groups.beside(panel(*rows), MADE)
    assert len(table) == 1
    return table.iloc[0]


def point(*rows: dict[str, Any]) -> float:
    return 100 * firms.integration(panel(*rows), MADE).to_pandas()["point"].iloc[0]


def test_services_spun_off_are_as_before_together_and_nothing_apart() -> None:
    repair = unit("4330", {"4330": 100}, service_revenue_external=40.0)
    found = of(MAKER, repair)
    assert found[["groups", "units", "left_out", "alone"]].tolist() == [1, 2, 0, 0]
    whole = sells("3421", {"4330": 100}, operating_revenue=200.0)
    assert found["together"] == pytest.approx(point(whole)) and found["together"] > 80
    assert found["told"] == 1 and found["same"] == pytest.approx(found["together"])
    # Of the 100 of repair 60 were sold to the maker: to others the group is one that makes 100 and repairs 40.
    assert found["outside"] == pytest.approx(
        point(sells("3421", {"4330": 40}, operating_revenue=140.0)), abs=1e-9
    )


def test_a_group_of_one_kind_is_no_more_integrated_than_its_units() -> None:
    assert of(MAKER, MAKER)["together"] == 0
    assert of(unit("4330", {"4330": 100}), unit("7243", {"7243": 100}))["together"] == 0


def test_units_that_are_alike_make_the_same_together() -> None:
    one = unit("3421", {"4330": 20, "7491": 10})
    found = of(one, one, one)
    assert found["together"] == pytest.approx(found["alone"]) and found["alone"] == pytest.approx(point(one))


def test_together_is_never_less_than_one_by_one() -> None:
    """Pairs within units can be kept: F of the sum is at least the mean of the parts."""
    rows = [
        unit("3421", {"4330": 30}), unit("2710", {"7320": 60}), unit("7491", {"7491": 100}),
        unit("3611", {"6631": 10, "4330": 5}, goods_rev_by_class={"3611": 50, "3670": 35}),
    ]  # fmt: skip
    for left in range(len(rows)):
        found = of(*[row for i, row in enumerate(rows) if i != left])
        assert found["together"] >= found["alone"] - 1e-6


def test_who_is_silent_leaves_its_group_without_a_number() -> None:
    table, parts = groups.beside(panel(MAKER, {**MAKER, "service_revenue": None}), MADE)
    assert table.empty and parts.empty
    other = {**MAKER, "group_id": "H"}
    table, parts = groups.beside(
        panel(
            MAKER, {**MAKER, "service_revenue": None}, other, unit("4330", {"4330": 100}) | {"group_id": "H"}
        ),
        MADE,
    )
    assert table[["groups", "units", "left_out"]].iloc[0].tolist() == [1, 2, 1] and list(parts["unit"]) == [
        "H"
    ]


def test_editions_are_not_mixed() -> None:
    table, _ = groups.beside(panel(MAKER, {**MAKER, "class_version": "2011"}), MADE)
    assert table.empty


def test_without_sales_outside_there_is_no_number_for_them() -> None:
    found = of(MAKER, unit("4330", {"4330": 100}))
    assert found[["outside", "same"]].isna().all() and found["told"] == 0 and found["together"] > 80


def test_classes_that_some_units_tell_are_not_lost() -> None:
    """One unit tells classes, another names its services alone: together as much as one by one, if not more."""
    quiet = {"ind4": "3421", "service_revenue": 20.0, "biz_activity_codes": "3421|7040", "group_id": "G"}
    found = of(unit("3421", {"4330": 30}), quiet)
    assert found["together"] >= found["alone"] - 1e-6 and found["alone"] > 10


def test_named_services_stay_with_the_unit_that_names_them() -> None:
    """Repair of the one does not become real estate because another unit of the group names that."""
    repairs = {"ind4": "3421", "service_revenue": 30.0, "biz_activity_codes": "3421|4330", "group_id": "G"}
    lets = {"ind4": "3421", "service_revenue": 5.0, "biz_activity_codes": "3421|7040", "group_id": "G"}
    found = of(repairs, lets)
    assert found["together"] == pytest.approx(found["alone"], rel=0.02)


def test_revenue_that_is_neither_pairs_with_nothing() -> None:
    """A third of a consultancy's revenue is trade: it is no goods of the group's main code."""
    trade = unit("7243", {"7243": 60}, goods_rev_by_class={})
    goods = of(MAKER, trade)
    same = {
        **sells("3421", {"7243": 60}, operating_revenue=200.0),
        "goods_rev_by_class": {"3421": 100, "9700": 40},
    }
    assert goods["together"] == pytest.approx(point(same))


def test_one_unit_is_no_group_and_no_column_no_table() -> None:
    assert groups.beside(panel(MAKER, {**MAKER, "group_id": None}), MADE)[0].empty
    assert groups.beside(panel({"ind4": "3421", "service_revenue": 0.0}), MADE)[0].empty


def test_parts_add_up_to_the_table() -> None:
    rows = [MAKER, unit("4330", {"4330": 100}), {**MAKER, "group_id": "H"}, {**MAKER, "group_id": "H"}]
    table, parts = groups.beside(panel(*rows), MADE)
    for name in ("alone", "together"):
        assert parts[f"{name}_part"].sum() / parts[f"{name}_whole"].sum() == pytest.approx(
            table[name].iloc[0]
        )


def test_sales_of_service_modes_are_another_share() -> None:
    """Goods within the contracts count: a maker of 10 services sells 45 under such contracts."""
    told = sells("3421", {"4330": 10}, mode_sales=45.0)
    table = presets.measures(panel(told, {**told, "mode_sales": None}, {**told, "ind4": "7243"}), MADE)
    assert table["service_share"].iloc[0] == 10 and table["mode_share"].iloc[0] == 45
    assert table["mode_share"].isna().tolist() == [False, True, True]
    assert presets.lacking(table.assign(A2=1.0, mode_share=float("nan")))["columns"] == ["mode_sales"]
    assert json.dumps(presets.READS).count("mode_sales") == 1
