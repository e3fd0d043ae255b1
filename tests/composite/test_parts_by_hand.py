"""Components, coherence, benefit of the doubt, errors of coordination, loadings and logarithms, each worked by hand."""

from __future__ import annotations

import warnings
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from fusion.composite import base, coherence, dea, mistakes, pca, reliability, treat
from fusion.composite.errors import CompositeError

# Three columns of ±1 that are orthogonal to one another and to a constant.
ONE, TWO, THREE = (
    np.array(c, float) for c in ([1, 1, 1, 1, -1, -1, -1, -1], [1, 1, -1, -1] * 2, [1, -1] * 4)
)


def halves() -> pd.DataFrame:
    """Eight rows, three columns, every correlation ½."""
    second = 0.5 * ONE + np.sqrt(0.75) * TWO
    part = 0.25 / np.sqrt(0.75)
    third = 0.5 * ONE + part * TWO + np.sqrt(0.75 - part**2) * THREE
    return pd.DataFrame({"a": ONE, "b": second, "c": third})


def test_components_of_equal_correlations() -> None:
    """R = ½ (I + J): eigenvalues 2, ½, ½, determinant ½; its inverse 2 I − ½ J has partial correlations of ⅓."""
    found = pca.components(halves())
    np.testing.assert_allclose(found.eigenvalues, [2, 0.5, 0.5], atol=1e-12)
    np.testing.assert_allclose(found.vectors[:, 0], np.full(3, 1 / np.sqrt(3)), atol=1e-12)
    assert (found.vectors.sum(axis=0) >= -1e-12).all()
    assert found.kmo == pytest.approx((1 / 4) / (1 / 4 + 1 / 9))
    statistic = (8 - 1 - 11 / 6) * np.log(2)
    assert (found.bartlett, found.df) == (pytest.approx(statistic), 3)
    assert found.p == pytest.approx(chi2.sf(statistic, 3))


@pytest.mark.parametrize("signs", list(product([1, -1], repeat=3)))
def test_components_have_length_one_and_a_sum_that_is_not_negative(signs: tuple[int, ...]) -> None:
    """Columns turned: elements of ±1/√3 on the first component, whichever sign a library gives it."""
    z = halves() * list(signs)
    vectors = pca.components(z).vectors
    np.testing.assert_allclose((vectors**2).sum(axis=0), 1, atol=1e-12)
    assert (vectors.sum(axis=0) >= -1e-12).all()
    turned = np.array(signs) * (1 if sum(signs) > 0 else -1)
    np.testing.assert_allclose(vectors[:, 0], turned / np.sqrt(3), atol=1e-12)
    loading = coherence.negative(z, z["a"]).set_index("indicator").loc[["a", "b", "c"], "loading"]
    np.testing.assert_allclose(loading, turned * np.sqrt(2 / 3))


def test_rows_with_gaps_are_not_counted_by_bartlett() -> None:
    """A ninth row that tells one column alone changes neither correlations nor the count of rows."""
    whole, gap = halves(), pd.DataFrame({"a": [0.0], "b": [np.nan], "c": [np.nan]})
    assert pca.components(pd.concat([whole, gap])).bartlett == pytest.approx(pca.components(whole).bartlett)


def test_weights_of_components() -> None:
    """Two pairs that have nothing in common, correlated by .6 and .8: eigenvalues 1.8, 1.6, .4, .2."""
    four = np.array([1, -1, -1, 1] * 2, float) * ONE
    z = np.column_stack([ONE, 0.6 * ONE + 0.8 * TWO, THREE, 0.8 * THREE + 0.6 * four])
    np.testing.assert_allclose(pca.weights(z), np.array([1.6, 1.6, 1.8, 1.8]) / 6.8, atol=1e-12)
    np.testing.assert_allclose(pca.weights(z, how="first"), [0, 0, 0.5, 0.5], atol=1e-12)
    turned = halves() * [1, 1, -1]
    with pytest.raises(CompositeError, match="2"):
        pca.weights(turned, how="first")
    np.testing.assert_allclose(pca.weights(turned, how="first", allow_negative=True), [1, 1, -1], atol=1e-12)


def test_nothing_in_common_and_nothing_at_all() -> None:
    assert pca.components(np.column_stack([ONE, TWO, THREE])).kmo == pytest.approx(0.0)
    with pytest.warns(RuntimeWarning), pytest.raises(CompositeError):
        pca.components(np.column_stack([ONE, TWO, np.ones(8)]))
    with pytest.raises(CompositeError):
        pca.components(np.column_stack([ONE, TWO, ONE + TWO]))


def test_an_indicator_against_the_index() -> None:
    """Loadings √2 · 1/√3 on the first component; the turned one lowers the index and comes first."""
    z = halves() * [1, 1, -1]
    found = coherence.negative(z, z["a"] + z["b"]).set_index("indicator")
    np.testing.assert_allclose(found.loc[["a", "b", "c"], "loading"], np.array([1, 1, -1]) * np.sqrt(2 / 3))
    # c with a + b: −(½ + ½) over √(1 + 1 + 2·½).
    assert found.loc["c", "correlation"] == pytest.approx(-1 / np.sqrt(3))
    assert found.index[0] == "c" and found["negative"].to_dict() == {"c": True, "a": False, "b": False}


