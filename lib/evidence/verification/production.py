"""Published production functions of Chilean plants, with the estimators of `estimators.production`.

The plants are read from ``../shared/verification`` beside the checkout; where that is absent they are left out, and the
run says so.
"""

from __future__ import annotations

from typing import Any

from estimators.production import estimate
from evidence.verification import staggered
from evidence.verification.compute import Values

NAMES: dict[str, Any] = {
    "output": "Y",
    "free": ["fX1", "fX2"],
    "state": ["sX"],
    "firm": "idvar",
    "year": "timevar",
    "year_effects": False,
    "degree": 2,
}
LABELS = ("skilled labour", "unskilled labour", "capital")
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "Olley-Pakes": ("op", {"proxy": ["inv"]}),
    "Levinsohn-Petrin": ("lp", {"proxy": ["pX"]}),
    "Ackerberg-Caves-Frazer from .5": ("acf", {"proxy": ["pX"], "start": [0.5, 0.5, 0.5]}),
    "Wooldridge, second equation": ("wooldridge", {"proxy": ["pX"]}),
}


def chilean() -> Values:
    """Value added of 497 Chilean plants, 1996–2006, second-degree polynomials and no year effects, as published."""
    data = staggered.read("chilean.csv")
    values: Values = {}
    for name, (method, options) in CALLS.items():
        found = estimate(data, method, **NAMES, **options)
        values |= {(name, label): float(b) for label, b in zip(LABELS, found.theta, strict=True)}
    return values
