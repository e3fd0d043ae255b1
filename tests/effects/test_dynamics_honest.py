"""Bounds and the power of the pre-trend test, against closed forms and simulation."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from estimators.effects import honest, pretrend
from estimators.errors import EffectsError


def coefficients(values: dict[int, float], sd: float = 0.1) -> tuple[pd.Series, pd.DataFrame]:
    estimate = pd.Series(values)
    return estimate, pd.DataFrame(np.eye(len(estimate)) * sd**2, estimate.index, estimate.index)


def test_no_violation_allowed_is_the_usual_interval() -> None:
    """With M = 0 and one event time after the start, the moments are equalities δ = 0: about ± 1.96 se."""
    b, v = coefficients({-3: 0.05, -2: -0.1, 0: 0.5})
    row = honest.relative_magnitudes(b, v, [0.0]).iloc[0]
    # The hybrid spends a tenth of its size on the first stage, which widens or narrows ends by under 10 % of an se
    # when nothing is near the first stage's edge.
    assert row["ci_low"] == pytest.approx(0.5 - 1.96 * 0.1, abs=0.02)
    assert row["ci_high"] == pytest.approx(0.5 + 1.96 * 0.1, abs=0.02)


def test_intervals_widen_as_violations_may_grow() -> None:
    b, v = coefficients({-3: 0.05, -2: -0.1, 0: 0.5, 1: 0.7})
    table = honest.relative_magnitudes(b, v, [0.0, 0.5, 1.0, 2.0])
    assert (table["ci_low"].diff().dropna() < 0).all() and (table["ci_high"].diff().dropna() > 0).all()
    # Without noise the set is known: changes of at most M·0.15 add up to (1 + 2)/2 · M · 0.15 in the mean effect.
    b, v = coefficients({-3: 0.05, -2: -0.1, 0: 0.5, 1: 0.7}, sd=1e-5)
    exact = honest.relative_magnitudes(b, v, [1.0]).iloc[0]
    # 1e-4 is ten standard errors.
    assert exact["ci_low"] == pytest.approx(0.6 - 0.225, abs=1e-4)
    assert exact["ci_high"] == pytest.approx(0.6 + 0.225, abs=1e-4)


def test_coverage_under_a_violation_at_the_bound() -> None:
    """δ moves by 0.1 once before and by 0.1 after the start, M = 1: the truth lies on the edge of the identified set."""
    rng, covered, draws = np.random.default_rng(5), 0, 120
    for _ in range(draws):
        noise = rng.normal(0, 0.05, 3)
        b, v = coefficients({-3: 0.0 + noise[0], -2: -0.1 + noise[1], 0: 0.3 + 0.1 + noise[2]}, sd=0.05)
        row = honest.relative_magnitudes(b, v, [1.0]).iloc[0]
        covered += row["ci_low"] <= 0.3 <= row["ci_high"]
    # At least 95 % in truth; with 120 draws below 107 happens with probability 0.4 % at exactly 95 %.
    assert covered >= stats.binom.ppf(0.004, draws, 0.95)


def test_breakdown_is_where_zero_enters() -> None:
    table = pd.DataFrame({"m": [0.0, 1.0, 2.0], "ci_low": [0.2, 0.1, -0.1], "ci_high": [0.4, 0.5, 0.6]})
    assert honest.breakdown(table) == pytest.approx(1.5)
    assert honest.breakdown(table.iloc[:2]) == np.inf
    assert honest.breakdown(table.assign(ci_low=-1.0)) == 0
    mirrored = table.assign(ci_low=-table["ci_high"], ci_high=-table["ci_low"])
    assert honest.breakdown(mirrored) == pytest.approx(1.5)


def test_bad_windows_are_named() -> None:
    b, v = coefficients({-3: 0.1, 0: 0.2})
    with pytest.raises(EffectsError, match="have gaps"):
        honest.relative_magnitudes(b, v, [1.0])
    with pytest.raises(EffectsError, match="found 0 and 1"):
        honest.relative_magnitudes(*coefficients({0: 0.2}), [1.0])
    seven = coefficients({-2: 0.1, **dict.fromkeys(range(7), 0.1)})
    with pytest.raises(EffectsError, match=r"hold 0\.500 of the average's weights"):
        honest.relative_magnitudes(*seven, [1.0], weights=pd.Series({0: 0.5, 7: 0.5}))


def brute_force(lags: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """All bases of {γ ≥ 0, N′lags′γ = 0, scale′γ = 1}, one after the other."""
    null = np.linalg.svd(mean[None, :])[2][1:].T
    equations = np.column_stack([lags @ null, scale]).T
    found = []
    for basis in combinations(range(equations.shape[1]), len(equations)):
        system = equations[:, basis]
        if abs(np.linalg.det(system)) > 1e-10:
            weights = np.linalg.solve(system, np.r_[np.zeros(len(equations) - 1), 1.0])
            if (weights >= -1e-9).all():
                gamma = np.zeros(equations.shape[1])
                gamma[list(basis)] = np.maximum(weights, 0)
                found.append(gamma)
    return np.unique(np.round(found, 9), axis=0)


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_vertices_of_the_dual_are_those_of_all_bases(after: int) -> None:
    rng = np.random.default_rng(after)
    change = np.eye(after) - np.eye(after, k=-1)
    mean = rng.dirichlet(np.ones(after))
    lags, scale = np.vstack([change, -change]), rng.uniform(0.5, 2, 2 * after)
    closed = np.unique(np.round(honest._vertices(lags, mean, scale), 9), axis=0)
    np.testing.assert_allclose(closed, brute_force(lags, mean, scale), atol=1e-8)


def test_the_average_keeps_its_weights() -> None:
    """Without noise and violations the interval is the weighted mean; nine years after the start are not too many."""
    values = {-3: 0.0, -2: 0.0} | {e: 0.1 * e for e in range(9)}
    weights = pd.Series({0: 0.5, 4: 0.25, 8: 0.25})
    b, v = coefficients(values, sd=1e-6)
    relative = honest.relative_magnitudes(b, v, [0.0], weights=weights).iloc[0]
    straight = honest.smoothness(b, v, [0.0], weights=weights).iloc[0]
    for row in (relative, straight):
        # 0.25 · 0.4 + 0.25 · 0.8; ends are a few standard errors of 1e-6 away, times the distance of a straight line.
        assert row["ci_low"] == pytest.approx(0.3, abs=5e-5) and row["ci_high"] == pytest.approx(
            0.3, abs=5e-5
        )
    # A change of at most δ a year: the mean of 1, 5, 9 steps with weights ½, ¼, ¼ is 4 steps.
    b, v = coefficients({-3: 0.1, -2: 0.0} | dict.fromkeys(range(9), 0.0), sd=1e-6)
    row = honest.relative_magnitudes(b, v, [1.0], weights=weights).iloc[0]
    assert row["ci_high"] == pytest.approx(0.4, abs=1e-4) and row["ci_low"] == pytest.approx(-0.4, abs=1e-4)


def test_power_of_the_joint_test() -> None:
    """Against simulation with a covariance that is not diagonal, and against the slope it promises to find."""
    leads = [-5, -4, -3, -2]
    root = np.array([[0.03, 0, 0, 0], [0.01, 0.025, 0, 0], [0.01, 0.005, 0.02, 0], [0.008, 0, 0.01, 0.02]])
    v = pd.DataFrame(root @ root.T, index=[*leads], columns=[*leads]).reindex([*leads, 0], fill_value=0.0)
    v = v.reindex(columns=[*leads, 0], fill_value=0.0)
    v.loc[0, 0] = 1.0
    result = pretrend.joint_test(pd.Series(0.0, index=[*leads, 0]), v, slope=0.015)
    assert result.df == 4 and result.statistic == 0 and result.p_value == 1
    rng = np.random.default_rng(7)
    draws = rng.normal(size=(20_000, 4)) @ root.T + 0.015 * (np.array(leads) + 1)
    inverse = np.linalg.inv(root @ root.T)
    rejected = (np.einsum("ij,jk,ik->i", draws, inverse, draws) > stats.chi2.isf(0.05, 4)).mean()
    assert result.power == pytest.approx(rejected, abs=0.015)  # four standard errors of 20,000 draws
    again = pretrend.joint_test(pd.Series(0.0, index=[*leads, 0]), v, slope=result.detectable)
    assert again.power == pytest.approx(0.8, abs=1e-6)  # the root is found to 1e-12
    assert result.implied_bias == pytest.approx(result.detectable)


def test_no_leads_is_said() -> None:
    b, v = coefficients({0: 0.1})
    with pytest.raises(EffectsError, match="no coefficient before the base period -1"):
        pretrend.joint_test(b, v)


def test_smoothness_against_diff_diff_and_a_straight_line() -> None:
    """The same intervals as diff-diff's where that one runs, and never longer."""
    from diff_diff.honest_did import _compute_optimal_flci

    times = [-5, -4, -3, -2, 0, 1]
    root = 0.01 * (np.tril(np.full((6, 6), 0.4)) + np.eye(6))
    v = pd.DataFrame(root @ root.T, times, times)
    b = pd.Series([0.0, 0.004, 0.006, 0.013, 0.05, 0.06], times)
    ours = honest.smoothness(b, v, [0.0, 0.002])
    for row in ours.itertuples():
        low, high = _compute_optimal_flci(
            b.to_numpy()[:4], b.to_numpy()[4:], v.to_numpy(), np.array([0.5, 0.5]), 4, 2, row.m, 0.05
        )[:2]
        # Two numerical minimisers of one convex function: a hundredth of a standard error.
        assert row.ci_low == pytest.approx(low, abs=2e-4) and row.ci_high == pytest.approx(high, abs=2e-4)
        assert row.ci_high - row.ci_low <= high - low + 1e-9
    # A straight line through leads and lags is no effect at all under M = 0.
    line = pd.Series([0.01 * (t + 1) for t in times], times)
    zero = honest.smoothness(line, v, [0.0]).iloc[0]
    assert zero["ci_low"] + zero["ci_high"] == pytest.approx(0, abs=1e-9)
    # Where the bias is many standard errors (there diff-diff overflows) the interval still grows with M.
    wide = honest.smoothness(b, v, [0.1, 1.0])
    assert np.isfinite(wide.to_numpy()).all() and wide["ci_high"].is_monotonic_increasing


