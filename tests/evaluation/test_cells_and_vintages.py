"""Cells of path and district, tiles, and revisions of totals by reason: hand-worked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fusion.evaluation import cells, doubts, standing, totals
from fusion.evaluation.errors import EvaluationError
from fusion.integration import firms
from fusion.plots import index as index_plots
from fusion.plots import tiles as maps
from workbook import paths


def panel() -> pd.DataFrame:
    """Ten firms of P1 in each of a and b that stay, one that enters a, three in c."""
    rows = []
    for i in range(10):
        rows += [(f"a{i}", 2020, "P1", "a", 10.0 + i, 5.0), (f"a{i}", 2021, "P1", "a", 12.0 + i, 6.0)]
        rows += [(f"b{i}", 2020, "P1", "b", 20.0 + i, 5.0), (f"b{i}", 2021, "P1", "b", 19.0 + i, 1.0)]
    rows += [("new", 2021, "P1", "a", 115.5, np.nan)]
    rows += [(f"c{i}", year, "P1", "c", 50.0, 5.0) for i in range(3) for year in (2020, 2021)]
    return pd.DataFrame(rows, columns=["firm_id", "year", "path", "district", "index", "chain_supply"])


def test_levels_ranks_and_what_moved_them() -> None:
    found = cells.cells(panel(), "index", ["chain_supply"]).set_index(["year", "district"])
    assert set(found.index.get_level_values("district")) == {"a", "b"}, (
        "three in c are too few even as a pool"
    )
    assert found.loc[(2020, "a"), ["mean", "rank", "units"]].tolist() == [14.5, 2, 10]
    assert found.loc[(2021, "b"), ["mean", "rank", "rank_change", "firms", "came"]].tolist() == [
        23.5,
        2,
        -1,
        -1,
        0,
    ]
    # a: ten firms rose by two, from 14.5 to 16.5; the eleventh makes it 25.5, one place up.
    a = found.loc[(2021, "a")]
    assert a["mean"] == pytest.approx((165 + 115.5) / 11)
    assert (a["firms"], a["came"]) == pytest.approx((2, a["mean"] - 14.5 - 2))
    assert found.loc[(2021, "b"), ["part", "part_change"]].tolist() == ["supply", -4]
    assert a["low"] < a["mean"] < a["high"]


def test_small_districts_are_pooled_within_their_path() -> None:
    extra = panel().query("district == 'c'")
    more = pd.concat(
        [panel(), *(extra.assign(firm_id=extra["firm_id"] + f"x{k}", district=f"d{k}") for k in range(3))]
    )
    found = cells.cells(more, "index").set_index(["year", "district"])
    assert found.loc[(2021, cells.POOLED), ["units", "mean"]].tolist() == [12, 50]
    assert cells.cells(more.drop(columns="district"), "index").empty


def test_who_does_not_tell_stands_beside_the_mean() -> None:
    quiet = pd.DataFrame(
        [(f"q{i}", year, "P1", "a", np.nan, np.nan) for i in range(5) for year in (2020, 2021)]
    )
    more = pd.concat([panel(), quiet.set_axis(panel().columns, axis=1)], ignore_index=True)
    found = cells.cells(more, "index").set_index(["year", "district"])
    before = cells.cells(panel(), "index").set_index(["year", "district"])
    assert found["silent"].tolist() == pytest.approx([0, 100 * 5 / 15, 100 * 5 / 16, 0])
    pd.testing.assert_frame_equal(found.drop(columns="silent"), before.drop(columns="silent"))
    assert before["silent"].eq(0).all()
    places = pd.DataFrame({"district": ["a", "b"], "row": [0, 0], "column": [0, 1]})
    tiles = cells.tiles(more, "index", places)
    assert tiles["silent"].tolist() == pytest.approx([100 * 5 / 16, 0])
    for made, shown, by in (
        (cells.tile_parts(more, "index"), tiles, ["district"]),
        (cells.silent_parts(more, "index", 2020), found.loc[2020].reset_index(), ["path", "district"]),
    ):
        sums = made.groupby(by)[["silent_part", "silent_whole"]].sum().loc[lambda t: t["silent_whole"] > 0]
        share = (100 * sums["silent_part"] / sums["silent_whole"]).reset_index(name="made")
        both = shown.merge(share, on=by)
        assert len(both) == len(shown) and both["made"].tolist() == pytest.approx(both["silent"].tolist())
        assert not made.duplicated([*by, "unit"]).any(), "one row a unit"
    assert cells.silent_parts(more.drop(columns="path"), "index", 2020).empty
    assert cells.tile_parts(more.drop(columns="district"), "index").empty


def parted() -> pd.DataFrame:
    """Twelve firms of P1 in a that sell two stages, one of them a third; twelve in b that sell nothing but one."""
    rows = []
    for year in (2020, 2021):
        for i in range(12):
            more = 2.0 * (year == 2021)
            third = 6.0 * (i == 0)
            rows.append((f"a{i}", year, "P1", "a", 4.0 + 3.0 + more + third, 4.0, 3.0 + more, third))
            rows.append((f"b{i}", year, "P1", "b", 1.0, 1.0, 0.0, 0.0))
    names = ["front", "back", "digital"]
    head = ["firm_id", "year", "path", "district", "integration", *(f"integration_by_{n}" for n in names)]
    return pd.DataFrame(rows, columns=head)


def test_parts_add_up_to_a_cells_place_and_few_units_stand_within_the_rest() -> None:
    panel = parted()
    made_of = cells.parts(panel, "integration")
    made = standing.standing(panel, "integration", made_of, rules=True)
    a = made.query("year == 2021 and district == 'a'").set_index("part")
    # One unit has digital: it goes with the first of those that fewest of the others have, here twelve have each.
    assert set(a.index) == {"rest", "back"}
    assert a.loc["rest", "units"] == 12
    public = standing.standing(panel, "integration", made_of, rules=False)
    alone = public.query("year == 2021 and district == 'a'").set_index("part")
    assert alone["units"].to_dict() == {"back": 12, "digital": 1, "front": 12}
    assert alone["above"].to_dict() == pytest.approx({"back": 2.5, "digital": 0.25, "front": 1.5})
    b = made.query("year == 2021 and district == 'b'").set_index("part")
    # b: front 1 of its own, 2.5 of all (4 and 1 in equal numbers); back none, 2.5; digital none, .25.
    assert b["above"].to_dict() == pytest.approx({"back": -2.5, "digital": -0.25, "front": -1.5})
    table = cells.cells(panel, "integration", made_of)
    sums = (
        made.groupby(["district", "year"])[["points", "above", "part_change"]].sum(min_count=1).reset_index()
    )
    both = sums.merge(table.drop(columns="part_change"), on=["district", "year"])
    assert both["points"].tolist() == pytest.approx(both["mean"].tolist())
    mean = panel.groupby("year")["integration"].mean()
    assert both["above"].tolist() == pytest.approx((both["mean"] - both["year"].map(mean)).tolist())
    assert both["part_change"].tolist() == pytest.approx(both["firms"].tolist(), nan_ok=True)
    assert table.query("year == 2021 and district == 'a'")["part"].item() == "back"


def test_each_cell_has_a_line_and_the_ends_are_drawn() -> None:
    panel = parted()
    made_of = cells.parts(panel, "integration")
    table = cells.cells(panel, "integration", made_of)
    last = table[table["year"] == 2021]
    wide = standing.of_year(standing.standing(panel, "integration", made_of, rules=False), last)
    assert wide["district"].tolist() == ["a", "b"] and wide["above"].sum() == pytest.approx(0)
    assert wide.loc[1, ["worst", "worst_points"]].tolist() == ["back", pytest.approx(-2.5)]
    drawn = standing.ends(wide)
    assert drawn.groupby("district")["points"].sum().to_dict() == pytest.approx(
        wide.set_index("district")["above"].to_dict()
    )
    figure = index_plots.diverging(drawn, {"x": "points", "sum": "together", "in": " in "})
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["P1 in b", "P1 in a"]
    assert standing.ends(wide.head(1)).empty


def test_parts_that_do_not_add_up_are_no_parts() -> None:
    panel = parted().assign(integration=50.0)
    assert standing.standing(panel, "integration", cells.parts(panel, "integration"), False).empty
    assert standing.standing(
        panel.drop(columns="district"), "integration", ["integration_by_front"], False
    ).empty
    assert cells.BY_STAGE == firms.BY_STAGE
    assert cells.parts(panel.assign(chain_supply=1.0), "composite") == ["chain_supply"]
    assert cells.parts(panel.assign(chain_supply=1.0), "service_share") == []
    found = cells.cells(panel, "integration", [])
    assert found["part"].isna().all() and found["firms"].notna().any()


def test_doubted_units_stand_beside_a_cells_mean() -> None:
    panel = parted()
    table = cells.cells(panel, "integration")
    queue = pd.DataFrame({"unit": ["a0"], "year": [2021], "item": ["operating_revenue"]})
    found = doubts.of_cells(table, panel, queue, "integration", rules=False).set_index(["year", "district"])
    assert found.loc[(2021, "a"), ["doubted", "undoubted"]].tolist() == [1, 9.0]  # eleven of 4 + 5
    assert found.loc[(2020, "a"), "doubted"] == 0 and found.loc[(2020, "a"), "undoubted"] == 7.5
    assert doubts.of_cells(table, panel, queue, "integration", rules=True) is table
    nobody = queue.assign(unit="b0")  # like the others of its cell: nothing would be printed otherwise
    assert doubts.of_cells(table, panel, nobody, "integration", rules=False) is table


def test_tiles_are_where_districts_lie_and_few_units_are_grey() -> None:
    places = pd.read_csv(paths.DATA / "evaluation" / "tiles_shanghai.csv", dtype={"district": str})
    assert len(places) == 16 and not places.duplicated(["row", "column"]).any()
    known = pd.read_csv(paths.DATA / "synthetic" / "districts.csv", dtype=str)["district"]
    assert set(places["district"]) == set(known)
    own = pd.DataFrame({"district": ["a", "b", "c"], "row": [0, 0, 1], "column": [0, 1, 0]})
    found = cells.tiles(panel(), "index", own).set_index("district")
    assert found.loc["b", "mean"] == 23.5 and pd.isna(found.loc["c", "mean"]) and found.loc["c", "units"] == 3
    figure = maps.district_map(found.reset_index(), {"value": "index", "few": "few"})
    assert len(figure.axes[0].patches) == 3
    assert cells.tiles(panel(), "index", own.assign(district=["x", "y", "z"])).empty


def vintages() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Late: e tells in the second alone; withdrawn: d; corrected: a; restated: b; c goes from P1 to P2."""
    old = [
        ("a", "P1", 1000.0),
        ("b", "P1", 200.0),
        ("c", "P1", 300.0),
        ("d", "P1", 40.0),
        ("same", "P3", 7.0),
    ]
    new = [("a", "P1", 100.0), ("b", "P1", 210.0), ("c", "P2", 330.0), ("e", "P1", 50.0), ("same", "P3", 7.0)]
    names = ["firm_id", "path", "revenue"]
    log = pd.DataFrame({"unit": ["a"], "year": [2020], "field": ["revenue"]})
    return (*(pd.DataFrame(t, columns=names).assign(year=2020) for t in (old, new)), log)


