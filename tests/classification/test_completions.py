"""Panels in which split codes are put to their classes; ends of ratios with the units that make them."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

from fusion.classification import classify, completions, intervals
from fusion.indicators import measure
from fusion.integration import sums

CODES = [
    ("a", 2014, "6540"),
    ("a", 2015, "6540"),
    ("b", 2015, "3599"),
    ("c", 2015, "3911"),
    ("d", 2015, "9999"),
]


def classified(codes: list[tuple[str, int, str]]) -> pd.DataFrame:
    table = pd.DataFrame(codes, columns=["firm_id", "year", "ind4"]).assign(class_version="2011")
    return classify(ibis.duckdb.connect().create_table("t", table)).to_pandas()


def test_each_code_of_a_firm_goes_to_one_of_its_classes() -> None:
    found = classified(CODES)
    rows = found[["firm_id", "year", "division", "path"]].sort_values(["firm_id", "year"], ignore_index=True)
    drawn = list(completions.completions(rows, found, draws=60, seed=3))
    assert len(drawn) == 60
    every = pd.concat(drawn)
    # Annex B: 3599 of 2011 is 3491, 3492, 3599 or 3964 now; 6540 went to division 64 or 65.
    assert set(every.query("firm_id == 'b'")["division"]) == {"34", "35", "39"}
    assert all(len(set(f.query("firm_id == 'a'")["division"])) == 1 for f in drawn), "one code, one class"
    assert set(every.query("firm_id == 'c'")["division"]) == {"39"}
    assert "d" not in set(every["firm_id"]), "no code of its edition: nothing to draw from"
    again = list(completions.completions(rows, found, draws=60, seed=3))
    assert all(a.equals(b) for a, b in zip(drawn, again, strict=True))


@pytest.mark.parametrize("codes", [[("c", 2015, "3911")], [("d", 2015, "9999")]])
def test_nothing_is_drawn_where_no_code_is_open(codes: list[tuple[str, int, str]]) -> None:
    found = classified(codes)
    assert list(completions.completions(found[["firm_id", "year", "path"]], found)) == []
    assert list(completions.completions(found[["firm_id", "year"]], found)) == []


def told() -> pd.DataFrame:
    """By hand: A in P1 for sure (10 of 100), B may be (30 of 100), C may be (0 of 50); D in P2."""
    return pd.DataFrame(
        [
            ("A", "P1", "P1", 0.1, 100.0),
            ("B", "", "P1,P2", 0.3, 100.0),
            ("C", "", "P1,P2", 0.0, 50.0),
            ("D", "P2", "P2", 0.2, 10.0),
        ],
        columns=["firm_id", "path", "paths_possible", "point", "volume"],
    ).assign(year=2015)


def test_units_make_both_ends_of_a_path_total() -> None:
    rows = told().assign(low=0.0, high=1.0)
    drawn = rows["point"].to_numpy()[None, :]
    ends = sums.open_ends(rows, drawn).loc[(2015, "P1")]
    assert ends.tolist() == pytest.approx([100 * 10 / 150, 100 * 40 / 200])
    parts = sums.with_open_parts(sums.parts(rows, drawn, ["path"]), rows, drawn, 2015)
    made = parts[parts["path"] == "P1"].sum(numeric_only=True)
    assert made["value_least_part"] / made["value_least_whole"] == pytest.approx(ends["least"])
    assert made["value_most_part"] / made["value_most_whole"] == pytest.approx(ends["most"])


def test_change_has_ends_at_both_of_its_years() -> None:
    rows = pd.concat([told().assign(year=2014), told()], ignore_index=True)
    moves = sums.change(rows.replace({"path": {"": None}}), "path", 2014, 2015)
    found = sums.change_ends(moves, rows, 2014, 2015).set_index("path").loc["P1"]
    assert found[["before_least", "before", "before_most"]].tolist() == pytest.approx([20 / 3, 10, 20])
    assert found["after_most"] == pytest.approx(20)
    closed = rows.assign(paths_possible=rows["path"])
    assert "after_least" not in sums.change_ends(moves, closed, 2014, 2015)


def test_a_stage_without_and_with_what_may_be_of_it() -> None:
    made = pd.DataFrame(
        [("A", "front", "front", 6e4), ("B", "front", "back,front", 3e4), ("B", "back", "back", 1e4)],
        columns=["firm_id", "stage", "stages_possible", "amount"],
    ).assign(year=2015)
    rows = pd.DataFrame({"firm_id": ["A", "B"], "year": 2015, "point": [0.1, 0.1], "volume": [1e6, 1e6]})
    table, parts = sums.by_stage(made, rows, 2015)
    found = table.set_index("stage")[["yuan_low", "yuan", "yuan_high"]]
    assert found.loc["front"].tolist() == [6, 9, 9] and found.loc["back"].tolist() == [1, 1, 4]
    added = parts.groupby("stage")[["yuan_low", "yuan_high"]].sum()
    np.testing.assert_allclose(added.loc[found.index], found[["yuan_low", "yuan_high"]])
    shut, _ = sums.by_stage(made.assign(stages_possible=made["stage"]), rows, 2015)
    assert "yuan_high" not in shut


def test_points_of_chains_have_ends_by_path() -> None:
    values = pd.DataFrame({"A1": np.linspace(0, 1, 24), "B1": np.linspace(1, 0, 24) ** 2})
    values = values.assign(firm_id=range(24), year=2015)
    how = {
        "treatment": "none",
        "winsor_tail": 0.01,
        "normalise": "minmax",
        "bounds": "pooled",
        "weights": "equal",
        "chain_weights": "equal",
        "aggregation": "arithmetic",
        "aggregation_floor": 0.01,
        "min_chain_share": 0.5,
    }
    state, _ = measure.fusion_index(values, ["A1", "B1"], measure.steps(**how))
    coded = pd.DataFrame({"firm_id": range(24), "path": ["P1"] * 12 + ["P2"] * 10 + [None] * 2})
    coded["paths_possible"] = coded["path"].fillna("P1,P2")
    last = pd.Series(True, values.index)
    points = measure.chain_points(state, last, coded["path"])
    found = measure.chain_point_ends(points, state, last, coded).set_index(["path", "chain"])
    score = state.index.scores["industry"] / 2
    sure, free = score[:12], score[22:]
    tries = [sure, *(pd.concat([sure, free[[i]]]) for i in free.index), pd.concat([sure, free])]
    cell = found.loc[("P1", "industry")]
    assert (cell["points_least"], cell["points_most"]) == pytest.approx(
        (min(t.mean() for t in tries), max(t.mean() for t in tries))
    )
    shut = coded.assign(paths_possible=coded["path"].fillna(""))
    assert measure.chain_point_ends(points, state, last, shut).equals(points)


def test_ratios_need_something_certain() -> None:
    long = intervals.beside(told().query("firm_id != 'A'").assign(part=1.0))
    assert list(intervals.ratios(long, [], "part", "volume").index) == [("P2",)]
