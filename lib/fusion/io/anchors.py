"""A table of three sectors worked by hand, recomputed by the functions that the notebooks use.

A = [[.2, .2, 0], [.1, .3, .2], [.1, .2, .3]] and x = (100, 200, 100). det(I − A) = .342, so that 342 L has the
whole numbers [[450, 140, 40], [90, 560, 160], [90, 180, 540]].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fusion.io import algebra

TOLERANCE = 5e-7  # written to six decimals


def rows() -> list[dict[str, Any]]:
    """Hand-worked values beside those computed: dataset, estimator, statistic, published, computed, tolerance."""
    a = np.array([[0.2, 0.2, 0], [0.1, 0.3, 0.2], [0.1, 0.2, 0.3]])
    x = np.array([100.0, 200, 100])
    inverse = algebra.leontief(a)
    forward = algebra.ghosh(algebra.allocation(a * x, x))
    home = algebra.domestic(a, x, imports=[25, 40, 20], exports=[0, 40, 20])
    cases = [
        ("complete coefficient b_32 = 180/342", 0.526316, algebra.complete(a)[2, 1]),
        ("complete coefficient b_22 = 560/342 − 1", 0.637427, algebra.complete(a)[1, 1]),
        ("Ghosh g_12 = 280/342", 0.818713, forward[0, 1]),
        ("influence of 2 = 880/750", 1.173333, algebra.influence(inverse)[1]),
        ("sensitivity of 3 = 810/750", 1.080000, algebra.sensitivity(inverse)[2]),
        ("sensitivity of 3, Ghosh = 990/815", 1.214724, algebra.sensitivity(forward)[2]),
        ("domestic coefficients .8 · .2 + .8 · .3 + .8 · .3", 0.640000, np.trace(home)),
    ]
    return [
        {
            "dataset": "anchor",
            "estimator": "input–output, 3×3",
            "statistic": statistic,
            "published": published,
            "computed": float(computed),
            "tolerance": TOLERANCE,
        }
        for statistic, published, computed in cases
    ]
