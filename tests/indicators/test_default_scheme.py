"""A study's index against the default scheme: which schemes are built, and what is shown of them."""

import numpy as np
import pandas as pd
import pytest

from fusion.indicators import default, measure

SCHEME = {
    "treatment": "winsorise",
    "winsor_tail": 0.01,
    "normalise": "minmax",
    "bounds": "pooled",
    "base_year": None,
    "weights": "entropy",
    "chain_weights": "equal",
    "aggregation": "arithmetic",
    "aggregation_floor": 1.0,
    "min_chain_share": 0.6,
}
CODES = ["A1", "B1", "C1"]


def scored(firms: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {"firm_id": np.repeat([f"f{i}" for i in range(firms)], 2), "year": [2020, 2021] * firms}
    )
    values = {code: rng.uniform(1, 9, len(frame)) for code in CODES}
    path = np.where(np.arange(len(frame)) // 2 % 2 == 0, "P1", "P2")
    return frame.assign(**values, path=path, paths_possible=path, composite=rng.uniform(0, 100, len(frame)))


def test_the_default_and_each_choice_alone() -> None:
    rows = scored()
    found = default.schemes(rows, CODES, SCHEME, SCHEME)
    others = ["weights = equal", "aggregation = geometric", "base_year = 2021"]
    assert list(found.index) == ["default", *others] and len(found.index) == 40
    own = measure.fusion_index(
        rows, CODES, measure.steps(**{k: v for k, v in SCHEME.items() if k != "base_year"})
    )[0]
    np.testing.assert_array_equal(found.index["default"], own.index.scores["index"][rows["year"] == 2021])  # type: ignore[union-attr]


def test_what_the_study_changed_stands_beside_the_default() -> None:
    rows = scored()
    changed = SCHEME | {"weights": "critic", "normalise": "zscore"}
    found = default.schemes(rows, CODES, changed, SCHEME)
    others = ["weights = critic", "aggregation = geometric", "base_year = 2021"]
    assert list(found.index) == ["default", "own", *others]
    np.testing.assert_array_equal(found.index["own"], rows.loc[rows["year"] == 2021, "composite"])
    assert "own" in default.schemes(rows, CODES, SCHEME, SCHEME, frozen=True).index


@pytest.mark.parametrize(
    "rows", [scored(20), scored().drop(columns="composite"), scored().assign(A1=1.0, B1=1.0)]
)
def test_without_a_ranking_there_is_nothing_to_show(rows: pd.DataFrame) -> None:
    found = default.schemes(rows, CODES, SCHEME, SCHEME)
    assert found.index.empty and default.points(found, rows).empty and default.errors(found, rows, 0.6).empty
    assert default.top(None, found, rows, 10, 1, 5).empty


def test_chains_by_their_points() -> None:
    rows = scored()
    points = default.points(default.schemes(rows, CODES, SCHEME, SCHEME), rows)
    means = points.groupby("chain")["points"].mean()
    most, least = default.most(points), default.least(points)
    assert most == {"chain": [means.idxmax()], "points": [pytest.approx(means.max())]}
    assert least == {"chain": [means.idxmin()], "points": [pytest.approx(means.min())]}


def test_errors_and_the_first_rest_on_the_last_year() -> None:
    rows = scored()
    found = default.schemes(rows, CODES, SCHEME, SCHEME)
    assert (default.errors(found, rows, 0.6)["units"] == 40).all()
    also = {"treatment": ["none"], "normalise": [], "weights": ["equal"], "aggregation": ["geometric"]}
    choices = measure.choices(
        SCHEME, also, 0.01, chain_weights=("equal",), leave_out=False, min_share=0.6, floor=1.0
    )
    builder = measure.ranking(rows, found.made, choices, by_year=False, seed=1)
    first = default.top(builder, found, rows, 16, 1, 5)
    assert list(first["rank"]) == [1, 2, 3, 4, 5] and set(first["path"]) <= {"P1", "P2"}
    best = found.index["default"].to_numpy()
    assert first["score"].iloc[0] == pytest.approx(best.max())
