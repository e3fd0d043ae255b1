"""The test for a U against its definition, brute force and simulation."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from estimators.errors import EffectsError
from estimators.robustness.ushape import fieller, of_fit, u_test

V = np.array([[0.04, -0.03], [-0.03, 0.025]])


def test_by_hand() -> None:
    # Slopes -1 + 2·1·0 = -1 and -1 + 2·1·2 = 3; variances 0.04 and 0.04 - 8·0.03 + 16·0.025 = 0.2.
    found = u_test(-1.0, 1.0, V, 0.0, 2.0, 50, x=[0.1, 0.2, 0.6, 1.9])
    assert found.shape == "u" and found.turn == 0.5 and found.left_share == 0.5
    assert (found.slope_low, found.slope_high) == (-1.0, 3.0)
    assert (found.t_low, found.t_high) == pytest.approx((-1 / 0.2, 3 / np.sqrt(0.2)))
    assert found.p_value == pytest.approx(max(stats.t.sf(5, 50), stats.t.sf(3 / np.sqrt(0.2), 50)))


def test_the_same_curve_told_along_its_range_is_the_same_test_and_has_more_digits() -> None:
    """Far from zero x and x² are nearly one column: their turning point has few digits, and the other's all."""
    rng = np.random.default_rng(3)
    z = np.concatenate([[-1.0, 1.0], rng.uniform(-1, 1, 298)])
    y = (z - 0.2) ** 2 + rng.normal(0, 0.1, 300)

    def fitted(x: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        design = np.column_stack([np.ones(300), x, x**2])[order]
        b, rest = np.linalg.lstsq(design, y[order], rcond=None)[:2]
        return b[1:], (np.linalg.pinv(design.T @ design, rcond=1e-20) * rest[0] / 297)[1:, 1:]

    x = 3 + 2 * z
    plain, v = fitted(x, np.arange(300))
    direct = u_test(*plain, v, 1.0, 5.0, 297, x=x)
    b, w = fitted(z, np.arange(300))
    moved = u_test(*b, w, 1.0, 5.0, 297, x=x, along=True)
    assert moved.shape == direct.shape
    assert moved[1:] == pytest.approx(direct[1:], rel=1e-7)
    turns = set()
    for seed in range(8):
        b, w = fitted(z, np.random.default_rng(seed).permutation(300))
        found = u_test(*b, w, 1.0, 5.0, 297, along=True)
        turns.add((f"{found.turn_low:.12g}", f"{found.turn_high:.12g}", f"{found.p_value:.12g}"))
    assert len(turns) == 1


def test_inverted_u_is_the_mirror() -> None:
    up, down = u_test(-1.0, 1.0, V, 0.0, 2.0, 50), u_test(1.0, -1.0, V, 0.0, 2.0, 50)
    assert down.shape == "inverse_u"
    assert (up.p_value, up.turn, up.turn_low) == (down.p_value, down.turn, down.turn_low)


def test_a_turning_point_outside_the_data_is_no_u() -> None:
    assert u_test(-1.0, 0.1, V / 1e4, 0.0, 2.0, 50).p_value > 0.99


def test_fieller_holds_exactly_the_points_that_are_not_rejected() -> None:
    low, high = fieller(-1.0, 1.0, V, 1.96)
    m = np.linspace(-3, 3, 60_001)
    inside = (-1 + 2 * m) ** 2 <= 1.96**2 * (V[0, 0] + 4 * m * V[0, 1] + 4 * m**2 * V[1, 1])
    # The grid's step is 1e-4.
    assert (low, high) == pytest.approx((m[inside].min(), m[inside].max()), abs=1e-4)
    assert fieller(-1.0, 0.2, V, 1.96) == (-np.inf, np.inf)  # the square itself is not told from zero


@pytest.mark.parametrize(("turn", "most", "least"), [(0.5, 1.0, 0.9), (1.0, 0.08, 0.0)])
def test_power_and_size_in_simulation(turn: float, most: float, least: float) -> None:
    # With the turning point at the end of the data the null holds at its edge: at most 5 % of rejections; 400 draws,
    # so that 8 % is almost three standard errors (1.1 points) above.
    rng = np.random.default_rng(5)
    rejected = []
    for _ in range(400):
        x = rng.uniform(0, 1, 300)
        design = np.column_stack([np.ones(300), x, x**2])
        y = (x - turn) ** 2 * 4 + rng.normal(0, 0.5, 300)
        b, rest = np.linalg.lstsq(design, y, rcond=None)[:2]
        v = np.linalg.inv(design.T @ design) * rest[0] / 297
        rejected.append(u_test(b[1], b[2], v[1:, 1:], 0.0, 1.0, 297).p_value <= 0.05)
    assert least <= np.mean(rejected) <= most


def test_says_what_is_wrong() -> None:
    with pytest.raises(EffectsError, match="low must be below high"):
        u_test(1, 1, V, 2, 1, 10)
    with pytest.raises(EffectsError, match="positive variances"):
        u_test(1, 1, np.zeros((2, 2)), 0, 1, 10)


def test_a_fit_is_tested_on_the_range_of_its_regressor() -> None:
    x = pd.Series([0.0, 0.2, 0.6, 2.0])
    names = ["x", "square"]
    fit = SimpleNamespace(
        coef=lambda: pd.Series([9.0, 1.0, -1.0], index=["other", "square", "x"]),
        vcov=lambda: pd.DataFrame(V, names, names),
        freedom=50,
    )
    assert of_fit(fit, names, x, 0.1) == u_test(-1.0, 1.0, V, 0.0, 2.0, 50, 0.1, x, along=True)
