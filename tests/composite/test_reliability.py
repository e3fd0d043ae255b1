"""Alpha, omega and ICC against numbers by hand, published ones and another definition."""

import numpy as np
import pandas as pd
import pytest

from fusion.composite import coherence, reliability


def correlated(loads: list[float], rows: int = 400) -> pd.DataFrame:
    """Columns whose sample correlations are λᵢλⱼ to the last digit."""
    target = np.outer(loads, loads)
    np.fill_diagonal(target, 1)
    raw = np.random.default_rng(1).normal(size=(rows, len(loads)))
    raw -= raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T))).T
    return pd.DataFrame(white @ np.linalg.cholesky(target).T)


def test_omega_finds_the_factor_that_made_the_data() -> None:
    loads = np.array([0.9, 0.7, 0.5, 0.3])
    z = correlated(list(loads))
    np.testing.assert_allclose(reliability.loadings(z.corr().to_numpy()), loads, atol=1e-6)
    assert reliability.omega(z) == pytest.approx(
        loads.sum() ** 2 / (loads.sum() ** 2 + (1 - loads**2).sum()), abs=1e-6
    )
    assert reliability.alpha(z) < reliability.omega(z)
    w = np.array([4.0, 3, 2, 1])
    by_hand = (w @ loads) ** 2 / ((w @ loads) ** 2 + (w**2) @ (1 - loads**2))
    assert reliability.omega(z, w) == pytest.approx(by_hand, abs=1e-6)


def test_equal_loadings_make_omega_alpha() -> None:
    z = correlated([0.6] * 5)
    assert reliability.omega(z) == pytest.approx(reliability.alpha(z), abs=1e-6)
    two = correlated([0.6, 0.6])
    assert reliability.omega(two) == pytest.approx(2 * 0.36 / 1.36, abs=1e-9)


def test_what_has_no_reliability_says_so() -> None:
    z = correlated([0.6, 0.6])
    assert np.isnan(reliability.omega(z[[0]]))
    assert np.isnan(reliability.omega(z.assign(**{"1": -z[1]})[[0, "1"]]))
    assert np.isnan(reliability.icc([1.0, 2.0], ["a", "b"]))
    assert np.isnan(reliability.icc([1.0, 1.0, 1.0, 1.0], ["a", "a", "b", "b"]))


def test_scores_whose_sum_does_not_vary_have_no_reliability() -> None:
    """r = −1 makes alpha's denominator 1 + (k − 1) r̄ nothing; so do three columns of which each pair has r = −1/2."""
    x = np.arange(6.0)
    assert np.isnan(reliability.alpha(np.c_[x, -x]))
    turn = np.exp(2j * np.pi * np.outer(np.arange(12), [1]) / 12) * np.exp(2j * np.pi * np.arange(3) / 3)
    np.testing.assert_allclose(np.corrcoef(turn.real.T)[0, 1:], -0.5, atol=1e-12)
    assert np.isnan(reliability.alpha(turn.real))
    # Close to it there is an answer: r = −.9 gives 2 (−.9)/(1 − .9) = −18.
    assert reliability.alpha(correlated([1.0, -0.9])) == pytest.approx(-18, rel=1e-9)
    # Loadings (1, 1, −1) with weights (1, 1, 2) and no weights at all: nothing is left of the sum.
    assert np.isnan(reliability.omega(np.c_[x, x, -x], [1, 1, 2]))
    assert np.isnan(reliability.omega(np.c_[x, x**2, x**3], [0, 0, 0]))
    assert np.isnan(reliability.omega(np.ones((4, 0)))) and np.isnan(reliability.alpha(np.ones((4, 0))))


@pytest.mark.filterwarnings("ignore:invalid value", "ignore:Degrees of freedom", "ignore:divide by zero")
@pytest.mark.parametrize("z", [np.ones((4, 3)), np.ones((1, 3)), np.full((4, 3), np.nan)])
def test_columns_that_do_not_vary_have_no_answer(z: np.ndarray) -> None:
    named = pd.DataFrame(z, columns=["a", "b", "c"])
    assert np.isnan(reliability.alpha(z)) and np.isnan(reliability.omega(z))
    assert coherence.negative(named, named.mean(axis=1))[["correlation", "loading"]].isna().all(axis=None)
    (row,) = coherence.chain_summary(named, dict.fromkeys(named, "it")).to_dict("records")
    assert np.isnan(row["alpha"]) and np.isnan(row["within"]) and row["negative_pairs"] == 0


def test_icc_of_shrout_and_fleiss() -> None:
    """Table 2 of Shrout & Fleiss (1979), four judges of six targets: ICC(1, 1) = .17."""
    judged = np.array(
        [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
    )
    found = reliability.icc(judged.ravel(), np.repeat(range(6), 4))
    assert found == pytest.approx(0.1657, abs=5e-5)


def test_icc_of_unequal_groups_finds_the_share() -> None:
    rng = np.random.default_rng(3)
    size = rng.integers(1, 9, 3000)
    unit = np.repeat(np.arange(3000), size)
    x = rng.normal(0, np.sqrt(0.6), 3000)[unit] + rng.normal(0, np.sqrt(0.4), len(unit))
    # 3,000 units: the standard error of the share is about .012.
    assert reliability.icc(x, unit) == pytest.approx(0.6, abs=0.035)
    assert reliability.icc(np.r_[x, np.nan], np.r_[unit, 5]) == reliability.icc(x, unit)
