"""Published dynamic-panel estimates, with the call of notebook 07.

EmplUK and RDPerfComp are read from ``../shared/verification`` beside the checkout; where that is absent they are left
out, and the run says so.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from estimators.engines.gmm import Gmm, dynamic_panel
from evidence.verification import staggered
from evidence.verification.compute import Values

A = ["L1.n", "L2.n", "w", "L1.w", "k", "L1.k", "L2.k", "ys", "L1.ys", "L2.ys"]
B = ["L1.n", "L2.n", "w", "L1.w", "k", "ys", "L1.ys"]
PRODUCTION = ["n", "L1.n", "k", "L1.k", "L1.y"]


def empluk() -> Values:
    """Employment in 140 UK firms, 1976–1984 (Arellano & Bond 1991, table 4, columns a1, a2 and b)."""
    data = staggered.read("EmplUK.csv")
    logs = {"n": "emp", "w": "wage", "k": "capital", "ys": "output"}
    data = data.assign(**{name: np.log(data[column]) for name, column in logs.items()})
    lags = {"n": (2, None)}
    one = dynamic_panel(data, "n", A, lags, iv=A[2:], unit="firm", steps=1)
    two = dynamic_panel(data, "n", A, lags, iv=A[2:], unit="firm", steps=2)
    few = dynamic_panel(data, "n", B, lags, iv=B[2:], unit="firm", steps=2)
    values = _coefficients("difference GMM a1", one, one.std_error)
    values |= _coefficients("difference GMM a2", two, two.std_error_plain)
    values |= _coefficients("difference GMM b", few, few.std_error_plain)
    return values | {
        ("difference GMM a1", "Sargan"): one.sargan.statistic,
        ("difference GMM a1", "Sargan df"): float(one.sargan.freedom),
        ("difference GMM a1", "m2"): one.ar[2].statistic,
        ("difference GMM a2", "Sargan"): two.hansen.statistic,
        ("difference GMM b", "Sargan"): few.hansen.statistic,
        ("difference GMM b", "corrected se L1.n"): float(few.std_error[0]),
    }


def rdperfcomp() -> Values:
    """Production functions of 509 US manufacturers, 1982–1989 (Blundell & Bond 2000, table III)."""
    from linearmodels.panel import PanelOLS

    data = staggered.read("RDPerfComp.csv")
    lagged = data.assign(year=data["year"] + 1)[["id", "year", "y", "n", "k"]]
    lagged = lagged.rename(columns={"y": "L1.y", "n": "L1.n", "k": "L1.k"})
    panel = data.merge(lagged, on=["id", "year"]).set_index(["id", "year"])
    values: Values = {}
    for name, unit in (("OLS", False), ("within", True)):
        fit = PanelOLS(panel["y"], panel[PRODUCTION], entity_effects=unit, time_effects=True).fit()
        values |= {(name, term): float(fit.params[term]) for term in PRODUCTION}
    for first in (2, 3):
        lags = dict.fromkeys(("y", "n", "k"), (first, None))
        one = dynamic_panel(data, "y", PRODUCTION, lags, unit="id", steps=1)
        values |= _coefficients(f"difference GMM t-{first}", one, one.std_error)
    return values


def _coefficients(name: str, fit: Gmm, errors: np.ndarray) -> Values:
    pairs = pd.DataFrame({"b": fit.estimate, "se": errors}, index=fit.names)
    return {(name, str(t)): float(b) for t, b in pairs["b"].items()} | {
        (name, f"se {t}"): float(se) for t, se in pairs["se"].items()
    }
