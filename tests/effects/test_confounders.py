"""Robustness values and benchmarks: against brute force, and against confounders that are there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from estimators.errors import EffectsError
from estimators.robustness.confounders import _value, _value_t, benchmarks, listed, robustness


def sample(seed: int = 1, n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    controls = rng.normal(size=(n, 2)) * [1, 1000]
    x = 0.5 * controls[:, 0] + 0.0002 * controls[:, 1] + rng.normal(size=n)
    return 0.4 * x + controls[:, 0] + rng.normal(size=n), x, controls


def adjusted(y: np.ndarray, x: np.ndarray, controls: np.ndarray, z: np.ndarray) -> float:
    return float(np.linalg.lstsq(np.column_stack([x, controls, z]), y, rcond=None)[0][0])


def test_the_formula_by_hand() -> None:
    """t = 4.18, 783 degrees of freedom: R² = 17.4724/800.4724 = .0218, f² = .02231, RV = (√(f⁴ + 4 f²) − f²)/2 = .1386."""
    f = 4.18 / np.sqrt(783)
    assert f**2 / (1 + f**2) == pytest.approx(0.02183, abs=5e-6)
    assert _value(f) == pytest.approx(0.1386, abs=5e-5)


def test_a_confounder_of_that_strength_takes_the_estimate_away() -> None:
    """Built into the data: z with partial R² of RV with the treatment and, given it, with the outcome."""
    y, x, controls = sample()
    found = robustness(y, x, controls)
    rng = np.random.default_rng(9)
    basis = np.linalg.qr(np.column_stack([x, controls, y, rng.normal(size=len(x))]))[0]
    left_x = x - controls @ np.linalg.lstsq(controls, x, rcond=None)[0]
    residual = (
        y - np.column_stack([x, controls]) @ np.linalg.lstsq(np.column_stack([x, controls]), y, rcond=None)[0]
    )
    a, b, c = left_x / np.linalg.norm(left_x), residual / np.linalg.norm(residual), basis[:, -1]
    rv = found.value
    # Given x, z is the part of b and c: a share RV of it along the residual.
    z = np.sqrt(rv) * a + np.sqrt(1 - rv) * (np.sqrt(rv) * b + np.sqrt(1 - rv) * c)
    assert adjusted(y, x, controls, z) == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize("t", [2.5, 4.2, 12.0, 60.0, 400.0])
def test_the_value_of_a_test_is_the_least_strength_that_turns_it(t: float) -> None:
    """Brute force over all pairs of strengths up to r: the smallest r at which some pair makes t critical."""
    df = 100
    f, critical = t / np.sqrt(df), abs(stats.t.ppf(0.025, df - 1)) / np.sqrt(df - 1)

    def turned(r: float) -> bool:
        grid = np.linspace(0, r, 201)
        r2_y, r2_d = np.meshgrid(grid, grid)
        bias = np.sqrt(r2_y * r2_d / (1 - r2_d))
        error = np.sqrt((1 - r2_y) / (1 - r2_d))
        return bool(((f - bias) <= critical * error).any())

    low, high = 0.0, 1 - 1e-9
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if turned(middle) else (middle, high)
    # The grid's step is r/200.
    assert _value_t(f, critical) == pytest.approx(high, abs=6e-3)
    assert _value_t(critical * 0.99, critical) == 0


def test_a_benchmark_is_what_leaving_the_control_out_would_do() -> None:
    """A control left out is a confounder once as strong as itself, as the others see it: its bias is bounded by the formula."""
    y, x, controls = sample(n=4000)
    found = benchmarks(y, x, controls[:, :1], ["a"], times=[1.0]).iloc[0]
    d = np.linalg.lstsq(controls[:, :1], x, rcond=None)[0]
    r2 = 1 - ((x - controls[:, :1] @ d) ** 2).sum() / (x**2).sum()
    assert found["r2_treatment"] == pytest.approx(r2 / (1 - r2), rel=1e-9)
    assert abs(found["adjusted"]) < abs(robustness(y, x, controls[:, :1]).estimate)
    more = benchmarks(y, x, controls, ["a", "b"])
    assert more.groupby("control")["adjusted"].apply(lambda s: s.is_monotonic_decreasing).all()
    assert (
        more.loc[more["control"] == "b", "adjusted"].iloc[0]
        > more.loc[more["control"] == "a", "adjusted"].iloc[0]
    )


@pytest.mark.parametrize("factor", [1e4, 1e-4, 1e8])
def test_no_unit_matters(factor: float) -> None:
    y, x, controls = sample()
    one, other = robustness(y, x, controls), robustness(y * factor, x / factor, controls * factor)
    assert other.value == pytest.approx(one.value, rel=1e-9) and other.value_t == pytest.approx(
        one.value_t, rel=1e-9
    )
    assert other.estimate == pytest.approx(one.estimate * factor**2, rel=1e-9)
    a, b = benchmarks(y, x, controls, ["a", "b"]), benchmarks(y * factor, x, controls * factor, ["a", "b"])
    np.testing.assert_allclose(b["adjusted"], a["adjusted"] * factor, rtol=1e-8)


def test_absorbed_effects_count() -> None:
    y, x, controls = sample()
    few, many = robustness(y, x, controls), robustness(y, x, controls, absorbed=200)
    assert many.df == few.df - 200 and many.std_error > few.std_error
    assert many.value == pytest.approx(few.value, rel=1e-12), (
        "strength that takes the estimate away knows no error"
    )
    with pytest.raises(EffectsError, match="degrees of freedom"):
        robustness(y, x, controls, absorbed=397)
    with pytest.raises(EffectsError, match="absorb the treatment"):
        robustness(y, controls[:, 0], controls)


def test_all_treatments_in_two_tables() -> None:
    y, x, controls = sample()
    frame = pd.DataFrame({"y": y, "x": x, "a": controls[:, 0], "b": controls[:, 1], "none": 0.0})
    values, strengths = listed(frame, "y", ["x", "none"], ["a", "b"], 10)
    assert values["treatment"].tolist() == ["x"], "a treatment of which the effects leave nothing has no line"
    assert values["value"].iloc[0] == pytest.approx(robustness(y, x, controls, 10).value)
    assert set(strengths["control"]) == {"a", "b"} and strengths["treatment"].eq("x").all()
    assert all(table.empty for table in listed(frame, "y", [], ["a"], 0))
