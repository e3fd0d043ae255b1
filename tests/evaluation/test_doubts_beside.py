"""Beside each table of totals: growth with the three largest doubts put right, and with all as expected."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from fusion.evaluation import bureau, doubts, producer, targets

# Firm c reports ten times its money in 2020; d a tenth of it, which moves little.
ROWS = [
    ("a", 2019, "x", 100.0), ("a", 2020, "x", 110.0), ("b", 2019, "y", 100.0), ("b", 2020, "y", 105.0),
    ("c", 2019, "y", 100.0), ("c", 2020, "y", 1200.0), ("d", 2019, "x", 10.0), ("d", 2020, "x", 1.1),
]  # fmt: skip
QUEUE = pd.DataFrame(
    [("c", 2020, "operating_revenue", 1200.0, 120.0, 140.0), ("d", 2020, "operating_revenue", 1.1, 11.0, 10.0),
     ("a", 2015, "operating_revenue", 5.0, 50.0, 50.0)],
    columns=["unit", "year", "item", "value", "put_right", "predicted"],
)  # fmt: skip


@pytest.fixture
def panel() -> pd.DataFrame:
    return pd.DataFrame(ROWS, columns=["firm_id", "year", "path", "operating_revenue"])


def _table(panel: pd.DataFrame, queue: pd.DataFrame, rules: bool = False) -> pd.DataFrame:
    asked = ("path", ["operating_revenue"], 2020)
    made = bureau.growth_table(panel, *asked).reset_index()
    return doubts.of_groups(made, panel, queue, *asked, rules)


def test_growth_of_each_group_is_told_with_the_largest_doubts_put_right(panel: pd.DataFrame) -> None:
    """By hand: all 310 → 1416.1; c put right and d put right: 346; as expected 140 and 10: 365."""
    told = _table(panel, QUEUE).set_index("group")
    assert told.loc["total", "growth"] == pytest.approx(100 * (1416.1 / 310 - 1))
    assert told["growth_three"].to_dict() == pytest.approx(
        {"x": 10.0, "y": 12.5, "total": 100 * (346 / 310 - 1)}
    )
    assert told["growth_expected"].to_dict() == pytest.approx(
        {"x": 100 * (120 / 110 - 1), "y": 22.5, "total": 100 * (365 / 310 - 1)}
    )
    assert "growth_reported" not in told, "the panel is as reported already"
    moved = doubts.most_moved(told.reset_index(), "growth")
    assert moved is not None and moved["group"] == "total"


def test_a_panel_put_right_unasked_tells_what_was_reported(panel: pd.DataFrame) -> None:
    right = panel.assign(operating_revenue=panel["operating_revenue"].replace({1200.0: 120.0, 1.1: 11.0}))
    told = _table(right, QUEUE).set_index("group")
    assert told.loc["total", "growth"] == pytest.approx(100 * (346 / 310 - 1))
    assert told.loc["total", "growth_reported"] == pytest.approx(100 * (1416.1 / 310 - 1))
    assert "growth_three" not in told and doubts.most_moved(told.reset_index(), "growth") is None


def test_only_three_calls_are_put_right(panel: pd.DataFrame) -> None:
    """Four forms are doubted; the fourth in order stays as reported, also where it is larger."""
    more = pd.DataFrame([(n, y, "x", 100.0) for n in "efg" for y in (2019, 2020)], columns=panel.columns)
    queue = pd.DataFrame(
        [(n, 2020, "operating_revenue", 100.0, 10.0, 10.0) for n in "efg"], columns=QUEUE.columns
    )
    told = _table(pd.concat([panel, more]), pd.concat([queue, QUEUE])).set_index("group")
    assert told.loc["total", "growth_three"] == pytest.approx(100 * ((1416.1 + 30) / 610 - 1))


def test_amounts_by_class_do_not_move_with_another_item() -> None:
    """Revenue is put right, from 1,000 to 100; services by class are parts of service revenue, which nobody doubts."""
    rows = [
        ("m", 2019, 90.0, 40.0),
        ("m", 2020, 1000.0, 44.0),
        ("n", 2019, 90.0, 10.0),
        ("n", 2020, 95.0, 11.0),
    ]
    panel = pd.DataFrame(rows, columns=["firm_id", "year", "operating_revenue", "service_revenue"]).assign(
        section="C", class_version="2017", edition="2017", code_own="3911", code_2017="3911"
    )
    panel["service_rev_by_class"] = [json.dumps({"7320": v}) for v in panel["service_revenue"]]
    queue = pd.DataFrame([("m", 2020, "operating_revenue", 1000.0, 100.0, 99.0)], columns=QUEUE.columns)
    goals = pd.DataFrame(
        {"target": ["t", "u"], "name_en": ["t", "u"], "name_zh": ["t", "u"], "kind": "growth", "goal": 10.0,
         "measure": ["services_of_makers", "operating_revenue"], "population": ["producer_services_2019", ""]}
    )  # fmt: skip
    years = {"base_years": [2019], "horizons": [2020]}
    marked = targets.marked(panel, goals)
    told = doubts.of_targets(
        targets.grids(marked, goals, tolerance=0.5, **years), marked, queue, goals, 0.5, False, **years
    )
    own = told[told["price"] == "nominal"].groupby("target")
    assert own["rate"].first().to_dict() == pytest.approx({"t": 10.0, "u": 100 * (1095 / 180 - 1)})
    assert own["rate_three"].first().to_dict() == pytest.approx({"t": 10.0, "u": 100 * (195 / 180 - 1)})


def test_nothing_is_added_under_rules_without_doubts_or_where_nothing_would_print_otherwise(
    panel: pd.DataFrame,
) -> None:
    """Two totals that differ by three units give these away: a study that promised secrecy prints one."""
    plain = list(bureau.growth_table(panel, "path", ["operating_revenue"], 2020).reset_index().columns)
    assert list(_table(panel, QUEUE, rules=True).columns) == plain
    assert list(_table(panel, QUEUE.head(0)).columns) == plain
    calm = QUEUE.head(1).assign(put_right=1200.0, predicted=1200.001)
    assert list(_table(panel, calm).columns) == plain


def test_targets_and_their_made_measures_move_with_the_sum_that_they_are_parts_of() -> None:
    """A maker's services of 2020 are ten times too high: amounts by class move with the sum."""
    rows = [("m", 2019, 100.0), ("m", 2020, 1100.0), ("n", 2019, 100.0), ("n", 2020, 110.0)]
    panel = pd.DataFrame(rows, columns=["firm_id", "year", "service_revenue"]).assign(
        section="C",
        class_version="2017",
        edition="2017",
        code_own="3911",
        code_2017="3911",
        operating_revenue=1000.0,
    )
    panel["service_rev_by_class"] = [json.dumps({"7320": v}) for v in panel["service_revenue"]]
    queue = pd.DataFrame([("m", 2020, "service_revenue", 1100.0, 110.0, 110.0)], columns=QUEUE.columns)
    goals = pd.DataFrame(
        {"target": ["t"], "name_en": ["t"], "name_zh": ["t"], "kind": ["growth"], "goal": [10.0],
         "measure": ["services_of_makers"], "population": ["producer_services_2019"]}
    )  # fmt: skip
    years = {"base_years": [2019], "horizons": [2020]}
    marked = targets.marked(panel, goals)
    grid = targets.grids(marked, goals, tolerance=0.5, **years)
    told = doubts.of_targets(grid, marked, queue, goals, 0.5, False, **years)
    own = told[told["price"] == "nominal"]
    assert own["rate"].tolist() == pytest.approx([505.0] * 2)
    assert own["rate_three"].tolist() == pytest.approx([10.0] * 2)
    firms = panel.assign(section="I", code_own="6513", code_2017="6510", service_rev_by_class=None)
    firms = firms.assign(operating_revenue=firms["service_revenue"], code_2017="6450", code_own="6450")
    held = producer.against(producer.placed(firms), 2019, 2020, 10.0, 0.5)
    asked = queue.assign(item="operating_revenue")
    beside = doubts.of_services(held, firms, asked, (2019, 2020), 10.0, 0.5, False)
    watched = doubts.of_monitor(
        producer.monitor(producer.placed(firms), 2020), firms, asked, year=2020, rules=False
    )
    assert watched["growth_three"].tolist() == pytest.approx([10.0] * len(watched)) and len(watched)
    # 1,210 and 220 ten thousand yuan, in 100 million; less than half a tenth would be printed alike.
    assert watched[["amount", "amount_three"]].to_numpy().tolist() == [pytest.approx([0.121, 0.022])]
    small = firms.assign(operating_revenue=firms["operating_revenue"] / 10)
    asked = asked.assign(value=110.0, put_right=11.0, predicted=11.0)
    watched = doubts.of_monitor(
        producer.monitor(producer.placed(small), 2020), small, asked, year=2020, rules=False
    )
    assert "growth_three" in watched and "amount_three" not in watched
    revenue = beside[beside["rate"].notna()]
    assert len(revenue) and revenue["rate_three"].tolist() == pytest.approx([10.0] * len(revenue))
