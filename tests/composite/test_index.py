"""Composite indices and coupling: hand-worked cases, properties, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fusion.composite import aggregate, coupling, index, scale, treat, weights
from fusion.composite.errors import CompositeError
from fusion.indicators import anchors


@pytest.mark.parametrize("row", anchors.rows(), ids=lambda r: f"{r['estimator']} {r['statistic']}")
def test_hand_worked_anchors(row: dict[str, float]) -> None:
    assert abs(row["computed"] - row["published"]) <= row["tolerance"]


def test_entropy_counts_all_firm_years_not_years() -> None:
    """The circulating mistake divides by ln T: entropy then passes one and the weights turn round."""
    rng = np.random.default_rng(1)
    z = rng.random((400, 3)) ** np.array([1, 2, 4])  # the third differs most
    e = weights.entropy(z)
    p = z / z.sum(axis=0)
    by_hand = -(p * np.log(p)).sum(axis=0) / np.log(400)
    # Two ways of summing 400 terms: rounding alone.
    np.testing.assert_allclose(e, by_hand, rtol=1e-12)
    assert np.all((e > 0) & (e < 1))
    assert list(np.argsort(weights.entropy_weights(z))) == [0, 1, 2]
    wrong = -(p * np.log(p)).sum(axis=0) / np.log(10)  # ln T with T = 10
    assert np.all(wrong > 1)


def test_entropy_leaves_missing_out_and_takes_zero_as_zero() -> None:
    z = np.array([[0.0, 0.5], [1.0, np.nan], [1.0, 0.5]])
    # Column 1: p = (0, ½, ½), e = ln 2 / ln 3. Column 2: two values of three, p = (½, ½), e = 1.
    np.testing.assert_allclose(weights.entropy(z), [np.log(2) / np.log(3), 1.0], rtol=1e-14)
    np.testing.assert_allclose(weights.entropy_weights(z), [1.0, 0.0], atol=1e-14)


def test_equal_columns_have_equal_weights() -> None:
    np.testing.assert_allclose(weights.entropy_weights(np.full((5, 4), 0.3)), 0.25)


def test_entropy_refuses_what_has_none() -> None:
    with pytest.raises(CompositeError, match="below zero"):
        weights.entropy([[-0.1], [1.0]])
    with pytest.raises(CompositeError, match="all zero or has fewer"):
        weights.entropy([[0.0], [0.0]])
    with pytest.raises(CompositeError, match="all zero or has fewer"):
        weights.entropy([[0.0, 1.0], [0.0, 2.0]])  # one column of two


def test_winsorise_cuts_to_the_quantiles() -> None:
    x = pd.DataFrame({"x": np.append(np.arange(101.0), np.nan)})
    cut = treat.apply(x, treat.fit(x, "winsorise", tail=0.05))["x"]
    assert cut.min() == 5 and cut.max() == 95 and np.isnan(cut.iloc[-1])
    pd.testing.assert_frame_equal(treat.apply(x, treat.fit(x, "winsorise", tail=0)), x)
    with pytest.raises(CompositeError, match=r"tail is 0\.5"):
        treat.fit(x, "winsorise", tail=0.5)


VALUES = pd.DataFrame({"a": [1.0, 2.0, 5.0, np.nan], "b": [10.0, 20.0, 20.0, 0.0]})
SIGNS = {"a": "+", "b": "-"}


def test_minmax_with_direction() -> None:
    z = scale.normalise(VALUES, SIGNS)
    np.testing.assert_allclose(z["a"], [0, 0.25, 1, np.nan])
    np.testing.assert_allclose(z["b"], [0.5, 0, 0, 1])


def test_rank_and_zscore() -> None:
    ranks = scale.normalise(VALUES, SIGNS, "rank")
    np.testing.assert_allclose(ranks["b"], [(3 - 0.5) / 4, 0.25, 0.25, 3.5 / 4])
    z = scale.normalise(VALUES, SIGNS, "normal")
    assert ((z > 0) & (z < 1) | z.isna()).all().all() and z["b"].idxmax() == 3


def test_yearly_bounds() -> None:
    years = pd.Series([1, 1, 2, 2])
    z = scale.normalise(VALUES[["b"]], SIGNS, "minmax", years)
    np.testing.assert_allclose(z["b"], [1, 0, 0, 1])
    kept = scale.fit(VALUES[["b"]], SIGNS, "minmax", years)
    # Of the oriented values −x.
    assert kept["origin"].tolist() == [-20, -20] and kept["unit"].tolist() == [10, 20]


def test_a_constant_column_is_refused_by_name() -> None:
    with pytest.raises(CompositeError, match="c has no two different values in all years"):
        scale.normalise(VALUES.assign(c=1.0), SIGNS | {"c": "+"})
    with pytest.raises(CompositeError, match="allowed: minmax, zscore"):
        scale.normalise(VALUES, SIGNS, "max")


def test_weighted_mean_needs_a_share_and_rescales() -> None:
    z = [[1.0, 0.0, np.nan], [1.0, np.nan, np.nan], [np.nan] * 3, [1.0, 1.0, 1.0]]
    got = aggregate.weighted_mean(z, [0.5, 0.25, 0.25], 2 / 3)
    np.testing.assert_allclose(got, [2 / 3, np.nan, np.nan, 1.0])


def test_three_of_five_is_enough_at_sixty_per_cent() -> None:
    z = [[1.0, 1.0, 1.0, np.nan, np.nan]]
    assert aggregate.weighted_mean(z, np.full(5, 0.2), 0.6)[0] == pytest.approx(1.0)


def test_index_by_hand() -> None:
    z = pd.DataFrame({"a": [0.0, 1.0], "b": [1.0, 0.0], "c": [0.5, 1.0]})
    built = index.build(z, {"a": "one", "b": "one", "c": "two"}, weights="equal", min_share=0.6)
    assert built.scores["one"].tolist() == [50, 50] and built.scores["two"].tolist() == [50, 100]
    assert built.scores["index"].tolist() == [50, 75]
    assert built.weights["weight"].tolist() == [0.25, 0.25, 0.5] and built.weights["weight"].sum() == 1


arrays = hnp.arrays(float, st.tuples(st.integers(5, 30), st.just(4)), elements=st.floats(-1e6, 1e6))


@settings(max_examples=50, deadline=None)
@given(arrays, st.floats(0.01, 1e3), st.floats(-1e3, 1e3))
def test_units_of_an_indicator_do_not_matter(x: np.ndarray, factor: float, shift: float) -> None:
    frame = pd.DataFrame(np.round(x, 3), columns=list("abcd"))
    # Values closer than rounding after a change of unit would no longer differ: leave such draws out.
    if (frame.max() - frame.min()).min() < 1:
        return
    signs = dict.fromkeys("abcd", "+")
    chains = {"a": "one", "b": "one", "c": "two", "d": "two"}
    first = index.build(scale.normalise(frame, signs), chains)
    second = index.build(scale.normalise(frame * factor + shift, signs), chains)
    np.testing.assert_allclose(first.scores, second.scores, atol=1e-3)
    assert first.scores.min().min() >= 0 and first.scores.max().max() <= 100 + 1e-9


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_order_of_rows_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.random((20, 3)), columns=list("abc"))
    order = rng.permutation(20)
    # Sums in another order differ by rounding.
    np.testing.assert_allclose(
        weights.entropy_weights(frame), weights.entropy_weights(frame.iloc[order]), rtol=1e-9
    )


@given(hnp.arrays(float, (6, 3), elements=st.floats(0.01, 1)))
@settings(max_examples=100, deadline=None)
def test_standard_coordination_is_a_root_of_the_geometric_mean(u: np.ndarray) -> None:
    np.testing.assert_allclose(coupling.coordination(u), np.prod(u, axis=1) ** (1 / 6), rtol=1e-12)
    for form in ("standard", "wang", "fan"):
        c = coupling.coupling(u, form)
        assert np.all((c >= 0) & (c <= 1 + 1e-12))


def test_equal_systems_are_fully_coupled_and_a_zero_is_not() -> None:
    for form in ("standard", "wang", "fan"):
        assert coupling.coupling([0.3, 0.3, 0.3], form) == pytest.approx(1.0)
    assert coupling.coupling([0.0, 0.0]) == 0
    assert coupling.coupling([0.0, 0.8], "wang") == 0


def test_wang_for_three_systems_by_hand() -> None:
    # Gaps .1 + .3 + .2 = .6 over 3 pairs; ratios (.2/.5)(.4/.5)(1) under a square root.
    expected = np.sqrt((1 - 0.6 / 3) * np.sqrt(0.4 * 0.8))
    assert coupling.coupling([0.2, 0.4, 0.5], "wang") == pytest.approx(expected, rel=1e-12)


def test_coupling_refuses() -> None:
    with pytest.raises(CompositeError, match="at least two"):
        coupling.coupling([0.5])
    with pytest.raises(CompositeError, match=r"in \[0, 1\]"):
        coupling.coupling([0.5, 1.5])
    with pytest.raises(CompositeError, match="sum 1"):
        coupling.level([0.5, 0.5], [0.9, 0.9])
    with pytest.raises(CompositeError, match="allowed: standard, wang, fan"):
        coupling.coupling([0.5, 0.5], "other")
