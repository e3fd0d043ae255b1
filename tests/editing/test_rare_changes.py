"""The share of rare changes, from the closed form of Student's law with three degrees of freedom."""

from __future__ import annotations

from math import atan, exp, pi, sqrt

import numpy as np
import pytest

from fusion.editing.chains import rare


def _below(x: float) -> float:
    return 0.5 + (x / sqrt(3) / (1 + x * x / 3) + atan(x / sqrt(3))) / pi


def test_share_of_rare_changes_by_hand() -> None:
    """Of 100 known changes 6 lie between .45 and .8, and 3 between 1.2 and 2.8."""
    change = np.array([0.5] * 4 + [-0.7] * 2 + [-1.5] * 3 + [0.01] * 91 + [np.nan] * 5)
    sigma, b = 0.05, 0.8
    ranges = ((0.45, 0.8), (1.2, 2.8))
    ordinary = sum(2 * (_below(high / sigma) - _below(low / sigma)) for low, high in ranges)
    heavy = sum(exp(-low / b) - exp(-high / b) for low, high in ranges)
    assert rare(change, sigma, b, 0.5) == pytest.approx((0.09 - ordinary) / heavy, rel=1e-9)
