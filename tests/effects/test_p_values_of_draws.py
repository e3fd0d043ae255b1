"""No draw is as large as what was found: p is one over the draws and one, never nothing; what can be enumerated is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators.effects import pretrend
from estimators.engines.wildboot import wild_bootstrap
from estimators.robustness import multiplicity, speccurve, threshold
from fusion.evaluation.cards import gap


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    """40 units × 6 years in 20 districts: y jumps by 50 with d, and by 50 more where q is above a half; little noise."""
    rng = np.random.default_rng(8)
    unit, year = np.repeat(np.arange(40), 6), np.tile(np.arange(2010, 2016), 40)
    d, q = rng.integers(0, 2, 240), rng.random(240)
    y = 50 * d * (1 + (q > 0.5)) + rng.normal(size=240)
    return pd.DataFrame(
        {"firm_id": unit, "year": year, "district": unit // 2, "d": d.astype(float), "q": q, "y": y}
    )


def test_a_family() -> None:
    """19 draws below 3: the first hypothesis has 1/20; of the second 9 draws are as large: (1 + 9)/20."""
    drawn = np.column_stack([np.full(19, 0.5), np.r_[np.full(9, 2.0), np.full(10, 0.1)]])
    assert multiplicity.romano_wolf([10.0, 1.5], drawn).tolist() == [1 / 20, 10 / 20]


def test_a_curve_of_specifications() -> None:
    found = speccurve.joint_test(np.array([5.0, 6.0]), np.tile([[0.1], [-0.2]], 19))
    assert (found.median_p, found.same_sign_p) == (1 / 20, 1 / 20)
    tied = speccurve.joint_test(np.array([5.0, 6.0]), np.tile([[5.0], [6.0]], 19))
    assert (tied.median_p, tied.same_sign_p) == (1, 1)


def test_a_bootstrap(panel: pd.DataFrame) -> None:
    found = wild_bootstrap("y ~ d | firm_id + year", panel, "district", "d", 199)
    assert found.p_value == found.least == 1 / 200


def test_a_threshold(panel: pd.DataFrame) -> None:
    found = threshold.thresholds(panel, "y", "d", "q", draws=19, candidates=30).table()
    assert found["p_value"].iloc[0] == 1 / 20


def test_signs_of_leads() -> None:
    """Five clusters that agree: only all signs alike are as large, 2 of 32. Twelve: drawn, 2 of 4,096."""
    assert pretrend.by_signs(np.ones((5, 1)))[1] == 2 / 32
    statistic, p = pretrend.by_signs(np.ones((12, 1)), seed=1, draws=99)
    assert statistic == pytest.approx(12) and p * 100 == pytest.approx(round(p * 100)) and p >= 1 / 100


def test_placebos_of_a_pilot_unit() -> None:
    """Nine peers that stay where they are: the unit is the first of ten."""
    names = ["own", *"abcdefghi"]
    change = np.r_[10.0, 0.1 * np.arange(9)]
    outcome = pd.DataFrame({2010: 0.0, 2011: change}, index=names)
    assert gap(outcome, "own", names[1:], 2011).p_value == 1 / 10
    assert gap(outcome * 0.0, "own", names[1:], 2011).p_value == 1