def test_what_goes_with_nothing_is_not_against_it() -> None:
    """The index is a alone, and the component b alone: a correlation and a loading of exactly zero."""
    found = coherence.negative(pd.DataFrame({"a": ONE, "b": TWO}), ONE)
    assert sorted(np.abs(found["correlation"])) == pytest.approx([0, 1])
    assert sorted(np.abs(found["loading"])) == pytest.approx([0, 1])
    assert not found["negative"].any()


def test_chains_by_pairs() -> None:
    z = halves().assign(d=-halves()["a"])
    found = coherence.pairs(z, {"a": "A", "b": "A", "c": "A", "d": "A"})
    assert found["correlation"].tolist() == pytest.approx([0.5, 0.5, -1, 0.5, -0.5, -0.5])
    summary = coherence.chain_summary(z, {"a": "A", "b": "A", "c": "B", "d": "B"}).set_index("chain")
    # Within A ½, within B −½; across: ½, −1, ½, −½.
    assert summary["within"].tolist() == pytest.approx([0.5, -0.5])
    assert summary["between"].tolist() == pytest.approx([-0.125, -0.125])
    assert summary["alpha"].tolist() == pytest.approx([2 / 3, -2])
    assert summary["negative_pairs"].tolist() == [0, 1]


def test_what_is_redundant_or_opposed() -> None:
    """Above .92, and below −.4 within a chain; what lies on a line is neither."""

    def flag(r: float, chains: str = "AA", **lines: float) -> str:
        z = pd.DataFrame({"a": ONE, "b": r * ONE + np.sqrt(1 - r**2) * TWO})
        return str(coherence.pairs(z, dict(zip("ab", chains, strict=True)), **lines)["flag"].iloc[0])

    assert [flag(r) for r in (0.95, 0.9, -0.3, -0.5)] == ["redundant", "", "", "opposed"]
    assert flag(-0.5, "AB") == "" and flag(0.95, "AB") == "redundant"
    # Correlations of exactly nothing.
    assert flag(0.0, high=0.0) == flag(0.0, low=0.0) == ""


def test_a_chain_that_is_at_odds() -> None:
    """Correlations −.6, 0, −.8 of three indicators: their mean, and two negative pairs."""
    z = pd.DataFrame({"a": ONE, "b": -0.6 * ONE - 0.8 * TWO, "c": TWO})
    row = coherence.chain_summary(z, dict.fromkeys("abc", "A")).iloc[0]
    assert row["within"] == pytest.approx(-1.4 / 3) and row["negative_pairs"] == 2


def test_who_is_dominated() -> None:
    """The fourth by the third, the sixth by the second; of two equal ones the first stays."""
    scores = [[1, 0], [0, 1], [0.5, 0.5], [0.4, 0.4], [1, 0], [0, 0.9]]
    assert dea.undominated(scores).tolist() == [0, 1, 2]
    assert dea.undominated([[0.1, 0.1], [0.9, 0.9]]).tolist() == [1]
    assert dea.undominated(np.zeros((2, 2))).tolist() == [0]


def test_benefit_of_the_doubt() -> None:
    """Weights of one at most keep the first two at one; the third has ½ + ¼. With equal shares it has the least of its own."""
    found = dea.benefit_of_doubt([[1, 0], [0, 1], [0.5, 0.25]])
    np.testing.assert_allclose(found.scores, [1, 1, 0.75])
    np.testing.assert_allclose(found.weights[2], [1, 1])
    # Two units (.8, .4), (.4, .2) and shares of a half: weights 1/(2·.8), 1/(2·.4) for both, and half the score for the second.
    even = dea.benefit_of_doubt([[0.8, 0.4], [0.4, 0.2]], shares=(0.5, 0.5))
    np.testing.assert_allclose(even.scores, [1, 0.5])
    np.testing.assert_allclose(even.weights[0], [0.625, 1.25])
    # No indicator above .6 of a score: w₁ ≤ w₂/2 for the third, so that w₂ = 1/1.05; w₁ ≥ (.4/.06) w₂ for the second.
    most = dea.benefit_of_doubt([[1, 0.1], [0.1, 1], [0.6, 0.2]], shares=(0.0, 0.6))
    second = (0.1 * 0.4 / 0.06 + 1) / (0.4 / 0.06 + 0.1)
    np.testing.assert_allclose(most.scores, [second, second, 0.5 / 1.05])
    with pytest.raises(CompositeError):
        dea.benefit_of_doubt([[-0.1, 1], [1, 1]])
    with pytest.raises(CompositeError):
        dea.benefit_of_doubt([[np.nan, 1], [1, 1]])


