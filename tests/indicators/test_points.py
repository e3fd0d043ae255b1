"""What puts a cell above or below the mean: points add up to the index, row by row and cell by cell."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fusion.indicators import measure, points

CODES = ["A1", "A2", "B1", "B3", "C1"]


def steps(aggregation: str = "arithmetic") -> list[dict[str, object]]:
    return measure.steps(
        treatment="none", winsor_tail=0.0, normalise="minmax", bounds="pooled", weights="entropy", chain_weights="equal",
        aggregation=aggregation, aggregation_floor=0.01, min_chain_share=0.5,
    )  # fmt: skip


@pytest.fixture(scope="module")
def made() -> tuple[pd.DataFrame, object]:
    rng = np.random.default_rng(2)
    values = pd.DataFrame(rng.random((240, 5)), columns=CODES).mask(rng.random((240, 5)) < 0.15)
    values.loc[:39, "C1"] += 1.0  # the first cell leads by its research
    values.loc[40:79, "B3"] -= 1.0
    rows = pd.DataFrame({"firm_id": range(240), "year": [2020] * 200 + [2019] * 40})
    rows["path"] = np.repeat(["P1", "P2", "P3", "P4", "P5", "P5"], 40)
    rows["district"] = ["310101"] * 195 + ["310104"] * 45
    rows = rows.join(values)
    return rows, measure.fusion_index(rows, CODES, steps())[0]


def test_points_of_a_row_add_up_to_its_index(made: tuple[pd.DataFrame, object]) -> None:
    _, state = made
    found = points.of_rows(state).sum(axis=1, min_count=1)
    pd.testing.assert_series_equal(found, state.index.scores["index"], check_names=False)  # type: ignore[attr-defined]
    assert found.isna().any(), "who has too few indicators has no points"


def test_chains_of_a_cell_add_up_to_what_it_stands_above_the_mean(made: tuple[pd.DataFrame, object]) -> None:
    rows, state = made
    table = points.by_cell(state, rows, 2020, True)
    parts = table.filter(like="with_").sum(axis=1)
    assert parts.tolist() == pytest.approx(table["above"].tolist())
    own = rows["year"].eq(2020) & state.index.scores["index"].notna()  # type: ignore[attr-defined]
    scores = state.index.scores["index"][own]  # type: ignore[attr-defined]
    by_hand = scores[rows["path"] == "P1"].mean() - scores.mean()
    assert table.set_index("path").loc["P1", "above"] == pytest.approx(by_hand)


def test_the_first_and_the_last_cell_say_why(made: tuple[pd.DataFrame, object]) -> None:
    rows, state = made
    table = points.by_cell(state, rows, 2020, True).set_index("path")
    assert table.index[0] == "P1" and table.loc["P1", "most"] == "C1" and table.loc["P1", "most_points"] > 5
    assert (
        table.index[-1] == "P2" and table.loc["P2", "worst"] == "B3" and table.loc["P2", "worst_points"] < -5
    )


def test_small_cells_and_other_means_have_none(made: tuple[pd.DataFrame, object]) -> None:
    rows, state = made
    table = points.by_cell(state, rows, 2020, True)
    assert "310104" not in set(table["district"]), "five units are no cell"
    other = measure.fusion_index(rows, CODES, steps("geometric"))[0]
    assert points.by_cell(other, rows, 2020, False).empty
    assert points.by_cell(state, rows.assign(path=""), 2020, True).empty
    assert points.by_cell(state, rows.drop(columns="district"), 2020, True).empty