def test_revisions_of_totals_by_reason_add_up() -> None:
    old, new, log = vintages()
    found = totals.revised(totals.parts(old, new, log, ["revenue"])).set_index("group")
    wan = found[totals.AMOUNTS] * 10_000
    total = wan.loc["total"]
    assert total[["old", "new", "revision"]].tolist() == pytest.approx([1547, 697, -850])
    assert total[totals.WHY].tolist() == pytest.approx([50, -40, -900, 10 + 30, 0])
    assert wan.loc["P1", totals.WHY].tolist() == pytest.approx([50, -40, -900, 10, -300])
    assert wan.loc["P2", totals.WHY].tolist() == pytest.approx([0, 0, 0, 30, 300])
    np.testing.assert_allclose(wan[totals.WHY].sum(axis=1), wan["revision"])
    assert "P3" not in found.index and found.loc["total", "units"] == 5
    assert totals.revised(totals.parts(old, old, log, ["revenue"])).empty


def test_a_vintage_that_is_none_is_refused() -> None:
    old, new, log = vintages()
    with pytest.raises(EvaluationError, match="path"):
        totals.parts(old.drop(columns="path"), new, log, ["revenue"])
    with pytest.raises(EvaluationError, match="firm_id"):
        totals.parts(pd.concat([old, old]), new, log, ["revenue"])