def test_errors_of_coordination_of_three_systems() -> None:
    """Shares .6, .2, .2 times three: (.2, .6, .8) becomes (.36, .36, .48); levels above one are cut there."""
    levels = np.array([[0.2, 0.6, 0.8], [0.8, 0.5, 0.5]])
    found = mistakes.coordination(levels)
    c = np.array([(0.36 * 0.36 * 0.48) ** (1 / 3) / 0.4, (1 * 0.3 * 0.3) ** (1 / 3) / (1.6 / 3)])
    np.testing.assert_allclose(found["weights_in_c"], np.sqrt(c * [1.6 / 3, 0.6]), rtol=1e-12)
    np.testing.assert_allclose(found["lost_coefficient"], found["right"] / np.sqrt(3), rtol=1e-12)
    # Of two units the lower has .01 and the higher .99 in each system: D = (ΠU)^(1/6).
    np.testing.assert_allclose(found["rescaled"], [(0.01 * 0.99**2) ** (1 / 6), (0.99 * 0.01**2) ** (1 / 6)])
    # Who is alone has .01 in every system.
    np.testing.assert_allclose(mistakes.coordination(levels[:1])["rescaled"], [0.1], rtol=1e-12)


def test_loadings_of_two_and_of_none() -> None:
    assert reliability.loadings(np.eye(2)).tolist() == [0, 0]
    assert reliability.loadings(np.array([[1, 0.25], [0.25, 1]])).tolist() == [0.5, 0.5]
    gap = np.array([[1, 0.5, 0.5], [0.5, 1, np.nan], [0.5, np.nan, 1]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for without in (np.array([[1, -0.25], [-0.25, 1]]), gap, np.eye(1)):
            assert np.isnan(reliability.loadings(without)).all()


@pytest.mark.parametrize("signs", list(product([1, -1], repeat=3)))
def test_loadings_of_one_factor(signs: tuple[int, ...]) -> None:
    """λ = (.9, .8, .5) and turned: correlations are products; the sum of loadings is not negative."""
    own = np.array([0.9, 0.8, 0.5]) * signs
    r = np.outer(own, own)
    np.fill_diagonal(r, 1)
    np.testing.assert_allclose(reliability.loadings(r), own * np.sign(own.sum()), atol=1e-8)


@pytest.mark.parametrize("sign", [1, -1])
def test_no_loading_is_above_one(sign: int) -> None:
    """Correlations .9, .9, .5 ask for λ₁ = √(.81/.5); held at one, λ₂ = λ₃ = x is the least of 2(x − .9)² + (x² − .5)²."""
    r = np.array([[1, sign * 0.9, sign * 0.9], [sign * 0.9, 1, 0.5], [sign * 0.9, 0.5, 1]])
    x = np.roots([1, 0, 0.5, -0.9])
    x = float(x[np.isreal(x)].real[0])
    np.testing.assert_allclose(reliability.loadings(r), [sign, x, x], atol=1e-6)


@pytest.mark.parametrize(("x", "skewness"), [([0, 1, 3], 0.9352195), ([-1, 0, 1], 0)])
def test_a_column_hardly_skewed_is_not_mirrored(x: list[float], skewness: float) -> None:
    """√6 · m₃/m₂^1.5 with m₃ = 20/27, m₂ = 14/9, and none; neither is below a limit of 0."""
    row = treat.fit(pd.DataFrame({"x": x}, dtype=float), points=0, skew_limit=0.0).iloc[0]
    assert row["stage"] == "log" and row["log_sign"] == 1
    assert row["skew_before"] == pytest.approx(skewness, abs=1e-7)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_logarithm_pulls_in_the_long_tail(sign: int) -> None:
    """1, 2, 4 … 1,024, as it is and mirrored; no point may be moved, so that the logarithm takes the whole column."""
    x = sign * 2.0 ** np.arange(11)
    row = treat.fit(pd.DataFrame({"x": x}), points=0, kurt_limit=0.0).iloc[0]
    assert row["stage"] == "log" and row["log_sign"] == sign
    shift = 0.01 * 1023
    assert (row["log_from"], row["log_shift"]) == (min(sign * x), pytest.approx(shift))
    bounds = (1.0, np.inf) if sign > 0 else (-np.inf, 1024.0)
    assert (row["low"], row["high"]) == (bounds if sign > 0 else (-np.inf, -1.0))
    made = treat.apply(pd.DataFrame({"x": [*x, sign * 0.5]}), pd.DataFrame([row]))["x"]
    by_hand = sign * np.log(2.0 ** np.arange(11) - 1 + shift)
    # A later value beyond the nearer end counts as that end.
    np.testing.assert_allclose(made, [*by_hand, by_hand[0]], rtol=1e-12)
    assert row["moved"] == 0


@pytest.mark.parametrize("column", ["low", "log_low"])
@pytest.mark.parametrize("cell", ["0.5", True, [1]])
def test_numbers_of_a_base_are_numbers_whether_declared_or_in_logs(column: str, cell: object) -> None:
    row = {"indicator": "A1", "stage": "winsor", "low": 0.0, "high": 1.0}
    assert base._table([row | {"log_low": 1}], "treatment")["log_low"].dtype == float
    with pytest.raises(ValueError, match=column):
        base._table([row | {column: cell}], "treatment")