def test_leads_by_signs() -> None:
    """By hand, against every sign written out, and at its size where χ² rejects too often."""
    # 1 + 1 + 1 = 3, V = 3, W = 3; of eight sign vectors the two of one sign are as large.
    assert pretrend.by_signs(np.ones((3, 1))) == (pytest.approx(3), 0.25)
    # 3 + 1 = 4, V = 10, W = 1.6; signs alike: 2 of 4. A cluster of zeros counts for nothing.
    assert pretrend.by_signs(np.array([[3.0], [0.0], [1.0]])) == (pytest.approx(1.6), 0.5)
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(9, 2)) * [1, 1e6]
    inverse = np.linalg.inv(scores.T @ scores)
    written = [np.array(s) @ scores for s in product((-1, 1), repeat=9)]
    large = [b @ inverse @ b for b in written]
    statistic, p_value = pretrend.by_signs(scores)
    assert statistic == pytest.approx(large[-1], rel=1e-9)
    assert p_value == (np.array(large) >= large[-1] * (1 - 1e-9)).mean()
    drawn = [pretrend.by_signs(rng.standard_t(4, size=(30, 4)), draws=199) for _ in range(400)]
    assert np.mean([p <= 0.05 for _, p in drawn]) == pytest.approx(0.05, abs=0.033)  # three errors of 400
    b = pd.DataFrame(scores, columns=[-3, -2])
    found = pretrend.joint_test(b.sum(), b.T @ b, scores=b)
    assert (found.statistic, found.p_value) == pretrend.by_signs(scores)
