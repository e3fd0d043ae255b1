"""What neighbours could pair, location quotients and co-agglomeration, by hand."""

from __future__ import annotations

import pandas as pd
import pytest
from handmade import panel, sells

from fusion.integration import firms, region, relatedness

FACTORY = sells("3421", {}, operating_revenue=80.0, employees_avg=80.0)
REPAIR = sells("4330", {"4330": 20}, operating_revenue=20.0, biz_activity_codes="4330", employees_avg=20.0)


def test_a_factory_and_its_repairer_next_door(prior: relatedness.Relatedness) -> None:
    """Alone 0 each; as one they would pair 20 of 100 at .9; apart in two districts, nothing."""
    near = panel({**FACTORY, "district": "A"}, {**REPAIR, "district": "A"})
    found = region.pooled(near, prior, firms.Settings(), "district", 2020).iloc[0]
    assert found[["within", "pooled", "between"]].tolist() == pytest.approx([0, 36, 36])
    far = panel({**FACTORY, "district": "A"}, {**REPAIR, "district": "B"})
    apart = region.pooled(far, prior, firms.Settings(), "district", 2020)
    assert apart["pooled"].isna().all() or (apart["pooled"].fillna(0) == 0).all()


def test_a_pool_is_never_below_its_firms(prior: relatedness.Relatedness) -> None:
    mixed = sells("3441", {"4330": 30}, district="A")
    found = region.pooled(
        panel(mixed, {**REPAIR, "district": "A"}), prior, firms.Settings(), "district", 2020
    ).iloc[0]
    assert found["within"] == pytest.approx(54 / 1.2)
    assert found["pooled"] == pytest.approx(100 * 2 * 50 * 0.9 / 120) and found["between"] > 0


def test_a_pool_is_set_against_the_revenue_of_all_that_are_in_it(prior: relatedness.Relatedness) -> None:
    """A services firm that names no goods has no point, but is in the pool: so is its revenue. The silent are in neither."""
    near = {"district": "A"}
    open_goods = {**REPAIR, **near, "biz_activity_codes": None}
    silent = {"ind4": "3421", "operating_revenue": 900.0, **near}
    made = panel({**FACTORY, **near}, open_goods, silent)
    found = region.pooled(made, prior, firms.Settings(), "district", 2020)
    quiet = region.silent_parts(made, "district", 2020)
    assert quiet["silent_part"].tolist() == [0, 0, 900] and quiet["silent_whole"].sum() == 1000
    assert found.loc[0, "silent"] == pytest.approx(90)
    assert found.loc[0, ["units", "within", "pooled", "between"]].tolist() == pytest.approx([2, 0, 36, 36])
    many = [
        {
            **open_goods,
            "operating_revenue": 200.0,
            "service_rev_by_class": {"4330": 200},
            "service_revenue": 200,
        }
    ] * 3
    crowded = region.pooled(panel({**FACTORY, **near}, *many), prior, firms.Settings(), "district", 2020)
    assert crowded.loc[0, "pooled"] == pytest.approx(100 * 2 * 80 * 0.9 / 680)


def test_the_region_with_most_to_pair_is_none_where_nothing_is_known() -> None:
    pool = pd.DataFrame({"region": ["A", "B", "C"], "between": [1.0, None, 3.0]})
    assert region.most(pool)["region"] == "C"  # type: ignore[index]
    assert region.most(pool.iloc[[1]]) is None and region.most(pool.iloc[:0]) is None


def test_no_column_of_regions(prior: relatedness.Relatedness) -> None:
    assert region.pooled(panel(FACTORY), prior, firms.Settings(), "district", 2020).empty
    assert region.silent_parts(panel(FACTORY), "district", 2020).empty
    assert region.location(pd.DataFrame({"firm_id": ["a"]}), "district", "employees_avg", 2020).empty
    assert region.together(pd.DataFrame({"firm_id": ["a"]}), "district", "employees_avg", 2020).empty


def test_quotients_and_co_agglomeration_by_hand() -> None:
    """District A has all makers and half of the servers; B the other half."""
    table = pd.DataFrame(
        {
            "firm_id": list("abcd"),
            "year": 2020,
            "district": ["A", "A", "A", "B"],
            "kind": ["manufacturing", "manufacturing", "services", "services"],
            "employees_avg": 10.0,
        }
    )
    found = region.location(table, "district", "employees_avg", 2020).set_index("region")
    assert found.loc["A", ["manufacturing", "services"]].tolist() == pytest.approx(
        [(2 / 3) / 0.5, (1 / 3) / 0.5]
    )
    assert found.loc["B", "manufacturing"] == 0 and found.loc["B", "services"] == pytest.approx(2)
    near = region.together(table, "district", "employees_avg", 2020, draws=50).iloc[0]
    # x = (3/4, 1/4), makers (1, 0), servers (1/2, 1/2): (1/4 · −1/4 + −1/4 · 1/4) / (1 − 10/16).
    assert near["gamma"] == pytest.approx(-0.125 / 0.375)
    assert near["low"] - 1e-12 <= near["chance"] <= near["high"] + 1e-12


def test_a_split_code_leaves_the_pool_between_its_classes(prior: relatedness.Relatedness) -> None:
    """3599 of 2011 is one of four classes now: the pool with its repairer lies between the least and the most related."""
    near = {"district": "A"}
    rows = [{**FACTORY, **near}, {**REPAIR, **near}]
    pools = {}
    for code, edition in [("3599", "2011"), *((c, "2017") for c in ("3491", "3492", "3599", "3964"))]:
        table = panel(
            {**rows[0], "ind4": code, "class_version": edition}, {**rows[1], "class_version": edition}
        )
        pools[edition, code] = region.pooled(table, prior, firms.Settings(), "district", 2020).iloc[0]
    open_code, settled = pools.pop(("2011", "3599")), [p["pooled"] for p in pools.values()]
    if max(settled) > min(settled):
        assert open_code["pooled_least"] == pytest.approx(min(settled))
        assert open_code["pooled_most"] == pytest.approx(max(settled))
        assert min(settled) <= open_code["pooled"] <= max(settled)
    else:
        assert open_code["pooled"] == pytest.approx(settled[0]) and "pooled_least" not in open_code
    assert all("pooled_least" not in p for p in pools.values())
