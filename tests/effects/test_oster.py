"""Selection on unobservables against populations made so that its degree is known."""

from __future__ import annotations

import numpy as np
import pytest

from estimators.errors import EffectsError
from estimators.robustness.oster import Moments, along, delta, effects_at, moments, selection


def population(
    beta: float, degree: float, var_1: float = 1.0, var_2: float = 0.7, cov_1: float = 0.4
) -> tuple[Moments, float]:
    """Exact moments of y = βX + W₁ + W₂ + ε with Cov(W₂,X)/Var(W₂) = δ Cov(W₁,X)/Var(W₁), W₁ ⊥ W₂."""
    cov_2 = degree * cov_1 / var_1 * var_2
    # Columns X, W₁, W₂, ε: y by their covariance.
    s = np.array([[2.0, cov_1, cov_2, 0], [cov_1, var_1, 0, 0], [cov_2, 0, var_2, 0], [0, 0, 0, 0.5]])
    a = np.array([beta, 1.0, 1.0, 1.0])
    var_y, with_y = a @ s @ a, s @ a
    short = with_y[0] / s[0, 0]
    long = np.linalg.solve(s[:2, :2], with_y[:2])
    made = Moments(
        short,
        short * with_y[0] / var_y,
        long[0],
        long @ with_y[:2] / var_y,
        var_y,
        s[0, 0],
        s[0, 0] - cov_1**2 / var_1,
    )
    return made, 1 - 0.5 / var_y


@pytest.mark.parametrize("degree", [-0.6, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("beta", [-0.3, 0.0, 0.8])
def test_recovers_the_known_degree_and_effect(beta: float, degree: float) -> None:
    m, most = population(beta, degree)
    # Population moments are exact, so that rounding alone is left.
    assert delta(m, most, beta) == pytest.approx(degree, rel=1e-9)
    assert min(abs(root - beta) for root in effects_at(m, most, degree)) < 1e-9


def test_closed_form_by_hand() -> None:
    # β° = 1, R° = .2, β~ = .5, R~ = .5, R_max = .65, σ_y² = 2, σ_x² = 1, τ = .8, effect 0, so b = .5:
    # top: .5·.6·.8 + .5·.8·.25 + 2·.25·.8·.5 + .125·.8·.2 = .24 + .1 + .2 + .02 = .56
    # bottom: .3·.5 + .5·.3·.2 + .25·.8·.5 + .125·.8·.2 = .15 + .03 + .1 + .02 = .3
    m = Moments(1.0, 0.2, 0.5, 0.5, 2.0, 1.0, 0.8)
    assert delta(m, 0.65) == pytest.approx(0.56 / 0.3, rel=1e-12)


def test_effect_at_equal_selection_undoes_delta() -> None:
    rng = np.random.default_rng(1)
    w = rng.normal(size=(500, 2))
    x = w @ [0.5, 0.2] + rng.normal(size=500)
    y = 0.4 * x + w @ [1.0, -0.5] + rng.normal(size=500)
    found = selection(y, x, w)
    m = moments(y, x, w)
    assert found.r2_max == pytest.approx(1.3 * found.r2_long)
    for root in found.roots:
        assert delta(m, found.r2_max, root) == pytest.approx(1.0, rel=1e-6)  # roots of a cubic, to rounding
    assert found.beta_star in found.roots
    assert found.delta == delta(m, found.r2_max, 0.0)


def test_says_what_is_wrong() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 50))
    with pytest.raises(EffectsError, match="controls: none"):
        selection(y, x, np.empty((50, 0)))
    with pytest.raises(EffectsError, match="absorb"):
        selection(y, x, x[:, None])
    with pytest.raises(EffectsError, match=r"r2_max = 1\.2"):
        selection(y, x, rng.normal(size=(50, 1)), r2_max=1.2)


@pytest.mark.parametrize(("y_unit", "x_unit"), [(1e8, 1.0), (1e-4, 1e4), (1.0, 1e-8)])
def test_no_root_depends_on_units(y_unit: float, x_unit: float) -> None:
    rng = np.random.default_rng(4)
    w = rng.normal(size=(400, 2)) + 1e3
    x = (w - 1e3) @ [0.5, 0.2] + rng.normal(size=400)
    y = 0.4 * x + (w - 1e3) @ [1.0, -0.5] + rng.normal(size=400)
    one, other = selection(y, x, w), selection(y * y_unit, x * x_unit, w * 1e6)
    assert other.delta == pytest.approx(one.delta, rel=1e-6)
    assert len(other.roots) == len(one.roots)
    np.testing.assert_allclose(np.array(other.roots) * x_unit / y_unit, one.roots, rtol=1e-6)


def test_a_curve_is_selection_at_each_bound() -> None:
    rng = np.random.default_rng(5)
    w = rng.normal(size=(300, 2))
    x = w @ [0.5, 0.2] + rng.normal(size=300)
    y = 0.4 * x + w @ [1.0, -0.5] + rng.normal(size=300)
    table = along(y, x, w, [0.99, 0.1, 0.8, 1.0])
    assert table["r2_max"].tolist() == [0.8, 0.99, 1.0]  # with controls it is above .1
    for row in table.itertuples():
        found = selection(y, x, w, r2_max=row.r2_max)
        assert (row.delta, row.beta_star) == (found.delta, found.beta_star)
    assert table["delta"].is_monotonic_decreasing
    assert not table["against"].any() and not found.against
    away = y - 2 * w @ [
        1.0,
        -0.5,
    ]  # without controls the effect is too small: what is like them hides more of it
    assert along(away, x, w, [0.99])["against"].all() and selection(away, x, w).against
    with pytest.raises(EffectsError, match="finite"):
        selection(np.where(x > 2, np.nan, y), x, w)
