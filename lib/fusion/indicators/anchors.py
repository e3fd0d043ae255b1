"""Cases worked by hand, recomputed by the functions that the notebooks use."""

from __future__ import annotations

from typing import Any

import numpy as np

from fusion.composite.coupling import coordination, coupling, level
from fusion.composite.weights import entropy, entropy_weights

# Printed to four decimals: half a unit of the last one.
TOLERANCE = 5e-5


def rows() -> list[dict[str, Any]]:
    """Anchor cases as rows: dataset, estimator, statistic, published, computed, tolerance."""
    return [*_entropy(), *_coupling()]


def checked(estimator: str, statistic: str, published: float, computed: float) -> dict[str, Any]:
    """A row of the verification table."""
    return {
        "dataset": "anchor",
        "estimator": estimator,
        "statistic": statistic,
        "published": published,
        "computed": float(computed),
        "tolerance": TOLERANCE,
    }


def _entropy() -> list[dict[str, Any]]:
    """Three units, two indicators: x1 = (1, 2, 3), x2 = (0, 0, 1), min–max."""
    z = np.array([[0, 0], [0.5, 0], [1, 1.0]])
    e, w = entropy(z), entropy_weights(z)
    values = [("e1", 0.5794, e[0]), ("e2", 0.0, e[1]), ("w1", 0.2961, w[0]), ("w2", 0.7039, w[1])]
    values += [
        (f"score{i + 1}", p, s) for i, (p, s) in enumerate(zip((0.0, 0.1480, 1.0), z @ w, strict=True))
    ]
    return [
        checked("entropy weights, 3×2", name, published, computed) for name, published, computed in values
    ]


def _coupling() -> list[dict[str, Any]]:
    """Two systems at U = (.64, .36)."""
    u = [0.64, 0.36]
    published = {"standard": (0.9600, 0.6928), "wang": (0.6364, 0.5641), "fan": (0.7200, 0.6000)}
    found = [checked("coupling, U = (.64, .36)", "T", 0.5, level(u).item())]
    for form, (c, d) in published.items():
        found.append(checked(f"coupling, U = (.64, .36), {form}", "C", c, coupling(u, form).item()))
        found.append(checked(f"coupling, U = (.64, .36), {form}", "D", d, coordination(u, form).item()))
    return found
