"""Published coefficients of Chilean plants (prodest 1.0.1, vignette)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from estimators.production import estimate

FILE = Path(__file__).resolve().parents[3] / "shared" / "verification" / "chilean.csv"
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="../shared/verification is not present")
NAMES: dict[str, Any] = {
    "output": "Y",
    "free": ["fX1", "fX2"],
    "state": ["sX"],
    "firm": "idvar",
    "year": "timevar",
    "year_effects": False,
    "degree": 2,
}
# Half a unit of the last printed digit.
ROUNDING = 0.00051


@pytest.fixture(scope="module")
def plants() -> pd.DataFrame:
    return pd.read_csv(FILE)


@pytest.mark.parametrize(
    ("method", "options", "published", "tolerance"),
    [
        ("op", {"proxy": ["inv"]}, [0.314, 0.256, 0.168], ROUNDING),
        ("lp", {"proxy": ["pX"]}, [0.199, 0.169, 0.117], ROUNDING),
        # A flat minimum: the published numbers are where the search of the time stopped, at a
        # criterion a little above it, within .005.
        ("acf", {"proxy": ["pX"], "start": [0.1, 0.1, 0.1]}, [0.154, 0.158, 0.138], 0.0055),
        ("acf", {"proxy": ["pX"], "start": [0.5, 0.5, 0.5]}, [0.646, 0.644, 0.251], ROUNDING),
        ("wooldridge", {"proxy": ["pX"]}, [0.255, 0.218, 0.160], ROUNDING),
    ],
)
def test_published_coefficients(
    plants: pd.DataFrame, method: str, options: dict[str, Any], published: list[float], tolerance: float
) -> None:
    found = estimate(plants, method, **NAMES, **options)
    assert found.converged
    assert found.theta == pytest.approx(published, abs=tolerance)
