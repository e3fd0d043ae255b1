"""Errors in circulation, shifts between schemes, and figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fusion.composite import coupling, index, mistakes, uncertainty
from fusion.composite.errors import CompositeError
from fusion.plots import index as drawn_index
from fusion.plots import ranks as drawn_ranks

CHAINS = {"a": "A", "b": "A", "c": "B"}


@pytest.fixture(scope="module")
def z() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    return pd.DataFrame(rng.random((120, 3)) ** np.array([1, 3, 2]), columns=list("abc"))


def test_the_right_index_is_that_of_the_index(z: pd.DataFrame) -> None:
    found = mistakes.indexes(z, CHAINS, years=4)
    built = index.build(z, CHAINS, weights="entropy").scores["index"]
    # Two ways to the same sums.
    np.testing.assert_allclose(found["right"], built, rtol=1e-12)
    assert set(found) == {"right", "ln_T", "shift_1", "shift_small"}
    # One added to all makes their weights alike: not those of the unshifted scores.
    assert np.abs(found["shift_1"] - found["right"]).max() > 0.5


def test_dividing_by_ln_t_turns_weights_by_hand() -> None:
    # x = (0, 0, 1, 1): e = ln 2 / ln 4 = 1/2 and with T = 2 e = 1; y = (0, 0, 0, 1): e = 0 in both.
    w = mistakes.entropy_weights([[0.0, 0], [0, 0], [1, 0], [1, 1]], years=2)
    np.testing.assert_allclose(w["right"], [1 / 3, 2 / 3])
    np.testing.assert_allclose(w["ln_T"], [0, 1], atol=1e-15)
    # Shifted by one: p = (1, 1, 2, 2)/6 and (1, 1, 1, 2)/5, so that both weights are small numbers alike.
    e = [
        -sum(p * np.log(p) for p in ps) / np.log(4)
        for ps in ([1 / 6, 1 / 6, 1 / 3, 1 / 3], [0.2] * 3 + [0.4])
    ]
    spread = 1 - np.array(e)
    np.testing.assert_allclose(w["shift_1"], spread / spread.sum(), rtol=1e-12)


def test_an_error_with_negative_weights_gives_no_index() -> None:
    # Evenly spread over 100 units, entropy over ln 2 passes one for one column and not for the other.
    z = pd.DataFrame({"a": np.ones(100), "b": np.eye(100)[0]})
    found = mistakes.indexes(z, {"a": "A", "b": "A"}, years=2)
    assert np.isnan(found["ln_T"]).all() and not np.isnan(found["right"]).any()
    assert "ln_T" not in mistakes.compare(found, grades=False)["error"].tolist()


def test_coordination_errors_by_hand() -> None:
    found = mistakes.coordination([[0.64, 0.36], [0.2, 0.2]])
    # C = .96 and T = .5, so D = √.48; without the factor 2, √.24; without the root, .48.
    np.testing.assert_allclose(found["right"][0], np.sqrt(0.48), rtol=1e-12)
    np.testing.assert_allclose(found["lost_coefficient"][0], np.sqrt(0.24), rtol=1e-12)
    np.testing.assert_allclose(found["no_root"][0], 0.48, rtol=1e-12)
    # Rescaled over two units: the lower one has 0.01 in both, whatever it had.
    np.testing.assert_allclose(found["rescaled"], [np.sqrt(0.99), 0.1], rtol=1e-12)
    table = mistakes.compare(found).set_index("error")
    assert table.loc["right", "regraded"] == 0 and table.loc["lost_coefficient", "regraded"] == 1


def test_a_grade_flips_as_often_as_its_draws_leave_it() -> None:
    draws = np.array([[0.35, 0.5], [0.45, 0.5], [0.41, 0.5], [0.39, 0.5]])
    found = coupling.flip(draws, [0.42, 0.5])
    assert found["flip"].tolist() == [0.5, 0] and found["grade"].tolist() == [5, 5]
    assert coupling.flip(draws, [0.42, 0.5], side="left")["grade"].tolist() == [5, 6]


def test_shift_table_by_hand() -> None:
    scores = pd.DataFrame({"one": [4.0, 3, 2, 1], "same": [8.0, 7, 6, 5], "two": [1.0, 3, 2, 4]})
    table = uncertainty.shift_table(scores, "one", pd.Series(["x", "x", "y", "y"])).set_index("scheme")
    assert table.loc["same", ["mean_shift", "groups_moved"]].tolist() == [0, 0]
    # Ranks 1 2 3 4 become 4 2 3 1; means x 3.5 > y 1.5 become 2 < 3.
    assert table.loc["two", ["mean_shift", "max_shift", "groups_moved"]].tolist() == [1.5, 3, 2]
    with pytest.raises(CompositeError, match="no scheme 'x'; there are one, same, two"):
        uncertainty.shift_table(scores, "x")


def test_figures_show_what_they_are_given() -> None:
    import matplotlib.pyplot as plt

    ranks = pd.DataFrame(
        {"rank": [1.0, 2], "median": [1.5, 2], "low": [1, 1], "high": [3, 4], "path": ["u", "v"]}
    )
    top = drawn_ranks.top_intervals(ranks, {"x": "rank", "rank": "own", "median": "median"}).axes[0]
    assert [t.get_text() for t in top.get_yticklabels()] == ["1 · u", "2 · v"] and top.yaxis_inverted()
    rows = [("g", "A", 1.0), ("g", "B", 3.0), ("h", "A", 2.0), ("h", "B", 4.0)]
    parts = pd.DataFrame(rows, columns=["path", "chain", "points"])
    bars = drawn_index.stacked(parts, {"x": "index", "legend": "chain"}).axes[0]
    assert [(b.get_x(), b.get_width()) for b in bars.patches] == [(0, 1), (0, 2), (1, 3), (2, 4)]
    means = pd.DataFrame(
        {"district": ["d", "e", "d"], "year": [1, 1, 2], "mean": [1.0, 2, 3], "low": 0.0, "high": 4.0}
    )
    dots = drawn_index.group_means(means, {"x": "index", "y": "district"}).axes[0]
    assert [t.get_text() for t in dots.get_yticklabels()] == ["d"], (
        "a group that the last year lacks is not drawn"
    )
    plt.close("all")


def test_degrees_name_the_system_that_lags() -> None:
    levels = np.array([[0.64, 0.36], [0.5, 0.5]])
    table = coupling.degrees(levels, levels[None], ["goods", "services"])
    assert table["behind"].tolist() == ["services", "neither"] and table["flip"].tolist() == [0, 0]
    np.testing.assert_allclose(table["degree"], [0.48**0.5, 0.5**0.5], rtol=1e-12)
    np.testing.assert_allclose(table["goods"], levels[:, 0])
